"""The append-only store: what readers said, once and for all.

A file is never changed or replaced. A correction is a new reading that names what it
supersedes. A record always has its object: the object is on the disk before the record gets
its name, so a crash can leave an object without a record (which `ReadingStore.verify` names)
and nothing worse. `herntrack.readings.store_layout` says where the files lie.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydicom.dataset import Dataset

from herntrack._typing import MaskZYX
from herntrack.dicom.uids import derived_uid
from herntrack.errors import GeometryMismatchError, ReadingError
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.records import Lesion, Reading
from herntrack.model.sentences import sentence
from herntrack.model.vocabulary import ReadingStatus
from herntrack.readings.atomic_files import new_file
from herntrack.readings.record_json import (
    lesion_from_json,
    lesion_to_json,
    moment_to_text,
    reading_from_json,
    reading_to_json,
)
from herntrack.readings.store_layout import StoreLayout, sha256_of
from herntrack.readings.verification import (
    ReadableRecords,
    Record,
    StoreProblem,
    find_problems,
    object_problem,
    read_record,
    readable_records,
    with_successors,
)

if TYPE_CHECKING:
    from herntrack.readings.segment_placement import SourceImage

__all__ = ["ReadingStore", "StoreProblem"]


class ReadingStore:
    """Lesions and readings of one workspace.

    Parameters
    ----------
    folder : Path
        The store; made when first written to.
    """

    def __init__(self, folder: Path) -> None:
        self._layout = StoreLayout(folder)

    @property
    def folder(self) -> Path:
        """The store's folder."""
        return self._layout.folder

    def add_lesion(self, lesion: Lesion) -> None:
        """Record a new lesion.

        Raises
        ------
        ReadingError
            If it is there already, or its UID is none.
        """
        path = self._layout.lesion_path(lesion.lesion_uid)
        _make_folder(path.parent)
        _write_record(path, lesion_to_json(lesion))

    def lesions(self) -> list[Lesion]:
        """Return all lesions, the oldest first.

        Raises
        ------
        ReadingError
            If a record cannot be read; the message names the file.
        """
        found = [self._read(path, lesion_from_json) for path in self._layout.lesion_files()]
        return sorted(found, key=lambda lesion: (lesion.created_at, lesion.lesion_uid))

    def readable(self) -> ReadableRecords:
        """Return the lesions and readings that can be read, and what is wrong with the other records."""
        return readable_records(self._layout)

    def add_reading(
        self,
        reading: Reading,
        *,
        lesion: Lesion,
        mask: MaskZYX | None,
        source_images: Sequence[Dataset],
        geometry: VolumeGeometry | None,
        is_semiautomatic: bool = False,
    ) -> Reading:
        """Record a new reading with its segmentation object.

        Parameters
        ----------
        reading : Reading
            The reading; `segmentation_file`, `segmentation_sha256` and `superseded_by` are
            filled in here.
        lesion : Lesion
            Its lesion, already in the store.
        mask : ndarray of bool, shape `geometry.shape_zyx`, or None
            Voxels of the lesion. Needed for a present lesion; an absent one may have a residue.
        source_images : sequence of Dataset
            Headers of the images in slice order. If one says that it is synthetic, so does the object.
        geometry : VolumeGeometry or None
            Grid of the stack. None (and no images) only for a visit without a usable stack: then
            the reading is not evaluable and has no object.
        is_semiautomatic : bool
            Whether an algorithm drew the outline from a person's points.

        Returns
        -------
        Reading
            As stored.

        Raises
        ------
        ReadingError
            If the reading is in the store already, or contradicts itself or the store.
        GeometryMismatchError
            If mask, images and grid do not fit.
        """
        outlined = mask if mask is not None and bool(np.any(mask)) else None
        self._check(reading, lesion, outlined, geometry)
        record_path, object_path = self._layout.record_path(reading), self._layout.object_path(reading)
        for path in (record_path, object_path):
            if path.exists():
                raise ReadingError(f"reading {reading.reading_uid} is in the store already ({path.name})")
        _make_folder(record_path.parent)
        stored = replace(reading, superseded_by=None, segmentation_file=None, segmentation_sha256=None)
        if geometry is not None:
            digest = _write_object(
                object_path,
                reading,
                lesion,
                mask=outlined,
                source_images=source_images,
                geometry=geometry,
                is_semiautomatic=is_semiautomatic,
            )
            stored = replace(stored, segmentation_file=object_path.name, segmentation_sha256=digest)
        try:
            _write_record(record_path, reading_to_json(stored))
        except ReadingError:
            # The object that was just written belongs to no reading: the call failed as a whole.
            object_path.unlink(missing_ok=True)
            raise
        return stored

    def readings(self) -> list[Reading]:
        """Return all readings, the oldest first, each with the reading that superseded it.

        Raises
        ------
        ReadingError
            If a record cannot be read; the message names the file.
        """
        return list(
            with_successors(self._read(path, reading_from_json) for path in self._layout.reading_files())
        )

    def load_mask(
        self, reading: Reading, geometry: VolumeGeometry, sop_instance_uids: Sequence[SourceImage] | None
    ) -> MaskZYX:
        """Return the mask of a reading on its stack.

        Parameters
        ----------
        reading : Reading
            A reading of the store.
        geometry : VolumeGeometry
            Grid of the stack.
        sop_instance_uids : sequence of SourceImage or None
            Images of the stack in slice order, to be compared with what the object names: UIDs, of
            multi-frame images with the frame number.

        Returns
        -------
        ndarray of bool, shape `geometry.shape_zyx`
            Empty for a reading without a mask.

        Raises
        ------
        ReadingError
            If the reading has no object, or the object is missing or was changed.
        GeometryMismatchError
            If the object is not on this stack.
        """
        from herntrack.readings.segment_placement import place_segments
        from herntrack.readings.segmentation_content import read_segmentation

        path = self.segmentation_path(reading)
        problem = object_problem(self._layout, reading)
        if problem:
            raise ReadingError(problem.message)
        return place_segments(read_segmentation(path), geometry, sop_instance_uids=sop_instance_uids)

    def segmentation_path(self, reading: Reading) -> Path:
        """Return where the segmentation object of a reading lies.

        Raises
        ------
        ReadingError
            If the reading has none.
        """
        if reading.segmentation_file is None:
            raise ReadingError(
                f"reading {reading.reading_uid} ({reading.status}) was made without images and has no mask"
            )
        return self._layout.object_path(reading)

    def verify(self) -> list[StoreProblem]:
        """Return everything that is not as it was written, in the order of the files.

        Every object is read to the end and compared with its digest.
        """
        return find_problems(self._layout)

    def _read(self, path: Path, parse: Callable[[str], Record]) -> Record:
        try:
            return read_record(path, parse)
        except ReadingError as error:
            raise ReadingError(f"{self._layout.relative(path)}: {error}; restore it from a backup") from error

    def _check(
        self, reading: Reading, lesion: Lesion, outlined: MaskZYX | None, geometry: VolumeGeometry | None
    ) -> None:
        if (
            reading.lesion_uid != lesion.lesion_uid
            or not self._layout.lesion_path(lesion.lesion_uid).is_file()
        ):
            raise ReadingError(
                f"reading {reading.reading_uid} is of lesion {reading.lesion_uid}, which is not the stored"
                f" lesion {lesion.lesion_uid}; add the lesion first"
            )
        moment_to_text(reading.created_at)
        _check_status(reading, outlined, geometry)
        known = {path.stem for path in self._layout.record_path(reading).parent.glob("*.json")}
        unknown = sorted(set(reading.supersedes) - known)
        if unknown:
            raise ReadingError(
                f"reading {reading.reading_uid} supersedes {unknown[0]}, which is no reading of this lesion"
            )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(error) from error


def _write_record(path: Path, text: str) -> None:
    try:
        with new_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except FileExistsError as error:
        raise ReadingError(f"{path.stem} is in the store already; nothing is overwritten") from error
    except OSError as error:
        raise _cannot_write(error) from error


def _check_status(reading: Reading, outlined: MaskZYX | None, geometry: VolumeGeometry | None) -> None:
    status, uid = reading.status, reading.reading_uid
    if status is ReadingStatus.PRESENT and outlined is None:
        raise ReadingError(
            f"reading {uid} says present but its mask is empty; outline it, or read it as absent"
        )
    if status is ReadingStatus.NOT_EVALUABLE and outlined is not None:
        raise ReadingError(f"reading {uid} says not evaluable but has a mask; leave the mask out")
    if status is not ReadingStatus.PRESENT and not reading.reason.strip():
        raise ReadingError(f"reading {uid} says {status} without a reason; give one")
    if geometry is None and status is not ReadingStatus.NOT_EVALUABLE:
        raise ReadingError(f"reading {uid} says {status} but names no stack; only not evaluable may do so")
    if geometry is None and outlined is not None:
        raise GeometryMismatchError(f"reading {uid} has a mask but no grid")


def _write_object(
    path: Path,
    reading: Reading,
    lesion: Lesion,
    *,
    mask: MaskZYX | None,
    source_images: Sequence[Dataset],
    geometry: VolumeGeometry,
    is_semiautomatic: bool,
) -> str:
    """Write the segmentation object and return its SHA-256."""
    from herntrack.readings.segmentation_object import write_segmentation

    try:
        with new_file(path) as temporary:
            write_segmentation(
                temporary,
                mask=mask,
                source_images=source_images,
                geometry=geometry,
                lesion_uid=lesion.lesion_uid,
                level=lesion.level,
                reader=reading.reader,
                status=reading.status,
                series_description=f"Reading {lesion.level.value}",
                sop_instance_uid=reading.reading_uid,
                series_instance_uid=derived_uid("series of reading", reading.reading_uid),
                created_at=reading.created_at,
                is_simulated=any(str(image.get("SyntheticData", "")) == "YES" for image in source_images),
                is_semiautomatic=is_semiautomatic,
            )
            digest = sha256_of(temporary)
    except FileExistsError as error:
        raise ReadingError(
            f"reading {reading.reading_uid} is in the store already; nothing is overwritten"
        ) from error
    except OSError as error:
        raise _cannot_write(error) from error
    return digest


def _cannot_write(error: OSError) -> ReadingError:
    reason = error.strerror or str(error)
    return ReadingError(sentence("readings_not_written", detail=reason, again="record it again"))

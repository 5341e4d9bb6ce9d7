"""What a DICOM Segmentation object holds, whoever made it.

Segments are read as they are, without rules of one maker: BINARY, FRACTIONAL (a voxel belongs
to the segment from half of MaximumFractionalValue on) and LABELMAP, overlapping segments, frames
left out because they are empty. A frame keeps its own place in the patient.

See DICOM PS3.3 A.51 (Segmentation), A.86 (Label Map Segmentation) and C.8.20.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from herntrack.errors import DicomError, MissingAttributeError, NotDicomError
from herntrack.model.geometry import VolumeGeometry, orientation_vectors

SEGMENTATION_STORAGE = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""Segmentation Storage and Label Map Segmentation Storage."""

FRACTION_INSIDE = 0.5
"""A voxel of a FRACTIONAL segment is inside from this share of MaximumFractionalValue on (no unit).

The same for probability and occupancy: more likely in than out, or at least half filled.
"""


Plane: TypeAlias = tuple[VolumeGeometry | None, tuple[tuple[str, int], ...]]
"""Place and source images of one frame."""

BACKGROUND = ("125040", "DCM")
"""Property type of a label map's segment that is none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SegmentFrame:
    """One plane of one segment.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_rows, n_cols)
    geometry : VolumeGeometry or None
        Grid of this one slice, LPS millimetres; None if the object gives it no place.
    sources : tuple of (str, int)
        SOP Instance UID and frame number of the images it was drawn on, as far as the object names
        them; 0 where it names no frame.
    """

    mask: npt.NDArray[np.bool_]
    geometry: VolumeGeometry | None
    sources: tuple[tuple[str, int], ...]

    @property
    def source_uids(self) -> tuple[str, ...]:
        """SOP Instance UIDs of the images it was drawn on, each once."""
        return tuple(dict.fromkeys(uid for uid, _ in self.sources))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SegmentContent:
    """One segment.

    Parameters
    ----------
    number : int
        SegmentNumber.
    label : str
    tracking_id, tracking_uid : str or None
        None if the object has none.
    property_category, property_type : tuple of str
        ``(value, scheme)`` of the code; empty strings if there is none.
    frames : tuple of SegmentFrame
        Stored planes; planes that are not stored are empty.
    """

    number: int
    label: str
    tracking_id: str | None
    tracking_uid: str | None
    property_category: tuple[str, str]
    property_type: tuple[str, str]
    frames: tuple[SegmentFrame, ...]

    @property
    def n_voxels(self) -> int:
        """Number of voxels inside."""
        return sum(int(np.count_nonzero(frame.mask)) for frame in self.frames)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SegmentationContent:
    """One segmentation object.

    Parameters
    ----------
    sop_instance_uid, series_instance_uid, study_instance_uid : str
    frame_of_reference_uid : str
        Points may be compared only with images of the same one; empty if not stated.
    segmentation_type : str
        ``BINARY``, ``FRACTIONAL`` or ``LABELMAP``.
    content_label, content_creator_name : str
    referenced_sop_instance_uids : tuple of str
        Every image the object names as its source, each once, in the order of the object.
    segments : tuple of SegmentContent
        By number; the background of a label map is none.
    """

    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    frame_of_reference_uid: str
    segmentation_type: str
    content_label: str
    content_creator_name: str
    referenced_sop_instance_uids: tuple[str, ...]
    segments: tuple[SegmentContent, ...]


def read_segmentation(path: Path) -> SegmentationContent:
    """Read a DICOM Segmentation object.

    Parameters
    ----------
    path : Path
        A Segmentation or Label Map Segmentation drawn on CT or MR.

    Returns
    -------
    SegmentationContent
        Segments with their planes. FRACTIONAL planes are cut at `FRACTION_INSIDE`.

    Raises
    ------
    NotDicomError
        If the file is no DICOM file.
    DicomError
        If it is no segmentation, its planes are tiles of a slide, or it is damaged.
    """
    with warnings.catch_warnings():
        # Values that break a rule of the standard are common and do not concern the planes.
        warnings.simplefilter("ignore")
        dataset = _read_dataset(path)
        try:
            return _content(dataset, path)
        except (AttributeError, KeyError, IndexError, TypeError, ValueError, NotImplementedError) as error:
            raise DicomError(
                f"{path}: the segmentation cannot be decoded ({type(error).__name__}: {error});"
                " the file may be truncated: export it again",
                path=path,
            ) from error


def _read_dataset(path: Path) -> Dataset:
    try:
        dataset = pydicom.dcmread(path)
    except InvalidDicomError as error:
        raise NotDicomError(f"{path}: no DICOM file", path=path) from error
    except (OSError, EOFError) as error:
        raise DicomError(f"{path}: the file cannot be read: {error}", path=path) from error
    sop_class_uid = str(dataset.get("SOPClassUID", ""))
    if sop_class_uid not in SEGMENTATION_STORAGE:
        name = pydicom.uid.UID(sop_class_uid).name or "no SOP class"
        raise DicomError(f"{path}: no segmentation but: {name}", path=path)
    if "TotalPixelMatrixRows" in dataset:
        raise DicomError(
            f"{path}: a segmentation of a slide, whose planes are tiles; only CT and MR can be read",
            path=path,
        )
    return dataset


def _content(dataset: Dataset, path: Path) -> SegmentationContent:
    segmentation_type = str(dataset.SegmentationType)
    pixels = np.asarray(dataset.pixel_array)
    if pixels.ndim == 2:
        pixels = pixels[None]
    planes = _planes(dataset, n_frames=len(pixels))
    frames: dict[int, list[SegmentFrame]] = {int(item.SegmentNumber): [] for item in dataset.SegmentSequence}
    if segmentation_type == "LABELMAP":
        for number in _background_numbers(dataset):
            frames.pop(number, None)
        for values, plane in zip(pixels, planes, strict=True):
            for number in frames:
                _add_frame(frames, number, values == number, plane)
    elif segmentation_type in {"BINARY", "FRACTIONAL"}:
        least = (
            FRACTION_INSIDE * int(dataset.MaximumFractionalValue) if segmentation_type == "FRACTIONAL" else 1
        )
        for index, (values, plane) in enumerate(zip(pixels, planes, strict=True)):
            number = int(_group(dataset, index, "SegmentIdentificationSequence").ReferencedSegmentNumber)
            frames[number].append(SegmentFrame(mask=values >= least, geometry=plane[0], sources=plane[1]))
    else:
        raise DicomError(f"{path}: unknown SegmentationType {segmentation_type!r}", path=path)
    return SegmentationContent(
        sop_instance_uid=_text(dataset, "SOPInstanceUID"),
        series_instance_uid=_text(dataset, "SeriesInstanceUID"),
        study_instance_uid=_text(dataset, "StudyInstanceUID"),
        frame_of_reference_uid=_text(dataset, "FrameOfReferenceUID"),
        segmentation_type=segmentation_type,
        content_label=_text(dataset, "ContentLabel"),
        content_creator_name=_text(dataset, "ContentCreatorName"),
        referenced_sop_instance_uids=_referenced_uids(dataset, planes),
        segments=tuple(
            _segment(item, tuple(frames[int(item.SegmentNumber)]))
            for item in sorted(dataset.SegmentSequence, key=lambda item: int(item.SegmentNumber))
            if int(item.SegmentNumber) in frames
        ),
    )


def _add_frame(
    frames: dict[int, list[SegmentFrame]],
    number: int,
    mask: npt.NDArray[np.bool_],
    plane: Plane,
) -> None:
    if mask.any():  # in a label map every plane is stored for all segments, mostly without this one
        frames[number].append(SegmentFrame(mask=mask, geometry=plane[0], sources=plane[1]))


def _background_numbers(dataset: Dataset) -> set[int]:
    """Return the values that mean no segment (DICOM PS3.3 C.8.20.2).

    PixelPaddingValue, 0 without one, and every segment that is coded as background.
    """
    coded = {
        int(item.SegmentNumber)
        for item in dataset.SegmentSequence
        if _code(item, "SegmentedPropertyTypeCodeSequence") == BACKGROUND
    }
    return coded | {int(dataset.get("PixelPaddingValue", 0) or 0)}


def _segment(item: Dataset, frames: tuple[SegmentFrame, ...]) -> SegmentContent:
    return SegmentContent(
        number=int(item.SegmentNumber),
        label=_text(item, "SegmentLabel"),
        tracking_id=_text(item, "TrackingID") or None,
        tracking_uid=_text(item, "TrackingUID") or None,
        property_category=_code(item, "SegmentedPropertyCategoryCodeSequence"),
        property_type=_code(item, "SegmentedPropertyTypeCodeSequence"),
        frames=frames,
    )


def _planes(dataset: Dataset, *, n_frames: int) -> list[Plane]:
    """Return the place and the source images of each frame."""
    planes = []
    for index in range(n_frames):
        planes.append((_plane_geometry(dataset, index), _sources(dataset, index)))
    return planes


def _plane_geometry(dataset: Dataset, index: int) -> VolumeGeometry | None:
    position = _find_group(dataset, index, "PlanePositionSequence")
    orientation = _find_group(dataset, index, "PlaneOrientationSequence")
    measures = _find_group(dataset, index, "PixelMeasuresSequence")
    if position is None or orientation is None or measures is None:
        return None
    cosines = [float(v) for v in orientation.ImageOrientationPatient]
    row, column = orientation_vectors(cosines)
    # A plane has no neighbour: 1 mm across it gives the grid a volume and moves no voxel centre.
    return VolumeGeometry.from_dicom(
        cosines,
        [float(v) for v in position.ImagePositionPatient],
        slice_step_lps=[float(v) for v in np.cross(row, column)],
        pixel_spacing=[float(v) for v in measures.PixelSpacing],
        shape_zyx=(1, int(dataset.Rows), int(dataset.Columns)),
    )


def _sources(dataset: Dataset, index: int) -> tuple[tuple[str, int], ...]:
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence")
    groups = per_frame[index] if per_frame else Dataset()
    return tuple(
        (str(source.ReferencedSOPInstanceUID), number)
        for derivation in groups.get("DerivationImageSequence", ())
        for source in derivation.get("SourceImageSequence", ())
        for number in _frame_numbers(source)
    )


def _frame_numbers(source: Dataset) -> list[int]:
    """Return the frames a reference names, 0 if it names the image as a whole."""
    value = source.get("ReferencedFrameNumber")
    if value is None or value == "":
        return [0]
    return [int(number) for number in np.atleast_1d(value)]


def _referenced_uids(dataset: Dataset, planes: Sequence[Plane]) -> tuple[str, ...]:
    named = [uid for _, sources in planes for uid, _ in sources]
    named += [
        str(image.ReferencedSOPInstanceUID)
        for series in dataset.get("ReferencedSeriesSequence", ())
        for image in series.get("ReferencedInstanceSequence", ())
    ]
    return tuple(dict.fromkeys(named))


def _find_group(dataset: Dataset, index: int, keyword: str) -> Any:
    """Return the functional group of a frame, its own or the one all frames share, else None."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence")
    shared = dataset.get("SharedFunctionalGroupsSequence")
    for groups in (per_frame[index] if per_frame else None, shared[0] if shared else None):
        sequence = groups.get(keyword) if groups is not None else None
        if sequence:
            return sequence[0]
    return None


def _group(dataset: Dataset, index: int, keyword: str) -> Any:
    found = _find_group(dataset, index, keyword)
    if found is None:
        raise MissingAttributeError(f"frame {index + 1} has no {keyword}")
    return found


def _code(item: Dataset, keyword: str) -> tuple[str, str]:
    sequence = item.get(keyword)
    if not sequence:
        return "", ""
    return _text(sequence[0], "CodeValue"), _text(sequence[0], "CodingSchemeDesignator")


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip()

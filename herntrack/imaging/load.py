"""From the files of a stack to its volume, each file checked against the stack's grid.

The catalogue says which file is which slice; files may have been exchanged since. So every
file's own header is compared with the grid in millimetres before its pixels count. A slice may
be a frame of a multi-frame file, which is then read once for all its slices.

Plain files are read by `herntrack.dicom.plain_pixels` straight into the volume; what it leaves
to pydicom is read by `herntrack.dicom.pixels`. The values are the same.

Public: `SliceFile`, `load_volume`, `load_image`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from herntrack._typing import VolumeZYX
from herntrack.dicom.elements import (Unusual)
from herntrack.dicom.multi_frame import frame_headers, is_multi_frame
from herntrack.dicom.pixels import decode_frames, decode_values, read_dataset, rescaled
from herntrack.dicom.plain_pixels import COMPRESSED_SYNTAXES, PlainPixels
from herntrack.dicom.set_aside import SetAside
from herntrack.dicom.slice_facts import SliceFacts
from herntrack.errors import DicomError, GeometryMismatchError, IrregularSpacingError
from herntrack.imaging.slice_place import PlaceCheck, check_slice
from herntrack.imaging.stack_memory import Make, StackMemory
from herntrack.imaging.volume import Volume
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import Stack

Image: TypeAlias = Any
"""``SimpleITK.Image``, which brings no types."""

Progress = Callable[[int, int], None]
"""Called with the number of slices done and the number of all slices."""


class SliceFile(NamedTuple):
    """Where a slice lies.

    Parameters
    ----------
    path : Path
        Its file.
    frame_number : int
        Which frame of a multi-frame file, counted from 1; 0 for a single-frame file.
    """

    path: Path
    frame_number: int = 0


def load_volume(
    stack: Stack, files: Sequence[Path | SliceFile], *, progress: Progress | None = None
) -> Volume:
    """Read a stack's files into one volume.

    Parameters
    ----------
    stack : Stack
        A regular stack.
    files : sequence of Path or SliceFile
        Its files in slice order; a path alone is a single-frame file.
    progress : callable, optional
        Called after each slice with ``(done, total)``.

    Returns
    -------
    Volume
        Values as int16 or int32 if every slice's are whole, else float32.

    Raises
    ------
    IrregularSpacingError
        If the stack is irregular; the message has its problems.
    GeometryMismatchError
        If the number of files is not the number of slices, or a file's rows, columns,
        position, orientation or spacing are not those of its slice.
    DicomError
        If a file cannot be read or decoded.
    """
    return Volume(values=_read_stack(stack, files, progress, np.empty), geometry=stack.geometry)


def load_image(stack: Stack, files: Sequence[Path | SliceFile], *, progress: Progress | None = None) -> Image:
    """Read a stack's files into the memory of a SimpleITK image.

    Faster than ``to_sitk(load_volume(...))``, and with half the memory.

    Parameters
    ----------
    stack, files, progress
        As for `load_volume`.

    Returns
    -------
    SimpleITK.Image
        As `herntrack.imaging.sitk_bridge.to_sitk` returns.

    Raises
    ------
    GeometryError
        If the grid is sheared (gantry tilt), and as for `load_volume`.
    DicomError
        If a file cannot be read or decoded.
    """
    from herntrack.imaging.sitk_bridge import ImageMemory

    memory = ImageMemory(stack.geometry)
    _read_stack(stack, files, progress, memory.make)
    return memory.image()


def _read_stack(
    stack: Stack, files: Sequence[Path | SliceFile], progress: Progress | None, make: Make
) -> VolumeZYX:
    """Return a stack's values, in memory that `make` made."""
    if not stack.is_regular:
        raise IrregularSpacingError(
            f"stack {stack.stack_uid} is no regular volume: {'; '.join(stack.problems) or 'uneven slices'}."
            " Export the missing slices or choose another stack"
        )
    n_slices = stack.geometry.shape_zyx[0]
    if len(files) != n_slices:
        raise GeometryMismatchError(f"{len(files)} files for a stack of {n_slices} slices")
    memory = StackMemory(stack.geometry.shape_zyx, make)
    for done, _ in enumerate(_SliceReader(stack.geometry, memory).read(files), start=1):
        if progress is not None:
            progress(done, n_slices)
    return memory.whole()


class _SliceReader:
    """Reads the slices of one grid, each into its place where that is possible."""

    def __init__(self, geometry: VolumeGeometry, memory: StackMemory) -> None:
        self._geometry = geometry
        self._memory = memory
        self._plain = PlainPixels()
        self._check_plain = PlaceCheck(geometry)

    def read(self, files: Sequence[Path | SliceFile]) -> Iterator[int]:
        """Read all slices, and yield each one's index when it was read."""
        frames: dict[Path, list[tuple[int, int]]] = defaultdict(list)
        for index, file in enumerate(files):
            path, frame_number = file if isinstance(file, SliceFile) else (file, 0)
            if frame_number:
                frames[path].append((index, frame_number))
                continue
            self._memory.put(index, self._single(index, path))
            yield index
        for path, wanted in frames.items():
            yield from self._read_frames(path, wanted)

    def _single(self, index: int, path: Path) -> npt.NDArray[Any]:
        try:
            return self._read_plain(index, path)
        except (Unusual, OSError):
            # Whatever it is, pydicom reads it or finds the words for it.
            dataset = read_dataset(path)
            check_slice(dataset, self._geometry, index=index, path=path)
            return decode_values(dataset, path=path)

    def _read_frames(self, path: Path, wanted: Sequence[tuple[int, int]]) -> Iterator[int]:
        """Read some frames of one file, each given as (slice, frame number)."""
        dataset = read_dataset(path)
        headers = _headers_of(dataset, [frame_number for _, frame_number in wanted], path)
        for header, (index, frame_number) in zip(headers, wanted, strict=True):
            check_slice(header, self._geometry, index=index, path=path, frame_number=frame_number)
        for place, values in decode_frames(dataset, headers, path=path):
            index = wanted[place][0]
            # At once, so that no more than one frame lies in memory twice.
            self._memory.put(index, values)
            yield index

    def _read_plain(self, index: int, path: Path) -> npt.NDArray[Any]:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a path object's own takes longer
            header = self._plain.read_header(file)
            self._check_plain(header, index=index, path=path)
            stored = self._plain.read_stored(file, header, self._memory.place(index, _kind(header.facts)))
        return _rescaled_in_place(stored, header.facts)


def _headers_of(dataset: Dataset, frame_numbers: Sequence[int], path: Path) -> list[Dataset]:
    """Return the headers of some frames."""
    if not is_multi_frame(dataset):
        raise _changed(path, "it is no multi-frame image any more")
    try:
        headers = frame_headers(dataset)
    except SetAside as error:
        raise _changed(path, error.reason) from error
    if max(frame_numbers) > len(headers):
        raise _changed(path, f"it has {len(headers)} frames, wanted is frame {max(frame_numbers)}")
    return [headers[number - 1] for number in frame_numbers]


def _changed(path: Path, what: str) -> DicomError:
    return DicomError(
        f"{path}: {what}. The files changed since they were catalogued: ingest the folder again", path=path
    )


def _kind(facts: SliceFacts) -> np.dtype[Any]:
    """Return the type that `rescaled` returns, as far as the header alone says."""
    is_whole = facts.slope.is_integer() and facts.intercept.is_integer()
    return np.dtype(np.int16 if is_whole else np.float32)


def _rescaled_in_place(stored: npt.NDArray[Any], facts: SliceFacts) -> npt.NDArray[Any]:
    """Return the values; in the same memory if only the intercept has to be added to fit int16."""
    offset = int(facts.intercept)
    is_shift = facts.slope == 1.0 and facts.intercept == offset
    if not is_shift or stored.dtype.itemsize != 2 or not _fits_shifted(stored, offset, facts):
        return rescaled(stored, facts.slope, facts.intercept)
    # Sums modulo 2**16 that fit int16 are the sums themselves, whatever the parts were.
    values = stored.view(np.int16)
    if offset:
        values += np.int16(offset)
    return values


def _fits_shifted(stored: npt.NDArray[Any], offset: int, facts: SliceFacts) -> bool:
    """Return whether all values and the offset fit int16, as do the sums."""
    limits = np.iinfo(np.int16)
    if not limits.min <= offset <= limits.max:
        return False
    least, greatest = limits.min - offset, limits.max - offset
    low = -(1 << (facts.bits_stored - 1)) if facts.is_signed else 0
    if facts.syntax not in COMPRESSED_SYNTAXES and least <= low <= greatest - (1 << facts.bits_stored) + 1:
        # As many bits were read as the header says; of a decoder's values each has to be looked at.
        return True
    return least <= int(stored.min()) and int(stored.max()) <= greatest

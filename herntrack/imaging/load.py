"""From the files of a stack to its volume, each file checked against the stack's grid.

The catalogue says which file is which slice; files may have been exchanged since. So every
file's own header is compared with the grid in millimetres before its pixels count. A slice may
be a frame of a multi-frame file, which is then read once for all its slices.

Plain files are read by `herntrack.dicom.plain_pixels` straight into the volume; what it leaves
to pydicom is read by `herntrack.dicom.pixels`. Where SimpleITK's decoder can be used, which lets
others work, a second thread reads from the end of the stack. The values are the same.

Public: `SliceFile`, `load_volume`, `load_image`.
"""

from __future__ import annotations

import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from herntrack._typing import VolumeZYX
from herntrack.dicom.code_streams import EXACT_SYNTAXES
from herntrack.dicom.elements import Unusual
from herntrack.dicom.frame_decoding import Decode
from herntrack.dicom.multi_frame import frame_headers, is_multi_frame
from herntrack.dicom.pixels import decode_frames, decode_values, read_dataset
from herntrack.dicom.set_aside import SetAside
from herntrack.dicom.shared_work import taken
from herntrack.errors import DicomError, GeometryMismatchError, IrregularSpacingError
from herntrack.imaging.plain_slices import PlainSlices
from herntrack.imaging.second_reader import SecondReader, Waiting
from herntrack.imaging.slice_place import check_slice
from herntrack.imaging.stack_memory import Make, StackMemory
from herntrack.imaging.volume import Volume
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import Stack
from herntrack.model.sentences import recognised, sentence

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
    decode: Decode | None = None
    if "SimpleITK" in sys.modules:
        # Else it would take longer to import it, and more memory, than its decoder saves.
        from herntrack.imaging.unlocked_decoder import decode_unlocked

        decode = decode_unlocked
    return Volume(values=_read_stack(stack, files, progress, np.empty, decode), geometry=stack.geometry)


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
    from herntrack.imaging.unlocked_decoder import decode_unlocked

    memory = ImageMemory(stack.geometry)
    _read_stack(stack, files, progress, memory.make, decode_unlocked)
    return memory.image()


def _read_stack(
    stack: Stack,
    files: Sequence[Path | SliceFile],
    progress: Progress | None,
    make: Make,
    decode: Decode | None,
) -> VolumeZYX:
    """Return a stack's values, in memory that `make` made."""
    if not stack.is_regular:
        problems = tuple(map(recognised, stack.problems or ("uneven slices",)))
        raise IrregularSpacingError(sentence("stack_irregular", stack=stack.stack_uid, problems=problems))
    n_slices = stack.geometry.shape_zyx[0]
    if len(files) != n_slices:
        raise GeometryMismatchError(sentence("files_counted", n=len(files), n_slices=n_slices))
    memory = StackMemory(stack.geometry.shape_zyx, make)
    for done, _ in enumerate(_SliceReader(stack.geometry, memory, decode).read(files), start=1):
        if progress is not None:
            progress(done, n_slices)
    return memory.whole()


class _SliceReader:
    """Reads the slices of one grid, each into its place where that is possible."""

    def __init__(self, geometry: VolumeGeometry, memory: StackMemory, decode: Decode | None) -> None:
        self._geometry = geometry
        self._memory = memory
        self._decode = decode
        self._plain = PlainSlices(geometry, decode)

    def read(self, files: Sequence[Path | SliceFile]) -> Iterator[int]:
        """Read all slices, and yield each one's index when it was read."""
        frames: dict[Path, list[tuple[int, int]]] = defaultdict(list)
        singles: Waiting = deque()
        for index, file in enumerate(files):
            path, frame_number = file if isinstance(file, SliceFile) else (file, 0)
            if frame_number:
                frames[path].append((index, frame_number))
            else:
                singles.append((index, path))
        yield from self._read_singles(singles)
        for path, wanted in frames.items():
            yield from self._read_frames(path, wanted)

    def _read_singles(self, waiting: Waiting) -> Iterator[int]:
        with SecondReader(self._geometry, self._decode, waiting) as second:
            while True:
                mine = taken(waiting)
                if mine is not None:
                    self._memory.put(mine[0], self._single(*mine))
                    yield mine[0]
                    if self._decode is not None and self._plain.syntax in EXACT_SYNTAXES:
                        second.start()
                for index, values in second.read():
                    self._memory.put(index, values)
                    yield index
                if mine is None and not waiting:
                    return

    def _single(self, index: int, path: Path) -> npt.NDArray[Any]:
        try:
            return self._plain.read(index, path, self._memory.place)
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
        for place, values in decode_frames(dataset, headers, path=path, decode=self._decode):
            index = wanted[place][0]
            # At once, so that no more than one frame lies in memory twice.
            self._memory.put(index, values)
            yield index


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
    return DicomError(sentence("file_changed", path=path, detail=what), path=path)

"""Which images a segmentation object was drawn on: its head alone is read.

Public: `named_images`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial

from herntrack.errors import DicomError

REFERENCED_SERIES = 0x00081115
"""ReferencedSeriesSequence, which names every image of the stack that was read."""

MOST_REMEMBERED = 10_000
"""Objects whose images are remembered: they never change, and a worklist asks for all of them again."""


def named_images(path: Path) -> frozenset[str]:
    """Return the SOP Instance UIDs of the images that an object names as its sources.

    Parameters
    ----------
    path : Path
        A segmentation object of ours: it names all images of its stack, also where it stores one plane.

    Raises
    ------
    DicomError
        If the file cannot be read.
    """
    try:
        stat = path.stat()
        return _named_images(path, stat.st_size, stat.st_mtime_ns)
    except (OSError, InvalidDicomError, EOFError, AttributeError, IndexError, ValueError) as error:
        raise DicomError(f"{path.name} cannot be read: {error}", path=path) from error


@lru_cache(maxsize=MOST_REMEMBERED)
def _named_images(path: Path, size: int, mtime_ns: int) -> frozenset[str]:  # noqa: ARG001 - part of the key
    def is_behind(tag: Any, vr: str | None, length: int) -> bool:  # noqa: ARG001 - pydicom's signature
        return int(tag) > REFERENCED_SERIES

    with path.open("rb") as file:
        dataset = read_partial(file, stop_when=is_behind)
    return frozenset(
        str(image.ReferencedSOPInstanceUID)
        for series in dataset.ReferencedSeriesSequence
        for image in series.ReferencedInstanceSequence
    )

"""Two files with one SOP Instance UID: the same picture twice, or two pictures under one name.

The second is set aside either way, but under another code. Equal files are equal; else the
stored pixels are compared, as they are if both files encode them alike, decoded if not; and
where these are equal, the place in the patient that each file states.
"""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from herntrack.errors import DicomError
from herntrack.model.images import FileLocation, Reject

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

DUPLICATE = "duplicate"
DIFFERENT_PIXELS = "different_pixels"
DIFFERENT_PLACE = "different_place"
COPY_CODES = (DUPLICATE, DIFFERENT_PIXELS, DIFFERENT_PLACE)
"""Codes of files that were set aside because another file with their UID is kept."""

SAME_FILE = "the same file byte for byte"
"""What is said of a copy that differs in nothing."""

OTHER_PIXELS = (
    "same SOP Instance UID, but OTHER PIXELS; one of the two was altered or mislabelled, so find out which"
    " one is right"
)

SAME_PLACE_MM = 0.01
"""Positions that differ by no more are one: headers are written to 0.01 (mm)."""

SAME_DIRECTION = 1e-3
"""The same for direction cosines, 0.06 degrees (no unit)."""

_BEGINNING = "a copy of "
_KEPT = ", which is kept: "
CHUNK_BYTES = 1024 * 1024

_CLAIM = re.compile(r"(?:^study|this file says (?:series \S+ of )?study) (\S+)(?= belongs to patient |$)")

_PIXEL_KEYWORDS = (
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel"),
    *("BitsAllocated", "BitsStored", "PixelRepresentation"),
)
"""Attributes that say how bytes make pixels."""


def copy_reject(location: FileLocation, kept: str, code: str, detail: str) -> Reject:
    """Return why a file is set aside in favour of another.

    Parameters
    ----------
    location : FileLocation
        The file.
    kept : str
        The file that is kept, as root and path with a colon between them.
    code, detail : str
        As `compare_copies` returns them.
    """
    return Reject(location=location, code=code, reason=f"{_BEGINNING}{kept}{_KEPT}{detail}")


def kept_file(reject: Reject) -> str:
    """Return the file that is kept in favour of this one, as root and path with a colon between them."""
    return reject.reason.removeprefix(_BEGINNING).rpartition(_KEPT)[0]


def says_place(study_instance_uid: str, series_instance_uid: str = "") -> str:
    """Return the words for a file that claims another study, or another series, than expected."""
    series = f"series {series_instance_uid} of " if series_instance_uid else ""
    return f"this file says {series}study {study_instance_uid}"


def claimed_study(reject: Reject) -> str:
    """Return the study that a file is set aside from, or that it claims; empty if it does not matter.

    What such a file says of the patient counts when the study's patient is decided, although
    the file itself is set aside.
    """
    found = _CLAIM.search(reject.reason)
    return found.group(1) if found else ""


def compare_copies(path: Path, kept: Path) -> tuple[str, str]:
    """Return a code and a sentence for two files with the same SOP Instance UID.

    Parameters
    ----------
    path, kept : Path
        The files.

    Returns
    -------
    code : str
        `DUPLICATE`, `DIFFERENT_PIXELS` or `DIFFERENT_PLACE`.
    detail : str
        What was found.
    """
    try:
        if _are_equal_files(path, kept):
            return DUPLICATE, SAME_FILE
        datasets = _datasets(path, kept)
        if _have_equal_pixels(datasets, (path, kept)):
            difference = _different_place(*datasets)
            return (
                (DIFFERENT_PLACE, difference)
                if difference
                else (DUPLICATE, "same SOP Instance UID and same pixels")
            )
    except (DicomError, OSError) as error:
        # The message names the file; the catalogue must say the same wherever its root lies.
        why = "cannot be read" if isinstance(error, OSError) else "cannot be decoded"
        return DUPLICATE, f"same SOP Instance UID; the pixels could not be compared, one of the two {why}"
    return DIFFERENT_PIXELS, OTHER_PIXELS


def _are_equal_files(path: Path, kept: Path) -> bool:
    if os.stat(path).st_size != os.stat(kept).st_size:  # noqa: PTH116
        return False
    with path.open("rb") as one, kept.open("rb") as other:
        while True:
            chunk = one.read(CHUNK_BYTES)
            if chunk != other.read(CHUNK_BYTES):
                return False
            if not chunk:
                return True


def _datasets(path: Path, kept: Path) -> tuple[Dataset, Dataset]:
    from herntrack.dicom.pixels import read_dataset

    return read_dataset(path), read_dataset(kept)


def _different_place(dataset: Dataset, kept: Dataset) -> str:
    """Return a sentence if two headers contradict each other on where the picture lies, else nothing."""
    for keyword, tolerance in (
        ("ImagePositionPatient", SAME_PLACE_MM),
        ("ImageOrientationPatient", SAME_DIRECTION),
    ):
        one, other = (_numbers(each, keyword) for each in (dataset, kept))
        is_same = len(one) == len(other) and all(
            abs(a - b) <= tolerance for a, b in zip(one, other, strict=True)
        )
        if one and other and not is_same:
            said, said_by_kept = ("\\".join(f"{number:g}" for number in each) for each in (one, other))
            return (
                f"same SOP Instance UID and same pixels at ANOTHER PLACE: {keyword} is {said} here and"
                f" {said_by_kept} there; one of the two was altered, so find out which one is right"
            )
    return ""


def _numbers(dataset: Dataset, keyword: str) -> list[float]:
    with warnings.catch_warnings():
        # A number with more digits than the standard allows is a number.
        warnings.simplefilter("ignore")
        try:
            return [float(number) for number in dataset.get(keyword) or ()]
        except (ValueError, TypeError):
            return []


def _have_equal_pixels(datasets: tuple[Dataset, Dataset], paths: tuple[Path, Path]) -> bool:
    from herntrack.dicom.decoding_process import stored_digest

    if len({tuple(str(dataset.get(word)) for word in _PIXEL_KEYWORDS) for dataset in datasets}) > 1:
        return False
    if len({_syntax(dataset) for dataset in datasets}) == 1:
        one, other = (dataset.get("PixelData") for dataset in datasets)
        if one is not None and one == other:
            return True
    return len({stored_digest(path) for path in paths}) == 1


def _syntax(dataset: Dataset) -> str:
    return str(getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", ""))

"""Where the store keeps what; identifiers only, never a name.

::

    readings/
      alignments/<alignment uid>.json     see `herntrack.readings.alignments`
      decisions/<decision uid>.json       see `herntrack.readings.decisions`
      lesions/<lesion uid>.json
      <lesion uid>/<reading uid>.dcm      DICOM Segmentation
      <lesion uid>/<reading uid>.json     the record; written last
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from herntrack.errors import ReadingError
from herntrack.model.records import Reading

LESIONS_FOLDER = "lesions"
"""Folder of the lesions' records."""

DECISIONS_FOLDER = "decisions"
"""Folder of what people decided beside readings."""

ALIGNMENTS_FOLDER = "alignments"
"""Folder of how visits lie to each other."""

OTHER_FOLDERS = frozenset((LESIONS_FOLDER, DECISIONS_FOLDER, ALIGNMENTS_FOLDER))
"""Folders that hold no readings."""

MAX_UID_LENGTH = 64
"""Longest UID (DICOM PS3.5 9.1), characters."""

_UID_PATTERN = re.compile(r"[0-9]+(\.[0-9]+)*")


@dataclass(frozen=True, slots=True)
class StoreLayout:
    """The paths of a store.

    Parameters
    ----------
    folder : Path
        The store; need not exist.
    """

    folder: Path

    def lesion_path(self, lesion_uid: str) -> Path:
        """Return the record of a lesion."""
        return self.folder / LESIONS_FOLDER / f"{checked_uid(lesion_uid)}.json"

    def record_path(self, reading: Reading) -> Path:
        """Return the record of a reading."""
        return self.folder / checked_uid(reading.lesion_uid) / f"{checked_uid(reading.reading_uid)}.json"

    def object_path(self, reading: Reading) -> Path:
        """Return the segmentation object of a reading."""
        return self.record_path(reading).with_suffix(".dcm")

    def lesion_files(self) -> list[Path]:
        """Return the records of all lesions."""
        return sorted((self.folder / LESIONS_FOLDER).glob("*.json"))

    def reading_files(self, suffix: str = ".json") -> list[Path]:
        """Return the records of all readings, or their objects with the suffix ``.dcm``."""
        found = self.folder.glob(f"*/*{suffix}")
        return sorted(
            path for path in found if path.parent.name not in OTHER_FOLDERS and not is_unfinished(path)
        )

    def relative(self, path: Path) -> str:
        """Return a path below the store, with forward slashes."""
        return path.relative_to(self.folder).as_posix()


def is_unfinished(path: Path) -> bool:
    """Whether a crash left the file behind while it was written."""
    return path.name.startswith(".")


def checked_uid(uid: str) -> str:
    """Return a UID that may become part of a path.

    Raises
    ------
    ReadingError
        If it is no DICOM UID.
    """
    if len(uid) > MAX_UID_LENGTH or not _UID_PATTERN.fullmatch(uid):
        raise ReadingError(f"{uid!r} is no DICOM UID (digits and dots, up to {MAX_UID_LENGTH} characters)")
    return uid


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

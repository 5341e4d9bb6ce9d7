"""A folder of records that is only ever added to: one JSON file each, named by its UID.

A file is never changed or replaced. A damaged record is named and left out; the others still count.

Public: `RecordFolder`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from herntrack.errors import ReadingError
from herntrack.model.sentences import sentence
from herntrack.readings.atomic_files import new_file
from herntrack.readings.store_layout import checked_uid, is_unfinished

T = TypeVar("T")

Problem = tuple[str, str, str]
"""Code, file below the store, sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFolder(Generic[T]):
    """Records of one kind.

    Parameters
    ----------
    folder : Path
        Where they lie; need not exist.
    parsed : callable
        Returns the record that a text holds; raises ReadingError.
    uid_of : callable
        Returns what a record's file is named by.
    add_again, when_damaged : str
        What to do after nothing could be written, and about a record that cannot be read.
    """

    folder: Path
    parsed: Callable[[str], T]
    uid_of: Callable[[T], str]
    add_again: str
    when_damaged: str

    def add(self, uid: str, text: str) -> None:
        """Write a record.

        Raises
        ------
        ReadingError
            If it is there already, its UID is none, or the folder cannot be written.
        """
        path = self.folder / f"{checked_uid(uid)}.json"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with new_file(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
        except FileExistsError as error:
            raise ReadingError(f"{path.stem} is in the store already; nothing is overwritten") from error
        except OSError as error:
            raise ReadingError(
                sentence("readings_not_written", detail=error.strerror or error, again=self.add_again)
            ) from error

    def records(self) -> list[T]:
        """Return every record that can be read."""
        return [record for _, record in self._read()[0]]

    def problems(self) -> list[Problem]:
        """Return what is wrong with each record that is not as it was written."""
        found, problems = self._read()
        for path, record in found:
            uid = self.uid_of(record)
            if path.stem != uid:
                sentence = f"the record of {uid} was renamed; nothing is named otherwise"
                problems.append(("misplaced_record", _below(path), sentence))
        return sorted(problems, key=lambda problem: problem[1])

    def _read(self) -> tuple[list[tuple[Path, T]], list[Problem]]:
        found: list[tuple[Path, T]] = []
        problems: list[Problem] = []
        for path in sorted(self.folder.glob("*.json")):
            if is_unfinished(path):
                continue
            try:
                found.append((path, self.parsed(path.read_text(encoding="utf-8"))))
            except (ReadingError, OSError, UnicodeDecodeError) as error:
                problems.append(("unreadable_record", _below(path), f"{error}; {self.when_damaged}"))
        return found, problems


def _below(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"

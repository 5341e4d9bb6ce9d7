"""The append-only store of what people decided beside readings.

::

    readings/
      decisions/<decision uid>.json

A file is never changed or replaced: a decision is taken back by a later one. A damaged record
is named and left out; the others still count.

Public: `DecisionStore`.
"""

from __future__ import annotations

from pathlib import Path

from herntrack.errors import ReadingError
from herntrack.model.decisions import Decision, standing_decisions
from herntrack.readings.atomic_files import new_file
from herntrack.readings.decision_json import decision_from_json, decision_to_json
from herntrack.readings.store_layout import DECISIONS_FOLDER, checked_uid, is_unfinished


class DecisionStore:
    """Decisions of one workspace.

    Parameters
    ----------
    readings_folder : Path
        The store of readings, which holds the decisions too; need not exist.
    """

    def __init__(self, readings_folder: Path) -> None:
        self._folder = readings_folder / DECISIONS_FOLDER

    def add(self, decision: Decision) -> None:
        """Record a decision.

        Raises
        ------
        ReadingError
            If it is there already, its UID is none, or the folder cannot be written.
        """
        text = decision_to_json(decision)
        path = self._folder / f"{checked_uid(decision.decision_uid)}.json"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with new_file(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
        except FileExistsError as error:
            raise ReadingError(f"{path.stem} is in the store already; nothing is overwritten") from error
        except OSError as error:
            raise ReadingError(
                f"the readings folder cannot be written: {error.strerror or error}; nothing was recorded."
                " Make space or correct the folder's rights, then record it again"
            ) from error

    def decisions(self) -> list[Decision]:
        """Return every decision that can be read, the oldest first."""
        found = [decision for _, decision in self._read()[0]]
        return sorted(found, key=lambda each: (each.decided_at, each.decision_uid))

    def standing(self) -> list[Decision]:
        """Return the latest decision about each subject, the oldest first."""
        return standing_decisions(self.decisions())

    def problems(self) -> list[tuple[str, str, str]]:
        """Return code, file below the store and sentence of each record that is not as it was written."""
        found, problems = self._read()
        for path, decision in found:
            if path.stem != decision.decision_uid:
                sentence = f"the record of {decision.decision_uid} was renamed; nothing is named otherwise"
                problems.append(("misplaced_record", _below(path), sentence))
        return sorted(problems, key=lambda problem: problem[1])

    def _read(self) -> tuple[list[tuple[Path, Decision]], list[tuple[str, str, str]]]:
        found: list[tuple[Path, Decision]] = []
        problems: list[tuple[str, str, str]] = []
        for path in sorted(self._folder.glob("*.json")):
            if is_unfinished(path):
                continue
            try:
                found.append((path, decision_from_json(path.read_text(encoding="utf-8"))))
            except (ReadingError, OSError, UnicodeDecodeError) as error:
                sentence = f"{error}; it does not count until it is restored from a backup"
                problems.append(("unreadable_record", _below(path), sentence))
        return found, problems


def _below(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"

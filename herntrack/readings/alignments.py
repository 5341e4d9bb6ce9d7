"""The append-only store of how visits lie to each other.

::

    readings/
      alignments/<alignment uid>.json

A file is never changed or replaced: a new alignment of the same stacks is a new record, and the
newest counts. A person's verdict is no part of it but a decision beside it. A damaged record is named
and left out; the others still count.

Public: `AlignmentStore`.
"""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from herntrack.errors import HerntrackError, ReadingError
from herntrack.model.records import VisitAlignment
from herntrack.model.vocabulary import Level
from herntrack.readings.atomic_files import new_file
from herntrack.readings.record_json import moment_to_text, points_from_lists
from herntrack.readings.store_layout import ALIGNMENTS_FOLDER, checked_uid, is_unfinished

SCHEMA: Final = 1
"""Version of the layout that is written, and the newest that is read."""

N_NUMBERS: Final = 16
"""Numbers of a 4x4 matrix."""

_FIELDS = tuple(field.name for field in fields(VisitAlignment) if field.name != "is_overruled")


class AlignmentStore:
    """Alignments of one workspace.

    Parameters
    ----------
    readings_folder : Path
        The store of readings, which holds the alignments too; need not exist.
    """

    def __init__(self, readings_folder: Path) -> None:
        self._folder = readings_folder / ALIGNMENTS_FOLDER

    def add(self, alignment: VisitAlignment) -> None:
        """Record an alignment.

        Raises
        ------
        ReadingError
            If it is there already, its UID is none, or the folder cannot be written.
        """
        text = alignment_to_json(alignment)
        path = self._folder / f"{checked_uid(alignment.alignment_uid)}.json"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with new_file(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
        except FileExistsError as error:
            raise ReadingError(f"{path.stem} is in the store already; nothing is overwritten") from error
        except OSError as error:
            raise ReadingError(
                f"the readings folder cannot be written: {error.strerror or error}; nothing was recorded."
                " Make space or correct the folder's rights, then align again"
            ) from error

    def alignments(self) -> list[VisitAlignment]:
        """Return every alignment that can be read, the oldest first."""
        found = [alignment for _, alignment in self._read()[0]]
        return sorted(found, key=lambda each: (each.made_at, each.alignment_uid))

    def problems(self) -> list[tuple[str, str, str]]:
        """Return code, file below the store and sentence of each record that is not as it was written."""
        found, problems = self._read()
        for path, alignment in found:
            if path.stem != alignment.alignment_uid:
                sentence = f"the record of {alignment.alignment_uid} was renamed; nothing is named otherwise"
                problems.append(("misplaced_record", _below(path), sentence))
        return sorted(problems, key=lambda problem: problem[1])

    def _read(self) -> tuple[list[tuple[Path, VisitAlignment]], list[tuple[str, str, str]]]:
        found: list[tuple[Path, VisitAlignment]] = []
        problems: list[tuple[str, str, str]] = []
        for path in sorted(self._folder.glob("*.json")):
            if is_unfinished(path):
                continue
            try:
                found.append((path, alignment_from_json(path.read_text(encoding="utf-8"))))
            except (ReadingError, OSError, UnicodeDecodeError) as error:
                sentence = f"{error}; it does not count, align again with: herntrack align --patient ID"
                problems.append(("unreadable_record", _below(path), sentence))
        return found, problems


def alignment_to_json(alignment: VisitAlignment) -> str:
    """Return an alignment as JSON text, without what a person decided about it.

    Raises
    ------
    ReadingError
        If its moment has no time zone.
    """
    values = {name: _plain(getattr(alignment, name)) for name in _FIELDS}
    record = {"schema": SCHEMA, "record": "alignment", **values}
    return json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def alignment_from_json(text: str) -> VisitAlignment:
    """Return the alignment that a JSON text holds.

    Raises
    ------
    ReadingError
        If the text is no record of an alignment, or of a newer schema.
    """
    try:
        record = json.loads(text)
    except ValueError as error:
        raise ReadingError(f"the record of an alignment is no JSON: {error}") from error
    if not isinstance(record, dict) or record.get("record") != "alignment":
        raise ReadingError("the record is not of an alignment")
    if not isinstance(record.get("schema"), int) or record["schema"] > SCHEMA:
        raise ReadingError(
            f"the record of an alignment has schema {record.get('schema')}; this version reads up to"
            f" {SCHEMA}: update herntrack"
        )
    try:
        return _parsed(record)
    except KeyError as error:
        raise ReadingError(f"the record of an alignment is damaged: no {error.args[0]}") from error
    except (TypeError, ValueError, AttributeError, HerntrackError) as error:
        raise ReadingError(f"the record of an alignment is damaged: {error}") from error


def _parsed(record: dict[str, Any]) -> VisitAlignment:
    values = {name: record[name] for name in _FIELDS}
    matrix = tuple(float(number) for number in values["matrix_lps"])
    if len(matrix) != N_NUMBERS:
        raise ValueError(f"matrix_lps has {len(matrix)} numbers, not {N_NUMBERS}")
    made_at = datetime.fromisoformat(values["made_at"])
    moment_to_text(made_at)
    centre = values["centre_lps"]
    return VisitAlignment(
        **values
        | {
            "visit_date": date.fromisoformat(values["visit_date"]),
            "baseline_date": date.fromisoformat(values["baseline_date"]),
            "level": Level.parse(values["level"]) if values["level"] else None,
            "centre_lps": None if centre is None else points_from_lists([centre])[0],
            "matrix_lps": matrix,
            "reasons": tuple(values["reasons"]),
            "made_at": made_at,
        }
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment_to_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Level):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _below(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"

"""The append-only store of how visits lie to each other.

::

    readings/
      alignments/<alignment uid>.json

A new alignment of the same stacks is a new record, and the newest counts. A person's verdict is no
part of it but a decision beside it.

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
from herntrack.readings.record_folder import Problem, RecordFolder
from herntrack.readings.record_json import moment_to_text, points_from_lists
from herntrack.readings.store_layout import ALIGNMENTS_FOLDER

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
        self._records = RecordFolder(
            folder=readings_folder / ALIGNMENTS_FOLDER,
            parsed=alignment_from_json,
            uid_of=lambda alignment: alignment.alignment_uid,
            add_again="align again",
            when_damaged="it does not count; restore it from a backup, or align again with: herntrack align"
            " --patient ID",
        )

    def add(self, alignment: VisitAlignment) -> None:
        """Record an alignment; raises `ReadingError` as `RecordFolder.add` does."""
        self._records.add(alignment.alignment_uid, alignment_to_json(alignment))

    def alignments(self) -> list[VisitAlignment]:
        """Return every alignment that can be read, the oldest first."""
        return sorted(self._records.records(), key=lambda each: (each.made_at, each.alignment_uid))

    def problems(self) -> list[Problem]:
        """Return what is wrong with each record that is not as it was written."""
        return self._records.problems()


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

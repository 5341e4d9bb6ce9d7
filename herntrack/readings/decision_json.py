"""Decisions as JSON: one record a file, the same bytes for the same record.

A new kind of decision is a class of `herntrack.model.decisions` and a line in `KINDS`; a
record of a kind or schema that is not known is refused, never half understood.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import fields
from datetime import date, datetime
from typing import Any, Final

from herntrack.errors import ReadingError
from herntrack.model.anatomy import Anatomy
from herntrack.model.base_plane import Point
from herntrack.model.decisions import (
    AlignmentVerdict,
    BaselineChoice,
    Decision,
    PatientMerge,
    PatientSplit,
)
from herntrack.model.level_decisions import AnatomyNote, LevelConfirmation, LevelProposal
from herntrack.model.reading_decisions import (
    ReadingAmendment,
    ReadingSignature,
    VisitBlinding,
    VisitUnblinding,
)
from herntrack.model.vocabulary import Level
from herntrack.readings.record_json import moment_to_text

SCHEMA: Final = 1
"""Version of the layout that is written, and the newest that is read."""

KINDS: Final[dict[str, type[Decision]]] = {
    "patient_merge": PatientMerge,
    "patient_split": PatientSplit,
    "baseline_choice": BaselineChoice,
    "alignment_verdict": AlignmentVerdict,
    "level_confirmation": LevelConfirmation,
    "level_proposal": LevelProposal,
    "anatomy_note": AnatomyNote,
    "reading_signature": ReadingSignature,
    "reading_amendment": ReadingAmendment,
    "visit_blinding": VisitBlinding,
    "visit_unblinding": VisitUnblinding,
}
"""The word that names a kind in its record."""

_KIND_OF = {kind: word for word, kind in KINDS.items()}


def kind_of(decision: Decision) -> str:
    """Return the word that names a decision's kind."""
    return _KIND_OF[type(decision)]


def decision_to_json(decision: Decision) -> str:
    """Return a decision as JSON text.

    Raises
    ------
    ReadingError
        If its moment has no time zone.
    """
    values = {field.name: _plain(getattr(decision, field.name)) for field in fields(decision)}
    record = {"schema": SCHEMA, "record": "decision", "kind": kind_of(decision), **values}
    return json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def decision_from_json(text: str) -> Decision:
    """Return the decision that a JSON text holds.

    Raises
    ------
    ReadingError
        If the text is no record of a decision, or of a newer schema.
    """
    try:
        record = json.loads(text)
    except ValueError as error:
        raise ReadingError(f"the record of a decision is no JSON: {error}") from error
    if not isinstance(record, dict) or record.get("record") != "decision":
        raise ReadingError("the record is not of a decision")
    schema, kind = record.get("schema"), KINDS.get(str(record.get("kind")))
    if not isinstance(schema, int) or schema > SCHEMA or kind is None:
        raise ReadingError(
            f"the record of a decision has schema {schema} and kind {record.get('kind')}; this version reads"
            f" schema {SCHEMA} and {', '.join(KINDS)}: update herntrack"
        )
    try:
        return kind(**{field.name: _parsed(field.name, record[field.name]) for field in fields(kind)})
    except KeyError as error:
        raise ReadingError(f"the record of a decision is damaged: no {error.args[0]}") from error
    except (TypeError, ValueError) as error:
        raise ReadingError(f"the record of a decision is damaged: {error}") from error


def _plain(value: Any) -> str | None:
    if isinstance(value, datetime):
        return moment_to_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return " ".join(repr(float(each)) for each in value)
    return None if value is None else str(value)


def _parsed(name: str, value: Any) -> Any:
    parse = _PARSERS.get(name)
    if value is None and name in _NULLABLE:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value if parse is None else parse(value)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"the moment {text} has no time zone")
    return moment


def _point(text: str) -> Point:
    x, y, z = (float(part) for part in text.split())
    if not all(math.isfinite(value) for value in (x, y, z)):
        raise ValueError(f"the point {text} is not finite")
    return x, y, z


def _claim(text: str) -> bool:
    if text not in {"True", "False"}:
        raise ValueError(f"{text!r} is neither True nor False")
    return text == "True"


_PARSERS: Final[dict[str, Callable[[str], Any]]] = {
    "decided_at": _moment,
    "visit_date": date.fromisoformat,
    "level": Level.parse,
    "anatomy": Anatomy.parse,
    "point_lps": _point,
    "upper_corner_lps": _point,
    "lower_corner_lps": _point,
    "is_clear": _claim,
    "seed": int,
    "case_number": int,
}
"""Fields that are no text."""

_NULLABLE: Final = frozenset(("visit_date", "level", "upper_corner_lps", "lower_corner_lps"))
"""Fields that may be empty."""

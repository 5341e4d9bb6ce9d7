"""Lesions and readings as JSON: one record a file, the same bytes for the same record.

Keys are sorted and spelled as the record's fields. ``schema`` counts the changes of the layout;
a record of a newer one is refused, never half understood, and one of an older one gets what it
could not say yet as if it had not been said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, TypeVar

from herntrack.errors import HerntrackError, ReadingError
from herntrack.model.base_plane import BasePlane, Point
from herntrack.model.descriptors import Descriptors
from herntrack.model.facet_line import FacetLine
from herntrack.model.records import Lesion, Reading
from herntrack.model.vocabulary import HerniationType, Level, Modality, ReadingStatus, Side

Parsed = TypeVar("Parsed", BasePlane, Descriptors, FacetLine)

SCHEMA: Final = {"lesion": 1, "reading": 3}
"""Version of each record's layout that is written, and the newest that is read."""

NEW_IN_2: Final[dict[str, Any]] = {
    "is_proposed": False,
    "base_plane": None,
    "base_plane_source": "",
    "points_lps": [],
    "background_points_lps": [],
    "proposed_from": None,
    "guards": [],
    "descriptors": None,
}
"""What readings of schema 1 did not say, and how that is understood."""

NEW_IN_3: Final[dict[str, Any]] = {"facet_line": None}
"""The same of schema 2."""


def lesion_to_json(lesion: Lesion) -> str:
    """Return a lesion as JSON text."""
    return _text(
        "lesion",
        {
            "lesion_uid": lesion.lesion_uid,
            "patient_id": lesion.patient_id,
            "level": lesion.level.value,
            "side": lesion.side.value if lesion.side else None,
            "type": lesion.type.value if lesion.type else None,
            "created_at": moment_to_text(lesion.created_at),
        },
    )


def lesion_from_json(text: str) -> Lesion:
    """Return the lesion that a JSON text holds.

    Raises
    ------
    ReadingError
        If the text is no record of a lesion, or of a newer schema.
    """
    fields = _fields(text, "lesion")
    try:
        return Lesion(
            lesion_uid=_string(fields, "lesion_uid"),
            patient_id=_string(fields, "patient_id"),
            level=Level.parse(fields["level"]),
            side=Side.parse(fields["side"]) if fields["side"] else None,
            type=HerniationType.parse(fields["type"]) if fields["type"] else None,
            created_at=moment_from_text(fields["created_at"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError, HerntrackError) as error:
        raise ReadingError(f"the record of a lesion is damaged: {_detail(error)}") from error


def reading_to_json(reading: Reading) -> str:
    """Return a reading as JSON text; what replaced it is told by the later reading, not here."""
    return _text(
        "reading",
        {
            "reading_uid": reading.reading_uid,
            "lesion_uid": reading.lesion_uid,
            "visit_date": reading.visit_date.isoformat(),
            "reader": reading.reader,
            "status": reading.status.value,
            "reason": reading.reason,
            "stack_uid": reading.stack_uid,
            "series_instance_uid": reading.series_instance_uid,
            "study_instance_uid": reading.study_instance_uid,
            "modality": reading.modality.value,
            "created_at": moment_to_text(reading.created_at),
            "supersedes": list(reading.supersedes),
            "segmentation_file": reading.segmentation_file,
            "segmentation_sha256": reading.segmentation_sha256,
            "source": reading.source,
            "source_sha256": reading.source_sha256,
            "is_proposed": reading.is_proposed,
            "base_plane": _written(reading.base_plane),
            "base_plane_source": reading.base_plane_source,
            "points_lps": [list(point) for point in reading.points_lps],
            "background_points_lps": [list(point) for point in reading.background_points_lps],
            "proposed_from": reading.proposed_from,
            "guards": list(reading.guards),
            "descriptors": _written(reading.descriptors),
            "facet_line": _written(reading.facet_line),
        },
    )


def reading_from_json(text: str) -> Reading:
    """Return the reading that a JSON text holds, as if nothing superseded it.

    Raises
    ------
    ReadingError
        If the text is no record of a reading, or of a newer schema.
    """
    fields = _fields(text, "reading")
    for schema, unsaid in ((2, NEW_IN_2), (3, NEW_IN_3)):
        if fields["schema"] < schema:
            fields = unsaid | fields
    try:
        return Reading(
            reading_uid=_string(fields, "reading_uid"),
            lesion_uid=_string(fields, "lesion_uid"),
            visit_date=date.fromisoformat(fields["visit_date"]),
            reader=_string(fields, "reader"),
            status=ReadingStatus.parse(fields["status"]),
            reason=_string(fields, "reason"),
            stack_uid=fields["stack_uid"],
            series_instance_uid=fields["series_instance_uid"],
            study_instance_uid=fields["study_instance_uid"],
            modality=Modality.parse(fields["modality"]),
            created_at=moment_from_text(fields["created_at"]),
            supersedes=tuple(fields["supersedes"]),
            segmentation_file=fields["segmentation_file"],
            segmentation_sha256=fields["segmentation_sha256"],
            source=_string(fields, "source"),
            source_sha256=fields["source_sha256"],
            is_proposed=_claim(fields, "is_proposed"),
            base_plane=_optional(fields["base_plane"], BasePlane.from_dict),
            base_plane_source=_string(fields, "base_plane_source"),
            points_lps=points_from_lists(fields["points_lps"]),
            background_points_lps=points_from_lists(fields["background_points_lps"]),
            proposed_from=fields["proposed_from"],
            guards=tuple(fields["guards"]),
            descriptors=_optional(fields["descriptors"], Descriptors.from_dict),
            facet_line=_optional(fields["facet_line"], FacetLine.from_dict),
        )
    except (KeyError, TypeError, AttributeError, ValueError, HerntrackError) as error:
        raise ReadingError(f"the record of a reading is damaged: {_detail(error)}") from error


def moment_to_text(moment: datetime) -> str:
    """Return a moment in UTC as ISO 8601.

    Raises
    ------
    ReadingError
        If the moment has no time zone.
    """
    if moment.tzinfo is None:
        raise ReadingError(f"the moment {moment.isoformat()} has no time zone; records are kept in UTC")
    return moment.astimezone(UTC).isoformat()


def moment_from_text(text: str) -> datetime:
    """Return the moment that a record holds.

    Raises
    ------
    ValueError
        If it is none, or has no time zone: it could not be compared with the others.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"the moment {text} has no time zone")
    return moment


def points_from_lists(lists: Iterable[Sequence[float]]) -> tuple[Point, ...]:
    """Return points (LPS mm) that JSON holds as lists of three numbers.

    Raises
    ------
    ValueError, TypeError
        If one is no triple of numbers.
    """
    found = []
    for x, y, z in lists:
        found.append((float(x), float(y), float(z)))
    return tuple(found)


def _text(kind: str, fields: dict[str, Any]) -> str:
    record = {"schema": SCHEMA[kind], "record": kind, **fields}
    return json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _fields(text: str, kind: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReadingError(f"the record of a {kind} is no JSON: {error}") from error
    if not isinstance(fields, dict) or not isinstance(fields.get("schema"), int):
        raise ReadingError(f"the record of a {kind} has no schema number")
    if fields["schema"] > SCHEMA[kind]:
        raise ReadingError(
            f"the record of a {kind} has schema {fields['schema']}; this version reads up to {SCHEMA[kind]}:"
            " update herntrack"
        )
    if fields.get("record") != kind:
        raise ReadingError(f"the record is of a {fields.get('record')}, not of a {kind}")
    return fields


def _string(fields: dict[str, Any], key: str) -> str:
    value = fields[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is no text")
    return value


def _written(value: BasePlane | Descriptors | FacetLine | None) -> dict[str, Any] | None:
    return None if value is None else dict(value.as_dict())


def _optional(values: dict[str, Any] | None, parse: Callable[[dict[str, Any]], Parsed]) -> Parsed | None:
    return None if values is None else parse(values)


def _claim(fields: dict[str, Any], key: str) -> bool:
    value = fields[key]
    if not isinstance(value, bool):
        raise TypeError(f"{key} is neither true nor false")
    return value


def _detail(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"no {error.args[0]}"
    return str(error)

"""Which rows of a listing a person wants to see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from herntrack.model.vocabulary import (
    Comparability,
    ImageRole,
    Level,
    Modality,
    OutcomeClass,
    Plane,
    ReadingStatus,
    Weighting,
)
from herntrack.workflows.listings.kinds import Listing, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingFilters:
    """What the rows of a listing must be; None asks nothing.

    Parameters
    ----------
    patient, reader, code : str, optional
        Equal to these.
    visit : date, optional
        Date of the visit or the study.
    modality, plane, weighting, role, level, status, outcome, grade : Term, optional
        Equal to these; a visit fits if any of its modalities does.
    lumbar : bool, optional
        Whether the lumbar spine is said to be shown; a stack of which nothing is known fits
        neither.
    irregular : bool, optional
        Whether slices are missing or uneven.
    missing : bool, optional
        Whether files of images are gone.
    current : bool, optional
        Whether a reading stands, that is, was not superseded.
    """

    patient: str | None = None
    visit: date | None = None
    modality: Modality | None = None
    plane: Plane | None = None
    weighting: Weighting | None = None
    role: ImageRole | None = None
    lumbar: bool | None = None
    irregular: bool | None = None
    missing: bool | None = None
    level: Level | None = None
    outcome: OutcomeClass | None = None
    reader: str | None = None
    status: ReadingStatus | None = None
    current: bool | None = None
    grade: Comparability | None = None
    code: str | None = None

    @property
    def asked(self) -> dict[str, Any]:
        """The filters that ask for something, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


def _equals(key: str) -> Callable[[Row, Any], bool]:
    return lambda row, wanted: bool(row[key] == wanted)


def _on(key: str) -> Callable[[Row, date], bool]:
    return lambda row, wanted: bool(row[key] == wanted.isoformat())


def _any_of(key: str) -> Callable[[Row, Any], bool]:
    return lambda row, wanted: wanted in row[key]


def _counted(key: str) -> Callable[[Row, bool], bool]:
    return lambda row, wanted: bool(row[key]) is wanted


_PATIENT = {"patient": _equals("patient_id")}

_FITS: dict[Listing, dict[str, Callable[[Row, Any], bool]]] = {
    Listing.PATIENTS: _PATIENT,
    Listing.VISITS: _PATIENT
    | {
        "visit": _on("visit_date"),
        "modality": _any_of("modalities"),
        "irregular": _counted("n_irregular"),
    },
    Listing.SERIES: _PATIENT
    | {
        "visit": _on("study_date"),
        "modality": _equals("modality"),
        "irregular": _counted("n_irregular"),
        "missing": _counted("n_missing"),
    },
    Listing.STACKS: _PATIENT
    | {
        "visit": _on("study_date"),
        "modality": _equals("modality"),
        "plane": _equals("plane"),
        "weighting": _equals("weighting"),
        "role": _equals("role"),
        "lumbar": lambda row, wanted: row["is_lumbar"] is wanted,
        "irregular": lambda row, wanted: row["is_regular"] is not wanted,
        "missing": _counted("n_missing"),
    },
    Listing.LESIONS: _PATIENT | {"level": _equals("level"), "outcome": _equals("outcome")},
    Listing.READINGS: _PATIENT
    | {
        "visit": _on("visit_date"),
        "modality": _equals("modality"),
        "level": _equals("level"),
        "reader": _equals("reader"),
        "status": _equals("status"),
        "current": lambda row, wanted: (row["superseded_by"] is None) is wanted,
    },
    Listing.PROPOSALS: _PATIENT
    | {
        "visit": _on("visit_date"),
        "modality": _equals("modality"),
        "plane": _equals("plane"),
        "weighting": _equals("weighting"),
        "level": _equals("level"),
        "grade": _equals("grade"),
    },
    Listing.REJECTS: {"code": _equals("code")},
}


def filters_of(what: Listing) -> tuple[str, ...]:
    """Return the names of the filters that a listing has."""
    return tuple(_FITS[what])


def unknown_filters(what: Listing, filters: ListingFilters) -> tuple[str, ...]:
    """Return the filters that were asked for and that a listing does not have."""
    return tuple(name for name in filters.asked if name not in _FITS[what])


def filter_rows(what: Listing, rows: Sequence[Row], filters: ListingFilters) -> list[Row]:
    """Return the rows that fit all filters; those that the listing does not have are not asked."""
    tests = [(_FITS[what][name], value) for name, value in filters.asked.items() if name in _FITS[what]]
    return [row for row in rows if all(fits(row, value) for fits, value in tests)]

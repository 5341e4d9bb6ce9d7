"""What each listing shows on a terminal, counts below the table, and says where it is empty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from herntrack.cli.tables import Column
from herntrack.workflows.listings.kinds import Listing, Row


def stack_remarks(row: Row) -> list[str]:
    """Return what speaks against measuring on a stack, and what is unusual of it."""
    return [
        *([row["role"]] if row["role"] != "diagnostic" else []),
        *(["not lumbar"] if row["is_lumbar"] is False else []),
        *([f"{row['n_missing']} file(s) missing"] if row["n_missing"] else []),
        *row["problems"],
        *row["notes"],
    ]


COLUMNS: dict[Listing, tuple[Column, ...]] = {
    Listing.PATIENTS: (
        Column(key="patient_id", label="patient", least=12),
        Column(key="is_identified", label="identified", drop=2, usual=(True,)),
        Column(key="n_visits", label="visits"),
        Column(key="n_studies", label="studies", drop=1),
        Column(key="n_lesions", label="lesions"),
    ),
    Listing.VISITS: (
        Column(key="patient_id", label="patient", least=12),
        Column(key="visit_date", label="date"),
        Column(key="day"),
        Column(key="timepoint", label="time point"),
        Column(key="is_baseline_confirmed", label="confirmed", drop=3),
        Column(key="modalities", drop=1),
        Column(key="n_stacks", label="stacks"),
        Column(key="n_irregular", label="irregular", drop=2, usual=(0,), style="yellow"),
    ),
    Listing.SERIES: (
        Column(key="patient_id", label="patient", least=12),
        Column(key="study_date", label="date"),
        Column(key="modality", label="mod."),
        Column(key="series_number", label="no.", drop=2, usual=(None,)),
        Column(key="series_description", label="description", least=12, most=40),
        Column(key="n_stacks", label="stacks"),
        Column(key="n_irregular", label="irregular", drop=5, usual=(0,), style="yellow"),
        Column(key="n_images", label="images"),
        Column(key="n_frames", label="frames", drop=6, usual=(0,)),
        Column(key="n_missing", label="missing", drop=1, usual=(0,), style="yellow"),
        Column(key="magnetic_field_strength", label="T", drop=4, decimals=1, usual=(None,)),
        Column(key="manufacturer", drop=7, least=8, most=24),
        Column(key="series_instance_uid", label="series UID", drop=3, is_uid=True),
    ),
    Listing.STACKS: (
        Column(key="patient_id", label="patient", least=12),
        Column(key="study_date", label="date"),
        Column(key="modality", label="mod."),
        Column(key="plane"),
        Column(key="weighting", label="weight.", least=7),
        Column(key="series_description", label="description", drop=3, least=10, most=30),
        Column(key="n_slices", label="slices", drop=2),
        Column(key="slice_spacing_mm", label="step mm", drop=4),
        Column(key="pixel_spacing_row_mm", label="pixel mm", drop=7),
        Column(key="magnetic_field_strength", label="T", drop=8, decimals=1, usual=(None,)),
        Column(key="is_lumbar", label="lumbar", drop=5, usual=(None,)),
        Column(
            key="problems",
            label="remarks",
            drop=1,
            least=16,
            most=60,
            usual=([],),
            style="yellow",
            compose=stack_remarks,
        ),
        Column(key="stack_uid", label="stack UID", is_uid=True),
        Column(key="role_evidence", label="why this role", drop=10, least=16, most=40, usual=("",)),
        Column(key="lumbar_evidence", label="why lumbar or not", drop=11, least=16, most=40, usual=("",)),
        Column(key="weighting_evidence", label="why this weighting", drop=12, least=16, most=40),
    ),
    Listing.LESIONS: (
        Column(key="patient_id", label="patient", least=12),
        Column(key="level"),
        Column(key="side"),
        Column(key="type", drop=1),
        Column(key="n_readings", label="readings"),
        Column(key="outcome"),
        Column(key="lesion_uid", label="lesion UID", is_uid=True),
        Column(key="created_at", label="recorded", drop=2),
    ),
    Listing.READINGS: (
        Column(key="patient_id", label="patient", least=12),
        Column(key="level", drop=1),
        Column(key="visit_date", label="visit"),
        Column(key="reader", least=8, most=24),
        Column(key="status"),
        Column(key="is_proposed", label="proposed", drop=1, usual=(False,)),
        Column(key="volume_mm3", label="volume mm3", decimals=1),
        Column(key="volume_sigma_mm3", label="sigma mm3", drop=2, decimals=1),
        Column(key="reason", drop=4, least=16, most=40, usual=("",)),
        Column(key="source", drop=5, least=10, most=24),
        Column(key="reading_uid", label="reading UID", drop=3, is_uid=True),
        Column(key="superseded_by", label="superseded by", drop=6, is_uid=True, usual=(None,)),
        Column(key="stack_uid", label="stack UID", drop=7, is_uid=True),
    ),
    Listing.PROPOSALS: (
        Column(key="patient_id", label="patient", least=12),
        Column(key="level"),
        Column(key="side", drop=6),
        Column(key="visit_date", label="visit"),
        Column(key="grade"),
        Column(key="plane", drop=4),
        Column(key="weighting", label="weight.", drop=5),
        Column(key="series_description", label="description", drop=3, least=10, most=30),
        Column(key="reasons", drop=1, least=20, usual=([],), style="yellow"),
        Column(key="stack_uid", label="stack UID", is_uid=True),
        Column(key="is_reference_read", label="baseline read", drop=7, usual=(True,)),
    ),
    Listing.REJECTS: (
        Column(key="code"),
        Column(key="root", drop=1),
        Column(key="relative_path", label="path", least=20),
        Column(key="reason", least=20),
    ),
}
"""Columns of each table, the ones to leave out first with the highest number."""

_NO_IMAGES = "nothing is catalogued yet; begin with: herntrack ingest PATH"

NEXT_STEP = {
    Listing.PATIENTS: _NO_IMAGES,
    Listing.VISITS: _NO_IMAGES,
    Listing.SERIES: _NO_IMAGES,
    Listing.STACKS: _NO_IMAGES,
    Listing.LESIONS: "no lesions yet; record one with: herntrack lesion add --patient ID --level L5-S1",
    Listing.READINGS: "no readings yet; herntrack list proposals shows what to read, and this records a mask:"
    " herntrack read import MASK --lesion UID --stack UID --reader NAME",
    Listing.PROPOSALS: "no lesions yet, so no stacks to propose; record one with:"
    " herntrack lesion add --patient ID --level L5-S1",
    Listing.REJECTS: "no file was set aside",
}
"""What to do where a listing is empty."""


def counted(what: Listing, rows: Sequence[Row]) -> str:
    """Return the counts that stand below a table."""
    parts = [_plural(len(rows), what.value), *(_COUNTS[what](rows))]
    return ", ".join(part for part in parts if part)


def _plural(count: int, plural: str) -> str:
    if count != 1:
        return f"{count} {plural}"
    return f"1 {plural if plural == 'series' else plural.removesuffix('s')}"


def _of_patients(rows: Sequence[Row]) -> str:
    return f"of {_plural(len({row['patient_id'] for row in rows}), 'patients')}"


def _some(rows: Sequence[Row], words: str, fits: Callable[[Row], Any]) -> str:
    count = sum(bool(fits(row)) for row in rows)
    return f"{count} {words}" if count else ""


def _total(rows: Sequence[Row], key: str, words: str) -> str:
    total = sum(row[key] or 0 for row in rows)
    return f"{total} {words}" if total else ""


def _each(rows: Sequence[Row], key: str, *, missing: str) -> list[str]:
    return [f"{n} {value or missing}" for value, n in Counter(row[key] for row in rows).most_common()]


_COUNTS: dict[Listing, Callable[[Sequence[Row]], Sequence[str]]] = {
    Listing.PATIENTS: lambda rows: (
        _total(rows, "n_visits", "visits"),
        _total(rows, "n_lesions", "lesions"),
        _some(rows, "without a PatientID", lambda row: not row["is_identified"]),
    ),
    Listing.VISITS: lambda rows: (
        _of_patients(rows),
        _some(
            rows, "baselines not confirmed", lambda row: row["day"] == 0 and not row["is_baseline_confirmed"]
        ),
    ),
    Listing.SERIES: lambda rows: (
        _of_patients(rows),
        _total(rows, "n_images", "images"),
        _total(rows, "n_frames", "of them frames"),
        _total(rows, "n_missing", "missing"),
    ),
    Listing.STACKS: lambda rows: (
        _of_patients(rows),
        *_each(rows, "plane", missing="of unknown plane"),
        _some(rows, "irregular", lambda row: not row["is_regular"]),
        _some(rows, "not diagnostic", lambda row: row["role"] != "diagnostic"),
        _some(rows, "not lumbar", lambda row: row["is_lumbar"] is False),
        _some(rows, "with missing files", lambda row: row["n_missing"]),
    ),
    Listing.LESIONS: lambda rows: (
        _of_patients(rows),
        *_each(rows, "outcome", missing="not classified"),
    ),
    Listing.READINGS: lambda rows: (
        _of_patients(rows),
        *_each(rows, "status", missing="without a status"),
        _some(rows, "superseded", lambda row: row["superseded_by"] is not None),
    ),
    Listing.PROPOSALS: lambda rows: (
        _of_patients(rows),
        *_each(rows, "grade", missing="without a stack"),
    ),
    Listing.REJECTS: lambda rows: _each(rows, "code", missing="without a code"),
}

"""What is known about a simulated cohort, and its file truth.json.

Public: `CohortTruth`, `PatientTruth`, `VisitTruth`, `LesionTruth`, `LesionVisitTruth`, `PoseTruth`,
`write_truth`. The keys of truth.json are the names of the fields; points and poses are those of the
visit's own scanner coordinates (LPS mm), as in the DICOM headers.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

Point = tuple[float, float, float]
"""LPS millimetres."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionTruth:
    """A herniation through all visits."""

    lesion_uid: str
    level: str
    side: str
    type: str
    expected_outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionVisitTruth:
    """A herniation at one visit."""

    true_volume_mm3: float
    """Integrated numerically; 0 where nothing is left."""
    read_volume_mm3: float | None
    """Volume of the simulated reader's mask; None where nothing was outlined."""
    status: str
    reading_file: str
    read_on_series_uid: str
    click_lps_mm: Point | None
    """A point deep inside the fragment; None where nothing is left."""
    disc_centre_lps_mm: Point
    posterior_corners_lps_mm: tuple[Point, Point]
    """Lower posterior corner of the body above, upper one of the body below, on the midline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseTruth:
    """How the patient lay: patient frame to scanner coordinates and back."""

    rotation_degrees: Point
    shift_mm: Point
    patient_to_scanner: list[list[float]]
    scanner_to_patient: list[list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitTruth:
    """One visit."""

    study_instance_uid: str
    study_date: str
    day: int
    modality: str
    pose: PoseTruth
    series: dict[str, str]
    """Role to SeriesInstanceUID."""
    lesions: dict[str, LesionVisitTruth]
    """Lesion UID to what is true at this visit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientTruth:
    """One patient."""

    patient_id: str
    vendor: str
    lesions: tuple[LesionTruth, ...]
    visits: tuple[VisitTruth, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortTruth:
    """A whole cohort."""

    generator_version: str
    seed: int
    patients: tuple[PatientTruth, ...]


def write_truth(path: Path, truth: CohortTruth) -> None:
    """Write truth.json; the same truth gives the same bytes.

    Parameters
    ----------
    path : Path
        File to write.
    truth : CohortTruth
        What is known.
    """
    path.write_text(json.dumps(asdict(truth), indent=1) + "\n", encoding="utf-8")

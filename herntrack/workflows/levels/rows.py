"""Levels as plain rows for a table or JSON, and what is missing between a patient's visits.

Public: `PatientLevels`, `levels_of_patient`, `level_row`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from herntrack.model.level_decisions import AnatomyNote
from herntrack.workflows.aligning.said_discs import anatomy_of
from herntrack.workflows.levels.at_visits import KnownDisc, known_discs
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientLevels:
    """All discs known of a patient, the recorded anatomy, and visits that nothing is carried to."""

    discs: tuple[KnownDisc, ...]
    anatomy: AnatomyNote | None
    notes: tuple[str, ...]


def levels_of_patient(workspace: Workspace, patient_id: str) -> PatientLevels:
    """Return where each disc of a patient lies at each visit.

    Raises
    ------
    RecordNotFoundError
        If there is no such patient.
    """
    with catalogue_of(workspace) as catalogue:
        discs = known_discs(workspace, catalogue, patient_id)
        visits = [visit.visit_date for visit in catalogue.images.visits(patient_id)]
    reached = {disc.visit_date for disc in discs}
    bare = [str(visit) for visit in visits if visit not in reached] if discs else []
    notes = (
        f"nothing is carried to {visit}: align it first (herntrack align --patient {patient_id}), or confirm"
        f" a level there (herntrack level confirm --visit {visit})"
        for visit in bare
    )
    return PatientLevels(discs=tuple(discs), anatomy=anatomy_of(workspace, patient_id), notes=tuple(notes))


def level_row(disc: KnownDisc) -> dict[str, Any]:
    """Return one disc at one visit; points are LPS mm of the visit's scanner."""
    plane = disc.base_plane
    return {
        "visit_date": disc.visit_date.isoformat(),
        "level": disc.level.value,
        "status": disc.status.value,
        "centre_lps": list(disc.centre_lps),
        "upper_corner_lps": None if plane is None else list(plane.corners_lps[0]),
        "lower_corner_lps": None if plane is None else list(plane.corners_lps[1]),
        "base_plane": None if plane is None else plane.as_dict(),
        "are_corners_confirmed": disc.are_corners_confirmed,
        "stack_uid": disc.stack_uid,
        "from_visit": disc.from_visit.isoformat(),
        "by": disc.by,
        "on": disc.at.isoformat(),
        "is_clear": disc.is_clear,
        "notes": list(disc.notes),
    }

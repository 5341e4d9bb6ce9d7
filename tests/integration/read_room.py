"""A workspace with one patient of the sample cohort, to be read in the room."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from herntrack.model.vocabulary import (
    Level,
    ReadingStatus,
)
from herntrack.reading_room.level_lock import LevelLock, LevelStatus
from herntrack.workflows.listings.worklist import ReadingState, worklist
from herntrack.workflows.reading.opening import open_reading
from herntrack.workflows.reading.saves import SavedReading
from herntrack.workflows.reading.session import ReadingSession
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
PATIENT = "S-001"
READER = "reader-1"
CONFIRMED = LevelLock(level=Level.L5_S1, status=LevelStatus.CONFIRMED, by=READER)


@dataclass(frozen=True)
class Visit:
    """What is known of a visit of the sample patient."""

    visit_date: date
    stack_uid: str
    mask: np.ndarray
    status: ReadingStatus


@dataclass(frozen=True)
class Room:
    """A workspace with one patient and one lesion."""

    workspace: Workspace
    lesion_uid: str
    visits: tuple[Visit, ...]
    outcome: str

    def open(self, visit: int = 0, reader: str = READER) -> ReadingSession:
        """Open the reading of a visit."""
        return open_reading(
            self.workspace, lesion_uid=self.lesion_uid, stack_uid=self.visits[visit].stack_uid, reader=reader
        )

    def states(self, **options: Any) -> list[ReadingState]:
        """Return the states of the worklist."""
        return [item.state for item in worklist(self.workspace, **options)]


def sample_patient() -> dict[str, Any]:
    truth = json.loads((ROOT / "sample_dicom" / "truth.json").read_text(encoding="utf-8"))
    return next(each for each in truth["patients"] if each["patient_id"] == PATIENT)


def saved(session: ReadingSession) -> SavedReading:
    outcome = session.save()
    assert isinstance(outcome, SavedReading)
    return outcome


def followup_rows(workspace: Workspace) -> list[Any]:
    """Return what the catalogue holds of readings and what follows from them."""
    with catalogue_of(workspace) as catalogue:
        return [
            *catalogue.followup.readings(),
            *catalogue.followup.measurements().values(),
            *catalogue.followup.outcomes(),
        ]

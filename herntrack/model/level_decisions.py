"""What was said about a patient's levels: confirmed by a person, proposed, transitional anatomy.

Kept as the other decisions are (`herntrack.model.decisions`). A proposal is nobody's word: it is kept
beside the decisions so that it is the same whenever it is looked at.

Public: `LevelConfirmation`, `LevelProposal`, `AnatomyNote`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from herntrack.model.anatomy import Anatomy
from herntrack.model.base_plane import Point
from herntrack.model.vocabulary import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelConfirmation:
    """A person pointed at a disc and said which it is; locked at this visit from then on.

    Parameters
    ----------
    decision_uid : str
        Identifies the decision.
    patient_id : str
        The patient.
    level : Level
        The disc's name.
    visit_date : date
        The visit.
    stack_uid : str
        What was looked at.
    frame_of_reference_uid : str
        Of that stack; empty if it states none.
    point_lps : tuple of float
        The disc's centre, LPS mm of the stack.
    upper_corner_lps, lower_corner_lps : tuple of float or None
        Posterior corners of the bodies above and below, where the person vouches for them too.
    decided_by : str
        Who said so.
    decided_at : datetime
        UTC.
    reason : str
        Why an earlier word was replaced; may be empty.
    """

    decision_uid: str
    patient_id: str
    level: Level
    visit_date: date
    stack_uid: str
    frame_of_reference_uid: str
    point_lps: Point
    upper_corner_lps: Point | None
    lower_corner_lps: Point | None
    decided_by: str
    decided_at: datetime
    reason: str = ""

    @property
    def subject(self) -> tuple[str, str]:
        """What is decided: which disc that level is at that visit."""
        return "level", f"{self.patient_id} {self.visit_date} {self.level.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelProposal:
    """Where a disc may lie: found by the software, or imported; the fields are as in `LevelConfirmation`.

    `is_clear` is False where it may be one vertebra off; `reason` is the sentence that says how it was
    found; `decided_by` is the tool.
    """

    decision_uid: str
    patient_id: str
    level: Level
    visit_date: date
    stack_uid: str
    frame_of_reference_uid: str
    point_lps: Point
    upper_corner_lps: Point | None
    lower_corner_lps: Point | None
    is_clear: bool
    decided_by: str
    decided_at: datetime
    reason: str = ""

    @property
    def subject(self) -> tuple[str, str]:
        """What is proposed: which disc that level is at that visit."""
        return "level proposal", f"{self.patient_id} {self.visit_date} {self.level.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnatomyNote:
    """What a person recorded of a patient's transitional anatomy; `reason` holds it in words."""

    decision_uid: str
    patient_id: str
    anatomy: Anatomy
    decided_by: str
    decided_at: datetime
    reason: str = ""

    @property
    def subject(self) -> tuple[str, str]:
        """What is decided: how the patient's lumbar spine ends."""
        return "anatomy", self.patient_id

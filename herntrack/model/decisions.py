"""What a person decided about patients and visits; kept as it was said, never derived.

A later decision about the same subject counts instead of an earlier one; none is changed or
taken away.

Public: `PatientMerge`, `PatientSplit`, `BaselineChoice`, `AlignmentVerdict`, `Decision`,
`standing_decisions`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from herntrack.model.level_decisions import AnatomyNote, LevelConfirmation, LevelProposal
from herntrack.model.reading_decisions import (
    ReadingAmendment,
    ReadingSignature,
    VisitBlinding,
    VisitUnblinding,
)
from herntrack.model.vocabulary import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientMerge:
    """The images under one PatientID are followed under another: it is the same person.

    Parameters
    ----------
    decision_uid : str
        Identifies the decision.
    patient_id, into_patient_id : str
        The PatientID that is given up, and the one that is kept.
    decided_by : str
        Who said so.
    decided_at : datetime
        UTC.
    reason : str
        Why; may be empty.
    """

    decision_uid: str
    patient_id: str
    into_patient_id: str
    decided_by: str
    decided_at: datetime
    reason: str = ""

    @property
    def subject(self) -> tuple[str, str]:
        """What is decided: whose images these are."""
        return "patient", self.patient_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientSplit:
    """A merge is taken back: the PatientID stands for itself again; see `PatientMerge`."""

    decision_uid: str
    patient_id: str
    decided_by: str
    decided_at: datetime
    reason: str = ""

    @property
    def subject(self) -> tuple[str, str]:
        """What is decided: whose images these are."""
        return "patient", self.patient_id


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineChoice:
    """The visit that is a patient's day 0; without a date the choice is taken back."""

    decision_uid: str
    patient_id: str
    visit_date: date | None
    decided_by: str
    decided_at: datetime
    reason: str = ""

    @property
    def subject(self) -> tuple[str, str]:
        """What is decided: the patient's day 0."""
        return "baseline", self.patient_id


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentVerdict:
    """A person's word on how a follow-up was aligned; it counts for what was aligned before it.

    `level` names the disc it was refined at, None is the whole spine; `verdict` is ``good``,
    ``check`` or ``failed``.
    """

    decision_uid: str
    patient_id: str
    visit_date: date
    level: Level | None
    verdict: str
    decided_by: str
    decided_at: datetime
    reason: str

    @property
    def subject(self) -> tuple[str, str]:
        """What is decided: whether the visit's alignment, there, may be used."""
        return "alignment", f"{self.patient_id} {self.visit_date} {self.level or 'whole'}"


Decision: TypeAlias = (
    PatientMerge
    | PatientSplit
    | BaselineChoice
    | AlignmentVerdict
    | LevelConfirmation
    | LevelProposal
    | AnatomyNote
    | ReadingSignature
    | ReadingAmendment
    | VisitBlinding
    | VisitUnblinding
)
"""Anything that a person decides beside readings."""


def standing_decisions(decisions: Iterable[Decision]) -> list[Decision]:
    """Return the latest decision about each subject, the oldest first."""
    latest: dict[tuple[str, str], Decision] = {}
    for decision in sorted(decisions, key=lambda each: (each.decided_at, each.decision_uid)):
        latest.pop(decision.subject, None)
        latest[decision.subject] = decision
    return list(latest.values())

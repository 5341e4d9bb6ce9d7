"""What was decided, as plain rows for a table or JSON."""

from __future__ import annotations

from typing import Any

from herntrack.model.decisions import (
    AlignmentVerdict,
    BaselineChoice,
    Decision,
    PatientMerge,
    standing_decisions,
)
from herntrack.model.level_decisions import AnatomyNote, LevelConfirmation, LevelProposal
from herntrack.model.reading_decisions import (
    ReadingAmendment,
    ReadingSignature,
    VisitBlinding,
    VisitUnblinding,
)
from herntrack.readings.decision_json import kind_of
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.workspace import Workspace


def decision_rows(workspace: Workspace) -> list[dict[str, Any]]:
    """Return every decision, the oldest first, and whether a later one took its place."""
    found = DecisionStore(workspace.readings_folder).decisions()
    standing = {each.decision_uid for each in standing_decisions(found)}
    return [
        {
            "decision_uid": each.decision_uid,
            "kind": kind_of(each),
            "patient_id": each.patient_id,
            "said": _said(each),
            "decided_by": each.decided_by,
            "decided_at": each.decided_at.isoformat(),
            "reason": each.reason,
            "is_standing": each.decision_uid in standing,
        }
        for each in found
        if not isinstance(each, LevelProposal)
    ]


def _said(decision: Decision) -> str:
    if isinstance(decision, PatientMerge):
        return f"followed as {decision.into_patient_id}"
    if isinstance(decision, BaselineChoice):
        return "day 0 is proposed" if decision.visit_date is None else f"day 0 is {decision.visit_date}"
    if isinstance(decision, AlignmentVerdict):
        where = decision.level or "the whole spine"
        return f"alignment of {decision.visit_date} at {where} is {decision.verdict}"
    if isinstance(decision, ReadingSignature | ReadingAmendment):
        what = "signed" if isinstance(decision, ReadingSignature) else "opened for amendment"
        return f"reading {decision.reading_uid} is {what}"
    if isinstance(decision, VisitBlinding | VisitUnblinding):
        how = "is blinded" if isinstance(decision, VisitBlinding) else "was told dates and order"
        return f"{decision.reader} {how}"
    return _said_of_anatomy(decision) or "stands for itself"


def _said_of_anatomy(decision: Decision) -> str:
    if isinstance(decision, LevelConfirmation):
        return f"{decision.level} of {decision.visit_date} is confirmed"
    return f"anatomy is {decision.anatomy}" if isinstance(decision, AnatomyNote) else ""

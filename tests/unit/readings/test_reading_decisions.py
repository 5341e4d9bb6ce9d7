"""Signatures and blinding are kept as decisions; the later one about the same subject stands."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from herntrack.model.decisions import Decision, standing_decisions
from herntrack.model.reading_decisions import (
    ReadingAmendment,
    ReadingSignature,
    VisitBlinding,
    VisitUnblinding,
    labels_text,
)
from herntrack.readings.decision_json import decision_from_json, decision_to_json
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.listings.decision_rows import decision_rows
from herntrack.workflows.workspace import create_workspace

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
VISITS = {"B": date(2024, 1, 2), "A": date(2024, 4, 5)}
SIGNATURE = ReadingSignature(
    decision_uid="2.25.1", patient_id="P", reading_uid="2.25.50", decided_by="r", decided_at=NOON
)
AMENDMENT = ReadingAmendment(
    decision_uid="2.25.2",
    patient_id="P",
    reading_uid="2.25.50",
    decided_by="r",
    decided_at=NOON + timedelta(hours=1),
    reason="wrong slice",
)
BLINDING = VisitBlinding(
    decision_uid="2.25.3",
    patient_id="P",
    reader="r",
    seed=11,
    case_number=4,
    labels=labels_text(VISITS),
    decided_by="coordinator",
    decided_at=NOON,
)
UNBLINDING = VisitUnblinding(
    decision_uid="2.25.4",
    patient_id="P",
    reader="r",
    decided_by="coordinator",
    decided_at=NOON + timedelta(hours=2),
    reason="the study is closed",
)
ALL = [SIGNATURE, AMENDMENT, BLINDING, UNBLINDING]


@pytest.mark.parametrize("decision", ALL)
def test_a_decision_survives_its_record(decision: Decision) -> None:
    assert decision_from_json(decision_to_json(decision)) == decision


def test_labels_and_visits_survive_their_text() -> None:
    assert BLINDING.labels == "A=2024-04-05 B=2024-01-02"
    assert BLINDING.visits == VISITS


def test_the_later_decision_about_the_same_subject_stands() -> None:
    assert standing_decisions(ALL) == [AMENDMENT, UNBLINDING]
    assert standing_decisions([SIGNATURE, BLINDING]) == [SIGNATURE, BLINDING]


def test_decisions_are_listed_in_words(tmp_path: Path) -> None:
    workspace = create_workspace(tmp_path)
    for decision in ALL:
        DecisionStore(workspace.readings_folder).add(decision)
    assert [(row["said"], row["is_standing"]) for row in decision_rows(workspace)] == [
        ("reading 2.25.50 is signed", False),
        ("r is blinded", False),
        ("reading 2.25.50 is opened for amendment", True),
        ("r was told dates and order", True),
    ]

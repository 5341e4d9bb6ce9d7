"""What people decided is kept as it was said."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from herntrack.errors import ReadingError
from herntrack.model.decisions import (
    AlignmentVerdict,
    BaselineChoice,
    Decision,
    PatientMerge,
    PatientSplit,
    standing_decisions,
)
from herntrack.model.vocabulary import Level
from herntrack.readings.decision_json import decision_from_json, decision_to_json
from herntrack.readings.decisions import DecisionStore
from herntrack.readings.store import ReadingStore

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
MERGE = PatientMerge(
    decision_uid="2.25.1", patient_id="A", into_patient_id="B", decided_by="reader-a", decided_at=NOON
)
SPLIT = PatientSplit(
    decision_uid="2.25.2", patient_id="A", decided_by="reader-b", decided_at=NOON + timedelta(hours=1)
)
CHOICE = BaselineChoice(
    decision_uid="2.25.3",
    patient_id="A",
    visit_date=date(2024, 1, 2),
    decided_by="reader-a",
    decided_at=NOON,
    reason="the first one is of the neck",
)
UNDONE = BaselineChoice(
    decision_uid="2.25.4", patient_id="A", visit_date=None, decided_by="reader-a", decided_at=NOON
)


WHOLE = AlignmentVerdict(
    decision_uid="2.25.5",
    patient_id="A",
    visit_date=date(2024, 2, 2),
    level=None,
    verdict="failed",
    decided_by="reader-a",
    decided_at=NOON,
    reason="another back",
)
AT_A_DISC = replace(WHOLE, decision_uid="2.25.6", level=Level.L4_L5, verdict="good")


def test_a_verdict_on_the_whole_spine_and_one_at_a_disc_stand_beside_each_other() -> None:
    later = replace(WHOLE, decision_uid="2.25.7", verdict="good", decided_at=NOON + timedelta(hours=1))
    assert standing_decisions([WHOLE, AT_A_DISC, later]) == [AT_A_DISC, later]


@pytest.mark.parametrize("decision", [MERGE, SPLIT, CHOICE, UNDONE, WHOLE, AT_A_DISC])
def test_a_decision_survives_its_record(tmp_path: Path, decision: Decision) -> None:
    store = DecisionStore(tmp_path)
    store.add(decision)
    assert store.decisions() == [decision]
    assert decision_from_json(decision_to_json(decision)) == decision
    assert [path.name for path in (tmp_path / "decisions").iterdir()] == [f"{decision.decision_uid}.json"]


def test_the_latest_decision_about_a_subject_stands() -> None:
    assert standing_decisions([SPLIT, CHOICE, MERGE]) == [CHOICE, SPLIT]
    assert standing_decisions([MERGE, CHOICE]) == [MERGE, CHOICE]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    store = DecisionStore(tmp_path)
    store.add(MERGE)
    with pytest.raises(ReadingError, match="nothing is overwritten"):
        store.add(MERGE)


def test_a_moment_has_a_time_zone() -> None:
    with pytest.raises(ReadingError, match="no time zone"):
        decision_to_json(replace(MERGE, decided_at=datetime(2024, 1, 1)))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"schema": 2}, "update herntrack"),
        ({"kind": "disc_level"}, "update herntrack"),
        ({"record": "lesion"}, "not of a decision"),
        ({"decided_at": "2024-03-01T12:00:00"}, "no time zone"),
        ({"patient_id": 7}, "patient_id is no text"),
        ({"reason": None}, "reason is no text"),
    ],
)
def test_a_damaged_record_is_named_and_the_others_count(
    tmp_path: Path, changed: dict[str, object], told: str
) -> None:
    store = DecisionStore(tmp_path)
    for decision in (MERGE, CHOICE):
        store.add(decision)
    path = tmp_path / "decisions" / "2.25.1.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))
    assert store.decisions() == [CHOICE]
    ((code, file, sentence),) = store.problems()
    assert (code, file) == ("unreadable_record", "decisions/2.25.1.json")
    assert told in sentence


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"schema": 1, "record": "decision"}'])
def test_a_file_that_is_no_record_is_named(tmp_path: Path, content: bytes) -> None:
    store = DecisionStore(tmp_path)
    store.add(CHOICE)
    (tmp_path / "decisions" / "2.25.9.json").write_bytes(content)
    assert store.decisions() == [CHOICE]
    assert [file for _, file, _ in store.problems()] == ["decisions/2.25.9.json"]


def test_a_missing_field_is_named() -> None:
    record = json.loads(decision_to_json(MERGE))
    del record["into_patient_id"]
    with pytest.raises(ReadingError, match="no into_patient_id"):
        decision_from_json(json.dumps(record))


def test_the_store_of_readings_knows_the_folder_and_names_what_is_wrong_in_it(tmp_path: Path) -> None:
    DecisionStore(tmp_path).add(MERGE)
    store = ReadingStore(tmp_path)
    assert store.verify() == []
    assert (store.readings(), store.lesions()) == ([], [])
    folder = tmp_path / "decisions"
    (folder / "2.25.1.json").rename(folder / "2.25.8.json")
    (folder / "2.25.7.json").write_text("{")
    (folder / ".unfinished-x.json").write_text("{")
    assert [(each.code, each.file) for each in store.verify()] == [
        ("unfinished_file", "decisions/.unfinished-x.json"),
        ("unreadable_record", "decisions/2.25.7.json"),
        ("misplaced_record", "decisions/2.25.8.json"),
    ]

"""How visits lie to each other is kept as it was found."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from herntrack.errors import ReadingError
from herntrack.model.records import VisitAlignment
from herntrack.model.vocabulary import Level
from herntrack.readings.alignments import AlignmentStore, alignment_from_json, alignment_to_json
from herntrack.readings.store import ReadingStore

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
WHOLE = VisitAlignment(
    alignment_uid="2.25.41",
    patient_id="A",
    visit_date=date(2024, 2, 1),
    baseline_date=date(2024, 1, 1),
    level=None,
    centre_lps=None,
    baseline_stack_uid="2.25.51",
    followup_stack_uid="2.25.52",
    grids_sha256="ab" * 32,
    matrix_lps=(1.0, 0.0, 0.0, 0.1 + 0.2, 0.0, 1.0, 0.0, -7.0, 0.0, 0.0, 1.0, 1e-17, 0.0, 0.0, 0.0, 1.0),
    residual_mm=0.4,
    overlap=0.9,
    agreement=0.93,
    runner_up=0.5,
    runner_up_mm=31.0,
    verdict="good",
    reasons=(),
    made_at=NOON,
    software_version="0.1",
)
LOCAL = replace(
    WHOLE,
    alignment_uid="2.25.42",
    level=Level.L4_L5,
    centre_lps=(1.0, 2.5, -3.0),
    residual_mm=None,
    runner_up=None,
    runner_up_mm=None,
    verdict="check",
    reasons=("only 30 places with structure lie in both stacks",),
    made_at=NOON + timedelta(seconds=1),
)


def test_alignments_come_back_to_the_bit_oldest_first(tmp_path: Path) -> None:
    store = AlignmentStore(tmp_path)
    store.add(LOCAL)
    store.add(WHOLE)
    assert store.alignments() == [WHOLE, LOCAL]
    assert store.alignments()[0].matrix[0, 3] == 0.1 + 0.2
    assert sorted(path.name for path in (tmp_path / "alignments").iterdir()) == [
        "2.25.41.json",
        "2.25.42.json",
    ]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    store = AlignmentStore(tmp_path)
    store.add(WHOLE)
    with pytest.raises(ReadingError, match="nothing is overwritten"):
        store.add(replace(WHOLE, verdict="failed"))
    assert store.alignments() == [WHOLE]


def test_a_persons_verdict_is_no_part_of_the_record() -> None:
    overruled = replace(WHOLE, is_overruled=True)
    assert alignment_from_json(alignment_to_json(overruled)) == WHOLE


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"matrix_lps": [1.0, 0.0]}, "matrix_lps has 2 numbers, not 16"),
        ({"level": "L7-S9"}, "is no level"),
        ({"made_at": "2024-03-01T12:00:00"}, "no time zone"),
        ({"schema": 2}, "reads up to 1: update herntrack"),
        ({"record": "reading"}, "not of an alignment"),
    ],
)
def test_a_damaged_record_is_named_and_the_others_count(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    store = AlignmentStore(tmp_path)
    store.add(WHOLE)
    store.add(LOCAL)
    path = tmp_path / "alignments" / "2.25.41.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert store.alignments() == [LOCAL]
    (problem,) = ReadingStore(tmp_path).verify()
    assert (problem.code, problem.file) == ("unreadable_record", "alignments/2.25.41.json")
    assert said in problem.message
    assert "herntrack align" in problem.message


def test_a_renamed_record_is_named(tmp_path: Path) -> None:
    AlignmentStore(tmp_path).add(WHOLE)
    (tmp_path / "alignments" / "2.25.41.json").rename(tmp_path / "alignments" / "2.25.40.json")
    assert [problem.code for problem in ReadingStore(tmp_path).verify()] == ["misplaced_record"]
    assert ReadingStore(tmp_path).readings() == []

"""The worklist of a real patient, filtered, gone through, and blinded."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from herntrack.errors import ReadingError
from herntrack.model.vocabulary import (
    Level,
)
from herntrack.workflows.listings.worklist import ReadingState, next_item, worklist
from herntrack.workflows.reading.blinding import begin_blinding, blinded_worklist, unblind
from herntrack.workflows.workspace import open_workspace
from tests.integration.read_room import PATIENT, READER, Room, saved


def test_the_worklist_is_gone_through(room: Room) -> None:
    items = worklist(room.workspace, reader=READER)
    assert (items[0].patient_id, items[0].level, items[0].day) == (PATIENT, Level.L5_S1, 0)
    assert [item.stack_uid for item in items] == [visit.stack_uid for visit in room.visits]
    assert next_item(items) == items[0]
    assert next_item(items, items[0]) == items[1]
    assert next_item(items, items[-1]) == items[0]
    assert next_item(items, items[0], states=[ReadingState.READ]) is None
    session = room.open(1)
    session.propose(room.visits[1].mask)
    saved(session)
    session.close()
    items = worklist(room.workspace, reader="reader-2", is_independent=True)
    assert [item.state for item in items] == [ReadingState.TO_READ] * len(items)
    items = worklist(room.workspace, reader="reader-2")
    assert next_item(items, items[0]) == items[2]


def test_two_readers_without_a_primary_one_are_in_conflict(room: Room) -> None:
    for reader in (READER, "reader-2"):
        session = room.open(reader=reader)
        session.propose(room.visits[0].mask)
        saved(session)
        session.close()
    (item, *_) = worklist(room.workspace)
    assert item.state is ReadingState.IN_CONFLICT
    assert item.readers == (READER, "reader-2")
    assert "no primary reader is set" in item.note


def test_a_patient_without_a_lesion_is_to_be_read_at_the_baseline(ingested: Path) -> None:
    (item,) = worklist(open_workspace(ingested))
    assert (item.patient_id, item.lesion_uid, item.day) == (PATIENT, None, 0)
    assert item.state is ReadingState.TO_READ
    assert "add the patient's lesion" in item.note


def test_a_blinded_reader_sees_labels_and_the_readings_go_to_their_visits(room: Room) -> None:
    assert blinded_worklist(room.workspace, reader=READER) == []
    begun = begin_blinding(room.workspace, reader=READER, seed=5)
    assert [(each.patient_id, each.case_number) for each in begun] == [(PATIENT, 1)]
    assert sorted(begun[0].visits.values()) == [visit.visit_date for visit in room.visits]
    assert begin_blinding(room.workspace, reader=READER, seed=6) == []
    items = blinded_worklist(room.workspace, reader=READER)
    assert {each.case for each in items} == {"Case 1"}
    labels = {each.visit for each in items}
    assert labels == {f"Visit {letter}" for letter in "ABCDEFG"[: len(room.visits)]}
    shown = " ".join(f"{each.title} {each.level} {each.side} {each.state}" for each in items)
    assert PATIENT not in shown
    assert "2024" not in shown
    for each in items:
        visit = next(v for v in room.visits if v.visit_date == begun[0].visits[each.visit.split()[1]])
        assert each.item.visit_date == visit.visit_date
        assert each.item.stack_uid == visit.stack_uid
    unblind(
        room.workspace, reader=READER, patient_id=PATIENT, decided_by="coordinator", reason="study closed"
    )
    assert blinded_worklist(room.workspace, reader=READER) == []
    with pytest.raises(ReadingError, match="not blinded"):
        unblind(room.workspace, reader=READER, patient_id=PATIENT, decided_by="coordinator", reason="again")
    # Who was told is not blinded again; another reader is.
    assert begin_blinding(room.workspace, reader=READER, seed=5) == []
    assert len(begin_blinding(room.workspace, reader="reader-2", seed=5)) == 1


def test_the_drawn_order_depends_on_the_seed_alone(room: Room) -> None:
    def order(reader: str) -> list[tuple[date, str]]:
        return [
            (each.item.visit_date, each.visit) for each in blinded_worklist(room.workspace, reader=reader)
        ]

    for reader, seed in (("a", 1), ("b", 1), ("c", 2), ("d", 3), ("e", 4)):
        begin_blinding(room.workspace, reader=reader, seed=seed)
    assert order("a") == order("b")
    assert len({tuple(order(reader)) for reader in "acde"}) > 1

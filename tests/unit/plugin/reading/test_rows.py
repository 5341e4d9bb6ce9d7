"""What the worklist shows, for an open reader and for a blinded one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from herntrack.model.vocabulary import Level, Side
from herntrack.workflows.listings.worklist import ReadingState, WorkItem
from herntrack.workflows.reading.blinding import BlindedItem
from napari_herntrack.reading.keys import READING_KEYS
from napari_herntrack.reading.rows import blinded_rows, filter_rows, next_row, open_rows
from napari_herntrack.reading.sheet import sheet_rows
from napari_herntrack.texts import LANGUAGES, load_texts
from napari_herntrack.viewing.keys import VIEW_KEYS

TEXTS = load_texts("en")


def items() -> list[WorkItem]:
    states = (ReadingState.SIGNED, ReadingState.TO_READ, ReadingState.PROPOSED)
    return [
        WorkItem(
            patient_id="P-1",
            lesion_uid="2.25.1",
            level=Level.L4_L5,
            side=Side.LEFT,
            visit_date=date(2024, 1, 2) + timedelta(days=day),
            day=day,
            timepoint="",
            state=state,
            stack_uid="2.25.9",
        )
        for day, state in zip((0, 30, 90), states, strict=True)
    ]


def test_a_row_says_patient_level_visit_and_state() -> None:
    first, second, _ = open_rows(items(), TEXTS)
    assert (first.title, first.state_word) == ("P-1  L4-L5 left  2024-01-02  Baseline", "signed")
    assert second.visit == "2024-02-01  Day 30"


def test_what_is_in_the_way_is_said_on_the_row() -> None:
    item = items()[0]
    without = open_rows([replace(item, lesion_uid=None, level=None), replace(item, stack_uid=None)], TEXTS)
    assert [row.note for row in without] == [TEXTS("worklist.no_lesion"), TEXTS("worklist.no_stack")]
    assert open_rows([replace(item, has_draft=True)], TEXTS)[0].note == "Unsaved work"


def test_rows_are_found_by_words_in_any_order_and_by_state() -> None:
    rows = open_rows(items(), TEXTS)
    assert filter_rows(rows, text="day l4-l5") == rows[1:]
    assert filter_rows(rows, text="PROPOSED") == rows[2:]
    assert filter_rows(rows, text="p-1", states=(ReadingState.SIGNED,)) == rows[:1]
    assert filter_rows(rows, text="p-2") == []


def test_the_next_row_is_the_next_open_one_and_begins_anew_after_the_last() -> None:
    rows = open_rows(items(), TEXTS)
    assert next_row(rows, None) is rows[1]
    assert next_row(rows, rows[1]) is rows[2]
    assert next_row(rows, rows[2]) is rows[1]
    assert next_row(rows[:1], None) is None


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_a_blinded_row_shows_and_finds_nothing_of_patient_and_date(language: str) -> None:
    texts = load_texts(language)
    item = items()[1]
    blinded = BlindedItem(
        case="Case 3", visit="Visit B", level=item.level, side=item.side, state=item.state, item=item
    )
    (row,) = blinded_rows([blinded], texts)
    assert "3" in row.patient
    assert "B" in row.visit
    assert not any(told in row.title for told in ("P-1", "2024", "30"))
    assert filter_rows([row], text="2024-02-01") == []
    assert filter_rows([row], text="p-1") == []


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_every_key_is_on_the_sheet_in_every_language(language: str) -> None:
    keys = [keys for keys, _ in sheet_rows(load_texts(language))]
    assert {key.keys for key in (*READING_KEYS, *VIEW_KEYS)} <= set(keys)
    # One key, one meaning: the views' keys are not taken by reading.
    assert len(keys) == len(set(keys))

"""The level in words, and why it keeps a reading from being signed."""

from __future__ import annotations

from datetime import date

import pytest

from herntrack.model.vocabulary import Level
from herntrack.reading_room.level_lock import LevelLock, LevelStatus

CONFIRMED = LevelLock(
    level=Level.L5_S1,
    status=LevelStatus.CONFIRMED,
    by="Reader One",
    on=date(2024, 5, 6),
    visit_date=date(2024, 1, 2),
)


def test_a_confirmed_level_says_who_and_when() -> None:
    assert CONFIRMED.sentence == "L5-S1, confirmed by Reader One on 2024-05-06"
    assert CONFIRMED.words(is_blinded=True) == "L5-S1, confirmed"
    assert (CONFIRMED.is_locked, CONFIRMED.refusal) == (True, "")


def test_a_carried_level_says_from_where() -> None:
    carried = LevelLock(
        level=Level.L4_L5,
        status=LevelStatus.CARRIED,
        by="Reader One",
        on=date(2024, 5, 6),
        visit_date=date(2024, 1, 2),
    )
    assert carried.sentence == "L4-L5, carried from 2024-01-02, confirmed by Reader One on 2024-05-06"
    assert carried.words(is_blinded=True) == "L4-L5, carried, confirmed"
    assert carried.is_locked


@pytest.mark.parametrize(
    ("status", "words", "told"),
    [
        (LevelStatus.PROPOSED, "L5-S1, proposed, not confirmed", "is only proposed"),
        (LevelStatus.UNKNOWN, "L5-S1, not confirmed", "is not confirmed, so the reading cannot be signed"),
        (LevelStatus.CONTRADICTED, "L5-S1, contradicted: 21 mm apart", "is contradicted: 21 mm apart"),
    ],
)
def test_any_other_keeps_the_reading_open(status: LevelStatus, words: str, told: str) -> None:
    lock = LevelLock(
        level=Level.L5_S1, status=status, problem="21 mm apart" if status is LevelStatus.CONTRADICTED else ""
    )
    assert lock.sentence == words
    assert not lock.is_locked
    assert told in lock.refusal

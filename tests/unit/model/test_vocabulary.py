from __future__ import annotations

import itertools

import pytest

from herntrack.errors import VocabularyError
from herntrack.model.timepoints import DEFAULT_WINDOWS, VisitWindow, timepoint_of_day
from herntrack.model.vocabulary import HerniationType, Level, Side, VisitState


@pytest.mark.parametrize("text", ["L5-S1", "l5-s1", "L5/S1", "L5S1", "L5\N{EN DASH}S1", " l5 s1 "])
def test_a_level_is_understood_however_it_is_written(text: str) -> None:
    assert Level.parse(text) is Level.L5_S1


def test_an_unknown_word_is_refused_with_the_known_ones() -> None:
    with pytest.raises(VocabularyError, match="left, right, central"):
        Side.parse("middle")
    with pytest.raises(VocabularyError, match="'prolapse' is no herniation type"):
        HerniationType.parse("prolapse")


def test_every_state_has_a_letter_of_its_own() -> None:
    assert "".join(sorted(state.letter for state in VisitState)) == "ABDINU"


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (0, "baseline"),
        (13, "unscheduled"),
        (14, "1 month"),
        (60, "1 month"),
        (61, "3 months"),
        (126, "3 months"),
        (127, "6 months"),
        (365, "12 months"),
        (457, "unscheduled"),
        (-5, "unscheduled"),
    ],
)
def test_a_day_has_a_nominal_time_point(day: int, name: str) -> None:
    assert timepoint_of_day(day) == name


def test_windows_do_not_overlap() -> None:
    ends = [(window.first_day, window.last_day) for window in DEFAULT_WINDOWS]
    assert all(before[1] < after[0] for before, after in itertools.pairwise(ends))


def test_a_window_runs_forward() -> None:
    with pytest.raises(ValueError, match="days are positive"):
        VisitWindow(name="x", first_day=9, last_day=3)

"""Which places a disc of another visit may have beside those that are known."""

from __future__ import annotations

import pytest

from herntrack.model.base_plane import Point
from herntrack.model.vocabulary import Level
from herntrack.workflows.aligning.disc_places import disc_conflict

L4_L5 = {Level.L4_L5: (-8.0, 30.0, -480.0)}


@pytest.mark.parametrize(
    ("level", "there", "said"),
    [
        (
            Level.L5_S1,
            (-8.0, 30.0, -440.0),
            "the disc named L5-S1 lies 40 mm above L4-L5 there, which belongs above it (40 mm away)",
        ),
        (
            Level.L3_L4,
            (-8.0, 30.0, -500.0),
            "the disc named L4-L5 lies 20 mm above L3-L4 there, which belongs above it (20 mm away)",
        ),
        (
            Level.L5_L6,
            (-8.0, 30.0, -480.0 + 30.0),
            "the disc named L5-L6 lies 30 mm above L4-L5 there, which belongs above it (30 mm away)",
        ),
        (
            Level.L5_S1,
            (-8.0, 30.0, -541.0),
            "the discs named L4-L5 and L5-S1 lie 61 mm apart there; 12 to 60 mm are possible",
        ),
        (
            Level.L2_L3,
            (-8.0, 30.0, -451.0),
            "the discs named L2-L3 and L4-L5 lie 29 mm apart there; 32 to 112 mm are possible",
        ),
        (Level.L5_S1, (-8.0, 35.0, -489.0), "the disc named L5-S1 is the one named L4-L5 there (10 mm away)"),
        (Level.L5_S1, (-8.0, 35.0, -515.0), ""),
        (Level.L3_L4, (-8.0, 25.0, -425.0), ""),
        (Level.L6_S1, (-8.0, 35.0, -545.0), ""),
    ],
)
def test_discs_lie_in_their_order_and_at_distances_that_discs_have(
    level: Level, there: Point, said: str
) -> None:
    assert disc_conflict(level, there, L4_L5) == said


def test_the_nearest_disc_is_named_first() -> None:
    places = {**L4_L5, Level.L3_L4: (-8.0, 25.0, -445.0)}
    assert "above L4-L5 there" in disc_conflict(Level.L5_S1, (-8.0, 80.0, -430.0), places)


def test_names_that_no_spine_has_together_are_not_compared() -> None:
    assert disc_conflict(Level.L5_S1, (-8.0, 30.0, -440.0), {Level.L6_S1: (-8.0, 30.0, -480.0)}) == ""

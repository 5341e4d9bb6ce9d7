"""Which disc follows which, and what is usual between them.

Public: `levels_of_spine`, `USUAL_STEPS`, `UsualStep`, `steps_between`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from herntrack.errors import VocabularyError
from herntrack.model.vocabulary import Level

FIVE_LUMBAR = (Level.T12_L1, Level.L1_L2, Level.L2_L3, Level.L3_L4, Level.L4_L5, Level.L5_S1)
"""Discs from above downwards where five lumbar vertebrae stand on the sacrum."""

SIX_LUMBAR = (*FIVE_LUMBAR[:-1], Level.L5_L6, Level.L6_S1)
"""Discs from above downwards where there is a sixth one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualStep:
    """From a disc to the next one above it.

    Parameters
    ----------
    length : float
        Distance of the centres, relative to the spine's mean (no unit).
    turn_degrees : float
        How much less the upper one falls forwards (degrees).
    """

    length: float
    turn_degrees: float


USUAL_STEPS = (
    UsualStep(length=1.01, turn_degrees=16.0),
    UsualStep(length=1.03, turn_degrees=9.0),
    UsualStep(length=1.03, turn_degrees=7.0),
    UsualStep(length=0.99, turn_degrees=5.0),
    UsualStep(length=0.93, turn_degrees=3.0),
)
"""Round values from the lowest disc upwards, near the published means of adults lying on their back."""


def levels_of_spine(named: Iterable[Level], *, has_l6: bool = False) -> tuple[Level, ...]:
    """Return the discs of a spine from above downwards.

    Parameters
    ----------
    named : iterable of Level
        Discs that a person named; they decide whether there is an L6 and whether S1-S2 counts.
    has_l6 : bool
        Whether a sixth lumbar vertebra was recorded.

    Raises
    ------
    VocabularyError
        If the names contradict each other: L5-S1 in a spine with an L6.
    """
    names = set(named)
    six = has_l6 or bool(names & {Level.L5_L6, Level.L6_S1})
    if six and Level.L5_S1 in names:
        raise VocabularyError(
            "a spine with a sixth lumbar vertebra has the discs L5-L6 and L6-S1 and no L5-S1; name them so,"
            " or correct the recorded anatomy with: herntrack level note"
        )
    levels = SIX_LUMBAR if six else FIVE_LUMBAR
    return (*levels, Level.S1_S2) if Level.S1_S2 in names else levels


def steps_between(levels: Sequence[Level], lower: int) -> UsualStep:
    """Return the usual step from the disc of that index to the one above it."""
    from_below = sum(1 for each in levels[lower + 1 :] if each is not Level.S1_S2)
    return USUAL_STEPS[min(from_below, len(USUAL_STEPS) - 1)]

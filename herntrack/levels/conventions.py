"""Numbers that other tools give vertebrae and discs in their label maps.

Looked up in the tools' public documentation:

- TotalSpineSeg: ``totalspineseg/resources/labels_maps/tss_map.json`` and the list of classes in the
  README of github.com/neuropoly/totalspineseg; its first releases of 2024 used other numbers.
- SPINEPS: README of github.com/Hendrik-code/spineps (vertebra X is 1 to 25, the disc below it 100 + X), names
  of X in ``TPTBox/core/vert_constants.py`` of github.com/Hendrik-code/TPTBox.
- TotalSegmentator: ``totalsegmentator/map_to_binary.py`` of github.com/wasserth/TotalSegmentator, classes
  ``total``, ``total_v1`` and ``vertebrae_mr``. It has no discs: they lie between two vertebrae.

Public: `Convention`, `Numbering`, `numbering_of`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import unique

from herntrack.model.vocabulary import Level, Term


@unique
class Convention(Term):
    """Whose numbers a label map has."""

    TOTALSPINESEG = "totalspineseg"
    TOTALSPINESEG_FIRST = "totalspineseg-first"
    """Of its first releases: vertebrae 18 to 24, discs from 202 on."""
    SPINEPS = "spineps"
    """The instance map (``seg-vert``), not the map of substructures (``seg-spine``)."""
    TOTALSEGMENTATOR = "totalsegmentator"
    """Classes of ``total`` since version 2."""
    TOTALSEGMENTATOR_V1 = "totalsegmentator-v1"
    TOTALSEGMENTATOR_MR = "totalsegmentator-mr"
    """Classes of ``vertebrae_mr``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """Labels of a map.

    Parameters
    ----------
    bodies : dict of Level to tuple of int
        For each disc the labels of the vertebra above and of the one below.
    discs : dict of Level to int
        Labels of discs, as far as the tool has any.
    """

    bodies: dict[Level, tuple[int, int]]
    discs: dict[Level, int]


_NONE = -1
"""No map has this label."""

_VERTEBRAE = {  # T12, L1 to L5, sacrum or S1, and L6 where there is a number for it
    Convention.TOTALSPINESEG: (32, 41, 42, 43, 44, 45, 50, 46),
    Convention.TOTALSPINESEG_FIRST: (23, 22, 21, 20, 19, 18, 92, _NONE),
    Convention.SPINEPS: (19, 20, 21, 22, 23, 24, 26, 25),
    Convention.TOTALSEGMENTATOR: (32, 31, 30, 29, 28, 27, 26, _NONE),
    Convention.TOTALSEGMENTATOR_V1: (23, 22, 21, 20, 19, 18, 92, _NONE),
    Convention.TOTALSEGMENTATOR_MR: (7, 6, 5, 4, 3, 2, 1, _NONE),
}
_DISCS = {  # from T12-L1 to the disc above the sacrum
    Convention.TOTALSPINESEG: (91, 92, 93, 94, 95, 100),
    Convention.TOTALSPINESEG_FIRST: (207, 206, 205, 204, 203, 202),
    Convention.SPINEPS: (119, 120, 121, 122, 123, 124),
}
_FIVE = (Level.T12_L1, Level.L1_L2, Level.L2_L3, Level.L3_L4, Level.L4_L5, Level.L5_S1)

SPINEPS_DISC_BELOW_L6 = 125


def numbering_of(convention: Convention, present: Collection[int]) -> Numbering:
    """Return the numbers of a convention, with a sixth lumbar vertebra if the map has one.

    Parameters
    ----------
    convention : Convention
        Whose map it is.
    present : collection of int
        Labels that occur in it.
    """
    *vertebrae, sixth = _VERTEBRAE[convention]
    discs = dict(zip(_FIVE, _DISCS.get(convention, ()), strict=False))
    column = list(vertebrae)
    levels: tuple[Level, ...] = _FIVE
    if sixth in present:
        levels = (*_FIVE[:-1], Level.L5_L6, Level.L6_S1)
        column.insert(-1, sixth)
        # TotalSpineSeg calls the disc above the sacrum so whatever stands on it; SPINEPS counts on.
        lowest = discs.pop(Level.L5_S1)
        if convention is Convention.SPINEPS:
            discs |= {Level.L5_L6: lowest, Level.L6_S1: SPINEPS_DISC_BELOW_L6}
        else:
            discs[Level.L6_S1] = lowest
    bodies = {level: (column[place], column[place + 1]) for place, level in enumerate(levels)}
    return Numbering(bodies=bodies, discs=discs)

"""What is drawn over one view's picture: lines, outlines and words, in voxels of its stack.

Public: `Scene`, `Words`, `MaskLook`, `CrossLine`, `is_same`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum, unique

import numpy as np

from herntrack._typing import FloatArray
from napari_herntrack.viewing.facet_marks import NO_MARKS, FacetMarks
from napari_herntrack.viewing.letters import EdgeLetters


@unique
class MaskLook(StrEnum):
    """How sure an outline is, and so how it is drawn."""

    PROPOSED = "proposed"
    DRAFT = "draft"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The texts of a view.

    Parameters
    ----------
    top_left, top_right, bottom_left : tuple of str
        Lines in the corners; the first line of a corner is the strong one.
    level : str
        The level in words; stands on the picture at all times.
    is_level_confirmed : bool
        Whether a person confirmed it; drawn quietly if so, as a warning if not.
    units : tuple of str
        Millimetres and centimetres, for the scale bar.
    note : str
        A sentence in the middle, such as why there is no picture.
    """

    top_left: tuple[str, ...] = ()
    top_right: tuple[str, ...] = ()
    bottom_left: tuple[str, ...] = ()
    level: str = ""
    is_level_confirmed: bool = False
    units: tuple[str, str] = ("mm", "cm")
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossLine:
    """Where another view's slice cuts this one.

    Parameters
    ----------
    ends : ndarray of float64, shape (2, 2)
        ``(row, col)``.
    is_same_visit : bool
        False for the line of the other visit's view, which is drawn fainter.
    """

    ends: FloatArray
    is_same_visit: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """Everything over one picture; places are ``(row, col)`` in voxels.

    Parameters
    ----------
    words : Words
        Texts.
    letters : EdgeLetters or None
        Patient directions at the edges.
    cross_lines : tuple of CrossLine
        Cuts of other views' slices.
    crosshair : ndarray of float64, shape (2,), or None
        The place all views look at, if this slice holds it.
    outlines : tuple of ndarray, each of shape (n, 2)
        Of the mask on this slice.
    look : MaskLook
        How the outlines are drawn.
    base_line : ndarray of float64, shape (2, 2), or None
        Where the base plane cuts the slice.
    base_corners : ndarray of float64, shape (2, 2), or None
        Its corners, if they lie near this slice.
    slice_place : tuple of int
        Slice and number of slices.
    facet : FacetMarks
        The line between the facets.
    """

    words: Words = Words()
    letters: EdgeLetters | None = None
    cross_lines: tuple[CrossLine, ...] = ()
    crosshair: FloatArray | None = None
    outlines: tuple[FloatArray, ...] = field(default=())
    look: MaskLook = MaskLook.DRAFT
    base_line: FloatArray | None = None
    base_corners: FloatArray | None = None
    slice_place: tuple[int, int] = (0, 0)
    facet: FacetMarks = NO_MARKS


def is_same(first: Scene, second: Scene) -> bool:
    """Return whether two scenes look alike, so that nothing needs to be drawn again."""
    plain = (
        (
            *(one.words, one.letters, one.slice_place, one.look, one.facet),
            [line.is_same_visit for line in one.cross_lines],
        )
        for one in (first, second)
    )
    if next(plain) != next(plain):
        return False
    places = [
        [
            *(line.ends for line in one.cross_lines),
            one.crosshair,
            *one.outlines,
            one.base_line,
            one.base_corners,
        ]
        for one in (first, second)
    ]
    return len(places[0]) == len(places[1]) and all(
        here is there or (here is not None and there is not None and np.array_equal(here, there))
        for here, there in zip(*places, strict=True)
    )

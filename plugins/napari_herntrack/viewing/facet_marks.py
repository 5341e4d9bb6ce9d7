"""Where the line between the facets lies on a view's slice.

It was drawn in one axial slice: there it is whole and its ends can be taken hold of. On the slices beside
it the line alone is seen, and a sagittal slice that it crosses has a mark.

Public: `FacetOnView`, `FacetMarks`, `NO_LINE`, `NO_MARKS`, `facet_marks`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from herntrack._typing import FloatArray
from herntrack.model.base_plane import Point
from herntrack.model.facet_line import FacetLine
from herntrack.model.geometry import VolumeGeometry
from napari_herntrack.viewing.words import ViewWords

NEAR_SLICES = 1.5
"""The line is seen on slices within this distance of both its ends (slices)."""

MOST_OUT_OF_SLICE = 0.5
"""A line that runs out of the slices by more of its length crosses them."""

Place = tuple[float, float]
"""``(row, col)`` in voxels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetOnView:
    """What there is to draw: the line, whether it is only carried, and an end that was begun (LPS mm)."""

    line: FacetLine | None = None
    is_carried: bool = False
    begun_lps: Point | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetMarks:
    """What is drawn on a slice.

    Parameters
    ----------
    ends : tuple of places
        Ends that lie on this slice and can be taken hold of, the patient's right one first; one that was
        begun stands alone.
    line : tuple of two places or None
        The line, on its slice and those beside it.
    crossing : place or None
        Where it goes through this slice.
    words : str
        Its length, and where it comes from.
    is_carried : bool
        Whether it is carried from another visit, and nobody drew it here.
    """

    ends: tuple[Place, ...] = ()
    line: tuple[Place, Place] | None = None
    crossing: Place | None = None
    words: str = ""
    is_carried: bool = False


NO_LINE = FacetOnView()
NO_MARKS = FacetMarks()


def facet_marks(on_view: FacetOnView, grid: VolumeGeometry, index: int, words: ViewWords) -> FacetMarks:
    """Return what a view's slice shows of a facet line.

    Parameters
    ----------
    on_view : FacetOnView
        The line, in the coordinates of the view's visit.
    grid : VolumeGeometry
        The view's stack.
    index : int
        The slice shown.
    words : ViewWords
        The reader's language.
    """
    begun = () if on_view.begun_lps is None else _begun(grid, index, on_view.begun_lps)
    line = on_view.line
    if line is None:
        return FacetMarks(ends=begun)
    ends = grid.lps_to_index(np.asarray(line.ends_lps))
    out_mm = abs(float(ends[1, 0] - ends[0, 0])) * grid.spacing_zyx[0]
    if out_mm > MOST_OUT_OF_SLICE * line.length_mm:
        return FacetMarks(ends=begun, crossing=_crossing(ends, index), is_carried=on_view.is_carried)
    if float(np.abs(ends[:, 0] - index).max()) > NEAR_SLICES:
        return FacetMarks(ends=begun)
    right, left = _place(ends[0]), _place(ends[1])
    is_here = round(float(ends[:, 0].mean())) == index
    told = f"{line.length_mm:.1f} {words.units[0]}"
    return FacetMarks(
        ends=(right, left) if is_here else begun,
        line=(right, left),
        words=f"{told}, {words.carried_line}" if on_view.is_carried else told,
        is_carried=on_view.is_carried,
    )


def _begun(grid: VolumeGeometry, index: int, point_lps: Point) -> tuple[Place, ...]:
    place = grid.lps_to_index(np.asarray(point_lps))
    return (_place(place),) if abs(float(place[0]) - index) <= 0.5 else ()


def _crossing(ends_zyx: FloatArray, index: int) -> Place | None:
    share = (index - ends_zyx[0, 0]) / (ends_zyx[1, 0] - ends_zyx[0, 0])
    if not 0.0 <= share <= 1.0:
        return None
    return _place(ends_zyx[0] + share * (ends_zyx[1] - ends_zyx[0]))


def _place(index_zyx: FloatArray) -> Place:
    return float(index_zyx[1]), float(index_zyx[2])

"""Which stack of its visit a view changes to when the place looked at leaves the one that is shown.

Angled axial images are several short blocks, and a workstation shows the one that holds the place.
A view never changes its contrast by this, and between two blocks it stays with the one it has.

Public: `stack_holding`, `of_one_kind`, `reaches`, `is_same_series`,
`as_shown`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import CataloguedStack
from herntrack.model.vocabulary import Weighting
from napari_herntrack.viewing.hanging import outside_mm
from napari_herntrack.viewing.linking import linked_index, nearest_slice
from napari_herntrack.viewing.views import Pair, View


def stack_holding(
    shown: CataloguedStack, choices: Iterable[CataloguedStack], point_lps: npt.ArrayLike
) -> CataloguedStack | None:
    """Return the stack that takes the shown one's place at a point.

    Parameters
    ----------
    shown : CataloguedStack
        What a view shows.
    choices : iterable of CataloguedStack
        Stacks of the same plane and visit, the best first.
    point_lps : array_like of float, shape (3,)
        The place looked at, LPS mm of the visit.

    Returns
    -------
    CataloguedStack or None
        None while the shown stack's slices reach the point, and where no other stack of its kind
        holds it. Of several, the one of the same series, then the one that holds it deepest.
    """
    if reaches(shown.stack.geometry, point_lps):
        return None
    holding = [
        (
            not is_same_series(each, shown),
            round(_from_middle(each.stack.geometry, point_lps), 1),
            place,
            each,
        )
        for place, each in enumerate(of_one_kind(shown, choices))
        if outside_mm(point_lps, each.stack.geometry) == 0.0
    ]
    return min(holding, key=lambda found: found[:3])[3] if holding else None


def of_one_kind(shown: CataloguedStack, choices: Iterable[CataloguedStack]) -> list[CataloguedStack]:
    """Return the other stacks that a view may change to by itself.

    They have the same purpose, contrast and frame of reference; a contrast that nobody knows, or a
    frame that nobody stated, is the same within one series only.
    """
    return [
        each
        for each in choices
        if each.stack.stack_uid != shown.stack.stack_uid
        and each.stack.role is shown.stack.role
        and (each.frame == shown.frame or is_same_series(each, shown))
        and _is_same_contrast(each, shown)
    ]


def reaches(geometry: VolumeGeometry, point_lps: npt.ArrayLike) -> bool:
    """Return whether a point lies between a stack's first and last slice, beside the picture too."""
    return nearest_slice(linked_index(point_lps, geometry), geometry).is_inside


def as_shown(shown: Pair, opened: Pair, read_in: View) -> Pair:
    """Return a pair that is opened, with the stacks that its views show already.

    Only the view that is read in gets the stack it is opened with. A pair of other visits, or of other
    views, is returned as it is.
    """
    for view in opened.stacks:
        there = {each.stack.stack_uid: each for each in opened.choices.get(view, ())}
        each = shown.stacks.get(view)
        if view is not read_in and each is not None and each.stack.stack_uid in there:
            opened = opened.with_stack(view, each)
    return opened


def is_same_series(each: CataloguedStack, shown: CataloguedStack) -> bool:
    """Return whether two stacks are blocks of one series."""
    return each.series.series_instance_uid == shown.series.series_instance_uid


def _is_same_contrast(each: CataloguedStack, shown: CataloguedStack) -> bool:
    if is_same_series(each, shown):
        return True
    weighting = shown.stack.weighting
    is_known = weighting is not Weighting.UNKNOWN
    return is_known and each.stack.weighting is weighting and each.series.modality is shown.series.modality


def _from_middle(geometry: VolumeGeometry, point_lps: npt.ArrayLike) -> float:
    """Return how far a point lies from the middle of a stack, across its slices (mm)."""
    depth = float(linked_index(point_lps, geometry)[0]) - (geometry.shape_zyx[0] - 1) / 2.0
    return abs(depth) * float(np.float64(geometry.spacing_zyx[0]))

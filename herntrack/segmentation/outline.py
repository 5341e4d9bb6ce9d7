"""The outline of a fragment in a crop, from points in it and limits around it.

A first outline by looks alone (`first_look`) is weighed voxel by voxel by what was learnt from simulated
fragments (`learnt`), and a minimum cut makes the outline. It is made again with the deepest voxel of the
result as one more point, whose surroundings tell the fragment's level better than an edge does, and both
are averaged: so a point near the edge or in a thin end does nearly as well as one in the middle. Where
the result is doubtful, the slices beside the point are tried too: a voxel half of another tissue misleads.

Public: `outline`, `Constraints`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from herntrack._typing import FloatArray, MaskZYX
from herntrack.segmentation.crop import Crop
from herntrack.segmentation.features import FirstLook
from herntrack.segmentation.first_look import EDGE_SPREADS, Constraints, cut_out, first_look
from herntrack.segmentation.learnt import expected_dice, fragment_log_odds
from herntrack.segmentation.star_cut import CutWeights
from herntrack.segmentation.tissue import TissueLevels

__all__ = ["Constraints", "outline"]

SUPPORT_PER_LOG_ODDS = 0.4
"""What a unit of log odds weighs against the outline; a voxel counts from even odds."""

IN_PLANE, BETWEEN = 0.1, 0.05
"""Cost of the outline; small, since the odds know about neighbours."""

AVERAGE_BONUS = 0.03
"""An average is less sure of itself, and better, than either; so much it is preferred (expected Dice)."""

DOUBTFUL = 0.8
"""Below this expected Dice coefficient other starts are tried."""

MOVED_MM = 1.0
"""A deepest voxel nearer than this to a point says nothing new (mm)."""

BESIDE_MM = 3.0
"""In the next slices a start is looked for within this distance (mm)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Try:
    """One attempt: what it saw, the odds, the outline, and the Dice coefficient to expect."""

    look: FirstLook
    log_odds: FloatArray
    part: MaskZYX
    worth: float


def outline(crop: Crop, constraints: Constraints) -> tuple[MaskZYX, TissueLevels, float]:
    """Outline the fragment that holds the points.

    Parameters
    ----------
    crop : Crop
        The image.
    constraints : Constraints
        Points and limits.

    Returns
    -------
    tuple
        Mask of the crop's shape, levels, and width of the dark line (mm).
    """
    points = constraints.centres_zyx
    best = _try(crop, constraints, points)
    if best.worth < DOUBTFUL:
        others = [_try(crop, constraints, start[None]) for start in _starts_beside(crop, constraints)]
        likely = [each for each in others if not _is_background(each.look)]
        best = max((best, *likely), key=lambda each: each.worth)
    deepest = _deepest(crop, best.part, points)
    if deepest is not None:
        best = _with_deepest(crop, replace(constraints, centres_zyx=np.vstack([points, deepest])), best)
    return best.part, best.look.levels, best.look.line_mm


def _try(crop: Crop, constraints: Constraints, learn_from_zyx: FloatArray) -> _Try:
    look = first_look(crop, constraints, learn_from_zyx=learn_from_zyx)
    return _judged(look, fragment_log_odds(look), constraints)


def _judged(look: FirstLook, log_odds: FloatArray, constraints: Constraints) -> _Try:
    """Return the outline these odds make, and what it is worth."""
    support = np.clip(SUPPORT_PER_LOG_ODDS * log_odds, -3, 3) - constraints.discount
    weights = CutWeights(in_plane=IN_PLANE, between_slices=BETWEEN, edge=EDGE_SPREADS * look.levels.spread)
    part = cut_out(look.crop, support, constraints, weights)
    return _Try(look=look, log_odds=log_odds, part=part, worth=expected_dice(log_odds, part))


def _is_background(look: FirstLook) -> bool:
    """Return whether what was learnt looks more like a background point than like the point."""
    values, level = look.crop.values, look.levels.level
    last = np.asarray(values.shape) - 1

    def away(index_zyx: FloatArray) -> float:
        return abs(float(values[tuple(np.clip(np.rint(index_zyx), 0, last).astype(int))]) - level)

    own = away(look.centres_zyx[0])
    return any(away(point) < own for point in look.background_zyx)


def _with_deepest(crop: Crop, constraints: Constraints, before: _Try) -> _Try:
    """Return the best of before, anew from the deepest voxel (the last point), and their average."""
    anew = _try(crop, constraints, constraints.centres_zyx[-1:])
    both = _judged(anew.look, (before.log_odds + anew.log_odds) / 2, constraints)
    return max((both, before, anew), key=lambda each: each.worth + (AVERAGE_BONUS if each is both else 0.0))


def _starts_beside(crop: Crop, constraints: Constraints) -> list[FloatArray]:
    """Return the most even place near the first point in each next slice."""
    point = constraints.centres_zyx[0]
    smooth = ndimage.uniform_filter(crop.values, (1, 3, 3))
    uneven = ndimage.uniform_filter(np.square(crop.values), (1, 3, 3)) - np.square(smooth)
    n_slices, n_rows, n_columns = crop.values.shape
    y, x = np.ogrid[:n_rows, :n_columns]
    _, dy, dx = crop.spacing_zyx
    near = np.square((y - point[1]) * dy) + np.square((x - point[2]) * dx) <= BESIDE_MM**2
    found = []
    for number in (round(point[0]) - 1, round(point[0]) + 1):
        if 0 <= number < n_slices and (near & constraints.allowed[number]).any():
            cost = np.where(near & constraints.allowed[number], uneven[number], np.inf)
            place = np.unravel_index(int(cost.argmin()), cost.shape)
            found.append(np.array([number, *place], dtype=np.float64))
    return found


def _deepest(crop: Crop, part: MaskZYX, centres_zyx: FloatArray) -> FloatArray | None:
    """Return the index of the voxel deepest in a mask, None where a point is there already."""
    if not part.any():
        return None
    padded = np.pad(part, 1)
    depth = ndimage.distance_transform_edt(padded, sampling=crop.spacing_zyx)[1:-1, 1:-1, 1:-1]
    found = np.asarray(np.unravel_index(int(depth.argmax()), depth.shape), dtype=np.float64)
    away = np.sqrt(np.square((centres_zyx - found) * crop.spacing_zyx).sum(axis=1))
    return None if away.min() < MOVED_MM else found

"""A first outline of a fragment, from its looks alone.

The levels of fragment and surroundings are learnt around a point (`tissue`), and what the canal shows
beyond the fragment (`backdrop`). A minimum cut (`star_cut`) outlines the clicked slices, then all slices,
which have to fit to the clicked ones.

Public: `first_look`, `cut_out`, `Constraints`, `CORE_MM`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import ndimage

from herntrack._typing import FloatArray, MaskZYX
from herntrack.segmentation.backdrop import Backdrop, along_canal, is_across_canal, slices_beyond
from herntrack.segmentation.crop import Crop
from herntrack.segmentation.features import FirstLook
from herntrack.segmentation.star_cut import CutWeights, star_cut
from herntrack.segmentation.tissue import (
    TissueLevels,
    calmed,
    dark_line_mm,
    fragment_support,
    learn_levels,
    near_points,
)

CORE_MM = 2.2
"""Within this radius of a point, what looks like fragment is fragment (mm)."""

FIT_COST, FIT_SLACK_MM, FIT_SLOPE = 0.6, 0.9, 0.15
"""Support a voxel of another slice loses per mm outside the clicked slice's outline, from a
distance on (mm) that grows with the distance of the slices."""

EDGE_SPREADS = 1.5
"""A difference of this many spreads is an edge."""

_CROSS = np.array([[[False, True, False], [True, True, True], [False, True, False]]])


def _no_points() -> FloatArray:
    return np.zeros((0, 3))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Constraints:
    """What is known before the cut.

    Parameters
    ----------
    centres_zyx : ndarray of float64, shape (n, 3)
        Indices of the points in the crop.
    allowed : ndarray of bool
        Where a fragment can be.
    discount : ndarray of float64 or float
        Support each voxel loses for where it is, or for what it was before.
    first_discount : ndarray of float64 or float
        The same, in the first look only: what was learnt knows how far from the points a fragment reaches.
    up_lps : ndarray of float64, shape (3,)
        Direction of the canal, unit vector.
    background_zyx : ndarray of float64, shape (m, 3)
        Indices of points that are not fragment; they may lie outside the crop.
    """

    centres_zyx: FloatArray
    allowed: MaskZYX
    up_lps: FloatArray
    discount: FloatArray | float = 0.0
    first_discount: FloatArray | float = 0.0
    background_zyx: FloatArray = field(default_factory=_no_points)


def first_look(crop: Crop, constraints: Constraints, *, learn_from_zyx: FloatArray) -> FirstLook:
    """Outline the fragment by its looks.

    Parameters
    ----------
    crop : Crop
        The image.
    constraints : Constraints
        Points and limits.
    learn_from_zyx : ndarray of float64, shape (n, 3)
        Indices of the points whose surroundings tell the fragment's level.
    """
    centres = constraints.centres_zyx
    first = learn_levels(crop, learn_from_zyx)
    calm = replace(crop, values=calmed(crop, first))
    levels = first if calm.values is crop.values else learn_levels(calm, learn_from_zyx)
    slices = frozenset(int(k) for k in np.rint(centres[:, 0]))
    backdrop = Backdrop(beyond=slices_beyond(calm, slices))
    flat = _clicked_slices(calm, constraints, levels, backdrop)
    if not is_across_canal(crop.geometry) and flat.any():
        backdrop = replace(backdrop, along=along_canal(calm, flat, constraints.up_lps))
        flat = _clicked_slices(calm, constraints, levels, backdrop)
    line = dark_line_mm(calm, flat, levels)
    looks = fragment_support(calm, levels, backdrop, line_mm=line)
    clicked = ~_elsewhere(calm, centres)
    part = cut_out(
        calm,
        looks - _discount(constraints) - _fit_discount(calm, flat),
        constraints,
        CutWeights(edge=EDGE_SPREADS * levels.spread),
        inside=flat,
        outside=~flat & clicked,
    )
    return FirstLook(
        crop=calm,
        levels=levels,
        backdrop=backdrop,
        centres_zyx=centres,
        background_zyx=constraints.background_zyx,
        allowed=constraints.allowed,
        flat=flat,
        part=part,
        line_mm=line,
        support=looks,
    )


def _clicked_slices(
    calm: Crop, constraints: Constraints, levels: TissueLevels, backdrop: Backdrop
) -> MaskZYX:
    """Return the mask in the slices that hold a point."""
    centres = constraints.centres_zyx
    core = near_points(calm, centres, CORE_MM)
    support = fragment_support(calm, levels, backdrop) - _discount(constraints)
    weights = CutWeights(edge=EDGE_SPREADS * levels.spread)
    outside = _elsewhere(calm, centres)
    return cut_out(calm, support, constraints, weights, inside=core & (support > 0), outside=outside)


def _discount(constraints: Constraints) -> FloatArray | float:
    return constraints.discount + constraints.first_discount


def _elsewhere(calm: Crop, centres_zyx: FloatArray) -> MaskZYX:
    elsewhere = np.ones(calm.values.shape, dtype=np.bool_)
    elsewhere[np.rint(centres_zyx[:, 0]).astype(int)] = False
    return elsewhere


def _fit_discount(crop: Crop, flat: MaskZYX) -> FloatArray:
    """Return the support voxels of other slices lose for lying outside the clicked slices' outline."""
    discount = np.zeros(flat.shape)
    clicked = np.nonzero(flat.any(axis=(1, 2)))[0]
    if clicked.size == 0:
        return discount
    step, dy, dx = crop.spacing_zyx
    outside = {int(k): ndimage.distance_transform_edt(~flat[k], sampling=(dy, dx)) for k in clicked}
    for number in range(flat.shape[0]):
        nearest = int(clicked[np.abs(clicked - number).argmin()])
        slack = FIT_SLACK_MM + FIT_SLOPE * abs(number - nearest) * step
        if number != nearest:
            discount[number] = FIT_COST * np.maximum(outside[nearest] - slack, 0)
    return discount


def cut_out(
    crop: Crop,
    support: FloatArray,
    constraints: Constraints,
    weights: CutWeights,
    *,
    inside: MaskZYX | None = None,
    outside: MaskZYX | None = None,
) -> MaskZYX:
    """Return the star-shaped region of the least cost within the limits, without whiskers.

    Parameters
    ----------
    crop : Crop
        The image.
    support : ndarray of float64
        For and against each voxel.
    constraints : Constraints
        Points and limits.
    weights : CutWeights
        Cost of the boundary.
    inside, outside : ndarray of bool, optional
        Voxels that are decided, besides the points and what is not allowed.
    """
    allowed = constraints.allowed if outside is None else constraints.allowed & ~outside
    fixed_in = np.zeros(support.shape, dtype=np.bool_) if inside is None else inside & constraints.allowed
    fixed_in[tuple(np.rint(constraints.centres_zyx).astype(int).T)] = True
    fixed_out = ~allowed & ~fixed_in
    part = star_cut(
        support,
        crop.values,
        inside=fixed_in,
        outside=fixed_out,
        centres_zyx=constraints.centres_zyx,
        spacing_zyx=crop.spacing_zyx,
        weights=weights,
    )
    return _tidied(part, fixed_in, fixed_out)


def _tidied(part: MaskZYX, fixed_in: MaskZYX, fixed_out: MaskZYX) -> MaskZYX:
    """Return a mask without single-voxel whiskers, notches and loose parts."""
    padded = np.pad(part, ((0, 0), (2, 2), (2, 2)))
    opened = ndimage.binary_opening(padded, _CROSS)[:, 2:-2, 2:-2]
    kept = part & (opened | fixed_in)
    labels, _ = ndimage.label(kept, np.ones((3, 3, 3)))
    kept = np.isin(labels, np.setdiff1d(labels[fixed_in & kept], [0]))
    closed = ndimage.binary_closing(np.pad(kept, ((0, 0), (2, 2), (2, 2))), _CROSS)[:, 2:-2, 2:-2]
    return np.asarray((kept | closed) & ~fixed_out, dtype=np.bool_)

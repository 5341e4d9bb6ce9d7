"""The outline of a fragment in a crop, from points in it and limits around it.

The levels of fragment and surroundings are learnt around the points (`tissue`), and what the canal shows
beyond the fragment (`backdrop`). A minimum cut (`star_cut`) outlines the clicked slices, then all slices,
which have to fit to the clicked ones. If the fragment turns out to be much deeper elsewhere than at the
points, its deepest voxel joins them: so a point in a thin end does as well as one in the middle.

Public: `outline`, `Constraints`, `CORE_MM`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from herntrack._typing import FloatArray, MaskZYX
from herntrack.segmentation.backdrop import Backdrop, along_canal, is_across_canal, slices_beyond
from herntrack.segmentation.crop import Crop
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

DEEPER = 2.0
"""A place this many times deeper in the outline than every point becomes a point itself."""

DEEP_SPREADS = 2.0
"""It has to look like fragment: within this many spreads of its level."""

DEEP_SMOOTHING_PIXELS = 0.7

_CROSS = np.array([[[False, True, False], [True, True, True], [False, True, False]]])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Constraints:
    """What is known before the cut.

    Parameters
    ----------
    centres_zyx : ndarray of float64, shape (n, 3)
        Indices of the points in the crop.
    allowed : ndarray of bool
        Where a fragment can be.
    discount : ndarray of float64
        Support each voxel loses for where it is.
    up_lps : ndarray of float64, shape (3,)
        Direction of the canal, unit vector.
    """

    centres_zyx: FloatArray
    allowed: MaskZYX
    discount: FloatArray
    up_lps: FloatArray


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
    found = _outlined(crop, constraints)
    deepest = _deeper_place(crop, constraints, found[0], found[1])
    if deepest is None:
        return found
    points = np.vstack([constraints.centres_zyx, deepest])
    return _outlined(crop, replace(constraints, centres_zyx=points))


def _outlined(crop: Crop, constraints: Constraints) -> tuple[MaskZYX, TissueLevels, float]:
    centres = constraints.centres_zyx
    first = learn_levels(crop, centres)
    calm = replace(crop, values=calmed(crop, first))
    levels = first if calm.values is crop.values else learn_levels(calm, centres)
    slices = frozenset(int(k) for k in np.rint(centres[:, 0]))
    backdrop = Backdrop(beyond=slices_beyond(calm, slices))
    flat = _clicked_slices(calm, constraints, levels, backdrop)
    if not is_across_canal(crop.geometry) and flat.any():
        backdrop = replace(backdrop, along=along_canal(calm, flat, constraints.up_lps))
        flat = _clicked_slices(calm, constraints, levels, backdrop)
    line = dark_line_mm(calm, flat, levels)
    support = fragment_support(calm, levels, backdrop, line_mm=line) - constraints.discount
    support -= _fit_discount(calm, flat)
    clicked = ~_elsewhere(calm, centres)
    part = _cut(calm, support, constraints, levels, inside=flat, outside=~flat & clicked)
    return part, levels, line


def _clicked_slices(
    calm: Crop, constraints: Constraints, levels: TissueLevels, backdrop: Backdrop
) -> MaskZYX:
    """Return the mask in the slices that hold a point."""
    centres = constraints.centres_zyx
    core = near_points(calm, centres, CORE_MM)
    support = fragment_support(calm, levels, backdrop) - constraints.discount
    outside = _elsewhere(calm, centres)
    return _cut(calm, support, constraints, levels, inside=core & (support > 0), outside=outside)


def _elsewhere(calm: Crop, centres_zyx: FloatArray) -> MaskZYX:
    elsewhere = np.ones(calm.values.shape, dtype=np.bool_)
    elsewhere[np.rint(centres_zyx[:, 0]).astype(int)] = False
    return elsewhere


def _deeper_place(
    crop: Crop, constraints: Constraints, part: MaskZYX, levels: TissueLevels
) -> FloatArray | None:
    """Return the index of the deepest voxel, None where the points are nearly as deep."""
    smooth = ndimage.gaussian_filter(crop.values, (0.0, DEEP_SMOOTHING_PIXELS, DEEP_SMOOTHING_PIXELS))
    alike = part & (np.abs(smooth - levels.level) < DEEP_SPREADS * levels.spread)
    if not alike.any():
        return None
    depth = np.stack([_depth_mm(each, crop.spacing_zyx) for each in alike])
    own = max(float(depth[tuple(point)]) for point in np.rint(constraints.centres_zyx).astype(int))
    deepest = np.unravel_index(int(depth.argmax()), depth.shape)
    if depth[deepest] <= DEEPER * max(own, crop.spacing_zyx[1]):
        return None
    return np.asarray(deepest, dtype=np.float64)


def _depth_mm(image: MaskZYX, spacing_zyx: tuple[float, float, float]) -> FloatArray:
    padded = ndimage.distance_transform_edt(np.pad(image, 1), sampling=spacing_zyx[1:])
    return np.asarray(padded[1:-1, 1:-1], dtype=np.float64)


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


def _cut(
    crop: Crop,
    support: FloatArray,
    constraints: Constraints,
    levels: TissueLevels,
    *,
    inside: MaskZYX,
    outside: MaskZYX,
) -> MaskZYX:
    centres = np.rint(constraints.centres_zyx).astype(int)
    fixed_in = inside & constraints.allowed
    fixed_in[tuple(centres.T)] = True
    fixed_out = (outside | ~constraints.allowed) & ~fixed_in
    part = star_cut(
        support,
        crop.values,
        inside=fixed_in,
        outside=fixed_out,
        centres_zyx=constraints.centres_zyx,
        spacing_zyx=crop.spacing_zyx,
        weights=CutWeights(edge=EDGE_SPREADS * levels.spread),
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

"""What a fragment and its surroundings look like in this image, learnt around the points.

No intensity is fixed beforehand: the fragment's level comes from the points, the levels beside it
from what is brighter and what is darker within a few millimetres of each voxel. So T2, T1 and CT
need no separate treatment, and a coil's shading matters little.

A voxel that holds fragment and another tissue lies between their levels. Halfway it is half fragment
and counts, where the fragment borders on the other tissue directly. A dark line of ligament and dura
in between (`dark_line_mm`) takes up part of the mixed voxels of the slices at the fragment's ends;
there the limit moves towards the fragment's own level.

Public: `TissueLevels`, `learn_levels`, `noise_level`, `fragment_evidence`, `dark_line_mm`, `calmed`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.restoration import denoise_tv_chambolle

from herntrack._typing import FloatArray, MaskZYX
from herntrack.segmentation.crop import Crop

SEED_RADIUS_MM = 1.6
"""Around a point, within its slice, everything is taken for fragment at first (mm)."""

GROWTH_MM = 5.0
"""The fragment's level is learnt from what is alike and connected within this distance (mm)."""

TEXTURE = 0.2
"""Largest spread within a fragment, relative to its level (MR)."""

TEXTURE_HU = 12.0
"""Largest spread within a fragment on CT (HU)."""

LEAST_TEXTURE = 0.04
"""A smaller spread than this share of the level is not believed."""

LOCAL_MM = 2.2
"""Width (standard deviation) over which levels beside the fragment are learnt (mm)."""

PRESENT = 0.02
"""Share of brighter or darker voxels from which on there is such a tissue nearby."""

PURE_LIMIT = 4.0
"""In a clicked slice, a brighter voxel beyond this many spreads is no fragment, ..."""

PURE_SHARE = 0.3
"""... unless it lies within this share of the way to the bright level beside it.

Nerve roots in the fluid lie halfway between fluid and fragment, as a mixed voxel does; in the
slice that was clicked on, mixed voxels are few.
"""

NOISY = 0.08
"""Noise above this share of the fragment's level is calmed first."""

CALMING = 0.5
"""Weight of total variation, in units of the noise (Chambolle 2004)."""

LINE_SHARE = 1.5
"""A dark line is met obliquely at a fragment's ends, so it fills more of a slice than its width."""

LARGEST_LINE_MM = 1.2
"""Wider dark lines are another tissue (mm)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TissueLevels:
    """Intensity of a fragment.

    Parameters
    ----------
    level : float
        Median.
    spread : float
        Robust standard deviation of single voxels, noise included.
    noise : float
        Standard deviation of the noise alone.
    standard_error : float
        Of `level`.
    """

    level: float
    spread: float
    noise: float
    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """For and against fragment, per voxel.

    Parameters
    ----------
    support : ndarray of float64
        1 where a voxel is surely fragment, 0 at the limit, down to -3.
    bright, dark : ndarray of float64
        Levels of the brighter and the darker tissue nearby; NaN where there is none.
    """

    support: FloatArray
    bright: FloatArray
    dark: FloatArray


def noise_level(values: FloatArray) -> float:
    """Return the standard deviation of the noise (Immerkaer 1996, with a median).

    Parameters
    ----------
    values : ndarray of float64, shape (n_slices, n_rows, n_cols)
        Intensities; zeros, which were not measured, do not count.
    """
    kernel = np.array([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]])[None]
    response = np.abs(ndimage.convolve(values, kernel)) / 6
    measured = response[values != 0]
    return float(1.4826 * np.median(measured)) if measured.size else 1.0


def learn_levels(crop: Crop, points_zyx: FloatArray) -> TissueLevels:
    """Learn a fragment's intensity around points in it.

    Parameters
    ----------
    crop : Crop
        The image.
    points_zyx : ndarray of float64, shape (n, 3)
        Indices in the crop.
    """
    values = crop.values
    seed = near_points(crop, points_zyx, SEED_RADIUS_MM)
    noise = noise_level(values)
    first = float(np.median(values[seed]))
    largest = TEXTURE_HU if crop.is_ct else TEXTURE * abs(first)
    spread = float(np.hypot(noise, largest))
    smooth = ndimage.gaussian_filter(values, (0, 0.7, 0.7))
    near = _distance_mm(crop, points_zyx) <= GROWTH_MM
    labels, _ = ndimage.label(near & (np.abs(smooth - first) < 1.6 * spread))
    inside = np.isin(labels, np.setdiff1d(labels[seed], [0]))
    core = ndimage.binary_erosion(inside, np.ones((1, 3, 3))) | seed
    sample = values[core]
    level = float(np.median(sample))
    found = float(1.4826 * np.median(np.abs(sample - level)))
    own = 1.15 * max(found, noise, LEAST_TEXTURE * abs(level))
    spread = max(min(spread, own), 1e-6)
    error = 1.2533 * spread / np.sqrt(core.sum())
    return TissueLevels(level=level, spread=spread, noise=noise, standard_error=float(error))


def near_points(crop: Crop, points_zyx: FloatArray, radius_mm: float) -> MaskZYX:
    """Return the voxels within a radius of points, each in the point's own slice."""
    n_slices, n_rows, n_columns = crop.values.shape
    z, y, x = np.ogrid[:n_slices, :n_rows, :n_columns]
    _, dy, dx = crop.spacing_zyx
    found = np.zeros(crop.values.shape, dtype=np.bool_)
    for point in points_zyx:
        in_plane = np.square((y - point[1]) * dy) + np.square((x - point[2]) * dx)
        found |= (z == np.rint(point[0])) & (in_plane <= radius_mm**2)
    for point in np.rint(points_zyx).astype(int):
        found[tuple(point)] = True
    return found


def _distance_mm(crop: Crop, points_zyx: FloatArray) -> FloatArray:
    grid = np.moveaxis(np.indices(crop.values.shape), 0, -1)
    squares = [np.square((grid - point) * crop.spacing_zyx).sum(axis=-1) for point in points_zyx]
    return np.asarray(np.sqrt(np.min(squares, axis=0)), dtype=np.float64)


def calmed(crop: Crop, levels: TissueLevels) -> FloatArray:
    """Return the intensities with less noise, edges kept; unchanged where there is little noise."""
    if levels.noise <= NOISY * abs(levels.level) or crop.is_ct:
        return crop.values
    weight = CALMING * levels.noise
    return np.stack([denoise_tv_chambolle(image, weight=weight, max_num_iter=60) for image in crop.values])


def fragment_evidence(
    crop: Crop, levels: TissueLevels, *, line_mm: float = 0.0, clicked: frozenset[int] = frozenset()
) -> Evidence:
    """Weigh each voxel for and against fragment.

    Parameters
    ----------
    crop : Crop
        The image.
    levels : TissueLevels
        The fragment's intensity.
    line_mm : float
        Width of the dark line around it (`dark_line_mm`).
    clicked : frozenset of int
        Slices of the crop that hold a point.
    """
    values, level, spread = crop.values, levels.level, levels.spread
    brighter = np.where(values > level + 3 * spread, values - level, 0.0)
    darker = np.where(values < level - 2 * spread, level - values, 0.0)
    bright, has_bright = _nearby_level(crop, brighter)
    dark, has_dark = _nearby_level(crop, darker)
    share = float(np.clip(0.5 - LINE_SHARE * line_mm / crop.spacing_zyx[0], 0.12, 0.5))
    upper = np.maximum(level + share * (bright - level), level + 1.2 * spread)
    upper = np.where(has_bright, upper, level + 2.5 * spread)
    pure = np.maximum(level + PURE_LIMIT * spread, level + PURE_SHARE * (bright - level))
    for number in clicked:
        upper[number] = np.minimum(upper[number], pure[number])
    lower = np.minimum((level + dark) / 2, level - 1.2 * spread)
    lower = np.where(has_dark, lower, level - 2.5 * spread)
    support = np.minimum(
        (upper - values) / np.maximum(upper - level, spread),
        (values - lower) / np.maximum(level - lower, spread),
    )
    support = np.clip(np.where(support > 0, support, 3 * support), -3.0, 1.0)
    return Evidence(
        support=support,
        bright=np.where(has_bright, bright, np.nan),
        dark=np.where(has_dark, dark, np.nan),
    )


def _nearby_level(crop: Crop, excess: FloatArray) -> tuple[FloatArray, MaskZYX]:
    """Return the level of what deviates nearby, within the slice, and whether anything does.

    The mean weighted by the squared deviation is near the pure tissue, although many of the
    voxels are mixed.
    """
    _, dy, dx = crop.spacing_zyx
    sigma = (0.0, LOCAL_MM / dy, LOCAL_MM / dx)
    weight = np.square(excess)
    total = ndimage.gaussian_filter(weight, sigma)
    mean = ndimage.gaussian_filter(crop.values * weight, sigma) / np.maximum(total, 1e-6)
    share = ndimage.gaussian_filter((excess > 0).astype(np.float64), sigma)
    return mean, np.asarray(share > PRESENT)


def dark_line_mm(crop: Crop, mask: MaskZYX, levels: TissueLevels) -> float:
    """Return the mean width of a dark line around a mask where it borders on brighter tissue.

    Parameters
    ----------
    crop : Crop
        The image.
    mask : ndarray of bool
        The fragment in the clicked slices, shape of ``crop.values``.
    levels : TissueLevels
        The fragment's intensity.

    Returns
    -------
    float
        Width in mm; 0 where the fragment borders on the bright tissue directly.
    """
    values, (_, dy, dx) = crop.values, crop.spacing_zyx
    used = mask.any(axis=(1, 2))
    distance = np.full(mask.shape, np.inf)
    for number in np.nonzero(used)[0]:
        distance[number] = ndimage.distance_transform_edt(~mask[number], sampling=(dy, dx))
    bright = ndimage.maximum_filter(values, size=(1, 7, 7)) > levels.level + 4 * levels.spread
    touching = (distance > 0) & (distance <= 1.01 * max(dy, dx)) & bright
    ring = (distance > 0) & (distance <= 2.2) & bright
    if touching.sum() < 8 or np.median(values[touching]) >= levels.level - 0.5 * levels.spread:
        return 0.0
    start = levels.level - levels.spread
    darkest = float(np.percentile(values[ring], 5))
    deficit = np.clip((start - values[ring]) / max(start - darkest, 1e-6), 0, 1)
    return float(min(deficit.sum() * dx / touching.sum(), LARGEST_LINE_MM))

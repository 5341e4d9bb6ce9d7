"""What a fragment and its surroundings look like in this image, learnt around the points.

No intensity is fixed beforehand: the fragment's level comes from the points, the levels beside it
from what is brighter and what is darker within a few millimetres of each voxel. So T2, T1 and CT
need no separate treatment, and a coil's shading matters little.

A voxel that holds fragment and another tissue lies between their levels. Halfway it is half fragment
and counts, where the fragment borders on the other tissue directly. A dark line of ligament and dura
in between (`dark_line_mm`) takes up part of the mixed voxels of the slices at the fragment's ends;
there the limit moves towards the fragment's own level.

Public: `TissueLevels`, `learn_levels`, `noise_level`, `fragment_support`, `nearby_levels`,
`dark_line_mm`, `calmed`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from herntrack._typing import FloatArray, MaskZYX
from herntrack.segmentation.backdrop import Backdrop, is_across_canal
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

LEAST_MARGIN = 2.0
"""However near a brighter tissue's level is, a voxel within this many spreads may be fragment."""

BEYOND_SHARE, ALONG_SHARE = 0.8, 0.65
"""A voxel is fragment up to this share of the way to what lies beyond the fragment; see `Backdrop`.

More than half, because the place beyond may hold some fragment itself.
"""

RISE_ACROSS, RISE_ALONG, FALL = 1.0, 1.5, 3.0
"""How fast support rises and falls from the limit, on stacks across the canal and along it.

Slices along the canal share less of the fragment with their neighbours, so a half-filled one has to stand
against the cost of its outline alone.
"""

CONTRAST_SPREADS = 2.0
"""If the backdrop is nearer to the fragment's level than this many spreads, looking like fragment says
less, ..."""

NO_CONTRAST_SUPPORT = -0.2
"""... down to this support where both look the same."""

NOISY = 0.08
"""Noise above this share of the fragment's level is calmed first."""

CALMING = 0.5
"""Weight of total variation, in units of the noise (Chambolle 2004)."""

CT_SMOOTHING_MM, CT_THIN_MM = 1.2, 2.0
"""CT's noise is coarse, so it is averaged, over this width (standard deviation, mm), along axes with voxels
no larger than the second length."""

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
    """Return the intensities with less noise; unchanged where MR has little of it."""
    if crop.is_ct:
        sigma = [CT_SMOOTHING_MM / step if step <= CT_THIN_MM else 0.0 for step in crop.spacing_zyx]
        return np.asarray(ndimage.gaussian_filter(crop.values, sigma), dtype=np.float64)
    if levels.noise <= NOISY * abs(levels.level):
        return crop.values
    weight = CALMING * levels.noise
    # Loaded only where it is wanted: it brings scipy.stats along, which takes longer than a click.
    from skimage.restoration import denoise_tv_chambolle

    return np.stack([denoise_tv_chambolle(image, weight=weight, max_num_iter=60) for image in crop.values])


def fragment_support(
    crop: Crop, levels: TissueLevels, backdrop: Backdrop, *, line_mm: float = 0.0
) -> FloatArray:
    """Weigh each voxel for and against fragment.

    Parameters
    ----------
    crop : Crop
        The image.
    levels : TissueLevels
        The fragment's intensity.
    backdrop : Backdrop
        What the image shows beyond the fragment.
    line_mm : float
        Width of the dark line around it (`dark_line_mm`).

    Returns
    -------
    ndarray of float64
        1 where a voxel is surely fragment, 0 at the limit, down to -3.
    """
    values, level, spread = crop.values, levels.level, levels.spread
    (bright, has_bright), (dark, has_dark) = nearby_levels(crop, levels)
    share = float(np.clip(0.5 - LINE_SHARE * line_mm / crop.spacing_zyx[0], 0.12, 0.5))
    beyond = np.fmin(backdrop.beyond, bright)
    upper = level + np.minimum(share * (bright - level), _further(share, BEYOND_SHARE) * (beyond - level))
    upper = np.where(has_bright, np.maximum(upper, level + LEAST_MARGIN * spread), level + 2.5 * spread)
    lower = np.minimum((level + dark) / 2, level - 1.2 * spread)
    lower = np.where(has_dark, lower, level - 2.5 * spread)
    rise = RISE_ACROSS if is_across_canal(crop.geometry) else RISE_ALONG
    below = (values - lower) / np.maximum(level - lower, spread)
    support = _steep(np.minimum((upper - values) / np.maximum(upper - level, spread), below), rise)
    if backdrop.along is None:
        return support
    return _against_backdrop(support, values, levels, backdrop.along, _further(share, ALONG_SHARE))


def _further(share: float, target: float) -> float:
    """Return the share for a backdrop, `target` where the share for the surroundings is a half."""
    return min(2 * share * target, 0.95)


def _steep(support: FloatArray, rise: float) -> FloatArray:
    """Return support, between -3 and 1, that rises and falls from the limit at its own pace each."""
    return np.asarray(
        np.clip(np.where(support > 0, rise * support, FALL * support), -3.0, 1.0), dtype=np.float64
    )


def _against_backdrop(
    support: FloatArray, values: FloatArray, levels: TissueLevels, along: FloatArray, share: float
) -> FloatArray:
    """Return the support when the level above and below the fragment is known."""
    level, spread = levels.level, levels.spread
    known = np.isfinite(along)
    upper = np.maximum(level + share * (along - level), level + LEAST_MARGIN * spread)
    limited = np.minimum(support, _steep((upper - values) / np.maximum(upper - level, spread), RISE_ALONG))
    support = np.where(known & (along > level - LEAST_MARGIN * spread), limited, support)
    contrast = np.clip(np.abs(along - level) / (CONTRAST_SPREADS * spread), 0, 1)
    weighed = contrast * support + (1 - contrast) * NO_CONTRAST_SUPPORT
    return np.asarray(np.where(known & (support > 0), weighed, support), dtype=np.float64)


def nearby_levels(
    crop: Crop, levels: TissueLevels
) -> tuple[tuple[FloatArray, MaskZYX], tuple[FloatArray, MaskZYX]]:
    """Return the levels of what is brighter than the fragment near each voxel, and of what is darker.

    Each comes with where there is such a tissue.
    """
    values, level, spread = crop.values, levels.level, levels.spread
    bright = _nearby_level(crop, np.where(values > level + 3 * spread, values - level, 0.0))
    return bright, _nearby_level(crop, np.where(values < level - 2 * spread, level - values, 0.0))


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

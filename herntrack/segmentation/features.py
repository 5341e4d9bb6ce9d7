"""What each voxel looks like, and where it lies, seen from a first outline of the fragment.

Every feature is relative: intensities to the fragment's level, in spreads or as a share of the way to the
neighbour tissue, places to the points and to the first outline. So none depends on a scanner's units.

Public: `FirstLook`, `voxel_features`, `context_features`, `signed_mm`, `N_FEATURES`, `N_CONTEXT`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from herntrack._typing import FloatArray, MaskZYX
from herntrack.model.base_plane import body_axes
from herntrack.segmentation.backdrop import Backdrop, is_across_canal
from herntrack.segmentation.crop import Crop
from herntrack.segmentation.tissue import TissueLevels, nearby_levels

FAR_MM = 12.0
"""Distances beyond this are all the same (mm)."""

FAR_SPREADS = 6.0
"""Intensities further than this many spreads from the fragment's are all the same."""

FURTHER_MM = 4.0
"""A second slice is looked at about so far away, at least the next but one (mm)."""

ROUND_MM = (0.8, 1.6)
"""Widths of averages over all directions, for stacks of thin slices (standard deviation, mm)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FirstLook:
    """A first outline and what it was made from, all of the crop's shape.

    Parameters
    ----------
    crop : Crop
        The image, calmed.
    levels : TissueLevels
        The fragment's intensity.
    backdrop : Backdrop
        What the image shows beyond the fragment.
    centres_zyx, background_zyx : ndarray of float64, shape (n, 3)
        Points in the fragment and points that are not; there may be none of the latter.
    flat, part : ndarray of bool
        The outline in the clicked slices, and in all.
    line_mm : float
        Width of the dark line around it.
    support : ndarray of float64
        Support by the fragment's looks alone.
    """

    crop: Crop
    levels: TissueLevels
    backdrop: Backdrop
    centres_zyx: FloatArray
    background_zyx: FloatArray
    allowed: MaskZYX
    flat: MaskZYX
    part: MaskZYX
    line_mm: float
    support: FloatArray


def voxel_features(look: FirstLook) -> FloatArray:
    """Return the features of all voxels, shape (N_FEATURES, n_slices, n_rows, n_cols)."""
    z = np.clip((look.crop.values - look.levels.level) / look.levels.spread, -FAR_SPREADS, FAR_SPREADS)
    found: list[FloatArray | float] = [*_looks(look, z), *_surroundings(look, z), *_place(look)]
    found += [*_outline(look), *_facts(look), *_around(look, z), *_contrast(look)]
    return np.stack([np.broadcast_to(each, z.shape) for each in found]).astype(np.float32)


def _blurred(values: FloatArray, crop: Crop, width_mm: float) -> FloatArray:
    _, dy, dx = crop.spacing_zyx
    return np.asarray(ndimage.gaussian_filter(values, (0.0, width_mm / dy, width_mm / dx)))


def _looks(look: FirstLook, z: FloatArray) -> Iterator[FloatArray]:
    crop = look.crop
    yield z
    yield look.support
    for width in (0.6, 1.2, 2.5):
        yield _blurred(z, crop, width)
    yield _blurred(np.minimum(np.abs(z), 3.0), crop, 1.0)
    yield ndimage.minimum_filter(z, (1, 3, 3))
    yield ndimage.maximum_filter(z, (1, 3, 3))
    _, dy, dx = crop.spacing_zyx
    down, over = (ndimage.gaussian_filter(z, (0, 0.8, 0.8), order=o) for o in ((0, 1, 0), (0, 0, 1)))
    nearest = _nearest(look)
    grid = np.moveaxis(np.indices(z.shape), 0, -1)
    dr, dc = (((grid - nearest) * crop.spacing_zyx)[..., axis] for axis in (1, 2))
    radius = np.maximum(np.hypot(dr, dc), 0.5)
    yield (down / dy * dr + over / dx * dc) / radius
    yield np.hypot(down / dy, over / dx)


def _surroundings(look: FirstLook, z: FloatArray) -> Iterator[FloatArray]:
    crop, level, spread = look.crop, look.levels.level, look.levels.spread
    (bright, has_bright), (dark, has_dark) = nearby_levels(crop, look.levels)
    away = crop.values - level
    yield np.where(has_bright, np.clip(away / np.maximum(bright - level, spread), -1.5, 1.5), 0.0)
    yield np.where(has_dark, np.clip(away / np.maximum(level - dark, spread), -1.5, 1.5), 0.0)
    yield np.where(has_bright, np.clip((bright - level) / spread, 0, 20) / 5, 0.0)
    yield np.where(has_dark, np.clip((level - dark) / spread, 0, 20) / 5, 0.0)
    smooth = _blurred(z, crop, 0.6)
    yield from _beside(look, smooth)
    for other in (look.backdrop.beyond, look.backdrop.along):
        if other is None:
            yield from (np.zeros(z.shape), np.zeros(z.shape))
            continue
        yield np.nan_to_num(np.clip((other - level) / spread, -FAR_SPREADS, FAR_SPREADS))
        yield np.isfinite(other).astype(np.float64)


def _beside(look: FirstLook, values: FloatArray, step: int = 1) -> tuple[FloatArray, FloatArray]:
    """Return what the next slices show, towards the points and away; the lower and the higher at a point."""
    padded = np.pad(values, ((step, step), (0, 0), (0, 0)), mode="edge")
    below, above = padded[: -2 * step], padded[2 * step :]
    offset = np.arange(len(values))[:, None, None] - np.rint(_nearest(look)[..., 0])
    towards = np.where(offset > 0, below, np.where(offset < 0, above, np.minimum(below, above)))
    away = np.where(offset > 0, above, np.where(offset < 0, below, np.maximum(below, above)))
    return towards, away


def _nearest(look: FirstLook) -> FloatArray:
    """Return the index of each voxel's nearest point, shape (n_slices, n_rows, n_cols, 3)."""
    grid = np.moveaxis(np.indices(look.part.shape), 0, -1)
    squares = [np.square((grid - centre) * look.crop.spacing_zyx).sum(axis=-1) for centre in look.centres_zyx]
    return np.asarray(look.centres_zyx[np.argmin(squares, axis=0)])


def _place(look: FirstLook) -> Iterator[FloatArray]:
    crop = look.crop
    nearest = _nearest(look)
    grid = np.moveaxis(np.indices(look.part.shape), 0, -1)
    axes = np.asarray(crop.geometry.affine_lps[:3, :3])
    offset = (grid - nearest) @ axes.T
    lateral, back, up = body_axes(crop.geometry)
    yield np.minimum(np.abs(offset @ lateral), FAR_MM)
    yield np.clip(offset @ back, -FAR_MM, FAR_MM)
    yield np.minimum(np.abs(offset @ up), FAR_MM)
    steps = np.abs(grid[..., 0] - np.rint(nearest[..., 0]))
    yield np.minimum(steps, 4.0)
    yield np.minimum(steps * crop.spacing_zyx[0], 2 * FAR_MM)
    in_plane = np.hypot(*(((grid - nearest) * crop.spacing_zyx)[..., axis] for axis in (1, 2)))
    yield np.minimum(in_plane, FAR_MM)
    yield np.minimum(in_plane / _radius_mm(look), 3.0)
    yield np.minimum(steps * crop.spacing_zyx[0] / _radius_mm(look), 3.0)
    yield np.maximum(signed_mm(look.allowed, crop), 0.0)
    yield from _background(look)


def _background(look: FirstLook) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the distance from the nearest background point, how alike it is, and whether there is one."""
    zeros = np.zeros(look.part.shape)
    if len(look.background_zyx) == 0:
        return zeros, zeros, zeros
    grid = np.moveaxis(np.indices(look.part.shape), 0, -1)
    steps = [(grid - point) * look.crop.spacing_zyx for point in look.background_zyx]
    distances = np.stack([np.sqrt(np.square(each).sum(axis=-1)) for each in steps])
    smooth = ndimage.gaussian_filter(look.crop.values, (0, 0.7, 0.7))
    last = np.asarray(smooth.shape) - 1
    own = np.array([smooth[tuple(k)] for k in np.clip(np.rint(look.background_zyx), 0, last).astype(int)])
    away = own[distances.argmin(axis=0)] - look.levels.level
    signed = np.where(away < 0, -1.0, 1.0) * np.maximum(np.abs(away), look.levels.spread)
    alike = np.clip((look.crop.values - look.levels.level) / signed, -1.5, 2.0)
    return np.clip(FAR_MM - distances.min(axis=0), 0, None), alike, zeros + 1


def _radius_mm(look: FirstLook) -> float:
    """Return the radius of a disc of the clicked slice's area."""
    area = look.flat.sum(axis=(1, 2)).max() * look.crop.spacing_zyx[1] * look.crop.spacing_zyx[2]
    return float(max(np.sqrt(area / np.pi), 1.0))


def _outline(look: FirstLook) -> Iterator[FloatArray]:
    crop = look.crop
    depth = signed_mm(look.part, crop)
    yield depth
    yield from _beside(look, depth)
    flat = signed_mm(look.flat, crop)
    held = np.nonzero(look.flat.any(axis=(1, 2)))[0]
    if held.size == 0:
        yield np.full(depth.shape, -FAR_MM)
    else:
        numbers = np.arange(len(depth))
        yield flat[held[np.abs(held[None] - numbers[:, None]).argmin(axis=1)]]
    yield _blurred(look.part.astype(np.float64), crop, 1.5)


def signed_mm(mask: MaskZYX, crop: Crop) -> FloatArray:
    """Return the depth in the mask of each slice, negative outside (mm)."""
    found = np.full(mask.shape, -FAR_MM)
    for number in np.nonzero(mask.any(axis=(1, 2)))[0]:
        padded = np.pad(mask[number], 1)
        inside = ndimage.distance_transform_edt(padded, sampling=crop.spacing_zyx[1:])
        outside = ndimage.distance_transform_edt(~padded, sampling=crop.spacing_zyx[1:])
        found[number] = np.clip(inside - outside, -FAR_MM, FAR_MM)[1:-1, 1:-1]
    return found


def _facts(look: FirstLook) -> Iterator[float]:
    crop, levels = look.crop, look.levels
    least = max(abs(levels.level), 20.0 if crop.is_ct else 1e-6)
    yield _radius_mm(look)
    volume = float(look.part.sum()) * crop.geometry.voxel_volume_mm3
    yield float(np.cbrt(volume))
    yield look.line_mm
    yield min(levels.noise / least, 1.0)
    yield min(levels.spread / least, 1.0)
    yield crop.spacing_zyx[0]
    yield crop.spacing_zyx[1]
    yield float(crop.is_ct)
    yield float(is_across_canal(crop.geometry))


def _around(look: FirstLook, z: FloatArray) -> Iterator[FloatArray]:
    """Return averages over all directions, and what slices further off show."""
    for width in ROUND_MM:
        yield _rounded(z, look.crop, width)
    yield from _beside(look, _blurred(z, look.crop, 0.6), _further_step(look.crop))


def _rounded(values: FloatArray, crop: Crop, width_mm: float) -> FloatArray:
    return np.asarray(ndimage.gaussian_filter(values, [width_mm / step for step in crop.spacing_zyx]))


def _further_step(crop: Crop) -> int:
    return max(2, round(FURTHER_MM / crop.spacing_zyx[0]))


def _contrast(look: FirstLook) -> Iterator[FloatArray | float]:
    """Return how the fragment's level stands among those of the image."""
    levels, values = look.levels, look.crop.values
    bright, middle = (float(level) for level in np.percentile(values, (97, 50)))
    reach = max(abs(bright - levels.level), levels.spread)
    yield min(reach / levels.spread, 40.0) / 10
    yield float(np.clip((middle - levels.level) / reach, -2, 2))
    yield float(np.clip(levels.level / max(abs(bright), 1e-6), -2, 2))
    yield min(levels.noise / reach, 1.0)
    yield np.clip((values - levels.level) / reach, -1.5, 1.5)


N_FEATURES = 55
"""Number of features of a voxel."""


def context_features(look: FirstLook, share: FloatArray) -> FloatArray:
    """Return what a first estimate of each voxel's probability says about its neighbourhood.

    Shape (N_CONTEXT, n_slices, n_rows, n_cols).
    """
    crop = look.crop
    wide = _blurred(share, crop, 0.8)
    found = [share, wide, _blurred(share, crop, 2.0), *_beside(look, wide)]
    total = share.sum(axis=(1, 2)) * crop.spacing_zyx[1] * crop.spacing_zyx[2]
    radius = np.sqrt(total / np.pi)[:, None, None]
    padded = np.pad(radius, ((1, 1), (0, 0), (0, 0)))
    found += [radius, padded[:-2] + padded[2:], signed_mm(share > 0.5, crop)]
    found += [np.asarray(np.cbrt(total.sum() * crop.spacing_zyx[0]))]
    found += [*_beside(look, wide, _further_step(crop)), _rounded(share, crop, ROUND_MM[1])]
    return np.stack([np.broadcast_to(each, share.shape) for each in found]).astype(np.float32)


N_CONTEXT = 12
"""Number of features of its neighbourhood."""

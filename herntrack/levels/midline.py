"""The midsagittal image of a stack, on a square grid of its own.

Whatever plane a stack has, discs are sought in one image: across the grid's axes nearest to the
patient's back and head, averaged over a few millimetres from left to right. On MR the coil's shading is
divided out; on CT the numbers are cut to what bone and soft tissue have.

Public: `Midline`, `midline_image`, `moved_sideways`, `sampled`, `known_mean`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from herntrack._typing import FloatArray, PointsLPS
from herntrack.imaging.volume import Volume
from herntrack.model.base_plane import body_axes
from herntrack.segmentation.wall import is_hounsfield

STEP_MM = 1.0
"""Side of a pixel (mm)."""

SIDES_MM = (-6.0, -3.0, 0.0, 3.0, 6.0)
"""Parallel images that are averaged (mm); a body is 40 to 50 mm wide."""

SIDEWAYS_SD_MM, LEANING_SD = 3.0, 0.05
"""Standard deviations of a named point to the side (mm), and of the spine's slope to the side (no unit)."""

REACH_BACK_MM = 80.0
"""How far the image goes to front and back of the discs that were named (mm)."""

REACH_UP_MM = 260.0
"""How far it goes up and down at most (mm)."""

SHADING_MM = 22.0
"""Scale of the mean that an MR image is divided by (mm): wider than a vertebra is high."""

EMPTY_SHARE = 0.03
"""What is darker than this share of the bright tissue over `EMPTY_MM` is no image."""

EMPTY_MM = 4.0

HOUNSFIELD_RANGE = (-50.0, 450.0)
"""CT numbers that discs and bones have (HU); fat is as dark as water's lower end, cortex the upper."""

HOUNSFIELD_ZERO, HOUNSFIELD_UNIT = -150.0, 340.0
"""CT numbers become 0 and 1 at the first and that much above it (HU), so that bone is near 1 as on MR."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Midline:
    """A midsagittal image.

    Parameters
    ----------
    values : ndarray of float64, shape (n_heights, n_depths)
        Intensities with a typical value of 1; 0 where there is no image.
    is_known : ndarray of bool, the same shape
        Where there is one.
    heights_mm, depths_mm : ndarray of float64
        Of rows (towards the head) and columns (towards the back), from `origin_lps`.
    origin_lps, up_lps, back_lps : ndarray of float64, shape (3,)
        A point of the image and its axes; `up_lps` leans sideways where the spine does.
    lateral_lps : ndarray of float64, shape (3,)
        Unit vector across the image, to the left.
    is_ct : bool
        Whether the stack is CT.
    """

    values: FloatArray
    is_known: npt.NDArray[np.bool_]
    heights_mm: FloatArray
    depths_mm: FloatArray
    origin_lps: FloatArray
    up_lps: FloatArray
    back_lps: FloatArray
    lateral_lps: FloatArray
    is_ct: bool

    def to_lps(self, back_up: npt.ArrayLike) -> PointsLPS:
        """Return the points of image places (mm to the back, mm up), shape (..., 2) to (..., 3)."""
        place = np.asarray(back_up, dtype=np.float64)
        return np.asarray(
            self.origin_lps + place[..., :1] * self.back_lps + place[..., 1:] * self.up_lps, dtype=np.float64
        )

    def to_image(self, points_lps: npt.ArrayLike) -> FloatArray:
        """Return (mm to the back, mm up) of points, shape (..., 3) to (..., 2)."""
        axes = np.stack([self.back_lps, self.up_lps, self.lateral_lps], axis=1)
        offset = np.asarray(points_lps, dtype=np.float64) - self.origin_lps
        return np.asarray(np.linalg.solve(axes, offset[..., None])[..., :2, 0], dtype=np.float64)


def midline_image(
    volume: Volume, points_lps: npt.ArrayLike, *, sides_mm: tuple[float, ...] = SIDES_MM
) -> Midline:
    """Return the midsagittal image through named points.

    Parameters
    ----------
    volume : Volume
        Any stack that shows the spine; a sagittal one is best.
    points_lps : array_like of float, shape (n, 3)
        Centres of discs (LPS mm). Between and beyond two of them the image leans as their line does.
    sides_mm : tuple of float
        Parallel images that are averaged (mm).
    """
    points = np.atleast_2d(np.asarray(points_lps, dtype=np.float64))
    lateral, back, up = body_axes(volume.geometry)
    origin = points.mean(axis=0)
    return _image(volume, points, origin, (back, _leaning(points - origin, up, lateral), lateral), sides_mm)


def moved_sideways(volume: Volume, image: Midline, *, shift_mm: float, slope: float) -> Midline:
    """Return the image that lies further to the left, the more so the higher up.

    Parameters
    ----------
    volume : Volume
        The stack.
    image : Midline
        The image that is not in the middle.
    shift_mm : float
        How far to the left at `image.origin_lps` (mm).
    slope : float
        How much further for each mm up (no unit).
    """
    origin = image.origin_lps + shift_mm * image.lateral_lps
    up = image.up_lps + slope * image.lateral_lps
    return _image(volume, origin[None], origin, (image.back_lps, up, image.lateral_lps), SIDES_MM)


def _image(
    volume: Volume,
    points: PointsLPS,
    origin: FloatArray,
    axes: tuple[FloatArray, FloatArray, FloatArray],
    sides_mm: tuple[float, ...],
) -> Midline:
    back, up, lateral = axes
    heights, depths = _extent(volume, points, origin, np.stack([back, up, lateral], axis=1))
    plane = origin + heights[:, None, None] * up + depths[None, :, None] * back
    images = np.stack([sampled(volume, plane + side * lateral) for side in sides_mm])
    counts = np.isfinite(images).sum(axis=0)
    known = counts > 0
    mean = np.where(known, np.nansum(images, axis=0) / np.maximum(counts, 1), 0.0)
    is_ct = is_hounsfield(volume.values)
    values, known = (_hounsfield if is_ct else _unshaded)(mean, known)
    return Midline(
        values=values,
        is_known=known,
        heights_mm=heights,
        depths_mm=depths,
        origin_lps=origin,
        up_lps=up,
        back_lps=back,
        lateral_lps=lateral,
        is_ct=is_ct,
    )


def sampled(volume: Volume, points_lps: PointsLPS) -> FloatArray:
    """Return intensities at points, shape (..., 3) to (...); NaN outside the stack.

    Slices reach half a step outwards, so that a stack of one slice has an inside.
    """
    # One inverse for all points is much faster than solving for each.
    affine = volume.geometry.affine_lps
    index = (points_lps - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T
    last = volume.geometry.shape_zyx[0] - 1
    outside = (index[..., 0] < -0.5) | (index[..., 0] > last + 0.5)
    index[..., 0] = np.where(outside, -9.0, np.clip(index[..., 0], 0, last))
    shape = np.array(volume.geometry.shape_zyx)
    low = np.clip(np.floor(index.reshape(-1, 3).min(axis=0)), 0, shape - 1).astype(int)
    high = np.clip(np.ceil(index.reshape(-1, 3).max(axis=0)) + 1, low + 1, shape).astype(int)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    part = volume.values[box].astype(np.float64)
    coordinates = np.moveaxis(index - low, -1, 0)
    return np.asarray(ndimage.map_coordinates(part, coordinates, order=1, cval=np.nan), dtype=np.float64)


def _leaning(offsets: FloatArray, up: FloatArray, lateral: FloatArray) -> FloatArray:
    """Return the axis up, leant to the side as the line through the points does."""
    heights = offsets @ up
    # A person is off to the side by some mm: only points far apart say how the spine leans.
    spread = float(heights @ heights) + (SIDEWAYS_SD_MM / LEANING_SD) ** 2
    slope = float(heights @ (offsets @ lateral)) / spread
    return np.asarray(up + slope * lateral, dtype=np.float64)


def _extent(
    volume: Volume, points: PointsLPS, origin: FloatArray, axes: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return heights and depths that cover what the stack shows around the points (mm)."""
    inverse = np.linalg.inv(axes)
    corners = (volume.geometry.corners_lps() - origin) @ inverse.T
    named = (points - origin) @ inverse.T
    low, high = corners.min(axis=0), corners.max(axis=0)
    reach = np.array((REACH_BACK_MM, REACH_UP_MM))
    low = np.maximum(low[:2], named.min(axis=0)[:2] - reach)
    high = np.minimum(high[:2], named.max(axis=0)[:2] + reach)
    depths, heights = (
        np.arange(np.floor(a), np.ceil(b) + STEP_MM / 2, STEP_MM) for a, b in zip(low, high, strict=True)
    )
    return heights, depths


def _hounsfield(mean: FloatArray, known: npt.NDArray[np.bool_]) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    values = (np.clip(mean, *HOUNSFIELD_RANGE) - HOUNSFIELD_ZERO) / HOUNSFIELD_UNIT
    return np.where(known, values, 0.0), known


def _unshaded(mean: FloatArray, known: npt.NDArray[np.bool_]) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return the image over its local mean, and where there is signal."""
    bright = float(np.percentile(mean[known], 95)) if known.any() else 1.0
    share = np.maximum(ndimage.gaussian_filter(known.astype(np.float64), EMPTY_MM), 1e-6)
    near = ndimage.gaussian_filter(np.where(known, mean, 0.0), EMPTY_MM) / share
    known = known & (near > EMPTY_SHARE * bright)
    share = np.maximum(ndimage.gaussian_filter(known.astype(np.float64), SHADING_MM), 1e-6)
    local = ndimage.gaussian_filter(np.where(known, mean, 0.0), SHADING_MM) / share
    return np.where(known, mean / np.maximum(local, 1e-6), 0.0), known


def known_mean(values: FloatArray, axis: int) -> FloatArray:
    """Return the mean of what is known, NaN where nothing is.

    Parameters
    ----------
    values : ndarray of float64
        NaN where nothing is known.
    axis : int
        The axis that is averaged over.
    """
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)

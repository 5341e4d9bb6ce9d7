"""Finds the back wall of the vertebral bodies in front of a click, and the corners at the disc.

Method: the image is resampled on a sagittal patch through the click. In each of its rows the wall
is where bone ends: a dark line of cortex and ligament on MR, a bright edge on CT. One smooth path
through all rows is found by dynamic programming. A few millimetres in front of it, disc and bone
differ; the disc's ends give the two corners. All is relative to the image's own intensities.

Where no disc can be told from bone, the wall's own direction at the click is proposed.

Public: `propose_base_plane`, `PlaneProposal`, `is_hounsfield`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from herntrack._typing import FloatArray, PointsLPS
from herntrack.imaging.volume import Volume
from herntrack.model.base_plane import BasePlane, body_axes

HEIGHTS_MM = np.arange(-28.0, 28.01, 0.8)
"""Rows of the patch, along the body from the click (mm)."""

DEPTH_STEP_MM = 0.5
DEPTHS_MM = np.arange(-30.0, 14.01, DEPTH_STEP_MM)
"""Columns of the patch, to the back from the click (mm)."""

SIDES_MM = (-2.0, -1.0, 0.0, 1.0, 2.0)
"""Parallel patches that are averaged (mm)."""

WALL_RANGE_MM = (-20.0, -1.0)
"""Where the wall can be, seen from a click in a fragment (mm)."""

TILTS_DEGREES = (0.0, 22.0)
"""Directions of the canal that are tried; at L5-S1 it leans by 20 to 45 degrees."""

TILT_DISCOUNT = 0.006
"""Share of the path's strength a tilt loses per degree: upright unless the image says otherwise."""

STEP_PENALTY = 0.25
"""Cost of a sideways step of the path, relative to a clear line."""

HALF_LINE_MM = 0.4
"""From the middle of the dark line of cortex to the bone's outer surface (mm)."""

HOLLOW_SHARE = 0.1
"""Where no corners are seen this share of the wall lies in front of the plane."""

DISC_HEIGHT_MM = (4.0, 20.0)
"""A disc's posterior height lies between these (mm)."""

DISC_CONTRAST = 0.25
"""Smallest difference of bone and disc, relative to bone, that is believed."""

HOUNSFIELD_AIR = -100.0
"""An image with values below this is CT (HU); MR magnitudes are not negative."""


@unique
class PlaneSource(StrEnum):
    """Where a base plane comes from."""

    GIVEN = "given"
    CARRIED = "carried from the other visit"
    CORNERS = "proposed from two corners"
    WALL = "proposed from the wall alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneProposal:
    """A base plane and how it was found."""

    plane: BasePlane
    source: PlaneSource


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Patch:
    """A sagittal patch, its wall path, and the path's mean strength."""

    up_lps: FloatArray
    back_lps: FloatArray
    values: FloatArray
    is_known: npt.NDArray[np.bool_]
    wall_mm: FloatArray
    strength: FloatArray


def is_hounsfield(values: npt.NDArray[np.generic]) -> bool:
    """Return whether intensities are CT numbers."""
    return float(values.min()) < HOUNSFIELD_AIR


def propose_base_plane(volume: Volume, click_lps: npt.ArrayLike) -> PlaneProposal | None:
    """Propose the base plane around a click in a fragment.

    Parameters
    ----------
    volume : Volume
        The stack.
    click_lps : array_like of float, shape (3,)
        A point of the fragment or of the canal just behind it, LPS mm.

    Returns
    -------
    PlaneProposal or None
        None where the image shows no wall in front of the click.
    """
    click = np.asarray(click_lps, dtype=np.float64)
    lateral, back, up = body_axes(volume.geometry)
    best: tuple[float, FloatArray] | None = None
    for degrees in TILTS_DEGREES:
        turned = _tilted(up, back, np.tan(np.radians(-degrees)))
        patch = _patch(volume, click, lateral, turned, sides_mm=(0.0,))
        known = patch.is_known & (np.abs(HEIGHTS_MM) < 24)
        if known.sum() < 8:
            continue
        nearness = known / (1 + (HEIGHTS_MM / 15) ** 2)
        score = float((patch.strength * nearness).sum() / nearness.sum()) * (1 - TILT_DISCOUNT * degrees)
        slope = float(np.polyfit(HEIGHTS_MM[known], patch.wall_mm[known], 1)[0])
        if best is None or score > best[0]:
            best = score, _tilted(patch.up_lps, patch.back_lps, slope)
    if best is None:
        return None
    patch = _patch(volume, click, lateral, best[1], sides_mm=SIDES_MM)
    if (patch.is_known & (np.abs(HEIGHTS_MM) < 14)).sum() < 8:
        return None
    corners = _corners(patch)
    source = PlaneSource.WALL if corners is None else PlaneSource.CORNERS
    (h1, d1), (h2, d2) = corners or _wall_line(patch)
    upper, lower = (click + h * patch.up_lps + d * patch.back_lps for h, d in ((h1, d1), (h2, d2)))
    return PlaneProposal(plane=BasePlane.from_corners(upper, lower, volume.geometry), source=source)


def _tilted(up: FloatArray, back: FloatArray, slope: float) -> FloatArray:
    turned = up + slope * back
    return np.asarray(turned / np.linalg.norm(turned), dtype=np.float64)


def _patch(
    volume: Volume, click: FloatArray, lateral: FloatArray, up: FloatArray, *, sides_mm: tuple[float, ...]
) -> _Patch:
    back = np.cross(up, lateral)
    back = back / np.linalg.norm(back)
    back = back if back[1] > 0 else -back
    plane = click + HEIGHTS_MM[:, None, None] * up + DEPTHS_MM[None, :, None] * back
    images = np.stack([_sampled(volume, plane + side * lateral) for side in sides_mm])
    counts = np.isfinite(images).sum(axis=0)
    mean = np.where(counts > 0, np.nansum(images, axis=0) / np.maximum(counts, 1), np.nan)
    known = np.asarray(np.isfinite(mean).all(axis=1), dtype=np.bool_)
    wall, strength = _wall_path(np.nan_to_num(mean), known, is_ct=is_hounsfield(volume.values))
    return _Patch(up_lps=up, back_lps=back, values=mean, is_known=known, wall_mm=wall, strength=strength)


def _sampled(volume: Volume, points: PointsLPS) -> FloatArray:
    """Return intensities at points, NaN outside the stack; slices reach half a step outwards."""
    index = volume.geometry.lps_to_index(points)
    n_slices = volume.geometry.shape_zyx[0]
    outside = (index[..., 0] < -0.5) | (index[..., 0] > n_slices - 0.5)
    index[..., 0] = np.where(outside, -9.0, np.clip(index[..., 0], 0, n_slices - 1))
    # Only the part of the stack that is needed, because the conversion to float costs time.
    low = np.maximum(np.floor(index[~outside].min(axis=0)).astype(int) if (~outside).any() else 0, 0)
    high = np.minimum(
        np.ceil(index[~outside].max(axis=0)).astype(int) + 2 if (~outside).any() else 1,
        volume.geometry.shape_zyx,
    )
    if np.any(np.asarray(high) <= np.asarray(low)):
        return np.full(points.shape[:-1], np.nan)
    box = tuple(slice(int(a), int(b)) for a, b in zip(np.broadcast_to(low, 3), high, strict=True))
    part = volume.values[box].astype(np.float64)
    coordinates = np.moveaxis(index - np.broadcast_to(low, 3), -1, 0)
    return np.asarray(ndimage.map_coordinates(part, coordinates, order=1, cval=np.nan))


def _depths_between(first_mm: float, last_mm: float) -> npt.NDArray[np.bool_]:
    return np.asarray(~((first_mm > DEPTHS_MM) | (last_mm < DEPTHS_MM)))


def _window_mean(image: FloatArray, start_mm: float, stop_mm: float) -> FloatArray:
    """Return, for each column, the mean of the columns from start to stop behind it."""
    first, last = round(start_mm / DEPTH_STEP_MM), round(stop_mm / DEPTH_STEP_MM)
    shifted = [np.roll(image, -step, axis=1) for step in range(first, last + 1)]
    return np.asarray(np.mean(shifted, axis=0), dtype=np.float64)


def _wall_path(
    values: FloatArray, known: npt.NDArray[np.bool_], *, is_ct: bool
) -> tuple[FloatArray, FloatArray]:
    """Return the wall's depth in each row (mm) and how clear it is there (0 to 1)."""
    smooth = ndimage.gaussian_filter(values, (0.8, 0))
    if is_ct:
        score = np.maximum(_window_mean(smooth, -3, -0.5) - _window_mean(smooth, 0.5, 3), 0)
    else:
        line = _window_mean(smooth, -0.5, 0.5)
        valley = np.minimum(_window_mean(smooth, -4, -2), _window_mean(smooth, 1.5, 3.5)) - line
        edge = _window_mean(smooth, -4, -1.5) - line
        score = np.maximum(valley, 0) + 0.3 * np.maximum(edge, 0)
    columns = _depths_between(*WALL_RANGE_MM)
    contrast = np.subtract(*np.percentile(smooth[known], [75, 10])) / 2 if known.any() else 1.0
    score = np.minimum(score[:, columns] / max(float(contrast), 1e-6), 1.0)
    score[~known] = 0.0
    path = _best_path(score)
    return DEPTHS_MM[columns][path], score[np.arange(len(path)), path]


def _best_path(score: FloatArray) -> npt.NDArray[np.intp]:
    """Return the column of each row on the path of the largest sum (Viterbi 1967)."""
    n_rows, n_columns = score.shape
    total = score[0]
    came_from = np.zeros(score.shape, dtype=np.intp)
    steps = (-2, -1, 0, 1, 2)
    costs = (2 * STEP_PENALTY, STEP_PENALTY / 2, 0.0, STEP_PENALTY / 2, 2 * STEP_PENALTY)
    for row in range(1, n_rows):
        padded = np.pad(total, 2, constant_values=-np.inf)
        options = np.stack([padded[2 + s : 2 + s + n_columns] - c for s, c in zip(steps, costs, strict=True)])
        best = options.argmax(axis=0)
        came_from[row] = np.arange(n_columns) + best - 2
        total = options[best, np.arange(n_columns)] + score[row]
    path = np.zeros(n_rows, dtype=np.intp)
    path[-1] = total.argmax()
    for row in range(n_rows - 1, 0, -1):
        path[row - 1] = came_from[row, path[row]]
    return path


def _corners(patch: _Patch) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return height and depth of the upper and the lower corner, None where no disc is seen."""
    level = np.full(len(HEIGHTS_MM), np.nan)
    for row in np.nonzero(patch.is_known)[0]:
        strip = _depths_between(patch.wall_mm[row] - 6, patch.wall_mm[row] - 2.5)
        level[row] = patch.values[row, strip].mean()
    level = ndimage.gaussian_filter1d(np.where(patch.is_known, level, np.nanmedian(level)), 0.8)
    low, high = np.percentile(level[patch.is_known], [5, 75])
    if high - low < DISC_CONTRAST * abs(high):
        return None
    ends = _disc_ends((level < (high + low) / 2) & patch.is_known, patch.is_known)
    if ends is None:
        return None
    upper, lower = _corner(patch, ends[1], 1), _corner(patch, ends[0], -1)
    return None if upper is None or lower is None else (upper, lower)


def _disc_ends(is_disc: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_]) -> tuple[float, float] | None:
    """Return the lower and upper end of the disc nearest to the click (mm)."""
    labels, count = ndimage.label(is_disc)
    heights = HEIGHTS_MM[known]
    found: list[tuple[float, float, float]] = []
    for number in range(1, count + 1):
        rows = HEIGHTS_MM[labels == number]
        low, high = float(rows[0]), float(rows[-1])
        is_cut = low <= heights[0] + 0.1 or high >= heights[-1] - 0.1
        if DISC_HEIGHT_MM[0] <= high - low + 0.8 <= DISC_HEIGHT_MM[1] and not is_cut:
            found.append((max(0.0, low, -high), low, high))
    return min(found)[1:] if found else None


def _corner(patch: _Patch, end_mm: float, sign: int) -> tuple[float, float] | None:
    """Return height and depth of a body's corner from the rows of bone next to the disc's end."""
    beyond = sign * (HEIGHTS_MM - end_mm)
    rows = patch.is_known & (beyond >= 0.4) & (beyond <= 3.2)
    if not rows.any():
        return None
    # The corner is the body's hindmost point; its wall is hollow in between.
    return end_mm + sign * 0.4, float(np.quantile(patch.wall_mm[rows], 0.75)) + HALF_LINE_MM


def _wall_line(patch: _Patch) -> tuple[tuple[float, float], tuple[float, float]]:
    rows = patch.is_known & (np.abs(HEIGHTS_MM) < 14)
    heights, depths = HEIGHTS_MM[rows], patch.wall_mm[rows]
    slope, offset = np.polyfit(heights, depths, 1)
    # Bodies are hollow behind and the canal bends: a line through the middle would cut off what lies there.
    offset += np.quantile(depths - (slope * heights + offset), HOLLOW_SHARE)
    return tuple((h, float(slope * h + offset) + HALF_LINE_MM) for h in (6.0, -6.0))  # type: ignore[return-value]

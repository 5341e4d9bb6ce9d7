"""The front and the back wall of all vertebral bodies, found together.

A single profile across a body may end at a vein, a shadow or a coarse trabecula. All of them together
tell where bone ends: each row through a vertebra says how much of what lies within is bone, and the
best smooth path through all rows is found by dynamic programming. Rows through discs say nothing.

Public: `BodyWalls`, `find_walls`, `recentred`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from herntrack._typing import FloatArray
from herntrack.imaging.volume import Volume
from herntrack.levels.midline import Midline, known_mean, sampled
from herntrack.levels.response import Candidate, disc_axes

ROW_MM = 1.0
COLUMN_MM = 0.5
"""Distances of rows along the spine and of columns across it (mm)."""

OUTWARDS_MM = np.arange(0.0, 36.01, COLUMN_MM)
"""Columns from the middle of the spine to one side (mm)."""

SIDES_MM = (-3.0, -1.5, 0.0, 1.5, 3.0)
"""Parallel images that are averaged (mm)."""

DISC_MM = 10.0
"""Rows nearer than this to the middle of a disc go through it, or its hollow (mm)."""

BEYOND_MM = 20.0
"""The walls are followed beyond the first and the last disc for this much (mm)."""

CORE_MM = 5.0
"""Bone's intensity is the median within this of the middle (mm)."""

LEAST_MM = 8.0
"""A wall is no nearer to the middle (mm)."""

BONE_SHARES = (0.62, 1.6)
"""On MR bone is between these shares of a vertebra's core; what is darker is cortex, or brighter fluid."""

SOFT_HU = 40.0
"""On CT bone ends halfway between its core and this (HU)."""

LOSS = 3.0
"""What lies within and is no bone costs so much more than bone gains."""

STOP_MM = 1.2
"""After so much that is no bone nothing is gained any more (mm)."""

USUAL_MM, USUAL_SD_MM, USUAL_COST = 16.0, 6.0, 0.1
"""Usual distance of a wall from the middle, its standard deviation (mm), and what one costs (mm of bone)."""

DEEP_MM, DEEP_SHARE = 22.0, 0.3
"""Further out than this bone gains only this share: what looks like it may be muscle or fat (mm)."""

BEND_COST = 1.2
"""Cost of a wall's slope against the row of discs, per mm of wall, at 45 degrees (mm of bone)."""

MOST_COLUMNS = 3
"""A wall steps by at most this many columns from row to row."""

SMOOTH_ROWS = 2.0
"""Standard deviation that the path is smoothed by (rows)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyWalls:
    """Front and back wall: (n, 2) points each, mm to the back and up, from above downwards."""

    front: FloatArray
    back: FloatArray

    def depth_at(self, origin: FloatArray, tilt_degrees: float, across_mm: float, *, back: int) -> float:
        """Return where a wall lies in a disc's frame.

        Parameters
        ----------
        origin, tilt_degrees : ndarray of float64, shape (2,), float
            The disc's frame.
        across_mm : float
            Height in it (mm).
        back : int
            1 for the back wall, -1 for the front wall.
        """
        along, across = disc_axes(tilt_degrees)
        offset = (self.back if back > 0 else self.front) - origin
        heights = offset @ across
        near = np.abs(heights) < 2 * BEYOND_MM
        order = np.argsort(heights[near])
        return float(np.interp(across_mm, heights[near][order], (offset @ along)[near][order]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """Rows across the spine: middle, direction, vertebra, and distance to the next disc (mm)."""

    middles: FloatArray
    along: FloatArray
    vertebrae: npt.NDArray[np.int_]
    to_disc_mm: FloatArray

    @property
    def is_told(self) -> npt.NDArray[np.bool_]:
        """Whether a row goes through bone."""
        return np.asarray(self.to_disc_mm >= DISC_MM)


def find_walls(volume: Volume, image: Midline, places: Sequence[Candidate]) -> BodyWalls:
    """Return the walls of the bodies at a row of discs.

    Parameters
    ----------
    volume : Volume
        The stack.
    image : Midline
        The midsagittal image the discs were found in.
    places : sequence of Candidate
        The discs from above downwards.
    """
    rows = _rows(places)
    columns = np.concatenate([-OUTWARDS_MM[:0:-1], OUTWARDS_MM])
    points = image.to_lps(rows.middles[:, None] + columns[:, None] * rows.along[:, None])
    values = known_mean(
        np.stack([sampled(volume, points + side * image.lateral_lps) for side in SIDES_MM]), axis=0
    )
    middle = len(OUTWARDS_MM) - 1
    bone = _bone(values, rows, middle)
    found = []
    for sign, own in ((-1, values[:, middle::-1]), (1, values[:, middle:])):
        path = _path(_scores(own, bone, rows, is_ct=image.is_ct))
        outwards = ndimage.gaussian_filter1d(OUTWARDS_MM[path], SMOOTH_ROWS, mode="nearest")
        found.append(rows.middles + sign * outwards[:, None] * rows.along)
    return BodyWalls(front=found[0], back=found[1])


def recentred(place: Candidate, walls: BodyWalls) -> Candidate:
    """Return a disc with its middle halfway between the walls."""
    origin = np.array((place.back_mm, place.up_mm))
    front, back = (walls.depth_at(origin, place.tilt_degrees, 0.0, back=sign) for sign in (-1, 1))
    back_mm, up_mm = (origin + (front + back) / 2 * disc_axes(place.tilt_degrees)[0]).tolist()
    return replace(place, back_mm=back_mm, up_mm=up_mm)


def _rows(places: Sequence[Candidate]) -> _Rows:
    """Return rows from above the first disc to below the last one."""
    centres = np.array([(place.back_mm, place.up_mm) for place in places])
    tilts = np.array([place.tilt_degrees for place in places])
    beyond = np.arange(ROW_MM, BEYOND_MM + ROW_MM / 2, ROW_MM)
    middles = [centres[0] + beyond[::-1, None] * disc_axes(tilts[0])[1]]
    turned, near, vertebrae = [np.full(len(beyond), tilts[0])], [beyond[::-1]], [np.zeros(len(beyond), int)]
    for number in range(len(places) - 1):
        length = float(np.linalg.norm(centres[number + 1] - centres[number]))
        share = np.arange(0.0, length, ROW_MM) / length
        middles.append(centres[number] + share[:, None] * (centres[number + 1] - centres[number]))
        turned.append(tilts[number] + share * (tilts[number + 1] - tilts[number]))
        near.append(np.minimum(share, 1 - share) * length)
        vertebrae.append(np.full(len(share), number + 1))
    below = np.concatenate([[0.0], beyond])
    middles.append(centres[-1] - below[:, None] * disc_axes(tilts[-1])[1])
    turned.append(np.full(len(below), tilts[-1]))
    near.append(below)
    vertebrae.append(np.full(len(below), len(places)))
    angles = np.radians(np.concatenate(turned))
    return _Rows(
        middles=np.concatenate(middles),
        along=np.stack([np.cos(angles), np.sin(angles)], axis=1),
        vertebrae=np.concatenate(vertebrae),
        to_disc_mm=np.concatenate(near),
    )


def _bone(values: FloatArray, rows: _Rows, middle: int) -> FloatArray:
    """Return the intensity of each row's vertebra; NaN where it is not shown."""
    half = round(CORE_MM / COLUMN_MM)
    bone = np.full(len(values), np.nan)
    for vertebra in np.unique(rows.vertebrae):
        own = rows.vertebrae == vertebra
        core = values[own & rows.is_told][:, middle - half : middle + half + 1]
        core = core[np.isfinite(core)]
        if core.size:
            bone[own] = max(float(np.median(core)), 1e-6)
    return bone


def _scores(values: FloatArray, bone: FloatArray, rows: _Rows, *, is_ct: bool) -> FloatArray:
    """Return how well each row ends at each column (mm of bone within)."""
    core = bone[:, None]
    if is_ct:
        is_bone = values > (core + SOFT_HU) / 2
    else:
        is_bone = (values > BONE_SHARES[0] * core) & (values < BONE_SHARES[1] * core)
    is_bone |= OUTWARDS_MM < CORE_MM
    other_mm = np.cumsum(~is_bone, axis=1) * COLUMN_MM
    is_past = other_mm > STOP_MM
    bone_gain = np.where(is_past, 0.0, np.where(OUTWARDS_MM > DEEP_MM, DEEP_SHARE, 1.0))
    gain = np.where(is_bone, bone_gain, np.where(is_past, -1.0, -LOSS))
    score = np.cumsum(gain, axis=1) * COLUMN_MM
    # A row that is not shown, or goes through a disc, says nothing.
    score[~rows.is_told | ~np.isfinite(bone) | ~np.isfinite(values).all(axis=1)] = 0.0
    score -= USUAL_COST * np.square((OUTWARDS_MM - USUAL_MM) / USUAL_SD_MM)
    score[:, OUTWARDS_MM < LEAST_MM] = -np.inf
    return np.asarray(score, dtype=np.float64)


def _path(score: FloatArray) -> npt.NDArray[np.int_]:
    """Return the column of each row on the best path."""
    n_rows, n_columns = score.shape
    steps = np.arange(-MOST_COLUMNS, MOST_COLUMNS + 1)
    cost = BEND_COST * np.square(steps * COLUMN_MM / ROW_MM)[:, None]
    came = np.zeros((n_rows, n_columns), dtype=np.int_)
    best = score[0]
    for row in range(1, n_rows):
        padded = np.pad(best, MOST_COLUMNS, constant_values=-np.inf)
        options = np.stack([padded[MOST_COLUMNS - step :][:n_columns] for step in steps]) - cost
        chosen = options.argmax(axis=0)
        came[row] = np.arange(n_columns) - steps[chosen]
        best = options.max(axis=0) + score[row]
    path = np.zeros(n_rows, dtype=np.int_)
    path[-1] = int(best.argmax())
    for row in range(n_rows - 1, 0, -1):
        path[row - 1] = came[row, path[row]]
    return path

"""From a place in one stack to the same place in another.

A link is a rigid motion between the patient coordinates of two visits: an alignment, or a pin that
a reader set by pointing at the same spot twice. Where a slice of one stack cuts a slice of
another is a line, and the lines are what orients a reader.

Public: `moved_point`, `pin_matrix`, `linked_index`, `nearest_slice`, `cross_line`, `plane_line`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from herntrack._typing import Affine4x4, FloatArray
from herntrack.model.geometry import VolumeGeometry

PARALLEL_SINE = 0.05
"""Two slices nearer to parallel than this (3 degrees) have no line that helps anyone (no unit)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestSlice:
    """The slice of a stack that is nearest to a place.

    Parameters
    ----------
    index : int
        The slice.
    is_inside : bool
        False if the place lies beyond the first or last slice: the nearest is then another place.
    """

    index: int
    is_inside: bool


def moved_point(point_lps: npt.ArrayLike, matrix_lps: Affine4x4) -> FloatArray:
    """Return points, shape (..., 3), after a motion (LPS mm)."""
    points = np.asarray(point_lps, dtype=np.float64)
    return np.asarray(points @ matrix_lps[:3, :3].T + matrix_lps[:3, 3], dtype=np.float64)


def pin_matrix(from_lps: npt.ArrayLike, to_lps: npt.ArrayLike) -> Affine4x4:
    """Return the shift that takes one pinned point to the other, shape (4, 4).

    A pin says nothing of a rotation: directions are taken as equal, so it holds near the pin.
    """
    matrix = np.eye(4)
    matrix[:3, 3] = np.asarray(to_lps, dtype=np.float64) - np.asarray(from_lps, dtype=np.float64)
    return matrix


def linked_index(
    point_lps: npt.ArrayLike, target: VolumeGeometry, matrix_lps: Affine4x4 | None = None
) -> FloatArray:
    """Return where a point lies in a stack.

    Parameters
    ----------
    point_lps : array_like of float, shape (3,)
        LPS mm of the point's own visit.
    target : VolumeGeometry
        The stack.
    matrix_lps : ndarray of float64, shape (4, 4), optional
        From the point's visit to the stack's; none within one visit.

    Returns
    -------
    ndarray of float64, shape (3,)
        ``(slice, row, col)`` with fractions; may lie outside.
    """
    point = np.asarray(point_lps, dtype=np.float64)
    return target.lps_to_index(point if matrix_lps is None else moved_point(point, matrix_lps))


def nearest_slice(index_zyx: npt.ArrayLike, geometry: VolumeGeometry) -> NearestSlice:
    """Return the slice nearest to a fractional index; half a slice beyond the ends is still inside."""
    place = float(np.asarray(index_zyx, dtype=np.float64)[0])
    last = geometry.shape_zyx[0] - 1
    index = int(np.clip(np.rint(place), 0, last))
    return NearestSlice(index=index, is_inside=-0.5 <= place <= last + 0.5)


def cross_line(
    shown: VolumeGeometry,
    shown_slice: int,
    other: VolumeGeometry,
    other_slice: int,
    *,
    matrix_lps: Affine4x4 | None = None,
) -> FloatArray | None:
    """Return where a slice of one stack cuts a slice of another.

    Parameters
    ----------
    shown : VolumeGeometry
        The stack the line is drawn in.
    shown_slice : int
        Its slice.
    other : VolumeGeometry
        The stack whose slice cuts.
    other_slice : int
        That slice.
    matrix_lps : ndarray of float64, shape (4, 4), optional
        From the other stack's visit to the shown one's.

    Returns
    -------
    ndarray of float64, shape (2, 2), or None
        Two ends ``(row, col)`` in voxels of the shown stack: the part of the line that lies in the
        other slice and in the shown one. None if they do not meet or are nearly parallel.
    """
    _, n_rows, n_columns = other.shape_zyx
    rows, columns = (-0.5, n_rows - 0.5), (-0.5, n_columns - 0.5)
    corners = [(other_slice, r, c) for r, c in zip((*rows, *rows[::-1]), np.repeat(columns, 2), strict=True)]
    corners_lps = other.index_to_lps(corners)
    if matrix_lps is not None:
        corners_lps = moved_point(corners_lps, matrix_lps)
    normal = np.cross(corners_lps[1] - corners_lps[0], corners_lps[2] - corners_lps[1])
    sine = np.linalg.norm(np.cross(normal / np.linalg.norm(normal), shown.normal_lps))
    if sine < PARALLEL_SINE:
        return None
    cut = _cut_at_slice(shown.lps_to_index(corners_lps), shown_slice)
    return None if cut is None else clipped(cut, shown)


def plane_line(
    shown: VolumeGeometry, shown_slice: int, point_lps: npt.ArrayLike, normal_lps: npt.ArrayLike
) -> FloatArray | None:
    """Return where a plane without ends cuts a slice.

    Parameters
    ----------
    shown : VolumeGeometry
        The stack the line is drawn in.
    shown_slice : int
        Its slice.
    point_lps, normal_lps : array_like of float, shape (3,)
        A point of the plane and its unit normal, LPS.

    Returns
    -------
    ndarray of float64, shape (2, 2), or None
        Two ends ``(row, col)`` at the slice's edges; None if the plane does not cut the slice.
    """
    normal = np.asarray(normal_lps, dtype=np.float64)
    if np.linalg.norm(np.cross(normal, shown.normal_lps)) < PARALLEL_SINE:
        return None
    origin = shown.index_to_lps((shown_slice, 0.0, 0.0))
    # a + b row + c col = 0 on the slice.
    a = float((origin - np.asarray(point_lps, dtype=np.float64)) @ normal)
    b, c = (float(shown.affine_lps[:3, axis] @ normal) for axis in (1, 2))
    along = np.array([-c, b]) / np.hypot(b, c)
    nearest = np.array([b, c]) * (-a / (b * b + c * c))
    reach = 2.0 * float(np.linalg.norm(shown.shape_zyx[1:])) + float(np.linalg.norm(nearest))
    return clipped(np.array([nearest - along * reach, nearest + along * reach]), shown)


def clipped(ends_row_col: FloatArray, geometry: VolumeGeometry) -> FloatArray | None:
    """Return the part of a line that lies on a slice's voxels, shape (2, 2); None if none does.

    Liang and Barsky's rule: the parameters at which the line enters and leaves the rectangle.
    """
    start, step = ends_row_col[0], ends_row_col[1] - ends_row_col[0]
    enters, leaves = 0.0, 1.0
    for axis in (0, 1):
        low, high = -0.5, geometry.shape_zyx[1 + axis] - 0.5
        if step[axis] == 0.0:
            if not low <= start[axis] <= high:
                return None
            continue
        first, second = sorted(((low - start[axis]) / step[axis], (high - start[axis]) / step[axis]))
        enters, leaves = max(enters, float(first)), min(leaves, float(second))
    if enters >= leaves:
        return None
    return np.array([start + enters * step, start + leaves * step])


def _cut_at_slice(polygon_zyx: FloatArray, slice_index: int) -> FloatArray | None:
    """Return the two points (row, col) at which a convex polygon crosses a slice."""
    heights = polygon_zyx[:, 0] - slice_index
    found = []
    for here, there, above, below in zip(
        polygon_zyx, np.roll(polygon_zyx, -1, axis=0), heights, np.roll(heights, -1), strict=True
    ):
        if (above < 0.0) != (below < 0.0):
            found.append(here[1:] + (there[1:] - here[1:]) * (above / (above - below)))
    return np.array(found) if len(found) == 2 else None

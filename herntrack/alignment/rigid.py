"""Rigid motions as 4x4 matrices in LPS millimetres."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from herntrack._typing import Affine4x4, FloatArray, PointsLPS


def moved(matrix_lps: Affine4x4, points_lps: npt.ArrayLike) -> PointsLPS:
    """Return points after a motion, shape (..., 3)."""
    points = np.asarray(points_lps, dtype=np.float64)
    return np.asarray(points @ matrix_lps[:3, :3].T + matrix_lps[:3, 3], dtype=np.float64)


def inverse(matrix_lps: Affine4x4) -> Affine4x4:
    """Return the inverse of a motion."""
    turn = matrix_lps[:3, :3].T
    result = np.eye(4)
    result[:3, :3] = turn
    result[:3, 3] = -turn @ matrix_lps[:3, 3]
    return result


def motion(rotation_vector: npt.ArrayLike, shift_mm: npt.ArrayLike, centre_lps: npt.ArrayLike) -> Affine4x4:
    """Return the motion that turns about a centre and then shifts.

    Parameters
    ----------
    rotation_vector : array_like of float, shape (3,)
        Axis times angle (radians).
    shift_mm : array_like of float, shape (3,)
        Shift after the turn (LPS mm).
    centre_lps : array_like of float, shape (3,)
        Point that only the shift moves.
    """
    centre = np.asarray(centre_lps, dtype=np.float64)
    result = np.eye(4)
    result[:3, :3] = Rotation.from_rotvec(np.asarray(rotation_vector, dtype=np.float64)).as_matrix()
    result[:3, 3] = centre + np.asarray(shift_mm, dtype=np.float64) - result[:3, :3] @ centre
    return result


def rotation_degrees(matrix_lps: Affine4x4) -> float:
    """Return the angle of a motion (degrees)."""
    return float(np.degrees(np.linalg.norm(Rotation.from_matrix(matrix_lps[:3, :3]).as_rotvec())))


def distances_mm(first: Affine4x4, second: Affine4x4, points_lps: npt.ArrayLike) -> FloatArray:
    """Return how far apart two motions put each point (mm), shape (n,)."""
    apart = moved(first, points_lps) - moved(second, points_lps)
    return np.asarray(np.linalg.norm(apart, axis=-1), dtype=np.float64)

"""The base plane: what lies behind it, in the canal, is herniated.

It goes through the posterior corners of the two vertebral bodies of a level (Fardon 2014) and is
level from left to right. It can be placed by a reader, carried from another visit, or proposed from
the image around a click (`herntrack.segmentation.wall`).

Public: `BasePlane`, `body_axes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from herntrack._typing import Affine4x4, FloatArray, PointsLPS
from herntrack.errors import GeometryError
from herntrack.model.geometry import VolumeGeometry

MINIMUM_CORNER_DISTANCE_MM = 2.0
"""Two corners nearer than this give no direction (mm)."""

UNIT_TOLERANCE = 1e-12
"""A normal within this of unit length is kept as it is, so that a stored plane comes back to the bit."""

Point = tuple[float, float, float]
"""LPS millimetres."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BasePlane:
    """A plane between disc and canal.

    Parameters
    ----------
    corners_lps : tuple of two points
        Posterior corner of the body above, then of the body below, LPS mm.
    normal_lps : tuple of float
        Unit vector towards the canal, LPS.

    Raises
    ------
    GeometryError
        If the corners are too near each other or the normal has no length.
    """

    corners_lps: tuple[Point, Point]
    normal_lps: Point

    def __post_init__(self) -> None:
        corners = np.asarray(self.corners_lps, dtype=np.float64)
        normal = np.asarray(self.normal_lps, dtype=np.float64)
        length = float(np.linalg.norm(normal))
        if (
            corners.shape != (2, 3)
            or normal.shape != (3,)
            or not np.isfinite([*corners.ravel(), *normal]).all()
        ):
            raise GeometryError("a base plane has two corners and a normal of three finite numbers each")
        distance = float(np.linalg.norm(corners[0] - corners[1]))
        if distance < MINIMUM_CORNER_DISTANCE_MM or length == 0.0:
            raise GeometryError(
                f"the two corners are {distance:.2f} mm apart, at least {MINIMUM_CORNER_DISTANCE_MM} mm are"
                " needed: choose a corner of the body above and one of the body below"
            )
        object.__setattr__(self, "corners_lps", (_point(corners[0]), _point(corners[1])))
        is_unit = abs(length - 1.0) <= UNIT_TOLERANCE
        object.__setattr__(self, "normal_lps", _point(normal if is_unit else normal / length))

    @classmethod
    def from_corners(
        cls, upper_lps: npt.ArrayLike, lower_lps: npt.ArrayLike, geometry: VolumeGeometry
    ) -> BasePlane:
        """Return the plane through two corners that is level from left to right in a stack.

        Parameters
        ----------
        upper_lps, lower_lps : array_like of float, shape (3,)
            Posterior corners of the body above and of the body below, LPS mm.
        geometry : VolumeGeometry
            Its axis nearest to left-right lies in the plane.
        """
        upper, lower = (np.asarray(point, dtype=np.float64) for point in (upper_lps, lower_lps))
        lateral, back, _ = body_axes(geometry)
        normal = np.cross(upper - lower, lateral)
        normal = normal if normal @ back > 0 else -normal
        return cls(corners_lps=(_point(upper), _point(lower)), normal_lps=_point(normal))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> BasePlane:
        """Return the plane that `as_dict` wrote.

        Raises
        ------
        GeometryError
            If a value is missing or is none of a plane.
        """
        try:
            upper, lower = values["corners_lps"]
            return cls(corners_lps=(_point(upper), _point(lower)), normal_lps=_point(values["normal_lps"]))
        except GeometryError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise GeometryError(
                f"a base plane is written as corners_lps (two points) and normal_lps, not as {values!r}"
            ) from error

    def as_dict(self) -> dict[str, list[Any]]:
        """Return the plane as nested lists, for JSON."""
        return {
            "corners_lps": [list(corner) for corner in self.corners_lps],
            "normal_lps": list(self.normal_lps),
        }

    @property
    def point_lps(self) -> FloatArray:
        """The middle between the corners, shape (3,), LPS mm."""
        return np.asarray(np.mean(np.asarray(self.corners_lps), axis=0), dtype=np.float64)

    def depth_mm(self, points_lps: PointsLPS) -> FloatArray:
        """Return how far points, shape (..., 3), lie behind the plane (mm, negative in front)."""
        return np.asarray((points_lps - self.point_lps) @ np.asarray(self.normal_lps), dtype=np.float64)

    def moved(self, matrix_lps: Affine4x4) -> BasePlane:
        """Return the plane at another visit.

        Parameters
        ----------
        matrix_lps : ndarray of float64, shape (4, 4)
            Rigid; takes a point of this plane's visit to the other visit, LPS mm.
        """
        turn, shift = matrix_lps[:3, :3], matrix_lps[:3, 3]
        corners = np.asarray(self.corners_lps) @ turn.T + shift
        normal = turn @ np.asarray(self.normal_lps)
        return BasePlane(corners_lps=(_point(corners[0]), _point(corners[1])), normal_lps=_point(normal))


def body_axes(geometry: VolumeGeometry) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the grid's unit vectors nearest to left, back and head (LPS), each of shape (3,)."""
    units = geometry.affine_lps[:3, :3] / np.linalg.norm(geometry.affine_lps[:3, :3], axis=0)
    left: list[int] = [0, 1, 2]
    found = []
    for axis in range(3):
        column = max(left, key=lambda each, a=axis: abs(units[a, each]))  # type: ignore[misc]
        left.remove(column)
        sign = 1.0 if units[axis, column] >= 0 else -1.0
        found.append(np.asarray(units[:, column] * sign, dtype=np.float64))
    return found[0], found[1], found[2]


def _point(values: npt.ArrayLike) -> Point:
    x, y, z = (float(value) for value in np.asarray(values))
    return x, y, z

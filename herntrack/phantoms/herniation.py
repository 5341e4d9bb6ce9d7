"""Herniations: displaced disc material behind the posterior wall, of known volume.

A shape is a smooth union of ellipsoids in canal coordinates (x, depth behind the canal's front wall,
height along the base line). A protrusion sits on its widest section; an extrusion has a neck and a
wider dome that has moved up or down; a sequester has no neck and does not reach the disc.

The fragment is what lies behind the base plane through the posterior corners of the two adjacent
bodies and outside bone. Its volume is integrated numerically (midpoint rule), so it is known for
any shape.

Public: `Herniation`, `build_herniation`, `integrated_volume`, `BasePlane`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from herntrack._typing import FloatArray, PointsLPS
from herntrack.errors import GeometryError
from herntrack.model.vocabulary import HerniationType, Level
from herntrack.phantoms.anatomy import Anatomy
from herntrack.phantoms.tissues import Tissue

INTEGRATION_STEP_MM = 0.25
"""Step of the midpoint rule that gives the true volume (mm)."""

SEARCH_STEP_MM = 0.5
"""Step used while a size is searched (mm)."""

VOLUME_TOLERANCE = 0.005
"""Largest relative deviation from the wanted volume (no unit)."""

BONE_CLEARANCE_MM = 0.3
"""Fragments keep this distance from the front wall of the canal (mm)."""

SCALE_LIMITS = (0.15, 2.2)
"""Sizes that are searched, relative to the shapes below (no unit)."""

BLEND = 0.12
"""Softness of the union of ellipsoids (no unit)."""

LOBULATION = 0.07
"""Amplitude of the surface's irregularity, relative to the radius (no unit)."""

Ellipsoid = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Centre and half-axes (x, depth, height), mm."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BasePlane:
    """The plane behind which disc material counts as herniated.

    It holds the two posterior corners and the left-right axis.
    """

    centre_lps: FloatArray
    back_lps: FloatArray
    up_lps: FloatArray
    corners_lps: FloatArray

    @classmethod
    def of(cls, anatomy: Anatomy, level: Level) -> BasePlane:
        """Return the base plane of a level."""
        upper, lower = anatomy.disc(level).posterior_corners_yz
        corners = np.array([[0.0, *upper], [0.0, *lower]])
        up = (corners[0] - corners[1]) / np.linalg.norm(corners[0] - corners[1])
        back = np.array([0.0, up[2], -up[1]])
        return cls(centre_lps=corners.mean(axis=0), back_lps=back, up_lps=up, corners_lps=corners)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Herniation:
    """One herniation at one visit."""

    level: Level
    herniation_type: HerniationType
    side_offset_mm: float
    migration_mm: float
    scale: float
    seed: int
    plane: BasePlane
    _wall_z: FloatArray = field(repr=False)
    _wall_y: FloatArray = field(repr=False)
    _wall_cosine: FloatArray = field(repr=False)

    @property
    def tissue(self) -> Tissue:
        """What the fragment consists of: a sequester is the moister one."""
        is_free = self.herniation_type is HerniationType.SEQUESTRATION
        return Tissue.SEQUESTER if is_free else Tissue.HERNIATION

    def ellipsoids(self) -> list[Ellipsoid]:
        """Return the parts of the shape at its present size."""
        s, x, m = self.scale, self.side_offset_mm, self.migration_mm
        if self.herniation_type is HerniationType.PROTRUSION:
            return [((x, 0.0, 0.0), (12.0 * s, 5.6 * s, 4.8 * s))]
        if self.herniation_type is HerniationType.EXTRUSION:
            neck: Ellipsoid = ((x, 0.0, 0.0), (4.6 * s, 4.0 * s, 3.9 * s))
            return [neck, ((x, 4.1 * s, m * s), (7.4 * s, 4.1 * s, 8.4 * s))]
        if self.herniation_type is HerniationType.SEQUESTRATION:
            return [((x, 0.5 + 4.0 * s, m), (6.6 * s, 4.0 * s, 8.0 * s))]
        raise GeometryError(
            f"no shape for a {self.herniation_type.value}; use protrusion, extrusion or sequestration"
        )

    def bounds_lps(self, margin_mm: float = 2.0) -> tuple[FloatArray, FloatArray]:
        """Return two corners of a box in the patient's frame that holds the fragment."""
        parts = self.ellipsoids()
        reach_x = max(abs(c[0] - self.side_offset_mm) + a[0] for c, a in parts) * 1.1 + margin_mm
        reach = max(np.hypot(c[1] + a[1], abs(c[2]) + a[2]) for c, a in parts) * 1.1 + margin_mm
        low = self.plane.centre_lps + np.array([self.side_offset_mm - reach_x, -reach, -reach])
        high = self.plane.centre_lps + np.array([self.side_offset_mm + reach_x, reach, reach])
        return low, high

    def distance(self, x: Any, y: Any, z: Any) -> Any:
        """Return an approximate signed distance to the fragment's surface (mm, negative inside).

        Parameters
        ----------
        x, y, z : array_like
            Points in the patient's frame (LPS, mm); they broadcast.
        """
        depth = (y - np.interp(z, self._wall_z, self._wall_y)) * np.interp(z, self._wall_z, self._wall_cosine)
        height = (y - self.plane.centre_lps[1]) * self.plane.up_lps[1]
        height = height + (z - self.plane.centre_lps[2]) * self.plane.up_lps[2]
        behind = (y - self.plane.centre_lps[1]) * self.plane.back_lps[1]
        behind = behind + (z - self.plane.centre_lps[2]) * self.plane.back_lps[2]
        surface = self._surface(x, depth, height)
        return np.maximum(surface, np.maximum(-behind, BONE_CLEARANCE_MM - depth))

    def contains(self, points_lps: PointsLPS) -> Any:
        """Return whether points in the patient's frame, shape (..., 3), lie in the fragment."""
        points = np.asarray(points_lps)
        return self.distance(points[..., 0], points[..., 1], points[..., 2]) < 0

    def _surface(self, x: Any, depth: Any, height: Any) -> Any:
        phase = 0.7 * (self.seed % 97)
        wave = np.sin(x * 0.45 + phase) * np.sin(height * 0.38 + 1.3 * phase)
        wave = wave + 0.6 * np.sin(depth * 0.8 + 0.6 * height + 2.1 * phase)
        total: Any = 0.0
        for centre, axes in self.ellipsoids():
            radius = np.sqrt(
                np.square((x - centre[0]) / axes[0])
                + np.square((depth - centre[1]) / axes[1])
                + np.square((height - centre[2]) / axes[2])
            )
            total = total + np.exp(-radius / BLEND)
        radius = -BLEND * np.log(np.maximum(total, 1e-30))
        thinnest = min(axes[1] for _, axes in self.ellipsoids())
        return (radius - 1 + LOBULATION * wave) * thinnest


def build_herniation(
    anatomy: Anatomy,
    level: Level,
    herniation_type: HerniationType,
    *,
    volume_mm3: float,
    side_offset_mm: float,
    migration_mm: float,
    seed: int,
) -> Herniation:
    """Return a herniation of a wanted volume.

    Parameters
    ----------
    anatomy : Anatomy
        The spine it belongs to.
    level : Level
        Disc level.
    herniation_type : HerniationType
        Protrusion, extrusion or sequestration.
    volume_mm3 : float
        Wanted volume; met within `VOLUME_TOLERANCE`.
    side_offset_mm : float
        Offset from the midline, positive to the patient's left.
    migration_mm : float
        How far its centre lies above (positive) or below the disc; unused by a protrusion.
    seed : int
        Seed of its surface.

    Raises
    ------
    GeometryError
        If no size within `SCALE_LIMITS` has that volume.
    """
    wall_z = np.arange(anatomy.wall_z[0], anatomy.wall_z[-1], 0.2)
    shape = Herniation(
        level=level,
        herniation_type=herniation_type,
        side_offset_mm=side_offset_mm,
        migration_mm=migration_mm,
        scale=1.0,
        seed=seed,
        plane=BasePlane.of(anatomy, level),
        _wall_z=wall_z,
        _wall_y=anatomy.wall(wall_z),
        _wall_cosine=1 / np.sqrt(1 + anatomy.wall_slope(wall_z) ** 2),
    )
    return _sized(shape, volume_mm3)


def _sized(shape: Herniation, volume_mm3: float) -> Herniation:
    """Return the shape at the size that has the wanted volume."""
    low, high = SCALE_LIMITS
    smallest, largest = (
        integrated_volume(replace(shape, scale=s), step_mm=SEARCH_STEP_MM) for s in SCALE_LIMITS
    )
    refusal = (
        f"no {shape.herniation_type.value} of {volume_mm3:g} mm3 fits at {shape.level.value}:"
        f" its sizes give {smallest:.0f} to {largest:.0f} mm3"
    )
    if not smallest < volume_mm3 < largest:
        raise GeometryError(refusal)
    for _ in range(12):
        middle = (low + high) / 2
        too_large = integrated_volume(replace(shape, scale=middle), step_mm=SEARCH_STEP_MM) > volume_mm3
        low, high = (low, middle) if too_large else (middle, high)
    scale = (low + high) / 2
    for _ in range(4):  # volume grows nearly with the cube of the size
        sized = replace(shape, scale=scale)
        volume = integrated_volume(sized)
        if abs(volume / volume_mm3 - 1) <= VOLUME_TOLERANCE:
            return sized
        scale *= (volume_mm3 / max(volume, 1e-6)) ** (1 / 3)
    raise GeometryError(refusal)


def integrated_volume(herniation: Herniation, *, step_mm: float = INTEGRATION_STEP_MM) -> float:
    """Return the volume of a fragment by the midpoint rule (mm3).

    Parameters
    ----------
    herniation : Herniation
        The fragment.
    step_mm : float
        Edge of a cell (mm).
    """
    low, high = herniation.bounds_lps()
    x, y, z = (np.arange(a + step_mm / 2, b, step_mm) for a, b in zip(low, high, strict=True))
    inside = herniation.distance(x[None, None, :], y[None, :, None], z[:, None, None]) < 0
    return float(np.count_nonzero(inside)) * step_mm**3

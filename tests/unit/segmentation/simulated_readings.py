"""Computed fragments as a simulated reader outlines them, and how often the stated interval holds the truth.

A reader errs in two ways: the outline runs a fraction of a millimetre inside or outside the edge
(`herntrack.phantoms.reader`), and the base plane lies a little in front or behind, a little tilted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from herntrack.errors import GeometryError
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import HerniationType, Level
from herntrack.phantoms.acquisition import IN_PLANE, PROFILE
from herntrack.phantoms.anatomy import Anatomy, build_anatomy
from herntrack.phantoms.herniation import (
    SCALE_LIMITS,
    Herniation,
    build_herniation,
    integrated_volume,
)
from herntrack.phantoms.reader import read_mask
from herntrack.volumetrics.error_model import Z_95_TWO_SIDED, sigma_mm3

PLANE_SHIFT_MM = 0.5
"""Standard deviation of the base plane's depth, as the reader places it (mm)."""

PLANE_TILT_DEGREES = 3.0
"""Standard deviation of its tilt (degrees)."""

VOLUMES_MM3 = (50.0, 3000.0)
SPACINGS_MM = (3.0, 4.0, 5.0)
PLANES = ("sagittal", "axial")
KINDS = (HerniationType.PROTRUSION, HerniationType.EXTRUSION, HerniationType.SEQUESTRATION)
LEVELS = (Level.L3_L4, Level.L4_L5, Level.L5_S1)
FRONT_LAYER_MM = 1.0
LEAST_ROWS = 48
TEMPLATE_MM3 = 700.0
STEP_MM = 0.35

BOUNDARY_K_MM, FLOOR_MM3 = 1.6, 20.0
"""The default error model of one reader under one protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One fragment and what was read."""

    herniation: Herniation
    geometry: VolumeGeometry
    plane: str
    spacing_mm: float
    mask: np.ndarray
    true_mm3: float

    @property
    def read_mm3(self) -> float:
        return float(self.mask.sum()) * self.geometry.voxel_volume_mm3

    @property
    def sigma_mm3(self) -> float:
        return sigma_mm3(self.read_mm3, boundary_k_mm=BOUNDARY_K_MM, floor_mm3=FLOOR_MM3)

    @property
    def is_covered(self) -> bool:
        return abs(self.read_mm3 - self.true_mm3) <= Z_95_TWO_SIDED * self.sigma_mm3


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneError:
    """Where a reader's base plane lies: behind the true one by `depth_mm` at its middle, and tilted."""

    depth_mm: float
    slope: float

    def at(self, height_mm: np.ndarray) -> np.ndarray:
        return self.depth_mm + self.slope * height_mm


def plane_error(rng: np.random.Generator, *, shift_mm: float = PLANE_SHIFT_MM) -> PlaneError:
    """Return a base plane as a reader places it."""
    return PlaneError(
        depth_mm=float(rng.normal(0, shift_mm)),
        slope=float(np.tan(np.radians(rng.normal(0, PLANE_TILT_DEGREES)))),
    )


def some_templates(seed: int, count: int = 3) -> tuple[Herniation, ...]:
    """Return a protrusion at each of three levels of some spines; `shape_of` varies them."""
    spines = [build_anatomy(seed + number, diseased=LEVELS) for number in range(count)]
    return tuple(_template(anatomy, level) for anatomy in spines for level in LEVELS)


def _template(anatomy: Anatomy, level: Level) -> Herniation:
    for surface in range(20):
        try:
            return build_herniation(
                anatomy,
                level,
                HerniationType.PROTRUSION,
                volume_mm3=TEMPLATE_MM3,
                side_offset_mm=0.0,
                migration_mm=0.0,
                seed=surface,
            )
        except GeometryError:
            # The volume of some surfaces jumps past the tolerance of the search.
            continue
    raise GeometryError(f"no template of {TEMPLATE_MM3:.0f} mm3 at {level.value}")


def shape_of(rng: np.random.Generator, templates: tuple[Herniation, ...]) -> tuple[Herniation, float]:
    """Return a fragment at random and its volume, even over the logarithm of the volumes."""
    while True:
        kind = KINDS[int(rng.integers(len(KINDS)))]
        reach = 12.0 if kind is HerniationType.SEQUESTRATION else 6.0
        template = templates[int(rng.integers(len(templates)))]
        # Wider than the limits, because the kinds differ in volume at the same scale.
        wanted = np.exp(rng.uniform(*np.log((VOLUMES_MM3[0] / 2, VOLUMES_MM3[1] * 2))))
        shape = replace(
            template,
            herniation_type=kind,
            scale=float(np.clip(template.scale * (wanted / TEMPLATE_MM3) ** (1 / 3), *SCALE_LIMITS)),
            side_offset_mm=float(rng.uniform(-5, 5)),
            migration_mm=float(rng.uniform(-reach, reach)),
            seed=int(rng.integers(1000)),
        )
        truth = integrated_volume(shape, step_mm=STEP_MM)
        if VOLUMES_MM3[0] <= truth <= VOLUMES_MM3[1]:
            return shape, truth


def grid_around(
    herniation: Herniation, rng: np.random.Generator, plane: str, spacing_mm: float
) -> VolumeGeometry:
    """Return a small stack around a fragment, its slices at a random distance from its middle."""
    low, high = herniation.bounds_lps()
    centre = (low + high) / 2 + rng.uniform(-0.5, 0.5, 3) * spacing_mm
    back, up = herniation.plane.back_lps, herniation.plane.up_lps
    pixel = float(rng.uniform(0.6, 0.85))
    if plane == "sagittal":
        across, down, over = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, -1.0]), np.array([1.0, 0.0, 0.0])
    else:
        across, down, over = np.array([1.0, 0.0, 0.0]), back, up
    n_slices = int(np.ceil(np.abs(over) @ (high - low) / spacing_mm)) + 3
    size = max(LEAST_ROWS, int(np.ceil((np.abs(across) + np.abs(down)) @ (high - low) / pixel)) + 12)
    first = centre - over * spacing_mm * (n_slices - 1) / 2 - (across + down) * pixel * (size - 1) / 2
    return VolumeGeometry.from_dicom(
        [*across, *down],
        list(first),
        slice_step_lps=list(over * spacing_mm),
        pixel_spacing=(pixel, pixel),
        shape_zyx=(n_slices, size, size),
    )


def seen_fraction(herniation: Herniation, geometry: VolumeGeometry, error: PlaneError) -> np.ndarray:
    """Return the share of every voxel that lies in the fragment behind the reader's base plane."""
    n_slices, n_rows, n_columns = geometry.shape_zyx
    rows, columns = ((np.arange(n * IN_PLANE) + 0.5) / IN_PLANE - 0.5 for n in (n_rows, n_columns))
    share = np.zeros(geometry.shape_zyx, dtype=np.float32)
    plane = herniation.plane
    axes = np.array([[1.0, 0.0, 0.0], plane.back_lps, plane.up_lps])
    # Everything is affine, so lateral place, depth and height are sums over slice, row and column.
    start = axes @ (geometry.affine_lps[:3, 3] - plane.centre_lps)
    steps = axes @ geometry.affine_lps[:3, :3]
    reach = _reach_mm(herniation)
    for number in range(n_slices):
        for offset, weight in PROFILE:
            first = start + steps[:, 0] * (number + offset)
            lateral, depth, height = (
                first[k] + steps[k, 1] * rows[:, None] + steps[k, 2] * columns[None, :] for k in range(3)
            )
            near = (depth > -3) & (np.abs(lateral - herniation.side_offset_mm) < reach[0])
            near &= (depth < reach[1]) & (height > reach[2]) & (height < reach[3])
            if not near.any():
                continue
            inside = np.zeros(near.shape, dtype=np.float32)
            points = plane.centre_lps + np.stack([lateral[near], depth[near], height[near]], axis=-1) @ axes
            inside[near] = _behind(herniation, points, depth[near], error.at(height[near]))
            binned = sum(inside[i::IN_PLANE, j::IN_PLANE] for i in range(IN_PLANE) for j in range(IN_PLANE))
            share[number] += np.float32(weight / IN_PLANE**2) * binned
    return share


def _reach_mm(herniation: Herniation) -> tuple[float, float, float, float]:
    """Return how far a fragment reaches to the side and back, down and up, with a margin."""
    parts = herniation.ellipsoids()
    side = max(abs(c[0] - herniation.side_offset_mm) + a[0] for c, a in parts)
    deep = max(c[1] + a[1] for c, a in parts)
    low, high = min(c[2] - a[2] for c, a in parts), max(c[2] + a[2] for c, a in parts)
    # The depth of a shape counts from the canal's wall, which bends away from the base plane with height.
    return 1.15 * side + 1, 1.15 * deep + 10, low - 0.15 * abs(low) - 3, high + 0.15 * abs(high) + 3


def _behind(herniation: Herniation, points: np.ndarray, depth: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Return which points a reader counts, whose base plane lies at the depth `limit`."""
    counted = herniation.contains(points) & (depth > limit)
    # In front of the true plane lies disc: the fragment's base goes on there.
    open_to_front = (depth > limit) & (depth < FRONT_LAYER_MM) & (limit < 0) & ~counted
    if open_to_front.any():
        ahead = points[open_to_front] - limit[open_to_front, None] * herniation.plane.back_lps
        counted[open_to_front] = herniation.contains(ahead)
    return counted


def simulated_reading(rng: np.random.Generator, templates: tuple[Herniation, ...]) -> Reading:
    """Return one fragment at random, read by a simulated reader."""
    herniation, truth = shape_of(rng, templates)
    plane = PLANES[int(rng.integers(len(PLANES)))]
    spacing = float(rng.choice(SPACINGS_MM))
    geometry = grid_around(herniation, rng, plane, spacing)
    error = plane_error(rng)
    fraction = seen_fraction(herniation, geometry, error)
    mask = read_mask(fraction, geometry, rng)
    return Reading(
        herniation=herniation, geometry=geometry, plane=plane, spacing_mm=spacing, mask=mask, true_mm3=truth
    )

"""Computed fragments as a simulated reader outlines them, and how often the stated interval holds the truth.

A reader errs in two ways: the outline runs a fraction of a millimetre inside or outside the edge
(`herntrack.phantoms.reader`), and the base plane lies a little in front or behind, a little tilted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import HerniationType, Level
from herntrack.phantoms.acquisition import IN_PLANE, PROFILE
from herntrack.phantoms.anatomy import Anatomy, build_anatomy
from herntrack.phantoms.herniation import Herniation, build_herniation, integrated_volume
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
ROWS = 64

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
    slopes: tuple[float, float]

    def at(self, lateral_mm: np.ndarray, height_mm: np.ndarray) -> np.ndarray:
        return self.depth_mm + self.slopes[0] * lateral_mm + self.slopes[1] * height_mm


def shape_of(rng: np.random.Generator, anatomies: tuple[Anatomy, ...]) -> tuple[Herniation, float]:
    """Return a fragment at random and its volume, even over the logarithm of the volumes."""
    wanted = float(np.exp(rng.uniform(*np.log(VOLUMES_MM3))))
    anatomy = anatomies[int(rng.integers(len(anatomies)))]
    kind = KINDS[int(rng.integers(len(KINDS)))]
    shape = build_herniation(
        anatomy,
        LEVELS[int(rng.integers(len(LEVELS)))],
        kind,
        volume_mm3=700.0,
        side_offset_mm=float(rng.uniform(-5, 5)),
        migration_mm=float(rng.uniform(-15, 15) if kind is HerniationType.SEQUESTRATION else rng.uniform(-6, 6)),
        seed=int(rng.integers(1000)),
    )
    volume = 700.0
    for _ in range(4):
        shape = replace(shape, scale=shape.scale * (wanted / volume) ** (1 / 3))
        volume = max(integrated_volume(shape, step_mm=0.5), 1.0)
    return shape, integrated_volume(shape)


def grid_around(herniation: Herniation, rng: np.random.Generator, plane: str, spacing_mm: float) -> VolumeGeometry:
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
    size = max(ROWS, int(np.ceil((np.abs(across) + np.abs(down)) @ (high - low) / pixel)) + 12)
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
    plane = herniation.plane
    n_slices, n_rows, n_columns = geometry.shape_zyx
    rows, columns = ((np.arange(n * IN_PLANE) + 0.5) / IN_PLANE - 0.5 for n in (n_rows, n_columns))
    share = np.zeros(geometry.shape_zyx, dtype=np.float32)
    low, high = herniation.bounds_lps()
    for number in range(n_slices):
        for offset, weight in PROFILE:
            index = np.stack(np.broadcast_arrays(number + offset, rows[:, None], columns[None, :]), axis=-1)
            points = geometry.index_to_lps(index)
            near = ((points > low) & (points < high)).all(axis=-1)
            if not near.any():
                continue
            inside = np.zeros(near.shape, dtype=np.float32)
            inside[near] = _behind(herniation, points[near], plane, error)
            binned = inside.reshape(n_rows, IN_PLANE, n_columns, IN_PLANE).mean(axis=(1, 3))
            share[number] += np.float32(weight) * binned
    return share


def _behind(herniation: Herniation, points: np.ndarray, plane: object, error: PlaneError) -> np.ndarray:
    local = points - herniation.plane.centre_lps
    depth = local @ herniation.plane.back_lps
    limit = error.at(local[:, 0], local @ herniation.plane.up_lps)
    cut = herniation.contains(points) & (depth > limit)
    # In front of the true plane lies disc: the fragment's base goes on there.
    forward = herniation.contains(points + np.maximum(-limit, 0)[:, None] * herniation.plane.back_lps)
    return cut | (forward & (limit < 0) & (depth > limit) & (depth < 1.0))


def simulated_reading(rng: np.random.Generator, anatomies: tuple[Anatomy, ...]) -> Reading:
    """Return one fragment at random, read by a simulated reader."""
    herniation, truth = shape_of(rng, anatomies)
    plane = PLANES[int(rng.integers(len(PLANES)))]
    spacing = float(rng.choice(SPACINGS_MM))
    geometry = grid_around(herniation, rng, plane, spacing)
    error = PlaneError(
        depth_mm=float(rng.normal(0, PLANE_SHIFT_MM)),
        slopes=(0.0, float(np.tan(np.radians(rng.normal(0, PLANE_TILT_DEGREES))))),
    )
    fraction = seen_fraction(herniation, geometry, error)
    mask = read_mask(fraction, geometry, rng)
    return Reading(
        herniation=herniation, geometry=geometry, plane=plane, spacing_mm=spacing, mask=mask, true_mm3=truth
    )


def some_anatomies(seed: int, count: int = 4) -> tuple[Anatomy, ...]:
    return tuple(build_anatomy(seed + number, diseased=LEVELS) for number in range(count))

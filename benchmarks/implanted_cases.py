"""Fragments implanted in a real lumbar T2, any number of them.

The stored set (``lumbar_mr_implanted``) has ten fragments, too few to set parameters on and to judge by.
These are made of the same kind of volume (``lumbar_mr_sct``, 1 mm voxels, 38 mm wide) from seeds: another
shape, size, place, level of signal, slice spacing, direction of slices, pose, shading and noise for each.

The canal of that volume was looked at once: its front wall runs along the line `WALL_YZ`. A fragment replaces
what it covers; it does not push the nerve roots aside as a real one does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK
from scipy import ndimage
from scipy.spatial.transform import Rotation
from segmentation_cases import Case, deepest_point

from herntrack.imaging.volume import Volume
from herntrack.model.base_plane import BasePlane
from herntrack.model.geometry import VolumeGeometry

SOURCE = (
    Path(__file__).resolve().parents[1].parent
    / "shared/data/dicom/lumbar_mr_sct/single_subject/data/t2_lumbar/t2_lumbar.nii.gz"
)
WALL_YZ = ((158.4, 30.0), (185.4, 180.0))
"""Two points of the front edge of the fluid, row and slice of the volume turned to LPS (voxels of 1 mm)."""

DISC_Z = (36.0, 69.0)
"""Heights of the two lowest discs (voxels); above them lies the cord, which looks like a fragment."""

MIDLINE_X, CANAL_HALF_MM = 12.0, 9.0
FLUID = 200.0
BASE_PLANE_BEFORE_FLUID_MM = 1.5
DEPTH_MM = 14.0
"""Behind the base plane bone and yellow ligament begin (mm); a fragment ends there."""

SUB_SLICES, SUB_PIXELS = 7, 3
LEAST_VOXELS = 20


def source_values() -> np.ndarray:
    """Return the real volume, its indices (z, y, x) rising to the head, back and left."""
    image = SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(SOURCE)), "LPS")
    return SimpleITK.GetArrayFromImage(image).astype(np.float64)


def wall_y(z: np.ndarray | float) -> np.ndarray | float:
    (y0, z0), (y1, z1) = WALL_YZ
    return y0 + (y1 - y0) * (z - z0) / (z1 - z0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """What is drawn for an implant; each pair is the least and the largest value.

    Parameters
    ----------
    level : tuple of float
        Of the fragment, relative to the fluid's.
    noise : tuple of float
        Standard deviation, where the fluid is 800.
    steps_mm : tuple of float
        Distances of slices to choose from.
    pixel_mm : tuple of float
        In-plane spacing.
    gamma : tuple of float
        Exponent the real values are raised to before, so that tissues differ by more or less.
    blur_pixels : tuple of float
        Standard deviation of the blur in a slice.
    """

    level: tuple[float, float] = (0.2, 0.45)
    noise: tuple[float, float] = (8, 16)
    steps_mm: tuple[float, ...] = (3.3, 4.4, 5.5)
    pixel_mm: tuple[float, float] = (0.6, 0.85)
    gamma: tuple[float, float] = (1.0, 1.0)
    blur_pixels: tuple[float, float] = (0.4, 0.4)


USUAL = Ranges()
WIDE = Ranges(
    level=(0.15, 0.6),
    noise=(6, 40),
    steps_mm=(3.0, 3.6, 4.0, 4.4, 5.0, 5.5),
    pixel_mm=(0.5, 1.0),
    gamma=(0.7, 1.4),
    blur_pixels=(0.2, 0.8),
)
"""To learn from: more than what is measured on."""


class Shape:
    """A smooth union of one to three ellipsoids behind the base plane."""

    def __init__(self, rng: np.random.Generator) -> None:
        z = float(rng.choice(DISC_Z))
        (y0, z0), (y1, z1) = WALL_YZ
        self.up = np.array([0.0, y1 - y0, z1 - z0]) / np.hypot(y1 - y0, z1 - z0)
        self.back = np.array([0.0, self.up[2], -self.up[1]])
        self.origin = np.array([MIDLINE_X, wall_y(z) - BASE_PLANE_BEFORE_FLUID_MM, z])
        side = rng.uniform(-0.8, 0.8) * CANAL_HALF_MM
        migration = rng.normal(0, 6)
        size = rng.uniform(0.7, 1.35)
        radii = size * np.array([rng.uniform(4.5, 8.5), rng.uniform(3.5, 5.0), rng.uniform(4.5, 9.0)])
        depth = rng.uniform(0.2, 1.3) * radii[1]
        self.parts = [(np.array([side, depth, migration]), radii)]
        for _ in range(int(rng.integers(0, 3))):
            shift = rng.normal(0, 0.45, 3) * radii
            self.parts.append((self.parts[0][0] + shift, radii * rng.uniform(0.5, 0.9)))
        self.waves = [(rng.normal(0, 0.45, 3), rng.uniform(0, 6.3), 0.05) for _ in range(3)]

    def inside(self, xyz: np.ndarray) -> np.ndarray:
        local = xyz - self.origin
        place = np.stack([local[..., 0], local @ self.back, local @ self.up], axis=-1)
        wave = sum(a * np.sin(place @ k + p) for k, p, a in self.waves)
        radius = np.min([np.linalg.norm((place - c) / r, axis=-1) for c, r in self.parts], axis=0)
        return (radius + wave < 1) & (place[..., 1] > 0) & (place[..., 1] < DEPTH_MM)

    def corners(self) -> tuple[np.ndarray, np.ndarray]:
        return self.origin + 6 * self.up, self.origin - 6 * self.up

    def volume_mm3(self) -> float:
        step = 0.4
        axes = [np.arange(-26, 26, step) + c for c in self.origin]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        return float(self.inside(grid).sum()) * step**3


def implanted_cases(seed: int, count: int, *, noise: float = 1.0, ranges: Ranges = USUAL) -> Iterator[Case]:
    """Make fragments of 100 to 3500 mm3, each in one stack; nothing where the real volume is missing."""
    if not SOURCE.is_file():
        return
    values = source_values()
    number = made = 0
    while made < count:
        rng = np.random.default_rng([seed, number])
        number += 1
        shape = Shape(rng)
        truth = shape.volume_mm3()
        if not 100 < truth < 3500:
            continue
        case = _case(values, shape, truth, rng, f"implant {seed}.{number}", noise, ranges)
        if case.mask.sum() >= LEAST_VOXELS:
            made += 1
            yield case


def _case(  # noqa: PLR0917 - one call in one place
    values: np.ndarray,
    shape: Shape,
    truth: float,
    rng: np.random.Generator,
    name: str,
    factor: float,
    ranges: Ranges,
) -> Case:
    plane = "sagittal" if rng.random() < 0.5 else "axial"
    geometry = _grid(shape, rng, plane, ranges)
    turn = Rotation.from_euler("xyz", rng.normal(0, 4, 3), degrees=True).as_matrix()
    centre = shape.origin + 6 * shape.back
    level, texture = rng.uniform(*ranges.level) * FLUID, rng.uniform(0.02, 0.08)
    grain = ndimage.gaussian_filter(rng.standard_normal((40, 40, 40)), 1.0)
    grain *= texture / grain.std()
    thickness = rng.uniform(0.85, 1.0)
    if ranges.gamma[0] < ranges.gamma[1]:
        values = FLUID * (np.maximum(values, 0) / FLUID) ** rng.uniform(*ranges.gamma)

    def to_voxels(index: np.ndarray) -> np.ndarray:
        return (geometry.index_to_lps(index) - centre) @ turn + centre

    image, share = np.zeros(geometry.shape_zyx), np.zeros(geometry.shape_zyx)
    rows, columns = (
        np.arange(n * SUB_PIXELS) / SUB_PIXELS - (1 - 1 / SUB_PIXELS) / 2 for n in geometry.shape_zyx[1:]
    )
    for number in range(geometry.shape_zyx[0]):
        for part in ((np.arange(SUB_SLICES) + 0.5) / SUB_SLICES - 0.5) * thickness:
            index = np.stack(np.broadcast_arrays(number + part, rows[:, None], columns[None, :]), axis=-1)
            xyz = to_voxels(index)
            inside = np.zeros(xyz.shape[:-1], dtype=bool)
            near = np.square(xyz - shape.origin).sum(axis=-1) < 26**2
            inside[near] = shape.inside(xyz[near])
            real = ndimage.map_coordinates(values, np.moveaxis(xyz[..., ::-1], -1, 0), order=1)
            place = np.rint(xyz[inside] - shape.origin).astype(int) % 40
            real[inside] = level * (1 + grain[tuple(place.T)])
            image[number] += _binned(real) / SUB_SLICES
            share[number] += _binned(inside.astype(np.float64)) / SUB_SLICES
    blur = ranges.blur_pixels[0]
    if blur < ranges.blur_pixels[1]:
        blur = float(rng.uniform(*ranges.blur_pixels))
    image = ndimage.gaussian_filter(image, (0, blur, blur))
    index = np.moveaxis(np.indices(geometry.shape_zyx), 0, -1)
    gain = 4.0 * np.exp(((geometry.index_to_lps(index) - centre) * rng.normal(0, 1 / 150, 3)).sum(axis=-1))
    sd = rng.uniform(*ranges.noise) * factor
    image = np.hypot(image * gain + rng.normal(0, sd, image.shape), rng.normal(0, sd, image.shape))
    corners = [(corner - centre) @ turn.T + centre for corner in shape.corners()]
    mask = share > 0.5
    return Case(
        name=f"{name} {plane} {geometry.slice_spacing_mm:.1f} mm",
        group=f"implanted {plane}",
        patient=name,
        visit=0,
        volume=Volume(values=image.astype(np.float32), geometry=geometry),
        mask=mask,
        true_mm3=truth,
        click_lps=deepest_point(mask, geometry) if mask.any() else centre,
        plane=BasePlane.from_corners(*corners, geometry),
        to_patient=None,
        noise=factor,
    )


def _grid(shape: Shape, rng: np.random.Generator, plane: str, ranges: Ranges) -> VolumeGeometry:
    step = float(rng.choice(ranges.steps_mm))
    pixel = float(rng.uniform(*ranges.pixel_mm))
    centre = shape.origin + 6 * shape.back + rng.uniform(-0.5, 0.5, 3) * step
    if plane == "sagittal":
        across, down, over, n_slices = (
            np.array([0.0, 1, 0]),
            np.array([0.0, 0, -1]),
            np.array([1.0, 0, 0]),
            11,
        )
    else:
        across, down, over, n_slices = np.array([1.0, 0, 0]), shape.back, shape.up, 13
    size = 112
    middle = over * step * (n_slices - 1) / 2 + (across + down) * pixel * (size - 1) / 2
    return VolumeGeometry.from_dicom(
        [*across, *down],
        list(centre - middle),
        slice_step_lps=list(over * step),
        pixel_spacing=(pixel, pixel),
        shape_zyx=(n_slices, size, size),
    )


def _binned(fine: np.ndarray) -> np.ndarray:
    n_rows, n_columns = fine.shape
    return fine.reshape(n_rows // SUB_PIXELS, SUB_PIXELS, n_columns // SUB_PIXELS, SUB_PIXELS).mean(
        axis=(1, 3)
    )

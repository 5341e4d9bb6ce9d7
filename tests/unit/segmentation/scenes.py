"""A small invented canal: body, dark line, fluid, and a fragment of known size."""

from __future__ import annotations

import numpy as np

from herntrack.imaging.volume import Volume
from herntrack.model.geometry import VolumeGeometry

BONE, DISC, LINE, FLUID, FRAGMENT = 300.0, 90.0, 30.0, 800.0, 200.0
WALL_Y = 0.0
"""The bodies end here (LPS y, mm); the canal lies behind."""


def sagittal_grid() -> VolumeGeometry:
    """Return a sagittal stack of 9 slices, 4.4 mm apart, 0.8 mm pixels, centred on the origin."""
    return VolumeGeometry.from_dicom(
        [0, 1, 0, 0, 0, -1],
        [-4 * 4.4, -40.0, 40.0],
        slice_step_lps=[4.4, 0, 0],
        pixel_spacing=(0.8, 0.8),
        shape_zyx=(9, 101, 101),
    )


def canal(
    *,
    radii_mm: tuple[float, float, float] | None = (8.0, 4.0, 6.0),
    centre_lps: tuple[float, float, float] = (0.0, 5.5, 0.0),
    gain: float = 1.0,
    noise: float = 8.0,
    geometry: VolumeGeometry | None = None,
    seed: int = 1,
) -> tuple[Volume, np.ndarray]:
    """Return an image and the mask of its fragment; without radii there is none."""
    geometry = geometry or sagittal_grid()
    points = geometry.index_to_lps(np.moveaxis(np.indices(geometry.shape_zyx), 0, -1))
    x, y, z = np.moveaxis(points, -1, 0)
    image = np.where(np.abs(z) < 5, DISC, BONE)
    image[(np.abs(np.abs(z) - 5) < 0.8) & (y < WALL_Y)] = LINE
    image[y > WALL_Y - 1] = LINE
    image[y > WALL_Y] = FLUID
    image[y > 14] = 120.0
    mask = np.zeros(geometry.shape_zyx, dtype=bool)
    if radii_mm is not None:
        offset = (points - np.asarray(centre_lps)) / np.asarray(radii_mm)
        mask = (np.square(offset).sum(axis=-1) < 1) & (y > WALL_Y)
        image[mask] = FRAGMENT
    del x
    image = np.maximum(image * gain + np.random.default_rng(seed).normal(0, noise, image.shape), 1)
    return Volume(values=image.astype(np.float32), geometry=geometry), mask


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Return the overlap of two masks."""
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())

"""Volumes beside the voxel count, against ellipsoids of known volume."""

from __future__ import annotations

import numpy as np
import pytest

from herntrack.errors import GeometryMismatchError
from herntrack.imaging.volume import Volume
from herntrack.model.geometry import VolumeGeometry
from herntrack.segmentation.volume_estimates import estimate_volumes

GRID = VolumeGeometry(affine_lps=np.diag([2.0, 0.8, 0.8, 1.0]), shape_zyx=(16, 50, 50))
FINE = 5


def ellipsoid(seed: int) -> tuple[np.ndarray, float]:
    """Return each voxel's share of an ellipsoid at random, and its volume (mm3)."""
    rng = np.random.default_rng(seed)
    radii, centre = rng.uniform(5, 9, 3), np.array([15.0, 19.6, 19.6]) + rng.uniform(-1, 1, 3)
    axes = [
        (np.arange(n * FINE) + 0.5) / FINE * step - step / 2
        for n, step in zip(GRID.shape_zyx, GRID.spacing_zyx, strict=True)
    ]
    z, y, x = (np.square((a - c) / r).astype(np.float32) for a, c, r in zip(axes, centre, radii, strict=True))
    inside = z[:, None, None] + y[None, :, None] + x[None, None, :] < 1
    shape = [part for n in GRID.shape_zyx for part in (n, FINE)]
    return inside.reshape(shape).mean(axis=(1, 3, 5)), 4 / 3 * np.pi * float(radii.prod())


@pytest.mark.parametrize("seed", range(6))
def test_known_levels_give_the_volume_within_the_stated_error(seed: int) -> None:
    share, truth = ellipsoid(seed)
    noise = np.random.default_rng(seed).normal(0, 5, share.shape)
    volume = Volume(values=(800 - 600 * share + noise).astype(np.float32), geometry=GRID)
    result = estimate_volumes(share > 0.5, volume)
    assert result.count_mm3 == pytest.approx(float((share > 0.5).sum()) * GRID.voxel_volume_mm3)
    assert result.partial_mm3 == pytest.approx(truth, rel=0.04)
    assert result.partial_error_mm3 is not None
    assert abs(result.partial_mm3 - truth) < 2 * result.partial_error_mm3
    assert result.lower_mm3 < truth < result.upper_mm3
    assert result.surface_mm3 == pytest.approx(truth, rel=0.08)
    assert result.surface_area_mm2 > (36 * np.pi * truth**2) ** (1 / 3) * 0.95


def test_no_contrast_means_no_partial_volume() -> None:
    share, _ = ellipsoid(1)
    noise = np.random.default_rng(1).normal(0, 50, share.shape)
    result = estimate_volumes(share > 0.5, Volume(values=(200 + noise).astype(np.float32), geometry=GRID))
    assert result.partial_mm3 is None
    assert result.partial_error_mm3 is None
    assert result.usable_edge < 0.5


def test_an_empty_mask_has_no_volume() -> None:
    empty = np.zeros(GRID.shape_zyx, dtype=bool)
    result = estimate_volumes(empty, Volume(values=empty.astype(np.float32), geometry=GRID))
    assert (result.count_mm3, result.lower_mm3, result.upper_mm3, result.surface_mm3) == (0, 0, 0, 0)
    assert result.partial_mm3 is None


def test_shapes_must_agree() -> None:
    with pytest.raises(GeometryMismatchError, match="shape"):
        estimate_volumes(np.zeros((1, 1, 1), bool), Volume(values=np.zeros(GRID.shape_zyx), geometry=GRID))

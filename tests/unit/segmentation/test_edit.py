"""Editing masks in millimetres."""

from __future__ import annotations

import numpy as np
import pytest

from herntrack.errors import GeometryError, GeometryMismatchError
from herntrack.model.geometry import VolumeGeometry
from herntrack.segmentation.edit import interpolate_slices, remove_islands, smooth_mask

GRID = VolumeGeometry(affine_lps=np.diag([4.0, 0.5, 1.0, 1.0]), shape_zyx=(7, 81, 41))


def disc(radius_mm: float, centre: tuple[float, float] = (20.0, 20.0)) -> np.ndarray:
    rows, columns = np.mgrid[:81, :41]
    return np.hypot(rows * 0.5 - centre[0], columns * 1.0 - centre[1]) < radius_mm


def test_slices_between_outlines_are_filled_with_shapes_between_them() -> None:
    mask = np.zeros(GRID.shape_zyx, dtype=bool)
    mask[1], mask[5] = disc(4.2), disc(12.2)
    result = interpolate_slices(mask, GRID)
    np.testing.assert_array_equal(result[[1, 5]], mask[[1, 5]])
    assert not result[[0, 6]].any()
    for number, radius in ((2, 6.2), (3, 8.2), (4, 10.2)):
        assert result[number].sum() * 0.5 == pytest.approx(np.pi * radius**2, rel=0.06)


def test_outlines_beside_each_other_meet_in_the_middle() -> None:
    mask = np.zeros(GRID.shape_zyx, dtype=bool)
    mask[2], mask[4] = disc(8.0, (16.0, 20.0)), disc(8.0, (24.0, 20.0))
    middle = np.argwhere(interpolate_slices(mask, GRID)[3]).mean(axis=0) * (0.5, 1.0)
    np.testing.assert_allclose(middle, (20.0, 20.0), atol=0.3)


def test_smoothing_takes_whiskers_and_keeps_the_area() -> None:
    mask = np.zeros(GRID.shape_zyx, dtype=bool)
    mask[3] = disc(8.0)
    mask[3, 40, 28:36] = True
    result = smooth_mask(mask, GRID, radius_mm=3.0)
    assert not result[3, 40, 33:].any()
    assert abs(int(result.sum()) - int(mask.sum())) <= 4
    assert (result[3] & disc(7.0)).sum() == disc(7.0).sum()


def test_no_radius_changes_nothing_and_a_negative_one_is_refused() -> None:
    mask = np.zeros(GRID.shape_zyx, dtype=bool)
    mask[3, 40, 20] = True
    np.testing.assert_array_equal(smooth_mask(mask, GRID, radius_mm=0), mask)
    with pytest.raises(GeometryError, match="not -1"):
        smooth_mask(mask, GRID, radius_mm=-1)


def test_islands_below_a_volume_go_and_the_largest_part_stays() -> None:
    mask = np.zeros(GRID.shape_zyx, dtype=bool)
    mask[3] = disc(6.0)
    mask[3, 5:7, 5:8] = True  # 6 voxels of 2 mm3
    np.testing.assert_array_equal(remove_islands(mask, GRID, smallest_mm3=12.0), mask)
    assert remove_islands(mask, GRID, smallest_mm3=12.1).sum() == disc(6.0).sum()
    assert remove_islands(mask, GRID, smallest_mm3=1e6).sum() == disc(6.0).sum()


def test_parts_that_touch_by_a_corner_are_one() -> None:
    mask = np.zeros(GRID.shape_zyx, dtype=bool)
    mask[3, 10:20, 10:20] = True
    mask[4, 20, 20] = True
    np.testing.assert_array_equal(remove_islands(mask, GRID, smallest_mm3=100.0), mask)


def test_a_mask_of_another_grid_is_refused() -> None:
    with pytest.raises(GeometryMismatchError, match="shape"):
        interpolate_slices(np.zeros((1, 2, 3), dtype=bool), GRID)

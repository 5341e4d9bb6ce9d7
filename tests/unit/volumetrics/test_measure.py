"""Masks of known bodies on straight, oblique and sheared grids."""

from __future__ import annotations

import numpy as np
import pytest

from herntrack.errors import GeometryMismatchError
from herntrack.model.geometry import VolumeGeometry
from herntrack.volumetrics.measure import EMPTY_MEASUREMENT, measure_mask
from tests.phantoms import centre_of, ellipsoid, ellipsoid_volume_mm3, grid, rotation, single_voxel

TURN = rotation(33.0, (1.0, 2.0, -0.5))


@pytest.mark.parametrize("turn", [None, TURN], ids=["straight", "oblique"])
@pytest.mark.parametrize("tilt", [0.0, 20.0], ids=["square", "sheared"])
def test_a_sphere_has_the_volume_and_diameter_of_its_formula(turn: np.ndarray | None, tilt: float) -> None:
    # 0.5 % of the volume and one voxel of the diameter; a sheared voxel is 0.43 mm long.
    step = 0.4 / np.cos(np.radians(tilt))
    geometry = grid((0.4, 0.4, 0.4), (44, 60, 44), turn=turn, tilt_degrees=tilt, origin_lps=(5, -9, 30))
    measured = measure_mask(ellipsoid(geometry, (8.0, 8.0, 8.0)), geometry)
    assert measured.volume_mm3 == pytest.approx(ellipsoid_volume_mm3((8, 8, 8)), rel=0.005)
    assert measured.max_diameter_mm == pytest.approx(16.0, abs=step)
    assert measured.in_plane_diameter_mm == pytest.approx(16.0, abs=0.4)
    assert measured.perpendicular_diameter_mm == pytest.approx(16.0, abs=0.4)
    assert measured.extent_across_slices_mm == pytest.approx(16.0, abs=0.4)
    assert measured.n_fragments == 1
    assert measured.centroid_lps == pytest.approx(centre_of(geometry), abs=0.01)


def test_an_ellipsoid_turned_in_the_slice_shows_both_its_axes() -> None:
    geometry = grid((0.25, 0.25, 0.25), (33, 81, 81))
    turn = rotation(30.0, (0, 0, 1))
    measured = measure_mask(ellipsoid(geometry, (8.0, 4.0, 3.0), turn=turn), geometry)
    assert measured.volume_mm3 == pytest.approx(ellipsoid_volume_mm3((8, 4, 3)), rel=0.005)
    assert measured.in_plane_diameter_mm == pytest.approx(16.0, abs=0.25)
    assert measured.perpendicular_diameter_mm == pytest.approx(8.0, abs=0.35)
    assert measured.extent_across_slices_mm == pytest.approx(6.0, abs=0.25)


def test_routine_resolution_keeps_the_volume_within_the_error_model() -> None:
    # 500 mm3 at 0.65 mm pixels and 4.4 mm slices: counting alone is good to a few per cent.
    radius = (500 * 3 / 4 / np.pi) ** (1 / 3)
    geometry = grid((4.4, 0.65, 0.65), (7, 40, 40))
    volumes = [
        measure_mask(
            ellipsoid(geometry, (radius,) * 3, centre_lps=centre_of(geometry) + np.array([0, 0, shift])),
            geometry,
        ).volume_mm3
        for shift in np.linspace(0, 4.4, 9)
    ]
    assert np.mean(volumes) == pytest.approx(500.0, rel=0.02)
    assert np.std(volumes) < 103.0


def test_the_gap_between_slices_counts() -> None:
    geometry = grid((4.4, 0.5, 0.5), (3, 4, 4))
    mask = np.zeros((3, 4, 4), dtype=bool)
    mask[:2, 1:3, 1:3] = True
    measured = measure_mask(mask, geometry)
    assert measured.n_voxels == 8
    assert measured.volume_mm3 == pytest.approx(8 * 4.4 * 0.25)
    assert measured.n_slices == 2
    assert measured.extent_across_slices_mm == pytest.approx(8.8)


def test_a_gantry_tilt_changes_no_volume_and_no_extent() -> None:
    mask = np.zeros((5, 6, 6), dtype=bool)
    mask[1:4, 2:5, 2:5] = True
    straight = measure_mask(mask, grid((3.0, 0.7, 0.7), (5, 6, 6)))
    tilted = measure_mask(mask, grid((3.0, 0.7, 0.7), (5, 6, 6), tilt_degrees=25.0))
    assert tilted.volume_mm3 == pytest.approx(straight.volume_mm3)
    assert tilted.extent_across_slices_mm == pytest.approx(9.0)
    assert tilted.in_plane_diameter_mm == pytest.approx(straight.in_plane_diameter_mm)
    # The body itself leans over: its longest diagonal does too.
    assert tilted.max_diameter_mm > straight.max_diameter_mm + 0.5


def test_an_empty_mask_measures_nothing() -> None:
    geometry = grid((4.0, 0.6, 0.6), (3, 4, 5))
    measured = measure_mask(np.zeros((3, 4, 5), dtype=bool), geometry)
    assert measured == EMPTY_MEASUREMENT
    assert measured.volume_mm3 == 0.0
    assert measured.fragment_volumes_mm3 == ()
    assert measured.centroid_lps is None


def test_one_voxel_is_as_large_as_itself() -> None:
    geometry = grid((4.0, 0.6, 0.7), (3, 4, 5), turn=TURN)
    measured = measure_mask(single_voxel((3, 4, 5), (2, 3, 1)), geometry)
    assert measured.volume_mm3 == pytest.approx(4.0 * 0.6 * 0.7)
    assert measured.in_plane_diameter_mm == pytest.approx(0.7)
    assert measured.perpendicular_diameter_mm == pytest.approx(0.6)
    assert measured.max_diameter_mm == pytest.approx(4.0)
    assert measured.centroid_lps == pytest.approx(geometry.index_to_lps((2, 3, 1)))


def test_a_row_of_voxels_is_as_long_as_its_voxels() -> None:
    geometry = grid((4.0, 0.6, 0.7), (3, 8, 8), turn=TURN)
    mask = np.zeros((3, 8, 8), dtype=bool)
    mask[1, 2, 1:6] = True
    measured = measure_mask(mask, geometry)
    assert measured.in_plane_diameter_mm == pytest.approx(5 * 0.7)
    assert measured.perpendicular_diameter_mm == pytest.approx(0.6)
    column = np.zeros((3, 8, 8), dtype=bool)
    column[:, 2, 2] = True
    assert measure_mask(column, geometry).max_diameter_mm == pytest.approx(12.0)
    assert measure_mask(column, geometry).in_plane_diameter_mm == pytest.approx(0.7)


def test_parts_that_touch_by_a_corner_are_one_fragment() -> None:
    geometry = grid((4.0, 0.6, 0.6), (4, 8, 8))
    mask = np.zeros((4, 8, 8), dtype=bool)
    mask[0, 0:2, 0:2] = True
    mask[1, 2, 2] = True
    assert measure_mask(mask, geometry).n_fragments == 1


def test_fragments_are_listed_largest_first_and_sum_to_the_volume() -> None:
    geometry = grid((4.0, 0.5, 0.5), (4, 8, 8))
    mask = np.zeros((4, 8, 8), dtype=bool)
    mask[0, 0, 0:2] = True
    mask[0, 4:6, 4:6] = True
    mask[3, 7, 7] = True
    measured = measure_mask(mask, geometry)
    assert measured.n_fragments == 3
    assert measured.fragment_volumes_mm3 == pytest.approx((4.0, 2.0, 1.0))
    assert sum(measured.fragment_volumes_mm3) == pytest.approx(measured.volume_mm3)
    assert measured.n_slices == 2
    # Two slices hold voxels, four lie between the first and the last.
    assert measured.extent_across_slices_mm == pytest.approx(16.0)


def test_the_in_plane_diameter_is_that_of_the_widest_slice() -> None:
    geometry = grid((4.0, 0.5, 0.5), (3, 10, 10))
    mask = np.zeros((3, 10, 10), dtype=bool)
    mask[0, 0, 0:3] = True
    mask[1, 4, 0:8] = True
    mask[2, 5:9, 5] = True
    measured = measure_mask(mask, geometry)
    assert measured.in_plane_diameter_mm == pytest.approx(4.0)
    assert measured.perpendicular_diameter_mm == pytest.approx(0.5)


def test_a_grid_of_another_shape_is_refused() -> None:
    geometry = grid((4.0, 0.6, 0.6), (3, 4, 5))
    with pytest.raises(GeometryMismatchError, match=r"shape \(3, 5, 4\) and its grid \(3, 4, 5\)"):
        measure_mask(np.zeros((3, 5, 4), dtype=bool), geometry)


def test_a_mask_of_integers_counts_what_is_not_zero() -> None:
    geometry = grid((4.0, 0.5, 0.5), (2, 2, 2))
    labels = np.zeros((2, 2, 2), dtype=np.uint8)
    labels[0, 0] = 2
    assert measure_mask(labels, geometry).n_voxels == 2  # type: ignore[arg-type]


def test_a_left_handed_grid_has_a_positive_volume() -> None:
    straight = grid((4.0, 0.6, 0.6), (3, 4, 5))
    affine = straight.affine_lps.copy()
    affine[:3, 0] *= -1
    mirrored = VolumeGeometry(affine_lps=affine, shape_zyx=(3, 4, 5))
    mask = single_voxel((3, 4, 5), (1, 1, 1))
    assert measure_mask(mask, mirrored).volume_mm3 == pytest.approx(1.44)
    assert measure_mask(mask, mirrored).extent_across_slices_mm == pytest.approx(4.0)

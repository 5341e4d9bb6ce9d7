from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from herntrack.errors import GeometryError
from herntrack.model.geometry import (
    VolumeGeometry,
    direction_letters,
    orientation_vectors,
    plane_of_normal,
)
from herntrack.model.vocabulary import Plane


def geometry(affine: np.ndarray | None = None) -> VolumeGeometry:
    default = np.array([[0.0, 0, 0.6, -10], [0, 0.7, 0, -20], [4.4, 0, 0, 5], [0, 0, 0, 1]])
    return VolumeGeometry(affine_lps=default if affine is None else affine, shape_zyx=(5, 8, 6))


def turned(degrees: float, axis: int) -> np.ndarray:
    angle = np.radians(degrees)
    i, j = [k for k in range(3) if k != axis]
    turn = np.eye(4)
    turn[i, i] = turn[j, j] = np.cos(angle)
    turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
    return turn


def test_an_index_becomes_a_point_and_back() -> None:
    grid = geometry()
    assert grid.index_to_lps([1, 2, 3]) == pytest.approx([-10 + 1.8, -20 + 1.4, 5 + 4.4])
    points = grid.index_to_lps([[0, 0, 0], [4, 7, 5], [1.5, 0.5, 2.25]])
    assert grid.lps_to_index(points) == pytest.approx(np.array([[0, 0, 0], [4, 7, 5], [1.5, 0.5, 2.25]]))


def test_spacing_volume_and_normal_come_from_the_affine() -> None:
    grid = geometry()
    assert grid.spacing_zyx == pytest.approx((4.4, 0.7, 0.6))
    assert grid.slice_spacing_mm == pytest.approx(4.4)
    assert grid.voxel_volume_mm3 == pytest.approx(4.4 * 0.7 * 0.6)
    assert grid.normal_lps == pytest.approx([0, 0, 1])
    assert not grid.is_sheared


@given(st.floats(-180, 180), st.sampled_from([0, 1, 2]))
def test_turning_a_grid_keeps_its_lengths(degrees: float, axis: int) -> None:
    grid = geometry(turned(degrees, axis) @ geometry().affine_lps)
    assert grid.spacing_zyx == pytest.approx((4.4, 0.7, 0.6))
    assert grid.voxel_volume_mm3 == pytest.approx(4.4 * 0.7 * 0.6)
    assert grid.tilt_degrees == pytest.approx(0.0, abs=1e-5)


def test_a_tilt_shears_the_grid_but_not_its_volume() -> None:
    affine = geometry().affine_lps.copy()
    affine[1, 0] = 4.4 * np.tan(np.radians(20))
    grid = geometry(affine)
    assert grid.tilt_degrees == pytest.approx(20.0)
    assert grid.is_sheared
    assert grid.spacing_zyx[0] == pytest.approx(4.4)
    assert grid.voxel_volume_mm3 == pytest.approx(4.4 * 0.7 * 0.6)


def test_dicom_values_give_the_affine_of_the_standard() -> None:
    grid = VolumeGeometry.from_dicom(
        [0, 1, 0, 0, 0, -1],
        [3.0, -20.0, 90.0],
        slice_step_lps=[-4.4, 0, 0],
        pixel_spacing=[0.8, 0.5],
        shape_zyx=(5, 8, 6),
    )
    assert grid.index_to_lps([0, 1, 0]) - grid.index_to_lps([0, 0, 0]) == pytest.approx([0, 0, -0.8])
    assert grid.index_to_lps([0, 0, 1]) - grid.index_to_lps([0, 0, 0]) == pytest.approx([0, 0.5, 0])
    assert grid.plane is Plane.SAGITTAL
    assert grid.edge_letters() == ("A", "P", "S", "I")


@pytest.mark.parametrize(
    ("degrees", "plane"), [(0, Plane.AXIAL), (38, Plane.AXIAL), (45, Plane.OBLIQUE), (80, Plane.CORONAL)]
)
def test_a_plane_keeps_its_name_up_to_forty_degrees(degrees: float, plane: Plane) -> None:
    angle = np.radians(degrees)
    assert plane_of_normal([0, np.sin(angle), np.cos(angle)]) is plane


def test_letters_name_the_nearest_directions_strongest_first() -> None:
    assert direction_letters([1, 0, 0]) == "L"
    assert direction_letters([-2, 0, 0]) == "R"
    assert direction_letters([0, 0.5, 0.8]) == "SP"
    assert direction_letters([0.1, -1.0, 0.0]) == "A"


def test_grids_are_compared_exactly_and_by_distance() -> None:
    grid, moved = geometry(), geometry(geometry().affine_lps + np.eye(4, k=3) * 3.0)
    assert grid == geometry()
    assert hash(grid) == hash(geometry())
    assert grid != moved
    assert grid != "grid"
    assert grid.corner_distance_mm(moved) == pytest.approx(3.0)
    assert grid.corners_lps().shape == (8, 3)
    assert grid.as_lists() == grid.affine_lps.tolist()


def test_an_affine_cannot_be_changed_from_outside() -> None:
    source = geometry().affine_lps.copy()
    grid = geometry(source)
    source[0, 3] = 99.0
    assert grid.affine_lps[0, 3] == -10
    with pytest.raises(ValueError, match="read-only"):
        grid.affine_lps[0, 3] = 1.0


@pytest.mark.parametrize(
    ("affine", "shape"),
    [
        (np.eye(3), (1, 1, 1)),
        (np.full((4, 4), np.nan), (1, 1, 1)),
        (np.diag([0.0, 1, 1, 1]), (1, 1, 1)),
        (np.eye(4), (0, 1, 1)),
        (np.eye(4), (1, 1)),
    ],
)
def test_what_is_no_grid_is_refused(affine: np.ndarray, shape: tuple[int, ...]) -> None:
    with pytest.raises(GeometryError):
        VolumeGeometry(affine_lps=affine, shape_zyx=shape)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "cosines", [[1, 0, 0], [1, 0, 0, 1, 0, 0], [2, 0, 0, 0, 1, 0], [1, 0, 0, 0, float("nan"), 0]]
)
def test_what_is_no_orientation_is_refused(cosines: list[float]) -> None:
    with pytest.raises(GeometryError):
        orientation_vectors(cosines)


def test_rounded_cosines_become_exact_directions() -> None:
    row, column = orientation_vectors([0.99999, 0.0, 0.0, 0.0, 0.9397, 0.342])
    assert np.linalg.norm(row) == pytest.approx(1.0, abs=1e-12)
    assert np.linalg.norm(column) == pytest.approx(1.0, abs=1e-12)

"""Warnings by name."""

from __future__ import annotations

import numpy as np
import pytest

from herntrack.errors import GeometryMismatchError
from herntrack.model.base_plane import BasePlane
from herntrack.segmentation.guards import Guard, check_mask
from herntrack.segmentation.wall import PlaneSource
from tests.unit.segmentation.scenes import sagittal_grid

GRID = sagittal_grid()
PLANE = BasePlane.from_corners((0, 0, 6), (0, 0, -6), GRID)


def box(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> np.ndarray:
    points = GRID.index_to_lps(np.moveaxis(np.indices(GRID.shape_zyx), 0, -1))
    limits = np.array([x, y, z])
    return ((points >= limits[:, 0]) & (points <= limits[:, 1])).all(axis=-1)


GOOD = box((-5, 5), (1, 8), (-6, 6))


def names(mask: np.ndarray, **options: object) -> set[Guard]:
    return {each.guard for each in check_mask(mask, GRID, base_plane=PLANE, **options)}  # type: ignore[arg-type]


def test_a_plain_fragment_has_no_warning() -> None:
    assert names(GOOD, plane_source=PlaneSource.GIVEN) == set()


@pytest.mark.parametrize(
    ("mask", "guard"),
    [
        (np.zeros_like(GOOD), Guard.EMPTY),
        (GOOD | box((-5, 5), (1, 3), (12, 14)), Guard.ISLAND),
        (GOOD | box((-5, 5), (-2, 1), (-6, 6)), Guard.BASE_PLANE),
        (GOOD | box((-5, 5), (8, 24), (-6, 6)), Guard.CANAL),
        (GOOD | box((-18, -4), (1, 8), (-6, 6)), Guard.EDGE),
        (GOOD | box((-5, 5), (1, 8), (-6, 40)), Guard.EDGE),
        (box((-1, 1), (1, 8), (-6, 6)), Guard.ONE_SLICE),
    ],
)
def test_each_fault_has_its_name(mask: np.ndarray, guard: Guard) -> None:
    assert names(mask) == {guard}


def test_a_proposed_plane_is_said_to_be_so() -> None:
    assert names(GOOD, plane_source=PlaneSource.WALL) == {Guard.PLANE_PROPOSED}


def test_no_plane_is_a_warning() -> None:
    assert {each.guard for each in check_mask(GOOD, GRID)} == {Guard.NO_PLANE}


def test_the_volume_in_front_of_the_plane_is_stated() -> None:
    front = box((-1, 1), (-2, -0.1), (-6, 6))
    (warning,) = (
        each for each in check_mask(GOOD | front, GRID, base_plane=PLANE) if each.guard is Guard.BASE_PLANE
    )
    assert f"{front.sum() * GRID.voxel_volume_mm3:.0f} mm3" in warning.sentence


def test_a_mask_of_another_grid_is_refused() -> None:
    with pytest.raises(GeometryMismatchError, match="shape"):
        check_mask(GOOD[1:], GRID)

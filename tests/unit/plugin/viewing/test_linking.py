"""Places and lines of one stack in another."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herntrack.viewing.letters import edge_letters
from napari_herntrack.viewing.linking import (
    clipped,
    cross_line,
    linked_index,
    nearest_slice,
    pin_matrix,
    plane_line,
)
from tests.unit.plugin.viewing.grids import axial, moved_grid, rigid, sagittal


def test_letters_of_a_sagittal_and_of_a_tilted_axial_slice() -> None:
    upright = edge_letters(sagittal())
    assert (upright.left, upright.right, upright.top, upright.bottom) == ("A", "P", "S", "I")
    tilted = edge_letters(axial())
    # Tilted by 30 degrees: the front edge looks down, the back edge up.
    assert (tilted.left, tilted.right, tilted.top, tilted.bottom) == ("R", "L", "AI", "PS")


def test_every_point_of_a_cross_line_lies_on_both_slices() -> None:
    shown, other = sagittal(), axial()
    for shown_slice, other_slice in ((0, 0), (5, 4), (10, 8)):
        ends = cross_line(shown, shown_slice, other, other_slice)
        assert ends is not None
        for share in (0.0, 0.3, 1.0):
            row, column = ends[0] + share * (ends[1] - ends[0])
            index = other.lps_to_index(shown.index_to_lps((shown_slice, row, column)))
            assert index[0] == pytest.approx(other_slice, abs=1e-9)
            assert (index[1:] >= -0.5 - 1e-9).all()
            assert (index[1:] <= np.array(other.shape_zyx[1:]) - 0.5 + 1e-9).all()


def test_a_cross_line_follows_the_patient_to_the_other_visit() -> None:
    motion = rigid(8.0, (3.0, -5.0, 11.0))
    here = cross_line(sagittal(), 5, axial(), 4)
    there = cross_line(sagittal(), 5, moved_grid(axial(), np.linalg.inv(motion)), 4, matrix_lps=motion)
    assert here is not None
    assert there is not None
    np.testing.assert_allclose(here, there, atol=1e-9)


def test_parallel_slices_have_no_cross_line() -> None:
    assert cross_line(sagittal(), 5, moved_grid(sagittal(), rigid(0.0, (2.0, 0.0, 0.0))), 5) is None


def test_slices_that_do_not_meet_have_no_cross_line() -> None:
    far = moved_grid(axial(), rigid(0.0, (0.0, 0.0, 500.0)))
    assert cross_line(sagittal(), 5, far, 4) is None
    aside = moved_grid(axial(), rigid(0.0, (300.0, 0.0, 0.0)))
    assert cross_line(sagittal(), 5, aside, 4) is None


def test_a_plane_cuts_a_slice_where_its_points_have_no_depth() -> None:
    grid = axial()
    normal = np.array([0.1, 0.9, -0.3])
    normal /= np.linalg.norm(normal)
    point = np.array([1.0, -3.0, 4.0])
    ends = plane_line(grid, 4, point, normal)
    assert ends is not None
    for row, column in ends:
        assert (grid.index_to_lps((4, row, column)) - point) @ normal == pytest.approx(0.0, abs=1e-9)
    on_edge = [min(abs(r + 0.5), abs(r - 39.5), abs(c + 0.5), abs(c - 43.5)) for r, c in ends]
    assert max(on_edge) < 1e-9
    assert plane_line(grid, 4, point, grid.normal_lps) is None
    assert plane_line(grid, 4, point + 900.0 * normal, normal) is None


def test_clipping_keeps_what_lies_on_the_slice() -> None:
    grid = axial()
    crossing = clipped(np.array([[10.0, -100.0], [10.0, 100.0]]), grid)
    assert crossing is not None
    np.testing.assert_allclose(crossing, [[10.0, -0.5], [10.0, 43.5]])
    assert clipped(np.array([[50.0, 0.0], [50.0, 9.0]]), grid) is None


def test_a_point_is_found_in_the_other_visit() -> None:
    motion = rigid(-6.0, (4.0, 2.0, -9.0))
    there = moved_grid(sagittal(), np.linalg.inv(motion))
    point = there.index_to_lps((7, 21.25, 13.5))
    np.testing.assert_allclose(linked_index(point, sagittal(), motion), (7, 21.25, 13.5), atol=1e-9)


def test_the_nearest_slice_says_when_a_place_lies_beyond_the_stack() -> None:
    grid = sagittal()
    found = [nearest_slice((place, 0.0, 0.0), grid) for place in (-0.6, -0.4, 4.6, 10.4, 12.0)]
    assert [each.index for each in found] == [0, 0, 5, 10, 10]
    assert [each.is_inside for each in found] == [False, True, True, True, False]


def test_a_pin_takes_one_point_to_the_other_and_turns_nothing() -> None:
    matrix = pin_matrix((1.0, 2.0, 3.0), (-4.0, 7.0, 5.0))
    np.testing.assert_array_equal(matrix @ (1.0, 2.0, 3.0, 1.0), (-4.0, 7.0, 5.0, 1.0))
    np.testing.assert_array_equal(matrix[:3, :3], np.eye(3))

"""A brush is round in millimetres, a polygon holds the centres inside it."""

from __future__ import annotations

import numpy as np
import pytest

from herntrack.errors import GeometryError
from herntrack.reading_room.tools import brush_voxels, filled_holes, on_the_part, polygon_voxels
from herntrack.segmentation.edit import interpolate_slices, smooth_mask
from tests.unit.reading_room.painted import empty, sagittal

GRID = sagittal()


def painted(flat: np.ndarray) -> np.ndarray:
    mask = empty(GRID)
    mask.reshape(-1)[flat] = True
    return mask


def distances_mm(row: float, column: float) -> np.ndarray:
    rows, columns = np.mgrid[: GRID.shape_zyx[1], : GRID.shape_zyx[2]]
    return np.hypot((rows - row) * 0.5, (columns - column) * 0.8)


def test_a_dab_is_a_disc_in_millimetres_on_its_slice() -> None:
    mask = painted(brush_voxels(GRID, 3, [[20.3, 25.0]], radius_mm=4.0))
    expected = empty(GRID)
    expected[3] = distances_mm(20.3, 25.0) <= 4.0
    assert np.array_equal(mask, expected)


def test_a_path_covers_what_lies_between_its_points() -> None:
    mask = painted(brush_voxels(GRID, 1, [[5, 5], [5, 40]], radius_mm=1.0))
    assert mask[1, 5, 5:41].all()
    assert mask[1, [3, 7], 5:41].all()
    assert not mask[1, [2, 8]].any()
    ends = np.minimum(distances_mm(5, 5), distances_mm(5, 40))
    outside = np.ones(50, dtype=bool)
    outside[5:41] = False
    assert np.array_equal(mask[1][:, outside], (ends <= 1.0)[:, outside])


def test_a_brush_finer_than_a_pixel_touches_the_one_under_it() -> None:
    assert painted(brush_voxels(GRID, 0, [[7.4, 9.6]], radius_mm=0.0)).nonzero() == ([0], [7], [10])


@pytest.mark.parametrize("point", [[-40.0, 5.0], [5.0, 400.0]])
def test_paint_beside_the_image_touches_nothing(point: list[float]) -> None:
    assert len(brush_voxels(GRID, 0, [point], radius_mm=3.0)) == 0


def test_a_stroke_across_the_edge_stays_in_its_rows() -> None:
    mask = painted(brush_voxels(GRID, 2, [[0.0, 0.0]], radius_mm=2.0))
    expected = empty(GRID)
    expected[2] = distances_mm(0, 0) <= 2.0
    assert np.array_equal(mask, expected)


def test_a_polygon_holds_the_centres_inside_it() -> None:
    mask = painted(polygon_voxels(GRID, 4, [[9.5, 4.5], [9.5, 20.5], [30.5, 20.5], [30.5, 4.5]]))
    expected = empty(GRID)
    expected[4, 10:31, 5:21] = True
    assert np.array_equal(mask, expected)


def test_a_polygon_that_crosses_itself_is_filled_where_it_is_entered_once() -> None:
    bow = painted(polygon_voxels(GRID, 0, [[5.5, 5.5], [25.5, 25.5], [25.5, 5.5], [5.5, 25.5]]))
    assert bow[0, 24, 15]
    assert bow[0, 8, 15]
    assert not bow[0, 15, 8]


def test_holes_are_filled_slice_by_slice() -> None:
    mask = empty(GRID)
    mask[[1, 2], 10:20, 10:20] = True
    mask[[1, 2], 14:16, 14:16] = False
    filled = filled_holes(mask)
    assert filled[1:3, 10:20, 10:20].all()
    assert filled.sum() == 200
    assert filled_holes(mask, 1).sum() == 196


@pytest.mark.parametrize("place", [(slice(10, 30), slice(15, 35)), (slice(0, 14), slice(38, 50))])
def test_work_on_the_part_is_work_on_the_whole(place: tuple[slice, slice]) -> None:
    mask = empty(GRID)
    mask[1][place] = True
    mask[4][place] = distances_mm(12, 40)[place] < 5.0
    mask[4, place[0].start : place[0].start + 3, place[1].start : place[1].start + 4] = True
    for change, margin in (
        (interpolate_slices, 0.0),
        (lambda part, grid: smooth_mask(part, grid, radius_mm=2.0), 6.0),
    ):
        box, part = on_the_part(mask, GRID, change, margin_mm=margin)  # type: ignore[misc]
        result = empty(GRID)
        result[box] = part
        assert np.array_equal(result, change(mask, GRID))
    assert on_the_part(empty(GRID), GRID, interpolate_slices) is None


def test_the_part_has_its_own_place() -> None:
    mask = empty(GRID)
    mask[3, 20, 30] = True
    seen = []
    on_the_part(mask, GRID, lambda part, grid: seen.append((part, grid)) or part)
    ((part, grid),) = seen
    assert grid.index_to_lps(np.argwhere(part)[0]) == pytest.approx(GRID.index_to_lps([3, 20, 30]))


def test_impossible_strokes_are_refused() -> None:
    with pytest.raises(GeometryError, match="no slice 7"):
        brush_voxels(GRID, 7, [[1, 1]], radius_mm=1.0)
    with pytest.raises(GeometryError, match="no slice -1"):
        polygon_voxels(GRID, -1, [[1, 1], [2, 2], [3, 1]])
    with pytest.raises(GeometryError, match="at least one finite point"):
        brush_voxels(GRID, 0, [], radius_mm=1.0)
    with pytest.raises(GeometryError, match="radius of 0 mm or more"):
        brush_voxels(GRID, 0, [[1, 1]], radius_mm=-1.0)
    with pytest.raises(GeometryError, match="three finite corners"):
        polygon_voxels(GRID, 0, [[1, 1], [2, 2]])

"""What the four views show together."""

from __future__ import annotations

import numpy as np
import pytest

from herntrack.model.base_plane import BasePlane
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import ImageRole, Plane, Weighting
from napari_herntrack.viewing.hanging import hang, outside_mm
from napari_herntrack.viewing.room_state import RoomState
from napari_herntrack.viewing.scale import Camera
from napari_herntrack.viewing.views import Half, Pair, View
from tests.unit.plugin.viewing.grids import axial, catalogued, moved_grid, pair, rigid, sagittal

MOTION = rigid(7.0, (3.0, -6.0, 12.0))
"""From the current visit to the baseline."""


@pytest.fixture
def state() -> RoomState:
    return RoomState(pair(MOTION, between=MOTION))


def test_going_to_a_point_moves_every_view_to_it(state: RoomState) -> None:
    point = state.grids[View.CURRENT_SAGITTAL].index_to_lps((8, 33.0, 21.0))
    state.go_to(Half.CURRENT, point)
    assert state.slices[View.CURRENT_SAGITTAL] == state.slices[View.BASELINE_SAGITTAL] == 8
    for view in state.views:
        cursor = state.cursor_lps(view.half)
        assert cursor is not None
        depth = state.grids[view].lps_to_index(cursor)[0]
        assert state.slices[view] == np.clip(round(float(depth)), 0, state.grids[view].shape_zyx[0] - 1)
    for view in (View.CURRENT_SAGITTAL, View.BASELINE_SAGITTAL):
        np.testing.assert_allclose(state.crosshair(view), (33.0, 21.0), atol=1e-9)


def test_a_step_changes_its_view_and_the_same_plane_of_the_other_visit_only(state: RoomState) -> None:
    before = dict(state.slices)
    assert state.step(View.CURRENT_SAGITTAL, 2) == {View.CURRENT_SAGITTAL, View.BASELINE_SAGITTAL}
    assert state.slices[View.BASELINE_SAGITTAL] == before[View.BASELINE_SAGITTAL] + 2
    assert state.slices[View.CURRENT_AXIAL] == before[View.CURRENT_AXIAL]


def test_a_step_past_the_end_changes_nothing(state: RoomState) -> None:
    state.show_slice(View.CURRENT_SAGITTAL, 10)
    assert state.step(View.CURRENT_SAGITTAL, 1) == set()
    assert state.slices[View.CURRENT_SAGITTAL] == 10


def test_visits_that_are_not_linked_scroll_alone(state: RoomState) -> None:
    state.is_linked = False
    before = state.slices[View.BASELINE_SAGITTAL]
    assert state.step(View.CURRENT_SAGITTAL, 1) == {View.CURRENT_SAGITTAL}
    assert state.slices[View.BASELINE_SAGITTAL] == before


def test_visits_without_an_alignment_have_each_their_own_place() -> None:
    made = pair(None, between=MOTION)
    baseline = made.stacks[View.BASELINE_SAGITTAL].stack.geometry.index_to_lps((2, 10.0, 12.0))
    state = RoomState(
        Pair(
            current=made.current,
            baseline=made.baseline,
            baseline_focus_lps=tuple(float(value) for value in baseline),  # type: ignore[arg-type]
        )
    )
    assert state.slices[View.BASELINE_SAGITTAL] == 2
    np.testing.assert_allclose(state.crosshair(View.BASELINE_SAGITTAL), (10.0, 12.0))
    assert state.step(View.CURRENT_SAGITTAL, 1) == {View.CURRENT_SAGITTAL}
    assert state.slices[View.BASELINE_SAGITTAL] == 2


def test_a_pin_links_what_was_not_aligned() -> None:
    state = RoomState(pair(None, between=rigid(0.0, (3.0, -6.0, 12.0))))
    current = state.grids[View.CURRENT_SAGITTAL].index_to_lps((4, 20.0, 20.0))
    baseline = state.grids[View.BASELINE_SAGITTAL].index_to_lps((4, 20.0, 20.0))
    state.pin(current, baseline)
    state.go_to(Half.CURRENT, state.grids[View.CURRENT_SAGITTAL].index_to_lps((7, 31.0, 9.0)))
    assert state.slices[View.BASELINE_SAGITTAL] == 7
    np.testing.assert_allclose(state.crosshair(View.BASELINE_SAGITTAL), (31.0, 9.0), atol=1e-9)


def test_linked_views_show_the_same_millimetres_around_the_same_place(state: RoomState) -> None:
    changed = state.set_camera(View.CURRENT_SAGITTAL, Camera(centre_mm=(40.0, 22.0), zoom=4.0))
    assert changed == {View.CURRENT_SAGITTAL, View.BASELINE_SAGITTAL}
    theirs = state.cameras[View.BASELINE_SAGITTAL]
    assert theirs.zoom == 4.0
    np.testing.assert_allclose(theirs.centre_mm, (40.0, 22.0), atol=1e-9)


def test_fitting_gives_both_visits_one_zoom(state: RoomState) -> None:
    sizes = dict.fromkeys(View, (640, 440)) | {View.BASELINE_SAGITTAL: (300, 200)}
    state.fit(sizes)
    assert state.cameras[View.BASELINE_SAGITTAL].zoom == state.cameras[View.CURRENT_SAGITTAL].zoom


def test_the_cross_line_of_a_view_moves_when_the_other_plane_is_scrolled(state: RoomState) -> None:
    (before,) = state.cross_lines(View.CURRENT_AXIAL)
    state.step(View.CURRENT_SAGITTAL, 1)
    (after,) = state.cross_lines(View.CURRENT_AXIAL)
    columns = after.ends[:, 1] - before.ends[:, 1]
    # One sagittal slice further is 4 mm, that is 3.2 columns of 1.25 mm.
    np.testing.assert_allclose(np.abs(columns), 3.2, atol=1e-6)


def test_corners_of_a_base_plane_are_shown_on_sagittal_slices_near_them(state: RoomState) -> None:
    grid = state.grids[View.CURRENT_SAGITTAL]
    upper, lower = grid.index_to_lps([(5, 20.0, 24.0), (5, 30.0, 25.0)])
    plane = BasePlane.from_corners(upper, lower, grid)
    state.show_slice(View.CURRENT_SAGITTAL, 5)
    line, corners = state.base_line(View.CURRENT_SAGITTAL, plane)
    np.testing.assert_allclose(corners, [(20.0, 24.0), (30.0, 25.0)], atol=1e-9)
    assert line is not None
    state.show_slice(View.CURRENT_SAGITTAL, 9)
    assert state.base_line(View.CURRENT_SAGITTAL, plane)[1] is None
    line, corners = state.base_line(View.CURRENT_AXIAL, plane)
    assert line is not None
    assert corners is None


def test_a_window_is_changed_for_both_visits(state: RoomState) -> None:
    assert state.drag_window(View.CURRENT_AXIAL, 10.0, 0.0) == {View.CURRENT_AXIAL, View.BASELINE_AXIAL}
    assert state.windows[Plane.AXIAL] != state.windows[Plane.SAGITTAL]


def test_the_first_visit_stands_alone() -> None:
    made = pair(None)
    state = RoomState(Pair(current=made.current))
    assert set(state.views) == {View.CURRENT_SAGITTAL, View.CURRENT_AXIAL}
    assert state.step(View.CURRENT_SAGITTAL, 1) == {View.CURRENT_SAGITTAL}


def test_stacks_are_hung_by_role_contrast_and_place() -> None:
    upper = moved_grid(axial(), rigid(0.0, (0.0, 0.0, 60.0)))
    stacks = [
        catalogued("t1", sagittal(), weighting=Weighting.T1),
        catalogued("localizer", sagittal(), role=ImageRole.LOCALIZER),
        catalogued("broken", sagittal(), is_regular=False),
        catalogued("t2", sagittal()),
        catalogued("upper", upper),
        catalogued("lower", axial()),
    ]
    here = axial().index_to_lps((4, 20.0, 20.0))
    hung = {plane: each.stack.stack_uid for plane, each in hang(stacks, focus_lps=here).items()}
    assert hung == {Plane.SAGITTAL: "t2", Plane.AXIAL: "lower"}
    assert hang(stacks, preferred=["t1"])[Plane.SAGITTAL].stack.stack_uid == "t1"
    assert outside_mm(here, axial()) == 0.0
    assert outside_mm(here + 100.0 * axial().normal_lps, axial()) == pytest.approx(100.0 - 4.5 * 3.0)


def test_another_stack_shows_the_same_place_as_large_as_before(state: RoomState) -> None:
    view = View.CURRENT_SAGITTAL
    state.go_to(Half.CURRENT, state.grids[view].index_to_lps((8, 33.0, 21.0)))
    state.set_camera(view, Camera(centre_mm=(20.0, 15.0), zoom=4.0))
    seen = state.point_lps(view, np.array([20.0, 15.0]) / state.grids[view].spacing_zyx[1:])
    others = dict(state.slices)
    # The same block of the patient in finer slices that begin elsewhere.
    shift = np.eye(4)
    shift[:3, 3] = (4.0, -6.0, 5.0)
    finer = np.array(moved_grid(state.grids[view], shift).affine_lps)
    finer[:3, 0] /= 2.0
    grid = VolumeGeometry(affine_lps=finer, shape_zyx=(22, 60, 50))
    each = catalogued("2.25.77", grid)
    state.show_stack(view, each)

    assert state.pair.stacks[view] is each
    assert state.pair.stacks[View.BASELINE_SAGITTAL] is not each
    cursor = state.cursor_lps(Half.CURRENT)
    assert cursor is not None
    assert state.slices[view] == np.clip(round(float(grid.lps_to_index(cursor)[0])), 0, 21)
    assert {other: index for other, index in state.slices.items() if other is not view} == {
        other: index for other, index in others.items() if other is not view
    }
    now = state.point_lps(view, np.array(state.cameras[view].centre_mm) / grid.spacing_zyx[1:])
    apart = now - seen
    np.testing.assert_allclose(apart - (apart @ grid.normal_lps) * grid.normal_lps, 0.0, atol=1e-9)
    assert state.cameras[view].zoom == 4.0

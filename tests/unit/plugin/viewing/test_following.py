"""The stack of a view follows the place looked at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from herntrack._typing import FloatArray
from herntrack.model.images import CataloguedStack
from herntrack.model.vocabulary import ImageRole, Plane, Weighting
from napari_herntrack.viewing.following import as_shown, of_one_kind, stack_holding
from napari_herntrack.viewing.room_state import RoomState
from napari_herntrack.viewing.scale import Camera
from napari_herntrack.viewing.views import Half, Pair, View, VisitOnScreen
from napari_herntrack.viewing.windows import Range
from tests.unit.plugin.viewing.grids import axial, catalogued, moved_grid, rigid, sagittal

SAGITTAL, AXIAL = View.CURRENT_SAGITTAL, View.CURRENT_AXIAL
LOWER, UPPER, FRAME = "1.lower", "1.upper", "2.25.1"
MOTION = rigid(7.0, (3.0, -6.0, 12.0))


def block(
    uid: str, *, z: float = 0.0, series: str = "axial T2", back: FloatArray | None = None, **said: object
) -> CataloguedStack:
    """Return an axial block so much higher, in the coordinates of a visit."""
    grid = moved_grid(moved_grid(axial(), rigid(0.0, (0.0, 0.0, z))), np.eye(4) if back is None else back)
    each = catalogued(uid, grid, **said)  # type: ignore[arg-type]
    stack = replace(each.stack, frame_of_reference_uid=FRAME, series_instance_uid=series)
    return replace(each, stack=stack, series=replace(each.series, series_instance_uid=series))


def two_visits(matrix: FloatArray | None = MOTION) -> Pair:
    """Return two visits with two axial blocks each, the lower ones shown."""
    visits, choices = {}, {}
    for half, back in ((Half.CURRENT, np.linalg.inv(MOTION)), (Half.BASELINE, np.eye(4))):
        blocks = (
            block(f"{half}.{LOWER}", back=back),
            block(f"{half}.{UPPER}", z=40.0, back=back),
        )
        whole = catalogued(f"{half}.s", moved_grid(sagittal(), back))
        shown = {Plane.SAGITTAL: whole, Plane.AXIAL: blocks[0]}
        visits[half] = VisitOnScreen(caption=str(half), stacks=shown)
        choices[View.of(half, Plane.AXIAL)] = blocks
        choices[View.of(half, Plane.SAGITTAL)] = (whole,)
    return Pair(
        current=visits[Half.CURRENT], baseline=visits[Half.BASELINE], matrix_lps=matrix, choices=choices
    )


@pytest.fixture
def state() -> RoomState:
    made = RoomState(two_visits())
    made.go_to(Half.CURRENT, place(made, AXIAL, LOWER))
    return made


def place(state: RoomState, view: View, name: str, index: float = 4.0) -> FloatArray:
    """Return a point in the middle of a block's slice."""
    grid = next(
        e.stack.geometry for e in state.pair.choices[view] if e.stack.stack_uid == f"{view.half}.{name}"
    )
    return grid.index_to_lps((index, 20.0, 22.0))


def free(_: View) -> bool:
    return False


def follow(state: RoomState) -> dict[View, str]:
    """Change the stacks, and return what changed."""
    found = state.stacks_at_place(free)
    for view, each in found.items():
        state.show_stack(view, each, is_by_hand=False)
    return {view: each.stack.stack_uid for view, each in found.items()}


def test_both_visits_show_the_block_that_holds_the_place(state: RoomState) -> None:
    assert follow(state) == {}
    state.go_to(Half.CURRENT, place(state, AXIAL, UPPER, 6.0))
    assert state.is_beyond(AXIAL)
    assert follow(state) == {AXIAL: f"current.{UPPER}", View.BASELINE_AXIAL: f"baseline.{UPPER}"}
    assert not state.is_beyond(AXIAL)
    assert state.slices[AXIAL] == state.slices[View.BASELINE_AXIAL] == 6
    assert follow(state) == {}


def test_visits_that_are_not_linked_change_their_stacks_alone(state: RoomState) -> None:
    state.is_linked = False
    state.go_to(Half.BASELINE, place(state, View.BASELINE_AXIAL, UPPER))
    assert follow(state) == {View.BASELINE_AXIAL: f"baseline.{UPPER}"}


def test_a_place_between_two_blocks_changes_nothing(state: RoomState) -> None:
    state.go_to(Half.CURRENT, place(state, AXIAL, LOWER, 8.0) + 0.5 * state.grids[AXIAL].normal_lps)
    assert follow(state) == {}
    # Beyond the last slice, and not yet in the next block.
    state.go_to(Half.CURRENT, place(state, AXIAL, LOWER, 10.0))
    assert state.is_beyond(AXIAL)
    assert follow(state) == {}


def test_a_view_with_unsaved_work_is_left_alone(state: RoomState) -> None:
    state.go_to(Half.CURRENT, place(state, AXIAL, UPPER))
    assert set(state.stacks_at_place(lambda view: view is AXIAL)) == {View.BASELINE_AXIAL}


def test_a_stack_chosen_by_hand_stays_until_the_reader_points_elsewhere(state: RoomState) -> None:
    upper = state.pair.choices[AXIAL][1]
    state.show_stack(AXIAL, upper)
    assert state.is_beyond(AXIAL)
    assert follow(state) == {}
    # Scrolling from left to right is no place of another level.
    state.step(SAGITTAL, 1)
    assert follow(state) == {}
    state.go_to(Half.CURRENT, place(state, AXIAL, LOWER, 3.0))
    assert follow(state) == {AXIAL: f"current.{LOWER}"}


def test_a_stack_chosen_by_hand_is_left_once_the_place_was_in_it_and_left_it(state: RoomState) -> None:
    state.show_stack(AXIAL, state.pair.choices[AXIAL][1])
    state.step(AXIAL, 1)
    assert not state.is_beyond(AXIAL)
    # The other visit has followed the slices there.
    assert follow(state) == {View.BASELINE_AXIAL: f"baseline.{UPPER}"}
    state.show_stack(View.BASELINE_AXIAL, state.pair.choices[View.BASELINE_AXIAL][0])
    state.step(View.BASELINE_AXIAL, -1)
    assert follow(state) == {AXIAL: f"current.{LOWER}"}


def test_the_next_block_is_shown_as_the_one_before_was(state: RoomState) -> None:
    state.fit(dict.fromkeys(View, (400, 300)))
    whole = state.cameras[AXIAL]
    state.go_to(Half.CURRENT, place(state, AXIAL, UPPER))
    follow(state)
    assert state.cameras[AXIAL] == whole
    state.cameras[AXIAL] = Camera(centre_mm=(0.0, 0.0), zoom=9.0)
    state.show_place(AXIAL, (400, 300))
    expected = np.array((20.0, 22.0)) * state.grids[AXIAL].spacing_zyx[1:]
    np.testing.assert_allclose(state.cameras[AXIAL].centre_mm, expected, atol=1e-6)
    assert state.cameras[AXIAL].zoom == 9.0
    state.cameras[AXIAL] = near = Camera(centre_mm=tuple(expected + 3.0), zoom=9.0)
    state.show_place(AXIAL, (400, 300))
    assert state.cameras[AXIAL] == near


def test_the_blocks_of_one_series_are_equally_bright(state: RoomState) -> None:
    first, second, third = (Range(black=black, white=900.0) for black in (10.0, 20.0, 30.0))
    state.set_range(AXIAL, first)
    state.go_to(Half.CURRENT, place(state, AXIAL, UPPER))
    follow(state)
    assert state.limits(AXIAL) is None
    state.set_range(AXIAL, second)
    assert state.ranges[AXIAL] == first
    state.show_stack(AXIAL, block("another", series="axial T1"))
    state.set_range(AXIAL, third)
    assert state.ranges[AXIAL] == third


def test_a_view_changes_to_its_own_kind_only() -> None:
    shown = block("shown")
    point = block("upper", z=40.0).stack.geometry.index_to_lps((4, 20.0, 22.0))
    other_frame = block("frame", z=40.0, series="another")
    other_frame = replace(other_frame, stack=replace(other_frame.stack, frame_of_reference_uid="2.25.2"))
    refused = [
        block("t1", z=40.0, series="axial T1", weighting=Weighting.T1),
        block("localizer", z=40.0, role=ImageRole.LOCALIZER),
        other_frame,
    ]
    assert stack_holding(shown, [shown, *refused], point) is None
    again, upper = block("again", z=40.0, series="axial T2 again"), block("upper", z=40.0)
    assert stack_holding(shown, [*refused, again], point) is again
    assert stack_holding(shown, [*refused, again, upper], point) is upper
    # Of two that hold it, the one that holds it deepest.
    assert stack_holding(shown, [block("edge", z=31.0), upper], point) is upper
    unknown = block("unknown", weighting=Weighting.UNKNOWN)
    others = [
        block("own", z=40.0, weighting=Weighting.UNKNOWN),
        block("other", z=40.0, series="what", weighting=Weighting.UNKNOWN),
    ]
    assert [each.stack.stack_uid for each in of_one_kind(unknown, others)] == ["own"]


def test_a_visit_that_is_opened_on_another_stack_keeps_what_its_other_views_show() -> None:
    opened = two_visits()
    upper = {view: each[1] for view, each in opened.choices.items() if view.plane is Plane.AXIAL}
    shown = opened.with_stack(AXIAL, upper[AXIAL]).with_stack(View.BASELINE_AXIAL, upper[View.BASELINE_AXIAL])
    kept = as_shown(shown, opened, AXIAL)
    assert kept.stacks[View.BASELINE_AXIAL] is upper[View.BASELINE_AXIAL]
    assert kept.stacks[AXIAL] is opened.stacks[AXIAL]
    assert as_shown(Pair(current=VisitOnScreen(caption="", stacks={})), opened, AXIAL) is opened

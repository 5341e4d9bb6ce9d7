"""The reading room in a real napari window, driven by the mouse and the keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from herntrack.model.base_plane import BasePlane
from herntrack.model.vocabulary import Plane
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.stack_files import stack_volume
from herntrack.workflows.workspace import Workspace
from napari_herntrack.viewing.linking import pin_matrix
from napari_herntrack.viewing.pairs import make_pair
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.scene import MaskLook
from napari_herntrack.viewing.views import Half, Pair, View
from tests.gui.conftest import forget_windows

PATIENCE_MS = 30_000
SAGITTAL, AXIAL = View.CURRENT_SAGITTAL, View.CURRENT_AXIAL


@pytest.fixture(scope="session")
def pair(two_visits: Workspace) -> Pair:
    """Return the later visit beside the first, linked by a shift between the stacks' middles."""
    found = make_pair(two_visits, "S-001", date(2024, 4, 6)).pair
    current, baseline = (found.stacks[view].stack.geometry for view in (SAGITTAL, View.BASELINE_SAGITTAL))
    middles = [grid.index_to_lps((np.array(grid.shape_zyx) - 1) / 2) for grid in (current, baseline)]
    focus = tuple(float(x) for x in found.stacks[AXIAL].stack.geometry.index_to_lps((2, 90.0, 90.0)))
    return Pair(
        current=found.current,
        baseline=found.baseline,
        matrix_lps=pin_matrix(*middles),
        focus_lps=focus,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def open_room(two_visits: Workspace) -> Iterator[Any]:
    """Return the room in a napari window: one for the module, because a window takes seconds."""
    import napari

    from napari_herntrack._qt.room.mount import Mount
    from napari_herntrack._qt.room.reading_room import ReadingRoom

    viewer = napari.Viewer(show=True)
    viewer.window._qt_window.resize(1100, 800)
    made = ReadingRoom(two_visits)
    mount = Mount()
    mount.open(made, viewer.window._qt_window)
    made.furnishing.finish()
    yield made
    mount.close()
    made.close_room()
    made.deleteLater()
    viewer.close()
    del made, viewer, mount
    forget_windows()


@pytest.fixture
def room(open_room: Any, pair: Pair, qtbot: Any) -> Any:
    """Return the room with the pair shown anew and whole."""
    open_room.set_hand(Hand.POINT)
    open_room.has_lines = True
    with qtbot.waitSignal(open_room.pair_opened, timeout=PATIENCE_MS):
        open_room.show_pair(pair)
    qtbot.wait(50)
    return open_room


class Draws:
    """How often each view's picture was drawn since it was last asked."""

    def __init__(self, room: Any) -> None:
        self._counts = dict.fromkeys(room.panes, 0)
        for view, pane in room.panes.items():
            pane.qt_viewer.canvas.events.draw.connect(lambda _, view=view: self._drawn(view))

    def _drawn(self, view: View) -> None:
        self._counts[view] += 1

    def taken(self, qtbot: Any) -> set[View]:
        """Return the views that were drawn, and begin anew."""
        qtbot.wait(80)
        drawn = {view for view, count in self._counts.items() if count}
        self._counts = dict.fromkeys(self._counts, 0)
        return drawn


def place_of(room: Any, view: View, row: float, column: float) -> Any:
    """Return where a voxel of the shown slice lies on a view's canvas."""
    from qtpy.QtCore import QPoint

    state, pane = room.state, room.panes[view]
    x, y = state.cameras[view].to_canvas(np.array([row, column]), state.grids[view], pane.size_px)
    return QPoint(round(x), round(y))


def drag(room: Any, qtbot: Any, view: View, button: Any, places: list[Any]) -> None:
    """Press a button at the first place, move over the others, and let go."""
    from qtpy.QtCore import QEvent, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    canvas = room.panes[view].canvas
    none = Qt.MouseButton.NoButton
    kinds = QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.MouseButtonRelease
    events = [(kinds[0], places[0], button, button)]
    events += [(kinds[1], place, none, button) for place in places[1:]]
    events.append((kinds[2], places[-1], button, none))
    for kind, place, which, held in events:
        where = QPointF(place)
        event = QMouseEvent(
            kind, where, QPointF(canvas.mapToGlobal(place)), which, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(canvas, event)
        # napari looks at the mouse every 5 ms.
        qtbot.wait(15)


def turn_wheel(room: Any, view: View, notches: int, *, control: bool = False) -> None:
    from qtpy.QtCore import QPoint, QPointF, Qt
    from qtpy.QtGui import QWheelEvent
    from qtpy.QtWidgets import QApplication

    canvas = room.panes[view].canvas
    middle = QPointF(canvas.width() / 2.0, canvas.height() / 2.0)
    modifier = Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier.NoModifier
    event = QWheelEvent(
        middle,
        QPointF(canvas.mapToGlobal(middle.toPoint())),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        modifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)


def pixels(room: Any, view: View) -> Any:
    """Return a view as it is on the screen, lines and words included: red, green, blue."""
    from napari._qt.utils import QImg2array

    return QImg2array(room.panes[view].grab().toImage())[..., :3].astype(int)


def test_four_views_show_the_stacks_as_they_are_in_the_place_of_the_canvas(
    room: Any, pair: Pair, two_visits: Workspace
) -> None:
    window = room.window()
    assert not window._qt_viewer.isVisible()
    assert not window._qt_viewer.dockLayerList.isVisible()
    for view, each in pair.stacks.items():
        pane = room.panes[view]
        assert pane.isVisible()
        with catalogue_of(two_visits) as catalogue:
            values = stack_volume(two_visits, catalogue.images, each.stack).values
        np.testing.assert_array_equal(pane.image.data, values)
        np.testing.assert_allclose(pane.image.scale, each.stack.geometry.spacing_zyx)
        assert pane.model.dims.current_step[0] == room.state.slices[view]
        # A canvas that was not drawn is black.
        assert np.count_nonzero(pixels(room, view).max(axis=2) > 60) > 5_000


def test_a_picture_lies_where_its_voxels_are_said_to_lie(room: Any) -> None:
    pane, state = room.panes[AXIAL], room.state
    room.has_lines = False
    pane.image.data = np.zeros(state.grids[AXIAL].shape_zyx, dtype=np.int16)
    pane.image.data[state.slices[AXIAL], 60:64, 120:124] = 1000
    pane.image.contrast_limits = (0, 1000)
    pane.image.refresh()
    room._keys.look_closely()
    room.redraw(room.panes)
    place = place_of(room, AXIAL, 61.5, 121.5)
    found = pixels(room, AXIAL)
    # The middle is bright, and so is the voxels' middle alone: 2.5 voxels further it is dark.
    assert found[place.y(), place.x()].min() > 200
    for row, column in ((61.5, 126.0), (66.0, 121.5), (57.0, 121.5)):
        dark = place_of(room, AXIAL, row, column)
        assert found[dark.y(), dark.x()].max() < 60


def test_the_wheel_changes_slices_of_both_visits_and_draws_no_other_picture(room: Any, qtbot: Any) -> None:
    draws = Draws(room)
    draws.taken(qtbot)
    before = room.shown_slices
    lines = {view: pane.overlay.n_paints for view, pane in room.panes.items()}
    turn_wheel(room, SAGITTAL, -1)
    assert draws.taken(qtbot) == {SAGITTAL, View.BASELINE_SAGITTAL}
    after = room.shown_slices
    assert after[SAGITTAL] == before[SAGITTAL] + 1
    assert after[View.BASELINE_SAGITTAL] == before[View.BASELINE_SAGITTAL] + 1
    assert room.panes[View.BASELINE_SAGITTAL].model.dims.current_step[0] == after[View.BASELINE_SAGITTAL]
    # The axial pictures stay; the line that marks the sagittal slice moves over them.
    assert after[AXIAL] == before[AXIAL]
    assert room.panes[AXIAL].overlay.n_paints > lines[AXIAL]


def test_a_click_brings_every_view_to_the_same_place(room: Any, qtbot: Any) -> None:
    from qtpy.QtCore import Qt

    state = room.state
    with qtbot.waitSignal(room.looked_at, timeout=2_000):
        drag(room, qtbot, AXIAL, Qt.MouseButton.LeftButton, [place_of(room, AXIAL, 100.0, 70.0)])
    point = state.cursor_lps(Half.CURRENT)
    index = state.grids[AXIAL].lps_to_index(point)
    np.testing.assert_allclose(index[1:], (100.0, 70.0), atol=0.5)
    expected = state.grids[SAGITTAL].lps_to_index(point)[0]
    assert room.panes[SAGITTAL].model.dims.current_step[0] == np.clip(round(float(expected)), 0, 12)
    assert not room.panes[AXIAL].labels.data.any()


@pytest.mark.parametrize("view", list(View))
def test_the_brush_paints_in_every_view(room: Any, qtbot: Any, view: View) -> None:
    from qtpy.QtCore import Qt

    pane = room.panes[view]
    mask = np.zeros(room.state.grids[view].shape_zyx, dtype=bool)
    room.show_mask(view, mask, MaskLook.DRAFT)
    room.set_hand(Hand.BRUSH)
    room.set_brush(5.0)
    rows, columns = room.state.grids[view].shape_zyx[1:]
    path = [place_of(room, view, rows / 2, columns / 2 + step) for step in (0, 4, 8, 12)]
    with qtbot.waitSignal(room.stroke_finished, timeout=5_000) as done:
        drag(room, qtbot, view, Qt.MouseButton.LeftButton, path)
    (stroke,) = done.args
    assert stroke.view is view
    assert stroke.value is True
    # The array that was handed in is the one that was painted, on this slice only.
    np.testing.assert_array_equal(np.unique(stroke.indices), np.flatnonzero(mask))
    assert not stroke.old_values.any()
    assert set(np.nonzero(mask)[0]) == {room.state.slices[view]}
    painted = np.argwhere(mask[room.state.slices[view]])
    spacing = np.array(room.state.grids[view].spacing_zyx[1:])
    length, width = np.ptp(painted[:, 1]) * spacing[1], np.ptp(painted[:, 0]) * spacing[0]
    assert length == pytest.approx(12 * spacing[1] + 5.0, abs=2.5)
    assert width == pytest.approx(5.0, abs=1.5)
    assert len(pane.overlay.scene.outlines) == 1
    room.set_hand(Hand.ERASER)
    with qtbot.waitSignal(room.stroke_finished, timeout=5_000) as done:
        drag(room, qtbot, view, Qt.MouseButton.LeftButton, path)
    assert done.args[0].value is False
    assert not mask.any()


def test_the_right_button_sets_one_window_for_both_visits(room: Any, qtbot: Any) -> None:
    from qtpy.QtCore import Qt

    before = {view: room.panes[view].image.contrast_limits for view in View}
    spot = place_of(room, SAGITTAL, 100.0, 100.0)
    drag(room, qtbot, SAGITTAL, Qt.MouseButton.RightButton, [spot, spot + type(spot)(80, 0)])
    for view in (SAGITTAL, View.BASELINE_SAGITTAL):
        old, new = before[view], room.panes[view].image.contrast_limits
        assert np.diff(new) == pytest.approx(np.diff(old) * 1.2, rel=1e-3)
    assert room.panes[AXIAL].image.contrast_limits == before[AXIAL]
    assert room.panes[SAGITTAL].labels.data.max() == 0


def test_zooming_one_view_zooms_the_other_visit_alike(room: Any) -> None:
    room._keys.fit()
    before = room.state.cameras[SAGITTAL].zoom
    turn_wheel(room, SAGITTAL, 4, control=True)
    mine, theirs = (room.panes[view].model.scene.camera for view in (SAGITTAL, View.BASELINE_SAGITTAL))
    assert mine.zoom == theirs.zoom == pytest.approx(before * 1.15**4)
    # The same place of the patient is in the middle of both.
    places = [
        room.state.point_lps(
            view, np.array(room.state.cameras[view].centre_mm) / room.state.grids[view].spacing_zyx[1:]
        )
        for view in (SAGITTAL, View.BASELINE_SAGITTAL)
    ]
    moved = (room.state.pair.matrix_lps @ [*places[0], 1.0])[:3]
    in_plane = room.state.grids[View.BASELINE_SAGITTAL].lps_to_index(moved)[1:]
    there = room.state.grids[View.BASELINE_SAGITTAL].lps_to_index(places[1])[1:]
    np.testing.assert_allclose(in_plane, there, atol=1e-6)


def test_a_proposal_is_dashed_and_an_accepted_outline_is_not(room: Any) -> None:
    mask = np.zeros(room.state.grids[AXIAL].shape_zyx, dtype=bool)
    mask[room.state.slices[AXIAL], 60:130, 60:130] = True
    room.state.go_to(Half.CURRENT, room.state.cursor_lps(Half.CURRENT))
    seen = {}
    for look in (MaskLook.PROPOSED, MaskLook.ACCEPTED):
        room.show_mask(AXIAL, mask, look)
        edge = [place_of(room, AXIAL, row, 59.5) for row in np.linspace(63, 127, 120)]
        found = pixels(room, AXIAL)
        colours = np.array([found[p.y(), p.x() - 1 : p.x() + 2].reshape(-1) for p in edge])
        strong = colours.reshape(len(edge), 3, 3).max(axis=1)
        seen[look] = np.ptp(strong, axis=1) > 60
    # Along a solid line every place has its colour, along a dashed one there are gaps.
    assert seen[MaskLook.ACCEPTED].mean() > 0.97
    assert 0.3 < seen[MaskLook.PROPOSED].mean() < 0.85


def test_a_corner_of_the_base_plane_can_be_moved(room: Any, qtbot: Any) -> None:
    from qtpy.QtCore import Qt

    grid, index = room.state.grids[SAGITTAL], room.state.slices[SAGITTAL]
    upper, lower = grid.index_to_lps([(index, 120.0, 90.0), (index, 160.0, 92.0)])
    room.set_base_plane(Half.CURRENT, BasePlane.from_corners(upper, lower, grid))
    assert room.panes[SAGITTAL].overlay.scene.base_corners is not None
    assert room.panes[AXIAL].overlay.scene.base_line is not None
    room.set_hand(Hand.BASE_PLANE)
    path = [place_of(room, SAGITTAL, *place) for place in ((160.0, 92.0), (163.0, 97.0), (166.0, 102.0))]
    with qtbot.waitSignal(room.base_plane_dragged, timeout=2_000) as done:
        drag(room, qtbot, SAGITTAL, Qt.MouseButton.LeftButton, path)
    view, plane = done.args
    assert view is SAGITTAL
    corners = grid.lps_to_index(np.asarray(plane.corners_lps))
    np.testing.assert_allclose(corners[0], (index, 120.0, 90.0), atol=1e-6)
    np.testing.assert_allclose(corners[1][1:], (166.0, 102.0), atol=1.0)


def test_keys_choose_hands_and_views_and_show_themselves(room: Any, qtbot: Any) -> None:
    from qtpy.QtCore import Qt

    room.window().activateWindow()
    canvas = room.panes[SAGITTAL].canvas
    canvas.setFocus()
    qtbot.wait(30)
    index = room.state.slices[SAGITTAL]
    qtbot.keyClick(canvas, Qt.Key.Key_Down)
    assert room.state.slices[SAGITTAL] == index + 1
    qtbot.keyClick(canvas, Qt.Key.Key_B)
    assert room.hand is Hand.BRUSH
    assert room.panes[AXIAL].labels.mode == "paint"
    qtbot.keyClick(canvas, Qt.Key.Key_C)
    assert room.panes[AXIAL].labels.mode == "pan_zoom"
    room.toggle_cheat_sheet()
    assert room._sheet.isVisible()
    room.toggle_cheat_sheet()
    assert not room._sheet.isVisible()


def test_a_stack_that_cannot_be_read_says_why_on_its_own_view(room: Any, pair: Pair, qtbot: Any) -> None:
    broken = pair.current.stacks[Plane.AXIAL]
    gone = replace(broken, stack=replace(broken.stack, stack_uid="2.25.404"))
    stacks = {**pair.current.stacks, Plane.AXIAL: gone}
    with qtbot.waitSignal(room.refused, timeout=PATIENCE_MS) as refused:
        room.show_pair(Pair(current=replace(pair.current, stacks=stacks), baseline=pair.baseline))
    assert refused.args[0].startswith("0 files for a stack of")
    assert room.panes[AXIAL].overlay.scene.words.note.startswith("0 files for a stack of")
    qtbot.waitUntil(lambda: room.panes[SAGITTAL].has_stack, timeout=PATIENCE_MS)
    # The picture of the pair before is out of sight.
    assert pixels(room, AXIAL)[:20].max() < 250
    assert not room.panes[AXIAL].has_stack


def test_between_two_steps_of_furnishing_the_window_answers(qtbot: Any) -> None:
    from qtpy.QtCore import QTimer

    from napari_herntrack._qt.room.turns import Pace, Turns

    seen: list[str] = []
    heart = QTimer()
    heart.timeout.connect(lambda: seen.append("answer"))
    heart.start(0)
    turns = Turns(Pace())
    turns.run(seen.append("step") for _ in range(4))
    qtbot.waitUntil(lambda: not turns.is_busy, timeout=2_000)
    heart.stop()
    steps = [place for place, what in enumerate(seen) if what == "step"]
    assert len(steps) == 4
    assert all("answer" in seen[a:b] for a, b in pairwise(steps))


def test_two_who_share_a_pace_never_take_their_steps_in_one_turn(qtbot: Any) -> None:
    from qtpy.QtCore import QTimer

    from napari_herntrack._qt.room.turns import Pace, Turns

    seen: list[str] = []
    heart = QTimer()
    heart.timeout.connect(lambda: seen.append("answer"))
    heart.start(0)
    pace = Pace()
    one, other = Turns(pace), Turns(pace)
    one.run(seen.append("one") for _ in range(3))
    other.run(seen.append("other") for _ in range(3))
    qtbot.waitUntil(lambda: not one.is_busy and not other.is_busy, timeout=2_000)
    heart.stop()
    steps = [place for place, what in enumerate(seen) if what != "answer"]
    assert [seen[place] for place in steps] == ["one", "other"] * 3
    assert all(seen[a:b].count("answer") >= 2 for a, b in pairwise(steps))


def test_a_stack_that_is_cleared_while_it_is_put_into_its_view_is_not_shown(room: Any) -> None:
    pane, other = room.panes[SAGITTAL], room.panes[AXIAL]
    aimed: list[str] = []
    values, geometry = other.image.data, other.geometry_zyx
    steps = pane.show_volume(values, geometry, (0.0, 100.0), lambda: aimed.append("aimed"))
    next(steps)
    # Nothing half done is drawn.
    assert not pane.canvas.updatesEnabled()
    pane.clear()
    assert list(steps) == []
    assert not pane.has_stack
    assert aimed == []
    assert pane.canvas.updatesEnabled()


def hover(room: Any, qtbot: Any, view: View, place: Any) -> None:
    """Move the mouse to a place without a button."""
    from qtpy.QtCore import QEvent, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    canvas, none = room.panes[view].canvas, Qt.MouseButton.NoButton
    where, there = QPointF(place), QPointF(canvas.mapToGlobal(place))
    move = QMouseEvent(QEvent.Type.MouseMove, where, there, none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(canvas, move)
    qtbot.wait(40)


def ring_radius_px(before: Any, now: Any, place: Any) -> float:
    """Return the radius of what is drawn around a place and was not before; 0 if there is nothing."""
    rows, columns = np.nonzero(np.abs(now - before).max(axis=-1) > 25)
    if not rows.size:
        return 0.0
    radii = np.hypot(rows - place.y(), columns - place.x())
    # A ring, and nothing else.
    assert radii.max() - radii.min() < 4.0
    angles = np.arctan2(rows - place.y(), columns - place.x())
    assert np.histogram(angles, bins=16, range=(-np.pi, np.pi))[0].all()
    return float(radii.max())


def test_a_ring_shows_what_the_brush_will_paint_and_no_picture_is_drawn_for_it(room: Any, qtbot: Any) -> None:
    from qtpy.QtCore import QEvent, Qt
    from qtpy.QtWidgets import QApplication

    pane = room.panes[SAGITTAL]
    state, spacing_mm = room.state, min(room.state.grids[SAGITTAL].spacing_zyx[1:])
    place = place_of(room, SAGITTAL, 60.0, 60.0)
    before = pixels(room, SAGITTAL)
    draws = Draws(room)
    draws.taken(qtbot)

    def expected_px() -> float:
        return float(pane.labels.brush_size * spacing_mm * state.cameras[SAGITTAL].zoom / 2.0)

    def drawn_px() -> float:
        qtbot.wait(40)
        return ring_radius_px(before, pixels(room, SAGITTAL), place)

    room.set_hand(Hand.BRUSH)
    room.set_brush(20.0)
    hover(room, qtbot, SAGITTAL, place)
    assert draws.taken(qtbot) == set()
    assert drawn_px() == pytest.approx(expected_px(), abs=1.5)
    assert pane.canvas.cursor().shape() == Qt.CursorShape.BlankCursor
    # napari draws none of its own.
    assert pane.model.cursor.style == "standard"
    smaller_px = expected_px()
    room.set_brush(26.0)
    assert drawn_px() == pytest.approx(expected_px(), abs=1.5)
    assert expected_px() > smaller_px + 2.0
    room.set_hand(Hand.POINT)
    assert drawn_px() == 0.0
    assert pane.canvas.cursor().shape() == Qt.CursorShape.ArrowCursor
    room.set_hand(Hand.ERASER)
    hover(room, qtbot, SAGITTAL, place)
    assert drawn_px() == pytest.approx(expected_px(), abs=1.5)
    QApplication.sendEvent(pane.canvas, QEvent(QEvent.Type.Leave))
    assert drawn_px() == 0.0

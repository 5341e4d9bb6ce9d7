"""The reading room: two visits, two planes each, in one window.

The room shows what it is told and says what the reader did; what is proposed, counted, kept and
signed is the engine's. Its state is a `RoomState`; after each change only the views that it names
are drawn again. It is empty when it is made; `ReadingRoom.furnishing` puts the views in step by step.

Public: `ReadingRoom`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QShortcut, QWidget

from herntrack._typing import MaskZYX
from herntrack.model.base_plane import BasePlane
from herntrack.model.images import CataloguedStack
from herntrack.workflows.workspace import Workspace
from napari_herntrack._qt.room import look
from napari_herntrack._qt.room.arrangement import PLACES, Arrangement
from napari_herntrack._qt.room.arrivals import Arrivals
from napari_herntrack._qt.room.cheat_sheet import CheatSheet, Group
from napari_herntrack._qt.room.facet_lines import FacetLines
from napari_herntrack._qt.room.furnishing import Furnishing
from napari_herntrack._qt.room.hands import Hands
from napari_herntrack._qt.room.loader import PairLoader
from napari_herntrack._qt.room.pane import Pane
from napari_herntrack._qt.room.room_keys import RoomKeys
from napari_herntrack._qt.room.stack_changes import StackChanges
from napari_herntrack._qt.room.steady import Steady
from napari_herntrack._qt.room.turns import Pace
from napari_herntrack.viewing.keys import MOUSE_WORDS, VIEW_KEYS
from napari_herntrack.viewing.room_state import Hand, RoomState
from napari_herntrack.viewing.scene import MaskLook, Scene, Words
from napari_herntrack.viewing.scenes import OnView, scene_of
from napari_herntrack.viewing.views import Half, Pair, View
from napari_herntrack.viewing.words import ViewWords


class ReadingRoom(QWidget):  # type: ignore[misc]  # Qt has no types here
    """Four linked views of two visits.

    Parameters
    ----------
    workspace : Workspace
        Where stacks are read from.
    parent : QWidget, optional
        Usually napari's window (see `napari_herntrack._qt.room.mount`).

    Notes
    -----
    Signals: `stroke_finished(Stroke)` after each stroke, already on the mask's array;
    `point_clicked(View, ndarray)` a click of the proposing hand, LPS mm of the view's visit;
    `base_plane_dragged(View, BasePlane)` when a corner was let go; `pinned(ndarray, ndarray)` the
    same spot in current and baseline; `looked_at(Half, ndarray)` whenever the crosshair moved;
    `picture_shown(View)` when a view has its first slice, `pair_opened()` when every stack is whole;
    `refused(str)` a sentence; `hand_changed(Hand)`; `view_chosen(View)`.
    `paint_begun(View)` when the reader begins to paint, `paint_refused(View)` when they want to in a
    view that nothing may be painted in,
    `stack_chosen(View)` when a view shows another stack; its mask has to be shown anew.
    `furnishing` puts the views in; nothing can be shown before it is done.
    """

    stroke_finished = Signal(object)
    point_clicked = Signal(object, object)
    base_plane_dragged = Signal(object, object)
    pinned = Signal(object, object)
    looked_at = Signal(object, object)
    picture_shown = Signal(object)
    pair_opened = Signal()
    refused = Signal(str)
    hand_changed = Signal(object)
    view_chosen = Signal(object)
    paint_begun = Signal(object)
    paint_refused = Signal(object)
    stack_chosen = Signal(object)

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._steady = Steady()
        self._steady.begin()
        self.setObjectName("reading_room")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet(f"#reading_room {{ background: {look.GROOVE}; }}")
        self.state: RoomState | None = None
        self.active = View.CURRENT_SAGITTAL
        self.hand = Hand.POINT
        self.brush_mm = 6.0
        self.base_planes: dict[View, BasePlane] = {}
        self.has_lines = True
        self._level = ("", False)
        self._notes: dict[View, str] = {}
        self._view_words = ViewWords()
        self._must_fit = False
        self.panes = {view: Pane(view) for view in PLACES}
        self.pace = Pace(self)
        self.arrangement = Arrangement(self, self.panes, self.pace)
        self.loader = PairLoader(workspace, Arrivals(self).show, self.pace, self)
        self.loader.finished.connect(self.pair_opened)
        self.stack_changes = StackChanges(self)
        self.facet_lines = FacetLines(self)
        self._hands = Hands(self)
        self._keys = RoomKeys(self)
        self._sheet_groups: list[Group] = [
            ("Keys", [(key.keys, key.words) for key in VIEW_KEYS]),
            ("Mouse", MOUSE_WORDS),
        ]
        self._sheet: CheatSheet | None = None
        self.furnishing = Furnishing(self.panes, self._stand, self._steady, self.pace, self)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size the room asks for."""
        return QSize(1280, 880)

    def show_pair(self, pair: Pair, *, keeps_place: bool = False) -> None:
        """Show a pair; its stacks are read beside the window, the slices looked at first.

        Parameters
        ----------
        pair : Pair
            What to show.
        keeps_place : bool
            If the views show these very stacks already, leave them as the reader has turned them.
        """
        if keeps_place and self.state is not None and _uids(self.state.pair) == _uids(pair):
            self.base_planes.clear()
            self.redraw(self.panes)
            return
        self.stack_changes.stop()
        self.state = RoomState(pair)
        self.base_planes.clear()
        self._notes.clear()
        self._must_fit = True
        has_two = pair.baseline is not None
        self.arrangement.show(view for view in self.panes if has_two or view.half is Half.CURRENT)
        for view, pane in self.panes.items():
            each = pair.stacks.get(view)
            # Two visits may have one grid: nothing of the last pair may stay under the new words.
            pane.clear()
            if each is None:
                self._notes[view] = self._view_words.without_stack(view.plane)
        if self.active not in pair.stacks:
            self.choose_view(next(iter(pair.stacks)))
        self.fit()
        self.redraw(self.panes)
        order = sorted(
            pair.stacks, key=lambda view: (view.half is not self.active.half, view is not self.active)
        )
        self.loader.load({view: pair.stacks[view] for view in order}, self.state.slices)

    def show_next_stack(self, view: View) -> None:
        """Show the next stack of a view's plane and visit; say so if there is no other."""
        if not self.stack_changes.show_next(view):
            self.refused.emit(self._view_words.only_stack)

    def say_failed(self, view: View, reason: str) -> None:
        """Say on a view why its stack cannot be read."""
        self._notes[view] = self._view_words.of_failure(reason)
        self.redraw([view])
        self.refused.emit(reason)

    def take_from_sight(self, view: View) -> None:
        """Take a view's picture, mask and note from sight, because another stack takes their place."""
        self._notes.pop(view, None)
        self.panes[view].clear()

    def preload(self, stacks: Iterable[CataloguedStack]) -> None:
        """Read stacks ahead, so that the next patient is there at once."""
        self.loader.preload(stacks)

    def show_mask(self, view: View, mask: MaskZYX, mask_look: MaskLook) -> None:
        """Show a mask on a view's stack; strokes change this very array."""
        self.panes[view].show_mask(mask, mask_look)
        self.redraw([view])

    def set_look(self, view: View, mask_look: MaskLook) -> None:
        """Show a view's mask as proposed, being drawn, or accepted."""
        self.panes[view].set_look(mask_look)
        self.redraw([view])

    def refresh_mask(self, view: View) -> None:
        """Show what somebody else (undo, a tool) did to a view's mask."""
        self.panes[view].refresh_mask()
        self.redraw([view])

    def set_view_words(self, words: ViewWords) -> None:
        """Let the pictures of the next pair speak the reader's language."""
        self._view_words = words

    def set_level(self, words: str, *, is_confirmed: bool) -> None:
        """Set the level's words, which stand on every picture."""
        self._level = (words, is_confirmed)
        self.redraw(self.panes)

    def set_base_plane(self, half: Half, plane: BasePlane | None) -> None:
        """Draw a base plane in both views of a visit, or none."""
        for view in self.panes:
            if view.half is half:
                if plane is None:
                    self.base_planes.pop(view, None)
                else:
                    self.base_planes[view] = plane
        self.redraw(self.panes)

    def set_hand(self, hand: Hand) -> None:
        """Choose what the left button does, in every view."""
        self.hand = hand
        self._hands.forget()
        for pane in self.panes.values():
            pane.set_hand(hand)
        self.hand_changed.emit(hand)

    def set_brush(self, diameter_mm: float) -> None:
        """Set the brush's diameter in every view (mm)."""
        self.brush_mm = float(np.clip(diameter_mm, 0.5, 40.0))
        for pane in self.panes.values():
            pane.set_brush(self.brush_mm)

    def go_to(self, half: Half, point_lps: Any) -> None:
        """Let all linked views look at a point (LPS mm of a visit)."""
        if self.state is not None:
            self.show_changed(self.state.go_to(half, point_lps))
            self.stack_changes.follow_soon()
            self.looked_at.emit(half, np.asarray(point_lps))

    def step(self, view: View, n_slices: int) -> None:
        """Go some slices on in a view; the same plane of the other visit follows if linked."""
        if self.state is not None and view in self.state.views:
            self.show_changed(self.state.step(view, n_slices))
            self.stack_changes.follow_soon()

    def fit(self) -> None:
        """Show whole slices."""
        if self.state is not None:
            self.show_cameras(self.state.fit({view: pane.size_px for view, pane in self.panes.items()}))

    def choose_view(self, view: View) -> None:
        """Let keys go to a view."""
        self.active = view
        for each, pane in self.panes.items():
            pane.overlay.set_active(each is view)
        self.view_chosen.emit(view)

    def add_key(self, keys: str, slot: Any) -> None:
        """Bind a key in the room."""
        shortcut = QShortcut(QKeySequence(keys), self)
        shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
        shortcut.activated.connect(slot)

    def set_sheet(self, title: str, groups: Sequence[Group], *, hint: str = "") -> None:
        """Put these keys on the cheat sheet, in the reader's language."""
        if self._sheet is not None:
            self._sheet.deleteLater()
        # Over the whole window: the views alone may be narrower than the sheet.
        self._sheet_groups = list(groups)
        self._sheet = CheatSheet(title, groups, self.window(), hint=hint)

    def show_nothing(self, words: str) -> None:
        """Take all pictures from sight, and say in the active view why, or what to do first."""
        self.state = None
        self.base_planes.clear()
        for pane in self.panes.values():
            pane.clear()
        self._notes = {self.active: words}
        self.redraw(self.panes)

    def toggle_cheat_sheet(self) -> None:
        """Show the keys, or hide them."""
        if self._sheet is None:
            self._sheet = CheatSheet("Keys", self._sheet_groups, self)
        self._sheet.toggle()

    def show_changed(self, views: Iterable[View]) -> None:
        """Show the slices of views that changed, and the lines that moved with them."""
        if self.state is None:
            return
        for view in views:
            self.panes[view].show_slice(self.state.slices[view])
        self.redraw(self.panes)

    def show_cameras(self, views: Iterable[View]) -> None:
        """Show the cameras of views that were moved or zoomed."""
        if self.state is None:
            return
        changed = list(views)
        for view in changed:
            if self.panes[view].has_stack:
                self.panes[view].show_camera(self.state.cameras[view])
        self.redraw(changed)

    def show_windows(self, views: Iterable[View]) -> None:
        """Show width and level of views in which they changed."""
        if self.state is None:
            return
        for view in views:
            limits = self.state.limits(view)
            if limits is not None:
                self.panes[view].show_limits(limits)
        self.redraw(self.panes)

    def redraw(self, views: Iterable[View]) -> None:
        """Draw lines and words of views again; the pictures below are left alone."""
        for view in views:
            camera = None if self.state is None else self.state.cameras.get(view)
            pane = self.panes[view]
            pane.show_scene(self._scene(view), camera if pane.has_stack else None)

    def close_room(self) -> None:
        """Let go of everything; the room is of no use afterwards."""
        for _ in self.closing():
            pass

    def closing(self) -> Iterator[None]:
        """Let go of everything, one canvas at a time; the room is of no use from the first step on."""
        self.furnishing.stop()
        self.stack_changes.stop()
        self.loader.stop()
        self.arrangement.stop()
        self.state = None
        yield
        while self.panes:
            self.panes.popitem()[1].close_canvas()
            yield
        self._steady.end()

    def _scene(self, view: View) -> Scene:
        state, pane, note = self.state, self.panes[view], self._notes.get(view, "")
        if state is None or view not in state.views:
            caption = "" if state is None else state.pair.caption(view)
            return Scene(words=Words(top_left=(caption,), note=note))
        on_view = OnView(
            level=self._level[0],
            is_level_confirmed=self._level[1],
            note=note,
            outlines=pane.outlines_on(state.slices[view]) if self.has_lines else (),
            look=pane.mask_look,
            plane=self.base_planes.get(view),
            has_lines=self.has_lines,
            is_kept=self.stack_changes.is_kept(view),
            facet=self.facet_lines.on_view(view),
        )
        return scene_of(state, view, on_view, self._view_words)

    def _stand(self, view: View) -> None:
        """Connect a view that has just been furnished."""
        pane = self.panes[view]
        pane.resized.connect(self._fit_when_first_seen)
        pane.stroke_finished.connect(self._stroke)
        self._hands.watch(view, pane)
        self.redraw([view])
        if all(each.is_furnished for each in self.panes.values()):
            for key in VIEW_KEYS:
                self.add_key(key.keys, getattr(self._keys, key.name))
            self.choose_view(self.active)

    def _stroke(self, stroke: Any) -> None:
        self.redraw([stroke.view])
        self.stroke_finished.emit(stroke)

    def _fit_when_first_seen(self, view: View) -> None:
        """Fit the slices as long as the window is being laid out; later a resize keeps the zoom."""
        if self._must_fit:
            self.fit()
        else:
            self.redraw([view])

    def keep_cameras(self) -> None:
        """Say that the reader moved or zoomed: a resize does not fit the slices again."""
        self._must_fit = False

    @property
    def shown_slices(self) -> Mapping[View, int]:
        """The slice of each view."""
        return {} if self.state is None else dict(self.state.slices)


def _uids(pair: Pair) -> dict[View, str]:
    return {view: each.stack.stack_uid for view, each in pair.stacks.items()}

"""What the mouse and the tools do to the outline of the open reading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, QTimer

from herntrack.errors import HerntrackError
from herntrack.model.base_plane import BasePlane, Point
from herntrack.reading_room.edits import MaskEdit
from herntrack.reading_room.suggestions import Suggestions
from napari_herntrack._qt.panels.crew import Crew
from napari_herntrack._qt.panels.jobs import Job, Jobs, reason_of
from napari_herntrack._qt.panels.reading_panel import ReadingPanel
from napari_herntrack._qt.panels.showing import Showing
from napari_herntrack._qt.panels.tools_section import HAND_NAMES
from napari_herntrack._qt.room.reading_room import ReadingRoom
from napari_herntrack.reading import work
from napari_herntrack.reading.desk import Desk
from napari_herntrack.reading.facet_lines import draw_line, line_shown
from napari_herntrack.reading.outlining import ClickOutline, outline_clicks
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.strokes import Stroke
from napari_herntrack.viewing.views import Half, View

HANDS_BY_NAME = {name: hand for hand, name in HAND_NAMES.items()}
"""What the button of a name chooses."""

LOOK_OVER_MS = 250
"""After so long without a stroke the whole mask is looked at (ms)."""


class Drawing(QObject):  # type: ignore[misc]  # Qt has no types here
    """Strokes, clicks, the base plane, the facet line, and the tools.

    Parameters
    ----------
    desk : Desk
        What is open.
    room, panel : ReadingRoom, ReadingPanel
        Where it is drawn and said.
    show : Showing
        Shows what became of it.
    crew : Crew
        Does what takes long.
    """

    def __init__(
        self, desk: Desk, room: ReadingRoom, panel: ReadingPanel, *, show: Showing, crew: Crew
    ) -> None:
        super().__init__(panel)
        self.desk, self.room, self.panel, self.show = desk, room, panel, show
        self.texts = desk.texts
        self.suggestions = Suggestions()
        self._crew = crew
        self._looks = Jobs(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(LOOK_OVER_MS)
        self._timer.timeout.connect(self._look_over)
        room.stroke_finished.connect(self._stroke)
        room.point_clicked.connect(self._clicked)
        room.base_plane_dragged.connect(self._plane_dragged)
        room.facet_lines.drawn.connect(self._line_drawn)
        room.hand_changed.connect(self._hand_changed)
        room.picture_shown.connect(self._picture_shown)
        panel.tools.hand_wanted.connect(self.choose_hand)
        panel.tools.step_wanted.connect(self.do_step)

    @property
    def is_busy(self) -> bool:
        """Whether the mask is still to be looked at."""
        return self._looks.is_busy or self._timer.isActive()

    def look_soon(self) -> None:
        """Look at the whole mask once nothing is painted for a moment."""
        self._timer.start()

    def rest(self) -> None:
        """Look at nothing any more until something changes."""
        self._timer.stop()

    def close(self) -> None:
        """Stop."""
        self._timer.stop()
        self._looks.close()

    def refuse(self, reason: str) -> None:
        """Say why something was not done."""
        self.panel.say(reason, is_error=True)

    def attempt(self, act: Callable[[], object], words: str = "") -> bool:
        """Do something quick; a refusal is said. Return whether it was done."""
        try:
            act()
        except HerntrackError as error:
            reason = self.desk.told(reason_of(error))
            self.refuse(self.texts(words, reason=reason) if words else reason)
            return False
        return True

    def click_background(self) -> None:
        """Let the next clicks say what does not belong to the fragment."""
        self.room.set_hand(Hand.PROPOSE)
        self.show.is_background_click = True
        self.show.hand()

    def choose_hand(self, name: str) -> None:
        """Choose what the left button does, by the name of its button."""
        if name == "background":
            self.click_background()
            return
        hand = HANDS_BY_NAME[name]
        self.room.set_hand(
            Hand.POINT if hand is self.room.hand and not self.show.is_background_click else hand
        )

    def do_step(self, name: str) -> None:
        """Do what a button says."""
        getattr(self, name)()

    def undo(self) -> None:
        """Take the last step back."""
        self._edit(self.desk.why_not_undo(), self.desk.undo, "tool.undo_what")

    def redo(self) -> None:
        """Make the step again."""
        self._edit(self.desk.why_not_redo(), self.desk.redo, "tool.redo_what")

    def fill_holes(self) -> None:
        """Fill what the outlines enclose."""
        self._edit(self.desk.why_not_change_mask(), self.desk.fill_holes)

    def interpolate(self) -> None:
        """Fill the empty slices between outlined ones."""
        self._edit(self.desk.why_not_change_mask(), self.desk.interpolate)

    def smooth(self) -> None:
        """Smooth the outline."""
        self._edit(self.desk.why_not_change_mask(), self.desk.smooth)

    def clear(self) -> None:
        """Empty the mask."""
        self._edit(self.desk.why_not_change_mask(), self.desk.clear)

    def _stroke(self, stroke: Stroke) -> None:
        if not self.desk.paints_in(stroke.view):
            return
        if not self.attempt(lambda: self.desk.stroke(stroke), "save.stroke_refused"):
            self.room.refresh_mask(stroke.view)
        self.room.set_look(stroke.view, self.desk.look)
        self.show.title()
        self.show.numbers()
        self.show.reasons()
        self.look_soon()

    def _clicked(self, view: View, point: Any) -> None:
        visit = self.desk.visit
        if visit is None or visit.session is None or self.desk.why_not_change():
            self.refuse(self.desk.why_not_change())
            return
        if view.half is not Half.CURRENT:
            self.refuse(self.texts("panel.other_visit"))
            return
        points, background = self.desk.clicks_with(
            point_of(point), is_background=self.show.is_background_click
        )
        if not points:
            self.refuse(self.texts("tool.click_hint"))
            return
        self._outline(points, background)

    def _outline(self, points: tuple[Point, ...], background: tuple[Point, ...]) -> None:
        session = self.desk.session
        if session is None:
            return
        uid = session.stack.stack.stack_uid
        values, placed = self.room.loader.cache.get(uid), self.desk.placed_plane
        is_blinded = self.desk.is_blinded

        def act() -> ClickOutline:
            from herntrack.imaging.volume import Volume

            volume = None
            if values is not None:
                volume = Volume(values=values, geometry=session.stack.stack.geometry)
            return outline_clicks(
                self._crew.workspace,
                session.lesion,
                session.stack,
                points_lps=points,
                background_points_lps=background,
                placed=placed,
                volume=volume,
                is_blinded=is_blinded,
            )

        self._crew.run(
            self.texts("tool.click"),
            act,
            self._outlined,
            begin=lambda: self._crew.freeze(self.texts("tool.click")),
        )

    def _outlined(self, outline: ClickOutline) -> None:
        if self.attempt(lambda: self.desk.take_outline(outline)):
            self.panel.say(
                " ".join(map(self.desk.told, outline.remarks)) or self.texts("contour.accept_hint")
            )
        self.mask_changed()

    def _plane_dragged(self, view: View, plane: BasePlane) -> None:
        if view.half is not Half.CURRENT:
            shown = self.desk.visit.shown.masks if self.desk.visit else ()
            before = next((e.base_plane for e in shown if e.view.half is Half.BASELINE), None)
            self.room.set_base_plane(Half.BASELINE, before)
            self.refuse(self.texts("panel.other_visit"))
            return
        if self.attempt(lambda: self.desk.move_base_plane(plane)):
            points, background = self.desk.clicks()
            if points:
                self._outline(points, background)
        self.mask_changed()

    def _line_drawn(self, view: View, ends_lps: Any) -> None:
        state = self.room.state
        if view.half is not Half.CURRENT:
            self.refuse(self.texts("panel.other_visit"))
        elif state is not None:
            on = state.pair.stacks[view]
            self.attempt(lambda: draw_line(self.desk, ends_lps, on))
        self.mask_changed()

    def _hand_changed(self, hand: Hand) -> None:
        del hand
        self.show.is_background_click = False
        self._paint_only_here()
        self.show.hand()

    def _picture_shown(self, view: View) -> None:
        del view
        self._paint_only_here()

    def _paint_only_here(self) -> None:
        """Let no stroke go on another visit, or where nothing may be changed."""
        for view, pane in self.room.panes.items():
            if pane.mouse.is_painting and not self.desk.may_paint_in(view):
                pane.mouse.is_painting = False
                pane.labels.mode = "pan_zoom"
            elif self.room.hand.paints and self.desk.may_paint_in(view) and not pane.mouse.is_painting:
                pane.set_hand(self.room.hand)

    def _edit(self, reason: str, act: Callable[[], MaskEdit | None], words: str = "") -> None:
        if reason:
            self.refuse(reason)
            return
        edits: list[MaskEdit | None] = []
        if self.attempt(lambda: edits.append(act())):
            edit = edits[0]
            if edit is None:
                self.panel.say(self.texts("panel.nothing_changed"))
            elif words:
                self.panel.say(self.texts(words, tool=self.texts.word(edit.tool)))
            else:
                self.panel.say(self.texts.word(edit.tool))
        self.mask_changed()

    def mask_changed(self) -> None:
        """Show a mask that something else than a stroke has changed."""
        visit = self.desk.visit
        if visit is not None and visit.session is not None:
            self.room.set_look(visit.view, self.desk.look)
            self.room.refresh_mask(visit.view)
            self.room.set_base_plane(Half.CURRENT, visit.session.mask.base_plane)
            self.look_soon()
        self.show.all()

    def _look_over(self) -> None:
        visit = self.desk.visit
        if visit is None or visit.session is None:
            return
        mask, midline, drawn = visit.session.mask, visit.midline_lps, line_shown(self.desk)
        copied, geometry, plane = mask.mask.copy(), mask.geometry, mask.base_plane

        def done(looked: work.Looked) -> None:
            if self.desk.visit is not None and self.desk.session is visit.session:
                self.suggestions = looked.suggestions
                self.panel.show_guards([self.texts.guard(each.value) for each in looked.guards])
                self.panel.description.show_suggestions(looked.suggestions, is_line_carried=drawn.is_carried)

        self._looks.add(
            Job(
                words="",
                act=lambda: work.look_over(copied, geometry, plane, midline, drawn.line),
                done=done,
                refused=lambda reason: self.refuse(self.desk.told(reason)),
            )
        )


def point_of(values: Any) -> Point:
    """Return a point as the engine takes it."""
    x, y, z = (float(value) for value in np.asarray(values))
    return x, y, z

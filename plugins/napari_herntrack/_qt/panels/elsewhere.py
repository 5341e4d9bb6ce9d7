"""What happens where the reading is not: paint on another stack, keys over another visit.

A reading belongs to one stack's grid and is never carried over to another. Who begins to paint on
another stack of the visit reads on that one from then on, with the stroke already on it; the first
outline is kept as it is, saved or not, and comes back with the first stroke on its stack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject

from napari_herntrack._qt.panels.crew import Crew
from napari_herntrack._qt.panels.drawing import Drawing
from napari_herntrack._qt.panels.worklist_panel import WorklistPanel
from napari_herntrack._qt.room.reading_room import ReadingRoom
from napari_herntrack.reading.desk import Desk
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.strokes import Stroke
from napari_herntrack.viewing.views import Half, View

if TYPE_CHECKING:
    from napari_herntrack.reading.rows import WorkRow


class Elsewhere(QObject):  # type: ignore[misc]  # Qt has no types here
    """Takes the reader to another stack or visit.

    Parameters
    ----------
    desk : Desk
        What is open.
    room : ReadingRoom
        The views.
    worklist : WorklistPanel
        Knows the other visits.
    drawing : Drawing
        Takes strokes, and says why one is not taken.
    crew : Crew
        Does one thing after the other.
    open_row : callable
        Opens a row of the worklist on a stack.
    """

    def __init__(
        self,
        desk: Desk,
        room: ReadingRoom,
        worklist: WorklistPanel,
        *,
        drawing: Drawing,
        crew: Crew,
        open_row: Callable[[WorkRow, str | None], None],
    ) -> None:
        super().__init__(drawing)
        self._desk, self._room, self._worklist = desk, room, worklist
        self._drawing, self._crew, self._open_row = drawing, crew, open_row
        self._waiting: list[Stroke] = []
        room.stroke_finished.connect(self._stroke)
        room.paint_begun.connect(self._begun)
        room.paint_refused.connect(self._say_why)
        room.stack_chosen.connect(self._stack_chosen)
        room.stack_changes.is_kept = self._is_kept

    def read_here(self) -> None:
        """Read on the stack of the active view from now on, or open the visit that it shows."""
        visit, state, view = self._desk.visit, self._room.state, self._room.active
        if visit is None or state is None or view not in state.views:
            self._drawing.refuse(self._desk.why_not_change())
            return
        each = state.pair.stacks[view]
        if view.half is Half.CURRENT:
            self._open_row(visit.row, each.stack.stack_uid)
            return
        key = (visit.row.item.lesion_uid, each.study.study_date)
        row = next((e for e in self._worklist.rows if (e.item.lesion_uid, e.item.visit_date) == key), None)
        if row is None:
            self._drawing.refuse(self._desk.texts("panel.other_visit"))
        else:
            self._open_row(row, None)

    def _begun(self, view: View) -> None:
        """Say it where an eraser has nothing to erase: napari makes no stroke of it."""
        is_there = bool(self._room.panes[view].outlines_on(self._room.shown_slices[view]))
        if self._room.hand is Hand.ERASER and not self._desk.paints_in(view) and not is_there:
            self._drawing.refuse(self._desk.texts("panel.nothing_to_erase"))

    def _stroke(self, stroke: Stroke) -> None:
        if self._desk.paints_in(stroke.view):
            return
        if self._waiting and stroke.view is self._waiting[0].view:
            # The stack is being opened; what is painted meanwhile is put on it too.
            self._waiting.append(stroke)
            return
        reason = self._why_not_begin(stroke.view)
        if reason:
            self._room.panes[stroke.view].take_back(stroke)
            self._drawing.refuse(reason)
            return
        visit, state = self._desk.visit, self._room.state
        if visit is not None and state is not None:
            self._waiting = [stroke]
            self._open_row(visit.row, state.pair.stacks[stroke.view].stack.stack_uid)
            self._crew.afterwards(self._go_on)

    def _go_on(self) -> None:
        """Put the strokes that led here on the reading that was opened for them."""
        strokes, self._waiting = self._waiting, []
        mask = self._desk.mask
        for stroke in strokes:
            # Where it was not opened, or may not be changed, who opened it has said why.
            if mask is None:
                self._room.panes[stroke.view].take_back(stroke)
            if mask is None or not self._desk.paints_in(stroke.view):
                continue
            indices = np.unique(stroke.indices)
            old = mask.reshape(-1)[indices]
            mask.reshape(-1)[indices] = stroke.value
            self._room.refresh_mask(stroke.view)
            self._room.stroke_finished.emit(replace(stroke, indices=indices, old_values=old))
            self._room.set_hand(stroke.hand)
            self._drawing.panel.say(self._desk.texts("panel.stack_switched"))

    def _why_not_begin(self, view: View) -> str:
        if view.half is not Half.CURRENT:
            return self._desk.texts("panel.paint_other_visit")
        return self._desk.why_not_change()

    def _say_why(self, view: View) -> None:
        """Say why nothing can be painted in a view; where it can by now, the next stroke does."""
        if reason := self._why_not_begin(view):
            self._drawing.refuse(reason)
        else:
            self._room.set_hand(self._room.hand)

    def _is_kept(self, view: View) -> bool:
        """Whether a view stays with its stack wherever the reader looks, as its paint is not saved."""
        return self._desk.holds_unsaved(view) or any(stroke.view is view for stroke in self._waiting)

    def _stack_chosen(self, view: View) -> None:
        """Show an outline with its own stack only."""
        visit, state = self._desk.visit, self._room.state
        if visit is None or state is None:
            return
        shown = state.pair.stacks[view].stack.stack_uid
        for known in visit.shown.masks:
            if known.view is view and view.half is Half.BASELINE and known.stack_uid == shown:
                self._room.show_mask(view, known.mask, known.look)
        if visit.session is None or view is not visit.view:
            return
        self._desk.is_out_of_sight = shown != visit.session.stack.stack.stack_uid
        if not self._desk.is_out_of_sight:
            self._room.show_mask(view, visit.session.mask.mask, self._desk.look)

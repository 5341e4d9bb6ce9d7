"""One method for each key of the views (`napari_herntrack.viewing.keys`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.windows import presets_of

if TYPE_CHECKING:
    from napari_herntrack._qt.room.reading_room import ReadingRoom

CLOSE_UP = 5.0
"""Zoom of a close-up (pixels per millimetre)."""

BRUSH_FACTOR = 1.25
"""One key press changes the brush by this factor."""


class RoomKeys:
    """What keys do in a room."""

    def __init__(self, room: ReadingRoom) -> None:
        self._room = room

    def previous_slice(self) -> None:
        """Go one slice back."""
        self._room.step(self._room.active, -1)

    def next_slice(self) -> None:
        """Go one slice on."""
        self._room.step(self._room.active, 1)

    def next_view(self) -> None:
        """Let keys go to the next view that is shown."""
        shown = self._room.arrangement.shown
        place = shown.index(self._room.active) if self._room.active in shown else -1
        self._room.choose_view(shown[(place + 1) % len(shown)])

    def next_stack(self) -> None:
        """Show the next stack of the same plane in this view."""
        self._room.show_next_stack(self._room.active)

    def first_window(self) -> None:
        """Set the first preset."""
        self._preset(0)

    def second_window(self) -> None:
        """Set the second preset."""
        self._preset(1)

    def third_window(self) -> None:
        """Set the third preset."""
        self._preset(2)

    def fit(self) -> None:
        """Show whole slices."""
        self._room.fit()

    def look_closely(self) -> None:
        """Enlarge the place looked at, in all views."""
        if self._room.state is not None:
            self._room.keep_cameras()
            self._room.show_cameras(self._room.state.look_closely(CLOSE_UP))

    def enlarge(self) -> None:
        """Show this view alone, or all again."""
        state = self._room.state
        is_alone = len(self._room.arrangement.shown) == 1
        if is_alone:
            halves = {each.half for each in (self._room.panes if state is None else state.views)}
            self._room.arrangement.show(view for view in self._room.panes if view.half in halves)
        else:
            self._room.arrangement.show([self._room.active])

    def toggle_link(self) -> None:
        """Link the visits, or let each scroll alone."""
        state = self._room.state
        if state is not None:
            state.is_linked = not state.is_linked
            self._room.redraw(self._room.panes)

    def toggle_lines(self) -> None:
        """Hide lines and outlines, or show them."""
        self._room.has_lines = not self._room.has_lines
        for pane in self._room.panes.values():
            pane.set_mask_visible(self._room.has_lines)
        self._room.redraw(self._room.panes)

    def hand_point(self) -> None:
        """Point."""
        self._room.set_hand(Hand.POINT)

    def hand_propose(self) -> None:
        """Propose by a click."""
        self._room.set_hand(Hand.PROPOSE)

    def hand_brush(self) -> None:
        """Paint."""
        self._room.set_hand(Hand.BRUSH)

    def hand_eraser(self) -> None:
        """Erase."""
        self._room.set_hand(Hand.ERASER)

    def hand_polygon(self) -> None:
        """Draw a polygon."""
        self._room.set_hand(Hand.POLYGON)

    def hand_base_plane(self) -> None:
        """Move the base plane."""
        self._room.set_hand(Hand.BASE_PLANE)

    def hand_facet_line(self) -> None:
        """Draw the line between the facets."""
        self._room.set_hand(Hand.FACET_LINE)

    def hand_pin(self) -> None:
        """Pin the same spot on both visits."""
        self._room.set_hand(Hand.PIN)

    def smaller_brush(self) -> None:
        """Make the brush smaller."""
        self._room.set_brush(self._room.brush_mm / BRUSH_FACTOR)

    def larger_brush(self) -> None:
        """Make the brush larger."""
        self._room.set_brush(self._room.brush_mm * BRUSH_FACTOR)

    def toggle_cheat_sheet(self) -> None:
        """Show the keys."""
        self._room.toggle_cheat_sheet()

    def _preset(self, number: int) -> None:
        state, view = self._room.state, self._room.active
        if state is None or view not in state.views:
            return
        each = state.pair.stacks[view]
        presets = list(presets_of(each.series.modality, each.stack.weighting).values())
        if number < len(presets):
            self._room.show_windows(state.set_window(view, presets[number]))

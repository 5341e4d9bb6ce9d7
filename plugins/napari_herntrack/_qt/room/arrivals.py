"""Shows in the room what was read, as long as it is what the room wants to show.

Public: `Arrivals`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from napari_herntrack.viewing.loading import Failed, Loaded
from napari_herntrack.viewing.views import View
from napari_herntrack.viewing.windows import automatic_range

if TYPE_CHECKING:
    from napari_herntrack._qt.room.reading_room import ReadingRoom


class Arrivals:
    """Puts stacks into their views.

    Parameters
    ----------
    room : ReadingRoom
        The room.
    """

    def __init__(self, room: ReadingRoom) -> None:
        self._room = room

    def show(self, arrived: Loaded | Failed) -> Iterator[None]:
        """Show a stack, or why there is none, step by step."""
        state = self._room.state
        if state is None or arrived.view not in state.views:
            return
        if isinstance(arrived, Failed):
            self._room.say_failed(arrived.view, arrived.reason)
            return
        view, each = arrived.view, state.pair.stacks[arrived.view]
        if each.stack.stack_uid != arrived.stack_uid:
            return
        seen = arrived.values if arrived.only_slice is None else arrived.values[[arrived.only_slice]]
        state.set_range(view, automatic_range(seen, each.series.modality))
        pane, is_first = self._room.panes[view], not self._room.panes[view].has_stack
        limits = state.limits(view) or (0.0, 1.0)
        yield from pane.show_volume(arrived.values, each.stack.geometry, limits, lambda: self._aim(view))
        self._room.redraw([view])
        if is_first and pane.has_stack:
            self._room.picture_shown.emit(view)

    def _aim(self, view: View) -> None:
        """Let a view show its slice as its camera sees it."""
        state, pane = self._room.state, self._room.panes[view]
        if state is None:
            return
        pane.show_slice(state.slices[view])
        if view in state.cameras:
            pane.show_camera(state.cameras[view])

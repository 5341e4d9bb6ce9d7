"""Changes a view's stack: the next one by a key, or the one that holds the place looked at, by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, QTimer

from herntrack._typing import FloatArray
from herntrack.model.images import CataloguedStack
from napari_herntrack.viewing.following import of_one_kind, stack_holding
from napari_herntrack.viewing.loading import Loaded
from napari_herntrack.viewing.views import Half, View

if TYPE_CHECKING:
    from napari_herntrack._qt.room.reading_room import ReadingRoom

REST_MS = 120
"""A view changes its stack when the place looked at has rested so long, not while it is dragged (ms)."""

MOST_AHEAD_VOXELS = 30_000_000
"""Larger stacks are not read before somebody wants them: blocks are small, whole CTs are not (voxels)."""


class StackChanges(QObject):  # type: ignore[misc]  # Qt has no types here
    """Shows other stacks of a visit in a view.

    Parameters
    ----------
    room : ReadingRoom
        The room.
    """

    def __init__(self, room: ReadingRoom) -> None:
        super().__init__(room)
        self._room = room
        self.is_kept: Callable[[View], bool] = lambda _: False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self.follow)
        room.pair_opened.connect(self._read_ahead)

    @property
    def is_waiting(self) -> bool:
        """Whether views may change their stacks in a moment."""
        return bool(self._rest.isActive())

    def follow_soon(self) -> None:
        """Let the views follow the place looked at, once it rests."""
        self._rest.start()

    def stop(self) -> None:
        """Change nothing any more by itself."""
        self._rest.stop()

    def follow(self) -> None:
        """Show in each view the stack that holds the place looked at, if the shown one does not."""
        self._rest.stop()
        state = self._room.state
        if state is not None:
            self._show(state.stacks_at_place(self.is_kept), is_by_hand=False)

    def show_next(self, view: View) -> bool:
        """Show the next stack of a view's plane and visit; return False if there is no other."""
        state = self._room.state
        if state is None or view not in state.views:
            return True
        choices = state.pair.choices.get(view, ())
        uids = [each.stack.stack_uid for each in choices]
        shown = state.pair.stacks[view].stack.stack_uid
        if len(uids) < 2 and shown in uids:
            return False
        self._rest.stop()
        each = choices[(uids.index(shown) + 1) % len(uids) if shown in uids else 0]
        self._show({view: each}, is_by_hand=True)
        return True

    def go_to_disc(self, half: Half, centre_lps: FloatArray) -> None:
        """Look at a disc where a view could show it and does not; leave every other view as it is."""
        state = self._room.state
        if state is None:
            return
        strays = [
            view
            for view in state.views
            if view.half is half
            and not self.is_kept(view)
            and stack_holding(state.pair.stacks[view], state.pair.choices.get(view, ()), centre_lps)
        ]
        if strays:
            self._room.go_to(half, centre_lps)
            self.follow()

    def _show(self, stacks: Mapping[View, CataloguedStack], *, is_by_hand: bool) -> None:
        room, state = self._room, self._room.state
        if state is None or not stacks:
            return
        cache = room.loader.cache
        for view, each in stacks.items():
            state.show_stack(view, each, is_by_hand=is_by_hand)
            state.show_place(view, room.panes[view].size_px)
            room.take_from_sight(view)
        for view in stacks:
            room.stack_chosen.emit(view)
        # Until what is read ahead is there, the last picture stays in sight: nothing is dark in between.
        known = {view: cache.get(each.stack.stack_uid) for view, each in stacks.items()}
        for view, values in known.items():
            if values is not None:
                uid = stacks[view].stack.stack_uid
                room.panes[view].hold()
                room.loader.hand_on(Loaded(view=view, stack_uid=uid, values=values))
        room.redraw(room.panes)
        missing = [view for view, values in known.items() if values is None]
        if room.loader.is_reading:
            # It is begun anew, with what it had not shown yet.
            missing += [view for view in state.pair.stacks if view not in missing]
        if missing:
            room.loader.load({view: state.pair.stacks[view] for view in missing}, state.slices)

    def _read_ahead(self) -> None:
        """Read the stacks that the views may change to by themselves."""
        state = self._room.state
        if state is not None:
            for view, shown in state.pair.stacks.items():
                others = of_one_kind(shown, state.pair.choices.get(view, ()))
                sizes = [np.prod(each.stack.geometry.shape_zyx) for each in others]
                self._room.preload(e for e, n in zip(others, sizes, strict=True) if n <= MOST_AHEAD_VOXELS)

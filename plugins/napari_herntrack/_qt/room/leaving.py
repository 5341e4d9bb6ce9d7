"""Lets go of a room that is out of sight, one canvas at a time, while the window goes on.

Public: `Leaving`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget

from napari_herntrack._qt.room.mount import Mount
from napari_herntrack._qt.room.reading_room import ReadingRoom
from napari_herntrack._qt.room.steady import Steady
from napari_herntrack._qt.room.turns import Pace, Turns


class Leaving(QObject):  # type: ignore[misc]  # Qt has no types here
    """Begins at once, and ends by itself; at the latest when the window is closed.

    Parameters
    ----------
    room : ReadingRoom
        The room, destroyed at the end.
    mount : Mount
        Its place in the window.
    steady : Steady
        Ended at the end.
    window : QWidget
        napari's main window.
    """

    def __init__(self, room: ReadingRoom, mount: Mount, steady: Steady, window: QWidget) -> None:
        super().__init__(window)
        self._room, self._mount, self._steady, self._window = room, mount, steady, window
        mount.hide()
        self._turns = Turns(Pace(self))
        # Threads and reading processes end now, whatever becomes of the window.
        self._closing = room.closing()
        next(self._closing)
        self._turns.run(self._steps())
        window.installEventFilter(self)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left of the room."""
        return not self._turns.is_busy

    def eventFilter(self, _: QObject, event: Any) -> bool:  # noqa: N802
        """End at once when the window is closed or destroyed; Qt calls this."""
        if event.type() in {QEvent.Type.Close, QEvent.Type.DeferredDelete}:
            self._turns.finish()
        return False

    def _steps(self) -> Iterator[None]:
        yield from self._closing
        self._mount.close()
        yield
        self._room.deleteLater()
        self._steady.end()
        self._window.removeEventFilter(self)
        # napari's window must not live on because somebody remembers it.
        del self._room, self._mount, self._window
        self.deleteLater()

"""Puts the reading room into napari's window, in the place of its canvas.

napari's own canvas shows nothing while the room is open, so it is hidden together with the list and
the controls of its layers; when the room is closed everything is as before. Menus, status line
and other docks stay.
"""

from __future__ import annotations

from napari.qt import QtViewer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

from herntrack.errors import HerntrackError

HIDDEN_DOCKS = ("layer list", "layer controls")
"""Object names of napari's docks that speak of its own canvas."""


class Mount:
    """The room's place in napari's window.

    Only Qt's own ways are used to find it: napari keeps its window's parts from plugins.
    """

    def __init__(self) -> None:
        self._window: QMainWindow | None = None
        self._room: QWidget | None = None
        self._hidden: list[QWidget] = []

    @property
    def is_open(self) -> bool:
        """Whether a room is in the window."""
        return self._room is not None

    def open(self, room: QWidget, window: QWidget) -> None:
        """Show a room in the place of napari's canvas.

        Parameters
        ----------
        room : QWidget
            The room.
        window : QWidget
            napari's main window.

        Raises
        ------
        HerntrackError
            If it is no such window.
        """
        central = window.centralWidget() if isinstance(window, QMainWindow) else None
        if central is None or central.layout() is None:
            raise HerntrackError("the reading room opens in napari's main window: dock it there")
        self._window, self._room = window, room
        candidates = [
            *(each for each in central.findChildren(QtViewer) if not room.isAncestorOf(each)),
            *(each for each in window.findChildren(QDockWidget) if each.objectName() in HIDDEN_DOCKS),
        ]
        # The canvases of another room that is being left are in the window too, but out of sight.
        self._hidden = [widget for widget in candidates if widget.isVisibleTo(window)]
        # First in, then out: the window must not shrink in between.
        central.layout().addWidget(room)
        for widget in self._hidden:
            widget.hide()
        room.show()

    def hide(self) -> None:
        """Show napari's own parts again; the room is out of sight, but still in the window."""
        if self._room is None or self._window is None:
            return
        self._window.centralWidget().layout().removeWidget(self._room)
        self._room.hide()
        for widget in self._hidden:
            widget.show()
        self._hidden = []

    def close(self) -> None:
        """Take the room out and show napari's own parts again; the room is not destroyed."""
        self.hide()
        if self._room is not None:
            self._room.setParent(None)
        # napari's window must not live on because somebody remembers it.
        self._room, self._window = None, None

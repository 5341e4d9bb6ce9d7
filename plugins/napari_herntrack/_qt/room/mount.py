"""Puts the reading room into napari's window, in the place of its canvas.

napari's own canvas shows nothing while the room is open, so it is hidden together with the list and
the controls of its layers; when the room is closed everything is as before. Menus, status line
and other docks stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QWidget

if TYPE_CHECKING:
    import napari


class Mount:
    """The room's place in a napari window.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose window.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._window: Any = viewer.window
        self._room: QWidget | None = None
        self._hidden: list[QWidget] = []

    @property
    def is_open(self) -> bool:
        """Whether a room is in the window."""
        return self._room is not None

    def open(self, room: QWidget) -> None:
        """Show a room in the place of napari's canvas."""
        qt_viewer = self._window._qt_viewer
        self._room = room
        candidates = (qt_viewer, qt_viewer.dockLayerList, qt_viewer.dockLayerControls)
        self._hidden = [widget for widget in candidates if not widget.isHidden()]
        # First in, then out: the window must not shrink in between.
        self._window._qt_window.centralWidget().layout().addWidget(room)
        for widget in self._hidden:
            widget.hide()
        room.show()

    def close(self) -> None:
        """Take the room out and show napari's own parts again; the room is not destroyed."""
        if self._room is None:
            return
        self._window._qt_window.centralWidget().layout().removeWidget(self._room)
        self._room.hide()
        self._room.setParent(None)
        self._room = None
        for widget in self._hidden:
            widget.show()
        self._hidden = []

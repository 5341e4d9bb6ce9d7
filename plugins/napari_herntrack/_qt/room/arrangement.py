"""Where the views stand in the room, and when the pictures of those that changed their size follow.

A canvas of OpenGL takes some milliseconds to change its size, and draws itself at once: four of them in one
piece held up the window for a tenth of a second. Here the views are laid out once, and one canvas after
the other follows, each in a turn of the event loop of its own.

Public: `Arrangement`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QGridLayout, QWidget

from napari_herntrack._qt.room.pane import Pane
from napari_herntrack._qt.room.turns import Pace, Turns
from napari_herntrack.viewing.views import View

PLACES = {
    View.BASELINE_SAGITTAL: (0, 0),
    View.CURRENT_SAGITTAL: (0, 1),
    View.BASELINE_AXIAL: (1, 0),
    View.CURRENT_AXIAL: (1, 1),
}
"""Row and column of each view: the same plane side by side, time from left to right."""


class Arrangement(QObject):  # type: ignore[misc]  # Qt has no types here
    """Lays the views out.

    Parameters
    ----------
    room : QWidget
        Gets a layout with the views.
    panes : mapping from View to Pane
        All views.
    pace : Pace
        When a canvas may follow.
    """

    def __init__(self, room: QWidget, panes: Mapping[View, Pane], pace: Pace) -> None:
        super().__init__(room)
        self._panes = panes
        self._waiting: deque[Pane] = deque()
        self._turns = Turns(pace)
        self._layout = QGridLayout(room)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        for view, (row, column) in PLACES.items():
            self._layout.addWidget(panes[view], row, column)
            panes[view].outgrown.connect(lambda pane=panes[view]: self._fill_later(pane))

    @property
    def shown(self) -> list[View]:
        """The views that are not hidden, in the order of the keys."""
        return [view for view, pane in self._panes.items() if not pane.isHidden()]

    def show(self, views: Iterable[View]) -> None:
        """Show these views and no others."""
        wanted = set(views)
        self._layout.setEnabled(False)
        for view, pane in self._panes.items():
            pane.setVisible(view in wanted)
        self._layout.setEnabled(True)
        self._layout.activate()

    def stop(self) -> None:
        """Let the canvases be as they are."""
        self._turns.stop()
        self._waiting.clear()

    def _fill_later(self, pane: Pane) -> None:
        if pane not in self._waiting:
            self._waiting.append(pane)
        if not self._turns.is_busy:
            self._turns.run(self._filling())

    def _filling(self) -> Iterator[None]:
        while self._waiting:
            self._waiting.popleft().fill()
            yield

"""What the mouse looks like in a view: an arrow, a cross, or the ring that a brush will paint in.

napari draws such a ring as part of its picture, so that each movement of the mouse draws the whole picture
again, and making it takes four views half a second. Here it is part of what lies over the picture.

Public: `Pointer`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QCursor

from napari_herntrack.viewing.room_state import Hand

if TYPE_CHECKING:
    from napari_herntrack._qt.room.pane import Pane

RINGED = {Hand.BRUSH, Hand.ERASER}

LEAST_RING_PX = 8.0
"""Below, a ring hides what it is about (pixels)."""


class Pointer:
    """Shows a pane's hand where the mouse is.

    Parameters
    ----------
    pane : Pane
        A pane; it need not be furnished yet.
    """

    def __init__(self, pane: Pane) -> None:
        self._pane = pane
        self._place: QPointF | None = None
        pane.mouse.hovered.connect(self._follow)
        pane.mouse.left.connect(self._leave)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep napari from drawing a ring of its own, whatever hand its layer is given."""
        cursor = self._pane.model.cursor
        with cursor.events.blocker_all():
            yield
            cursor.style = "standard"

    def show(self) -> None:
        """Show it anew, after hand, brush or camera changed: napari has set a cursor of its own."""
        pane = self._pane
        has_ring = pane.hand in RINGED and pane.has_stack and self._diameter_px() >= LEAST_RING_PX
        if has_ring:
            shape = Qt.CursorShape.BlankCursor
        else:
            shape = Qt.CursorShape.ArrowCursor if pane.hand is Hand.POINT else Qt.CursorShape.CrossCursor
        pane.canvas.setCursor(shape)
        if has_ring and self._place is None and pane.canvas.underMouse():
            self._place = QPointF(pane.canvas.mapFromGlobal(QCursor.pos()))
        pane.overlay.show_ring(self._place if has_ring else None, self._diameter_px())

    def _diameter_px(self) -> float:
        pane = self._pane
        if pane.geometry_zyx is None:
            return 0.0
        voxel_mm = min(pane.geometry_zyx.spacing_zyx[1:])
        return float(pane.labels.brush_size * voxel_mm * pane.model.scene.camera.zoom)

    def _follow(self, x: float, y: float) -> None:
        self._place = QPointF(x, y)
        if self._pane.hand in RINGED:
            self.show()

    def _leave(self) -> None:
        self._place = None
        self.show()

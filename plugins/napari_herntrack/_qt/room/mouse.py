"""What the mouse does in a view, before napari sees it.

Wheel: slices. Control and wheel: zoom. Right button: window and level. Middle button, or Shift
and the left: move the picture. The left button belongs to the hand that is chosen; while that one
paints, its events go on to napari, which does the painting.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject, QPointF, Qt, Signal

WHEEL_UNITS = 120
"""One notch of a wheel (eighths of a degree)."""

ZOOM_PER_NOTCH = 1.15
"""A notch zooms by this factor."""


class ViewMouse(QObject):  # type: ignore[misc]  # Qt has no types here
    """Filters the mouse and key events of a canvas and says what they mean.

    Signals give canvas places ``(x, y)`` and movements in pixels.
    """

    stepped = Signal(int)
    zoomed = Signal(float, float, float)
    panned = Signal(float, float)
    windowed = Signal(float, float)
    pressed = Signal(float, float)
    dragged = Signal(float, float)
    released = Signal(float, float)
    entered = Signal()
    painting = Signal()
    hovered = Signal(float, float)
    left = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.is_painting = False
        self._button: Any = None
        self._is_panning = False
        self._last = QPointF()
        self._turned = 0

    def eventFilter(self, _: QObject, event: Any) -> bool:  # noqa: N802
        """Return whether an event ends here; Qt calls this."""
        kind = event.type()
        if kind == QEvent.Type.Wheel:
            return self._wheel(event)
        if kind in {QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick}:
            return self._press(event, is_double=kind == QEvent.Type.MouseButtonDblClick)
        if kind == QEvent.Type.MouseMove:
            self.hovered.emit(event.position().x(), event.position().y())
            return self._move(event)
        if kind == QEvent.Type.Leave:
            self.left.emit()
        if kind == QEvent.Type.MouseButtonRelease:
            return self._release(event)
        if kind in {QEvent.Type.KeyPress, QEvent.Type.KeyRelease}:
            # The room's own keys were taken before; napari's would change tools behind its back.
            # While a polygon is drawn, napari's Escape and Backspace take points back.
            keys = {Qt.Key.Key_Escape, Qt.Key.Key_Backspace}
            return not (self.is_painting and event.key() in keys)
        return False

    def _wheel(self, event: Any) -> bool:
        turn = event.angleDelta().y() or event.angleDelta().x()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            place = event.position()
            self.zoomed.emit(ZOOM_PER_NOTCH ** (turn / WHEEL_UNITS), place.x(), place.y())
            return True
        self._turned += turn
        notches = int(self._turned / WHEEL_UNITS)
        if notches:
            self._turned -= notches * WHEEL_UNITS
            self.stepped.emit(-notches)
        return True

    def _press(self, event: Any, *, is_double: bool) -> bool:
        self.entered.emit()
        self._button, self._last = event.button(), event.position()
        is_left = self._button == Qt.MouseButton.LeftButton
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._is_panning = self._button == Qt.MouseButton.MiddleButton or (is_left and shift)
        if not is_left or self._is_panning:
            return True
        if self.is_painting:
            self.painting.emit()
            return False
        if not is_double:
            self.pressed.emit(self._last.x(), self._last.y())
        return True

    def _move(self, event: Any) -> bool:
        place = event.position()
        moved = place - self._last
        if self._button is None:
            return not self.is_painting
        self._last = place
        if self._is_panning:
            self.panned.emit(moved.x(), moved.y())
        elif self._button == Qt.MouseButton.RightButton:
            self.windowed.emit(moved.x(), moved.y())
        elif self.is_painting:
            return False
        elif self._button == Qt.MouseButton.LeftButton:
            self.dragged.emit(place.x(), place.y())
        return True

    def _release(self, event: Any) -> bool:
        button, self._button = self._button, None
        is_left = button == Qt.MouseButton.LeftButton and not self._is_panning
        self._is_panning = False
        if is_left and not self.is_painting:
            self.released.emit(event.position().x(), event.position().y())
        return not (is_left and self.is_painting)

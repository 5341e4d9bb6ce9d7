"""A thin bar that says that something runs, or how far it is.

Qt's own bar paints itself some twenty times a second, and beside pictures drawn with OpenGL each time
is the whole window's: without a graphics card that took as much of the machine as the work itself.

Public: `BusyBar`.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QRectF, QSize, Qt, QTimer
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QSizePolicy, QWidget

HEIGHT_PX = 3
TURN_MS = 400
"""While something runs the bar moves on this often (ms)."""

N_PLACES = 4
"""Places among which it moves."""

COLOUR = QColor("#4a9fd4")


class BusyBar(QWidget):  # type: ignore[misc]  # Qt has no types here
    """Empty, busy, or filled to some part."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._part = 0.0
        self._place = 0
        self._clock = QTimer(self)
        self._clock.setInterval(TURN_MS)
        self._clock.timeout.connect(self._move_on)

    @property
    def is_busy(self) -> bool:
        """Whether it says that something runs."""
        return bool(self._clock.isActive())

    def set_busy(self, is_busy: bool) -> None:
        """Say that something runs, nobody knows for how long, or that nothing does."""
        if is_busy != self.is_busy:
            self._part = 0.0
            self._clock.start() if is_busy else self._clock.stop()
            self.update()

    def set_part(self, part: float) -> None:
        """Say how far something is (0 to 1); 0 shows nothing."""
        self._clock.stop()
        self._part = part
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size that the bar asks for."""
        return QSize(80, HEIGHT_PX)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the smallest useful size."""
        return QSize(20, HEIGHT_PX)

    def paintEvent(self, _: Any) -> None:  # noqa: N802
        """Paint it; Qt calls this."""
        painter = QPainter(self)
        if self.is_busy:
            width = self.width() / N_PLACES
            painter.fillRect(QRectF(self._place * width, 0.0, width, HEIGHT_PX), COLOUR)
        elif self._part > 0.0:
            painter.fillRect(QRectF(0.0, 0.0, self._part * self.width(), HEIGHT_PX), COLOUR)
        painter.end()

    def _move_on(self) -> None:
        self._place = (self._place + 1) % N_PLACES
        self.update()

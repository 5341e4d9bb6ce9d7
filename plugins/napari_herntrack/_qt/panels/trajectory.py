"""The lesion's course: volumes with their 95 % intervals over days, painted directly.

A plot library would take longer than a stroke may; a handful of points needs none.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPainterPath, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from herntrack.model.vocabulary import VisitState
from herntrack.reading_room.live_numbers import CoursePoint
from napari_herntrack._qt.panels.face import CALM, VISIT_COLOURS, ink

LEFT, RIGHT, TOP, BOTTOM = 40.0, 14.0, 20.0, 20.0
"""Room for the words of the axes (pixels)."""

DOT, CAP = 4.2, 4.0
"""Radius of a point and half the width of an error bar's end (pixels)."""

_CORNERS = {
    VisitState.BASELINE: ((0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)),
    VisitState.REDUCED: ((-1.15, -1.0), (1.15, -1.0), (0.0, 1.2)),
    VisitState.ENLARGED: ((-1.15, 1.0), (1.15, 1.0), (0.0, -1.2)),
}

LEAST_VOLUME_MM3 = 100.0
"""The upper end of the axis is never lower (mm3)."""

LEAST_DAYS = 30
"""The axis of days is never shorter."""


class TrajectoryPlot(QWidget):  # type: ignore[misc]  # Qt has no types here
    """Paints points with error bars, each with the shape of its state.

    The visit that is read is ringed, a proposal is hollow; a visit without a volume is a cross on the axis,
    and the line passes over what is not compared.
    """

    def __init__(self, unit_words: str, days_words: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._points: tuple[CoursePoint, ...] = ()
        self._unit, self._days = unit_words, days_words
        self.n_paints = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def points(self) -> tuple[CoursePoint, ...]:
        """What is painted."""
        return self._points

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size that the plot asks for."""
        return QSize(300, 128)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the smallest useful size."""
        return QSize(200, 128)

    def show_points(self, points: Sequence[CoursePoint]) -> None:
        """Paint a course."""
        if tuple(points) != self._points:
            self._points = tuple(points)
            self.update()

    def paintEvent(self, _: Any) -> None:  # noqa: N802
        """Paint everything; Qt calls this."""
        self.n_paints += 1
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = QFont(self.font())
        font.setPixelSize(10)
        painter.setFont(font)
        area = QRectF(LEFT, TOP, self.width() - LEFT - RIGHT, self.height() - TOP - BOTTOM)
        highest = max([LEAST_VOLUME_MM3, *(each.high_mm3 or 0.0 for each in self._points)]) * 1.08
        days = [each.day for each in self._points] or [0]
        first, last = min(0, *days), max(*days, LEAST_DAYS)
        self._axes(painter, area, highest, (first, last))
        places = [(each, self._place(area, each, highest, (first, last))) for each in self._points]
        self._course(painter, area, [place for place in places if _is_compared(place[0])])
        for each, place in places:
            self._point(painter, area, each, place, highest)
        painter.end()

    def _place(self, area: QRectF, each: CoursePoint, highest: float, days: tuple[int, int]) -> QPointF:
        share = (each.day - days[0]) / (days[1] - days[0])
        return QPointF(area.left() + share * area.width(), _height(area, each.volume_mm3 or 0.0, highest))

    def _axes(self, painter: QPainter, area: QRectF, highest: float, days: tuple[int, int]) -> None:
        quiet = QColor(ink(self))
        quiet.setAlpha(150)
        grid = QColor(ink(self))
        grid.setAlpha(38)
        step = tick_step(highest)
        value = 0.0
        while value <= highest:
            y = _height(area, value, highest)
            painter.setPen(QPen(grid, 1.0))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(quiet)
            painter.drawText(QRectF(0, y - 7, LEFT - 6, 14), int(Qt.AlignmentFlag.AlignRight), f"{value:.0f}")
            value += step
        painter.drawText(QRectF(0, 0, 120, 14), int(Qt.AlignmentFlag.AlignLeft), self._unit)
        shown: list[float] = []
        for each in self._points:
            x = area.left() + (each.day - days[0]) / (days[1] - days[0]) * area.width()
            if all(abs(x - other) > 26 for other in shown):
                shown.append(x)
                box = QRectF(x - 20, area.bottom() + 4, 40, 14)
                painter.drawText(box, int(Qt.AlignmentFlag.AlignHCenter), str(each.day))
        if not shown or self.width() - max(shown) > 110:
            box = QRectF(area.left() + 10, area.bottom() + 4, self.width() - area.left() - 14, 14)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignRight), self._days)

    def _course(self, painter: QPainter, area: QRectF, places: Sequence[tuple[CoursePoint, QPointF]]) -> None:
        if not places:
            return
        colour = QColor(ink(self))
        colour.setAlpha(90)
        pen = QPen(colour, 1.0)
        pen.setDashPattern([2.0, 4.0])
        painter.setPen(pen)
        y = places[0][1].y()
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        painter.setPen(QPen(colour, 1.4))
        for (_, start), (_, end) in pairwise(places):
            painter.drawLine(start, end)

    def _point(
        self, painter: QPainter, area: QRectF, each: CoursePoint, place: QPointF, highest: float
    ) -> None:
        colour = QColor(VISIT_COLOURS.get(each.state, CALM) if each.state else CALM)
        painter.setPen(QPen(colour, 1.5))
        if each.low_mm3 is not None and each.high_mm3 is not None:
            low, high = (_height(area, value, highest) for value in (each.low_mm3, each.high_mm3))
            painter.drawLine(QPointF(place.x(), low), QPointF(place.x(), high))
            for y in (low, high):
                painter.drawLine(QPointF(place.x() - CAP, y), QPointF(place.x() + CAP, y))
        if each.is_draft:
            ring = QColor(colour)
            ring.setAlpha(70)
            painter.setBrush(ring)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(place, DOT * 2.1, DOT * 2.1)
        painter.setPen(QPen(colour, 1.6))
        ground = self.palette().color(self.backgroundRole())
        is_hollow = each.is_proposed or each.state is VisitState.ABSENT
        painter.setBrush(ground if is_hollow else colour)
        state = VisitState.NOT_EVALUABLE if each.volume_mm3 is None else each.state
        painter.drawPath(mark_of(state).translated(place))


def _is_compared(each: CoursePoint) -> bool:
    return each.volume_mm3 is not None and each.state is not VisitState.NOT_EVALUABLE


def mark_of(state: VisitState | None) -> QPainterPath:
    """Return the mark of a state around the origin: the shapes of the report's courses."""
    path = QPainterPath()
    if state is VisitState.ABSENT or state is None:
        path.addEllipse(QPointF(0.0, 0.0), DOT, DOT)
    elif state is VisitState.NO_CHANGE:
        path.addRect(QRectF(-DOT, -DOT, 2 * DOT, 2 * DOT))
    elif state is VisitState.NOT_EVALUABLE:
        for corners in ((-DOT, -DOT, DOT, DOT), (-DOT, DOT, DOT, -DOT)):
            path.moveTo(*corners[:2])
            path.lineTo(*corners[2:])
    else:
        path.addPolygon(QPolygonF([QPointF(x * DOT, y * DOT) for x, y in _CORNERS[state]]))
        path.closeSubpath()
    return path


def tick_step(highest: float) -> float:
    """Return the distance of ticks: 1, 2 or 5 times a power of ten, three to six of them."""
    step = 1.0
    while True:
        for factor in (1.0, 2.0, 5.0):
            if highest / (step * factor) <= 5.0:
                return step * factor
        step *= 10.0


def _height(area: QRectF, value: float, highest: float) -> float:
    return float(area.bottom() - value / highest * area.height())

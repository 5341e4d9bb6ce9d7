"""Paints the line between the facets over a picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen

from herntrack._typing import FloatArray
from napari_herntrack._qt.room import look
from napari_herntrack.viewing.facet_marks import FacetMarks, Place

HANDLE_PX = 5.0
"""Radius of an end that can be moved (pixels)."""

CROSS_PX = 4.0
"""Arm of the mark where the line goes through a slice (pixels)."""

FAINT = 120
"""Opacity of the line on the slices beside its own, 0 to 255."""


def paint_facet_line(
    painter: QPainter, marks: FacetMarks, canvas: Callable[[FloatArray], FloatArray]
) -> None:
    """Paint line, ends, length, and the mark of a crossing; `canvas` takes places to pixels."""

    def point(place: Place) -> QPointF:
        ((x, y),) = canvas(np.array([place]))
        return QPointF(float(x), float(y))

    colour = QColor(look.FACET_LINE)
    if marks.line is not None and not marks.ends:
        colour.setAlpha(FAINT)
    pen = QPen(colour, 1.2)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if marks.line is not None:
        right, left = (point(place) for place in marks.line)
        if marks.is_carried:
            pen.setDashPattern([4.0, 3.0])
        painter.setPen(pen)
        painter.drawLine(right, left)
        _paint_words(painter, marks.words, (right + left) / 2.0, colour)
    painter.setPen(QPen(colour, 1.2))
    for end in marks.ends:
        painter.drawEllipse(point(end), HANDLE_PX, HANDLE_PX)
    if marks.crossing is not None:
        centre = point(marks.crossing)
        for arm in (QPointF(CROSS_PX, CROSS_PX), QPointF(CROSS_PX, -CROSS_PX)):
            painter.drawLine(centre - arm, centre + arm)


def _paint_words(painter: QPainter, words: str, middle: QPointF, colour: QColor) -> None:
    """Paint the length below the line: fragments lie in front of it, above in an axial view."""
    painter.setFont(look.font(look.TEXT_PX))
    wide = float(painter.fontMetrics().horizontalAdvance(words)) + 6.0
    box = QRectF(middle.x() - wide / 2.0, middle.y() + 8.0, wide, 16.0)
    painter.fillRect(box, look.SHADE)
    painter.setPen(colour)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)

"""Draws a `Scene` over a picture: lines, outlines, letters, scale bar, words.

A transparent widget over the canvas: when only a line moves, the picture below is not drawn again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFontMetrics, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

from herntrack._typing import FloatArray
from herntrack.model.geometry import VolumeGeometry
from napari_herntrack._qt.room import look
from napari_herntrack._qt.room.facet_paint import paint_facet_line
from napari_herntrack.viewing.scale import Camera, scale_bar_mm
from napari_herntrack.viewing.scene import Scene, is_same

GAP_PX = 12.0
"""The crosshair leaves the place itself free (pixels)."""

HANDLE_PX = 5.0
"""Radius of a corner that can be moved (pixels)."""

LINE_PX = 16
"""From one line of text to the next (pixels)."""

CORNER_PX = (look.STRONG_PX, look.TEXT_PX)
"""Size of the first line of a corner, and of the others (pixels)."""

TRACK_WIDTH_PX = 3.0
"""Width of the mark that says which slice of the stack is shown (pixels)."""


class SceneOverlay(QWidget):  # type: ignore[misc]  # Qt has no types here
    """A transparent widget over a canvas; the mouse goes through it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scene = Scene()
        self._camera: Camera | None = None
        self._geometry: VolumeGeometry | None = None
        self._is_active = False
        self._has_curtain = True
        self._ring: QRectF | None = None
        self.n_paints = 0

    @property
    def scene(self) -> Scene:
        """What is drawn."""
        return self._scene

    def show_scene(self, scene: Scene, camera: Camera | None, geometry: VolumeGeometry | None) -> None:
        """Draw a scene as a camera sees it; nothing is drawn if it looks as before."""
        if camera == self._camera and geometry is self._geometry and is_same(scene, self._scene):
            return
        self._scene, self._camera, self._geometry = scene, camera, geometry
        self.update()

    def set_curtain(self, is_drawn: bool) -> None:
        """Hide the picture below, or show it."""
        if is_drawn != self._has_curtain:
            self._has_curtain = is_drawn
            self.update()

    def show_ring(self, place: QPointF | None, diameter_px: float) -> None:
        """Draw a ring around a place, or none; what lies elsewhere is not drawn again."""
        before, radius = self._ring, diameter_px / 2.0
        self._ring = None
        if place is not None:
            self._ring = QRectF(place.x() - radius, place.y() - radius, diameter_px, diameter_px)
        if self._ring != before:
            for ring in (before, self._ring):
                if ring is not None:
                    self.update(ring.adjusted(-2.0, -2.0, 2.0, 2.0).toAlignedRect())

    def set_active(self, is_active: bool) -> None:
        """Say whether keys go to this view; a thin edge shows it."""
        if is_active != self._is_active:
            self._is_active = is_active
            self.update()

    def paintEvent(self, _: Any) -> None:  # noqa: N802
        """Draw everything; Qt calls this."""
        self.n_paints += 1
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._has_curtain:
            painter.fillRect(self.rect(), Qt.GlobalColor.black)
        if self._camera is not None and self._geometry is not None:
            self._draw_places(painter, self._camera, self._geometry)
            self._draw_scale_bar(painter, self._camera)
            self._draw_letters(painter)
            self._draw_slice_mark(painter)
        self._draw_words(painter)
        if self._is_active:
            wide, high = self.width(), self.height()
            # Four bars: an antialiased frame around everything takes ten times as long.
            for bar in ((0, 0, wide, 1), (0, high - 1, wide, 1), (0, 0, 1, high), (wide - 1, 0, 1, high)):
                painter.fillRect(*bar, look.ACTIVE_EDGE)
        if self._ring is not None:
            self._draw_ring(painter, self._ring)
        painter.end()

    def _draw_ring(self, painter: QPainter, ring: QRectF) -> None:
        """Draw white in black, to be seen on fat and air alike."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, inset in ((Qt.GlobalColor.white, 0.0), (Qt.GlobalColor.black, 1.0)):
            painter.setPen(QPen(colour, 1.0))
            painter.drawEllipse(ring.adjusted(inset, inset, -inset, -inset))

    def _draw_places(self, painter: QPainter, camera: Camera, geometry: VolumeGeometry) -> None:
        def canvas(places: FloatArray) -> FloatArray:
            return camera.to_canvas(places, geometry, (self.width(), self.height()))

        scene = self._scene
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for line in scene.cross_lines:
            colour = QColor(look.CROSS_LINE)
            if not line.is_same_visit:
                colour.setAlpha(70)
            painter.setPen(QPen(colour, 1.0))
            painter.drawLine(*_points(canvas(line.ends)))
        painter.setPen(look.outline_pen(scene.look))
        for outline in scene.outlines:
            painter.drawPolygon(QPolygonF(_points(canvas(outline))))
        if scene.base_line is not None:
            pen = QPen(look.BASE_PLANE, 1.2)
            pen.setDashPattern([1.0, 4.0])
            painter.setPen(pen)
            painter.drawLine(*_points(canvas(scene.base_line)))
        if scene.base_corners is not None:
            self._draw_corners(painter, canvas(scene.base_corners))
        paint_facet_line(painter, scene.facet, canvas)
        if scene.crosshair is not None:
            self._draw_crosshair(painter, canvas(scene.crosshair))

    def _draw_corners(self, painter: QPainter, corners: FloatArray) -> None:
        painter.setPen(QPen(look.BASE_PLANE, 1.6))
        points = _points(corners)
        if len(points) == 2:
            painter.drawLine(*points)
        for point in points:
            painter.drawEllipse(point, HANDLE_PX, HANDLE_PX)

    def _draw_crosshair(self, painter: QPainter, place: FloatArray) -> None:
        x, y = float(place[0]), float(place[1])
        arm = GAP_PX * 1.6
        painter.setPen(QPen(look.CROSSHAIR, 1.2))
        for dx, dy in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)):
            start = QPointF(x + dx * GAP_PX, y + dy * GAP_PX)
            painter.drawLine(start, QPointF(x + dx * (GAP_PX + arm), y + dy * (GAP_PX + arm)))

    def _draw_scale_bar(self, painter: QPainter, camera: Camera) -> None:
        millimetres = scale_bar_mm(camera.zoom)
        length = millimetres * camera.zoom
        right, bottom = self.width() - 2.0 * look.MARGIN_PX, self.height() - float(look.MARGIN_PX)
        # Bright fat and air lie below it as well as black.
        painter.fillRect(QRectF(right - length - 3.0, bottom - 7.0, length + 6.0, 9.0), look.SHADE)
        painter.setPen(QPen(look.INK, 1.2))
        painter.drawLine(QPointF(right - length, bottom), QPointF(right, bottom))
        for x in (right - length, right):
            painter.drawLine(QPointF(x, bottom - 5.0), QPointF(x, bottom))
        small, large = self._scene.words.units
        words = f"{millimetres:g} {small}" if millimetres < 10.0 else f"{millimetres / 10.0:g} {large}"
        painter.setFont(look.font(look.TEXT_PX))
        box = QRectF(right - length - 40.0, bottom - 24.0, length + 40.0, 16.0)
        _text(painter, box, words, look.INK, Qt.AlignmentFlag.AlignRight)

    def _draw_letters(self, painter: QPainter) -> None:
        letters = self._scene.letters
        if letters is None:
            return
        painter.setFont(look.font(look.LETTER_PX, is_strong=True))
        wide, high, edge = float(self.width()), float(self.height()), float(look.MARGIN_PX)
        boxes = (
            (letters.left, QRectF(edge, high / 2 - 10, 40, 20), Qt.AlignmentFlag.AlignLeft),
            (letters.right, QRectF(wide - edge - 48, high / 2 - 10, 40, 20), Qt.AlignmentFlag.AlignRight),
            # Below the words in the corner, which may be longer than half of a narrow view.
            (letters.top, QRectF(wide / 2 - 20, self._words_end(), 40, 20), Qt.AlignmentFlag.AlignHCenter),
            (letters.bottom, QRectF(wide / 2 - 20, high - edge - 18, 40, 20), Qt.AlignmentFlag.AlignHCenter),
        )
        for words, box, side in boxes:
            _text(painter, box, words, look.LETTERS, side)

    def _draw_slice_mark(self, painter: QPainter) -> None:
        """Draw at the right edge which part of the stack is shown."""
        index, number = self._scene.slice_place
        if number < 2:
            return
        edge = self.width() - TRACK_WIDTH_PX - 1.0
        share = max(1.0 / number, 0.03)
        top = (self.height() * (1.0 - share)) * index / (number - 1)
        painter.fillRect(QRectF(edge, 0.0, TRACK_WIDTH_PX, self.height()), look.TRACK)
        painter.fillRect(QRectF(edge, top, TRACK_WIDTH_PX, self.height() * share), look.CROSSHAIR)

    def _is_narrow(self) -> bool:
        """Return whether the words of the two upper corners would run into each other."""
        strong, plain = (QFontMetrics(look.font(px, is_strong=px != look.TEXT_PX)) for px in CORNER_PX)
        words = self._scene.words
        left, right = (
            max([strong.horizontalAdvance(line) for line in lines[:1]], default=0)
            for lines in (words.top_left, words.top_right)
        )
        level = plain.horizontalAdvance(words.level)
        second = max([plain.horizontalAdvance(line) for line in words.top_right[1:]], default=0)
        room = self.width() - 4.0 * look.MARGIN_PX
        return bool(left + right > room or level + second > room)

    def _words_end(self) -> float:
        """Return where the upper left corner's words end (pixels from above)."""
        words = self._scene.words
        n_lines = max(len(words.top_left), 1) + bool(words.level) + self._is_narrow()
        return look.MARGIN_PX + n_lines * LINE_PX + 4.0

    def _draw_words(self, painter: QPainter) -> None:
        words = self._scene.words
        left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        wide, edge = float(self.width()), float(look.MARGIN_PX)
        whole, is_narrow = wide - 2.0 * edge - TRACK_WIDTH_PX, self._is_narrow()
        for number, line in enumerate(words.top_left):
            _corner_line(painter, QRectF(edge, edge + number * LINE_PX, whole, 18), line, left, number == 0)
        for number, line in enumerate(() if is_narrow else words.top_right):
            box = QRectF(edge, edge + number * LINE_PX, whole - edge, 18)
            _corner_line(painter, box, line, right, number == 0)
        lines = words.bottom_left
        for number, line in enumerate(lines):
            top = self.height() - edge - (len(lines) - number) * LINE_PX
            # The scale bar ends on the other side.
            _corner_line(painter, QRectF(edge, top, wide * 0.7, 18), line, left, False)
        top = edge + max(len(words.top_left), 1) * LINE_PX + 3.0
        if words.level:
            painter.setFont(look.font(look.TEXT_PX, is_strong=not words.is_level_confirmed))
            colour = look.INK if words.is_level_confirmed else look.WARNING
            short = painter.fontMetrics().elidedText(words.level, Qt.TextElideMode.ElideRight, int(whole))
            _text(painter, QRectF(edge, top, whole, 18), short, colour, left)
            top += LINE_PX
        if is_narrow:
            line = ", ".join(each for each in words.top_right if each)
            _corner_line(painter, QRectF(edge, top, whole, 18), line, left, False)
        self._draw_note(painter, words.note)

    def _draw_note(self, painter: QPainter, note: str) -> None:
        if note:
            painter.setFont(look.font(look.STRONG_PX))
            box = QRectF(self.width() * 0.1, self.height() / 2.0 - 45.0, self.width() * 0.8, 90.0)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            _text(painter, box, note, look.QUIET, flags)


def _corner_line(painter: QPainter, box: QRectF, words: str, side: Any, is_strong: bool) -> None:
    painter.setFont(look.font(look.STRONG_PX if is_strong else look.TEXT_PX, is_strong=is_strong))
    words = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(box.width()))
    _text(painter, box, words, look.INK if is_strong else look.QUIET, side)


def _text(painter: QPainter, box: QRectF, words: str, colour: QColor, flags: Any) -> None:
    """Draw words on a dark shade, readable on bright fluid and fat too."""
    if not words:
        return
    painter.fillRect(painter.boundingRect(box, int(flags), words).adjusted(-3.0, 0.0, 3.0, 0.0), look.SHADE)
    painter.setPen(QColor(0, 0, 0, 210))
    painter.drawText(box.translated(1.0, 1.0), flags, words)
    painter.setPen(colour)
    painter.drawText(box, flags, words)


def _points(places: FloatArray) -> list[QPointF]:
    return [QPointF(float(x), float(y)) for x, y in np.atleast_2d(places)]

"""Colours and type of what lies over the pictures.

Pictures stand on black in light and in dark themes alike, so these do not follow the theme. Hues
follow Okabe and Ito (2008), and no meaning rests on colour alone: a proposal is dashed, a level
that nobody confirmed says so.
"""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QFont, QPen

from napari_herntrack.viewing.scene import MaskLook

INK = QColor(214, 221, 230)
QUIET = QColor(138, 150, 165)
WARNING = QColor(240, 170, 70)
LETTERS = QColor(222, 200, 130)
CROSSHAIR = QColor(86, 180, 233, 200)
CROSS_LINE = QColor(86, 180, 233, 150)
BASE_PLANE = QColor(225, 120, 190)
FACET_LINE = QColor(240, 228, 66)
OUTLINE = {
    MaskLook.PROPOSED: QColor(240, 170, 70),
    MaskLook.DRAFT: QColor(120, 220, 255),
    MaskLook.ACCEPTED: QColor(60, 214, 150),
}
ACTIVE_EDGE = QColor(86, 180, 233, 170)
TRACK = QColor(255, 255, 255, 18)
SHADE = QColor(0, 0, 0, 150)
"""Behind words; the picture shows through."""

GROOVE = "#0c0f13"
"""Between the views."""

FILL = {
    MaskLook.PROPOSED: (0.94, 0.67, 0.27, 0.10),
    MaskLook.DRAFT: (0.47, 0.86, 1.0, 0.18),
    MaskLook.ACCEPTED: (0.24, 0.84, 0.59, 0.16),
}
"""Colour of the voxels inside, with their opacity."""

TEXT_PX, STRONG_PX, LETTER_PX = 11, 13, 14
MARGIN_PX = 10


def font(pixels: int, *, is_strong: bool = False) -> QFont:
    """Return the application's face at a size."""
    made = QFont()
    made.setPixelSize(pixels)
    if is_strong:
        made.setWeight(QFont.Weight.DemiBold)
    return made


def outline_pen(look: MaskLook) -> QPen:
    """Return the pen of an outline: dashed for a proposal, solid for what a person drew or accepted."""
    pen = QPen(OUTLINE[look], 1.6)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if look is MaskLook.PROPOSED:
        pen.setDashPattern([4.0, 3.0])
    return pen

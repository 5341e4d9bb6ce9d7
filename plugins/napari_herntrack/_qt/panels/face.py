"""Colours, type and small parts that the panels share; they follow napari's light and dark themes.

Hues follow Okabe and Ito (2008). No meaning rests on colour alone: a state is always a word too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from herntrack.model.vocabulary import OutcomeClass, VisitState
from herntrack.workflows.listings.worklist import ReadingState

GOOD, NOTICE, BAD, CALM = "#2fae7d", "#e0912f", "#d4604a", "#4a9fd4"

CHIP_PX = 19
"""Height of a word on a coloured ground (pixels)."""

STATE_COLOURS = {
    ReadingState.TO_READ: "#8a96a5",
    ReadingState.PROPOSED: NOTICE,
    ReadingState.READ: CALM,
    ReadingState.IN_CONFLICT: BAD,
    ReadingState.SIGNED: GOOD,
}
VISIT_COLOURS = {
    VisitState.BASELINE: CALM,
    VisitState.ABSENT: GOOD,
    VisitState.REDUCED: GOOD,
    VisitState.ENLARGED: BAD,
    VisitState.NO_CHANGE: "#8a96a5",
    VisitState.NOT_EVALUABLE: NOTICE,
}
OUTCOME_COLOURS = {
    OutcomeClass.RESORPTION: GOOD,
    OutcomeClass.PERSISTENT_REDUCTION: GOOD,
    OutcomeClass.TRANSIENT_REDUCTION: NOTICE,
    OutcomeClass.STABLE: "#8a96a5",
    OutcomeClass.PROGRESSION: BAD,
    OutcomeClass.INDETERMINATE: "#8a96a5",
}

STYLE = """
QLabel[role="title"] { font-size: 15px; font-weight: 600; }
QLabel[role="section"] { font-size: 11px; font-weight: 600; color: #8a96a5; padding-top: 5px; }
QLabel[role="quiet"] { font-size: 11px; color: #8a96a5; }
QLabel[role="volume"] { font-size: 21px; font-weight: 600; }
QLabel[role="strong"] { font-weight: 600; }
QLabel[role="guard"] { font-size: 12px; color: #e0912f; }
QLabel[role="error"] { color: #d4604a; }
QLabel[role="chip"] { font-size: 11px; font-weight: 600; color: white; border-radius: 7px; padding: 2px 9px; }
QPushButton { padding: 3px 3px; }
QPushButton[is_blocked="true"] { color: rgba(138, 150, 165, 150); }
QPushButton[is_primary="true"] { font-weight: 600; padding: 7px 8px; }
QPushButton:checked { background: #2b6f9e; color: white; }
QFrame[role="rule"] { background: rgba(138, 150, 165, 60); max-height: 1px; border: none; }
QProgressBar { max-height: 3px; border: none; background: transparent; }
QProgressBar::chunk { background: #4a9fd4; }
"""


def label(text: str = "", role: str = "", *, wraps: bool = True) -> QLabel:
    """Return a label that shows text as it is."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wraps)
    if role:
        made.setProperty("role", role)
    if role == "chip":
        made.setFixedHeight(CHIP_PX)
    if wraps:
        made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        made.setMinimumWidth(40)
    return made


def button(text: str, slot: Callable[[], object] | None = None, *, is_primary: bool = False) -> QPushButton:
    """Return a button that leaves the keys to the views."""
    made = QPushButton(text)
    made.setMinimumWidth(20)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    made.setProperty("is_primary", is_primary)
    if slot is not None:
        made.clicked.connect(lambda *_: slot())
    return made


def block(made: QPushButton, reason: str, words: str = "") -> None:
    """Dim a button that would do nothing now; its tooltip, and a click on it, say why."""
    if made.property("is_blocked") != bool(reason):
        made.setProperty("is_blocked", bool(reason))
        made.style().unpolish(made)
        made.style().polish(made)
    made.setToolTip(reason or words)
    made.setAccessibleDescription(reason or words)


def show_text(made: QLabel, text: str, *, is_hidden_when_empty: bool = True) -> None:
    """Set a label's text; an empty one takes no room."""
    if made.text() != text:
        made.setText(text)
    if is_hidden_when_empty:
        made.setVisible(bool(text))


def chip(made: QLabel, text: str, colour: str) -> None:
    """Show a word on a coloured ground."""
    made.setText(text)
    made.setStyleSheet(f"background: {colour};")
    made.setVisible(bool(text))


def rule() -> QFrame:
    """Return a thin line between sections."""
    made = QFrame()
    made.setProperty("role", "rule")
    made.setFixedHeight(1)
    return made


def line(*widgets: QWidget, stretch: int | None = None) -> QHBoxLayout:
    """Return widgets side by side."""
    made = QHBoxLayout()
    made.setSpacing(4)
    made.setContentsMargins(0, 0, 0, 0)
    for number, widget in enumerate(widgets):
        made.addWidget(widget, 1 if number == stretch else 0)
    return made


def column(*parts: QWidget | QHBoxLayout, spacing: int = 4) -> QVBoxLayout:
    """Return widgets and lines below each other."""
    made = QVBoxLayout()
    made.setSpacing(spacing)
    made.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        made.addWidget(part) if isinstance(part, QWidget) else made.addLayout(part)
    return made


def ink(widget: QWidget) -> QColor:
    """Return the colour of a widget's text in the present theme."""
    made: Any = widget.palette().color(QPalette.ColorRole.WindowText)
    return QColor(made)

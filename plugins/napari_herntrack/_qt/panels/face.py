"""Colours, type and small parts that the panels share; they follow napari's light and dark themes.

Hues follow Okabe and Ito (2008). No meaning rests on colour alone: a state is always a word too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from herntrack.model.vocabulary import OutcomeClass, VisitState
from herntrack.workflows.listings.worklist import ReadingState

GOOD, NOTICE, BAD, CALM = "#2fae7d", "#e0912f", "#d4604a", "#4a9fd4"

MIDDLE_LIGHTNESS = 128
"""Words lighter than this stand on a dark ground (0 to 255)."""

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

TONES = {"quiet": "#8a96a5", "notice": NOTICE, "bad": BAD}
"""Colours of words, as they stand on a dark ground."""

DARKER_WORDS, DARKER_CHIP = 165, 145
"""Per cent by which colours of words are darkened on a light ground, and chips below white words on any:
the contrast is 4.5 or more (WCAG 2.2, 1.4.3)."""

STYLE = """
QLabel[role="title"] {{ font-size: 15px; font-weight: 600; }}
QLabel[role="section"] {{ font-size: 11px; font-weight: 600; color: {quiet}; padding-top: 5px; }}
QLabel[role="quiet"] {{ font-size: 11px; color: {quiet}; }}
QLabel[role="volume"] {{ font-size: 21px; font-weight: 600; }}
QLabel[role="strong"] {{ font-weight: 600; }}
QLabel[role="guard"] {{ font-size: 12px; color: {notice}; }}
QLabel[role="chip"] {{
    font-size: 11px; font-weight: 600; color: white; border-radius: 7px; padding: 2px 9px;
}}
QLabel[tone="notice"] {{ color: {notice}; }}
QLabel[tone="bad"] {{ color: {bad}; }}
QPushButton {{ padding: 3px 3px; }}
QPushButton[is_blocked="true"] {{ color: {blocked}; }}
QPushButton[is_small="true"] {{ font-size: 12px; }}
QPushButton[is_primary="true"] {{ font-weight: 600; padding: 7px 8px; }}
QPushButton:checked {{ background: #2b6f9e; color: white; }}
QFrame[role="rule"] {{ background: rgba(138, 150, 165, 60); max-height: 1px; border: none; }}
"""

BLOCKED = {False: "rgba(138, 150, 165, 190)", True: "rgba(50, 56, 64, 150)"}
"""Words of a button that would do nothing now, on a dark and on a light ground."""


def on_ground(colour: str, *, is_light: bool) -> str:
    """Return a colour as words of it can be read on the theme's ground."""
    return str(QColor(colour).darker(DARKER_WORDS).name()) if is_light else colour


class Themed(QWidget):  # type: ignore[misc]  # Qt has no types here
    """A panel whose words can be read in light and in dark themes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.is_light: bool | None = None
        # Not at once: while style sheets change, so does what the palette says.
        self._theme_clock = QTimer(self)
        self._theme_clock.setSingleShot(True)
        self._theme_clock.setInterval(0)
        self._theme_clock.timeout.connect(self.follow_theme)

    def changeEvent(self, event: Any) -> None:  # noqa: N802
        """Follow another theme; Qt calls this."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.StyleChange, QEvent.Type.PaletteChange} and self.isVisible():
            self._theme_clock.start()

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Follow the theme of the window that the panel came into; Qt calls this."""
        super().showEvent(event)
        if not self._theme_clock.isActive():
            self.follow_theme()

    def follow_theme(self) -> None:
        """Take the colours of the present theme."""
        is_light = ink(self).lightness() < MIDDLE_LIGHTNESS
        if is_light == self.is_light:
            return
        self.is_light = is_light
        words = {name: on_ground(colour, is_light=is_light) for name, colour in TONES.items()}
        self.setStyleSheet(STYLE.format(**words, blocked=BLOCKED[is_light]))
        self.colour_again()

    def colour_again(self) -> None:
        """Colour what no style sheet does."""


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
    made.setStyleSheet(f"background: {QColor(colour).darker(DARKER_CHIP).name()};")
    made.setVisible(bool(text))


def tone(made: QLabel, name: str) -> None:
    """Let a label's words have one of `TONES`, or with an empty name the theme's."""
    if made.property("tone") != name:
        made.setProperty("tone", name)
        made.style().unpolish(made)
        made.style().polish(made)


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

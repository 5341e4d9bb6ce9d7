"""The section with the tools: hands that the mouse has, and steps that change the outline at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

from napari_herntrack._qt.panels.face import block, button, column, label
from napari_herntrack.texts import Texts
from napari_herntrack.viewing.room_state import Hand

HANDS = (
    ("click", "tool.click", "O", "tool.click_hint"),
    ("background", "tool.background", "\N{UPWARDS WHITE ARROW}O", "tool.background_hint"),
    ("brush", "tool.brush", "B", "tool.brush"),
    ("eraser", "tool.eraser", "E", "tool.eraser"),
    ("polygon", "tool.polygon", "P", "tool.polygon_hint"),
    ("base_plane", "tool.base_plane", "W", "tool.base_plane_hint"),
    ("facet_line", "tool.facet_line", "R", "tool.facet_line_hint"),
)
"""Name, text, key and hint of each hand."""

STEPS = (
    ("fill_holes", "tool.fill_holes", "G"),
    ("interpolate", "tool.interpolate", "J"),
    ("smooth", "tool.smooth", "M"),
    ("undo", "tool.undo", "Ctrl+Z"),
    ("redo", "tool.redo", "Ctrl+Y"),
    ("clear", "tool.clear", ""),
    ("carry_forward", "tool.carry_forward", "V"),
)
"""Name, text and key of each step."""

HAND_NAMES: Mapping[Hand, str] = {
    Hand.PROPOSE: "click",
    Hand.BRUSH: "brush",
    Hand.ERASER: "eraser",
    Hand.POLYGON: "polygon",
    Hand.BASE_PLANE: "base_plane",
    Hand.FACET_LINE: "facet_line",
}


class ToolsSection(QWidget):  # type: ignore[misc]  # Qt has no types here
    """Buttons of hands and steps.

    Signals: `hand_wanted(str)` and `step_wanted(str)` with a name of `HANDS` and `STEPS`;
    `carry_wanted()`.
    """

    hand_wanted = Signal(str)
    step_wanted = Signal(str)
    carry_wanted = Signal()

    def __init__(self, texts: Texts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._texts = texts
        self.hands: dict[str, QPushButton] = {}
        self.steps: dict[str, QPushButton] = {}
        self.hint = label("", "quiet")
        self.title = label(texts("tool.title").upper(), "section")
        hands, steps = QGridLayout(), QGridLayout()
        for grid in (hands, steps):
            grid.setSpacing(3)
            grid.setContentsMargins(0, 0, 0, 0)
            # As wide as each other, however long the words of one are.
            grid.setColumnStretch(0, 1)
            grid.setColumnStretch(1, 1)
        for number, (name, key, keys, hint) in enumerate(HANDS):
            made = button(_with_key(texts(key), keys), partial(self.hand_wanted.emit, name))
            made.setCheckable(True)
            made.setToolTip(texts(hint))
            made.setProperty("is_small", True)
            self.hands[name] = made
            is_alone = number == len(HANDS) - 1 and number % 2 == 0
            hands.addWidget(made, number // 2, number % 2, 1, 2 if is_alone else 1)
        for number, (name, key, keys) in enumerate(STEPS):
            made = button(_with_key(texts(key), keys), partial(self._want, name))
            made.setProperty("is_small", True)
            self.steps[name] = made
            last = number == len(STEPS) - 1
            steps.addWidget(made, number // 2, number % 2, 1, 2 if last else 1)
        parts = column(self.title, spacing=3)
        parts.addLayout(hands)
        parts.addWidget(self.hint)
        parts.addLayout(steps)
        self.setLayout(parts)

    def _want(self, name: str) -> None:
        if name == "carry_forward":
            self.carry_wanted.emit()
        else:
            self.step_wanted.emit(name)

    def show_hand(self, hand: Hand, *, is_background: bool, brush_mm: float) -> None:
        """Show which hand the mouse has, and how it is used."""
        chosen = HAND_NAMES.get(hand, "")
        if chosen == "click" and is_background:
            chosen = "background"
        for name, made in self.hands.items():
            made.setChecked(name == chosen)
        hint = next((key for name, _, _, key in HANDS if name == chosen), "")
        if chosen in {"brush", "eraser"}:
            self.hint.setText(self._texts("tool.brush_size", size=f"{brush_mm:.1f}") + "   [  ]")
        else:
            self.hint.setText(self._texts(hint) if hint else "")
        self.hint.setVisible(bool(self.hint.text()))

    def show_reasons(self, hand_reason: str, step_reasons: Mapping[str, str]) -> None:
        """Dim what would do nothing now and say why."""
        for name, _, _, hint in HANDS:
            block(self.hands[name], hand_reason, self._texts(hint))
        for name, reason in step_reasons.items():
            block(self.steps[name], reason)


def _with_key(words: str, keys: str) -> str:
    return f"{words}   {keys}" if keys else words

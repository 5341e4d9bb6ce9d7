"""The keys on one page, over the views; any key or click closes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

N_COLUMNS = 3
"""The sheet has so many columns; more do not fit beside two docks."""

STYLE = (
    "#cheat_sheet { background: rgba(12, 15, 19, 238); border: 1px solid #2a323d; border-radius: 8px; }"
    "#cheat_sheet QLabel { color: #d6dde6; background: transparent; font-size: 12px; }"
    "#cheat_sheet QLabel[role='key'] { color: #8fc7ee; font-weight: 600; }"
    "#cheat_sheet QLabel[role='title'] { font-size: 15px; font-weight: 600; padding-bottom: 6px; }"
)


class CheatSheet(QWidget):  # type: ignore[misc]  # Qt has no types here
    """A page of keys and what they do."""

    def __init__(self, title: str, rows: Sequence[tuple[str, str]], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("cheat_sheet")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet(STYLE)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 14, 18, 16)
        layout.addWidget(_label(title, "title"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(5)
        length = max(1, -(-len(rows) // N_COLUMNS))
        for number, (keys, words) in enumerate(rows):
            row, column = number % length, number // length * 2
            grid.addWidget(_label(keys, "key"), row, column)
            grid.addWidget(_label(words, "words"), row, column + 1)
        layout.addLayout(grid)
        self.hide()

    def toggle(self) -> None:
        """Show the sheet in the middle of its parent, or hide it."""
        if self.isVisible():
            self.hide()
            return
        self.adjustSize()
        room = self.parentWidget().size()
        self.move(max(0, (room.width() - self.width()) // 2), max(0, (room.height() - self.height()) // 2))
        self.show()
        self.raise_()

    def mousePressEvent(self, _: Any) -> None:  # noqa: N802
        """Close on a click; Qt calls this."""
        self.hide()


def _label(words: str, role: str) -> QLabel:
    label = QLabel(words)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("role", role)
    return label

"""The keys on one page, over the views; any key or click closes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

GAP_PX = 18
"""Between two groups (pixels)."""

MODIFIERS = frozenset((Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta))
"""Keys that are half of another."""

Group = tuple[str, Sequence[tuple[str, str]]]

STYLE = (
    "#cheat_sheet { background: rgba(12, 15, 19, 238); border: 1px solid #2a323d; border-radius: 8px; }"
    "#cheat_sheet QLabel { color: #d6dde6; background: transparent; font-size: 12px; }"
    "#cheat_sheet QLabel[role='key'] { color: #8fc7ee; font-weight: 600; }"
    "#cheat_sheet QLabel[role='heading'] { color: #9aa5b3; font-size: 11px; font-weight: 600; }"
    "#cheat_sheet QLabel[role='hint'] { color: #9aa5b3; font-size: 11px; }"
    "#cheat_sheet QLabel[role='title'] { font-size: 15px; font-weight: 600; padding-bottom: 6px; }"
)


class CheatSheet(QWidget):  # type: ignore[misc]  # Qt has no types here
    """A page of keys and what they do.

    Parameters
    ----------
    title, hint : str
        What stands above the keys, and beside it.
    groups : sequence of (str, rows)
        Headings with keys and what they do; each is a column.
    parent : QWidget
        Lies below.
    """

    def __init__(self, title: str, groups: Sequence[Group], parent: QWidget, *, hint: str = "") -> None:
        super().__init__(parent)
        self.setObjectName("cheat_sheet")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setStyleSheet(STYLE)
        self._before: QWidget | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 14, 18, 16)
        head = QHBoxLayout()
        head.addWidget(_label(title, "title"))
        head.addStretch(1)
        head.addWidget(_label(hint, "hint"))
        layout.addLayout(head)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        for number, (heading, rows) in enumerate(groups):
            if number:
                grid.setColumnMinimumWidth(3 * number - 1, GAP_PX)
            grid.addWidget(_label(heading.upper(), "heading"), 0, 3 * number, 1, 2)
            for place, (keys, words) in enumerate(rows, start=1):
                grid.addWidget(_label(keys, "key"), place, 3 * number)
                grid.addWidget(_label(words, "words"), place, 3 * number + 1)
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
        self._before = self.window().focusWidget()
        self.show()
        self.raise_()
        self.setFocus()

    def event(self, event: Any) -> bool:
        """Take every key before it does what the sheet says of it; Qt calls this."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Close on any key; Qt calls this."""
        if event.key() not in MODIFIERS:
            self.hide()

    def mousePressEvent(self, _: Any) -> None:  # noqa: N802
        """Close on a click; Qt calls this."""
        self.hide()

    def hideEvent(self, event: Any) -> None:  # noqa: N802
        """Give the keys back to whom they belonged; Qt calls this."""
        super().hideEvent(event)
        before, self._before = self._before, None
        if before is not None:
            before.setFocus()


def _label(words: str, role: str) -> QLabel:
    label = QLabel(words)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("role", role)
    return label

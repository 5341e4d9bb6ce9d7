"""One line for a reason that goes on record, below what it is asked for; it takes no room until then."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLineEdit, QWidget

from napari_herntrack._qt.panels.face import button, column, label, line
from napari_herntrack.texts import Texts


class ReasonBox(QWidget):  # type: ignore[misc]  # Qt has no types here
    """Asks for a reason.

    Signals: `given(str, str)` with what it was asked for and the reason; `missing()` if it was empty.
    """

    given = Signal(str, str)
    missing = Signal()

    def __init__(self, texts: Texts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._asked_for = ""
        self.question = label("", "strong")
        self.line = QLineEdit()
        self.line.setPlaceholderText(texts("reason.words"))
        self.line.setAccessibleName(texts("reason.words"))
        self.line.returnPressed.connect(self._give)
        self.record_button = button(texts("reason.record"), self._give)
        self.cancel_button = button(texts("room.cancel"), self.close_box)
        self.setLayout(
            column(self.question, line(self.line, self.record_button, self.cancel_button, stretch=0))
        )
        self.hide()

    @property
    def asked_for(self) -> str:
        """What a reason is asked for; empty if none is."""
        return self._asked_for

    def ask(self, what: str, question: str) -> None:
        """Ask for a reason; what was asked before is given up."""
        self._asked_for = what
        self.question.setText(question)
        self.line.clear()
        self.show()
        self.line.setFocus()

    def close_box(self) -> None:
        """Ask no more."""
        self._asked_for = ""
        self.question.clear()
        self.line.clear()
        self.line.clearFocus()
        self.hide()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        """Give up on Escape; Qt calls this."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_box()
        else:
            super().keyPressEvent(event)

    def _give(self) -> None:
        reason, what = self.line.text().strip(), self._asked_for
        if not reason:
            self.missing.emit()
            return
        self.close_box()
        self.given.emit(what, reason)

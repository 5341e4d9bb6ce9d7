"""The section in which a visit is called present, absent or not evaluable: one click each."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QMenu, QPushButton, QWidget

from herntrack.model.sentences import Sentence, recognised
from herntrack.model.vocabulary import ReadingStatus
from napari_herntrack._qt.panels.face import block, button, column, label, line, show_text
from napari_herntrack.texts import Texts

REASON_SECTIONS: Mapping[ReadingStatus, str] = {
    ReadingStatus.ABSENT: "absent_reason",
    ReadingStatus.NOT_EVALUABLE: "unevaluable_reason",
}

FIRST_REASONS: Mapping[ReadingStatus, str] = {
    ReadingStatus.ABSENT: "absent_reason.none_left",
    ReadingStatus.NOT_EVALUABLE: "unevaluable_reason.poor_quality",
}
"""What one click or one key says; the list has the others."""

MORE = "\N{BLACK DOWN-POINTING SMALL TRIANGLE}"

KEYS = {ReadingStatus.ABSENT: "0", ReadingStatus.NOT_EVALUABLE: "9"}


class StatusSection(QWidget):  # type: ignore[misc]  # Qt has no types here
    """Emits `status_wanted(ReadingStatus, str)` with the text key of a reason."""

    status_wanted = Signal(object, str)

    def __init__(self, texts: Texts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._texts = texts
        self._english = {
            texts.recorded(f"{section}.{name}"): text
            for section in REASON_SECTIONS.values()
            for name, text in texts.section(section).items()
        }
        self.title = label(texts("status.title").upper(), "section")
        self.present_button = button(
            texts("status.present"), lambda: self.status_wanted.emit(ReadingStatus.PRESENT, "")
        )
        self.present_button.setCheckable(True)
        self.buttons: dict[ReadingStatus, QPushButton] = {}
        self._others: list[QPushButton] = []
        row = line(self.present_button, stretch=0)
        for status in REASON_SECTIONS:
            row.addLayout(self._split(status))
        self.reason = label("", "quiet")
        self.setLayout(column(self.title, row, self.reason))

    def show_status(self, status: ReadingStatus, reason: str, *, is_blinded: bool = False) -> None:
        """Show what was said, and why; a reason that the engine gave may speak of other visits."""
        self.present_button.setChecked(status is ReadingStatus.PRESENT)
        for each, made in self.buttons.items():
            made.setChecked(each is status)
        if is_blinded and reason not in self._english:
            reason = reason and self._texts("status.reason_hidden")
        if reason not in self._english:
            # What the engine said is told; what a reader has written stands as it is.
            said = recognised(reason)
            show_text(self.reason, self._texts.said(said) if isinstance(said, Sentence) else reason)
        else:
            show_text(self.reason, self._english[reason])

    def show_reason(self, why_not: str) -> None:
        """Say why nothing can be said now."""
        for made in (self.present_button, *self.buttons.values()):
            block(made, why_not)
        for made in self._others:
            block(made, why_not, self._texts("status.reason"))

    def _split(self, status: ReadingStatus) -> QHBoxLayout:
        """Return a button that says the usual reason at once, and one with the list of all."""
        usual = FIRST_REASONS[status]
        made = button(
            f"{self._texts.word(status)}   {KEYS[status]}", lambda: self.status_wanted.emit(status, usual)
        )
        made.setCheckable(True)
        self.buttons[status] = made
        others = button(MORE)
        others.setAccessibleName(self._texts("status.reason"))
        others.setToolTip(self._texts("status.reason"))
        others.setFixedWidth(18)
        self._others.append(others)
        menu = QMenu(others)
        section = REASON_SECTIONS[status]
        for name, text in self._texts.section(section).items():
            action = menu.addAction(text)
            action.triggered.connect(lambda *_, key=f"{section}.{name}": self.status_wanted.emit(status, key))
        others.clicked.connect(lambda *_: menu.popup(others.mapToGlobal(others.rect().bottomLeft())))
        parts = line(made, others, stretch=0)
        parts.setSpacing(1)
        return parts

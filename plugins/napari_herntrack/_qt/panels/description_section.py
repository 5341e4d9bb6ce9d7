"""The section with the descriptors: what the reader says, and what geometry suggests beside it."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QPushButton, QWidget

from herntrack.model.descriptors import MSU_SIZES, Descriptors
from herntrack.model.vocabulary import (
    HerniationType,
    Migration,
    MsuLocation,
    PfirrmannGrade,
    Side,
    Term,
    Zone,
)
from herntrack.reading_room.suggestions import Suggestions
from napari_herntrack._qt.panels.face import button, column, label
from napari_herntrack.texts import Texts

CHOICES: tuple[tuple[str, Sequence[object]], ...] = (
    ("type", tuple(HerniationType)),
    ("zone", tuple(Zone)),
    ("side", tuple(Side)),
    ("migration", tuple(Migration)),
    ("msu_size", MSU_SIZES),
    ("msu_location", tuple(MsuLocation)),
    ("pfirrmann", tuple(PfirrmannGrade)),
)
"""Each descriptor and what may be said."""

VALUES = {name: (None, *values) for name, values in CHOICES}
"""What each line of a box stands for; Qt would hand words back without their list."""

ARROW = "\N{LEFTWARDS ARROW}"


class DescriptionSection(QWidget):  # type: ignore[misc]  # Qt has no types here
    """Emits `said(str, object)`: a descriptor's name and its value, None if it is taken back."""

    said = Signal(str, object)
    all_wanted = Signal()

    def __init__(self, texts: Texts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._texts = texts
        self.boxes: dict[str, QComboBox] = {}
        self.hints: dict[str, QPushButton] = {}
        self._suggested: dict[str, object] = {}
        self.title = label(texts("descriptor.title").upper(), "section")
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        for row, (name, values) in enumerate(CHOICES):
            self.boxes[name] = box = self._box(name, values)
            self.hints[name] = hint = button("", lambda name=name: self._take(name))
            hint.setVisible(False)
            grid.addWidget(label(texts(f"descriptor.{name}"), "quiet", wraps=False), row, 0)
            grid.addWidget(box, row, 1)
            grid.addWidget(hint, row, 2)
        grid.setColumnStretch(1, 1)
        self.all_button = button(f"{texts('panel.take_suggestions')}   D", self.all_wanted.emit)
        parts = column(self.title, spacing=3)
        parts.addLayout(grid)
        parts.addWidget(self.all_button)
        self.setLayout(parts)

    def show_said(self, said: Descriptors) -> None:
        """Show what was said."""
        for name, box in self.boxes.items():
            blocked = box.blockSignals(True)
            value = getattr(said, name)
            values = VALUES[name]
            box.setCurrentIndex(values.index(value) if value in values else 0)
            box.blockSignals(blocked)
        self._refresh()

    def show_suggestions(self, suggestions: Suggestions) -> None:
        """Show what geometry suggests, where it differs from what was said."""
        self._suggested = {each.name: each.value for each in suggestions.found}
        for name, hint in self.hints.items():
            found = suggestions.suggestion(name)
            if found is not None:
                hint.setText(f"{ARROW} {self._word(found.value)}")
                hint.setToolTip(self._texts("descriptor.why", reason=self._texts.suggestion(found)))
        self._refresh()

    def _refresh(self) -> None:
        open_ones = 0
        for name, hint in self.hints.items():
            said = VALUES[name][self.boxes[name].currentIndex()]
            is_open = name in self._suggested and said != self._suggested[name]
            hint.setVisible(is_open)
            open_ones += is_open and said is None
        self.all_button.setVisible(open_ones > 0)

    def _take(self, name: str) -> None:
        if name in self._suggested:
            self.said.emit(name, self._suggested[name])

    def _word(self, value: object) -> str:
        return self._texts.word(value) if isinstance(value, Term) else str(value)

    def _box(self, name: str, values: Sequence[object]) -> QComboBox:
        box = QComboBox()
        box.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        box.setAccessibleName(self._texts(f"descriptor.{name}"))
        box.addItem(self._texts("descriptor.not_said"))
        box.addItems([self._word(value) for value in values])
        box.activated.connect(lambda index, name=name: self.said.emit(name, VALUES[name][index]))
        return box

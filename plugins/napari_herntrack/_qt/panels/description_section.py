"""The section with the descriptors: what the reader says, and what geometry suggests beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QWidget

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

PLACES = {
    "type": (0, 1, 2),
    "zone": (1, 1, 2),
    "side": (2, 1, 2),
    "migration": (3, 1, 2),
    "msu_size": (4, 1, 1),
    "msu_location": (4, 2, 1),
    "pfirrmann": (5, 1, 1),
}
"""Row, column and width of each box; the MSU grade is one line."""


MSU_PARTS = ("msu_size", "msu_location")

LEAST_BOX_PX = 56
"""A box is at least so wide (pixels)."""


class DescriptionSection(QWidget):  # type: ignore[misc]  # Qt has no types here
    """Emits `said(str, object)`: a descriptor's name and its value, None if it is taken back."""

    said = Signal(str, object)
    all_wanted = Signal()

    def __init__(self, texts: Texts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._texts = texts
        self.boxes: dict[str, QComboBox] = {}
        self._suggested: dict[str, object] = {}
        self._words: dict[str, str] = {}
        self._why_not = ""
        self._is_final = False
        self.title = label(texts("descriptor.title").upper(), "section")
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(2)
        for name, values in CHOICES:
            row, column_number, width = PLACES[name]
            self.boxes[name] = box = self._box(name, values)
            grid.addWidget(box, row, column_number, 1, width)
            if name == "msu_size":
                self.grade = label(texts("descriptor.msu"), "quiet", wraps=False)
                grid.addWidget(self.grade, row, 0)
            elif column_number == 1:
                grid.addWidget(label(texts(f"descriptor.{name}"), "quiet", wraps=False), row, 0)
        self.all_button = button(f"{texts('panel.take_suggestions')}   D", self.all_wanted.emit)
        grid.addWidget(self.all_button, 5, 2)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        parts = column(self.title, spacing=3)
        parts.addLayout(grid)
        self.setLayout(parts)

    def show_said(self, said: Descriptors, *, is_final: bool = False) -> None:
        """Show what was said; with the last word nothing is suggested any more."""
        self._is_final = is_final
        for name, box in self.boxes.items():
            blocked = box.blockSignals(True)
            value = getattr(said, name)
            values = VALUES[name]
            box.setCurrentIndex(values.index(value) if value in values else 0)
            box.blockSignals(blocked)
        self._refresh()

    def show_suggestions(self, suggestions: Suggestions, *, is_line_carried: bool = False) -> None:
        """Show what geometry suggests in the boxes of what was not said, with a question mark.

        Parameters
        ----------
        suggestions : Suggestions
            With the sentences why.
        is_line_carried : bool
            Whether the facet line that some were measured on is of another visit.
        """
        self._suggested = {each.name: each.value for each in suggestions.found}
        for name in self.boxes:
            found = suggestions.suggestion(name)
            if found:
                key = "why_carried" if is_line_carried and found.is_on_line else "why"
                words = self._texts(f"descriptor.{key}", reason=self._texts.suggestion(found))
            else:
                words = self._texts.said(suggestions.silent.get(name, ""))
            self._words[name] = words
        self._refresh()

    def show_reason(self, why_not: str) -> None:
        """Say why nothing can be said now."""
        self._why_not = why_not
        self._refresh()

    def _refresh(self) -> None:
        open_ones = 0
        for name, box in self.boxes.items():
            is_asked = name in self._suggested and not self._is_final
            open_ones += is_asked and box.currentIndex() == 0
            said = self._texts("descriptor.not_said")
            words = f"{self._word(self._suggested[name])} ?" if is_asked else said
            if box.itemText(0) != words:
                box.setItemText(0, words)
            box.setEnabled(not self._why_not)
            hint = self._words.get(name) or self._texts(f"descriptor.{name}")
            box.setToolTip(self._why_not or hint)
        self.all_button.setVisible(open_ones > 0)
        self._show_grade()

    def _show_grade(self) -> None:
        """Write size and location as one grade, the way it is written; asked if a part is suggested."""
        said = {name: VALUES[name][self.boxes[name].currentIndex()] for name in MSU_PARTS}
        open_ones = {} if self._is_final else self._suggested
        asked = {name: open_ones.get(name) for name, value in said.items() if value is None}
        values: dict[str, Any] = said | asked
        grade = Descriptors(**values).msu_grade if None not in values.values() else ""
        words = f"{grade} ?" if grade and asked else grade
        self.grade.setText(f"{self._texts('descriptor.msu')}   {words}".rstrip())

    def _word(self, value: object) -> str:
        return self._texts.word(value) if isinstance(value, Term) else str(value)

    def _box(self, name: str, values: Sequence[object]) -> QComboBox:
        box = QComboBox()
        box.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        box.setMinimumContentsLength(4)
        # Two of them stand side by side, with a grade in each: no reason for a wider dock.
        box.setMinimumWidth(LEAST_BOX_PX)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setAccessibleName(self._texts(f"descriptor.{name}"))
        box.addItem(self._texts("descriptor.not_said"))
        box.addItems([self._word(value) for value in values])
        box.activated.connect(lambda index, name=name: self.said.emit(name, VALUES[name][index]))
        return box

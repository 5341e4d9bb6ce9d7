"""The section with the live numbers and the lesion's course."""

from __future__ import annotations

from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from napari_herntrack._qt.panels.face import (
    OUTCOME_COLOURS,
    VISIT_COLOURS,
    chip,
    column,
    label,
    line,
    show_text,
)
from napari_herntrack._qt.panels.trajectory import TrajectoryPlot
from napari_herntrack.reading.numbers import NumbersShown
from napari_herntrack.texts import Texts


class NumbersSection(QWidget):  # type: ignore[misc]  # Qt has no types here
    """Shows `NumbersShown`; only what changed is written again."""

    def __init__(self, texts: Texts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = label(texts("numbers.title").upper(), "section")
        self.volume = label("", "volume", wraps=False)
        self.state = label("", "chip", wraps=False)
        self.change = label("", "strong")
        self.outcome = label("", "chip", wraps=False)
        self.reason = label("", "quiet")
        self.remark = label("", "quiet")
        self.plot = TrajectoryPlot(texts("numbers.unit"), texts("numbers.days"))
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        self._change_title = label(texts("numbers.change"), "quiet", wraps=False)
        self._outcome_title = label(texts("numbers.outcome"), "quiet", wraps=False)
        grid.addWidget(self._change_title, 0, 0)
        grid.addWidget(self.change, 0, 1)
        grid.addWidget(self._outcome_title, 1, 0)
        grid.addLayout(_left(self.outcome), 1, 1)
        grid.addWidget(self.reason, 2, 1)
        grid.setColumnStretch(1, 1)
        parts = column(self.title, _left(self.volume, self.state), spacing=3)
        parts.addLayout(grid)
        parts.addWidget(self.remark)
        parts.addWidget(self.plot)
        self.setLayout(parts)

    def show_numbers(self, shown: NumbersShown) -> None:
        """Show the numbers of the draft as it is."""
        show_text(self.volume, shown.volume)
        self.title.setVisible(bool(shown.volume))
        show_text(self.change, shown.change)
        self._change_title.setVisible(bool(shown.change))
        self._outcome_title.setVisible(bool(shown.outcome))
        show_text(self.reason, shown.reason)
        show_text(self.remark, shown.remark)
        if self.state.text() != shown.state:
            chip(self.state, shown.state, _colour(VISIT_COLOURS, shown.visit_state))
        if self.outcome.text() != shown.outcome:
            chip(self.outcome, shown.outcome, _colour(OUTCOME_COLOURS, shown.outcome_class))
        self.state.setVisible(bool(shown.state))
        self.outcome.setVisible(bool(shown.outcome))
        self.plot.setVisible(bool(shown.points))
        self.plot.show_points(shown.points)

    def clear(self) -> None:
        """Show nothing."""
        self.show_numbers(NumbersShown(volume=""))


def _colour(colours: dict[object, str] | object, key: object) -> str:
    return colours.get(key, "#8a96a5") if isinstance(colours, dict) else "#8a96a5"


def _left(*widgets: QLabel) -> object:
    made = line(*widgets)
    made.addStretch(1)
    return made

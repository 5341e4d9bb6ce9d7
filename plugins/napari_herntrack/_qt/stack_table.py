"""A table of stacks that can be filtered by words and sorted by any column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QRegularExpression, QSortFilterProxyModel, Qt, Signal
from qtpy.QtGui import QKeySequence, QStandardItem, QStandardItemModel
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QShortcut, QStyle, QTableView, QWidget

from herntrack.model.vocabulary import Plane, Weighting

if TYPE_CHECKING:
    from herntrack.workflows.listings.listing import Row
    from napari_herntrack.texts import Texts

SORT_ROLE = Qt.ItemDataRole.UserRole
"""What a cell is sorted by."""

UID_ROLE = Qt.ItemDataRole.UserRole + 1
"""The stack's UID, on the first cell of a row."""

SEARCH_ROLE = Qt.ItemDataRole.UserRole + 2
"""The text that the filter searches, on the first cell of a row."""

WIDEST_COLUMN = 240
"""A long description does not push the other columns out of sight (pixels)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """One column: the key of its title, the text shown, and the key to sort by (the text if None)."""

    title: str
    text: Callable[[Row, Texts], str]
    key: Callable[[Row], float] | None = None
    is_number: bool = False


def _spacing_text(row: Row, _: Texts) -> str:
    in_plane = f"{row['pixel_spacing_row_mm']:.2f} \N{MULTIPLICATION SIGN} {row['pixel_spacing_col_mm']:.2f}"
    between = row["slice_spacing_mm"]
    return in_plane if between is None else f"{between:.2f} \N{MULTIPLICATION SIGN} {in_plane}"


COLUMNS = (
    _Column(title="patient", text=lambda row, _: row["patient_id"]),
    _Column(title="date", text=lambda row, texts: row["study_date"] or texts("stacks.no_date")),
    _Column(title="modality", text=lambda row, _: row["modality"]),
    _Column(title="plane", text=lambda row, texts: texts.word(Plane(row["plane"]))),
    _Column(title="weighting", text=lambda row, texts: texts.word(Weighting(row["weighting"]))),
    _Column(
        title="slices",
        text=lambda row, _: str(row["n_slices"]),
        key=lambda row: float(row["n_slices"]),
        is_number=True,
    ),
    _Column(
        title="spacing",
        text=_spacing_text,
        key=lambda row: row["slice_spacing_mm"] or 0.0,
        is_number=True,
    ),
    # Last, where it takes what room there is: the longest text and the least certain.
    _Column(title="description", text=lambda row, _: row["series_description"]),
)

ENGLISH = ("plane", "weighting")
"""What can be searched for in English too, whatever the language (keys of a row)."""


class StackTable(QTableView):  # type: ignore[misc]  # Qt has no types here
    """Rows of stacks; several can be selected.

    Emits `open_requested` on a double click and on Enter, `selection_changed` whenever
    other rows are selected.

    Parameters
    ----------
    texts : Texts
        The reader's language.
    """

    open_requested = Signal()
    selection_changed = Signal()

    def __init__(self, texts: Texts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._texts = texts
        self._rows: Sequence[Row] = ()
        self._model = QStandardItemModel(0, len(COLUMNS), self)
        self._proxy = QSortFilterProxyModel(self)
        self._proxy.setSourceModel(self._model)
        self._proxy.setSortRole(SORT_ROLE)
        self._proxy.setFilterRole(SEARCH_ROLE)
        self._proxy.setFilterKeyColumn(0)
        self.setModel(self._proxy)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.selectionModel().selectionChanged.connect(self._report_selection)
        self.doubleClicked.connect(self._request_open)
        # `activated` would also fire on a single click where the desktop is set so.
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(self._request_open)

    def speak(self, texts: Texts) -> None:
        """Show the same stacks in another language."""
        self._texts = texts
        self.setAccessibleName(texts("stacks.title"))
        for index, column in enumerate(COLUMNS):
            title = texts(f"stacks.column_{column.title}")
            self._model.setHorizontalHeaderItem(index, _cell(column, title))
        self.set_rows(self._rows)

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show these stacks, in this order until a header is clicked."""
        self._rows, texts = rows, self._texts
        self.setSortingEnabled(False)
        self._model.setRowCount(0)
        warning = self.style().standardIcon(QStyle.StandardPixmap.SP_MessageBoxWarning)
        for row in rows:
            items = [_item(column, row, texts) for column in COLUMNS]
            items[0].setData(row["stack_uid"], UID_ROLE)
            words = [*(item.text() for item in items), *(str(row[key]) for key in ENGLISH)]
            items[0].setData(" ".join(words), SEARCH_ROLE)
            if not row["is_regular"]:
                items[0].setIcon(warning)
                problems = "; ".join(texts.said(problem) for problem in row["problems"])
                for item in items:
                    item.setToolTip(texts("stacks.cannot_open", problems=problems))
            self._model.appendRow(items)
        self._proxy.sort(-1)
        self.setSortingEnabled(True)
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self._fit_columns()
        self.selection_changed.emit()

    def set_filter(self, text: str) -> None:
        """Keep the rows that have every word of `text` in some column, whatever the case."""
        words = "".join(f"(?=.*{QRegularExpression.escape(word)})" for word in text.split())
        self._proxy.setFilterRegularExpression(
            QRegularExpression(words, QRegularExpression.PatternOption.CaseInsensitiveOption)
        )

    def selected_uids(self) -> list[str]:
        """Return the UIDs of the selected stacks, from top to bottom."""
        indexes = sorted(self.selectionModel().selectedRows(), key=lambda index: index.row())
        return [str(index.data(UID_ROLE)) for index in indexes]

    @property
    def n_rows(self) -> int:
        """Number of stacks, hidden ones included."""
        return int(self._model.rowCount())

    @property
    def n_shown(self) -> int:
        """Number of stacks that the filter lets through."""
        return int(self._proxy.rowCount())

    def _fit_columns(self) -> None:
        self.resizeColumnsToContents()
        for index in range(len(COLUMNS)):
            self.setColumnWidth(index, min(self.columnWidth(index), WIDEST_COLUMN))

    def _report_selection(self, *_: Any) -> None:
        self.selection_changed.emit()

    def _request_open(self, *_: Any) -> None:
        self.open_requested.emit()


def _item(column: _Column, row: Row, texts: Texts) -> QStandardItem:
    text = column.text(row, texts)
    item = _cell(column, text)
    item.setData(text.casefold() if column.key is None else column.key(row), SORT_ROLE)
    return item


def _cell(column: _Column, text: str) -> QStandardItem:
    item = QStandardItem(text)
    side = Qt.AlignmentFlag.AlignRight if column.is_number else Qt.AlignmentFlag.AlignLeft
    item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
    return item

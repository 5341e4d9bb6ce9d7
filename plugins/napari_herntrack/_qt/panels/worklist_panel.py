"""The dock with the worklist: who reads, what there is to read, how far it is."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QBrush, QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from herntrack.workflows.listings.worklist import OPEN_STATES, ReadingState
from napari_herntrack._qt.panels.face import STATE_COLOURS, Themed, button, label, line, on_ground, show_text
from napari_herntrack.reading.rows import WorkRow, filter_rows, next_row
from napari_herntrack.texts import LANGUAGES, Texts

ROW_ROLE = Qt.ItemDataRole.UserRole
DOT = "\N{BLACK CIRCLE}"


class WorklistPanel(Themed):
    """Shows rows and says which one is wanted.

    Signals: `row_wanted(WorkRow)`; `reader_chosen(str)`; `language_chosen(str)`; `blinding_wanted()`;
    `unblinding_wanted(str)` with its reason; `reload_wanted()`.
    """

    row_wanted = Signal(object)
    reader_chosen = Signal(str)
    language_chosen = Signal(str)
    blinding_wanted = Signal()
    unblinding_wanted = Signal(str)
    reload_wanted = Signal()

    def __init__(self, texts: Texts, *, reader: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._texts = texts
        self._rows: tuple[WorkRow, ...] = ()
        self._current: WorkRow | None = None
        self._is_blinded = False
        self.setObjectName("herntrack_worklist")
        self._build(reader)
        self._connect()
        self._fill()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size that the dock asks for."""
        return QSize(270, 700)

    @property
    def shown_rows(self) -> list[WorkRow]:
        """The rows that pass the filter, in their order."""
        state = self.state_box.currentData()
        states = OPEN_STATES if state == "open" else () if state is None else (state,)
        return filter_rows(self._rows, text=self.search_line.text(), states=states)

    @property
    def rows(self) -> tuple[WorkRow, ...]:
        """All rows."""
        return self._rows

    def show_rows(self, rows: Sequence[WorkRow], *, is_blinded: bool) -> None:
        """Show a worklist."""
        self._rows, self._is_blinded = tuple(rows), is_blinded
        blocked = self.blinded_box.blockSignals(True)
        self.blinded_box.setChecked(is_blinded)
        self.blinded_box.blockSignals(blocked)
        self._show_unblinding(False)
        self._fill()

    def colour_again(self) -> None:
        """Colour the states as the theme wants them."""
        self._fill()

    def set_current(self, row: WorkRow | None) -> None:
        """Mark the row that is open."""
        self._current = row
        self._mark()

    def next_row(self) -> WorkRow | None:
        """Return the row to read next, of those that are shown."""
        rows = self.shown_rows
        return next_row(rows, self._current) or next_row(self._rows, self._current)

    def say_reader(self, reader: str) -> None:
        """Show the reader's name."""
        self.reader_line.setText(reader)

    def _build(self, reader: str) -> None:
        texts = self._texts
        self.reader_line = QLineEdit(reader)
        self.reader_line.setPlaceholderText(texts("room.reader"))
        self.reader_line.setAccessibleName(texts("room.reader"))
        self.reader_hint = label("", "guard")
        self.language_box = QComboBox()
        for code, name in LANGUAGES.items():
            self.language_box.addItem(name, code)
        self.language_box.setCurrentIndex(list(LANGUAGES).index(texts.language))
        self.language_box.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.search_line = QLineEdit()
        self.search_line.setPlaceholderText(texts("worklist.search_hint"))
        self.search_line.setAccessibleName(texts("worklist.search"))
        self.search_line.setClearButtonEnabled(True)
        self.state_box = QComboBox()
        self.state_box.addItem(texts("worklist.all_states"), None)
        self.state_box.addItem(texts("worklist.open_states"), "open")
        for state in ReadingState:
            self.state_box.addItem(texts.word(state), state)
        self.state_box.setMinimumContentsLength(8)
        self.state_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.state_box.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._build_tree()
        self.count_label = label("", "quiet")
        self.next_button = button(f"{texts('worklist.next')}   N", is_primary=True)
        self.blinded_box = QCheckBox(texts("blinding.title"))
        self.blinded_box.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.blinded_label = label(texts("blinding.on"), "quiet")
        self.unblind_line = QLineEdit()
        self.unblind_line.setPlaceholderText(texts("blinding.reason"))
        self.unblind_button = button(texts("blinding.end"))
        self._lay_out()
        self._show_unblinding(False)
        self.show_reader_hint()

    def _build_tree(self) -> None:
        self.tree = QTreeWidget()
        self.tree.setColumnCount(2)
        self.tree.setHeaderHidden(True)
        self.tree.setRootIsDecorated(False)
        self.tree.setIndentation(10)
        self.tree.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)

    def _lay_out(self) -> None:
        texts = self._texts
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addLayout(line(self.reader_line, self.language_box, stretch=0))
        layout.addWidget(self.reader_hint)
        layout.addWidget(self.search_line)
        layout.addWidget(self.state_box)
        layout.addWidget(self.tree, stretch=1)
        layout.addWidget(self.count_label)
        layout.addWidget(self.next_button)
        layout.addWidget(self.blinded_box)
        layout.addWidget(self.blinded_label)
        layout.addLayout(line(self.unblind_line, self.unblind_button, stretch=0))
        layout.addWidget(label(f"{texts('room.research_only')} {texts('room.not_pain')}", "quiet"))

    def _connect(self) -> None:
        self.reader_line.editingFinished.connect(self._choose_reader)
        self.language_box.activated.connect(
            lambda index: self.language_chosen.emit(self.language_box.itemData(index))
        )
        self.search_line.textChanged.connect(lambda _: self._fill())
        self.search_line.returnPressed.connect(self._open_first)
        self.state_box.activated.connect(lambda _: self._fill())
        self.tree.itemClicked.connect(self._open_clicked)
        self.next_button.clicked.connect(lambda *_: self.open_next())
        self.blinded_box.toggled.connect(self._toggle_blinding)
        self.unblind_button.clicked.connect(lambda *_: self.unblinding_wanted.emit(self.unblind_line.text()))
        self.unblind_line.returnPressed.connect(lambda: self.unblinding_wanted.emit(self.unblind_line.text()))

    def open_next(self) -> None:
        """Ask for the next row to read; say so if nothing is left."""
        row = self.next_row()
        if row is None:
            key = "worklist.nothing_left" if self._rows else "worklist.empty"
            show_text(self.count_label, self._texts(key))
        else:
            self.row_wanted.emit(row)

    def show_problem(self, problem: str) -> None:
        """Show that nothing can be listed, and why."""
        self.show_rows((), is_blinded=self._is_blinded)
        show_text(self.count_label, problem)

    def show_reader_hint(self) -> None:
        """Ask for a name as long as there is none."""
        missing = not self.reader_line.text().strip()
        show_text(self.reader_hint, self._texts("room.choose_reader") if missing else "")

    def _choose_reader(self) -> None:
        self.show_reader_hint()
        self.reader_line.clearFocus()
        self.reader_chosen.emit(self.reader_line.text().strip())

    def _open_first(self) -> None:
        rows = self.shown_rows
        self.search_line.clearFocus()
        if rows:
            self.row_wanted.emit(rows[0])

    def _open_clicked(self, item: QTreeWidgetItem, _: int) -> None:
        row = item.data(0, ROW_ROLE)
        if row is not None:
            self.row_wanted.emit(row)

    def _toggle_blinding(self, is_on: bool) -> None:
        if is_on and not self._is_blinded:
            self.blinding_wanted.emit()
        self._show_unblinding(not is_on and self._is_blinded)

    def _show_unblinding(self, is_asked: bool) -> None:
        self.unblind_line.setVisible(is_asked)
        self.unblind_button.setVisible(is_asked)
        self.blinded_label.setVisible(self._is_blinded)
        if is_asked:
            self.unblind_line.setFocus()

    def _fill(self) -> None:
        self.tree.clear()
        rows = self.shown_rows
        parents: dict[str, QTreeWidgetItem] = {}
        for row in rows:
            self._parent(row, parents).addChild(self._line(row))
        self.tree.expandAll()
        for parent in parents.values():
            parent.setFirstColumnSpanned(True)
        n_open = sum(row.state in OPEN_STATES for row in self._rows)
        words = self._texts.counted("worklist.still_to_read", n_open)
        if not self._rows:
            words = self._texts("worklist.empty")
        elif not rows:
            words = self._texts("worklist.nothing_found")
        show_text(self.count_label, words)
        self._mark()

    def _parent(self, row: WorkRow, parents: dict[str, QTreeWidgetItem]) -> QTreeWidgetItem:
        # A blinded list is in a drawn order: visits of a case do not stand together.
        heading = f"{row.patient}   {row.visit}" if self._is_blinded else f"{row.patient}   {row.lesion}"
        if heading not in parents:
            made = QTreeWidgetItem([heading])
            made.setFlags(Qt.ItemFlag.ItemIsEnabled)
            font = made.font(0)
            font.setBold(True)
            made.setFont(0, font)
            self.tree.addTopLevelItem(made)
            parents[heading] = made
        return parents[heading]

    def _line(self, row: WorkRow) -> QTreeWidgetItem:
        made = QTreeWidgetItem([row.in_list, f"{DOT} {row.state_word}"])
        made.setData(0, ROW_ROLE, row)
        colour = on_ground(STATE_COLOURS[row.state], is_light=bool(self.is_light))
        made.setForeground(1, QBrush(QColor(colour)))
        if row.item.has_draft:
            made.setText(0, f"{made.text(0)}  *")
        for column in (0, 1):
            made.setToolTip(column, row.note or row.title)
        return made

    def _mark(self) -> None:
        key = None if self._current is None else self._current.item.key
        for number in range(self.tree.topLevelItemCount()):
            parent = self.tree.topLevelItem(number)
            for place in range(parent.childCount()):
                item = parent.child(place)
                is_here = item.data(0, ROW_ROLE).item.key == key
                item.setSelected(is_here)
                if is_here:
                    self.tree.scrollToItem(item)

"""The dock beside the views: what there is to read, and which hand is chosen.

Opening it puts the reading room into napari's window; closing it gives napari its canvas back.
Further panels are put below the list with `RoomDock.add_panel`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from herntrack.errors import HerntrackError
from herntrack.workflows.worklist import WorkItem
from napari_herntrack._qt.room.mount import Mount
from napari_herntrack._qt.room.reading_room import ReadingRoom
from napari_herntrack.viewing.opening import OpenedItem, RoomRefusal, WorkToRead, list_work, open_item
from napari_herntrack.viewing.room_state import Hand

if TYPE_CHECKING:
    import napari

NOT_A_DEVICE = "Research use only: not a medical device."

WIDTH = 300
"""Width the dock asks for (pixels)."""

HANDS = (
    (Hand.POINT, "Point", "C"),
    (Hand.PROPOSE, "Propose", "O"),
    (Hand.BRUSH, "Brush", "B"),
    (Hand.ERASER, "Eraser", "E"),
    (Hand.POLYGON, "Polygon", "P"),
    (Hand.BASE_PLANE, "Base plane", "W"),
)
"""Hands with a button; the pin has a key alone."""


class RoomDock(QWidget):  # type: ignore[misc]  # Qt has no types here
    """Worklist and hands of the reading room.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        As napari hands it to every widget; the room goes into the window that this is docked in.
    folder : Path, optional
        The workspace; by default HERNTRACK_WORKSPACE, else the current folder or one above it.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer, folder: Path | None = None) -> None:
        super().__init__()
        del napari_viewer
        self._mount = Mount()
        self._workers: list[Any] = []
        self._items: tuple[WorkItem, ...] = ()
        self.room: ReadingRoom | None = None
        self.opened: OpenedItem | None = None
        self._build()
        self._run(list_work, folder, done=self._show_work)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size the dock asks for."""
        return QSize(WIDTH, 700)

    def add_panel(self, panel: QWidget) -> None:
        """Put a panel below the list."""
        self._panels.addWidget(panel)

    def open_item(self, item: WorkItem) -> None:
        """Open a lesion at a visit in the views; it is looked up beside the window."""
        if self.room is not None:
            self._say(f"Opening {item.patient_id}, {item.visit_date}\N{HORIZONTAL ELLIPSIS}")
            self._run(open_item, self.room.loader.workspace, item, done=self._show_item)

    def open_next(self) -> None:
        """Open the next line of the list."""
        row = self.list.currentRow() + 1
        if row < self.list.count():
            self.list.setCurrentRow(row)
            self._open_line(self.list.item(row))
        else:
            self._say("This was the last line of the list.")

    def closeEvent(self, event: Any) -> None:  # noqa: N802
        """Give napari its canvas back; Qt calls this."""
        self.leave()
        super().closeEvent(event)

    def leave(self) -> None:
        """Close the room."""
        if self.room is not None:
            self._mount.close()
            self.room.close_room()
            self.room.deleteLater()
            self.room = None

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 8)
        layout.setSpacing(8)
        self.title = QLabel()
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.filter_line = QLineEdit()
        self.filter_line.setPlaceholderText("Filter, for example: L5-S1 to be read")
        self.filter_line.setAccessibleName("Filter")
        self.filter_line.setClearButtonEnabled(True)
        self.filter_line.textChanged.connect(self._fill)
        self.list = QListWidget()
        self.list.setAccessibleName("Worklist")
        self.list.itemActivated.connect(self._open_line)
        self.list.itemClicked.connect(self._open_line)
        self.next_button = QPushButton("Next  (N)")
        self.next_button.clicked.connect(self.open_next)
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self._panels = QVBoxLayout()
        for widget in (self.title, self.filter_line):
            layout.addWidget(widget)
        layout.addWidget(self.list, stretch=1)
        layout.addWidget(self.next_button)
        layout.addWidget(self._hand_buttons())
        layout.addLayout(self._panels)
        layout.addWidget(self.message)
        layout.addWidget(QLabel(NOT_A_DEVICE))

    def _hand_buttons(self) -> QWidget:
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        self.hand_buttons = QButtonGroup(self)
        for number, (hand, title, key) in enumerate(HANDS):
            button = QPushButton(f"{title}  ({key})")
            button.setCheckable(True)
            button.setChecked(hand is Hand.POINT)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self.hand_buttons.addButton(button, number)
            grid.addWidget(button, number // 2, number % 2)
        self.hand_buttons.idClicked.connect(self._choose_hand)
        return holder

    def _choose_hand(self, number: int) -> None:
        if self.room is not None:
            self.room.set_hand(HANDS[number][0])

    def _mark_hand(self, hand: Hand) -> None:
        for number, (each, _, _) in enumerate(HANDS):
            if each is hand:
                self.hand_buttons.button(number).setChecked(True)

    def _run(self, work: Callable[..., Any], *arguments: object, done: Callable[[Any], None]) -> None:
        worker = create_worker(work, *arguments)
        worker.returned.connect(done)
        worker.finished.connect(lambda: self._workers.remove(worker))
        self._workers.append(worker)
        worker.start()

    def _show_work(self, found: WorkToRead | RoomRefusal) -> None:
        if isinstance(found, RoomRefusal):
            self._say(found.reason)
            return
        self._items = found.items
        self.title.setText(found.workspace.folder.name)
        self.title.setToolTip(str(found.workspace.folder))
        room = ReadingRoom(found.workspace)
        self.room = room
        room.refused.connect(self._say)
        room.hand_changed.connect(self._mark_hand)
        room.add_key("N", self.open_next, "next line of the worklist")
        try:
            self._mount.open(room, self.window())
        except HerntrackError as error:
            self._say(str(error))
            return
        self._fill()
        if self._items:
            self.list.setCurrentRow(0)
            self._open_line(self.list.item(0))
        else:
            self._say("Nothing to read yet; add images with: herntrack ingest PATH")

    def _show_item(self, found: OpenedItem | RoomRefusal) -> None:
        if isinstance(found, RoomRefusal):
            self._say(found.reason)
            return
        if self.room is None:
            return
        self.opened = found
        self.room.show_pair(found.opened.pair)
        for shown in found.opened.masks:
            self.room.show_mask(shown.view, shown.mask, shown.look)
            self.room.set_base_plane(shown.view.half, shown.base_plane)
        level = found.item.level
        self.room.set_level("" if level is None else f"{level}, not confirmed", is_confirmed=False)
        self._say(found.opened.pair.link_note)
        self.room.preload(found.ahead)

    def _fill(self, _: str = "") -> None:
        words = self.filter_line.text().lower().split()
        self.list.clear()
        for number, item in enumerate(self._items):
            title = _title(item)
            if all(word in title.lower() for word in words):
                line = QListWidgetItem(title)
                line.setData(Qt.ItemDataRole.UserRole, number)
                self.list.addItem(line)

    def _open_line(self, line: QListWidgetItem) -> None:
        self.open_item(self._items[line.data(Qt.ItemDataRole.UserRole)])

    def _say(self, sentence: str) -> None:
        self.message.setText(sentence)

    @property
    def items(self) -> Sequence[WorkItem]:
        """What is listed, the filtered lines included."""
        return self._items


def _title(item: WorkItem) -> str:
    when = item.timepoint or f"day {item.day}"
    level = "" if item.level is None else f"  {item.level}"
    return f"{item.patient_id}  {when}{level}  \N{MIDDLE DOT}  {item.state}"

"""The reading room as napari opens it: the views in the window's middle, a dock on either side.

This widget is the dock on the left, with the worklist. Opening it puts the views in the place of
napari's canvas and the reading's panel on the right; closing it gives everything back. What it needs
is imported beside the window, and furnished step by step: opening the room never stops the window.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import (
    QDockWidget,
    QFileDialog,
    QLabel,
    QMainWindow,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_herntrack._qt.dock_title import DockTitle
from napari_herntrack._qt.panels.jobs import Job, Jobs
from napari_herntrack._qt.person import LANGUAGE, READER, chosen_texts, person_settings, reader_name
from napari_herntrack._qt.room.busy_bar import BusyBar
from napari_herntrack._qt.room.steady import Steady
from napari_herntrack._qt.room.turns import Pace, Turns

if TYPE_CHECKING:
    import napari

    from herntrack.workflows.workspace import Workspace
    from napari_herntrack._qt.panels.conductor import Conductor
    from napari_herntrack._qt.panels.reading_panel import ReadingPanel
    from napari_herntrack._qt.panels.worklist_panel import WorklistPanel
    from napari_herntrack._qt.room.leaving import Leaving
    from napari_herntrack._qt.room.reading_room import ReadingRoom
    from napari_herntrack._qt.stacks import StacksWidget
    from napari_herntrack.reading.rows import WorkRow

TITLE_PX = 5

LEAST_MESSAGE_PX = 240
"""A dock is at least so wide (pixels)."""


class ReadingPlace(QWidget):  # type: ignore[misc]  # Qt has no types here
    """Worklist dock, views and reading dock.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        Its window takes the room.
    folder : Path, optional
        The workspace; by default HERNTRACK_WORKSPACE, else the current folder or one above it.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer, folder: Path | None = None) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._steady = Steady()
        self._turns = Turns(Pace(self))
        self._mount: Any = None
        self._leaving: Leaving | None = None
        self._is_gone = False
        self._settings = person_settings()
        self._dock: Any = None
        self._title = DockTitle(self)
        self._workspace: Workspace | None = None
        self.room: ReadingRoom | None = None
        self.worklist: WorklistPanel | None = None
        self.panel: ReadingPanel | None = None
        self.conductor: Conductor | None = None
        self._layout = QVBoxLayout(self)
        # napari's title bar lies over the first pixels.
        self._layout.setContentsMargins(0, TITLE_PX, 0, 0)
        self._message = QLabel()
        self._message.setWordWrap(True)
        self._message.setContentsMargins(8, 4, 8, 4)
        self._message.hide()
        self._progress = BusyBar()
        self._progress.set_busy(True)
        self._browse_button = QPushButton()
        self._browse_button.clicked.connect(lambda *_: self._browse())
        self._browse_button.hide()
        self._layout.addWidget(self._message)
        self._layout.addWidget(self._browse_button)
        self._layout.addWidget(self._progress)
        self._layout.addStretch(1)
        self._jobs = Jobs(self)
        self._enter(folder)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size that the dock asks for."""
        return QSize(270, 700)

    @property
    def is_open(self) -> bool:
        """Whether the room is furnished."""
        return self.conductor is not None

    @property
    def is_leaving(self) -> bool:
        """Whether the room is being closed."""
        return self._leaving is not None and not self._leaving.is_done

    def set_language(self, language: str) -> None:
        """Speak another language from now on; the open visit is opened again."""
        self._settings.setValue(LANGUAGE, language)
        for stacks in self._stack_docks():
            stacks.speak(chosen_texts())
        if self.room is None or self.conductor is None:
            return
        visit = self.conductor.desk.visit
        self._clear_panels()
        self._turns.run(self._furnish(self.room, None if visit is None else visit.row))

    def leave(self) -> None:
        """Close the room; unsaved work is kept. The canvases go one after the other, out of sight."""
        if self._is_gone or self._leaving is not None:
            return
        self._jobs.close()
        self._turns.stop()
        if self.room is None:
            self._steady.end()
            return
        from napari_herntrack._qt.room.leaving import Leaving

        # The dock may have been taken out of the window already.
        window = self.room.window()
        window.removeEventFilter(self)
        self._clear_panels()
        self._leaving = Leaving(self.room, self._mount, self._steady, window)
        self.room = None

    def eventFilter(self, _: QObject, event: Any) -> bool:  # noqa: N802
        """Let everything go when the window itself is destroyed; Qt calls this."""
        if event.type() == QEvent.Type.DeferredDelete:
            self._let_go()
        return False

    def _let_go(self) -> None:
        """End all work: what is in the window goes with it, threads and reading processes do not."""
        self._is_gone = True
        self._jobs.close()
        self._turns.stop()
        if self.conductor is not None:
            self.conductor.close()
            self.conductor = None
        if self.room is not None:
            self.room.close_room()
            self.room = None
        # It remembers napari's own canvas, which must not outlive the window.
        self._mount = None
        self._steady.end()

    def closeEvent(self, event: Any) -> None:  # noqa: N802
        """Give napari its canvas back; Qt calls this."""
        self.leave()
        super().closeEvent(event)

    def _enter(self, folder: Path | None) -> None:
        self._steady.begin()
        self._message.hide()
        self._browse_button.hide()
        self._progress.set_busy(True)
        self._jobs.add(
            Job(words="", act=lambda: _entered(folder), done=self._open, refused=self._say_no_workspace)
        )

    def _browse(self) -> None:
        """Let the reader choose another folder; the only dialog there is, before there is a room."""
        if chosen := QFileDialog.getExistingDirectory(self, self._browse_button.text()):
            self._enter(Path(chosen))

    def _say_no_workspace(self, reason: str) -> None:
        self._steady.end()
        self._progress.set_busy(False)
        texts = chosen_texts()
        self._message.setText(f"{texts.said(reason)}\n\n{texts('room.choose_workspace')}")
        # Beside napari's own docks there may be little room; the words come first.
        width = max(self.width(), LEAST_MESSAGE_PX)
        self._message.setMinimumHeight(self._message.heightForWidth(width))
        self._message.show()
        self._browse_button.setText(texts("room.browse"))
        self._browse_button.show()

    def _open(self, workspace: Workspace) -> None:
        from napari_herntrack._qt.room.mount import Mount
        from napari_herntrack._qt.room.reading_room import ReadingRoom
        from napari_herntrack.reading.keys import READING_KEYS

        self._workspace = workspace
        self.room = room = ReadingRoom(workspace)
        self._turns = Turns(room.pace)
        for key in READING_KEYS:
            room.add_key(key.keys, lambda name=key.name: self._do(name))
        window = self.window()
        self._mount = Mount()
        self._mount.open(room, window)
        # Who closes napari's window does not close its docks before.
        window.installEventFilter(self)
        dock = self.parent()
        if isinstance(window, QMainWindow) and isinstance(dock, QDockWidget) and not dock.isFloating():
            # napari puts a plugin's widget on the right, where the reading's panel belongs.
            window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
        texts = chosen_texts()
        room.furnishing.progressed.connect(lambda n, of: self._progress.set_part(n / of))
        room.furnishing.done.connect(lambda: self._turns.run(self._furnish(room)))
        room.furnishing.begin(texts("room.opening", what=texts("room.title")))

    def _furnish(self, room: ReadingRoom, row: WorkRow | None = None) -> Iterator[None]:
        """Make the panels in the reader's language, step by step, then open a row again."""
        from napari_herntrack._qt.panels.conductor import Conductor
        from napari_herntrack._qt.panels.reading_panel import ReadingPanel
        from napari_herntrack._qt.panels.worklist_panel import WorklistPanel
        from napari_herntrack.reading.sheet import sheet_groups

        if self._workspace is None:
            return
        self._progress.hide()
        texts = chosen_texts()
        self._title.write(texts("worklist.title"))
        reader = reader_name()
        self.worklist = WorklistPanel(texts, reader=reader)
        # First, and with most of the room: napari ends a plugin's layout with empty space of its own.
        self._layout.insertWidget(0, self.worklist, stretch=100)
        yield
        self.panel = ReadingPanel(texts)
        yield
        self._dock = self._viewer.window.add_dock_widget(
            self.panel, name=texts("room.title"), area="right", add_vertical_stretch=False
        )
        yield
        room.set_sheet(texts("keys.title"), sheet_groups(texts), hint=texts("keys.close_sheet"))
        self.conductor = Conductor(
            self._workspace, room, self.worklist, self.panel, texts=texts, reader=reader
        )
        self.worklist.reader_chosen.connect(lambda name: self._settings.setValue(READER, name))
        self.worklist.language_chosen.connect(self.set_language)
        self.conductor.lists.blinding_changed.connect(self._hide_stacks)
        self.conductor.lists.reload()
        if row is not None:
            self.conductor.open_row(row)

    def _hide_stacks(self) -> None:
        """Let the docks that list stacks look again whether the reader may see dates."""
        for stacks in self._stack_docks():
            stacks.list_again()

    def _stack_docks(self) -> list[StacksWidget]:
        from napari_herntrack._qt.stacks import StacksWidget

        return list(self.window().findChildren(StacksWidget))

    def _clear_panels(self) -> None:
        if self.conductor is not None:
            self.conductor.close()
            self.conductor = None
        if self.worklist is not None:
            self._layout.removeWidget(self.worklist)
            self.worklist.hide()
            self.worklist.deleteLater()
            self.worklist = None
        if self._dock is not None:
            self._viewer.window.remove_dock_widget(self.panel)
        elif self.panel is not None:
            self.panel.deleteLater()
        self._dock = self.panel = None

    def _do(self, name: str) -> None:
        if self.conductor is not None:
            conductor = self.conductor
            owners = (conductor, conductor.corrections, conductor.drawing)
            getattr(next(owner for owner in owners if hasattr(owner, name)), name)()


def _entered(folder: Path | None) -> Workspace:
    """Find the workspace, then import what its room is made of; runs beside the window."""
    from herntrack.workflows.workspace import find_workspace
    from napari_herntrack.viewing.preparing import import_reading, import_views, load_standard

    workspace = find_workspace(folder)
    import_module("napari_herntrack._qt.panels.conductor")
    import_module("napari_herntrack._qt.room.mount")
    import_views()
    import_reading()
    # Here, while there is nothing to be held up, and no garbage is looked for among so much.
    load_standard()
    return workspace

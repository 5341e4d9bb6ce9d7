"""The reading room as napari opens it: the views in the window's middle, a dock on either side.

This widget is the dock on the left, with the worklist. Opening it puts the views in the place of
napari's canvas and the reading's panel on the right; closing it gives everything back.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSettings, QSize, Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow, QVBoxLayout, QWidget

from herntrack.workflows.workspace import Workspace, find_workspace
from napari_herntrack._qt.panels.conductor import Conductor
from napari_herntrack._qt.panels.face import label
from napari_herntrack._qt.panels.jobs import Job, Jobs
from napari_herntrack._qt.panels.reading_panel import ReadingPanel
from napari_herntrack._qt.panels.worklist_panel import WorklistPanel
from napari_herntrack._qt.room.mount import Mount
from napari_herntrack._qt.room.reading_room import ReadingRoom
from napari_herntrack.reading.keys import READING_KEYS
from napari_herntrack.reading.sheet import sheet_rows
from napari_herntrack.texts import LANGUAGES, Texts, load_texts, system_language

if TYPE_CHECKING:
    import napari

READER, LANGUAGE = "reader", "language"
"""What is kept of a person between two days."""


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
        self._mount = Mount()
        self._settings = QSettings(
            QSettings.Format.IniFormat, QSettings.Scope.UserScope, "herntrack", "reading-room"
        )
        self._dock: Any = None
        self._workspace: Workspace | None = None
        self.room: ReadingRoom | None = None
        self.worklist: WorklistPanel | None = None
        self.panel: ReadingPanel | None = None
        self.conductor: Conductor | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        texts = load_texts(self._language())
        self._message = label(texts("room.opening", what=texts("room.workspace")))
        self._layout.addWidget(self._message)
        self._jobs = Jobs(self)
        self._jobs.add(
            Job(
                words="",
                act=lambda: find_workspace(folder),
                done=self._open,
                refused=lambda reason: self._message.setText(f"{reason} {texts('room.choose_workspace')}"),
            )
        )

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size that the dock asks for."""
        return QSize(270, 700)

    @property
    def is_open(self) -> bool:
        """Whether the room is furnished."""
        return self.conductor is not None

    def set_language(self, language: str) -> None:
        """Speak another language from now on; the open visit is opened again."""
        self._settings.setValue(LANGUAGE, language)
        if self.room is None or self.conductor is None:
            return
        visit = self.conductor.desk.visit
        self._clear_panels()
        self._furnish(self.room)
        if visit is not None and self.conductor is not None:
            self.conductor.open_row(visit.row)

    def leave(self) -> None:
        """Close the room; unsaved work is kept."""
        self._jobs.close()
        if self.room is None:
            return
        self._clear_panels()
        self._mount.close()
        self.room.close_room()
        self.room.deleteLater()
        self.room = None

    def closeEvent(self, event: Any) -> None:  # noqa: N802
        """Give napari its canvas back; Qt calls this."""
        self.leave()
        super().closeEvent(event)

    def _language(self) -> str:
        language = str(self._settings.value(LANGUAGE, "") or system_language())
        return language if language in LANGUAGES else system_language()

    def _open(self, workspace: Workspace) -> None:
        self._message.hide()
        self._workspace = workspace
        self.room = ReadingRoom(workspace)
        for key in READING_KEYS:
            self.room.add_key(key.keys, lambda name=key.name: self._do(name))
        window = self.window()
        self._mount.open(self.room, window)
        dock = self.parent()
        if isinstance(window, QMainWindow) and isinstance(dock, QDockWidget) and not dock.isFloating():
            # napari puts a plugin's widget on the right, where the reading's panel belongs.
            window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
        self._furnish(self.room)

    def _furnish(self, room: ReadingRoom) -> None:
        """Make the panels in the reader's language."""
        if self._workspace is None:
            return
        texts = load_texts(self._language())
        reader = str(self._settings.value(READER, "") or "")
        self.worklist = WorklistPanel(texts, reader=reader)
        self.panel = ReadingPanel(texts)
        # First, and with most of the room: napari ends a plugin's layout with empty space of its own.
        self._layout.insertWidget(0, self.worklist, stretch=100)
        self._dock = self._viewer.window.add_dock_widget(
            self.panel, name=texts("room.title"), area="right", add_vertical_stretch=False
        )
        self._show_sheet(room, texts)
        self.conductor = Conductor(
            self._workspace, room, self.worklist, self.panel, texts=texts, reader=reader
        )
        self.worklist.reader_chosen.connect(lambda name: self._settings.setValue(READER, name))
        self.worklist.language_chosen.connect(self.set_language)
        self.conductor.lists.reload()

    def _show_sheet(self, room: ReadingRoom, texts: Texts) -> None:
        room.set_sheet(texts("keys.title"), sheet_rows(texts))

    def _clear_panels(self) -> None:
        if self.conductor is not None:
            self.conductor.close()
            self.conductor = None
        if self.worklist is not None:
            self._layout.removeWidget(self.worklist)
            self.worklist.deleteLater()
            self.worklist = None
        if self._dock is not None:
            self._viewer.window.remove_dock_widget(self.panel)
            self._dock = self.panel = None

    def _do(self, name: str) -> None:
        if self.conductor is not None:
            owner = self.conductor if hasattr(self.conductor, name) else self.conductor.drawing
            getattr(owner, name)()

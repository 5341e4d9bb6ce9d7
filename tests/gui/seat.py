"""A reader's seat in a test: the keys and the mouse of the reading place, and where things are."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from herntrack.model.vocabulary import Level, Side
from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.reading.readings import add_lesion
from herntrack.workflows.workspace import Workspace, create_workspace
from napari_herntrack.viewing.views import Half, View

READER = "reader-1"
PATIENCE_MS = 60_000
PATIENTS = ("S-001", "S-003")


def told(sample_dicom: Path, patient_id: str) -> dict[str, Any]:
    """Return what the truth says of a sample patient."""
    truth = json.loads((sample_dicom / "truth.json").read_text(encoding="utf-8"))
    return next(each for each in truth["patients"] if each["patient_id"] == patient_id)


def make_study(
    folder: Path, sample_dicom: Path, *, patients: Sequence[str] = PATIENTS, more: Sequence[Path] = ()
) -> Workspace:
    """Return a workspace with sample patients and their lesions, nothing read, and more images."""
    dicom = [*(sample_dicom / "dicom" / patient_id for patient_id in patients), *more]
    workspace = ingest(create_workspace(folder), dicom, jobs=1).workspace
    for patient_id in patients:
        for lesion in told(sample_dicom, patient_id)["lesions"]:
            add_lesion(
                workspace,
                patient_id=patient_id,
                level=Level.parse(lesion["level"]),
                side=Side.parse(lesion["side"]),
                lesion_uid=lesion["lesion_uid"],
            )
    return workspace


def choose_settings(folder: Path, *, reader: str = READER, language: str = "en") -> None:
    """Keep the person's settings in a folder, with a name chosen."""
    from qtpy.QtCore import QSettings

    ini, user = QSettings.Format.IniFormat, QSettings.Scope.UserScope
    QSettings.setPath(ini, user, str(folder))
    settings = QSettings(ini, user, "herntrack", "reading-room")
    settings.setValue("reader", reader)
    settings.setValue("language", language)
    settings.sync()


@dataclass(frozen=True)
class Seat:
    """The reading place and a pair of hands."""

    place: Any
    qtbot: Any

    @property
    def conductor(self) -> Any:
        return self.place.conductor

    @property
    def room(self) -> Any:
        return self.place.room

    @property
    def desk(self) -> Any:
        return self.place.conductor.desk

    @property
    def panel(self) -> Any:
        return self.place.panel

    @property
    def item(self) -> Any:
        return self.desk.visit.row.item

    def wait(self, is_done: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(is_done, timeout=PATIENCE_MS)

    def settle(self) -> None:
        """Wait until nothing runs and every picture is there."""
        self.wait(lambda: self.conductor is not None and not self.conductor.is_busy)
        self.wait(lambda: not self.room.loader.is_busy)
        self.qtbot.wait(20)

    def key(self, key: Any, *, shift: bool = False, control: bool = False) -> None:
        """Press a key over the view that is read."""
        from qtpy.QtCore import Qt

        modifiers = Qt.KeyboardModifier.NoModifier
        if shift:
            modifiers |= Qt.KeyboardModifier.ShiftModifier
        if control:
            modifiers |= Qt.KeyboardModifier.ControlModifier
        window = self.room.window()
        # More than once: another test's window on this screen may take its turn in between.
        self.wait(lambda: window.isActiveWindow() or bool(window.activateWindow()))
        canvas = self.room.panes[self.room.active].canvas
        canvas.setFocus()
        self.qtbot.keyClick(canvas, key, modifiers)

    def press(self, letter: str, *, shift: bool = False, control: bool = False) -> None:
        """Press a key by its letter, then wait until everything has come to rest."""
        from qtpy.QtCore import Qt

        self.key(getattr(Qt.Key, f"Key_{letter}"), shift=shift, control=control)
        self.settle()

    def open(self, patient_id: str, day: int) -> None:
        """Click a line of the worklist."""
        row = next(
            each
            for each in self.place.worklist.rows
            if each.item.patient_id == patient_id and each.item.day == day
        )
        self.place.worklist.row_wanted.emit(row)
        self.settle()

    def pixel(self, view: View, point_lps: Any) -> Any:
        """Return where a point of the slice shown lies on a view's canvas."""
        from qtpy.QtCore import QPoint

        state = self.room.state
        index = state.grids[view].lps_to_index(np.asarray(point_lps))
        x, y = state.cameras[view].to_canvas(index[1:], state.grids[view], self.room.panes[view].size_px)
        return QPoint(round(x), round(y))

    def scroll_to(self, view: View, point_lps: Any) -> None:
        """Turn to the slice nearest to a point."""
        state = self.room.state
        wanted = round(float(state.grids[view].lps_to_index(np.asarray(point_lps))[0]))
        self.room.step(view, wanted - state.slices[view])

    def click(self, view: View, point_lps: Any) -> None:
        """Click on a point, on its slice."""
        self.scroll_to(view, point_lps)
        self.drag(view, [self.pixel(view, point_lps)])
        self.settle()

    def drag(self, view: View, places: list[Any]) -> None:
        """Press the left button at the first place, move over the others, and let go."""
        from qtpy.QtCore import QEvent, QPointF, Qt
        from qtpy.QtGui import QMouseEvent
        from qtpy.QtWidgets import QApplication

        canvas = self.room.panes[view].canvas
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        kinds = QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.MouseButtonRelease
        events = [(kinds[0], places[0], left, left)]
        events += [(kinds[1], place, none, left) for place in places[1:]]
        events.append((kinds[2], places[-1], left, none))
        for kind, where, which, held in events:
            event = QMouseEvent(
                kind,
                QPointF(where),
                QPointF(canvas.mapToGlobal(where)),
                which,
                held,
                Qt.KeyboardModifier.NoModifier,
            )
            QApplication.sendEvent(canvas, event)
            # napari looks at the mouse every 5 ms.
            self.qtbot.wait(15)

    def cursor(self) -> Any:
        return self.room.state.cursor_lps(Half.CURRENT)

    def give_reason(self, reason: str) -> None:
        """Type a reason where the panel asks for one, and press Enter."""
        from qtpy.QtCore import Qt

        assert self.panel.reasons.isVisible()
        self.qtbot.keyClicks(self.panel.reasons.line, reason)
        self.qtbot.keyClick(self.panel.reasons.line, Qt.Key.Key_Return)
        self.settle()

    def texts(self) -> list[str]:
        """Return whatever a reader can read in the two docks, on the pictures and on the window."""
        from qtpy.QtWidgets import QDockWidget, QWidget

        window = self.room.window()
        roots = [self.place, self.panel]
        widgets = [*roots, *(child for root in roots for child in root.findChildren(QWidget))]
        found = [window.windowTitle()]
        for dock in window.findChildren(QDockWidget):
            if dock.isAncestorOf(self.place) or dock.isAncestorOf(self.panel):
                found.append(dock.windowTitle())
        for widget in widgets:
            if widget.isVisible():
                found += told_by(widget)
        for pane in self.room.panes.values():
            words = pane.overlay.scene.words
            found += [*words.top_left, *words.top_right, *words.bottom_left, words.level, words.note]
        return [text for text in found if text.strip()]


def told_by(widget: Any) -> list[str]:
    """Return what a widget says."""
    from qtpy.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QMenu, QTreeWidget

    found = [widget.toolTip(), widget.accessibleName(), widget.accessibleDescription()]
    if isinstance(widget, QLabel | QAbstractButton):
        found.append(widget.text())
    elif isinstance(widget, QLineEdit):
        found += [widget.text(), widget.placeholderText()]
    elif isinstance(widget, QComboBox):
        found += [widget.itemText(number) for number in range(widget.count())]
    elif isinstance(widget, QMenu):
        found += [action.text() for action in widget.actions()]
    elif isinstance(widget, QTreeWidget):
        for number in range(widget.topLevelItemCount()):
            parent = widget.topLevelItem(number)
            items = [parent, *(parent.child(place) for place in range(parent.childCount()))]
            found += [
                told for item in items for place in (0, 1) for told in (item.text(place), item.toolTip(place))
            ]
    return found

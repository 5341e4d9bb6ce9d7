"""The reading room as napari's menu opens it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from herntrack.workflows.workspace import ENVIRONMENT_VARIABLE, Workspace
from tests.gui.conftest import MANIFEST, forget_windows
from tests.gui.seat import PATIENCE_MS, choose_settings

if TYPE_CHECKING:
    from napari.viewer import Viewer


def titles(widget: Any) -> list[str]:
    """Return what stands over a dock, and that nothing of it is cut off."""
    from qtpy.QtWidgets import QDockWidget, QLabel

    dock = next(each for each in widget.window().findChildren(QDockWidget) if each.isAncestorOf(widget))
    labels = [each for each in dock.titleBarWidget().findChildren(QLabel) if each.isVisible()]
    assert all(each.fontMetrics().horizontalAdvance(each.text()) <= each.width() for each in labels)
    assert all(each.text() == dock.windowTitle() for each in labels)
    return [each.text() for each in labels]


@pytest.fixture
def nobody(tmp_path: Path) -> None:
    """Keep the person's settings in a folder, with no name chosen."""
    choose_settings(tmp_path, reader="")


@pytest.mark.usefixtures("nobody")
def test_the_plugin_opens_the_room_and_gives_napari_its_canvas_back(
    npe2pm: Any,
    make_napari_viewer: Any,
    two_visits: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: Any,
) -> None:
    from qtpy.QtWidgets import QWidget

    from napari_herntrack._qt.room.mount import Mount

    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(two_visits.folder))
    with npe2pm.tmp_plugin(manifest=str(MANIFEST)):
        viewer: Viewer = make_napari_viewer(show=True)
        _, dock = viewer.window.add_plugin_dock_widget("herntrack", "Reading room")
        qtbot.waitUntil(lambda: dock.is_open and bool(dock.worklist.rows), timeout=PATIENCE_MS)
        qtbot.waitUntil(lambda: not dock.conductor.is_busy, timeout=PATIENCE_MS)
        qt_viewer = viewer.window._qt_viewer
        assert dock.room.isVisible()
        assert dock.panel.isVisible()
        for each, words in ((dock, "Worklist"), (dock.panel, "Reading room")):
            assert titles(each) == [words]
        assert not qt_viewer.isVisible()
        # Nobody has said who reads: that is asked for, once, without a dialog.
        dock.conductor.next_visit()
        assert dock.panel.message.text().startswith("Choose your name")
        dock.leave()
        assert qt_viewer.isVisible()
        assert qt_viewer.dockLayerList.isVisible()
        # The canvases go one after the other, out of sight, even if the dock goes before them; whoever opens
        # another room meanwhile has napari's canvas out of its way, and not theirs.
        assert dock.is_leaving
        other, mount = QWidget(), Mount()
        mount.open(other, viewer.window._qt_window)
        assert not qt_viewer.isVisible()
        viewer.window.remove_dock_widget(dock)
        assert dock.is_leaving
        qtbot.waitUntil(lambda: not dock.is_leaving, timeout=PATIENCE_MS)
        mount.close()
        assert qt_viewer.isVisible()
        forget_windows()

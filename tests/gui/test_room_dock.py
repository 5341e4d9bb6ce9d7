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
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(two_visits.folder))
    with npe2pm.tmp_plugin(manifest=str(MANIFEST)):
        viewer: Viewer = make_napari_viewer(show=True)
        _, dock = viewer.window.add_plugin_dock_widget("herntrack", "herntrack: reading room")
        qtbot.waitUntil(lambda: dock.is_open and bool(dock.worklist.rows), timeout=PATIENCE_MS)
        qtbot.waitUntil(lambda: not dock.conductor.is_busy, timeout=PATIENCE_MS)
        qt_viewer = viewer.window._qt_viewer
        assert dock.room.isVisible()
        assert dock.panel.isVisible()
        assert not qt_viewer.isVisible()
        # Nobody has said who reads: that is asked for, once, without a dialog.
        dock.conductor.next_visit()
        assert dock.panel.message.text().startswith("Choose your name")
        dock.leave()
        assert qt_viewer.isVisible()
        assert qt_viewer.dockLayerList.isVisible()
        viewer.window.remove_dock_widget(dock)
        qtbot.wait(50)
        forget_windows()

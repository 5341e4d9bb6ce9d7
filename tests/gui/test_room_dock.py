"""The reading room as napari's menu opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from herntrack.workflows.workspace import ENVIRONMENT_VARIABLE, Workspace
from tests.gui.conftest import MANIFEST, forget_windows

if TYPE_CHECKING:
    from napari.viewer import Viewer

PATIENCE_MS = 30_000


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
        qtbot.waitUntil(lambda: dock.room is not None and dock.room.state is not None, timeout=PATIENCE_MS)
        qtbot.waitUntil(lambda: not dock.room.loader.is_busy, timeout=PATIENCE_MS)
        qt_viewer = viewer.window._qt_viewer
        assert dock.room.isVisible()
        assert not qt_viewer.isVisible()
        dock.leave()
        assert qt_viewer.isVisible()
        assert qt_viewer.dockLayerList.isVisible()
        qtbot.waitUntil(lambda: not dock._workers, timeout=PATIENCE_MS)
        viewer.window.remove_dock_widget(dock)
        qtbot.wait(50)
        forget_windows()

"""Tests in this folder open a real napari window."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.workspace import ENVIRONMENT_VARIABLE, Workspace, create_workspace
from tests.gui.seat import PATIENCE_MS, Seat, choose_settings
from tests.unit.plugin.written_stacks import make_workspace

if TYPE_CHECKING:
    from napari.viewer import Viewer

HERE = Path(__file__).parent
MANIFEST = HERE.parents[1] / "plugins" / "napari_herntrack" / "napari.yaml"
NO_DISPLAY = "no display; make test starts Xvfb"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and skip them where no window can be opened."""
    has_display = sys.platform != "linux" or bool(os.environ.get("DISPLAY"))
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.gui)
            if not has_display:
                item.add_marker(pytest.mark.skip(reason=NO_DISPLAY))


@pytest.fixture(scope="session")
def imaged_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace with a regular MR stack, one with a hole, and one of CT; only read it."""
    return make_workspace(tmp_path_factory.mktemp("gui"))


@pytest.fixture(scope="session")
def two_visits(tmp_path_factory: pytest.TempPathFactory, sample_dicom: Path) -> Workspace:
    """Return a workspace with two visits of the sample cohort's first patient; only read it."""
    patient = sample_dicom / "dicom" / "S-001"
    folder = tmp_path_factory.mktemp("room") / "study"
    return ingest(create_workspace(folder), [patient / "20240304", patient / "20240406"], jobs=1).workspace


def forget_windows() -> None:
    """Let Qt destroy what was closed; napari's fixture for the next test wants nothing left."""
    from qtpy.QtCore import QCoreApplication, QEvent

    for _ in range(3):
        gc.collect()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        QCoreApplication.processEvents()


@pytest.fixture
def viewer(
    npe2pm: Any, make_napari_viewer: Any, imaged_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Viewer]:
    """Return a shown window that knows our plugin alone; the default workspace is the imaged one."""
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(imaged_workspace.folder))
    with npe2pm.tmp_plugin(manifest=str(MANIFEST)):
        yield make_napari_viewer(show=True)


@pytest.fixture
def stacks(viewer: Viewer, qtbot: Any) -> Any:
    """Return our dock widget, opened as napari's menu opens it, once it has listed the workspace."""
    _, widget = viewer.window.add_plugin_dock_widget("herntrack", "Stacks")
    qtbot.waitUntil(lambda: widget.table.n_rows == 3, timeout=20_000)
    qtbot.waitUntil(widget.reload_button.isEnabled, timeout=20_000)
    return widget


@contextmanager
def own_app() -> Iterator[None]:
    """Let napari register its actions and plugins anew, as its own fixtures do for one test."""
    from app_model import Application
    from napari._app_model._app import NapariApplication, _napari_names
    from napari._qt._qapp_model.qactions import init_qactions
    from napari.plugins import _initialize_plugins

    registered = (_initialize_plugins, init_qactions)
    for each in registered:
        each.cache_clear()
    app = NapariApplication("reading_place")
    app.injection_store.namespace = _napari_names
    with patch.object(NapariApplication, "get_app_model", return_value=app):
        try:
            yield
        finally:
            Application.destroy("reading_place")
            for each in registered:
                each.cache_clear()


@contextmanager
def opened_place(folder: Path, settings: Path) -> Iterator[Any]:
    """Open the reading place of a workspace in a napari window, and close it again."""
    import napari

    from napari_herntrack._qt.panels.place import ReadingPlace

    choose_settings(settings)
    with own_app():
        viewer = napari.Viewer(show=True)
        viewer.window._qt_window.resize(1500, 950)
        place = ReadingPlace(viewer, folder)
        viewer.window.add_dock_widget(place, name="herntrack", area="left", add_vertical_stretch=False)
        yield place
        place.leave()
        viewer.close()
        # Canvases that were still being closed went with the window.
        assert not place.is_leaving
        del viewer, place
        forget_windows()


@pytest.fixture(scope="module")
def opened(study: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return the reading place of the module's study in a napari window: one for all, as it takes seconds."""
    with opened_place(study.folder, tmp_path_factory.mktemp("settings")) as place:
        yield place


@pytest.fixture
def seat(opened: Any, qtbot: Any) -> Seat:
    """Return the furnished place."""
    qtbot.waitUntil(lambda: opened.conductor is not None and bool(opened.worklist.rows), timeout=PATIENCE_MS)
    made = Seat(place=opened, qtbot=qtbot)
    made.settle()
    return made

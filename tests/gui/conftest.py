"""Tests in this folder open a real napari window."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from herntrack.workflows.ingest import ingest
from herntrack.workflows.workspace import ENVIRONMENT_VARIABLE, Workspace, create_workspace
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
    _, widget = viewer.window.add_plugin_dock_widget("herntrack", "herntrack: stacks")
    qtbot.waitUntil(lambda: widget.table.n_rows == 3, timeout=20_000)
    qtbot.waitUntil(widget.reload_button.isEnabled, timeout=20_000)
    return widget

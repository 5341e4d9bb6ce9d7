"""The workspace that the plugin's tests read."""

from __future__ import annotations

from pathlib import Path

import pytest

from herntrack.workflows.workspace import Workspace
from tests.unit.plugin.written_stacks import make_workspace


@pytest.fixture(scope="session")
def imaged_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace with a regular MR stack, one with a hole, and one of CT; only read it."""
    folder: Path = tmp_path_factory.mktemp("plugin")
    return make_workspace(folder)

"""The command that opens the reading room."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec

import pytest
from typer.testing import CliRunner

from herntrack.cli.annotate import PLUGIN_WIDGET
from herntrack.cli.app import app
from herntrack.errors import MissingDependencyError
from herntrack.workflows.workspace import Workspace
from tests.conftest import REPOSITORY


def test_a_machine_without_napari_is_told_which_extra_brings_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec

    def without_napari(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "napari" else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without_napari)
    done = CliRunner().invoke(app, ["annotate", "-w", str(workspace.folder)])
    assert isinstance(done.exception, MissingDependencyError)
    assert str(done.exception) == "napari is not installed; install it with: pip install 'herntrack[gui]'"


def test_the_command_opens_a_widget_that_the_manifest_has() -> None:
    manifest = (REPOSITORY / "plugins" / "napari_herntrack" / "napari.yaml").read_text()
    assert f'display_name: "{PLUGIN_WIDGET}"' in manifest

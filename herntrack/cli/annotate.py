"""The command that opens the reading room."""

from __future__ import annotations

import importlib
import importlib.util
import os
from pathlib import Path
from typing import Annotated

import typer

from herntrack.cli.terminal import WorkspaceOption, workspace_of
from herntrack.errors import MissingDependencyError

PLUGIN_WIDGET = "Reading room"
"""Name of the dock widget in the plugin's manifest."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(annotate)


def annotate(
    context: typer.Context,
    workspace: WorkspaceOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether the window could be opened, and where.")
    ] = False,
) -> None:
    """Open napari with the reading room on the workspace."""
    opened = workspace_of(context, workspace)
    for package in ("napari", "qtpy"):
        if importlib.util.find_spec(package) is None:
            raise MissingDependencyError(package, extra="gui")
    if check:
        typer.echo(f"napari would open the reading room on {os.fspath(opened.folder)}")
        return
    run(opened.folder)


def run(folder: Path) -> None:
    """Open the window and stay until it is closed."""
    from herntrack.workflows.workspace import ENVIRONMENT_VARIABLE

    # The plugin finds the workspace as every command does.
    os.environ[ENVIRONMENT_VARIABLE] = os.fspath(folder)
    # By name: the command line knows neither napari nor the plugin.
    napari = importlib.import_module("napari")
    viewer = napari.Viewer(title="herntrack")
    viewer.window.add_plugin_dock_widget("herntrack", PLUGIN_WIDGET)
    viewer.window._qt_window.showMaximized()
    napari.run()

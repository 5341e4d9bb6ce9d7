"""Commands about image roots: list, move."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from herntrack.cli.terminal import (
    JsonOption,
    WorkspaceOption,
    print_json,
    print_table,
    say,
    warn,
    workspace_of,
)

roots_app = typer.Typer(help="Roots: the folders that images are read from.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(roots_app, name="roots")


@roots_app.command("list")
def list_command(
    context: typer.Context, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """List the roots and how many of their images can be found."""
    from herntrack.workflows.roots import root_states

    rows = [
        {**asdict(state), "path": os.fspath(state.path)}
        for state in root_states(workspace_of(context, workspace))
    ]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, ("name", "path", "n_images", "n_found"))
    else:
        say("no roots; herntrack ingest PATH adds one")


@roots_app.command("move")
def move(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The root, as herntrack roots list shows it.")],
    path: Annotated[Path, typer.Argument(metavar="NEWPATH", help="Where its folder lies now.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Point a root at the place its folder was moved to."""
    from herntrack.workflows.roots import move_root

    state = move_root(workspace_of(context, workspace), name, path)
    say(f"root {state.name} is {state.path}: {state.n_found} of {state.n_images} images found")
    if state.n_found < state.n_images:
        warn(f"{state.n_images - state.n_found} images are not there; herntrack check names them")

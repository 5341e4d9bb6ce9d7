"""How the command line speaks: tables, JSON, progress, exit codes.

Results go to standard output, everything else to standard error, so that a result can be
piped while a person watches.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from herntrack.workflows.workspace import ENVIRONMENT_VARIABLE, Workspace, find_workspace

EXIT_REFUSED = 1
"""Refused, with a reason."""

EXIT_PARTIAL = 3
"""Done, with some files or cases set aside."""

NARROWEST_COLUMNS = 60
"""A table is never squeezed below this width."""

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        help=f"Workspace folder; else ${ENVIRONMENT_VARIABLE}, else the current folder or its parents.",
        file_okay=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

Stage = Callable[[str, int, int], None]
"""Told the stage, how much is done and of how much."""


def workspace_of(context: typer.Context, given: Path | None) -> Workspace:
    """Return the workspace the command was pointed at, before or after its name."""
    return find_workspace(given or context.find_root().params.get("workspace"))


def out() -> Console:
    """Return the console for results."""
    return Console(soft_wrap=not sys.stdout.isatty())


def err() -> Console:
    """Return the console for everything else."""
    return Console(stderr=True, soft_wrap=not sys.stderr.isatty())


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def say(text: str) -> None:
    """Tell a person something that is not the result."""
    err().print(escape(text), highlight=False)


def warn(text: str) -> None:
    """Tell a person something that wants attention."""
    err().print(f"[yellow]![/yellow] {escape(text)}", highlight=False)


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, title: str = "") -> None:
    """Print rows as a table, one column a key."""
    table = Table(title=title or None, header_style="bold", pad_edge=False)
    for column in columns:
        numeric = all(isinstance(row[column], int | float) or row[column] is None for row in rows) and rows
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(shown(row[column])) for column in columns))
    console = out()
    if not sys.stdout.isatty():
        console = Console(width=200)
    console.print(table)


def shown(value: Any) -> str:
    """Return a value as a table shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, list | tuple):
        return "; ".join(shown(item) for item in value)
    return str(value)


@contextmanager
def stages() -> Iterator[Stage]:
    """Show the progress of long work: bars on a terminal, one line a stage in a log."""
    if not sys.stderr.isatty():
        begun: set[str] = set()

        def tell(stage: str, _done: int, total: int) -> None:
            if stage not in begun:
                begun.add(stage)
                say(f"{stage} ({total})")

        yield tell
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err(),
        transient=True,
    )
    with bar:
        tasks: dict[str, Any] = {}

        def update(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield update

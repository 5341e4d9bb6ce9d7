"""How the command line speaks: tables, JSON, progress, exit codes.

Results go to standard output, everything else to standard error, so that a result can be
piped while a person watches.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape as escape_markup
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from herntrack.workflows.workspace import ENVIRONMENT_VARIABLE, Workspace, find_workspace

EXIT_REFUSED = 1
"""Refused, with a reason."""

EXIT_PARTIAL = 3
"""Done, with some files or cases set aside."""

SECONDS_BETWEEN_LINES = 60.0
"""A log hears of a stage at most this often (s)."""

FILE_STAGES = frozenset({"reading", "reading again", "copying", "unpacking", "images"})
"""Stages that count files."""

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

CONTROLS = {
    code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    for code in (*range(9), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
"""Characters that steer a terminal or turn a line around; file names and headers may hold them."""

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


def visible(text: str) -> str:
    """Return a text with the characters that would steer a terminal written out."""
    return text.translate(CONTROLS)


def escape(text: str) -> str:
    """Return a text that may stand between marks of style: what looks like one or steers is written out."""
    return escape_markup(visible(text))


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
    """Show the progress of long work: bars on a terminal, a line now and then in a log."""
    if not sys.stderr.isatty():
        yield LogLines(say, time.monotonic)
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _SpeedColumn(),
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


class LogLines:
    """Tells a log how far work is, in few lines: when a stage begins, and once in a while after.

    Parameters
    ----------
    tell : callable
        Receives each line.
    clock : callable
        Seconds that only go forward.
    """

    def __init__(self, tell: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._tell, self._clock = tell, clock
        self._begun: dict[str, float] = {}
        self._told: dict[str, float] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take a step of a stage."""
        now = self._clock()
        if stage not in self._begun:
            self._begun[stage] = self._told[stage] = now
            self._tell(f"{stage} ({total})")
        elif now - self._told[stage] >= SECONDS_BETWEEN_LINES and 0 < done < total:
            self._told[stage] = now
            speed = done / (now - self._begun[stage])
            left = (total - done) / speed
            self._tell(f"{stage}: {done} of {total}, {speed:.0f} {_unit(stage)}, {left:.0f} s left")


class _SpeedColumn(ProgressColumn):
    """How much is done in a second."""

    def render(self, task: Task) -> Text:
        """Return the text of one stage."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.0f} {_unit(task.description)}" if speed else "")


def _unit(stage: str) -> str:
    return "files/s" if stage in FILE_STAGES else "/s"

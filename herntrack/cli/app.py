"""The ``herntrack`` command.

Exit codes: 0 done, 1 refused with a reason, 2 wrong usage, 3 done with some files or
cases set aside.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from herntrack import __version__
from herntrack.cli import (
    align,
    annotate,
    followup,
    images,
    lesions,
    levels,
    listings,
    people,
    roots,
    sample,
    segment,
    show,
    trust,
)
from herntrack.cli.terminal import EXIT_REFUSED, err, escape
from herntrack.cli.usage import PlainGroup
from herntrack.errors import HerntrackError

EXIT_INTERRUPTED = 130
"""As shells call a program that was interrupted by a key: 128 and the number of the signal."""

app = typer.Typer(
    name="herntrack",
    cls=PlainGroup,
    help="Follow lumbar disc herniations through time on MRI and CT. Research use: not a medical device.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (
    images,
    listings,
    show,
    people,
    lesions,
    levels,
    align,
    segment,
    annotate,
    followup,
    sample,
    roots,
    trust,
):
    group.register(app)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        sys.stdout.write(f"herntrack {__version__}\n")
        raise typer.Exit


@app.callback()
def common(
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", help="Workspace folder.", file_okay=False)
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Options that every command takes."""


def main() -> None:
    """Run the command line; errors that herntrack raises on purpose become one sentence."""
    try:
        app()
    except HerntrackError as error:
        if "--debug" in sys.argv:
            raise
        err().print(f"[red]error:[/red] {escape(str(error))}", highlight=False)
        sys.exit(EXIT_REFUSED)
    except Exception as error:
        # A full disk, a damaged catalogue: a person gets a sentence, a developer asks for the traceback.
        if "--debug" in sys.argv:
            raise
        said = str(error).splitlines()[0] if str(error) else ""
        err().print(
            f"[red]error:[/red] {escape(type(error).__name__)}: {escape(said)};"
            " nothing recorded before is lost (herntrack check; --debug shows the traceback)",
            highlight=False,
        )
        sys.exit(EXIT_REFUSED)
    except KeyboardInterrupt:
        _say_interrupted()
        sys.exit(EXIT_INTERRUPTED)
    except SystemExit as ended:
        # Typer turns the key that interrupts a command into this exit code, and says nothing.
        if ended.code == EXIT_INTERRUPTED:
            _say_interrupted()
        raise


def _say_interrupted() -> None:
    err().print("interrupted; what was recorded before is kept, and the same command does the rest")

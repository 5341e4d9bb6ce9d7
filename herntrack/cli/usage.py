"""Wrong values on the command line as one sentence: what was wrong, which value, what is expected.

Typer's own words name formats and types of its own making ("does not match the formats '%Y-%m-%d'") or
leave out the value.

Public: `PlainGroup`, `usage_sentence`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

EXIT_USAGE = 2
"""Wrong usage."""

DATE_EXAMPLE = "2024-03-31"

_WORDS: tuple[tuple[str, str], ...] = (
    (
        r"'(?P<value>.*)' does not match the formats? .*",
        f"{{value!r}} is no date; give YYYY-MM-DD, such as {DATE_EXAMPLE}",
    ),
    (r".*valid integer.*", "{value!r} is no whole number; give one, such as 4"),
    (r".*valid number.*", "{value!r} is no number; give one, such as 2.5"),
    (r".*greater than or equal to (?P<limit>\S+)", "{value!r} is less than {limit}; give {limit} or more"),
    (r".*less than or equal to (?P<limit>\S+)", "{value!r} is more than {limit}; give {limit} or less"),
    (r"'(?P<value>.*)' is not one of (?P<words>.*?)\.?", "{value!r} is none of them; use one of: {words}"),
)
"""What Typer says, and what is said in its place."""


class PlainGroup(TyperGroup):
    """The command with all its parts; a wrong value anywhere in them is told in a sentence."""

    def make_context(self, *args: Any, **values: Any) -> Any:
        """Read the options before the command's name."""
        try:
            return super().make_context(*args, **values)
        except typer.BadParameter as error:
            _end(error)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is named."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            _end(error)


def usage_sentence(error: typer.BadParameter, words: Sequence[str]) -> str:
    """Return what is wrong with a value, or that it is missing.

    Parameters
    ----------
    error : BadParameter
        As Typer raises it.
    words : sequence of str
        The command line, without the program's name.
    """
    param = getattr(error, "param", None)
    message = str(error.message or "").removeprefix("Value error, ").rstrip(".")
    if param is None:
        return message
    options = [name for name in getattr(param, "opts", ()) if name.startswith("-")]
    name = " or ".join(options) or (getattr(param, "metavar", None) or str(param.name).upper())
    if not message:
        return f"{name} is missing"
    for pattern, told in _WORDS:
        found = re.fullmatch(pattern, message)
        if found:
            values = {"value": _given(options, words), **found.groupdict()}
            values["words"] = values.get("words", "").replace("'", "")
            return f"{name}: {told.format(**values)}"
    return f"{name}: {message}"


def _given(options: Sequence[str], words: Sequence[str]) -> str:
    """Return the last value that was given to an option; empty if it cannot be told."""
    value = ""
    for number, word in enumerate(words):
        option, _, behind = word.partition("=")
        if option in options:
            value = behind or (words[number + 1] if number + 1 < len(words) else "")
    return value


def _end(error: typer.BadParameter) -> None:
    from herntrack.cli.terminal import err, escape

    context = getattr(error, "ctx", None)
    # What the program is called by whoever started it is not its name.
    path = "" if context is None else context.command_path.removeprefix(context.find_root().command_path)
    command = f"herntrack{path}"
    said = escape(usage_sentence(error, sys.argv[1:]))
    err().print(f"[red]error:[/red] {said} (see: {escape(command)} --help)", highlight=False)
    raise typer.Exit(EXIT_USAGE)

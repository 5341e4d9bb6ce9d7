"""Listings as tables that fit the terminal, and as CSV.

On a terminal a table shows as many columns as fit, the important ones first, and shortens
identifiers; what it leaves out it names. Elsewhere every value is written whole, one row a line.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from herntrack.cli.terminal import escape, out, shown, visible
from herntrack.reports.columns import protect_text

SHORT_UID = 13
"""Characters of a shortened identifier: its beginning, an ellipsis and its end."""

UID_START = 4
"""Characters kept of an identifier's beginning."""

GAP = 2
"""Blanks between two columns."""

LINE_LIMIT = 100_000
"""Columns of a line that goes to no terminal: nothing is wrapped."""

LIST_SEPARATOR = "; "
"""Between the items of a list in one cell."""

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    key : str
        Key of the rows.
    label : str
        Heading; by default the key.
    drop : int
        Columns with a higher number are left out first; those with 0 stay.
    least : int
        Characters that free text needs at least; it then goes on in the next line. 0: the
        cell is never broken.
    most : int
        Characters that free text gets at most while the table is fitted; 0: no limit.
    is_uid : bool
        Whether it may be shortened.
    decimals : int
        Of fractions.
    usual : tuple
        Values that tell nothing; a column that holds no other is left out of a fitted table.
    style : str
        Of every cell, as rich writes it.
    compose : callable, optional
        Makes the value from the whole row, where one key does not hold it.
    """

    key: str
    label: str = ""
    drop: int = 0
    least: int = 0
    most: int = 0
    is_uid: bool = False
    decimals: int = 2
    usual: tuple[Any, ...] = ()
    style: str = ""
    compose: Callable[[dict[str, Any]], Any] | None = None

    def value(self, row: dict[str, Any]) -> Any:
        """Return what a row holds of this column."""
        return row[self.key] if self.compose is None else self.compose(row)

    @property
    def heading(self) -> str:
        """What stands above the column."""
        return self.label or self.key

    def text(self, value: Any, *, is_short: bool) -> str:
        """Return a cell."""
        if isinstance(value, float):
            return f"{value:.{self.decimals}f}"
        text = visible(shown(value))
        return short_uid(text) if self.is_uid and is_short else text


def endless_console() -> Console:
    """Return a console for results that breaks and cuts no line."""
    # Without a height rich takes a terminal that says nothing of itself for 80 columns wide.
    return Console(width=LINE_LIMIT, height=LINE_LIMIT, soft_wrap=True)


def short_uid(uid: str) -> str:
    """Return an identifier's beginning and end; one that is short enough stays whole."""
    if len(uid) <= SHORT_UID:
        return uid
    return f"{uid[:UID_START]}{ELLIPSIS}{uid[UID_START + 1 - SHORT_UID :]}"


def print_listing(
    rows: Sequence[dict[str, Any]], columns: Sequence[Column], *, is_wide: bool = False
) -> tuple[str, ...]:
    """Print rows as a table and return the headings that found no room.

    Parameters
    ----------
    rows : sequence of dict
        At least one.
    columns : sequence of Column
        In the order to be shown.
    is_wide : bool
        Print every column and every identifier whole, however long the lines get.
    """
    is_whole = is_wide or not sys.stdout.isatty()
    console = endless_console() if is_whole else out()
    if not is_whole:
        columns = [column for column in columns if _tells(column, rows)]
    cells = [[column.text(column.value(row), is_short=not is_whole) for column in columns] for row in rows]
    natural = [
        max([cell_len(column.heading), *(cell_len(line[place]) for line in cells)])
        for place, column in enumerate(columns)
    ]
    widths = dict(enumerate(natural)) if is_whole else fitted_widths(columns, natural, console.width)
    # The box draws one blank between columns, so the padding is what remains of the gap.
    table = Table(
        box=box.SIMPLE_HEAD, header_style="bold", show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0)
    )
    for place, width in widths.items():
        column = columns[place]
        numeric = all(_is_number(column.value(row)) for row in rows)
        table.add_column(
            escape(column.heading),
            justify="right" if numeric else "left",
            width=width,
            style=column.style or None,
            overflow="fold",
            no_wrap=is_whole or not column.least,
        )
    for line in cells:
        table.add_row(*(Text(line[place]) for place in widths))
    console.print(table, crop=False)
    return tuple(column.heading for place, column in enumerate(columns) if place not in widths)


def fitted_widths(columns: Sequence[Column], natural: Sequence[int], total: int) -> dict[int, int]:
    """Return the width of each column that has room, by its place.

    Columns are left out from the highest `Column.drop` on until the rest fits with its free
    text at its narrowest; what room remains goes to the free text.
    """
    wanted = [
        min(width, column.most) if column.most else width
        for column, width in zip(columns, natural, strict=True)
    ]
    least = [
        min(width, max(column.least, len(column.heading))) if column.least else width
        for column, width in zip(columns, wanted, strict=True)
    ]
    kept = list(range(len(columns)))
    while len(kept) > 1 and sum(least[place] + GAP for place in kept) > total + GAP:
        loosest = max(kept, key=lambda place: (columns[place].drop, place))
        if columns[loosest].drop == 0:
            break
        kept.remove(loosest)
    widths = {place: least[place] for place in kept}
    for _ in range(total + GAP - sum(width + GAP for width in widths.values())):
        neediest = max(kept, key=lambda place: wanted[place] - widths[place])
        if wanted[neediest] == widths[neediest]:
            break
        widths[neediest] += 1
    return widths


def print_csv(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> None:
    """Print rows as CSV (RFC 4180: commas, quotes where needed, CRLF) with a heading.

    Lists are joined by ``; ``, None is an empty cell, and text that a spreadsheet would run
    as a formula gets a leading apostrophe.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # The line ends are written as they are, on every system.
        sys.stdout.reconfigure(newline="")
    writer = csv.writer(sys.stdout, lineterminator="\r\n")
    writer.writerow(keys)
    writer.writerows([csv_cell(row[key]) for key in keys] for row in rows)


def csv_cell(value: Any) -> str:
    """Return a value as a cell of a CSV holds it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        items = (" ".join(map(csv_cell, item)) if isinstance(item, list) else item for item in value)
        return protect_text(LIST_SEPARATOR.join(map(str, items)))
    return protect_text(value) if isinstance(value, str) else str(value)


def _tells(column: Column, rows: Sequence[dict[str, Any]]) -> bool:
    return not column.usual or any(column.value(row) not in column.usual for row in rows)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))

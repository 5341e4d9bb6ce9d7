"""How a table is written, read back and explained, all from one list of columns.

A `Table` joins a frozen record with its columns. The writer, the reader and the data
dictionary walk the same list, so a column cannot change its meaning in one place only.

Cells: UTF-8, a decimal point, ISO dates, flags joined by ``;``. An empty cell means not
measured; ``0`` is a measured zero. Text that a spreadsheet would run as a formula gets a
leading apostrophe, which the reader takes off again.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from enum import Enum, StrEnum, unique
from typing import Any, Generic, TypeVar

from herntrack.errors import ReportError

RecordT = TypeVar("RecordT")

FLAG_SEPARATOR = ";"
"""Between two flags of one cell."""

DICTIONARY_COLUMNS = ("column", "type", "unit", "allowed_values", "meaning", "source")
"""Header of every data dictionary."""

_FORMULA_START = re.compile(r"'*[=+\-@\t\r]")
"""Text that a spreadsheet runs as a formula (OWASP, CSV injection), apostrophes before it included."""


_NEEDS_QUOTES = re.compile(r'[",\r\n]')


@unique
class Kind(Enum):
    """What a cell holds."""

    TEXT = "text"
    DATE = "date"
    INTEGER = "integer"
    DECIMAL = "decimal"
    TERM = "term"
    FLAGS = "flags"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        Header, equal to the record's field.
    kind : Kind
        What a cell holds.
    meaning, source : str
        Sentences for the data dictionary.
    unit : str
        Empty for numbers without one.
    decimals : int
        Digits after the point, for `Kind.DECIMAL`.
    term : type of StrEnum, optional
        The closed list of words, for `Kind.TERM`.
    allowed : str
        What a cell may hold, where `term` does not say it.
    """

    name: str
    kind: Kind
    meaning: str
    source: str
    unit: str = ""
    decimals: int = 2
    term: type[StrEnum] | None = None
    allowed: str = ""

    @property
    def allowed_values(self) -> str:
        """Return the words a cell may hold, or the range."""
        return " | ".join(word.value for word in self.term) if self.term else self.allowed

    def to_text(self, value: Any) -> str:
        """Return the cell of a value; None is an empty cell.

        Raises
        ------
        ReportError
            If a number is not finite or a flag holds the separator.
        """
        if value is None:
            return ""
        if self.kind is Kind.DECIMAL:
            return _decimal_text(self.name, float(value), self.decimals)
        if self.kind is Kind.FLAGS:
            return _flags_text(self.name, value)
        if self.kind is Kind.DATE:
            return str(value.isoformat())
        if self.kind is Kind.TEXT:
            return protect_text(str(value))
        return str(value)

    def from_text(self, cell: str) -> Any:
        """Return the value of a cell; the opposite of `to_text`."""
        if self.kind is Kind.FLAGS:
            return tuple(restore_text(flag) for flag in cell.split(FLAG_SEPARATOR)) if cell else ()
        if self.kind is Kind.TEXT:
            return restore_text(cell)
        return self._parsed(cell) if cell else None

    def _parsed(self, cell: str) -> Any:
        if self.kind is Kind.DATE:
            return date.fromisoformat(cell)
        if self.kind is Kind.INTEGER:
            return int(cell)
        if self.kind is Kind.DECIMAL:
            return float(cell)
        return self.term(cell) if self.term else cell


def protect_text(text: str) -> str:
    """Return text that no spreadsheet takes for a formula; `restore_text` undoes it."""
    return f"'{text}" if _FORMULA_START.match(text) else text


def restore_text(cell: str) -> str:
    """Return the text that `protect_text` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA_START.match(cell) else cell


def _decimal_text(name: str, value: float, decimals: int) -> str:
    if not math.isfinite(value):
        raise ReportError(
            f"{name} is {value}; a table holds finite numbers, or nothing where none was measured"
        )
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0.0 else text


def _flags_text(name: str, flags: Iterable[str]) -> str:
    words = [str(flag) for flag in flags]
    unfit = [word for word in words if FLAG_SEPARATOR in word or not word]
    if unfit:
        raise ReportError(f"{name} holds {unfit[0]!r}; a flag is a word without {FLAG_SEPARATOR!r}")
    return FLAG_SEPARATOR.join(protect_text(word) for word in words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Generic[RecordT]):
    """A kind of record and the columns it is written in.

    Parameters
    ----------
    name : str
        File name without its ending.
    record : type
        Dataclass with one field for each column, in the same order.
    columns : tuple of Column
        The columns.

    Raises
    ------
    ReportError
        If fields and columns differ.
    """

    name: str
    record: type[RecordT]
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        field_names = tuple(field.name for field in fields(self.record))  # type: ignore[arg-type]
        if field_names != self.column_names:
            raise ReportError(
                f"table {self.name}: the record has {field_names}, the columns are {self.column_names}"
            )

    @property
    def column_names(self) -> tuple[str, ...]:
        """Return the header."""
        return tuple(column.name for column in self.columns)

    def to_csv(self, rows: Iterable[RecordT]) -> str:
        """Return the rows as CSV with a header."""
        cells = ([column.to_text(getattr(row, column.name)) for column in self.columns] for row in rows)
        return _csv_text(self.column_names, cells)

    def from_csv(self, text: str) -> tuple[RecordT, ...]:
        """Return the rows of a CSV that `to_csv` wrote.

        Raises
        ------
        ReportError
            If the header is another one, or a cell cannot be what its column holds.
        """
        lines = csv.reader(io.StringIO(text, newline=""))
        header = tuple(next(lines, ()))
        if header != self.column_names:
            raise ReportError(f"{self.name}.csv has the columns {header}; expected {self.column_names}")
        return tuple(self._record_of(line) for line in lines)

    def _record_of(self, cells: list[str]) -> RecordT:
        try:
            values = {
                column.name: column.from_text(cell) for column, cell in zip(self.columns, cells, strict=True)
            }
        except ValueError as error:
            raise ReportError(f"{self.name}.csv holds a row that cannot be read: {error}") from error
        return self.record(**values)

    def dictionary_csv(self) -> str:
        """Return the data dictionary: one row for each column."""
        rows = (
            [
                column.name,
                column.kind.value,
                column.unit,
                column.allowed_values,
                column.meaning,
                column.source,
            ]
            for column in self.columns
        )
        return _csv_text(DICTIONARY_COLUMNS, ([protect_text(cell) for cell in row] for row in rows))


def _csv_text(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    # RFC 4180 but for the bare newline, which version control, pandas and R expect. Not the csv
    # module's writer: before Python 3.13 it leaves a lone carriage return unquoted.
    lines = [",".join(_quoted(cell) for cell in cells) for cells in (header, *rows)]
    return "".join(f"{line}\n" for line in lines)


def _quoted(cell: str) -> str:
    if not _NEEDS_QUOTES.search(cell):
        return cell
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'

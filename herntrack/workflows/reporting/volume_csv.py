"""The rows of a CSV file of volumes: bytes in, checked values out.

What the columns mean is told in `herntrack.workflows.reporting.volume_table`, which uses this module.
A file that is no such table is refused; a row that cannot be used is yielded as a fault, so
that the rest of the table can still be decided.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from herntrack.errors import VocabularyError, VolumeTableError
from herntrack.model.vocabulary import Modality, ReadingStatus
from herntrack.volumetrics.visits import MAX_VOLUME_MM3

REQUIRED_COLUMNS = ("lesion_uid", "day", "volume_mm3", "modality", "status")
OPTIONAL_COLUMNS = ("protocol", "reader", "after_surgery", "sequences_discordant")

MAX_DAY = 36_500
"""A later day is a mistake, such as a date written as a number (days: 100 years)."""

LEAST_LIKENESS = 0.7
"""A column that is not used but this like an optional one may be that one misspelt (difflib's ratio)."""

_DELIMITERS = (",", ";", "\t")
_FOREIGN_STARTS = {
    b"PK\x03\x04": "an Excel or OpenDocument workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
# In a table with semicolons a comma may be the decimal sign, and then a dot groups thousands.
_MAYBE_THOUSANDS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_Word = TypeVar("_Word", Modality, ReadingStatus)
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeLine:
    """The cells of a line under their column names, blanks stripped."""

    number: int
    cells: dict[str, str]
    decimal_comma: bool
    surplus: str
    is_dot_unclear: bool = False

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeRow:
    """A line that could be understood."""

    line: int
    day: int
    volume_mm3: float | None
    modality: Modality | None
    status: ReadingStatus
    protocol_and_reader: tuple[str, str]
    is_after_surgery: bool
    is_discordant: bool


class RowError(VolumeTableError):
    """A value of a table that cannot be used: line, column, value, and how to put it right."""

    def __init__(self, line: int, column: str, value: str, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.column = column
        self.value = value
        self.problem = problem


def read_lines(path: Path) -> Iterator[VolumeLine]:
    """Yield the lines after the header that are not blank.

    Raises
    ------
    VolumeTableError
        If the file cannot be read, is empty or no CSV text in UTF-8, or its header lacks a
        required column.
    """
    text = _text(path)
    header_line = next((line for line in text.splitlines() if line.strip()), None)
    if header_line is None:
        raise VolumeTableError(
            f"{path}: the file is empty; its first line holds {', '.join(REQUIRED_COLUMNS)}"
        )
    delimiter = max(_DELIMITERS, key=lambda mark: len(_named(header_line.split(mark))))
    (_, first), *records = _records(text, delimiter, path)
    header = _checked_header(first, path)
    lines = [(number, dict(zip(header, cells, strict=False)), cells) for number, cells in records]
    has_comma = delimiter == ";"
    is_unclear = has_comma and not _has_plain_decimal(cells.get("volume_mm3", "") for _, cells, _ in lines)
    for number, named, cells in lines:
        yield VolumeLine(
            number=number,
            cells=named,
            decimal_comma=has_comma,
            surplus=delimiter.join(cells[len(header) :]).strip(delimiter),
            is_dot_unclear=is_unclear,
        )


def _records(text: str, delimiter: str, path: Path) -> list[tuple[int, list[str]]]:
    """Return every line that is not blank: its number and its cells."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records = []
    try:
        for record in reader:
            cells = [cell.strip() for cell in record]
            if any(cells):
                records.append((reader.line_num, cells))
    except csv.Error as error:
        raise VolumeTableError(
            f"{path}: line {reader.line_num} is no CSV ({error}); check its quotation marks"
        ) from error
    return records


def _has_plain_decimal(cells: Iterable[str]) -> bool:
    """Return whether one number shows that a dot is the decimal sign, as 512.5 does and 1.000 does not."""
    return any(
        "." in cell and _NUMBER.fullmatch(cell) is not None and _MAYBE_THOUSANDS.fullmatch(cell) is None
        for cell in cells
    )


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise VolumeTableError(f"{path}: the table cannot be read ({error.strerror})") from error
    for start, kind in _FOREIGN_STARTS.items():
        if content.startswith(start):
            raise VolumeTableError(f"{path}: this is {kind}; save the table as CSV UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise VolumeTableError(
            f"{path}: byte {error.start} is no UTF-8; save the table as CSV UTF-8"
        ) from error


def _named(cells: Sequence[str]) -> set[str]:
    return {cell.strip().strip('"').lower() for cell in cells} & set(REQUIRED_COLUMNS)


def _checked_header(cells: Sequence[str], path: Path) -> list[str]:
    header = [re.sub(r"[ -]+", "_", cell.lower()) for cell in cells]
    missing = [column for column in REQUIRED_COLUMNS if column not in header]
    if missing:
        raise VolumeTableError(
            f"{path}: the header has no column {', '.join(missing)}; it holds {_listed(header)}"
            f" and needs {', '.join(REQUIRED_COLUMNS)}"
        )
    twice = [column for column in (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS) if header.count(column) > 1]
    if twice:
        raise VolumeTableError(f"{path}: the header names the column {twice[0]} twice; remove one")
    _refuse_misspelt(header, path)
    return header


def _refuse_misspelt(header: Sequence[str], path: Path) -> None:
    """Refuse a column that may be meant as an optional one: ignored, it would change outcomes unseen."""
    missing = [column for column in OPTIONAL_COLUMNS if column not in header]
    for name in header:
        if name in REQUIRED_COLUMNS or name in OPTIONAL_COLUMNS:
            continue
        like = difflib.get_close_matches(name, missing, n=1, cutoff=LEAST_LIKENESS)
        if like:
            raise VolumeTableError(
                f"{path}: the column {name!r} is not used but looks like {like[0]}; rename it to that,"
                " or remove it if it is something else"
            )


def _listed(header: Sequence[str]) -> str:
    """Return the names of a header for a message, without what a terminal would obey."""
    printable = ("".join(sign if sign.isprintable() else "?" for sign in name) for name in header)
    return ", ".join(printable)[:200]


def parse_row(line: VolumeLine) -> VolumeRow:
    """Return the values of a line.

    Raises
    ------
    RowError
        For the first cell that cannot be used.
    """
    if line.surplus:
        raise RowError(
            line.number,
            "(after the last column)",
            line.surplus,
            "the line has more cells than the header; put a value that holds the separator into quotes",
        )
    if not line["lesion_uid"]:
        raise RowError(line.number, "lesion_uid", "", "the row names no lesion; fill in its lesion_uid")
    status = _term(line, "status", ReadingStatus)
    return VolumeRow(
        line=line.number,
        day=_day(line),
        volume_mm3=_volume(line, status),
        modality=_modality(line, status),
        status=status,
        protocol_and_reader=(line["protocol"], line["reader"]),
        is_after_surgery=_boolean(line, "after_surgery"),
        is_discordant=_boolean(line, "sequences_discordant"),
    )


def _term(line: VolumeLine, column: str, vocabulary: type[_Word]) -> _Word:
    try:
        return vocabulary.parse(line[column])
    except VocabularyError:
        words = ", ".join(member.value for member in vocabulary)
        raise RowError(line.number, column, line[column], f"use one of: {words}") from None


def _modality(line: VolumeLine, status: ReadingStatus) -> Modality | None:
    # Who could not judge a visit need not say what it was imaged with.
    if status is ReadingStatus.NOT_EVALUABLE and not line["modality"]:
        return None
    return _term(line, "modality", Modality)


def _boolean(line: VolumeLine, column: str) -> bool:
    try:
        return _BOOLEANS[line[column].lower()]
    except KeyError:
        raise RowError(line.number, column, line[column], "write true or false, 1 or 0, yes or no") from None


def _number(line: VolumeLine, column: str) -> float:
    text = line[column]
    if line.is_dot_unclear and _MAYBE_THOUSANDS.fullmatch(text):
        meant = [text.replace(".", "")]
        if text.count(".") == 1:
            meant.append(f"{float(text):g}".replace(".", ","))
        problem = f"this may be grouped thousands or a decimal; write {' or '.join(meant)}"
        raise RowError(line.number, column, text, problem)
    if line.decimal_comma and "." not in text:
        text = text.replace(",", ".")
    if not _NUMBER.fullmatch(text):
        example = "30" if column == "day" else "512.5, or no number and another status"
        raise RowError(line.number, column, line[column], f"this is no number; write one such as {example}")
    return float(text)


def _day(line: VolumeLine) -> int:
    day = _number(line, "day")
    if not day.is_integer() or not 0 <= day <= MAX_DAY:
        problem = f"write whole days from baseline, 0 to {MAX_DAY}; the baseline itself is day 0"
        raise RowError(line.number, "day", line["day"], problem)
    return int(day)


def _volume(line: VolumeLine, status: ReadingStatus) -> float | None:
    if not line["volume_mm3"]:
        if status is ReadingStatus.PRESENT:
            problem = "a present lesion needs its volume in mm3; or set status to absent or not_evaluable"
            raise RowError(line.number, "volume_mm3", "", problem)
        return None
    volume_mm3 = _number(line, "volume_mm3")
    if not 0.0 <= volume_mm3 <= MAX_VOLUME_MM3:
        problem = f"a volume lies between 0 and {MAX_VOLUME_MM3:.0f} mm3; check its sign and unit"
        raise RowError(line.number, "volume_mm3", line["volume_mm3"], problem)
    return volume_mm3

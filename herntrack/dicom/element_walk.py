"""Walking over the data elements of a header in memory, without making anything of them.

`Layout` steps from element to element by their lengths and cuts out the few values that
are asked for. Files of one series share most of their header byte for byte; after two of
them a layout knows those runs of elements and steps over a whole run by one comparison.
A run begins and ends at elements, so equal bytes are walked equally: nothing is guessed.

Strict on purpose: whatever a reader could take in two ways raises `Unusual`. Encodings
are those of DICOM PS3.5 7.1 and 7.5, little endian.

Public: `Layout`, `Unusual`, `walk_explicit`, `walk_implicit`, `STOP`, `REFUSED`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

SHORT_VRS = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split(),
)
"""Value representations with a length of two bytes."""

LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""Value representations with a length of four bytes after two reserved ones."""

UNDEFINED = 0xFFFFFFFF
"""The length of what ends with a delimiter."""

ITEM = b"\xfe\xff\x00\xe0"
ITEM_END = b"\xfe\xff\x0d\xe0"
SEQUENCE_END = b"\xfe\xff\xdd\xe0"
DELIMITERS = frozenset((ITEM, ITEM_END, SEQUENCE_END))

CHARACTER_SET = b"\x08\x00\x05\x00"
"""Of an item too: it decides how the item is decoded."""

STOP = b"stop"
"""In place of a VR: the walk ends before this element."""

REFUSED = b"refused"
"""In place of a VR: an element that has no place here."""

MAX_DEPTH = 12
"""Sequences within sequences; a deeper one is left to a full parser."""

IMPLICIT_SEQUENCES = frozenset(
    struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    for tag in (
        *(0x00081032, 0x00081110, 0x00081111, 0x00081115, 0x00081120, 0x00081140, 0x00081199, 0x00081250),
        *(0x00082112, 0x00082218, 0x00089215, 0x00120064, 0x00180026, 0x00321064, 0x00400260, 0x00400275),
    )
)
"""Sequences whose VR is known although it is not written; others of undefined length are refused."""

MANY_STEPS = 24
"""So many elements more than before walked one by one: the known runs are those of other files."""

PATIENCE = 8
"""After more slow files in a row the runs are learnt anew."""

MANY_FAILURES = 4
"""A run that fails in more files in a row is none."""

_length_at = struct.Struct("<L").unpack_from
_explicit_head_at = struct.Struct("<4s2sH").unpack_from


class Unusual(Exception):
    """The bytes are not of the plain kind that is walked here."""


@dataclass(slots=True)
class Run:
    """Some consecutive elements that file after file has with the same bytes.

    Parameters
    ----------
    content : bytes
        The elements.
    values : dict
        The wanted values among them.
    last_key : bytes
        How the last of them begins.
    n_failed : int
        Files in a row that had something else there.
    """

    content: bytes
    values: dict[bytes, bytes]
    last_key: bytes
    n_failed: int = 0


@dataclass(slots=True)
class Trail:
    """What one walk takes along and leaves behind.

    Parameters
    ----------
    special : mapping of bytes to bytes
        Of the first four bytes of an element: its VR if its value is wanted, `STOP` or `REFUSED`.
    runs : dict
        Known runs by the first four bytes of their first element.
    found : dict
        Wanted values by the first four bytes of their element.
    marks : list of int
        Where each step of the walk began, a step being an element or a run.
    failed : list of int
        Steps at which a known run was met that had changed.
    """

    special: Mapping[bytes, bytes]
    runs: dict[bytes, Run]
    found: dict[bytes, bytes]
    marks: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)


Walk = Callable[[bytes, int, Trail], int]


class Layout:
    """The walk over headers of one encoding, faster over headers like those before.

    Parameters
    ----------
    walk : callable
        `walk_explicit` or `walk_implicit`.
    special : mapping of bytes to bytes
        What to do with which element; all others are stepped over.
    group : bytes
        The two bytes every element begins with; empty if any may come.
    """

    def __init__(self, walk: Walk, special: Mapping[bytes, bytes], *, group: bytes = b"") -> None:
        self._walk = walk
        self._special = special
        self._group = group
        self._runs: dict[bytes, Run] = {}
        self._one_before: tuple[bytes, list[int]] | None = None
        self._allowed_steps = 0
        self._n_slow = PATIENCE

    def walk(self, data: bytes, position: int, found: dict[bytes, bytes]) -> int:
        """Walk to the end of the data or to an element at which to stop.

        Parameters
        ----------
        data : bytes
            The header; it may be cut off anywhere.
        position : int
            Where an element begins.
        found : dict
            Takes the wanted values by the first four bytes of their element.

        Returns
        -------
        int
            Where the walk ended; beyond the end of the data if the last element is cut off.

        Raises
        ------
        Unusual
            If the bytes are not plain, or end within the head of an element.
        """
        trail = Trail(self._special, self._runs, found)
        try:
            end = self._walk(data, position, trail)
        except (IndexError, struct.error):
            raise Unusual("the data end within an element's head") from None
        marks = trail.marks
        if self._group and {data[mark : mark + 2] for mark in marks} - {self._group}:
            raise Unusual("an element of another group")
        if end <= len(data):
            marks.append(end)
            self._n_slow = self._n_slow + 1 if len(marks) > self._allowed_steps else 0
            if self._n_slow > PATIENCE:
                self._learn(data, trail)
            elif trail.failed:
                self._renew(data, trail)
        return end

    def _learn(self, data: bytes, trail: Trail) -> None:
        """Forget the known runs, then find those of the next two files."""
        if self._runs:
            self._runs, self._one_before, self._allowed_steps = {}, None, 0
        elif self._one_before is None:
            self._one_before = data, trail.marks
        else:
            self._runs, n_apart = _common_runs(*self._one_before, data, trail.marks)
            for run in self._runs.values():
                run.values = self._values_in(run.content)
            self._one_before = None
            self._allowed_steps = n_apart + len(self._runs) + MANY_STEPS
            self._n_slow = 0

    def _values_in(self, content: bytes) -> dict[bytes, bytes]:
        """Return the wanted values among these elements alone."""
        trail = Trail(self._special, {}, {})
        self._walk(content, 0, trail)
        return trail.found

    def _renew(self, data: bytes, trail: Trail) -> None:
        """Take what stands in the place of a changed run for the run: the next series has begun."""
        keys = [data[mark : mark + 4] for mark in trail.marks[:-1]]
        if len(set(keys)) != len(keys):
            return
        for first in trail.failed:
            key = keys[first]
            run = self._runs[key]
            last = keys.index(run.last_key, first) if run.last_key in keys[first:] else -1
            run.n_failed += 1
            if run.n_failed > MANY_FAILURES or any(each in self._runs for each in keys[first + 1 : last + 1]):
                del self._runs[key]
            elif last >= 0:
                run.content = data[trail.marks[first] : trail.marks[last + 1]]
                run.values = {
                    each: trail.found[each] for each in keys[first : last + 1] if each in trail.found
                }


def _common_runs(
    data_before: bytes, marks_before: list[int], data: bytes, marks: list[int]
) -> tuple[dict[bytes, Run], int]:
    """Return the runs of elements that two headers share, and how many elements are in none."""
    before = {
        data_before[begin : begin + 4]: (place, data_before[begin:end])
        for place, (begin, end) in enumerate(pairwise(marks_before))
    }
    elements = [(data[begin : begin + 4], data[begin:end]) for begin, end in pairwise(marks)]
    runs: dict[bytes, Run] = {}
    if len(before) != len(marks_before) - 1 or len(dict(elements)) != len(elements):
        # An element that comes twice would begin two runs.
        return runs, len(elements)
    n_apart, run, last_place = 0, None, -1
    for key, content in elements:
        place, same = before.get(key, (-1, b""))
        if place < 0 or content != same:
            n_apart += 1
            run = None
            continue
        if run is None or place != last_place + 1:
            run = runs[key] = Run(b"", {}, key)
        run.content += content
        run.last_key = key
        last_place = place
    return runs, n_apart


def walk_explicit(data: bytes, position: int, trail: Trail) -> int:
    """Walk over elements in explicit VR; see `Layout.walk`."""
    special, runs, found, marks = trail.special, trail.runs, trail.found, trail.marks
    n_bytes = len(data)
    while position < n_bytes:
        key, vr, length = _explicit_head_at(data, position)
        if key in runs:
            run = runs[key]
            if data.startswith(run.content, position):
                marks.append(position)
                found.update(run.values)
                position += len(run.content)
                run.n_failed = 0
                continue
            trail.failed.append(len(marks))
        wanted = special.get(key)
        if wanted is STOP and position + 12 <= n_bytes and (vr in LONG_VRS or vr in SHORT_VRS):
            return position
        marks.append(position)
        if vr in SHORT_VRS:
            begin = position + 8
            position = begin + length
        else:
            begin = position + 12
            position = _long_end(data, position, vr, 0)
        if wanted is not None:
            if wanted != vr:
                raise Unusual("an element in an unusual VR or place")
            found[key] = data[begin:position]
    return position


def walk_implicit(data: bytes, position: int, trail: Trail) -> int:
    """Walk over elements in implicit VR; see `Layout.walk`."""
    special, runs, found, marks = trail.special, trail.runs, trail.found, trail.marks
    n_bytes = len(data)
    while position < n_bytes:
        key = data[position : position + 4]
        if key in runs:
            run = runs[key]
            if data.startswith(run.content, position):
                marks.append(position)
                found.update(run.values)
                position += len(run.content)
                run.n_failed = 0
                continue
            trail.failed.append(len(marks))
        (length,) = _length_at(data, position + 4)
        wanted = special.get(key)
        if wanted is STOP:
            return position
        marks.append(position)
        begin = position + 8
        position = begin + length if length != UNDEFINED else _implicit_sequence_end(data, position, 0)
        if wanted is not None:
            if wanted is REFUSED or length == UNDEFINED:
                raise Unusual("an element in an unusual place")
            found[key] = data[begin:position]
    return position


def _long_end(data: bytes, position: int, vr: bytes, depth: int) -> int:
    """Return where an element with a four-byte length ends."""
    if vr not in LONG_VRS:
        raise Unusual("a VR that is none")
    (length,) = _length_at(data, position + 8)
    if length != UNDEFINED:
        return int(position + 12 + length)
    if vr not in {b"SQ", b"UN"}:
        raise Unusual("bytes of undefined length")
    return _sequence_end(data, position + 12, is_implicit=False, depth=depth + 1)


def _implicit_sequence_end(data: bytes, position: int, depth: int) -> int:
    """Return where an element of undefined length ends whose VR is not written."""
    is_private = data[position] % 2 == 1
    begins_with_item = data[position + 8 : position + 12] == ITEM
    if not (is_private and begins_with_item) and data[position : position + 4] not in IMPLICIT_SEQUENCES:
        raise Unusual("undefined length without a known VR")
    return _sequence_end(data, position + 8, is_implicit=True, depth=depth + 1)


def _sequence_end(data: bytes, position: int, *, is_implicit: bool, depth: int) -> int:
    """Return where a sequence of undefined length ends, after its delimiter."""
    if depth > MAX_DEPTH:
        raise Unusual("sequences nested too deep")
    while True:
        (length,) = _length_at(data, position + 4)
        key = data[position : position + 4]
        position += 8
        if key == SEQUENCE_END:
            return position
        if key != ITEM:
            raise Unusual("something between items")
        # An item may be in implicit VR although its file is not (PS3.5 6.2.2).
        is_own_implicit = is_implicit or not (0x40 < data[position + 4] < 0x5B > data[position + 5] > 0x40)
        end = None if length == UNDEFINED else position + length
        position = _item_end(data, position, end, is_implicit=is_own_implicit, depth=depth)


def _item_end(data: bytes, position: int, end: int | None, *, is_implicit: bool, depth: int) -> int:
    """Return where an item ends: at `end`, or after its delimiter if that is None."""
    while end is None or position < end:
        key = data[position : position + 4]
        if key in DELIMITERS:
            if end is None and data[position : position + 8] == ITEM_END + b"\0\0\0\0":
                return position + 8
            raise Unusual("a delimiter in an unusual place")
        if key == CHARACTER_SET:
            raise Unusual("an item with a character set of its own")
        position = _nested_end(data, position, is_implicit=is_implicit, depth=depth)
        if position > len(data):
            raise Unusual("the data end within an item")
    if position != end:
        raise Unusual("an item that ends within an element")
    return position


def _nested_end(data: bytes, position: int, *, is_implicit: bool, depth: int) -> int:
    """Return where an element of an item ends."""
    if is_implicit:
        (length,) = _length_at(data, position + 4)
        if length == UNDEFINED:
            return _implicit_sequence_end(data, position, depth)
        return int(position + 8 + length)
    vr = data[position + 4 : position + 6]
    if vr in SHORT_VRS:
        return position + 8 + data[position + 6] + (data[position + 7] << 8)
    return _long_end(data, position, vr, depth)

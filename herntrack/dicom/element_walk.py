"""Walking over the data elements of a header in memory, without making anything of them.

`Layout` steps from element to element by their lengths and cuts out the few values that
are asked for. Files of one series share most of their header byte for byte; after two of
them a layout knows which elements are an image's own, and steps over all between these by
one comparison. Such a step begins and ends at elements, so equal bytes are walked equally:
nothing is guessed.

Strict on purpose: whatever a reader could take in two ways raises `Unusual`. Encodings
are those of DICOM PS3.5 7.1 and 7.5, little endian.

Public: `Layout`, `Unusual`, `EXPLICIT`, `IMPLICIT`, `STOP`, `REFUSED`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby, pairwise
from types import MappingProxyType
from typing import NamedTuple

SHORT_VRS = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split(),
)
"""Value representations with a length of two bytes."""

LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""Value representations with a length of four bytes after two reserved ones."""

UNDEFINED = 0xFFFFFFFF
"""The length of what ends with a delimiter."""

UNDEFINED_BYTES = b"\xff\xff\xff\xff"

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

SERIES = b"\x20\x00\x0e\x00"
"""Series Instance UID: what differs between files of one series is an image's own."""

MANY_OWN = 48
"""With more elements of an image's own, what was learnt of them is forgotten: it is of many scanners."""

PATIENCE = 4
"""After so many files in a row, each of another series, what differs between series is taken for an image's
own: the files are in no order."""

_length_at = struct.Struct("<L").unpack_from
_explicit_head_at = struct.Struct("<4s2sH").unpack_from


class Unusual(Exception):
    """The bytes are not of the plain kind that is walked here."""


class Encoding(NamedTuple):
    """How elements are written.

    Parameters
    ----------
    element : callable
        Takes data and where an element begins; returns where its value begins and where it ends.
    n_key_bytes : int
        So many bytes at its beginning say which element it is and what its values look like.
    """

    element: Callable[[bytes, int], tuple[int, int]]
    n_key_bytes: int


class Step(NamedTuple):
    """A step over elements that are expected.

    Parameters
    ----------
    content : bytes
        Whole elements that file after file has with the same bytes; of an element of an image's own
        its head, or the whole of it as it was in the file before if its head does not tell its length.
    size : int
        Bytes to step over.
    keys : tuple of bytes
        The first four bytes of each of those elements; empty if it is one of an image's own.
    values : dict
        The wanted values among them.
    is_wanted : bool
        Whether the value of an image's own element is wanted.
    """

    content: bytes
    size: int
    keys: tuple[bytes, ...] = ()
    values: Mapping[bytes, bytes] = MappingProxyType({})
    is_wanted: bool = False


class Layout:
    """The walk over headers of one encoding, faster over headers like those before.

    Parameters
    ----------
    encoding : Encoding
        `EXPLICIT` or `IMPLICIT`.
    special : mapping of bytes to bytes
        By the first four bytes of an element: its VR if its value is wanted, `STOP` or `REFUSED`; all
        other elements are stepped over.
    group : bytes
        The two bytes every element begins with; empty if any may come.
    """

    def __init__(self, encoding: Encoding, special: Mapping[bytes, bytes], *, group: bytes = b"") -> None:
        self._element, self._n_key = encoding
        self._special = special
        self._group = group
        self._steps: list[Step] = []
        self._learnt: dict[bytes, bytes] = {}
        self._own: set[bytes] = set()
        self._n_renewed = 0

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
        try:
            expected_end = self._follow(data, position, found)
            if expected_end is not None:
                return self._walk(data, expected_end, found, [])
            marks: list[int] = []
            end = self._walk(data, position, found, marks)
        except (IndexError, struct.error):
            raise Unusual("the data end within an element's head") from None
        if end <= len(data):
            self._learn(data, [*marks, end])
        return end

    def _follow(self, data: bytes, position: int, found: dict[bytes, bytes]) -> int | None:
        """Step over what is expected and return where that led; None if it is not what is there."""
        starts_with, n_key = data.startswith, self._n_key
        changed: dict[int, dict[bytes, bytes]] = {}
        for number, (content, size, keys, values, is_wanted) in enumerate(self._steps):
            if starts_with(content, position):
                end = position + size
                if keys:
                    found.update(values)
                elif is_wanted:
                    found[content[:4]] = data[position + len(content) : end]
            elif keys:
                elements = self._elements(keys, data, position, found)
                if elements is None:
                    return None
                changed[number] = elements
                end = position + sum(map(len, elements.values()))
            elif starts_with(content[:n_key], position):
                begin, end = self._element(data, position)
                if is_wanted:
                    found[content[:4]] = data[begin:end]
            else:
                return None
            position = end
        return position if self._steps and self._is_renewed(changed) else None

    def _elements(
        self, keys: Sequence[bytes], data: bytes, position: int, found: dict[bytes, bytes]
    ) -> dict[bytes, bytes] | None:
        """Return these elements with the bytes they have here; None if others are here."""
        elements = {}
        for key in keys:
            if not data.startswith(key, position):
                return None
            begin, end = self._element(data, position)
            if key in self._special:
                self._check(data, position, self._special[key])
                found[key] = data[begin:end]
            elements[key] = data[position:end]
            position = end
        return elements if position <= len(data) else None

    def _is_renewed(self, changed: Mapping[int, dict[bytes, bytes]]) -> bool:
        """Expect what changed as it is now, if another series has begun; False if there is more to learn."""
        self._n_renewed = self._n_renewed + 1 if changed else 0
        if not changed:
            return True
        elements = {key: content for each in changed.values() for key, content in each.items()}
        if self._n_renewed > PATIENCE or not self._is_other_series(elements):
            return False
        self._learnt |= elements
        for number, each in changed.items():
            self._steps[number] = self._same(each)
        return True

    def _is_other_series(self, elements: Mapping[bytes, bytes]) -> bool:
        return elements.get(SERIES, self._learnt.get(SERIES)) != self._learnt.get(SERIES)

    def _walk(self, data: bytes, position: int, found: dict[bytes, bytes], marks: list[int]) -> int:
        """Walk element by element; `marks` takes where each began."""
        special, group, element, n_bytes = self._special, self._group, self._element, len(data)
        while position < n_bytes:
            key = data[position : position + 4]
            wanted = special.get(key)
            if wanted is STOP and self._is_readable(data, position):
                return position
            if group and not key.startswith(group):
                raise Unusual("an element of another group")
            marks.append(position)
            begin, end = element(data, position)
            if wanted is not None:
                self._check(data, position, wanted)
                found[key] = data[begin:end]
            position = end
        return position

    def _is_readable(self, data: bytes, position: int) -> bool:
        """Return whether an element to stop at is one: its head is whole and its VR one that there is."""
        if self._element is implicit_element:
            return True
        vr = data[position + 4 : position + 6]
        return position + 12 <= len(data) and (vr in LONG_VRS or vr in SHORT_VRS)

    def _check(self, data: bytes, position: int, wanted: bytes) -> None:
        """Refuse an element that is not written as it is everywhere else."""
        if self._element is implicit_element:
            is_usual = wanted is not REFUSED and _length_at(data, position + 4)[0] != UNDEFINED
        else:
            is_usual = data[position + 4 : position + 6] == wanted
        if not is_usual:
            raise Unusual("an element in an unusual VR or place")

    def _learn(self, data: bytes, marks: Sequence[int]) -> None:
        """Expect the next header to be like this one, but for what is an image's own."""
        elements = {data[begin : begin + 4]: data[begin:end] for begin, end in pairwise(marks)}
        self._steps = []
        if len(elements) != len(marks) - 1:
            # An element that comes twice would have two values.
            return
        if len(self._own) > MANY_OWN:
            self._own.clear()
        if self._n_renewed > PATIENCE or not self._is_other_series(elements):
            self._own |= {key for key, content in self._learnt.items() if elements.get(key) != content}
        self._learnt, self._n_renewed = elements, 0
        for is_own, group in groupby(elements.items(), key=lambda item: item[0] in self._own):
            if is_own:
                self._steps += [self._varying(content) for _, content in group]
            else:
                self._steps.append(self._same(dict(group)))

    def _same(self, elements: Mapping[bytes, bytes]) -> Step:
        """Return the step over elements that are the same in every file of a series."""
        content = b"".join(elements.values())
        values = {
            key: element[self._element(element, 0)[0] :]
            for key, element in elements.items()
            if key in self._special
        }
        return Step(content, len(content), tuple(elements), values)

    def _varying(self, element: bytes) -> Step:
        """Return the step over an element of an image's own."""
        begin, end = self._element(element, 0)
        if element[begin - 4 : begin] == UNDEFINED_BYTES:
            # Its head does not say where it ends, so that no more than the whole of it may be stepped over.
            return Step(element, end)
        return Step(element[:begin], end, is_wanted=element[:4] in self._special)


def explicit_element(data: bytes, position: int) -> tuple[int, int]:
    """Return where the value of an element in explicit VR begins and ends."""
    _, vr, length = _explicit_head_at(data, position)
    if vr in SHORT_VRS:
        return position + 8, position + 8 + length
    return position + 12, _long_end(data, position, vr, 0)


def implicit_element(data: bytes, position: int) -> tuple[int, int]:
    """Return where the value of an element in implicit VR begins and ends."""
    (length,) = _length_at(data, position + 4)
    begin = position + 8
    return begin, begin + length if length != UNDEFINED else _implicit_sequence_end(data, position, 0)


EXPLICIT = Encoding(explicit_element, 6)
IMPLICIT = Encoding(implicit_element, 4)


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

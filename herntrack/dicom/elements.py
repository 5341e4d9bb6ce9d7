"""Data elements in memory: where each ends, without making anything of it.

Strict on purpose: whatever a reader could take in two ways raises `Unusual`. Encodings
are those of DICOM PS3.5 7.1 and 7.5, little endian.

Public: `Encoding`, `EXPLICIT`, `IMPLICIT`, `Unusual` and how elements begin.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
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

"""The beginning of a plain file: preamble, meta information, and how the rest is encoded.

Public: `walk_file`, `walked_file`, `Layouts`, `META_START`, `IMPLICIT_SYNTAX`, `EXPLICIT_SYNTAX`, and
how much of a file is read at a time.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from typing import NamedTuple

from herntrack.dicom.element_walk import Layout, Walked
from herntrack.dicom.elements import Unusual

HEAD_BYTES = 16 * 1024
"""Read at first; later as much as the file before needed."""

PAGE_BYTES = 4096
"""What is read is a multiple of this."""

MAX_HEAD_BYTES = 4 * 1024 * 1024
"""A longer header is left to pydicom."""

META_BEGIN = 132
"""Where the file meta information begins: after 128 bytes and ``DICM`` (PS3.10 7.1)."""

META_START = b"\x02\x00\x00\x00UL\x04\x00"
"""How it begins: its length."""

IMPLICIT_SYNTAX = "1.2.840.10008.1.2"
EXPLICIT_SYNTAX = "1.2.840.10008.1.2.1"

_SYNTAX = struct.pack("<HH", 0x0002, 0x0010)
_length_at = struct.Struct("<L").unpack_from


class Layouts(NamedTuple):
    """How to walk the meta information, and a dataset in either encoding."""

    meta: Layout
    explicit: Layout
    implicit: Layout


class WalkedFile(NamedTuple):
    """What was found in the beginning of a file.

    Parameters
    ----------
    meta, dataset : Walked
        Wanted values of the file meta information, and of the dataset.
    is_implicit : bool
        Whether the dataset is in implicit VR.
    """

    meta: Walked
    dataset: Walked
    is_implicit: bool


def walk_file(
    data: bytes, found: dict[bytes, bytes], layouts: Layouts, *, compressed: Collection[str]
) -> int:
    """Walk the beginning of a file and fill `found`; see `walked_file`.

    Returns
    -------
    int
        Where the walk ended, as `Layout.walk` returns it for the dataset.
    """
    meta, dataset, _ = walked_file(data, layouts, compressed=compressed)
    for each in (meta, dataset):
        found.update(each.shared)
        found.update(each.own)
    return dataset.end


def walked_file(data: bytes, layouts: Layouts, *, compressed: Collection[str]) -> WalkedFile:
    """Walk the beginning of a file.

    Parameters
    ----------
    data : bytes
        The file's beginning.
    layouts : Layouts
        What is wanted.
    compressed : collection of str
        Transfer syntaxes, in explicit VR little endian, that are taken beside the native ones.

    Raises
    ------
    Unusual
        If it is no plain file.
    """
    begin = META_BEGIN + 12
    if data[META_BEGIN - 4 : META_BEGIN] != b"DICM" or data[META_BEGIN : META_BEGIN + 8] != META_START:
        raise Unusual("no usual file meta information")
    if len(data) < begin:
        raise Unusual("the data end within the file meta information")
    end = begin + int(_length_at(data, begin - 4)[0])
    meta = layouts.meta.walked(data[:end], begin)
    if meta.end != end or len(data) < end + 8:
        raise Unusual("file meta information of another length")
    if data[end : end + 2] in {b"\0\0", b"\x02\0"}:
        raise Unusual("file meta information goes on, or a command follows")
    raw = (meta.own.get(_SYNTAX) or meta.shared.get(_SYNTAX, b"")).rstrip(b"\0 ")
    syntax = raw.decode("ascii") if raw.isascii() else ""
    if syntax == EXPLICIT_SYNTAX or syntax in compressed:
        return WalkedFile(meta, layouts.explicit.walked(data, end), is_implicit=False)
    # Two capital letters after the first tag are a VR, whatever the syntax says.
    if syntax != IMPLICIT_SYNTAX or (0x40 < data[end + 4] < 0x5B > data[end + 5] > 0x40):
        raise Unusual("another transfer syntax")
    return WalkedFile(meta, layouts.implicit.walked(data, end), is_implicit=True)

"""How much of an image's pixels a file holds, found without reading them.

The length of the header counts: pixels are whole if their value begins early enough for all
its bytes to lie before the file's end. Compressed pixels have no length of their own; they end
with a delimiter (DICOM PS3.5 A.4), which a file that was cut short lacks.

Public: `StoredPixels`, `ALL_STORED`, `PIXEL_TAGS`, `value_place`, `stored_pixels`, `has_end_mark`.
"""

from __future__ import annotations

import struct
import sys
from typing import BinaryIO, NamedTuple

from herntrack.dicom.elements import ITEM, LONG_VRS, SEQUENCE_END, UNDEFINED

PIXEL_TAGS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
"""Float, double and whole-number pixels: where a header ends."""

END_MARK = SEQUENCE_END + bytes(4)
"""What compressed pixels end with."""

TAIL_BYTES = 4096
"""At the end of a file, where that is looked for: padding and a few elements may follow it (bytes)."""

MOST_FRAGMENTS = 10_000
"""So many fragments are followed at most; a file with more is given the benefit of the doubt (count)."""

HEAD_BYTES = 12
"""Of the longest head of an element (bytes)."""


class StoredPixels(NamedTuple):
    """What a file holds of its pixels.

    Parameters
    ----------
    n_bytes : int
        Bytes of the pixels' value that are in the file.
    is_cut : bool
        Whether the file ends before the pixels do, whatever they need.
    """

    n_bytes: int
    is_cut: bool = False


ALL_STORED = StoredPixels(sys.maxsize)
"""Of pixels that are looked at elsewhere."""


def value_place(head: bytes, *, is_implicit: bool, is_little: bool = True) -> tuple[int, int]:
    """Return where an element's value begins and the length that is written.

    Parameters
    ----------
    head : bytes
        The first 12 bytes of the element.
    is_implicit, is_little : bool
        How the element is encoded.

    Returns
    -------
    begin : int
        Bytes from the beginning of the element.
    length : int
        `UNDEFINED` (0xFFFFFFFF) for compressed pixels.

    Raises
    ------
    struct.error
        If there are fewer bytes.
    """
    order = "<" if is_little else ">"
    vr = head[4:6]
    # As pydicom reads it: what are no two capitals is no VR, so the length begins here.
    if is_implicit or not (0x40 < vr[0] < 0x5B > vr[1] > 0x40):
        return 8, int(struct.unpack_from(order + "L", head, 4)[0])
    if vr in LONG_VRS:
        return 12, int(struct.unpack_from(order + "L", head, 8)[0])
    return 8, int(struct.unpack_from(order + "H", head, 6)[0])


def has_end_mark(tail: bytes) -> bool:
    """Return whether compressed pixels end within these last bytes of a file."""
    return END_MARK in tail


def stored_pixels(
    file: BinaryIO, position: int, size: int, *, is_implicit: bool, is_little: bool
) -> StoredPixels | None:
    """Return what a file holds of its pixels, None if it has none.

    Parameters
    ----------
    file : binary file
        Open for reading; its position is changed.
    position : int
        Where the header ends and the pixels' element would begin.
    size : int
        Bytes of the file.
    is_implicit, is_little : bool
        How the dataset is encoded.
    """
    file.seek(position)
    head = file.read(HEAD_BYTES)
    tags = {struct.pack("<HH" if is_little else ">HH", tag >> 16, tag & 0xFFFF) for tag in PIXEL_TAGS}
    if head[:4] not in tags:
        return None
    try:
        offset, length = value_place(head, is_implicit=is_implicit, is_little=is_little)
    except (struct.error, IndexError):
        return StoredPixels(0, is_cut=True)
    begin = position + offset
    if length != UNDEFINED:
        return StoredPixels(max(0, min(length, size - begin)))
    file.seek(max(begin, size - TAIL_BYTES))
    is_cut = not has_end_mark(file.read(TAIL_BYTES)) and _is_cut(file, begin, size)
    return StoredPixels(max(0, size - begin), is_cut=is_cut)


def _is_cut(file: BinaryIO, position: int, size: int) -> bool:
    """Return whether the file ends before its last fragment and the mark behind it."""
    for _ in range(MOST_FRAGMENTS):
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            return True
        if head[:4] != ITEM:
            # The mark, with much behind it; or no fragments at all, which the decoder has words for.
            return False
        position += 8 + int(struct.unpack_from("<L", head, 4)[0])
        if position > size:
            return True
    return False

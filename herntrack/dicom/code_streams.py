"""What the compressed pixels of one image say of themselves, where every decoder must read the same.

Lossless JPEG 2000 (ISO/IEC 15444-1 A.5, A.6) and lossless JPEG (ITU T.81 H, B.2) are exact: whichever
decoder reads a stream that is whole and says what its header says returns the same samples.

Public: `is_exact`, `EXACT_SYNTAXES`.
"""

from __future__ import annotations

import struct

from herntrack.dicom.slice_facts import SliceFacts

JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
JPEG_LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
EXACT_SYNTAXES = frozenset((JPEG_2000_LOSSLESS, *JPEG_LOSSLESS))
"""Transfer syntaxes that `is_exact` knows."""

ITEM_HEAD_BYTES = 8
"""Tag and length of an item of compressed pixels (PS3.5 A.4)."""

END_MARK = b"\xff\xd9"
"""What both kinds of stream end with."""

HIGH_THROUGHPUT = 0x4000
"""The capability that a part of ISO/IEC 15444 beyond the first is needed (Rsiz)."""

WORD_BITS = 16
"""What samples are stored in."""

REVERSIBLE = 1
"""The wavelet that loses nothing (ISO/IEC 15444-1 table A.20)."""

_START_2000, _SIZE, _STYLE, _OWN_STYLE, _TILE = 0xFF4F, 0xFF51, 0xFF52, 0xFF53, 0xFF90
_START_JPEG, _LOSSLESS_FRAME, _SCAN = 0xFFD8, 0xFFC3, 0xFFDA
_head = struct.Struct(">HH").unpack_from
_length_at = struct.Struct("<L").unpack_from
_size_2000 = struct.Struct(">HLLLLLLLLHBBB").unpack_from
_frame_jpeg = struct.Struct(">BHHB").unpack_from


def is_exact(items: bytes, facts: SliceFacts) -> bool:
    """Return whether the pixels are one whole lossless stream whose samples are those of the header.

    Parameters
    ----------
    items : bytes
        The items of one image's compressed pixels, the table of offsets first.
    facts : SliceFacts
        The image's header.
    """
    if facts.syntax not in EXACT_SYNTAXES or facts.bits_stored <= 8:
        # Decoders differ in what they make of narrow samples in wide words.
        return False
    stream = _only_fragment(items)
    if not stream.rstrip(b"\0").endswith(END_MARK):
        return False
    try:
        if facts.syntax == JPEG_2000_LOSSLESS:
            return _is_exact_2000(stream, facts)
        return _is_exact_jpeg(stream, facts)
    except struct.error:
        return False


def _only_fragment(items: bytes) -> bytes:
    """Return the stream if it is one fragment, else nothing."""
    if len(items) < ITEM_HEAD_BYTES:
        return b""
    begin = 2 * ITEM_HEAD_BYTES + int(_length_at(items, 4)[0])
    if begin > len(items) or begin + int(_length_at(items, begin - 4)[0]) != len(items):
        return b""
    return items[begin:]


def _is_exact_2000(stream: bytes, facts: SliceFacts) -> bool:
    segments = _segments(stream, _START_2000, _TILE)
    size, style = segments.get(_SIZE), segments.get(_STYLE)
    if size is None or style is None or _OWN_STYLE in segments:
        return False
    capability, width, height, x, y, *_, n_components, sample, _, _ = _size_2000(stream, size)
    stated = (facts.bits_stored - 1) | (0x80 if facts.is_signed else 0)
    (wavelet,) = struct.unpack_from(">B", stream, style + 9)
    return bool(
        not capability & HIGH_THROUGHPUT
        and (height, width, x, y) == (*facts.shape, 0, 0)
        and (n_components, sample, wavelet) == (1, stated, REVERSIBLE)
    )


def _is_exact_jpeg(stream: bytes, facts: SliceFacts) -> bool:
    frame = _segments(stream, _START_JPEG, _SCAN).get(_LOSSLESS_FRAME)
    if frame is None:
        return False
    precision, *layout = _frame_jpeg(stream, frame)
    # Samples of twelve bits are often written as such of sixteen; signs would not survive that.
    is_stated = precision == facts.bits_stored or (precision == WORD_BITS and not facts.is_signed)
    return is_stated and layout == [*facts.shape, 1]


def _segments(stream: bytes, start: int, last: int) -> dict[int, int]:
    """Return where the content of each marker's segment begins, up to a last marker."""
    if not stream.startswith(struct.pack(">H", start)):
        return {}
    found: dict[int, int] = {}
    position = 2
    while True:
        marker, length = _head(stream, position)
        if marker == last:
            return found
        if marker < 0xFF00 or length < 2:
            return {}
        found[marker] = position + 4
        position += 2 + length

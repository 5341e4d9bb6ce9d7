"""Pixels of plain files, read without making pydicom objects of their headers.

A stack's files differ in little. Here the header is walked in memory, the few values that
place a slice and turn its pixels into values are cut out, and equal bytes are decoded once.
Native pixels are read from the file straight into the caller's array; compressed ones go
to pydicom's decoder for their syntax, with all its corrections.

Nothing is decided here that `herntrack.dicom.pixels` would decide otherwise. Only what can be
read in one way is answered: one frame of 16-bit samples in little endian, every attribute
once, in its VR, as the standard writes it, and the pixels whole to the end of the file. All
else raises `Unusual`, and pydicom reads the file and finds the words for it.

Public: `PlainPixels`, `PlainHeader`, `has_unused_bits`, `COMPRESSED_SYNTAXES`.
"""

from __future__ import annotations

import os
import struct
import warnings
from dataclasses import dataclass
from io import FileIO
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.pixels.decoders.base import Decoder, get_decoder

from herntrack.dicom.element_walk import REFUSED, STOP, Layout
from herntrack.dicom.elements import DELIMITERS, EXPLICIT, IMPLICIT, Unusual
from herntrack.dicom.file_meta import (
    HEAD_BYTES,
    IMPLICIT_SYNTAX,
    MAX_HEAD_BYTES,
    PAGE_BYTES,
    Layouts,
    walk_file,
)
from herntrack.dicom.frame_decoding import Decode, chosen_decoder
from herntrack.dicom.slice_facts import KEYS, WANTED, SliceFacts, decimals, element_key, slice_facts

MAX_FACTS = 1024
"""So many different headers are kept in mind."""

JPEG_LS_LOSSLESS = "1.2.840.10008.1.2.4.80"
FASTEST_JPEG_LS = "pyjpegls"
"""Takes three quarters of the time of the decoder that pydicom tries first; both agree in every bit."""

COMPRESSED_SYNTAXES = frozenset(
    (
        *(f"1.2.840.10008.1.2.4.{number}" for number in (57, 70, 80, 81, 90, 91, 201, 202, 203)),
        "1.2.840.10008.1.2.5",
    )
)
"""JPEG lossless, JPEG-LS, JPEG 2000, HTJ2K and RLE, all of them in explicit VR little endian."""

ITEM, SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
TRAILING_PADDING = b"\xfc\xff\xfc\xffOB\0\0"
"""Some scanners fill their files up with this element (PS3.10 7.2)."""

UNDEFINED = 0xFFFFFFFF
"""The length of compressed pixels."""

_FOREIGN = (0x00283000, 0x7FE00001, 0x7FE00002, 0x7FE00003, 0x7FE00008, 0x7FE00009)
"""A modality LUT, extended offsets, pixels that are fractions: left to pydicom."""

_META = {KEYS["TransferSyntaxUID"]: b"UI"}
_PIXELS = element_key(0x7FE00010)
_SPECIAL = (
    {element_key(tag): vr for tag, vr in WANTED.values()}
    | dict.fromkeys((*map(element_key, _FOREIGN), *_META, *DELIMITERS), REFUSED)
    | {_PIXELS: STOP}
)
_POSITION = KEYS["ImagePositionPatient"]
_SHARED = tuple(key for key in KEYS.values() if key != _POSITION)
_length_at = struct.Struct("<L").unpack_from


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlainHeader:
    """One file's header.

    Parameters
    ----------
    facts : SliceFacts
        What it shares with others.
    position : tuple of float
        ImagePositionPatient, LPS mm.
    begin, end : int
        Where the pixels lie in the file, without the element's head (bytes).
    """

    facts: SliceFacts
    position: tuple[float, ...]
    begin: int
    end: int


class PlainPixels:
    """Reads files one after another, best in the order of their stack.

    What it learns from one file only makes the next one faster: what it finds in a file
    does not depend on the files before.

    Parameters
    ----------
    decode : callable, optional
        Tried on compressed pixels before pydicom's decoders are.
    """

    def __init__(self, decode: Decode | None = None) -> None:
        self._decode = decode
        self._facts: dict[tuple[bytes | None, ...], SliceFacts] = {}
        self._layouts = Layouts(
            meta=Layout(EXPLICIT, _META, group=b"\x02\x00"),
            explicit=Layout(EXPLICIT, _SPECIAL),
            implicit=Layout(IMPLICIT, _SPECIAL),
        )
        self._head_bytes = HEAD_BYTES

    def read_header(self, file: FileIO) -> PlainHeader:
        """Read the header.

        Parameters
        ----------
        file : FileIO
            An unbuffered file at its beginning.

        Raises
        ------
        Unusual
            If pydicom is to decide.
        """
        size = os.fstat(file.fileno()).st_size
        data, element, found = self._found(file, size)
        shared = (*map(found.get, _SHARED),)
        facts = self._facts.get(shared)
        if facts is None:
            if len(self._facts) >= MAX_FACTS:
                self._facts.clear()
            facts = self._facts[shared] = slice_facts(found)
        begin, length = _pixel_extent(data, element, is_implicit=facts.syntax == IMPLICIT_SYNTAX)
        position = decimals(found.get(_POSITION, b""), 3)
        if facts.syntax in COMPRESSED_SYNTAXES:
            if length != UNDEFINED:
                raise Unusual("compressed pixels of defined length")
            return PlainHeader(facts=facts, position=position, begin=begin, end=size)
        n_rows, n_columns = facts.shape
        if length != 2 * n_rows * n_columns:
            raise Unusual("more or fewer pixels than rows and columns say")
        if begin + length != size:
            file.seek(begin + length)
            _check_padding(file.read(12), size - begin - length)
        return PlainHeader(facts=facts, position=position, begin=begin, end=begin + length)

    def read_stored(
        self, file: FileIO, header: PlainHeader, scratch: npt.NDArray[np.int16]
    ) -> npt.NDArray[Any]:
        """Read the stored values, bits beyond BitsStored removed.

        Parameters
        ----------
        file : FileIO
            The file the header is of.
        header : PlainHeader
            From `read_header`.
        scratch : ndarray of int16, shape (n_rows, n_cols)
            C-contiguous. Native pixels are read into it.

        Returns
        -------
        ndarray of int16 or uint16, shape (n_rows, n_cols)
            A view of `scratch` for native pixels, else a new array.

        Raises
        ------
        Unusual
            If pydicom is to decide.
        """
        if scratch.shape != header.facts.shape:
            raise Unusual("another shape")
        stored: npt.NDArray[Any] | None
        file.seek(header.begin)
        if header.facts.syntax in COMPRESSED_SYNTAXES:
            items = _encapsulated(file.read(header.end - header.begin))
            stored = self._decode(items, header.facts) if self._decode is not None else None
            return _decoded(items, header.facts) if stored is None else stored
        buffer = scratch.data.cast("B")
        done = 0
        while done < len(buffer):
            n_bytes = file.readinto(buffer[done:])
            if not n_bytes:
                raise Unusual("the file became shorter")
            done += n_bytes
        stored = scratch if header.facts.is_signed else scratch.view(np.uint16)
        unused = 16 - header.facts.bits_stored
        if unused and has_unused_bits(stored, header.facts):
            np.left_shift(stored, unused, out=stored)
            np.right_shift(stored, unused, out=stored)
        return stored

    def _found(self, file: FileIO, size: int) -> tuple[bytes, int, dict[bytes, bytes]]:
        """Return the file's beginning, where the pixels' element begins, and the wanted values' bytes."""
        data = file.read(self._head_bytes)
        while True:
            is_whole = len(data) >= min(size, MAX_HEAD_BYTES)
            found: dict[bytes, bytes] = {}
            try:
                element = walk_file(data, found, self._layouts, compressed=COMPRESSED_SYNTAXES)
            except Unusual:
                # An element's head may be cut off: the whole header decides.
                if is_whole:
                    raise
                element = len(data)
            if element + 12 <= len(data):
                break
            if is_whole:
                raise Unusual("no pixels, or a very long header")
            more = file.read(max(element + PAGE_BYTES, 2 * len(data)) - len(data))
            if not more:
                raise Unusual("the file became shorter")
            data += more
        self._head_bytes = max(HEAD_BYTES, -(-(element + PAGE_BYTES // 2) // PAGE_BYTES) * PAGE_BYTES)
        return data, element, found


def _pixel_extent(data: bytes, element: int, *, is_implicit: bool) -> tuple[int, int]:
    """Return where the pixels begin and how long they say they are."""
    if is_implicit:
        return element + 8, int(_length_at(data, element + 4)[0])
    if data[element + 4 : element + 8] not in {b"OW\0\0", b"OB\0\0"}:
        raise Unusual("pixels in another VR")
    return element + 12, int(_length_at(data, element + 8)[0])


def _check_padding(rest: bytes, size: int) -> None:
    """Check that what follows the pixels, `size` bytes that begin with `rest`, is nothing but padding."""
    is_whole = len(rest) >= 12 and rest.startswith(TRAILING_PADDING) and 12 + _length_at(rest, 8)[0] == size
    if size and not is_whole:
        raise Unusual("something after the pixels, or pixels that are cut off")


def has_unused_bits(stored: npt.NDArray[Any], facts: SliceFacts) -> bool:
    """Return whether any stored value has bits beyond BitsStored."""
    if facts.is_signed:
        limit = 1 << (facts.bits_stored - 1)
        return int(stored.min()) < -limit or int(stored.max()) >= limit
    return int(stored.max()) >= 1 << facts.bits_stored


def _encapsulated(data: bytes) -> bytes:
    """Return the items of compressed pixels without what ends them (PS3.5 A.4)."""
    position = 0
    while data[position : position + 4] == ITEM and position + 8 <= len(data):
        position += 8 + _length_at(data, position + 4)[0]
    if not data.startswith(SEQUENCE_END, position):
        raise Unusual("pixels that are cut off")
    end = position + len(SEQUENCE_END)
    _check_padding(data[end : end + 12], len(data) - end)
    return data[:position]


def _decoded(items: bytes, facts: SliceFacts) -> npt.NDArray[Any]:
    n_rows, n_columns = facts.shape
    options: dict[str, Any] = {
        "rows": n_rows,
        "columns": n_columns,
        "number_of_frames": 1,
        "samples_per_pixel": 1,
        "bits_allocated": 16,
        "bits_stored": facts.bits_stored,
        "photometric_interpretation": facts.photometric,
        "pixel_representation": int(facts.is_signed),
        "pixel_keyword": "PixelData",
        "pixel_vr": "OB",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            decoder = get_decoder(facts.syntax)
            plugin = _plugin(decoder, facts)
            stored, _ = decoder.as_array(items, index=0, raw=True, decoding_plugin=plugin, **options)
        except Exception as error:  # every decoder raises its own kinds; the full reader tries them all
            raise Unusual("compressed pixels that cannot be decoded at once") from error
    if stored.shape != facts.shape:
        raise Unusual("another shape")
    return np.asarray(stored)


def _plugin(decoder: Decoder, facts: SliceFacts) -> str:
    """Return the fastest decoder where all agree, else none in particular."""
    # Narrow and signed samples are corrected after some decoders only: left as pydicom has it.
    is_common = facts.syntax == JPEG_LS_LOSSLESS and not facts.is_signed and facts.bits_stored > 8
    if is_common and FASTEST_JPEG_LS in decoder.available_plugins:
        return FASTEST_JPEG_LS
    return chosen_decoder(decoder, facts.syntax)

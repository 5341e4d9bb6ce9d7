"""A decoder that lets other threads of this interpreter work meanwhile.

pydicom's decoders keep the interpreter to themselves, so that two threads decode no faster than one.
SimpleITK does not, and it is as fast. It reads files only; so the compressed pixels are given to it as a
file in memory, whose header says how they are stored and nothing else: no rescale is applied and
nothing is taken from the maker's own attributes.

Public: `decode_unlocked`.
"""

from __future__ import annotations

import os
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK

from herntrack.dicom.code_streams import is_exact
from herntrack.dicom.pixel_extent import END_MARK
from herntrack.dicom.plain_pixels import has_unused_bits
from herntrack.dicom.slice_facts import SliceFacts
from herntrack.imaging.sitk_bridge import memory_of

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
"""The SOP class that the files in memory state."""

ANY_UID = "2.25.1"

LONG_HEAD = (b"OB", b"OW")
"""Values whose length takes four bytes, of those that are written here."""


def decode_unlocked(items: bytes, facts: SliceFacts) -> npt.NDArray[Any] | None:
    """Return the stored values of one image, None if pydicom's decoders are to read them.

    Parameters
    ----------
    items : bytes
        The items of its compressed pixels.
    facts : SliceFacts
        Its header.

    Returns
    -------
    ndarray of int16 or uint16, shape (n_rows, n_cols), or None
        A new array.
    """
    if not is_exact(items, facts):
        return None
    try:
        stored = _read(_file_content(items, facts))
    except (OSError, AttributeError, RuntimeError):
        # No files in memory on this system, or a stream that is damaged: others have the words for it.
        return None
    kind = np.dtype(np.int16 if facts.is_signed else np.uint16)
    is_plain = stored.dtype == kind and stored.shape == (1, *facts.shape)
    return stored[0] if is_plain and not has_unused_bits(stored, facts) else None


def _read(content: bytes) -> npt.NDArray[Any]:
    number = os.memfd_create("image")
    with os.fdopen(number, "wb", buffering=0) as file:
        file.write(content)
        reader = SimpleITK.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(f"/proc/self/fd/{number}")
        return memory_of(reader.Execute())


def _file_content(items: bytes, facts: SliceFacts) -> bytes:
    """Return a DICOM file that says how its samples are stored, and no more (PS3.10 7.1)."""
    meta = b"".join(
        (
            _element(0x00020001, b"OB", b"\0\1"),
            _element(0x00020002, b"UI", CT_IMAGE.encode()),
            _element(0x00020003, b"UI", ANY_UID.encode()),
            _element(0x00020010, b"UI", facts.syntax.encode()),
            _element(0x00020012, b"UI", ANY_UID.encode()),
        )
    )
    n_rows, n_columns = facts.shape
    numbers = {
        0x00280010: n_rows,
        0x00280011: n_columns,
        0x00280100: 16,
        0x00280101: facts.bits_stored,
        0x00280102: facts.bits_stored - 1,
        0x00280103: int(facts.is_signed),
    }
    return b"".join(
        (
            bytes(128) + b"DICM",
            _element(0x00020000, b"UL", struct.pack("<L", len(meta))),
            meta,
            _element(0x00080016, b"UI", CT_IMAGE.encode()),
            _element(0x00080018, b"UI", ANY_UID.encode()),
            _element(0x00280002, b"US", struct.pack("<H", 1)),
            _element(0x00280004, b"CS", b"MONOCHROME2"),
            *(_element(tag, b"US", struct.pack("<H", number)) for tag, number in numbers.items()),
            struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF),
            items,
            END_MARK,
        )
    )


def _element(tag: int, vr: bytes, value: bytes) -> bytes:
    """Return an element in explicit VR little endian (PS3.5 7.1.2)."""
    padded = value + (b"\0" if vr == b"UI" else b" ") * (len(value) % 2)
    layout = "<HH2sxxL" if vr in LONG_HEAD else "<HH2sH"
    return struct.pack(layout, tag >> 16, tag & 0xFFFF, vr, len(padded)) + padded

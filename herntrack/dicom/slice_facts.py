"""What a slice's header says about its place and its samples, taken from the values' bytes.

Strict on purpose: a value that is not written as the standard writes it raises `Unusual`.

Public: `SliceFacts`, `slice_facts`, `decimals`, `text`, `element_key`, `WANTED`, `KEYS`.
"""

from __future__ import annotations

import re
import struct
import sys
from dataclasses import dataclass
from math import isfinite

from herntrack.dicom.elements import Unusual

WANTED = {
    "SamplesPerPixel": (0x00280002, b"US"),
    "PhotometricInterpretation": (0x00280004, b"CS"),
    "NumberOfFrames": (0x00280008, b"IS"),
    "Rows": (0x00280010, b"US"),
    "Columns": (0x00280011, b"US"),
    "PixelSpacing": (0x00280030, b"DS"),
    "BitsAllocated": (0x00280100, b"US"),
    "BitsStored": (0x00280101, b"US"),
    "HighBit": (0x00280102, b"US"),
    "PixelRepresentation": (0x00280103, b"US"),
    "RescaleIntercept": (0x00281052, b"DS"),
    "RescaleSlope": (0x00281053, b"DS"),
    "ImageOrientationPatient": (0x00200037, b"DS"),
    "ImagePositionPatient": (0x00200032, b"DS"),
    "TransferSyntaxUID": (0x00020010, b"UI"),
}
"""The values that are read, with the VR they are written in (PS3.6)."""


def element_key(tag: int) -> bytes:
    """Return how an element begins in little endian."""
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF)


KEYS = {keyword: element_key(tag) for keyword, (tag, _) in WANTED.items()}
_DECIMAL = rb" *[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})? *"
_DECIMALS = re.compile(rb"(" + _DECIMAL + rb"(?:\\" + _DECIMAL + rb")*)\0*")
_BLANK = re.compile(rb"[\0 ]*")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SliceFacts:
    """What the slices of a stack usually share; the same object for files with the same bytes.

    Parameters
    ----------
    shape : tuple of int
        ``(n_rows, n_cols)``.
    orientation, spacing : tuple of float
        ImageOrientationPatient, and PixelSpacing (mm).
    bits_stored : int
        Of 16.
    is_signed : bool
        Whether samples are signed.
    slope, intercept : float
        Of the modality's rescale; 1 and 0 if not stated.
    photometric, syntax : str
        PhotometricInterpretation and the transfer syntax.
    """

    shape: tuple[int, int]
    orientation: tuple[float, ...]
    spacing: tuple[float, ...]
    bits_stored: int
    is_signed: bool
    slope: float
    intercept: float
    photometric: str
    syntax: str


def slice_facts(found: dict[bytes, bytes]) -> SliceFacts:
    """Return the facts of a header.

    Parameters
    ----------
    found : dict of bytes to bytes
        Values by the first four bytes of their element, of those in `WANTED`.

    Raises
    ------
    Unusual
        If it is no image of one frame of 16-bit samples, or a value is written in an unusual way.
    """
    if sys.byteorder != "little":
        raise Unusual("samples are read as they are")
    frames = found.get(KEYS["NumberOfFrames"], b"1").strip(b"\0 ")
    photometric = text(found, "PhotometricInterpretation")
    samples, allocated = _unsigned(found, "SamplesPerPixel"), _unsigned(found, "BitsAllocated")
    if frames != b"1" or samples != 1 or allocated != 16 or photometric not in {"MONOCHROME1", "MONOCHROME2"}:
        raise Unusual("not one frame of one 16-bit sample a pixel")
    stored, high, sign = (_unsigned(found, name) for name in ("BitsStored", "HighBit", "PixelRepresentation"))
    if not 1 <= stored <= 16 or high != stored - 1 or sign > 1:
        raise Unusual("samples that are written in another way")
    shape = _unsigned(found, "Rows"), _unsigned(found, "Columns")
    if 0 in shape:
        raise Unusual("no pixels")
    slope, intercept = _number(found, "RescaleSlope", 1.0), _number(found, "RescaleIntercept", 0.0)
    if slope == 0.0:
        raise Unusual("a rescale that makes no values")
    return SliceFacts(
        shape=shape,
        orientation=decimals(found.get(KEYS["ImageOrientationPatient"], b""), 6),
        spacing=decimals(found.get(KEYS["PixelSpacing"], b""), 2),
        bits_stored=stored,
        is_signed=sign == 1,
        slope=slope,
        intercept=intercept,
        photometric=photometric,
        syntax=text(found, "TransferSyntaxUID"),
    )


def _unsigned(found: dict[bytes, bytes], keyword: str) -> int:
    raw = found.get(KEYS[keyword], b"")
    if len(raw) != 2:
        raise Unusual("not one whole number")
    return raw[0] + (raw[1] << 8)


def text(found: dict[bytes, bytes], keyword: str) -> str:
    """Return a value as text without its padding; raise `Unusual` if it is not ASCII."""
    raw = found.get(KEYS[keyword], b"")
    if not raw.isascii():
        raise Unusual("text beyond ASCII")
    return raw.rstrip(b"\0 ").decode("ascii")


def _number(found: dict[bytes, bytes], keyword: str, default: float) -> float:
    raw = found.get(KEYS[keyword], b"")
    return default if _BLANK.fullmatch(raw) else decimals(raw, 1)[0]


def decimals(raw: bytes, length: int) -> tuple[float, ...]:
    """Return the numbers of a DS; raise `Unusual` unless there are `length` of them, all finite."""
    matched = _DECIMALS.fullmatch(raw)
    if matched is None:
        raise Unusual("not decimal numbers")
    numbers = tuple(map(float, matched[1].split(b"\\")))
    if len(numbers) != length or not all(map(isfinite, numbers)):
        raise Unusual("more or fewer numbers, or one beyond all limits")
    return numbers

"""Bytes of small DICOM files, element by element, so that a test decides every one of them."""

from __future__ import annotations

import struct
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ImplicitVRLittleEndian

from tests.factories import ROOT, make_dataset

LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
UNDEFINED = 0xFFFFFFFF

PLAIN: dict[int, tuple[str, bytes]] = {
    0x00080005: ("CS", b"ISO_IR 100"),
    0x00080008: ("CS", b"ORIGINAL\\PRIMARY\\M "),
    0x00080016: ("UI", b"1.2.840.10008.5.1.4.1.1.4\0"),
    0x00080018: ("UI", f"{ROOT}.9.1\0".encode()),
    0x00080020: ("DA", b"20240115"),
    0x00080060: ("CS", b"MR"),
    0x00081030: ("LO", b"Lumbar spine"),
    0x0008103E: ("LO", b"T2 SAG"),
    0x00100020: ("LO", b"T-001 "),
    0x00180020: ("CS", b"SE"),
    0x00180050: ("DS", b"4 "),
    0x00180080: ("DS", b"3500"),
    0x00180081: ("DS", b"1.0e2 "),
    0x00180086: ("IS", b"1 "),
    0x00189087: ("FD", struct.pack("<d", 50.0)),
    0x0020000D: ("UI", f"{ROOT}.1\0".encode()),
    0x0020000E: ("UI", f"{ROOT}.2\0".encode()),
    0x00200011: ("IS", b"1 "),
    0x00200013: ("IS", b"7 "),
    0x00200032: ("DS", b"-10\\-20.5\\5"),
    0x00200037: ("DS", b"1\\0\\0\\0\\1\\0"),
    0x00200052: ("UI", f"{ROOT}.3\0".encode()),
    0x00280002: ("US", b"\1\0"),
    0x00280010: ("US", b"\3\0"),
    0x00280011: ("US", b"\2\0"),
    0x00280030: ("DS", b"0.7\\0.6 "),
    0x00280100: ("US", b"\x10\0"),
    0x7FE00010: ("OW", bytes(12)),
}
"""A header in explicit VR that the fast reader takes."""


def tag_bytes(tag: int) -> bytes:
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF)


def element(tag: int, vr: str, value: bytes, *, implicit: bool = False, length: int | None = None) -> bytes:
    """Return one element; `length` overrides the length that is written."""
    n_bytes = len(value) if length is None else length
    if implicit:
        return tag_bytes(tag) + struct.pack("<L", n_bytes) + value
    if vr in LONG:
        return tag_bytes(tag) + vr.encode() + struct.pack("<HL", 0, n_bytes) + value
    return tag_bytes(tag) + vr.encode() + struct.pack("<H", n_bytes & 0xFFFF) + value


def item(content: bytes, *, is_defined: bool = False) -> bytes:
    if is_defined:
        return tag_bytes(0xFFFEE000) + struct.pack("<L", len(content)) + content
    return tag_bytes(0xFFFEE000) + struct.pack("<L", UNDEFINED) + content + tag_bytes(0xFFFEE00D) + bytes(4)


def sequence(tag: int, *items: bytes, vr: str = "SQ", implicit: bool = False) -> bytes:
    """Return a sequence of undefined length."""
    content = b"".join(items) + tag_bytes(0xFFFEE0DD) + bytes(4)
    return element(tag, vr, content, implicit=implicit, length=UNDEFINED)


def file_of(dataset: bytes, *, syntax: str = "1.2.840.10008.1.2.1") -> bytes:
    """Return a file with preamble and meta information around an encoded dataset."""
    raw = syntax.encode() + b"\0" * (len(syntax) % 2)
    meta = b"".join(
        (
            element(0x00020001, "OB", b"\0\1"),
            element(0x00020002, "UI", b"1.2.840.10008.5.1.4.1.1.4\0"),
            element(0x00020003, "UI", f"{ROOT}.9.1\0".encode()),
            element(0x00020010, "UI", raw),
        )
    )
    return bytes(128) + b"DICM" + element(0x00020000, "UL", struct.pack("<L", len(meta))) + meta + dataset


def plain_file(
    changed: dict[int, tuple[str, bytes] | None] | None = None,
    *,
    more: dict[int, bytes] | None = None,
    syntax: str = "1.2.840.10008.1.2.1",
) -> bytes:
    """Return the plain file with elements changed or left out (None) and encoded ones added."""
    implicit = syntax == ImplicitVRLittleEndian
    values = {**PLAIN, **(changed or {})}
    parts = {
        tag: element(tag, *value, implicit=implicit) for tag, value in values.items() if value is not None
    }
    parts |= more or {}
    return file_of(b"".join(parts[tag] for tag in sorted(parts)), syntax=syntax)


def written(dataset: Dataset) -> bytes:
    """Return a dataset as pydicom writes it."""
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def seeds() -> list[bytes]:
    """Return files to begin a search for other files with."""
    private = element(0x00190010, "LO", b"VENDOR") + element(0x00191008, "UN", b"\1\2\3\4")
    nested = sequence(0x00081140, item(element(0x00081155, "UI", b"1.2\0")), item(b"", is_defined=True))
    unknown = sequence(0x00191040, item(element(0x00191041, "", b"AB", implicit=True)), vr="UN")
    short = element(0x00081155, "UI", b"1.2\0", implicit=True)
    implicit_nested = sequence(0x00081140, item(short), item(short, is_defined=True), implicit=True)
    implicit = make_dataset()
    implicit.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    inner = Dataset()
    inner.CodeValue = "SPINE"
    implicit.ProcedureCodeSequence = Sequence([inner])
    implicit["ProcedureCodeSequence"].is_undefined_length = True
    computed = make_dataset(Modality="CT", SOPClassUID=CTImageStorage, ConvolutionKernel=["B30s", "x"])
    return [
        plain_file(),
        plain_file(syntax=ImplicitVRLittleEndian),
        plain_file(more={0x00081140: nested, 0x00190010: private, 0x00191040: unknown}),
        plain_file(more={0x00081140: implicit_nested}, syntax=ImplicitVRLittleEndian),
        plain_file(syntax="1.2.840.10008.1.2.4.70"),
        written(make_dataset()),
        written(implicit),
        written(computed),
    ]

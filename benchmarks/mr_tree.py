"""A tree of MR files with the headers of a clinical scanner, the same bytes on every run.

About 210 elements a file, between those of the real MR files that were looked at (134 to 327):
private blocks, two large vendor elements, sequences of undefined length, one of them private,
and values that change from slice to slice beside values that do not.
"""

from __future__ import annotations

import random
import struct
from pathlib import Path

ROOT = "1.2.826.0.1.3680043.10.99"
SLICES_IN_SERIES = 25
SERIES_IN_STUDY = 4
STUDIES_OF_PATIENT = 2
LONG_LENGTH = {b"OB", b"OW", b"SQ", b"UN", b"UT"}
UNDEFINED = 0xFFFFFFFF
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
MR_STORAGE = "1.2.840.10008.5.1.4.1.1.4"
ITEM, ITEM_END, SEQUENCE_END = (
    struct.pack("<HHL", 0xFFFE, element, length)
    for element, length in ((0xE000, UNDEFINED), (0xE00D, 0), (0xE0DD, 0))
)

CORNER = (-100.5, -91.25, -60.0)
"""Where the first slice begins (LPS mm)."""

Contrast = tuple[str, str, float, float, str, tuple[float, float, float]]
"""Description, sequence, TR, TE, direction cosines as written, and the slice normal."""

CONTRASTS: tuple[Contrast, ...] = (
    ("t2_tse_sag", "*tse2d1_15", 3500.0, 98.0, "0\\1\\0\\0\\0\\-1", (-1.0, 0.0, 0.0)),
    ("t1_tse_sag", "*tse2d1_3", 620.0, 11.0, "0\\1\\0\\0\\0\\-1", (-1.0, 0.0, 0.0)),
    (
        "t2_tse_tra",
        "*tse2d1_17",
        4120.0,
        101.0,
        "1\\0\\0\\0\\0.98480775\\-0.17364818",
        (0.0, 0.17364818, 0.98480775),
    ),
    ("t2_stir_sag", "*tir2d1_11", 4800.0, 62.0, "0\\1\\0\\0\\0\\-1", (-1.0, 0.0, 0.0)),
)


def element(tag: int, vr: str, value: str | bytes | float = "") -> bytes:
    """Return one data element in explicit VR little endian."""
    code = vr.encode()
    if isinstance(value, bytes):
        raw = value
    elif vr == "US":
        raw = struct.pack("<H", value)
    elif vr == "FD":
        raw = struct.pack("<d", value)
    else:
        raw = str(value).encode("ascii")
    if len(raw) % 2:
        raw += b"\0" if vr in {"UI", "OB", "UN"} else b" "
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    if code in LONG_LENGTH:
        return head + code + struct.pack("<HL", 0, len(raw)) + raw
    return head + code + struct.pack("<H", len(raw)) + raw


def sequence(tag: int, *items: bytes) -> bytes:
    """Return a sequence of undefined length with items of undefined length."""
    head = struct.pack("<HH2sHL", tag >> 16, tag & 0xFFFF, b"SQ", 0, UNDEFINED)
    return head + b"".join(ITEM + item + ITEM_END for item in items) + SEQUENCE_END


def file_head(sop_uid: str, syntax: str = EXPLICIT_LITTLE) -> bytes:
    """Return the preamble and the file meta information."""
    meta = b"".join(
        (
            element(0x00020001, "OB", b"\0\1"),
            element(0x00020002, "UI", MR_STORAGE),
            element(0x00020003, "UI", sop_uid),
            element(0x00020010, "UI", syntax),
            element(0x00020012, "UI", f"{ROOT}.0"),
            element(0x00020013, "SH", "SCANNER_1"),
        )
    )
    length = struct.pack("<HH2sHL", 2, 0, b"UL", 4, len(meta))
    return bytes(128) + b"DICM" + length + meta


class SeriesMaker:
    """The files of one series."""

    def __init__(self, patient: int, study: int, series: int, *, pixels: int = 160) -> None:
        self.rng = random.Random(f"{patient} {study} {series}")  # noqa: S311 - makes files, keeps no secret
        self.study_uid = f"{ROOT}.{patient}.{study}"
        self.uid = f"{self.study_uid}.{series}"
        self.date = f"2024{1 + 3 * study:02d}{1 + patient % 28:02d}"
        self.patient, self.series = patient, series
        self.contrast = CONTRASTS[series % len(CONTRASTS)]
        self.pixels = pixels
        self.csa = self.rng.randbytes(9_000), self.rng.randbytes(14_000)
        self.picture = self.rng.randbytes(2 * pixels * pixels)

    def file(self, index: int) -> bytes:
        """Return one slice."""
        sop_uid = f"{self.uid}.{index + 1}"
        parts = self._identity(sop_uid, index), self._patient(), self._acquisition(index)
        rest = self._relation(index), self._picture(), self._vendor_end(index)
        image = element(0x7FE00010, "OW", self.picture)
        return file_head(sop_uid) + b"".join(parts) + b"".join(rest) + image

    def _identity(self, sop_uid: str, index: int) -> bytes:
        time = f"{101500 + index}.{self.rng.randrange(10**6):06d}"
        reference = element(0x00081150, "UI", MR_STORAGE) + element(
            0x00081155, "UI", f"{self.study_uid}.900.1"
        )
        code = element(0x00080100, "SH", "SPINE") + element(0x00080104, "LO", "Lumbar spine")
        return b"".join(
            (
                element(0x00080005, "CS", "ISO_IR 100"),
                element(0x00080008, "CS", "ORIGINAL\\PRIMARY\\M\\ND\\NORM"),
                element(0x00080012, "DA", self.date),
                element(0x00080013, "TM", time),
                element(0x00080016, "UI", MR_STORAGE),
                element(0x00080018, "UI", sop_uid),
                *(element(tag, "DA", self.date) for tag in (0x00080020, 0x00080021, 0x00080022, 0x00080023)),
                element(0x00080030, "TM", "100912.312000"),
                element(0x00080031, "TM", f"10{10 + self.series}12.512000"),
                element(0x00080032, "TM", time),
                element(0x00080033, "TM", time),
                element(0x00080050, "SH", f"A{self.patient:06d}"),
                element(0x00080060, "CS", "MR"),
                element(0x00080070, "LO", "SIEMENS"),
                element(0x00080080, "LO", "Invented Hospital"),
                element(0x00080081, "ST", "Invented Street 1, Nowhere"),
                element(0x00080090, "PN", "Nobody^Known"),
                element(0x00081010, "SH", "MRC00001"),
                element(0x00081030, "LO", "Spine^Lumbar"),
                sequence(0x00081032, code),
                element(0x0008103E, "LO", self.contrast[0]),
                element(0x00081040, "LO", "Radiology"),
                element(0x00081050, "PN", "Some^Body"),
                element(0x00081090, "LO", "Aera"),
                sequence(0x00081110, reference),
                sequence(0x00081140, reference, reference, reference),
            )
        )

    def _patient(self) -> bytes:
        return b"".join(
            (
                element(0x00100010, "PN", f"Invented^P{self.patient:05d}"),
                element(0x00100020, "LO", f"BENCH-{self.patient:05d}"),
                element(0x00100030, "DA", "19700101"),
                element(0x00100040, "CS", "O"),
                element(0x00101010, "AS", "054Y"),
                element(0x00101020, "DS", "1.76"),
                element(0x00101030, "DS", "80"),
            )
        )

    def _acquisition(self, index: int) -> bytes:
        _, name, repetition, echo, _, _ = self.contrast
        private = [element(0x00190010, "LO", "SIEMENS MR HEADER")]
        private += [element(0x00191008 + k, "CS", f"VALUE {k}") for k in range(10)]
        private += [element(0x00191020 + k, "FD", float(self.rng.random())) for k in range(6)]
        inner = element(0x00191042, "LO", "value"), element(0x00191043, "DS", "12.5")
        private.append(sequence(0x00191040, b"".join(inner), b"".join(inner)))
        return b"".join(
            (
                element(0x00180015, "CS", "LSPINE"),
                element(0x00180020, "CS", "SE"),
                element(0x00180021, "CS", "SK\\SP\\OSP"),
                element(0x00180022, "CS", "PFP\\FS"),
                element(0x00180023, "CS", "2D"),
                element(0x00180024, "SH", name),
                element(0x00180025, "CS", "N"),
                element(0x00180050, "DS", "4"),
                element(0x00180080, "DS", f"{repetition:g}"),
                element(0x00180081, "DS", f"{echo:g}"),
                element(0x00180083, "DS", "2"),
                element(0x00180084, "DS", "63.682"),
                element(0x00180085, "SH", "1H"),
                element(0x00180086, "IS", "1"),
                element(0x00180087, "DS", "1.5"),
                element(0x00180088, "DS", "4.4"),
                element(0x00180089, "IS", "269"),
                element(0x00180091, "IS", "15"),
                element(0x00180093, "DS", "100"),
                element(0x00180094, "DS", "70"),
                element(0x00180095, "DS", "190"),
                element(0x00181000, "LO", "00001"),
                element(0x00181020, "LO", "software version 1"),
                element(0x00181030, "LO", self.contrast[0]),
                element(0x00181251, "SH", "Body"),
                element(0x00181310, "US", struct.pack("<4H", 0, self.pixels, self.pixels, 0)),
                element(0x00181312, "CS", "ROW"),
                element(0x00181314, "DS", "150"),
                element(0x00181315, "CS", "N"),
                element(0x00181316, "DS", f"{0.2 + 0.001 * index:.6f}"),
                element(0x00181318, "DS", "0"),
                element(0x00185100, "CS", "HFS"),
                *private,
            )
        )

    def _relation(self, index: int) -> bytes:
        cosines, normal = self.contrast[4:]
        place = -60 + 4.4 * index + 0.01 * self.series
        corner = "\\".join(
            f"{start + place * step:.6f}".rstrip("0") for start, step in zip(CORNER, normal, strict=True)
        )
        return b"".join(
            (
                element(0x0020000D, "UI", self.study_uid),
                element(0x0020000E, "UI", self.uid),
                element(0x00200010, "SH", "1"),
                element(0x00200011, "IS", self.series + 1),
                element(0x00200012, "IS", 1),
                element(0x00200013, "IS", index + 1),
                element(0x00200032, "DS", corner),
                element(0x00200037, "DS", cosines),
                element(0x00200052, "UI", f"{self.study_uid}.800"),
                element(0x00201040, "LO", ""),
                element(0x00201041, "DS", f"{place:.6f}"),
                element(0x00210010, "LO", "SIEMENS MR SDS 01"),
                *(element(0x00211001 + k, "DS", f"{k}.25") for k in range(30)),
                element(0x00211101, "DS", f"{place:.4f}"),
                *(element(0x00211102 + k, "IS", k) for k in range(20)),
            )
        )

    def _picture(self) -> bytes:
        level, width = 300 + self.rng.randrange(99), 700 + self.rng.randrange(300)
        window = (element(0x00281050, "DS", level), element(0x00281051, "DS", width))
        shorts = {0x02: 1, 0x10: self.pixels, 0x11: self.pixels}
        stored = {0x100: 16, 0x101: 12, 0x102: 11, 0x103: 0, 0x106: 0, 0x107: self.rng.randrange(900, 4000)}
        return b"".join(
            (
                element(0x00280002, "US", shorts[0x02]),
                element(0x00280004, "CS", "MONOCHROME2"),
                *(element(0x00280000 + tag, "US", shorts[tag]) for tag in (0x10, 0x11)),
                element(0x00280030, "DS", "0.625\\0.625"),
                *(element(0x00280000 + tag, "US", value) for tag, value in stored.items()),
                *window,
                element(0x00281055, "LO", "Algo1"),
            )
        )

    def _vendor_end(self, index: int) -> bytes:
        # The vendor's blocks differ from slice to slice in a few bytes, as they do on a scanner.
        first, second = (struct.pack("<L", index) + block for block in self.csa)
        step = element(0x00400007, "LO", "MRI lumbar spine") + element(0x00400009, "SH", f"S{self.patient}")
        return b"".join(
            (
                element(0x00290010, "LO", "SIEMENS CSA HEADER"),
                element(0x00290011, "LO", "SIEMENS MEDCOM HEADER2"),
                element(0x00291008, "CS", "IMAGE NUM 4"),
                element(0x00291009, "LO", "20240101"),
                element(0x00291010, "OB", first),
                element(0x00291018, "CS", "MR"),
                element(0x00291020, "OB", second),
                element(0x00291160, "LO", "com"),
                element(0x00321060, "LO", "MRI lumbar spine"),
                element(0x00400244, "DA", self.date),
                element(0x00400245, "TM", "100912.312000"),
                element(0x00400253, "SH", f"P{self.patient}"),
                element(0x00400254, "LO", "MRI lumbar spine"),
                sequence(0x00400275, step),
                element(0x00510010, "LO", "SIEMENS MR HEADER"),
                *(element(0x00511008 + k, "LO", f"value {k}") for k in range(14)),
            )
        )


def make_tree(folder: Path, n_files: int, *, pixels: int = 160) -> None:
    """Write that many files, series by series, into folders of patient, study and series."""
    n_series = -(-n_files // SLICES_IN_SERIES)
    written = 0
    for number in range(n_series):
        study, series = divmod(number, SERIES_IN_STUDY)
        patient, study = divmod(study, STUDIES_OF_PATIENT)
        maker = SeriesMaker(patient + 1, study + 1, series + 1, pixels=pixels)
        here = folder / f"P{patient + 1:05d}" / f"ST{study + 1}" / f"SE{series + 1}"
        here.mkdir(parents=True)
        for index in range(min(SLICES_IN_SERIES, n_files - written)):
            (here / f"IM{index + 1:04d}").write_bytes(maker.file(index))
            written += 1

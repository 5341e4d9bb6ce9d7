"""Values of a header from their bytes, as far as there is one way to read them.

Whatever a reader could take in two ways raises `Unusual`: control characters, a number that
the standard does not write so, one value where several are usual. Text beyond ASCII is read by
`herntrack.dicom.character_sets`, as it is of a file that pydicom parses.

Public: `WANTED`, `META_WANTED`, `KEYS`, `PlainValues`, `plain_uid`, `plain_whole`, `plain_reals`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from math import isfinite

from herntrack.dicom.character_sets import stated_sets, text_values
from herntrack.dicom.elements import CHARACTER_SET, Unusual
from herntrack.dicom.file_meta import EXPLICIT_SYNTAX, IMPLICIT_SYNTAX
from herntrack.dicom.header_rules import LARGEST_NUMBER

COMPRESSED_SYNTAXES = frozenset(
    (
        *(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70, 80, 81, 90, 91, 201, 202, 203)),
        "1.2.840.10008.1.2.5",
    )
)
"""Syntaxes of single pictures, all of them in explicit VR little endian."""

ASCII_CHARACTER_SETS = frozenset(
    (
        *(f"ISO_IR {number}" for number in (6, 13, 100, 101, 109, 110, 126, 127, 138, 144, 148, 166, 192)),
        *(
            f"ISO 2022 IR {number}"
            for number in (6, 13, 87, 100, 101, 109, 110, 126, 127, 138, 144, 148, 149, 159, 166)
        ),
        *("", "GB18030", "GBK"),
    )
)
"""Character sets whose decoders turn ASCII bytes into ASCII characters (PS3.3 C.12.1.1.2)."""

WANTED = {
    "SpecificCharacterSet": (0x00080005, "CS"),
    "ImageType": (0x00080008, "CS"),
    "SOPClassUID": (0x00080016, "UI"),
    "SOPInstanceUID": (0x00080018, "UI"),
    "StudyDate": (0x00080020, "DA"),
    "SeriesDate": (0x00080021, "DA"),
    "AcquisitionDate": (0x00080022, "DA"),
    "ContentDate": (0x00080023, "DA"),
    "Modality": (0x00080060, "CS"),
    "Manufacturer": (0x00080070, "LO"),
    "StudyDescription": (0x00081030, "LO"),
    "SeriesDescription": (0x0008103E, "LO"),
    "ManufacturerModelName": (0x00081090, "LO"),
    "PatientName": (0x00100010, "PN"),
    "PatientID": (0x00100020, "LO"),
    "PatientBirthDate": (0x00100030, "DA"),
    "PatientSex": (0x00100040, "CS"),
    "ContrastBolusAgent": (0x00180010, "LO"),
    "BodyPartExamined": (0x00180015, "CS"),
    "ScanningSequence": (0x00180020, "CS"),
    "SequenceVariant": (0x00180021, "CS"),
    "ScanOptions": (0x00180022, "CS"),
    "SequenceName": (0x00180024, "SH"),
    "SliceThickness": (0x00180050, "DS"),
    "RepetitionTime": (0x00180080, "DS"),
    "EchoTime": (0x00180081, "DS"),
    "InversionTime": (0x00180082, "DS"),
    "EchoNumbers": (0x00180086, "IS"),
    "MagneticFieldStrength": (0x00180087, "DS"),
    "SpacingBetweenSlices": (0x00180088, "DS"),
    "ProtocolName": (0x00181030, "LO"),
    "GantryDetectorTilt": (0x00181120, "DS"),
    "ConvolutionKernel": (0x00181210, "SH"),
    "FlipAngle": (0x00181314, "DS"),
    "PatientPosition": (0x00185100, "CS"),
    "DiffusionBValue": (0x00189087, "FD"),
    "StudyInstanceUID": (0x0020000D, "UI"),
    "SeriesInstanceUID": (0x0020000E, "UI"),
    "SeriesNumber": (0x00200011, "IS"),
    "AcquisitionNumber": (0x00200012, "IS"),
    "InstanceNumber": (0x00200013, "IS"),
    "ImagePositionPatient": (0x00200032, "DS"),
    "ImageOrientationPatient": (0x00200037, "DS"),
    "FrameOfReferenceUID": (0x00200052, "UI"),
    "TemporalPositionIdentifier": (0x00200100, "IS"),
    "SamplesPerPixel": (0x00280002, "US"),
    "NumberOfFrames": (0x00280008, "IS"),
    "Rows": (0x00280010, "US"),
    "Columns": (0x00280011, "US"),
    "PixelSpacing": (0x00280030, "DS"),
    "BitsAllocated": (0x00280100, "US"),
    "BurnedInAnnotation": (0x00280301, "CS"),
    "LossyImageCompression": (0x00282110, "CS"),
}
"""The values that the rules ask for, with the VR they are written in (PS3.6)."""

META_WANTED = {
    "MediaStorageSOPClassUID": (0x00020002, "UI"),
    "TransferSyntaxUID": (0x00020010, "UI"),
}


def element_key(tag: int) -> bytes:
    """Return how an element begins in little endian."""
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF)


KEYS = {keyword: element_key(tag) for keyword, (tag, _) in {**META_WANTED, **WANTED}.items()}
_VR = {keyword: vr for keyword, (_, vr) in {**META_WANTED, **WANTED}.items()}
_UID = re.compile(rb"([0-9.]{1,64})[\0 ]*")
_TEXT = re.compile(rb"([ -~]*)\0*")
_ANY_TEXT = re.compile(rb"[ -~\x1b\x80-\xff]*\0*")
_CHARACTER_SET_VRS = frozenset(("LO", "PN", "SH"))
"""What a character set is for, of the VRs that are wanted (PS3.5 6.1.2.3)."""

_WHOLE = re.compile(rb" *([+-]?[0-9]{1,9})[\0 ]*")
_BLANK = re.compile(rb"[\0 ]*")
_DECIMAL_BYTES = b"0123456789+-.eE \\"
"""Of these bytes Python reads what the standard calls a decimal string, and nothing else."""


class PlainValues:
    """The values of a header as its bytes say them: `herntrack.dicom.header_rules.HeaderValues`.

    Parameters
    ----------
    found : mapping of bytes to bytes
        Values by the first four bytes of their element.
    """

    def __init__(self, found: Mapping[bytes, bytes]) -> None:
        self._found = found
        sets = _texts(found.get(CHARACTER_SET, b""))
        if any(name not in ASCII_CHARACTER_SETS for name in sets):
            raise Unusual("another character set")
        self._character_set = stated_sets(sets)

    def has(self, keyword: str) -> bool:
        """Return whether the element is there."""
        return KEYS[keyword] in self._found

    def text(self, keyword: str) -> str:
        """Return the first value."""
        raw = self._raw(keyword, "UI", "CS", "LO", "SH", "DA")
        if _VR[keyword] == "UI":
            return plain_uid(raw) if raw else ""
        return next(iter(self._texts(keyword, raw)), "")

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Return all values."""
        return self._texts(keyword, self._raw(keyword, "CS", "SH"))

    def name_bytes(self, keyword: str) -> bytes:
        """Return a person's name as the file has it."""
        raw = self._raw(keyword, "PN")
        if _ANY_TEXT.fullmatch(raw) is None:
            raise Unusual("a control character in a text")
        return raw

    def character_set(self) -> str:
        """Return the stated character sets."""
        return self._character_set

    def integer(self, keyword: str) -> int | None:
        """Return one whole number."""
        raw = self._raw(keyword, "IS", "US")
        if _VR[keyword] == "US":
            return self.unsigned(keyword) if raw else None
        return plain_whole(raw)

    def real(self, keyword: str) -> float | None:
        """Return one number."""
        raw = self._raw(keyword, "DS", "FD")
        if _VR[keyword] == "FD":
            number = _double(raw) if raw else None
        else:
            number = None if _BLANK.fullmatch(raw) else plain_reals(raw, 1)[0]
        if number is not None and abs(number) > LARGEST_NUMBER:
            raise Unusual("a number that is a mistake")
        return number

    def reals(self, keyword: str, length: int) -> tuple[float, ...]:
        """Return that many numbers; any other count is unusual."""
        return plain_reals(self._raw(keyword, "DS"), length)

    def unsigned(self, keyword: str) -> int:
        """Return one count of two bytes."""
        raw = self._raw(keyword, "US")
        if len(raw) != 2:
            raise Unusual("not one whole number")
        return raw[0] + (raw[1] << 8)

    def meta_text(self, keyword: str) -> str:
        """Return a value of the file meta information."""
        return self.text(keyword)

    def transfer_syntax(self) -> str:
        """Return the transfer syntax."""
        return self.text("TransferSyntaxUID")

    def is_native(self, syntax: str) -> bool:
        """Return whether pixels are stored as they are."""
        return syntax in {IMPLICIT_SYNTAX, EXPLICIT_SYNTAX}

    def class_name(self, uid: str) -> str:
        """Refuse: the name would stand in the words for a file that is set aside."""
        raise Unusual(f"not an image of the plain kind: {uid}")

    def _texts(self, keyword: str, raw: bytes) -> tuple[str, ...]:
        if _VR[keyword] not in _CHARACTER_SET_VRS or _TEXT.fullmatch(raw) is not None:
            return _texts(raw)
        if _ANY_TEXT.fullmatch(raw) is None:
            raise Unusual("a control character in a text")
        return text_values(raw, self._character_set)

    def _raw(self, keyword: str, *vrs: str) -> bytes:
        # A value that is not in the table would stand in for an emptied identifier: left to pydicom.
        if _VR.get(keyword) not in vrs:
            raise Unusual(f"{keyword} is not read here")
        return self._found.get(KEYS[keyword], b"")


def plain_uid(raw: bytes) -> str:
    """Return one UID."""
    matched = _UID.fullmatch(raw)
    if matched is None:
        raise Unusual("not one UID")
    return matched[1].decode()


def _texts(raw: bytes) -> tuple[str, ...]:
    matched = _TEXT.fullmatch(raw)
    if matched is None:
        raise Unusual("text beyond ASCII")
    whole = matched[1].decode().rstrip(" ")
    return tuple(item.strip() for item in whole.split("\\")) if whole else ()


def plain_whole(raw: bytes) -> int | None:
    """Return one whole number, None for a blank value (PS3.5 6.2, IS)."""
    matched = _WHOLE.fullmatch(raw)
    if matched is not None:
        return int(matched[1])
    if _BLANK.fullmatch(raw):
        return None
    raise Unusual("not one whole number")


def plain_reals(raw: bytes, length: int = 3) -> tuple[float, ...]:
    """Return that many finite decimal numbers (PS3.5 6.2, DS)."""
    if raw.rstrip(b"\0").translate(None, _DECIMAL_BYTES):
        raise Unusual("not decimal numbers")
    try:
        numbers = tuple(map(float, raw.rstrip(b"\0 ").split(b"\\")))
    except ValueError:
        raise Unusual("not decimal numbers") from None
    if len(numbers) != length or not all(map(isfinite, numbers)):
        raise Unusual("more or fewer numbers, or one beyond all limits")
    return numbers


def _double(raw: bytes) -> float:
    if len(raw) != 8:
        raise Unusual("not one number")
    (number,) = struct.unpack("<d", raw)
    if not isfinite(number):
        raise Unusual("a number beyond all limits")
    return float(number)

"""Files that are not catalogued, and those that are told from their first bytes.

Public: `SetAside`, `check_signature`, `PREAMBLE_LENGTH`.
"""

from __future__ import annotations

from herntrack.errors import DicomError

PREAMBLE_LENGTH = 128
"""Bytes before the ``DICM`` prefix (DICOM PS3.10 7.1)."""

PACKED = {
    b"PK\x03\x04": "a zip archive by its first bytes; if it holds images, name it .zip and ingest it again",
    b"\x1f\x8b": "packed with gzip; if DICOM files are in it, unpack it by hand and ingest them",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive; unpack it by hand and ingest the folder",
    b"Rar!\x1a\x07": "a RAR archive; unpack it by hand and ingest the folder",
}
"""How files begin that may hold images but are not opened, and what is said of them."""


class SetAside(DicomError):
    """The file is not catalogued.

    Parameters
    ----------
    code : str
        A short stable word for counting.
    reason : str
        A sentence with the values.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def check_signature(head: bytes) -> bool:
    """Return whether a file has the DICM prefix; refuse what cannot be DICOM without it.

    Parameters
    ----------
    head : bytes
        At least the first 132 bytes of the file, or all of a shorter one.

    Raises
    ------
    SetAside
        If the file is no DICOM file.
    """
    if head[PREAMBLE_LENGTH : PREAMBLE_LENGTH + 4] == b"DICM":
        return True
    # Without a preamble a dataset begins with group 0002 or 0008, in either byte order.
    if head[:2] in {b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08"} and len(head) > 8:
        return False
    if head[:4] == b"DICM":
        raise SetAside(
            "no_preamble",
            f"the file begins with the DICM prefix: the {PREAMBLE_LENGTH} bytes before it were cut off;"
            " export it again, or put as many bytes of any value before it",
        )
    for beginning, words in PACKED.items():
        if head.startswith(beginning):
            raise SetAside("not_dicom", f"the file is no DICOM file but {words}")
    raise SetAside("not_dicom", "the file is no DICOM file: no DICM prefix and no data element at its start")

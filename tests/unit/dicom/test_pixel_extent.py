"""A file that was cut short is told from a whole one, whatever its header's length."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from herntrack.dicom.fast_header import PlainReader
from herntrack.dicom.headers import SetAside, read_images
from herntrack.dicom.pixel_extent import PIXEL_TAGS, TAIL_BYTES
from herntrack.dicom.scan import found_file, scan_files
from herntrack.dicom.scan_chunk import Refusal
from tests.factories import make_dataset
from tests.unit.dicom.plain_files import element, plain_file, tag_bytes, written

PIXELS = PIXEL_TAGS[2]
NATIVE = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]


def image_file(syntax: str, *, n_left_out: int = 0) -> bytes:
    """Return an image of 256 x 256 pixels, the last bytes of its pixel data left out."""
    pixels = np.random.default_rng(1).integers(0, 4000, (256, 256)).astype("<u2").tobytes()
    dataset = make_dataset(Rows=256, Columns=256, PixelData=pixels[: len(pixels) - n_left_out])
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    return written(dataset)


def compressed_file(*, fragments: int = 3, after: bytes = b"") -> bytes:
    dataset = make_dataset()
    dataset.file_meta.TransferSyntaxUID = RLELossless
    stream = np.random.default_rng(2).bytes(9000)
    dataset.PixelData = encapsulate([stream], fragments_per_frame=fragments)
    dataset["PixelData"].is_undefined_length = True
    return written(dataset) + after


def fate(path: Path, content: bytes) -> str:
    """Return the code of a file, the same from the thorough reader and from the scan."""
    path.write_bytes(content)
    (scanned,) = scan_files([found_file(path)])
    if not isinstance(scanned, Refusal):
        assert read_images(path)
        return "taken"
    with pytest.raises(SetAside) as caught:
        read_images(path)
    assert (caught.value.code, caught.value.reason) == (scanned.code, scanned.reason)
    return scanned.code


@pytest.mark.parametrize("syntax", NATIVE[:3])
@pytest.mark.parametrize("n_cut", [1, 2, 100, 600, 5000, 70_000])
def test_a_native_image_that_lacks_its_last_bytes_is_truncated(
    tmp_path: Path, syntax: str, n_cut: int
) -> None:
    whole = image_file(syntax)
    assert fate(tmp_path / "whole", whole) == "taken"
    assert fate(tmp_path / "cut", whole[:-n_cut]) == "truncated"


@pytest.mark.parametrize("syntax", NATIVE)
def test_an_element_that_is_too_short_for_its_picture_is_truncated(tmp_path: Path, syntax: str) -> None:
    behind = element(0xFFFCFFFC, "OB", bytes(400), implicit=syntax == ImplicitVRLittleEndian)
    content = image_file(syntax, n_left_out=2)
    assert fate(tmp_path / "x", content + (behind if syntax in NATIVE[:2] else b"")) == "truncated"


def test_the_reason_says_how_much_is_there(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(image_file(ExplicitVRLittleEndian)[:-600])
    with pytest.raises(SetAside, match=r"has 130472 of the 131072 bytes that its pixels need; copy it again"):
        read_images(tmp_path / "x")


def test_the_truncated_example_of_pydicom_is_set_aside(tmp_path: Path) -> None:
    example = Path(str(get_testdata_file("MR_truncated.dcm")))
    assert fate(tmp_path / "x", example.read_bytes()) == "truncated"


@pytest.mark.parametrize("behind", [0, 200, 3 * TAIL_BYTES])
def test_what_stands_behind_the_pixels_changes_nothing(tmp_path: Path, behind: int) -> None:
    padding = element(0xFFFCFFFC, "OB", bytes(behind)) if behind else b""
    assert fate(tmp_path / "native", image_file(ExplicitVRLittleEndian) + padding) == "taken"
    assert fate(tmp_path / "compressed", compressed_file(after=padding)) == "taken"


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.99])
def test_compressed_pixels_that_break_off_are_truncated(tmp_path: Path, kept: float) -> None:
    whole = compressed_file()
    begin = whole.index(tag_bytes(PIXELS)) + 12
    assert fate(tmp_path / "x", whole[: begin + int(kept * (len(whole) - begin))]) == "truncated"


@pytest.mark.parametrize("n_cut", [1, 4, 8])
def test_compressed_pixels_without_their_end_mark_are_truncated(tmp_path: Path, n_cut: int) -> None:
    assert fate(tmp_path / "x", compressed_file()[:-n_cut]) == "truncated"


def test_an_end_mark_in_the_header_is_not_that_of_the_pixels(tmp_path: Path) -> None:
    sequence = struct.pack("<HH2sHL", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF) + b"\xfe\xff\xdd\xe0" + bytes(4)
    pixels = struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF) + b"\xfe\xff\x00\xe0" + bytes(4)
    content = plain_file(more={0x00081140: sequence, PIXELS: pixels}, syntax=RLELossless)
    assert fate(tmp_path / "x", content) == "truncated"


@pytest.mark.parametrize("syntax", NATIVE)
def test_an_image_without_pixels_is_named(tmp_path: Path, syntax: str) -> None:
    dataset = make_dataset()
    del dataset.PixelData
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    assert fate(tmp_path / "x", written(dataset)) == "no_pixels"


def test_whole_compressed_files_are_still_read_without_pydicom(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(compressed_file())
    assert PlainReader().read(str(path), path.stat().st_size) is not None


@pytest.mark.parametrize("n_header", [16_384 - 12, 16_384 - 8, 16_384 - 4, 16_384, 16_384 + 4])
@pytest.mark.parametrize("syntax", NATIVE[:2])
def test_a_header_that_ends_where_the_first_read_ends_is_read_on(
    tmp_path: Path, syntax: str, n_header: int
) -> None:
    """Whether the pixels are whole is seen from their element's head, which must be read."""
    implicit = syntax == ImplicitVRLittleEndian
    room = n_header - (plain_file(syntax=syntax).index(tag_bytes(PIXELS)) + (8 if implicit else 12))
    content = plain_file(
        more={0x00291010: element(0x00291010, "OB", bytes(room), implicit=implicit)}, syntax=syntax
    )
    assert content.index(tag_bytes(PIXELS)) == n_header
    path = tmp_path / "x"
    path.write_bytes(content)
    assert PlainReader().read(str(path), len(content)) is not None
    assert fate(path, content[:-1]) == "truncated"

"""Decoded values against pydicom's test images and images written for the purpose."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from herntrack.dicom.jpeg_twelve_bits import sample_precision
from herntrack.dicom.multi_frame import frame_headers
from herntrack.dicom.pixels import decode_frames, decode_values, read_dataset, read_values
from herntrack.errors import DicomError, MissingAttributeError, NotDicomError
from tests.enhanced import frame, make_enhanced, ramp
from tests.factories import write
from tests.phantoms import grid
from tests.unit.imaging.image_files import image

EXAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
GEOMETRY = grid((4.0, 0.7, 0.7), (1, 3, 4))
NOWHERE = Path("image.dcm")


def values_of(stored: npt.NDArray[Any], **changes: Any) -> npt.NDArray[Any]:
    return decode_values(image(stored, GEOMETRY, **changes), path=NOWHERE)


STORED = np.array([[0, 1, 2, 3], [100, 200, 300, 400], [1000, 2000, 3000, 4095]], dtype=np.uint16)


def test_whole_slope_and_intercept_give_int16() -> None:
    values = values_of(STORED, RescaleSlope=2, RescaleIntercept=-1024)
    assert values.dtype == np.int16
    assert np.array_equal(values, STORED.astype(int) * 2 - 1024)


def test_values_beyond_int16_give_int32() -> None:
    values = values_of(STORED * 16, RescaleSlope=1, RescaleIntercept=-1)
    assert values.dtype == np.int32
    assert values.max() == 65519


def test_a_fractional_slope_gives_float32() -> None:
    values = values_of(STORED, RescaleSlope="0.25", RescaleIntercept=1)
    assert values.dtype == np.float32
    assert np.array_equal(values, STORED * 0.25 + 1)


def test_without_rescale_the_stored_values_are_the_values() -> None:
    values = values_of(STORED)
    assert values.dtype == np.int16
    assert np.array_equal(values, STORED)


def test_a_rescale_of_no_slope_is_refused() -> None:
    with pytest.raises(DicomError, match=r"RescaleSlope 0\.0"):
        values_of(STORED, RescaleSlope=0, RescaleIntercept=5)


def test_bits_above_bits_stored_are_no_part_of_the_value() -> None:
    with_overlay = STORED | 0xF000
    values = values_of(with_overlay, BitsStored=12, HighBit=11)
    assert np.array_equal(values, STORED)


def test_twelve_signed_bits_are_extended() -> None:
    stored = np.array([[0, 1, 2047, 0x0FFF], [0x0800, 5, 6, 7], [8, 9, 10, 11]], dtype=np.int16)
    values = values_of(stored, BitsStored=12, HighBit=11)
    assert values[0].tolist() == [0, 1, 2047, -1]
    assert values[1, 0] == -2048


def test_a_high_bit_elsewhere_is_refused() -> None:
    with pytest.raises(DicomError, match="HighBit is 15 with BitsStored 12"):
        values_of(STORED, BitsStored=12, HighBit=15)


def test_an_odd_number_of_bytes_is_padded_not_cut() -> None:
    stored = np.arange(15, dtype=np.uint8).reshape(3, 5)
    assert np.array_equal(values_of(stored), stored)


def test_a_modality_table_is_applied() -> None:
    table = Dataset()
    table.LUTDescriptor = [4, 0, 16]
    table.LUTData = [7, 70, 700, 7000]
    table.ModalityLUTType = "US"
    stored = np.array([[0, 1, 2, 3], [3, 3, 0, 0], [1, 1, 1, 9]], dtype=np.uint16)
    values = values_of(stored, ModalityLUTSequence=Sequence([table]))
    assert values.tolist() == [[7, 70, 700, 7000], [7000, 7000, 7, 7], [70, 70, 70, 7000]]


@pytest.mark.parametrize(
    "name",
    [
        "MR_small_RLE.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_expb.dcm",
        "MR_small_implicit.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "MR_small_padded.dcm",
    ],
)
def test_every_lossless_syntax_gives_the_same_values(name: str) -> None:
    assert np.array_equal(read_values(EXAMPLES / name), read_values(EXAMPLES / "MR_small.dcm"))


def test_values_of_ct_are_hounsfield_units() -> None:
    dataset = pydicom.dcmread(EXAMPLES / "CT_small.dcm")
    values = read_values(EXAMPLES / "CT_small.dcm")
    assert np.array_equal(values, dataset.pixel_array.astype(int) - 1024)


def test_a_signed_header_on_an_unsigned_jpeg_2000_stream_counts() -> None:
    values = read_values(EXAMPLES / "J2K_pixelrep_mismatch.dcm")
    assert values[0, 0] == -2000


def test_a_file_without_preamble_and_meta_header_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bare.dcm"
    dataset = image(STORED, GEOMETRY)
    del dataset.file_meta
    dataset.save_as(path, implicit_vr=True, little_endian=True)
    assert path.read_bytes()[128:132] != b"DICM"
    assert np.array_equal(read_values(path), STORED)


def test_a_deflated_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deflated.dcm"
    dataset = image(STORED, GEOMETRY)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)
    assert np.array_equal(read_values(path), STORED)


def test_decoding_leaves_the_dataset_as_it_was() -> None:
    dataset = image(STORED, GEOMETRY, BitsStored=12, HighBit=11)
    before = dataset.to_json()
    decode_values(dataset, path=NOWHERE)
    assert dataset.to_json() == before


def test_missing_native_pixels_are_refused_with_the_path() -> None:
    dataset = image(STORED, GEOMETRY)
    dataset.PixelData = dataset.PixelData[:-2]
    with pytest.raises(
        DicomError, match=r"image\.dcm: the pixels cannot be decoded .*Explicit VR Little Endian"
    ) as raised:
        decode_values(dataset, path=NOWHERE)
    assert raised.value.path == NOWHERE


def test_a_truncated_native_file_is_refused() -> None:
    with pytest.raises(DicomError, match="cut short"):
        read_values(EXAMPLES / "MR_truncated.dcm")


@pytest.mark.parametrize(
    "name", ["MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "JPEG2000.dcm"]
)
@pytest.mark.parametrize("kept", [0.5, 0.8, 0.98])
def test_a_truncated_compressed_file_is_refused(name: str, kept: float, tmp_path: Path) -> None:
    whole = (EXAMPLES / name).read_bytes()
    pixels = pydicom.dcmread(EXAMPLES / name)["PixelData"]
    path = tmp_path / name
    path.write_bytes(whole[: int(pixels.file_tell + len(pixels.value) * kept)])
    with pytest.raises(DicomError):
        read_values(path)


@pytest.mark.parametrize(
    "name", ["MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_RLE.dcm"]
)
def test_a_compressed_stream_that_breaks_off_inside_a_whole_file_is_refused(name: str) -> None:
    # Decoders differ: some return grey for the missing part without a word.
    dataset = read_dataset(EXAMPLES / name)
    frame = next(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1))
    dataset.PixelData = pydicom.encaps.encapsulate([frame[: len(frame) // 2]])
    dataset["PixelData"].is_undefined_length = True
    with pytest.raises(DicomError, match="cannot be decoded"):
        decode_values(dataset, path=NOWHERE)


@pytest.mark.parametrize("name", ["JPGExtended.dcm", "JPEG-lossy.dcm"])
def test_lossy_jpeg_of_twelve_bits_is_read(name: str) -> None:
    values = read_values(EXAMPLES / name)
    # What libjpeg-turbo 3 decodes the same stream to, bit for bit.
    assert (values.dtype, values.shape, int(values.max())) == (np.int16, (1024, 256), 264)
    digest = hashlib.sha256(values.astype("<u2").tobytes()).hexdigest()
    assert digest == "d30242775a414c01d616447854ebe3f2b20259822894bcd6891f879bcdcbf313"


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.98])
def test_lossy_jpeg_of_twelve_bits_that_breaks_off_is_refused(kept: float) -> None:
    dataset = read_dataset(EXAMPLES / "JPGExtended.dcm")
    frame = next(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1))
    dataset.PixelData = pydicom.encaps.encapsulate([frame[: int(len(frame) * kept) // 2 * 2]])
    dataset["PixelData"].is_undefined_length = True
    with pytest.raises(DicomError, match="cannot be decoded"):
        decode_values(dataset, path=NOWHERE)


def test_lossy_jpeg_of_twelve_bits_of_another_size_is_refused() -> None:
    dataset = read_dataset(EXAMPLES / "JPGExtended.dcm")
    dataset.Rows = 1000
    with pytest.raises(DicomError, match="cannot be decoded"):
        decode_values(dataset, path=NOWHERE)


def test_signed_lossy_jpeg_of_twelve_bits_is_refused_as_nobody_says_how_it_is_signed() -> None:
    dataset = read_dataset(EXAMPLES / "JPGExtended.dcm")
    dataset.PixelRepresentation = 1
    with pytest.raises(DicomError, match=r"1\.2\.840\.10008\.1\.2\.4\.51"):
        decode_values(dataset, path=NOWHERE)


def test_the_precision_of_a_jpeg_is_that_of_its_frame_header() -> None:
    segment = b"\xff\xe0\x00\x04\xff\xc1"  # an application's bytes look like a frame header
    assert sample_precision(b"\xff\xd8" + segment + b"\xff\xff\xc1\x00\x0b\x0c\x00\x01") == 12
    assert sample_precision(b"\xff\xd8" + segment) is None


def test_frames_have_each_their_own_rescale(tmp_path: Path) -> None:
    frames = [
        frame(z, PixelValueTransformationSequence={"RescaleSlope": slope, "RescaleIntercept": intercept})
        for z, slope, intercept in ((5.0, 1, -1024), (9.4, 2, 0), (13.8, "0.5", 3))
    ]
    path = write(make_enhanced(frames), tmp_path / "image")
    dataset = read_dataset(path)
    headers = frame_headers(dataset)
    values = dict(decode_frames(dataset, headers, path=path))
    assert [values[place].dtype for place in (0, 1, 2)] == [np.int16, np.int16, np.float32]
    assert np.array_equal(values[0], ramp(1).astype(int) - 1024)
    assert np.array_equal(values[1], ramp(2).astype(int) * 2)
    assert np.array_equal(values[2], ramp(3) * 0.5 + 3)
    chosen = [headers[2], headers[0]]
    assert [(place, values.max()) for place, values in decode_frames(dataset, chosen, path=path)] == [
        (1, 147 - 1024),
        (0, 347 * 0.5 + 3),
    ]


def test_frames_of_a_shortened_file_are_refused(tmp_path: Path) -> None:
    path = write(make_enhanced([frame(5.0), frame(9.4)]), tmp_path / "image")
    dataset = read_dataset(path)
    headers = frame_headers(dataset)
    dataset.NumberOfFrames = 1
    with pytest.raises(DicomError, match="frame 2 of 1"):
        list(decode_frames(dataset, headers, path=path))
    dataset.NumberOfFrames = 2
    dataset.PixelData = dataset.PixelData[:-2]
    with pytest.raises(DicomError, match="cannot be decoded"):
        list(decode_frames(dataset, headers, path=path))


def test_a_number_of_frames_that_is_none_is_refused() -> None:
    dataset = image(STORED, GEOMETRY)
    dataset.NumberOfFrames = "1"
    dataset["NumberOfFrames"]._value = "1A"
    with pytest.raises(DicomError, match="NumberOfFrames is no number"):
        decode_values(dataset, path=NOWHERE)


def test_an_unknown_syntax_is_named() -> None:
    dataset = image(STORED, GEOMETRY)
    dataset.file_meta.TransferSyntaxUID = "1.2.3.4"
    dataset.PixelData = pydicom.encaps.encapsulate([b"something"])
    with pytest.raises(DicomError, match=r"transfer syntax 1\.2\.3\.4.*decompress"):
        decode_values(dataset, path=NOWHERE)


def test_compressed_pixels_without_a_stated_syntax_are_refused(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(EXAMPLES / "MR_small_RLE.dcm")
    assert dataset.file_meta.TransferSyntaxUID == RLELossless
    path = tmp_path / "bare.dcm"
    whole = (EXAMPLES / "MR_small_RLE.dcm").read_bytes()
    meta_length = int.from_bytes(whole[140:144], "little")
    path.write_bytes(whole[144 + meta_length :])
    with pytest.raises(DicomError, match="does not say how"):
        read_values(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"NumberOfFrames": 2}, "2 frames; here images of one frame"),
        ({"SamplesPerPixel": 3}, "3 samples per pixel"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "colour palette"),
    ],
)
def test_what_is_no_picture_of_intensities_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DicomError, match=message):
        values_of(STORED, **changes)


@pytest.mark.parametrize("keyword", ["Rows", "BitsStored", "PixelRepresentation", "PixelData"])
def test_a_missing_attribute_is_named(keyword: str) -> None:
    with pytest.raises(MissingAttributeError, match=f"no {keyword}"):
        values_of(STORED, **{keyword: None})


def test_pixels_that_are_fractions_are_told_from_a_file_cut_short() -> None:
    dataset = image(STORED, GEOMETRY, PixelData=None)
    with pytest.raises(MissingAttributeError, match="cut short"):
        decode_values(dataset, path=NOWHERE)
    dataset.FloatPixelData = STORED.astype(np.float32).tobytes()
    with pytest.raises(MissingAttributeError, match="parametric map"):
        decode_values(dataset, path=NOWHERE)


def test_a_text_file_is_no_dicom_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("nothing to see\n" * 40)
    with pytest.raises(NotDicomError):
        read_values(path)


def test_a_missing_file_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(DicomError, match="cannot be read"):
        read_values(tmp_path / "absent.dcm")

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from herntrack.dicom.headers import SetAside, derived_patient_id, read_header
from herntrack.model.vocabulary import Modality
from tests.factories import ROOT, make_dataset, write


def refusal(path: Path) -> SetAside:
    with pytest.raises(SetAside) as caught:
        read_header(path)
    return caught.value


def test_a_plain_header_is_read_completely(tmp_path: Path) -> None:
    image = read_header(write(make_dataset(), tmp_path / "a"))
    assert (image.patient_id, str(image.study_date), image.series.modality) == ("T-001", "2024-01-15", "MR")
    assert image.header.image_position_patient == (-10.0, -20.0, 5.0)
    assert image.header.pixel_spacing == (0.7, 0.6)
    assert (image.header.rows, image.header.columns) == (8, 6)
    assert image.header.image_type == ("ORIGINAL", "PRIMARY", "M")
    assert image.notes == ()


@pytest.mark.parametrize(
    ("syntax", "is_little_endian"),
    [(ImplicitVRLittleEndian, True), (ExplicitVRBigEndian, False), (DeflatedExplicitVRLittleEndian, True)],
)
def test_every_encoding_gives_the_same_header(tmp_path: Path, syntax: str, is_little_endian: bool) -> None:
    plain = read_header(write(make_dataset(), tmp_path / "plain"))
    dataset = make_dataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    if not is_little_endian:
        dataset["PixelData"].VR = "OW"
    other = read_header(write(dataset, tmp_path / "other"))
    assert other.header.transfer_syntax_uid == syntax
    assert other.series == plain.series
    assert other.header.image_position_patient == plain.header.image_position_patient


def test_a_file_without_preamble_and_meta_header_is_read(tmp_path: Path) -> None:
    dataset = make_dataset()
    del dataset.file_meta
    path = tmp_path / "bare"
    dataset.save_as(path, implicit_vr=True, little_endian=True)
    assert path.read_bytes()[128:132] != b"DICM"
    image = read_header(path)
    assert image.header.transfer_syntax_uid == ImplicitVRLittleEndian
    assert image.header.sop_instance_uid == f"{ROOT}.9.1"


def test_blanked_identifiers_are_derived_alike_for_all_images_of_a_series(tmp_path: Path) -> None:
    blank = {
        "SOPClassUID": "",
        "StudyInstanceUID": "",
        "SeriesInstanceUID": "",
        "PatientID": "",
        "Modality": "CT",
    }
    images = []
    for number in (1, 2):
        dataset = make_dataset(SOPInstanceUID="", InstanceNumber=number, **blank)
        dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
        dataset.file_meta.MediaStorageSOPInstanceUID = f"{ROOT}.9.{number}"
        images.append(read_header(write(dataset, tmp_path / str(number), enforce_file_format=False)))
    assert images[0].study_instance_uid == images[1].study_instance_uid != ""
    assert images[0].series == images[1].series
    assert images[0].series.modality is Modality.CT
    assert [image.header.sop_instance_uid for image in images] == [f"{ROOT}.9.1", f"{ROOT}.9.2"]
    assert "PatientID is missing" in images[0].notes
    assert derived_patient_id("1.2") == derived_patient_id("1.2") != derived_patient_id("1.3")


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "empty_file"), (b"not an image\n" * 40, "not_dicom"), (b"\x00" * 400, "not_dicom")],
)
def test_what_is_no_dicom_is_named(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    assert refusal(path).code == code


@pytest.mark.parametrize(
    ("beginning", "words"),
    [
        (b"PK\x03\x04", "name it .zip"),
        (b"\x1f\x8b\x08", "gzip; if DICOM files are in it, unpack it by hand"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip archive; unpack it by hand"),
        (b"Rar!\x1a\x07\x01", "RAR archive; unpack it by hand"),
    ],
)
def test_what_may_hold_images_but_is_not_opened_says_what_to_do(
    tmp_path: Path, beginning: bytes, words: str
) -> None:
    path = tmp_path / "export"
    path.write_bytes(beginning + bytes(300))
    refused = refusal(path)
    assert refused.code == "not_dicom"
    assert words in refused.reason


@pytest.mark.parametrize(
    ("values", "code", "word"),
    [
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "not_mr_or_ct", "Secondary Capture"),
        ({"NumberOfFrames": 12}, "multi_frame", "12 frames"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4.1", "NumberOfFrames": 3}, "multi_frame", "3 frames"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]}, "mosaic", "mosaic"),
        ({"SamplesPerPixel": 3}, "colour", "3 samples"),
        ({"ImagePositionPatient": None}, "no_position", "ImagePositionPatient"),
        ({"PixelSpacing": [0, 0.6]}, "no_position", "not positive"),
        ({"PixelSpacing": ["1e-320", "0.6"]}, "no_position", "not positive"),
        ({"Rows": 0, "PixelData": b""}, "not_an_image", "Rows"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "no_position", "perpendicular"),
        ({"Rows": 500, "PixelData": b"\x00\x00" * 48}, "truncated", "6000"),
    ],
)
def test_an_image_that_cannot_be_used_says_why(
    tmp_path: Path, values: dict[str, object], code: str, word: str
) -> None:
    found = refusal(write(make_dataset(**values), tmp_path / "x"))
    assert found.code == code
    assert word in found.reason


def test_a_header_cut_in_the_middle_is_set_aside(tmp_path: Path) -> None:
    path = write(make_dataset(), tmp_path / "x")
    path.write_bytes(path.read_bytes()[:300])
    assert refusal(path).code in {"broken", "not_mr_or_ct", "not_an_image"}


def test_a_file_whose_preamble_was_cut_off_says_what_to_do(tmp_path: Path) -> None:
    path = write(make_dataset(), tmp_path / "x")
    cut = path.read_bytes()[128:]
    path.write_bytes(cut)
    found = refusal(path)
    assert found.code == "no_preamble"
    assert "the 128 bytes before it were cut off" in found.reason
    path.write_bytes(bytes(128) + cut)
    assert read_header(path).patient_id == "T-001"


def test_sequences_nested_too_deep_are_named_in_plain_words(tmp_path: Path) -> None:
    dataset = make_dataset()
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    path = write(dataset, tmp_path / "x")
    content = path.read_bytes()
    begin = b"\x08\x00\x10\x11\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    end = b"\xfe\xff\x0d\xe0" + bytes(4) + b"\xfe\xff\xdd\xe0" + bytes(4)
    place = content.index(b"\x10\x00\x10\x00")
    path.write_bytes(content[:place] + begin * 3000 + end * 3000 + content[place:])
    found = refusal(path)
    assert (found.code, found.reason.split(",")[0]) == (
        "broken",
        "sequences in the header lie within sequences",
    )
    assert "RecursionError" not in found.reason


def test_a_reason_never_holds_the_name_of_a_patient(tmp_path: Path) -> None:
    found = refusal(write(make_dataset(NumberOfFrames=2), tmp_path / "x"))
    assert "Invented" not in found.reason


def test_the_study_date_falls_back_to_the_series_date(tmp_path: Path) -> None:
    image = read_header(write(make_dataset(StudyDate="", SeriesDate="20240220"), tmp_path / "x"))
    assert str(image.study_date) == "2024-02-20"
    undated = read_header(write(make_dataset(StudyDate="", SeriesDate=""), tmp_path / "y"))
    assert undated.study_date is None


def test_numbers_that_no_header_means_are_not_taken(tmp_path: Path) -> None:
    dataset = make_dataset()
    for keyword, text in (("EchoTime", "nan"), ("InversionTime", "inf"), ("SeriesNumber", "9" * 12)):
        setattr(dataset, keyword, "1")
        dataset[keyword]._value = text
    dataset.DiffusionBValue = float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = read_header(write(dataset, tmp_path / "x"))
    assert image.header.echo_time is None
    assert image.header.inversion_time is None
    assert image.header.diffusion_b_value is None

"""What is read without pydicom equals what pydicom reads, and plain files are read without it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    HTJ2K,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from herntrack.dicom.elements import Unusual
from herntrack.dicom.pixels import decode_values, read_dataset, read_values, rescaled
from herntrack.dicom.plain_pixels import PlainHeader, PlainPixels
from herntrack.errors import DicomError
from tests.phantoms import grid
from tests.unit.imaging.image_files import image

EXAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
PATTERN = Path(__file__).parents[2] / "assets" / "pattern_htj2k.j2c"
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "dicom"
GEOMETRY = grid((4.0, 0.7, 0.7), (1, 32, 36))
STORED = np.random.default_rng(3).integers(0, 4096, (32, 36)).astype(np.uint16)


def read_plain(path: Path, reader: PlainPixels | None = None) -> tuple[PlainHeader, npt.NDArray[Any]]:
    reader = reader or PlainPixels()
    with path.open("rb", buffering=0) as file:
        header = reader.read_header(file)
        stored = reader.read_stored(file, header, np.full(header.facts.shape, -7, dtype=np.int16))
    return header, rescaled(stored, header.facts.slope, header.facts.intercept)


def check_equal_if_plain(path: Path, reader: PlainPixels) -> bool:
    """Compare with the full reader; return whether the file is read without it."""
    try:
        header, values = read_plain(path, reader)
    except Unusual:
        return False
    dataset = read_dataset(path)
    expected = decode_values(dataset, path=path)
    assert values.dtype == expected.dtype, path.name
    assert np.array_equal(values, expected), path.name
    assert header.position == tuple(float(value) for value in dataset.ImagePositionPatient), path.name
    facts = header.facts
    assert facts.orientation == tuple(float(value) for value in dataset.ImageOrientationPatient), path.name
    assert facts.spacing == tuple(float(value) for value in dataset.PixelSpacing), path.name
    assert facts.shape == (dataset.Rows, dataset.Columns), path.name
    return True


def written(path: Path, syntax: UID | None = None, **changes: Any) -> Path:
    changes.setdefault("RescaleSlope", 1)
    changes.setdefault("RescaleIntercept", -1024)
    dataset = image(changes.pop("stored", STORED), GEOMETRY, **changes)
    if syntax is not None and syntax.is_compressed and syntax != DeflatedExplicitVRLittleEndian:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset.compress(syntax, generate_instance_uid=False)
    elif syntax is not None:
        dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_pydicoms_images_are_read_equally() -> None:
    reader = PlainPixels()
    plain = {path.name for path in sorted(EXAMPLES.glob("*.dcm")) if check_equal_if_plain(path, reader)}
    assert {"CT_small.dcm", "MR_small.dcm", "MR_small_implicit.dcm", "MR_small_jp2klossless.dcm"} <= plain
    assert {"MR_small_RLE.dcm", "MR_small_jpeg_ls_lossless.dcm", "J2K_pixelrep_mismatch.dcm"} <= plain
    assert not {"MR_small_bigendian.dcm", "MR_truncated.dcm", "emri_small.dcm"} & plain


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"real imaging data not at {SHARED}")
def test_real_images_are_read_equally() -> None:
    counts: dict[str, list[int]] = {}
    for folder in sorted({path.parent for path in SHARED.rglob("*") if path.is_file()}):
        reader = PlainPixels()
        for path in sorted(path for path in folder.iterdir() if path.is_file()):
            counts.setdefault(path.relative_to(SHARED).parts[0], []).append(
                check_equal_if_plain(path, reader)
            )
    n_plain = {name: sum(found) for name, found in counts.items()}
    # Folders of classic MR and CT; fewer mean that the fast way was lost.
    least = {"dcm_qa_decubitus": 70, "dcm_qa_ct": 28, "dcm_qa_table": 92, "lumbar_mr_implanted": 138}
    assert {name: n_plain[name] for name in least} == least


@pytest.mark.parametrize(
    "syntax", [None, ImplicitVRLittleEndian, JPEGLSLossless, JPEG2000Lossless, RLELossless]
)
@pytest.mark.parametrize("kind", [np.uint16, np.int16])
def test_plain_files_are_read_without_pydicom(syntax: UID | None, kind: type, tmp_path: Path) -> None:
    stored = STORED.astype(kind)
    path = written(tmp_path / "plain.dcm", syntax, stored=stored, BitsStored=13, HighBit=12)
    header, values = read_plain(path)
    assert values.dtype == np.int16
    assert np.array_equal(values, STORED.astype(int) - 1024)
    assert (header.facts.slope, header.facts.intercept) == (1.0, -1024.0)
    assert np.array_equal(read_values(path), values)


@pytest.mark.parametrize("syntax", [HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K])
def test_high_throughput_jpeg_2000_is_read_without_pydicom(syntax: UID, tmp_path: Path) -> None:
    dataset = image(np.zeros((32, 40), dtype=np.uint16), GEOMETRY, RescaleSlope=1, RescaleIntercept=-1024)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = pydicom.encaps.encapsulate([PATTERN.read_bytes()])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(tmp_path / "high.dcm", enforce_file_format=True)
    _, values = read_plain(tmp_path / "high.dcm")
    assert np.array_equal(values, read_values(tmp_path / "high.dcm"))
    assert np.ptp(values) > 1000


def test_native_pixels_go_into_the_given_memory(tmp_path: Path) -> None:
    path, reader = written(tmp_path / "plain.dcm"), PlainPixels()
    scratch = np.empty(STORED.shape, dtype=np.int16)
    with path.open("rb", buffering=0) as file:
        stored = reader.read_stored(file, reader.read_header(file), scratch)
    assert stored.base is scratch
    assert np.array_equal(scratch, STORED)


def test_a_reader_does_not_mix_files_up(tmp_path: Path) -> None:
    reader = PlainPixels()
    for index in range(40):
        changes = {"RescaleIntercept": index % 3, "PatientID": "x" * (index % 5), "InstanceNumber": index}
        path = written(tmp_path / "one.dcm", stored=STORED + index, **changes)
        header, values = read_plain(path, reader)
        assert header.facts.intercept == index % 3
        assert np.array_equal(values, STORED.astype(int) + index + index % 3)


@pytest.mark.parametrize(("kind", "noise"), [(np.uint16, 0xF000), (np.int16, -0x8000)])
def test_unused_bits_are_removed(kind: type, noise: int, tmp_path: Path) -> None:
    stored = (STORED.astype(int) | noise).astype(kind)
    path = written(tmp_path / "noisy.dcm", stored=stored, BitsStored=12, HighBit=11)
    _, values = read_plain(path)
    assert np.array_equal(values, read_values(path))
    assert not np.array_equal(values, stored.astype(int) - 1024)


def test_a_long_header_is_read_whole(tmp_path: Path) -> None:
    def with_block(dataset: Dataset) -> None:
        dataset.private_block(0x0011, "INVENTED", create=True).add_new(1, "OB", bytes(300_000))

    _, values = read_plain(rewritten(tmp_path / "long.dcm", with_block))
    assert np.array_equal(values, STORED.astype(int) - 1024)


def test_padding_after_the_pixels_is_no_obstacle(tmp_path: Path) -> None:
    path = written(tmp_path / "padded.dcm")
    padding = b"\xfc\xff\xfc\xffOB\0\0\x04\0\0\0\0\0\0\0"
    path.write_bytes(path.read_bytes() + padding)
    assert np.array_equal(read_plain(path)[1], read_values(path))
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(Unusual, match="after the pixels"):
        read_plain(path)


def rewritten(path: Path, change: Callable[[Dataset], None]) -> Path:
    dataset = pydicom.dcmread(written(path))
    change(dataset)
    dataset.save_as(path)
    return path


@pytest.mark.parametrize(
    ("changes", "syntax"),
    [
        ({}, ExplicitVRBigEndian),
        ({}, DeflatedExplicitVRLittleEndian),
        ({"stored": STORED.astype(np.uint8)}, None),
        ({"stored": STORED.astype(np.uint32)}, None),
        ({"HighBit": 15, "BitsStored": 12}, None),
        ({"NumberOfFrames": 2}, None),
        ({"SamplesPerPixel": 3}, None),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, None),
        ({"RescaleSlope": 0}, None),
        ({"RescaleSlope": [1, 2]}, None),
        ({"ImagePositionPatient": None}, None),
        ({"PixelSpacing": None}, None),
        ({"PixelData": STORED.tobytes()[:-2]}, None),
        ({"PixelData": STORED.tobytes() + b"\0\0"}, None),
    ],
)
def test_all_else_is_left_to_pydicom(changes: dict[str, Any], syntax: UID | None, tmp_path: Path) -> None:
    path = tmp_path / "unusual.dcm"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if syntax == ExplicitVRBigEndian:
            dataset = image(STORED.byteswap(), GEOMETRY)
            dataset.file_meta.TransferSyntaxUID = syntax
            dataset.save_as(path, enforce_file_format=True)
        else:
            written(path, syntax, **changes)
    with pytest.raises(Unusual):
        read_plain(path)


@pytest.mark.parametrize("syntax", [None, JPEGLSLossless, JPEG2000Lossless, RLELossless])
def test_a_file_cut_anywhere_is_never_read_in_part(syntax: UID | None, tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.dcm", syntax).read_bytes()
    path = tmp_path / "cut.dcm"
    for length in range(0, len(whole), 3):
        path.write_bytes(whole[:length])
        with pytest.raises(Unusual):
            read_plain(path)


@pytest.mark.parametrize("syntax", [JPEGLSLossless, RLELossless])
def test_a_stream_that_breaks_off_is_refused_by_both(syntax: UID, tmp_path: Path) -> None:
    dataset = read_dataset(written(tmp_path / "broken.dcm", syntax))
    frame = next(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1))
    dataset.PixelData = pydicom.encaps.encapsulate([frame[: len(frame) // 2]])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(tmp_path / "broken.dcm")
    with pytest.raises(Unusual, match="cannot be decoded"):
        read_plain(tmp_path / "broken.dcm")
    with pytest.raises(DicomError, match="cannot be decoded"):
        read_values(tmp_path / "broken.dcm")


def test_damaged_jpeg_2000_does_not_end_the_process(tmp_path: Path) -> None:
    path = written(tmp_path / "broken.dcm", JPEG2000Lossless)
    content = path.read_bytes()
    # Samples of 115 bits, signed: one of the decoders at hand aborts.
    path.write_bytes(content.replace(b"\x00\x01\x0f\x01\x01\xff\x52", b"\x00\x01\xf2\x01\x01\xff\x52"))
    assert path.read_bytes() != content
    with pytest.raises(Unusual, match="cannot be decoded"):
        read_plain(path)
    with pytest.raises(DicomError, match="cannot be decoded"):
        read_values(path)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32])
@pytest.mark.parametrize(
    ("slope", "intercept"), [(1.0, 0.0), (1.0, -1024.0), (-3.0, 7.0), (70000.0, -(2.0**33)), (0.37, -5.5)]
)
def test_rescaling_is_exact(kind: type, slope: float, intercept: float) -> None:
    limits = np.iinfo(kind)
    stored = np.array([limits.min, limits.min + 1, 0, 5, limits.max - 1, limits.max], dtype=kind)
    values = rescaled(stored, slope, intercept)
    if slope == 0.37:
        expected = (stored.astype(np.float64) * slope + intercept).astype(np.float32)
    else:
        exact = [int(value) * int(slope) + int(intercept) for value in stored]
        kinds = (np.int16, np.int32)
        fits = [k for k in kinds if np.iinfo(k).min <= min(exact) and max(exact) <= np.iinfo(k).max]
        expected = np.array(exact, dtype=np.int64).astype(fits[0] if fits else np.float32)
    assert values.dtype == expected.dtype
    assert np.array_equal(values, expected)
    assert stored[0] == limits.min

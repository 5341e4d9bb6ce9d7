"""Every transfer syntax and oddity of encoding, from the file through the catalogue to the values."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
import SimpleITK
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    HTJ2K,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from herntrack.dicom.multi_frame import frame_headers
from herntrack.dicom.pixels import decode_frames, read_dataset
from herntrack.workflows.ingesting.ingest import IngestSummary, ingest
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.stack_files import stack_volume
from herntrack.workflows.workspace import Workspace
from tests.factories import make_dataset, make_series, write, write_series

CORNERSTONE = "cornerstone3D/packages/dicomImageLoader/testImages"
LOSSLESS = ("1.2", "1.2.1", "1.2.2", "1.2.1.99", "1.2.4.57", "1.2.4.70", "1.2.4.80", "1.2.4.90", "1.2.5")
LOSSY_HU = {"1.2.4.50": 65, "1.2.4.51": 36, "1.2.4.53": 36, "1.2.4.55": 36, "1.2.4.81": 1, "1.2.4.91": 5}
"""Largest error of the lossy copies of the CT slice (HU), as measured, rounded up."""

PATTERN = Path(__file__).parents[1] / "assets" / "pattern_htj2k.j2c"
"""`pattern` as a reversible HTJ2K codestream, made with OpenJPH 0.26."""

GIGABYTE = 1 << 30
MOST_READ = 64 << 20
"""Most bytes that an ingest of files of some gigabytes may read."""


def volumes(summary: IngestSummary) -> dict[str, npt.NDArray[Any]]:
    """Return the values of every stack by the description of its series."""
    with catalogue_of(summary.workspace) as catalogue:
        images = catalogue.images
        return {
            each.series.series_description: stack_volume(summary.workspace, images, each.stack).values
            for each in images.stacks()
        }


def two_slices(source: Path, folder: Path, name: str, number: int) -> None:
    """Write a file twice, one slice beside the other, its pixels as they are encoded."""
    for index in (0, 1):
        dataset = pydicom.dcmread(source)
        dataset.SeriesInstanceUID = f"2.25.771{number:02}"
        dataset.StudyInstanceUID = "2.25.770"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"2.25.771{number:02}.{index}"
        dataset.SeriesDescription, dataset.InstanceNumber = name, index + 1
        x, y, z = (float(value) for value in dataset.ImagePositionPatient)
        dataset.ImagePositionPatient = [x, y, z + 3.0 * index]
        write(dataset, folder / name / str(index))


@pytest.mark.shared
def test_one_slice_in_fifteen_syntaxes_has_the_same_values(
    workspace: Workspace, shared_dicom: Path, tmp_path: Path
) -> None:
    files = {
        found.group(1): path
        for path in sorted((shared_dicom / CORNERSTONE).glob("CTImage.dcm_*"))
        if (found := re.search(r"1\.2\.840\.10008\.([0-9.]+)\.dcm$", path.name))
    }
    assert set(files) == {*LOSSLESS, *LOSSY_HU}
    for number, (name, path) in enumerate(files.items()):
        two_slices(path, tmp_path / "export", name, number)
    summary = ingest(workspace, [tmp_path / "export"], jobs=1)
    assert (summary.counts.instances, summary.counts.rejects) == (30, 0)
    found = volumes(summary)
    expected = pydicom.dcmread(files["1.2"]).pixel_array.astype(int) - 1024
    assert expected.std() > 100
    for name in LOSSLESS:
        assert np.array_equal(found[name], [expected, expected]), name
    for name, limit in LOSSY_HU.items():
        errors = np.abs(found[name][1] - expected)
        assert 0 < errors.max() <= limit, (name, errors.max())


@pytest.mark.shared
def test_frames_of_twelve_bits_in_fragments_equal_what_another_reader_gives(shared_dicom: Path) -> None:
    path = shared_dicom / CORNERSTONE / "CT0012.fragmented_no_bot_jpeg_baseline.51.dcm"
    dataset = read_dataset(path)
    # The file is set aside for its colours; its pixels are two plain frames.
    frame_type = dataset.SharedFunctionalGroupsSequence[0].CTImageFrameTypeSequence[0]
    dataset.PixelPresentation = frame_type.PixelPresentation = "MONOCHROME"
    values = dict(decode_frames(dataset, frame_headers(dataset), path=path))
    expected = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    assert np.array_equal([values[0], values[1]], expected)


def pattern() -> npt.NDArray[np.uint16]:
    rows, columns = np.mgrid[0:32, 0:40]
    values = (rows * rows * 3 + columns * 41 + (rows * columns) % 97 * 5) % 4096
    return values.astype(np.uint16)


def encoded(dataset: Dataset, syntax: UID) -> None:
    """Encode the pixels of a dataset, its other elements follow when it is written."""
    if syntax in {HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL}:
        dataset.PixelData = encapsulate([PATTERN.read_bytes()])
        dataset["PixelData"].is_undefined_length = True
        dataset["PixelData"].VR = "OB"
    elif syntax.is_compressed and syntax != DeflatedExplicitVRLittleEndian:
        options = {"jls_error": 2} if syntax == JPEGLSNearLossless else {}
        dataset.compress(syntax, generate_instance_uid=False, **options)
    elif syntax == ExplicitVRBigEndian:
        dataset.PixelData = pattern().byteswap().tobytes()
        dataset["PixelData"].VR = "OW"
    dataset.file_meta.TransferSyntaxUID = syntax


MADE = {
    ImplicitVRLittleEndian: 0,
    ExplicitVRLittleEndian: 0,
    ExplicitVRBigEndian: 0,
    DeflatedExplicitVRLittleEndian: 0,
    RLELossless: 0,
    JPEGLSLossless: 0,
    JPEGLSNearLossless: 2,
    JPEG2000Lossless: 0,
    HTJ2KLossless: 0,
    HTJ2KLosslessRPCL: 0,
    HTJ2K: 0,
}
"""Syntaxes that can be written, with the largest error."""


def test_what_is_written_in_any_syntax_is_read_as_it_was(workspace: Workspace, tmp_path: Path) -> None:
    for number, syntax in enumerate(MADE):
        datasets = make_series(
            2,
            number=number,
            SeriesDescription=str(syntax),
            Rows=32,
            Columns=40,
            BitsStored=16,
            HighBit=15,
            PixelData=pattern().tobytes(),
        )
        for dataset in datasets:
            encoded(dataset, syntax)
        write_series(tmp_path / "export" / str(number), datasets)
    summary = ingest(workspace, [tmp_path / "export"], jobs=1)
    assert (summary.counts.instances, summary.counts.rejects) == (2 * len(MADE), 0)
    found = volumes(summary)
    for syntax, limit in MADE.items():
        errors = np.abs(found[str(syntax)].astype(int) - pattern())
        assert int(errors.max()) == limit, syntax.name


def without_preamble(dataset: Dataset, path: Path) -> None:
    dataset.save_as(path, implicit_vr=False, little_endian=True, enforce_file_format=False)
    whole = path.read_bytes()
    path.write_bytes(whole[132:] if whole[128:132] == b"DICM" else whole)


def without_meta_header(dataset: Dataset, path: Path) -> None:
    del dataset.file_meta
    dataset.save_as(path, implicit_vr=True, little_endian=True)


def with_private_blocks(dataset: Dataset, path: Path) -> None:
    for group, creator in ((0x0019, "VENDOR ONE"), (0x0029, "VENDOR TWO"), (0x7FE1, "VENDOR TWO")):
        block = dataset.private_block(group, creator, create=True)
        block.add_new(0x01, "UN", b"\x00\x01\xfe\xff")
        block.add_new(0x02, "OB", bytes(5000))
    write(dataset, path)


def with_open_sequences(dataset: Dataset, path: Path) -> None:
    item, inner = Dataset(), Dataset()
    inner.CodeValue = "SPINE"
    item.PurposeOfReferenceCodeSequence = Sequence([inner, Dataset()])
    item["PurposeOfReferenceCodeSequence"].is_undefined_length = True
    item.is_undefined_length_sequence_item = True
    dataset.ReferencedImageSequence = Sequence([item, Dataset()])
    dataset["ReferencedImageSequence"].is_undefined_length = True
    write(dataset, path)


def with_padding(dataset: Dataset, path: Path) -> None:
    dataset.DataSetTrailingPadding = bytes(1000)
    write(dataset, path)


@pytest.mark.parametrize(
    "written",
    [without_preamble, without_meta_header, with_private_blocks, with_open_sequences, with_padding],
)
def test_an_unusual_file_has_the_values_of_a_usual_one(
    workspace: Workspace, tmp_path: Path, written: Callable[[Dataset, Path], None]
) -> None:
    (tmp_path / "export").mkdir()
    datasets = make_series(3)
    expected = [np.frombuffer(dataset.PixelData, dtype=np.uint16).reshape(8, 6) for dataset in datasets]
    for index, dataset in enumerate(datasets):
        written(dataset, tmp_path / "export" / str(index))
    summary = ingest(workspace, [tmp_path / "export"])
    assert (summary.counts.instances, summary.counts.stacks, summary.counts.rejects) == (3, 1, 0)
    assert np.array_equal(volumes(summary)["T2 AX"], expected)


def nested(depth: int, *, is_open: bool) -> bytes:
    """Return a sequence within a sequence, and so on, explicit VR little endian."""
    tag, item, closed = b"\x08\x00\x40\x11SQ\0\0", b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0\0\0\0\0"
    end, open_length = b"\xfe\xff\xdd\xe0\0\0\0\0", b"\xff\xff\xff\xff"
    content = b""
    for _ in range(depth):
        if is_open:
            content = tag + open_length + item + open_length + content + closed + end
        else:
            inner = item + len(content).to_bytes(4, "little") + content
            content = tag + len(inner).to_bytes(4, "little") + inner
    return content


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("depth", [3, 40, 5000])
def test_sequences_nested_deeply_neither_stop_the_ingest_nor_cost_other_files(
    workspace: Workspace, tmp_path: Path, depth: int, is_open: bool
) -> None:
    paths = write_series(tmp_path / "export", make_series(3))
    whole = make_dataset(SeriesInstanceUID="2.25.99", SOPInstanceUID="2.25.98")
    path = write(whole, tmp_path / "export" / "nested")
    data = path.read_bytes()
    # Referenced images stand after the descriptions of group 0008, before the patient.
    place = data.index(b"\x10\x00\x10\x00PN")
    path.write_bytes(data[:place] + nested(depth, is_open=is_open) + data[place:])
    summary = ingest(workspace, [tmp_path / "export"])
    assert summary.n_files == len(paths) + 1
    codes = Counter(reject.code for reject in summary.set_aside)
    assert (summary.counts.instances, codes) in [(4, Counter()), (3, Counter({"broken": 1}))]
    if depth == 3:
        assert summary.counts.instances == 4


def test_a_series_with_the_identifier_of_its_study_is_catalogued(
    workspace: Workspace, tmp_path: Path
) -> None:
    write_series(tmp_path / "export", make_series(3, StudyInstanceUID="2.25.7", SeriesInstanceUID="2.25.7"))
    summary = ingest(workspace, [tmp_path / "export"])
    assert (summary.counts.series, summary.counts.instances) == (1, 3)


def test_other_files_beside_images_cost_nothing_but_their_place_in_the_list(
    workspace: Workspace, tmp_path: Path
) -> None:
    export = tmp_path / "export"
    paths = write_series(export, make_series(4))
    (export / "letter.pdf").write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 40)
    (export / "notes.txt").write_text("Befund folgt\n" * 100)
    (export / "empty.dcm").touch()
    (export / "zeros.dcm").write_bytes(bytes(4096))
    cut = export / "cut.dcm"
    write(make_dataset(SOPInstanceUID="2.25.5", SeriesInstanceUID="2.25.6", Rows=64, Columns=64), cut)
    cut.write_bytes(cut.read_bytes()[:-2000])
    summary = ingest(workspace, [export])
    assert summary.counts.instances == len(paths)
    assert {r.location.relative_path: r.code for r in summary.set_aside} == {
        "letter.pdf": "not_dicom",
        "notes.txt": "not_dicom",
        "empty.dcm": "empty_file",
        "zeros.dcm": "not_dicom",
        "cut.dcm": "truncated",
    }


def bytes_read() -> int:
    """Return the bytes this process has read, from files of all kinds."""
    account = Path("/proc/self/io")
    if not account.is_file():
        pytest.skip("the system does not say how much a process read")
    return int(account.read_text().split()[1])


def test_files_of_many_gigabytes_are_listed_but_not_read(workspace: Workspace, tmp_path: Path) -> None:
    export = tmp_path / "export"
    write_series(export, make_series(2))
    os.truncate(write(make_dataset(Rows=1), export / "backup.img"), 0)
    os.truncate(export / "backup.img", 40 * GIGABYTE)
    slide = make_dataset(
        SOPInstanceUID="2.25.5", SeriesInstanceUID="2.25.6", Rows=30000, Columns=30000, PixelData=b""
    )
    path = write(slide, export / "slide")
    n_bytes = 2 * 30000 * 30000
    head = path.read_bytes()[:-4]  # the length of the pixels is written last
    path.write_bytes(head + n_bytes.to_bytes(4, "little"))
    os.truncate(path, len(head) + 4 + n_bytes)
    if path.stat().st_blocks * 512 > GIGABYTE:
        pytest.skip("the file system stores every byte of a sparse file")
    before = bytes_read()
    summary = ingest(workspace, [export], jobs=1)
    assert bytes_read() - before < MOST_READ
    assert summary.counts.instances == 3
    assert {r.location.relative_path: r.code for r in summary.set_aside} == {"backup.img": "not_dicom"}
    assert summary.set_aside[0].location.size == 40 * GIGABYTE

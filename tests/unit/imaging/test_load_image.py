"""Images of compressed and of long stacks: read by two threads, in memory that SimpleITK made."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID, JPEG2000Lossless, JPEGLSLossless, RLELossless

from herntrack.dicom.headers import read_images
from herntrack.dicom.stacks import build_stacks
from herntrack.errors import DicomError, GeometryMismatchError
from herntrack.imaging.load import SliceFile, load_image, load_volume
from tests.enhanced import frame, make_enhanced
from tests.factories import write
from tests.phantoms import grid
from tests.unit.imaging.image_files import image, stack_of, write_series

DEEP = grid((4.4, 0.7, 0.5), (12, 40, 36))
DEEP_STORED = np.random.default_rng(8).integers(0, 4096, (12, 40, 36)).astype(np.uint16)


def write_compressed(folder: Path, syntax: UID, **changes: Any) -> list[Path]:
    files = write_series(folder, DEEP_STORED, DEEP, BitsStored=12, HighBit=11, **changes)
    for path in files:
        dataset = pydicom.dcmread(path)
        dataset.compress(syntax, generate_instance_uid=False)
        dataset.save_as(path)
    return files


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless])
@pytest.mark.parametrize("slope", [1, 3, "0.37"])
def test_two_threads_make_the_image_of_one(syntax: UID, slope: Any, tmp_path: Path) -> None:
    files = write_compressed(tmp_path, syntax, RescaleSlope=slope, RescaleIntercept=-1024)
    seen: list[tuple[int, int]] = []
    made = load_image(stack_of(DEEP), files, progress=lambda done, total: seen.append((done, total)))
    values = SimpleITK.GetArrayFromImage(made)
    expected = DEEP_STORED * np.float64(slope) - 1024
    assert values.dtype == (np.int16 if isinstance(slope, int) else np.float32)
    assert np.array_equal(values, expected.astype(values.dtype))
    assert seen == [(done, 12) for done in range(1, 13)]


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless])
def test_a_volume_is_the_same_without_simpleitk(
    syntax: UID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write_compressed(tmp_path, syntax)
    assert np.array_equal(load_volume(stack_of(DEEP), files).values, DEEP_STORED)
    monkeypatch.delitem(sys.modules, "SimpleITK")
    assert np.array_equal(load_volume(stack_of(DEEP), files).values, DEEP_STORED)
    assert "SimpleITK" not in sys.modules


def test_slices_of_both_ends_are_checked_while_two_threads_read(tmp_path: Path) -> None:
    files = write_compressed(tmp_path, JPEG2000Lossless)
    exchanged = [*files[:10], files[11], files[10]]
    with pytest.raises(GeometryMismatchError, match=r"not slice 1[01] of its stack"):
        load_image(stack_of(DEEP), exchanged)
    with pytest.raises(GeometryMismatchError, match=r"001\.dcm: not slice 0 of its stack"):
        load_image(stack_of(DEEP), [files[1], files[0], *files[2:]])


@pytest.mark.parametrize("index", [0, 6, 11])
def test_a_damaged_slice_is_named_whichever_thread_meets_it(index: int, tmp_path: Path) -> None:
    files = write_compressed(tmp_path, JPEG2000Lossless)
    files[index].write_bytes(files[index].read_bytes()[:-100])
    with pytest.raises(DicomError, match=f"{index:03d}.dcm"):
        load_image(stack_of(DEEP), files)


def test_slices_that_the_second_thread_cannot_read_are_read_by_the_first(tmp_path: Path) -> None:
    files = write_compressed(tmp_path, JPEG2000Lossless)
    for index in (5, 9, 11):
        image(DEEP_STORED[index], DEEP, index).save_as(files[index], enforce_file_format=True)
    wide = image(DEEP_STORED[10].astype(np.uint32) + 70_000, DEEP, 10)
    wide.save_as(files[10], enforce_file_format=True)
    expected = DEEP_STORED.astype(np.int32)
    expected[10] += 70_000
    values = SimpleITK.GetArrayFromImage(load_image(stack_of(DEEP), files))
    assert values.dtype == np.int32
    assert np.array_equal(values, expected)


def test_no_thread_outlives_an_image_that_was_given_up(tmp_path: Path) -> None:
    def give_up(done: int, total: int) -> None:
        if done == total - 10:
            raise InterruptedError("enough")

    with pytest.raises(InterruptedError, match="enough"):
        load_image(stack_of(DEEP), write_compressed(tmp_path, JPEG2000Lossless), progress=give_up)
    assert not [thread.name for thread in threading.enumerate() if "second reader" in thread.name]


def test_a_long_image_is_that_of_its_files(tmp_path: Path) -> None:
    # Above the size from which a second thread supplies pages.
    shape = (5, 1900, 1900)
    geometry = grid((1.0, 0.5, 0.5), shape)
    stored = np.arange(shape[1] * shape[2], dtype=np.uint16).reshape(shape[1:]) & 4095
    files = write_series(
        tmp_path,
        np.stack([stored + index for index in range(5)]),
        geometry,
        RescaleIntercept=-7,
        RescaleSlope=1,
    )
    values = SimpleITK.GetArrayViewFromImage(made := load_image(stack_of(geometry), files))
    assert made.GetPixelID() == SimpleITK.sitkInt16
    for index in range(5):
        assert np.array_equal(values[index], stored.astype(int) + index - 7)


@pytest.mark.parametrize("is_damaged", [False, True])
def test_compressed_frames_make_the_image_of_their_values(is_damaged: bool, tmp_path: Path) -> None:
    dataset = make_enhanced([frame(5.0 + 4.4 * index, position=index + 1) for index in range(12)])
    dataset.Rows, dataset.Columns = DEEP_STORED.shape[1:]
    dataset.BitsStored, dataset.HighBit = 12, 11
    dataset.PixelData = DEEP_STORED.tobytes()
    dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
    streams = list(generate_frames(dataset.PixelData, number_of_frames=12))
    images = read_images(write(dataset, tmp_path / "image"))
    (built,) = build_stacks(images[0].series, [each.header for each in images])
    files = [SliceFile(tmp_path / "image", number) for _, number in built.images]
    if is_damaged:
        streams[7] = streams[7][:60]
        dataset.PixelData = encapsulate(streams)
        write(dataset, tmp_path / "image")
        with pytest.raises(DicomError, match="cannot be decoded"):
            load_image(built.stack, files)
    else:
        values = SimpleITK.GetArrayFromImage(load_image(built.stack, files))
        assert values.dtype == np.int16
        assert np.array_equal(values, DEEP_STORED)

"""A stack's files become a volume only where each is the slice it is taken for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.uid import UID, ImplicitVRLittleEndian, RLELossless

from herntrack.dicom.headers import read_images
from herntrack.dicom.stacks import build_stacks
from herntrack.errors import (
    DicomError,
    GeometryError,
    GeometryMismatchError,
    IrregularSpacingError,
    MissingAttributeError,
)
from herntrack.imaging import load
from herntrack.imaging.load import SliceFile, load_image, load_volume
from herntrack.imaging.sitk_bridge import to_sitk
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import Stack
from tests.enhanced import frame, make_enhanced, ramp
from tests.factories import make_dataset, write
from tests.phantoms import grid, rotation
from tests.unit.imaging.image_files import image, stack_of, write_series

GEOMETRY = grid(
    (4.4, 0.7, 0.5), (3, 4, 5), turn=rotation(20.0, (1.0, 0.0, 0.4)), origin_lps=(-60.0, 31.5, 212.0)
)
STORED = np.arange(60, dtype=np.uint16).reshape(3, 4, 5)


def changed(path: Path, **changes: Any) -> None:
    dataset = pydicom.dcmread(path)
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)


def test_values_stand_in_slice_order(tmp_path: Path) -> None:
    files = write_series(tmp_path, STORED, GEOMETRY, RescaleSlope=1, RescaleIntercept=-1000)
    volume = load_volume(stack_of(GEOMETRY), files)
    assert np.array_equal(volume.values, STORED.astype(int) - 1000)
    assert volume.values.dtype == np.int16
    assert volume.geometry == GEOMETRY


def test_the_rescale_is_that_of_each_slice(tmp_path: Path) -> None:
    files = write_series(tmp_path, STORED, GEOMETRY, RescaleSlope=1, RescaleIntercept=0)
    changed(files[1], RescaleSlope="0.5")
    volume = load_volume(stack_of(GEOMETRY), files)
    assert volume.values.dtype == np.float32
    assert np.array_equal(volume.values[1], STORED[1] * 0.5)
    assert np.array_equal(volume.values[2], STORED[2])


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_how_values_are_shown_does_not_change_them(photometric: str, tmp_path: Path) -> None:
    changes = {"RescaleSlope": 1, "RescaleIntercept": -1000, "PhotometricInterpretation": photometric}
    files = write_series(tmp_path, STORED, GEOMETRY, **changes)
    assert np.array_equal(load_volume(stack_of(GEOMETRY), files).values, STORED.astype(int) - 1000)


def test_one_wide_slice_widens_all(tmp_path: Path) -> None:
    stored = STORED.copy()
    stored[2, 0, 0] = 60000
    volume = load_volume(stack_of(GEOMETRY), write_series(tmp_path, stored, GEOMETRY))
    assert volume.values.dtype == np.int32
    assert np.array_equal(volume.values, stored)


def test_plain_files_are_read_without_pydicom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write_series(tmp_path, STORED, GEOMETRY, RescaleSlope=1, RescaleIntercept=-1000)
    monkeypatch.setattr(load, "read_dataset", None)
    assert np.array_equal(load_volume(stack_of(GEOMETRY), files).values, STORED.astype(int) - 1000)


def test_files_of_several_encodings_make_one_volume(tmp_path: Path) -> None:
    files = write_series(tmp_path, STORED, GEOMETRY, RescaleSlope=1, RescaleIntercept=-7)
    dataset = pydicom.dcmread(files[0])
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(files[0])
    eight_bits = (STORED[1] % 256).astype(np.uint8)
    dataset = image(eight_bits, GEOMETRY, 1)
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    dataset.save_as(files[1], enforce_file_format=True)
    values = load_volume(stack_of(GEOMETRY), files).values
    assert values.dtype == np.int16
    assert np.array_equal(values, [STORED[0].astype(int) - 7, eight_bits, STORED[2].astype(int) - 7])


@pytest.mark.parametrize(
    ("kind", "intercept", "expected"),
    [(np.uint16, -32768, np.int16), (np.uint16, -32767, np.int32), (np.int16, 1, np.int32)],
)
def test_a_shift_is_exact_at_the_limits(kind: type, intercept: int, expected: type, tmp_path: Path) -> None:
    limits = np.iinfo(kind)
    stored = STORED.astype(kind)
    stored[0, 0, 0], stored[2, 3, 4] = limits.min, limits.max
    files = write_series(tmp_path, stored, GEOMETRY, RescaleSlope=1, RescaleIntercept=intercept)
    values = load_volume(stack_of(GEOMETRY), files).values
    assert values.dtype == expected
    assert np.array_equal(values, stored.astype(int) + intercept)


@pytest.mark.parametrize("slope", [1, 16, 50, "0.37"])
def test_the_image_is_that_of_the_volume(slope: Any, tmp_path: Path) -> None:
    stack = stack_of(GEOMETRY)
    files = write_series(tmp_path, STORED + 1000, GEOMETRY, RescaleSlope=slope, RescaleIntercept=-1000)
    seen: list[tuple[int, int]] = []
    made = load_image(stack, files, progress=lambda done, total: seen.append((done, total)))
    expected = to_sitk(load_volume(stack, files))
    assert made.GetPixelIDTypeAsString() == expected.GetPixelIDTypeAsString()
    assert np.array_equal(SimpleITK.GetArrayFromImage(made), SimpleITK.GetArrayFromImage(expected))
    for name in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(made, name)() == getattr(expected, name)()
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_an_image_of_tilted_slices_is_refused_before_it_is_read() -> None:
    tilted = grid((4.4, 0.7, 0.5), (3, 4, 5)).affine_lps.copy()
    tilted[1, 0] = 1.0
    with pytest.raises(GeometryError, match="tilted by"):
        load_image(stack_of(VolumeGeometry(affine_lps=tilted, shape_zyx=(3, 4, 5))), [Path("absent")] * 3)


def test_a_file_that_is_not_its_slice_makes_no_image(tmp_path: Path) -> None:
    files = write_series(tmp_path, STORED, GEOMETRY)
    with pytest.raises(GeometryMismatchError, match="not slice 0"):
        load_image(stack_of(GEOMETRY), files[::-1])


def test_progress_counts_slices(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    files = write_series(tmp_path, STORED, GEOMETRY)
    load_volume(stack_of(GEOMETRY), files, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_files_in_another_order_are_refused_with_the_distance(tmp_path: Path) -> None:
    files = write_series(tmp_path, STORED, GEOMETRY)
    with pytest.raises(GeometryMismatchError, match=r"002\.dcm: not slice 0 .*by 8\.800 mm along the normal"):
        load_volume(stack_of(GEOMETRY), files[::-1])


def test_a_slice_shifted_in_its_plane_is_refused(tmp_path: Path) -> None:
    files = write_series(tmp_path, STORED, GEOMETRY)
    moved = GEOMETRY.index_to_lps([1, 0, 0.6])
    changed(files[1], ImagePositionPatient=[round(float(value), 8) for value in moved])
    with pytest.raises(GeometryMismatchError, match=r"0\.300 mm in the plane \(limit 0\.250\)"):
        load_volume(stack_of(GEOMETRY), files)


def test_a_slice_of_another_pixel_spacing_is_refused(tmp_path: Path) -> None:
    files = write_series(tmp_path, STORED, GEOMETRY)
    changed(files[2], PixelSpacing=[0.9, 0.5])
    with pytest.raises(GeometryMismatchError, match="not slice 2"):
        load_volume(stack_of(GEOMETRY), files)


def test_rounded_positions_are_accepted(tmp_path: Path) -> None:
    files = write_series(tmp_path, STORED, GEOMETRY)
    for path in files:
        position = pydicom.dcmread(path).ImagePositionPatient
        changed(path, ImagePositionPatient=[round(float(value), 1) for value in position])
    assert np.array_equal(load_volume(stack_of(GEOMETRY), files).values, STORED)


def test_a_slice_of_another_size_is_refused(tmp_path: Path) -> None:
    files = write_series(tmp_path, STORED, GEOMETRY)
    image(STORED[0, :3], GEOMETRY).save_as(files[0], enforce_file_format=True)
    with pytest.raises(GeometryMismatchError, match=r"\(3, 5\) rows and columns, its stack has \(4, 5\)"):
        load_volume(stack_of(GEOMETRY), files)


def test_a_missing_file_is_counted(tmp_path: Path) -> None:
    files = write_series(tmp_path, STORED, GEOMETRY)
    with pytest.raises(GeometryMismatchError, match="2 files for a stack of 3 slices"):
        load_volume(stack_of(GEOMETRY), files[:2])


def test_an_image_without_a_place_is_refused(tmp_path: Path) -> None:
    files = write_series(tmp_path, STORED, GEOMETRY)
    image(STORED[0], GEOMETRY, ImagePositionPatient=None).save_as(files[0], enforce_file_format=True)
    with pytest.raises(MissingAttributeError, match="ImagePositionPatient"):
        load_volume(stack_of(GEOMETRY), files)


def test_an_irregular_stack_is_refused_with_its_problems() -> None:
    stack = stack_of(GEOMETRY, is_regular=False, problems=("1 slice(s) missing between 3 and 12 mm",))
    with pytest.raises(IrregularSpacingError, match=r"1 slice\(s\) missing between 3 and 12 mm"):
        load_volume(stack, [])


def enhanced_file(path: Path, order: list[int], **changes: Any) -> tuple[Stack, list[SliceFile]]:
    """Write four slices as frames in some order; return their stack and files in slice order."""
    heights = (5.0, 9.4, 13.8, 18.2)
    frames = [frame(heights[index], position=index + 1) for index in order]
    images = read_images(write(make_enhanced(frames, **changes), path))
    (built,) = build_stacks(images[0].series, [image.header for image in images])
    return built.stack, [SliceFile(path, number) for _, number in built.images]


def test_frames_stand_in_slice_order(tmp_path: Path) -> None:
    order = [2, 0, 3, 1]
    stack, files = enhanced_file(tmp_path / "image", order)
    volume = load_volume(stack, files)
    assert volume.values.dtype == np.int16
    assert np.array_equal(volume.values, [ramp(order.index(index) + 1) for index in range(4)])


def test_a_multi_frame_file_is_read_once_for_all_its_slices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, files = enhanced_file(tmp_path / "image", [0, 1, 2, 3])
    read: list[Path] = []
    real = load.read_dataset
    monkeypatch.setattr(load, "read_dataset", lambda path: read.append(path) or real(path))
    seen: list[tuple[int, int]] = []
    load_volume(stack, files, progress=lambda done, total: seen.append((done, total)))
    assert read == [tmp_path / "image"]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_slices_may_come_from_frames_and_files(tmp_path: Path) -> None:
    stack, files = enhanced_file(tmp_path / "image", [0, 1, 2, 3])
    single = make_dataset(ImagePositionPatient=[-10.0, -20.0, 9.4], RescaleSlope="0.5", RescaleIntercept=0)
    files[1] = SliceFile(write(single, tmp_path / "single"))
    values = load_volume(stack, files).values
    assert values.dtype == np.float32
    assert np.array_equal(values[0], ramp(1))
    assert np.array_equal(values[1], 0.5 * single.pixel_array)


def test_a_frame_that_is_not_its_slice_is_refused(tmp_path: Path) -> None:
    stack, files = enhanced_file(tmp_path / "image", [0, 1, 2, 3])
    enhanced_file(tmp_path / "image", [0, 2, 1, 3])
    with pytest.raises(GeometryMismatchError, match=r"image, frame 2: not slice 1 of its stack"):
        load_volume(stack, files)


def test_a_file_that_lost_its_frames_is_refused(tmp_path: Path) -> None:
    stack, files = enhanced_file(tmp_path / "image", [0, 1, 2, 3])
    write(make_dataset(), tmp_path / "image")
    with pytest.raises(DicomError, match="no multi-frame image any more"):
        load_volume(stack, files)
    write(make_enhanced([frame(5.0), frame(9.4)]), tmp_path / "image")
    with pytest.raises(DicomError, match="2 frames, wanted is frame 4"):
        load_volume(stack, files)
    write(make_enhanced([frame(5.0), frame(9.4)], NumberOfFrames=3), tmp_path / "image")
    with pytest.raises(DicomError, match=r"ingest the folder again"):
        load_volume(stack, files)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, RLELossless])
def test_frames_are_decoded_in_every_syntax(tmp_path: Path, syntax: UID) -> None:
    dataset = make_enhanced([frame(5.0), frame(9.4), frame(13.8)])
    if syntax.is_compressed:
        dataset.compress(syntax, generate_instance_uid=False)
    dataset.file_meta.TransferSyntaxUID = syntax
    images = read_images(write(dataset, tmp_path / "image"))
    (built,) = build_stacks(images[0].series, [each.header for each in images])
    files = [SliceFile(tmp_path / "image", number) for _, number in built.images]
    assert np.array_equal(load_volume(built.stack, files).values, [ramp(1), ramp(2), ramp(3)])

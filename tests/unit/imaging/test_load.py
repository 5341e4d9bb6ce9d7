"""A stack's files become a volume only where each is the slice it is taken for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from herntrack.errors import GeometryMismatchError, IrregularSpacingError, MissingAttributeError
from herntrack.imaging.load import load_volume
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


def test_one_wide_slice_widens_all(tmp_path: Path) -> None:
    stored = STORED.copy()
    stored[2, 0, 0] = 60000
    volume = load_volume(stack_of(GEOMETRY), write_series(tmp_path, stored, GEOMETRY))
    assert volume.values.dtype == np.int32
    assert np.array_equal(volume.values, stored)


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

"""The one place that turns zyx into xyz."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK

from herntrack.errors import GeometryError, GeometryMismatchError
from herntrack.imaging.sitk_bridge import (
    ImageMemory,
    from_sitk,
    geometry_of_image,
    mask_from_sitk,
    mask_to_sitk,
    to_sitk,
)
from herntrack.imaging.volume import Volume
from tests.phantoms import grid, rotation

OBLIQUE = grid(
    (4.4, 0.7, 0.5), (3, 4, 5), turn=rotation(33.0, (1.0, 2.0, 0.5)), origin_lps=(-12.5, 80.25, -430.0)
)
VALUES = np.arange(60, dtype=np.int16).reshape(3, 4, 5)


def test_a_voxel_has_the_same_point_and_value_on_both_sides() -> None:
    image = to_sitk(Volume(values=VALUES, geometry=OBLIQUE))
    assert image.GetSize() == (5, 4, 3)
    for index_zyx in ((0, 0, 0), (2, 1, 4), (1, 3, 0)):
        index_xyz = index_zyx[::-1]
        point = image.TransformIndexToPhysicalPoint(index_xyz)
        assert np.allclose(point, OBLIQUE.index_to_lps(index_zyx), atol=1e-9)
        assert image[index_xyz] == VALUES[index_zyx]


def test_there_and_back_is_the_same_volume() -> None:
    back = from_sitk(to_sitk(Volume(values=VALUES, geometry=OBLIQUE)))
    assert np.array_equal(back.values, VALUES)
    assert back.values.dtype == VALUES.dtype
    assert back.geometry.corner_distance_mm(OBLIQUE) < 1e-9


@pytest.mark.parametrize("kind", ["u1", "i1", "<u2", ">i2", "<i4", ">i4", "<f4", "<f8"])
def test_every_type_comes_back_as_it_went(kind: str) -> None:
    values = (VALUES % 100).astype(kind)[:, ::-1]
    image = to_sitk(Volume(values=values, geometry=OBLIQUE))
    expected = SimpleITK.GetImageFromArray(values.astype(values.dtype.newbyteorder("=")))
    assert image.GetPixelID() == expected.GetPixelID()
    assert np.array_equal(SimpleITK.GetArrayFromImage(image), values)


def test_memory_of_an_image_is_written_to_and_outlives_its_maker() -> None:
    memory = ImageMemory(OBLIQUE)
    values = memory.make(OBLIQUE.shape_zyx, np.dtype(np.float32))
    image = memory.image()
    values[1, 2, 3] = 7.5
    assert image[3, 2, 1] == 7.5
    del memory, image
    values[...] = 3.25
    assert values.min() == values.max() == 3.25


def test_a_mask_goes_there_and_back() -> None:
    mask = VALUES % 7 == 0
    image = mask_to_sitk(mask, OBLIQUE)
    assert image.GetPixelID() == SimpleITK.sitkUInt8
    assert np.array_equal(mask_from_sitk(image), mask)


def test_a_sheared_grid_is_refused_with_its_angle() -> None:
    tilted = grid((5.0, 0.5, 0.5), (3, 4, 5), tilt_degrees=18.5)
    with pytest.raises(GeometryError, match=r"18\.50 degrees"):
        to_sitk(Volume(values=VALUES, geometry=tilted))


def test_an_image_of_two_dimensions_is_no_volume() -> None:
    with pytest.raises(GeometryError, match="2 dimensions"):
        geometry_of_image(SimpleITK.Image(4, 5, SimpleITK.sitkInt16))


def test_an_image_of_vectors_is_no_volume() -> None:
    with pytest.raises(GeometryError, match="2 values per voxel"):
        geometry_of_image(SimpleITK.Image([4, 5, 6], SimpleITK.sitkVectorInt16, 2))


def test_a_volume_refuses_values_of_another_shape() -> None:
    with pytest.raises(GeometryMismatchError, match=r"\(3, 4, 4\).*\(3, 4, 5\)"):
        Volume(values=VALUES[..., :4], geometry=OBLIQUE)

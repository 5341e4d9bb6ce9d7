"""What turning, flipping, moving and cutting a mask may not change."""

from __future__ import annotations

import itertools
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from herntrack._typing import MaskZYX
from herntrack.model.geometry import VolumeGeometry
from herntrack.volumetrics.measure import MaskMeasurement, measure_mask
from tests.phantoms import grid, rotation
from tests.strategies import masks

spacings = st.tuples(*[st.sampled_from([0.5, 0.6, 0.9, 4.4])] * 3)
tilts = st.sampled_from([0.0, 12.0, -25.0])
turns = st.sampled_from([None, rotation(40.0, (1, 1, 0)), rotation(111.0, (0.2, -1, 0.4))])


@st.composite
def grids_and_masks(draw: st.DrawFn) -> tuple[MaskZYX, VolumeGeometry]:
    mask = draw(masks)
    shape = (mask.shape[0], mask.shape[1], mask.shape[2])
    return mask, grid(draw(spacings), shape, turn=draw(turns), tilt_degrees=draw(tilts))


def with_index_map(geometry: VolumeGeometry, matrix: np.ndarray, shape: tuple[int, ...]) -> VolumeGeometry:
    """Return the grid whose index i is index ``matrix @ i`` of another: same points, other axes."""
    new_shape = (shape[0], shape[1], shape[2])
    return VolumeGeometry(affine_lps=geometry.affine_lps @ matrix, shape_zyx=new_shape)


def assert_same(first: MaskMeasurement, second: MaskMeasurement, *, in_space_only: bool = False) -> None:
    names = [
        "volume_mm3",
        "n_voxels",
        "n_fragments",
        "fragment_volumes_mm3",
        "max_diameter_mm",
        "centroid_lps",
    ]
    if not in_space_only:
        names += ["n_slices", "in_plane_diameter_mm", "extent_across_slices_mm"]
    for name in names:
        assert getattr(second, name) == pytest.approx(getattr(first, name), abs=1e-6), name


@given(grids_and_masks(), st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_flips_of_array_and_grid_change_nothing(
    pair: tuple[MaskZYX, VolumeGeometry], flips: tuple[bool, bool, bool]
) -> None:
    mask, geometry = pair
    matrix = np.eye(4)
    for axis, is_flipped in enumerate(flips):
        if is_flipped:
            matrix[axis, axis] = -1
            matrix[axis, 3] = mask.shape[axis] - 1
    flipped = np.flip(mask, tuple(axis for axis in range(3) if flips[axis]))
    assert_same(
        measure_mask(mask, geometry), measure_mask(flipped, with_index_map(geometry, matrix, mask.shape))
    )


@given(grids_and_masks(), st.sampled_from(list(itertools.permutations(range(3)))))
def test_an_exchange_of_axes_changes_nothing_in_space(
    pair: tuple[MaskZYX, VolumeGeometry], order: tuple[int, int, int]
) -> None:
    mask, geometry = pair
    matrix = np.zeros((4, 4))
    matrix[3, 3] = 1
    for new, old in enumerate(order):
        matrix[old, new] = 1
    turned = mask.transpose(order)
    other = with_index_map(geometry, matrix, turned.shape)
    assert_same(measure_mask(mask, geometry), measure_mask(turned, other), in_space_only=True)


@given(masks, spacings, tilts)
def test_a_turn_of_the_patient_changes_only_the_centre(
    mask: MaskZYX, spacing: tuple[float, float, float], tilt: float
) -> None:
    shape = (mask.shape[0], mask.shape[1], mask.shape[2])
    straight = measure_mask(mask, grid(spacing, shape, tilt_degrees=tilt))
    turned = measure_mask(mask, grid(spacing, shape, tilt_degrees=tilt, turn=rotation(57.0, (3, 1, 2))))
    lengths = [astuple(one)[:-1] for one in (straight, turned)]
    # The width is left out: of several equally long diameters either may be taken.
    for first, second in zip(*lengths, strict=True):
        if first != straight.perpendicular_diameter_mm:
            assert second == pytest.approx(first, abs=1e-6)


@given(grids_and_masks(), st.integers(0, 3))
def test_empty_room_round_a_mask_changes_nothing(pair: tuple[MaskZYX, VolumeGeometry], margin: int) -> None:
    mask, geometry = pair
    matrix = np.eye(4)
    matrix[:3, 3] = -margin
    padded = np.pad(mask, margin)
    assert_same(
        measure_mask(mask, geometry), measure_mask(padded, with_index_map(geometry, matrix, padded.shape))
    )


@given(grids_and_masks(), st.integers(0, 5))
def test_a_volume_is_the_sum_of_its_slabs(pair: tuple[MaskZYX, VolumeGeometry], cut: int) -> None:
    mask, geometry = pair
    upper, lower = mask.copy(), mask.copy()
    upper[cut:], lower[:cut] = False, False
    whole = measure_mask(mask, geometry)
    parts = [measure_mask(part, geometry).volume_mm3 for part in (upper, lower)]
    assert sum(parts) == pytest.approx(whole.volume_mm3)
    assert sum(whole.fragment_volumes_mm3) == pytest.approx(whole.volume_mm3)
    assert list(whole.fragment_volumes_mm3) == sorted(whole.fragment_volumes_mm3, reverse=True)


@given(grids_and_masks())
def test_the_largest_diameter_is_that_of_all_face_points(pair: tuple[MaskZYX, VolumeGeometry]) -> None:
    # The short cut over row ends and hull against every pair of points.
    mask, geometry = pair
    measured = measure_mask(mask, geometry)
    if not mask.any():
        assert measured.max_diameter_mm == 0.0
        return
    steps = np.concatenate([np.eye(3), -np.eye(3)]) / 2
    points = geometry.index_to_lps((np.argwhere(mask)[:, None, :] + steps).reshape(-1, 3))
    assert measured.max_diameter_mm == pytest.approx(pdist(points).max())
    assert measured.in_plane_diameter_mm <= measured.max_diameter_mm + 1e-9
    assert measured.perpendicular_diameter_mm <= measured.in_plane_diameter_mm + 1e-9

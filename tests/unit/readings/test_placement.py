"""Masks on a stack's grid: copied exactly, or refused with the numbers."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from herntrack.errors import GeometryMismatchError
from herntrack.model.geometry import VolumeGeometry
from herntrack.readings.placement import CORNER_TOLERANCE_MM, align_grids, place_labels
from tests.phantoms import grid, rotation

STACK = grid(
    (4.4, 0.7, 0.5), (6, 40, 50), turn=rotation(31.0, (1.0, 0.4, 0.2)), origin_lps=(-60.0, 31.5, 212.0)
)
LABELS = (np.arange(6 * 40 * 50).reshape(STACK.shape_zyx) % 11).astype(np.uint8)


def moved(
    *, shift_lps: tuple[float, float, float] = (0.0, 0.0, 0.0), linear: np.ndarray | None = None
) -> VolumeGeometry:
    affine = np.array(STACK.affine_lps)
    affine[:3, :3] = affine[:3, :3] if linear is None else affine[:3, :3] @ linear
    affine[:3, 3] += shift_lps
    return VolumeGeometry(affine_lps=affine, shape_zyx=STACK.shape_zyx)


def reordered(
    order: tuple[int, ...], flips: tuple[bool, ...], first: tuple[int, int, int], shape: tuple[int, int, int]
) -> tuple[np.ndarray, VolumeGeometry]:
    """Return a crop of the labels with other axes, and the affine that says so."""
    window = tuple(slice(start, start + length) for start, length in zip(first, shape, strict=True))
    labels = LABELS[window]
    affine = np.array(STACK.affine_lps)
    affine[:3, 3] = STACK.index_to_lps(first)
    for axis in range(3):
        if flips[axis]:
            labels = np.flip(labels, axis)
            affine[:3, 3] += affine[:3, axis] * (shape[axis] - 1)
            affine[:3, axis] *= -1
    affine[:3, :3] = affine[:3, list(order)]
    labels = np.ascontiguousarray(np.transpose(labels, order))
    return labels, VolumeGeometry(affine_lps=affine, shape_zyx=labels.shape)


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("flips", list(product((False, True), repeat=3)))
def test_axes_in_any_order_and_direction_are_put_back(
    order: tuple[int, ...], flips: tuple[bool, ...]
) -> None:
    labels, geometry = reordered(order, flips, (0, 0, 0), STACK.shape_zyx)
    placed = place_labels(labels, geometry, STACK)
    assert np.array_equal(placed, LABELS)
    assert placed.dtype == LABELS.dtype


@pytest.mark.parametrize("flips", [(False, False, False), (True, False, True)])
def test_a_crop_goes_where_it_was_cut(flips: tuple[bool, ...]) -> None:
    labels, geometry = reordered((2, 0, 1), flips, (2, 5, 7), (3, 20, 30))
    expected = np.zeros_like(LABELS)
    expected[2:5, 5:25, 7:37] = LABELS[2:5, 5:25, 7:37]
    assert np.array_equal(place_labels(labels, geometry, STACK), expected)


def test_a_crop_of_one_slice_needs_no_slice_step() -> None:
    affine = np.array(STACK.affine_lps)
    affine[:3, 0] /= 4.4
    affine[:3, 3] = STACK.index_to_lps([3, 0, 0])
    plane = VolumeGeometry(affine_lps=affine, shape_zyx=(1, 40, 50))
    placed = place_labels(LABELS[3:4], plane, STACK)
    assert np.array_equal(placed[3], LABELS[3])
    assert not np.delete(placed, 3, axis=0).any()


def test_a_sheared_stack_takes_its_own_mask() -> None:
    tilted = grid((5.0, 0.5, 0.5), STACK.shape_zyx, tilt_degrees=18.5)
    assert np.array_equal(place_labels(LABELS, tilted, tilted), LABELS)


def test_a_shift_within_the_tolerance_is_the_same_grid() -> None:
    near = moved(shift_lps=(0.9 * CORNER_TOLERANCE_MM, 0.0, 0.0))
    alignment = align_grids(near, STACK)
    assert alignment.distance_mm == pytest.approx(0.9 * CORNER_TOLERANCE_MM)
    assert np.array_equal(place_labels(LABELS, near, STACK), LABELS)


def test_a_shift_beyond_the_tolerance_is_refused() -> None:
    with pytest.raises(GeometryMismatchError, match=r"origin is off by \(\+0\.11, \+0\.00, \+0\.00\) mm"):
        align_grids(moved(shift_lps=(0.11, 0.0, 0.0)), STACK)


def test_half_a_voxel_is_refused_with_voxels_and_millimetres() -> None:
    half = STACK.affine_lps[:3, 1] / 2
    with pytest.raises(
        GeometryMismatchError, match=r"\(\+0\.00, \+0\.50, \+0\.00\) voxels \(slice, row, column\)"
    ):
        align_grids(moved(shift_lps=tuple(half)), STACK)


def test_whole_voxels_are_refused_too() -> None:
    # A mask of the stack's own shape that is shifted by whole voxels would silently lose its edge.
    shift = 2 * STACK.affine_lps[:3, 2] - STACK.affine_lps[:3, 0]
    with pytest.raises(GeometryMismatchError, match=r"\(-1\.00, \+0\.00, \+2\.00\) voxels"):
        align_grids(moved(shift_lps=tuple(shift)), STACK)


def test_another_slice_spacing_is_refused_with_both_values() -> None:
    with pytest.raises(
        GeometryMismatchError, match=r"slice spacing differs: mask 4\.0000 mm, stack 4\.4000 mm"
    ):
        align_grids(moved(linear=np.diag([4.0 / 4.4, 1.0, 1.0])), STACK)


def test_a_spacing_of_another_column_is_named() -> None:
    with pytest.raises(
        GeometryMismatchError, match=r"column spacing differs: mask 0\.5500 mm, stack 0\.5000 mm"
    ):
        align_grids(moved(linear=np.diag([1.0, 1.0, 1.1])), STACK)


def test_another_orientation_is_refused_with_its_angle() -> None:
    affine = np.array(STACK.affine_lps)
    axis = affine[:3, 0] / 4.4
    affine[:3, :3] = rotation(3.0, tuple(axis)) @ affine[:3, :3]
    turned = VolumeGeometry(affine_lps=affine, shape_zyx=STACK.shape_zyx)
    with pytest.raises(GeometryMismatchError, match=r"row direction differs by 3\.00 degrees") as raised:
        align_grids(turned, STACK)
    assert "spacing differs" not in str(raised.value)


def test_another_shape_is_refused_with_both() -> None:
    larger = VolumeGeometry(affine_lps=STACK.affine_lps, shape_zyx=(7, 40, 50))
    with pytest.raises(
        GeometryMismatchError, match=r"shape differs: mask \(7, 40, 50\), stack \(6, 40, 50\)"
    ) as raised:
        align_grids(larger, STACK)
    assert "reaches outside: from voxel (0, 0, 0) to (6, 39, 49)" in str(raised.value)


def test_a_crop_between_voxels_is_refused() -> None:
    affine = np.array(STACK.affine_lps)
    affine[:3, 3] = STACK.index_to_lps([1.0, 3.5, 4.0])
    crop = VolumeGeometry(affine_lps=affine, shape_zyx=(2, 10, 10))
    with pytest.raises(GeometryMismatchError, match=r"0\.50, .*voxels"):
        align_grids(crop, STACK)


@pytest.mark.parametrize(("axis", "name"), [(0, "slice"), (1, "row"), (2, "column")])
def test_a_flip_that_forgot_the_origin_is_recognised(axis: int, name: str) -> None:
    affine = np.array(STACK.affine_lps)
    affine[:3, axis] *= -1
    flipped = VolumeGeometry(affine_lps=affine, shape_zyx=STACK.shape_zyx)
    with pytest.raises(GeometryMismatchError, match=f"flipped along the {name} axis"):
        align_grids(flipped, STACK)


def test_ras_taken_for_lps_is_recognised() -> None:
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ STACK.affine_lps
    with pytest.raises(
        GeometryMismatchError, match="flipped along the patient's x and y, as when RAS is taken for LPS"
    ):
        align_grids(VolumeGeometry(affine_lps=affine, shape_zyx=STACK.shape_zyx), STACK)


def test_labels_that_do_not_fit_their_own_grid_are_refused() -> None:
    with pytest.raises(GeometryMismatchError, match="their own geometry"):
        place_labels(LABELS[:3], STACK, STACK)

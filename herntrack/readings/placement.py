"""A mask from elsewhere on the grid of a stack, or the numbers that say why not.

Voxels are never resampled: a mask either has voxel centres of the stack, maybe in another axis
order, with flipped axes or cropped, and is copied voxel by voxel; or it is refused. Both grids
are compared where it matters, at the centres of the corner voxels, in millimetres.

Public: `align_grids`, `place_labels`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from herntrack.errors import GeometryMismatchError
from herntrack.model.geometry import VolumeGeometry
from herntrack.readings.misplacement import axis_assignment, why_not_aligned

CORNER_TOLERANCE_MM = 0.1
"""Largest distance of a mask's corner voxel centre from the stack's voxel centre (mm).

NIfTI stores its geometry as float32 (about 0.00003 mm at 500 mm) and scanners write positions
to 0.01 mm and direction cosines to 6 decimals (0.0003 mm at 300 mm), so honest grids agree far
better. A shift of half a voxel, as from a corner taken for a centre, is at least 0.12 mm at the
finest pixels of lumbar imaging (0.25 mm) and is refused.
"""

Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True)
class GridAlignment:
    """How the voxels of one grid are found in another.

    Parameters
    ----------
    source_axis_of : tuple of int
        For each axis of the target the axis of the source that runs along it.
    is_flipped : tuple of bool
        For each axis of the target, whether the source runs against it.
    first_index_zyx : tuple of int
        Target index of the first voxel that the source covers.
    shape_zyx : tuple of int
        Shape of the covered part, in the target's axis order.
    distance_mm : float
        Largest distance between voxel centres that are taken as one (mm).
    """

    source_axis_of: tuple[int, int, int]
    is_flipped: tuple[bool, bool, bool]
    first_index_zyx: tuple[int, int, int]
    shape_zyx: tuple[int, int, int]
    distance_mm: float

    def in_target_order(self, values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Return the source's values with the target's axes: a view, nothing is copied."""
        turned = np.transpose(values, self.source_axis_of)
        return turned[tuple(slice(None, None, -1) if flip else slice(None) for flip in self.is_flipped)]

    def covered(self) -> tuple[slice, slice, slice]:
        """Return the part of the target that the source covers."""
        z, y, x = (
            slice(first, first + length)
            for first, length in zip(self.first_index_zyx, self.shape_zyx, strict=True)
        )
        return z, y, x


def place_labels(
    labels: npt.NDArray[Scalar], source_geometry: VolumeGeometry, target_geometry: VolumeGeometry
) -> npt.NDArray[Scalar]:
    """Return labels of one grid on another that has the same voxel centres.

    Parameters
    ----------
    labels : ndarray of integer or bool, shape `source_geometry.shape_zyx`
        Labels on their own grid.
    source_geometry : VolumeGeometry
        Grid of `labels`.
    target_geometry : VolumeGeometry
        Grid of the stack. The source may be a part of it.

    Returns
    -------
    ndarray of the same dtype, shape `target_geometry.shape_zyx`
        The labels; 0 outside of the source. A new array.

    Raises
    ------
    GeometryMismatchError
        If the labels do not have the shape of their geometry, or the grids do not agree
        within `CORNER_TOLERANCE_MM`; the message says how they differ.
    """
    if labels.shape != source_geometry.shape_zyx:
        raise GeometryMismatchError(
            f"labels of shape {labels.shape} do not fit their own geometry {source_geometry.shape_zyx}"
        )
    alignment = align_grids(source_geometry, target_geometry)
    placed = np.zeros(target_geometry.shape_zyx, dtype=labels.dtype)
    placed[alignment.covered()] = alignment.in_target_order(labels)
    return placed


def align_grids(source: VolumeGeometry, target: VolumeGeometry) -> GridAlignment:
    """Return how the voxels of `source` lie in `target`.

    Parameters
    ----------
    source : VolumeGeometry
        Grid of a mask.
    target : VolumeGeometry
        Grid of a stack.

    Raises
    ------
    GeometryMismatchError
        If not every voxel centre of the source is one of the target within
        `CORNER_TOLERANCE_MM`.
    """
    alignment = _nearest_alignment(source, target)
    lies_inside = all(
        first >= 0 and first + length <= limit
        for first, length, limit in zip(
            alignment.first_index_zyx, alignment.shape_zyx, target.shape_zyx, strict=True
        )
    )
    if alignment.distance_mm > CORNER_TOLERANCE_MM or not lies_inside:
        reasons = why_not_aligned(source, target, tolerance_mm=CORNER_TOLERANCE_MM)
        raise GeometryMismatchError(
            f"the mask is not on the grid of the stack: {'; '.join(reasons)}."
            f" Voxel centres must agree within {CORNER_TOLERANCE_MM} mm;"
            " choose the stack the mask was drawn on, or export the mask again on the grid of its image"
        )
    return alignment


def _nearest_alignment(source: VolumeGeometry, target: VolumeGeometry) -> GridAlignment:
    """Return the axis order, flips and whole-voxel offset that fit best, with their distance."""
    to_target = np.linalg.solve(target.affine_lps, source.affine_lps)
    axes = axis_assignment(target.affine_lps[:3, :3], source.affine_lps[:3, :3])
    flips = [bool(to_target[target_axis, source_axis] < 0) for target_axis, source_axis in enumerate(axes)]
    shape = [source.shape_zyx[axis] for axis in axes]
    corner = [0.0, 0.0, 0.0]
    for flip, axis in zip(flips, axes, strict=True):
        corner[axis] = source.shape_zyx[axis] - 1.0 if flip else 0.0
    first = np.rint(target.lps_to_index(source.index_to_lps(corner)))
    expected = np.zeros((8, 3))
    corners: Any = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    for target_axis, (flip, axis) in enumerate(zip(flips, axes, strict=True)):
        step = 1 - corners[:, axis] if flip else corners[:, axis]
        expected[:, target_axis] = first[target_axis] + step * (source.shape_zyx[axis] - 1)
    distance = np.linalg.norm(target.index_to_lps(expected) - source.corners_lps(), axis=1).max()
    return GridAlignment(
        source_axis_of=axes,
        is_flipped=(flips[0], flips[1], flips[2]),
        first_index_zyx=(int(first[0]), int(first[1]), int(first[2])),
        shape_zyx=(shape[0], shape[1], shape[2]),
        distance_mm=float(distance),
    )

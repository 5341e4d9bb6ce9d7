"""What a tool touches: voxels of a brush or a polygon, and what filling and smoothing make of a mask.

Sizes are millimetres, so that a brush is round on oblong pixels. Tools that look at the whole mask
work on the part that holds it: their cost does not grow with the stack.

Public: `brush_voxels`, `polygon_voxels`, `filled_holes`, `on_the_part`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from herntrack._typing import FloatArray, MaskZYX
from herntrack.errors import GeometryError
from herntrack.model.geometry import VolumeGeometry
from herntrack.reading_room.edits import NO_INDICES, FlatIndices

Box = tuple[slice, slice, slice]
"""A part of a stack."""


def brush_voxels(
    geometry: VolumeGeometry, slice_index: int, path_row_col: npt.ArrayLike, *, radius_mm: float
) -> FlatIndices:
    """Return the voxels of one slice within a distance of a path.

    Parameters
    ----------
    geometry : VolumeGeometry
        Grid of the mask.
    slice_index : int
        The slice.
    path_row_col : array_like of float, shape (n, 2)
        Where the brush went, (row, column), fractions allowed; one point is a dab.
    radius_mm : float
        Radius of the brush (mm). The voxel under a point is always touched.

    Raises
    ------
    GeometryError
        If there is no such slice, no point, or the radius is negative.
    """
    _check_slice(geometry, slice_index)
    path = np.asarray(path_row_col, dtype=np.float64).reshape(-1, 2)
    if len(path) == 0 or not np.isfinite(path).all() or not radius_mm >= 0:
        raise GeometryError(
            "a stroke has at least one finite point (row, column) and a radius of 0 mm or more"
        )
    steps = np.asarray(geometry.spacing_zyx[1:])
    window = _window(geometry, path.min(axis=0) - radius_mm / steps, path.max(axis=0) + radius_mm / steps)
    if window is None:
        return NO_INDICES
    rows, columns = window
    pixels = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1) * steps
    near = _distance_to_path(pixels, path * steps) <= radius_mm
    for row, column in np.rint(path).astype(int):
        if row in rows and column in columns:
            near[row - rows.start, column - columns.start] = True
    return _flat(geometry, slice_index, rows, columns, near)


def polygon_voxels(geometry: VolumeGeometry, slice_index: int, corners_row_col: npt.ArrayLike) -> FlatIndices:
    """Return the voxels of one slice whose centre lies in a polygon (even-odd rule).

    Parameters
    ----------
    geometry : VolumeGeometry
        Grid of the mask.
    slice_index : int
        The slice.
    corners_row_col : array_like of float, shape (n, 2)
        At least three corners, (row, column); the last is joined to the first.

    Raises
    ------
    GeometryError
        If there is no such slice, or there are fewer than three corners.
    """
    _check_slice(geometry, slice_index)
    corners = np.asarray(corners_row_col, dtype=np.float64).reshape(-1, 2)
    if len(corners) < 3 or not np.isfinite(corners).all():
        raise GeometryError(f"a polygon has at least three finite corners (row, column), not {len(corners)}")
    window = _window(geometry, corners.min(axis=0), corners.max(axis=0))
    if window is None:
        return NO_INDICES
    rows, columns = window
    row = np.asarray(rows, dtype=np.float64)[:, None]
    column = np.asarray(columns, dtype=np.float64)[None, :]
    inside = np.zeros((len(rows), len(columns)), dtype=np.bool_)
    for (row_a, column_a), (row_b, column_b) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if row_a == row_b:
            continue
        crosses = (row_a > row) != (row_b > row)
        at = column_a + (row - row_a) * (column_b - column_a) / (row_b - row_a)
        inside ^= crosses & (column < at)
    return _flat(geometry, slice_index, rows, columns, inside)


def filled_holes(mask: MaskZYX, slice_index: int | None = None) -> MaskZYX:
    """Return a mask whose outlines have no holes, slice by slice.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_slices, n_rows, n_cols)
        Outlines.
    slice_index : int, optional
        Only this slice; all of them by default.
    """
    result = mask.copy()
    for number in range(len(mask)) if slice_index is None else (slice_index,):
        rows, columns = (np.flatnonzero(mask[number].any(axis=axis)) for axis in (1, 0))
        if len(rows):
            part = (number, slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
            result[part] = ndimage.binary_fill_holes(mask[part])
    return result


def on_the_part(
    mask: MaskZYX,
    geometry: VolumeGeometry,
    change: Callable[[MaskZYX, VolumeGeometry], MaskZYX],
    *,
    margin_mm: float = 0.0,
) -> tuple[Box, MaskZYX] | None:
    """Apply a change to the part of a stack that holds the mask.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_slices, n_rows, n_cols)
        The mask; it is not changed.
    geometry : VolumeGeometry
        Its grid.
    change : callable
        Takes a mask and its grid and returns a mask of the same shape.
    margin_mm : float
        Room that the change needs around the mask, within the slices (mm).

    Returns
    -------
    tuple of Box and ndarray of bool, or None
        The part and what it holds afterwards; None for an empty mask.
    """
    boxes = ndimage.find_objects(mask.view(np.uint8))
    if not boxes:
        return None
    _, row_mm, column_mm = geometry.spacing_zyx
    room = (0, int(np.ceil(margin_mm / row_mm)) + 1, int(np.ceil(margin_mm / column_mm)) + 1)
    part: Box = tuple(
        slice(max(0, edge.start - more), min(length, edge.stop + more))
        for edge, more, length in zip(boxes[0], room, mask.shape, strict=True)
    )  # type: ignore[assignment]  # zip over three axes gives three slices
    affine = geometry.affine_lps.copy()
    affine[:3, 3] = geometry.index_to_lps([edge.start for edge in part])
    held = mask[part]
    inner = VolumeGeometry(affine_lps=affine, shape_zyx=(held.shape[0], held.shape[1], held.shape[2]))
    return part, change(held, inner)


def _distance_to_path(points_mm: FloatArray, path_mm: FloatArray) -> FloatArray:
    """Return the distance of points, shape (..., 2), to the nearest piece of a path (mm)."""
    nearest = np.linalg.norm(points_mm - path_mm[0], axis=-1)
    for start, end in pairwise(path_mm):
        along = end - start
        length = float(along @ along)
        share = np.zeros(points_mm.shape[:-1])
        if length > 0:
            share = np.clip((points_mm - start) @ along / length, 0.0, 1.0)
        nearest = np.minimum(nearest, np.linalg.norm(points_mm - start - share[..., None] * along, axis=-1))
    return np.asarray(nearest, dtype=np.float64)


def _window(
    geometry: VolumeGeometry, low_row_col: FloatArray, high_row_col: FloatArray
) -> tuple[range, range] | None:
    """Return the rows and columns between two corners that the stack has; None if there are none."""
    found = []
    for low, high, length in zip(low_row_col, high_row_col, geometry.shape_zyx[1:], strict=True):
        # One more on each side: a voxel is touched from half a voxel beyond its centre.
        found.append(range(max(0, int(np.floor(low))), min(length, int(np.ceil(high)) + 1)))
    rows, columns = found
    return (rows, columns) if len(rows) and len(columns) else None


def _flat(
    geometry: VolumeGeometry, slice_index: int, rows: range, columns: range, chosen: MaskZYX
) -> FlatIndices:
    row, column = np.nonzero(chosen)
    _, n_rows, n_columns = geometry.shape_zyx
    return np.asarray(
        (slice_index * n_rows + row + rows.start) * n_columns + column + columns.start, dtype=np.int64
    )


def _check_slice(geometry: VolumeGeometry, slice_index: int) -> None:
    if not 0 <= slice_index < geometry.shape_zyx[0]:
        raise GeometryError(
            f"there is no slice {slice_index}; the stack has {geometry.shape_zyx[0]}, the first is 0"
        )

"""Bodies whose volume and diameters are known from a formula, on grids of any shape."""

from __future__ import annotations

import numpy as np

from herntrack._typing import FloatArray, MaskZYX
from herntrack.model.geometry import VolumeGeometry


def rotation(degrees: float, axis: tuple[float, float, float]) -> FloatArray:
    """Return the 3x3 rotation by an angle about an axis through the origin (Rodrigues)."""
    unit = np.array(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -unit[2], unit[1]], [unit[2], 0, -unit[0]], [-unit[1], unit[0], 0]])
    angle = np.radians(degrees)
    return np.asarray(
        np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross, dtype=np.float64
    )


def grid(
    spacing_zyx: tuple[float, float, float],
    shape_zyx: tuple[int, int, int],
    *,
    turn: FloatArray | None = None,
    tilt_degrees: float = 0.0,
    origin_lps: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> VolumeGeometry:
    """Return an axial grid, turned in space and sheared like a tilted gantry.

    The tilt shifts each slice along the rows; the distance between slices along their normal
    stays ``spacing_zyx[0]``.
    """
    dz, dy, dx = spacing_zyx
    shift = dz * np.tan(np.radians(tilt_degrees))
    columns = np.array([[0, 0, dx], [shift, dy, 0], [dz, 0, 0]], dtype=np.float64)
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if turn is None else turn) @ columns
    affine[:3, 3] = origin_lps
    return VolumeGeometry(affine_lps=affine, shape_zyx=shape_zyx)


def centre_of(geometry: VolumeGeometry) -> FloatArray:
    """Return the middle of a grid, LPS millimetres."""
    return geometry.index_to_lps((np.array(geometry.shape_zyx) - 1) / 2)


def ellipsoid(
    geometry: VolumeGeometry,
    semi_axes_mm: tuple[float, float, float],
    *,
    centre_lps: FloatArray | None = None,
    turn: FloatArray | None = None,
) -> MaskZYX:
    """Return the voxels whose centre lies in an ellipsoid with axes along x, y, z, then turned."""
    centre = centre_of(geometry) if centre_lps is None else centre_lps
    index = np.moveaxis(np.indices(geometry.shape_zyx), 0, -1)
    local = geometry.index_to_lps(index) - centre
    if turn is not None:
        local = local @ turn
    return np.asarray((np.square(local / np.array(semi_axes_mm)).sum(axis=-1)) <= 1.0)


def ellipsoid_volume_mm3(semi_axes_mm: tuple[float, float, float]) -> float:
    """Return the volume of an ellipsoid by its formula."""
    return float(4 / 3 * np.pi * np.prod(semi_axes_mm))


def single_voxel(shape_zyx: tuple[int, int, int], index_zyx: tuple[int, int, int]) -> MaskZYX:
    """Return a mask of one voxel."""
    mask = np.zeros(shape_zyx, dtype=bool)
    mask[index_zyx] = True
    return mask

"""A stack on a coarse cubic grid, its contrast made even.

Intensities are normalised in a wide neighbourhood (mean 0, spread near 1), which takes out coil
shading and gain before shifts are scored.

Public: `Cube`, `Evened`, `evened`, `cube`, `box_of`, `middle_of`, `STEP_MM`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, map_coordinates

from herntrack._typing import Affine4x4, FloatArray
from herntrack.alignment.sampling import Float32
from herntrack.alignment.scales import Scale

STEP_MM = 5.0
"""Edge of a voxel of the coarse grid (mm)."""

NEIGHBOURHOOD_MM = 14.0
"""Standard deviation of the neighbourhood in which intensities are normalised (mm)."""

LEAST_SPREAD = 0.35
"""Added to the local spread, as a share of its 70th percentile: air is not blown up (no unit)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evened:
    """A stack with normalised intensities, on its own grid."""

    values: Float32
    affine_lps: Affine4x4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Box:
    """A cubic grid along x, y and z: its first point (LPS mm) and its numbers of points."""

    low_lps: FloatArray
    shape_xyz: tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cube:
    """A stack on a box, indexed [x, y, z]; where there is nothing, value and mask are 0."""

    values: Float32
    mask: Float32


def evened(scale: Scale) -> Evened:
    """Return a stack without shading."""
    lengths = zip(scale.spacing_zyx, scale.values.shape, strict=True)
    sigma = [min(NEIGHBOURHOOD_MM / step, 0.3 * n) for step, n in lengths]
    centred = scale.values - gaussian_filter(scale.values, sigma, truncate=2.0)
    spread = np.sqrt(gaussian_filter(np.square(centred), sigma, truncate=2.0))
    floor = np.float32(LEAST_SPREAD * np.percentile(spread, 70) + 1e-6)
    return Evened(values=centred / (spread + floor), affine_lps=scale.affine_lps)


def middle_of(scale: Scale) -> FloatArray:
    """Return the middle of a stack (LPS mm)."""
    last = (np.array(scale.values.shape) - 1) / 2
    return np.asarray(scale.affine_lps[:3, :3] @ last + scale.affine_lps[:3, 3], dtype=np.float64)


def box_of(scale: Scale, *, margin: float = 1.0) -> Box:
    """Return the box around a stack.

    Parameters
    ----------
    scale : Scale
        The stack.
    margin : float
        Factor of its size, above 1 for a stack that will be turned.
    """
    half = np.abs(scale.affine_lps[:3, :3]) @ (np.array(scale.values.shape) / 2) * margin
    shape = [int(length) + 1 for length in np.ceil(2 * half / STEP_MM)]
    low = middle_of(scale) - (np.array(shape) - 1) * STEP_MM / 2
    return Box(low_lps=low, shape_xyz=(shape[0], shape[1], shape[2]))


def cube(stack: Evened, box: Box, to_stack: Affine4x4) -> Cube:
    """Sample a stack on a box.

    Parameters
    ----------
    stack : Evened
        The stack.
    box : Box
        Where.
    to_stack : ndarray of float64, shape (4, 4)
        Takes a point of the box to the stack (LPS mm).
    """
    to_index = np.linalg.solve(stack.affine_lps, to_stack)
    axes = [box.low_lps[a] + STEP_MM * np.arange(box.shape_xyz[a]) for a in range(3)]
    points = np.stack([grid.ravel() for grid in np.meshgrid(*axes, indexing="ij")])
    index = to_index[:3, :3] @ points + to_index[:3, 3:]
    last = np.array(stack.values.shape)[:, None] - 0.5
    inside: npt.NDArray[np.bool_] = ((index > -0.5) & (index < last)).all(axis=0)
    values = np.zeros(points.shape[1], dtype=np.float32)
    values[inside] = map_coordinates(stack.values, index[:, inside], order=1, mode="nearest")
    return Cube(values=values.reshape(box.shape_xyz), mask=inside.reshape(box.shape_xyz).astype(np.float32))

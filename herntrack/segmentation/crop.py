"""The part of a stack around the points that a fragment can reach.

Public: `Crop`, `crop_around`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from herntrack._typing import FloatArray, MaskZYX, PointsLPS
from herntrack.errors import GeometryError
from herntrack.imaging.volume import Volume
from herntrack.model.geometry import VolumeGeometry
from herntrack.segmentation.wall import is_hounsfield

REACH_MM = 24.0
"""How far a fragment reaches from the nearest point (mm); the largest of 4 000 mm3 stay within."""

IN_SLICE_TOLERANCE = 0.5
"""A point up to this share of a step outside the stack still counts as in it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crop:
    """A box of a stack.

    Parameters
    ----------
    values : ndarray of float64, shape (n_slices, n_rows, n_cols)
        Intensities of the box.
    box : tuple of three slices
        Where the box lies in the stack.
    geometry : VolumeGeometry
        Grid of the whole stack.
    is_ct : bool
        Whether intensities are CT numbers.
    """

    values: FloatArray
    box: tuple[slice, slice, slice]
    geometry: VolumeGeometry
    is_ct: bool

    @property
    def spacing_zyx(self) -> tuple[float, float, float]:
        """Spacing of the stack (mm)."""
        return self.geometry.spacing_zyx

    def points_lps(self) -> PointsLPS:
        """Return the centres of all voxels, shape (n_slices, n_rows, n_cols, 3), LPS mm."""
        index = np.moveaxis(np.indices(self.values.shape), 0, -1)
        return self.geometry.index_to_lps(index + [edge.start for edge in self.box])

    def index_of(self, points_lps: PointsLPS) -> FloatArray:
        """Return the (fractional) index of points in the box, shape (n, 3), kept inside it."""
        index = self.geometry.lps_to_index(points_lps) - [edge.start for edge in self.box]
        return np.asarray(np.clip(index, 0, np.asarray(self.values.shape) - 1), dtype=np.float64)

    def full_mask(self, part: MaskZYX) -> MaskZYX:
        """Return a mask of the box as one of the whole stack."""
        mask = np.zeros(self.geometry.shape_zyx, dtype=np.bool_)
        mask[self.box] = part
        return mask


def crop_around(volume: Volume, points_lps: PointsLPS, *, reach_mm: float = REACH_MM) -> Crop:
    """Cut out what lies within a distance of points.

    Parameters
    ----------
    volume : Volume
        The stack.
    points_lps : ndarray of float64, shape (n, 3)
        Points in it, LPS mm.
    reach_mm : float
        Distance (mm).

    Raises
    ------
    GeometryError
        If a point lies outside the stack.
    """
    geometry = volume.geometry
    index = geometry.lps_to_index(points_lps)
    shape = np.asarray(geometry.shape_zyx)
    outside = ((index < -IN_SLICE_TOLERANCE) | (index > shape - 1 + IN_SLICE_TOLERANCE)).any(axis=1)
    if outside.any():
        point = ", ".join(f"{value:.1f}" for value in points_lps[int(outside.argmax())])
        raise GeometryError(
            f"the point ({point}) mm lies outside the stack; choose the stack that was clicked on, or give"
            " LPS millimetres of its patient coordinates"
        )
    reach = reach_mm / np.asarray(geometry.spacing_zyx)
    low = np.maximum(np.floor(index.min(axis=0) - reach).astype(int), 0)
    high = np.minimum(np.ceil(index.max(axis=0) + reach).astype(int) + 1, shape)
    box = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    values = volume.values[box].astype(np.float64)
    return Crop(values=values, box=box, geometry=geometry, is_ct=is_hounsfield(volume.values))

"""Where a key image is cut out of its stack, and which way up it is shown.

A `SliceView` holds the index steps of one output pixel, so the mm-per-pixel scale is fixed
here, before any intensity is read, for square and non-square pixels alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from herntrack._typing import FloatArray, MaskZYX
from herntrack.model.geometry import VolumeGeometry, direction_letters, plane_of_normal
from herntrack.model.vocabulary import Plane

_DISPLAY_AXES = {
    # plane: (towards the right edge, towards the bottom edge), LPS
    Plane.SAGITTAL: ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
    Plane.AXIAL: ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    Plane.CORONAL: ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
}
"""Radiological convention: the viewer faces the patient, looks from the feet or from the left."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SliceView:
    """A square cut from one slice.

    Parameters
    ----------
    slice_index : int
        Which slice.
    centre_rc : ndarray of float64, shape (2,)
        ``(row, col)`` of the middle of the cut.
    right_rc, down_rc : ndarray of float64, shape (2,)
        ``(row, col)`` from one output pixel to its right and lower neighbour.
    letters : tuple of str
        Patient directions at the left, right, top and bottom edge.
    """

    slice_index: int
    centre_rc: FloatArray
    right_rc: FloatArray
    down_rc: FloatArray
    letters: tuple[str, str, str, str]

    @property
    def source_pixels_per_output_pixel(self) -> float:
        """Return the area of an output pixel in pixels of the slice."""
        return abs(float(self.right_rc[0] * self.down_rc[1] - self.right_rc[1] * self.down_rc[0]))

    def sample_coordinates(self, size_px: int) -> FloatArray:
        """Return ``(row, col)`` of the centre of every output pixel, shape (2, size_px, size_px)."""
        offsets = np.arange(size_px) + 0.5 - size_px / 2.0
        down, right = np.meshgrid(offsets, offsets, indexing="ij")
        return np.asarray(
            self.centre_rc[:, None, None]
            + self.down_rc[:, None, None] * down
            + self.right_rc[:, None, None] * right,
            dtype=np.float64,
        )


def slice_view(
    geometry: VolumeGeometry,
    *,
    mask: MaskZYX | None,
    centre_lps: tuple[float, float, float] | None,
    pixels_per_mm: float,
) -> SliceView:
    """Choose the slice, the middle and the display directions.

    The slice is the one on which the mask is largest, else the one nearest to `centre_lps`.
    """
    if mask is not None and mask.any():
        slice_index = int(np.argmax(mask.sum(axis=(1, 2))))
        centre = geometry.index_to_lps(np.argwhere(mask).mean(axis=0))
        if centre_lps is not None:
            centre = np.asarray(centre_lps, dtype=np.float64)
    else:
        centre = np.asarray(centre_lps, dtype=np.float64)
        slice_index = int(
            np.clip(round(float(geometry.lps_to_index(centre)[0])), 0, geometry.shape_zyx[0] - 1)
        )
    # Along the normal, not along the array axis: in a sheared stack the two differ.
    on_slice = geometry.index_to_lps((slice_index, 0, 0))
    normal = geometry.normal_lps
    index = geometry.lps_to_index(centre + normal * float(normal @ (on_slice - centre)))
    (right_rc, right), (down_rc, down) = _display_steps(geometry, pixels_per_mm)
    return SliceView(
        slice_index=slice_index,
        centre_rc=index[1:],
        right_rc=right_rc,
        down_rc=down_rc,
        letters=(
            direction_letters(-right),
            direction_letters(right),
            direction_letters(-down),
            direction_letters(down),
        ),
    )


def is_inside(coordinates_rc: FloatArray, shape_rc: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Return which sample points lie on the slice, its outer half pixels included."""
    limits = np.asarray(shape_rc)[:, None, None] - 0.5
    return np.asarray(((coordinates_rc >= -0.5) & (coordinates_rc <= limits)).all(axis=0))


def _display_steps(
    geometry: VolumeGeometry, pixels_per_mm: float
) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    """Return index step and LPS direction towards the right edge, then towards the bottom."""
    right_lps, down_lps = (np.asarray(axis) for axis in _DISPLAY_AXES[_nearest_plane(geometry)])
    vectors = geometry.affine_lps[:3, 1], geometry.affine_lps[:3, 2]
    towards_right = [abs(float(vector @ right_lps)) / float(np.linalg.norm(vector)) for vector in vectors]
    right_axis = int(np.argmax(towards_right))
    return (
        _step(right_axis, vectors[right_axis], right_lps, pixels_per_mm),
        _step(1 - right_axis, vectors[1 - right_axis], down_lps, pixels_per_mm),
    )


def _step(
    axis: int, vector_lps: FloatArray, wanted_lps: FloatArray, pixels_per_mm: float
) -> tuple[FloatArray, FloatArray]:
    sign = 1.0 if float(vector_lps @ wanted_lps) >= 0 else -1.0
    step_rc = np.zeros(2)
    step_rc[axis] = sign / (float(np.linalg.norm(vector_lps)) * pixels_per_mm)
    return step_rc, sign * vector_lps


def _nearest_plane(geometry: VolumeGeometry) -> Plane:
    plane = plane_of_normal(geometry.normal_lps)
    if plane in _DISPLAY_AXES:
        return plane
    return (Plane.SAGITTAL, Plane.CORONAL, Plane.AXIAL)[int(np.argmax(np.abs(geometry.normal_lps)))]

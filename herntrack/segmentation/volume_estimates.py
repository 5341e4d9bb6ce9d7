"""Estimates of a fragment's volume beside the voxel count, each with what it rests on.

* half-voxel bounds: the mask without and with the voxels at its edge, weighted by half;
* surface: the volume inside a marching-cubes surface through the mask smoothed by half a pixel; it
  tapers at the first and last slice, so it lies some 10 % below the count where slices are few;
* partial volume: every voxel at the edge counts with the share of fragment its intensity says,
  from the levels inside and just outside, learnt as medians around it. Their errors are carried.

The count stays the primary volume: an estimate from intensities is worse where levels are off.

Public: `estimate_volumes`, `VolumeEstimates`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.measure import marching_cubes, mesh_surface_area

from herntrack._typing import FloatArray, MaskZYX
from herntrack.errors import GeometryMismatchError
from herntrack.imaging.volume import Volume

EDGE_WINDOW = (1, 5, 5)
"""Voxels around an edge voxel whose mean outside level is used (slices, rows, columns)."""

LEVEL_ERROR = 0.1
"""The inside level is not believed better than this: fragments are not of one tissue (no unit)."""

END_ERROR = 0.1
"""Error of where the fragment ends between slices, as a share of the step, common to all ends (no unit).

The partial volumes across slices are not looked at: what is beside a voxel in the next slice is another
tissue too often.
"""

LEAST_CONTRAST = 2.0
"""Fewer spreads between inside and outside tell nothing; such edge voxels are counted (no unit)."""

_CROSS = np.array([[[False, True, False], [True, True, True], [False, True, False]]])


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeEstimates:
    """Volumes of one mask (mm3).

    Parameters
    ----------
    count_mm3 : float
        Voxels times the volume of one.
    lower_mm3, upper_mm3 : float
        The count less, and with, half of the voxels on either side of its in-plane edge.
    surface_mm3 : float
        Inside the smoothed surface.
    surface_area_mm2 : float
        Area of that surface.
    partial_mm3 : float or None
        Partial-volume sum; None where the edge has too little contrast.
    partial_error_mm3 : float or None
        Standard error of it from the errors of the levels and the noise.
    usable_edge : float
        Share of the edge voxels with enough contrast.
    """

    count_mm3: float
    lower_mm3: float
    upper_mm3: float
    surface_mm3: float
    surface_area_mm2: float
    partial_mm3: float | None
    partial_error_mm3: float | None
    usable_edge: float


def estimate_volumes(mask: MaskZYX, volume: Volume) -> VolumeEstimates:
    """Estimate a mask's volume in several ways.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_slices, n_rows, n_cols)
        The fragment.
    volume : Volume
        Intensities on the same grid.

    Raises
    ------
    GeometryMismatchError
        If the shapes differ.
    """
    if mask.shape != volume.geometry.shape_zyx:
        raise GeometryMismatchError(
            f"the mask has the shape {mask.shape} and its stack {volume.geometry.shape_zyx}"
        )
    if not mask.any():
        return VolumeEstimates(
            count_mm3=0.0,
            lower_mm3=0.0,
            upper_mm3=0.0,
            surface_mm3=0.0,
            surface_area_mm2=0.0,
            partial_mm3=None,
            partial_error_mm3=None,
            usable_edge=0.0,
        )
    voxel = volume.geometry.voxel_volume_mm3
    box = tuple(slice(max(e.start - 4, 0), e.stop + 4) for e in ndimage.find_objects(mask.view(np.uint8))[0])
    part, values = mask[box], volume.values[box].astype(np.float64)
    inner_edge = part & ~_eroded(part)
    outer_edge = ndimage.binary_dilation(part, _CROSS) & ~part
    surface, area = _surface(part, volume)
    share, error, usable = _partial(part, values, inner_edge, outer_edge)
    count = float(part.sum())
    return VolumeEstimates(
        count_mm3=count * voxel,
        lower_mm3=(count - float(inner_edge.sum()) / 2) * voxel,
        upper_mm3=(count + float(outer_edge.sum()) / 2) * voxel,
        surface_mm3=surface,
        surface_area_mm2=area,
        partial_mm3=None if share is None else share * voxel,
        partial_error_mm3=None if error is None else error * voxel,
        usable_edge=usable,
    )


def _eroded(part: MaskZYX) -> MaskZYX:
    return np.asarray(ndimage.binary_erosion(part, _CROSS))


def _surface(part: MaskZYX, volume: Volume) -> tuple[float, float]:
    """Return volume (mm3) and area (mm2) of the surface at half of the smoothed mask."""
    soft = ndimage.gaussian_filter(np.pad(part, 2).astype(np.float64), (0, 0.5, 0.5))
    vertices, faces, _, _ = marching_cubes(soft, 0.5)
    points = vertices @ volume.geometry.affine_lps[:3, :3].T
    a, b, c = (points[faces[:, corner]] - points.mean(axis=0) for corner in range(3))
    enclosed = abs(float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum())) / 6
    return enclosed, float(mesh_surface_area(points, faces))


def _partial(
    part: MaskZYX, values: FloatArray, inner_edge: MaskZYX, outer_edge: MaskZYX
) -> tuple[float | None, float | None, float]:
    """Return the partial-volume sum and its error in voxels, and the share of usable edge voxels."""
    core = _eroded(part)
    core = core if core.sum() >= 10 else part
    inside = float(np.median(values[core]))
    spread = max(1.4826 * float(np.median(np.abs(values[core] - inside))), 1e-6)
    edge = inner_edge | outer_edge
    # The ring beyond the edge is pure surroundings, as far as a 4 mm slice has any.
    ring = ndimage.binary_dilation(part, _CROSS, iterations=3) & ~ndimage.binary_dilation(part, _CROSS)
    weight = ndimage.uniform_filter(ring.astype(np.float64), EDGE_WINDOW)
    total = ndimage.uniform_filter(np.where(ring, values, 0.0), EDGE_WINDOW)
    outside = total / np.maximum(weight, 1e-9)
    contrast = inside - outside
    usable = edge & (weight > 1e-6) & (np.abs(contrast) > LEAST_CONTRAST * spread)
    share_usable = float(usable.sum() / max(int(edge.sum()), 1))
    if share_usable < 0.5:
        return None, None, share_usable
    fraction = np.clip((values[usable] - outside[usable]) / contrast[usable], 0, 1)
    counted = float((part & ~usable).sum())
    # An error of the inside level moves all edge voxels together, that of each outside level few.
    slopes = np.abs(fraction / contrast[usable])
    level_error = 1.2533 * spread / np.sqrt(core.sum())
    common = float(slopes.sum()) * max(level_error, LEVEL_ERROR * abs(inside))
    ends = np.count_nonzero(np.diff(np.pad(part, ((1, 1), (0, 0), (0, 0))).astype(np.int8), axis=0))
    single = np.sqrt(float((np.square(1.0 / contrast[usable])).sum())) * spread * 2.0
    return (
        counted + float(fraction.sum()),
        float(np.sqrt(common**2 + single**2 + (END_ERROR * ends) ** 2)),
        share_usable,
    )

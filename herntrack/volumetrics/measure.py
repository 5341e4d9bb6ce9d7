"""From a mask on a grid to numbers: volume, fragments, diameters, centre.

Assumptions of the method:

* a voxel belongs to the lesion or does not; there is no partial-volume correction;
* a voxel's volume reaches halfway to its neighbours, so the gap between slices counts and the
  slice thickness does not; a sheared or oblique grid needs no special case;
* diameters reach from voxel face to voxel face: between the points half a voxel step before
  and after each voxel centre along its three axes. These are the vertices of a marching-cubes
  surface of the mask. Between centres a lesion of one voxel would have no size, between
  corners every lesion would be a diagonal too long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist, squareform

from herntrack._typing import FloatArray, MaskZYX
from herntrack.errors import GeometryMismatchError
from herntrack.model.geometry import VolumeGeometry

_FULL_NEIGHBOURHOOD = np.ones((3, 3, 3), dtype=bool)
# Half steps along slice, row and column; the last four stay within the slice.
_FACES_ZYX = np.array([[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]]) / 2.0
_IN_PLANE_FACES_ZYX = _FACES_ZYX[2:]


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskMeasurement:
    """Numbers from one mask; all 0 for an empty one.

    Parameters
    ----------
    volume_mm3 : float
        Voxels times the volume of a voxel.
    n_voxels : int
    n_slices : int
        Slices that hold at least one voxel.
    n_fragments : int
        Parts that are not connected, not even by a voxel corner.
    fragment_volumes_mm3 : tuple of float
        Largest first; their sum is `volume_mm3`.
    in_plane_diameter_mm : float
        Largest diameter within one slice.
    perpendicular_diameter_mm : float
        Width of the mask across that diameter, in the same slice.
    extent_across_slices_mm : float
        From the first to the last slice with a voxel, both included, along the slice normal.
    max_diameter_mm : float
        Largest diameter in space.
    centroid_lps : tuple of float or None
        Mean of the voxel centres ``(x, y, z)``, LPS millimetres; None for an empty mask.
    """

    volume_mm3: float
    n_voxels: int
    n_slices: int
    n_fragments: int
    fragment_volumes_mm3: tuple[float, ...]
    in_plane_diameter_mm: float
    perpendicular_diameter_mm: float
    extent_across_slices_mm: float
    max_diameter_mm: float
    centroid_lps: tuple[float, float, float] | None


EMPTY_MEASUREMENT = MaskMeasurement(
    volume_mm3=0.0,
    n_voxels=0,
    n_slices=0,
    n_fragments=0,
    fragment_volumes_mm3=(),
    in_plane_diameter_mm=0.0,
    perpendicular_diameter_mm=0.0,
    extent_across_slices_mm=0.0,
    max_diameter_mm=0.0,
    centroid_lps=None,
)
"""What an empty mask measures."""


def measure_mask(mask: MaskZYX, geometry: VolumeGeometry) -> MaskMeasurement:
    """Measure a mask.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_slices, n_rows, n_cols)
        The lesion, indexed ``[slice, row, col]``; all its fragments together.
    geometry : VolumeGeometry
        Grid of the mask.

    Returns
    -------
    MaskMeasurement

    Raises
    ------
    GeometryMismatchError
        If ``mask.shape`` differs from ``geometry.shape_zyx``.
    """
    mask = np.asarray(mask, dtype=bool)
    if mask.shape != geometry.shape_zyx:
        raise GeometryMismatchError(
            f"the mask has the shape {mask.shape} and its grid {geometry.shape_zyx} (slices, rows, columns);"
            " measure a mask on the grid it was drawn on"
        )
    boxes = ndimage.find_objects(mask.view(np.uint8))
    if not boxes:
        return EMPTY_MEASUREMENT
    cropped = mask[boxes[0]]
    first_zyx = np.array([edge.start for edge in boxes[0]])
    index_zyx = np.argwhere(cropped) + first_zyx
    ends_zyx = _row_ends(cropped) + first_zyx
    fragments = _fragment_sizes(cropped)
    in_plane, perpendicular = _in_plane_diameters(ends_zyx, geometry)
    centre = geometry.index_to_lps(index_zyx.mean(axis=0))
    voxel_mm3 = geometry.voxel_volume_mm3
    return MaskMeasurement(
        volume_mm3=len(index_zyx) * voxel_mm3,
        n_voxels=len(index_zyx),
        n_slices=int(cropped.any(axis=(1, 2)).sum()),
        n_fragments=len(fragments),
        fragment_volumes_mm3=tuple(size * voxel_mm3 for size in fragments),
        in_plane_diameter_mm=in_plane,
        perpendicular_diameter_mm=perpendicular,
        extent_across_slices_mm=cropped.shape[0] * geometry.slice_spacing_mm,
        max_diameter_mm=_longest(_face_points(ends_zyx, _FACES_ZYX, geometry))[0],
        centroid_lps=(float(centre[0]), float(centre[1]), float(centre[2])),
    )


def _fragment_sizes(cropped: MaskZYX) -> list[int]:
    """Return the voxels of each connected part, largest first.

    Parts that touch by an edge or a corner are one (26 neighbours): slices are several times
    further apart than pixels, so a thin fragment that runs obliquely meets itself in the next
    slice only there. With 6 neighbours it would fall apart.
    """
    labels, n_parts = ndimage.label(cropped, structure=_FULL_NEIGHBOURHOOD)
    return sorted(np.bincount(labels.ravel(), minlength=n_parts + 1)[1:].tolist(), reverse=True)


def _row_ends(cropped: MaskZYX) -> FloatArray:
    """Return the index of the first and the last voxel of every row, shape (n, 3).

    No other voxel of a row can be an end of a diameter.
    """
    slices, rows = np.nonzero(cropped.any(axis=2))
    occupied = cropped[slices, rows]
    first = occupied.argmax(axis=1)
    last = cropped.shape[2] - 1 - occupied[:, ::-1].argmax(axis=1)
    both = [np.stack([slices, rows, columns], axis=1) for columns in (first, last)]
    return np.asarray(np.concatenate(both), dtype=np.float64)


def _face_points(index_zyx: FloatArray, faces_zyx: FloatArray, geometry: VolumeGeometry) -> FloatArray:
    return geometry.index_to_lps((index_zyx[:, None, :] + faces_zyx).reshape(-1, 3))


def _longest(points: FloatArray) -> tuple[float, FloatArray]:
    """Return the largest distance among points, and the vector between those two.

    Only vertices of the convex hull can be that far apart. Faces of a single voxel already
    span the space, so the hull is never flat.
    """
    vertices = points[ConvexHull(points).vertices]
    distances = squareform(pdist(vertices))
    start, end = np.unravel_index(int(distances.argmax()), distances.shape)
    return float(distances[start, end]), vertices[end] - vertices[start]


def _in_plane_diameters(ends_zyx: FloatArray, geometry: VolumeGeometry) -> tuple[float, float]:
    """Return the largest diameter within a slice and the width across it (mm)."""
    in_plane_axes = np.linalg.qr(geometry.affine_lps[:3, [2, 1]])[0]
    best, width = 0.0, 0.0
    for number in np.unique(ends_zyx[:, 0]):
        in_slice = ends_zyx[ends_zyx[:, 0] == number]
        points = _face_points(in_slice, _IN_PLANE_FACES_ZYX, geometry) @ in_plane_axes
        length, vector = _longest(points)
        if length > best:
            across = points @ np.array([-vector[1], vector[0]]) / length
            best, width = length, float(np.ptp(across))
    return best, width

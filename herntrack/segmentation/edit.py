"""Changes of a mask that a reader asks for, in millimetres.

Public: `interpolate_slices`, `smooth_mask`, `remove_islands`.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy import ndimage

from herntrack._typing import FloatArray, MaskZYX
from herntrack.errors import GeometryError, GeometryMismatchError
from herntrack.model.geometry import VolumeGeometry


def interpolate_slices(mask: MaskZYX, geometry: VolumeGeometry) -> MaskZYX:
    """Fill the empty slices between outlined ones (shape-based: Raya and Udupa 1990, IEEE TMI 9:32).

    Parameters
    ----------
    mask : ndarray of bool, shape (n_slices, n_rows, n_cols)
        Outlines in some slices.
    geometry : VolumeGeometry
        Grid of the mask.

    Returns
    -------
    ndarray of bool
        Outlined slices are unchanged; slices before the first and after the last stay empty.
    """
    _check(mask, geometry)
    result = mask.copy()
    outlined = np.nonzero(mask.any(axis=(1, 2)))[0]
    sampling = geometry.spacing_zyx[1:]
    signed = {int(k): _signed_distance(mask[k], sampling) for k in outlined}
    for before, after in pairwise(outlined):
        for number in range(before + 1, after):
            share = (number - before) / (after - before)
            result[number] = (1 - share) * signed[int(before)] + share * signed[int(after)] < 0
    return result


def smooth_mask(mask: MaskZYX, geometry: VolumeGeometry, *, radius_mm: float) -> MaskZYX:
    """Smooth the outline in every slice, its area kept as nearly as whole voxels allow.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_slices, n_rows, n_cols)
        The fragment.
    geometry : VolumeGeometry
        Grid of the mask.
    radius_mm : float
        Details smaller than about this go (mm); 0 changes nothing.

    Raises
    ------
    GeometryError
        If `radius_mm` is negative or not finite.
    """
    _check(mask, geometry)
    if not np.isfinite(radius_mm) or radius_mm < 0:
        raise GeometryError(f"a smoothing radius is 0 or more millimetres, not {radius_mm}")
    if radius_mm == 0:
        return mask.copy()
    result = np.zeros_like(mask)
    sampling = geometry.spacing_zyx[1:]
    sigma = [radius_mm / 2 / step for step in sampling]
    for number in np.nonzero(mask.any(axis=(1, 2)))[0]:
        distance = ndimage.gaussian_filter(_signed_distance(mask[number], sampling), sigma)
        n_voxels = int(mask[number].sum())
        # A threshold of 0 would shrink what is round; the n innermost voxels keep the area.
        limit = np.partition(distance.ravel(), n_voxels - 1)[n_voxels - 1]
        result[number] = distance <= limit
    return result


def remove_islands(mask: MaskZYX, geometry: VolumeGeometry, *, smallest_mm3: float) -> MaskZYX:
    """Remove parts smaller than a volume; the largest part always stays.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_slices, n_rows, n_cols)
        The fragment; parts that touch by a corner are one.
    geometry : VolumeGeometry
        Grid of the mask.
    smallest_mm3 : float
        Parts of at least this volume stay (mm3).
    """
    _check(mask, geometry)
    labels, count = ndimage.label(mask, np.ones((3, 3, 3)))
    if count < 2:
        return mask.copy()
    sizes = np.bincount(labels.ravel()).astype(np.float64) * geometry.voxel_volume_mm3
    sizes[0] = 0.0
    kept = sizes >= smallest_mm3
    kept[0], kept[sizes.argmax()] = False, True
    return np.asarray(kept[labels], dtype=np.bool_)


def _signed_distance(outline: MaskZYX, sampling: tuple[float, ...]) -> FloatArray:
    """Return the distance from the outline (mm), negative inside."""
    outside = ndimage.distance_transform_edt(~outline, sampling=sampling)
    padded = np.pad(outline, 1)
    inside = ndimage.distance_transform_edt(padded, sampling=sampling)[1:-1, 1:-1]
    half = min(sampling) / 2
    return np.asarray(np.where(outline, half - inside, outside - half), dtype=np.float64)


def _check(mask: MaskZYX, geometry: VolumeGeometry) -> None:
    if mask.shape != geometry.shape_zyx:
        raise GeometryMismatchError(f"the mask has the shape {mask.shape} and its grid {geometry.shape_zyx}")

"""Where a fragment can be: behind the base plane, before the canal's back wall, around the points.

Public: `allowed_region`, `canal_direction`, `far_from_unmeasured`, `CANAL_DEPTH_MM`.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from herntrack._typing import FloatArray, MaskZYX
from herntrack.model.base_plane import BasePlane, body_axes
from herntrack.model.geometry import VolumeGeometry
from herntrack.segmentation.crop import Crop

CANAL_DEPTH_MM = 20.0
"""From the base plane to the canal's back wall at most (mm).

The bony lumbar canal is 15 to 20 mm deep; the depth of one patient is not looked for, so this is
an outer limit.
"""

VOID_SHARE = 0.12
"""Below this share of what is bright (95th percentile), MR shows no tissue but cortex and air."""

VOID_MM2 = 60.0
"""Larger dark areas at the edge of the part looked at were not measured (mm2 of one slice)."""

VOID_MARGIN_MM = 2.4
"""Beside them voxels are mixed with nothing (mm)."""


def allowed_region(crop: Crop, plane: BasePlane | None, *, canal_depth_mm: float = CANAL_DEPTH_MM) -> MaskZYX:
    """Return the voxels of a crop where a fragment can be.

    Parameters
    ----------
    crop : Crop
        Part of the stack.
    plane : BasePlane or None
        Front limit; without it, and without its back limit, all of the image is allowed.
    canal_depth_mm : float
        Back limit, behind the plane (mm).

    Returns
    -------
    ndarray of bool, shape of ``crop.values``
    """
    # Scanners and resampling fill what was not measured with zeros.
    allowed = np.ones(crop.values.shape, dtype=np.bool_) if crop.is_ct else crop.values > 0
    if plane is not None:
        depth = plane.depth_mm(crop.points_lps())
        allowed &= (depth > 0) & (depth < canal_depth_mm)
    return np.asarray(allowed, dtype=np.bool_)


def canal_direction(geometry: VolumeGeometry, plane: BasePlane | None) -> FloatArray:
    """Return the unit vector along the canal: the base plane's, else the body's axis, shape (3,), LPS."""
    if plane is None:
        return body_axes(geometry)[2]
    upper, lower = np.asarray(plane.corners_lps)
    return np.asarray((upper - lower) / np.linalg.norm(upper - lower), dtype=np.float64)


def far_from_unmeasured(crop: Crop) -> MaskZYX:
    """Return the voxels that are not mixed with what an MR stack did not measure.

    Stacks that were resampled, or that run out of the coil's reach, end in large dark areas; the
    slices on either side of one are mixed with it too.

    Parameters
    ----------
    crop : Crop
        Part of the stack.
    """
    if crop.is_ct:
        return np.ones(crop.values.shape, dtype=np.bool_)
    _, dy, dx = crop.spacing_zyx
    is_dark = crop.values < VOID_SHARE * float(np.percentile(crop.values, 95))
    void = np.zeros(is_dark.shape, dtype=np.bool_)
    for number, image in enumerate(is_dark):
        labels, _ = ndimage.label(image)
        sizes = np.bincount(labels.ravel()) * dy * dx
        border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
        large = np.setdiff1d(np.unique(border), [0])
        void[number] = np.isin(labels, large[sizes[large] >= VOID_MM2])
    void = ndimage.binary_dilation(void, np.ones((3, 1, 1)))
    if not void.any():
        return np.ones(void.shape, dtype=np.bool_)
    distance = np.stack(
        [
            ndimage.distance_transform_edt(~image, sampling=(dy, dx))
            if image.any()
            else np.full(image.shape, np.inf)
            for image in void
        ]
    )
    return np.asarray(distance > VOID_MARGIN_MM)

"""What the image would show at a voxel if there were no fragment.

A voxel between the fragment's level and a brighter one may hold some fragment and some fluid, or none and
nerve roots. The image itself tells the two apart: a canal looks much the same a few millimetres further up
or down, so the place beyond the fragment shows what is behind it. On axial stacks that is the next slice
away from the point, on other stacks the same slice above and below the fragment.

A sagittal stack's next slice is another part of the canal. It is asked too, but only of slices that hold
no point.

Public: `Backdrop`, `slices_beyond`, `along_canal`, `is_across_canal`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from herntrack._typing import FloatArray, MaskZYX
from herntrack.model.base_plane import body_axes
from herntrack.model.geometry import VolumeGeometry
from herntrack.segmentation.crop import Crop

SMOOTHING_PIXELS = 0.6
"""Anatomy shifts a little from slice to slice (standard deviation, pixels)."""

LEAST_STEP_MM = 3.5
"""Nearer slices than this share the fragment's surface (mm)."""

BEYOND_MM = (2.0, 3.0, 4.0, 5.0)
"""How far above and below the outline the canal is looked at (mm)."""

AXIAL_COSINE = 0.7
"""Slices whose normal is nearer to the body's axis than this (cosine) cut across the canal."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backdrop:
    """Intensities beyond the fragment, of the crop's shape.

    Parameters
    ----------
    beyond : ndarray of float64
        In the next slice away from the points; NaN where there is none.
    along : ndarray of float64 or None
        Above or below in the same slice, the brighter of the two; NaN where the crop ends; None where it was
        not asked.
    """

    beyond: FloatArray
    along: FloatArray | None = None


def is_across_canal(geometry: VolumeGeometry) -> bool:
    """Return whether a stack's slices cut across the canal, as axial ones do."""
    normal = geometry.affine_lps[:3, 0] / np.linalg.norm(geometry.affine_lps[:3, 0])
    return bool(abs(float(normal @ body_axes(geometry)[2])) > AXIAL_COSINE)


def slices_beyond(crop: Crop, slices: frozenset[int]) -> FloatArray:
    """Return what the next slice shows, away from the slices that hold a point.

    Parameters
    ----------
    crop : Crop
        The image.
    slices : frozenset of int
        Slices of the crop that hold a point. They have two next slices, of which the brighter counts, and
        that only on stacks across the canal.
    """
    values = ndimage.gaussian_filter(crop.values, (0.0, SMOOTHING_PIXELS, SMOOTHING_PIXELS))
    n_slices, held = len(values), np.array(sorted(slices))
    step = max(1, round(LEAST_STEP_MM / crop.spacing_zyx[0]))
    found = np.full(values.shape, np.nan)
    for number in range(n_slices):
        nearest = int(held[np.abs(held - number).argmin()])
        away = int(np.sign(number - nearest))
        if away:
            if 0 <= number + away * step < n_slices:
                found[number] = values[number + away * step]
        elif is_across_canal(crop.geometry):
            sides = [number + way * step for way in (-1, 1) if 0 <= number + way * step < n_slices]
            if sides:
                found[number] = values[sides].max(axis=0)
    return found


def along_canal(crop: Crop, outlined: MaskZYX, up_lps: FloatArray) -> FloatArray:
    """Return what every slice shows above and below an outline, at the same depth.

    Parameters
    ----------
    crop : Crop
        The image.
    outlined : ndarray of bool
        The fragment in the clicked slices; not empty.
    up_lps : ndarray of float64, shape (3,)
        Direction of the canal, unit vector.
    """
    values = ndimage.gaussian_filter(crop.values, (0.0, SMOOTHING_PIXELS, SMOOTHING_PIXELS))
    height = crop.points_lps() @ up_lps
    index = np.moveaxis(np.indices(values.shape), 0, -1)
    origin, ahead = crop.geometry.lps_to_index(np.stack([np.zeros(3), up_lps]))
    sides = []
    for sign, end in ((1.0, height[outlined].max()), (-1.0, height[outlined].min())):
        total, count = np.zeros(values.shape), np.zeros(values.shape)
        for beyond in BEYOND_MM:
            places = index + (end + sign * beyond - height)[..., None] * (ahead - origin)
            sampled = ndimage.map_coordinates(values, np.moveaxis(places, -1, 0), order=1, cval=np.nan)
            total += np.nan_to_num(sampled)
            count += np.isfinite(sampled)
        sides.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    return np.asarray(np.fmax(*sides), dtype=np.float64)

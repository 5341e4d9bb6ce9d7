"""The spots at a baseline fragment's place from which a follow-up is outlined.

Public: `starts`, `best_share`.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from herntrack._typing import FloatArray, MaskZYX
from herntrack.segmentation.carry_place import ALIGNMENT_ERROR_MM, FREE_GROWTH_MM, Place
from herntrack.segmentation.crop import Crop
from herntrack.segmentation.region import far_from_unmeasured

CLEARANCE_MM = 1.0
"""Nearer than this to the base plane no start is looked for: annulus and ligament lie there (mm)."""

WINDOW_MM = 1.6
"""A start needs a round window of this radius, in its slice, that is alike (mm)."""

ALIKE_SHARE = 0.8
"""Share of that window that has to be alike."""

WEAK_SHARE = 0.5
"""The same where nothing is alike enough: a small remnant is mixed with its surroundings."""

N_STARTS, APART_MM = 4, 5.0
"""So many starts are tried, so far apart (mm)."""


def _window(crop: Crop) -> FloatArray:
    _, dy, dx = crop.spacing_zyx
    ny, nx = int(WINDOW_MM // dy), int(WINDOW_MM // dx)
    y, x = np.mgrid[-ny : ny + 1, -nx : nx + 1]
    disc = ((y * dy) ** 2 + (x * dx) ** 2 <= WINDOW_MM**2).astype(np.float64)
    return np.asarray((disc / disc.sum())[None])


def _shares(place: Place) -> tuple[FloatArray, MaskZYX]:
    """Return the share of each voxel's window that is alike, and where a start may lie."""
    alike = place.alike & place.allowed
    share = ndimage.convolve(alike.astype(np.float64), _window(place.crop), mode="constant")
    possible = alike & (place.distance_mm <= ALIGNMENT_ERROR_MM) & far_from_unmeasured(place.crop)
    if place.plane is not None:
        possible &= place.plane.depth_mm(place.crop.points_lps()) > CLEARANCE_MM
    return share, possible


def best_share(place: Place) -> float:
    """Return the largest share of a window that is alike, 0 where no start may lie."""
    share, possible = _shares(place)
    return float(share[possible].max()) if possible.any() else 0.0


def starts(place: Place, *, least_share: float = ALIKE_SHARE) -> list[FloatArray]:
    """Return indices in the crop where a remnant may have its middle, the most likely first.

    Parameters
    ----------
    place : Place
        Where to look.
    least_share : float
        Share of a start's window that has to be alike.
    """
    share, possible = _shares(place)
    solid = place.alike & place.allowed & (share >= least_share) & (place.distance_mm <= FREE_GROWTH_MM)
    spacing = place.crop.spacing_zyx
    depth = ndimage.distance_transform_edt(np.pad(solid, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]
    rank = np.where(possible & solid, depth + share - 0.2 * place.distance_mm, -np.inf)
    millimetres = np.moveaxis(np.indices(rank.shape), 0, -1) * np.asarray(spacing)
    found: list[FloatArray] = []
    while len(found) < N_STARTS and np.isfinite(rank.max()):
        best = np.unravel_index(int(rank.argmax()), rank.shape)
        found.append(np.asarray(best, dtype=np.float64))
        apart = np.linalg.norm(millimetres - millimetres[best], axis=-1)
        rank = np.where(apart < APART_MM, -np.inf, rank)
    return found

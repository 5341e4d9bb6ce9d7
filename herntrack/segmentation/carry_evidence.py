"""Weighs whether what was outlined at a fragment's old place is what remains of it.

A nerve root, a ligament or fat can have the fragment's level. Several things tell them from a remnant, none
of them alone: that it goes on along the canal above and below, that other tissue has come between it and
the base plane, that its level is a little off, that it lies beside the old place, that its surroundings look
the same, that it is thin, and that there is little of it. They are added up as the logarithm of odds
(logistic regression, fitted to fragments implanted in a real image and to computed ones). Cases of one
patient resemble each other, so the odds are surer of themselves than they should be.

Public: `Weighed`, `weigh`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from herntrack._typing import FloatArray, MaskZYX
from herntrack.model.base_plane import BasePlane
from herntrack.segmentation.carry_place import ALIGNMENT_ERROR_MM, ALIKE_SPREADS, Place, canal_axes
from herntrack.segmentation.crop import Crop

BEYOND_MM = (2.0, 6.0)
"""So far beyond a remnant's ends the canal is looked at (mm); first at least one voxel away."""

UNKNOWN_ALONG = 0.2
"""Share of alike tissue that is supposed where the image ends (the mean around true fragments)."""

AHEAD_MM = np.arange(0.5, 20.0, 0.5)
"""So far in front of a remnant other tissue is looked for (mm)."""

LARGEST_GAP_MM = 8.0
LARGEST_OFFSET = 3.0
"""More than this says no more."""

RING_MM = (1.2, 2.5)
"""A remnant's surroundings begin and end so far from it (mm); the next slice always belongs to them."""

AMPLE_MM3, AMPLE_SHARE = 200.0, 0.25
"""So much volume (mm3), and so much of the old place filled, is enough; a stretch of a root is less."""

LEAST_MM3, LEAST_SHARE = 45.0, 0.03
"""Less than this counts as no less."""

USUAL_LOG_ODDS = 8.0
"""Of a remnant that is as true fragments are in the median."""

WORTH_SAYING = 0.7
"""Evidence that lowers the odds by this much (natural logarithm) is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What speaks for and against a remnant.

    Parameters
    ----------
    log_odds : float
        Above 0 it is more likely the fragment.
    against : tuple of str
        What lowers it, the weightiest first; parts of a sentence.
    """

    log_odds: float
    against: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Term:
    """One piece of evidence.

    `usual` is its median in true fragments; `cost` what one unit more takes off the log odds.
    """

    value: float
    usual: float
    cost: float
    told: str

    @property
    def loss(self) -> float:
        return self.cost * (self.value - self.usual)


def weigh(place: Place, part: MaskZYX) -> Weighed:
    """Weigh an outline at a fragment's old place.

    Parameters
    ----------
    place : Place
        Where it was found.
    part : ndarray of bool, shape of ``place.crop.values``
        The outline; not empty.
    """
    terms = (*_surroundings(place, part), *_shape(place, part))
    against = sorted((term for term in terms if term.loss > WORTH_SAYING), key=lambda term: -term.loss)
    return Weighed(
        log_odds=USUAL_LOG_ODDS - sum(term.loss for term in terms),
        against=tuple(term.told for term in against),
    )


def _surroundings(place: Place, part: MaskZYX) -> tuple[_Term, ...]:
    """Return what the image around an outline tells."""
    level, spread, gain = place.expected.level, place.expected.spread, place.gain
    along, ring = _along(place, part), _ring(place, part)
    old_gap = _gap_mm(place.before, place.old, place.old_plane, level / gain, spread / gain)
    gap = float(np.clip(_gap_mm(place.calm, part, place.plane, level, spread) - old_gap, 0, LARGEST_GAP_MM))
    same = f"{100 * along:.0f} % of the canal above and below look the same"
    between = f"{gap:.1f} mm more of other tissue than before lie between it and the base plane"
    return (
        _Term(value=along, usual=0.07, cost=11.0, told=same),
        _Term(value=gap, usual=0.0, cost=1.3, told=between),
        _Term(value=ring, usual=0.2, cost=9.0, told=f"{100 * ring:.0f} % of what surrounds it look the same"),
    )


def _shape(place: Place, part: MaskZYX) -> tuple[_Term, ...]:
    """Return what an outline itself tells: its place, level, thickness and size."""
    crop, expected = place.calm, place.expected
    volume = float(part.sum()) * crop.geometry.voxel_volume_mm3
    depth = ndimage.distance_transform_edt(np.pad(part, 1), sampling=crop.spacing_zyx)[1:-1, 1:-1, 1:-1]
    # The deeper half is not mixed with the surroundings.
    core = float(np.median(crop.values[part & (depth >= np.median(depth[part]))]))
    offset = min(abs(core - expected.level) / expected.spread, LARGEST_OFFSET)
    ball = float(np.cbrt(volume * 3 / (4 * np.pi)))
    thick = float(np.clip(depth.max() / ball, 0.3, 0.9))
    old = place.distance_mm == 0
    filled = float((part & old).sum()) / max(float(old.sum()), 1.0)
    # A shrunk fragment lies within the old outline and a grown one covers it.
    shared = max(filled, float(np.mean(place.distance_mm[part] <= ALIGNMENT_ERROR_MM)))
    little = float(np.log(AMPLE_MM3 / np.clip(volume, LEAST_MM3, AMPLE_MM3)))
    empty = float(np.log(AMPLE_SHARE / np.clip(filled, LEAST_SHARE, AMPLE_SHARE)))
    return (
        _Term(
            value=1 - shared, usual=0.04, cost=17.0, told=f"it shares {100 * shared:.0f} % with the old place"
        ),
        _Term(value=offset, usual=0.2, cost=3.2, told=f"its level is off by {offset:.1f} spreads"),
        _Term(value=-thick, usual=-0.6, cost=8.0, told="it is thin for its volume"),
        _Term(value=little, usual=0.0, cost=3.5, told=f"it measures {volume:.0f} mm3 only"),
        _Term(value=empty, usual=0.0, cost=3.2, told=f"it fills {100 * filled:.0f} % of the old place"),
    )


def _ring(place: Place, part: MaskZYX) -> float:
    """Return the share of an outline's surroundings that is alike."""
    distance = ndimage.distance_transform_edt(~part, sampling=place.crop.spacing_zyx)
    end = max(RING_MM[1], place.crop.spacing_zyx[0] + 0.1)
    ring = (distance > RING_MM[0]) & (distance < end)
    return float(place.alike[ring].mean()) if ring.any() else 0.0


def _along(place: Place, part: MaskZYX) -> float:
    """Return the share of alike tissue above and below an outline, along the canal.

    A root runs on; above and below a fragment there is fluid or fat.
    """
    crop, expected = place.calm, place.expected
    up, _ = canal_axes(crop, place.plane)
    step = _index_step(crop, up)
    index = np.argwhere(part)
    height = crop.points_lps()[part] @ up
    first = max(BEYOND_MM[0], 1 / float(np.abs(step).max()))
    shares = []
    for sign in (1, -1):
        end = float((sign * height).max())
        for beyond in np.arange(first, first + BEYOND_MM[1] - BEYOND_MM[0] + 0.1):
            found = _at(crop.values, index + (sign * (end + beyond) - height)[:, None] * step)
            found = found[np.isfinite(found)]
            if found.size:
                shares.append(
                    float(np.mean(np.abs(found - expected.level) < ALIKE_SPREADS * expected.spread))
                )
    return float(np.mean(shares)) if shares else UNKNOWN_ALONG


def _gap_mm(crop: Crop, part: MaskZYX, plane: BasePlane | None, level: float, spread: float) -> float:
    """Return how much other tissue lies between the base plane and a mask, in the mean (mm).

    A fragment lies on the disc and the bodies, before the sac; a root lies in the sac, behind fluid.
    """
    if plane is None:
        return 0.0
    _, back = canal_axes(crop, plane)
    depth = plane.depth_mm(crop.points_lps()[part])
    index = np.argwhere(part)[:, None, :] - AHEAD_MM[None, :, None] * _index_step(crop, back)
    other = np.abs(_at(crop.values, index) - level) > ALIKE_SPREADS * spread
    own = _at(part.astype(np.float64), index) > 0.3
    between = AHEAD_MM[None, :] < depth[:, None] - AHEAD_MM[0]
    return float((other & between & ~own).sum(axis=1).mean() * (AHEAD_MM[1] - AHEAD_MM[0]))


def _index_step(crop: Crop, direction_lps: FloatArray) -> FloatArray:
    """Return by how much the index changes per mm in a direction."""
    origin, ahead = crop.geometry.lps_to_index(np.stack([np.zeros(3), direction_lps]))
    return np.asarray(ahead - origin, dtype=np.float64)


def _at(values: FloatArray, index: FloatArray) -> FloatArray:
    """Return values between voxels, NaN outside."""
    found = ndimage.map_coordinates(values, np.moveaxis(index, -1, 0), order=1, cval=np.nan)
    return np.asarray(found, dtype=np.float64)

"""The place of a baseline fragment in a follow-up image, and what may be there.

The baseline image says more than where the fragment was: what the fragment looks like, how the gain of the
scanner changed, and what lay beside it and looked alike. That was no fragment then and is none now.

Public: `Place`, `place_of`, `canal_axes`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from herntrack._typing import Affine4x4, FloatArray, MaskZYX
from herntrack.errors import GeometryError
from herntrack.imaging.volume import Volume
from herntrack.model.base_plane import BasePlane, body_axes
from herntrack.model.sentences import sentence
from herntrack.segmentation.crop import Crop, crop_around
from herntrack.segmentation.region import allowed_region, canal_direction
from herntrack.segmentation.tissue import TEXTURE, TEXTURE_HU, TissueLevels, calmed, noise_level
from herntrack.segmentation.wall import PlaneSource, propose_base_plane

MARGIN_MM = 12.0
"""Around the old mask that much is looked at (mm)."""

SURROUNDINGS_MM = (3.0, 12.0)
"""Tissue at this distance from the old mask tells how the two images' gains differ (mm)."""

ALIGNMENT_ERROR_MM = 1.0
"""A start lies in the moved mask or at most this far beside it (mm)."""

FREE_GROWTH_MM = 3.0
"""Up to this distance from the moved mask a grown fragment is believed for nothing (mm)."""

GROWTH_COST = 0.3
"""Support lost per mm beyond it."""

KNOWN_COST = 1.5
"""Support lost where the baseline shows, outside the mask, tissue of the fragment's level."""

KNOWN_FROM_MM, KNOWN_FULL_MM = 0.8, 2.0
"""So near to the mask the baseline says nothing (alignment, mixed voxels), from there on everything (mm)."""

KNOWN_SPREADS = (1.0, 3.0)
"""Within so many spreads of the fragment's level tissue is alike, from there on it is not at all."""

LEAST_SPREAD = 0.08
"""A smaller spread of the baseline fragment than this share of its level is not believed."""

ALIKE_SPREADS = 2.5
"""A voxel within this many spreads of the expected level is alike.

It is asked of single voxels: an average across an edge between dark and bright is alike by chance.
"""

IMAGED_SHARE = 0.5
"""Less of the fragment's place than this in the stack says nothing about the fragment."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """Where to look, for what, and what is known from the baseline.

    Parameters
    ----------
    crop, calm, before : Crop
        The follow-up around the fragment, the same with less noise, and the baseline.
    old : ndarray of bool
        The baseline mask in `before`.
    distance_mm : ndarray of float64
        From the moved mask (mm), like all that follows of the shape of ``crop.values``.
    allowed : ndarray of bool
        Where a fragment can be.
    discount : ndarray of float64
        Support each voxel loses for being far off, or for being known as another tissue.
    plane, old_plane : BasePlane or None
        The base plane in the follow-up and in the baseline.
    source : PlaneSource or None
        Where the plane comes from.
    expected : TissueLevels
        What the fragment would look like in the follow-up.
    gain : float
        Follow-up's over baseline's.
    """

    crop: Crop
    calm: Crop
    before: Crop
    old: MaskZYX
    distance_mm: FloatArray
    allowed: MaskZYX
    discount: FloatArray
    plane: BasePlane | None
    old_plane: BasePlane | None
    source: PlaneSource | None
    expected: TissueLevels
    gain: float

    @property
    def alike(self) -> MaskZYX:
        """Voxels that look like the fragment."""
        difference = np.abs(self.calm.values - self.expected.level)
        return np.asarray(difference < ALIKE_SPREADS * self.expected.spread)


def place_of(
    baseline: Volume,
    mask: MaskZYX,
    followup: Volume,
    matrix_lps: Affine4x4,
    plane: BasePlane | None,
) -> Place:
    """Return a baseline fragment's place in a follow-up.

    Parameters
    ----------
    baseline, mask
        The stack the outline was made on, and the outline; not empty.
    followup : Volume
        Stack of the later visit.
    matrix_lps : ndarray of float64, shape (4, 4)
        Takes a point of the follow-up to the baseline, LPS mm.
    plane : BasePlane or None
        The baseline's; else proposed from the follow-up image.

    Raises
    ------
    GeometryError
        If the place lies outside the follow-up stack.
    """
    held = baseline.geometry.index_to_lps(np.argwhere(mask))
    before = crop_around(baseline, held, reach_mm=2 * MARGIN_MM)
    to_followup = np.asarray(np.linalg.inv(matrix_lps), dtype=np.float64)
    moved = held @ to_followup[:3, :3].T + to_followup[:3, 3]
    crop = crop_around(followup, _inside(followup, moved), reach_mm=MARGIN_MM)
    old = mask[before.box]
    distance = _distance_mm(_sampled(old.astype(np.float64), before, crop, matrix_lps) > 0.5, crop, moved)
    old_plane, source = plane, None if plane is None else PlaneSource.CARRIED
    if plane is not None:
        plane = plane.moved(to_followup)
    elif proposal := propose_base_plane(followup, moved.mean(axis=0)):
        plane, source = proposal.plane, proposal.source
        old_plane = plane.moved(matrix_lps)
    expected, gain = _expected(before, old, crop, distance, matrix_lps)
    calm = replace(crop, values=calmed(crop, expected))
    quieter = np.sqrt(max(expected.noise**2 - noise_level(calm.values) ** 2, 0.0))
    expected = replace(expected, spread=float(np.sqrt(expected.spread**2 - quieter**2)))
    return Place(
        crop=crop,
        calm=calm,
        before=before,
        old=old,
        distance_mm=distance,
        allowed=allowed_region(crop, plane),
        discount=_discount(crop, distance, _known(before, old, crop, matrix_lps)),
        plane=plane,
        old_plane=old_plane,
        source=source,
        expected=expected,
        gain=gain,
    )


def _inside(followup: Volume, held: FloatArray) -> FloatArray:
    index = followup.geometry.lps_to_index(held)
    last = np.asarray(followup.geometry.shape_zyx) - 1
    inside = ((index >= -0.5) & (index <= last + 0.5)).all(axis=1)
    if inside.mean() < IMAGED_SHARE:
        share = f"{100 * inside.mean():.0f}"
        raise GeometryError(sentence("place_not_imaged", inside=share, needed=f"{100 * IMAGED_SHARE:.0f}"))
    return held[inside]


def _sampled(values: FloatArray, before: Crop, crop: Crop, matrix: Affine4x4) -> FloatArray:
    """Return baseline values at the follow-up crop's voxels, NaN outside."""
    points = crop.points_lps() @ matrix[:3, :3].T + matrix[:3, 3]
    corner = [edge.start for edge in before.box]
    index = np.moveaxis(before.geometry.lps_to_index(points) - corner, -1, 0)
    # The first and last slice reach half a step outwards.
    last = len(values) - 1
    index[0] = np.where((index[0] > -0.5) & (index[0] < last + 0.5), np.clip(index[0], 0, last), -9.0)
    return np.asarray(ndimage.map_coordinates(values, index, order=1, cval=np.nan))


def _distance_mm(moved: MaskZYX, crop: Crop, held: FloatArray) -> FloatArray:
    """Return the distance of each voxel from the moved mask (mm)."""
    if not moved.any():
        index = np.rint(crop.index_of(held)).astype(int)
        moved = np.zeros(moved.shape, dtype=np.bool_)
        moved[tuple(index.T)] = True
    return np.asarray(ndimage.distance_transform_edt(~moved, sampling=crop.spacing_zyx))


def _inner(values: FloatArray, old: MaskZYX) -> FloatArray:
    """Return a mask's values away from its edge, all of them if it is small."""
    inner = ndimage.binary_erosion(old, np.ones((1, 3, 3)))
    return np.asarray(values[inner if inner.sum() >= 10 else old], dtype=np.float64)


def _spread(sample: FloatArray) -> float:
    return 1.4826 * float(np.median(np.abs(sample - np.median(sample))))


def _expected(
    before: Crop, old: MaskZYX, crop: Crop, distance: FloatArray, matrix: Affine4x4
) -> tuple[TissueLevels, float]:
    """Return what the fragment would look like in the follow-up, and how the gains differ."""
    sample = _inner(before.values, old)
    level = float(np.median(sample))
    gain = 1.0
    if not crop.is_ct:
        shown = _sampled(before.values, before, crop, matrix)
        ring = (distance > SURROUNDINGS_MM[0]) & (distance < SURROUNDINGS_MM[1]) & (crop.values > 0)
        # Where one image was not measured, or an edge of what was, the ratio says nothing.
        ring &= (np.nan_to_num(shown) > level / 5) & (crop.values > level / 10)
        if ring.sum() > 50:
            gain = float(np.exp(np.median(np.log(crop.values[ring] / shown[ring]))))
    texture = TEXTURE_HU if crop.is_ct else TEXTURE * abs(level * gain)
    noise = noise_level(crop.values)
    spread = float(np.hypot(noise, np.clip(_spread(sample) * gain, texture / 2, texture)))
    return TissueLevels(level=level * gain, spread=spread, noise=noise, standard_error=0.0), gain


def _known(before: Crop, old: MaskZYX, crop: Crop, matrix: Affine4x4) -> FloatArray:
    """Return how much each voxel looked like the fragment at the baseline, 0 to 1."""
    level = float(np.median(_inner(before.values, old)))
    noise = noise_level(before.values)
    calm = calmed(before, TissueLevels(level=level, spread=noise, noise=noise, standard_error=0.0))
    own = _inner(calm, old)
    level = float(np.median(own))
    spread = max(_spread(own), LEAST_SPREAD * abs(level), 1e-6)
    off = np.abs(_sampled(calm, before, crop, matrix) - level) / spread
    near, far = KNOWN_SPREADS
    return np.asarray(np.nan_to_num(np.clip((far - off) / (far - near), 0, 1)), dtype=np.float64)


def _discount(crop: Crop, distance: FloatArray, known: FloatArray) -> FloatArray:
    """Return the support each voxel loses for where it is, and for what it was at the baseline."""
    # A fragment may have grown into the next slice, however far off that is.
    free = max(FREE_GROWTH_MM, crop.spacing_zyx[0])
    beside = np.clip((distance - KNOWN_FROM_MM) / (KNOWN_FULL_MM - KNOWN_FROM_MM), 0, 1)
    return np.asarray(GROWTH_COST * np.maximum(distance - free, 0) + KNOWN_COST * known * beside)


def canal_axes(crop: Crop, plane: BasePlane | None) -> tuple[FloatArray, FloatArray]:
    """Return the unit vectors along the canal and to the back, each shape (3,), LPS."""
    back = body_axes(crop.geometry)[1] if plane is None else np.asarray(plane.normal_lps)
    return canal_direction(crop.geometry, plane), np.asarray(back, dtype=np.float64)

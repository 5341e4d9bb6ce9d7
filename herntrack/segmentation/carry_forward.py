"""The mask of one visit as the start of the next.

The mask's place is carried over, not its outline: at that place the follow-up image is searched for
what looks like the fragment did, allowing for another gain of the scanner. From the best such place
the fragment is outlined anew. So a fragment that shrank comes out small, and where nothing alike is
left the mask is empty and says why. Nothing pulls the outline towards the old volume; the old mask
only limits how far from it the new one may reach.

Public: `carry_forward`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from herntrack._typing import Affine4x4, FloatArray, MaskZYX
from herntrack.errors import GeometryError, GeometryMismatchError
from herntrack.imaging.volume import Volume
from herntrack.model.base_plane import BasePlane
from herntrack.segmentation.crop import Crop, crop_around
from herntrack.segmentation.guards import Guard, GuardWarning, check_mask
from herntrack.segmentation.one_click import Evidence, Proposal
from herntrack.segmentation.outline import Constraints, outline
from herntrack.segmentation.region import allowed_region, canal_direction, far_from_unmeasured
from herntrack.segmentation.tissue import TEXTURE, TEXTURE_HU, TissueLevels, noise_level
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

CLEARANCE_MM = 1.0
"""Nearer than this to the base plane no start is looked for: annulus and ligament lie there (mm)."""

ALIKE_SPREADS = 2.5
"""A voxel within this many spreads of the expected level is alike.

It is asked of single voxels: an average across an edge between dark and bright is alike by chance.
"""

IMAGED_SHARE = 0.5
"""Less of the fragment's place than this in the stack says nothing about the fragment."""

WINDOW_MM = 1.6
"""A start needs a round window of this radius, in its slice, that is alike (mm)."""

ALIKE_SHARE = 0.8
"""Share of that window that has to be alike."""

LEAST_OVERLAP = 0.53
"""The new mask lies in the moved old one, or the old one in it, to at least this share.

A shrunk fragment lies within the old outline and a grown one covers it; a nerve root or ligament that
looks like fragment does neither. Remains of fragments that are gone shared up to 0.51 in simulation, true
fragments 0.55 and more: the margin is narrow, hence the warning below.
"""

DOUBTFUL_OVERLAP = 0.7
"""A smaller share is pointed out to the reader."""

SMALLEST_MM3 = 20.0
"""Less than this is called gone (mm3)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Search:
    """Where to look, and for what."""

    crop: Crop
    distance_mm: FloatArray
    allowed: MaskZYX
    plane: BasePlane | None
    source: PlaneSource | None
    expected: TissueLevels


def carry_forward(
    baseline: Volume,
    baseline_mask: MaskZYX,
    followup: Volume,
    matrix_lps: Affine4x4,
    *,
    base_plane: BasePlane | None = None,
) -> Proposal:
    """Propose the follow-up's mask from the baseline's.

    Parameters
    ----------
    baseline : Volume
        Stack the mask was made on.
    baseline_mask : ndarray of bool, shape (n_slices, n_rows, n_cols)
        Mask on its grid.
    followup : Volume
        Stack of the later visit, of the same contrast.
    matrix_lps : ndarray of float64, shape (4, 4)
        Rigid; takes a point of the follow-up to the baseline, LPS mm.
    base_plane : BasePlane, optional
        The baseline's plane; proposed from the follow-up image where not given.

    Returns
    -------
    Proposal
        A mask on the follow-up's grid, empty with a reason where nothing is left.

    Raises
    ------
    GeometryMismatchError
        If the mask does not fit its stack.
    GeometryError
        If the mask is empty or its place lies outside the follow-up stack.
    """
    if baseline_mask.shape != baseline.geometry.shape_zyx:
        raise GeometryMismatchError(
            f"the mask has the shape {baseline_mask.shape} and its stack {baseline.geometry.shape_zyx}"
        )
    if not baseline_mask.any():
        raise GeometryError("the baseline mask is empty: there is nothing to carry forward")
    search = _prepare(baseline, baseline_mask, followup, matrix_lps, base_plane)
    start, best_share = _start(search)
    if start is None:
        return _empty(search, followup, _why_none(search, best_share))
    constraints = Constraints(
        centres_zyx=start[None, :],
        allowed=search.allowed,
        discount=GROWTH_COST * np.maximum(search.distance_mm - FREE_GROWTH_MM, 0),
        up_lps=canal_direction(followup.geometry, search.plane),
    )
    part, levels, line = outline(search.crop, constraints)
    volume_mm3 = float(part.sum()) * followup.geometry.voxel_volume_mm3
    overlap = _overlap(search, part)
    doubt = _doubt(overlap, volume_mm3)
    if doubt is not None:
        return _empty(search, followup, doubt)
    mask = search.crop.full_mask(part)
    guards = check_mask(mask, followup.geometry, base_plane=search.plane, plane_source=search.source)
    if overlap < DOUBTFUL_OVERLAP:
        share = f"{100 * overlap:.0f} %"
        sentence = (
            f"The mask and the old one's place share only {share}; look whether it is the same fragment."
        )
        guards = (*guards, GuardWarning(guard=Guard.BESIDE, sentence=sentence))
    old_mm3 = float(baseline_mask.sum()) * baseline.geometry.voxel_volume_mm3
    return Proposal(
        mask=mask,
        base_plane=search.plane,
        evidence=Evidence(levels=levels, dark_line_mm=line, plane_source=search.source),
        guards=guards,
        reason=f"Carried forward from {old_mm3:.0f} mm3 and outlined anew: {volume_mm3:.0f} mm3."
        " Proposed until accepted.",
    )


def _prepare(
    baseline: Volume,
    mask: MaskZYX,
    followup: Volume,
    matrix: Affine4x4,
    plane: BasePlane | None,
) -> _Search:
    to_followup = np.asarray(np.linalg.inv(matrix), dtype=np.float64)
    held = baseline.geometry.index_to_lps(np.argwhere(mask)) @ to_followup[:3, :3].T + to_followup[:3, 3]
    crop = crop_around(followup, _inside(followup, held), reach_mm=MARGIN_MM)
    share = _sampled(mask.astype(np.float64), baseline, crop, matrix)
    distance = _distance_mm(share > 0.5, crop, held)
    middle = held.mean(axis=0)
    source: PlaneSource | None = PlaneSource.CARRIED
    if plane is not None:
        plane = plane.moved(to_followup)
    else:
        proposal = propose_base_plane(followup, middle)
        plane, source = (proposal.plane, proposal.source) if proposal else (None, None)
    expected = _expected(baseline, mask, crop, distance, matrix)
    return _Search(
        crop=crop,
        distance_mm=distance,
        allowed=allowed_region(crop, plane),
        plane=plane,
        source=source,
        expected=expected,
    )


def _inside(followup: Volume, held: FloatArray) -> FloatArray:
    index = followup.geometry.lps_to_index(held)
    last = np.asarray(followup.geometry.shape_zyx) - 1
    inside = ((index >= -0.5) & (index <= last + 0.5)).all(axis=1)
    if inside.mean() < IMAGED_SHARE:
        raise GeometryError(
            f"only {100 * inside.mean():.0f} % of the baseline fragment's place lie in the follow-up stack,"
            f" at least {100 * IMAGED_SHARE:.0f} % are needed; choose a stack that covers it,"
            " or check the alignment"
        )
    return held[inside]


def _sampled(values: FloatArray, baseline: Volume, crop: Crop, matrix: Affine4x4) -> FloatArray:
    """Return baseline values at the crop's voxels, NaN outside the baseline."""
    points = crop.points_lps() @ matrix[:3, :3].T + matrix[:3, 3]
    index = np.moveaxis(baseline.geometry.lps_to_index(points), -1, 0)
    # The first and last slice reach half a step outwards.
    last = baseline.geometry.shape_zyx[0] - 1
    index[0] = np.where((index[0] > -0.5) & (index[0] < last + 0.5), np.clip(index[0], 0, last), -9.0)
    return np.asarray(ndimage.map_coordinates(values, index, order=1, cval=np.nan))


def _distance_mm(moved: MaskZYX, crop: Crop, held: FloatArray) -> FloatArray:
    """Return the distance of each voxel from the moved mask (mm)."""
    if not moved.any():
        index = np.rint(crop.index_of(held)).astype(int)
        moved = np.zeros(moved.shape, dtype=np.bool_)
        moved[tuple(index.T)] = True
    return np.asarray(ndimage.distance_transform_edt(~moved, sampling=crop.spacing_zyx))


def _expected(
    baseline: Volume, mask: MaskZYX, crop: Crop, distance: FloatArray, matrix: Affine4x4
) -> TissueLevels:
    """Return what the fragment would look like in the follow-up image."""
    inner = ndimage.binary_erosion(mask, np.ones((1, 3, 3)))
    inner = inner if inner.sum() >= 10 else mask
    sample = baseline.values[inner].astype(np.float64)
    level = float(np.median(sample))
    noise = noise_level(crop.values)
    gain = 1.0
    if not crop.is_ct:
        before = _sampled(baseline.values.astype(np.float64), baseline, crop, matrix)
        ring = (distance > SURROUNDINGS_MM[0]) & (distance < SURROUNDINGS_MM[1]) & (crop.values > 0)
        # Where one image was not measured, or an edge of what was, the ratio says nothing.
        ring &= (np.nan_to_num(before) > level / 5) & (crop.values > level / 10)
        if ring.sum() > 50:
            gain = float(np.exp(np.median(np.log(crop.values[ring] / before[ring]))))
    texture = TEXTURE_HU if crop.is_ct else TEXTURE * abs(level * gain)
    found = 1.4826 * float(np.median(np.abs(sample - level))) * gain
    spread = float(np.hypot(noise, min(max(found, texture / 2), texture)))
    return TissueLevels(level=level * gain, spread=spread, noise=noise, standard_error=0.0)


def _window(crop: Crop) -> FloatArray:
    _, dy, dx = crop.spacing_zyx
    ny, nx = int(WINDOW_MM // dy), int(WINDOW_MM // dx)
    y, x = np.mgrid[-ny : ny + 1, -nx : nx + 1]
    disc = ((y * dy) ** 2 + (x * dx) ** 2 <= WINDOW_MM**2).astype(np.float64)
    return np.asarray((disc / disc.sum())[None])


def _start(search: _Search) -> tuple[FloatArray | None, float]:
    """Return the index of the best start, None if there is none, and the best share of alike voxels."""
    crop, expected = search.crop, search.expected
    alike = (np.abs(crop.values - expected.level) < ALIKE_SPREADS * expected.spread) & search.allowed
    share = ndimage.convolve(alike.astype(np.float64), _window(crop), mode="constant")
    possible = alike & (search.distance_mm <= ALIGNMENT_ERROR_MM) & far_from_unmeasured(crop)
    if search.plane is not None:
        possible &= search.plane.depth_mm(crop.points_lps()) > CLEARANCE_MM
    if not possible.any():
        return None, 0.0
    best = float(share[possible].max())
    if best < ALIKE_SHARE:
        return None, best
    # The deepest point of the largest alike part is the fragment's middle, not a chance match.
    labels, _ = ndimage.label(alike & (share >= ALIKE_SHARE) & (search.distance_mm <= FREE_GROWTH_MM))
    sizes = np.bincount(labels[possible], minlength=2)
    sizes[0] = 0
    if sizes.max() == 0:
        return None, best
    part = labels == sizes.argmax()
    depth = ndimage.distance_transform_edt(np.pad(part, 1), sampling=crop.spacing_zyx)[1:-1, 1:-1, 1:-1]
    depth = np.where(possible, depth + share - 0.2 * search.distance_mm, -np.inf)
    return np.asarray(np.unravel_index(int(depth.argmax()), depth.shape), dtype=np.float64), best


def _overlap(search: _Search, part: MaskZYX) -> float:
    """Return how much of the new mask lies at the old one's place, or of that place in the new mask."""
    if not part.any():
        return 0.0
    place = search.distance_mm == 0
    within = float(np.mean(search.distance_mm[part] <= ALIGNMENT_ERROR_MM))
    return max(within, float((part & place).sum()) / max(float(place.sum()), 1.0))


def _doubt(overlap: float, volume_mm3: float) -> str | None:
    """Return why an outline is not the fragment, None if it may be."""
    if volume_mm3 < SMALLEST_MM3:
        return f"What looks like it measures {volume_mm3:.0f} mm3, less than {SMALLEST_MM3:.0f}."
    if overlap >= LEAST_OVERLAP:
        return None
    return (
        f"What looks like it ({volume_mm3:.0f} mm3) lies beside its place: they share {100 * overlap:.0f} %,"
        f" at least {100 * LEAST_OVERLAP:.0f} % are expected. It may be a nerve root or ligament."
    )


def _why_none(search: _Search, best_share: float) -> str:
    core = search.allowed & (search.distance_mm == 0)
    window = f"a window of {2 * WINDOW_MM:.1f} mm"
    found = f"{np.median(search.crop.values[core]):.0f}" if core.any() else "not imaged"
    return (
        f"At the fragment's place the image has the level {found}, and {search.expected.level:.0f} would be"
        f" expected of the fragment; at most {100 * best_share:.0f} % of {window} look"
        f" like it ({100 * ALIKE_SHARE:.0f} % are needed)."
    )


def _empty(search: _Search, followup: Volume, why: str) -> Proposal:
    mask = np.zeros(followup.geometry.shape_zyx, dtype=np.bool_)
    return Proposal(
        mask=mask,
        base_plane=search.plane,
        evidence=Evidence(levels=None, dark_line_mm=0.0, plane_source=search.source),
        guards=check_mask(mask, followup.geometry, base_plane=search.plane, plane_source=search.source),
        reason=f"No fragment was found. {why} Proposed until accepted.",
    )

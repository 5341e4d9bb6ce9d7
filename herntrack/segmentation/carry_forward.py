"""The mask of one visit as the start of the next.

The mask's place is carried over, not its outline (`carry_place`): there the follow-up image is searched
for what looks like the fragment did, allowing for another gain of the scanner. From each such spot the
fragment is outlined anew, and what comes out is weighed (`carry_evidence`): is it what remains of the
fragment, or a root, ligament or fat that looks like it? The likeliest counts; if none is likely the mask
is empty and says why. So a fragment that shrank comes out small. Nothing pulls the outline towards the old
volume; the old mask limits how far from it the new one may reach, and what the baseline shows
beside it as alike is not taken for fragment now either.

Public: `carry_forward`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from herntrack._typing import Affine4x4, FloatArray, MaskZYX
from herntrack.errors import GeometryError, GeometryMismatchError, RemnantInDoubtError
from herntrack.imaging.volume import Volume
from herntrack.model.base_plane import BasePlane
from herntrack.model.sentences import Sentence, sentence
from herntrack.segmentation.carry_evidence import Weighed, weigh
from herntrack.segmentation.carry_place import FREE_GROWTH_MM, Place, canal_axes, place_of
from herntrack.segmentation.carry_starts import ALIKE_SHARE, WEAK_SHARE, WINDOW_MM, best_share, starts
from herntrack.segmentation.guards import Guard, GuardWarning, check_mask
from herntrack.segmentation.one_click import Evidence, Proposal
from herntrack.segmentation.outline import Constraints, outline
from herntrack.segmentation.tissue import TissueLevels

SMALLEST_MM3 = 20.0
"""Less than this is called gone (mm3)."""

GONE_LOG_ODDS = -7.0
"""Above it and up to even odds neither a remnant nor its absence is proposed.

No fragment that was gone came so high (docs/segmentation.md), and many a remnant of 20 to 120 mm3 did.
"""

LARGEST_WEAK_MM3 = 200.0
"""A larger remnant is alike over a whole window; what is outlined without one is another tissue (mm3)."""

ESCAPING_MM3 = 120.0
"""Remnants up to this volume may look like a root in every way (mm3)."""

_ESCAPING = f"A remnant of up to {ESCAPING_MM3:.0f} mm3 may escape this: look before you accept."

SURE_LOG_ODDS = 3.0
"""Below it what speaks against a remnant is pointed out to the reader."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Remnant:
    """What was outlined from one spot, and what it is worth."""

    part: MaskZYX
    levels: TissueLevels
    line_mm: float
    volume_mm3: float
    weighed: Weighed


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
    RemnantInDoubtError
        If what looks most like it is neither likely the fragment nor surely something else.
    """
    if baseline_mask.shape != baseline.geometry.shape_zyx:
        raise GeometryMismatchError(
            f"the mask has the shape {baseline_mask.shape} and its stack {baseline.geometry.shape_zyx}"
        )
    if not baseline_mask.any():
        raise GeometryError("the baseline mask is empty: there is nothing to carry forward")
    place = place_of(baseline, baseline_mask, followup, matrix_lps, base_plane)
    remnants = _remnants(place)
    best = max(remnants, key=lambda each: each.weighed.log_odds, default=None)
    if best is None:
        return _empty(place, _why_none(place))
    if best.volume_mm3 < SMALLEST_MM3 or best.weighed.log_odds <= 0:
        if best.weighed.log_odds > GONE_LOG_ODDS:
            raise RemnantInDoubtError(_in_doubt(place, best))
        return _empty(place, _why_not(best))
    mask = place.crop.full_mask(best.part)
    guards = check_mask(mask, followup.geometry, base_plane=place.plane, plane_source=place.source)
    if best.weighed.log_odds < SURE_LOG_ODDS:
        guards = (*guards, GuardWarning(guard=Guard.BESIDE, sentence=_doubt(best)))
    old_mm3 = float(baseline_mask.sum()) * baseline.geometry.voxel_volume_mm3
    return Proposal(
        mask=mask,
        base_plane=place.plane,
        evidence=Evidence(levels=best.levels, dark_line_mm=best.line_mm, plane_source=place.source),
        guards=guards,
        reason=sentence("carried_forward", old_mm3=f"{old_mm3:.0f}", new_mm3=f"{best.volume_mm3:.0f}"),
    )


def _remnants(place: Place) -> list[_Remnant]:
    strong = starts(place)
    if strong:
        return _outlined(place, strong)
    weak = _outlined(place, starts(place, least_share=WEAK_SHARE))
    return [each for each in weak if each.volume_mm3 <= LARGEST_WEAK_MM3]


def _outlined(place: Place, at: Sequence[FloatArray]) -> list[_Remnant]:
    up, _ = canal_axes(place.crop, place.plane)
    found = []
    for start in at:
        constraints = Constraints(
            centres_zyx=start[None, :], allowed=place.allowed, discount=place.discount, up_lps=up
        )
        part, levels, line = outline(place.crop, constraints)
        if part.any():
            found.append(
                _Remnant(
                    part=part,
                    levels=levels,
                    line_mm=line,
                    volume_mm3=float(part.sum()) * place.crop.geometry.voxel_volume_mm3,
                    weighed=weigh(place, part),
                )
            )
    return found


def _why_none(place: Place) -> str:
    core = place.allowed & (place.distance_mm == 0)
    window = f"a window of {2 * WINDOW_MM:.1f} mm"
    found = f"{np.median(place.crop.values[core]):.0f}" if core.any() else "not imaged"
    return (
        f"At the fragment's place the image has the level {found}, and {place.expected.level:.0f} would be"
        f" expected of the fragment; at most {100 * best_share(place):.0f} % of {window} look"
        f" like it ({100 * ALIKE_SHARE:.0f} % are needed)."
    )


def _why_not(remnant: _Remnant) -> str:
    if remnant.volume_mm3 < SMALLEST_MM3:
        return f"What looks like it measures {remnant.volume_mm3:.0f} mm3, less than {SMALLEST_MM3:.0f}."
    return (
        f"What looks most like it ({remnant.volume_mm3:.0f} mm3) is taken for something else, such as a"
        f" nerve root or ligament: {'; '.join(remnant.weighed.against)}."
    )


def _in_doubt(place: Place, remnant: _Remnant) -> Sentence:
    """Return where to look, and for how much at most."""
    near = remnant.part & (place.distance_mm <= FREE_GROWTH_MM)
    volume_mm3 = float(near.sum()) * place.crop.geometry.voxel_volume_mm3
    seen = near if near.any() else remnant.part
    deep = ndimage.distance_transform_edt(np.pad(seen, 1), sampling=place.crop.spacing_zyx)[1:-1, 1:-1, 1:-1]
    index = np.unravel_index(int(deep.argmax()), deep.shape) + np.array([e.start for e in place.crop.box])
    point = place.crop.geometry.index_to_lps(index)
    return sentence(
        "remnant_in_doubt",
        mm3=f"{max(volume_mm3, SMALLEST_MM3):.0f}",
        point=",".join(f"{value:.1f}" for value in point),
    )


def _doubt(remnant: _Remnant) -> str:
    return (
        f"It may be something else, such as a nerve root or ligament: {'; '.join(remnant.weighed.against)}."
        " Look whether it is the same fragment."
    )


def _empty(place: Place, why: str) -> Proposal:
    geometry = place.crop.geometry
    mask = np.zeros(geometry.shape_zyx, dtype=np.bool_)
    return Proposal(
        mask=mask,
        base_plane=place.plane,
        evidence=Evidence(levels=None, dark_line_mm=0.0, plane_source=place.source),
        guards=check_mask(mask, geometry, base_plane=place.plane, plane_source=place.source),
        reason=sentence("nothing_found", detail=f"{why} {_ESCAPING}"),
    )

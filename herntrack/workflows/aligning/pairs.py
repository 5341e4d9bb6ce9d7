"""Which stacks of two visits are laid onto each other.

Points of two stacks of one study may be compared where they share a frame of reference, so one
pair of stacks aligns all of a visit that shares it. A pair has one plane; sagittal stacks go first,
for they show most vertebrae, and stacks of one weighting before others. Where that pair does not align
well, those of other planes are tried.

Public: `StackPair`, `grids_digest`, `pairs_to_align`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from herntrack.model.images import CataloguedStack
from herntrack.model.vocabulary import ImageRole, Plane
from herntrack.volumetrics.comparability import UNMEASURABLE_ROLES, weighting_kind

PLANES = (Plane.SAGITTAL, Plane.AXIAL, Plane.CORONAL)
"""Planes in which stacks are aligned, the most wanted first."""

LEAST_SLICES = 3
"""A stack of fewer slices does not say how far it is to the side."""

Frames = tuple[str | None, str | None]
"""Frames of reference of baseline and follow-up that must be joined; None is any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPair:
    """A stack of the baseline and one of the follow-up."""

    baseline: CataloguedStack
    followup: CataloguedStack

    @property
    def frames(self) -> tuple[str, str]:
        """The frames of reference it joins."""
        return self.baseline.frame, self.followup.frame


def grids_digest(pair: StackPair) -> str:
    """Return the SHA-256 of the two stacks' grids."""
    digest = hashlib.sha256()
    for each in (pair.baseline, pair.followup):
        geometry = each.stack.geometry
        digest.update(repr(geometry.shape_zyx).encode())
        digest.update(geometry.affine_lps.astype("<f8").tobytes())
    return digest.hexdigest()


def pairs_to_align(
    baseline: Sequence[CataloguedStack], followup: Sequence[CataloguedStack], needed: Iterable[Frames]
) -> tuple[list[tuple[StackPair, ...]], list[Frames]]:
    """Return the pairs that may join each two frames of reference, and the frames that none joins.

    Parameters
    ----------
    baseline, followup : sequence of CataloguedStack
        All stacks of the two visits.
    needed : iterable of pairs of str or None
        Frames to join; without any the frames of the best pair of all.

    Returns
    -------
    list of tuple of StackPair
        For each two frames the best pair of every plane, the most wanted plane first.
    list of pairs of str or None
        Of `needed`, what no pair joins.
    """
    pairs = sorted(_possible(baseline, followup), key=_rank)
    chosen: dict[tuple[str, str], tuple[StackPair, ...]] = {}
    missing: list[Frames] = []
    for wanted in sorted(set(needed), key=str) or [(None, None)]:
        best = next((pair for pair in pairs if _joins(pair, wanted)), None)
        if best is None:
            missing.append(wanted)
            continue
        by_plane: dict[Plane, StackPair] = {}
        for pair in pairs:
            if pair.frames == best.frames:
                by_plane.setdefault(pair.baseline.stack.plane, pair)
        chosen.setdefault(best.frames, tuple(by_plane.values()))
    return list(chosen.values()), missing


def _possible(baseline: Sequence[CataloguedStack], followup: Sequence[CataloguedStack]) -> list[StackPair]:
    fixed, moving = ([each for each in stacks if _is_usable(each)] for stacks in (baseline, followup))
    return [
        StackPair(baseline=one, followup=other)
        for one, other in product(fixed, moving)
        if one.stack.plane is other.stack.plane
    ]


def _is_usable(each: CataloguedStack) -> bool:
    stack = each.stack
    return (
        stack.is_regular
        and stack.geometry.shape_zyx[0] >= LEAST_SLICES
        and stack.plane in PLANES
        and stack.role not in UNMEASURABLE_ROLES
    )


def _joins(pair: StackPair, wanted: Frames) -> bool:
    return all(want is None or want == have for want, have in zip(wanted, pair.frames, strict=True))


def _rank(pair: StackPair) -> tuple[object, ...]:
    one, other = pair.baseline, pair.followup
    both = (one, other)
    return (
        one.series.modality is not other.series.modality,
        PLANES.index(one.stack.plane),
        weighting_kind(one.stack.weighting) is not weighting_kind(other.stack.weighting),
        sum(each.stack.is_lumbar is False for each in both),
        sum(each.stack.role is not ImageRole.DIAGNOSTIC for each in both),
        -min(_extent_mm(each) for each in both),
        one.stack.stack_uid,
        other.stack.stack_uid,
    )


def _extent_mm(each: CataloguedStack) -> float:
    """Return how much of the body's length a stack shows (mm)."""
    corners = each.stack.geometry.corners_lps()
    return round(float(corners[:, 2].max() - corners[:, 2].min()), 1)

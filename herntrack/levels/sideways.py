"""Where the middle of the spine is from left to right.

A person points some millimetres to the side, and spines lean in a stack. Behind the bodies canal,
arches and muscles are alike on both sides: the middle is where they mirror each other best. One
straight line is sought for all discs together. Where hardly anything mirrors, as in a stack that is too
narrow, the middle stays where the person pointed.

Public: `sideways_line`, `SidewaysLine`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from herntrack._typing import FloatArray
from herntrack.imaging.volume import Volume
from herntrack.levels.midline import Midline, sampled
from herntrack.levels.response import Candidate, disc_axes

REACH_MM = 10.0
"""How far off the middle is sought (mm)."""

SHIFTS_MM = np.arange(-REACH_MM, REACH_MM + 0.1, 1.0)
"""Places of the middle that are tried at each disc (mm to the left)."""

HALF_MM = 16
"""Half the width that is mirrored (mm)."""

ACROSS_MM = np.arange(-16.0, 16.1, 2.0)
BEHIND_MM = np.arange(14.0, 43.1, 2.0)
"""The block that is mirrored: along the spine and to the back, from a disc's middle (mm)."""

EMPTY_SHARE = 0.04
"""What is darker than this share of the bright tissue on MR is not compared."""

LEAST_KNOWN = 0.35
"""A smaller share of the pairs within the stack says nothing."""

SLOPES = np.arange(-0.16, 0.161, 0.02)
"""Slopes of the line that are tried (no unit)."""

SHIFT_COST, SHIFT_SD_MM = 0.1, 6.0
SLOPE_COST, SLOPE_SD = 0.1, 0.08
"""What a line costs that lies, or leans, one standard deviation off, in units of the correlation."""

LEAST_LIKENESS = 0.5
"""A smaller mean correlation of the two sides is no middle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SidewaysLine:
    """The middle: mm to the left at the image's origin, and how much further for each mm up."""

    shift_mm: float
    slope: float


def sideways_line(volume: Volume, image: Midline, places: Sequence[Candidate]) -> SidewaysLine | None:
    """Return where the middle lies, None where nothing tells.

    Parameters
    ----------
    volume : Volume
        The stack.
    image : Midline
        The image the discs were found in.
    places : sequence of Candidate
        The discs.
    """
    likeness = np.array([_likeness(volume, image, place) for place in places])
    heights = np.array([place.up_mm for place in places])
    best: tuple[float, float, float, float] | None = None
    for shift in SHIFTS_MM:
        for slope in SLOPES:
            at = shift + slope * (heights - heights.mean())
            found = [
                np.interp(x, SHIFTS_MM, own, left=-1, right=-1) for x, own in zip(at, likeness, strict=True)
            ]
            mean = float(np.mean(found))
            cost = SHIFT_COST * (shift / SHIFT_SD_MM) ** 2 + SLOPE_COST * (slope / SLOPE_SD) ** 2
            if best is None or mean - cost > best[0]:
                best = mean - cost, mean, float(shift), float(slope)
    if best is None or best[1] < LEAST_LIKENESS:
        return None
    _, _, shift, slope = best
    return SidewaysLine(shift_mm=shift - slope * float(heights.mean()), slope=slope)


def _likeness(volume: Volume, image: Midline, place: Candidate) -> FloatArray:
    """Return the correlation of the two sides about each of `SHIFTS_MM`; -1 where too little is known."""
    along, across = disc_axes(place.tilt_degrees)
    origin = np.array((place.back_mm, place.up_mm))
    plane = origin + ACROSS_MM[:, None, None] * across + BEHIND_MM[None, :, None] * along
    reach = HALF_MM + round(REACH_MM)
    sides = np.arange(-reach, reach + 1.0)
    block = sampled(volume, image.to_lps(plane)[..., None, :] + sides[:, None] * image.lateral_lps)
    shown = block[np.isfinite(block)]
    # Where an MR is black there may be no image at all, and that is alike on both sides.
    floor = EMPTY_SHARE * float(np.percentile(shown, 95)) if shown.size and not image.is_ct else -np.inf
    steps = np.arange(1, HALF_MM + 1)
    result = np.full(len(SHIFTS_MM), -1.0)
    for number, shift in enumerate(SHIFTS_MM):
        middle = reach + round(float(shift))
        left, right = block[..., middle + steps], block[..., middle - steps]
        known = (left > floor) & (right > floor)
        if known.mean() >= LEAST_KNOWN:
            result[number] = _correlation(left[known], right[known])
    return result


def _correlation(one: FloatArray, other: FloatArray) -> float:
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / size if size > 0 else -1.0

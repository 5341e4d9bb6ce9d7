"""The most likely row of discs among many places that look like one.

A row passes through the discs that were named, with as many steps between them as their names
say, and goes on upwards and downwards as long as the image speaks for it. Neighbours stand some 35 mm
apart, along the spine's own direction, turn by a few degrees and have alike vertebrae. The best row
is found exactly (max-sum dynamic programming); for every disc it is told how much worse the best row
is that has this disc elsewhere, or not at all.

Public: `Row`, `RowDisc`, `best_row`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from herntrack._typing import FloatArray
from herntrack.levels.response import Candidate
from herntrack.levels.sequence import steps_between
from herntrack.model.vocabulary import Level

STEP_RANGE_MM = (20.0, 54.0)
"""Least and largest distance of neighbouring discs (mm)."""

USUAL_MM = 35.0
"""Usual distance (mm), where nothing is known of the spine."""

UNKNOWN_SD_MM = 6.0
KNOWN_SD_MM = 3.0
"""Standard deviations of the distance, before and after the spine's own is known (mm)."""

DIRECTION_SD = 8.0
"""Standard deviation between the line of two discs and their mean direction (degrees)."""

TURN_SD = 9.0
"""Standard deviation of the turn from disc to disc about the usual one (degrees)."""

BONE_SD = 0.3
"""Standard deviation of the logarithm of neighbouring vertebrae's intensities."""

PENALTY = 0.025
"""What one squared standard deviation costs, in units of the response."""

NAMED_SD_MM = 4.0
NAMED_REACH_MM = 12.0
"""How exactly a person names a disc's centre, and how far off it is sought (mm)."""

SHOWN = 0.06
"""Added for each disc of a row: a disc may be this faint and still be believed where it fits."""

ELSEWHERE_MM = 9.0
"""A disc further away than this from the chosen one is another place (mm)."""

NOTHING = -1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDisc:
    """A disc of a row; `margin` is how much better the row is than the best without this place."""

    level: Level
    place: Candidate
    margin: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of discs from above downwards, and its score."""

    discs: tuple[RowDisc, ...]
    score: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Problem:
    """Candidates as arrays, and what is known of the spine."""

    levels: Sequence[Level]
    places: FloatArray
    tilts: FloatArray
    bones: FloatArray
    own: list[FloatArray]
    spacing_mm: float
    spacing_sd_mm: float

    def step(self, lower: int) -> FloatArray:
        """Return the score of each step from a candidate (row) to the next above it (column)."""
        usual = steps_between(self.levels, lower)
        offset = self.places[None, :, :] - self.places[:, None, :]
        length = np.linalg.norm(offset, axis=-1)
        heading = np.degrees(np.arctan2(-offset[..., 0], offset[..., 1]))
        turn = self.tilts[:, None] - self.tilts[None, :] - usual.turn_degrees
        astray = heading - (self.tilts[:, None] + self.tilts[None, :]) / 2
        length_sd = (length - usual.length * self.spacing_mm) / self.spacing_sd_mm
        bone = np.log(self.bones[None, :] / self.bones[:, None]) / BONE_SD
        cost = np.square(turn / TURN_SD) + np.square(astray / DIRECTION_SD)
        cost = cost + np.square(length_sd) + np.square(bone)
        possible = (length > STEP_RANGE_MM[0]) & (length < STEP_RANGE_MM[1]) & (np.abs(heading) < 80)
        return np.asarray(np.where(possible, -PENALTY * cost, NOTHING), dtype=np.float64)


def best_row(
    candidates: Sequence[Candidate],
    levels: Sequence[Level],
    named: Mapping[Level, tuple[float, float]],
    *,
    spacing_mm: float | None = None,
) -> Row | None:
    """Return the best row of discs, None where no row passes the named ones.

    Parameters
    ----------
    candidates : sequence of Candidate
        Places that look like discs.
    levels : sequence of Level
        Discs of the spine from above downwards.
    named : mapping of Level to tuple of float
        Named discs and their places (mm to the back, mm up).
    spacing_mm : float, optional
        Mean distance of this spine's discs, where it is known (mm).
    """
    candidates = [*candidates, *_at_named(named, candidates)]
    problem = _Problem(
        levels=levels,
        places=np.array([(each.back_mm, each.up_mm) for each in candidates]),
        tilts=np.array([each.tilt_degrees for each in candidates]),
        bones=np.array([each.bone for each in candidates]),
        own=_own(candidates, levels, named),
        spacing_mm=spacing_mm or USUAL_MM,
        spacing_sd_mm=UNKNOWN_SD_MM if spacing_mm is None else KNOWN_SD_MM,
    )
    ordered = sorted(levels.index(each) for each in named)
    return _solve(problem, candidates, ordered[0], ordered[-1])


def _at_named(named: Mapping[Level, tuple[float, float]], candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return candidates at the named places themselves: a person is believed where the image is faint."""
    bone = float(np.median([each.bone for each in candidates])) if candidates else 1.0
    return [
        Candidate(*place, float(tilt), -0.1, bone) for place in named.values() for tilt in range(-30, 56, 10)
    ]


def _own(
    candidates: Sequence[Candidate], levels: Sequence[Level], named: Mapping[Level, tuple[float, float]]
) -> list[FloatArray]:
    """Return each level's score of each candidate, without its neighbours."""
    response = np.array([each.response + SHOWN for each in candidates])
    places = np.array([(each.back_mm, each.up_mm) for each in candidates])
    own = []
    for level in levels:
        if level not in named:
            own.append(response)
            continue
        distance = np.linalg.norm(places - np.array(named[level]), axis=1)
        score = response - PENALTY * np.square(distance / NAMED_SD_MM)
        own.append(np.where(distance < NAMED_REACH_MM, score, NOTHING))
    return own


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Messages:
    """For each level and candidate: the best row above it, below it, and through it."""

    above: list[FloatArray]
    below: list[FloatArray]
    through: list[FloatArray]

    def best_without(self, problem: _Problem, level: int, chosen: int, first: int, last: int) -> float:
        """Return the score of the best row that has a level elsewhere, or ends before it."""
        far = np.linalg.norm(problem.places - problem.places[chosen], axis=1) > ELSEWHERE_MM
        other = float(self.through[level][far].max()) if far.any() else NOTHING
        if level < first:
            return max(other, float((problem.own[level + 1] + self.below[level + 1]).max()))
        if level > last:
            return max(other, float((problem.own[level - 1] + self.above[level - 1]).max()))
        return other


def _solve(problem: _Problem, candidates: Sequence[Candidate], first: int, last: int) -> Row | None:
    """Return the best row; levels from `first` to `last` must be in it, others may."""
    n = len(problem.levels)
    steps = [problem.step(lower) for lower in range(1, n)]
    # above[l][c] is the best of what can stand above candidate c at level l; below[l][c] downwards.
    above = [np.zeros(len(candidates)) for _ in range(n)]
    below = [np.zeros(len(candidates)) for _ in range(n)]
    for level in range(1, n):
        found = (steps[level - 1] + (problem.own[level - 1] + above[level - 1])[None, :]).max(axis=1)
        above[level] = found if level > first else np.maximum(found, 0.0)
    for level in range(n - 2, -1, -1):
        found = (steps[level] + (problem.own[level + 1] + below[level + 1])[:, None]).max(axis=0)
        below[level] = found if level < last else np.maximum(found, 0.0)
    through = [problem.own[level] + above[level] + below[level] for level in range(n)]
    start = int(through[first].argmax())
    score = float(through[first][start])
    if score < NOTHING / 2:
        return None
    chosen = {first: start}
    for level in range(first - 1, -1, -1):
        options = steps[level][chosen[level + 1]] + problem.own[level] + above[level]
        if options.max() <= 0:
            break
        chosen[level] = int(options.argmax())
    for level in range(first + 1, n):
        options = steps[level - 1][:, chosen[level - 1]] + problem.own[level] + below[level]
        if level > last and options.max() <= 0:
            break
        chosen[level] = int(options.argmax())
    messages = _Messages(above=above, below=below, through=through)
    discs = tuple(
        RowDisc(
            level=problem.levels[level],
            place=candidates[chosen[level]],
            margin=score - messages.best_without(problem, level, chosen[level], first, last),
        )
        for level in sorted(chosen)
    )
    return Row(discs=discs, score=score)

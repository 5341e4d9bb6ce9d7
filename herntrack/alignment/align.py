"""Rigid alignment of a follow-up to its baseline, whole lumbar spine.

A coarse search scores all shifts for a few turns (`search`), the best starts and those a vertebra
away are refined at 3.2, 1.6 and 0.8 mm (`solver`), and which of them is right is decided at the
finest of these, where the wrong vertebra no longer fits. `verdict` says whether to trust it.

Assumptions: both stacks show the lumbar spine of one person within some 15 degrees of each other
in patient coordinates (LPS), in about the same plane; one motion for the whole stack, so that a
back bent otherwise leaves a residual, which `herntrack.alignment.level` takes up for one level.

Public: `align`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from herntrack._typing import Affine4x4, PointsLPS
from herntrack.alignment.agreement import compare
from herntrack.alignment.blocks import choose_blocks
from herntrack.alignment.cube import middle_of
from herntrack.alignment.records import Alignment, Findings
from herntrack.alignment.regions import regional_shifts
from herntrack.alignment.rigid import distances_mm, inverse, motion, rotation_degrees
from herntrack.alignment.scales import Scale, pyramid
from herntrack.alignment.search import find_starts
from herntrack.alignment.solver import Solution, Solver, solve
from herntrack.alignment.verdict import judge
from herntrack.imaging.volume import Volume

COARSE_MM, MIDDLE_MM, FINE_MM = 3.2, 1.6, 0.8
"""In-plane spacings of the scales (mm)."""

PEAKS_PER_TURN = 3
"""Shifts kept for each turn of the coarse search."""

N_STARTS = 8
"""Starts that are refined, beside those a vertebra away."""

OTHER_PLACE_MM = 6.0
"""Motions that differ by less than this over the baseline are the same place (mm)."""

N_JUDGING_BLOCKS = 1200
"""Blocks at the middle scale that the verdict rests on."""

NEIGHBOURS_MM = (30.0, 38.0)
"""How far from a given start the neighbouring vertebrae are tried, up and down (mm)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """A scale, how much of the baseline is looked at there, and how many places survive it."""

    spacing_mm: float
    n_blocks: int
    stride: int
    n_kept: int


STAGES = (
    _Stage(spacing_mm=COARSE_MM, n_blocks=300, stride=2, n_kept=4),
    _Stage(spacing_mm=MIDDLE_MM, n_blocks=500, stride=1, n_kept=2),
    _Stage(spacing_mm=FINE_MM, n_blocks=1500, stride=1, n_kept=2),
)

STAGE_STEPS = 8
"""Gauss-Newton steps of each start at each scale, at most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pair:
    """Both stacks at every scale, and points of the baseline at which motions are compared."""

    baseline: dict[float, Scale]
    followup: dict[float, Scale]
    points_lps: PointsLPS


def align(baseline: Volume, followup: Volume, *, start: Alignment | None = None) -> Alignment:
    """Find the rigid motion that takes the follow-up to the baseline.

    Parameters
    ----------
    baseline, followup : Volume
        Stacks of about the same plane, of one weighting or of two; thick, oblique or sheared
        slices are taken as they are.
    start : Alignment, optional
        Begin here and at its neighbours a vertebra up and down, instead of searching: for another
        pair of stacks of the same two studies.

    Returns
    -------
    Alignment
        The motion, what is left over, and a verdict. It is always returned: stacks that have
        nothing in common come back as failed.
    """
    spacings = [stage.spacing_mm for stage in STAGES]
    fixed, moving = pyramid(baseline, spacings), pyramid(followup, spacings)
    points = choose_blocks(fixed[COARSE_MM], 200).centres_lps
    if not len(points):
        points = middle_of(fixed[COARSE_MM])[None]
    pair = _Pair(baseline=fixed, followup=moving, points_lps=points)
    candidates = _searched(pair) if start is None else _around(start, pair)
    for stage in STAGES:
        blocks = choose_blocks(fixed[stage.spacing_mm], stage.n_blocks, stride=stage.stride)
        solver = Solver(n_steps=STAGE_STEPS)
        refined = [solve(blocks, moving[stage.spacing_mm], each, solver) for each in candidates]
        kept = _distinct(refined, pair.points_lps)[: stage.n_kept]
        candidates = [each.to_followup for each in kept]
    return _judged(pair, candidates)


def _searched(pair: _Pair) -> list[Affine4x4]:
    """Return the motions to refine, from the whole search range."""
    fixed, moving = pair.baseline[COARSE_MM], pair.followup[COARSE_MM]
    best, beside = find_starts(fixed, moving, n_best=PEAKS_PER_TURN)
    solutions = [Solution(to_followup=each.to_followup, cost=-each.score) for each in best]
    kept = _distinct(solutions, pair.points_lps)[:N_STARTS]
    found = [*(each.to_followup for each in kept), *(each.to_followup for each in beside)]
    return found or [motion((0, 0, 0), middle_of(moving) - middle_of(fixed), (0, 0, 0))]


def _around(start: Alignment, pair: _Pair) -> list[Affine4x4]:
    """Return a given motion and those that take its neighbouring vertebrae for its own."""
    there = inverse(start.matrix_lps)
    shifts = [0.0, *(sign * length for length in NEIGHBOURS_MM for sign in (1.0, -1.0))]
    middle = pair.points_lps.mean(axis=0)
    return [there @ motion((0, 0, 0), (0, 0, shift), middle) for shift in shifts]


def _distinct(solutions: list[Solution], points: PointsLPS) -> list[Solution]:
    """Return the best solution of every place, best first."""
    found: list[Solution] = []
    for each in sorted(solutions, key=lambda solution: solution.cost):
        apart = (distances_mm(each.to_followup, other.to_followup, points).mean() for other in found)
        if all(distance > OTHER_PLACE_MM for distance in apart):
            found.append(each)
    return found


def _judged(pair: _Pair, candidates: list[Affine4x4]) -> Alignment:
    """Return the first candidate with a verdict; the second is the runner-up."""
    fixed, moving, chosen = pair.baseline[MIDDLE_MM], pair.followup[MIDDLE_MM], candidates[0]
    blocks = choose_blocks(fixed, N_JUDGING_BLOCKS)
    states = [compare(blocks, moving, each) for each in candidates[:2]]
    runner_up, runner_up_mm = None, None
    if len(candidates) > 1:
        runner_up = states[1].mean_correlation
        runner_up_mm = float(distances_mm(chosen, candidates[1], pair.points_lps).mean())
    findings = Findings(
        agreement=states[0].mean_correlation,
        residual_mm=regional_shifts(blocks, moving, chosen).rms_mm,
        overlap=_overlap(fixed, moving, chosen),
        n_blocks=int(states[0].is_inside.sum()),
        runner_up=runner_up,
        runner_up_mm=runner_up_mm,
        rotation_degrees=rotation_degrees(chosen),
    )
    verdict, reasons = judge(findings)
    return Alignment.from_findings(inverse(chosen), findings, verdict=verdict, reasons=reasons)


def _overlap(fixed: Scale, moving: Scale, to_followup: Affine4x4) -> float:
    """Return the share of the smaller stack that lies in the other."""
    ways = ((fixed, moving, to_followup), (moving, fixed, inverse(to_followup)))
    return max(_share_inside(inner, outer, matrix) for inner, outer, matrix in ways)


def _share_inside(inner: Scale, outer: Scale, matrix: Affine4x4) -> float:
    to_index = np.linalg.solve(outer.affine_lps, matrix @ inner.affine_lps)
    axes = [np.linspace(0, n - 1, min(n, 24)) for n in inner.values.shape]
    index = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    there = index @ to_index[:3, :3].T + to_index[:3, 3]
    last = np.array(outer.values.shape) - 0.5
    return float(((there >= -0.5) & (there <= last)).all(axis=1).mean())

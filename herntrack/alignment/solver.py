"""Gauss-Newton refinement of a motion (Levenberg's damping).

Public: `Solver`, `solve`, `Solution`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from herntrack._typing import Affine4x4, FloatArray
from herntrack.alignment.agreement import Agreement, compare
from herntrack.alignment.blocks import Blocks
from herntrack.alignment.rigid import motion
from herntrack.alignment.scales import Scale

LEVER_MM = 60.0
"""Distance at which a turn is compared with a shift (mm)."""

VOXELS_PER_BLOCK = 8.0
"""Independent voxels in a block, which sets its log-likelihood against a prior (no unit)."""

LEAST_KEPT = 0.7
"""A step that loses more of the overlap than leaves this share is not a better fit (no unit)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solver:
    """How a motion is refined.

    Parameters
    ----------
    n_steps : int
        At most so many steps.
    stop_mm : float
        A step smaller than this, its turn taken at `LEVER_MM`, is the last.
    prior : tuple of 6 floats, optional
        Standard deviations of turn (radians) and shift (mm) from the start; none by default.
    """

    n_steps: int
    stop_mm: float = 0.01
    prior: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """A refined motion from baseline to follow-up and its cost, without the prior's share."""

    to_followup: Affine4x4
    cost: float


def solve(blocks: Blocks, followup: Scale, start: Affine4x4, solver: Solver) -> Solution:
    """Refine a motion from baseline to follow-up.

    Parameters
    ----------
    blocks : Blocks
        Voxels of the baseline.
    followup : Scale
        The other stack.
    start : ndarray of float64, shape (4, 4)
        Where to begin.
    solver : Solver
        How.
    """
    best, damping, gone = np.array(start), 1e-3, np.zeros(6)
    state = compare(blocks, followup, best, with_step=True)
    cost = state.cost
    for _ in range(solver.n_steps):
        step = _step(state, solver, damping, gone)
        trial = best @ motion(step[:3], step[3:], blocks.centre_lps)
        tried = compare(blocks, followup, trial, with_step=True)
        trial_cost = tried.cost + _prior_cost(gone + step, tried, solver)
        if trial_cost <= cost and tried.is_inside.sum() > LEAST_KEPT * state.is_inside.sum():
            best, state, cost, gone = trial, tried, trial_cost, gone + step
            damping /= 4
        else:
            damping = max(damping * 10, 1e-2)
        if LEVER_MM * np.linalg.norm(step[:3]) + np.linalg.norm(step[3:]) < solver.stop_mm:
            break
    return Solution(to_followup=best, cost=state.cost)


def _prior_cost(gone: FloatArray, state: Agreement, solver: Solver) -> float:
    """Return what the way from the start costs, in units of `Agreement.cost`."""
    if solver.prior is None:
        return 0.0
    n_inside = max(int(state.is_inside.sum()), 1)
    return float(np.square(gone / np.array(solver.prior)).sum()) / (VOXELS_PER_BLOCK * n_inside)


def _step(state: Agreement, solver: Solver, damping: float, gone: FloatArray) -> FloatArray:
    share = state.is_inside / state.misfits
    curvature = np.einsum("b,bij->ij", share, state.curvatures)
    gradient = share @ state.gradients
    if solver.prior is not None:
        precision = 1.0 / (np.square(np.array(solver.prior)) * VOXELS_PER_BLOCK)
        curvature = curvature + np.diag(precision)
        gradient = gradient + precision * gone
    lever = np.array([LEVER_MM] * 3 + [1.0] * 3)
    mean = np.trace(curvature / np.outer(lever, lever)) / 6
    ridge = np.diag(np.square(lever)) * (mean * damping + 1e-9)
    return np.asarray(-np.linalg.solve(curvature + ridge, gradient), dtype=np.float64)

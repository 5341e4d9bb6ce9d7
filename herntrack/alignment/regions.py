"""How far single regions would still move: what a rigid motion leaves over.

Public: `regional_shifts`, `RegionalShifts`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from herntrack._typing import Affine4x4, FloatArray
from herntrack.alignment.agreement import compare
from herntrack.alignment.blocks import Blocks
from herntrack.alignment.rigid import moved
from herntrack.alignment.scales import Scale
from herntrack.alignment.solver import Solver, solve

REGION_MM = 40.0
"""Edge of a region (mm): about a vertebra with a disc."""

LEAST_BLOCKS = 8
"""A region with fewer blocks inside the follow-up says nothing."""

SHIFT_PRIOR_MM = 6.0
"""Standard deviation of a region's shift (mm), which keeps one without edges where it is."""

TURN_PRIOR = 1e-4
"""Standard deviation of a region's turn (radians): in effect none."""

SOLVER = Solver(n_steps=5, stop_mm=0.03, prior=(TURN_PRIOR,) * 3 + (SHIFT_PRIOR_MM,) * 3)
"""How a region finds its shift."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegionalShifts:
    """Shifts of the regions.

    Parameters
    ----------
    shifts_mm : ndarray of float64, shape (n_regions, 3)
        How far each would move (LPS mm of the baseline).
    weights : ndarray of float64, shape (n_regions,)
        Number of blocks times their mean squared correlation.
    """

    shifts_mm: FloatArray
    weights: FloatArray

    @property
    def rms_mm(self) -> float:
        """Root mean square of the shifts (mm); infinite without a region."""
        if self.weights.sum() <= 0:
            return float("inf")
        square = np.square(self.shifts_mm).sum(axis=1)
        return float(np.sqrt((self.weights * square).sum() / self.weights.sum()))


def regional_shifts(blocks: Blocks, followup: Scale, to_followup: Affine4x4) -> RegionalShifts:
    """Let every region of the baseline find its own shift.

    Parameters
    ----------
    blocks : Blocks
        Blocks of the baseline.
    followup : Scale
        The other stack.
    to_followup : ndarray of float64, shape (4, 4)
        The rigid motion to judge.
    """
    usable = blocks.kept(compare(blocks, followup, to_followup).is_inside)
    shifts, weights = [], []
    for region in _regions(usable):
        own = solve(region, followup, to_followup, SOLVER).to_followup
        before, after = (moved(matrix, region.centres_lps).mean(axis=0) for matrix in (to_followup, own))
        shifts.append(to_followup[:3, :3].T @ (after - before))
        end = compare(region, followup, own)
        weights.append(float(np.square(end.correlations).sum()))
    return RegionalShifts(
        shifts_mm=np.array(shifts, dtype=np.float64).reshape(-1, 3),
        weights=np.array(weights, dtype=np.float64),
    )


def _regions(blocks: Blocks) -> list[Blocks]:
    """Return the blocks of every cell of a cubic grid that holds enough of them."""
    if not len(blocks):
        return []
    cells = np.floor((blocks.centres_lps - blocks.centres_lps.min(axis=0)) / REGION_MM).astype(np.int64)
    names, which = np.unique(cells, axis=0, return_inverse=True)
    members = [np.flatnonzero(which.ravel() == number) for number in range(len(names))]
    return [blocks.kept(each) for each in members if len(each) >= LEAST_BLOCKS]

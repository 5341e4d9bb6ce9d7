"""How well two stacks agree block by block, and which small motion makes them agree better.

Within a block the follow-up may be any linear function of the baseline: shading, gain and contrast
do not matter, nor which of both is brighter, so T1 goes with T2. What is left is 1 - rho^2, with rho
the block's correlation. A block whose two pictures are jointly normal says -log(1 - rho^2) / 2 about
the motion, hence the sum of log(1 - rho^2 + floor) is minimised: a block that can agree has more say
than one that cannot, which is what makes a moved bowel loop harmless.

Public: `Agreement`, `compare`, `LEAST_INSIDE`, `FLOOR`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from herntrack._typing import Affine4x4, FloatArray
from herntrack.alignment.blocks import Blocks
from herntrack.alignment.sampling import Float32, sample
from herntrack.alignment.scales import Scale

LEAST_INSIDE = 0.6
"""Share of a block's voxels that must lie in the follow-up."""

FLOOR = 0.05
"""Added to 1 - rho^2: agreement beyond it does not count (no unit)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Agreement:
    """How the blocks agree at one motion.

    Parameters
    ----------
    correlations : ndarray of float64, shape (n_blocks,)
        Correlation of each block; 0 where it lies outside.
    is_inside : ndarray of bool, shape (n_blocks,)
        Whether enough of it lies in the follow-up.
    gradients : ndarray of float64, shape (n_blocks, 6)
        Per block, half the derivative of 1 - rho^2 by a turn (radians) and a shift (mm) of the
        baseline about the blocks' centre.
    curvatures : ndarray of float64, shape (n_blocks, 6, 6)
        Half of its Gauss-Newton curvature.
    """

    correlations: FloatArray
    is_inside: npt.NDArray[np.bool_]
    gradients: FloatArray
    curvatures: FloatArray

    @property
    def mean_correlation(self) -> float:
        """Mean of the correlations, without their signs, of the blocks inside; 0 without any."""
        if not self.is_inside.any():
            return 0.0
        return float(np.abs(self.correlations[self.is_inside]).mean())

    @property
    def misfits(self) -> FloatArray:
        """1 - rho^2 + floor of each block."""
        return np.asarray(1.0 - np.square(self.correlations) + FLOOR, dtype=np.float64)

    @property
    def cost(self) -> float:
        """Mean of log(1 - rho^2 + floor) over the blocks inside; the smaller the better."""
        return float(np.log(self.misfits[self.is_inside]).mean()) if self.is_inside.any() else 0.0


def compare(blocks: Blocks, followup: Scale, to_followup: Affine4x4, *, with_step: bool = False) -> Agreement:
    """Compare blocks of the baseline with the follow-up.

    Parameters
    ----------
    blocks : Blocks
        Voxels of the baseline.
    followup : Scale
        The other stack, near the same resolution.
    to_followup : ndarray of float64, shape (4, 4)
        Takes a point of the baseline to the follow-up.
    with_step : bool
        Whether gradients and curvatures are wanted; else they have no rows.
    """
    to_index = np.linalg.solve(followup.affine_lps, to_followup)
    turn = to_index[:3, :3].astype(np.float32)
    first = (to_index[:3, :3] @ blocks.centre_lps + to_index[:3, 3]).astype(np.float32)
    x, y, z = (blocks.offsets_lps[..., axis] for axis in range(3))
    k, r, c = (turn[a, 0] * x + turn[a, 1] * y + turn[a, 2] * z + first[a] for a in range(3))
    values, slopes, inside = sample(followup.values, (k, r, c), with_slopes=with_step)
    lines = _lines(blocks.values, values, inside)
    if slopes is None:
        none = np.zeros((0, 6))
        return Agreement(
            correlations=lines.rho, is_inside=lines.enough, gradients=none, curvatures=none[..., None]
        )
    by_x, by_y, by_z = (
        slopes[0] * turn[0, a] + slopes[1] * turn[1, a] + slopes[2] * turn[2, a] for a in range(3)
    )
    turns = (y * by_z - z * by_y, z * by_x - x * by_z, x * by_y - y * by_x)
    jacobian = np.stack([*turns, by_x, by_y, by_z], axis=-1)
    return _with_step(lines, jacobian)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Lines:
    """The baseline of each block as a linear function of the follow-up."""

    rho: FloatArray
    enough: npt.NDArray[np.bool_]
    slope: Float32
    rest: Float32
    energy: FloatArray
    weight: Float32
    share: Float32


def _lines(fixed: Float32, moving: Float32, inside: npt.NDArray[np.bool_]) -> _Lines:
    counts = inside.sum(axis=1)
    enough = counts >= LEAST_INSIDE * inside.shape[1]
    weight = inside.astype(np.float32)
    share = weight / np.maximum(counts, 1)[:, None].astype(np.float32)
    fixed = (fixed - (fixed * share).sum(axis=1, keepdims=True)) * weight
    moving = (moving - (moving * share).sum(axis=1, keepdims=True)) * weight
    ff, mm, fm = (
        np.einsum("bi,bi->b", p, q).astype(np.float64)
        for p, q in ((fixed, fixed), (moving, moving), (fixed, moving))
    )
    # Where the follow-up is flat, as in zero-filled margins, there is no line.
    tiny = 1e-6 * float(mm.mean()) + 1e-12 if mm.size else 1.0
    slope = np.where(enough, fm / (mm + tiny), 0.0).astype(np.float32)
    rho = np.where(enough, fm / np.sqrt((ff + 1e-12) * (mm + tiny)), 0.0)
    rest = fixed - slope[:, None] * moving
    return _Lines(
        rho=rho, enough=enough, slope=slope, rest=rest, energy=ff + 1e-12, weight=weight, share=share
    )


def _with_step(lines: _Lines, jacobian: Float32) -> Agreement:
    """Return the agreement with its derivatives; each line is kept while the motion varies.

    The line is fitted anew at every step, and the block's mean is projected out (variable
    projection in Kaufman's form, 1975, BIT 15:49).
    """
    jacobian -= (jacobian * lines.share[..., None]).sum(axis=1, keepdims=True)
    jacobian *= (lines.slope[:, None] * lines.weight)[..., None]
    gradients = -np.matmul(lines.rest[:, None, :], jacobian)[:, 0].astype(np.float64)
    curvatures = np.matmul(jacobian.transpose(0, 2, 1), jacobian).astype(np.float64)
    return Agreement(
        correlations=lines.rho,
        is_inside=lines.enough,
        gradients=gradients / lines.energy[:, None],
        curvatures=curvatures / lines.energy[:, None, None],
    )

"""What an alignment says about itself.

Public: `Alignment`, `Verdict`, `Findings`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique

import numpy as np
import numpy.typing as npt

from herntrack._typing import Affine4x4, PointsLPS
from herntrack.alignment.rigid import inverse, moved, rotation_degrees
from herntrack.errors import GeometryError

RIGID_TOLERANCE = 1e-6
"""Largest deviation of a rotation matrix from orthogonality (no unit)."""


@unique
class Verdict(StrEnum):
    """Whether an alignment may be used."""

    GOOD = "good"
    CHECK = "check"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is known of an alignment before it is judged; the fields are those of `Alignment`.

    Parameters
    ----------
    agreement, residual_mm, overlap, runner_up, runner_up_mm
        As in `Alignment`.
    n_blocks : int
        Blocks with structure that lie in both stacks.
    rotation_degrees : float
        Angle of the motion (degrees).
    """

    agreement: float
    residual_mm: float
    overlap: float
    n_blocks: int
    runner_up: float | None
    runner_up_mm: float | None
    rotation_degrees: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alignment:
    """A rigid motion from follow-up to baseline and how far it can be trusted.

    Parameters
    ----------
    matrix_lps : ndarray of float64, shape (4, 4)
        Takes a point of the follow-up (LPS mm of its scanner) to the baseline. Stored read-only.
    residual_mm : float
        Root mean square of the shifts that would still improve the agreement of single regions of
        the baseline, over regions of 25 to 45 mm, weighted by their number of blocks; infinite
        where nothing could be compared.
    overlap : float
        Share of the smaller stack that lies in the other, 0 to 1.
    agreement : float
        Mean correlation of the blocks at the scale the verdict is made on, 0 to 1.
    runner_up : float or None
        Agreement of the best other place found (`OTHER_PLACE_MM` away or more); None if no other
        place was left to compare, as after a start that was given.
    runner_up_mm : float or None
        How far that place is from this one (mm).
    verdict : Verdict
        Good, check or failed.
    reasons : tuple of str
        Why it is not good; empty when it is.
    is_overruled : bool
        Whether a person set the verdict.
    """

    matrix_lps: Affine4x4
    residual_mm: float
    overlap: float
    agreement: float
    runner_up: float | None
    runner_up_mm: float | None
    verdict: Verdict
    reasons: tuple[str, ...]
    is_overruled: bool = False

    def __post_init__(self) -> None:
        matrix = np.array(self.matrix_lps, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            raise GeometryError(f"a motion is a finite 4x4 matrix, not {matrix.shape}: {matrix.tolist()}")
        skew = float(np.abs(matrix[:3, :3] @ matrix[:3, :3].T - np.eye(3)).max())
        if skew > RIGID_TOLERANCE or np.linalg.det(matrix[:3, :3]) < 0:
            raise GeometryError(
                f"the matrix is no rotation and shift: it deviates by {skew:.2e}, limit {RIGID_TOLERANCE:.0e}"
            )
        matrix.setflags(write=False)
        object.__setattr__(self, "matrix_lps", matrix)

    @classmethod
    def from_findings(
        cls, matrix_lps: Affine4x4, findings: Findings, *, verdict: Verdict, reasons: tuple[str, ...]
    ) -> Alignment:
        """Return the alignment of a matrix with what was found of it."""
        return cls(
            matrix_lps=matrix_lps,
            residual_mm=findings.residual_mm,
            overlap=findings.overlap,
            agreement=findings.agreement,
            runner_up=findings.runner_up,
            runner_up_mm=findings.runner_up_mm,
            verdict=verdict,
            reasons=reasons,
        )

    @property
    def margin(self) -> float | None:
        """How much better this place agrees than the runner-up, in units of `agreement`."""
        return None if self.runner_up is None else self.agreement - self.runner_up

    @property
    def rotation_degrees(self) -> float:
        """Angle of the motion (degrees)."""
        return rotation_degrees(self.matrix_lps)

    def to_baseline(self, points_lps: npt.ArrayLike) -> PointsLPS:
        """Return where points of the follow-up lie at the baseline, shape (..., 3)."""
        return moved(self.matrix_lps, points_lps)

    def to_followup(self, points_lps: npt.ArrayLike) -> PointsLPS:
        """Return where points of the baseline lie at the follow-up, shape (..., 3)."""
        return moved(inverse(self.matrix_lps), points_lps)

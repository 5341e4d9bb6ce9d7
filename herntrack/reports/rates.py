"""How sure the counts of a cohort are.

Two uncertainties, told apart:

* *sampling*: other patients would give another rate; Clopper and Pearson (1934, Biometrika 26:404)
  give its exact 95 % interval, lesions taken as independent;
* *measurement*: the same patients measured anew would give another count. Every lesion has the share
  of redraws that give each class; the number of lesions in a class is then a sum of independent
  yes-or-no draws (Poisson binomial), whose central 95 % are told.

Public: `Rate`, `rate_of`, `exact_interval`, `redrawn_range`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from herntrack.model.vocabulary import OutcomeClass
from herntrack.reports.tables import OutcomeRow

TAIL = 0.025
"""Probability beyond either end of a 95 % interval (no unit)."""

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A count with its rate and both uncertainties.

    Parameters
    ----------
    count, total : int
        Lesions of the class, and all lesions.
    low, high : float
        Exact 95 % interval of the rate, 0 to 1.
    redrawn : tuple of int or None
        Least and largest count of the central 95 % of redraws; None if a lesion has no shares.
    """

    count: int
    total: int
    low: float
    high: float
    redrawn: tuple[int, int] | None


def rate_of(outcome: OutcomeClass, rows: Sequence[OutcomeRow]) -> Rate:
    """Return how many lesions have an outcome, and how sure that is.

    Parameters
    ----------
    outcome : OutcomeClass
    rows : sequence of OutcomeRow
        One for each lesion, all of one horizon.
    """
    count = sum(row.outcome is outcome for row in rows)
    shares = [getattr(row, f"share_{outcome.value}") for row in rows]
    low, high = exact_interval(count, len(rows))
    return Rate(
        count=count,
        total=len(rows),
        low=low,
        high=high,
        redrawn=None if not rows or None in shares else redrawn_range(shares),
    )


def exact_interval(count: int, total: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a rate; 0 to 1 if there is nobody to count."""
    low = 0.0 if count == 0 else float(betaincinv(count, total - count + 1, TAIL))
    high = 1.0 if count == total else float(betaincinv(count + 1, total - count, 1.0 - TAIL))
    return low, high


def redrawn_range(shares: Iterable[float]) -> tuple[int, int]:
    """Return the central 95 % of a number of lesions, each in its class with a probability of its own."""
    chances = np.ones(1)
    for share in shares:
        chances = np.convolve(chances, (1.0 - share, share))
    below = np.cumsum(chances)
    # Rounding must not move a count that is certain.
    low = int(np.searchsorted(below, TAIL + _ROUNDING))
    high = int(np.searchsorted(below, 1.0 - TAIL - _ROUNDING))
    return low, high

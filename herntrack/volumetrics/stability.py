"""How much an outcome depends on the error of its volumes.

Every volume is redrawn from its error and the lesion decided anew, by the same code. The
share of draws that keep a class is a stability index, not a posterior probability: the
measured volume already holds one error, the redraw adds another.

How a volume V is redrawn:

* from a normal distribution around V with sigma(V), cut off at 0 (not clipped: a mask that
  was drawn does not become exactly 0);
* sigma of a visit uses the surface error of its comparison with the baseline, sigma of the
  baseline that of the last evaluable visit, the comparison that decides;
* the reader's word is kept: a visit read as absent stays so while its redrawn volume is
  within the residue that the rules allow an absent reading, and goes on to the next rule
  beyond it;
* what is not measured is not redrawn: days, which visits are evaluable, an unusable baseline.

The random numbers depend on the seed and the place of the visit only, so the primary and the
latest outcome of a lesion see the same errors at the visits they share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.special import ndtr, ndtri

from herntrack._typing import FloatArray
from herntrack.model.vocabulary import Horizon, OutcomeClass
from herntrack.volumetrics.decision import Ground, decide_courses
from herntrack.volumetrics.error_model import sigma_array_mm3
from herntrack.volumetrics.outcome import EvaluableCourse, decide_outcome, evaluable_course
from herntrack.volumetrics.rules import RuleSet
from herntrack.volumetrics.visits import Baseline, FollowUpVisit, keep_visits


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """Shares of the classes among redrawn courses.

    Parameters
    ----------
    shares : mapping from OutcomeClass to float
        Share of every class; they sum to 1. Read-only.
    decided : OutcomeClass
        The outcome of the measured volumes.
    top : OutcomeClass
        The class with the largest share; `decided` in a tie that it takes part in.
    needs_adjudication : bool
        Whether the largest share is below ``rules.adjudicate_below``.
    """

    shares: Mapping[OutcomeClass, float]
    decided: OutcomeClass
    top: OutcomeClass
    needs_adjudication: bool

    @property
    def index(self) -> float:
        """Share of the top class, 0 to 1."""
        return self.shares[self.top]

    @property
    def decided_share(self) -> float:
        """Share of the class that was decided, 0 to 1."""
        return self.shares[self.decided]


def outcome_stability(
    baseline: Baseline,
    visits: Sequence[FollowUpVisit],
    rules: RuleSet,
    *,
    horizon: Horizon = Horizon.LATEST,
) -> Stability:
    """Redraw a lesion's volumes and return how often each class comes out.

    Parameters
    ----------
    baseline : Baseline
        The lesion at day 0.
    visits : sequence of FollowUpVisit
        Later visits in any order.
    rules : RuleSet
        Thresholds, number of draws and seed.
    horizon : Horizon
        Which visits count, as in `decide_outcome`.

    Raises
    ------
    MeasurementError
        If two visits lie on the same day.
    """
    decided = decide_outcome(baseline, visits, rules, horizon=horizon).outcome
    kept = keep_visits(visits, rules, horizon=horizon)
    course = evaluable_course(baseline, kept.visits, rules)
    counts = dict.fromkeys(OutcomeClass, 0)
    if course is None:
        counts[decided] = rules.draws
    else:
        volumes = redraw_volumes(course, rules)
        grounds = decide_courses(volumes[0], volumes[1:].T, course.frame, rules).grounds
        for ground in Ground:
            counts[ground.outcome] += int(np.count_nonzero(grounds == ground))
    top = max(counts, key=lambda outcome: (counts[outcome], outcome is decided))
    shares = {outcome: count / rules.draws for outcome, count in counts.items()}
    return Stability(
        shares=MappingProxyType(shares),
        decided=decided,
        top=top,
        needs_adjudication=shares[top] < rules.adjudicate_below,
    )


def redraw_volumes(course: EvaluableCourse, rules: RuleSet) -> FloatArray:
    """Return volumes drawn anew from their errors.

    Parameters
    ----------
    course : EvaluableCourse
        The measured volumes.
    rules : RuleSet
        Error model, number of draws, seed.

    Returns
    -------
    ndarray of float64, shape (1 + n_visits, n_draws)
        Baselines in the first row, then the visits in the order of their days (mm3); none
        is negative.
    """
    measured = np.concatenate([[course.baseline_mm3], course.volumes_mm3])[:, None]
    boundary_k = np.concatenate([course.frame.boundary_k_mm[-1:], course.frame.boundary_k_mm])[:, None]
    sigma = sigma_array_mm3(measured, boundary_k_mm=boundary_k, floor_mm3=rules.volume_floor_mm3)
    # In (0, 1], because the quantile of 0 is infinite. An error below measured / sigma leaves a
    # volume above 0; so quantiles up to that probability give the normal cut off at 0.
    uniform = 1.0 - np.random.default_rng(rules.seed).random((len(measured), rules.draws))
    errors = ndtri(uniform * ndtr(measured / sigma))
    return np.asarray(np.maximum(measured - sigma * errors, 0.0), dtype=np.float64)

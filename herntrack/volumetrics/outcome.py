"""What became of one lesion: visit states, outcome, reason and flags.

The rules themselves are in `herntrack.volumetrics.decision`, the thresholds in a `RuleSet`;
this module picks the visits that count and puts the answer into words. Every lesion gets
exactly one outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum, unique

import numpy as np

from herntrack._typing import FloatArray
from herntrack.model.vocabulary import Horizon, OutcomeClass, VisitState
from herntrack.volumetrics.decision import (
    EVALUABLE_STATES,
    CourseFrame,
    Courses,
    Ground,
    decide_courses,
    visit_state_codes,
)
from herntrack.volumetrics.rules import RuleSet, least
from herntrack.volumetrics.visits import (
    Baseline,
    FollowUpVisit,
    KeptVisits,
    LesionVolumes,
    keep_visits,
    why_not_evaluable,
)

__all__ = [
    "Baseline",
    "EvaluableCourse",
    "FollowUpVisit",
    "LesionVolumes",
    "OutcomeDecision",
    "OutcomeFlag",
    "decide_outcome",
    "decide_visit_state",
    "evaluable_course",
]


@unique
class OutcomeFlag(StrEnum):
    """What a reader of an outcome should know besides, in the order it is told."""

    CENSORED_AT_SURGERY = "censored_at_surgery"
    VISIT_NOT_EVALUABLE = "visit_not_evaluable"
    LAST_VISIT_NOT_EVALUABLE = "last_visit_not_evaluable"
    TRANSIENT_ENLARGEMENT = "transient_enlargement"
    RECURRENCE_AFTER_RESORPTION = "recurrence_after_resorption"
    COMPLETE = "complete"
    NEAR_COMPLETE = "near_complete"
    BEFORE_LANDMARK = "before_landmark"
    LIT50 = "lit50"
    PARTIAL_REBOUND = "partial_rebound"
    CONFIRMED = "confirmed"
    LANDMARK_ONLY = "landmark_only"
    HAD_REDUCTION = "had_reduction"
    BORDERLINE = "borderline"
    PROPOSED = "proposed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeDecision:
    """The outcome of one lesion under one rule set.

    Parameters
    ----------
    outcome : OutcomeClass
    reason : str
        The rule that decided, in words.
    flags : tuple of OutcomeFlag
        In the order of `OutcomeFlag`.
    horizon : Horizon
        Which visits were used.
    visits : tuple of FollowUpVisit
        The visits within the horizon and before surgery, in the order of their days; none
        if the baseline allows no decision.
    states : tuple of VisitState
        One for each of `visits`.
    last_day : int or None
        Day of the last evaluable visit, the one that decides.
    last_volume_mm3 : float or None
        Volume at that visit (mm3).
    """

    outcome: OutcomeClass
    reason: str
    flags: tuple[OutcomeFlag, ...]
    horizon: Horizon
    visits: tuple[FollowUpVisit, ...]
    states: tuple[VisitState, ...]
    last_day: int | None
    last_volume_mm3: float | None

    @property
    def visit_states(self) -> str:
        """One letter for each visit: A, D, I, N or U."""
        return "".join(state.letter for state in self.states)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EvaluableCourse:
    """The volumes that decide a lesion.

    Parameters
    ----------
    baseline_mm3 : float
        Baseline volume (mm3).
    volumes_mm3 : ndarray of float64, shape (n_visits,)
        Volumes of the evaluable visits in the order of their days (mm3).
    frame : CourseFrame
        Errors, readers' words and the last day.
    """

    baseline_mm3: float
    volumes_mm3: FloatArray
    frame: CourseFrame


def decide_visit_state(baseline: Baseline, visit: FollowUpVisit, rules: RuleSet) -> VisitState:
    """Return the state of one visit against the baseline.

    A visit is not evaluable also if the baseline is not, or is below the limit of detection.
    """
    course = evaluable_course(baseline, (visit,), rules)
    if course is None or not baseline.is_decidable(rules):
        return VisitState.NOT_EVALUABLE
    codes = visit_state_codes(
        np.array([course.baseline_mm3]), course.volumes_mm3[None, :], course.frame, rules
    )
    return EVALUABLE_STATES[int(codes[0, 0])]


def decide_outcome(
    baseline: Baseline,
    visits: Sequence[FollowUpVisit],
    rules: RuleSet,
    *,
    horizon: Horizon = Horizon.LATEST,
) -> OutcomeDecision:
    """Decide what became of one lesion.

    Parameters
    ----------
    baseline : Baseline
        The lesion at day 0.
    visits : sequence of FollowUpVisit
        Later visits in any order.
    rules : RuleSet
        Thresholds.
    horizon : Horizon
        PRIMARY uses visits up to ``rules.primary_last_day``, LATEST all.

    Raises
    ------
    MeasurementError
        If two visits lie on the same day.
    """
    kept = keep_visits(visits, rules, horizon=horizon)
    if not baseline.is_decidable(rules):
        ground = Ground.BASELINE_BELOW_LIMIT if baseline.is_evaluable else Ground.BASELINE_NOT_EVALUABLE
        nothing = KeptVisits(visits=(), is_censored=False)
        return _undecided(baseline, ground, rules, nothing, horizon=horizon)
    course = evaluable_course(baseline, kept.visits, rules)
    if course is None:
        return _undecided(baseline, Ground.NO_EVALUABLE_FOLLOW_UP, rules, kept, horizon=horizon)
    decided = decide_courses(
        np.array([course.baseline_mm3]), course.volumes_mm3[None, :], course.frame, rules
    )
    ground = Ground(int(decided.grounds[0]))
    states = _states_of_visits(baseline, kept.visits, decided)
    is_early = course.frame.last_day < rules.landmark_day
    raised = _course_flags(decided, ground, rules, is_early=is_early) | _visit_flags(baseline, kept, states)
    return OutcomeDecision(
        outcome=ground.outcome,
        reason=ground.reason(rules),
        flags=tuple(flag for flag in OutcomeFlag if flag in raised),
        horizon=horizon,
        visits=kept.visits,
        states=states,
        last_day=course.frame.last_day,
        last_volume_mm3=float(course.volumes_mm3[-1]),
    )


def evaluable_course(
    baseline: Baseline, visits: Sequence[FollowUpVisit], rules: RuleSet
) -> EvaluableCourse | None:
    """Return the volumes that decide a lesion, or None if there is nothing to compare.

    Parameters
    ----------
    baseline : Baseline
    visits : sequence of FollowUpVisit
        Visits in the order of their days, already within the horizon and before surgery.
    rules : RuleSet
    """
    evaluable = [visit for visit in visits if not why_not_evaluable(baseline, visit)]
    if not evaluable or not baseline.is_evaluable:
        return None
    return EvaluableCourse(
        baseline_mm3=baseline.comparable_mm3,
        volumes_mm3=np.array([visit.comparable_mm3 for visit in evaluable]),
        frame=CourseFrame(
            boundary_k_mm=np.array([visit.boundary_k_mm(rules) for visit in evaluable]),
            is_said_absent=np.array([visit.is_said_absent for visit in evaluable]),
            last_day=evaluable[-1].day,
        ),
    )


def _undecided(
    baseline: Baseline, ground: Ground, rules: RuleSet, kept: KeptVisits, *, horizon: Horizon
) -> OutcomeDecision:
    states = (VisitState.NOT_EVALUABLE,) * len(kept.visits)
    raised = _visit_flags(baseline, kept, states)
    return OutcomeDecision(
        outcome=ground.outcome,
        reason=ground.reason(rules),
        flags=tuple(flag for flag in OutcomeFlag if flag in raised),
        horizon=horizon,
        visits=kept.visits,
        states=states,
        last_day=None,
        last_volume_mm3=None,
    )


def _states_of_visits(
    baseline: Baseline, visits: Sequence[FollowUpVisit], decided: Courses
) -> tuple[VisitState, ...]:
    codes = iter(decided.states[0])
    return tuple(
        VisitState.NOT_EVALUABLE if why_not_evaluable(baseline, visit) else EVALUABLE_STATES[int(next(codes))]
        for visit in visits
    )


def _visit_flags(baseline: Baseline, kept: KeptVisits, states: Sequence[VisitState]) -> set[OutcomeFlag]:
    claims = {
        OutcomeFlag.PROPOSED: baseline.is_proposed or any(visit.is_proposed for visit in kept.visits),
        OutcomeFlag.CENSORED_AT_SURGERY: kept.is_censored,
        OutcomeFlag.VISIT_NOT_EVALUABLE: VisitState.NOT_EVALUABLE in states,
        OutcomeFlag.LAST_VISIT_NOT_EVALUABLE: bool(states) and states[-1] is VisitState.NOT_EVALUABLE,
    }
    return {flag for flag, is_raised in claims.items() if is_raised}


def _course_flags(decided: Courses, ground: Ground, rules: RuleSet, *, is_early: bool) -> set[OutcomeFlag]:
    facts = decided.facts
    is_resorbed = ground.outcome is OutcomeClass.RESORPTION
    is_reduced, had_reduction = bool(facts.is_reduced[0]), bool(facts.had_reduction[0])
    has_rebounded = had_reduction and facts.regained[0] >= least(rules.regain_fraction)
    claims = {
        OutcomeFlag.TRANSIENT_ENLARGEMENT: facts.had_enlargement[0] and not facts.is_enlarged[0],
        OutcomeFlag.RECURRENCE_AFTER_RESORPTION: facts.had_absent[0] and not facts.is_absent[0],
        OutcomeFlag.COMPLETE: ground is Ground.ABSENT,
        OutcomeFlag.NEAR_COMPLETE: ground is Ground.LARGE_LOSS,
        OutcomeFlag.BEFORE_LANDMARK: is_resorbed and is_early,
        # Resorption already says so; the flag marks what other definitions would have called one.
        OutcomeFlag.LIT50: is_reduced and not is_resorbed and facts.loss[0] >= least(rules.lit50_fraction),
        OutcomeFlag.PARTIAL_REBOUND: is_reduced and has_rebounded,
        OutcomeFlag.CONFIRMED: ground is Ground.REDUCED and had_reduction,
        OutcomeFlag.LANDMARK_ONLY: ground is Ground.REDUCED and not had_reduction,
        OutcomeFlag.HAD_REDUCTION: ground is Ground.ENLARGED and had_reduction,
        OutcomeFlag.BORDERLINE: ground is Ground.PARTLY_REGAINED,
    }
    return {flag for flag, is_raised in claims.items() if is_raised}

"""The rules of an outcome, written once, on arrays.

A *course* is the baseline and the evaluable follow-up volumes of one lesion. `decide_courses`
decides n alternative courses of the same lesion at a time: one for the outcome itself, 4 000
redrawn ones for its stability. There is no second version of any rule.

Which visits are evaluable, on which days, does not change between courses; their volumes do.
Rows are courses, columns are visits in the order of their days.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, unique

import numpy as np
import numpy.typing as npt

from herntrack._typing import FloatArray
from herntrack.model.vocabulary import OutcomeClass, VisitState
from herntrack.volumetrics.error_model import sigma_array_mm3
from herntrack.volumetrics.rules import RuleSet, least, most

BoolArray = npt.NDArray[np.bool_]
CodeArray = npt.NDArray[np.int8]

EVALUABLE_STATES = (VisitState.ABSENT, VisitState.REDUCED, VisitState.ENLARGED, VisitState.NO_CHANGE)
"""States by their code: the place in this tuple."""

_ABSENT, _REDUCED, _ENLARGED, _NO_CHANGE = range(len(EVALUABLE_STATES))


@unique
class Ground(IntEnum):
    """The rule that decided an outcome."""

    BASELINE_NOT_EVALUABLE = 0
    BASELINE_BELOW_LIMIT = 1
    NO_EVALUABLE_FOLLOW_UP = 2
    ABSENT = 3
    LARGE_LOSS = 4
    EARLY_REDUCTION = 5
    EARLY_INCREASE = 6
    EARLY_NO_CHANGE = 7
    REDUCED = 8
    ENLARGED = 9
    REGAINED = 10
    PARTLY_REGAINED = 11
    UNCHANGED = 12

    @property
    def outcome(self) -> OutcomeClass:
        """The class this rule leads to."""
        return _OUTCOMES.get(self, OutcomeClass.INDETERMINATE)

    def reason(self, rules: RuleSet) -> str:
        """Return the rule in words, with the thresholds of a rule set."""
        return _REASONS[self].format(
            resorption=_percent(rules.resorption_fraction),
            regain=_percent(rules.regain_fraction),
            landmark=rules.landmark_day,
        )


_OUTCOMES = {
    Ground.ABSENT: OutcomeClass.RESORPTION,
    Ground.LARGE_LOSS: OutcomeClass.RESORPTION,
    Ground.REDUCED: OutcomeClass.PERSISTENT_REDUCTION,
    Ground.ENLARGED: OutcomeClass.PROGRESSION,
    Ground.REGAINED: OutcomeClass.TRANSIENT_REDUCTION,
    Ground.PARTLY_REGAINED: OutcomeClass.PERSISTENT_REDUCTION,
    Ground.UNCHANGED: OutcomeClass.STABLE,
}

_REASONS = {
    Ground.BASELINE_NOT_EVALUABLE: "baseline not evaluable",
    Ground.BASELINE_BELOW_LIMIT: "baseline below limit of detection",
    Ground.NO_EVALUABLE_FOLLOW_UP: "no evaluable follow-up",
    Ground.ABSENT: "absent",
    Ground.LARGE_LOSS: "loss >= {resorption} %",
    Ground.EARLY_REDUCTION: "early reduction, persistence not established",
    Ground.EARLY_INCREASE: "early increase (may be transient enlargement)",
    Ground.EARLY_NO_CHANGE: "early, no change yet",
    Ground.REDUCED: "reduced at last visit >= day {landmark}",
    Ground.ENLARGED: "larger than baseline at last visit",
    Ground.REGAINED: "reduction at an earlier visit, >= {regain} % of it regained",
    Ground.PARTLY_REGAINED: "reduction at an earlier visit, < {regain} % of it regained",
    Ground.UNCHANGED: "no change beyond measurement error",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CourseFrame:
    """What all courses of a lesion share.

    Parameters
    ----------
    boundary_k_mm : ndarray of float64, shape (n_visits,)
        Surface error of each comparison with the baseline (mm), used for both volumes.
    is_said_absent : ndarray of bool, shape (n_visits,)
        Whether the reader says that no focal displacement remains.
    last_day : int
        Day of the last evaluable visit.
    """

    boundary_k_mm: FloatArray
    is_said_absent: BoolArray
    last_day: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CourseFacts:
    """What the rules ask of n courses; every array has shape (n_courses,).

    Parameters
    ----------
    is_below_limit : ndarray of bool
        Whether the baseline is below the limit of detection.
    is_absent, is_reduced, is_enlarged : ndarray of bool
        State of the last visit.
    had_absent, had_reduction, had_enlargement : ndarray of bool
        Whether an earlier visit was absent; absent or reduced; enlarged.
    loss : ndarray of float64
        ``1 - VL / V0`` at the last visit.
    regained : ndarray of float64
        ``(VL - Vnadir) / (V0 - Vnadir)``, the share of an earlier loss that came back; 0
        without an earlier reduction.
    """

    is_below_limit: BoolArray
    is_absent: BoolArray
    is_reduced: BoolArray
    is_enlarged: BoolArray
    had_absent: BoolArray
    had_reduction: BoolArray
    had_enlargement: BoolArray
    loss: FloatArray
    regained: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Courses:
    """Decisions on n courses.

    Parameters
    ----------
    states : ndarray of int8, shape (n_courses, n_visits)
        Index into `EVALUABLE_STATES`.
    facts : CourseFacts
    grounds : ndarray of int, shape (n_courses,)
        Value of the `Ground` that decides.
    """

    states: CodeArray
    facts: CourseFacts
    grounds: npt.NDArray[np.intp]


def visit_state_codes(
    baseline_mm3: FloatArray, volumes_mm3: FloatArray, frame: CourseFrame, rules: RuleSet
) -> CodeArray:
    """Return the state of every visit of every course, the first that fits.

    Parameters
    ----------
    baseline_mm3 : ndarray of float64, shape (n_courses,)
        Baselines, none below the limit of detection (mm3).
    volumes_mm3 : ndarray of float64, shape (n_courses, n_visits)
        Follow-up volumes (mm3).
    frame : CourseFrame
        What the courses share.
    rules : RuleSet

    Returns
    -------
    ndarray of int8, shape (n_courses, n_visits)
        Index into `EVALUABLE_STATES`.
    """
    v0 = baseline_mm3[:, None]
    sigma0 = sigma_array_mm3(v0, boundary_k_mm=frame.boundary_k_mm, floor_mm3=rules.volume_floor_mm3)
    sigma_t = sigma_array_mm3(
        volumes_mm3, boundary_k_mm=frame.boundary_k_mm, floor_mm3=rules.volume_floor_mm3
    )
    z = (v0 - volumes_mm3) / np.hypot(sigma0, sigma_t)
    loss = 1.0 - volumes_mm3 / v0
    codes = np.select(
        [
            frame.is_said_absent & (volumes_mm3 <= most(rules.absent_max_mm3)),
            (z >= least(rules.z)) & (loss >= least(rules.min_change_fraction)),
            (-z >= least(rules.z)) & (-loss >= least(rules.min_change_fraction)),
        ],
        [_ABSENT, _REDUCED, _ENLARGED],
        default=_NO_CHANGE,
    )
    return codes.astype(np.int8)


def decide_courses(
    baseline_mm3: FloatArray, volumes_mm3: FloatArray, frame: CourseFrame, rules: RuleSet
) -> Courses:
    """Decide n courses of one lesion.

    Parameters
    ----------
    baseline_mm3 : ndarray of float64, shape (n_courses,)
        Baseline volumes (mm3).
    volumes_mm3 : ndarray of float64, shape (n_courses, n_visits)
        Volumes of the evaluable visits in the order of their days (mm3); at least one visit.
    frame : CourseFrame
        What the courses share.
    rules : RuleSet
    """
    is_below_limit = baseline_mm3 < least(rules.min_baseline_mm3)
    # A course below the limit is decided by that alone; lifted to the limit it can be divided by.
    v0 = np.maximum(baseline_mm3, rules.min_baseline_mm3)
    states = visit_state_codes(v0, volumes_mm3, frame, rules)
    earlier, last = states[:, :-1], states[:, -1]
    had_reduction = ((earlier == _ABSENT) | (earlier == _REDUCED)).any(axis=1)
    facts = CourseFacts(
        is_below_limit=is_below_limit,
        is_absent=last == _ABSENT,
        is_reduced=last == _REDUCED,
        is_enlarged=last == _ENLARGED,
        had_absent=(earlier == _ABSENT).any(axis=1),
        had_reduction=had_reduction,
        had_enlargement=(earlier == _ENLARGED).any(axis=1),
        loss=1.0 - volumes_mm3[:, -1] / v0,
        regained=_regained_share(v0, volumes_mm3, had_reduction),
    )
    return Courses(states=states, facts=facts, grounds=_grounds(facts, frame, rules))


def _grounds(facts: CourseFacts, frame: CourseFrame, rules: RuleSet) -> npt.NDArray[np.intp]:
    """Return the first rule that fits each course: the table of outcomes, top to bottom."""
    is_early = np.full_like(facts.is_absent, frame.last_day < rules.landmark_day)
    table = [
        (facts.is_below_limit, Ground.BASELINE_BELOW_LIMIT),
        (facts.is_absent, Ground.ABSENT),
        (facts.is_reduced & (facts.loss >= least(rules.resorption_fraction)), Ground.LARGE_LOSS),
        (is_early & facts.is_reduced, Ground.EARLY_REDUCTION),
        (is_early & facts.is_enlarged, Ground.EARLY_INCREASE),
        (is_early, Ground.EARLY_NO_CHANGE),
        (facts.is_reduced, Ground.REDUCED),
        (facts.is_enlarged, Ground.ENLARGED),
        (facts.had_reduction & (facts.regained >= least(rules.regain_fraction)), Ground.REGAINED),
        (facts.had_reduction, Ground.PARTLY_REGAINED),
    ]
    conditions = [condition for condition, _ in table]
    chosen = np.select(conditions, [int(ground) for _, ground in table], default=int(Ground.UNCHANGED))
    return np.asarray(chosen, dtype=np.intp)


def _regained_share(v0: FloatArray, volumes_mm3: FloatArray, had_reduction: BoolArray) -> FloatArray:
    regained = np.zeros(len(v0))
    if had_reduction.any():
        # Reduced or absent means less than V0, so V0 - nadir is never 0 here.
        v0, volumes_mm3 = v0[had_reduction], volumes_mm3[had_reduction]
        nadir = volumes_mm3[:, :-1].min(axis=1)
        regained[had_reduction] = (volumes_mm3[:, -1] - nadir) / (v0 - nadir)
    return regained


def _percent(fraction: float) -> str:
    return f"{100 * fraction:g}"

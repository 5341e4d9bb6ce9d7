"""Every worked case, every boundary, every flag."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from herntrack.errors import MeasurementError
from herntrack.model.vocabulary import Horizon, Modality, OutcomeClass, ReadingStatus, VisitState
from herntrack.volumetrics.outcome import (
    Baseline,
    FollowUpVisit,
    OutcomeDecision,
    OutcomeFlag,
    decide_outcome,
    decide_visit_state,
)
from herntrack.volumetrics.rules import RuleSet, load_rules
from herntrack.volumetrics.visits import compare_with_baseline, why_no_state, why_not_evaluable

HERE = Path(__file__).parent
CASES: list[dict[str, Any]] = json.loads((HERE / "outcome_cases.json").read_text(encoding="utf-8"))["cases"]
COHORT = list(csv.DictReader((HERE / "cohort30.csv").read_text(encoding="utf-8").splitlines()))
RULES = load_rules()


def present(day: int, volume_mm3: float, **changes: Any) -> FollowUpVisit:
    visit = FollowUpVisit(day=day, volume_mm3=volume_mm3, status=ReadingStatus.PRESENT, modality=Modality.MR)
    return replace(visit, **changes)


def absent(day: int, volume_mm3: float | None = None, **changes: Any) -> FollowUpVisit:
    visit = FollowUpVisit(day=day, volume_mm3=volume_mm3, status=ReadingStatus.ABSENT, modality=Modality.MR)
    return replace(visit, **changes)


def unreadable(day: int) -> FollowUpVisit:
    return FollowUpVisit(day=day, volume_mm3=None, status=ReadingStatus.NOT_EVALUABLE, modality=Modality.MR)


def mr_baseline(volume_mm3: float) -> Baseline:
    return Baseline(volume_mm3=volume_mm3, modality=Modality.MR)


def decide(
    v0: float, *visits: FollowUpVisit, rules: RuleSet = RULES, horizon: Horizon = Horizon.LATEST
) -> OutcomeDecision:
    return decide_outcome(mr_baseline(v0), visits, rules, horizon=horizon)


def case_visit(row: dict[str, Any]) -> FollowUpVisit:
    is_absent = row["volume_mm3"] <= 50
    return FollowUpVisit(
        day=row["day"],
        volume_mm3=row["volume_mm3"],
        status=ReadingStatus.ABSENT if is_absent else ReadingStatus.PRESENT,
        modality=Modality(row["modality"]),
        is_same_protocol_and_reader=row["same_protocol_and_reader"],
        is_after_surgery=row["after_surgery"],
        is_discordant=row["sequences_discordant"],
    )


@pytest.mark.parametrize("case", CASES, ids=[str(case["id"]) for case in CASES])
def test_a_worked_case_comes_out_as_stated(case: dict[str, Any]) -> None:
    baseline = Baseline(
        volume_mm3=case["baseline"]["volume_mm3"], modality=Modality(case["baseline"]["modality"])
    )
    decision = decide_outcome(baseline, [case_visit(row) for row in case["followups"]], RULES)
    assert {
        "visit_states": decision.visit_states,
        "outcome": decision.outcome.value,
        "reason": decision.reason,
        "flags": [flag.value for flag in decision.flags],
    } == case["expected"]


def test_all_27_cases_are_there() -> None:
    assert len(CASES) == 27


@pytest.mark.parametrize("row", COHORT, ids=[row["id"] for row in COHORT])
def test_the_cohort_of_30_has_the_stated_states_and_classes(row: dict[str, str]) -> None:
    visits = [
        absent(day) if row[column] == "0" else present(day, float(row[column]))
        for day, column in ((30, "v_1m"), (91, "v_3m"))
    ]
    decision = decide(float(row["v0"]), *visits, horizon=Horizon.PRIMARY)
    assert decision.visit_states == row["state_1m"] + row["state_3m"]
    assert decision.outcome.value == row["final_class"].lower()


# --- states ---------------------------------------------------------------------------------


def exact_z(v0: float, vt: float, k: float) -> float:
    def variance(volume: float) -> float:
        return 20.0**2 + (k * math.cbrt(volume) ** 2) ** 2

    return abs(v0 - vt) / math.sqrt(variance(v0) + variance(vt))


@pytest.mark.parametrize(("vt", "state"), [(500.0, VisitState.REDUCED), (1600.0, VisitState.ENLARGED)])
def test_a_change_counts_from_exactly_z(vt: float, state: VisitState) -> None:
    z = exact_z(1000.0, vt, 1.6)
    baseline = mr_baseline(1000.0)
    assert decide_visit_state(baseline, present(91, vt), replace(RULES, z=z * (1 - 1e-6))) is state
    assert (
        decide_visit_state(baseline, present(91, vt), replace(RULES, z=z * (1 + 1e-6)))
        is VisitState.NO_CHANGE
    )


@pytest.mark.parametrize(
    ("vt", "state"),
    [
        (750.0, VisitState.REDUCED),
        (750.1, VisitState.NO_CHANGE),
        (1250.0, VisitState.ENLARGED),
        (1249.9, VisitState.NO_CHANGE),
    ],
)
def test_a_change_counts_from_exactly_25_percent(vt: float, state: VisitState) -> None:
    precise = replace(RULES, boundary_k_same_mm=0.1)
    assert decide_visit_state(mr_baseline(1000.0), present(91, vt), precise) is state


@pytest.mark.parametrize(
    ("visit", "state"),
    [
        (absent(91), VisitState.ABSENT),
        (absent(91, 50.0), VisitState.ABSENT),
        (absent(91, 50.1), VisitState.REDUCED),
        (absent(91, 1000.0), VisitState.NO_CHANGE),
        (present(91, 50.0), VisitState.REDUCED),
        (present(91, 0.0), VisitState.REDUCED),
    ],
)
def test_absent_needs_the_readers_word_and_at_most_50_mm3(visit: FollowUpVisit, state: VisitState) -> None:
    assert decide_visit_state(mr_baseline(1000.0), visit, RULES) is state


@pytest.mark.parametrize(
    "visit",
    [
        unreadable(91),
        present(91, 500.0, modality=Modality.CT),
        present(91, 500.0, modality=None),
        present(91, 500.0, is_discordant=True),
        present(91, 500.0, problems=("readers_unresolved",)),
        absent(91, is_discordant=True),
    ],
)
def test_what_cannot_be_compared_is_not_evaluable(visit: FollowUpVisit) -> None:
    assert decide_visit_state(mr_baseline(1000.0), visit, RULES) is VisitState.NOT_EVALUABLE
    assert compare_with_baseline(mr_baseline(1000.0), visit, RULES) is None


@pytest.mark.parametrize(
    "baseline",
    [
        mr_baseline(99.9),
        Baseline(volume_mm3=None, modality=Modality.MR, status=ReadingStatus.NOT_EVALUABLE),
        Baseline(volume_mm3=900.0, modality=Modality.MR, problems=("sequences_discordant",)),
        Baseline(volume_mm3=900.0, modality=None),
    ],
)
def test_no_visit_has_a_state_against_an_unusable_baseline(baseline: Baseline) -> None:
    assert decide_visit_state(baseline, present(91, 500.0), RULES) is VisitState.NOT_EVALUABLE


def test_the_larger_error_counts_for_both_volumes_of_a_mixed_comparison() -> None:
    # Same: z = 450 / hypot(161.2, 109.2) = 2.31. Mixed follow-up only would be 450 / hypot(161.2,
    # 149.0) = 2.05. Mixed both: 450 / hypot(220.9, 149.0) = 1.69.
    baseline = mr_baseline(1000.0)
    assert decide_visit_state(baseline, present(91, 550.0), RULES) is VisitState.REDUCED
    mixed = present(91, 550.0, is_same_protocol_and_reader=False)
    assert decide_visit_state(baseline, mixed, RULES) is VisitState.NO_CHANGE
    change = compare_with_baseline(baseline, mixed, RULES)
    assert change is not None
    assert change.z == pytest.approx(1.689, abs=1e-3)


def test_why_a_visit_is_not_evaluable_is_told() -> None:
    baseline = mr_baseline(1000.0)
    assert why_not_evaluable(baseline, present(91, 500.0)) == ()
    assert why_not_evaluable(baseline, unreadable(91)) == ("not_evaluable_reading",)
    both = present(91, 500.0, modality=Modality.CT, is_discordant=True)
    assert why_not_evaluable(baseline, both) == ("modality_differs", "sequences_discordant")
    assert why_not_evaluable(baseline, present(91, 500.0, modality=None)) == ("modality_unknown",)
    unresolved = replace(unreadable(91), problems=("readers_unresolved",))
    assert why_not_evaluable(baseline, unresolved) == ("readers_unresolved",)


@pytest.mark.parametrize(
    ("baseline", "reasons"),
    [
        # Nobody's images stand for an unresolved baseline: nothing can be said of how they were made.
        (
            Baseline(
                volume_mm3=None,
                modality=None,
                status=ReadingStatus.NOT_EVALUABLE,
                problems=("readers_unresolved",),
            ),
            ("baseline_not_evaluable",),
        ),
        (
            Baseline(volume_mm3=900.0, modality=Modality.MR, problems=("sequences_discordant",)),
            ("baseline_not_evaluable",),
        ),
        (
            Baseline(volume_mm3=None, modality=Modality.CT, status=ReadingStatus.NOT_EVALUABLE),
            ("baseline_not_evaluable", "modality_differs"),
        ),
        (mr_baseline(99.9), ("baseline_below_limit",)),
        (mr_baseline(100.0), ()),
    ],
)
def test_why_a_visit_has_no_state_against_its_baseline_is_told(
    baseline: Baseline, reasons: tuple[str, ...]
) -> None:
    assert why_no_state(baseline, present(91, 500.0), RULES) == reasons


# --- baseline -------------------------------------------------------------------------------


@pytest.mark.parametrize(("v0", "outcome"), [(99.9, "indeterminate"), (100.0, "resorption")])
def test_a_baseline_counts_from_exactly_100_mm3(v0: float, outcome: str) -> None:
    assert decide(v0, absent(91)).outcome == outcome


@pytest.mark.parametrize(
    "baseline",
    [
        Baseline(volume_mm3=None, modality=Modality.MR, status=ReadingStatus.NOT_EVALUABLE),
        Baseline(volume_mm3=900.0, modality=Modality.MR, problems=("readers_unresolved",)),
    ],
)
def test_an_unusable_baseline_decides_nothing(baseline: Baseline) -> None:
    decision = decide_outcome(baseline, [present(91, 500.0)], RULES)
    assert decision.outcome is OutcomeClass.INDETERMINATE
    assert decision.reason == "baseline not evaluable"
    assert (decision.visit_states, decision.flags, decision.last_day) == ("", (), None)


def test_a_lesion_absent_at_baseline_is_below_the_limit() -> None:
    baseline = Baseline(volume_mm3=None, modality=Modality.MR, status=ReadingStatus.ABSENT)
    assert baseline.volume_mm3 == 0.0
    assert decide_outcome(baseline, [present(91, 500.0)], RULES).reason == "baseline below limit of detection"


# --- days -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "outcome", "reason"),
    [
        (69, OutcomeClass.INDETERMINATE, "early reduction, persistence not established"),
        (70, OutcomeClass.PERSISTENT_REDUCTION, "reduced at last visit >= day 70"),
    ],
)
def test_persistence_is_said_from_day_70(day: int, outcome: OutcomeClass, reason: str) -> None:
    decision = decide(1000.0, present(day, 500.0))
    assert (decision.outcome, decision.reason) == (outcome, reason)


@pytest.mark.parametrize(("day", "flags"), [(69, ("complete", "before_landmark")), (70, ("complete",))])
def test_an_early_resorption_says_so(day: int, flags: tuple[str, ...]) -> None:
    assert decide(1000.0, absent(day)).flags == flags


def test_an_early_near_complete_resorption_is_final() -> None:
    decision = decide(1000.0, present(30, 200.0))
    assert decision.outcome is OutcomeClass.RESORPTION
    assert decision.flags == ("near_complete", "before_landmark")


@pytest.mark.parametrize(("day", "states"), [(126, "ND"), (127, "N")])
def test_the_primary_outcome_ends_with_day_126(day: int, states: str) -> None:
    visits = (present(75, 1000.0), present(day, 500.0))
    decision = decide(1000.0, *visits, horizon=Horizon.PRIMARY)
    assert decision.visit_states == states
    assert decision.horizon is Horizon.PRIMARY
    assert decide(1000.0, *visits).visit_states == "ND"


def test_the_decision_carries_the_visit_it_rests_on() -> None:
    decision = decide(1000.0, unreadable(200), present(91, 500.0), present(30, 900.0))
    assert (decision.last_day, decision.last_volume_mm3) == (91, 500.0)
    assert [visit.day for visit in decision.visits] == [30, 91, 200]
    assert decision.states == (VisitState.NO_CHANGE, VisitState.REDUCED, VisitState.NOT_EVALUABLE)


# --- surgery --------------------------------------------------------------------------------


def test_a_visit_after_an_operated_one_is_dropped_even_if_unmarked() -> None:
    decision = decide(1000.0, present(30, 950.0), absent(60, is_after_surgery=True), absent(91))
    assert decision.visit_states == "N"
    assert decision.flags == ("censored_at_surgery",)


def test_surgery_before_the_first_visit_leaves_nothing() -> None:
    decision = decide(1000.0, absent(91, is_after_surgery=True))
    assert decision.reason == "no evaluable follow-up"
    assert decision.flags == ("censored_at_surgery",)


def test_surgery_after_the_horizon_censors_only_the_latest_outcome() -> None:
    visits = (present(91, 500.0), absent(200, is_after_surgery=True))
    assert "censored_at_surgery" not in decide(1000.0, *visits, horizon=Horizon.PRIMARY).flags
    assert "censored_at_surgery" in decide(1000.0, *visits).flags


# --- classes and flags ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vt", "outcome", "flags"),
    [
        (250.0, OutcomeClass.RESORPTION, ("near_complete",)),
        (250.1, OutcomeClass.PERSISTENT_REDUCTION, ("lit50", "landmark_only")),
        (500.0, OutcomeClass.PERSISTENT_REDUCTION, ("lit50", "landmark_only")),
        (500.1, OutcomeClass.PERSISTENT_REDUCTION, ("landmark_only",)),
    ],
)
def test_resorption_and_lit50_start_at_exactly_their_loss(
    vt: float, outcome: OutcomeClass, flags: tuple[str, ...]
) -> None:
    decision = decide(1000.0, present(91, vt))
    assert (decision.outcome, decision.flags) == (outcome, flags)


def test_under_literature_50_half_is_resorption() -> None:
    decision = decide(1000.0, present(91, 500.0), rules=load_rules("literature-50"))
    assert decision.outcome is OutcomeClass.RESORPTION
    assert decision.reason == "loss >= 50 %"
    assert decision.flags == ("near_complete",)


@pytest.mark.parametrize(
    ("vl", "outcome", "flags"),
    [
        # r = (VL - 300) / (1000 - 300)
        (650.0, OutcomeClass.TRANSIENT_REDUCTION, ()),
        (649.0, OutcomeClass.PERSISTENT_REDUCTION, ("borderline",)),
    ],
)
def test_a_reduction_is_transient_once_half_of_it_is_regained(
    vl: float, outcome: OutcomeClass, flags: tuple[str, ...]
) -> None:
    decision = decide(1000.0, present(30, 300.0), present(91, vl))
    assert decision.visit_states == "DN"
    assert (decision.outcome, decision.flags) == (outcome, flags)


@pytest.mark.parametrize(
    "volumes",
    [(983.3, 268.3, 625.8), (1000.3, 400.1, 700.2), tuple(n * 1.6665657980588797 for n in (332, 30, 181))],
)
def test_exactly_half_regained_is_half_whatever_the_last_binary_digit(volumes: tuple[float, ...]) -> None:
    v0, nadir, last = volumes
    decision = decide(v0, present(30, nadir), present(91, last))
    assert (decision.visit_states, decision.outcome) == ("DN", OutcomeClass.TRANSIENT_REDUCTION)


def test_exactly_a_quarter_lost_is_a_quarter_whatever_the_last_binary_digit() -> None:
    assert decide(32_131.6, present(91, 24_098.7)).visit_states == "D"


def test_fragments_that_sum_to_100_mm3_are_a_baseline() -> None:
    fragments = [33.3, 33.3, 33.4, -1e-14]
    assert sum(fragments) < 100
    assert decide(sum(fragments), absent(91)).outcome is OutcomeClass.RESORPTION


def test_a_borderline_reduction_tells_what_was_not_regained() -> None:
    decision = decide(1000.0, present(30, 300.0), present(91, 649.0))
    assert decision.reason == "reduction at an earlier visit, < 50 % of it regained"


def test_the_nadir_is_the_lowest_earlier_volume_whatever_its_state() -> None:
    # The second visit is lower but of another reader: no change beyond its larger error. The
    # regained share is 0.375 from 600 and 0.590 from 390.
    lower = present(60, 390.0, is_same_protocol_and_reader=False)
    rules = replace(RULES, boundary_k_mixed_mm=4.0)
    decision = decide(1000.0, present(30, 600.0), lower, present(91, 750.0), rules=rules)
    assert decision.visit_states == "DNN"
    assert decision.outcome is OutcomeClass.TRANSIENT_REDUCTION


def test_a_not_evaluable_volume_is_no_nadir() -> None:
    hidden = present(60, 10.0, modality=Modality.CT)
    decision = decide(1000.0, present(30, 580.0), hidden, present(91, 750.0))
    assert decision.visit_states == "DUN"
    assert decision.flags == ("visit_not_evaluable", "borderline")


@pytest.mark.parametrize(
    ("vl", "has_flag"), [(500.0, True), (499.0, False)]
)  # r = VL / 1000 after an absent visit
def test_a_partial_rebound_starts_at_half(vl: float, has_flag: bool) -> None:
    decision = decide(1000.0, absent(30), present(91, vl))
    assert ("partial_rebound" in decision.flags) is has_flag
    assert decision.flags[0] is OutcomeFlag.RECURRENCE_AFTER_RESORPTION


def test_an_early_rebound_is_told_too() -> None:
    decision = decide(1000.0, absent(14), present(40, 550.0))
    assert decision.outcome is OutcomeClass.INDETERMINATE
    assert decision.flags == ("recurrence_after_resorption", "partial_rebound")


def test_growth_after_a_reduction_is_progression_that_had_one() -> None:
    decision = decide(1000.0, present(30, 400.0), present(91, 1900.0))
    assert decision.outcome is OutcomeClass.PROGRESSION
    assert decision.flags == ("had_reduction",)


def test_growth_between_reductions_is_told() -> None:
    decision = decide(1000.0, present(30, 1900.0), present(60, 400.0), present(91, 500.0))
    assert decision.flags == ("transient_enlargement", "lit50", "confirmed")


def test_a_lasting_enlargement_is_not_transient() -> None:
    assert decide(1000.0, present(30, 1900.0), present(91, 1900.0)).flags == ()


def test_a_baseline_size_after_absence_is_a_transient_reduction() -> None:
    decision = decide(1000.0, absent(30), present(91, 1000.0))
    assert decision.outcome is OutcomeClass.TRANSIENT_REDUCTION
    assert decision.flags == ("recurrence_after_resorption",)


def test_visits_that_cannot_be_compared_are_told() -> None:
    assert decide(1000.0, unreadable(30), present(91, 500.0)).flags == (
        "visit_not_evaluable",
        "lit50",
        "landmark_only",
    )
    nothing = decide(1000.0, unreadable(30), unreadable(91))
    assert nothing.visit_states == "UU"
    assert nothing.reason == "no evaluable follow-up"
    assert nothing.flags == ("visit_not_evaluable", "last_visit_not_evaluable")


def test_reasons_tell_the_thresholds_of_their_rules() -> None:
    rules = replace(RULES, landmark_day=84, regain_fraction=0.3, resorption_fraction=0.9)
    assert decide(1000.0, present(91, 50.0), rules=rules).reason == "loss >= 90 %"
    assert decide(1000.0, present(91, 500.0), rules=rules).reason == "reduced at last visit >= day 84"
    regained = decide(1000.0, present(30, 400.0), present(91, 950.0), rules=rules)
    assert regained.reason == "reduction at an earlier visit, >= 30 % of it regained"


# --- facts that cannot be -------------------------------------------------------------------


def test_two_visits_on_one_day_are_refused() -> None:
    with pytest.raises(MeasurementError, match="two visits lie on day 91; choose one"):
        decide(1000.0, present(91, 500.0), absent(91))


@pytest.mark.parametrize("volume", [-0.1, math.nan, math.inf, 1_000_001.0])
def test_an_impossible_volume_is_refused(volume: float) -> None:
    with pytest.raises(MeasurementError, match="is no volume of a lesion; the limits are 0 to 1000000"):
        present(91, volume)
    with pytest.raises(MeasurementError, match="is no volume of a lesion"):
        mr_baseline(volume)


def test_a_present_lesion_needs_a_volume() -> None:
    with pytest.raises(MeasurementError, match="a lesion read as present has no volume"):
        Baseline(volume_mm3=None, modality=Modality.MR)


@pytest.mark.parametrize("day", [0, -1])
def test_a_follow_up_lies_after_the_baseline(day: int) -> None:
    with pytest.raises(MeasurementError, match=f"day 1 or later, not on day {day}"):
        present(day, 500.0)


def test_a_volume_that_is_not_there_cannot_be_compared() -> None:
    missing = Baseline(volume_mm3=None, modality=Modality.MR, status=ReadingStatus.NOT_EVALUABLE)
    for facts in (missing, unreadable(91)):
        with pytest.raises(MeasurementError, match="not evaluable has no volume to compare"):
            _ = facts.comparable_mm3

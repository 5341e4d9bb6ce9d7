"""Outcomes of any lesion: one class each, the same from both readings of the rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from herntrack.model.vocabulary import Horizon, Modality, OutcomeClass, ReadingStatus, VisitState
from herntrack.volumetrics.decision import Ground, decide_courses
from herntrack.volumetrics.outcome import (
    Baseline,
    FollowUpVisit,
    OutcomeFlag,
    decide_outcome,
    decide_visit_state,
    evaluable_course,
)
from herntrack.volumetrics.rules import RuleSet
from herntrack.volumetrics.stability import outcome_stability, redraw_volumes
from herntrack.volumetrics.visits import keep_visits
from tests.strategies import baselines, follow_up_visits, positive_volumes_mm3, rule_sets, visit_lists

horizons = st.sampled_from(Horizon)


def reaches(value: float, threshold: float) -> bool:
    """Whether a value is at a threshold or beyond it, but for the last bits of a division."""
    return value >= threshold - 1e-9 * max(1.0, abs(threshold))


def plain_state(v0: float, visit: FollowUpVisit, baseline: Baseline, rules: RuleSet) -> str:
    """The table of states, word for word, for one visit at a time."""
    if visit.status is ReadingStatus.NOT_EVALUABLE or visit.problems:
        return "U"
    if visit.modality is not baseline.modality or visit.is_discordant:
        return "U"
    vt = visit.comparable_mm3
    if reaches(-vt, -rules.absent_max_mm3) and visit.status is ReadingStatus.ABSENT:
        return "A"
    k = rules.boundary_k_same_mm if visit.is_same_protocol_and_reader else rules.boundary_k_mixed_mm
    sigma0 = math.hypot(rules.volume_floor_mm3, k * math.cbrt(v0) ** 2)
    sigma_t = math.hypot(rules.volume_floor_mm3, k * math.cbrt(vt) ** 2)
    z = (v0 - vt) / math.hypot(sigma0, sigma_t)
    # A z on the very threshold may fall either way by the last bit.
    assume(abs(abs(z) - rules.z) > 1e-7)
    if z >= rules.z and reaches(1 - vt / v0, rules.min_change_fraction):
        return "D"
    if -z >= rules.z and reaches(vt / v0 - 1, rules.min_change_fraction):
        return "I"
    return "N"


def plain_outcome(  # noqa: PLR0911 - one return for each row of the table
    baseline: Baseline, visits: Sequence[FollowUpVisit], rules: RuleSet, horizon: Horizon
) -> tuple[str, str]:
    """The table of outcomes, word for word: states and class."""
    v0 = baseline.volume_mm3
    if (
        baseline.status is ReadingStatus.NOT_EVALUABLE
        or baseline.problems
        or v0 is None
        or not reaches(v0, rules.min_baseline_mm3)
    ):
        return "", "indeterminate"
    kept = []
    for visit in sorted(visits, key=lambda visit: visit.day):
        if visit.is_after_surgery or (horizon is Horizon.PRIMARY and visit.day > rules.primary_last_day):
            break
        kept.append((visit, plain_state(v0, visit, baseline, rules)))
    states = "".join(state for _, state in kept)
    evaluable = [(visit, state) for visit, state in kept if state != "U"]
    if not evaluable:
        return states, "indeterminate"
    last, state = evaluable[-1]
    earlier = evaluable[:-1]
    vl = last.comparable_mm3
    if state == "A" or (state == "D" and reaches(1 - vl / v0, rules.resorption_fraction)):
        return states, "resorption"
    if last.day < rules.landmark_day:
        return states, "indeterminate"
    if state == "D":
        return states, "persistent_reduction"
    if state == "I":
        return states, "progression"
    if any(one in "AD" for _, one in earlier):
        nadir = min(visit.comparable_mm3 for visit, _ in earlier)
        is_transient = reaches((vl - nadir) / (v0 - nadir), rules.regain_fraction)
        return states, "transient_reduction" if is_transient else "persistent_reduction"
    return states, "stable"


@given(baselines(), visit_lists(), rule_sets(), horizons)
def test_the_rules_say_what_their_words_say(
    baseline: Baseline, visits: list[FollowUpVisit], rules: RuleSet, horizon: Horizon
) -> None:
    expected = plain_outcome(baseline, visits, rules, horizon)
    decision = decide_outcome(baseline, visits, rules, horizon=horizon)
    assert (decision.visit_states, decision.outcome.value) == expected


@given(baselines(), visit_lists(), rule_sets(), horizons)
def test_every_lesion_has_one_outcome_and_orderly_flags(
    baseline: Baseline, visits: list[FollowUpVisit], rules: RuleSet, horizon: Horizon
) -> None:
    decision = decide_outcome(baseline, visits, rules, horizon=horizon)
    assert decision.outcome in OutcomeClass
    assert decision.reason
    assert len(decision.states) == len(decision.visits)
    order = list(OutcomeFlag)
    assert list(decision.flags) == sorted(set(decision.flags), key=order.index)
    for first, second in (
        (OutcomeFlag.COMPLETE, OutcomeFlag.NEAR_COMPLETE),
        (OutcomeFlag.CONFIRMED, OutcomeFlag.LANDMARK_ONLY),
    ):
        assert not {first, second} <= set(decision.flags)
    is_resorption = decision.outcome is OutcomeClass.RESORPTION
    assert is_resorption is bool({OutcomeFlag.COMPLETE, OutcomeFlag.NEAR_COMPLETE} & set(decision.flags))


@given(baselines(), visit_lists(), rule_sets(), st.randoms())
def test_the_order_of_the_visits_does_not_matter(
    baseline: Baseline, visits: list[FollowUpVisit], rules: RuleSet, random: object
) -> None:
    shuffled = list(visits)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert decide_outcome(baseline, shuffled, rules) == decide_outcome(baseline, visits, rules)


@given(baselines(), visit_lists(), rule_sets(), st.integers(1, 900))
def test_a_visit_that_cannot_be_compared_changes_no_class(
    baseline: Baseline, visits: list[FollowUpVisit], rules: RuleSet, day: int
) -> None:
    assume(day not in {visit.day for visit in visits})
    blank = FollowUpVisit(day=day, volume_mm3=None, status=ReadingStatus.NOT_EVALUABLE, modality=None)
    with_blank = decide_outcome(baseline, [*visits, blank], rules)
    without = decide_outcome(baseline, visits, rules)
    assert (with_blank.outcome, with_blank.reason) == (without.outcome, without.reason)


# Baselines and visits that cannot be compared are drawn often, as they should be; they have no course.
@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(baselines(), visit_lists(), rule_sets(), horizons)
def test_many_courses_are_decided_like_one(
    baseline: Baseline, visits: list[FollowUpVisit], rules: RuleSet, horizon: Horizon
) -> None:
    rules = replace(rules, draws=100)
    course = evaluable_course(baseline, keep_visits(visits, rules, horizon=horizon).visits, rules)
    assume(course is not None)
    assert course is not None
    drawn = redraw_volumes(course, rules)[:, :12]
    together = decide_courses(drawn[0], drawn[1:].T, course.frame, rules)
    for column, (v0, *volumes) in enumerate(drawn.T):
        redrawn = iter(volumes)
        alike = []
        for visit in keep_visits(visits, rules, horizon=horizon).visits:
            is_used = decide_visit_state(Baseline(volume_mm3=200.0, modality=baseline.modality), visit, rules)
            is_drawn = is_used is not VisitState.NOT_EVALUABLE
            alike.append(replace(visit, volume_mm3=float(next(redrawn))) if is_drawn else visit)
        alone = decide_outcome(replace(baseline, volume_mm3=float(v0)), alike, rules, horizon=horizon)
        ground = Ground(int(together.grounds[column]))
        assert (ground.outcome, ground.reason(rules)) == (alone.outcome, alone.reason)


@given(baselines(), visit_lists(), rule_sets(), horizons)
def test_shares_are_shares(
    baseline: Baseline, visits: list[FollowUpVisit], rules: RuleSet, horizon: Horizon
) -> None:
    rules = replace(rules, draws=200)
    stability = outcome_stability(baseline, visits, rules, horizon=horizon)
    assert math.isclose(sum(stability.shares.values()), 1.0)
    assert stability.index == max(stability.shares.values())
    assert 0.0 <= stability.decided_share <= stability.index
    assert stability.decided is decide_outcome(baseline, visits, rules, horizon=horizon).outcome
    assert stability.needs_adjudication is (stability.index < rules.adjudicate_below)


@given(
    positive_volumes_mm3, st.lists(st.floats(0, 20_000), min_size=2, max_size=6), rule_sets(), st.booleans()
)
def test_a_smaller_volume_is_never_a_higher_state(
    v0: float, volumes: list[float], rules: RuleSet, is_same: bool
) -> None:
    baseline = Baseline(volume_mm3=v0, modality=Modality.MR)
    rising = [VisitState.REDUCED, VisitState.NO_CHANGE, VisitState.ENLARGED]
    ranks = [
        rising.index(
            decide_visit_state(
                baseline,
                FollowUpVisit(
                    day=91,
                    volume_mm3=volume,
                    status=ReadingStatus.PRESENT,
                    modality=Modality.MR,
                    is_same_protocol_and_reader=is_same,
                ),
                rules,
            )
        )
        for volume in sorted(volumes)
    ]
    assert ranks == sorted(ranks)


@given(baselines(), visit_lists(), rule_sets(), st.sampled_from([0.5, 2.0]))
def test_a_lesion_twice_as_long_with_twice_the_error_has_the_same_outcome(
    baseline: Baseline, visits: list[FollowUpVisit], rules: RuleSet, length: float
) -> None:
    # Powers of two scale a float without rounding; volumes and floors go with the third power.
    cube = length**3
    scaled_rules = replace(
        rules,
        **{
            name: getattr(rules, name) * factor
            for names, factor in (
                (("min_baseline_mm3", "absent_max_mm3", "volume_floor_mm3"), cube),
                (("boundary_k_same_mm", "boundary_k_mixed_mm"), length),
            )
            for name in names
        },
    )

    def scaled(volume: float | None) -> float | None:
        return None if volume is None else volume * cube

    bigger = replace(baseline, volume_mm3=scaled(baseline.volume_mm3))
    alike = [replace(visit, volume_mm3=scaled(visit.volume_mm3)) for visit in visits]
    first, second = decide_outcome(baseline, visits, rules), decide_outcome(bigger, alike, scaled_rules)
    assert (first.visit_states, first.outcome, first.flags) == (
        second.visit_states,
        second.outcome,
        second.flags,
    )


@given(st.data())
def test_within_the_primary_horizon_both_outcomes_agree(data: st.DataObject) -> None:
    days = data.draw(st.lists(st.integers(1, 126), max_size=4, unique=True))
    visits = [data.draw(follow_up_visits(day)) for day in days]
    baseline, rules = data.draw(baselines()), data.draw(rule_sets())
    primary = decide_outcome(baseline, visits, rules, horizon=Horizon.PRIMARY)
    latest = decide_outcome(baseline, visits, rules, horizon=Horizon.LATEST)
    assert replace(primary, horizon=Horizon.LATEST) == latest


def test_the_plain_rules_reach_every_class() -> None:
    # The comparison above is worth something only if no class is out of its reach.
    assert {ground.outcome for ground in Ground} == set(OutcomeClass)
    assert np.unique([int(ground) for ground in Ground]).size == len(Ground)

"""Redrawn volumes and the shares of their classes."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from scipy import stats

from herntrack.model.vocabulary import Horizon, Modality, OutcomeClass, ReadingStatus
from herntrack.volumetrics.error_model import sigma_mm3
from herntrack.volumetrics.outcome import Baseline, FollowUpVisit, evaluable_course
from herntrack.volumetrics.rules import load_rules
from herntrack.volumetrics.stability import outcome_stability, redraw_volumes

RULES = load_rules()
BASELINE = Baseline(volume_mm3=1000.0, modality=Modality.MR)


def visit(day: int, volume_mm3: float, *, is_same: bool = True) -> FollowUpVisit:
    return FollowUpVisit(
        day=day,
        volume_mm3=volume_mm3,
        status=ReadingStatus.ABSENT if volume_mm3 == 0 else ReadingStatus.PRESENT,
        modality=Modality.MR,
        is_same_protocol_and_reader=is_same,
    )


def test_shares_sum_to_one_and_repeat() -> None:
    first = outcome_stability(BASELINE, [visit(91, 520.0)], RULES)
    assert sum(first.shares.values()) == pytest.approx(1.0)
    assert set(first.shares) == set(OutcomeClass)
    assert outcome_stability(BASELINE, [visit(91, 520.0)], RULES) == first
    assert isinstance(first.shares, MappingProxyType)


def test_another_seed_gives_nearly_the_same_shares() -> None:
    visits = [visit(30, 580.0), visit(91, 500.0)]
    one = outcome_stability(BASELINE, visits, RULES)
    other = outcome_stability(BASELINE, visits, replace(RULES, seed=1))
    assert one.shares != other.shares
    # 4 000 draws: a share has a standard error below 0.8 %.
    assert one.decided_share == pytest.approx(other.decided_share, abs=0.04)


def test_a_change_at_the_limit_of_error_is_a_toss() -> None:
    # The loss that is just claimable is claimed by half of the redraws.
    stability = outcome_stability(BASELINE, [visit(91, 609.7)], RULES)
    assert stability.decided is OutcomeClass.PERSISTENT_REDUCTION
    assert stability.decided_share == pytest.approx(0.5, abs=0.06)
    assert stability.needs_adjudication


def test_a_large_loss_is_certain() -> None:
    stability = outcome_stability(BASELINE, [visit(30, 500.0), visit(91, 0.0)], RULES)
    assert stability.top is OutcomeClass.RESORPTION
    assert stability.index == stability.decided_share > 0.99
    assert not stability.needs_adjudication


def test_the_top_class_need_not_be_the_decided_one() -> None:
    # Loss of 40 %, just beyond error, then exactly half of it back: two thresholds at once.
    stability = outcome_stability(BASELINE, [visit(30, 600.0), visit(91, 800.0)], RULES)
    assert stability.decided is OutcomeClass.TRANSIENT_REDUCTION
    assert stability.top is OutcomeClass.STABLE
    assert stability.decided_share == pytest.approx(0.245, abs=0.03)
    assert stability.index == pytest.approx(0.452, abs=0.03)
    assert stability.needs_adjudication


def test_a_share_at_the_limit_needs_no_adjudication() -> None:
    visits = [visit(30, 580.0), visit(91, 500.0)]
    index = outcome_stability(BASELINE, visits, RULES).index
    assert not outcome_stability(BASELINE, visits, replace(RULES, adjudicate_below=index)).needs_adjudication
    above = replace(RULES, adjudicate_below=index + 1e-9)
    assert outcome_stability(BASELINE, visits, above).needs_adjudication


def test_what_was_not_measured_is_certain() -> None:
    unusable = Baseline(volume_mm3=None, modality=Modality.MR, status=ReadingStatus.NOT_EVALUABLE)
    for baseline, visits in ((BASELINE, []), (unusable, [visit(91, 0.0)])):
        stability = outcome_stability(baseline, visits, RULES)
        assert stability.shares[OutcomeClass.INDETERMINATE] == 1.0
        assert stability.decided_share == 1.0


def test_a_baseline_at_the_limit_of_detection_is_a_toss() -> None:
    baseline = Baseline(volume_mm3=100.0, modality=Modality.MR)
    stability = outcome_stability(baseline, [visit(91, 0.0)], RULES)
    assert stability.shares[OutcomeClass.RESORPTION] == pytest.approx(0.5, abs=0.03)
    assert stability.shares[OutcomeClass.INDETERMINATE] == pytest.approx(0.5, abs=0.03)


def test_the_horizon_limits_the_visits() -> None:
    visits = [visit(91, 1000.0), visit(365, 0.0)]
    assert outcome_stability(BASELINE, visits, RULES).decided is OutcomeClass.RESORPTION
    primary = outcome_stability(BASELINE, visits, RULES, horizon=Horizon.PRIMARY)
    assert primary == outcome_stability(BASELINE, visits[:1], RULES)
    assert primary.decided is OutcomeClass.STABLE


def test_redraws_follow_a_normal_cut_off_at_zero() -> None:
    course = evaluable_course(BASELINE, [visit(30, 60.0), visit(91, 0.0)], RULES)
    assert course is not None
    drawn = redraw_volumes(course, RULES)
    assert drawn.shape == (3, 4000)
    assert drawn.min() >= 0.0
    for row, measured in zip(drawn, (1000.0, 60.0, 0.0), strict=True):
        sigma = sigma_mm3(measured, boundary_k_mm=1.6, floor_mm3=20.0)
        expected = stats.truncnorm(-measured / sigma, np.inf, loc=measured, scale=sigma)
        assert stats.kstest(row, expected.cdf).pvalue > 0.01
    correlations = np.asarray(np.corrcoef(drawn)) - np.eye(3)
    assert np.abs(correlations).max() < 0.05


def test_the_baseline_is_redrawn_with_the_error_of_the_comparison_that_decides() -> None:
    visits = [visit(30, 900.0), visit(91, 900.0, is_same=False)]
    course = evaluable_course(BASELINE, visits, RULES)
    assert course is not None
    drawn = redraw_volumes(course, RULES)
    expected = [
        sigma_mm3(1000.0, boundary_k_mm=2.2, floor_mm3=20.0),
        sigma_mm3(900.0, boundary_k_mm=1.6, floor_mm3=20.0),
        sigma_mm3(900.0, boundary_k_mm=2.2, floor_mm3=20.0),
    ]
    assert drawn.std(axis=1) == pytest.approx(expected, rel=0.04)


def test_outcomes_share_the_errors_of_their_common_visits() -> None:
    short = evaluable_course(BASELINE, [visit(30, 900.0)], RULES)
    long = evaluable_course(BASELINE, [visit(30, 900.0), visit(91, 800.0)], RULES)
    assert short is not None
    assert long is not None
    assert np.array_equal(redraw_volumes(short, RULES), redraw_volumes(long, RULES)[:2])


def test_an_absent_reading_stays_absent_within_its_residue() -> None:
    # Small baseline: beyond 50 mm3 the redrawn remainder would be no resorption any more. A
    # half-normal of 20 mm3 exceeds 50 in 1.2 %; a residue of 50 in about half of the draws.
    baseline = Baseline(volume_mm3=400.0, modality=Modality.MR)
    clean = outcome_stability(baseline, [visit(91, 0.0)], RULES)
    residue = FollowUpVisit(day=91, volume_mm3=50.0, status=ReadingStatus.ABSENT, modality=Modality.MR)
    assert clean.decided_share > 0.98
    assert 0.5 < outcome_stability(baseline, [residue], RULES).decided_share < clean.decided_share

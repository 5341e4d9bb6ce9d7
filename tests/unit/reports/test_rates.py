"""Counts with the uncertainty of sampling and that of measuring."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from herntrack.model.vocabulary import Horizon, OutcomeClass
from herntrack.reports.rates import exact_interval, rate_of, redrawn_range
from tests.unit.reports.fabricated import fabricated_report

LATEST = [row for row in fabricated_report(with_images=False).outcomes if row.horizon is Horizon.LATEST]


@pytest.mark.parametrize(
    ("count", "total", "percent"),
    # As printed in the study that this project follows.
    [
        (0, 15, (0.0, 21.8)),
        (3, 15, (4.3, 48.1)),
        (6, 15, (16.3, 67.7)),
        (12, 15, (51.9, 95.7)),
        (15, 15, (78.2, 100.0)),
        (0, 0, (0.0, 100.0)),
    ],
)
def test_the_exact_interval_is_that_of_clopper_and_pearson(
    count: int, total: int, percent: tuple[float, float]
) -> None:
    assert tuple(round(100 * limit, 1) for limit in exact_interval(count, total)) == percent


def test_certain_lesions_give_one_count() -> None:
    assert redrawn_range([1.0] * 4 + [0.0] * 9) == (4, 4)
    assert redrawn_range([]) == (0, 0)


def test_the_range_is_that_of_a_sum_of_draws() -> None:
    shares = np.array([0.9, 0.8, 0.55, 0.5, 0.3, 0.05])
    draws = (np.random.default_rng(4).random((200_000, 6)) < shares).sum(axis=1)
    assert redrawn_range(shares) == tuple(np.quantile(draws, (0.025, 0.975)).astype(int))


def test_a_rate_counts_every_lesion_once() -> None:
    rates = [rate_of(outcome, LATEST) for outcome in OutcomeClass]
    assert sum(rate.count for rate in rates) == len(LATEST)
    assert {rate.total for rate in rates} == {len(LATEST)}
    for rate in rates:
        assert rate.redrawn is not None
        assert rate.redrawn[0] <= rate.redrawn[1] <= len(LATEST)


def test_without_shares_nothing_is_said_of_redraws() -> None:
    rows = [replace(LATEST[0], share_resorption=None), *LATEST[1:]]
    assert rate_of(OutcomeClass.RESORPTION, rows).redrawn is None
    assert rate_of(OutcomeClass.RESORPTION, []).redrawn is None

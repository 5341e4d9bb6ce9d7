"""Error of a volume, interval of a change, calibration."""

from __future__ import annotations

import math

import numpy as np
import pytest

from herntrack.errors import MeasurementError
from herntrack.volumetrics.error_model import (
    calibrate_boundary_k,
    sigma_array_mm3,
    sigma_mm3,
    smallest_claimable_loss,
    volume_change,
)


@pytest.mark.parametrize(("volume", "sigma"), [(100, 40), (500, 103), (1000, 161), (2000, 255)])
def test_sigma_has_the_published_values(volume: float, sigma: int) -> None:
    assert round(sigma_mm3(volume, boundary_k_mm=1.6, floor_mm3=20.0)) == sigma


def test_sigma_of_nothing_is_the_floor() -> None:
    assert sigma_mm3(0.0, boundary_k_mm=1.6, floor_mm3=20.0) == 20.0


def test_sigma_of_many_uses_the_k_of_each() -> None:
    sigmas = sigma_array_mm3(np.array([1000.0, 1000.0]), boundary_k_mm=np.array([1.6, 2.2]), floor_mm3=20.0)
    assert sigmas == pytest.approx([math.hypot(20, 160), math.hypot(20, 220)])


@pytest.mark.parametrize(
    ("volume", "k", "percent"),
    [(500, 1.6, 48), (1000, 1.6, 39), (2000, 1.6, 32), (500, 2.2, 62), (1000, 2.2, 51), (2000, 2.2, 42)],
)
def test_the_smallest_claimable_loss_has_the_published_values(volume: float, k: float, percent: int) -> None:
    loss = smallest_claimable_loss(volume, boundary_k_mm=k, floor_mm3=20.0)
    assert loss is not None
    assert round(100 * loss) == percent
    change = volume_change(volume, volume * (1 - loss), boundary_k_mm=k, floor_mm3=20.0)
    assert change.z == pytest.approx(1.96, abs=1e-9)


def test_no_loss_can_be_claimed_of_a_baseline_within_its_own_error() -> None:
    assert smallest_claimable_loss(100, boundary_k_mm=2.2, floor_mm3=20.0) is None


def test_a_change_is_told_with_its_error() -> None:
    # sigma(1000) = hypot(20, 160) = 161.245; sigma(500) = hypot(20, 1.6 * 62.996) = 102.757.
    change = volume_change(1000.0, 500.0, boundary_k_mm=1.6, floor_mm3=20.0)
    assert change.change_mm3 == -500.0
    assert change.change_sigma_mm3 == pytest.approx(191.205, abs=1e-3)
    assert change.z == pytest.approx(500 / 191.205, abs=1e-4)
    assert change.change_percent == -50.0


def test_the_interval_of_a_percentage_is_fiellers() -> None:
    # By hand: roots of (500 - R 1000)^2 = 1.96^2 (102.757^2 + R^2 161.245^2).
    change = volume_change(1000.0, 500.0, boundary_k_mm=1.6, floor_mm3=20.0)
    for percent in (change.change_percent_low, change.change_percent_high):
        assert percent is not None
        ratio = 1 + percent / 100
        distance = abs(500 - 1000 * ratio) / math.hypot(102.7573, ratio * 161.2452)
        assert distance == pytest.approx(1.96, abs=1e-4)


def test_the_interval_covers_19_of_20_repeats() -> None:
    # Coverage of the true ratio under the model's own errors, fixed seed; 5 000 repeats have a
    # standard error of 0.3 %.
    rng = np.random.default_rng(7)
    true = np.array([1000.0, 600.0])
    sigma = sigma_array_mm3(true, boundary_k_mm=1.6, floor_mm3=20.0)
    drawn = np.clip(rng.normal(true, sigma, size=(5000, 2)), 0, None)
    n_covered = 0
    for first, second in drawn:
        change = volume_change(first, second, boundary_k_mm=1.6, floor_mm3=20.0)
        assert change.change_percent_low is not None
        high = math.inf if change.change_percent_high is None else change.change_percent_high
        n_covered += change.change_percent_low <= -40.0 <= high
    assert n_covered / len(drawn) == pytest.approx(0.95, abs=0.015)


def test_no_loss_exceeds_100_percent() -> None:
    change = volume_change(150.0, 0.0, boundary_k_mm=1.6, floor_mm3=20.0)
    assert change.change_percent == -100.0
    assert change.change_percent_low == -100.0
    assert change.change_percent_high is not None
    assert -100.0 < change.change_percent_high < 0.0


def test_a_baseline_within_its_error_has_no_upper_limit() -> None:
    change = volume_change(100.0, 100.0, boundary_k_mm=2.2, floor_mm3=20.0)
    assert change.change_percent == 0.0
    assert (change.change_percent_low, change.change_percent_high) == (-100.0, None)


def test_nothing_has_no_percentage() -> None:
    change = volume_change(0.0, 80.0, boundary_k_mm=1.6, floor_mm3=20.0)
    assert change.change_mm3 == 80.0
    assert (change.change_percent, change.change_percent_low, change.change_percent_high) == (
        None,
        None,
        None,
    )


@pytest.mark.parametrize("volume", [-1.0, math.nan, math.inf])
def test_an_impossible_volume_is_refused(volume: float) -> None:
    with pytest.raises(MeasurementError, match="mm3 is no volume; it must be finite and not negative"):
        sigma_mm3(volume, boundary_k_mm=1.6, floor_mm3=20.0)


@pytest.mark.parametrize(("k", "floor"), [(0.0, 20.0), (1.6, 0.0), (math.nan, 20.0)])
def test_an_error_model_without_error_is_refused(k: float, floor: float) -> None:
    with pytest.raises(MeasurementError, match="an error model has k > 0 mm and a floor > 0 mm3"):
        sigma_mm3(100.0, boundary_k_mm=k, floor_mm3=floor)


def test_calibration_follows_its_formula() -> None:
    # Each pair: (1000 - 900)^2 / (2 * 950^(4/3)) = 0.53539; the 5 % quantile of chi-square with
    # 20 degrees of freedom is 10.8508 (tables).
    result = calibrate_boundary_k([(1000.0, 900.0), (900.0, 1000.0)] * 10)
    assert result.n_pairs == 20
    assert result.k_hat_mm == pytest.approx(math.sqrt(100**2 / (2 * 950 ** (4 / 3))), rel=1e-12)
    assert result.k_upper_mm == pytest.approx(result.k_hat_mm * math.sqrt(20 / 10.8508), rel=1e-5)


def test_calibration_finds_the_k_that_made_the_readings() -> None:
    rng = np.random.default_rng(11)
    true = rng.uniform(300, 2000, size=4000)
    sigma = 1.6 * true ** (2 / 3)
    pairs = np.stack([rng.normal(true, sigma), rng.normal(true, sigma)], axis=1)
    usable = pairs[(pairs > 0).all(axis=1)]
    assert calibrate_boundary_k(usable).k_hat_mm == pytest.approx(1.6, rel=0.05)


def test_the_upper_bound_holds_19_times_of_20() -> None:
    rng = np.random.default_rng(5)
    n_above = 0
    for _ in range(400):
        pairs = rng.normal(2000.0, 1.0 * 2000.0 ** (2 / 3), size=(20, 2))
        n_above += calibrate_boundary_k(pairs).k_upper_mm >= 1.0
    # 400 repeats of 95 %: standard error 1.1 %.
    assert n_above / 400 == pytest.approx(0.95, abs=0.035)


def test_nineteen_pairs_are_too_few() -> None:
    with pytest.raises(MeasurementError, match=r"19 repeat readings are too few .* make at least 20"):
        calibrate_boundary_k([(500.0, 510.0)] * 19)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_an_impossible_repeat_reading_is_refused(value: float) -> None:
    with pytest.raises(MeasurementError, match="a repeat reading is negative or not finite"):
        calibrate_boundary_k([(500.0, 510.0)] * 20 + [(500.0, value)])


def test_a_lesion_absent_twice_does_not_calibrate() -> None:
    with pytest.raises(MeasurementError, match="both volumes of pair 21 are 0 mm3"):
        calibrate_boundary_k([(500.0, 510.0)] * 20 + [(0.0, 0.0)])


def test_readings_that_are_no_pairs_are_refused() -> None:
    with pytest.raises(MeasurementError, match=r"pairs of volumes, shape \(n, 2\), not \(3,\)"):
        calibrate_boundary_k([1.0, 2.0, 3.0])

"""Error and interval of any two volumes."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from herntrack.volumetrics.error_model import (
    Z_95_TWO_SIDED,
    sigma_mm3,
    smallest_claimable_loss,
    volume_change,
)

volumes = st.floats(0.0, 20_000.0)
some_volumes = st.floats(1.0, 20_000.0)
ks = st.floats(0.1, 5.0)
floors = st.floats(1.0, 100.0)


@given(volumes, volumes, ks, floors)
def test_a_larger_volume_has_no_smaller_error(first: float, second: float, k: float, floor: float) -> None:
    small, large = sorted([first, second])
    assert sigma_mm3(small, boundary_k_mm=k, floor_mm3=floor) <= sigma_mm3(
        large, boundary_k_mm=k, floor_mm3=floor
    )


@given(some_volumes, volumes, ks, floors)
def test_the_interval_holds_the_change_and_ends_at_minus_100(
    v0: float, vt: float, k: float, floor: float
) -> None:
    change = volume_change(v0, vt, boundary_k_mm=k, floor_mm3=floor)
    assert change.change_percent is not None
    assert change.change_percent_low is not None
    assert -100.0 <= change.change_percent_low <= change.change_percent
    if change.change_percent_high is not None:
        assert change.change_percent <= change.change_percent_high


@given(some_volumes, volumes, ks, floors)
def test_the_interval_leaves_out_0_exactly_when_the_change_is_beyond_error(
    v0: float, vt: float, k: float, floor: float
) -> None:
    change = volume_change(v0, vt, boundary_k_mm=k, floor_mm3=floor)
    low, high = change.change_percent_low, change.change_percent_high
    assume(low is not None and high is not None)
    assume(abs(abs(change.z) - Z_95_TWO_SIDED) > 1e-6)
    assert low is not None
    assert high is not None
    assert (low > 0 or high < 0) is (abs(change.z) > Z_95_TWO_SIDED)


@given(volumes, volumes, ks, floors)
def test_exchanging_the_volumes_turns_the_change_round(v0: float, vt: float, k: float, floor: float) -> None:
    there = volume_change(v0, vt, boundary_k_mm=k, floor_mm3=floor)
    back = volume_change(vt, v0, boundary_k_mm=k, floor_mm3=floor)
    assert (there.change_mm3, there.z) == (-back.change_mm3, -back.z)
    assert there.change_sigma_mm3 == back.change_sigma_mm3


@given(some_volumes, some_volumes)
def test_a_larger_lesion_needs_a_smaller_loss(first: float, second: float) -> None:
    small, large = sorted([first, second])
    of_small = smallest_claimable_loss(small, boundary_k_mm=1.6, floor_mm3=20.0)
    of_large = smallest_claimable_loss(large, boundary_k_mm=1.6, floor_mm3=20.0)
    if of_small is not None:
        assert of_large is not None
        assert of_large <= of_small + 1e-9

"""The stated interval of a volume holds the truth in at least 95 % of simulated readings."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.segmentation.simulated_readings import (
    PLANES,
    SPACINGS_MM,
    PlaneError,
    Reading,
    grid_around,
    seen_fraction,
    shape_of,
    simulated_reading,
    some_templates,
)

N_FRAGMENTS = 200
STATED = 0.95


@pytest.fixture(scope="module")
def readings() -> list[Reading]:
    rng = np.random.default_rng(2)
    templates = some_templates(7)
    return [simulated_reading(rng, templates) for _ in range(N_FRAGMENTS)]


def test_the_fragments_are_of_every_size_spacing_and_plane(readings: list[Reading]) -> None:
    sizes = np.histogram([each.true_mm3 for each in readings], [50, 200, 500, 1000, 3000])[0]
    assert sizes.min() >= 20
    assert {(each.plane, each.spacing_mm) for each in readings} == {
        (plane, spacing) for plane in PLANES for spacing in SPACINGS_MM
    }


def test_the_stated_interval_covers_the_truth(readings: list[Reading]) -> None:
    assert np.mean([each.is_covered for each in readings]) >= STATED


def test_readers_err_enough_for_that_to_mean_something(readings: list[Reading]) -> None:
    errors = np.array([(each.read_mm3 - each.true_mm3) / each.sigma_mm3 for each in readings])
    # An interval half as wide would not do, so neither the reader nor the error model is idle.
    assert np.mean(np.abs(errors) <= 0.98) < STATED
    assert abs(errors.mean()) < 0.3


def test_without_a_reader_s_error_the_simulation_gives_the_true_volume() -> None:
    rng = np.random.default_rng(4)
    fragment, truth = shape_of(rng, some_templates(7, 1))
    geometry = grid_around(fragment, rng, "axial", 3.0)
    seen = seen_fraction(fragment, geometry, PlaneError(depth_mm=0.0, slope=0.0))
    assert float(seen.sum()) * geometry.voxel_volume_mm3 == pytest.approx(truth, rel=0.04)
    in_front = seen_fraction(fragment, geometry, PlaneError(depth_mm=-1.0, slope=0.0))
    behind = seen_fraction(fragment, geometry, PlaneError(depth_mm=1.0, slope=0.0))
    assert in_front.sum() >= seen.sum() >= behind.sum()
    assert in_front.sum() > behind.sum()

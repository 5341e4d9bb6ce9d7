"""What was learnt, and what it is asked with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from herntrack.imaging.volume import Volume
from herntrack.segmentation.crop import Crop, crop_around
from herntrack.segmentation.features import (
    N_CONTEXT,
    N_FEATURES,
    FirstLook,
    context_features,
    signed_mm,
    voxel_features,
)
from herntrack.segmentation.first_look import Constraints, first_look
from herntrack.segmentation.learnt import LOG_ODDS_LIMIT, expected_dice, fragment_log_odds, networks
from tests.unit.segmentation.scenes import canal, dice

CLICK = np.array([[0.0, 5.5, 0.0]])


def look_at(volume: Volume, background_lps: list[list[float]] | None = None) -> tuple[Crop, FirstLook]:
    crop = crop_around(volume, CLICK)
    centres = crop.index_of(CLICK)
    constraints = Constraints(
        centres_zyx=centres,
        allowed=np.ones(crop.values.shape, dtype=bool),
        discount=np.zeros(crop.values.shape),
        up_lps=np.array([0.0, 0.0, 1.0]),
    )
    if background_lps is not None:
        constraints = replace(constraints, background_zyx=crop.index_of(np.array(background_lps)))
    return crop, first_look(crop, constraints, learn_from_zyx=centres)


def test_the_weights_fit_the_features() -> None:
    _, look = look_at(canal()[0])
    features = voxel_features(look)
    context = context_features(look, look.part.astype(float))
    assert features.shape == (N_FEATURES, *look.part.shape)
    assert context.shape == (N_CONTEXT, *look.part.shape)
    assert [len(layers[0][0]) for layers in networks()] == [N_FEATURES, N_FEATURES + N_CONTEXT]
    assert np.isfinite(features).all()
    assert np.isfinite(context).all()


def test_features_do_not_depend_on_the_units_of_intensities() -> None:
    volume, _ = canal()
    scaled = Volume(values=volume.values * np.float32(0.25), geometry=volume.geometry)
    one, other = (voxel_features(look_at(each)[1]) for each in (volume, scaled))
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_the_likely_voxels_are_the_fragment() -> None:
    volume, mask = canal()
    crop, look = look_at(volume)
    odds = fragment_log_odds(look)
    assert np.abs(odds).max() <= LOG_ODDS_LIMIT
    assert dice(odds > 0, mask[crop.box]) > 0.85
    far = np.linalg.norm(crop.points_lps() - CLICK[0], axis=-1) > 20
    assert (odds[far] == -LOG_ODDS_LIMIT).all()


def test_a_background_point_is_told_by_its_distance_and_its_looks() -> None:
    volume, _ = canal()
    crop, without = look_at(volume)
    _, look = look_at(volume, [[0.0, 5.5, 10.0]])
    distance, alike, is_there = np.argwhere(
        (voxel_features(look) != voxel_features(without)).any(axis=(1, 2, 3))
    ).ravel()
    features = voxel_features(look)
    away = np.linalg.norm(crop.points_lps() - [0.0, 5.5, 10.0], axis=-1)
    np.testing.assert_allclose(features[distance], np.maximum(12 - away, 0), atol=0.6)
    assert np.median(features[alike][look.part]) == pytest.approx(0.0, abs=0.1)
    assert features[alike][away < 2].mean() == pytest.approx(1.0, abs=0.1)
    assert (features[is_there] == 1).all()


def test_the_expected_overlap_is_that_of_the_odds() -> None:
    odds = np.array([np.log(3.0), np.log(3.0), -np.log(3.0), -50.0])
    part = np.array([True, True, False, False])
    assert expected_dice(odds, part) == pytest.approx(2 * 1.5 / (2 + 1.75))
    assert expected_dice(np.full(4, 40.0), np.ones(4, dtype=bool)) == pytest.approx(1.0)


def test_depth_is_counted_in_millimetres_from_the_edge() -> None:
    crop, _ = look_at(canal()[0])
    mask = np.zeros(crop.values.shape, dtype=bool)
    mask[4, 20:31, 20:31] = True
    depth = signed_mm(mask, crop)
    assert depth[4, 25, 25] == pytest.approx(6 * 0.8)
    assert depth[4, 25, 33] == pytest.approx(-3 * 0.8)
    assert (depth[3] == -12).all()

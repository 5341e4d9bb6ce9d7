"""A click in the air is refused, one in an improbable tissue is named, one in a fragment is neither."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from herntrack.errors import GeometryError
from herntrack.imaging.volume import Volume
from herntrack.model.sentences import Sentence
from herntrack.segmentation.click_tissue import refuse_air, tissue_guards
from herntrack.segmentation.crop import crop_around
from herntrack.segmentation.guards import Guard
from herntrack.segmentation.one_click import segment_from_points
from tests.unit.segmentation.scenes import canal, sagittal_grid
from tests.unit.segmentation.test_stored_implants import implants

FRAGMENT, FLUID, VERTEBRA, AIR = (0.0, 5.5, 0.0), (0.0, 11.0, 10.0), (0.0, -18.0, 20.0), (0.0, 34.0, 0.0)
EVERY = 9
"""One in so many positions of a fragment is clicked."""


def scene(*, noise: float = 8.0) -> Volume:
    """Return the canal with its back to the air."""
    volume, _ = canal(noise=noise)
    points = volume.geometry.index_to_lps(np.moveaxis(np.indices(volume.geometry.shape_zyx), 0, -1))
    rng = np.random.default_rng(2)
    air = np.hypot(rng.normal(0, noise, points.shape[:-1]), rng.normal(0, noise, points.shape[:-1]))
    values = np.where(points[..., 1] > 25, air, volume.values).astype(np.float32)
    return Volume(values=values, geometry=volume.geometry)


def hounsfield() -> Volume:
    """Return a fragment of 80 HU in fluid, before bone and behind fat, and the air behind that."""
    geometry = sagittal_grid()
    points = geometry.index_to_lps(np.moveaxis(np.indices(geometry.shape_zyx), 0, -1))
    y, height = points[..., 1], np.abs(points[..., 2])
    values = np.select([y < 0, y < 8, y < 14, y < 25], [600.0, 80.0, 10.0, -100.0], -1000.0)
    values[(y < 0) & (height < 5)] = 90.0
    return Volume(values=values.astype(np.int16), geometry=geometry)


def said(volume: Volume, point: tuple[float, float, float]) -> list[str]:
    """Return the names of what is said of a click."""
    points = np.atleast_2d(point)
    crop = crop_around(volume, points)
    found = tissue_guards(volume, crop, crop.index_of(points))
    return [each.sentence.key for each in found if isinstance(each.sentence, Sentence)]


@pytest.mark.parametrize("noise", [4.0, 8.0, 20.0])
def test_a_click_in_the_air_is_refused_with_what_is_there(noise: float) -> None:
    with pytest.raises(
        GeometryError, match=r"shows no tissue: its intensity is \d+, as of air, and disc-like"
    ):
        segment_from_points(scene(noise=noise), AIR)
    assert segment_from_points(scene(noise=noise), FRAGMENT).mask.any()


def test_a_second_point_in_the_air_is_refused_too() -> None:
    with pytest.raises(GeometryError, match=r"the point \(0.0, 34.0, 0.0\) mm shows no tissue"):
        segment_from_points(scene(), [FRAGMENT, AIR])


def test_a_click_in_the_air_of_a_ct_is_refused_in_its_unit() -> None:
    with pytest.raises(GeometryError, match="is -1000 HU, as of air, and disc-like tissue has 0 to 250 HU"):
        segment_from_points(hounsfield(), AIR)


def test_where_nothing_was_measured_is_no_tissue_either() -> None:
    volume = scene()
    values = np.where(volume.values < 60, 0, volume.values)
    with pytest.raises(GeometryError, match="its intensity is 0, as of air"):
        segment_from_points(Volume(values=values, geometry=volume.geometry), AIR)


@pytest.mark.parametrize(
    ("point", "key"),
    [(FRAGMENT, []), (FLUID, ["click_as_bright"]), (VERTEBRA, ["click_as_large"])],
    ids=["fragment", "fluid", "vertebra"],
)
def test_what_is_unlike_disc_material_is_named(point: tuple[float, float, float], key: list[str]) -> None:
    volume = scene()
    assert said(volume, point) == key
    guards = {each.guard for each in segment_from_points(volume, point).guards}
    assert (Guard.TISSUE in guards) == bool(key)


@pytest.mark.parametrize(
    ("point", "key"),
    [((0.0, 4.0, 0.0), []), (VERTEBRA, ["click_as_bone"]), ((0.0, 20.0, 0.0), ["click_as_fat"])],
    ids=["fragment", "bone", "fat"],
)
def test_ct_numbers_name_bone_and_fat(point: tuple[float, float, float], key: list[str]) -> None:
    assert said(hounsfield(), point) == key


def test_no_position_in_a_true_fragment_is_refused_or_named(shared_dicom: Path) -> None:
    folder = shared_dicom / "lumbar_mr_implanted"
    assert len(json.loads((folder / "truth.json").read_text(encoding="utf-8"))) == 2
    n_clicked = 0
    for each in implants(folder):
        points = each.volume.geometry.index_to_lps(np.argwhere(each.mask)[::EVERY])
        crop = crop_around(each.volume, points)
        refuse_air(each.volume, crop, points)
        assert tissue_guards(each.volume, crop, crop.index_of(points)) == ()
        n_clicked += len(points)
    assert n_clicked > 200

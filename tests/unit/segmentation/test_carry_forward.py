"""The old mask gives the place, the new image the outline."""

from __future__ import annotations

import numpy as np
import pytest

from herntrack.errors import GeometryError, GeometryMismatchError, RemnantInDoubtError
from herntrack.imaging.volume import Volume
from herntrack.model.base_plane import BasePlane
from herntrack.model.geometry import VolumeGeometry
from herntrack.segmentation.carry_evidence import weigh
from herntrack.segmentation.carry_forward import carry_forward
from herntrack.segmentation.carry_place import place_of
from herntrack.segmentation.carry_starts import starts
from herntrack.segmentation.guards import Guard
from tests.unit.segmentation.scenes import FRAGMENT, canal, dice, sagittal_grid

SHIFT = np.array([1.5, 6.0, -9.0])
"""The patient lies elsewhere at the follow-up (mm)."""


def shifted_grid() -> VolumeGeometry:
    grid = sagittal_grid()
    affine = grid.affine_lps.copy()
    affine[:3, 3] += SHIFT
    return VolumeGeometry(affine_lps=affine, shape_zyx=grid.shape_zyx)


def followup(**options: object) -> tuple[Volume, np.ndarray]:
    """Return an image of the same canal, which lies elsewhere and is brighter."""
    volume, mask = canal(gain=1.3, seed=7, **options)  # type: ignore[arg-type]
    return Volume(values=volume.values, geometry=shifted_grid()), mask


def to_baseline() -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, 3] = -SHIFT
    return matrix


@pytest.mark.parametrize("radii_mm", [(8.0, 4.0, 6.0), (6.0, 3.2, 4.2), (10.0, 5.0, 8.0)])
def test_the_new_outline_is_that_of_the_new_image(radii_mm: tuple[float, float, float]) -> None:
    baseline, old = canal(radii_mm=(8.0, 4.0, 6.0))
    volume, new = followup(radii_mm=radii_mm)
    proposal = carry_forward(baseline, old, volume, to_baseline())
    assert dice(proposal.mask, new) > 0.78
    assert "Proposed until accepted" in proposal.reason


def test_a_fragment_that_is_gone_comes_out_empty_and_says_why() -> None:
    baseline, old = canal()
    volume, _ = followup(radii_mm=None)
    proposal = carry_forward(baseline, old, volume, to_baseline())
    assert not proposal.mask.any()
    assert "No fragment was found" in proposal.reason
    assert "expected of the fragment" in proposal.reason
    assert {each.guard for each in proposal.guards} == {Guard.EMPTY}


def test_a_small_remnant_is_found_though_no_whole_window_is_alike() -> None:
    baseline, old = canal()
    volume, new = followup(radii_mm=(2.0, 1.5, 2.0), centre_lps=(0.0, 1.5, 0.0))
    plane = BasePlane.from_corners((0, 0, 6), (0, 0, -6), baseline.geometry)
    assert starts(place_of(baseline, old, volume, to_baseline(), plane)) == []
    proposal = carry_forward(baseline, old, volume, to_baseline())
    assert (proposal.mask & new).any()


@pytest.mark.parametrize(
    ("radii_mm", "centre_lps"), [((2.5, 1.5, 2.5), (0.0, 4.0, 3.0)), ((3.0, 2.0, 3.0), (4.0, 4.0, 3.0))]
)
def test_where_a_small_remnant_is_doubtful_nothing_is_proposed_but_where_to_look(
    radii_mm: tuple[float, float, float], centre_lps: tuple[float, float, float]
) -> None:
    baseline, old = canal()
    volume, new = followup(radii_mm=radii_mm, centre_lps=centre_lps)
    with pytest.raises(RemnantInDoubtError, match="there may be a remnant of up to") as told:
        carry_forward(baseline, old, volume, to_baseline())
    said = told.value.args[0]
    point = [float(each) for each in said.values["point"].split(",")]
    index = tuple(np.rint(volume.geometry.lps_to_index(point)).astype(int))
    assert new[index]
    # What can be clicked is named exactly as the command wants it.
    assert f"--at {said.values['point']})" in str(said)


def test_that_nothing_was_found_is_said_with_what_may_escape() -> None:
    baseline, old = canal()
    proposal = carry_forward(baseline, old, followup(radii_mm=None)[0], to_baseline())
    assert "A remnant of up to 120 mm3 may escape this: look before you accept." in proposal.reason


def test_something_alike_beside_the_old_place_is_not_the_fragment() -> None:
    baseline, old = canal(radii_mm=(8.0, 4.0, 5.0))
    volume, _ = followup(radii_mm=(8.0, 4.0, 5.0), centre_lps=(0.0, 5.5, 9.0))
    proposal = carry_forward(baseline, old, volume, to_baseline())
    assert not proposal.mask.any()


def test_the_base_plane_moves_with_the_patient() -> None:
    baseline, old = canal()
    volume, _ = followup()
    plane = BasePlane.from_corners((0, 0, 6), (0, 0, -6), baseline.geometry)
    proposal = carry_forward(baseline, old, volume, to_baseline(), base_plane=plane)
    assert proposal.base_plane is not None
    np.testing.assert_allclose(proposal.base_plane.point_lps, plane.point_lps + SHIFT)


def test_a_place_that_was_not_imaged_is_an_error_not_an_absence() -> None:
    baseline, old = canal()
    volume, _ = followup()
    matrix = to_baseline()
    matrix[2, 3] -= 300
    with pytest.raises(GeometryError, match="0 % of the baseline fragment's place"):
        carry_forward(baseline, old, volume, matrix)  # type: ignore[arg-type]


def test_an_empty_or_foreign_mask_is_refused() -> None:
    baseline, old = canal()
    with pytest.raises(GeometryError, match="nothing to carry"):
        carry_forward(baseline, np.zeros_like(old), baseline, np.eye(4))
    with pytest.raises(GeometryMismatchError, match="shape"):
        carry_forward(baseline, old[1:], baseline, np.eye(4))


def with_root(volume: Volume, *, y_mm: float, gain: float = 1.0, besides: np.ndarray | None = None) -> Volume:
    """Return an image with a root of the fragment's level that runs along the canal."""
    points = sagittal_grid().index_to_lps(np.moveaxis(np.indices(volume.values.shape), 0, -1))
    root = (np.abs(points[..., 1] - y_mm) < 1.8) & (np.abs(points[..., 0]) < 5)
    if besides is not None:
        root &= ~besides
    values = volume.values.copy()
    noise = np.random.default_rng(3).normal(0, 8, int(root.sum()))
    values[root] = FRAGMENT * gain + noise
    return Volume(values=values, geometry=volume.geometry)


def test_a_root_at_the_place_of_a_fragment_that_is_gone_is_not_taken_for_it() -> None:
    # The root passes through the old place, where the fragment hid it; it is there at both visits.
    baseline, old = canal()
    later, _ = followup(radii_mm=None)
    proposal = carry_forward(
        with_root(baseline, y_mm=7.0, besides=old), old, with_root(later, y_mm=7.0, gain=1.3), to_baseline()
    )
    assert not proposal.mask.any()
    assert "nerve root or ligament" in proposal.reason
    assert "of the canal above and below look the same" in proposal.reason


def test_what_runs_along_the_canal_behind_fluid_is_weighed_less_than_a_remnant() -> None:
    baseline, old = canal()
    plane = BasePlane.from_corners((0, 0, 6), (0, 0, -6), baseline.geometry)
    shrunk, left = followup(radii_mm=(6.0, 3.2, 4.2))
    place = place_of(baseline, old, shrunk, to_baseline(), plane)
    remnant = weigh(place, left[place.crop.box])
    later = with_root(followup(radii_mm=None)[0], y_mm=8.0, gain=1.3)
    place = place_of(baseline, old, later, to_baseline(), plane)
    stretch = (place.distance_mm == 0) & place.alike
    root = weigh(place, stretch)
    assert remnant.log_odds > 3
    assert not any("canal above and below" in each for each in remnant.against)
    assert root.log_odds < 0
    assert any("canal above and below" in each for each in root.against)
    assert any("base plane" in each for each in root.against)


def test_what_looked_like_it_beside_the_baseline_outline_is_not_it_now() -> None:
    # A root touches the fragment from behind at both visits; the reader left it out.
    baseline, old = canal()
    later, new = followup()
    before = with_root(baseline, y_mm=11.0, besides=old)
    after = with_root(later, y_mm=11.0, gain=1.3, besides=new)
    place = place_of(before, old, after, to_baseline(), None)
    points = sagittal_grid().index_to_lps(np.moveaxis(np.indices(after.values.shape), 0, -1))[place.crop.box]
    behind = place.alike & (points[..., 1] > 11.0) & (place.distance_mm > 2) & (np.abs(points[..., 0]) < 3)
    fluid = (place.distance_mm == 0) | (~place.alike & (place.distance_mm < 3))
    assert behind.sum() > 20
    assert place.discount[behind].min() > 1
    assert np.median(place.discount[fluid]) == 0
    assert dice(carry_forward(before, old, after, to_baseline()).mask, new) > 0.82


def test_starts_lie_apart_and_in_what_looks_like_the_fragment() -> None:
    baseline, old = canal(radii_mm=(8.0, 4.0, 9.0))
    volume, _ = followup(radii_mm=(8.0, 4.0, 9.0))
    place = place_of(baseline, old, volume, to_baseline(), None)
    found = np.array(starts(place))
    assert 2 <= len(found) <= 4
    steps = np.linalg.norm((found[:, None] - found[None]) * place.crop.spacing_zyx, axis=-1)
    assert steps[~np.eye(len(found), dtype=bool)].min() >= 5
    assert place.alike[tuple(found.astype(int).T)].all()

"""From points to a mask."""

from __future__ import annotations

import numpy as np
import pytest

from herntrack.errors import GeometryError
from herntrack.imaging.volume import Volume
from herntrack.model.base_plane import BasePlane
from herntrack.segmentation.guards import Guard
from herntrack.segmentation.one_click import segment_from_points
from herntrack.segmentation.wall import PlaneSource
from tests.unit.segmentation.scenes import canal, dice, sagittal_grid

CLICK = (0.0, 5.5, 0.0)


@pytest.mark.parametrize("radii_mm", [(8.0, 4.0, 6.0), (6.0, 5.0, 9.0), (12.0, 4.5, 5.0)])
def test_one_click_outlines_a_fragment(radii_mm: tuple[float, float, float]) -> None:
    volume, mask = canal(radii_mm=radii_mm)
    proposal = segment_from_points(volume, CLICK)
    assert dice(proposal.mask, mask) > 0.85
    assert proposal.evidence.plane_source is PlaneSource.CORNERS
    assert Guard.PLANE_PROPOSED in {warning.guard for warning in proposal.guards}


def test_intensities_in_another_unit_give_the_same_mask() -> None:
    volume, _ = canal(noise=6.0)
    scaled = Volume(values=volume.values * np.float32(0.125), geometry=volume.geometry)
    one, other = (segment_from_points(each, CLICK).mask for each in (volume, scaled))
    assert dice(one, other) > 0.99


def test_nothing_is_in_front_of_the_base_plane() -> None:
    volume, _ = canal()
    plane = BasePlane.from_corners((0, 3.0, 6), (0, 3.0, -6), volume.geometry)
    proposal = segment_from_points(volume, CLICK, base_plane=plane)
    assert proposal.base_plane == plane
    assert proposal.evidence.plane_source is PlaneSource.GIVEN
    assert plane.depth_mm(volume.geometry.index_to_lps(np.argwhere(proposal.mask))).min() > 0


def test_a_background_point_stays_outside_with_what_lies_behind_it() -> None:
    volume, _ = canal(radii_mm=(8.0, 4.0, 10.0))
    before = segment_from_points(volume, CLICK).mask
    after = segment_from_points(volume, CLICK, (0.0, 5.5, 5.0)).mask
    index = tuple(np.rint(volume.geometry.lps_to_index((0.0, 5.5, 5.0))).astype(int))
    beyond = tuple(np.rint(volume.geometry.lps_to_index((0.0, 5.5, 7.5))).astype(int))
    assert before[index]
    assert before[beyond]
    assert not after[index]
    assert not after[beyond]


def test_a_second_point_adds_a_separate_part() -> None:
    volume, first = canal(radii_mm=(5.0, 3.5, 4.0), centre_lps=(0, 5.5, -8))
    other, second = canal(radii_mm=(5.0, 3.5, 4.0), centre_lps=(0, 5.5, 8))
    both = Volume(values=np.minimum(volume.values, other.values), geometry=volume.geometry)
    alone = segment_from_points(both, (0, 5.5, -8)).mask
    together = segment_from_points(both, [(0, 5.5, -8), (0, 5.5, 8)]).mask
    assert not (alone & second).any()
    assert dice(together, first | second) > 0.8


def test_the_mask_is_star_shaped_about_the_click() -> None:
    volume, _ = canal(noise=40.0)
    mask = segment_from_points(volume, CLICK).mask
    centre = np.rint(volume.geometry.lps_to_index(CLICK)).astype(int)
    for row, column in np.argwhere(mask[centre[0]]):
        steps = max(abs(row - centre[1]), abs(column - centre[2]), 1)
        line = np.rint(np.linspace((row, column), centre[1:], steps + 1)).astype(int)
        assert mask[centre[0]][tuple(line.T)].mean() > 0.8


@pytest.mark.parametrize(
    ("points", "message"),
    [([], "no point"), ((0, 500, 0), "outside the stack"), ((0, 1), "triples"), ((0, np.nan, 1), "finite")],
)
def test_unusable_points_are_refused(points: object, message: str) -> None:
    volume, _ = canal()
    with pytest.raises(GeometryError, match=message):
        segment_from_points(volume, points)  # type: ignore[arg-type]


def test_a_point_in_front_of_a_given_plane_is_refused() -> None:
    volume, _ = canal()
    plane = BasePlane.from_corners((0, 8.0, 6), (0, 8.0, -6), sagittal_grid())
    with pytest.raises(GeometryError, match=r"2\.5 mm in front of the base plane"):
        segment_from_points(volume, CLICK, base_plane=plane)

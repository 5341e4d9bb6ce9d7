"""Planes between disc and canal."""

from __future__ import annotations

import json

import numpy as np
import pytest

from herntrack.errors import GeometryError
from herntrack.imaging.volume import Volume
from herntrack.model.base_plane import BasePlane, body_axes
from herntrack.segmentation.wall import PlaneSource, propose_base_plane
from tests.unit.segmentation.scenes import WALL_Y, canal, sagittal_grid


def plane() -> BasePlane:
    return BasePlane.from_corners((0, 1, 6), (0, 0, -6), sagittal_grid())


def test_depth_is_positive_towards_the_canal() -> None:
    assert plane().depth_mm(np.array([[0, 10.5, 0]]))[0] == pytest.approx(10 * 12 / np.hypot(12, 1))
    assert plane().depth_mm(np.array([[7, 0.5, 0]]))[0] == pytest.approx(0)
    assert plane().depth_mm(np.array([[0, -3, 0]]))[0] < 0


def test_both_corners_lie_in_the_plane_and_it_is_level_from_left_to_right() -> None:
    np.testing.assert_allclose(plane().depth_mm(np.array(plane().corners_lps)), 0, atol=1e-12)
    assert plane().normal_lps[0] == pytest.approx(0)


def test_a_moved_plane_keeps_the_distance_of_moved_points() -> None:
    angle = np.radians(20)
    matrix = np.eye(4)
    matrix[:3, :3] = [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    matrix[:3, 3] = [3, -7, 11]
    points = np.random.default_rng(0).normal(0, 20, (20, 3))
    moved = points @ matrix[:3, :3].T + matrix[:3, 3]
    np.testing.assert_allclose(plane().moved(matrix).depth_mm(moved), plane().depth_mm(points), atol=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_a_plane_comes_back_from_json_to_the_bit(seed: int) -> None:
    upper, lower = np.random.default_rng(seed).normal((0, 0, 0), 9, (2, 3))
    made = BasePlane.from_corners(upper, lower, sagittal_grid())
    assert BasePlane.from_dict(json.loads(json.dumps(made.as_dict()))) == made


def test_what_is_no_plane_is_refused() -> None:
    with pytest.raises(GeometryError, match="written as corners_lps"):
        BasePlane.from_dict({"corners_lps": [[0, 0, 0], [0, 0, 9]]})
    with pytest.raises(GeometryError, match="two corners and a normal"):
        BasePlane.from_dict({"corners_lps": [[0, 0, 0], [0, 0, 9]], "normal_lps": [0, float("nan"), 0]})


def test_corners_at_one_place_are_refused() -> None:
    with pytest.raises(GeometryError, match=r"0\.50 mm apart, at least 2"):
        BasePlane(corners_lps=((0, 0, 0), (0, 0, 0.5)), normal_lps=(0, 1, 0))


def test_the_axes_of_an_axial_stack_are_those_of_the_body() -> None:
    from herntrack.model.geometry import VolumeGeometry

    axial = VolumeGeometry.from_dicom(
        [1, 0, 0, 0, 1, 0], [0, 0, 0], slice_step_lps=[0, 0, -4], pixel_spacing=(1, 1), shape_zyx=(3, 4, 5)
    )
    for geometry in (axial, sagittal_grid()):
        np.testing.assert_allclose(np.stack(body_axes(geometry)), np.eye(3), atol=1e-12)


@pytest.mark.parametrize("noise", [4.0, 25.0])
def test_the_proposed_plane_lies_at_the_wall_and_its_corners_at_the_disc(noise: float) -> None:
    volume, _ = canal(noise=noise)
    proposal = propose_base_plane(volume, (0, 5.5, 1.0))
    assert proposal is not None
    assert proposal.source is PlaneSource.CORNERS
    upper, lower = np.array(proposal.plane.corners_lps)
    assert upper[1] == pytest.approx(WALL_Y, abs=0.8)
    assert lower[1] == pytest.approx(WALL_Y, abs=0.8)
    assert upper[2] == pytest.approx(5.5, abs=1.5)
    assert lower[2] == pytest.approx(-5.5, abs=1.5)


def test_where_bone_and_disc_look_alike_the_wall_alone_is_proposed() -> None:
    volume, _ = canal(noise=2.0)
    values = volume.values.copy()
    values[:, :, :48] = 300.0
    proposal = propose_base_plane(Volume(values=values, geometry=volume.geometry), (0, 5.5, 0))
    assert proposal is not None
    assert proposal.source is PlaneSource.WALL
    np.testing.assert_allclose(np.array(proposal.plane.corners_lps)[:, 1], WALL_Y, atol=0.8)


def test_a_click_at_the_edge_of_a_stack_has_no_plane() -> None:
    volume, _ = canal()
    assert propose_base_plane(volume, (0, 5.5, 300.0)) is None

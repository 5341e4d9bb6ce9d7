from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from herntrack.errors import GeometryError
from herntrack.model.vocabulary import HerniationType, Level
from herntrack.phantoms.anatomy import Anatomy
from herntrack.phantoms.herniation import Herniation, build_herniation, integrated_volume

PROTRUSION, EXTRUSION = HerniationType.PROTRUSION, HerniationType.EXTRUSION
SEQUESTER = HerniationType.SEQUESTRATION


def made(anatomy: Anatomy, kind: HerniationType, volume: float, *, level: Level = Level.L5_S1) -> Herniation:
    migration = {PROTRUSION: 0.0, EXTRUSION: -6.0, SEQUESTER: -15.5}[kind]
    return build_herniation(
        anatomy, level, kind, volume_mm3=volume, side_offset_mm=3.0, migration_mm=migration, seed=4
    )


def grid(herniation: Herniation, step: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    """Return points of a box around a fragment and which of them are inside."""
    low, high = herniation.bounds_lps()
    axes = [np.arange(a, b, step) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return points, herniation.contains(points)


def width_at_depth(herniation: Herniation, low: float, high: float) -> float:
    """Return the left-right width of the fragment between two depths behind the base plane (mm)."""
    points, inside = grid(herniation)
    plane = herniation.plane
    behind = (points - plane.centre_lps) @ plane.back_lps
    layer = points[inside & (behind >= low) & (behind < high)]
    return float(np.ptp(layer[:, 0]))


@pytest.mark.parametrize("kind", [PROTRUSION, EXTRUSION, SEQUESTER])
@pytest.mark.parametrize("volume", [200.0, 900.0, 1300.0])
def test_volume_is_the_wanted_one_and_does_not_depend_on_the_step(
    anatomy: Anatomy, kind: HerniationType, volume: float
) -> None:
    herniation = made(anatomy, kind, volume)
    assert integrated_volume(herniation) == pytest.approx(volume, rel=0.01)
    assert integrated_volume(herniation, step_mm=0.17) == pytest.approx(
        integrated_volume(herniation), rel=0.005
    )


def test_base_of_a_protrusion_is_wider_than_its_dome(anatomy: Anatomy) -> None:
    herniation = made(anatomy, PROTRUSION, 900.0)
    points, inside = grid(herniation)
    deepest = ((points[inside] - herniation.plane.centre_lps) @ herniation.plane.back_lps).max()
    base = width_at_depth(herniation, 0.3, 1.2)
    dome = width_at_depth(herniation, 0.6 * deepest, 0.7 * deepest)
    assert base > 1.15 * dome


def test_dome_of_an_extrusion_is_wider_than_its_neck(anatomy: Anatomy) -> None:
    herniation = made(anatomy, EXTRUSION, 1200.0)
    plane = herniation.plane
    points, inside = grid(herniation)
    height = (points - plane.centre_lps) @ plane.up_lps
    at_disc = points[inside & (np.abs(height) < 3.0)]
    neck = at_disc[((at_disc - plane.centre_lps) @ plane.back_lps) < 1.0]
    assert np.ptp(points[inside][:, 0]) > 1.2 * np.ptp(neck[:, 0])
    assert height[inside].min() < -10.0


def test_a_sequester_is_one_piece_that_does_not_reach_the_disc(anatomy: Anatomy) -> None:
    herniation = made(anatomy, SEQUESTER, 900.0)
    points, inside = grid(herniation)
    assert ndimage.label(inside)[1] == 1
    lower_corner = herniation.plane.corners_lps[1]
    height = (points[inside] - lower_corner) @ herniation.plane.up_lps
    depth = (points[inside] - herniation.plane.centre_lps) @ herniation.plane.back_lps
    # Wherever it comes near the height of the disc it is well behind the disc's back edge.
    assert (depth[height > -1.0] > 1.5).all()
    extrusion_points, extrusion = grid(made(anatomy, EXTRUSION, 900.0))
    at_base = (extrusion_points - herniation.plane.centre_lps) @ herniation.plane.back_lps < 0.5
    assert (extrusion & at_base).any()


@pytest.mark.parametrize("kind", [PROTRUSION, EXTRUSION, SEQUESTER])
def test_nothing_lies_in_front_of_the_base_plane(anatomy: Anatomy, kind: HerniationType) -> None:
    herniation = made(anatomy, kind, 800.0)
    points, inside = grid(herniation)
    assert ((points[inside] - herniation.plane.centre_lps) @ herniation.plane.back_lps).min() >= 0


def test_a_volume_that_no_size_has_is_refused(anatomy: Anatomy) -> None:
    with pytest.raises(GeometryError, match="no sequestration of 90000 mm3 fits at L5-S1"):
        made(anatomy, SEQUESTER, 90_000.0)


def test_a_bulge_has_no_shape(anatomy: Anatomy) -> None:
    with pytest.raises(GeometryError, match="no shape for a bulge"):
        build_herniation(
            anatomy,
            Level.L4_L5,
            HerniationType.BULGE,
            volume_mm3=500.0,
            side_offset_mm=0.0,
            migration_mm=0.0,
            seed=1,
        )

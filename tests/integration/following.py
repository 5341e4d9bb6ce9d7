"""Workspaces in which follow-ups are aligned and outlined, and how masks are compared."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from herntrack._typing import MaskZYX
from herntrack.readings.store import ReadingStore
from herntrack.workflows.reading.mask_import import read_mask
from herntrack.workflows.reading_masks import reading_mask
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace, open_workspace
from tests.integration.command import Herntrack


def dice(one: MaskZYX, other: MaskZYX) -> float:
    """Return how far two masks agree, 0 to 1."""
    both = int(np.count_nonzero(one & other))
    return 2.0 * both / max(int(np.count_nonzero(one)) + int(np.count_nonzero(other)), 1)


def at(point: Any) -> str:
    """Return a point as the command line takes it."""
    return ",".join(f"{value:.3f}" for value in point)


@dataclass(frozen=True)
class Study:
    """A workspace with one lesion per followed patient and the truth about it."""

    run: Herntrack
    truth: dict[str, Any]
    lesions: dict[str, str]

    @property
    def workspace(self) -> Workspace:
        """The workspace."""
        return open_workspace(self.run.folder)

    def stack(self, series_uid: str) -> str:
        """Return the one stack of a series."""
        (row,) = [row for row in self.run.json("list", "stacks") if row["series_instance_uid"] == series_uid]
        return str(row["stack_uid"])

    def mask_in(self, file: Path, stack_uid: str) -> MaskZYX:
        """Return the mask that a file holds, on a stack's grid."""
        with catalogue_of(self.workspace) as catalogue:
            return read_mask(catalogue.images, file, catalogue.images.stack(stack_uid).stack, labels=()).mask

    def mask_of(self, reading_uid: str) -> MaskZYX:
        """Return the mask of a reading."""
        with catalogue_of(self.workspace) as catalogue:
            return reading_mask(catalogue, self.workspace, catalogue.followup.reading(reading_uid))[0]

    def readings(self, lesion_uid: str) -> list[Any]:
        """Return the readings of a lesion as the store has them."""
        store = ReadingStore(self.workspace.readings_folder)
        return [reading for reading in store.readings() if reading.lesion_uid == lesion_uid]


def sample_study(folder: Path, sample: Path, patients: tuple[str, ...]) -> Study:
    """Return a workspace of some patients of the sample cohort, none of them read."""
    run = Herntrack(folder)
    run("init", ".")
    run(
        "ingest",
        *(sample / "dicom" / patient for patient in patients),
        code=0 if "S-001" not in patients else 3,
    )
    truth = {
        patient["patient_id"]: patient
        for patient in json.loads((sample / "truth.json").read_text())["patients"]
        if patient["patient_id"] in patients
    }
    lesions = {
        patient: run(
            "lesion", "add", "--patient", patient, "--level", each["lesions"][0]["level"]
        ).stdout.strip()
        for patient, each in truth.items()
    }
    return Study(run=run, truth=truth, lesions=lesions)

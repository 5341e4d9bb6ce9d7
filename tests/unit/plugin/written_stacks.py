"""A small workspace with two oblique MR stacks, one of them with a slice missing, and one of CT."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.uid import CTImageStorage

from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.listings.listing import Listing, Row, list_rows
from herntrack.workflows.workspace import Workspace, create_workspace
from tests.factories import ROOT, make_dataset, write

PATIENT_ID = "P-07"
PATIENT_NAME = "Fictional^Person"
STEP_MM = 4.4
CT_STEP_MM = 2.0
PIXEL_SPACING = (0.7, 0.6)
SHAPE = (5, 16, 12)
"""Not square and not equally spaced, so that exchanged axes are seen."""

ROW_DIRECTION = np.array([1.0, 0.0, 0.0])
COLUMN_DIRECTION = np.array([0.0, np.cos(np.radians(25)), np.sin(np.radians(25))])
NORMAL = np.cross(ROW_DIRECTION, COLUMN_DIRECTION)
FIRST_POSITION = np.array([-20.0, -30.0, 40.0])

REGULAR, WITH_A_HOLE, CT = "T2 AX L5-S1", "T1 AX L5-S1", "CT AX"
"""Descriptions of the three series."""


def stored_values() -> npt.NDArray[np.uint16]:
    """Return what is stored as pixels: every voxel another value."""
    return np.arange(np.prod(SHAPE), dtype=np.uint16).reshape(SHAPE)


def expected_affine_lps() -> npt.NDArray[np.float64]:
    """Return the affine by the pixel-to-patient equation (DICOM PS3.3 C.7.6.2.1.1)."""
    affine = np.eye(4)
    affine[:3, 0] = NORMAL * STEP_MM
    affine[:3, 1] = COLUMN_DIRECTION * PIXEL_SPACING[0]
    affine[:3, 2] = ROW_DIRECTION * PIXEL_SPACING[1]
    affine[:3, 3] = FIRST_POSITION
    return affine


def write_stack(
    folder: Path,
    *,
    number: int,
    description: str,
    step_mm: float = STEP_MM,
    leave_out: int = -1,
    **values: object,
) -> None:
    """Write the slices of a stack, last slice first, as one file each."""
    for index in reversed(range(SHAPE[0])):
        if index == leave_out:
            continue
        position = FIRST_POSITION + index * step_mm * NORMAL
        attributes: dict[str, object] = {
            "PatientID": PATIENT_ID,
            "PatientName": PATIENT_NAME,
            "SeriesNumber": number,
            "SeriesInstanceUID": f"{ROOT}.2.{number}",
            "SOPInstanceUID": f"{ROOT}.9.{number}.{index + 1}",
            "InstanceNumber": index + 1,
            "SeriesDescription": description,
            "Rows": SHAPE[1],
            "Columns": SHAPE[2],
            "PixelSpacing": list(PIXEL_SPACING),
            "ImageOrientationPatient": [round(float(x), 9) for x in (*ROW_DIRECTION, *COLUMN_DIRECTION)],
            "ImagePositionPatient": [round(float(x), 9) for x in position],
            "PixelData": stored_values()[index].tobytes(),
            **values,
        }
        write(make_dataset(**attributes), folder / str(number) / f"IM{SHAPE[0] - index}")


def make_workspace(folder: Path) -> Workspace:
    """Write the three series and catalogue them."""
    exports = folder / "export"
    write_stack(exports, number=1, description=REGULAR)
    write_stack(exports, number=2, description=WITH_A_HOLE, leave_out=2, RepetitionTime=600, EchoTime=10)
    write_stack(
        exports,
        number=3,
        description=CT,
        step_mm=CT_STEP_MM,
        SOPClassUID=CTImageStorage,
        Modality="CT",
        RescaleSlope=1,
        RescaleIntercept=-1024,
    )
    return ingest(create_workspace(folder / "study"), [exports], jobs=1).workspace


def row_of(workspace: Workspace, description: str) -> Row:
    """Return the listed stack of the series with that description."""
    (row,) = (r for r in list_rows(workspace, Listing.STACKS) if r["series_description"] == description)
    return row

"""Alignments as DICOM Spatial Registration objects (PS3.3 A.39.1, C.20.2).

The object's frame of reference is the baseline's. Its registration sequence has the baseline with the
identity and the follow-up with the rigid matrix that takes its points to the baseline. What was compared
is named by image references.

Public: `write_registration`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

import herntrack
from herntrack.dicom.uids import derived_uid
from herntrack.model.records import VisitAlignment
from herntrack.readings.segmentation_object import DEVICE_SERIAL_NUMBER, MANUFACTURER

SPATIAL_REGISTRATION = UID("1.2.840.10008.5.1.4.1.1.66.1")
"""SOP class of Spatial Registration Storage."""

REGISTRATION_SERIES_NUMBER = 9100
"""Series number of registrations: beyond the numbers that scanners give (no unit)."""

IMAGE_CONTENT = ("125024", "DCM", "Image Content-based Alignment")
"""How the registration was found (CID 7100)."""

PATIENT_KEYWORDS = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
STUDY_KEYWORDS = (
    *("StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID"),
    "AccessionNumber",
)
DIGITS = 12
"""Significant digits of a matrix's numbers, which are DS of 16 characters at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredStack:
    """One side of a registration.

    Parameters
    ----------
    frame_of_reference_uid : str
        Of the stack; a UID made for it where the images state none.
    headers : sequence of Dataset
        Headers of its images in slice order.
    """

    frame_of_reference_uid: str
    headers: Sequence[Dataset]


def write_registration(
    path: Path,
    alignment: VisitAlignment,
    *,
    baseline: RegisteredStack,
    followup: RegisteredStack,
    created_at: datetime,
) -> None:
    """Write one alignment as a Spatial Registration object in the follow-up's study.

    The same arguments give the same bytes.

    Parameters
    ----------
    path : Path
        File to write; an existing one is replaced.
    alignment : VisitAlignment
        What was found.
    baseline, followup : RegisteredStack
        What was compared.
    created_at : datetime
        UTC.
    """
    header = followup.headers[0]
    made = Dataset()
    for keyword in (*PATIENT_KEYWORDS, *STUDY_KEYWORDS):
        setattr(made, keyword, header.get(keyword, ""))
    made.SpecificCharacterSet = header.get("SpecificCharacterSet", "ISO_IR 192") or "ISO_IR 192"
    made.SOPClassUID = SPATIAL_REGISTRATION
    made.SOPInstanceUID = UID(derived_uid("registration", alignment.alignment_uid))
    _set_series(made, alignment, created_at)
    made.FrameOfReferenceUID = baseline.frame_of_reference_uid
    made.PositionReferenceIndicator = ""
    made.ContentLabel = alignment.verdict.upper()
    made.ContentDescription = f"Lumbar spine, {_where(alignment)}"
    made.ContentCreatorName = ""
    made.RegistrationSequence = [
        _registration(baseline, np.eye(4)),
        _registration(followup, alignment.matrix),
    ]
    _set_references(made, baseline, followup)
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = SPATIAL_REGISTRATION
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.save_as(path, enforce_file_format=True)


def _set_series(made: Dataset, alignment: VisitAlignment, created_at: datetime) -> None:
    made.Modality = "REG"
    made.Laterality = ""
    made.SeriesInstanceUID = derived_uid("series of registration", alignment.alignment_uid)
    made.SeriesNumber = REGISTRATION_SERIES_NUMBER
    made.SeriesDescription = f"Alignment with baseline, {_where(alignment)}"[:64]
    made.InstanceNumber = 1
    made.Manufacturer = MANUFACTURER
    made.ManufacturerModelName = MANUFACTURER
    made.DeviceSerialNumber = DEVICE_SERIAL_NUMBER
    made.SoftwareVersions = herntrack.__version__
    for kind in ("Content", "Series", "InstanceCreation"):
        setattr(made, f"{kind}Date", created_at.strftime("%Y%m%d"))
        setattr(made, f"{kind}Time", created_at.strftime("%H%M%S.%f"))


def _where(alignment: VisitAlignment) -> str:
    return "whole" if alignment.level is None else f"at {alignment.level.value}"


def _registration(
    stack: RegisteredStack, matrix: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> Dataset:
    item = Dataset()
    item.FrameOfReferenceUID = stack.frame_of_reference_uid
    item.ReferencedImageSequence = [_reference(header) for header in _instances(stack)]
    step = Dataset()
    step.FrameOfReferenceTransformationMatrixType = "RIGID"
    step.FrameOfReferenceTransformationMatrix = [f"{number:.{DIGITS}g}"[:16] for number in np.ravel(matrix)]
    found = Dataset()
    found.MatrixSequence = [step]
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = IMAGE_CONTENT
    found.RegistrationTypeCodeSequence = [code]
    item.MatrixRegistrationSequence = [found]
    return item


def _set_references(made: Dataset, baseline: RegisteredStack, followup: RegisteredStack) -> None:
    """Name what was compared, of the same study and of others (PS3.3 C.12.2)."""
    made.ReferencedSeriesSequence = [_series(followup)]
    other = _series(baseline)
    study_uid = str(baseline.headers[0].StudyInstanceUID)
    if study_uid == str(made.StudyInstanceUID):
        made.ReferencedSeriesSequence.append(other)
        return
    study = Dataset()
    study.StudyInstanceUID = study_uid
    study.ReferencedSeriesSequence = [other]
    made.StudiesContainingOtherReferencedInstancesSequence = [study]


def _series(stack: RegisteredStack) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = stack.headers[0].SeriesInstanceUID
    item.ReferencedInstanceSequence = [_reference(header) for header in _instances(stack)]
    return item


def _instances(stack: RegisteredStack) -> list[Dataset]:
    """Return one header of each image; frames of one image share it."""
    return list({str(header.SOPInstanceUID): header for header in stack.headers}.values())


def _reference(header: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = header.SOPClassUID
    item.ReferencedSOPInstanceUID = header.SOPInstanceUID
    return item

"""One simulated series as MR or CT Image Storage, losslessly compressed.

Everything follows from the arguments: the same call writes the same bytes. See DICOM PS3.3 A.3
(CT image), A.4 (MR image) and C.7.6.3 (pixels).

Public: `StudyLabel`, `SeriesImages`, `series_datasets`, `write_series`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    MRImageStorage,
)

import herntrack
from herntrack._typing import VolumeZYX
from herntrack.dicom.uids import derived_uid
from herntrack.model.geometry import VolumeGeometry
from herntrack.phantoms.protocols import Protocol
from herntrack.phantoms.tissues import Contrast

SIMULATED_COMMENT = "Simulated image of a computed phantom. No patient. Not for diagnosis."
"""ImageComments of every image."""

MODEL_NAME = "SIMULATED"
"""ManufacturerModelName of every image: no scanner made it."""

CT_OFFSET = 1024
"""Stored value of 0 HU (no unit)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyLabel:
    """Who was examined and when.

    Parameters
    ----------
    patient_id, patient_name, patient_sex : str
        The invented patient.
    birth_year : int
        Year of birth.
    study_date : date
        Day of the visit.
    study_instance_uid, frame_of_reference_uid : str
        New ones at each visit.
    visit_number : int
        Counted from 1.
    """

    patient_id: str
    patient_name: str
    patient_sex: str
    birth_year: int
    study_date: date
    study_instance_uid: str
    frame_of_reference_uid: str
    visit_number: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeriesImages:
    """Pixels of one series: one volume per stack, in order of acquisition."""

    protocol: Protocol
    series_instance_uid: str
    volumes: Sequence[VolumeZYX]
    geometries: Sequence[VolumeGeometry]


def series_datasets(label: StudyLabel, series: SeriesImages) -> list[Dataset]:
    """Return the images of a series as uncompressed datasets, in order of instance number.

    Parameters
    ----------
    label : StudyLabel
        Patient and visit.
    series : SeriesImages
        Pixels and where they lie.
    """
    datasets: list[Dataset] = []
    for volume, geometry in zip(series.volumes, series.geometries, strict=True):
        for number in range(geometry.shape_zyx[0]):
            dataset = _header(label, series, instance_number=len(datasets) + 1)
            _set_plane(dataset, geometry, number, series.protocol)
            _set_pixels(dataset, volume[number], series.protocol)
            datasets.append(dataset)
    return datasets


def write_series(folder: Path, label: StudyLabel, series: SeriesImages) -> list[Dataset]:
    """Write a series as JPEG 2000 lossless files without extension.

    Parameters
    ----------
    folder : Path
        Folder for the files; it is made.
    label : StudyLabel
        Patient and visit.
    series : SeriesImages
        Pixels and where they lie.

    Returns
    -------
    list of Dataset
        What was written, pixels included, in order of instance number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    datasets = series_datasets(label, series)
    for number, dataset in enumerate(datasets, start=1):
        # Instance UIDs follow from the series; a random one would change the bytes of every run.
        dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset.save_as(folder / f"I{number:04d}", enforce_file_format=True)
    return datasets


def _header(label: StudyLabel, series: SeriesImages, *, instance_number: int) -> Dataset:
    protocol = series.protocol
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID = CTImageStorage if protocol.contrast is Contrast.CT else MRImageStorage
    dataset.SOPInstanceUID = derived_uid("image", series.series_instance_uid, instance_number)
    _set_patient(dataset, label)
    _set_times(dataset, label, protocol, instance_number)
    dataset.StudyInstanceUID = label.study_instance_uid
    dataset.SeriesInstanceUID = series.series_instance_uid
    dataset.FrameOfReferenceUID = label.frame_of_reference_uid
    dataset.Modality = "CT" if protocol.contrast is Contrast.CT else "MR"
    dataset.Manufacturer = protocol.vendor.value
    dataset.ManufacturerModelName = MODEL_NAME
    dataset.InstitutionName = "Simulated images"
    dataset.StationName = "PHANTOM"
    dataset.DeviceSerialNumber = "0"
    dataset.StudyDescription = "Lumbar spine, simulated"
    dataset.SeriesDescription = protocol.description
    dataset.ProtocolName = protocol.description
    dataset.BodyPartExamined = "LSPINE"
    dataset.PatientPosition = "HFS"
    dataset.PositionReferenceIndicator = ""
    dataset.SeriesNumber = protocol.series_number
    dataset.InstanceNumber = instance_number
    dataset.ImageComments = SIMULATED_COMMENT
    for keyword, value in protocol.attributes.items():
        setattr(dataset, keyword, value)
    if "SoftwareVersions" not in protocol.attributes:
        dataset.SoftwareVersions = f"herntrack {herntrack.__version__}"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    return dataset


def _set_patient(dataset: Dataset, label: StudyLabel) -> None:
    dataset.PatientID = label.patient_id
    dataset.PatientName = label.patient_name
    dataset.PatientSex = label.patient_sex
    dataset.PatientBirthDate = f"{label.birth_year}0101"
    dataset.PatientAge = f"{label.study_date.year - label.birth_year:03d}Y"
    dataset.PatientWeight = 76
    dataset.StudyID = str(label.visit_number)
    dataset.AccessionNumber = f"{label.patient_id}-{label.visit_number}"
    dataset.ReferringPhysicianName = ""


def _set_times(dataset: Dataset, label: StudyLabel, protocol: Protocol, number: int) -> None:
    day = label.study_date.strftime("%Y%m%d")
    start = timedelta(hours=9, minutes=10 + 6 * (protocol.series_number % 90))
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = day
    dataset.StudyTime = "091000"
    dataset.SeriesTime = dataset.AcquisitionTime = _clock(start)
    dataset.ContentTime = _clock(start + timedelta(seconds=number))


def _clock(since_midnight: timedelta) -> str:
    seconds = int(since_midnight.total_seconds())
    return f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"


def _set_plane(dataset: Dataset, geometry: VolumeGeometry, number: int, protocol: Protocol) -> None:
    position = geometry.index_to_lps([number, 0, 0])
    _, row_spacing, column_spacing = geometry.spacing_zyx
    row = geometry.affine_lps[:3, 2] / column_spacing
    column = geometry.affine_lps[:3, 1] / row_spacing
    dataset.ImageOrientationPatient = [round(float(value), 8) for value in (*row, *column)]
    dataset.ImagePositionPatient = [round(float(value), 5) for value in position]
    dataset.PixelSpacing = [round(row_spacing, 6), round(column_spacing, 6)]
    dataset.SliceThickness = protocol.size.thickness_mm
    dataset.SpacingBetweenSlices = protocol.size.spacing_mm
    dataset.SliceLocation = round(float(position @ geometry.normal_lps), 4)
    if protocol.contrast is Contrast.CT:
        del dataset.SpacingBetweenSlices
        dataset.TableHeight = 150


def _set_pixels(dataset: Dataset, image: VolumeZYX, protocol: Protocol) -> None:
    is_ct = protocol.contrast is Contrast.CT
    stored = image.astype(np.int32) + (CT_OFFSET if is_ct else 0)
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = image.shape
    dataset.BitsAllocated = 16
    dataset.BitsStored = 12
    dataset.HighBit = 11
    dataset.PixelRepresentation = 0
    dataset.SmallestImagePixelValue = int(stored.min())
    dataset.LargestImagePixelValue = int(stored.max())
    if not is_ct:
        level = float(np.percentile(stored, 99.5))
        dataset.WindowCenter, dataset.WindowWidth = round(level / 2), round(level)
    dataset.PixelData = np.clip(stored, 0, 4095).astype("<u2").tobytes()
    dataset["PixelData"].VR = "OW"

"""Makers of small DICOM files, for tests that need a header of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage

ROOT = "1.2.826.0.1.3680043.10.1"


def make_dataset(**values: Any) -> Dataset:
    """Return an axial MR slice of 8 x 6 pixels; any keyword replaces or adds an attribute."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    defaults: dict[str, Any] = {
        "SOPClassUID": MRImageStorage,
        "SOPInstanceUID": f"{ROOT}.9.1",
        "StudyInstanceUID": f"{ROOT}.1",
        "SeriesInstanceUID": f"{ROOT}.2",
        "FrameOfReferenceUID": f"{ROOT}.3",
        "PatientID": "T-001",
        "PatientName": "Invented^Person",
        "Modality": "MR",
        "StudyDate": "20240115",
        "SeriesNumber": 1,
        "SeriesDescription": "T2 AX",
        "InstanceNumber": 1,
        "ImageType": ["ORIGINAL", "PRIMARY", "M"],
        "ScanningSequence": "SE",
        "RepetitionTime": 3500,
        "EchoTime": 100,
        "Rows": 8,
        "Columns": 6,
        "PixelSpacing": [0.7, 0.6],
        "SliceThickness": 4,
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ImagePositionPatient": [-10.0, -20.0, 5.0],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
    }
    for keyword, value in {**defaults, **values}.items():
        setattr(dataset, keyword, value)
    if "PixelData" not in dataset:
        ramp = np.arange(dataset.Rows * dataset.Columns, dtype=np.uint16) + int(dataset.InstanceNumber or 0)
        dataset.PixelData = ramp.tobytes()
    dataset.file_meta.MediaStorageSOPClassUID = UID(dataset.get("SOPClassUID") or MRImageStorage)
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(dataset.get("SOPInstanceUID") or f"{ROOT}.9.1")
    return dataset


def write(dataset: Dataset, path: Path, *, enforce_file_format: bool = True) -> Path:
    """Write a dataset and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=enforce_file_format)
    return path


def make_series(
    n_slices: int = 5, *, number: int = 1, step: float = 4.4, start: float = 5.0, **values: Any
) -> list[Dataset]:
    """Return the slices of one axial series, centres `step` mm apart along z."""
    common = {"SeriesNumber": number, "SeriesInstanceUID": f"{ROOT}.2.{number}", **values}
    study = common.get("StudyInstanceUID", f"{ROOT}.1")
    return [
        make_dataset(
            **{
                "SOPInstanceUID": f"{study}.9.{number}.{index + 1}",
                "InstanceNumber": index + 1,
                "ImagePositionPatient": [-10.0, -20.0, start + index * step],
                **common,
            }
        )
        for index in range(n_slices)
    ]


def write_series(folder: Path, datasets: list[Dataset]) -> list[Path]:
    """Write slices under names that say nothing, as an export does."""
    return [write(dataset, folder / f"IM{index:04d}") for index, dataset in enumerate(datasets)]

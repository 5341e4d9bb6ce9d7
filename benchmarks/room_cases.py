"""Two invented patients with two visits each, as the reading room's benchmark opens them.

A visit has a sagittal stack of 24 x 512 x 512 and an axial one of 20 x 320 x 320, losslessly
compressed. The same bytes on every run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench_load import ROOT, header, pixels
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless

PATIENTS = ("bench-1", "bench-2")
DATES = ("20240102", "20240403")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One stack of a visit."""

    series: int
    n_slices: int
    side: int
    orientation: tuple[float, ...]
    first: tuple[float, float, float]
    step: tuple[float, float, float]
    spacing: float


SAGITTAL = Shape(
    series=3,
    n_slices=24,
    side=512,
    orientation=(0, 1, 0, 0, 0, -1),
    first=(50.6, -120.0, 140.0),
    step=(-4.4, 0.0, 0.0),
    spacing=0.546875,
)
AXIAL = Shape(
    series=5,
    n_slices=20,
    side=320,
    orientation=(1, 0, 0, 0, 1, 0),
    first=(-90.0, -90.0, -40.0),
    step=(0.0, 0.0, 4.0),
    spacing=0.5625,
)


def write_patients(folder: Path) -> None:
    """Write both patients."""
    for patient_number, patient_id in enumerate(PATIENTS, start=1):
        for visit_number, study_date in enumerate(DATES, start=1):
            for shape in (SAGITTAL, AXIAL):
                place = folder / patient_id / study_date / str(shape.series)
                place.mkdir(parents=True)
                for index in range(shape.n_slices):
                    dataset = _slice(shape, index, patient_number, visit_number)
                    dataset.PatientID, dataset.StudyDate = patient_id, study_date
                    dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
                    dataset.save_as(place / f"{index:04d}.dcm", enforce_file_format=True)


def _slice(shape: Shape, index: int, patient_number: int, visit_number: int) -> Dataset:
    dataset = header("MR", index)
    study = f"{ROOT}.{patient_number}.{visit_number}"
    dataset.StudyInstanceUID, dataset.FrameOfReferenceUID = f"{study}.1", f"{study}.2"
    dataset.SeriesInstanceUID = f"{study}.{shape.series}"
    dataset.SOPInstanceUID = f"{study}.{shape.series}.{index + 1}"
    dataset.SeriesNumber, dataset.Rows, dataset.Columns = shape.series, shape.side, shape.side
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "NORM"]
    dataset.ImageOrientationPatient = list(shape.orientation)
    position = np.array(shape.first) + index * np.array(shape.step)
    dataset.ImagePositionPatient = [round(float(value), 4) for value in position]
    dataset.PixelSpacing = [shape.spacing, shape.spacing]
    low = (512 - shape.side) // 2
    values = pixels("MR", index + 40 * visit_number)[low : low + shape.side, low : low + shape.side]
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.PixelData = np.ascontiguousarray(values).tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset

"""Small invented CT series as DICOM datasets and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import Stack
from herntrack.model.vocabulary import Weighting

CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
SERIES_UID = "2.25.1000"


def image(stored: npt.NDArray[Any], geometry: VolumeGeometry, index: int = 0, **changes: Any) -> Dataset:
    """Return one slice as a dataset; `changes` sets attributes, None deletes one."""
    slice_spacing, row_spacing, column_spacing = geometry.spacing_zyx
    dataset = Dataset()
    dataset.SOPClassUID = CT_STORAGE
    dataset.SOPInstanceUID = f"2.25.{2000 + index}"
    dataset.StudyInstanceUID = "2.25.900"
    dataset.SeriesInstanceUID = SERIES_UID
    dataset.FrameOfReferenceUID = "2.25.901"
    dataset.Modality = "CT"
    dataset.PatientID = "invented"
    dataset.PatientName = "Nobody^Invented"
    dataset.PatientBirthDate = ""
    dataset.PatientSex = ""
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20240102", "101500", "1"
    dataset.AccessionNumber, dataset.ReferringPhysicianName = "", ""
    dataset.SeriesNumber, dataset.InstanceNumber = 3, index + 1
    dataset.SliceThickness = round(slice_spacing, 6)
    dataset.PixelSpacing = [round(row_spacing, 10), round(column_spacing, 10)]
    cosines = np.concatenate(
        [geometry.affine_lps[:3, 2] / column_spacing, geometry.affine_lps[:3, 1] / row_spacing]
    )
    dataset.ImageOrientationPatient = [round(float(value), 10) for value in cosines]
    dataset.ImagePositionPatient = [round(float(v), 8) for v in geometry.index_to_lps([index, 0, 0])]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape
    bits = stored.dtype.itemsize * 8
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    dataset.PixelData = stored.tobytes() + b"\0" * (stored.nbytes % 2)
    dataset["PixelData"].VR = "OW" if bits > 8 else "OB"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def write_series(
    folder: Path, values: npt.NDArray[Any], geometry: VolumeGeometry, **changes: Any
) -> list[Path]:
    """Write one file a slice; return them in slice order."""
    paths = []
    for index, stored in enumerate(values):
        path = folder / f"{index:03d}.dcm"
        image(stored, geometry, index, **changes).save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def stack_of(geometry: VolumeGeometry, **changes: Any) -> Stack:
    """Return a stack on a grid."""
    fields: dict[str, Any] = {
        "stack_uid": "2.25.3000",
        "series_instance_uid": SERIES_UID,
        "geometry": geometry,
        "plane": geometry.plane,
        "weighting": Weighting.CT_SOFT,
    }
    return Stack(**(fields | changes))

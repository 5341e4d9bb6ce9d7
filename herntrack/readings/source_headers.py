"""The headers of the images a reading was made on, completed so that an object can refer to them.

Exports from a hospital lack what the standard requires: identifiers were blanked, SOPClassUID
is gone, dates are empty. A segmentation object needs them. `referable_headers` returns small
copies in memory, with the same derived identifiers that the catalogue uses; the files and the
caller's datasets stay as they are. Only what the object repeats of its patient and study is
copied, so no other content of the images can reach it. A frame of a multi-frame image has a
header of its own here, as `herntrack.dicom.multi_frame` makes them.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID

from herntrack.dicom.headers import derived_patient_id, image_identity
from herntrack.dicom.multi_frame import FRAME_NUMBER
from herntrack.errors import GeometryMismatchError, MissingAttributeError
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import Modality

REPEATED_KEYWORDS = (
    "PatientName",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyDescription",
)
"""Of patient and study; an object without them is not filed beside its images in a PACS."""

EMPTY_IF_ABSENT = (
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
"""Type 2: present, but may be empty (DICOM PS3.3 C.7.1.1 and C.7.2.1)."""

STORAGE_CLASSES = {
    Modality.CT: "1.2.840.10008.5.1.4.1.1.2",
    Modality.MR: "1.2.840.10008.5.1.4.1.1.4",
}
"""CT Image Storage and MR Image Storage."""


def referable_headers(source_images: Sequence[Dataset], geometry: VolumeGeometry) -> list[Dataset]:
    """Return copies of the headers with all that a segmentation object needs of its sources.

    Parameters
    ----------
    source_images : sequence of Dataset
        Headers in slice order, one for each slice of `geometry`.
    geometry : VolumeGeometry
        Grid of the stack. Its orientation and spacing stand in every copy: within one stack
        they differ by no more than the rounding of the header.

    Returns
    -------
    list of Dataset
        New datasets without pixels.

    Raises
    ------
    GeometryMismatchError
        If their number is not the number of slices.
    MissingAttributeError
        If an image has no ImagePositionPatient.
    """
    if len(source_images) != geometry.shape_zyx[0]:
        raise GeometryMismatchError(
            f"{len(source_images)} source images for a stack of {geometry.shape_zyx[0]} slices;"
            " give the header of every slice, in slice order"
        )
    with warnings.catch_warnings():
        # Values of the images are repeated as they are, also where they break a value rule.
        warnings.simplefilter("ignore")
        return [_referable(image, geometry) for image in source_images]


def _referable(image: Dataset, geometry: VolumeGeometry) -> Dataset:
    study_uid, series_uid, sop_uid = image_identity(image, [])
    if not image.get("ImagePositionPatient"):
        raise MissingAttributeError(
            "a source image has no ImagePositionPatient, so a segment on it has no place",
            sop_instance_uid=sop_uid,
        )
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 192"
    _repeat(image, header, REPEATED_KEYWORDS)
    for keyword in EMPTY_IF_ABSENT:
        if keyword not in header:
            setattr(header, keyword, "")
    header.PatientID = str(image.get("PatientID") or "").strip() or derived_patient_id(study_uid)
    header.Modality = str(image.get("Modality") or "")
    header.SOPClassUID = _storage_class(image)
    if image.get(FRAME_NUMBER):
        setattr(header, FRAME_NUMBER, int(image[FRAME_NUMBER].value))
    header.StudyInstanceUID = study_uid
    header.SeriesInstanceUID = series_uid
    header.SOPInstanceUID = sop_uid
    header.FrameOfReferenceUID = str(image.get("FrameOfReferenceUID") or "") or series_uid
    header.PositionReferenceIndicator = str(image.get("PositionReferenceIndicator") or "")
    _repeat(
        image, header, ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")
    )
    _set_plane(image, header, geometry)
    return header


def _repeat(image: Dataset, header: Dataset, keywords: Sequence[str]) -> None:
    for keyword in keywords:
        try:
            value = image.get(keyword)
            if value is not None:
                setattr(header, keyword, value)
        except (ValueError, TypeError, NotImplementedError, OverflowError):
            continue  # an undecodable value of the image is left out rather than repeated


def _storage_class(image: Dataset) -> str:
    stated = str(image.get("SOPClassUID") or "")
    meta: Any = getattr(image, "file_meta", None) or Dataset()
    stated = stated or str(meta.get("MediaStorageSOPClassUID") or "")
    if stated:
        return UID(stated)
    modality = str(image.get("Modality") or "")
    if modality not in set(Modality):
        raise MissingAttributeError(
            f"a source image has neither SOPClassUID nor a modality MR or CT but {modality!r}"
        )
    return UID(STORAGE_CLASSES[Modality(modality)])


def _set_plane(image: Dataset, header: Dataset, geometry: VolumeGeometry) -> None:
    slice_spacing, row_spacing, column_spacing = geometry.spacing_zyx
    column_direction = geometry.affine_lps[:3, 1] / row_spacing
    row_direction = geometry.affine_lps[:3, 2] / column_spacing
    header.Rows, header.Columns = geometry.shape_zyx[1:]
    header.PixelSpacing = [_decimal(row_spacing), _decimal(column_spacing)]
    header.SliceThickness = image.get("SliceThickness") or _decimal(slice_spacing)
    header.SpacingBetweenSlices = _decimal(slice_spacing)
    header.ImageOrientationPatient = [_decimal(v) for v in np.concatenate([row_direction, column_direction])]
    header.ImagePositionPatient = [_decimal(float(v)) for v in image.ImagePositionPatient]


def _decimal(value: float) -> str:
    """Return a number as a decimal string, at most 16 characters (DICOM PS3.5 6.2, VR DS)."""
    for digits in range(12, 0, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return text
    return f"{value:.0f}"

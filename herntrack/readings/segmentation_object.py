"""One reading as a DICOM Segmentation object.

A segment is one fragment (a part connected by faces, edges or corners), the largest first; all
carry the lesion's tracking UID, so the lesion is the sum of the object's segments. A reading
without a mask (absent, not evaluable) is an object too, with one segment whose only frame is
empty: "examined, none left" is a fact and not a missing file.

Public: `write_segmentation`, and for one import of all that concerns these objects
`read_segmentation` and `place_segments`. Codes: DICOM PS3.16 CID 7150 and 7151, SNOMED CT.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import datetime
from pathlib import Path

import highdicom
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian
from scipy import ndimage

import herntrack
from herntrack._typing import MaskZYX
from herntrack.dicom.multi_frame import CLASSIC_CLASS, FRAME_NUMBER
from herntrack.dicom.uids import derived_uid
from herntrack.errors import GeometryMismatchError
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import Level, ReadingStatus
from herntrack.readings.segment_placement import place_segments
from herntrack.readings.segmentation_content import (
    SegmentationContent,
    SegmentContent,
    SegmentFrame,
    read_segmentation,
)
from herntrack.readings.source_headers import referable_headers

__all__ = [
    "SegmentContent",
    "SegmentFrame",
    "SegmentationContent",
    "place_segments",
    "read_segmentation",
    "write_segmentation",
]

SEGMENT_CATEGORY = Code("49755003", "SCT", "Morphologically abnormal structure")
"""Segmented property category of every segment."""

SEGMENT_TYPE = Code("414403008", "SCT", "Herniated structure")
"""Segmented property type of every segment. Never SCT 76107001, which is spinal stenosis."""

LUMBAR_SPINE = Code("122496007", "SCT", "Lumbar spine")
"""Anatomic region of a disc between transitional vertebrae, which has no code of its own."""

NEIGHBORHOOD_ANALYSIS = Code("123101", "DCM", "Neighborhood Analysis")
"""Family of the algorithm that grows an outline from points (CID 7162)."""

DISC_OF_LEVEL = {
    Level.T12_L1: Code("76206002", "SCT", "Intervertebral disc of twelfth thoracic vertebra"),
    Level.L1_L2: Code("80064006", "SCT", "L1/L2 disc"),
    Level.L2_L3: Code("67459009", "SCT", "L2/L3 disc"),
    Level.L3_L4: Code("62551000", "SCT", "L3/L4 disc"),
    Level.L4_L5: Code("84020006", "SCT", "L4/L5 disc"),
    Level.L5_S1: Code("715056000", "SCT", "L5/S1 disc"),
}
"""The disc as anatomic region."""

MANUFACTURER = "herntrack"
"""Who made the object, as DICOM asks (it is free software, not a device)."""

DEVICE_SERIAL_NUMBER = "1"
"""Required by the enhanced equipment module; software has none of its own."""

SEGMENTATION_SERIES_NUMBER = 9000
"""Series number of readings: beyond the numbers that scanners give (no unit)."""

_FULL_NEIGHBOURHOOD = np.ones((3, 3, 3), dtype=np.bool_)


def write_segmentation(
    path: Path,
    *,
    mask: MaskZYX | None,
    source_images: Sequence[Dataset],
    geometry: VolumeGeometry,
    lesion_uid: str,
    level: Level | None,
    reader: str,
    status: ReadingStatus,
    series_description: str,
    sop_instance_uid: str,
    series_instance_uid: str,
    created_at: datetime,
    is_simulated: bool = False,
    is_semiautomatic: bool = False,
    has_every_slice: bool = False,
) -> None:
    """Write one reading as a DICOM Segmentation object.

    The same arguments give the same bytes.

    Parameters
    ----------
    path : Path
        File to write; an existing one is replaced (the store guards its own files).
    mask : ndarray of bool, shape (n_slices, n_rows, n_cols), or None
        Voxels of the lesion; None or an empty mask where nothing was outlined.
    source_images : sequence of Dataset
        Headers of the images in slice order, of a multi-frame image those of its frames. They are
        not changed; what they lack (SOPClassUID, PatientID, instance UIDs) is derived in a copy.
    geometry : VolumeGeometry
        Grid of the stack.
    lesion_uid : str
        Tracking UID of the lesion.
    level : Level or None
        Disc level; becomes the anatomic region. None where it is not known: the lumbar spine.
    reader : str
        Who read; becomes the content creator's name.
    status : ReadingStatus
        What the reader said; becomes the content label.
    series_description : str
        Description of the new series, up to 64 characters.
    sop_instance_uid, series_instance_uid : str
        Identifiers of the new object and its series.
    created_at : datetime
        When the reading was made; dates and times are written as they stand in it.
    is_simulated : bool
        Whether the images are simulated; becomes SyntheticData ``YES`` (DICOM PS3.3 C.12.1).
    is_semiautomatic : bool
        Whether an algorithm drew the outline from a person's points.
    has_every_slice : bool
        Whether slices without any voxel are stored too, so that who has no images of the stack
        reads the whole grid.

    Raises
    ------
    GeometryMismatchError
        If mask, images and geometry do not agree in shape.
    MissingAttributeError
        If an image has no position, or neither SOP class nor modality.
    """
    fragments, n_fragments = label_fragments(mask, geometry)
    headers = referable_headers(source_images, geometry)
    # One blank frame says "nothing outlined"; one per slice would say no more in 20 times the space.
    kept = slice(None) if n_fragments else slice(len(headers) // 2, len(headers) // 2 + 1)
    descriptions = _descriptions(n_fragments, lesion_uid, level, is_semiautomatic=is_semiautomatic)
    with _without_advice():
        segmentation = highdicom.seg.Segmentation(
            source_images=_single_frames(headers)[kept],
            pixel_array=fragments[kept],
            segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=descriptions,
            series_instance_uid=series_instance_uid,
            series_number=SEGMENTATION_SERIES_NUMBER,
            sop_instance_uid=sop_instance_uid,
            instance_number=1,
            manufacturer=MANUFACTURER,
            manufacturer_model_name=MANUFACTURER,
            software_versions=herntrack.__version__,
            device_serial_number=DEVICE_SERIAL_NUMBER,
            transfer_syntax_uid=ExplicitVRLittleEndian,
            omit_empty_frames=n_fragments > 0 and not has_every_slice,
            content_label=status.name,
            content_description=f"Lumbar disc herniation{_name(level)}: {status.value}",
            specific_character_set="ISO_IR 192",
            series_description=series_description[:64],
        )
        _name_sources(segmentation, headers)
        _set_origin(segmentation, reader=reader, created_at=created_at, is_simulated=is_simulated)
        _set_dimension_uid(segmentation, derived_uid("dimensions", sop_instance_uid))
        segmentation.save_as(path, enforce_file_format=True)


def label_fragments(mask: MaskZYX | None, geometry: VolumeGeometry) -> tuple[npt.NDArray[np.uint16], int]:
    """Return a mask with its fragments numbered, the largest first.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_slices, n_rows, n_cols), or None
        None is an empty mask.
    geometry : VolumeGeometry
        Grid of the mask.

    Returns
    -------
    ndarray of uint16, shape (n_slices, n_rows, n_cols)
        0 outside, 1 the largest part. Parts that touch by an edge or a corner are one; of two
        equally large ones the first in slice, row, column order comes first.
    int
        Number of fragments.

    Raises
    ------
    GeometryMismatchError
        If the shape of the mask is not that of the geometry.
    """
    if mask is None:
        return np.zeros(geometry.shape_zyx, dtype=np.uint16), 0
    if mask.shape != geometry.shape_zyx:
        raise GeometryMismatchError(f"the mask has shape {mask.shape}, its stack {geometry.shape_zyx}")
    labels, n_parts = ndimage.label(np.asarray(mask, dtype=np.bool_), structure=_FULL_NEIGHBOURHOOD)
    sizes = np.bincount(labels.ravel(), minlength=n_parts + 1)[1:]
    number_of_label = np.zeros(n_parts + 1, dtype=np.uint16)
    number_of_label[1 + np.argsort(-sizes, kind="stable")] = np.arange(1, n_parts + 1)
    return number_of_label[labels], int(n_parts)


def _descriptions(
    n_fragments: int, lesion_uid: str, level: Level | None, *, is_semiautomatic: bool
) -> list[highdicom.seg.SegmentDescription]:
    algorithm = None
    if is_semiautomatic:
        algorithm = highdicom.AlgorithmIdentificationSequence(
            name="herntrack segment", version=herntrack.__version__, family=NEIGHBORHOOD_ANALYSIS
        )
    return [
        highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=f"{_name(level)} fragment {number}".strip()
            if n_fragments
            else f"{_name(level)} nothing outlined".strip(),
            segmented_property_category=SEGMENT_CATEGORY,
            segmented_property_type=SEGMENT_TYPE,
            algorithm_type="SEMIAUTOMATIC" if is_semiautomatic else "MANUAL",
            algorithm_identification=algorithm,
            tracking_uid=lesion_uid,
            tracking_id=f"{_name(level)} {lesion_uid[-8:]}".strip(),
            anatomic_regions=[LUMBAR_SPINE if level is None else DISC_OF_LEVEL.get(level, LUMBAR_SPINE)],
        )
        for number in range(1, max(n_fragments, 1) + 1)
    ]


def _name(level: Level | None) -> str:
    return "" if level is None else f" {level.value}"


def _single_frames(headers: Sequence[Dataset]) -> list[Dataset]:
    """Return the headers, those of frames with an identifier of their own, as highdicom wants them."""
    singles = []
    for header in headers:
        if FRAME_NUMBER in header:
            stand_in = Dataset({tag: copy(element) for tag, element in header.items()})
            stand_in.SOPInstanceUID = _stand_in_uid(header)
            stand_in.SOPClassUID = CLASSIC_CLASS.get(header.SOPClassUID, header.SOPClassUID)
            del stand_in[FRAME_NUMBER]
            singles.append(stand_in)
        else:
            singles.append(header)
    return singles


def _stand_in_uid(header: Dataset) -> str:
    return derived_uid("frame", header.SOPInstanceUID, header[FRAME_NUMBER].value)


def _name_sources(segmentation: Dataset, headers: Sequence[Dataset]) -> None:
    """List every image of the stack as read, also where only one frame is stored; name frames as such."""
    segmentation.ReferencedSeriesSequence[0].ReferencedInstanceSequence = _images_of(headers, is_whole=True)
    frames = {_stand_in_uid(header): header for header in headers if FRAME_NUMBER in header}
    if not frames:
        return
    if "SourceImageSequence" in segmentation:
        segmentation.SourceImageSequence = _images_of(headers, is_whole=False)
    for groups in segmentation.PerFrameFunctionalGroupsSequence:
        for derivation in groups.get("DerivationImageSequence", ()):
            for source in derivation.SourceImageSequence:
                header = frames[source.ReferencedSOPInstanceUID]
                source.ReferencedSOPClassUID = header.SOPClassUID
                source.ReferencedSOPInstanceUID = header.SOPInstanceUID
                source.ReferencedFrameNumber = header[FRAME_NUMBER].value


def _images_of(headers: Sequence[Dataset], *, is_whole: bool) -> list[Dataset]:
    """Return a reference to each image, to its frames only unless `is_whole`."""
    references: dict[str, Dataset] = {}
    numbers: dict[str, list[int]] = {}
    for header in headers:
        item = references.setdefault(header.SOPInstanceUID, Dataset())
        item.ReferencedSOPClassUID = header.SOPClassUID
        item.ReferencedSOPInstanceUID = header.SOPInstanceUID
        if FRAME_NUMBER in header and not is_whole:
            numbers.setdefault(header.SOPInstanceUID, []).append(header[FRAME_NUMBER].value)
    for uid, used in numbers.items():
        references[uid].ReferencedFrameNumber = sorted(used)
    return list(references.values())


def _set_origin(segmentation: Dataset, *, reader: str, created_at: datetime, is_simulated: bool) -> None:
    # Set here because the constructor takes the present moment and an ungrouped name with a warning.
    day, time = created_at.strftime("%Y%m%d"), created_at.strftime("%H%M%S.%f")
    for kind in ("InstanceCreation", "Content", "Series"):
        setattr(segmentation, f"{kind}Date", day)
        setattr(segmentation, f"{kind}Time", time)
    for item in segmentation.get("ContributingEquipmentSequence", ()):
        if "ContributionDateTime" in item:
            item.ContributionDateTime = day + time
    # These characters separate the parts of a person's name (DICOM PS3.5 6.2.1).
    segmentation.ContentCreatorName = "".join(" " if c in "^=\\" else c for c in reader)[:64].strip()
    if is_simulated:
        segmentation.SyntheticData = "YES"


def _set_dimension_uid(segmentation: Dataset, uid: str) -> None:
    """Replace the random UID of the frame order by one that depends on the object alone."""
    for item in segmentation.DimensionOrganizationSequence:
        item.DimensionOrganizationUID = uid
    for item in segmentation.DimensionIndexSequence:
        item.DimensionOrganizationUID = uid


@contextmanager
def _without_advice() -> Iterator[None]:
    """Silence warnings on values that come from the images and are repeated as they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

"""What a header must say to be catalogued, and what is made of it.

The rules know no library: they ask a `HeaderValues` for the value of a keyword. Behind it
stands a pydicom dataset (`herntrack.dicom.headers`) or the bytes of a plain file
(`herntrack.dicom.fast_header`), so that both come to the same record and the same words.

Public: `HeaderValues`, `ScannedImage`, `scanned_image`, `image_uids`, `check_pixels`,
`pixel_bytes`, `derived_patient_id`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from herntrack.dicom.header_person import date_of, person_of
from herntrack.dicom.header_values import HeaderValues
from herntrack.dicom.pixel_extent import StoredPixels
from herntrack.dicom.set_aside import SetAside
from herntrack.dicom.uids import derived_uid
from herntrack.errors import GeometryError
from herntrack.model.geometry import orientation_vectors
from herntrack.model.images import InstanceHeader, Person, Series
from herntrack.model.vocabulary import Modality

MR_CT_STORAGE = {
    "1.2.840.10008.5.1.4.1.1.2": Modality.CT,
    "1.2.840.10008.5.1.4.1.1.4": Modality.MR,
}
"""SOP classes that are read: CT Image Storage and MR Image Storage."""

MULTI_FRAME_STORAGE = {
    "1.2.840.10008.5.1.4.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.2.2",
    "1.2.840.10008.5.1.4.1.1.4.1",
    "1.2.840.10008.5.1.4.1.1.4.3",
    "1.2.840.10008.5.1.4.1.1.4.4",
}
"""Enhanced and legacy-converted enhanced MR and CT."""

DICOMDIR_STORAGE = "1.2.840.10008.1.3.10"
"""Media Storage Directory Storage."""

SHARED_IN_STUDY = ("PatientID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "FrameOfReferenceUID")
"""What the images of one study have in common, for exports whose study UID was blanked."""

SHARED_IN_SERIES = (
    "Modality",
    "SeriesNumber",
    "SeriesTime",
    "SeriesDescription",
    "ProtocolName",
    "FrameOfReferenceUID",
)
"""What the images of one series have in common."""

OWN_OF_IMAGE = ("AcquisitionNumber", "InstanceNumber", "ContentTime", "ImagePositionPatient", "EchoTime")
"""What tells the images of one series apart."""

SMALLEST_SPACING_MM = 1e-3
"""A smaller distance of pixels is a mistake, not a picture (mm)."""

LARGEST_NUMBER = 1e15
"""Infinities, NaN and larger numbers are mistakes: no time, length or count is that large (no unit)."""

NOBODY = Person()
"""Of a header that names nobody."""

STUDY_DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
"""Where the date of a study may stand, the best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedImage:
    """One single-frame MR or CT image as its header describes it.

    Parameters
    ----------
    patient_id : str
        Empty if the header has none.
    study_date : date or None
        StudyDate, else the series', acquisition's or content's date.
    notes : tuple of str
        What the header lacks or contradicts, short enough to be counted.
    person : Person
        Who the header says was imaged.
    """

    patient_id: str
    study_instance_uid: str
    study_date: date | None
    study_description: str
    series: Series
    header: InstanceHeader
    notes: tuple[str, ...] = ()
    person: Person = NOBODY


def scanned_image(values: HeaderValues, pixels: StoredPixels | None) -> ScannedImage:
    """Return the record of a file with this header.

    Parameters
    ----------
    values : HeaderValues
        The header.
    pixels : StoredPixels or None
        What the file holds of its pixels, None for no pixels.

    Raises
    ------
    SetAside
        If the file cannot be catalogued.
    """
    notes: list[str] = []
    modality, sop_class_uid = _kind_of_image(values, notes)
    _refuse_other_pixels(values)
    study_uid, series_uid, sop_uid = image_uids(values, notes)
    patient_id = values.text("PatientID")
    if not patient_id:
        notes.append("PatientID is missing")
    header = _instance_header(values, sop_uid, sop_class_uid)
    _check_placed(header)
    check_pixels(pixels, pixel_bytes(values, header))
    return ScannedImage(
        patient_id=patient_id,
        study_instance_uid=study_uid,
        study_date=_study_date(values),
        study_description=values.text("StudyDescription"),
        series=_series(values, series_uid, study_uid, modality),
        header=header,
        notes=tuple(notes),
        person=person_of(values),
    )


def image_uids(values: HeaderValues, notes: list[str]) -> tuple[str, str, str]:
    """Return the study, series and SOP instance UIDs, derived where a de-identifier emptied them.

    What one study, one series or one image shares stands in for its UID: an export whose
    identifiers were blanked is still grouped as it was scanned.
    """
    study = values.text("StudyInstanceUID")
    if not study:
        notes.append("StudyInstanceUID is missing")
        study = derived_uid("study", *(values.text(keyword) for keyword in SHARED_IN_STUDY))
    series = values.text("SeriesInstanceUID")
    if not series:
        notes.append("SeriesInstanceUID is missing")
        series = derived_uid("series", study, *(values.text(keyword) for keyword in SHARED_IN_SERIES))
    sop = values.text("SOPInstanceUID")
    if not sop:
        notes.append("SOPInstanceUID is missing")
        sop = values.meta_text("MediaStorageSOPInstanceUID") or derived_uid(
            "image", series, *(values.texts(keyword) for keyword in OWN_OF_IMAGE)
        )
    return study, series, sop


def pixel_bytes(values: HeaderValues, header: InstanceHeader) -> int:
    """Return how many bytes a native frame needs for its pixels, 0 for any other.

    A syntax that nobody registered may pack its pixels in any way.
    """
    if not values.is_native(header.transfer_syntax_uid):
        return 0
    bits = values.integer("BitsAllocated") or 16
    return header.rows * header.columns * bits // 8


def check_pixels(pixels: StoredPixels | None, expected: int, *, whose: str = "its pixels") -> None:
    """Refuse an image without pixels, or with fewer than it says.

    Parameters
    ----------
    pixels : StoredPixels or None
        What the file holds of them.
    expected : int
        What a native image needs for its frames (bytes).
    whose : str
        What needs them, for the message.

    Raises
    ------
    SetAside
        If there are too few.
    """
    if pixels is None:
        raise SetAside(
            "no_pixels",
            "the image has no pixel data: the file was cut off before them, or they were left out;"
            " copy or export it again",
        )
    if pixels.is_cut:
        raise SetAside("truncated", "the file ends within its compressed pixels; copy it again")
    if pixels.n_bytes < expected:
        raise SetAside(
            "truncated",
            f"the file has {pixels.n_bytes} of the {expected} bytes that {whose} need; copy it again",
        )


def derived_patient_id(study_instance_uid: str) -> str:
    """Return the stand-in for a missing PatientID: the same for all series of a study.

    Parameters
    ----------
    study_instance_uid : str
        The study the images belong to.
    """
    return f"unidentified-{derived_uid('patient of study', study_instance_uid)[-8:]}"


def _kind_of_image(values: HeaderValues, notes: list[str]) -> tuple[Modality, str]:
    """Return the modality and SOP class, or set aside what is no MR or CT image."""
    meta_class = values.meta_text("MediaStorageSOPClassUID")
    stated_class = values.text("SOPClassUID")
    sop_class_uid = stated_class or meta_class
    if sop_class_uid == DICOMDIR_STORAGE:
        raise SetAside("dicomdir", "a DICOMDIR is an index; the files beside it are read instead")
    if sop_class_uid in MULTI_FRAME_STORAGE:
        frames = values.integer("NumberOfFrames") or "unknown number of"
        raise SetAside("multi_frame", f"a multi-frame image ({frames} frames); single-frame images are read")
    stated = values.text("Modality")
    if not sop_class_uid and stated in set(Modality) and values.has("Rows"):
        notes.append("SOPClassUID is missing")
        modality = Modality(stated)
        return modality, next(uid for uid, kind in MR_CT_STORAGE.items() if kind is modality)
    if sop_class_uid not in MR_CT_STORAGE:
        name = values.class_name(sop_class_uid) if sop_class_uid else "no SOP Class UID"
        raise SetAside("not_mr_or_ct", f"no MR or CT image but: {name}, modality {stated or 'not stated'}")
    if not stated_class:
        notes.append("SOPClassUID is missing")
    return MR_CT_STORAGE[sop_class_uid], sop_class_uid


def _refuse_other_pixels(values: HeaderValues) -> None:
    if not values.has("Rows") or not values.has("Columns"):
        raise SetAside("not_an_image", "the object has no Rows and Columns, so no picture")
    if min(values.unsigned("Rows"), values.unsigned("Columns")) < 1:
        raise SetAside("not_an_image", "Rows or Columns is 0, so there is no picture")
    frames = values.integer("NumberOfFrames") or 1
    if frames > 1:
        raise SetAside("multi_frame", f"a multi-frame image ({frames} frames); single-frame images are read")
    if "MOSAIC" in values.texts("ImageType"):
        raise SetAside(
            "mosaic", "a Siemens mosaic: many slices tiled in one picture, without their positions"
        )
    samples = values.integer("SamplesPerPixel") or 1
    if samples != 1:
        raise SetAside("colour", f"a colour picture ({samples} samples per pixel), no intensities")


def _check_placed(header: InstanceHeader) -> None:
    lacking = [
        name
        for name, value in (
            ("ImagePositionPatient", header.image_position_patient),
            ("ImageOrientationPatient", header.image_orientation_patient),
            ("PixelSpacing", header.pixel_spacing),
        )
        if value is None
    ]
    if lacking:
        raise SetAside("no_position", f"the place in the patient is unknown: no usable {', '.join(lacking)}")
    try:
        orientation_vectors(header.image_orientation_patient or ())
    except GeometryError as error:
        raise SetAside("no_position", str(error)) from error
    if min(header.pixel_spacing or (0.0,)) <= SMALLEST_SPACING_MM:
        raise SetAside("no_position", f"PixelSpacing is not positive: {header.pixel_spacing}")


def _series(values: HeaderValues, series_uid: str, study_uid: str, modality: Modality) -> Series:
    return Series(
        series_instance_uid=series_uid,
        study_instance_uid=study_uid,
        modality=modality,
        series_number=values.integer("SeriesNumber"),
        series_description=values.text("SeriesDescription"),
        protocol_name=values.text("ProtocolName"),
        body_part_examined=values.text("BodyPartExamined"),
        manufacturer=values.text("Manufacturer"),
        manufacturer_model_name=values.text("ManufacturerModelName"),
        magnetic_field_strength=values.real("MagneticFieldStrength"),
    )


def _instance_header(values: HeaderValues, sop_uid: str, sop_class_uid: str) -> InstanceHeader:
    number, count, texts = values.real, values.integer, values.texts
    orientation = values.reals("ImageOrientationPatient", 6)
    position = values.reals("ImagePositionPatient", 3)
    spacing = values.reals("PixelSpacing", 2)
    return InstanceHeader(
        sop_instance_uid=sop_uid,
        sop_class_uid=sop_class_uid,
        transfer_syntax_uid=values.transfer_syntax(),
        rows=values.unsigned("Rows"),
        columns=values.unsigned("Columns"),
        image_position_patient=None if position is None else (position[0], position[1], position[2]),
        image_orientation_patient=None
        if orientation is None
        else (orientation[0], orientation[1], orientation[2], orientation[3], orientation[4], orientation[5]),
        pixel_spacing=None if spacing is None else (spacing[0], spacing[1]),
        frame_of_reference_uid=values.text("FrameOfReferenceUID"),
        instance_number=count("InstanceNumber"),
        acquisition_number=count("AcquisitionNumber"),
        temporal_position_identifier=count("TemporalPositionIdentifier"),
        echo_numbers=count("EchoNumbers"),
        image_type=texts("ImageType"),
        scanning_sequence=texts("ScanningSequence"),
        sequence_variant=texts("SequenceVariant"),
        scan_options=texts("ScanOptions"),
        sequence_name=values.text("SequenceName"),
        repetition_time=number("RepetitionTime"),
        echo_time=number("EchoTime"),
        inversion_time=number("InversionTime"),
        flip_angle=number("FlipAngle"),
        contrast_bolus_agent=values.text("ContrastBolusAgent"),
        convolution_kernel=" ".join(texts("ConvolutionKernel")),
        slice_thickness=number("SliceThickness"),
        spacing_between_slices=number("SpacingBetweenSlices"),
        gantry_detector_tilt=number("GantryDetectorTilt"),
        diffusion_b_value=number("DiffusionBValue"),
        patient_position=values.text("PatientPosition"),
        burned_in_annotation=values.text("BurnedInAnnotation"),
        lossy_image_compression=values.text("LossyImageCompression"),
        study_description=values.text("StudyDescription"),
    )


def _study_date(values: HeaderValues) -> date | None:
    dates = (date_of(values, keyword) for keyword in STUDY_DATES)
    return next((found for found in dates if found is not None), None)

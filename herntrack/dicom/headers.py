"""From one file to what the catalogue wants to know of it.

`read_header` either returns a `ScannedImage` or raises `SetAside`, whose code and
sentence say why the file is no single-frame MR or CT image that can be placed in the
patient. Pixels are not read here; that a native image is long enough for its pixels is
checked by the file's size.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue

from herntrack.dicom.uids import derived_uid
from herntrack.errors import DicomError, GeometryError
from herntrack.model.geometry import orientation_vectors
from herntrack.model.records import InstanceHeader, Series
from herntrack.model.vocabulary import Modality

PREAMBLE_LENGTH = 128
"""Bytes before the ``DICM`` prefix (DICOM PS3.10 7.1)."""

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

T = TypeVar("T")


class SetAside(DicomError):
    """The file is not catalogued.

    Parameters
    ----------
    code : str
        A short stable word for counting.
    reason : str
        A sentence with the values.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


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
    """

    patient_id: str
    study_instance_uid: str
    study_date: date | None
    study_description: str
    series: Series
    header: InstanceHeader
    notes: tuple[str, ...] = ()


def read_header(path: Path) -> ScannedImage:
    """Read what one file says of itself, without its pixels.

    Parameters
    ----------
    path : Path
        Any file.

    Raises
    ------
    SetAside
        If the file cannot be catalogued; `SetAside.code` is one of ``empty_file``,
        ``unreadable``, ``not_dicom``, ``broken``, ``dicomdir``, ``not_mr_or_ct``,
        ``multi_frame``, ``mosaic``, ``not_an_image``, ``colour``, ``no_position`` and
        ``truncated``.
    """
    with warnings.catch_warnings():
        # A header from a hospital often breaks a value rule; what matters is checked below.
        warnings.simplefilter("ignore")
        dataset = _read_dataset(path)
        try:
            return _scanned_image(dataset, path)
        except SetAside:
            raise
        except Exception as error:
            raise SetAside("broken", f"a header element cannot be decoded: {_first_line(error)}") from error


def read_header_dataset(path: Path) -> Dataset:
    """Return a file's dataset without its pixels.

    Raises
    ------
    SetAside
        If the file is no readable DICOM file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _read_dataset(path)


def _read_dataset(path: Path) -> Dataset:
    try:
        if path.stat().st_size == 0:
            raise SetAside("empty_file", "the file has no bytes")
        with path.open("rb") as file:
            has_prefix = _check_signature(file)
            return pydicom.dcmread(file, stop_before_pixels=True, force=not has_prefix)
    except OSError as error:
        raise SetAside("unreadable", f"the file cannot be read: {error.strerror or error}") from error
    except InvalidDicomError as error:
        raise SetAside("not_dicom", "the file is no DICOM file") from error
    except SetAside:
        raise
    except Exception as error:
        raise SetAside("broken", f"the DICOM header cannot be parsed: {_first_line(error)}") from error


def _check_signature(file: BinaryIO) -> bool:
    """Return whether the file has the DICM prefix; refuse what cannot be DICOM without it."""
    head = file.read(PREAMBLE_LENGTH + 4)
    file.seek(0)
    if head[PREAMBLE_LENGTH:] == b"DICM":
        return True
    # Without a preamble a dataset begins with group 0002 or 0008, in either byte order.
    if head[:2] in {b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08"} and len(head) > 8:
        return False
    raise SetAside("not_dicom", "the file is no DICOM file: no DICM prefix and no data element at its start")


def _scanned_image(dataset: Dataset, path: Path) -> ScannedImage:
    notes: list[str] = []
    modality, sop_class_uid = _kind_of_image(dataset, notes)
    _refuse_other_pixels(dataset)
    study_uid, series_uid, sop_uid = image_identity(dataset, notes)
    patient_id = _text(dataset, "PatientID")
    if not patient_id:
        notes.append("PatientID is missing")
    header = _instance_header(dataset, sop_uid, sop_class_uid)
    _check_placed(header)
    _check_length(dataset, header, path)
    return ScannedImage(
        patient_id=patient_id,
        study_instance_uid=study_uid,
        study_date=_study_date(dataset),
        study_description=_text(dataset, "StudyDescription"),
        series=Series(
            series_instance_uid=series_uid,
            study_instance_uid=study_uid,
            modality=modality,
            series_number=_number(dataset, "SeriesNumber", int),
            series_description=_text(dataset, "SeriesDescription"),
            protocol_name=_text(dataset, "ProtocolName"),
            body_part_examined=_text(dataset, "BodyPartExamined"),
            manufacturer=_text(dataset, "Manufacturer"),
            manufacturer_model_name=_text(dataset, "ManufacturerModelName"),
            magnetic_field_strength=_number(dataset, "MagneticFieldStrength", float),
        ),
        header=header,
        notes=tuple(notes),
    )


def _kind_of_image(dataset: Dataset, notes: list[str]) -> tuple[Modality, str]:
    """Return the modality and SOP class, or set aside what is no MR or CT image."""
    meta_class = _text(_file_meta(dataset), "MediaStorageSOPClassUID")
    sop_class_uid = _text(dataset, "SOPClassUID") or meta_class
    if sop_class_uid == DICOMDIR_STORAGE:
        raise SetAside("dicomdir", "a DICOMDIR is an index; the files beside it are read instead")
    if sop_class_uid in MULTI_FRAME_STORAGE:
        frames = _number(dataset, "NumberOfFrames", int) or "unknown number of"
        raise SetAside("multi_frame", f"a multi-frame image ({frames} frames); single-frame images are read")
    stated = _text(dataset, "Modality")
    if not sop_class_uid and stated in set(Modality) and "Rows" in dataset:
        notes.append("SOPClassUID is missing")
        modality = Modality(stated)
        return modality, next(uid for uid, kind in MR_CT_STORAGE.items() if kind is modality)
    if sop_class_uid not in MR_CT_STORAGE:
        name = pydicom.uid.UID(sop_class_uid).name if sop_class_uid else "no SOP Class UID"
        raise SetAside("not_mr_or_ct", f"no MR or CT image but: {name}, modality {stated or 'not stated'}")
    if not _text(dataset, "SOPClassUID"):
        notes.append("SOPClassUID is missing")
    return MR_CT_STORAGE[sop_class_uid], sop_class_uid


def image_identity(dataset: Dataset, notes: list[str]) -> tuple[str, str, str]:
    """Return the study, series and SOP instance UIDs, derived where a de-identifier emptied them.

    What one study, one series or one image shares stands in for its UID: an export whose
    identifiers were blanked is still grouped as it was scanned.
    """
    study = _text(dataset, "StudyInstanceUID")
    if not study:
        notes.append("StudyInstanceUID is missing")
        study = derived_uid("study", *(_text(dataset, keyword) for keyword in SHARED_IN_STUDY))
    series = _text(dataset, "SeriesInstanceUID")
    if not series:
        notes.append("SeriesInstanceUID is missing")
        series = derived_uid("series", study, *(_text(dataset, keyword) for keyword in SHARED_IN_SERIES))
    sop = _text(dataset, "SOPInstanceUID")
    if not sop:
        notes.append("SOPInstanceUID is missing")
        sop = _text(_file_meta(dataset), "MediaStorageSOPInstanceUID") or derived_uid(
            "image", series, *(_texts(dataset, keyword) for keyword in OWN_OF_IMAGE)
        )
    return study, series, sop


def _refuse_other_pixels(dataset: Dataset) -> None:
    if "Rows" not in dataset or "Columns" not in dataset:
        raise SetAside("not_an_image", "the object has no Rows and Columns, so no picture")
    frames = _number(dataset, "NumberOfFrames", int) or 1
    if frames > 1:
        raise SetAside("multi_frame", f"a multi-frame image ({frames} frames); single-frame images are read")
    if "MOSAIC" in _texts(dataset, "ImageType"):
        raise SetAside(
            "mosaic", "a Siemens mosaic: many slices tiled in one picture, without their positions"
        )
    samples = _number(dataset, "SamplesPerPixel", int) or 1
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
    if min(header.pixel_spacing or (0.0,)) <= 0:
        raise SetAside("no_position", f"PixelSpacing is not positive: {header.pixel_spacing}")


def _check_length(dataset: Dataset, header: InstanceHeader, path: Path) -> None:
    """Refuse a native image whose file is shorter than its pixels alone."""
    syntax = pydicom.uid.UID(header.transfer_syntax_uid)
    if syntax.is_private or syntax.is_compressed:
        return
    bits = _number(dataset, "BitsAllocated", int) or 16
    expected = header.rows * header.columns * bits // 8
    size = path.stat().st_size
    if size < expected:
        raise SetAside("truncated", f"the file has {size} bytes; its pixels alone need {expected}")


def _instance_header(dataset: Dataset, sop_uid: str, sop_class_uid: str) -> InstanceHeader:
    def number(keyword: str) -> float | None:
        return _number(dataset, keyword, float)

    def count(keyword: str) -> int | None:
        return _number(dataset, keyword, int)

    orientation = _numbers(dataset, "ImageOrientationPatient", 6)
    position = _numbers(dataset, "ImagePositionPatient", 3)
    spacing = _numbers(dataset, "PixelSpacing", 2)
    syntax = _text(_file_meta(dataset), "TransferSyntaxUID") or str(_guessed_syntax(dataset))
    return InstanceHeader(
        sop_instance_uid=sop_uid,
        sop_class_uid=sop_class_uid,
        transfer_syntax_uid=syntax,
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        image_position_patient=None if position is None else (position[0], position[1], position[2]),
        image_orientation_patient=None
        if orientation is None
        else (orientation[0], orientation[1], orientation[2], orientation[3], orientation[4], orientation[5]),
        pixel_spacing=None if spacing is None else (spacing[0], spacing[1]),
        frame_of_reference_uid=_text(dataset, "FrameOfReferenceUID"),
        instance_number=count("InstanceNumber"),
        acquisition_number=count("AcquisitionNumber"),
        temporal_position_identifier=count("TemporalPositionIdentifier"),
        echo_numbers=count("EchoNumbers"),
        image_type=_texts(dataset, "ImageType"),
        scanning_sequence=_texts(dataset, "ScanningSequence"),
        sequence_variant=_texts(dataset, "SequenceVariant"),
        scan_options=_texts(dataset, "ScanOptions"),
        sequence_name=_text(dataset, "SequenceName"),
        repetition_time=number("RepetitionTime"),
        echo_time=number("EchoTime"),
        inversion_time=number("InversionTime"),
        flip_angle=number("FlipAngle"),
        contrast_bolus_agent=_text(dataset, "ContrastBolusAgent"),
        convolution_kernel=" ".join(_texts(dataset, "ConvolutionKernel")),
        slice_thickness=number("SliceThickness"),
        spacing_between_slices=number("SpacingBetweenSlices"),
        gantry_detector_tilt=number("GantryDetectorTilt"),
        diffusion_b_value=number("DiffusionBValue"),
    )


def _guessed_syntax(dataset: Dataset) -> pydicom.uid.UID:
    """Return the encoding that pydicom found where the file has no meta header."""
    is_implicit, is_little = dataset.original_encoding
    if is_little is False:
        return pydicom.uid.ExplicitVRBigEndian
    return pydicom.uid.ImplicitVRLittleEndian if is_implicit else pydicom.uid.ExplicitVRLittleEndian


def _study_date(dataset: Dataset) -> date | None:
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
        text = _text(dataset, keyword).replace(".", "")
        try:
            return datetime.strptime(text[:8], "%Y%m%d").date()
        except ValueError:
            continue
    return None


def _file_meta(dataset: Dataset) -> Dataset:
    return getattr(dataset, "file_meta", None) or Dataset()


def _value(dataset: Dataset, keyword: str) -> Any:
    """Return an element's value, None where it is absent, empty or not decodable."""
    try:
        return dataset.get(keyword)
    except (ValueError, TypeError, NotImplementedError, OverflowError, KeyError):
        return None


def _text(dataset: Dataset, keyword: str) -> str:
    value = _value(dataset, keyword)
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    return "" if value is None else str(value).replace("\x00", "").strip()


def _texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    value = _value(dataset, keyword)
    if value is None or value == "":
        return ()
    items = value if isinstance(value, MultiValue | list | tuple) else [value]
    return tuple(str(item).strip() for item in items)


def _number(dataset: Dataset, keyword: str, kind: Callable[[Any], T]) -> T | None:
    value = _value(dataset, keyword)
    if isinstance(value, MultiValue | list | tuple):
        value = value[0] if len(value) else None
    if value is None or value == "":
        return None
    try:
        return kind(value)
    except (ValueError, TypeError, OverflowError):
        return None


def _numbers(dataset: Dataset, keyword: str, length: int) -> tuple[float, ...] | None:
    value = _value(dataset, keyword)
    if not isinstance(value, MultiValue | list | tuple) or len(value) != length:
        return None
    try:
        numbers = tuple(float(item) for item in value)
    except (ValueError, TypeError):
        return None
    finite = all(abs(number) < float("inf") for number in numbers)
    return numbers if finite else None


def _first_line(error: Exception) -> str:
    # Only the kind and the first line: a decoder's message can quote a value of the header.
    text = str(error).splitlines()
    return f"{type(error).__name__}" + (f": {text[0][:120]}" if text else "")


def derived_patient_id(study_instance_uid: str) -> str:
    """Return the stand-in for a missing PatientID: the same for all series of a study.

    Parameters
    ----------
    study_instance_uid : str
        The study the images belong to.
    """
    return f"unidentified-{derived_uid('patient of study', study_instance_uid)[-8:]}"

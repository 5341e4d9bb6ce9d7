"""What the catalogue knows of images, as frozen values the rooms hand each other.

A record knows no file format, no table and no window. DICOM attributes keep their
keyword in snake_case. Where a value is None the file did not say it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import (
    ImageRole,
    Modality,
    Plane,
    Weighting,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLocation:
    """A file under a named root, so that a moved drive needs one correction.

    Parameters
    ----------
    root : str
        Name of the root in the workspace's settings.
    relative_path : str
        Path below the root, with forward slashes.
    size : int
        Bytes.
    mtime_ns : int
        Modification time, nanoseconds since 1970.
    """

    root: str
    relative_path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A patient of the catalogue; `is_identified` is False if the files held no PatientID."""

    patient_id: str
    is_identified: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who a study says was imaged; shown only where somebody asks for names.

    Parameters
    ----------
    name : str
        PatientName as it is to be shown.
    name_bytes : str
        The bytes of PatientName as the file has them, hexadecimal.
    character_set : str
        SpecificCharacterSet as the file states it.
    read_as : str
        The encoding the name was read with, and why if it is not the stated one.
    birth_date : date or None
        PatientBirthDate.
    sex : str
        PatientSex.
    """

    name: str = ""
    name_bytes: str = ""
    character_set: str = ""
    read_as: str = ""
    birth_date: date | None = None
    sex: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One study, as in DICOM.

    `patient_id` is the patient the study is followed under; `stated_patient_id` is what the
    files say, which differs where a person joined two patients, and is empty if they say none.
    """

    study_instance_uid: str
    patient_id: str
    study_date: date | None
    study_description: str = ""
    stated_patient_id: str = ""
    person: Person = Person()


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series, as in DICOM."""

    series_instance_uid: str
    study_instance_uid: str
    modality: Modality
    series_number: int | None = None
    series_description: str = ""
    protocol_name: str = ""
    body_part_examined: str = ""
    manufacturer: str = ""
    manufacturer_model_name: str = ""
    magnetic_field_strength: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceHeader:
    """What one image, or one frame of a multi-frame image, says of itself for stacks and contrast.

    `frame_number` is None for a single-frame image, else counted from 1. Lengths are
    millimetres, times milliseconds, angles degrees. Tuples of numbers are in the order of the
    DICOM attribute.
    """

    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    rows: int
    columns: int
    image_position_patient: tuple[float, float, float] | None
    image_orientation_patient: tuple[float, float, float, float, float, float] | None
    pixel_spacing: tuple[float, float] | None
    frame_number: int | None = None
    frame_of_reference_uid: str = ""
    instance_number: int | None = None
    acquisition_number: int | None = None
    temporal_position_identifier: int | None = None
    echo_numbers: int | None = None
    image_type: tuple[str, ...] = ()
    scanning_sequence: tuple[str, ...] = ()
    sequence_variant: tuple[str, ...] = ()
    scan_options: tuple[str, ...] = ()
    sequence_name: str = ""
    repetition_time: float | None = None
    echo_time: float | None = None
    inversion_time: float | None = None
    flip_angle: float | None = None
    contrast_bolus_agent: str = ""
    convolution_kernel: str = ""
    slice_thickness: float | None = None
    spacing_between_slices: float | None = None
    gantry_detector_tilt: float | None = None
    diffusion_b_value: float | None = None
    patient_position: str = ""
    burned_in_annotation: str = ""
    lossy_image_compression: str = ""
    study_description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One catalogued image: its header, where it lies, and its place in a stack.

    `stack_uid` and `slice_index` are None for an image that no stack could take. `is_missing` says
    that the file was not there when its folder was last scanned. `pixel_sha256` is the digest of
    the decoded pixels, where it was asked for.
    """

    series_instance_uid: str
    header: InstanceHeader
    location: FileLocation
    stack_uid: str | None = None
    slice_index: int | None = None
    is_missing: bool = False
    pixel_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Slices of one series that form one volume.

    Parameters
    ----------
    stack_uid : str
        Derived from the series and what tells its stacks apart, so that it is the same
        whenever the same files are read.
    series_instance_uid : str
        The series.
    geometry : VolumeGeometry
        The grid in patient space. For an irregular stack: the grid of the typical spacing.
    plane, weighting : Plane, Weighting
        Role of the stack.
    weighting_evidence : str
        Why the weighting is believed.
    frame_of_reference_uid : str
        As in DICOM; points of two stacks may be compared only if it is equal.
    is_regular : bool
        False if slices are missing, doubled or unevenly spaced: such a stack is not measured on.
    problems : tuple of str
        What is wrong, with the positions in millimetres.
    role : ImageRole
        What the stack was made for.
    role_evidence : str
        Why the role is believed.
    is_lumbar : bool or None
        Whether the lumbar spine is shown; None where nothing says so.
    lumbar_evidence : str
        Why that is believed.
    """

    stack_uid: str
    series_instance_uid: str
    geometry: VolumeGeometry
    plane: Plane
    weighting: Weighting
    weighting_evidence: str = ""
    frame_of_reference_uid: str = ""
    is_regular: bool = True
    problems: tuple[str, ...] = ()
    role: ImageRole = ImageRole.DIAGNOSTIC
    role_evidence: str = ""
    is_lumbar: bool | None = None
    lumbar_evidence: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is unusual and yet measured on, in words: a gantry tilt with its angle."""
        if not self.geometry.is_sheared:
            return ()
        # Only CT has a gantry; a CT whose kernel is not stated has no known weighting.
        may_be_ct = self.weighting in {Weighting.CT_SOFT, Weighting.CT_BONE, Weighting.UNKNOWN}
        what = "gantry tilt" if may_be_ct else "slices shifted against each other by"
        return (f"{what} {self.geometry.tilt_degrees:.1f} degrees",)


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguedStack:
    """A stack together with the series, study and patient it belongs to."""

    stack: Stack
    series: Series
    study: Study

    @property
    def frame(self) -> str:
        """Its frame of reference; a stack that states none has one of its own."""
        return self.stack.frame_of_reference_uid or f"stack {self.stack.stack_uid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """A file that was set aside, and why.

    `code` is a short stable word for counting, `reason` a sentence with the values.
    """

    location: FileLocation
    code: str
    reason: str

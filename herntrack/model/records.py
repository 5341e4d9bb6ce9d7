"""The domain as frozen values: what the catalogue holds and the rooms hand each other.

A record knows no file format, no table and no window. DICOM attributes keep their
keyword in snake_case. Where a value is None the file did not say it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from herntrack._typing import Affine4x4
from herntrack.model.base_plane import BasePlane, Point
from herntrack.model.descriptors import Descriptors
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import (
    HerniationType,
    Horizon,
    ImageRole,
    Level,
    Modality,
    OutcomeClass,
    Plane,
    ReadingStatus,
    Side,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One patient's imaging on one date; `is_baseline_confirmed` if a person chose day 0."""

    patient_id: str
    visit_date: date
    day: int
    timepoint: str
    is_baseline_confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesion:
    """One herniation at one level and side, under one tracking UID for life."""

    lesion_uid: str
    patient_id: str
    level: Level
    side: Side | None
    type: HerniationType | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reader's judgement of one lesion at one visit on one stack.

    Parameters
    ----------
    reading_uid : str
        Identifies the reading; also the SOP Instance UID of its segmentation object.
    lesion_uid : str
        The lesion.
    visit_date : date
        The visit.
    reader : str
        Who read.
    status : ReadingStatus
        Present (with a mask), absent, or not evaluable.
    reason : str
        Why the lesion is said to be absent or not evaluable; empty for present.
    stack_uid, series_instance_uid, study_instance_uid : str or None
        What was read. None only where a visit that is not evaluable has no usable stack.
    modality : Modality
        Of the images that were read.
    created_at : datetime
        UTC.
    supersedes : tuple of str
        Readings that this one replaces; they stay in the store.
    superseded_by : str or None
        The reading that replaced this one.
    segmentation_file : str or None
        File name of the DICOM SEG beside the JSON record.
    segmentation_sha256 : str or None
        Digest of that file.
    source : str
        How the mask came about, for example ``import NIfTI``.
    source_sha256 : str or None
        Digest of the imported file.
    is_proposed : bool
        Whether no reader has accepted it yet. It stands for a visit only where nothing accepted does.
    base_plane : BasePlane or None
        The plane the mask was bounded by in front, in the visit's coordinates.
    base_plane_source : str
        Where the plane comes from; empty if there is none.
    points_lps, background_points_lps : tuple of (x, y, z)
        Clicks in the fragment and beside it, LPS mm, in the order they were made.
    proposed_from : str or None
        The reading it was carried forward from, or the proposal that a reader accepted.
    guards : tuple of str
        What a reader should look at, sentences.
    descriptors : Descriptors or None
        What the reader says of it besides; None if nothing.
    """

    reading_uid: str
    lesion_uid: str
    visit_date: date
    reader: str
    status: ReadingStatus
    reason: str
    stack_uid: str | None
    series_instance_uid: str | None
    study_instance_uid: str | None
    modality: Modality
    created_at: datetime
    supersedes: tuple[str, ...] = ()
    superseded_by: str | None = None
    segmentation_file: str | None = None
    segmentation_sha256: str | None = None
    source: str = ""
    source_sha256: str | None = None
    is_proposed: bool = False
    base_plane: BasePlane | None = None
    base_plane_source: str = ""
    points_lps: tuple[Point, ...] = ()
    background_points_lps: tuple[Point, ...] = ()
    proposed_from: str | None = None
    guards: tuple[str, ...] = ()
    descriptors: Descriptors | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Numbers from one reading.

    Volumes are mm3, lengths mm. `volume_sigma_mm3` is the error expected when the same
    reader repeats the reading on the same protocol, by the rule set named here.

    `volume_mm3` counts voxels and is primary. Beside it stand other estimates of the same mask:
    `lower_volume_mm3` and `upper_volume_mm3` without and with half of the voxels at its edge,
    `surface_volume_mm3` within a smoothed surface, and `partial_volume_mm3` with its standard error
    `partial_volume_error_mm3`, from the intensities at the edge. None means not estimated: the
    images could not be read, the edge has too little contrast, or the mask is empty.
    """

    reading_uid: str
    volume_mm3: float
    volume_sigma_mm3: float
    n_voxels: int
    n_slices: int
    n_fragments: int
    fragment_volumes_mm3: tuple[float, ...]
    in_plane_diameter_mm: float
    perpendicular_diameter_mm: float
    extent_across_slices_mm: float
    max_diameter_mm: float
    centroid_lps: tuple[float, float, float] | None
    rules_sha256: str
    lower_volume_mm3: float | None = None
    upper_volume_mm3: float | None = None
    surface_volume_mm3: float | None = None
    partial_volume_mm3: float | None = None
    partial_volume_error_mm3: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitAlignment:
    """How a follow-up lies to the baseline, and how far that can be trusted.

    Parameters
    ----------
    alignment_uid : str
        Identifies the record.
    patient_id : str
        The patient the stacks were followed under when it was made.
    visit_date, baseline_date : date
        The follow-up and day 0.
    level : Level or None
        The disc it was refined at; None for the whole lumbar spine.
    centre_lps : tuple of float or None
        Centre of that disc at the baseline, LPS mm.
    baseline_stack_uid, followup_stack_uid : str
        The stacks that were compared.
    grids_sha256 : str
        Digest of the two stacks' grids: an alignment of stacks that have changed does not count.
    matrix_lps : tuple of 16 floats
        Rows of the 4x4 matrix that takes a point of the follow-up to the baseline, LPS mm.
    residual_mm : float or None
        What single regions would still move (mm, root mean square); None if nothing could be compared.
    overlap : float
        Share of the smaller stack, or of the level, that lies in the other, 0 to 1.
    agreement : float
        Mean correlation of the blocks compared, 0 to 1.
    runner_up : float or None
        Agreement of the best other place; None if there was none to compare.
    runner_up_mm : float or None
        How far away that place is (mm).
    verdict : str
        ``good``, ``check`` or ``failed``.
    reasons : tuple of str
        Why it is not good.
    made_at : datetime
        UTC.
    software_version : str
        Of herntrack.
    is_overruled : bool
        Whether `verdict` is a person's; never so in a stored record.
    """

    alignment_uid: str
    patient_id: str
    visit_date: date
    baseline_date: date
    level: Level | None
    centre_lps: Point | None
    baseline_stack_uid: str
    followup_stack_uid: str
    grids_sha256: str
    matrix_lps: tuple[float, ...]
    residual_mm: float | None
    overlap: float
    agreement: float
    runner_up: float | None
    runner_up_mm: float | None
    verdict: str
    reasons: tuple[str, ...]
    made_at: datetime
    software_version: str
    is_overruled: bool = False

    @property
    def matrix(self) -> Affine4x4:
        """The matrix, shape (4, 4)."""
        return np.array(self.matrix_lps, dtype=np.float64).reshape(4, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one lesion under one rule set, up to one horizon."""

    lesion_uid: str
    horizon: Horizon
    rules: str
    rules_sha256: str
    outcome: OutcomeClass
    reason: str
    flags: tuple[str, ...]
    visit_states: str
    stability: float
    class_shares: tuple[tuple[str, float], ...]
    last_date: date | None
    last_day: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """A file that was set aside, and why.

    `code` is a short stable word for counting, `reason` a sentence with the values.
    """

    location: FileLocation
    code: str
    reason: str

"""What people and the program say of a lesion through time, as frozen values.

A record knows no file format, no table and no window. Where a value is None nobody said it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from herntrack._typing import Affine4x4
from herntrack.model.base_plane import BasePlane, Point
from herntrack.model.descriptors import Descriptors
from herntrack.model.facet_line import FacetLine
from herntrack.model.vocabulary import (
    HerniationType,
    Horizon,
    Level,
    Modality,
    OutcomeClass,
    ReadingStatus,
    Side,
)


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
    facet_line : FacetLine or None
        The line between the facets that the reader drew, in the visit's coordinates.
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
    facet_line: FacetLine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Numbers from one reading.

    Volumes are mm3, lengths mm. `volume_sigma_mm3` is kept as the error expected when the same
    reader repeats the reading on the same protocol, by the rule set named here; where a reading is
    shown it holds the error that its comparison with the baseline has
    (`herntrack.workflows.stated_errors`).

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

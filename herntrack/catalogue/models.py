"""The tables. Rows stay in this room; the repository hands out records.

Keys are the identifiers of DICOM and of the readings, never counters, so that a rebuilt
catalogue has the same rows. Lengths are millimetres, volumes cubic millimetres.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Every constraint has a name, so that a migration can find it."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite has no time zones, so they are taken off and put back."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Store UTC without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return UTC with its zone."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(naming_convention=NAMING)


class PatientRow(Base):
    """One patient."""

    __tablename__ = "patient"
    patient_id: Mapped[str] = mapped_column(primary_key=True)
    is_identified: Mapped[bool]


class StudyRow(Base):
    """One study."""

    __tablename__ = "study"
    study_instance_uid: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.patient_id"), index=True)
    study_date: Mapped[date | None]
    study_description: Mapped[str]
    stated_patient_id: Mapped[str]
    person_name: Mapped[str]
    person_name_bytes: Mapped[str]
    person_character_set: Mapped[str]
    person_read_as: Mapped[str]
    person_birth_date: Mapped[date | None]
    person_sex: Mapped[str]


class SeriesRow(Base):
    """One series."""

    __tablename__ = "series"
    series_instance_uid: Mapped[str] = mapped_column(primary_key=True)
    study_instance_uid: Mapped[str] = mapped_column(ForeignKey("study.study_instance_uid"), index=True)
    modality: Mapped[str]
    series_number: Mapped[int | None]
    series_description: Mapped[str]
    protocol_name: Mapped[str]
    body_part_examined: Mapped[str]
    manufacturer: Mapped[str]
    manufacturer_model_name: Mapped[str]
    magnetic_field_strength: Mapped[float | None]


class StackRow(Base):
    """One stack of a series."""

    __tablename__ = "stack"
    stack_uid: Mapped[str] = mapped_column(primary_key=True)
    series_instance_uid: Mapped[str] = mapped_column(ForeignKey("series.series_instance_uid"), index=True)
    n_slices: Mapped[int]
    rows: Mapped[int]
    columns: Mapped[int]
    slice_spacing_mm: Mapped[float]
    pixel_spacing_row_mm: Mapped[float]
    pixel_spacing_col_mm: Mapped[float]
    affine_lps: Mapped[Any] = mapped_column(JSON)
    plane: Mapped[str]
    weighting: Mapped[str]
    weighting_evidence: Mapped[str]
    frame_of_reference_uid: Mapped[str]
    is_regular: Mapped[bool]
    problems: Mapped[Any] = mapped_column(JSON)
    role: Mapped[str]
    role_evidence: Mapped[str]
    is_lumbar: Mapped[bool | None]
    lumbar_evidence: Mapped[str]


class HeaderRow(Base):
    """What the headers of many images say alike, kept under a digest of it."""

    __tablename__ = "header"
    header_key: Mapped[str] = mapped_column(primary_key=True)
    said: Mapped[Any] = mapped_column(JSON)


class InstanceRow(Base):
    """One image, or one frame of a multi-frame image, and where its file lies; 0 is the only frame."""

    __tablename__ = "instance"
    __table_args__ = (Index("ix_instance_file", "root", "relative_path", "frame_number", unique=True),)
    sop_instance_uid: Mapped[str] = mapped_column(primary_key=True)
    frame_number: Mapped[int] = mapped_column(primary_key=True)
    series_instance_uid: Mapped[str] = mapped_column(ForeignKey("series.series_instance_uid"), index=True)
    stack_uid: Mapped[str | None] = mapped_column(ForeignKey("stack.stack_uid"), index=True)
    slice_index: Mapped[int | None]
    root: Mapped[str]
    relative_path: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    mtime_ns: Mapped[int] = mapped_column(BigInteger)
    header_key: Mapped[str] = mapped_column(ForeignKey("header.header_key"), index=True)
    position_x_mm: Mapped[float | None]
    position_y_mm: Mapped[float | None]
    position_z_mm: Mapped[float | None]
    instance_number: Mapped[int | None]
    is_missing: Mapped[bool]
    pixel_sha256: Mapped[str | None]
    header: Mapped[HeaderRow] = relationship(lazy="joined", innerjoin=True)


class VisitRow(Base):
    """One patient's imaging on one date."""

    __tablename__ = "visit"
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.patient_id"), primary_key=True)
    visit_date: Mapped[date] = mapped_column(primary_key=True)
    day: Mapped[int]
    timepoint: Mapped[str]
    is_baseline_confirmed: Mapped[bool]


class LesionRow(Base):
    """One herniation under one tracking UID."""

    __tablename__ = "lesion"
    lesion_uid: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patient.patient_id"), index=True)
    level: Mapped[str]
    side: Mapped[str | None]
    type: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReadingRow(Base):
    """One reading. Its stack is no foreign key: a reading outlives the images it was made on."""

    __tablename__ = "reading"
    reading_uid: Mapped[str] = mapped_column(primary_key=True)
    lesion_uid: Mapped[str] = mapped_column(ForeignKey("lesion.lesion_uid"), index=True)
    visit_date: Mapped[date]
    reader: Mapped[str]
    status: Mapped[str]
    reason: Mapped[str]
    stack_uid: Mapped[str | None]
    series_instance_uid: Mapped[str | None]
    study_instance_uid: Mapped[str | None]
    modality: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    supersedes: Mapped[Any] = mapped_column(JSON)
    superseded_by: Mapped[str | None]
    segmentation_file: Mapped[str | None]
    segmentation_sha256: Mapped[str | None]
    source: Mapped[str]
    source_sha256: Mapped[str | None]
    is_proposed: Mapped[bool]
    base_plane: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    base_plane_source: Mapped[str]
    points_lps: Mapped[Any] = mapped_column(JSON)
    background_points_lps: Mapped[Any] = mapped_column(JSON)
    proposed_from: Mapped[str | None]
    guards: Mapped[Any] = mapped_column(JSON)
    descriptors: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    facet_line: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)


class MeasurementRow(Base):
    """Numbers from one reading."""

    __tablename__ = "measurement"
    reading_uid: Mapped[str] = mapped_column(ForeignKey("reading.reading_uid"), primary_key=True)
    volume_mm3: Mapped[float]
    volume_sigma_mm3: Mapped[float]
    n_voxels: Mapped[int]
    n_slices: Mapped[int]
    n_fragments: Mapped[int]
    fragment_volumes_mm3: Mapped[Any] = mapped_column(JSON)
    in_plane_diameter_mm: Mapped[float]
    perpendicular_diameter_mm: Mapped[float]
    extent_across_slices_mm: Mapped[float]
    max_diameter_mm: Mapped[float]
    centroid_lps: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    rules_sha256: Mapped[str]
    lower_volume_mm3: Mapped[float | None]
    upper_volume_mm3: Mapped[float | None]
    surface_volume_mm3: Mapped[float | None]
    partial_volume_mm3: Mapped[float | None]
    partial_volume_error_mm3: Mapped[float | None]


class AlignmentRow(Base):
    """One alignment. Patient and stacks are no foreign keys: the record outlives a merge and the images."""

    __tablename__ = "alignment"
    alignment_uid: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(index=True)
    visit_date: Mapped[date]
    baseline_date: Mapped[date]
    level: Mapped[str | None]
    centre_lps: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    baseline_stack_uid: Mapped[str]
    followup_stack_uid: Mapped[str] = mapped_column(index=True)
    grids_sha256: Mapped[str]
    matrix_lps: Mapped[Any] = mapped_column(JSON)
    residual_mm: Mapped[float | None]
    overlap: Mapped[float]
    agreement: Mapped[float]
    runner_up: Mapped[float | None]
    runner_up_mm: Mapped[float | None]
    verdict: Mapped[str]
    reasons: Mapped[Any] = mapped_column(JSON)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    software_version: Mapped[str]


class OutcomeRow(Base):
    """What became of one lesion under one rule set, up to one horizon."""

    __tablename__ = "outcome"
    __table_args__ = (ForeignKeyConstraint(["lesion_uid"], ["lesion.lesion_uid"]),)
    lesion_uid: Mapped[str] = mapped_column(primary_key=True)
    rules_sha256: Mapped[str] = mapped_column(primary_key=True)
    horizon: Mapped[str] = mapped_column(primary_key=True)
    rules: Mapped[str]
    outcome: Mapped[str]
    reason: Mapped[str]
    flags: Mapped[Any] = mapped_column(JSON)
    visit_states: Mapped[str]
    stability: Mapped[float]
    class_shares: Mapped[Any] = mapped_column(JSON)
    last_date: Mapped[date | None]
    last_day: Mapped[int | None]


class RejectRow(Base):
    """One file that was set aside, and why."""

    __tablename__ = "reject"
    root: Mapped[str] = mapped_column(primary_key=True)
    relative_path: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    mtime_ns: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str]
    reason: Mapped[str]

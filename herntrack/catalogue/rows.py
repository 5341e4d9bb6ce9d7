"""Between records and rows: the only place that knows both."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from herntrack.catalogue import models
from herntrack.dicom.header_parts import HeaderParts, header_of_parts, shared_key
from herntrack.model import images, records
from herntrack.model.base_plane import BasePlane
from herntrack.model.descriptors import Descriptors
from herntrack.model.facet_line import FacetLine
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

TERMS = (
    *(HerniationType, Horizon, ImageRole, Level, Modality),
    *(OutcomeClass, Plane, ReadingStatus, Side, Weighting),
)
"""Words are stored as their plain value."""

PERSON_PREFIX = "person_"
"""Columns of a study that say who was imaged begin with this."""

_PERSON_FIELDS = tuple(field.name for field in fields(images.Person))


@dataclass(slots=True, kw_only=True)
class NewImage:
    """An image to be written: its header, where its file lies, its place in a stack."""

    sop_instance_uid: str
    series_instance_uid: str
    location: images.FileLocation
    header: HeaderParts
    frame_number: int = 0
    stack_uid: str | None = None
    slice_index: int | None = None
    pixel_sha256: str | None = None

    def instance_header(self) -> images.InstanceHeader:
        """Return the header as a record."""
        return header_of_parts(
            json.loads(self.header.shared),
            sop_instance_uid=self.sop_instance_uid,
            frame_number=self.frame_number,
            position=self.header.position,
            number=self.header.number,
        )


def plain_row(record: Any) -> dict[str, Any]:
    """Return a record whose fields are the table's columns as a row."""
    return {field.name: _plain(getattr(record, field.name)) for field in fields(record)}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, TERMS) else value


def stack_row(stack: images.Stack) -> dict[str, Any]:
    """Return a stack as a row; spacings stand beside the affine so that SQL can ask for them."""
    slice_spacing, row_spacing, column_spacing = stack.geometry.spacing_zyx
    n_slices, n_rows, n_columns = stack.geometry.shape_zyx
    return {
        "stack_uid": stack.stack_uid,
        "series_instance_uid": stack.series_instance_uid,
        "n_slices": n_slices,
        "rows": n_rows,
        "columns": n_columns,
        "slice_spacing_mm": slice_spacing,
        "pixel_spacing_row_mm": row_spacing,
        "pixel_spacing_col_mm": column_spacing,
        "affine_lps": stack.geometry.as_lists(),
        "plane": str(stack.plane),
        "weighting": str(stack.weighting),
        "weighting_evidence": stack.weighting_evidence,
        "frame_of_reference_uid": stack.frame_of_reference_uid,
        "is_regular": stack.is_regular,
        "problems": list(stack.problems),
        "role": str(stack.role),
        "role_evidence": stack.role_evidence,
        "is_lumbar": stack.is_lumbar,
        "lumbar_evidence": stack.lumbar_evidence,
    }


def stack_record(row: models.StackRow) -> images.Stack:
    """Return a row of the stack table as a record."""
    return images.Stack(
        stack_uid=row.stack_uid,
        series_instance_uid=row.series_instance_uid,
        geometry=VolumeGeometry(
            affine_lps=np.array(row.affine_lps), shape_zyx=(row.n_slices, row.rows, row.columns)
        ),
        plane=Plane(row.plane),
        weighting=Weighting(row.weighting),
        weighting_evidence=row.weighting_evidence,
        frame_of_reference_uid=row.frame_of_reference_uid,
        is_regular=row.is_regular,
        problems=tuple(row.problems),
        role=ImageRole(row.role),
        role_evidence=row.role_evidence,
        is_lumbar=row.is_lumbar,
        lumbar_evidence=row.lumbar_evidence,
    )


def series_record(row: models.SeriesRow) -> images.Series:
    """Return a row of the series table as a record."""
    values = _columns(row)
    values["modality"] = Modality(row.modality)
    return images.Series(**values)


def study_record(row: models.StudyRow) -> images.Study:
    """Return a row of the study table as a record."""
    values = _columns(row)
    person = {name: values.pop(f"{PERSON_PREFIX}{name}") for name in _PERSON_FIELDS}
    return images.Study(**values, person=images.Person(**person))


def study_row(study: images.Study) -> dict[str, Any]:
    """Return a study as a row; the person stands in columns of its own."""
    row = plain_row(study)
    person = plain_row(row.pop("person"))
    return row | {f"{PERSON_PREFIX}{name}": value for name, value in person.items()}


IMAGE_COLUMNS = tuple(models.InstanceRow.__table__.columns.keys())
"""Columns of an image's row; `image_values` has their order."""


def image_values(image: NewImage, header_key: str) -> tuple[Any, ...]:
    """Return the values of a new image's row; the key stands for what it shares with others."""
    location, header = image.location, image.header
    return (
        *(image.sop_instance_uid, image.frame_number, image.series_instance_uid),
        *(image.stack_uid, image.slice_index),
        *(location.root, location.relative_path, location.size, location.mtime_ns),
        *(header_key, *(header.position or (None, None, None)), header.number),
        *(False, image.pixel_sha256),
    )


def header_row(shared: str) -> dict[str, Any]:
    """Return what headers share as a row."""
    return {"header_key": shared_key(shared), "said": json.loads(shared)}


def location_record(row: models.InstanceRow | models.RejectRow) -> images.FileLocation:
    """Return where a row's file lies."""
    return images.FileLocation(
        root=row.root, relative_path=row.relative_path, size=row.size, mtime_ns=row.mtime_ns
    )


def _instance_header(row: models.InstanceRow) -> images.InstanceHeader:
    x, y, z = row.position_x_mm, row.position_y_mm, row.position_z_mm
    return header_of_parts(
        row.header.said,
        sop_instance_uid=row.sop_instance_uid,
        frame_number=row.frame_number,
        position=None if x is None or y is None or z is None else (x, y, z),
        number=row.instance_number,
    )


def instance_record(row: models.InstanceRow) -> images.Instance:
    """Return a row of the instance table as a record."""
    return images.Instance(
        series_instance_uid=row.series_instance_uid,
        header=_instance_header(row),
        location=location_record(row),
        stack_uid=row.stack_uid,
        slice_index=row.slice_index,
        is_missing=row.is_missing,
        pixel_sha256=row.pixel_sha256,
    )


def lesion_record(row: models.LesionRow) -> records.Lesion:
    """Return a row of the lesion table as a record."""
    return records.Lesion(
        lesion_uid=row.lesion_uid,
        patient_id=row.patient_id,
        level=Level(row.level),
        side=Side(row.side) if row.side else None,
        type=HerniationType(row.type) if row.type else None,
        created_at=row.created_at,
    )


def reading_record(row: models.ReadingRow) -> records.Reading:
    """Return a row of the reading table as a record."""
    values = _columns(row)
    values["status"] = ReadingStatus(row.status)
    values["modality"] = Modality(row.modality)
    values["supersedes"] = tuple(row.supersedes)
    values["base_plane"] = None if row.base_plane is None else BasePlane.from_dict(row.base_plane)
    for name in ("points_lps", "background_points_lps"):
        values[name] = tuple((x, y, z) for x, y, z in values[name])
    values["guards"] = tuple(row.guards)
    values["descriptors"] = None if row.descriptors is None else Descriptors.from_dict(row.descriptors)
    values["facet_line"] = None if row.facet_line is None else FacetLine.from_dict(row.facet_line)
    return records.Reading(**values)


def reading_row(reading: records.Reading) -> dict[str, Any]:
    """Return a reading as a row."""
    values = {name: getattr(reading, name) for name in ("base_plane", "descriptors", "facet_line")}
    return plain_row(reading) | {
        name: None if value is None else value.as_dict() for name, value in values.items()
    }


def alignment_record(row: models.AlignmentRow) -> records.VisitAlignment:
    """Return a row of the alignment table as a record."""
    values = _columns(row)
    values["level"] = Level(row.level) if row.level else None
    values["centre_lps"] = None if row.centre_lps is None else tuple(row.centre_lps)
    values["matrix_lps"] = tuple(row.matrix_lps)
    values["reasons"] = tuple(row.reasons)
    return records.VisitAlignment(**values)


def alignment_row(alignment: records.VisitAlignment) -> dict[str, Any]:
    """Return an alignment as a row; whether a person overruled it is told by their decision."""
    row = plain_row(alignment)
    row.pop("is_overruled")
    return row


def measurement_record(row: models.MeasurementRow) -> records.Measurement:
    """Return a row of the measurement table as a record."""
    values = _columns(row)
    values["fragment_volumes_mm3"] = tuple(row.fragment_volumes_mm3)
    values["centroid_lps"] = None if row.centroid_lps is None else tuple(row.centroid_lps)
    return records.Measurement(**values)


def outcome_record(row: models.OutcomeRow) -> records.Outcome:
    """Return a row of the outcome table as a record."""
    values = _columns(row)
    values["horizon"] = Horizon(row.horizon)
    values["outcome"] = OutcomeClass(row.outcome)
    values["flags"] = tuple(row.flags)
    values["class_shares"] = tuple((name, share) for name, share in row.class_shares)
    return records.Outcome(**values)


def _columns(row: models.Base) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__mapper__.column_attrs}

"""What the catalogue holds, as plain rows for a table, JSON or CSV."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from herntrack.catalogue.images import ImageCounts
from herntrack.catalogue.session import Catalogue
from herntrack.model.images import CataloguedStack
from herntrack.model.vocabulary import Horizon
from herntrack.workflows.listings.kinds import Listing, Row
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.stack_choice import StackProposal, proposed_stacks
from herntrack.workflows.stated_errors import stated_measurements
from herntrack.workflows.workspace import Workspace

__all__ = ["Listing", "Row", "list_rows", "proposal_row", "stack_row"]


def list_rows(workspace: Workspace, what: Listing, *, patient_id: str | None = None) -> list[Row]:
    """Return the rows of one listing.

    Parameters
    ----------
    workspace : Workspace
        The project.
    what : Listing
        What to list.
    patient_id : str, optional
        Keep only what belongs to this patient; files that were set aside belong to none.
    """
    if what is Listing.PROPOSALS:
        return [proposal_row(each) for each in proposed_stacks(workspace, patient_id=patient_id)]
    with catalogue_of(workspace) as catalogue:
        found = _readings(catalogue, workspace) if what is Listing.READINGS else _LISTINGS[what](catalogue)
    if patient_id is None:
        return found
    return [row for row in found if row.get("patient_id") == patient_id]


def stack_row(each: CataloguedStack, counts: ImageCounts | None = None) -> Row:
    """Return one stack with what a person needs to choose it.

    Parameters
    ----------
    each : CataloguedStack
        The stack.
    counts : ImageCounts, optional
        Of its images; without them nothing is said of frames and missing files.
    """
    stack, series, study = each.stack, each.series, each.study
    n_slices, n_rows, n_columns = stack.geometry.shape_zyx
    slice_spacing, row_spacing, column_spacing = stack.geometry.spacing_zyx
    return {
        "stack_uid": stack.stack_uid,
        "series_instance_uid": stack.series_instance_uid,
        "study_instance_uid": study.study_instance_uid,
        "patient_id": study.patient_id,
        "study_date": None if study.study_date is None else study.study_date.isoformat(),
        "modality": str(series.modality),
        "plane": str(stack.plane),
        "weighting": str(stack.weighting),
        "weighting_evidence": stack.weighting_evidence,
        "series_number": series.series_number,
        "series_description": series.series_description,
        "n_slices": n_slices,
        "rows": n_rows,
        "columns": n_columns,
        # One slice has no neighbour, so no distance to it.
        "slice_spacing_mm": slice_spacing if n_slices > 1 else None,
        "pixel_spacing_row_mm": row_spacing,
        "pixel_spacing_col_mm": column_spacing,
        "affine_lps": stack.geometry.as_lists(),
        "tilt_degrees": round(stack.geometry.tilt_degrees, 3),
        "magnetic_field_strength": series.magnetic_field_strength,
        "role": str(stack.role),
        "role_evidence": stack.role_evidence,
        "is_lumbar": stack.is_lumbar,
        "lumbar_evidence": stack.lumbar_evidence,
        "n_frames": None if counts is None else counts.frames,
        "n_missing": None if counts is None else counts.missing,
        "frame_of_reference_uid": stack.frame_of_reference_uid,
        "is_regular": stack.is_regular,
        "problems": list(stack.problems),
        "notes": list(stack.notes),
    }


def proposal_row(proposal: StackProposal) -> Row:
    """Return the stack that is proposed for one lesion at one visit."""
    lesion, visit, proposed = proposal.lesion, proposal.visit, proposal.proposed
    best = proposed or (proposal.ranked[0] if proposal.ranked else None)
    reference = proposal.reference
    return {
        "patient_id": lesion.patient_id,
        "lesion_uid": lesion.lesion_uid,
        "level": str(lesion.level),
        "side": None if lesion.side is None else str(lesion.side),
        "visit_date": visit.visit_date.isoformat(),
        "day": visit.day,
        "grade": None if best is None else str(best.comparison.grade),
        "reasons": ["no stack"] if best is None else list(best.reasons),
        "modality": None if best is None else str(best.each.series.modality),
        "plane": None if best is None else str(best.each.stack.plane),
        "weighting": None if best is None else str(best.each.stack.weighting),
        "series_description": None if best is None else best.each.series.series_description,
        "stack_uid": None if proposed is None else proposed.each.stack.stack_uid,
        "reference_stack_uid": None if reference is None else reference.each.stack.stack_uid,
        "is_reference_read": reference is not None and reference.reading is not None,
        "n_stacks": len(proposal.ranked),
    }


def _patients(catalogue: Catalogue) -> list[Row]:
    visits = Counter(visit.patient_id for visit in catalogue.images.visits())
    studies = Counter(study.patient_id for study in catalogue.images.studies())
    lesions = Counter(lesion.patient_id for lesion in catalogue.followup.lesions())
    return [
        {
            "patient_id": patient.patient_id,
            "is_identified": patient.is_identified,
            "n_visits": visits[patient.patient_id],
            "n_studies": studies[patient.patient_id],
            "n_lesions": lesions[patient.patient_id],
        }
        for patient in catalogue.images.patients()
    ]


def _visits(catalogue: Catalogue) -> list[Row]:
    at_visit: dict[tuple[str, Any], list[CataloguedStack]] = defaultdict(list)
    for each in catalogue.images.stacks():
        at_visit[each.study.patient_id, each.study.study_date].append(each)
    rows = []
    for visit in catalogue.images.visits():
        stacks = at_visit[visit.patient_id, visit.visit_date]
        rows.append(
            {
                "patient_id": visit.patient_id,
                "visit_date": visit.visit_date.isoformat(),
                "day": visit.day,
                "timepoint": visit.timepoint,
                "is_baseline_confirmed": visit.is_baseline_confirmed,
                "modalities": sorted({str(each.series.modality) for each in stacks}),
                "n_stacks": len(stacks),
                "n_irregular": sum(not each.stack.is_regular for each in stacks),
            }
        )
    return rows


def _series(catalogue: Catalogue) -> list[Row]:
    studies = {study.study_instance_uid: study for study in catalogue.images.studies()}
    stacks: dict[str, list[CataloguedStack]] = defaultdict(list)
    for each in catalogue.images.stacks():
        stacks[each.series.series_instance_uid].append(each)
    counts: dict[str, list[ImageCounts]] = defaultdict(list)
    for (series_uid, _), count in catalogue.images.image_counts().items():
        counts[series_uid].append(count)
    rows = []
    for series in catalogue.images.series():
        images = counts[series.series_instance_uid]
        study = studies[series.study_instance_uid]
        own = stacks[series.series_instance_uid]
        rows.append(
            {
                "series_instance_uid": series.series_instance_uid,
                "study_instance_uid": series.study_instance_uid,
                "patient_id": study.patient_id,
                "study_date": None if study.study_date is None else study.study_date.isoformat(),
                "modality": str(series.modality),
                "series_number": series.series_number,
                "series_description": series.series_description,
                "manufacturer": series.manufacturer,
                "magnetic_field_strength": series.magnetic_field_strength,
                "n_stacks": len(own),
                "n_irregular": sum(not each.stack.is_regular for each in own),
                "n_images": sum(count.images for count in images),
                "n_frames": sum(count.frames for count in images),
                "n_missing": sum(count.missing for count in images),
            }
        )
    return sorted(
        rows, key=lambda row: (row["patient_id"], row["study_date"] or "", row["series_number"] or 0)
    )


def _stacks(catalogue: Catalogue) -> list[Row]:
    counts = {stack: count for (_, stack), count in catalogue.images.image_counts().items()}
    return [
        stack_row(each, counts.get(each.stack.stack_uid, ImageCounts())) for each in catalogue.images.stacks()
    ]


def _lesions(catalogue: Catalogue) -> list[Row]:
    readings = Counter(reading.lesion_uid for reading in catalogue.followup.readings(is_current=True))
    outcomes = {
        outcome.lesion_uid: outcome
        for outcome in catalogue.followup.outcomes()
        if outcome.horizon is Horizon.LATEST
    }
    rows = []
    for lesion in catalogue.followup.lesions():
        outcome = outcomes.get(lesion.lesion_uid)
        rows.append(
            {
                "lesion_uid": lesion.lesion_uid,
                "patient_id": lesion.patient_id,
                "level": str(lesion.level),
                "side": None if lesion.side is None else str(lesion.side),
                "type": None if lesion.type is None else str(lesion.type),
                "created_at": lesion.created_at.isoformat(),
                "n_readings": readings[lesion.lesion_uid],
                "outcome": None if outcome is None else str(outcome.outcome),
            }
        )
    return rows


def _readings(catalogue: Catalogue, workspace: Workspace) -> list[Row]:
    lesions = {lesion.lesion_uid: lesion for lesion in catalogue.followup.lesions()}
    measurements = stated_measurements(catalogue, workspace, tuple(lesions.values()))
    rows = []
    for reading in catalogue.followup.readings():
        measurement = measurements.get(reading.reading_uid)
        lesion = lesions[reading.lesion_uid]
        rows.append(
            {
                "reading_uid": reading.reading_uid,
                "lesion_uid": reading.lesion_uid,
                "patient_id": lesion.patient_id,
                "level": str(lesion.level),
                "side": None if lesion.side is None else str(lesion.side),
                "visit_date": reading.visit_date.isoformat(),
                "reader": reading.reader,
                "status": str(reading.status),
                "reason": reading.reason,
                "modality": str(reading.modality),
                "stack_uid": reading.stack_uid,
                "series_instance_uid": reading.series_instance_uid,
                "source": reading.source,
                "created_at": reading.created_at.isoformat(),
                "superseded_by": reading.superseded_by,
                "is_proposed": reading.is_proposed,
                "proposed_from": reading.proposed_from,
                "guards": list(reading.guards),
                "volume_mm3": None if measurement is None else measurement.volume_mm3,
                "volume_sigma_mm3": None if measurement is None else measurement.volume_sigma_mm3,
            }
        )
    return rows


def _rejects(catalogue: Catalogue) -> list[Row]:
    return [
        {
            "root": reject.location.root,
            "relative_path": reject.location.relative_path,
            "size": reject.location.size,
            "code": reject.code,
            "reason": reject.reason,
        }
        for reject in catalogue.images.rejects()
    ]


_LISTINGS: dict[Listing, Callable[[Catalogue], list[Row]]] = {
    Listing.PATIENTS: _patients,
    Listing.VISITS: _visits,
    Listing.SERIES: _series,
    Listing.STACKS: _stacks,
    Listing.LESIONS: _lesions,
    Listing.REJECTS: _rejects,
}

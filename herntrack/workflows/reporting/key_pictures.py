"""Key images of a lesion: baseline and last visit, loaded and handed to the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from herntrack.catalogue.session import Catalogue
from herntrack.errors import GeometryError, HerntrackError, ReportError
from herntrack.imaging.rough_alignment import rough_alignment
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Measurement, Reading
from herntrack.model.timepoints import timepoint_of_day
from herntrack.model.vocabulary import ReadingStatus
from herntrack.reports.key_images import KeyImage, KeyStrip, render_key_strip
from herntrack.volumetrics.followup import ReadingFact
from herntrack.workflows.reading_masks import reading_mask
from herntrack.workflows.reporting.classify import LesionAssessment
from herntrack.workflows.stack_files import stack_volume
from herntrack.workflows.workspace import Workspace

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPictures:
    """A lesion's strips of key images, and why a visit has no picture."""

    strips: tuple[KeyStrip, ...] = ()
    notes: Mapping[date, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a lesion lies: a stack, and a point in its frame of reference."""

    each: CataloguedStack
    point_lps: Point


def key_pictures(catalogue: Catalogue, workspace: Workspace, assessment: LesionAssessment) -> KeyPictures:
    """Return the strip of baseline and last read visit.

    A visit without a mask shows the place of the baseline's fragment, carried over by a
    rough alignment. A picture that cannot be made costs only the picture, and is noted.

    Parameters
    ----------
    catalogue : Catalogue
        An open catalogue.
    workspace : Workspace
        Where images and readings lie.
    assessment : LesionAssessment
        The lesion.
    """
    readings = {
        reading.reading_uid: reading for reading in catalogue.followup.readings(assessment.lesion.lesion_uid)
    }
    images: list[KeyImage] = []
    notes: dict[date, str] = {}
    reference: _Place | None = None
    for day, fact in _shown_facts(assessment):
        reading = readings[fact.reading_uid]
        measurement = assessment.measurements.get(fact.reading_uid)
        try:
            place = _place(catalogue, workspace, reading, measurement, reference)
            images.append(
                _key_image(catalogue, workspace, assessment, reading, place, day=day, measurement=measurement)
            )
        except HerntrackError as error:
            notes[reading.visit_date] = f"no picture: {error}"
            continue
        reference = reference or place
    return KeyPictures(strips=(render_key_strip(images),) if images else (), notes=notes)


def _shown_facts(assessment: LesionAssessment) -> list[tuple[int, ReadingFact]]:
    followup = assessment.followup
    if followup is None:
        return []
    facts = [] if followup.baseline_fact is None else [(0, followup.baseline_fact)]
    later = [
        (record.visit.day, record.fact)
        for record in followup.records
        if record.fact is not None and record.fact.status is not ReadingStatus.NOT_EVALUABLE
    ]
    return facts + later[-1:]


def _place(
    catalogue: Catalogue,
    workspace: Workspace,
    reading: Reading,
    measurement: Measurement | None,
    reference: _Place | None,
) -> _Place:
    own = catalogue.images.stack(reading.stack_uid or "")
    if measurement is not None and measurement.centroid_lps is not None:
        return _Place(each=own, point_lps=measurement.centroid_lps)
    if reference is None:
        raise ReportError("nothing was outlined before, so there is no place to show")
    for partner, target in _comparable_stacks(catalogue, reference, own):
        point = _carried(catalogue, workspace, partner, target, reference.point_lps)
        if point is not None and _holds(target, point):
            return _Place(each=target, point_lps=point)
    raise ReportError("the place of the lesion lies outside this visit's stacks")


def _comparable_stacks(
    catalogue: Catalogue, reference: _Place, own: CataloguedStack
) -> list[tuple[CataloguedStack, CataloguedStack]]:
    """Return pairs of a baseline stack that holds the place and a like stack of the visit.

    The stack that was read comes first; another plane of the same visit may cover what it
    does not.
    """

    def of_study(each: CataloguedStack) -> list[CataloguedStack]:
        found = catalogue.images.stacks(patient_id=each.study.patient_id, study_date=each.study.study_date)
        return [other for other in found if other.stack.is_regular]

    frame = reference.each.stack.frame_of_reference_uid
    partners = [
        each
        for each in of_study(reference.each)
        if each.stack.frame_of_reference_uid == frame and _holds(each, reference.point_lps)
    ]
    targets = sorted(of_study(own), key=lambda each: each.stack.stack_uid != own.stack.stack_uid)
    return [
        (partner, target)
        for target in targets
        for partner in partners
        if (partner.stack.plane, partner.stack.weighting) == (target.stack.plane, target.stack.weighting)
    ]


def _carried(
    catalogue: Catalogue,
    workspace: Workspace,
    partner: CataloguedStack,
    target: CataloguedStack,
    point_lps: Point,
) -> Point | None:
    fixed = stack_volume(workspace, catalogue.images, partner.stack)
    moving = stack_volume(workspace, catalogue.images, target.stack)
    try:
        matrix = rough_alignment(fixed, moving)
    except GeometryError:
        return None
    x, y, z = (float(value) for value in (matrix @ [*point_lps, 1.0])[:3])
    return x, y, z


def _holds(each: CataloguedStack, point_lps: Point) -> bool:
    """Return whether a point lies in a stack, voxel edges included."""
    index = each.stack.geometry.lps_to_index(point_lps)
    return bool(((index >= -0.5) & (index <= np.asarray(each.stack.geometry.shape_zyx) - 0.5)).all())


def _key_image(
    catalogue: Catalogue,
    workspace: Workspace,
    assessment: LesionAssessment,
    reading: Reading,
    place: _Place,
    *,
    day: int,
    measurement: Measurement | None,
) -> KeyImage:
    stack = place.each.stack
    mask = None
    if stack.stack_uid == reading.stack_uid:
        mask, _ = reading_mask(catalogue, workspace, reading)
    return KeyImage(
        values=stack_volume(workspace, catalogue.images, stack).values,
        geometry=stack.geometry,
        modality=reading.modality,
        visit_date=reading.visit_date,
        day=day,
        level=assessment.lesion.level,
        status=reading.status,
        mask=mask if mask is not None and mask.any() else None,
        centre_lps=place.point_lps,
        volume_mm3=None if measurement is None else measurement.volume_mm3,
        volume_sigma_mm3=None if measurement is None else measurement.volume_sigma_mm3,
        timepoint=timepoint_of_day(day, workspace.settings.windows),
        is_proposed=reading.is_proposed,
    )

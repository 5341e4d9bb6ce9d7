"""Key images of a lesion: baseline and last visit, loaded and handed to the report."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from herntrack.catalogue.session import Catalogue
from herntrack.errors import HerntrackError
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.records import Measurement, Reading
from herntrack.model.timepoints import timepoint_of_day
from herntrack.model.vocabulary import ReadingStatus
from herntrack.reports.key_images import KeyImage, KeyStrip, render_key_strip
from herntrack.volumetrics.followup import ReadingFact
from herntrack.workflows.classify import LesionAssessment
from herntrack.workflows.measure import reading_mask
from herntrack.workflows.stack_files import stack_volume
from herntrack.workflows.workspace import Workspace

Point = tuple[float, float, float]


def key_strips(
    catalogue: Catalogue,
    workspace: Workspace,
    assessment: LesionAssessment,
    measurements: Mapping[str, Measurement],
) -> tuple[KeyStrip, ...]:
    """Return the strip of baseline and last read visit, none if the images cannot be shown.

    Parameters
    ----------
    catalogue : Catalogue
        An open catalogue.
    workspace : Workspace
        Where images and readings lie.
    assessment : LesionAssessment
        The lesion.
    measurements : mapping from str to Measurement
        By reading.
    """
    facts = _shown_facts(assessment)
    if not facts:
        return ()
    readings = {
        reading.reading_uid: reading for reading in catalogue.followup.readings(assessment.lesion.lesion_uid)
    }
    images = []
    reference: tuple[VolumeGeometry, Point] | None = None
    for day, fact in facts:
        try:
            image, reference = _key_image(
                catalogue,
                workspace,
                assessment,
                readings[fact.reading_uid],
                day=day,
                measurement=measurements.get(fact.reading_uid),
                reference=reference,
            )
        except HerntrackError:
            # A picture that is not there must not cost the numbers; the report shows the rest.
            continue
        if image is not None:
            images.append(image)
    return (render_key_strip(images),) if images else ()


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


def _key_image(
    catalogue: Catalogue,
    workspace: Workspace,
    assessment: LesionAssessment,
    reading: Reading,
    *,
    day: int,
    measurement: Measurement | None,
    reference: tuple[VolumeGeometry, Point] | None,
) -> tuple[KeyImage | None, tuple[VolumeGeometry, Point] | None]:
    mask, stack = reading_mask(catalogue, workspace, reading)
    centre = None if measurement is None else measurement.centroid_lps
    if centre is not None:
        reference = reference or (stack.geometry, centre)
    elif reference is not None:
        centre = same_place(reference[0], reference[1], stack.geometry)
    else:
        return None, reference
    volume = stack_volume(workspace, catalogue.images, stack)
    image = KeyImage(
        values=volume.values,
        geometry=stack.geometry,
        modality=reading.modality,
        visit_date=reading.visit_date,
        day=day,
        level=assessment.lesion.level,
        status=reading.status,
        mask=mask if mask.any() else None,
        centre_lps=centre,
        volume_mm3=None if measurement is None else measurement.volume_mm3,
        volume_sigma_mm3=None if measurement is None else measurement.volume_sigma_mm3,
        timepoint=timepoint_of_day(day, workspace.settings.windows),
    )
    return image, reference


def same_place(source: VolumeGeometry, point_lps: Point, target: VolumeGeometry) -> Point:
    """Return where a point of one stack lies in another, by its place relative to the stack's middle.

    Two visits have two frames of reference, and without a registration their coordinates
    cannot be compared. Both stacks are centred on the lumbar spine, so the offset from the
    middle, along slices, rows and columns, finds the place to within the repositioning of
    the patient: good enough to show it, not to measure.

    Parameters
    ----------
    source, target : VolumeGeometry
        The two grids.
    point_lps : tuple of float
        Point in the source's frame of reference, LPS mm.
    """
    spacing = np.asarray(source.spacing_zyx)
    offset_mm = (source.lps_to_index(point_lps) - (np.asarray(source.shape_zyx) - 1) / 2) * spacing
    index = (np.asarray(target.shape_zyx) - 1) / 2 + offset_mm / np.asarray(target.spacing_zyx)
    x, y, z = (float(value) for value in target.index_to_lps(index))
    return x, y, z

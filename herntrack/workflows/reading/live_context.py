"""What the live numbers of an opened visit start from: the lesion's stored readings as facts.

Everything is read once, when the visit is opened; a stroke asks nothing.

Public: `live_context`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import numpy as np

from herntrack.catalogue.session import Catalogue
from herntrack.errors import HerntrackError
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Measurement, Reading
from herntrack.model.vocabulary import ReadingStatus
from herntrack.reading_room.draft_files import DraftKey
from herntrack.reading_room.live_numbers import LiveContext
from herntrack.volumetrics.records import ReadingFact
from herntrack.volumetrics.rules import load_rules
from herntrack.workflows.patients.visits import confirmed_baselines
from herntrack.workflows.reading_facts import reading_fact
from herntrack.workflows.reading_masks import mask_as_read
from herntrack.workflows.stacks_as_read import changed_stacks, stack_as_read
from herntrack.workflows.workspace import Workspace

DRAFT_UID = "draft"
"""Stands for the reading that is being made; no stored reading is named so."""


def live_context(
    catalogue: Catalogue,
    workspace: Workspace,
    key: DraftKey,
    each: CataloguedStack,
    *,
    replaced: Iterable[str],
    now: datetime,
) -> LiveContext:
    """Return what the live numbers of a draft start from.

    Parameters
    ----------
    catalogue : Catalogue
        An open catalogue.
    workspace : Workspace
        The project.
    key : DraftKey
        What is read.
    each : CataloguedStack
        The stack that is painted on.
    replaced : iterable of str
        Readings that a save of the draft would replace.
    now : datetime
        The present moment: of readings alike in all else the latest counts.
    """
    lesion = catalogue.followup.lesion(key.lesion_uid)
    measurements = catalogue.followup.measurements()
    gone = set(replaced)
    stored = []
    for reading in catalogue.followup.readings(key.lesion_uid, is_current=True):
        if reading.reading_uid in gone:
            continue
        fact = _fact(catalogue, workspace, reading, measurements.get(reading.reading_uid))
        if fact is not None:
            stored.append(fact)
    days_0 = confirmed_baselines(catalogue.images.visits(lesion.patient_id))
    return LiveContext(
        rules=load_rules(workspace.rules_source),
        voxel_volume_mm3=each.stack.geometry.voxel_volume_mm3,
        draft=_draft(key, each, now),
        stored=tuple(stored),
        primary_reader=workspace.settings.primary_reader or None,
        confirmed_day_0=days_0.get(lesion.patient_id),
    )


def _fact(
    catalogue: Catalogue, workspace: Workspace, reading: Reading, measurement: Measurement | None
) -> ReadingFact | None:
    """Return a reading with its volume; None if its mask cannot be read."""
    try:
        each = catalogue.images.stack(reading.stack_uid) if reading.stack_uid else None
        if each is not None and changed_stacks(workspace, catalogue, [reading]):
            each = replace(each, stack=stack_as_read(workspace, catalogue, reading).stack)
        fact = reading_fact(reading, measurement, each)
        if measurement is not None or reading.status is ReadingStatus.NOT_EVALUABLE:
            return fact
        if reading.segmentation_file is None:
            return replace(fact, volume_mm3=0.0)
        # Saved a moment ago and not measured yet.
        found = mask_as_read(catalogue, workspace, reading)
        voxel_mm3 = found.read_on.stack.geometry.voxel_volume_mm3
        return replace(fact, volume_mm3=int(np.count_nonzero(found.mask)) * voxel_mm3)
    except HerntrackError:
        return None


def _draft(key: DraftKey, each: CataloguedStack, now: datetime) -> ReadingFact:
    reading = Reading(
        reading_uid=DRAFT_UID,
        lesion_uid=key.lesion_uid,
        visit_date=key.visit_date,
        reader=key.reader,
        status=ReadingStatus.PRESENT,
        reason="",
        stack_uid=key.stack_uid,
        series_instance_uid=each.series.series_instance_uid,
        study_instance_uid=each.study.study_instance_uid,
        modality=each.series.modality,
        created_at=now,
    )
    return replace(reading_fact(reading, None, each), volume_mm3=0.0)

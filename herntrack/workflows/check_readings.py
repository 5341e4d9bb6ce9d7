"""Whether the catalogue's lesions and readings are those of the store.

A record that cannot be read is named by the store's own verification; here the others are
compared, so that one damaged file does not hide what else is wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import TypeVar

from herntrack.catalogue.session import Catalogue
from herntrack.errors import ReadingError
from herntrack.model.records import Lesion, Reading, VisitAlignment
from herntrack.readings.alignments import AlignmentStore
from herntrack.readings.decisions import DecisionStore
from herntrack.readings.record_json import lesion_from_json, reading_from_json
from herntrack.readings.store_layout import StoreLayout
from herntrack.readings.verification import read_record
from herntrack.workflows.patients.merged_rows import patients_followed_as
from herntrack.workflows.stacks_as_read import changed_stacks
from herntrack.workflows.workspace import Workspace

REBUILD = "run herntrack rebuild"

Record = TypeVar("Record", Lesion, Reading)
Mirrored = TypeVar("Mirrored", Lesion, Reading, VisitAlignment)


def reading_problems(workspace: Workspace, catalogue: Catalogue) -> list[str]:
    """Return what differs between catalogue and store, and what contradicts itself."""
    layout = StoreLayout(workspace.readings_folder)
    lesions = _readable(layout.lesion_files(), lesion_from_json)
    readings = _readable(layout.reading_files(), reading_from_json)
    superseded_by = {old: reading.reading_uid for reading in readings for old in reading.supersedes}
    readings = [replace(each, superseded_by=superseded_by.get(each.reading_uid)) for each in readings]
    followed_as = patients_followed_as(DecisionStore(workspace.readings_folder).decisions())
    lesions = [
        replace(each, patient_id=followed_as.get(each.patient_id, each.patient_id)) for each in lesions
    ]
    return [
        *_differences(
            "lesion",
            {lesion.lesion_uid: lesion for lesion in catalogue.followup.lesions()},
            {lesion.lesion_uid: lesion for lesion in lesions},
        ),
        *_differences(
            "reading",
            {reading.reading_uid: reading for reading in catalogue.followup.readings()},
            {reading.reading_uid: reading for reading in readings},
        ),
        *_differences(
            "alignment",
            {each.alignment_uid: each for each in catalogue.alignments.alignments()},
            {each.alignment_uid: each for each in AlignmentStore(workspace.readings_folder).alignments()},
        ),
        *_doubled(readings),
        *_without_images(catalogue, readings),
        *_on_other_slices(workspace, catalogue, readings),
    ]


def _on_other_slices(workspace: Workspace, catalogue: Catalogue, readings: Iterable[Reading]) -> list[str]:
    """Return the standing readings that were made on other slices than their stacks have now."""
    standing = [each for each in readings if each.superseded_by is None]
    return [change.told for change in changed_stacks(workspace, catalogue, standing).values()]


def _without_images(catalogue: Catalogue, readings: Iterable[Reading]) -> list[str]:
    """Return the standing readings on stacks that are not catalogued: nothing can be measured on them."""
    known = {each.stack.stack_uid for each in catalogue.images.stacks()}
    return [
        f"reading {reading.reading_uid} of {reading.visit_date} was made on stack {reading.stack_uid}, which"
        " is not catalogued; ingest its images again"
        for reading in readings
        if reading.superseded_by is None and reading.stack_uid and reading.stack_uid not in known
    ]


def _readable(paths: Iterable[Path], parse: Callable[[str], Record]) -> list[Record]:
    found = []
    for path in paths:
        try:
            found.append(read_record(path, parse))
        except ReadingError:
            # The store's verification has a sentence for it.
            continue
    return found


def _differences(kind: str, in_rows: dict[str, Mirrored], in_store: dict[str, Mirrored]) -> list[str]:
    problems = [
        f"{kind} {uid} is in the {'catalogue' if uid in in_rows else 'store'} only; {REBUILD}"
        for uid in sorted(in_rows.keys() ^ in_store.keys())
    ]
    for uid in sorted(in_rows.keys() & in_store.keys()):
        row, record = in_rows[uid], in_store[uid]
        names = [
            field.name for field in fields(row) if getattr(row, field.name) != getattr(record, field.name)
        ]
        if names:
            shown = ", ".join(
                f"{name} {getattr(row, name)} in the catalogue, {getattr(record, name)} in the store"
                for name in names
            )
            problems.append(f"{kind} {uid} differs between catalogue and store ({shown}); {REBUILD}")
    return problems


def _doubled(readings: Iterable[Reading]) -> list[str]:
    """Return where one reader has two readings of one lesion and visit that nothing superseded."""
    standing: dict[tuple[str, date, str], list[str]] = defaultdict(list)
    for reading in readings:
        if reading.superseded_by is None and not reading.is_proposed:
            standing[reading.lesion_uid, reading.visit_date, reading.reader].append(reading.reading_uid)
    return [
        f"lesion {lesion_uid} has {len(uids)} standing readings of {visit_date} by one reader"
        f" ({', '.join(sorted(uids))}); read the visit once more, which supersedes them"
        for (lesion_uid, visit_date, _), uids in sorted(standing.items())
        if len(uids) > 1
    ]

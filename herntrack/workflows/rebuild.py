"""The catalogue anew, from images and readings.

The old catalogue is kept beside the new one until the new one is complete.
"""

from __future__ import annotations

from dataclasses import dataclass

from herntrack.catalogue.images import CatalogueCounts
from herntrack.errors import HerntrackError, WorkspaceError
from herntrack.model.records import Patient, Reject
from herntrack.readings.store import ReadingStore
from herntrack.workflows.classify import classify
from herntrack.workflows.ingest import files_of_roots, ingest_files
from herntrack.workflows.measure import CaseSetAside, measure
from herntrack.workflows.progress import Progress, silent
from herntrack.workflows.session import catalogue_of, ensure_catalogue
from herntrack.workflows.workspace import Workspace

DATABASE_SUFFIXES = ("", "-wal", "-shm")
"""Files of a SQLite database in write-ahead mode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildSummary:
    """What the new catalogue holds."""

    counts: CatalogueCounts
    n_lesions: int
    n_readings: int
    set_aside: tuple[Reject, ...]
    cases_set_aside: tuple[CaseSetAside, ...]


def rebuild(workspace: Workspace, *, jobs: int | None = None, progress: Progress = silent) -> RebuildSummary:
    """Make the catalogue from the roots' images and the store's readings.

    Parameters
    ----------
    workspace : Workspace
        The project.
    jobs : int, optional
        Processes to read headers with.
    progress : callable
        Called with (stage, done, total).

    Raises
    ------
    WorkspaceError
        If a root is not where the settings say: a catalogue without its images would look
        complete.
    """
    for root in workspace.settings.roots:
        if not root.path.is_dir():
            raise WorkspaceError(
                f"image root {root.name!r} is missing: {root.path}; if the folder was moved:"
                f" herntrack roots move {root.name} NEWPATH"
            )
    _set_old_catalogue_aside(workspace)
    try:
        ensure_catalogue(workspace)
        ingested = ingest_files(workspace, files_of_roots(workspace), jobs=jobs, progress=progress)
        n_lesions, n_readings = _restore_readings(workspace)
        measured = measure(workspace, progress=progress)
        classified = classify(workspace, progress=progress)
    except (HerntrackError, OSError, KeyboardInterrupt):
        _put_old_catalogue_back(workspace)
        raise
    _drop_old_catalogue(workspace)
    return RebuildSummary(
        counts=ingested.counts,
        n_lesions=n_lesions,
        n_readings=n_readings,
        set_aside=ingested.set_aside,
        cases_set_aside=(*measured.set_aside, *classified.set_aside),
    )


def _restore_readings(workspace: Workspace) -> tuple[int, int]:
    store = ReadingStore(workspace.readings_folder)
    lesions, readings = store.lesions(), store.readings()
    with catalogue_of(workspace) as catalogue:
        known = {patient.patient_id for patient in catalogue.images.patients()}
        missing = sorted({lesion.patient_id for lesion in lesions} - known)
        catalogue.images.add_images(patients=[Patient(patient_id=patient_id) for patient_id in missing])
        for lesion in lesions:
            catalogue.followup.add_lesion(lesion)
        for reading in sorted(readings, key=lambda each: (each.created_at, each.reading_uid)):
            catalogue.followup.add_reading(reading)
    return len(lesions), len(readings)


def _set_old_catalogue_aside(workspace: Workspace) -> None:
    if workspace.settings.catalogue_url:
        raise WorkspaceError(
            "this workspace keeps its catalogue in a database server; empty that database, then run"
            " herntrack rebuild"
        )
    for suffix in DATABASE_SUFFIXES:
        path = workspace.catalogue_path.with_name(workspace.catalogue_path.name + suffix)
        if path.exists():
            path.replace(path.with_name(f"old-{path.name}"))


def _put_old_catalogue_back(workspace: Workspace) -> None:
    for suffix in DATABASE_SUFFIXES:
        path = workspace.catalogue_path.with_name(workspace.catalogue_path.name + suffix)
        path.unlink(missing_ok=True)
        old = path.with_name(f"old-{path.name}")
        if old.exists():
            old.replace(path)


def _drop_old_catalogue(workspace: Workspace) -> None:
    for suffix in DATABASE_SUFFIXES:
        name = f"old-{workspace.catalogue_path.name}{suffix}"
        workspace.catalogue_path.with_name(name).unlink(missing_ok=True)

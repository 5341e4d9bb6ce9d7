"""From files to the catalogue.

One run is one transaction: interrupted, it leaves what was there, and the next run does
the rest. Only files that are new or changed are read. What the catalogue holds depends
on which files there are, not on the order in which they were found, so that a rebuilt
catalogue has the same rows.
"""

from __future__ import annotations

import gc
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from herntrack.catalogue.images import CatalogueCounts, ImageRepository
from herntrack.catalogue.session import Catalogue
from herntrack.dicom.scan import (
    GARBAGE_FROM_OBJECTS,
    Scan,
    Scanned,
    ScanResult,
    found_file,
    scan_files,
    walk_files,
)
from herntrack.dicom.scan_chunk import FoundFile, Refusal
from herntrack.dicom.stacks import build_stacks
from herntrack.errors import CatalogueError, WorkspaceError
from herntrack.model.records import FileLocation, Reject, Visit
from herntrack.model.timepoints import timepoint_of_day
from herntrack.workflows.image_merge import merge_scans
from herntrack.workflows.progress import Progress
from herntrack.workflows.rooted_files import (
    RootedFile,
    RootFinder,
    files_below,
    files_of_roots,
    own_paths,
)
from herntrack.workflows.session import catalogue_of, ensure_catalogue
from herntrack.workflows.workspace import COPIED_ROOT, ImageRoot, Workspace, with_root

__all__ = ["IngestSummary", "files_of_roots", "ingest", "ingest_files", "own_paths", "write_visits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSummary:
    """What one run did.

    Parameters
    ----------
    n_files, n_read, n_unchanged : int
        Files found, read now, and known from before.
    counts : CatalogueCounts
        What the catalogue holds now.
    set_aside : tuple of Reject
        Every file below the given paths that is set aside, from this run or before.
    notes : tuple of str
        What a person should know or decide, with the command that settles it.
    workspace : Workspace
        With the roots that were added.
    """

    n_files: int
    n_read: int
    n_unchanged: int
    counts: CatalogueCounts
    set_aside: tuple[Reject, ...]
    notes: tuple[str, ...]
    workspace: Workspace


def ingest(
    workspace: Workspace,
    paths: Sequence[Path],
    *,
    patient_id: str = "",
    is_copied: bool = False,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> IngestSummary:
    """Catalogue the images below some paths.

    Parameters
    ----------
    workspace : Workspace
        The project.
    paths : sequence of Path
        Folders and files.
    patient_id : str
        Stands in for a PatientID that the files lack.
    is_copied : bool
        Copy the images into the workspace first, instead of reading them where they lie.
    jobs : int, optional
        Processes to read headers with; by default as many as there are processors.
    progress : callable, optional
        Called with (stage, done, total).

    Returns
    -------
    IngestSummary
        What was done and what was set aside.

    Raises
    ------
    WorkspaceError
        If a path does not exist.
    """
    ensure_catalogue(workspace)
    if is_copied:
        return _ingest_copies(workspace, paths, patient_id=patient_id, jobs=jobs, progress=progress)
    for path in paths:
        workspace = _with_path(workspace, path, patient_id=patient_id)
    files = files_below(workspace, paths)
    return ingest_files(workspace, files, jobs=jobs, progress=progress)


def ingest_files(
    workspace: Workspace,
    files: Sequence[RootedFile],
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> IngestSummary:
    """Catalogue files that lie under roots of the workspace; see `ingest`."""
    with _rare_garbage_collection(), catalogue_of(workspace) as catalogue:
        images = catalogue.images
        unnamed = {patient.patient_id for patient in images.patients() if not patient.is_identified}
        _refuse_renaming_read_patients(catalogue, unnamed, {root.name: root for root, _, _ in files}.values())
        fresh = _fresh_files(images, files, reread=_files_of_patients(images, unnamed))
        scan = scan_files(
            [file for _, _, file in fresh],
            jobs=jobs or os.cpu_count() or 1,
            progress=None if progress is None else lambda done, total: progress("reading", done, total),
        )
        _store(workspace, images, [_location(*rooted) for rooted in fresh], scan)
        return IngestSummary(
            n_files=len(files),
            n_read=len(fresh),
            n_unchanged=len(files) - len(fresh),
            counts=images.counts(),
            set_aside=_set_aside_among(images, files),
            notes=_notes(scan.results, images),
            workspace=workspace,
        )


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """Look for garbage seldom: the records of files are none, and it takes a third of the time."""
    before = gc.get_threshold()
    gc.set_threshold(GARBAGE_FROM_OBJECTS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _fresh_files(
    images: ImageRepository, files: Sequence[RootedFile], *, reread: set[tuple[str, str]]
) -> list[RootedFile]:
    """Return the files that are new, changed, or now given the PatientID they lack."""
    known = images.known_files()
    if not known:
        return list(files)
    return [
        (root, relative, file)
        for root, relative, file in files
        if known.get((root.name, relative)) != (file.size, file.mtime_ns)
        or (root.patient_id and (root.name, relative) in reread)
    ]


def _set_aside_among(images: ImageRepository, files: Sequence[RootedFile]) -> tuple[Reject, ...]:
    rejects = images.rejects()
    here = {(root.name, relative) for root, relative, _ in files} if rejects else set()
    return tuple(
        reject for reject in rejects if (reject.location.root, reject.location.relative_path) in here
    )


def _store(
    workspace: Workspace, images: ImageRepository, locations: Sequence[FileLocation], scan: Scan
) -> None:
    """Write what was read, then the stacks and visits that follow from it."""
    if not locations:
        return
    forgotten = images.forget_files((location.root, location.relative_path) for location in locations)
    merged = merge_scans(images, locations, scan, roots=workspace.settings.roots)
    affected = forgotten | merged.grown
    series_by_uid = {series.series_instance_uid: series for series in images.series()} if affected else {}
    for uid in sorted(affected & set(series_by_uid)):
        headers = [instance.header for instance in images.instances_of_series(uid)]
        built = build_stacks(series_by_uid[uid], headers)
        images.replace_stacks(uid, [(each.stack, each.images) for each in built])
    images.drop_empty()
    if affected or merged.new:
        write_visits(workspace, images)


def write_visits(workspace: Workspace, images: ImageRepository) -> None:
    """Derive every patient's visits from the dates of the studies; day 0 is the first of them."""
    dates_of: dict[str, set[date]] = {patient.patient_id: set() for patient in images.patients()}
    for study in images.studies():
        if study.study_date is not None:
            dates_of[study.patient_id].add(study.study_date)
    known: dict[str, list[Visit]] = {patient_id: [] for patient_id in dates_of}
    for visit in images.visits():
        known.setdefault(visit.patient_id, []).append(visit)
    for patient_id, dates in dates_of.items():
        visits = _visits(patient_id, sorted(dates), workspace)
        if visits != known[patient_id]:
            images.replace_visits(patient_id, visits)


def _visits(patient_id: str, dates: Sequence[date], workspace: Workspace) -> list[Visit]:
    days = [(visit_date - dates[0]).days for visit_date in dates]
    return [
        Visit(
            patient_id=patient_id,
            visit_date=visit_date,
            day=day,
            timepoint=timepoint_of_day(day, workspace.settings.windows),
        )
        for visit_date, day in zip(dates, days, strict=True)
    ]


def _with_path(workspace: Workspace, path: Path, *, patient_id: str) -> Workspace:
    resolved = path.resolve()
    if resolved.is_dir():
        return with_root(workspace, resolved, patient_id=patient_id)[0]
    if resolved.is_file():
        holder = _holding_root(workspace.settings.roots, resolved)
        if holder is not None and (not holder.only or resolved.name in holder.only) and not patient_id:
            return workspace
        return with_root(workspace, resolved.parent, only=[resolved.name], patient_id=patient_id)[0]
    raise WorkspaceError(f"{path} does not exist; give a folder or a file")


def _holding_root(roots: Sequence[ImageRoot], file: Path) -> ImageRoot | None:
    holding = [
        root
        for root in roots
        if file.is_relative_to(root.path)
        and (not root.only or file.relative_to(root.path).as_posix() in root.only)
    ]
    return max(holding, key=lambda root: len(root.path.parts), default=None)


def _location(root: ImageRoot, relative: str, file: FoundFile) -> FileLocation:
    return FileLocation(root=root.name, relative_path=relative, size=file.size, mtime_ns=file.mtime_ns)


def _files_of_patients(images: ImageRepository, patient_ids: set[str]) -> set[tuple[str, str]]:
    """Return the files of patients whose identity is only derived."""
    found = set()
    for patient_id in patient_ids:
        for each in images.stacks(patient_id=patient_id):
            for instance in images.instances_of_series(each.series.series_instance_uid):
                found.add((instance.location.root, instance.location.relative_path))
    return found


def _refuse_renaming_read_patients(
    catalogue: Catalogue, unnamed: set[str], roots: Iterable[ImageRoot]
) -> None:
    """Refuse a new PatientID for images that lesions were already recorded on under the derived one."""
    touched = {root.name for root in roots if root.patient_id}
    if not touched:
        return
    read = {lesion.patient_id for lesion in catalogue.followup.lesions()} & unnamed
    for patient_id in sorted(read):
        if any(root in touched for root, _ in _files_of_patients(catalogue.images, {patient_id})):
            raise CatalogueError(
                f"patient {patient_id} already has lesions under its derived identifier;"
                " ingest without --patient-id, or begin a new workspace with it"
            )


def _notes(results: Iterable[ScanResult], images: ImageRepository) -> tuple[str, ...]:
    scanned = (result for result in results if isinstance(result, Scanned))
    counted = Counter(note for each in scanned for note in each.image.notes)
    notes = [f"{note} in {count} file(s)" for note, count in sorted(counted.items())]
    for patient in images.patients():
        if not patient.is_identified:
            notes.append(
                f"patient {patient.patient_id} has a derived identifier because the files hold none;"
                " settle it with: herntrack ingest PATH --patient-id ID"
            )
    for each in images.stacks() if images.has_undated_studies() else ():
        if each.study.study_date is None:
            notes.append(
                f"study {each.study.study_instance_uid} has no date, so it belongs to no visit;"
                " correct StudyDate in the export and ingest it again"
            )
    return tuple(dict.fromkeys(notes))


def _ingest_copies(
    workspace: Workspace,
    paths: Sequence[Path],
    *,
    patient_id: str,
    jobs: int | None,
    progress: Progress | None,
) -> IngestSummary:
    """Copy the images below some paths into the workspace and catalogue the copies."""
    for path in paths:
        if not path.exists():
            raise WorkspaceError(f"{path} does not exist; give a folder or a file")
    skip = [*own_paths(workspace), workspace.images_folder.resolve()]
    files = [
        file
        for path in paths
        for file in (walk_files(path.resolve(), skip=skip) if path.is_dir() else [found_file(path.resolve())])
    ]
    scan = scan_files(
        files,
        jobs=jobs or os.cpu_count() or 1,
        progress=None if progress is None else lambda done, total: progress("copying", done, total),
    )
    set_aside = []
    for file, result in zip(files, scan.results, strict=True):
        if isinstance(result, Refusal):
            location = FileLocation(root="", relative_path=file.path, size=file.size, mtime_ns=file.mtime_ns)
            set_aside.append(Reject(location=location, code=result.code, reason=result.reason))
            continue
        target = (
            workspace.images_folder
            / result.image.study_instance_uid
            / result.image.series.series_instance_uid
            / f"{result.sop_instance_uid}.dcm"
        )
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            scratch = target.with_suffix(".part")
            shutil.copy2(file.path, scratch)
            scratch.replace(target)
    workspace, root = with_root(workspace, workspace.images_folder, patient_id=patient_id, name=COPIED_ROOT)
    finder = RootFinder([root])
    copies = [held for file in walk_files(root.path) if (held := finder.held(file)) is not None]
    summary = ingest_files(workspace, copies, jobs=jobs, progress=progress)
    return replace(
        summary, n_files=len(files), set_aside=(*set_aside, *summary.set_aside), workspace=workspace
    )

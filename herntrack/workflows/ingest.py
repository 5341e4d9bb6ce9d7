"""From files to the catalogue.

One run is one transaction: interrupted, it leaves what was there, and the next run does
the rest. Only files that are new or changed are read. What the catalogue holds depends
on which files there are, not on the order in which they were found, so that a rebuilt
catalogue has the same rows.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from herntrack.catalogue.images import CatalogueCounts, ImageRepository
from herntrack.catalogue.session import Catalogue
from herntrack.dicom.scan import ScanResult, scan_files, walk_files
from herntrack.dicom.stacks import build_stacks
from herntrack.errors import CatalogueError, WorkspaceError
from herntrack.model.records import FileLocation, Reject, Visit
from herntrack.model.timepoints import timepoint_of_day
from herntrack.workflows.image_merge import merge_scans
from herntrack.workflows.progress import Progress
from herntrack.workflows.session import catalogue_of, ensure_catalogue
from herntrack.workflows.workspace import (
    CATALOGUE_FILE,
    COPIED_ROOT,
    READINGS_FOLDER,
    REPORTS_FOLDER,
    SETTINGS_FILE,
    ImageRoot,
    Workspace,
    with_root,
)


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
    files = _files_below(workspace, paths)
    return ingest_files(workspace, files, jobs=jobs, progress=progress)


def ingest_files(
    workspace: Workspace,
    files: Sequence[tuple[ImageRoot, Path]],
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> IngestSummary:
    """Catalogue files that lie under roots of the workspace; see `ingest`."""
    located = [(_location(root, path), path, root) for root, path in files]
    with catalogue_of(workspace) as catalogue:
        images = catalogue.images
        known = images.known_files()
        unnamed = {patient.patient_id for patient in images.patients() if not patient.is_identified}
        _refuse_renaming_read_patients(catalogue, unnamed, [root for _, _, root in located])
        reread = _files_of_patients(images, unnamed)
        fresh = [
            (location, path, root)
            for location, path, root in located
            if known.get((location.root, location.relative_path)) != location
            or (root.patient_id and (location.root, location.relative_path) in reread)
        ]
        results = scan_files(
            [path for _, path, _ in fresh],
            jobs=jobs or os.cpu_count() or 1,
            progress=None if progress is None else lambda done, total: progress("reading", done, total),
        )
        scans = list(zip((location for location, _, _ in fresh), results, strict=True))
        _store(workspace, images, scans)
        here = {(location.root, location.relative_path) for location, _, _ in located}
        set_aside = tuple(
            reject
            for reject in images.rejects()
            if (reject.location.root, reject.location.relative_path) in here
        )
        return IngestSummary(
            n_files=len(located),
            n_read=len(fresh),
            n_unchanged=len(located) - len(fresh),
            counts=images.counts(),
            set_aside=set_aside,
            notes=_notes(results, images),
            workspace=workspace,
        )


def _store(
    workspace: Workspace, images: ImageRepository, scans: Sequence[tuple[FileLocation, ScanResult]]
) -> None:
    """Write what was read, then the stacks and visits that follow from it."""
    affected = images.forget_files((location.root, location.relative_path) for location, _ in scans)
    affected |= merge_scans(images, scans, roots=workspace.settings.roots)
    series_by_uid = {series.series_instance_uid: series for series in images.series()}
    for uid in sorted(affected & set(series_by_uid)):
        headers = [instance.header for instance in images.instances_of_series(uid)]
        built = build_stacks(series_by_uid[uid], headers)
        images.replace_stacks(uid, [(each.stack, each.sop_instance_uids) for each in built])
    images.drop_empty()
    if affected:
        write_visits(workspace, images)


def write_visits(workspace: Workspace, images: ImageRepository) -> None:
    """Derive every patient's visits from the dates of the studies; day 0 is the first of them."""
    for patient in images.patients():
        dates = sorted(
            {
                study.study_date
                for study in images.studies()
                if study.patient_id == patient.patient_id and study.study_date is not None
            }
        )
        visits = [
            Visit(
                patient_id=patient.patient_id,
                visit_date=visit_date,
                day=(visit_date - dates[0]).days,
                timepoint=timepoint_of_day((visit_date - dates[0]).days, workspace.settings.windows),
            )
            for visit_date in dates
        ]
        images.replace_visits(patient.patient_id, visits)


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


def _files_below(workspace: Workspace, paths: Iterable[Path]) -> list[tuple[ImageRoot, Path]]:
    """Return the files below the paths, each under the innermost root that holds it."""
    skip = own_paths(workspace)
    files: dict[Path, ImageRoot] = {}
    for path in paths:
        resolved = path.resolve()
        found = walk_files(resolved, skip=skip) if resolved.is_dir() else [resolved]
        for file in found:
            root = _holding_root(workspace.settings.roots, file)
            if root is not None:
                files[file] = root
    return [(root, file) for file, root in files.items()]


def files_of_roots(workspace: Workspace) -> list[tuple[ImageRoot, Path]]:
    """Return every file that the roots stand for, in the order of the roots."""
    skip = own_paths(workspace)
    files: dict[Path, ImageRoot] = {}
    for root in workspace.settings.roots:
        found: Iterable[Path] = (
            [root.path / name for name in root.only if (root.path / name).is_file()]
            if root.only
            else walk_files(root.path, skip=skip)
        )
        for file in found:
            files[file] = _holding_root(workspace.settings.roots, file) or root
    return [(root, file) for file, root in files.items()]


def own_paths(workspace: Workspace) -> list[Path]:
    """Return what a workspace writes itself, which is never taken for an export."""
    folder = workspace.folder.resolve()
    database = [f"{CATALOGUE_FILE}{suffix}" for suffix in ("", "-wal", "-shm", "-journal")]
    return [folder / name for name in (SETTINGS_FILE, READINGS_FOLDER, REPORTS_FOLDER, *database)]


def _holding_root(roots: Sequence[ImageRoot], file: Path) -> ImageRoot | None:
    holding = [
        root
        for root in roots
        if file.is_relative_to(root.path)
        and (not root.only or file.relative_to(root.path).as_posix() in root.only)
    ]
    return max(holding, key=lambda root: len(root.path.parts), default=None)


def _location(root: ImageRoot, path: Path) -> FileLocation:
    status = path.stat()
    return FileLocation(
        root=root.name,
        relative_path=path.relative_to(root.path).as_posix(),
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
    )


def _files_of_patients(images: ImageRepository, patient_ids: set[str]) -> set[tuple[str, str]]:
    """Return the files of patients whose identity is only derived."""
    found = set()
    for patient_id in patient_ids:
        for each in images.stacks(patient_id=patient_id):
            for instance in images.instances_of_series(each.series.series_instance_uid):
                found.add((instance.location.root, instance.location.relative_path))
    return found


def _refuse_renaming_read_patients(
    catalogue: Catalogue, unnamed: set[str], roots: Sequence[ImageRoot]
) -> None:
    """Refuse a new PatientID for images that lesions were already recorded on under the derived one."""
    if not any(root.patient_id for root in roots):
        return
    read = {lesion.patient_id for lesion in catalogue.followup.lesions()} & unnamed
    touched = {root.name for root in roots if root.patient_id}
    for patient_id in sorted(read):
        if any(root in touched for root, _ in _files_of_patients(catalogue.images, {patient_id})):
            raise CatalogueError(
                f"patient {patient_id} already has lesions under its derived identifier;"
                " ingest without --patient-id, or begin a new workspace with it"
            )


def _notes(results: Iterable[ScanResult], images: ImageRepository) -> tuple[str, ...]:
    counted = Counter(note for result in results if result.image is not None for note in result.image.notes)
    notes = [f"{note} in {count} file(s)" for note, count in sorted(counted.items())]
    for patient in images.patients():
        if not patient.is_identified:
            notes.append(
                f"patient {patient.patient_id} has a derived identifier because the files hold none;"
                " settle it with: herntrack ingest PATH --patient-id ID"
            )
    for each in images.stacks():
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
        for file in (walk_files(path.resolve(), skip=skip) if path.is_dir() else [path.resolve()])
    ]
    results = scan_files(
        files,
        jobs=jobs or os.cpu_count() or 1,
        progress=None if progress is None else lambda done, total: progress("copying", done, total),
    )
    set_aside = []
    for result in results:
        if result.image is None:
            status = result.path.stat()
            location = FileLocation(
                root="", relative_path=str(result.path), size=status.st_size, mtime_ns=status.st_mtime_ns
            )
            set_aside.append(Reject(location=location, code=result.code, reason=result.reason))
            continue
        image = result.image
        target = (
            workspace.images_folder
            / image.study_instance_uid
            / image.series.series_instance_uid
            / f"{image.header.sop_instance_uid}.dcm"
        )
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            scratch = target.with_suffix(".part")
            shutil.copy2(result.path, scratch)
            scratch.replace(target)
    workspace, root = with_root(workspace, workspace.images_folder, patient_id=patient_id, name=COPIED_ROOT)
    copies = [(root, file) for file in walk_files(root.path)]
    summary = ingest_files(workspace, copies, jobs=jobs, progress=progress)
    return replace(
        summary, n_files=len(files), set_aside=(*set_aside, *summary.set_aside), workspace=workspace
    )

"""From files to the catalogue.

One run is one transaction: interrupted, it leaves what was there, and the next run does
the rest. Only files that are new or changed are read, and those that they put in question.
What the catalogue holds depends on which files there are, not on the order in which they
were found, so that a rebuilt catalogue has the same rows.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from herntrack.catalogue.images import CatalogueCounts, ImageRepository
from herntrack.catalogue.session import Catalogue
from herntrack.dicom.reading_process import GARBAGE_FROM_OBJECTS, HeaderReaders
from herntrack.model.images import Reject
from herntrack.workflows.ingesting.archived import ArchivesTaken, archives_among, copy_archives
from herntrack.workflows.ingesting.copied import ARCHIVE_CODES, ARCHIVE_COPIED, Copier
from herntrack.workflows.ingesting.file_changes import FileChanges
from herntrack.workflows.ingesting.image_merge import Merge
from herntrack.workflows.ingesting.notes import (
    copy_notes,
    different_pixel_notes,
    grown_notes,
    header_notes,
    identity_notes,
    index_notes,
    missing_notes,
)
from herntrack.workflows.ingesting.paths import existing_paths, is_outside_archive, with_path
from herntrack.workflows.ingesting.people_notes import people_notes
from herntrack.workflows.ingesting.read_files import FilesRead, read_files
from herntrack.workflows.ingesting.set_aside_file import NO_ROOT
from herntrack.workflows.ingesting.store import (
    compare_with_known,
    set_aside_among,
    write_changes,
    write_set_aside,
)
from herntrack.workflows.patients.merged_rows import apply_merges, undo_merges
from herntrack.workflows.patients.visits import write_visits
from herntrack.workflows.progress import Progress, silent
from herntrack.workflows.rooted_files import Walk, Walker
from herntrack.workflows.session import catalogue_of, clear_leftovers, ensure_catalogue
from herntrack.workflows.workspace import Workspace
from herntrack.workflows.workspace_lock import workspace_locked

__all__ = ["IngestSummary", "ingest", "ingest_roots"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSummary:
    """What one run did.

    Parameters
    ----------
    n_files, n_read, n_unchanged : int
        Files found (members of archives among them), read now, and known from before.
    counts : CatalogueCounts
        What the catalogue holds now.
    set_aside : tuple of Reject
        Every file below the given paths that is set aside, from this run or before.
    notes : tuple of str
        What a person should know or decide, with the command that settles it.
    workspace : Workspace
        With the roots that were added.
    n_vanished : int
        Files that were there before and are gone.
    n_digested : int
        Images whose pixels got a digest.
    """

    n_files: int
    n_read: int
    n_unchanged: int
    counts: CatalogueCounts
    set_aside: tuple[Reject, ...]
    notes: tuple[str, ...]
    workspace: Workspace
    n_vanished: int = 0
    n_digested: int = 0


def ingest(
    workspace: Workspace,
    paths: Sequence[Path],
    *,
    patient_id: str = "",
    is_copied: bool = False,
    has_digests: bool = False,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> IngestSummary:
    """Catalogue the images below some paths.

    Parameters
    ----------
    workspace : Workspace
        The project.
    paths : sequence of Path
        Folders, files, archives, indexes of file sets (DICOMDIR).
    patient_id : str
        Stands in for a PatientID that the files lack.
    is_copied : bool
        Copy the images into the workspace first, instead of reading them where they lie. What is in
        archives is always copied.
    has_digests : bool
        Store a digest of the pixels of every image below the paths.
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
        If a path does not exist, or the workspace cannot be written.
    """
    paths = existing_paths(workspace, paths)
    tell = progress or silent
    with workspace_locked(workspace.folder, progress=tell), _rare_garbage_collection():
        clear_leftovers(workspace)
        outside = [path for path in paths if is_copied or is_outside_archive(workspace, path)]
        for path in paths:
            if path not in outside:
                workspace = with_path(workspace, path, patient_id=patient_id)
        jobs = jobs or os.cpu_count() or 1
        with HeaderReaders(jobs - 1) as readers:
            run = _Run(workspace, readers, patient_id=patient_id, jobs=jobs, progress=tell)
            for path in paths:
                if path not in outside:
                    run.walker.take(path)
            # The tables are made while the other processes get ready.
            ensure_catalogue(workspace)
            if outside:
                run.copier.copy_paths(outside)
            return run.finish(has_digests=has_digests)


def ingest_roots(
    workspace: Workspace, *, jobs: int | None = None, progress: Progress = silent
) -> IngestSummary:
    """Catalogue everything that the roots stand for; the writers' lock is held by the caller."""
    jobs = jobs or os.cpu_count() or 1
    with HeaderReaders(jobs - 1) as readers, _rare_garbage_collection():
        run = _Run(workspace, readers, patient_id="", jobs=jobs, progress=progress)
        run.walker.take_roots(workspace)
        return run.finish(has_digests=False)


class _Run:
    """One ingest: first what is copied, then one transaction on the catalogue."""

    def __init__(
        self, workspace: Workspace, readers: HeaderReaders, *, patient_id: str, jobs: int, progress: Progress
    ) -> None:
        self._workspace, self._readers, self._progress = workspace, readers, progress
        self._has_given_id = bool(patient_id)
        self.copier = Copier(workspace, patient_id=patient_id, jobs=jobs, progress=progress)
        # While the walk goes on, the other processes get ready.
        self.walker = Walker(workspace, when_many=readers.start)

    def finish(self, *, has_digests: bool) -> IngestSummary:
        """Take what was found into the catalogue."""
        walk = self.walker.walked
        n_found = len(walk.files)
        archives = ArchivesTaken()
        if found := archives_among(walk):
            with catalogue_of(self._workspace) as catalogue:
                known = catalogue.images.rejects(ARCHIVE_CODES)
            archives = copy_archives(self.copier, found, known, has_given_id=self._has_given_id)
        if self.copier.n_files or self.copier.n_archives:
            self._workspace = self.copier.with_roots()
            self.walker.take_below(self._workspace, self._workspace.images_folder.resolve())
        with catalogue_of(self._workspace) as catalogue:
            return self._store(catalogue, walk, archives, n_found, has_digests=has_digests)

    def _store(
        self,
        catalogue: Catalogue,
        walk: Walk,
        archives: ArchivesTaken,
        n_found: int,
        *,
        has_digests: bool,
    ) -> IngestSummary:
        images, workspace = catalogue.images, self._workspace
        undo_merges(workspace, catalogue)
        known = images.known_files()
        changes = compare_with_known(catalogue, workspace, walk, archives, known)
        merge = Merge(images, workspace.settings.roots, is_first=not known)
        read = read_files(
            images,
            changes,
            walk.refusals | archives.refusals,
            known=known,
            roots=workspace.settings.roots,
            readers=self._readers,
            progress=self._progress,
            merge=merge,
        )
        has_changed = write_changes(images, changes, read, merge)
        if apply_merges(workspace, catalogue) or has_changed:
            write_visits(workspace, images)
        images.add_rejects(archives.members)
        write_set_aside(workspace, images)
        n_digested, undigested = self._digests(images, walk, read, has_digests=has_digests)
        set_aside = (*set_aside_among(images, walk), *self._not_copied())
        notes = [
            *different_pixel_notes(set_aside),
            *(grown_notes(workspace, catalogue) if has_changed else ()),
            *self._notes(images, walk, changes, read),
        ]
        copies = {file.path for _, _, file in walk.files[n_found:]}
        n_read = self.copier.n_files + sum(file.path not in copies for _, _, file in changes.fresh)
        return IngestSummary(
            n_files=n_found + self.copier.n_files,
            n_read=n_read,
            n_unchanged=n_found + self.copier.n_files - n_read,
            counts=images.counts(),
            set_aside=set_aside,
            notes=tuple(dict.fromkeys([*notes, *undigested])),
            workspace=workspace,
            n_vanished=len(read.vanished),
            n_digested=n_digested,
        )

    def _digests(
        self, images: ImageRepository, walk: Walk, read: FilesRead, *, has_digests: bool
    ) -> tuple[int, list[str]]:
        before = {image: digest for image, (_, _, digest) in read.standing.digests.items()}
        if not (before or has_digests):
            return 0, []
        from herntrack.workflows.ingesting.digests import renew_digests, write_digests

        n_renewed, said = renew_digests(self._workspace, images, before, progress=self._progress)
        if not has_digests:
            return n_renewed, said
        files = {(root.name, relative) for root, relative, _ in walk.files}
        n_new, undigested = write_digests(self._workspace, images, files, progress=self._progress)
        return n_renewed + n_new, [*said, *undigested]

    def _not_copied(self) -> list[Reject]:
        return [
            reject
            for reject in self.copier.rejects
            if reject.location.root == NO_ROOT and reject.code != ARCHIVE_COPIED
        ]

    def _notes(
        self,
        images: ImageRepository,
        walk: Walk,
        changes: FileChanges,
        read: FilesRead,
    ) -> list[str]:
        return [
            *copy_notes(self.copier),
            *header_notes(read.results),
            *identity_notes(images),
            *people_notes(self._workspace, images, read.results),
            *index_notes([file for _, _, file in changes.fresh], [file for _, _, file in walk.files]),
            *index_notes(self.copier.sources, self.copier.sources),
            *missing_notes(self._workspace, images, changes, read.vanished),
        ]


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """Look for garbage seldom: the records of files are none, and it takes a third of the time."""
    before = gc.get_threshold()
    gc.set_threshold(GARBAGE_FROM_OBJECTS)
    try:
        yield
    finally:
        gc.set_threshold(*before)

"""Images that are copied into the workspace, from folders, files and archives.

Archives are always copied, as nothing could read an image inside one later. What was not
copied is written down in ``images/set-aside.json``, because its source is no root and a
rebuild could not find it again.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from herntrack.dicom.archives import ArchiveRefusedError, is_archive_name, unpack
from herntrack.dicom.scan import Scanned, ScanResult, found_file, scan_files, walk_files
from herntrack.dicom.scan_chunk import FoundFile, Refusal
from herntrack.dicom.uids import derived_uid
from herntrack.model.images import FileLocation, Reject
from herntrack.workflows.ingesting.copies import SAME_FILE, compare_copies, copy_reject
from herntrack.workflows.ingesting.file_changes import MEMBER_SIGN
from herntrack.workflows.ingesting.set_aside_file import NO_ROOT, load_set_aside, save_set_aside
from herntrack.workflows.progress import Progress, silent
from herntrack.workflows.rooted_files import own_paths, printable
from herntrack.workflows.workspace import COPIED_ROOT, SCRATCH_FOLDER, Workspace, with_root

ARCHIVE_COPIED = "archive_copied"
"""Code of an archive whose images were taken: nothing is wrong with it."""

ARCHIVE_CODES = (ARCHIVE_COPIED, "archive_damaged", "archive_bomb", "archive_unreadable", "nested_archive")
"""Codes of archives that were looked into, or were refused for what they are."""

_PLAIN_UID = re.compile(r"[0-9][0-9.]{0,63}")


class Copier:
    """Copies images into the workspace and remembers what it did not copy.

    Parameters
    ----------
    workspace : Workspace
        The project; its writers' lock is held.
    patient_id : str
        Stands in for a PatientID that the files lack.
    jobs : int
        Processes to read headers with.
    progress : callable
        Called with (stage, done, total).

    Attributes
    ----------
    n_files, n_copied, n_identical, n_archives : int
        Files looked at, copied, found to be in the workspace already; archives among the sources.
    rejects : list of Reject
        What was not copied, and archives that were.
    sources : list of FoundFile
        The files that were looked at, without members of archives.
    """

    def __init__(
        self, workspace: Workspace, *, patient_id: str = "", jobs: int = 1, progress: Progress = silent
    ) -> None:
        self._workspace, self._jobs, self._progress = workspace, jobs, progress
        self._given_id = patient_id
        self._scratch = workspace.folder / SCRATCH_FOLDER
        self.n_files = self.n_copied = self.n_identical = self.n_archives = 0
        self.rejects: list[Reject] = []
        self.sources: list[FoundFile] = []
        self._folder = workspace.images_folder
        if patient_id:
            # A root of its own, because a PatientID is given to a whole root.
            self._folder /= f"given-{hashlib.sha256(patient_id.encode()).hexdigest()[:8]}"

    def copy_paths(self, paths: Sequence[Path]) -> None:
        """Copy the images below folders, of files and in archives that are no part of a root."""
        before = load_set_aside(self._workspace)
        kept = {name: reject for name, reject in before.items() if not _is_below(name, paths)}
        self.rejects = []
        for path in paths:
            files, odd = self._found(path.resolve())
            self.n_files += len(files) + len(odd)
            self.sources += files
            self.rejects += [_set_aside(_outside(file), refusal) for file, refusal in odd]
            archives = [file for file in files if is_archive_name(file.path)]
            plain = [file for file in files if not is_archive_name(file.path)]
            self._copy(plain, [_outside(file) for file in plain], are_ours=False)
            for archive in archives:
                known = _known_archive(before, _outside(archive)) if not self._given_id else []
                if known:
                    self.rejects += known
                else:
                    self.copy_archive(archive, _outside(archive))
        found = {reject.location.relative_path: reject for reject in self.rejects}
        self.rejects = list(found.values())
        save_set_aside(self._workspace, kept | found)
        self.clear()

    def copy_archive(self, archive: FoundFile, location: FileLocation) -> None:
        """Copy the images in an archive; `location` is where the archive itself lies."""
        self.n_archives += 1
        self.clear()
        try:
            unpacked = unpack(
                Path(archive.path),
                self._scratch,
                progress=lambda done, total: self._progress("unpacking", done, total),
            )
        except ArchiveRefusedError as error:
            self.clear()
            self.rejects.append(Reject(location=location, code=error.code, reason=str(error)))
            return
        except PermissionError as error:
            self.clear()
            reason = f"the file system refuses it: {error.strerror}"
            self.rejects.append(Reject(location=location, code="archive_unreadable", reason=reason))
            return
        names = _MemberNames(location)
        self.n_files += len(unpacked.files) + len(unpacked.refused)
        for member in unpacked.refused:
            refusal = Refusal(member.code, member.reason)
            self.rejects.append(_set_aside(names.of(member.name, member.size), refusal))
        files, places = [], []
        for path, name in unpacked.files:
            file = found_file(path)
            place = names.of(name, file.size)
            if is_archive_name(name):
                reason = "an archive inside an archive; unpack it by hand and ingest the folder"
                self.rejects.append(Reject(location=place, code="nested_archive", reason=reason))
                continue
            files.append(file)
            places.append(place)
        n_images = self._copy(files, places, are_ours=True)
        self.clear()
        reason = f"its {n_images} MR or CT images are in {self._workspace.images_folder.name}/"
        self.rejects.append(Reject(location=location, code=ARCHIVE_COPIED, reason=reason))

    def with_roots(self) -> Workspace:
        """Return the workspace with the roots of what was copied."""
        self._folder.mkdir(parents=True, exist_ok=True)
        images = self._workspace.images_folder
        workspace, _ = with_root(self._workspace, images, name=COPIED_ROOT)
        if self._folder != images:
            name = f"{COPIED_ROOT}-{self._folder.name.removeprefix('given-')}"
            workspace, _ = with_root(workspace, self._folder, patient_id=self._given_id, name=name)
        return workspace

    def clear(self) -> None:
        """Remove what was unpacked."""
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _found(self, path: Path) -> tuple[list[FoundFile], list[tuple[FoundFile, Refusal]]]:
        odd: list[tuple[FoundFile, Refusal]] = []
        if path.is_file():
            return [found_file(path)], odd
        skip = [*own_paths(self._workspace), self._workspace.images_folder.resolve()]
        return list(walk_files(path, skip=skip, odd=odd)), odd

    def _copy(self, files: Sequence[FoundFile], places: Sequence[FileLocation], *, are_ours: bool) -> int:
        """Copy images, or move them if they are ours; return how many of them the workspace has."""
        results = scan_files(
            files, jobs=self._jobs, progress=lambda done, total: self._progress("reading", done, total)
        )
        n_images = 0
        for done, (file, place, result) in enumerate(zip(files, places, results, strict=True), start=1):
            refusal = self._place(file, place, result, is_ours=are_ours)
            if refusal is None:
                n_images += 1
            else:
                self.rejects.append(refusal)
            self._progress("copying", done, len(files))
        return n_images

    def _place(
        self, file: FoundFile, place: FileLocation, result: ScanResult, *, is_ours: bool
    ) -> Reject | None:
        if isinstance(result, Refusal):
            return _set_aside(place, result)
        target = self._folder / _copy_name(result)
        plain = self._workspace.images_folder / _copy_name(result)
        if plain != target and plain.exists() and not target.exists():
            # It was copied before without the PatientID that it is given now.
            target.parent.mkdir(parents=True, exist_ok=True)
            plain.replace(target)
        if target.exists():
            code, detail = compare_copies(Path(file.path), target)
            if detail == SAME_FILE:
                self.n_identical += 1
                return None
            kept = target.relative_to(self._workspace.images_folder).as_posix()
            return copy_reject(place, f"{COPIED_ROOT}:{kept}", code, detail)
        target.parent.mkdir(parents=True, exist_ok=True)
        if is_ours:
            os.replace(file.path, target)  # noqa: PTH105 - the path is text from the walk
        else:
            self._scratch.mkdir(exist_ok=True)
            half = self._scratch / "copy"
            shutil.copy2(file.path, half)
            half.replace(target)
        self.n_copied += 1
        return None


class _MemberNames:
    """Names of an archive's members, each once."""

    def __init__(self, archive: FileLocation) -> None:
        self._archive = archive
        self._taken: set[str] = set()

    def of(self, name: str, size: int) -> FileLocation:
        shown = f"{self._archive.relative_path}{MEMBER_SIGN}{printable(name)}"
        unique, number = shown, 1
        while unique in self._taken:
            number += 1
            unique = f"{shown}#{number}"
        self._taken.add(unique)
        return replace(self._archive, relative_path=unique, size=size)


def _known_archive(before: dict[str, Reject], location: FileLocation) -> list[Reject]:
    """Return what was found in an archive that did not change since; empty if it must be looked into."""
    own = before.get(location.relative_path)
    if own is None or own.code not in ARCHIVE_CODES or own.location != location:
        return []
    members = f"{location.relative_path}{MEMBER_SIGN}"
    return [own, *(reject for name, reject in before.items() if name.startswith(members))]


def _is_below(name: str, paths: Iterable[Path]) -> bool:
    return any(
        name == shown or name.startswith((f"{shown}{os.sep}", f"{shown}{MEMBER_SIGN}"))
        for shown in (printable(str(path.resolve())) for path in paths)
    )


def _outside(file: FoundFile) -> FileLocation:
    return FileLocation(
        root=NO_ROOT, relative_path=printable(file.path), size=file.size, mtime_ns=file.mtime_ns
    )


def _set_aside(location: FileLocation, refusal: Refusal) -> Reject:
    return Reject(location=location, code=refusal.code, reason=refusal.reason)


def _copy_name(scanned: Scanned) -> Path:
    """Return where an image is copied to; what a file calls itself must not lead out of the folder."""
    uids = (
        scanned.image.study_instance_uid,
        scanned.image.series.series_instance_uid,
        scanned.sop_instance_uid,
    )
    study, series, image = (uid if _PLAIN_UID.fullmatch(uid) else derived_uid("copy", uid) for uid in uids)
    return Path(study, series, f"{image}.dcm")

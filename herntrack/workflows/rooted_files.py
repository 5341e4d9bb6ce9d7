"""The files of a workspace, each under the root it belongs to.

Public: `files_below`, `Walker`, `Walk`, `RootFinder`, `own_paths`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from herntrack.catalogue.files import FileKey
from herntrack.dicom.scan import PROCESSES_FROM_FILES, found_file, walk_files
from herntrack.dicom.scan_chunk import FoundFile, Refusal
from herntrack.workflows.workspace import (
    CATALOGUE_FILE,
    COPIES_FILE,
    NEW_CATALOGUE_FILE,
    READINGS_FOLDER,
    REPORTS_FOLDER,
    SCRATCH_FOLDER,
    SETTINGS_FILE,
    ImageRoot,
    Workspace,
)
from herntrack.workflows.workspace_lock import LOCK_FILE

RootedFile = tuple[ImageRoot, str, FoundFile]
"""A file, the root it lies under, and its path below that root with forward slashes."""


class RootFinder:
    """Finds the root of a file; what it found for a folder it knows for all files in it."""

    def __init__(self, roots: Sequence[ImageRoot]) -> None:
        self._roots = roots
        self._holding: dict[str, list[tuple[ImageRoot, str]]] = {}

    def held(self, file: FoundFile) -> RootedFile | None:
        """Return the file under the innermost root that holds it, None if none does."""
        folder, _, name = file.path.rpartition(os.sep)
        holding = self._holding.get(folder)
        if holding is None:
            here = Path(folder + os.sep)
            holding = [
                (root, "" if here == root.path else f"{here.relative_to(root.path).as_posix()}/")
                for root in sorted(self._roots, key=lambda root: -len(root.path.parts))
                if here.is_relative_to(root.path)
            ]
            self._holding[folder] = holding
        for root, prefix in holding:
            if not root.only or prefix + name in root.only:
                return root, printable(prefix + name), file
        return None


def printable(path: str) -> str:
    """Return a path with bytes that are no UTF-8 written out; such a file is set aside by its name."""
    if path.isascii():
        return path
    return path.encode(errors="surrogateescape").decode(errors="backslashreplace")


@dataclass(slots=True, kw_only=True)
class Walk:
    """What was found below some paths.

    Parameters
    ----------
    files : list of RootedFile
        Everything that is not a folder, each under the innermost root that holds it.
    refusals : dict
        By root and path what is not to be opened, and why.
    folders, single : list of str
        Folders that were walked and files that were asked for: absolute paths. Of known files
        below or among them, those that were not found are gone.
    unlisted : list of str
        Folders below them that could not be listed: what lies there is not known to be gone.
    """

    files: list[RootedFile] = field(default_factory=list)
    refusals: dict[FileKey, Refusal] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    single: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)


def files_below(workspace: Workspace, paths: Iterable[Path]) -> Walk:
    """Find the files below the paths."""
    walker = Walker(workspace)
    for path in paths:
        walker.take(path.resolve())
    return walker.walked


class Walker:
    """Collects files; one that lies below several of the paths is taken once.

    Parameters
    ----------
    workspace : Workspace
        With its roots.
    when_many : callable, optional
        Called when so many files were found that other processes will help to read them.
    """

    def __init__(self, workspace: Workspace, *, when_many: Callable[[], None] | None = None) -> None:
        self._when_many = when_many
        self._skip = own_paths(workspace)
        self._finder = RootFinder(workspace.settings.roots)
        self._seen: set[str] = set()
        self.walked = Walk()

    def take_roots(self, workspace: Workspace) -> None:
        """Take everything that the roots stand for, in the order of the roots."""
        for root in workspace.settings.roots:
            if not root.only:
                self.take(root.path)
                continue
            for path in (root.path / name for name in root.only):
                if path.is_file():
                    self.take(path)
                else:
                    self.walked.single.append(str(path))

    def take_below(self, workspace: Workspace, path: Path) -> None:
        """Take a folder that may have become a root since this began."""
        self._finder = RootFinder(workspace.settings.roots)
        self.take(path)

    def take(self, path: Path) -> None:
        """Take a file, or everything below a folder."""
        if not path.is_dir():
            self.walked.single.append(str(path))
            self._add([found_file(path)])
            return
        odd: list[tuple[FoundFile, Refusal]] = []
        self.walked.folders.append(str(path))
        self._add(walk_files(path, skip=self._skip, odd=odd))
        for file, refusal in odd:
            if refusal.code == "unreadable":
                self.walked.unlisted.append(file.path)
            self._add([file], refusal)

    def _add(self, files: Iterable[FoundFile], refusal: Refusal | None = None) -> None:
        held, seen, found = self._finder.held, self._seen, self.walked.files
        for file in files:
            path = file.path
            if path in seen:
                continue
            seen.add(path)
            rooted = held(file)
            if rooted is not None:
                found.append(rooted)
                if refusal is not None:
                    self.walked.refusals[rooted[0].name, rooted[1]] = refusal
                if len(found) == PROCESSES_FROM_FILES and self._when_many is not None:
                    self._when_many()


def own_paths(workspace: Workspace) -> list[Path]:
    """Return what a workspace writes itself, which is never taken for an export."""
    folder = workspace.folder.resolve()
    database = [
        f"{name}{suffix}"
        for name in (CATALOGUE_FILE, NEW_CATALOGUE_FILE)
        for suffix in ("", "-wal", "-shm", "-journal")
    ]
    own = (SETTINGS_FILE, LOCK_FILE, READINGS_FOLDER, REPORTS_FOLDER, SCRATCH_FOLDER, COPIES_FILE, *database)
    return [folder / name for name in own]

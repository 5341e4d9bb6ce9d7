"""The files of a workspace, each under the root it belongs to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from herntrack.dicom.scan import found_file, walk_files
from herntrack.dicom.scan_chunk import FoundFile
from herntrack.workflows.workspace import (
    CATALOGUE_FILE,
    READINGS_FOLDER,
    REPORTS_FOLDER,
    SETTINGS_FILE,
    ImageRoot,
    Workspace,
)

RootedFile = tuple[ImageRoot, str, FoundFile]
"""A file, the root it lies under, and its path below that root with forward slashes."""


class RootFinder:
    """Finds the root of a file; what it found for a folder it knows for all files in it."""

    def __init__(self, roots: Sequence[ImageRoot]) -> None:
        self._roots = roots
        self._holding: dict[str, list[tuple[ImageRoot, str]]] = {}

    def held(self, file: FoundFile) -> RootedFile | None:
        """Return the file under the innermost root that holds it, None if none does."""
        folder, name = os.path.split(file.path)
        holding = self._holding.get(folder)
        if holding is None:
            here = Path(folder)
            holding = [
                (root, "" if here == root.path else f"{here.relative_to(root.path).as_posix()}/")
                for root in sorted(self._roots, key=lambda root: -len(root.path.parts))
                if here.is_relative_to(root.path)
            ]
            self._holding[folder] = holding
        for root, prefix in holding:
            if not root.only or prefix + name in root.only:
                return root, _printable(prefix + name), file
        return None


def _printable(relative_path: str) -> str:
    """Return a path with bytes that are no UTF-8 written out; such a file is set aside by its name."""
    return relative_path.encode(errors="surrogateescape").decode(errors="backslashreplace")


def files_below(workspace: Workspace, paths: Iterable[Path]) -> list[RootedFile]:
    """Return the files below the paths, each under the innermost root that holds it."""
    skip = own_paths(workspace)
    finder = RootFinder(workspace.settings.roots)
    files: dict[str, RootedFile] = {}
    for path in paths:
        resolved = path.resolve()
        for file in walk_files(resolved, skip=skip) if resolved.is_dir() else [found_file(resolved)]:
            held = finder.held(file)
            if held is not None:
                files[file.path] = held
    return list(files.values())


def files_of_roots(workspace: Workspace) -> list[RootedFile]:
    """Return every file that the roots stand for, in the order of the roots."""
    skip = own_paths(workspace)
    finder = RootFinder(workspace.settings.roots)
    files: dict[str, RootedFile] = {}
    for root in workspace.settings.roots:
        named = (root.path / name for name in root.only)
        found: Iterable[FoundFile] = (
            (found_file(path) for path in named if path.is_file())
            if root.only
            else walk_files(root.path, skip=skip)
        )
        for file in found:
            held = finder.held(file)
            if held is not None:
                files[file.path] = held
    return list(files.values())


def own_paths(workspace: Workspace) -> list[Path]:
    """Return what a workspace writes itself, which is never taken for an export."""
    folder = workspace.folder.resolve()
    database = [f"{CATALOGUE_FILE}{suffix}" for suffix in ("", "-wal", "-shm", "-journal")]
    return [folder / name for name in (SETTINGS_FILE, READINGS_FOLDER, REPORTS_FOLDER, *database)]

"""The paths that a person gives, and the roots they stand for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from herntrack.dicom.archives import is_archive
from herntrack.errors import WorkspaceError
from herntrack.workflows.settings import ImageRoot
from herntrack.workflows.workspace import Workspace, with_root

DICOMDIR = "dicomdir"
"""Name of the index of a DICOM file set, in small letters (DICOM PS3.10, 8.6)."""


def existing_paths(workspace: Workspace, paths: Sequence[Path]) -> list[Path]:
    """Return the paths, the index of a file set as its folder.

    An index tells less than the files it names, and may be damaged or out of date: its folder
    is read instead.

    Parameters
    ----------
    workspace : Workspace
        The project.
    paths : sequence of Path
        Folders and files.

    Raises
    ------
    WorkspaceError
        If a path is not there, or is neither a folder nor a file.
    """
    found = []
    for path in paths:
        if "\0" in os.fspath(path) or not path.exists():
            raise WorkspaceError(_not_there(workspace, path))
        resolved = path.resolve()
        if not resolved.is_dir() and not resolved.is_file():
            raise WorkspaceError(
                f"{path} is a pipe, a socket or a device, which is never opened; give a folder or a file"
            )
        is_index = resolved.is_file() and resolved.name.lower() == DICOMDIR
        found.append(resolved.parent if is_index else resolved)
    return found


def is_outside_archive(workspace: Workspace, path: Path) -> bool:
    """Return whether a path is an archive that no root holds."""
    return path.is_file() and is_archive(path) and _holding_root(workspace.settings.roots, path) is None


def with_path(workspace: Workspace, path: Path, *, patient_id: str) -> Workspace:
    """Return the workspace with a root that holds a path.

    What a root already holds needs no other, so that a file has one place.

    Parameters
    ----------
    workspace : Workspace
        The project.
    path : Path
        A folder or a file, absolute.
    patient_id : str
        Stands in for a missing PatientID; asks for a root of its own.
    """
    holder = _holding_root(workspace.settings.roots, path)
    is_held = holder is not None and not (patient_id and patient_id != holder.patient_id)
    if path.is_dir():
        is_whole = holder is not None and not holder.only
        return workspace if is_held and is_whole else with_root(workspace, path, patient_id=patient_id)[0]
    if is_held:
        return workspace
    return with_root(workspace, path.parent, only=[path.name], patient_id=patient_id)[0]


def missing_roots(workspace: Workspace) -> list[ImageRoot]:
    """Return the roots whose folders are not there."""
    return [root for root in workspace.settings.roots if not root.path.is_dir()]


def missing_root_advice(root: ImageRoot) -> str:
    """Return what to do about a root whose folder is not there."""
    return (
        f"image root {root.name!r} is missing: {root.path}; mount the drive, or if the folder was moved:"
        f" herntrack roots move {root.name} NEWPATH"
    )


def _not_there(workspace: Workspace, path: Path) -> str:
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() needs what is not there
    for root in workspace.settings.roots:
        if absolute.is_relative_to(root.path):
            if not root.path.is_dir():
                return missing_root_advice(root)
            return (
                f"{path} does not exist; if it was deleted, run herntrack ingest {root.path} to mark its"
                " images as missing"
            )
    return f"{path} does not exist; give a folder or a file"


def _holding_root(roots: Sequence[ImageRoot], path: Path) -> ImageRoot | None:
    """Return the innermost root that holds a path."""
    holding = [
        root
        for root in roots
        if path.is_relative_to(root.path)
        and (not root.only or path.relative_to(root.path).as_posix() in root.only)
    ]
    return max(holding, key=lambda root: len(root.path.parts), default=None)

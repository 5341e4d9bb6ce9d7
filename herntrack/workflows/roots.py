"""The folders of images: where they lie, and what to do when they moved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from herntrack.errors import WorkspaceError
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace, with_moved_root


@dataclass(frozen=True, slots=True, kw_only=True)
class RootState:
    """A root and how many of its catalogued images are there."""

    name: str
    path: Path
    n_images: int
    n_found: int


def root_states(workspace: Workspace) -> list[RootState]:
    """Return every root with how many of its images can be found."""
    with catalogue_of(workspace) as catalogue:
        locations = list(catalogue.images.instance_locations().values())
    states = []
    for root in workspace.settings.roots:
        own = [location.relative_path for location in locations if location.root == root.name]
        found = sum((root.path / name).is_file() for name in own)
        states.append(RootState(name=root.name, path=root.path, n_images=len(own), n_found=found))
    return states


def move_root(workspace: Workspace, name: str, path: Path) -> RootState:
    """Point a root at the place where its folder lies now.

    Parameters
    ----------
    workspace : Workspace
        The project.
    name : str
        The root.
    path : Path
        Its new place.

    Returns
    -------
    RootState
        How many of its images are there.

    Raises
    ------
    WorkspaceError
        If the root is unknown, or the folder holds none of its images; nothing is changed then.
    """
    root = workspace.root(name)
    with catalogue_of(workspace) as catalogue:
        own = [
            location.relative_path
            for location in catalogue.images.instance_locations().values()
            if location.root == name
        ]
    found = sum((path / relative_path).is_file() for relative_path in own)
    if own and not found:
        raise WorkspaceError(
            f"{path} holds none of the {len(own)} images of root {name!r}, such as {own[0]};"
            f" give the folder that took the place of {root.path}"
        )
    moved = with_moved_root(workspace, name, path)
    return RootState(name=name, path=moved.root(name).path, n_images=len(own), n_found=found)

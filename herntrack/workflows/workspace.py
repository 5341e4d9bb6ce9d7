"""A workspace: one folder that holds a project, and its settings.

``herntrack.toml`` is a person's file: it is edited in place with its comments kept, and
what cannot be read in it is refused with the key and what was expected. Nothing here
opens an image.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import tomlkit

from herntrack.errors import WorkspaceError
from herntrack.model.sentences import sentence
from herntrack.workflows.settings import SETTINGS_FILE, ImageRoot, Settings, settings_of
from herntrack.workflows.workspace_lock import settings_locked

CATALOGUE_FILE = "catalogue.sqlite"

NEW_CATALOGUE_FILE = "catalogue.new.sqlite"
"""Where a rebuild makes the next catalogue."""

READINGS_FOLDER = "readings"
IMAGES_FOLDER = "images"
REPORTS_FOLDER = "reports"

SCRATCH_FOLDER = ".unpacked"
"""What archives are unpacked to before it is copied; gone when the run ends."""

COPIES_FILE = f"{IMAGES_FOLDER}/set-aside.json"
"""What was not copied, and why: nothing else remembers it, as its source is no root."""

ENVIRONMENT_VARIABLE = "HERNTRACK_WORKSPACE"

COPIED_ROOT = "images"
"""Name of the root of what was copied into the workspace."""

__all__ = [
    "CATALOGUE_FILE",
    "COPIED_ROOT",
    "COPIES_FILE",
    "ENVIRONMENT_VARIABLE",
    "IMAGES_FOLDER",
    "NEW_CATALOGUE_FILE",
    "READINGS_FOLDER",
    "REPORTS_FOLDER",
    "SCRATCH_FOLDER",
    "SETTINGS_FILE",
    "ImageRoot",
    "Settings",
    "Workspace",
    "create_workspace",
    "find_workspace",
    "open_workspace",
    "with_moved_root",
    "with_root",
]

_TEMPLATE = """\
# Settings of a herntrack workspace. Delete the catalogue and `herntrack rebuild` restores it
# from the roots below and from readings/.

schema = 1

[catalogue]
# Empty: catalogue.sqlite in this folder. Else a database URL.
url = ""

[rules]
# A shipped rule set (default, literature-50) or the path of a rule file.
name = "default"

[readers]
# The reader whose readings decide where several readers read the same visit. Empty: none.
primary = ""

# Days of follow-up, both ends included, that share a nominal time point.
[[visits.windows]]
name = "1 month"
first_day = 14
last_day = 60

[[visits.windows]]
name = "3 months"
first_day = 61
last_day = 126

[[visits.windows]]
name = "6 months"
first_day = 127
last_day = 273

[[visits.windows]]
name = "12 months"
first_day = 274
last_day = 456

# Where images lie. Instances are stored as root name + relative path.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A project's folder with its settings.

    Parameters
    ----------
    folder : Path
        Absolute.
    settings : Settings
        What its settings file says.
    catalogue_file : str
        Name of the SQLite file; another one only while a rebuild makes it.
    """

    folder: Path
    settings: Settings
    catalogue_file: str = CATALOGUE_FILE

    @property
    def catalogue_path(self) -> Path:
        """The SQLite file; not used if the settings name another database."""
        return self.folder / self.catalogue_file

    @property
    def readings_folder(self) -> Path:
        """The append-only store of readings."""
        return self.folder / READINGS_FOLDER

    @property
    def images_folder(self) -> Path:
        """Images that were copied in."""
        return self.folder / IMAGES_FOLDER

    @property
    def reports_folder(self) -> Path:
        """Where reports go."""
        return self.folder / REPORTS_FOLDER

    @property
    def rules_source(self) -> str:
        """The rule set's name, or the absolute path of a rule file beside the settings."""
        beside = self.folder / self.settings.rules
        return str(beside) if beside.is_file() else self.settings.rules

    def root(self, name: str) -> ImageRoot:
        """Return the root with that name.

        Raises
        ------
        WorkspaceError
            If the settings have none.
        """
        for root in self.settings.roots:
            if root.name == name:
                return root
        known = ", ".join(root.name for root in self.settings.roots) or "none"
        raise WorkspaceError(f"no image root {name!r} in {SETTINGS_FILE}; known: {known}")

    def locate(self, root_name: str, relative_path: str) -> Path:
        """Return the absolute path of a file under a root."""
        return self.root(root_name).path / relative_path


def create_workspace(folder: Path) -> Workspace:
    """Make a workspace in a new, empty or already initialised folder.

    Parameters
    ----------
    folder : Path
        The folder; made if it is missing. An existing workspace is opened unchanged.

    Raises
    ------
    WorkspaceError
        If the path is a file or the folder cannot be written.
    """
    folder = folder.absolute()
    try:
        for part in (READINGS_FOLDER, IMAGES_FOLDER, REPORTS_FOLDER):
            (folder / part).mkdir(parents=True, exist_ok=True)
        settings = folder / SETTINGS_FILE
        if not settings.exists():
            settings.write_text(_TEMPLATE, encoding="utf-8")
    except OSError as error:
        raise WorkspaceError(
            f"cannot make a workspace in {folder}: {error.strerror}; name a folder that is new or may be"
            " written"
        ) from error
    return open_workspace(folder)


def find_workspace(given: Path | None) -> Workspace:
    """Open the workspace that was given, else the environment's, else the nearest one upwards.

    Parameters
    ----------
    given : Path or None
        What the person named.

    Raises
    ------
    WorkspaceError
        If there is none; the message says how to make one.
    """
    named = given or (
        Path(os.environ[ENVIRONMENT_VARIABLE]) if os.environ.get(ENVIRONMENT_VARIABLE) else None
    )
    if named is not None:
        return open_workspace(named.absolute())
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / SETTINGS_FILE).is_file():
            return open_workspace(folder)
    raise WorkspaceError(sentence("no_workspace_above", folder=here))


def open_workspace(folder: Path) -> Workspace:
    """Read a workspace's settings.

    Raises
    ------
    WorkspaceError
        If there is no settings file or it cannot be understood.
    """
    path = folder / SETTINGS_FILE
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WorkspaceError(sentence("no_workspace", folder=folder, file=SETTINGS_FILE)) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WorkspaceError(sentence("file_unreadable", path=path, detail=error)) from error
    return Workspace(folder=folder, settings=settings_of(document, folder))


def with_root(
    workspace: Workspace,
    path: Path,
    *,
    only: Sequence[str] = (),
    patient_id: str = "",
    name: str = "",
) -> tuple[Workspace, ImageRoot]:
    """Return the workspace with a root for a path, written to its settings if it is new or changed.

    Parameters
    ----------
    workspace : Workspace
        The workspace.
    path : Path
        A folder.
    only : sequence of str
        Files below it, if not the whole folder is meant.
    patient_id : str
        Stands in for a missing PatientID.
    name : str
        The root's name; by default the folder's, made unique.
    """
    with settings_locked(workspace.folder):
        # Another process may have added a root since these settings were read.
        current = replace(open_workspace(workspace.folder), catalogue_file=workspace.catalogue_file)
        return _with_root(current, path.resolve(), only=only, patient_id=patient_id, name=name)


def _with_root(
    workspace: Workspace, path: Path, *, only: Sequence[str], patient_id: str, name: str
) -> tuple[Workspace, ImageRoot]:
    roots = list(workspace.settings.roots)
    index = next((i for i, root in enumerate(roots) if root.path == path), None)
    if index is None:
        root = ImageRoot(
            name=name or _unique_name(path, {known.name for known in roots}),
            path=path,
            only=tuple(sorted(set(only))),
            patient_id=patient_id,
        )
        roots.append(root)
    else:
        old = roots[index]
        wanted = tuple(sorted({*old.only, *only})) if only and old.only else ()
        root = replace(old, only=wanted, patient_id=patient_id or old.patient_id)
        roots[index] = root
    changed = replace(workspace, settings=replace(workspace.settings, roots=tuple(roots)))
    if changed != workspace:
        _write_roots(changed)
    return changed, root


def with_moved_root(workspace: Workspace, name: str, path: Path) -> Workspace:
    """Return the workspace with a root at another place, written to its settings.

    Parameters
    ----------
    workspace : Workspace
        The workspace.
    name : str
        The root.
    path : Path
        Where it lies now.

    Raises
    ------
    WorkspaceError
        If there is no such root or no such folder, or another root lies there.
    """
    moved = workspace.root(name)
    path = path.resolve()
    if not path.is_dir():
        raise WorkspaceError(f"{path} is no folder; give the place where root {name!r} lies now")
    taken = [root.name for root in workspace.settings.roots if root.path == path and root.name != name]
    if taken:
        raise WorkspaceError(f"{path} is already root {taken[0]!r}")
    roots = tuple(
        replace(moved, path=path) if root.name == name else root for root in workspace.settings.roots
    )
    changed = replace(workspace, settings=replace(workspace.settings, roots=roots))
    with settings_locked(workspace.folder):
        _write_roots(changed)
    return changed


def _unique_name(path: Path, taken: set[str]) -> str:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", path.name).strip("-.") or "root"
    candidates = [stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in candidates if name not in taken and name != COPIED_ROOT)


def _write_roots(workspace: Workspace) -> None:
    path = workspace.folder / SETTINGS_FILE
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    tables = tomlkit.aot()
    for root in workspace.settings.roots:
        table = tomlkit.table()
        table["name"] = root.name
        inside = root.path.is_relative_to(workspace.folder.resolve())
        shown = root.path.relative_to(workspace.folder.resolve()) if inside else root.path
        table["path"] = shown.as_posix()
        if root.only:
            table["only"] = list(root.only)
        if root.patient_id:
            table["patient_id"] = root.patient_id
        tables.append(table)
    document["roots"] = tables
    scratch = path.with_suffix(".toml.new")
    try:
        scratch.write_text(tomlkit.dumps(document), encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        raise WorkspaceError(
            f"{path} cannot be written ({error.strerror}), so the roots stay as they were; ask for write"
            " permission on the workspace, or work on a copy of it"
        ) from error

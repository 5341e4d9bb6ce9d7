"""Opening a workspace's catalogue: the transaction of a use case begins and ends here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from herntrack.catalogue.engine import DatabaseAddress, is_read_only, sqlite_url
from herntrack.catalogue.exchange import drop_catalogue
from herntrack.catalogue.session import Catalogue, create_catalogue, open_catalogue
from herntrack.errors import CatalogueError
from herntrack.model.sentences import sentence
from herntrack.workflows.workspace import CATALOGUE_FILE, NEW_CATALOGUE_FILE, SCRATCH_FOLDER, Workspace
from herntrack.workflows.workspace_lock import settings_locked


def catalogue_url(workspace: Workspace) -> DatabaseAddress:
    """Return the database URL of a workspace's catalogue."""
    return workspace.settings.catalogue_url or sqlite_url(workspace.catalogue_path)


def ensure_catalogue(workspace: Workspace) -> None:
    """Make the tables, or bring those of an older version up to date."""
    create_catalogue(catalogue_url(workspace))


def clear_leftovers(workspace: Workspace) -> None:
    """Remove what a run that was killed left behind; its writers' lock is held by the caller."""
    shutil.rmtree(workspace.folder / SCRATCH_FOLDER, ignore_errors=True)
    drop_catalogue(workspace.folder / NEW_CATALOGUE_FILE)


def refuse_to_write(workspace: Workspace, what: str, command: str) -> None:
    """Refuse to write to a workspace that may only be read, before the database does.

    Parameters
    ----------
    workspace : Workspace
        The project.
    what : str
        What is not up to date in it.
    command : str
        What brings it up to date where writing is allowed.

    Raises
    ------
    CatalogueError
        If the catalogue may only be read.
    """
    if not workspace.settings.catalogue_url and is_read_only(workspace.catalogue_path):
        raise CatalogueError(sentence("workspace_read_only", what=what, command=command))


@contextmanager
def catalogue_of(workspace: Workspace) -> Iterator[Catalogue]:
    """Yield the workspace's catalogue in one transaction.

    Raises
    ------
    CatalogueError
        If there is no catalogue, or it is of another version.
    """
    if not workspace.settings.catalogue_url and not workspace.catalogue_path.is_file():
        raise CatalogueError(sentence("no_catalogue", folder=workspace.folder, file=CATALOGUE_FILE))
    with ExitStack() as opened:
        # A rebuilt catalogue must not take this one's place while it is being opened.
        with settings_locked(workspace.folder, is_shared=True):
            catalogue = opened.enter_context(open_catalogue(catalogue_url(workspace)))
        yield catalogue

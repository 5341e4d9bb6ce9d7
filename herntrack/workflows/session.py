"""Opening a workspace's catalogue: the transaction of a use case begins and ends here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from herntrack.catalogue.engine import sqlite_url
from herntrack.catalogue.session import Catalogue, create_catalogue, open_catalogue
from herntrack.errors import CatalogueError
from herntrack.workflows.workspace import CATALOGUE_FILE, Workspace


def catalogue_url(workspace: Workspace) -> str:
    """Return the database URL of a workspace's catalogue."""
    return workspace.settings.catalogue_url or sqlite_url(workspace.catalogue_path)


def ensure_catalogue(workspace: Workspace) -> None:
    """Make the tables, or bring those of an older version up to date."""
    create_catalogue(catalogue_url(workspace))


@contextmanager
def catalogue_of(workspace: Workspace) -> Iterator[Catalogue]:
    """Yield the workspace's catalogue in one transaction.

    Raises
    ------
    CatalogueError
        If there is no catalogue, or it is of another version.
    """
    if not workspace.settings.catalogue_url and not workspace.catalogue_path.is_file():
        raise CatalogueError(
            f"{workspace.folder} has no {CATALOGUE_FILE};"
            " run herntrack rebuild to make it from images and readings"
        )
    with open_catalogue(catalogue_url(workspace)) as catalogue:
        yield catalogue

"""One transaction on a catalogue, and the exchange of a whole catalogue for another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session

from herntrack.catalogue.alignments import AlignmentRepository
from herntrack.catalogue.engine import open_engine, sqlite_url
from herntrack.catalogue.followup import FollowUpRepository
from herntrack.catalogue.images import ImageRepository
from herntrack.catalogue.schema import HEAD_REVISION, create, current_revision, require_current, upgrade
from herntrack.errors import CatalogueError

DATABASE_ERRORS = (DatabaseError,)
"""What the database raises where a catalogue is damaged."""

SIDE_SUFFIXES = ("-wal", "-shm", "-journal")
"""Files that SQLite keeps beside a database."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The sides of an open catalogue, in one transaction."""

    images: ImageRepository
    followup: FollowUpRepository
    alignments: AlignmentRepository


def create_catalogue(url: str | URL) -> None:
    """Make the tables of a database, or bring those of an older version up to date."""
    engine = open_engine(url)
    try:
        revision = current_revision(engine)
        if revision is None:
            create(engine)
        elif revision != HEAD_REVISION:
            upgrade(engine)
    finally:
        engine.dispose()


@contextmanager
def open_catalogue(url: str | URL) -> Iterator[Catalogue]:
    """Yield a catalogue whose changes are kept if the block ends well and undone if not.

    Parameters
    ----------
    url : str or URL
        A SQLAlchemy database URL.

    Raises
    ------
    SchemaVersionError
        If the catalogue is not of this version.
    CatalogueError
        If it may not be written, or another process did not stop writing.
    """
    engine = open_engine(url)
    try:
        require_current(engine)
        with Session(engine) as session, session.begin():
            yield Catalogue(
                images=ImageRepository(session),
                followup=FollowUpRepository(session),
                alignments=AlignmentRepository(session),
            )
    except OperationalError as error:
        said = str(error.orig)
        if "readonly" in said or "read-only" in said:
            raise CatalogueError(
                "the catalogue may only be read here, and this command has something to write; ask for"
                " write permission on the workspace, or work on a copy of it"
            ) from error
        if "locked" in said:
            raise CatalogueError(
                "another process has been writing to the catalogue all the time; run the command again"
                " when it has ended"
            ) from error
        raise
    finally:
        engine.dispose()


def replace_catalogue(new: Path, old: Path) -> None:
    """Put a new SQLite catalogue in the place of the old one, in one step.

    Nobody may open the old one meanwhile; who has it open keeps reading the old file.

    Parameters
    ----------
    new : Path
        A complete catalogue that nobody has open.
    old : Path
        Where it goes; may be missing or damaged.

    Raises
    ------
    CatalogueError
        If another process keeps the old one from being closed.
    """
    _settle(new, journal="DELETE")
    if old.is_file():
        _settle(old, journal="WAL")
    # A log left behind would be taken for the new file's own.
    for suffix in SIDE_SUFFIXES:
        old.with_name(old.name + suffix).unlink(missing_ok=True)
    new.replace(old)
    folder = os.open(old.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def drop_catalogue(path: Path) -> None:
    """Delete a SQLite catalogue with the files beside it; nothing happens if there is none."""
    for suffix in ("", *SIDE_SUFFIXES):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _settle(path: Path, *, journal: str) -> None:
    """Write a database's log into the file, so that the file alone is the whole."""
    engine = open_engine(sqlite_url(path))
    try:
        with engine.connect() as connection:
            is_busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            if is_busy:
                raise CatalogueError(
                    f"{path.name} is in use by another process that does not let go of it; end it and"
                    " run herntrack rebuild again"
                )
            connection.exec_driver_sql(f"PRAGMA journal_mode = {journal}")
    except DatabaseError as error:
        if journal == "DELETE":
            raise CatalogueError(f"the new catalogue cannot be completed: {error.orig}") from error
        # A damaged old catalogue is what a rebuild is for.
    finally:
        engine.dispose()

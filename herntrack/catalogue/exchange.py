"""The exchange of a whole catalogue for another, in one step.

Public: `replace_catalogue` for a file, `refill_catalogue` for a database server, `drop_catalogue`.
"""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import DatabaseError

from herntrack.catalogue.engine import DatabaseAddress, engine_of, open_engine, sqlite_url
from herntrack.catalogue.models import Base
from herntrack.catalogue.schema import require_current
from herntrack.errors import CatalogueError

SIDE_SUFFIXES = ("-wal", "-shm", "-journal")
"""Files that SQLite keeps beside a database."""

ROWS_AT_ONCE = 5000
"""Rows that are copied at once."""


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


def refill_catalogue(new: Path, url: DatabaseAddress) -> None:
    """Put what a new SQLite catalogue holds in the place of what a database holds, in one transaction.

    Who reads the database meanwhile sees the old rows until all the new ones are there; if anything
    fails, the old ones stay.

    Parameters
    ----------
    new : Path
        A complete catalogue that nobody has open.
    url : str or URL
        Address of a database whose tables are of this version.

    Raises
    ------
    SchemaVersionError
        If its tables are of another version.
    """
    tables = Base.metadata.sorted_tables
    with engine_of(sqlite_url(new)) as source, engine_of(url) as target:
        require_current(target)
        with source.connect() as new_rows, target.begin() as connection:
            for table in reversed(tables):
                connection.execute(delete(table))
            for table in tables:
                found = new_rows.execute(select(table)).mappings()
                for part in found.partitions(ROWS_AT_ONCE):
                    connection.execute(insert(table), [dict(row) for row in part])


def drop_catalogue(path: Path) -> None:
    """Delete a SQLite catalogue with the files beside it; nothing happens if there is none."""
    for suffix in ("", *SIDE_SUFFIXES):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _settle(path: Path, *, journal: str) -> None:
    """Write a database's log into the file, so that the file alone is the whole."""
    # Not `engine_of`: whatever is wrong with the old catalogue, it is about to go.
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

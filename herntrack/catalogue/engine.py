"""The one place that opens a catalogue: engine, pragmas, read-only files.

An engine is kept for its address: with it SQLAlchemy keeps the statements it has put together, which takes
longer than most of them run. No connection outlives its transaction, so a database that is moved, rebuilt or
deleted is not held.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import NullPool

from herntrack.errors import CatalogueError, MissingDependencyError
from herntrack.model.sentences import sentence

DatabaseAddress = str | URL
"""A SQLAlchemy database URL, as text or taken apart."""

PAGE_CACHE_KB = 32_000
"""Pages of the database kept in memory (kB), so that an ingest of tens of thousands of files does not write
its indexes to disk again and again before it is done."""

PAGE_BYTES = 16_384
"""Of a new catalogue: rows of images and their keys are long, and a quarter of SQLite's usual number of
pages takes a quarter less time to fill and to write."""

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another before it gives up (ms)."""


def sqlite_url(path: Path) -> URL:
    """Return the database URL of a SQLite file, whatever characters its path has."""
    return URL.create("sqlite", database=str(path))


def open_engine(url: str | URL) -> Engine:
    """Return an engine with the settings every catalogue needs.

    SQLite runs with a write-ahead log, so that readers work while one process ingests,
    with foreign keys enforced and a busy timeout. A file that may not be written is opened
    for reading.

    Parameters
    ----------
    url : str or URL
        A SQLAlchemy database URL.

    Raises
    ------
    CatalogueError
        If the URL names no database that can be used; a password in it is not repeated.
    MissingDependencyError
        If the database's driver is not installed.
    """
    try:
        parsed = make_url(url)
        is_sqlite = parsed.get_backend_name() == "sqlite"
        if is_sqlite and parsed.database and is_read_only(Path(parsed.database)):
            return _read_only_engine(Path(parsed.database))
        return _kept_engine(parsed)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        kind = str(url).partition(":")[0] if ":" in str(url) else str(url)
        raise CatalogueError(
            f"the catalogue's database URL, of kind {kind!r}, cannot be used ({type(error).__name__});"
            " expected [catalogue] url in herntrack.toml to be empty or like"
            " postgresql+psycopg://user@host/database"
        ) from error
    except ModuleNotFoundError as error:
        raise MissingDependencyError(str(error.name), extra="postgres") from error


@lru_cache(maxsize=8)
def _kept_engine(url: URL) -> Engine:
    engine = create_engine(url, poolclass=NullPool)
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
    return engine


@contextmanager
def engine_of(url: DatabaseAddress) -> Iterator[Engine]:
    """Yield an engine while it is needed; see `open_engine`.

    Raises
    ------
    CatalogueError
        If the database may not be written, another process did not stop writing, or a server does not
        answer.
    """
    engine = open_engine(url)
    try:
        yield engine
    except OperationalError as error:
        advice = _advice(engine, str(error.orig))
        if not advice:
            raise
        raise CatalogueError(advice) from error


def _advice(engine: Engine, said: str) -> str:
    """Return in our words what a database says that could not do what it was asked; else nothing."""
    if "readonly" in said or "read-only" in said:
        return sentence("catalogue_read_only")
    if engine.dialect.name != "sqlite":
        address = engine.url.render_as_string(hide_password=True)
        return (
            f"the catalogue's database at {address} cannot be used: {said.splitlines()[0]}; see that the"
            " server runs and that [catalogue] url in herntrack.toml is right"
        )
    if "locked" in said:
        return sentence("catalogue_busy")
    if "disk is full" in said or "disk I/O error" in said:
        # SQLite says the second also where there is no room for its log.
        return sentence("catalogue_not_written", detail=said)
    return ""


def _configure_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    # Before anything else: the size of a database's pages stands once it has one.
    cursor.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA cache_size = -{PAGE_CACHE_KB}")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.close()


def is_read_only(path: Path) -> bool:
    """Return whether a SQLite file is there and may not be written, or nothing may beside it."""
    if not path.is_file():
        return False
    return not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def _read_only_engine(path: Path) -> Engine:
    """Return an engine that only reads; it makes no files beside the database.

    Without a log the file is all there is, and SQLite is told that nobody changes it, as it
    could not keep its own books in the folder. With one, somebody else is writing.
    """
    log = path.with_name(f"{path.name}-wal")
    is_written = log.is_file() and log.stat().st_size > 0
    address = f"file:{quote(str(path.absolute()))}?mode=ro{'' if is_written else '&immutable=1'}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT_MS / 1000)

    return create_engine(sqlite_url(path), creator=connect, poolclass=NullPool)

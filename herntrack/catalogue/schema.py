"""The version of a catalogue's tables: create, upgrade, refuse what is not current.

Migrations are Alembic scripts. This module alone knows where they lie: inside the
installed package, or in ``db/migrations`` of a checkout.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Engine, MetaData, PrimaryKeyConstraint, String, Table, insert, inspect, text

from herntrack.catalogue.models import Base
from herntrack.errors import CatalogueError, SchemaVersionError
from herntrack.model.sentences import sentence

HEAD_REVISION = "0005"
"""The revision these models belong to; a test holds it to the newest migration."""

_VERSION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Where Alembic keeps the revision."""


def migrations_folder() -> Path:
    """Return the folder of the migration scripts.

    Raises
    ------
    CatalogueError
        If neither the installed copy nor a checkout's is there.
    """
    package = Path(__file__).parent
    for folder in (package / "_migrations", package.parents[1] / "db" / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise CatalogueError("the catalogue's migrations are missing from this installation; reinstall herntrack")


def create(engine: Engine) -> None:
    """Make the tables of the newest revision in an empty database.

    They are those that all migrations one after another would make, in less time; a test holds the two to
    each other. The revision is written last, so that a database of a run that was killed is completed.

    Parameters
    ----------
    engine : Engine
        A database without a revision.
    """
    Base.metadata.create_all(engine)
    _VERSION.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(_VERSION).values(version_num=HEAD_REVISION))


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring a catalogue, or an empty database, to a revision by its migrations.

    Foreign keys are off while tables are rebuilt (a table copied by a migration would
    otherwise take its children with it) and checked afterwards.

    Parameters
    ----------
    engine : Engine
        The database.
    revision : str
        Alembic revision.

    Raises
    ------
    CatalogueError
        If a row refers to one that is not there.
    """
    # Loading Alembic takes longer than most commands, and most catalogues are of this version.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if is_sqlite:
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.commit()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()
        if is_sqlite:
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")
            if broken:
                tables = sorted({str(row[0]) for row in broken})
                raise CatalogueError(
                    f"after the upgrade {len(broken)} rows of {', '.join(tables)} refer to rows that are"
                    " missing; run herntrack rebuild"
                )


def current_revision(engine: Engine) -> str | None:
    """Return the revision a catalogue is at, None for a database without tables of ours."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def require_current(engine: Engine) -> None:
    """Refuse a catalogue that these models do not fit.

    Raises
    ------
    SchemaVersionError
        If the catalogue is older, newer or empty; the message says what to run.
    """
    revision = current_revision(engine)
    if revision == HEAD_REVISION:
        return
    if revision is None:
        raise SchemaVersionError(sentence("catalogue_empty"))
    raise SchemaVersionError(sentence("catalogue_version", revision=revision, needed=HEAD_REVISION))

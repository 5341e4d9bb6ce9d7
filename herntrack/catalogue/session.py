"""One transaction on a catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from herntrack.catalogue.alignments import AlignmentRepository
from herntrack.catalogue.engine import DatabaseAddress, engine_of
from herntrack.catalogue.followup import FollowUpRepository
from herntrack.catalogue.images import ImageRepository
from herntrack.catalogue.schema import HEAD_REVISION, create, current_revision, require_current, upgrade

DATABASE_ERRORS = (DatabaseError,)
"""What the database raises where a catalogue is damaged."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The sides of an open catalogue, in one transaction."""

    images: ImageRepository
    followup: FollowUpRepository
    alignments: AlignmentRepository


def create_catalogue(url: DatabaseAddress) -> None:
    """Make the tables of a database, or bring those of an older version up to date."""
    with engine_of(url) as engine:
        revision = current_revision(engine)
        if revision is None:
            create(engine)
        elif revision != HEAD_REVISION:
            upgrade(engine)


@contextmanager
def open_catalogue(url: DatabaseAddress) -> Iterator[Catalogue]:
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
        As `herntrack.catalogue.engine.engine_of` raises it.
    """
    with engine_of(url) as engine:
        require_current(engine)
        with Session(engine) as session, session.begin():
            yield Catalogue(
                images=ImageRepository(session),
                followup=FollowUpRepository(session),
                alignments=AlignmentRepository(session),
            )

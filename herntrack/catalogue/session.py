"""One transaction on a catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from herntrack.catalogue.engine import open_engine
from herntrack.catalogue.followup import FollowUpRepository
from herntrack.catalogue.images import ImageRepository
from herntrack.catalogue.schema import require_current, upgrade


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The two sides of an open catalogue, in one transaction."""

    images: ImageRepository
    followup: FollowUpRepository


def create_catalogue(url: str) -> None:
    """Make the tables of a database, or bring those of an older version up to date."""
    engine = open_engine(url)
    try:
        upgrade(engine)
    finally:
        engine.dispose()


@contextmanager
def open_catalogue(url: str) -> Iterator[Catalogue]:
    """Yield a catalogue whose changes are kept if the block ends well and undone if not.

    Parameters
    ----------
    url : str
        A SQLAlchemy database URL.

    Raises
    ------
    SchemaVersionError
        If the catalogue is not of this version.
    """
    engine = open_engine(url)
    try:
        require_current(engine)
        with Session(engine) as session, session.begin():
            yield Catalogue(images=ImageRepository(session), followup=FollowUpRepository(session))
    finally:
        engine.dispose()

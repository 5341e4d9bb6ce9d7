"""A catalogue on a database server says what one in a file says, and is rebuilt in the same way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from herntrack.errors import CatalogueError
from herntrack.workflows.listings.kinds import Listing
from herntrack.workflows.rebuild import rebuild
from herntrack.workflows.workspace import open_workspace
from tests.integration.command import Herntrack
from tests.integration.database_server import programs, running_server
from tests.integration.read_room import READER, Room, saved

FOLDER = programs()
SET_ASIDE = 3
"""Exit code: the sample has an empty file."""

pytestmark = pytest.mark.skipif(FOLDER is None, reason="PostgreSQL (initdb, pg_ctl) is not installed")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    assert FOLDER is not None
    with running_server(FOLDER) as address:
        yield address


@pytest.fixture
def address(server: str, request: pytest.FixtureRequest) -> str:
    """An empty database of the test's own."""
    name = f"study_{abs(hash(request.node.nodeid))}"
    with create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return f"{server.rpartition('/')[0]}/{name}"


def on_server(folder: Path, copy: Path, address: str) -> Herntrack:
    """Return a copy of a workspace that keeps its catalogue in a database and has no file of it."""
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("catalogue.sqlite*"))
    settings = copy / "herntrack.toml"
    told = settings.read_text(encoding="utf-8")
    assert 'url = ""' in told
    settings.write_text(told.replace('url = ""', f'url = "{address}"'), encoding="utf-8")
    return Herntrack(copy)


def listed(herntrack: Herntrack) -> dict[str, object]:
    return {kind: json.loads(herntrack("list", kind, "--json").stdout) for kind in Listing}


def read_baseline(room: Room) -> None:
    session = room.open()
    session.propose(room.visits[0].mask)
    saved(session)
    session.close()


def test_it_holds_what_a_file_holds_after_a_rebuild_and_goes_on_alike(
    room: Room, address: str, tmp_path: Path
) -> None:
    read_baseline(room)
    file = Herntrack(room.workspace.folder)
    file("rebuild", code=SET_ASIDE)
    server = on_server(file.folder, tmp_path / "on-server", address)
    assert "1 lesions, 1 readings" in server("rebuild", code=SET_ASIDE).stderr
    assert listed(server) == listed(file)
    words = ("--lesion", room.lesion_uid, "--visit", room.visits[-1].visit_date, "--reader", READER)
    for each in (file, server):
        each("read", "absent", *words, "--reason", "no displacement left")
        each("report")
    reports = [each.folder / "reports" for each in (file, server)]
    for name in ("changes.csv", "lesions.csv"):
        (one,), (other,) = (list(folder.rglob(name)) for folder in reports)
        assert _without_uids(one) == _without_uids(other)
    assert not list(server.folder.glob("catalogue*"))


def _without_uids(path: Path) -> list[dict[str, str]]:
    import csv

    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: value for key, value in row.items() if not key.endswith("reading_uid")} for row in rows]


def test_ingest_reads_again_only_what_changed(room: Room, address: str, tmp_path: Path) -> None:
    server = on_server(room.workspace.folder, tmp_path / "on-server", address)
    roots = [root.path for root in room.workspace.settings.roots]
    first = server("ingest", *roots, code=SET_ASIDE).stderr
    again = server("ingest", *roots, code=SET_ASIDE).stderr
    assert "98 files: 98 read, 0 unchanged" in first
    assert "98 files: 0 read, 98 unchanged" in again
    assert listed(server)["stacks"] == listed(Herntrack(room.workspace.folder))["stacks"]


def test_a_rebuild_that_fails_at_the_last_moment_leaves_what_was_there(
    room: Room, address: str, tmp_path: Path
) -> None:
    read_baseline(room)
    server = on_server(room.workspace.folder, tmp_path / "on-server", address)
    server("rebuild", code=SET_ASIDE)
    before = listed(server)
    with create_engine(address, poolclass=NullPool).begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                " $$BEGIN RAISE EXCEPTION 'the disk is full'; END$$"
            )
        )
        connection.execute(text("CREATE TRIGGER refusal BEFORE INSERT ON reading EXECUTE FUNCTION refuse()"))
    refused = server("rebuild", code=1)
    assert "the disk is full" in refused.stderr
    assert listed(server) == before


def test_a_server_that_does_not_answer_is_named_without_its_password(
    room: Room, address: str, tmp_path: Path
) -> None:
    elsewhere = f"{address.rpartition('/')[0]}/nowhere"
    server = on_server(room.workspace.folder, tmp_path / "on-server", elsewhere)
    refused = server("list", "patients", code=1).stderr
    assert "/nowhere cannot be used" in refused
    assert 'database "nowhere" does not exist' in refused
    assert "herntrack.toml" in refused
    assert "secret" not in refused
    with pytest.raises(CatalogueError, match="cannot be used"):
        rebuild(open_workspace(server.folder))

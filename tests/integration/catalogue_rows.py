"""What a catalogue holds, row by row, for comparing two of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from herntrack.workflows.rebuild import rebuild
from herntrack.workflows.workspace import Workspace


def rows_of(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table, in a fixed order."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: sorted((dict(row) for row in connection.execute(f"SELECT * FROM {name}")), key=repr)  # noqa: S608
            for name in names
        }


def rebuilt_rows(workspace: Workspace) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a catalogue that is made anew with nothing to go by but the files."""
    workspace.catalogue_path.unlink()
    for suffix in ("-wal", "-shm"):
        workspace.catalogue_path.with_name(workspace.catalogue_path.name + suffix).unlink(missing_ok=True)
    rebuild(workspace, jobs=1)
    return rows_of(workspace.catalogue_path)


def assert_as_rebuilt(workspace: Workspace) -> None:
    """Compare the catalogue with one that is made anew, row by row."""
    before = rows_of(workspace.catalogue_path)
    after = rebuilt_rows(workspace)
    assert before.keys() == after.keys()
    for name, rows in before.items():
        assert rows == after[name], name

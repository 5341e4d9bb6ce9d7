"""Runs that are killed, runs that meet, and who reads meanwhile. Real processes, real signals."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.listings.listing import Listing, list_rows
from herntrack.workflows.rebuild import rebuild
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import (
    NEW_CATALOGUE_FILE,
    SCRATCH_FOLDER,
    Workspace,
    create_workspace,
    open_workspace,
)
from herntrack.workflows.workspace_lock import WAITING, settings_locked, workspace_locked
from tests.conftest import REPOSITORY
from tests.factories import make_series, write_series
from tests.integration.catalogue_rows import assert_as_rebuilt, rows_of

STOP_AT = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {repository!r})
def stop(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
def stop_after(function, calls=1):
    left = [calls]
    def wrapped(*arguments, **keywords):
        result = function(*arguments, **keywords)
        left[0] -= 1
        if not left[0]:
            stop()
        return result
    return wrapped
from herntrack.catalogue import exchange, files, images
from herntrack.workflows import rebuild, workspace
from herntrack.workflows.ingesting import copied, image_merge, ingest, store
{patch}
project = workspace.open_workspace(Path({folder!r}))
{command}
"""


def killed_at(workspace: Workspace, patch: str, command: str) -> None:
    """Run a command in a process that kills itself at a given point."""
    script = STOP_AT.format(
        repository=str(REPOSITORY), patch=patch, folder=str(workspace.folder), command=command
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == -signal.SIGKILL, result.stderr


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    write_series(folder / "a", make_series(6))
    write_series(folder / "b", make_series(3, number=2))
    write_series(folder / "c", make_series(3))
    (folder / "notes.txt").write_text("x")
    paths = write_series(tmp_path / "more", make_series(3, number=3))
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        for path in paths:
            archive.write(path, path.name)
    return folder


WRITES = {
    "while copying": "copied.Copier._place = stop_after(copied.Copier._place, 2)",
    "between batches": (
        "images.ROWS_IN_BATCH = 4\n"
        "images.ImageRepository._insert_images = stop_after(images.ImageRepository._insert_images, 2)"
    ),
    "before the commit": "ingest.write_set_aside = stop",
}


@pytest.mark.parametrize("moment", WRITES)
def test_an_ingest_killed_at_any_moment_is_completed_by_the_next(
    workspace: Workspace, tmp_path: Path, export: Path, moment: str
) -> None:
    undisturbed = ingest(create_workspace(tmp_path / "other"), [export]).workspace
    killed_at(workspace, WRITES[moment], f"ingest.ingest(project, [Path({str(export)!r})], jobs=1)")
    if workspace.catalogue_path.exists():
        rows = rows_of(workspace.catalogue_path)
        assert (rows.get("instance", []), rows.get("reject", [])) == ([], [])
    project = ingest(open_workspace(workspace.folder), [export]).workspace
    assert comparable(project) == comparable(undisturbed)
    assert not (workspace.folder / SCRATCH_FOLDER).exists()
    assert len(list(workspace.images_folder.rglob("*.dcm"))) == 3
    assert_as_rebuilt(project)


def comparable(workspace: Workspace) -> dict[str, list[dict[str, Any]]]:
    """Return the rows without the times of copies, which are those of their copying."""
    rows = rows_of(workspace.catalogue_path)
    for row in rows["instance"]:
        if row["root"] == "images":
            row["mtime_ns"] = 0
    return rows


SWAPS = {
    "after the images": "rebuild._keep_digests = stop",
    "in the exchange, with the new one whole": "exchange._settle = stop_after(exchange._settle, 1)",
    "in the exchange, with the old log gone": "Path.replace = stop",
}


@pytest.mark.parametrize("moment", SWAPS)
def test_a_rebuild_killed_at_any_moment_leaves_the_old_catalogue(
    workspace: Workspace, export: Path, moment: str
) -> None:
    project = ingest(workspace, [export]).workspace
    before = rows_of(project.catalogue_path)
    with closing(sqlite3.connect(project.catalogue_path)) as connection:
        connection.execute("UPDATE study SET study_description = 'the old one'")
        connection.commit()
    killed_at(project, SWAPS[moment], "rebuild.rebuild(project, jobs=1)")
    rows = list_rows(project, Listing.SERIES)
    assert len(rows) == 3
    assert rows_of(project.catalogue_path)["study"][0]["study_description"] == "the old one"
    rebuild(project, jobs=1)
    assert rows_of(project.catalogue_path) == before
    assert [path.name for path in project.folder.iterdir() if "new" in path.name] == []


def test_the_leftover_of_a_killed_rebuild_is_removed_by_an_ingest(workspace: Workspace, export: Path) -> None:
    project = ingest(workspace, [export]).workspace
    killed_at(project, SWAPS["after the images"], "rebuild.rebuild(project, jobs=1)")
    assert (project.folder / NEW_CATALOGUE_FILE).exists()
    ingest(project, [export])
    assert not (project.folder / NEW_CATALOGUE_FILE).exists()


def test_an_ingest_killed_from_outside_is_completed_by_the_next(workspace: Workspace, tmp_path: Path) -> None:
    export = tmp_path / "export"
    for number in range(1, 5):
        write_series(export / str(number), make_series(60, number=number))
    command = [sys.executable, "-m", "herntrack", "ingest", str(export), "-w", str(workspace.folder)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "reading (240)\n"
        os.killpg(process.pid, signal.SIGKILL)
    project = ingest(open_workspace(workspace.folder), [export]).workspace
    assert sum(row["n_images"] for row in list_rows(project, Listing.SERIES)) == 240
    assert_as_rebuilt(project)


@pytest.fixture
def reader(workspace: Workspace) -> Iterator[subprocess.Popen[str]]:
    """Yield a process that lists the series whenever it gets a line."""
    script = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(REPOSITORY)!r})
from herntrack.workflows.listings.listing import Listing, list_rows
from herntrack.workflows.workspace import open_workspace
for line in sys.stdin:
    print(len(list_rows(open_workspace(Path({str(workspace.folder)!r})), Listing.SERIES)), flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def ask(reader: subprocess.Popen[str]) -> int:
    assert reader.stdin is not None
    assert reader.stdout is not None
    reader.stdin.write("\n")
    reader.stdin.flush()
    return int(reader.stdout.readline())


def test_another_process_reads_while_one_ingests_and_rebuilds(
    workspace: Workspace, export: Path, reader: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = ingest(workspace, [export / "a"]).workspace
    assert ask(reader) == 1
    from herntrack.workflows.ingesting import ingest as module

    seen = []
    real = module.write_set_aside

    def reading_meanwhile(*arguments: Any) -> None:
        # Everything is written, nothing is committed.
        seen.append(ask(reader))
        real(*arguments)

    monkeypatch.setattr(module, "write_set_aside", reading_meanwhile)
    project = ingest(project, [export]).workspace
    assert (seen, ask(reader)) == ([1], 3)
    rebuild(project, jobs=1)
    assert (seen, ask(reader)) == ([1, 3], 3)


def test_who_has_the_old_catalogue_open_keeps_reading_it(workspace: Workspace, export: Path) -> None:
    project = ingest(workspace, [export]).workspace
    with catalogue_of(project) as catalogue:
        (*_, series) = catalogue.images.series()
        (export / "b" / "IM0000").unlink()
        failures = []

        def rebuild_meanwhile() -> None:
            try:
                rebuild(project, jobs=1)
            except Exception as error:
                failures.append(error)

        thread = threading.Thread(target=rebuild_meanwhile)
        thread.start()
        thread.join()
        assert failures == []
        assert catalogue.images.counts().instances == 12
        assert len(catalogue.images.instances_of_series(series.series_instance_uid)) > 0
    with catalogue_of(project) as catalogue:
        assert catalogue.images.counts().instances == 11


def test_a_second_ingest_waits_and_says_so(workspace: Workspace, export: Path) -> None:
    told: list[str] = []
    is_waiting = threading.Event()

    def progress(stage: str, _done: int, _total: int) -> None:
        told.append(stage)
        if stage == WAITING:
            is_waiting.set()

    second = threading.Thread(target=lambda: ingest(workspace, [export], jobs=1, progress=progress))
    with workspace_locked(workspace.folder):
        second.start()
        assert is_waiting.wait(30)
        assert told == [WAITING]
        # Who lists does not wait.
        with settings_locked(workspace.folder, is_shared=True):
            pass
    second.join()
    assert told[0] == WAITING
    assert "reading" in told
    assert len(list_rows(open_workspace(workspace.folder), Listing.SERIES)) == 3

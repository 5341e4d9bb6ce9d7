"""A file of several frames in the catalogue: found again, changed, twice there, copied, rebuilt."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.rebuild import rebuild
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.stack_files import stack_images, stack_volume
from herntrack.workflows.workspace import Workspace
from tests.enhanced import frame, make_enhanced, ramp
from tests.factories import ROOT, make_dataset, write

HEIGHTS = (5.0, 9.4, 13.8)
UID = f"{ROOT}.9.1"


def frames(*heights: float) -> list[dict[str, dict[str, Any]]]:
    return [frame(z, position=index) for index, z in enumerate(heights, start=1)]


def rows(workspace: Workspace) -> dict[str, list[Any]]:
    with sqlite3.connect(workspace.catalogue_path) as connection:
        found = {
            name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr)  # noqa: S608
            for name in ("instance", "stack", "series", "study", "patient", "visit", "reject")
        }
    connection.close()
    return found


def catalogued(workspace: Workspace) -> list[tuple[str, int]]:
    with sqlite3.connect(workspace.catalogue_path) as connection:
        found = connection.execute("SELECT sop_instance_uid, frame_number FROM instance").fetchall()
    connection.close()
    return sorted(found)


def only_stack(workspace: Workspace) -> tuple[list[tuple[str, int]], Any]:
    with catalogue_of(workspace) as catalogue:
        (each,) = catalogue.images.stacks()
        images = stack_images(catalogue.images, each.stack.stack_uid)
        return images, stack_volume(workspace, catalogue.images, each.stack).values


def test_a_second_run_and_a_rebuild_find_the_same_frames(workspace: Workspace, tmp_path: Path) -> None:
    write(make_enhanced(frames(*HEIGHTS)), tmp_path / "export" / "a")
    project = ingest(workspace, [tmp_path / "export"]).workspace
    before = rows(project)
    assert catalogued(project) == [(UID, 1), (UID, 2), (UID, 3)]
    again = ingest(project, [tmp_path / "export"])
    assert (again.n_read, again.n_unchanged) == (0, 1)
    project.catalogue_path.unlink()
    rebuild(project)
    assert rows(project) == before


def test_a_file_that_gets_other_frames_has_only_those(workspace: Workspace, tmp_path: Path) -> None:
    path = write(make_enhanced(frames(*HEIGHTS)), tmp_path / "export" / "a")
    project = ingest(workspace, [tmp_path / "export"]).workspace
    for heights in (HEIGHTS[:2], (*HEIGHTS, 18.2)):
        write(make_enhanced(frames(*heights)), path)
        os.utime(path, ns=(1, len(heights)))
        assert ingest(project, [tmp_path / "export"]).n_read == 1
        images, values = only_stack(project)
        assert images == [(UID, number) for number in range(1, len(heights) + 1)]
        assert np.array_equal(values, [ramp(number) for _, number in images])
    write(make_dataset(), path)
    summary = ingest(project, [tmp_path / "export"])
    assert catalogued(project) == [(UID, 0)]
    assert summary.counts.stacks == 1


def test_of_two_copies_one_is_kept_with_all_its_frames(workspace: Workspace, tmp_path: Path) -> None:
    for name in ("b", "a"):
        write(make_enhanced(frames(*HEIGHTS)), tmp_path / "export" / name)
    summary = ingest(workspace, [tmp_path / "export"])
    assert summary.counts.instances == 3
    assert Counter(reject.code for reject in summary.set_aside) == {"duplicate": 1}
    assert summary.set_aside[0].location.relative_path == "b"


def test_frames_are_copied_into_the_workspace_once(workspace: Workspace, tmp_path: Path) -> None:
    write(make_enhanced(frames(*HEIGHTS)), tmp_path / "usb" / "a")
    project = ingest(workspace, [tmp_path / "usb"], is_copied=True).workspace
    assert len(list(project.images_folder.rglob("*.dcm"))) == 1
    (tmp_path / "usb" / "a").unlink()
    images, values = only_stack(project)
    assert images == [(UID, 1), (UID, 2), (UID, 3)]
    assert np.array_equal(values[2], ramp(3))


def test_late_frames_join_the_slices_of_their_series(workspace: Workspace, tmp_path: Path) -> None:
    write(make_enhanced(frames(*HEIGHTS)), tmp_path / "export" / "a")
    project = ingest(workspace, [tmp_path / "export"]).workspace
    late = [frame(z, position=index) for index, z in ((4, 18.2), (5, 22.6))]
    write(make_enhanced(late, SOPInstanceUID=f"{ROOT}.9.2"), tmp_path / "export" / "b")
    ingest(project, [tmp_path / "export"])
    images, values = only_stack(project)
    assert images == [(UID, 1), (UID, 2), (UID, 3), (f"{ROOT}.9.2", 1), (f"{ROOT}.9.2", 2)]
    assert np.array_equal(values, [ramp(number) for _, number in images])


def test_a_note_on_a_file_counts_the_file_not_its_frames(workspace: Workspace, tmp_path: Path) -> None:
    write(make_enhanced(frames(*HEIGHTS), PatientID=""), tmp_path / "export" / "a")
    summary = ingest(workspace, [tmp_path / "export"])
    assert "PatientID is missing in 1 file(s)" in summary.notes

"""Files that are gone, come back, cannot be read, or are the same twice."""

from __future__ import annotations

import os
import shutil
import socket
from collections import Counter
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import RLELossless

from herntrack.catalogue.session import open_catalogue
from herntrack.errors import CatalogueError, WorkspaceError
from herntrack.workflows.check import check
from herntrack.workflows.ingesting.ingest import IngestSummary, ingest
from herntrack.workflows.listings.listing import Listing, list_rows
from herntrack.workflows.roots import move_root
from herntrack.workflows.session import catalogue_of, catalogue_url
from herntrack.workflows.stack_files import stack_paths
from herntrack.workflows.workspace import Workspace
from tests.factories import make_series, write, write_series
from tests.integration.catalogue_rows import assert_as_rebuilt, rows_of


def codes(summary: IngestSummary) -> Counter[str]:
    return Counter(reject.code for reject in summary.set_aside)


def places(summary: IngestSummary) -> dict[str, str]:
    return {reject.location.relative_path: reject.code for reject in summary.set_aside}


def test_images_whose_files_are_gone_are_marked_and_come_back(workspace: Workspace, tmp_path: Path) -> None:
    export = tmp_path / "export"
    paths = write_series(export, make_series(5))
    (export / "notes.txt").write_text("x")
    project = ingest(workspace, [export]).workspace
    before = rows_of(project.catalogue_path)
    (tmp_path / "away").mkdir()
    for path in (*paths[1:3], export / "notes.txt"):
        shutil.move(path, tmp_path / "away" / path.name)
    gone = ingest(project, [export])
    assert (gone.n_vanished, gone.counts.instances, gone.counts.missing, gone.counts.rejects) == (3, 5, 2, 0)
    assert any(note.startswith("2 catalogued images are missing") for note in gone.notes)
    (row,) = list_rows(project, Listing.STACKS)
    assert row["n_slices"] == 5
    with catalogue_of(project) as catalogue, pytest.raises(CatalogueError, match="under root 'export'"):
        stack_paths(project, catalogue.images, row["stack_uid"])
    assert (ingest(project, [export]).n_vanished, check(project).n_images) == (0, 5)
    for path in (tmp_path / "away").iterdir():
        shutil.move(path, export / path.name)
    back = ingest(project, [export])
    assert (back.n_read, back.counts.missing) == (1, 0)
    assert rows_of(project.catalogue_path) == before


def test_a_scan_of_a_subfolder_says_nothing_of_its_neighbours(workspace: Workspace, tmp_path: Path) -> None:
    write_series(tmp_path / "export" / "a", make_series(2))
    write_series(tmp_path / "export" / "ab", make_series(2, number=2, StudyInstanceUID="1.2.3"))
    project = ingest(workspace, [tmp_path / "export"]).workspace
    shutil.rmtree(tmp_path / "export" / "ab")
    (tmp_path / "export" / "a" / "IM0000").unlink()
    assert ingest(project, [tmp_path / "export" / "a"]).counts.missing == 1
    assert ingest(project, [tmp_path / "export"]).counts.missing == 3


def test_a_drive_that_is_not_mounted_is_said_and_marks_nothing(workspace: Workspace, tmp_path: Path) -> None:
    write_series(tmp_path / "drive", make_series(3))
    write_series(tmp_path / "export", make_series(3, number=2))
    project = ingest(workspace, [tmp_path / "drive", tmp_path / "export"]).workspace
    (tmp_path / "drive").rename(tmp_path / "moved")
    with pytest.raises(WorkspaceError, match="herntrack roots move drive NEWPATH"):
        ingest(project, [tmp_path / "drive"])
    with pytest.raises(WorkspaceError, match="herntrack roots move drive NEWPATH"):
        ingest(project, [tmp_path / "drive" / "IM0000"])
    summary = ingest(project, [tmp_path / "export"])
    assert summary.counts.missing == 0
    assert any("herntrack roots move drive NEWPATH" in note for note in summary.notes)
    moved = move_root(project, "drive", tmp_path / "moved")
    assert (moved.n_found, moved.n_images) == (3, 3)


def test_a_mount_point_left_empty_gets_the_advice_to_mount(workspace: Workspace, tmp_path: Path) -> None:
    paths = write_series(tmp_path / "drive", make_series(3))
    project = ingest(workspace, [tmp_path / "drive"]).workspace
    for path in paths:
        path.unlink()
    summary = ingest(project, [tmp_path / "drive"])
    assert summary.counts.missing == 3
    assert any("nothing is left" in note and "roots move drive" in note for note in summary.notes)


def test_a_copy_takes_the_place_of_a_kept_file_that_vanished(workspace: Workspace, tmp_path: Path) -> None:
    export = tmp_path / "export"
    write_series(export / "a", make_series(3))
    write_series(export / "b", make_series(3))
    project = ingest(workspace, [export]).workspace
    (export / "a" / "IM0001").unlink()
    summary = ingest(project, [export])
    assert (summary.counts.instances, summary.counts.missing) == (3, 0)
    assert places(summary) == {"b/IM0000": "duplicate", "b/IM0002": "duplicate"}
    assert_as_rebuilt(project)
    shutil.rmtree(export / "b")
    assert ingest(project, [export]).counts.missing == 1


def test_a_kept_file_elsewhere_that_is_gone_does_not_shadow_a_new_one(
    workspace: Workspace, tmp_path: Path
) -> None:
    write_series(tmp_path / "old", make_series(2))
    project = ingest(workspace, [tmp_path / "old"]).workspace
    for path in (tmp_path / "old").iterdir():
        path.unlink()
    write_series(tmp_path / "new", make_series(2))
    summary = ingest(project, [tmp_path / "new"])
    assert (summary.counts.instances, summary.counts.missing, summary.set_aside) == (2, 0, ())
    assert_as_rebuilt(summary.workspace)


def test_what_is_no_file_is_named_and_never_opened(workspace: Workspace, tmp_path: Path) -> None:
    export = tmp_path / "export"
    write_series(export / "s", make_series(2))
    os.mkfifo(export / "pipe")
    (export / "to_pipe").symlink_to(export / "pipe")
    (export / "dangling").symlink_to(export / "nothing")
    (export / "loop").symlink_to(export / "loop")
    (export / "folder").symlink_to(export / "s")
    (export / "image").symlink_to(export / "s" / "IM0000")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(export)
        try:
            server.bind("socket")
        finally:
            os.chdir(here)
    summary = ingest(workspace, [export])
    wanted = {
        "dangling": "link",
        "folder": "link",
        "loop": "link",
        "pipe": "special_file",
        "s/IM0000": "duplicate",
        "socket": "special_file",
        "to_pipe": "special_file",
    }
    assert places(summary) == wanted
    assert (summary.n_files, summary.counts.instances) == (9, 2)
    assert ingest(summary.workspace, [export]).n_read == 0
    assert_as_rebuilt(summary.workspace)
    (export / "pipe").unlink()
    again = ingest(summary.workspace, [export])
    assert places(again) == {**{k: v for k, v in wanted.items() if k != "pipe"}, "to_pipe": "link"}
    os.mkfifo(tmp_path / "other")
    with pytest.raises(WorkspaceError, match="never opened"):
        ingest(summary.workspace, [tmp_path / "other"])


def test_a_folder_that_cannot_be_listed_is_named_and_its_images_stay(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = tmp_path / "export"
    write_series(export / "a", make_series(2))
    write_series(export / "b", make_series(2, number=2))
    project = ingest(workspace, [export]).workspace
    real = os.scandir

    def refusing(path: str) -> object:
        # A person with all rights, as in a container, cannot be refused by rights.
        if str(path).endswith("/b"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr("herntrack.dicom.scan.os.scandir", refusing)
    summary = ingest(project, [export])
    assert places(summary) == {"b": "unreadable"}
    assert "Permission denied" in summary.set_aside[0].reason
    assert (summary.counts.instances, summary.counts.missing) == (4, 0)
    monkeypatch.undo()
    assert ingest(project, [export]).set_aside == ()


def test_copies_are_told_from_other_pictures_under_the_same_name(
    workspace: Workspace, tmp_path: Path
) -> None:
    export = tmp_path / "export"
    paths = write_series(export / "a", make_series(4))
    shutil.copytree(export / "a", export / "b")
    relabelled = pydicom.dcmread(export / "b" / "IM0001")
    relabelled.InstitutionName = "Elsewhere"
    write(relabelled, export / "b" / "IM0001")
    packed = pydicom.dcmread(export / "b" / "IM0002")
    packed.compress(RLELossless, generate_instance_uid=False)
    write(packed, export / "b" / "IM0002")
    altered = pydicom.dcmread(export / "b" / "IM0003")
    altered.PixelData = altered.PixelData[:-2] + b"\x07\x00"
    write(altered, export / "b" / "IM0003")
    summary = ingest(workspace, [export])
    reasons = {each.location.relative_path: each.reason.rpartition(": ")[2] for each in summary.set_aside}
    assert [places(summary)[f"b/IM000{n}"] for n in range(4)] == ["duplicate"] * 3 + ["different_pixels"]
    assert reasons["b/IM0000"] == "the same file byte for byte"
    assert reasons["b/IM0001"] == reasons["b/IM0002"] == "same SOP Instance UID and same pixels"
    assert "OTHER PIXELS" in reasons["b/IM0003"]
    assert summary.notes[0].startswith("LOOK AT THIS: 1 file(s)")
    write(altered, paths[3])
    again = ingest(summary.workspace, [export])
    assert codes(again) == {"duplicate": 4}
    assert_as_rebuilt(summary.workspace)


def test_a_copy_at_another_place_is_no_mere_duplicate(workspace: Workspace, tmp_path: Path) -> None:
    export = tmp_path / "export"
    write_series(export / "a", make_series(3))
    shutil.copytree(export / "a", export / "b")
    for name, keyword, value in (
        ("IM0000", "ImagePositionPatient", [-10.0, -20.0, 6.5]),
        ("IM0001", "ImageOrientationPatient", [1, 0, 0, 0, -1, 0]),
        ("IM0002", "ImagePositionPatient", ["-10.000000000001", "-20.00", "13.8"]),
    ):
        moved = pydicom.dcmread(export / "b" / name)
        moved[keyword].value = value
        write(moved, export / "b" / name)
    summary = ingest(workspace, [export])
    reasons = {each.location.relative_path: each.reason for each in summary.set_aside}
    assert [places(summary)[f"b/IM000{n}"] for n in range(3)] == ["different_place"] * 2 + ["duplicate"]
    assert "ImagePositionPatient is -10\\-20\\6.5 here and -10\\-20\\5 there" in reasons["b/IM0000"]
    assert "ImageOrientationPatient is 1\\0\\0\\0\\-1\\0 here" in reasons["b/IM0001"]
    assert summary.notes[0].startswith("LOOK AT THIS: 2 file(s)")
    assert "ANOTHER PLACE" in summary.notes[0]
    (export / "a" / "IM0000").unlink()
    again = ingest(summary.workspace, [export])
    assert (again.counts.instances, again.counts.missing) == (3, 0)
    assert_as_rebuilt(summary.workspace)


def test_digests_are_of_pixels_and_tell_when_these_change(workspace: Workspace, tmp_path: Path) -> None:
    export = tmp_path / "export"
    paths = write_series(export, make_series(3))
    project = ingest(workspace, [export]).workspace
    assert {row["pixel_sha256"] for row in rows_of(project.catalogue_path)["instance"]} == {None}
    seen: list[tuple[str, int, int]] = []
    summary = ingest(project, [export], has_digests=True, progress=lambda *step: seen.append(step))
    assert (summary.n_digested, seen[-1]) == (3, ("digesting", 3, 3))
    before = {
        row["sop_instance_uid"]: row["pixel_sha256"] for row in rows_of(project.catalogue_path)["instance"]
    }
    assert len(set(before.values())) == 3
    assert check(project, has_pixels=True).problems == ()
    moment = paths[0].stat().st_mtime_ns
    packed = pydicom.dcmread(paths[0])
    packed.compress(RLELossless, generate_instance_uid=False)
    write(packed, paths[0])
    assert ingest(project, [export], has_digests=True).n_digested == 1
    after = {
        row["sop_instance_uid"]: row["pixel_sha256"] for row in rows_of(project.catalogue_path)["instance"]
    }
    assert after == before
    content = bytearray(paths[1].read_bytes())
    content[-1] ^= 1
    paths[1].write_bytes(content)
    os.utime(paths[1], ns=(moment, _known_time(project, "IM0001")))
    assert check(project).problems == ()
    (problem,) = check(project, has_pixels=True).problems
    assert "IM0001 under root 'export' has other pixels" in problem


def test_an_ingest_says_which_pixels_changed_since_their_digest_and_keeps_that_of_the_others(
    workspace: Workspace, tmp_path: Path
) -> None:
    export = tmp_path / "export"
    paths = write_series(export, make_series(3))
    project = ingest(workspace, [export], has_digests=True).workspace
    content = bytearray(paths[1].read_bytes())
    content[-1] ^= 1
    paths[1].write_bytes(content)
    for path in paths[1:]:
        os.utime(path, ns=(0, 0))
    summary = ingest(project, [export])
    (note,) = summary.notes
    assert note.startswith("LOOK AT THIS: 1 image(s) have OTHER PIXELS than when their digest was stored")
    assert "such as IM0001 under root 'export'" in note
    assert summary.n_digested == 2
    assert check(project, has_pixels=True).problems == check(project, has_pixels=True).notes == ()
    assert ingest(project, [export]).notes == ()


def test_a_look_at_pixels_counts_what_it_cannot_compare_and_names_what_cannot_be_decoded(
    workspace: Workspace, tmp_path: Path
) -> None:
    export = tmp_path / "export"
    paths = write_series(export, make_series(3))
    for path in paths:
        packed = pydicom.dcmread(path)
        packed.compress(RLELossless, generate_instance_uid=False)
        write(packed, path)
    project = ingest(workspace, [export]).workspace
    found = check(project, has_pixels=True)
    assert found.problems == ()
    (note,) = found.notes
    assert note.startswith("3 of 3 images have no digest of their pixels")
    content = paths[1].read_bytes()
    paths[1].write_bytes(content[:-10])
    (changed, problem) = check(project, has_pixels=True).problems
    assert "IM0001" in changed
    assert problem.startswith("pixels that cannot be compared: ")
    assert "IM0001: the file is truncated: it ends within its compressed pixels" in problem
    paths[1].write_bytes(content)
    ingest(project, [export], has_digests=True)
    assert check(project, has_pixels=True).notes == ()


def _known_time(workspace: Workspace, name: str) -> int:
    (row,) = [row for row in rows_of(workspace.catalogue_path)["instance"] if row["relative_path"] == name]
    return int(row["mtime_ns"])


def test_a_rebuild_keeps_the_digests_of_files_that_did_not_change(
    workspace: Workspace, tmp_path: Path
) -> None:
    from herntrack.workflows.rebuild import rebuild

    write_series(tmp_path / "export", make_series(3))
    project = ingest(workspace, [tmp_path / "export"], has_digests=True).workspace
    before = rows_of(project.catalogue_path)
    rebuild(project, jobs=1)
    assert rows_of(project.catalogue_path) == before


def test_a_rebuild_says_whose_pixels_changed_since_their_digest(workspace: Workspace, tmp_path: Path) -> None:
    from herntrack.workflows.rebuild import rebuild

    export = tmp_path / "export"
    series = make_series(3)
    write_series(export, series)
    project = ingest(workspace, [export], has_digests=True).workspace
    before = _digests(project)
    # One file is written anew with another header, one with other pixels; both have other times.
    series[0].StationName = "ELSEWHERE"
    series[1].PixelData = series[1].PixelData[::-1]
    write_series(export, series)
    (said,) = rebuild(project, jobs=1).notes
    assert "LOOK AT THIS: 1 image(s) have OTHER PIXELS than when their digest was stored" in said
    assert "IM0001" in said
    after = _digests(project)
    assert {name for name in before if before[name] != after[name]} == {"IM0001"}
    assert all(after.values())
    assert check(project, has_pixels=True).problems == ()
    assert rebuild(project, jobs=1).notes == ()


def _digests(project: Workspace) -> dict[str, object]:
    return {row["relative_path"]: row["pixel_sha256"] for row in rows_of(project.catalogue_path)["instance"]}


def test_frames_have_digests_of_their_own(workspace: Workspace, shared_dicom: Path) -> None:
    folder = shared_dicom / "dcm_qa_sag"
    summary = ingest(workspace, [folder], has_digests=True, jobs=1)
    rows = rows_of(summary.workspace.catalogue_path)["instance"]
    frames = [row for row in rows if row["frame_number"]]
    assert frames
    assert all(row["pixel_sha256"] for row in frames)
    assert len({row["pixel_sha256"] for row in frames}) > len(frames) // 2
    with open_catalogue(catalogue_url(summary.workspace)) as catalogue:
        assert catalogue.images.count_missing() == 0

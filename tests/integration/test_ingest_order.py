"""What the catalogue holds depends on which files there are, not on the way they came there."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from itertools import permutations
from pathlib import Path

import pytest

from herntrack.workflows.ingesting.ingest import IngestSummary, ingest
from herntrack.workflows.listings.listing import Listing, list_rows
from herntrack.workflows.workspace import Workspace
from tests.factories import ROOT, make_dataset, make_series, write, write_series
from tests.integration.catalogue_rows import assert_as_rebuilt


def codes(summary: IngestSummary) -> Counter[str]:
    return Counter(reject.code for reject in summary.set_aside)


def places(summary: IngestSummary) -> list[tuple[str, str]]:
    return [(reject.location.relative_path, reject.code) for reject in summary.set_aside]


def touch(path: Path, moment: int) -> None:
    os.utime(path, ns=(moment, moment))


def test_a_subfolder_given_after_its_folder_is_the_same_files(workspace: Workspace, tmp_path: Path) -> None:
    write_series(tmp_path / "export" / "a", make_series(3))
    write_series(tmp_path / "export" / "b", make_series(3, number=2))
    project = ingest(workspace, [tmp_path / "export"]).workspace
    summary = ingest(project, [tmp_path / "export" / "b"])
    assert (summary.n_read, summary.n_unchanged, summary.set_aside) == (0, 3, ())
    assert [root.name for root in summary.workspace.settings.roots] == ["export"]
    assert_as_rebuilt(summary.workspace)


def test_a_folder_given_after_its_subfolder_reads_the_rest(workspace: Workspace, tmp_path: Path) -> None:
    write_series(tmp_path / "export" / "a", make_series(3))
    write_series(tmp_path / "export" / "b", make_series(3, number=2))
    project = ingest(workspace, [tmp_path / "export" / "b"]).workspace
    summary = ingest(project, [tmp_path / "export"])
    assert (summary.n_read, summary.n_unchanged, summary.set_aside) == (3, 3, ())
    assert_as_rebuilt(summary.workspace)


def test_a_root_of_its_own_takes_its_files_from_the_root_around_it(
    workspace: Workspace, tmp_path: Path
) -> None:
    write_series(tmp_path / "export" / "a", make_series(3))
    write_series(
        tmp_path / "export" / "b", make_series(3, number=2, PatientID="", StudyInstanceUID=f"{ROOT}.7")
    )
    project = ingest(workspace, [tmp_path / "export"]).workspace
    summary = ingest(project, [tmp_path / "export" / "b"], patient_id="T-009")
    assert summary.set_aside == ()
    assert {row["patient_id"] for row in list_rows(summary.workspace, Listing.PATIENTS)} == {"T-001", "T-009"}
    assert_as_rebuilt(summary.workspace)


def test_a_patient_id_corrected_in_all_files_moves_the_study(workspace: Workspace, tmp_path: Path) -> None:
    paths = write_series(tmp_path / "export", make_series(4))
    project = ingest(workspace, [tmp_path / "export"]).workspace
    for path, dataset in zip(paths, make_series(4, PatientID="T-002"), strict=True):
        write(dataset, path)
        touch(path, 1)
    summary = ingest(project, [tmp_path / "export"])
    assert summary.set_aside == ()
    assert [row["patient_id"] for row in list_rows(project, Listing.PATIENTS)] == ["T-002"]
    assert_as_rebuilt(project)


def test_a_patient_id_corrected_file_by_file_is_a_conflict_until_the_last(
    workspace: Workspace, tmp_path: Path
) -> None:
    paths = write_series(tmp_path / "export", make_series(3))
    project = ingest(workspace, [tmp_path / "export"]).workspace
    corrected = make_series(3, PatientID="T-002")
    seen = []
    for number in (1, 0, 2):
        write(corrected[number], paths[number])
        touch(paths[number], 1)
        summary = ingest(project, [tmp_path / "export"])
        rows = list_rows(project, Listing.PATIENTS)
        seen.append(([row["patient_id"] for row in rows], codes(summary)["conflict"]))
        assert_as_rebuilt(project)
    assert seen == [(["T-001"], 1), (["T-002"], 1), (["T-002"], 0)]


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_contradicting_folders_make_the_same_rows_in_any_order(
    workspace: Workspace, tmp_path: Path, order: tuple[str, ...]
) -> None:
    sources = {
        "a": make_series(2, PatientID="T-002", number=1, SeriesDescription="first"),
        "b": make_series(2, PatientID="T-001", number=2),
        "c": make_series(4, PatientID="T-002", number=1, SeriesDescription="later"),
    }
    for name in order:
        write_series(tmp_path / "export" / name, sources[name])
        summary = ingest(workspace, [tmp_path / "export"])
        workspace = summary.workspace
    assert [row["patient_id"] for row in list_rows(workspace, Listing.PATIENTS)] == ["T-002"]
    assert places(summary) == [
        ("b/IM0000", "conflict"),
        ("b/IM0001", "conflict"),
        ("c/IM0000", "duplicate"),
        ("c/IM0001", "duplicate"),
    ]
    (row,) = list_rows(workspace, Listing.SERIES)
    assert (row["series_description"], row["n_images"]) == ("first", 4)
    assert_as_rebuilt(workspace)


def test_a_study_exported_again_under_other_names_replaces_itself(
    workspace: Workspace, tmp_path: Path
) -> None:
    write_series(tmp_path / "export" / "old", make_series(4))
    project = ingest(workspace, [tmp_path / "export"]).workspace
    shutil.rmtree(tmp_path / "export" / "old")
    again = make_series(4, PatientID="T-002", StudyDate="20240116", SeriesDescription="T2 corrected")
    write_series(tmp_path / "export" / "new", again)
    summary = ingest(project, [tmp_path / "export"])
    assert (summary.counts.instances, summary.counts.missing, summary.set_aside) == (4, 0, ())
    (visit,) = list_rows(project, Listing.VISITS)
    assert (visit["patient_id"], visit["visit_date"]) == ("T-002", "2024-01-16")
    assert_as_rebuilt(project)


def test_a_series_that_moved_to_another_study_follows_its_files(workspace: Workspace, tmp_path: Path) -> None:
    paths = write_series(tmp_path / "export", make_series(3))
    project = ingest(workspace, [tmp_path / "export"]).workspace
    moved = make_series(3, StudyInstanceUID=f"{ROOT}.77")
    for path, dataset, old in zip(paths, moved, make_series(3), strict=True):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = old.SOPInstanceUID
        write(dataset, path)
        touch(path, 1)
        assert_as_rebuilt(ingest(project, [tmp_path / "export"]).workspace)
    (row,) = list_rows(project, Listing.SERIES)
    assert (row["study_instance_uid"], row["n_images"]) == (f"{ROOT}.77", 3)


def test_whatever_is_done_to_the_files_the_rows_are_those_of_a_rebuild(
    workspace: Workspace, tmp_path: Path
) -> None:
    chance = random.Random(20240115)  # noqa: S311 - a fixed sequence of deeds
    export = tmp_path / "export"
    for step in range(40):
        folder = export / chance.choice("abc")
        path = folder / f"IM{chance.randrange(4)}"
        if chance.random() < 0.3:
            path.unlink(missing_ok=True)
        else:
            number = chance.randrange(4)
            study = chance.choice("12")
            dataset = make_dataset(
                PatientID=chance.choice(["T-001", "T-001", "T-002", ""]),
                StudyInstanceUID=f"{ROOT}.{study}",
                SeriesInstanceUID=f"{ROOT}.2.{chance.choice([study, study, '9'])}",
                SeriesDescription=chance.choice(["one", "two"]),
                SOPInstanceUID=f"{ROOT}.9.{study}.{number}",
                InstanceNumber=number + 1,
                ImagePositionPatient=[-10.0, -20.0, 4.0 * number],
                StudyDate=chance.choice(["20240115", "20240116"]),
                EchoTime=chance.choice([100, 20]),
            )
            write(dataset, path)
            touch(path, step + 1)
        if chance.random() < 0.6 and export.is_dir():
            workspace = ingest(workspace, [chance.choice([export, export, folder])]).workspace
    workspace = ingest(workspace, [export]).workspace
    assert_without_missing_as_rebuilt(workspace)


def assert_without_missing_as_rebuilt(workspace: Workspace) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(workspace.catalogue_path)) as connection:
        n_missing = connection.execute("SELECT count(*) FROM instance WHERE is_missing").fetchone()[0]
    if not n_missing:
        assert_as_rebuilt(workspace)

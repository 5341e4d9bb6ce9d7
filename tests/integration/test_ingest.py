from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from herntrack.errors import WorkspaceError
from herntrack.workflows.ingesting.ingest import IngestSummary, ingest
from herntrack.workflows.listings.listing import Listing, list_rows
from herntrack.workflows.rebuild import rebuild
from herntrack.workflows.workspace import Workspace
from tests.factories import ROOT, make_dataset, make_series, write, write_series


def tables(workspace: Workspace) -> dict[str, list[Any]]:
    """Return every row of every table, in a fixed order."""
    with sqlite3.connect(workspace.catalogue_path) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in names}  # noqa: S608


def codes(summary: IngestSummary) -> Counter[str]:
    return Counter(reject.code for reject in summary.set_aside)


def test_an_export_without_extensions_is_catalogued(workspace: Workspace, tmp_path: Path) -> None:
    export = tmp_path / "export"
    write_series(export / "S1", make_series(5))
    write_series(export / "S2", make_series(4, number=2, SeriesDescription="T2 SAG"))
    (export / "readme.txt").write_text("burned by the hospital")
    (export / "empty").touch()
    summary = ingest(workspace, [export])
    counts = summary.counts
    assert (counts.patients, counts.studies, counts.series, counts.stacks, counts.instances) == (
        1,
        1,
        2,
        2,
        9,
    )
    assert codes(summary) == {"not_dicom": 1, "empty_file": 1}
    assert summary.n_files == 11
    stacks = list_rows(summary.workspace, Listing.STACKS)
    assert [(row["n_slices"], row["weighting"], row["plane"]) for row in stacks] == [
        (5, "T2", "axial"),
        (4, "T2", "axial"),
    ]
    assert stacks[0]["slice_spacing_mm"] == pytest.approx(4.4)
    assert stacks[0]["affine_lps"][2] == pytest.approx([4.4, 0.0, 0.0, 5.0])


def test_a_second_run_reads_nothing_and_changes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    write_series(tmp_path / "export", make_series(5))
    first = ingest(workspace, [tmp_path / "export"])
    before = tables(workspace)
    second = ingest(first.workspace, [tmp_path / "export"])
    assert (second.n_read, second.n_unchanged) == (0, 5)
    assert tables(workspace) == before


def test_a_changed_file_is_read_again_and_its_stack_follows(workspace: Workspace, tmp_path: Path) -> None:
    paths = write_series(tmp_path / "export", make_series(5))
    project = ingest(workspace, [tmp_path / "export"]).workspace
    write(make_series(5, start=105.0)[0], paths[0])
    os.utime(paths[0], ns=(1, 1))
    summary = ingest(project, [tmp_path / "export"])
    assert summary.n_read == 1
    (row,) = list_rows(project, Listing.STACKS)
    assert not row["is_regular"]


def test_late_slices_join_their_stack(workspace: Workspace, tmp_path: Path) -> None:
    datasets = make_series(6)
    write_series(tmp_path / "export" / "a", datasets[:3])
    project = ingest(workspace, [tmp_path / "export"]).workspace
    (early,) = list_rows(project, Listing.STACKS)
    write_series(tmp_path / "export" / "b", datasets[3:])
    ingest(project, [tmp_path / "export"])
    (late,) = list_rows(project, Listing.STACKS)
    assert (early["n_slices"], late["n_slices"]) == (3, 6)
    assert early["stack_uid"] == late["stack_uid"]


def test_of_two_copies_the_first_by_place_is_kept_in_whatever_order_they_come(
    workspace: Workspace, tmp_path: Path
) -> None:
    datasets = make_series(3)
    write_series(tmp_path / "export" / "z", datasets)
    project = ingest(workspace, [tmp_path / "export"]).workspace
    write_series(tmp_path / "export" / "a", datasets)
    summary = ingest(project, [tmp_path / "export"])
    assert codes(summary) == {"duplicate": 3}
    assert {r.location.relative_path[0] for r in summary.set_aside} == {"z"}
    before = tables(project)
    project.catalogue_path.unlink()
    rebuild(project)
    assert tables(project) == before


def test_a_missing_patient_id_is_derived_then_given(workspace: Workspace, tmp_path: Path) -> None:
    write_series(tmp_path / "export", make_series(3, PatientID=""))
    first = ingest(workspace, [tmp_path / "export"])
    (row,) = list_rows(first.workspace, Listing.PATIENTS)
    assert row["patient_id"].startswith("unidentified-")
    assert any("--patient-id" in note for note in first.notes)
    second = ingest(first.workspace, [tmp_path / "export"], patient_id="T-009")
    assert [row["patient_id"] for row in list_rows(second.workspace, Listing.PATIENTS)] == ["T-009"]
    assert not any("--patient-id" in note for note in second.notes)
    before = tables(second.workspace)
    second.workspace.catalogue_path.unlink()
    rebuild(second.workspace)
    assert tables(second.workspace) == before


def test_one_study_under_two_patient_ids_is_not_merged(workspace: Workspace, tmp_path: Path) -> None:
    write_series(tmp_path / "export" / "a", make_series(3))
    write_series(tmp_path / "export" / "b", make_series(3, number=2, PatientID="T-002"))
    summary = ingest(workspace, [tmp_path / "export"])
    assert codes(summary) == {"conflict": 3}
    assert "T-002" in summary.set_aside[0].reason


def test_visits_are_dates_and_late_arrivals_move_the_baseline(workspace: Workspace, tmp_path: Path) -> None:
    export = tmp_path / "export"
    for number, day in ((1, "20240214"), (2, "20240415")):
        write_series(
            export / str(number),
            make_series(3, number=number, StudyInstanceUID=f"{ROOT}.5.{number}", StudyDate=day),
        )
    project = ingest(workspace, [export]).workspace
    assert [row["day"] for row in list_rows(project, Listing.VISITS)] == [0, 61]
    write_series(export / "3", make_series(3, number=3, StudyInstanceUID=f"{ROOT}.5.3", StudyDate="20240115"))
    ingest(project, [export])
    rows = list_rows(project, Listing.VISITS)
    assert [(row["day"], row["timepoint"]) for row in rows] == [
        (0, "baseline"),
        (30, "1 month"),
        (91, "3 months"),
    ]


def test_single_files_stand_for_themselves(workspace: Workspace, tmp_path: Path) -> None:
    paths = write_series(tmp_path / "export", make_series(4))
    summary = ingest(workspace, paths[:3])
    assert summary.counts.instances == 3
    before = tables(summary.workspace)
    summary.workspace.catalogue_path.unlink()
    rebuild(summary.workspace)
    assert tables(summary.workspace) == before


def test_copied_images_outlive_the_export(workspace: Workspace, tmp_path: Path) -> None:
    write_series(tmp_path / "usb", make_series(4))
    (tmp_path / "usb" / "x.txt").write_text("x")
    summary = ingest(workspace, [tmp_path / "usb"], is_copied=True)
    assert (summary.counts.instances, codes(summary)) == (4, {"not_dicom": 1})
    (row,) = list_rows(summary.workspace, Listing.STACKS)
    assert row["n_slices"] == 4
    again = ingest(summary.workspace, [tmp_path / "usb"], is_copied=True)
    assert again.counts == summary.counts
    assert len(list(workspace.images_folder.rglob("*.dcm"))) == 4


def test_a_name_that_is_no_utf8_costs_only_its_file(workspace: Workspace, tmp_path: Path) -> None:
    paths = write_series(tmp_path / "export", make_series(3))
    odd = os.fsencode(tmp_path / "export") + b"/caf\xe9"
    Path(os.fsdecode(odd)).write_bytes(paths[0].read_bytes())
    summary = ingest(workspace, [tmp_path / "export"])
    assert (summary.counts.instances, codes(summary)) == (3, {"file_name": 1})
    assert summary.set_aside[0].location.relative_path == "caf\\xe9"
    assert ingest(summary.workspace, [tmp_path / "export"]).n_read == 0


def test_a_path_that_is_not_there_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="does not exist"):
        ingest(workspace, [tmp_path / "nowhere"])


def test_a_workspace_inside_the_export_does_not_ingest_itself(tmp_path: Path) -> None:
    from herntrack.workflows.workspace import create_workspace

    project = create_workspace(tmp_path)
    write_series(tmp_path / "export", make_series(3))
    summary = ingest(project, [tmp_path])
    assert (summary.n_files, summary.counts.instances) == (3, 3)


def test_names_of_patients_reach_neither_settings_nor_messages(workspace: Workspace, tmp_path: Path) -> None:
    write(make_dataset(NumberOfFrames=4, PatientName="Secret^Name"), tmp_path / "export" / "a")
    write_series(tmp_path / "export" / "s", make_series(3, PatientName="Secret^Name"))
    summary = ingest(workspace, [tmp_path / "export"])
    assert "Secret" not in (workspace.folder / "herntrack.toml").read_text()
    assert "Secret" not in repr((summary.notes, summary.set_aside))


def test_several_processes_read_the_same(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_series(tmp_path / "export", make_series(40))
    one = ingest(workspace, [tmp_path / "export"], jobs=1)
    before = tables(one.workspace)
    one.workspace.catalogue_path.unlink()
    monkeypatch.setattr("herntrack.dicom.scan.PROCESSES_FROM_FILES", 10)
    seen: list[tuple[str, int, int]] = []
    ingest(one.workspace, [tmp_path / "export"], jobs=2, progress=lambda *step: seen.append(step))
    assert tables(one.workspace) == before
    assert seen[-1] == ("reading", 40, 40)


def test_a_reading_process_that_dies_costs_no_file(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_series(tmp_path / "export", make_series(40))
    monkeypatch.setattr("herntrack.dicom.scan.PROCESSES_FROM_FILES", 10)
    monkeypatch.setattr("herntrack.dicom.scan.CHUNK", 2)
    monkeypatch.setattr("herntrack.child_process._SERVE", _DIES_AT_THE_SECOND_PART)
    summary = ingest(workspace, [tmp_path / "export"], jobs=3)
    assert (summary.counts.instances, summary.set_aside) == (40, ())


_DIES_AT_THE_SECOND_PART = """
import sys, json; sys.path[:] = json.loads(sys.argv[1])
import os, herntrack.dicom.reading_process as other
answered, written = [], other.send
def write(pipe, value):
    answered.append(1)
    if len(answered) > 2:
        os._exit(9)
    written(pipe, value)
other.send = write
other.serve()
"""


def test_a_script_without_a_guard_may_ingest_with_several_processes(tmp_path: Path) -> None:
    write_series(tmp_path / "export", make_series(12))
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "import herntrack.dicom.scan as scan\n"
        "from herntrack.workflows.ingesting.ingest import ingest\n"
        "from herntrack.workflows.workspace import create_workspace\n"
        "scan.PROCESSES_FROM_FILES = 5\n"
        "workspace = create_workspace(Path('study'))\n"
        "print(ingest(workspace, [Path('export')], jobs=2).counts.instances)\n"
    )
    words = [sys.executable, str(script)]
    where = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(words, cwd=tmp_path, env=where, capture_output=True, text=True, check=False)
    assert (result.stdout.strip(), result.returncode) == ("12", 0), result.stderr


def test_every_real_file_is_catalogued_or_set_aside(workspace: Workspace, shared_dicom: Path) -> None:
    summary = ingest(workspace, [shared_dicom], jobs=1)
    files = [path for path in shared_dicom.rglob("*") if path.is_file()]
    assert summary.n_files == len(files)
    with sqlite3.connect(summary.workspace.catalogue_path) as connection:
        known = connection.execute(
            "SELECT root, relative_path FROM instance UNION SELECT root, relative_path FROM reject"
        ).fetchall()
    connection.close()
    assert len(known) == len(files)
    assert all(reject.code and reject.reason for reject in summary.set_aside)
    irregular = [row for row in list_rows(summary.workspace, Listing.STACKS) if not row["is_regular"]]
    assert all(row["problems"] for row in irregular)

"""The commands as a person types them: real output, real exit codes.

They run inside this process, for a new one costs two seconds; one test starts the
installed program itself.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.factories import ROOT, make_series, write_series
from tests.integration.command import Herntrack, block, write_nifti


def test_from_a_folder_of_exports_to_a_report(run: Herntrack, tmp_path: Path) -> None:
    stacks = run.json("list", "stacks")
    lesion = run("lesion", "add", "--patient", "T-001", "--level", "L5-S1", "--side", "left").stdout.strip()
    for stack, n_rows in zip(stacks, (20, 9), strict=True):
        mask = write_nifti(tmp_path / "mask.nii.gz", stack, block(n_rows))
        read = ("--lesion", lesion, "--stack", stack["stack_uid"], "--reader", "R1")
        result = run.json("read", "import", mask, *read)
        assert result["n_voxels"] == 3 * n_rows * 15
        assert result["volume_mm3"] == pytest.approx(3 * n_rows * 15 * 4.4 * 0.7 * 0.6)
    (outcome,) = run.json("classify")
    assert (outcome["visit_states"], outcome["outcome"]) == ("D", "persistent_reduction")
    report = run.json("report")
    with Path(report["tables"][0]).open(newline="") as file:
        changes = list(csv.DictReader(file))
    assert [row["visit_state"] for row in changes] == ["baseline", "reduced"]
    assert float(changes[1]["change_percent"]) == pytest.approx(-55.0)
    assert "L5-S1" in Path(report["report_html"]).read_text()
    run("check")


def test_an_unread_visit_is_a_row_with_nothing_measured(run: Herntrack, tmp_path: Path) -> None:
    stack = run.json("list", "stacks")[0]
    lesion = run.json("lesion", "add", "--patient", "T-001", "--level", "l4/5".replace("/", "-L"))[
        "lesion_uid"
    ]
    mask = write_nifti(tmp_path / "mask.nii.gz", stack, block(20))
    run(
        "read", "import", mask, "--lesion", lesion, "--series", stack["series_instance_uid"], "--reader", "R1"
    )
    with Path(run.json("report")["tables"][0]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["visit_state"], row["volume_mm3"]) for row in rows][1] == ("", "")
    (outcome,) = run.json("classify")
    assert outcome["outcome_reason"] == "no evaluable follow-up"


def test_a_lesion_of_a_patient_without_a_dated_study_does_not_stop_the_report(
    run: Herntrack, tmp_path: Path
) -> None:
    undated = make_series(5, number=3, PatientID="T-002", StudyInstanceUID=f"{ROOT}.5.3", StudyDate="")
    write_series(tmp_path / "undated", undated)
    run("ingest", tmp_path / "undated")
    seen, unseen = (
        run("lesion", "add", "--patient", patient, "--level", "L5-S1").stdout.strip()
        for patient in ("T-001", "T-002")
    )
    said = " ".join(run("report", code=3).stderr.split())
    assert f"{unseen}: patient T-002 has no visit, as no study has a date; correct StudyDate" in said
    rows = (run.folder / "reports" / "changes.csv").read_text().splitlines()[1:]
    assert [row.split(",")[1] for row in rows] == [seen, seen]
    refused = run("report", "--patient", "T-002", code=1).stderr
    assert "there is nothing to report on: patient T-002 has no visit" in " ".join(refused.split())
    words = ("level", "confirm", "--patient", "T-002", "--level", "L5-S1", "--at", "1,1,1")
    assert "has no visit that is day 0; visits: none" in " ".join(run(*words, code=1).stderr.split())


def test_an_absent_reading_is_a_fact_with_an_object_and_can_be_superseded(
    run: Herntrack, tmp_path: Path
) -> None:
    first, second = run.json("list", "stacks")
    lesion = run("lesion", "add", "--patient", "T-001", "--level", "L5-S1").stdout.strip()
    common = ("--lesion", lesion, "--reader", "R1")
    run(
        "read",
        "import",
        write_nifti(tmp_path / "a.nii", first, block(20)),
        "--stack",
        first["stack_uid"],
        *common,
    )
    absent = run.json("read", "absent", "--visit", "2024-04-15", "--reason", "no displacement left", *common)
    folder = run.folder / "readings"
    assert len(list(folder.rglob("*.dcm"))) == 2
    assert run.json("classify")[0]["outcome"] == "resorption"
    mask = write_nifti(tmp_path / "b.nii", second, block(18))
    present = run.json("read", "import", mask, "--stack", second["stack_uid"], *common)
    assert present["supersedes"] == [absent["reading_uid"]]
    assert run.json("classify")[0]["outcome"] == "stable"
    readings = {row["reading_uid"]: row for row in run.json("list", "readings")}
    assert readings[absent["reading_uid"]]["superseded_by"] == present["reading_uid"]
    assert len(list(folder.rglob("*.dcm"))) == 3
    run("read", "unevaluable", "--visit", "2024-04-15", "--reason", "motion", *common)
    assert run.json("classify")[0]["visit_states"] == "U"


def test_the_report_tells_the_reason_of_the_reading_that_stands(run: Herntrack, tmp_path: Path) -> None:
    stacks = run.json("list", "stacks")
    lesion = run("lesion", "add", "--patient", "T-001", "--level", "L5-S1").stdout.strip()
    for number, stack in enumerate(stacks):
        mask = write_nifti(tmp_path / f"{number}.nii", stack, block(20))
        run("read", "import", mask, "--stack", stack["stack_uid"], "--lesion", lesion, "--reader", "R1")
    other = run("lesion", "add", "--patient", "T-001", "--level", "L4-L5").stdout.strip()
    mask = write_nifti(tmp_path / "other.nii", stacks[0], block(15))
    run("read", "import", mask, "--stack", stacks[0]["stack_uid"], "--lesion", other, "--reader", "R1")
    unevaluable = ("read", "unevaluable", "--visit", "2024-04-15")
    run(*unevaluable, "--lesion", lesion, "--reader", "R2", "--reason", "motion in the canal")
    run(*unevaluable, "--lesion", other, "--reader", "R2", "--reason", "a gap at this level")
    run(*unevaluable, "--lesion", other, "--reader", "R3", "--reason", "metal nearby")
    page = Path(run.json("report")["report_html"]).read_text(encoding="utf-8")
    # R1 read both visits of the first lesion, so what R2 says of one decides nothing and would mislead.
    assert "motion in the canal" not in page
    # Nobody stands for the second lesion's: both are told by name.
    assert "R2: a gap at this level; R3: metal nearby" in page


def test_rebuilding_gives_back_the_same_rows(run: Herntrack, tmp_path: Path) -> None:
    stack = run.json("list", "stacks")[0]
    lesion = run("lesion", "add", "--patient", "T-001", "--level", "L5-S1").stdout.strip()
    mask = write_nifti(tmp_path / "a.nii", stack, block(20))
    for _ in range(2):
        run("read", "import", mask, "--stack", stack["stack_uid"], "--lesion", lesion, "--reader", "R1")
    run("classify")
    listings = ("patients", "visits", "series", "stacks", "lesions", "readings", "rejects")
    before = {what: run.json("list", what) for what in listings}
    assert len(before["readings"]) == 2
    for path in run.folder.glob("catalogue.sqlite*"):
        path.unlink()
    assert "herntrack rebuild" in run("list", "stacks", code=1).stderr
    run("rebuild")
    assert {what: run.json("list", what) for what in listings} == before


def test_a_broken_record_is_set_aside_by_name_and_the_others_are_rebuilt(
    run: Herntrack, tmp_path: Path
) -> None:
    lesion = run("lesion", "add", "--patient", "T-001", "--level", "L5-S1").stdout.strip()
    for number, stack in enumerate(run.json("list", "stacks")):
        mask = write_nifti(tmp_path / f"{number}.nii", stack, block(20))
        run("read", "import", mask, "--stack", stack["stack_uid"], "--lesion", lesion, "--reader", "R1")
    run("patient", "baseline", "T-001", "2024-01-15")
    run("classify")
    before = run.json("list", "readings")
    broken = f"{lesion}/{before[0]['reading_uid']}.json"
    (decision,) = (run.folder / "readings" / "decisions").iterdir()
    (run.folder / "readings" / "alignments").mkdir()
    names = (broken, f"decisions/{decision.name}", "alignments/1.2.3.json")
    for name in names:
        (run.folder / "readings" / name).write_text("{")
    done = run("rebuild", code=3)
    said = " ".join(done.stderr.split())
    for name in names:
        assert said.count(name) == 1
        assert f"set aside {name}: " in said
    assert said.count("restore it from a backup") == 2
    assert said.count("until it is restored from a backup") == 1
    assert "1 lesions, 1 readings" in said
    assert run.json("list", "readings") == before[1:]
    checked = " ".join(run("check", code=1).stderr.split())
    assert all(checked.count(name) == 1 for name in names)
    # Also where nothing can be known of the lesion, the images come back.
    (run.folder / "readings" / "lesions" / f"{lesion}.json").write_text("{")
    assert {each["uid"] for each in run.json("rebuild", code=3)["cases_set_aside"]} == {
        *names,
        f"lesions/{lesion}.json",
        f"{lesion}/{before[1]['reading_uid']}.json",
    }
    assert (len(run.json("list", "stacks")), run.json("list", "readings")) == (2, [])


def test_without_a_workspace_the_way_to_one_is_shown(tmp_path: Path) -> None:
    assert "herntrack init" in Herntrack(tmp_path)("list", "stacks", code=1).stderr


def test_the_workspace_may_be_named_before_or_after_the_command(run: Herntrack, tmp_path: Path) -> None:
    folder = run.folder
    run.folder = tmp_path
    assert run.json("-w", folder, "list", "stacks") == run.json("list", "stacks", "-w", folder)


def test_an_ingest_that_sets_something_aside_says_so_with_its_exit_code(
    run: Herntrack, tmp_path: Path
) -> None:
    (tmp_path / "export" / "notes.txt").write_text("x")
    found = run.json("ingest", tmp_path / "export", code=3)
    assert found["set_aside"][0]["code"] == "not_dicom"
    assert found["n_unchanged"] == 10


def test_a_reading_whose_images_are_gone_for_good_is_named_once_and_by_check(
    run: Herntrack, tmp_path: Path
) -> None:
    first, second = run.json("list", "stacks")
    lesion = run("lesion", "add", "--patient", "T-001", "--level", "L5-S1").stdout.strip()
    for stack in (first, second):
        mask = write_nifti(tmp_path / "m.nii", stack, block(20))
        run("read", "import", mask, "--stack", stack["stack_uid"], "--lesion", lesion, "--reader", "R1")
    shutil.rmtree(tmp_path / "export" / "2")
    said = " ".join(run("rebuild", code=3).stderr.split())
    (lost,) = (row["reading_uid"] for row in run.json("list", "readings") if row["volume_mm3"] is None)
    words = f"stack {second['stack_uid']}, on which it was read, is not catalogued any more"
    assert f"set aside {lost}: {words}; ingest its images again" in said
    assert said.count("set aside") == 1
    assert " ".join(run("classify", code=3).stderr.split()).count(f"set aside {lost}") == 1
    problems = " ".join(run("check", code=1).stderr.split())
    assert f"reading {lost} of 2024-04-15 was made on stack {second['stack_uid']}, which is" in problems


def test_an_empty_path_is_not_the_current_folder(run: Herntrack) -> None:
    assert "a path is empty; name a folder or a file" in run("ingest", "", code=2).stderr
    assert [row["name"] for row in run.json("roots", "list")] == ["export"]


def test_volumes_measured_anywhere_are_classified(tmp_path: Path) -> None:
    table = tmp_path / "volumes.csv"
    table.write_text(
        "lesion_uid,day,volume_mm3,modality,protocol,reader,status,after_surgery,sequences_discordant\n"
        "A,0,1000,MR,p,R1,present,false,false\n"
        "A,30,950,MR,p,R1,present,false,false\n"
        "A,91,520,MR,p,R1,present,false,false\n"
        "B,0,900,MR,p,R1,present,false,false\n"
        "B,91,0,MR,p,R1,absent,false,false\n"
    )
    run = Herntrack(tmp_path)
    first, second = run.json("classify", "--volumes", table)
    assert set(first) == {
        "lesion_uid",
        "visit_states",
        "outcome",
        "outcome_reason",
        "flags",
        "outcome_stability",
    }
    assert (first["lesion_uid"], first["visit_states"]) == ("A", "ND")
    assert (first["outcome"], first["flags"]) == ("persistent_reduction", ["landmark_only"])
    assert 0.5 < first["outcome_stability"] < 1.0
    assert (second["outcome"], second["flags"], second["outcome_stability"]) == (
        "resorption",
        ["complete"],
        1.0,
    )
    table.write_text(table.read_text() + "C,0,-5,MR,p,R1,present,false,false\n")
    refused = run("classify", "--volumes", table, "--json", code=3)
    assert [row["lesion_uid"] for row in json.loads(refused.stdout)] == ["A", "B"]
    assert "line 7" in refused.stderr


def test_two_rule_sets_are_compared_without_storing_anything(run: Herntrack, tmp_path: Path) -> None:
    stacks = run.json("list", "stacks")
    lesion = run("lesion", "add", "--patient", "T-001", "--level", "L5-S1").stdout.strip()
    for stack, n_rows in zip(stacks, (20, 8), strict=True):
        mask = write_nifti(tmp_path / "m.nii", stack, block(n_rows))
        run("read", "import", mask, "--stack", stack["stack_uid"], "--lesion", lesion, "--reader", "R1")
    run("measure")
    rows = run.json("classify", "--diff", "default", "literature-50")
    assert {(row["old"], row["new"]) for row in rows} == {("persistent_reduction", "resorption")}
    assert run.json("list", "lesions")[0]["outcome"] is None


def test_a_moved_drive_is_mended_by_one_command(run: Herntrack, tmp_path: Path) -> None:
    stack = run.json("list", "stacks")[0]
    lesion = run("lesion", "add", "--patient", "T-001", "--level", "L5-S1").stdout.strip()
    mask = write_nifti(tmp_path / "a.nii", stack, block(20))
    (tmp_path / "export").rename(tmp_path / "usb")
    read = ("read", "import", mask, "--stack", stack["stack_uid"], "--lesion", lesion, "--reader", "R1")
    assert "herntrack roots move export NEWPATH" in run(*read, code=1).stderr
    assert "10 images are missing under root 'export'" in run("check", code=1).stderr
    gone = " ".join(run("rebuild", code=1).stderr.split())
    assert "image root 'export' is missing" in gone
    assert "if it is gone for good, take its [[roots]] entry out of herntrack.toml" in gone
    (tmp_path / "empty").mkdir()
    assert "holds none of the 10 images" in run("roots", "move", "export", tmp_path / "empty", code=1).stderr
    assert "10 of 10 images found" in run("roots", "move", "export", tmp_path / "usb").stderr
    assert [row["n_found"] for row in run.json("roots", "list")] == [10]
    run(*read)
    run("check")


def test_a_rebuild_goes_without_a_root_that_is_gone_for_good(run: Herntrack, tmp_path: Path) -> None:
    (tmp_path / "usb").mkdir()
    (tmp_path / "usb" / "notes.txt").write_text("x")
    run("ingest", tmp_path / "usb", code=3)
    shutil.rmtree(tmp_path / "usb")
    settings = run.folder / "herntrack.toml"
    before, entry = settings.read_text().rsplit("[[roots]]", 1)
    assert 'name = "usb"' in entry
    settings.write_text(before)
    run("rebuild")
    assert len(run.json("list", "stacks")) == 2
    run("check")


def test_every_command_has_help(tmp_path: Path) -> None:
    run = Herntrack(tmp_path)
    commands = [
        *("init", "ingest", "list", "measure", "classify", "report", "sample", "demo", "check", "rebuild"),
        *(
            ("lesion", "add"),
            ("read", "import"),
            ("read", "absent"),
            ("read", "unevaluable"),
            ("db", "upgrade"),
        ),
    ]
    for command in commands:
        words = (command,) if isinstance(command, str) else command
        assert "Usage" in run(*words, "--help").stdout
    assert run("--version").stdout.startswith("herntrack 0.")


def test_the_program_itself_ends_with_the_exit_code(tmp_path: Path) -> None:
    def program(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "herntrack", *words],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )

    refused = program("list", "stacks", "-w", str(tmp_path))
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: ")
    assert "Traceback" not in refused.stderr
    assert "Traceback" in program("--debug", "list", "stacks", "-w", str(tmp_path)).stderr
    assert program("list", "nothing").returncode == 2

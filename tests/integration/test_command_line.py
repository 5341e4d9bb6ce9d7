"""The commands as a person types them: real output, real exit codes.

They run inside this process, for a new one costs two seconds; one test starts the
installed program itself.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from herntrack.cli.app import main
from tests.conftest import REPOSITORY
from tests.factories import ROOT, make_series, write_series


@dataclass(frozen=True)
class Done:
    """What a command wrote."""

    stdout: str
    stderr: str


class Herntrack:
    """Runs the command in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: object, code: int = 0) -> Done:
        out, err = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            patch.delenv("HERNTRACK_WORKSPACE", raising=False)
            patch.setattr(sys, "argv", ["herntrack", *map(str, words)])
            with pytest.raises(SystemExit) as ended:
                main()
        found = ended.value.code or 0
        assert found == code, f"exit {found}\n{out.getvalue()}\n{err.getvalue()}"
        return Done(stdout=out.getvalue(), stderr=err.getvalue())

    def json(self, *words: object, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code).stdout)


@pytest.fixture
def run(tmp_path: Path) -> Herntrack:
    """Return the command inside a workspace that holds one patient with two visits."""
    for number, day in ((1, "20240115"), (2, "20240415")):
        write_series(
            tmp_path / "export" / str(number),
            make_series(
                5, number=number, Rows=40, Columns=40, StudyInstanceUID=f"{ROOT}.5.{number}", StudyDate=day
            ),
        )
    run = Herntrack(tmp_path)
    run("init", "study")
    run.folder = tmp_path / "study"
    run("ingest", tmp_path / "export")
    return run


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Return what takes the right to write from a folder and all in it, until the test ends."""
    changed: dict[Path, int] = {}

    def take(folder: Path) -> None:
        for path in (folder, *folder.rglob("*")):
            changed[path] = path.stat().st_mode
            path.chmod(changed[path] & ~0o222)

    if os.geteuid() == 0:
        # Rights do not bind root: the places that ask for them are told what a person would be told, and
        # the settings' scratch file cannot be made.
        real, write_text = os.access, Path.write_text

        def access(path: Any, mode: int, **more: Any) -> bool:
            is_taken = bool(mode & os.W_OK) and not Path(path).stat().st_mode & 0o222
            return not is_taken and real(path, mode, **more)

        def write(self: Path, text: str, **more: Any) -> int:
            if not self.exists() and not self.parent.stat().st_mode & 0o222:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
            return write_text(self, text, **more)

        monkeypatch.setattr(os, "access", access)
        monkeypatch.setattr(Path, "write_text", write)
    yield take
    for path, mode in changed.items():
        if path.exists():
            path.chmod(mode)


def write_nifti(path: Path, stack: dict[str, Any], mask_zyx: np.ndarray) -> Path:
    """Write a mask as NIfTI by nibabel, from the listing alone: [col, row, slice] and RAS."""
    affine = np.array(stack["affine_lps"])[:, [2, 1, 0, 3]]
    nibabel.save(
        nibabel.Nifti1Image(mask_zyx.transpose(2, 1, 0).astype(np.uint8), np.diag([-1, -1, 1, 1]) @ affine),
        path,
    )
    return path


def block(n_rows: int) -> np.ndarray:
    mask = np.zeros((5, 40, 40), dtype=bool)
    mask[1:4, 10 : 10 + n_rows, 10:25] = True
    return mask


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


def test_refusals_say_what_was_wrong_and_what_to_do(run: Herntrack, tmp_path: Path) -> None:
    stack = run.json("list", "stacks")[0]
    lesion = run("lesion", "add", "--patient", "T-001", "--level", "L5-S1").stdout.strip()
    read = ("--lesion", lesion, "--reader", "R1")
    shifted = {**stack, "affine_lps": (np.array(stack["affine_lps"]) + np.eye(4, k=3) * 3.0).tolist()}
    moved = run(
        "read",
        "import",
        write_nifti(tmp_path / "m.nii", shifted, block(9)),
        "--stack",
        stack["stack_uid"],
        *read,
        code=1,
    )
    assert "3.0" in moved.stderr
    empty = write_nifti(tmp_path / "e.nii", stack, np.zeros((5, 40, 40), dtype=bool))
    assert "read absent" in run("read", "import", empty, "--stack", stack["stack_uid"], *read, code=1).stderr
    two = write_nifti(tmp_path / "t.nii", stack, block(9) + 0 + (block(9) & (np.arange(40) > 15)))
    assert "--label" in run("read", "import", two, "--stack", stack["stack_uid"], *read, code=1).stderr
    assert (
        "list lesions"
        in run(
            "read",
            "absent",
            "--lesion",
            "1.2",
            "--visit",
            "2024-04-15",
            "--reader",
            "R",
            "--reason",
            "x",
            code=1,
        ).stderr
    )
    assert (
        "2024-01-15" in run("read", "absent", "--visit", "2024-04-16", "--reason", "x", *read, code=1).stderr
    )
    assert "L5-S1" in run("lesion", "add", "--patient", "T-001", "--level", "C5", code=2).stderr
    assert "list patients" in run("lesion", "add", "--patient", "T-9", "--level", "L5-S1", code=1).stderr
    assert run("ingest", "--nonsense", code=2).stderr
    assert run.json("list", "readings") == []


def test_a_mask_that_is_no_fragments_is_refused_and_a_large_one_named(run: Herntrack, tmp_path: Path) -> None:
    stack = run.json("list", "stacks")[0]
    lesion = run("lesion", "add", "--patient", "T-001", "--level", "L5-S1").stdout.strip()
    words = ("--lesion", lesion, "--reader", "R1", "--stack", stack["stack_uid"])

    def told(mask: np.ndarray, *more: object, code: int) -> str:
        # nibabel writes signed labels only where it is given them.
        path = write_nifti(tmp_path / "m.nii", stack, mask > 0)
        if mask.min() < 0:
            image = nibabel.load(path)
            nibabel.save(nibabel.Nifti1Image(mask.transpose(2, 1, 0).astype(np.int16), image.affine), path)
        return " ".join(run("read", "import", path, *words, *more, code=code).stderr.split())

    said = told(np.ones((5, 40, 40)), code=1)
    assert "m.nii holds 14784 mm3, 100.0 % of the stack's voxels" in said
    assert "no fragment of a disc is larger than 1000000 mm3 or 50 % of what was imaged" in said
    said = told(block(9) * -1, code=1)
    assert "m.nii has the label -1 (405 voxels) alone" in said
    assert "say so: --label -1" in said
    assert run.json("list", "readings") == []
    assert "405 voxels" in told(block(9) * -1, "--label", "-1", code=0)
    large = np.zeros((5, 40, 40))
    large[:, :20, :30] = 1
    assert "fragments are seldom larger than 4000 mm3" in told(large, code=0)
    assert "seldom" not in told(block(20), code=0)


def test_a_second_lesion_at_one_level_and_side_is_asked_for(run: Herntrack) -> None:
    words = ("lesion", "add", "--patient", "T-001", "--level", "L5-S1")
    first = run(*words, "--side", "left", "--type", "extrusion").stdout.strip()
    said = " ".join(run(*words, "--side", "left", code=1).stderr.split())
    assert f"patient T-001 has a lesion at L5-S1, left, already: {first}, extrusion, recorded on 2" in said
    assert "read that one (--lesion UID); if it is another one, add it with --another" in said
    assert len(run.json("list", "lesions")) == 1
    second = run(*words, "--side", "left", "--another")
    assert f"lesion {first} is at the same level (left)" in second.stderr
    # Another side is another one; where a side is not known, it is said.
    assert run(*words, "--side", "right").stderr == ""
    assert run(*words).stderr.count("is at the same level") == 3
    assert len(run.json("list", "lesions")) == 4


def test_a_report_without_a_lesion_says_how_to_come_to_one(run: Herntrack, tmp_path: Path) -> None:
    said = " ".join(run("report", code=1).stderr.split())
    assert "there is no lesion to report on, so nothing is written" in said
    assert "herntrack lesion add --patient ID --level L5-S1" in said
    said = " ".join(run("report", "--patient", "T-001", "--out", tmp_path / "out", code=1).stderr.split())
    assert "patient T-001 has no lesion" in said
    assert "--patient T-001 --level" in said
    assert not (tmp_path / "out").exists()


def test_what_is_up_to_date_is_reported_from_a_workspace_that_may_only_be_read(
    run: Herntrack, tmp_path: Path, read_only: Callable[[Path], None]
) -> None:
    lesion = run("lesion", "add", "--patient", "T-001", "--level", "L5-S1").stdout.strip()
    first, second = run.json("list", "stacks")
    read = ("read", "import", "--lesion", lesion, "--reader", "R1", "--stack")
    run(*read, first["stack_uid"], write_nifti(tmp_path / "a.nii", first, block(20)))
    run("report")
    stale = Herntrack(Path(shutil.copytree(run.folder, tmp_path / "stale")))
    stale(*read, second["stack_uid"], write_nifti(tmp_path / "b.nii", second, block(9)))
    undecided = Herntrack(Path(shutil.copytree(stale.folder, tmp_path / "undecided")))
    undecided("measure")
    held = {}
    for each in (run, stale, undecided):
        read_only(each.folder)
        held[each.folder] = {path: path.stat().st_mtime_ns for path in each.folder.rglob("*")}
    out = tmp_path / "elsewhere"
    assert Path(run.json("report", "--out", out)["report_html"]).is_relative_to(out)
    assert [row["outcome"] for row in run.json("classify")] == ["indeterminate"]
    run("measure")
    said = " ".join(run("report", code=1).stderr.split())
    assert "reports cannot be written; name another folder for the report: --out DIR" in said
    said = " ".join(stale("report", "--out", out, code=1).stderr.split())
    assert "the numbers of 1 readings are missing or stale, and the workspace may only be read here" in said
    assert "run herntrack measure where it may be written" in said
    said = " ".join(undecided("report", "--out", out, code=1).stderr.split())
    assert "the outcomes under rule set default" in said
    assert "run herntrack classify where it may be written" in said
    # A root that moved cannot be mended there, and it is said.
    said = " ".join(run("roots", "move", "export", tmp_path / "export", code=1).stderr.split())
    assert "herntrack.toml cannot be written" in said
    assert "the roots stay as they were; ask for write permission" in said
    for folder, before in held.items():
        assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_sample_is_not_written_where_a_file_lies(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for folder in (file, file / "below"):
        for command in ("sample", "demo"):
            said = " ".join(Herntrack(tmp_path)(command, folder, "--patients", "1", code=1).stderr.split())
            assert "Errno" not in said
            assert f"{folder}: " in said
            assert "name a folder that is new or may be written" in said


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
    (tmp_path / "empty").mkdir()
    assert "holds none of the 10 images" in run("roots", "move", "export", tmp_path / "empty", code=1).stderr
    assert "10 of 10 images found" in run("roots", "move", "export", tmp_path / "usb").stderr
    assert [row["n_found"] for row in run.json("roots", "list")] == [10]
    run(*read)
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

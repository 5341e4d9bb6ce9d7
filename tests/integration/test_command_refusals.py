"""What the commands refuse, and whether they say what was wrong and what to do."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from tests.factories import ROOT, make_series, write_series
from tests.integration.command import Herntrack, block, write_nifti


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


def test_an_interrupted_command_says_what_is_kept(run: Herntrack, monkeypatch: pytest.MonkeyPatch) -> None:
    from herntrack.workflows.ingesting import ingest as steps

    def press_the_key(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(steps, "read_files", press_the_key)
    (run.folder.parent / "export" / "new").write_text("x")
    said = run("ingest", run.folder.parent / "export", code=130).stderr
    assert "interrupted; what was recorded before is kept, and the same command does the rest" in said
    assert len(run.json("list", "visits")) == 2


def test_a_mask_on_a_localizer_is_taken_with_the_word_that_it_does_not_count(
    run: Herntrack, tmp_path: Path
) -> None:
    slices = make_series(
        5,
        number=3,
        Rows=40,
        Columns=40,
        StudyInstanceUID=f"{ROOT}.5.1",
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
    )
    write_series(tmp_path / "export" / "scout", slices)
    run("ingest", tmp_path / "export")
    (stack,) = run.json("list", "stacks", "--role", "localizer")
    lesion = run("lesion", "add", "--patient", "T-001", "--level", "L5-S1").stdout.strip()
    path = write_nifti(tmp_path / "m.nii", stack, block(9))
    words = ("--lesion", lesion, "--reader", "R1", "--stack", stack["stack_uid"])
    said = " ".join(run("read", "import", path, *words).stderr.split())
    assert f"Stack {stack['stack_uid']} is a localizer" in said
    assert "the visit is not evaluable by it. herntrack list proposals names the stack to read." in said

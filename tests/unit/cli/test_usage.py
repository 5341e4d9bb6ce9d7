"""What is wrong on the command line is told in one sentence: what, which value, what is expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.command import Herntrack

DATE = "'20.01.2024' is no date; give YYYY-MM-DD, such as 2024-03-31"
LEVELS = "use one of: T12-L1, L1-L2, L2-L3, L3-L4, L4-L5, L5-S1, L5-L6, L6-S1, S1-S2"
LISTS = "patients, visits, series, stacks, lesions, readings, proposals, rejects"
NUMBER = "'many' is no whole number; give one, such as 4"
POINT = "'1,2' is no point; give X,Y,Z in LPS millimetres, such as -12.5,30,4"
ABSENT = ("read", "absent", "--lesion", "1", "--reader", "R", "--reason", "none")
CLICK = ("segment", "--lesion", "1", "--stack", "1", "--at")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*ABSENT, "--visit", "20.01.2024"), f"--visit: {DATE}"),
        (("list", "visits", "--date=20.01.2024"), f"--visit or --date: {DATE}"),
        (("align", "--patient", "P", "--visit", "20.01.2024"), f"--visit: {DATE}"),
        (("patient", "baseline", "P", "20.01.2024"), f"DATE: {DATE}"),
        (("lesion", "add", "--patient", "P", "--level", "L9"), f"--level: 'L9' is no level; {LEVELS}"),
        (
            ("lesion", "add", "--patient", "P", "--level", "L5-S1", "--side", "up"),
            "--side: 'up' is no side; use one of: left, right, central",
        ),
        (
            ("lesion", "add", "--patient", "P", "--level", "L5-S1", "--type", "odd"),
            "--type: 'odd' is no herniation type; use one of: bulge, protrusion, extrusion, sequestration",
        ),
        (
            ("list", "everything"),
            f"WHAT: 'everything' is none of them; use one of: {LISTS}",
        ),
        (("ingest", ".", "--jobs", "many"), f"--jobs: {NUMBER}"),
        (("ingest", ".", "--jobs", "0"), "--jobs: '0' is less than 1; give 1 or more"),
        (("sample", "here", "--seed", "-3"), "--seed: '-3' is less than 0; give 0 or more"),
        ((*CLICK, "1,2"), POINT),
        ((*CLICK, "1,2,3", "--background", "1,2"), POINT),
        (("lesion", "add", "--patient", "P"), "--level is missing"),
        (("-w", "file", "list", "visits"), "--workspace or -w: dir 'file' is a file"),
    ],
)
def test_a_wrong_value_is_told_in_a_sentence(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    (tmp_path / "file").touch()
    told = Herntrack(tmp_path)(*words, code=2)
    assert told.stdout == ""
    plain = " ".join(told.stderr.split())
    assert plain.startswith(f"error: {said} (see: ")
    assert plain.endswith(" --help)")
    for foreign in ("Value error", "Invalid value", "formats", "Input should"):
        assert foreign not in plain


def test_what_is_no_value_is_left_to_the_library(tmp_path: Path) -> None:
    assert "No such option" in Herntrack(tmp_path)("list", "visits", "--colour", code=2).stderr
    assert "No such command" in Herntrack(tmp_path)("frobnicate", code=2).stderr

"""Tables that fit a terminal, CSV that any program reads, and what a person is told besides."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from herntrack.cli.app import app
from herntrack.cli.listing_columns import COLUMNS
from herntrack.cli.tables import Column, csv_cell, fitted_widths, print_listing, short_uid
from herntrack.model.vocabulary import ImageRole, Modality, Plane, Weighting
from herntrack.workflows.listings.listing import Listing, list_rows
from tests.unit.workflows.catalogued import LESION, PATIENT, Study0

UID = "2.25.235809386790311481819975297696248622285"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study0:
    study = Study0(tmp_path_factory.mktemp("listings") / "study")
    study.lesion()
    study.read(0, study.stack(0, "T2 SAG, thick"), 900.0)
    study.stack(0, "scout", role=ImageRole.LOCALIZER, n_missing=1)
    study.stack(30, "T1 SAG", weighting=Weighting.T1)
    study.stack(30, "T2 AX", plane=Plane.AXIAL, is_regular=False, problems=("1 slice(s) missing", "uneven"))
    study.stack(91, "CT", modality=Modality.CT, weighting=Weighting.CT_SOFT)
    study.reject("not_dicom")
    return study


def run(study: Study0, *words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["-w", str(study.workspace.folder), *words])
    assert result.exit_code == code, result.output
    return result


def test_csv_is_rfc_4180_and_holds_what_json_holds(study: Study0) -> None:
    text = run(study, "list", "stacks", "--csv").stdout_bytes.decode()
    assert text.count("\r\n") == text.count("\n") == 6
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    listed = json.loads(run(study, "list", "stacks", "--json").stdout)
    assert [row["stack_uid"] for row in rows] == [row["stack_uid"] for row in listed]
    assert list(rows[0]) == list(listed[0])
    assert rows[0]["series_description"] == "T2 SAG, thick"
    irregular = next(row for row in rows if row["is_regular"] == "false")
    assert irregular["problems"] == "1 slice(s) missing; uneven"
    assert rows[0]["is_lumbar"] == ""
    assert rows[-1]["magnetic_field_strength"] == ""


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (True, "true"),
        (0, "0"),
        (4.4, "4.4"),
        (["a", "b"], "a; b"),
        ([[1.0, 0.0], [0.0, 2.0]], "1.0 0.0; 0.0 2.0"),
        ("=1+1", "'=1+1"),
        ("P-01", "P-01"),
    ],
)
def test_a_cell_of_a_csv(value: Any, cell: str) -> None:
    assert csv_cell(value) == cell


def test_filters_keep_rows_and_the_footer_says_of_how_many(study: Study0) -> None:
    result = run(study, "list", "stacks", "--plane", "axial")
    assert "T2 AX" in result.stdout
    assert "scout" not in result.stdout
    assert "1 stack, of 1 patient, 1 axial, 1 irregular (of 5 stacks)" in result.stderr


def test_a_filter_that_the_listing_has_not_is_a_usage_error_that_names_the_others(study: Study0) -> None:
    said = " ".join(run(study, "list", "lesions", "--plane", "axial", code=2).stderr.split())
    for word in ("--plane", "--patient", "--level", "--outcome"):
        assert word in said
    assert "--csv and --json" in run(study, "list", "stacks", "--csv", "--json", code=2).stderr


def test_an_empty_answer_says_what_to_do(study: Study0, tmp_path: Path) -> None:
    empty = Study0(tmp_path / "empty")
    assert "herntrack ingest PATH" in run(empty, "list", "stacks").stderr
    assert "herntrack lesion add" in run(empty, "list", "proposals").stderr
    result = run(study, "list", "stacks", "--not-lumbar")
    assert (result.stdout, "none of 5 stacks fits --not-lumbar" in result.stderr) == ("", True)
    assert "the codes are not_dicom (1)" in run(study, "list", "rejects", "--code", "x").stderr
    assert run(study, "list", "stacks", "--role", "derived", "--json").stdout == "[]\n"
    header = run(study, "list", "stacks", "--role", "derived", "--csv").stdout
    assert header.startswith("stack_uid,")


def test_the_columns_of_every_table_are_keys_of_its_rows(study: Study0) -> None:
    for what in Listing:
        for row in list_rows(study.workspace, what):
            assert [column.key for column in COLUMNS[what] if column.key not in row] == []


# --- width ----------------------------------------------------------------------------------


def shown(
    rows: list[dict[str, Any]], columns: tuple[Column, ...], width: int, *, is_wide: bool = False
) -> list[str]:
    """Return the lines that a terminal of that width shows."""
    screen = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        screen.isatty = lambda: True  # type: ignore[method-assign]
        patch.setenv("COLUMNS", str(width))
        patch.setenv("TERM", "xterm")
        patch.setattr(sys, "stdout", screen)
        print_listing(rows, columns, is_wide=is_wide)
    return re.sub("\x1b\\[[0-9;]*m", "", screen.getvalue()).splitlines()


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("what", list(Listing))
def test_no_line_is_longer_than_the_terminal(study: Study0, what: Listing, width: int) -> None:
    lines = shown(list_rows(study.workspace, what), COLUMNS[what], width)
    assert max(len(line) for line in lines) <= width


def test_the_least_important_columns_go_first() -> None:
    columns = (
        Column(key="a"),
        Column(key="text", drop=1, least=6),
        Column(key="b", drop=3),
        Column(key="c", drop=2),
    )
    assert fitted_widths(columns, [5, 30, 5, 5], 60) == {0: 5, 1: 30, 2: 5, 3: 5}
    assert fitted_widths(columns, [5, 30, 5, 5], 40) == {0: 5, 1: 19, 2: 5, 3: 5}
    assert fitted_widths(columns, [5, 30, 5, 5], 22) == {0: 5, 1: 8, 3: 5}
    assert fitted_widths(columns, [5, 30, 5, 5], 9) == {0: 5}


def test_an_identifier_is_short_on_a_terminal_only_and_whole_where_asked() -> None:
    rows, columns = (
        [{"uid": UID, "text": "x" * 70}],
        (Column(key="uid", is_uid=True), Column(key="text", least=9)),
    )
    assert short_uid(UID) == "2.25\N{HORIZONTAL ELLIPSIS}48622285"
    assert short_uid("2.25.12") == "2.25.12"
    assert UID not in "\n".join(shown(rows, columns, 60))
    assert UID in "\n".join(shown(rows, columns, 60, is_wide=True))


def test_free_text_goes_on_in_the_next_line_and_is_never_cut() -> None:
    problem = "1 slice(s) missing between 28.11 and 38.11 mm"
    lines = shown(
        [{"id": "P-01", "problems": problem}], (Column(key="id"), Column(key="problems", least=12)), 30
    )
    assert len(lines) > 3
    assert " ".join(line[6:].strip() for line in lines[2:]) == problem


def test_a_column_that_tells_nothing_is_left_out_of_a_fitted_table() -> None:
    columns = (Column(key="id"), Column(key="role", usual=("diagnostic",)))
    assert "role" not in shown([{"id": 1, "role": "diagnostic"}], columns, 80)[0]
    assert "role" in shown([{"id": 1, "role": "localizer"}], columns, 80)[0]
    assert "role" in shown([{"id": 1, "role": "diagnostic"}], columns, 80, is_wide=True)[0]


# --- one thing ------------------------------------------------------------------------------


def test_a_lesion_is_drawn_with_the_stack_to_measure_on(study: Study0) -> None:
    text = run(study, "show", "lesion", LESION).stdout
    assert (
        "compared with MR sagittal T2 (T2 SAG, thick), 4.40 mm slices, 0.60 mm pixels, 1.5 T, read by R1"
        in text
    )
    assert "900 \N{PLUS-MINUS SIGN} 150 mm3, R1, on MR sagittal T2 (T2 SAG, thick) same" in text
    assert "measure on MR sagittal T1 (T1 SAG) mixed: weighting T1 against T2" in text
    assert "no stack to compare" in text
    assert (
        "\N{MULTIPLICATION X} MR sagittal T2 (scout) refused: a localizer is no image to measure on" in text
    )
    content = json.loads(run(study, "show", "lesion", LESION, "--json").stdout)
    assert [visit["proposed_stack_uid"] for visit in content["visits"]] == [
        "S0-T2 SAG, thick",
        "S30-T1 SAG",
        None,
    ]
    assert content["visits"][1]["stacks"][0] == {
        "stack_uid": "S30-T1 SAG",
        "grade": "mixed",
        "reasons": ["weighting T1 against T2"],
    }
    assert "list lesions" in str(
        CliRunner().invoke(app, ["-w", str(study.workspace.folder), "show", "lesion", "9"]).exception
    )


def test_a_patient_is_drawn_with_what_is_irregular_missing_and_unread(study: Study0) -> None:
    lines = run(study, "show", "patient", PATIENT).stdout.splitlines()
    text = "\n".join(lines)
    assert lines[0] == PATIENT
    assert "\N{WARNING SIGN} localizer; 1 image(s) missing" in text
    assert "\N{WARNING SIGN} irregular: 1 slice(s) missing; uneven" in text
    assert "? L5-S1 left: not read, measure on MR sagittal T1 (T1 SAG) mixed: weighting T1 against T2" in text
    assert "? L5-S1 left: not read, no stack to compare" in text
    content = json.loads(run(study, "show", "patient", PATIENT, "--json").stdout)
    assert content["visits"][0]["n_missing"] == {"S0-T2 SAG, thick": 0, "S0-scout": 1}
    assert content["visits"][1]["irregular_stacks"] == ["S30-T2 AX"]


def test_days_that_are_close_are_labelled_one_below_the_other(tmp_path: Path) -> None:
    study = Study0(tmp_path / "study")
    for day in (0, 2, 400):
        study.stack(day, "T2 SAG")
    result = run(study, "show", "patient", PATIENT)
    lines = result.stdout.splitlines()
    assert lines[2].split() == ["day", "0", "day", "400"]
    assert lines[3].split() == ["day", "2"]
    assert "herntrack lesion add --patient P-01" in result.stderr


@pytest.mark.parametrize("what", list(Listing))
def test_csv_has_the_same_columns_with_and_without_rows(study: Study0, tmp_path: Path, what: Listing) -> None:
    headers = {
        run(each, "list", what.value, "--csv").stdout.splitlines()[0]
        for each in (study, Study0(tmp_path / "empty"))
    }
    rows = json.loads(run(study, "list", what.value, "--json").stdout)
    assert {",".join(row) for row in rows} == headers


def test_letters_of_double_width_are_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    name = "Yamada Tarou = \u5c71\u7530 \u592a\u90ce = \u3084\u307e\u3060 \u305f\u308d\u3046"
    print_listing([{"names": name, "n": 1}], [Column(key="names"), Column(key="n")])
    assert name in capsys.readouterr().out


def test_what_would_steer_a_terminal_is_written_out(tmp_path: Path) -> None:
    study = Study0(tmp_path / "study")
    study.stack(0, "T2 \x1b[31m[bold]SAG\u202e")
    listed = run(study, "list", "stacks").stdout
    assert "T2 \\x1b[31m[bold]SAG\\u202e" in listed
    shown = run(study, "show", "patient", PATIENT).stdout
    assert "\\x1b[31m[bold]SAG\\u202e" in shown
    said = run(study, "show", "patient", "\x1b]0;title\x07", code=1)
    assert "\x1b" not in str(said.exception)
    (row,) = json.loads(run(study, "list", "stacks", "--json").stdout)
    assert row["series_description"].endswith("\u202e")

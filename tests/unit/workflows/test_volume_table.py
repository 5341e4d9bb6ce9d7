"""Tables of volumes from anywhere: what is read, what is set aside, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from herntrack.errors import VolumeTableError
from herntrack.model.vocabulary import Horizon
from herntrack.volumetrics.rules import load_rules
from herntrack.workflows.reporting.volume_table import (
    SetAsideLesion,
    classify_volume_table,
    read_volume_table,
)

RULES = load_rules()
HEADER = "lesion_uid,day,volume_mm3,modality,protocol,reader,status,after_surgery,sequences_discordant"
GOOD = [
    "2.25.9,0,1000,MR,sag,reader-a,present,false,false",
    "2.25.9,91,500,MR,sag,reader-a,present,false,false",
]


def write(folder: Path, *rows: str, header: str = HEADER, end: str = "\n") -> Path:
    path = folder / "volumes.csv"
    path.write_bytes(end.join([header, *rows, ""]).encode())
    return path


def faults_of(folder: Path, *rows: str, header: str = HEADER) -> list[SetAsideLesion]:
    """Return what is set aside of a table that also holds a good lesion, which must survive."""
    good, set_aside = classify_volume_table(write(folder, *rows, *GOOD, header=header), RULES)
    assert [row.lesion_uid for row in good] == ["2.25.9"]
    assert good[0].outcome == "persistent_reduction"
    return set_aside


def test_a_lesion_is_told_under_the_agreed_names(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "2.25.1,91,500,MR,sag,reader-a,present,false,false",
        "2.25.1,30,1000,MR,sag,reader-a,present,false,false",
        "2.25.1,0,1000,MR,sag,reader-a,present,false,false",
    )
    rows, set_aside = classify_volume_table(path, RULES)
    assert set_aside == []
    told = rows[0].as_dict()
    stability = told.pop("outcome_stability")
    assert isinstance(stability, float)
    assert told == {
        "lesion_uid": "2.25.1",
        "visit_states": "ND",
        "outcome": "persistent_reduction",
        "outcome_reason": "reduced at last visit >= day 70",
        "flags": ["lit50", "landmark_only"],
    }
    assert stability == pytest.approx(0.77, abs=0.05)
    assert json.loads(json.dumps(rows[0].as_dict()))["flags"] == ["lit50", "landmark_only"]


CASES = json.loads(
    (Path(__file__).parents[1] / "volumetrics" / "outcome_cases.json").read_text(encoding="utf-8")
)["cases"]


def test_the_worked_cases_come_out_of_a_table(tmp_path: Path) -> None:
    lines = []
    for case in CASES:
        base = case["baseline"]
        lines.append(f"case-{case['id']},0,{base['volume_mm3']},{base['modality']},p1,r1,present,false,false")
        for visit in case["followups"]:
            reader = "r1" if visit["same_protocol_and_reader"] else "r2"
            status = "absent" if visit["volume_mm3"] <= 50 else "present"
            lines.append(
                f"case-{case['id']},{visit['day']},{visit['volume_mm3']},{visit['modality']},p1,{reader},{status},"
                f"{visit['after_surgery']},{visit['sequences_discordant']}"
            )
    rows, set_aside = classify_volume_table(write(tmp_path, *reversed(lines)), RULES)
    assert set_aside == []
    assert len(rows) == 27
    found = {row.lesion_uid: row.as_dict() for row in rows}
    for case in CASES:
        told, expected = found[f"case-{case['id']}"], case["expected"]
        assert told["visit_states"] == expected["visit_states"]
        assert told["outcome"] == expected["outcome"]
        assert told["outcome_reason"] == expected["reason"]
        assert told["flags"] == expected["flags"]


def test_the_stability_told_is_that_of_the_outcome_told(tmp_path: Path) -> None:
    # Most redraws of this lesion are stable; the outcome is not, and its share is the smaller.
    path = write(tmp_path, "L,0,1000,MR,,,present,,", "L,30,600,MR,,,present,,", "L,91,800,MR,,,present,,")
    (row,) = classify_volume_table(path, RULES)[0]
    assert row.outcome == "transient_reduction"
    assert row.outcome_stability == pytest.approx(0.245, abs=0.03)


def test_lesions_keep_the_order_of_the_table(tmp_path: Path) -> None:
    path = write(tmp_path, "b,0,900,MR,,,present,,", *GOOD, "a,0,900,MR,,,present,,", "b,91,0,MR,,,absent,,")
    rows, _ = classify_volume_table(path, RULES)
    assert [row.lesion_uid for row in rows] == ["b", "2.25.9", "a"]


@pytest.mark.parametrize(
    "content",
    [
        "\ufefflesion_uid,day,volume_mm3,modality,status\r\nL,0,1000.5,MR,present\r\nL,91,,mr,Absent\r\n",
        "lesion_uid;day;volume_mm3;modality;status\nL;0;1000,5;MR;present\nL;91;;MR;absent\n",
        "lesion_uid;day;volume_mm3;modality;status\nL;0;1000.5;MR;present\nL;91,0;0;MR;absent\n",
        "lesion_uid\tday\tvolume_mm3\tmodality\tstatus\nL\t0\t1000.5\tMR\tpresent\nL\t91\t\tMR\tabsent\n",
        '"status","modality","volume_mm3","day","lesion_uid"\n"present","MR","1000.5","0","L"\n"absent","MR","","91","L"\n',
        "\n Lesion_UID , DAY,Volume_mm3,modality,status,n\n,,,\nL, 0 ,1.0005e3,MR,present\nL,91.,0,MR,absent",
        "lesion_uid,day,volume_mm3,modality,status\rL,0,1000.5,MR,present\rL,91,0.,MR,absent",
    ],
    ids=["bom and crlf", "semicolons", "semicolons and dots", "tabs", "quoted", "untidy", "cr"],
)
def test_a_table_may_come_from_any_program(tmp_path: Path, content: str) -> None:
    path = tmp_path / "volumes.csv"
    path.write_bytes(content.encode("utf-8"))
    table = read_volume_table(path)
    assert table.set_aside == ()
    (lesion,) = table.lesions
    assert lesion.lesion_uid == "L"
    assert lesion.baseline.volume_mm3 == 1000.5
    assert [(visit.day, visit.volume_mm3) for visit in lesion.visits] == [(91, 0.0)]
    assert lesion.visits[0].is_same_protocol_and_reader


@pytest.mark.parametrize("word", ["true", "TRUE", "1", "yes", "Yes"])
def test_truth_has_many_words(tmp_path: Path, word: str) -> None:
    rows, _ = classify_volume_table(write(tmp_path, GOOD[0], f"2.25.9,91,500,MR,,,present,{word},"), RULES)
    assert rows[0].flags == ("censored_at_surgery",)


@pytest.mark.parametrize("word", ["false", "False", "0", "no", "NO", ""])
def test_so_has_its_absence(tmp_path: Path, word: str) -> None:
    rows, _ = classify_volume_table(
        write(tmp_path, GOOD[0], f"2.25.9,91,500,MR,sag,reader-a,present,{word},{word}"), RULES
    )
    assert rows[0].visit_states == "D"


@pytest.mark.parametrize(
    ("row", "state"),
    [
        ("2.25.9,91,550,MR,sag,reader-a,present,,", "D"),
        ("2.25.9,91,550,MR,axial,reader-a,present,,", "N"),
        ("2.25.9,91,550,MR,sag,reader-b,present,,", "N"),
        ("2.25.9,91,550,CT,sag,reader-a,present,,", "U"),
        ("2.25.9,91,550,MR,sag,reader-a,present,,yes", "U"),
        ("2.25.9,91,,MR,sag,reader-a,not evaluable,,", "U"),
        ("2.25.9,91,550,MR,sag,reader-a,not_evaluable,,", "U"),
        ("2.25.9,91,50,MR,sag,reader-a,absent,,", "A"),
        ("2.25.9,91,51,MR,sag,reader-a,absent,,", "D"),
        ("2.25.9,91,50,MR,sag,reader-a,present,,", "D"),
    ],
)
def test_a_row_becomes_the_state_it_should(tmp_path: Path, row: str, state: str) -> None:
    rows, _ = classify_volume_table(write(tmp_path, GOOD[0], row), RULES)
    assert rows[0].visit_states == state


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2.25.9,0,,MR,sag,reader-a,not_evaluable,,", "baseline not evaluable"),
        ("2.25.9,0,900,MR,sag,reader-a,present,,yes", "baseline not evaluable"),
        ("2.25.9,0,,MR,sag,reader-a,absent,,", "baseline below limit of detection"),
    ],
)
def test_a_baseline_may_decide_nothing(tmp_path: Path, row: str, reason: str) -> None:
    rows, _ = classify_volume_table(write(tmp_path, row, GOOD[1]), RULES)
    assert rows[0].outcome_reason == reason
    assert rows[0].outcome == "indeterminate"


def test_the_horizon_is_a_choice(tmp_path: Path) -> None:
    path = write(tmp_path, *GOOD, "2.25.9,365,1000,MR,sag,reader-a,present,,")
    assert classify_volume_table(path, RULES)[0][0].visit_states == "DN"
    assert classify_volume_table(path, RULES, horizon=Horizon.PRIMARY)[0][0].visit_states == "D"


@pytest.mark.parametrize(
    ("row", "column", "value", "problem"),
    [
        ("L,91,,MR,,,present,,", "volume_mm3", "", "a present lesion needs its volume in mm3"),
        ("L,91,-5,MR,,,present,,", "volume_mm3", "-5", "a volume lies between 0 and 1000000 mm3"),
        ("L,91,1e999,MR,,,present,,", "volume_mm3", "1e999", "a volume lies between 0 and 1000000 mm3"),
        ("L,91,nan,MR,,,present,,", "volume_mm3", "nan", "this is no number; write one such as 512.5"),
        ("L,91,inf,MR,,,absent,,", "volume_mm3", "inf", "this is no number"),
        ("L,91,five,MR,,,present,,", "volume_mm3", "five", "this is no number"),
        ("L,91,1_000,MR,,,present,,", "volume_mm3", "1_000", "this is no number"),
        ('L,91,"512,5",MR,,,present,,', "volume_mm3", "512,5", "this is no number; write one such as 512.5"),
        ("L,91,bad,MR,,,not_evaluable,,", "volume_mm3", "bad", "this is no number"),
        ("L,-3,500,MR,,,present,,", "day", "-3", "write whole days from baseline, 0 to 36500"),
        ("L,30.5,500,MR,,,present,,", "day", "30.5", "write whole days from baseline"),
        ("L,40000,500,MR,,,present,,", "day", "40000", "write whole days from baseline"),
        ("L,,500,MR,,,present,,", "day", "", "this is no number; write one such as 30"),
        ("L,2024-05-01,500,MR,,,present,,", "day", "2024-05-01", "this is no number; write one such as 30"),
        ("L,91,500,US,,,present,,", "modality", "US", "use one of: MR, CT"),
        ("L,91,500,,,,present,,", "modality", "", "use one of: MR, CT"),
        ("L,91,500,MR,,,gone,,", "status", "gone", "use one of: present, absent, not_evaluable"),
        ("L,91,500", "status", "", "use one of: present, absent, not_evaluable"),
        ("L,91,500,MR,,,present,maybe,", "after_surgery", "maybe", "write true or false, 1 or 0, yes or no"),
        ("L,91,500,MR,,,present,,2", "sequences_discordant", "2", "write true or false"),
        ("L,91,512,5,MR,,,present,false,false", "(after the last column)", "false", "more cells"),
        ("L,0,500,MR,,,present,,", "day", "0", "line 2 has the same day; keep one row for each visit"),
    ],
)
def test_a_faulty_row_sets_its_lesion_aside(
    tmp_path: Path, row: str, column: str, value: str, problem: str
) -> None:
    set_aside = faults_of(tmp_path, "L,0,900,MR,,,present,,", row)
    (fault,) = set_aside
    assert (fault.line, fault.column, fault.value) == (3, column, value)
    assert problem in fault.problem
    assert fault.message == f"line 3, {column} = {value!r}: {fault.problem}"


def test_a_row_without_a_lesion_is_told_each_time(tmp_path: Path) -> None:
    set_aside = faults_of(tmp_path, ",0,900,MR,,,present,,", ",91,900,MR,,,present,,")
    assert [(fault.lesion_uid, fault.line, fault.column) for fault in set_aside] == [
        ("", 2, "lesion_uid"),
        ("", 3, "lesion_uid"),
    ]
    assert "the row names no lesion" in set_aside[0].problem


def test_of_several_faults_the_first_is_told(tmp_path: Path) -> None:
    set_aside = faults_of(
        tmp_path, "L,0,900,MR,,,present,,", "L,30,-1,MR,,,present,,", "L,91,x,MR,,,present,,"
    )
    assert [(fault.lesion_uid, fault.line, fault.value) for fault in set_aside] == [("L", 3, "-1")]


def test_lesions_are_set_aside_in_the_order_of_their_lines(tmp_path: Path) -> None:
    set_aside = faults_of(tmp_path, "K,30,900,MR,,,present,,", "L,0,-1,MR,,,present,,", ",0,1,MR,,,present,,")
    assert [(fault.lesion_uid, fault.line) for fault in set_aside] == [("K", 2), ("L", 3), ("", 4)]


def test_a_lesion_without_a_baseline_is_set_aside(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, "L,91,500,MR,,,present,,", "L,30,900,MR,,,present,,")
    assert (fault.line, fault.column, fault.value) == (2, "day", "30, 91")
    assert fault.problem == "no row of this lesion has day 0; add its baseline"


def test_a_baseline_after_surgery_is_set_aside(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, "L,0,500,MR,,,present,yes,")
    assert (fault.line, fault.column) == (2, "after_surgery")


def test_a_decimal_comma_needs_another_separator(tmp_path: Path) -> None:
    path = write(tmp_path, "L;0;1.234,5;MR;present", header="lesion_uid;day;volume_mm3;modality;status")
    (fault,) = read_volume_table(path).set_aside
    assert fault.value == "1.234,5"


def test_grouped_thousands_are_not_taken_for_a_decimal(tmp_path: Path) -> None:
    header = "lesion_uid;day;volume_mm3;modality;status"
    (fault,) = read_volume_table(write(tmp_path, "L;0;1.000;MR;present", header=header)).set_aside
    assert fault.message == (
        "line 2, volume_mm3 = '1.000': this may be grouped thousands or a decimal; write 1000 or 1"
    )
    (fault,) = read_volume_table(write(tmp_path, "L;0;1.234.567;MR;present", header=header)).set_aside
    assert fault.problem.endswith("write 1234567")


@pytest.mark.parametrize(
    ("separator", "later"), [(";", "512.5"), (";", "1000.125"), (",", "512.125"), ("\t", "512.125")]
)
def test_one_plain_decimal_or_another_separator_settles_what_a_dot_means(
    tmp_path: Path, separator: str, later: str
) -> None:
    header, *rows = (
        line.replace(",", separator)
        for line in (
            "lesion_uid,day,volume_mm3,modality,status",
            "L,0,900.125,MR,present",
            f"L,91,{later},MR,present",
        )
    )
    (lesion,) = read_volume_table(write(tmp_path, *rows, header=header)).lesions
    assert (lesion.baseline.volume_mm3, lesion.visits[0].volume_mm3) == (900.125, float(later))


def test_who_cannot_judge_need_not_name_the_modality(tmp_path: Path) -> None:
    rows, set_aside = classify_volume_table(write(tmp_path, *GOOD, "2.25.9,180,,,,,not_evaluable,,"), RULES)
    assert (set_aside, rows[0].visit_states) == ([], "DU")


def test_a_column_beside_the_one_it_is_like_is_ignored(tmp_path: Path) -> None:
    header = f"{HEADER},reader id,Surgery type"
    rows, _ = classify_volume_table(write(tmp_path, *(f"{row},7,none" for row in GOOD), header=header), RULES)
    assert rows[0].visit_states == "D"


def test_a_header_may_have_blanks_for_underscores(tmp_path: Path) -> None:
    header = HEADER.replace("_", " ").title()
    rows, _ = classify_volume_table(write(tmp_path, *GOOD, header=header), RULES)
    assert rows[0].visit_states == "D"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty; its first line holds lesion_uid, day, volume_mm3, modality, status"),
        (b"\xef\xbb\xbf\n \n", "the file is empty"),
        (HEADER.encode() + b"\n", "the table has a header and no row"),
        (b"lesion,day\n", "has no column lesion_uid, volume_mm3, modality, status; it holds lesion, day"),
        (b"just a text\n", "the header has no column lesion_uid"),
        (b"lesion_uid,day,day,volume_mm3,modality,status\n", "the header names the column day twice"),
        ("lesion_uid\n".encode("utf-16"), "this is UTF-16 text; save the table as CSV UTF-8"),
        (b"PK\x03\x04\x14\x00", "this is an Excel or OpenDocument workbook; save the table as CSV UTF-8"),
        (HEADER.encode() + b"\nL\xe9,0,900,MR,,,present,,\n", "is no UTF-8; save the table as CSV UTF-8"),
        (b"a\x1b[31m,b\n", "it holds a?[31m, b and needs"),
        (
            b"lesion_uid,day,volume_mm3,modality,status,after_surgry\n",
            "the column 'after_surgry' is not used but looks like after_surgery; rename it",
        ),
        (HEADER.encode() + b'\nL,"0,900,MR,,,present,,\n', "line 2 is no CSV"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "volumes.csv"
    path.write_bytes(content)
    with pytest.raises(VolumeTableError) as refusal:
        classify_volume_table(path, RULES)
    assert message in str(refusal.value)
    assert "volumes.csv" in str(refusal.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VolumeTableError, match=r"none\.csv: the table cannot be read \(No such file"):
        classify_volume_table(tmp_path / "none.csv", RULES)

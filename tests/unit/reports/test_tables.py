from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herntrack.errors import ReportError
from herntrack.model.vocabulary import Level, Modality, OutcomeClass, ReadingStatus, Side, VisitState
from herntrack.reports.columns import DICTIONARY_COLUMNS, Column, Kind, Table, protect_text, restore_text
from herntrack.reports.tables import ALL_TABLES, CHANGES, LESIONS, OUTCOMES, ChangeRow
from tests.unit.reports.fabricated import fabricated_report

CHANGE_COLUMNS = (
    "patient_id, lesion_uid, level, side, visit_date, day, timepoint, modality, reader, reading_status,"
    " volume_mm3, volume_sigma_mm3, change_mm3, change_percent, change_percent_low, change_percent_high,"
    " visit_state, series_instance_uid, flags"
)
LESION_COLUMNS = (
    "patient_id, lesion_uid, level, side, type, baseline_date, baseline_volume_mm3, last_date, last_day,"
    " last_volume_mm3, change_percent, outcome, outcome_reason, flags, outcome_stability, primary_or_latest,"
    " rules, rules_sha256"
)

ROW = ChangeRow(
    patient_id="P-01",
    lesion_uid="2.25.1",
    level=Level.L5_S1,
    side=Side.LEFT,
    visit_date=date(2024, 4, 16),
    day=92,
    timepoint="3 months",
    modality=Modality.MR,
    reader="Reader A",
    reading_status=ReadingStatus.PRESENT,
    volume_mm3=410.25,
    volume_sigma_mm3=90.5,
    change_mm3=-609.75,
    change_percent=-59.78,
    change_percent_low=-78.0,
    change_percent_high=None,
    visit_state=VisitState.REDUCED,
    series_instance_uid="2.25.2",
    flags=("other_reader", "other_protocol"),
)


def cells_of(text: str) -> dict[str, str]:
    return next(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(("table", "columns"), [(CHANGES, CHANGE_COLUMNS), (LESIONS, LESION_COLUMNS)])
def test_the_header_is_the_promised_one(table: Table[object], columns: str) -> None:
    header = table.to_csv([]).splitlines()[0]
    assert header == columns.replace(" ", "")


def test_a_row_is_written_as_promised() -> None:
    assert CHANGES.to_csv([ROW]).splitlines()[1] == (
        "P-01,2.25.1,L5-S1,left,2024-04-16,92,3 months,MR,Reader A,present,410.25,90.50,-609.75,-59.78,"
        "-78.00,,reduced,2.25.2,other_reader;other_protocol"
    )


def test_what_was_not_measured_is_empty_and_a_measured_zero_is_zero() -> None:
    empty = cells_of(CHANGES.to_csv([replace(ROW, volume_mm3=None)]))
    zero = cells_of(CHANGES.to_csv([replace(ROW, volume_mm3=0.0)]))
    assert (empty["volume_mm3"], zero["volume_mm3"]) == ("", "0.00")
    assert CHANGES.from_csv(CHANGES.to_csv([replace(ROW, volume_mm3=None)]))[0].volume_mm3 is None


def test_a_change_that_rounds_to_zero_has_no_minus_sign() -> None:
    assert cells_of(CHANGES.to_csv([replace(ROW, change_mm3=-0.001)]))["change_mm3"] == "0.00"


def test_rows_read_back_are_the_rows_that_were_written() -> None:
    unread = replace(
        ROW, side=None, modality=None, reader="", reading_status=None, visit_state=None, flags=()
    )
    assert CHANGES.from_csv(CHANGES.to_csv([ROW, unread])) == (ROW, unread)


def test_every_table_of_a_cohort_survives_being_read_and_written_again() -> None:
    report = fabricated_report(with_images=False)
    for table, rows in ((CHANGES, report.changes), (LESIONS, report.lesions), (OUTCOMES, report.outcomes)):
        text = table.to_csv(rows)
        assert table.to_csv(table.from_csv(text)) == text
        assert len(table.from_csv(text)) == len(rows)


def test_lesions_has_one_row_for_each_lesion() -> None:
    report = fabricated_report(with_images=False)
    uids = [row.lesion_uid for row in LESIONS.from_csv(LESIONS.to_csv(report.lesions))]
    assert sorted(uids) == sorted({row.lesion_uid for row in report.changes})


@given(st.text(), st.text())
def test_any_text_is_read_back_as_it_was(patient_id: str, reader: str) -> None:
    row = replace(ROW, patient_id=patient_id, reader=reader)
    assert CHANGES.from_csv(CHANGES.to_csv([row])) == (row,)


@pytest.mark.parametrize("text", ["=1+1", "+49", "-x", "@cmd", "\t=1", "'=1", "''-2"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert protect_text(text) == f"'{text}"
    assert restore_text(protect_text(text)) == text


def test_numbers_keep_their_minus_sign() -> None:
    assert cells_of(CHANGES.to_csv([ROW]))["change_mm3"] == "-609.75"


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused(number: float) -> None:
    with pytest.raises(ReportError, match="volume_mm3 is"):
        CHANGES.to_csv([replace(ROW, volume_mm3=number)])


def test_a_flag_that_holds_the_separator_is_refused() -> None:
    with pytest.raises(ReportError, match="a;b"):
        CHANGES.to_csv([replace(ROW, flags=("a;b",))])


def test_another_header_is_refused() -> None:
    with pytest.raises(ReportError, match="expected"):
        LESIONS.from_csv(CHANGES.to_csv([ROW]))


def test_a_cell_that_is_no_number_is_refused() -> None:
    with pytest.raises(ReportError, match="cannot be read"):
        CHANGES.from_csv(CHANGES.to_csv([ROW]).replace("410.25", "many"))


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_the_dictionary_explains_every_column_in_order(table: Table[object]) -> None:
    rows = list(csv.DictReader(io.StringIO(table.dictionary_csv())))
    assert tuple(rows[0]) == DICTIONARY_COLUMNS
    assert tuple(row["column"] for row in rows) == table.column_names
    assert all(row["meaning"] and row["source"] and row["type"] for row in rows)


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_a_unit_stands_in_the_column_name_and_in_the_dictionary(table: Table[object]) -> None:
    units = {column.name: column.unit for column in table.columns}
    assert all(unit == "mm3" for name, unit in units.items() if name.endswith("_mm3"))
    assert all(unit == "%" for name, unit in units.items() if "percent" in name)


def test_the_dictionary_lists_the_words_of_a_closed_list() -> None:
    rows = {row["column"]: row for row in csv.DictReader(io.StringIO(LESIONS.dictionary_csv()))}
    assert rows["outcome"]["allowed_values"].split(" | ") == [outcome.value for outcome in OutcomeClass]


def test_columns_that_are_not_the_fields_are_refused() -> None:
    @dataclass(frozen=True)
    class Pair:
        first: str

    column = Column(name="second", kind=Kind.TEXT, meaning="m", source="s")
    with pytest.raises(ReportError, match="second"):
        Table(name="pair", record=Pair, columns=(column,))

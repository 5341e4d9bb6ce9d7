"""What a report says of proposals and of volumes that were estimated otherwise."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from herntrack.errors import ReportError
from herntrack.reports.tables import ChangeRow
from herntrack.volumetrics.rules import load_rules
from herntrack.workflows.reporting.classify import assess
from herntrack.workflows.reporting.report import read_truths
from herntrack.workflows.reporting.rows import change_rows, lesion_row, volume_rows
from herntrack.workflows.session import catalogue_of
from tests.unit.workflows.catalogued import PATIENT, Study0

RULES = load_rules()


@pytest.fixture
def study(tmp_path: Path) -> Study0:
    made = Study0(tmp_path / "study")
    made.lesion()
    made.read(0, made.stack(0, "T2 SAG"), 1000.0)
    made.read(91, made.stack(91, "T2 SAG"), 500.0)
    return made


def estimate(study: Study0, partial_mm3: float | None) -> None:
    with catalogue_of(study.workspace) as catalogue:
        catalogue.followup.put_measurements(
            replace(each, partial_volume_mm3=partial_mm3, partial_volume_error_mm3=30.0)
            for each in catalogue.followup.measurements().values()
            if each.volume_mm3 == 500.0
        )


def rows(study: Study0) -> list[ChangeRow]:
    with catalogue_of(study.workspace) as catalogue:
        (assessment,) = assess(catalogue, study.workspace, RULES).assessments
        visits = catalogue.images.visits(PATIENT)
    return change_rows(assessment, visits, RULES, study.workspace.settings.windows)


@pytest.mark.parametrize(
    ("partial_mm3", "flags"),
    # sigma(500) is 103 mm3, that of the estimate 30: together 107, 1.96 times 210.
    [
        (None, ()),
        (291.0, ()),
        (289.0, ("volume_estimates_disagree",)),
        (709.0, ()),
        (711.0, ("volume_estimates_disagree",)),
    ],
)
def test_estimates_disagree_beyond_the_error_of_both(
    study: Study0, partial_mm3: float | None, flags: tuple[str, ...]
) -> None:
    estimate(study, partial_mm3)
    assert [row.flags for row in rows(study)] == [(), flags]
    assert [row.volume_mm3 for row in rows(study)] == [1000.0, 500.0]


def test_the_table_of_volumes_holds_every_estimate_of_the_reading_that_stands(study: Study0) -> None:
    estimate(study, 480.0)
    study.read(91, study.stack(91, "T1 SAG"), 700.0, reader="R9")
    with catalogue_of(study.workspace) as catalogue:
        (assessment,) = assess(catalogue, study.workspace, RULES).assessments
    found = volume_rows(assessment)
    assert [(row.volume_mm3, row.partial_volume_mm3) for row in found] == [(1000.0, None), (500.0, 480.0)]
    assert [row.is_proposed for row in found] == [False, False]


def test_a_proposed_visit_is_flagged_with_its_lesion(study: Study0) -> None:
    with catalogue_of(study.workspace) as catalogue:
        (_, later) = catalogue.followup.readings()
        proposal = replace(later, reading_uid="2.25.99", supersedes=(later.reading_uid,), is_proposed=True)
        catalogue.followup.add_reading(proposal)
        numbers = catalogue.followup.measurements()[later.reading_uid]
        catalogue.followup.put_measurements([replace(numbers, reading_uid="2.25.99")])
        (assessment,) = assess(catalogue, study.workspace, RULES).assessments
    assert [row.flags for row in rows(study)] == [(), ("other_reader_or_protocol", "proposed")]
    assert "proposed" in lesion_row(assessment, RULES).flags


def test_known_volumes_are_read_by_lesion_and_visit(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("lesion_uid,visit_date,volume_mm3\n2.25.1,2024-01-05,812.5\n2.25.1,2024-04-05,0\n")
    assert read_truths(path) == {("2.25.1", date(2024, 1, 5)): 812.5, ("2.25.1", date(2024, 4, 5)): 0.0}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["2.25.1,2024-01-05,nan"], "line 2: nan is no volume; the limits are 0 to 1000000 mm3"),
        (["2.25.1,2024-01-05,-1"], "line 2: -1.0 is no volume"),
        (["2.25.1,2024-01-05,1", "2.25.1,2024-01-05,2"], "line 3: this lesion has that visit already"),
        (["2.25.1,5.1.2024,1"], "line 2: Invalid isoformat string"),
        (["2.25.1,2024-01-05"], "line 2:"),
    ],
)
def test_a_known_volume_that_cannot_be_one_is_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("\n".join(["lesion_uid,visit_date,volume_mm3", *lines]))
    with pytest.raises(ReportError, match=re.escape(message)):
        read_truths(path)

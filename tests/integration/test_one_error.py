"""A reading has one error and a pair of readings one change, wherever they are shown.

One lesion is read by two readers, on two protocols and by a proposal; another begins with a proposal.
What the command line, the tables, the pages and the reading room say of each reading is compared.
"""

from __future__ import annotations

import csv
import io
import math
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from herntrack.model.records import Reading
from herntrack.model.vocabulary import ReadingStatus
from herntrack.reading_room.live_numbers import LivePicture
from herntrack.workflows.reading.opening import open_reading
from herntrack.workflows.recording import AUTOMATIC_READER, Origin, draft_reading, record_reading
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import open_workspace
from tests.factories import ROOT, make_series, write_series
from tests.integration.command import Herntrack, block

PM = "\N{PLUS-MINUS SIGN}"
DATES = ("2024-01-15", "2024-02-15", "2024-03-15", "2024-04-15", "2024-07-15")
SLICE_STEPS_MM = (4.4, 4.4, 4.4, 4.4, 6.0)
K_SAME_MM, K_MIXED_MM, FLOOR_MM3 = 1.6, 2.2, 20.0


@dataclass(frozen=True)
class Told:
    """A reading, and the surface error that its comparison with the baseline has."""

    reading: Reading
    volume_mm3: float
    k_mm: float

    @property
    def sigma_mm3(self) -> float:
        return math.hypot(FLOOR_MM3, self.k_mm * self.volume_mm3 ** (2 / 3))

    @property
    def in_words(self) -> str:
        return f"{self.volume_mm3:.0f} {PM} {self.sigma_mm3:.0f}"


@dataclass(frozen=True)
class Cohort:
    """A measured workspace with all its readings and its report."""

    run: Herntrack
    told: dict[str, Told]
    lesions: tuple[str, str]
    report: Path

    def of(self, lesion: int, date: str, reader: str) -> Told:
        (found,) = (
            each
            for each in self.told.values()
            if each.reading.lesion_uid == self.lesions[lesion]
            and each.reading.visit_date.isoformat() == date
            and each.reading.reader == reader
        )
        return found

    def rows(self, table: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO((self.report / f"{table}.csv").read_text(encoding="utf-8"))))

    def stack(self, date: str) -> str:
        return next(row["stack_uid"] for row in self.run.json("list", "stacks") if row["study_date"] == date)

    def picture(self, lesion: int, date: str, reader: str) -> LivePicture:
        session = open_reading(
            open_workspace(self.run.folder),
            lesion_uid=self.lesions[lesion],
            stack_uid=self.stack(date),
            reader=reader,
        )
        try:
            return session.picture()
        finally:
            session.close()


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    folder = tmp_path_factory.mktemp("one-error")
    for number, (date, step) in enumerate(zip(DATES, SLICE_STEPS_MM, strict=True), start=1):
        values = {"StudyInstanceUID": f"{ROOT}.5.{number}", "StudyDate": date.replace("-", "")}
        slices = make_series(5, number=number, step=step, Rows=40, Columns=40, **values)
        write_series(folder / "export" / str(number), slices)
    run = Herntrack(folder)
    run("init", "study")
    run.folder = folder / "study"
    run("ingest", folder / "export")
    add = ("lesion", "add", "--patient", "T-001")
    lesions = (
        run.json(*add, "--level", "L5-S1", "--side", "left")["lesion_uid"],
        run.json(*add, "--level", "L4-L5", "--side", "left")["lesion_uid"],
    )
    made = [
        (lesions[0], 0, 20, "R1", False, K_SAME_MM),
        (lesions[0], 1, 19, "R1", False, K_SAME_MM),
        (lesions[0], 2, 17, AUTOMATIC_READER, True, K_MIXED_MM),
        (lesions[0], 3, 14, "R2", False, K_MIXED_MM),
        (lesions[0], 4, 11, "R1", False, K_MIXED_MM),
        # Stands beside R1's and decides nothing.
        (lesions[0], 1, 18, "R2", False, K_MIXED_MM),
        (lesions[1], 0, 16, AUTOMATIC_READER, True, K_MIXED_MM),
        (lesions[1], 3, 9, "R1", False, K_MIXED_MM),
    ]
    told = {}
    for lesion_uid, visit, n_rows, reader, is_proposed, k_mm in made:
        draft = {"reader": reader, "is_proposed": is_proposed}
        reading = _read(run.folder, lesion_uid, DATES[visit], block(n_rows), **draft)
        volume = np.count_nonzero(block(n_rows)) * SLICE_STEPS_MM[visit] * 0.7 * 0.6
        told[reading.reading_uid] = Told(reading, volume, k_mm)
    report = Path(run.json("report")["report_html"]).parent
    return Cohort(run=run, told=told, lesions=lesions, report=report)


def _read(folder: Path, lesion_uid: str, date: str, mask: np.ndarray, **values: Any) -> Reading:
    workspace = open_workspace(folder)
    with catalogue_of(workspace) as catalogue:
        lesion = catalogue.followup.lesion(lesion_uid)
        (each,) = (found for found in catalogue.images.stacks() if found.study.study_date.isoformat() == date)
        draft = draft_reading(
            Origin(),
            lesion,
            each,
            visit_date=each.study.study_date,
            reader="somebody",
            status=ReadingStatus.PRESENT,
            source="made here",
        )
        draft = replace(draft, **values)
        return record_reading(catalogue, workspace, draft, lesion=lesion, each=each, mask=mask)


def test_what_the_command_line_prints_of_readings(cohort: Cohort) -> None:
    expected = {uid: pytest.approx(each.sigma_mm3) for uid, each in cohort.told.items()}
    for words in (("measure",), ("list", "readings")):
        found = cohort.run.json(*words)
        assert {row["reading_uid"]: row["volume_sigma_mm3"] for row in found} == expected
    table = csv.DictReader(io.StringIO(cohort.run("list", "readings", "--csv").stdout))
    assert {row["reading_uid"]: float(row["volume_sigma_mm3"]) for row in table} == expected
    shown = [
        reading
        for lesion in cohort.lesions
        for visit in cohort.run.json("show", "lesion", lesion)["visits"]
        for reading in visit["readings"]
    ]
    assert {each["reading_uid"]: each["volume_sigma_mm3"] for each in shown} == expected


def test_what_the_command_line_draws_of_readings(cohort: Cohort) -> None:
    words = sorted(each.in_words for each in cohort.told.values())
    drawn = cohort.run("show", "patient", "T-001").stdout
    assert sorted(re.findall(rf"(\d+ {PM} \d+) mm3", drawn)) == words
    drawn = "".join(cohort.run("show", "lesion", uid).stdout for uid in cohort.lesions)
    assert sorted(re.findall(rf"(\d+ {PM} \d+) mm3", drawn)) == words


def test_what_the_tables_say_of_the_readings_that_stand(cohort: Cohort) -> None:
    changes, volumes = cohort.rows("changes"), cohort.rows("volumes")
    stated = {(row["lesion_uid"], row["visit_date"]): row["volume_sigma_mm3"] for row in changes}
    assert len(volumes) == 7
    for row in volumes:
        told = cohort.told[row["reading_uid"]]
        assert row["volume_sigma_mm3"] == f"{told.sigma_mm3:.2f}"
        assert stated[row["lesion_uid"], row["visit_date"]] == row["volume_sigma_mm3"]


@pytest.mark.parametrize("page", ["report.html", "patient-*.html"])
def test_what_the_pages_say_of_the_readings_that_stand(cohort: Cohort, page: str) -> None:
    (path,) = cohort.report.rglob(page)
    text = path.read_text(encoding="utf-8")
    standing = {row["reading_uid"] for row in cohort.rows("volumes")}
    for uid, each in cohort.told.items():
        said = re.findall(rf"(?<!\d){each.volume_mm3:.0f} {PM} (\d+)", text)
        # In the table of visits and in the drawing's words, in the pictures for first and last.
        assert (len(said) >= 2, {*said} <= {f"{each.sigma_mm3:.0f}"}) == (uid in standing, True)


@pytest.mark.parametrize(
    ("lesion", "date", "reader", "of"),
    [
        (0, DATES[0], "R1", "R1"),
        (0, DATES[1], "R1", "R1"),
        (0, DATES[1], "R2", "R2"),
        # R1 looks at a proposal that nobody accepted.
        (0, DATES[2], "R1", AUTOMATIC_READER),
        (0, DATES[3], "R2", "R2"),
        (0, DATES[4], "R1", "R1"),
        (1, DATES[0], "R2", AUTOMATIC_READER),
        (1, DATES[3], "R1", "R1"),
    ],
)
def test_what_the_room_says_is_what_the_report_says(
    cohort: Cohort, lesion: int, date: str, reader: str, of: str
) -> None:
    picture, told = cohort.picture(lesion, date, reader), cohort.of(lesion, date, of)
    assert picture.volume_mm3 == pytest.approx(told.volume_mm3)
    assert picture.sigma_mm3 == pytest.approx(told.sigma_mm3)
    rows = {
        row["visit_date"]: row
        for row in cohort.rows("changes")
        if row["lesion_uid"] == cohort.lesions[lesion]
    }
    row = rows[date]
    if row["reader"] == of and row["change_percent"]:
        assert picture.change is not None
        numbers = ("change_mm3", "change_percent", "change_percent_low", "change_percent_high")
        assert [f"{getattr(picture.change, name):.2f}" for name in numbers] == [row[name] for name in numbers]
        assert str(picture.state) == row["visit_state"]
    # The plotted course of the report's other visits, with their errors.
    for point in picture.points:
        other = rows[point.visit_date.isoformat()]
        half = 1.96 * float(other["volume_sigma_mm3"])
        assert point.high_mm3 == pytest.approx(float(other["volume_mm3"]) + half, abs=0.02)
        assert str(point.state) == other["visit_state"]


def test_every_flag_stands_in_the_data_dictionary(cohort: Cohort) -> None:
    for table in ("changes", "lesions", "outcomes"):
        (known,) = (
            row["allowed_values"].split(" | ")
            for row in cohort.rows(f"{table}.dictionary")
            if row["column"] == "flags"
        )
        assert len(known) == len(set(known))
        used = {flag for row in cohort.rows(table) for flag in row["flags"].split(";") if flag}
        assert used
        assert used <= set(known)


def test_a_change_has_one_interval(cohort: Cohort) -> None:
    pages = [*cohort.report.glob("report.html"), *cohort.report.rglob("patient-*.html")]
    texts = [re.sub(r"(<[^>]+>|\s)+", " ", page.read_text(encoding="utf-8")) for page in pages]
    assert len(texts) == 2
    for lesion in cohort.rows("lesions"):
        row = next(
            row
            for row in cohort.rows("changes")
            if (row["lesion_uid"], row["visit_date"]) == (lesion["lesion_uid"], lesion["last_date"])
        )
        assert lesion["change_percent"] == row["change_percent"]
        low, high = (_signed(row[f"change_percent_{end}"]) for end in ("low", "high"))
        assert all(f"{low} to {high}" in text for text in texts)


def _signed(cell: str) -> str:
    rounded = f"{abs(float(cell)):.0f}"
    return f"{'+' if float(cell) > 0 else chr(0x2212)}{rounded}"


def test_an_accepted_proposal_takes_the_smaller_error_everywhere(cohort: Cohort, tmp_path: Path) -> None:
    run = Herntrack(shutil.copytree(cohort.run.folder, tmp_path / "study"))
    proposal = cohort.of(0, DATES[2], AUTOMATIC_READER)
    before = cohort.picture(0, DATES[2], "R1").sigma_mm3
    run("read", "accept", "--reading", proposal.reading.reading_uid, "--reader", "R1")
    expected = replace(proposal, k_mm=K_SAME_MM).sigma_mm3
    assert before == pytest.approx(proposal.sigma_mm3)
    (row,) = (
        row
        for row in run.json("measure")
        if (row["lesion_uid"], row["visit_date"]) == (cohort.lesions[0], DATES[2])
    )
    assert (row["is_proposed"], row["volume_sigma_mm3"]) == (False, pytest.approx(expected))
    accepted = Cohort(run=run, told={}, lesions=cohort.lesions, report=tmp_path)
    assert accepted.picture(0, DATES[2], "R1").sigma_mm3 == pytest.approx(expected)

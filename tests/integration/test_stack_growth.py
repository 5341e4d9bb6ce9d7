"""Slices that come to a stack after somebody read it: said everywhere, and no number changes."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from herntrack.errors import GeometryMismatchError, ReadingError, SignedReadingError
from herntrack.model.vocabulary import Level, ReadingStatus
from herntrack.reading_room.level_lock import LevelLock, LevelStatus
from herntrack.workflows.listings.worklist import worklist
from herntrack.workflows.reading.accepting import accept_reading
from herntrack.workflows.reading.opening import open_reading
from herntrack.workflows.reading.saves import SavedReading
from herntrack.workflows.reading.sign_off import sign_reading
from herntrack.workflows.reading_masks import reading_mask
from herntrack.workflows.recording import Origin, draft_reading, record_reading
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import open_workspace
from tests.factories import ROOT, make_series, write_series
from tests.integration.command import Herntrack, block, write_nifti

GREW = "the reading was made on 5 of now {n_now} slices"
"""What every command says."""


def series(n_slices: int, **values: Any) -> list[Any]:
    return make_series(
        n_slices,
        number=2,
        Rows=40,
        Columns=40,
        StudyInstanceUID=f"{ROOT}.5.2",
        StudyDate="20240415",
        **values,
    )


def more_above() -> list[Any]:
    return series(8)[5:]


def more_below() -> list[Any]:
    return series(3, start=5.0 - 3 * 4.4)


def more_between() -> list[Any]:
    return series(9, step=2.2)[1::2]


def more_beyond_a_gap() -> list[Any]:
    return series(3, start=-55.0)


class Grown:
    """A workspace whose second visit was read, and whose stack of that visit grew afterwards."""

    def __init__(self, run: Herntrack) -> None:
        self.run = run
        self.export = run.folder.parent / "export"
        stacks = run.json("list", "stacks")
        self.stack_uid = stacks[1]["stack_uid"]
        self.lesion_uid = run.json("lesion", "add", "--patient", "T-001", "--level", "L5-S1")["lesion_uid"]
        for stack, n_rows in zip(stacks, (20, 10), strict=True):
            mask = write_nifti(run.folder / "mask.nii.gz", stack, block(n_rows))
            words = ("--lesion", self.lesion_uid, "--stack", stack["stack_uid"], "--reader", "R1")
            run("read", "import", mask, *words)
        self.before = self.numbers()

    def grow(self, images: list[Any], *, first_number: int = 100) -> str:
        for number, image in enumerate(images):
            uid = f"{ROOT}.77.{number}"
            image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = uid
            image.InstanceNumber = first_number + number
        write_series(self.export / "later", images)
        return self.run("ingest", self.export).stderr

    def numbers(self) -> dict[str, float]:
        rows = self.run.json("measure")
        return {row["visit_date"]: row["volume_mm3"] for row in rows}

    @property
    def reading_uid(self) -> str:
        (row,) = [row for row in self.run.json("list", "readings") if row["visit_date"] == "2024-04-15"]
        return str(row["reading_uid"])


@pytest.fixture
def grown(run: Herntrack) -> Grown:
    return Grown(run)


@pytest.mark.parametrize(
    ("more", "n_now"),
    [(more_above, 8), (more_below, 8), (more_between, 9), (more_beyond_a_gap, 8)],
    ids=["above", "below", "between", "beyond a gap"],
)
def test_every_command_says_it_and_the_volume_stays(grown: Grown, more: Any, n_now: int) -> None:
    said = GREW.format(n_now=n_now)
    assert said in grown.grow(more())
    run = grown.run
    assert said in run("check", code=1).stderr
    assert said in run("measure").stderr
    run("rebuild")
    assert said in run("check", code=1).stderr
    assert grown.numbers() == grown.before
    assert grown.before == pytest.approx({"2024-01-15": 1663.2, "2024-04-15": 831.6})
    assert said in run("report").stderr
    with (run.folder / "reports" / "changes.csv").open(newline="") as file:
        rows = {row["visit_date"]: row for row in csv.DictReader(file)}
    assert rows["2024-04-15"]["flags"] == "stack_changed_since_read"
    assert rows["2024-04-15"]["visit_state"] == "reduced"
    assert rows["2024-04-15"]["volume_mm3"] == "831.60"
    assert rows["2024-01-15"]["flags"] == ""
    # It may begin a sentence there.
    assert said.removeprefix("the ") in (run.folder / "reports" / "report.html").read_text()


def test_a_block_that_comes_before_the_one_that_was_read_changes_no_number(grown: Grown) -> None:
    # Blocks are counted along the spine, so that the new one has the stack UID that was read.
    said = "the 5 slices that the reading was made on lie otherwise in the series now"
    assert said in grown.grow(more_beyond_a_gap(), first_number=6)
    run = grown.run
    assert [row["n_slices"] for row in run.json("list", "stacks")] == [5, 3, 5]
    run("rebuild")
    assert said in run("check", code=1).stderr
    assert said in run("report").stderr
    assert grown.numbers() == grown.before
    session = open_reading(
        open_workspace(run.folder), lesion_uid=grown.lesion_uid, stack_uid=grown.stack_uid, reader="R1"
    )
    assert any(said in each for each in session.notices)
    assert session.mask.n_voxels == 0
    session.close()


def test_where_nothing_grew_nothing_is_said(grown: Grown) -> None:
    run = grown.run
    assert "now" not in run("ingest", grown.export).stderr
    run("check")
    assert "slices" not in run("report").stderr


def test_the_room_tells_it_and_saving_again_settles_it(grown: Grown) -> None:
    grown.grow(more_below())
    workspace = open_workspace(grown.run.folder)
    note = next(item.note for item in worklist(workspace) if item.visit_date == date(2024, 4, 15))
    assert GREW.format(n_now=8) in note
    session = open_reading(workspace, lesion_uid=grown.lesion_uid, stack_uid=grown.stack_uid, reader="R1")
    assert [GREW.format(n_now=8) in each for each in session.notices] == [True]
    assert session.needs_save
    # What was outlined lies where it lay: three slices came in front.
    assert session.mask.mask.sum(axis=(1, 2)).tolist() == [0, 0, 0, 0, 150, 150, 150, 0]
    saved = session.save()
    session.close()
    assert isinstance(saved, SavedReading)
    assert not any(item.note for item in worklist(workspace))
    grown.run("check")
    assert grown.numbers() == grown.before


def test_slices_between_leave_holes_that_only_a_reader_fills(grown: Grown) -> None:
    grown.grow(more_between())
    workspace = open_workspace(grown.run.folder)
    with catalogue_of(workspace) as catalogue:
        reading = catalogue.followup.reading(grown.reading_uid)
        with pytest.raises(GeometryMismatchError, match="5 of now 9 slices"):
            reading_mask(catalogue, workspace, reading)
    session = open_reading(workspace, lesion_uid=grown.lesion_uid, stack_uid=grown.stack_uid, reader="R1")
    assert session.mask.mask.sum(axis=(1, 2)).tolist() == [0, 0, 150, 0, 150, 0, 150, 0, 0]
    assert any(GREW.format(n_now=9) in each for each in session.notices)
    session.close()


def test_that_nothing_is_left_is_said_of_the_slices_that_were_looked_at(grown: Grown) -> None:
    words = ("--lesion", grown.lesion_uid, "--visit", "2024-04-15", "--reader", "R1")
    grown.run("read", "absent", *words, "--reason", "nothing is left")
    assert GREW.format(n_now=8) in grown.grow(more_above())
    assert grown.numbers()["2024-04-15"] == 0


def test_a_proposal_made_on_fewer_slices_is_not_accepted(grown: Grown) -> None:
    workspace = open_workspace(grown.run.folder)
    with catalogue_of(workspace) as catalogue:
        lesion = catalogue.followup.lesion(grown.lesion_uid)
        each = catalogue.images.stack(grown.stack_uid)
        draft = draft_reading(
            Origin(),
            lesion,
            each,
            visit_date=date(2024, 4, 15),
            reader="herntrack",
            status=ReadingStatus.PRESENT,
            source="carried forward",
        )
        proposal = record_reading(
            catalogue,
            workspace,
            replace(draft, is_proposed=True),
            lesion=lesion,
            each=each,
            mask=block(10),
        )
    grown.grow(more_above())
    with pytest.raises(ReadingError, match=r"on other slices than the stack has now \(5; now 8\)"):
        accept_reading(workspace, proposal.reading_uid, reader="R2")


def test_what_was_made_on_fewer_slices_is_not_signed(grown: Grown) -> None:
    lock = LevelLock(level=Level.L5_S1, visit_date=date(2024, 4, 15), status=LevelStatus.CONFIRMED)
    grown.grow(more_above())
    workspace = open_workspace(grown.run.folder)
    with pytest.raises(SignedReadingError, match="5 of now 8 slices, so it cannot be signed"):
        sign_reading(workspace, grown.reading_uid, reader="R1", level_lock=lock)

"""A patient is read through the room's sessions, on disk: drafts, saves, conflicts, signatures, outcome."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from herntrack.errors import DraftError, ReadingError, SignedReadingError
from herntrack.model.base_plane import BasePlane
from herntrack.model.descriptors import Descriptors
from herntrack.model.facet_line import FacetLine
from herntrack.model.records import Reading
from herntrack.model.vocabulary import (
    HerniationType,
    Horizon,
    ReadingStatus,
    Side,
    VisitState,
)
from herntrack.readings.store import ReadingStore
from herntrack.workflows.check import check
from herntrack.workflows.listings.worklist import ReadingState, worklist
from herntrack.workflows.reading.opening import open_reading
from herntrack.workflows.reading.readings import read_without_mask
from herntrack.workflows.reading.saves import SaveConflict, settle_conflict
from herntrack.workflows.reading.session import ReadingSession
from herntrack.workflows.reading.sign_off import amend_reading
from herntrack.workflows.rebuild import rebuild
from herntrack.workflows.recording import AUTOMATIC_READER, Origin, draft_reading, record_reading
from herntrack.workflows.reporting.classify import classify
from herntrack.workflows.reporting.measure import measure
from herntrack.workflows.session import catalogue_of
from tests.integration.read_room import CONFIRMED, READER, ROOT, Room, followup_rows, sample_patient, saved


def plane_of(session: ReadingSession) -> BasePlane:
    corners = sample_patient()["visits"][0]["lesions"][session.lesion.lesion_uid]["posterior_corners_lps_mm"]
    return BasePlane.from_corners(*corners, session.stack.stack.geometry)


def test_a_patient_is_read_from_the_first_visit_to_the_signature(room: Room) -> None:
    assert room.states() == [ReadingState.TO_READ] * len(room.visits)
    for number, visit in enumerate(room.visits):
        session = room.open(number)
        if visit.status is ReadingStatus.PRESENT:
            session.propose(visit.mask, base_plane=plane_of(session), points_lps=((1.0, 2.0, 3.0),))
            session.describe(Descriptors(type=HerniationType.SEQUESTRATION, side=Side.LEFT))
        else:
            session.say(visit.status, "no focal displacement remains")
        shown = session.picture()
        reading = saved(session).reading
        session.sign(CONFIRMED)
        session.close()
        assert reading.status is visit.status
    assert room.states() == [ReadingState.SIGNED] * len(room.visits)
    assert list((room.workspace.readings_folder / "drafts").glob("*.journal")) == []
    measure(room.workspace)
    (assessment,) = classify(room.workspace).assessments
    latest = assessment.decisions[Horizon.LATEST]
    assert latest.outcome == room.outcome
    # What the room showed before the last save is what the stored readings say.
    assert (shown.outcome, shown.reason) == (latest.outcome, latest.reason)
    assert shown.state is VisitState.ABSENT
    assert "".join(each.state.letter for each in shown.points if each.state)[1:] == latest.visit_states
    before = followup_rows(room.workspace)
    rebuild(room.workspace)
    measure(room.workspace)
    classify(room.workspace)
    assert followup_rows(room.workspace) == before
    assert check(room.workspace).problems == ()


def test_a_saved_reading_opens_again_as_it_was(room: Room) -> None:
    session = room.open()
    session.propose(room.visits[0].mask, base_plane=plane_of(session), base_plane_source="proposed")
    session.mask.brush(8, [[100.5, 100.5], [110, 120]], radius_mm=3.0)
    session.describe(Descriptors(type=HerniationType.EXTRUSION, msu_size=2))
    mask, plane = session.mask.mask.copy(), session.mask.base_plane
    saved(session)
    session.close()
    with catalogue_of(room.workspace) as catalogue:
        (stored,) = catalogue.followup.readings(room.lesion_uid)
    assert (stored.base_plane, stored.base_plane_source, stored.source) == (plane, "proposed", "reading room")
    again = room.open()
    assert np.array_equal(again.mask.mask, mask)
    assert again.mask.base_plane == plane
    assert again.judgement.descriptors == Descriptors(type=HerniationType.EXTRUSION, msu_size=2)
    assert (again.is_unsaved, again.needs_save, again.notices) == (False, False, ())
    assert saved(again).reading.reading_uid == stored.reading_uid
    assert again.mask.clear(8) is not None
    newer = saved(again).reading
    again.close()
    assert newer.supersedes == (stored.reading_uid,)
    store = ReadingStore(room.workspace.readings_folder)
    assert [each.superseded_by for each in store.readings()] == [newer.reading_uid, None]
    assert store.verify() == []


def test_what_was_not_saved_is_there_when_the_visit_is_opened_again(room: Room) -> None:
    session = room.open()
    session.mask.brush(8, [[100, 100]], radius_mm=4.0)
    session.mask.brush(9, [[100, 100]], radius_mm=4.0)
    session.mask.undo()
    session.describe(Descriptors(side=Side.RIGHT))
    mask = session.mask.mask.copy()
    session.close()
    assert [item.has_draft for item in worklist(room.workspace, reader=READER)][:2] == [True, False]
    assert not any(item.has_draft for item in worklist(room.workspace, reader="reader-2"))
    again = room.open()
    assert np.array_equal(again.mask.mask, mask)
    assert again.notices[0].startswith("Changes restored: 2")
    assert again.is_unsaved
    assert again.judgement.descriptors.side is Side.RIGHT
    again.mask.redo()
    assert again.mask.outlined_slices == (8, 9)
    again.close(discard=True)
    fresh = room.open()
    assert (fresh.mask.n_voxels, fresh.notices) == (0, ())
    fresh.close()
    assert check(room.workspace).problems == ()


KILLED = """
import os, signal, sys
from pathlib import Path
from herntrack.model.facet_line import FacetLine
from herntrack.workflows.reading.opening import open_reading
from herntrack.workflows.workspace import open_workspace

session = open_reading(
    open_workspace(Path(sys.argv[1])), lesion_uid=sys.argv[2], stack_uid=sys.argv[3], reader="reader-1"
)
for number in range(int(sys.argv[4])):
    session.mask.brush(8, [[100, 60 + 4 * number]], radius_mm=1.5)
    if number == 1:
        session.save()
session.mask.move_facet_line(FacetLine(ends_lps=((-8.0, 50.0, -60.0), (9.0, 50.5, -60.0))))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_window_leaves_its_work_and_no_lock(room: Room) -> None:
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            KILLED,
            str(room.workspace.folder),
            room.lesion_uid,
            room.visits[0].stack_uid,
            "5",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == -signal.SIGKILL, run.stderr
    session = room.open()
    assert (session.refusal, session.mask.n_steps, session.is_unsaved) == ("", 6, True)
    assert session.mask.facet_line == FacetLine(ends_lps=((-8.0, 50.0, -60.0), (9.0, 50.5, -60.0)))
    for _ in range(4):
        session.mask.undo()
    assert not session.is_unsaved
    with catalogue_of(room.workspace) as catalogue:
        (stored,) = catalogue.followup.readings(room.lesion_uid)
    assert session.mask.facet_line is None
    session.mask.redo()
    assert saved(session).reading.supersedes == (stored.reading_uid,)
    session.close()


LINE = FacetLine(ends_lps=((-9.25, 50.1, -61.3), (8.5, 50.9, -60.7)))


def test_the_facet_line_is_on_record_and_stays_with_every_later_version(room: Room) -> None:
    session = room.open()
    session.propose(room.visits[0].mask, base_plane=plane_of(session))
    session.mask.move_facet_line(LINE)
    first = saved(session).reading
    session.sign(CONFIRMED)
    session.close()
    record = room.workspace.readings_folder / room.lesion_uid / f"{first.reading_uid}.json"
    assert json.loads(record.read_text())["facet_line"] == LINE.as_dict()
    looked = room.open()
    assert (looked.mask.facet_line, looked.is_signed) == (LINE, True)
    with pytest.raises(DraftError, match="is final"):
        looked.mask.move_facet_line(None)
    looked.close()
    amended = amend_reading(room.workspace, first.reading_uid, reader=READER, reason="looked again").reading
    assert amended.facet_line == LINE
    rebuild(room.workspace)
    with catalogue_of(room.workspace) as catalogue:
        assert [each.facet_line for each in catalogue.followup.readings()] == [LINE, LINE]
    assert check(room.workspace).problems == ()
    again = room.open()
    assert (again.mask.facet_line, again.needs_save) == (LINE, False)
    again.mask.move_facet_line(None)
    assert again.needs_save
    assert saved(again).reading.facet_line is None
    again.close()


def test_a_line_drawn_on_a_proposal_leaves_it_the_proposal_that_it_was(room: Room) -> None:
    with catalogue_of(room.workspace) as catalogue:
        each = catalogue.images.stack(room.visits[0].stack_uid)
        lesion = catalogue.followup.lesion(room.lesion_uid)
        draft = draft_reading(
            Origin(),
            lesion,
            each,
            visit_date=room.visits[0].visit_date,
            reader=AUTOMATIC_READER,
            status=ReadingStatus.PRESENT,
            source="carried forward",
        )
        record_reading(
            catalogue,
            room.workspace,
            replace(draft, is_proposed=True),
            lesion=lesion,
            each=each,
            mask=room.visits[0].mask,
            is_semiautomatic=True,
        )
    session = room.open()
    session.mask.move_facet_line(LINE)
    reading = saved(session).reading
    session.close()
    assert (reading.source, reading.facet_line) == ("reading room, proposal accepted as it was", LINE)


def test_a_second_window_may_look_and_not_change(room: Room) -> None:
    first = room.open()
    first.mask.brush(8, [[100, 100]], radius_mm=4.0)
    second = room.open()
    assert "open in another window" in second.refusal
    for change in (
        lambda: second.mask.brush(8, [[50, 50]], radius_mm=4.0),
        lambda: second.say(ReadingStatus.ABSENT, "nothing"),
        lambda: second.describe(Descriptors(side=Side.LEFT)),
        second.save,
    ):
        with pytest.raises(DraftError, match="open in another window"):
            change()
    assert second.mask.n_voxels == 0
    second.close()
    other_reader = room.open(reader="reader-2")
    assert other_reader.refusal == ""
    other_reader.close()
    first.close(discard=True)
    third = room.open()
    assert third.refusal == ""
    third.close()


def test_where_no_draft_can_be_kept_the_reading_is_looked_at(room: Room) -> None:
    drafts = room.workspace.readings_folder / "drafts"
    if drafts.is_dir():
        drafts.rename(drafts.with_name("drafts-before"))
    # No rights of a folder would stop root; a file in its place stops everybody.
    drafts.write_text("in the way")
    session = room.open()
    assert "can be looked at, but nothing is kept" in session.refusal
    assert session.mask.mask.shape == session.stack.stack.geometry.shape_zyx
    with pytest.raises(DraftError, match="can be looked at"):
        session.mask.brush(8, [[100, 100]], radius_mm=4.0)
    assert session.mask.n_voxels == 0
    session.close()
    drafts.unlink()
    again = room.open()
    assert again.refusal == ""
    again.close()


def conflicting(room: Room) -> tuple[ReadingSession, SaveConflict]:
    """Save from a window while another program saved the same reading."""
    session = room.open()
    session.mask.brush(8, [[100, 100]], radius_mm=4.0)
    read_without_mask(
        room.workspace,
        lesion_uid=room.lesion_uid,
        visit_date=room.visits[0].visit_date,
        reader=READER,
        status=ReadingStatus.ABSENT,
        reason="said elsewhere",
    )
    outcome = session.save()
    assert isinstance(outcome, SaveConflict)
    return session, outcome


@pytest.mark.parametrize("keeps_mine", [True, False])
def test_a_reading_made_elsewhere_meanwhile_is_a_conflict_and_both_stay(room: Room, keeps_mine: bool) -> None:
    session, conflict = conflicting(room)
    assert "both are kept" in conflict.sentence
    (other,) = conflict.others
    assert other.reason == "said elsewhere"
    assert conflict.reading.supersedes == ()
    (item, *_) = worklist(room.workspace)
    assert (item.state, item.reading_uids) == (
        ReadingState.IN_CONFLICT,
        (other.reading_uid, conflict.reading.reading_uid),
    )
    with pytest.raises(SignedReadingError, match="stand beside each other"):
        session.sign(CONFIRMED)
    session.close()
    mine, theirs = conflict.reading, other
    keep, drop = (mine, theirs) if keeps_mine else (theirs, mine)
    settled = settle_conflict(
        room.workspace,
        keep=keep.reading_uid,
        others=[drop.reading_uid],
        reader=READER,
        reason="looked again",
    ).reading
    assert settled.status is keep.status
    assert room.states()[0] is ReadingState.READ
    again = room.open()
    assert again.started_from == settled
    assert (again.mask.n_voxels > 0) == keeps_mine
    again.close()
    assert len(ReadingStore(room.workspace.readings_folder).readings()) == 3


def test_what_was_restored_does_not_replace_what_was_saved_since(room: Room) -> None:
    session = room.open()
    session.mask.brush(8, [[100, 100]], radius_mm=4.0)
    session.close()
    read_without_mask(
        room.workspace,
        lesion_uid=room.lesion_uid,
        visit_date=room.visits[0].visit_date,
        reader=READER,
        status=ReadingStatus.ABSENT,
        reason="said elsewhere",
    )
    again = room.open()
    assert again.mask.n_voxels > 0
    assert isinstance(again.save(), SaveConflict)
    again.close()


def test_absent_is_one_word_and_can_be_taken_back(room: Room) -> None:
    session = room.open()
    session.propose(room.visits[0].mask)
    with pytest.raises(ReadingError, match="says why"):
        session.say(ReadingStatus.ABSENT)
    session.say(ReadingStatus.ABSENT, "none left")
    assert (session.mask.n_voxels, session.picture().volume_mm3) == (0, 0.0)
    session.mask.undo()
    session.say(ReadingStatus.PRESENT)
    assert np.array_equal(session.mask.mask, room.visits[0].mask)
    assert saved(session).reading.reason == ""
    session.close()


def proposed(room: Room, visit: int = 0) -> Reading:
    """Record a proposal of the engine for a visit."""
    with catalogue_of(room.workspace) as catalogue:
        lesion = catalogue.followup.lesion(room.lesion_uid)
        each = catalogue.images.stack(room.visits[visit].stack_uid)
        draft = draft_reading(
            Origin(),
            lesion,
            each,
            visit_date=room.visits[visit].visit_date,
            reader=AUTOMATIC_READER,
            status=ReadingStatus.PRESENT,
            source="one click",
        )
        draft = replace(draft, is_proposed=True, points_lps=((1.0, 2.0, 3.0),))
        return record_reading(
            catalogue, room.workspace, draft, lesion=lesion, each=each, mask=room.visits[visit].mask
        )


@pytest.mark.parametrize("is_changed", [False, True])
def test_a_proposal_is_shown_and_becomes_a_reading_when_it_is_saved(room: Room, is_changed: bool) -> None:
    proposal = proposed(room)
    assert room.states()[0] is ReadingState.PROPOSED
    session = room.open()
    assert (session.is_proposed, session.is_unsaved, session.needs_save) == (True, False, True)
    assert np.array_equal(session.mask.mask, room.visits[0].mask)
    with pytest.raises(ReadingError, match="save it, then sign"):
        session.sign(CONFIRMED)
    if is_changed:
        session.mask.clear(session.mask.outlined_slices[0])
        assert not session.is_proposed
    reading = saved(session).reading
    assert (session.is_proposed, session.needs_save) == (False, False)
    session.close()
    assert (reading.is_proposed, reading.supersedes) == (False, (proposal.reading_uid,))
    assert (reading.proposed_from, reading.points_lps) == (proposal.reading_uid, ((1.0, 2.0, 3.0),))
    how = "from a proposal" if is_changed else "proposal accepted as it was"
    assert reading.source == f"reading room, {how}"
    assert room.states()[0] is ReadingState.READ
    # Another reader gets the same proposal, not the first reader's word.
    other = room.open(reader="reader-2")
    assert other.is_proposed
    assert np.array_equal(other.mask.mask, room.visits[0].mask)
    assert saved(other).reading.proposed_from == proposal.reading_uid
    other.close()
    assert room.states()[0] is ReadingState.IN_CONFLICT


def test_an_empty_outline_is_not_saved_as_present(room: Room) -> None:
    session = room.open()
    with pytest.raises(ReadingError, match="outline it, or read it as absent"):
        session.save()
    session.mask.brush(8, [[100, 100]], radius_mm=4.0)
    saved(session)
    session.close()


def test_a_draft_of_another_grid_is_put_aside(room: Room) -> None:
    session = room.open()
    session.mask.brush(8, [[100, 100]], radius_mm=4.0)
    path = session._journal.path  # type: ignore[union-attr]
    session.close()
    path.write_bytes(b"not a journal")
    again = room.open()
    assert "kept as" in again.notices[0]
    assert path.with_suffix(".unusable").read_bytes() == b"not a journal"
    assert again.mask.n_voxels == 0
    again.close()


def test_the_clock_is_an_argument(room: Room) -> None:
    moment = Origin().now()
    session = open_reading(
        room.workspace,
        lesion_uid=room.lesion_uid,
        stack_uid=room.visits[0].stack_uid,
        reader=READER,
        origin=Origin(now=lambda: moment, uid=lambda: "2.25.4711"),
    )
    session.propose(room.visits[0].mask)
    reading = saved(session).reading
    session.close()
    assert (reading.reading_uid, reading.created_at) == ("2.25.4711", moment)

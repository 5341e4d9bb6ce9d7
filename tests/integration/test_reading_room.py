"""A patient is read through the room's sessions, on disk: drafts, saves, conflicts, signatures, outcome."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from herntrack.errors import DraftError, ReadingError, SignedReadingError
from herntrack.model.base_plane import BasePlane
from herntrack.model.descriptors import Descriptors
from herntrack.model.reading_decisions import ReadingAmendment, ReadingSignature
from herntrack.model.records import Reading
from herntrack.model.vocabulary import (
    HerniationType,
    Horizon,
    Level,
    ReadingStatus,
    Side,
    VisitState,
)
from herntrack.reading_room.level_lock import LevelLock, LevelStatus
from herntrack.readings.decisions import DecisionStore
from herntrack.readings.store import ReadingStore
from herntrack.workflows.blinding import begin_blinding, blinded_worklist, unblind
from herntrack.workflows.check import check
from herntrack.workflows.classify import classify
from herntrack.workflows.ingest import ingest
from herntrack.workflows.mask_import import read_mask
from herntrack.workflows.measure import measure
from herntrack.workflows.reading_opening import open_reading
from herntrack.workflows.reading_saves import SaveConflict, SavedReading, settle_conflict
from herntrack.workflows.reading_session import ReadingSession
from herntrack.workflows.readings import Origin, add_lesion, read_without_mask
from herntrack.workflows.rebuild import rebuild
from herntrack.workflows.recording import AUTOMATIC_READER, draft_reading, record_reading
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.sign_off import amend_reading, sign_reading
from herntrack.workflows.signatures import signatures
from herntrack.workflows.worklist import ReadingState, filter_items, next_item, worklist
from herntrack.workflows.workspace import Workspace, create_workspace, open_workspace

ROOT = Path(__file__).resolve().parents[2]
PATIENT = "S-001"
READER = "reader-1"
CONFIRMED = LevelLock(level=Level.L5_S1, status=LevelStatus.CONFIRMED, by=READER)


@dataclass(frozen=True)
class Visit:
    """What is known of a visit of the sample patient."""

    visit_date: date
    stack_uid: str
    mask: np.ndarray
    status: ReadingStatus


@dataclass(frozen=True)
class Room:
    """A workspace with one patient and one lesion."""

    workspace: Workspace
    lesion_uid: str
    visits: tuple[Visit, ...]
    outcome: str

    def open(self, visit: int = 0, reader: str = READER) -> ReadingSession:
        """Open the reading of a visit."""
        return open_reading(
            self.workspace, lesion_uid=self.lesion_uid, stack_uid=self.visits[visit].stack_uid, reader=reader
        )

    def states(self, **options: Any) -> list[ReadingState]:
        """Return the states of the worklist."""
        return [item.state for item in worklist(self.workspace, **options)]


def sample_patient() -> dict[str, Any]:
    truth = json.loads((ROOT / "sample_dicom" / "truth.json").read_text(encoding="utf-8"))
    return next(each for each in truth["patients"] if each["patient_id"] == PATIENT)


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = create_workspace(tmp_path_factory.mktemp("room"))
    ingest(workspace, [ROOT / "sample_dicom" / "dicom" / PATIENT])
    return workspace.folder


@pytest.fixture
def room(ingested: Path, tmp_path: Path) -> Room:
    workspace = open_workspace(Path(shutil.copytree(ingested, tmp_path / "study")))
    patient = sample_patient()
    told = patient["lesions"][0]
    add_lesion(
        workspace,
        patient_id=PATIENT,
        level=Level.parse(told["level"]),
        side=Side.parse(told["side"]),
        lesion_uid=told["lesion_uid"],
    )
    visits = []
    with catalogue_of(workspace) as catalogue:
        for each in patient["visits"]:
            entry = each["lesions"][told["lesion_uid"]]
            series = entry["read_on_series_uid"] or each["series"]["sagittal_t2"]
            (stack,) = catalogue.images.stacks(series_instance_uid=series)
            mask = np.zeros(stack.stack.geometry.shape_zyx, dtype=bool)
            if entry["status"] == "present":
                file = ROOT / "sample_dicom" / entry["reading_file"]
                mask = read_mask(catalogue.images, file, stack.stack, labels=()).mask
            visits.append(
                Visit(
                    visit_date=date.fromisoformat(each["study_date"]),
                    stack_uid=stack.stack.stack_uid,
                    mask=mask,
                    status=ReadingStatus.parse(entry["status"]),
                )
            )
    return Room(
        workspace=workspace,
        lesion_uid=told["lesion_uid"],
        visits=tuple(visits),
        outcome=told["expected_outcome"],
    )


def plane_of(session: ReadingSession) -> BasePlane:
    corners = sample_patient()["visits"][0]["lesions"][session.lesion.lesion_uid]["posterior_corners_lps_mm"]
    return BasePlane.from_corners(*corners, session.stack.stack.geometry)


def saved(session: ReadingSession) -> SavedReading:
    outcome = session.save()
    assert isinstance(outcome, SavedReading)
    return outcome


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
    before = catalogue_rows(room.workspace)
    rebuild(room.workspace)
    measure(room.workspace)
    classify(room.workspace)
    assert catalogue_rows(room.workspace) == before
    assert check(room.workspace).problems == ()


def catalogue_rows(workspace: Workspace) -> list[Any]:
    with catalogue_of(workspace) as catalogue:
        return [
            *catalogue.followup.readings(),
            *catalogue.followup.measurements().values(),
            *catalogue.followup.outcomes(),
        ]


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
    assert again.notices[0].startswith("2 changes are restored")
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
from herntrack.workflows.reading_opening import open_reading
from herntrack.workflows.workspace import open_workspace

session = open_reading(
    open_workspace(Path(sys.argv[1])), lesion_uid=sys.argv[2], stack_uid=sys.argv[3], reader="reader-1"
)
for number in range(int(sys.argv[4])):
    session.mask.brush(8, [[100, 60 + 4 * number]], radius_mm=1.5)
    if number == 1:
        session.save()
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
    assert (session.refusal, session.mask.n_steps, session.is_unsaved) == ("", 5, True)
    for _ in range(3):
        session.mask.undo()
    assert not session.is_unsaved
    with catalogue_of(room.workspace) as catalogue:
        (stored,) = catalogue.followup.readings(room.lesion_uid)
    session.mask.redo()
    assert saved(session).reading.supersedes == (stored.reading_uid,)
    session.close()


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


def test_a_signed_reading_is_final_until_it_is_amended(room: Room) -> None:
    session = room.open()
    session.propose(room.visits[0].mask)
    with pytest.raises(ReadingError, match="save it, then sign"):
        session.sign(CONFIRMED)
    reading = saved(session).reading
    signature = session.sign(CONFIRMED)
    with pytest.raises(DraftError, match="was signed by reader-1"):
        session.mask.brush(8, [[100, 100]], radius_mm=4.0)
    session.close()
    again = room.open()
    assert "final; amend it with a reason" in again.refusal
    assert np.array_equal(again.mask.mask, room.visits[0].mask)
    again.close()
    with pytest.raises(SignedReadingError, match="amend it with a reason first"):
        read_without_mask(
            room.workspace,
            lesion_uid=room.lesion_uid,
            visit_date=room.visits[0].visit_date,
            reader=READER,
            status=ReadingStatus.ABSENT,
            reason="by the command line",
        )
    with pytest.raises(SignedReadingError, match="already"):
        sign_reading(room.workspace, reading.reading_uid, reader=READER, level_lock=CONFIRMED)
    with pytest.raises(ReadingError, match="why"):
        amend_reading(room.workspace, reading.reading_uid, by=READER, reason=" ")
    amendment = amend_reading(room.workspace, reading.reading_uid, by=READER, reason="wrong slice")
    with pytest.raises(ReadingError, match="is not signed"):
        amend_reading(room.workspace, reading.reading_uid, by=READER, reason="twice")
    opened = room.open()
    opened.mask.clear(opened.mask.outlined_slices[0])
    newer = saved(opened).reading
    opened.close()
    assert newer.supersedes == (reading.reading_uid,)
    assert room.states()[0] is ReadingState.READ
    decisions = DecisionStore(room.workspace.readings_folder).decisions()
    assert decisions == [signature, amendment]
    assert isinstance(decisions[0], ReadingSignature)
    assert isinstance(decisions[1], ReadingAmendment)
    assert signatures(room.workspace) == {}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda: {"level_lock": LevelLock(level=Level.L5_S1, status=LevelStatus.PROPOSED)}, "only proposed"),
        (lambda: {"level_lock": LevelLock(level=Level.L5_S1, status=LevelStatus.UNKNOWN)}, "not confirmed"),
        (
            lambda: {"level_lock": LevelLock(level=Level.L4_L5, status=LevelStatus.CONFIRMED)},
            "level shown is L4-L5",
        ),
        (lambda: {"reader": "reader-2"}, "a reader signs what they read"),
    ],
)
def test_what_may_not_be_signed_says_why(room: Room, change: Callable[[], dict[str, Any]], told: str) -> None:
    session = room.open()
    session.propose(room.visits[0].mask)
    uid = saved(session).reading.reading_uid
    session.close()
    with pytest.raises(SignedReadingError, match=told):
        sign_reading(room.workspace, uid, **({"reader": READER, "level_lock": CONFIRMED} | change()))
    assert signatures(room.workspace) == {}


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


def test_the_worklist_is_filtered_searched_and_gone_through(room: Room) -> None:
    items = worklist(room.workspace, reader=READER)
    assert (items[0].patient_id, items[0].level, items[0].day) == (PATIENT, Level.L5_S1, 0)
    assert [item.stack_uid for item in items] == [visit.stack_uid for visit in room.visits]
    assert filter_items(items, text="l5-s1 BASELINE") == items[:1]
    assert filter_items(items, text="nobody") == []
    assert filter_items(items, states=[ReadingState.SIGNED]) == []
    assert next_item(items) == items[0]
    assert next_item(items, items[0]) == items[1]
    assert next_item(items, items[-1]) == items[0]
    assert next_item(items, items[0], states=[ReadingState.READ]) is None
    session = room.open(1)
    session.propose(room.visits[1].mask)
    saved(session)
    session.close()
    items = worklist(room.workspace, reader="reader-2", is_independent=True)
    assert [item.state for item in items] == [ReadingState.TO_READ] * len(items)
    items = worklist(room.workspace, reader="reader-2")
    assert next_item(items, items[0]) == items[2]


def test_two_readers_without_a_primary_one_are_in_conflict(room: Room) -> None:
    for reader in (READER, "reader-2"):
        session = room.open(reader=reader)
        session.propose(room.visits[0].mask)
        saved(session)
        session.close()
    (item, *_) = worklist(room.workspace)
    assert item.state is ReadingState.IN_CONFLICT
    assert item.readers == (READER, "reader-2")
    assert "no primary reader is set" in item.note


def test_a_patient_without_a_lesion_is_to_be_read_at_the_baseline(ingested: Path) -> None:
    (item,) = worklist(open_workspace(ingested))
    assert (item.patient_id, item.lesion_uid, item.day) == (PATIENT, None, 0)
    assert item.state is ReadingState.TO_READ
    assert "add the patient's lesion" in item.note


def test_a_blinded_reader_sees_labels_and_the_readings_go_to_their_visits(room: Room) -> None:
    assert blinded_worklist(room.workspace, reader=READER) == []
    begun = begin_blinding(room.workspace, reader=READER, seed=5)
    assert [(each.patient_id, each.case_number) for each in begun] == [(PATIENT, 1)]
    assert sorted(begun[0].visits.values()) == [visit.visit_date for visit in room.visits]
    assert begin_blinding(room.workspace, reader=READER, seed=6) == []
    items = blinded_worklist(room.workspace, reader=READER)
    assert {each.case for each in items} == {"Case 1"}
    labels = {each.visit for each in items}
    assert labels == {f"Visit {letter}" for letter in "ABCDEFG"[: len(room.visits)]}
    shown = " ".join(f"{each.title} {each.level} {each.side} {each.state}" for each in items)
    assert PATIENT not in shown
    assert "2024" not in shown
    for each in items:
        visit = next(v for v in room.visits if v.visit_date == begun[0].visits[each.visit.split()[1]])
        assert each.item.visit_date == visit.visit_date
        assert each.item.stack_uid == visit.stack_uid
    unblind(
        room.workspace, reader=READER, patient_id=PATIENT, decided_by="coordinator", reason="study closed"
    )
    assert blinded_worklist(room.workspace, reader=READER) == []
    with pytest.raises(ReadingError, match="not blinded"):
        unblind(room.workspace, reader=READER, patient_id=PATIENT, decided_by="coordinator", reason="again")
    # Who was told is not blinded again; another reader is.
    assert begin_blinding(room.workspace, reader=READER, seed=5) == []
    assert len(begin_blinding(room.workspace, reader="reader-2", seed=5)) == 1


def test_the_drawn_order_depends_on_the_seed_alone(room: Room) -> None:
    def order(reader: str) -> list[tuple[date, str]]:
        return [
            (each.item.visit_date, each.visit) for each in blinded_worklist(room.workspace, reader=reader)
        ]

    for reader, seed in (("a", 1), ("b", 1), ("c", 2), ("d", 3), ("e", 4)):
        begin_blinding(room.workspace, reader=reader, seed=seed)
    assert order("a") == order("b")
    assert len({tuple(order(reader)) for reader in "acde"}) > 1


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

"""What stands on record and is said anew, and what a reader of another kind is shown: one window for all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from herntrack.model.level_decisions import LevelConfirmation
from herntrack.model.vocabulary import Level, ReadingStatus
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.aligning.standing import stored_alignments
from herntrack.workflows.levels.confirming import confirm_level
from herntrack.workflows.listings.worklist import ReadingState, worklist
from herntrack.workflows.reading.blinding import unblind
from herntrack.workflows.reading.opening import open_reading
from herntrack.workflows.reading.proposals import propose_patient
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace
from napari_herntrack.reading.levels import level_knowledge
from napari_herntrack.reading.outlining import outline_clicks
from napari_herntrack.reading.sheet import sheet_groups
from napari_herntrack.texts import load_texts
from napari_herntrack.viewing.scene import MaskLook
from napari_herntrack.viewing.views import View
from tests.gui.seat import READER, Seat, make_study, told

SAGITTAL, AXIAL = View.CURRENT_SAGITTAL, View.CURRENT_AXIAL
TELLING = re.compile(r"(?i)baseline|follow-up|carried|alignment|resorption|reduced|proposed outline")
"""Words that tell of another visit, or which of them came first."""

UNREAD = "S-002"
"""A patient whose first visit was ingested and who has no lesion yet."""


def told_at_baseline(sample_dicom: Path) -> dict[str, Any]:
    patient = told(sample_dicom, "S-001")
    entry: dict[str, Any] = patient["visits"][0]["lesions"][patient["lesions"][0]["lesion_uid"]]
    return entry


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, sample_dicom: Path) -> Workspace:
    """Return a workspace in which one baseline is signed and carried forward."""
    first_visit = sorted((sample_dicom / "dicom" / UNREAD).iterdir())[0]
    workspace = make_study(
        tmp_path_factory.mktemp("record") / "study", sample_dicom, patients=("S-001",), more=(first_visit,)
    )
    truth = told_at_baseline(sample_dicom)
    item = next(each for each in worklist(workspace) if each.patient_id == "S-001" and each.day == 0)
    session = open_reading(
        workspace, lesion_uid=str(item.lesion_uid), stack_uid=str(item.stack_uid), reader=READER
    )
    lesion, stack = session.lesion, session.stack
    centre = tuple(truth["disc_centre_lps_mm"])
    confirm_level(
        workspace, "S-001", lesion.level, reader=READER, point_lps=centre, stack_uid=stack.stack.stack_uid
    )
    made = outline_clicks(workspace, lesion, stack, points_lps=(tuple(truth["click_lps_mm"]),))
    session.propose(made.mask, base_plane=made.base_plane, points_lps=made.points_lps)
    session.save()
    session.sign(level_knowledge(workspace, lesion, stack).lock)
    session.close()
    propose_patient(workspace, "S-001")
    return workspace


def decisions(study: Workspace) -> list[Any]:
    return DecisionStore(study.readings_folder).decisions()


def test_the_first_lesion_is_added_where_the_visit_lies_open(seat: Seat, study: Workspace) -> None:
    seat.open(UNREAD, 0)
    assert seat.panel.lesion_box.isVisible()
    assert seat.panel.save_button.toolTip() == "No lesion yet; add the patient's lesion first."
    seat.panel.level_box.setCurrentText("L4-L5")
    seat.panel.add_button.click()
    seat.settle()
    assert not seat.panel.lesion_box.isVisible()
    assert (seat.item.patient_id, seat.item.level) == (UNREAD, Level.L4_L5)
    assert seat.desk.why_not_change() == ""
    (item,) = (each for each in worklist(study) if each.patient_id == UNREAD)
    assert item.lesion_uid == seat.item.lesion_uid


def test_a_signed_reading_is_amended_for_a_reason_given_in_the_panel(seat: Seat, study: Workspace) -> None:
    seat.open("S-001", 0)
    assert seat.panel.amend_button.isVisible()
    assert not seat.panel.sign_button.isVisible()
    signed = seat.desk.session.started_from
    seat.press("A", shift=True)
    seat.give_reason("")
    assert seat.panel.message.text() == "Give the reason first; it goes on record."
    assert seat.desk.session.is_signed
    seat.give_reason("the lower end was left out")
    amended = seat.desk.session.started_from
    assert (amended.supersedes, amended.source) == (
        (signed.reading_uid,),
        "amended: the lower end was left out",
    )
    assert (seat.item.state, seat.desk.why_not_change()) == (ReadingState.READ, "")
    assert seat.panel.message.text() == "The reading is open again; the signature stays on record."
    assert decisions(study)[-1].reason == "the lower end was left out"
    seat.press("A", shift=True)
    assert seat.panel.message.text().startswith("Only a signed reading is amended")
    seat.press("S", shift=True)
    assert seat.item.state is ReadingState.SIGNED


def test_a_confirmed_level_is_replaced_for_a_reason(seat: Seat, study: Workspace, sample_dicom: Path) -> None:
    seat.open("S-001", 0)
    assert seat.panel.confirm_button.text().startswith("Replace level")
    seat.press("K")
    assert seat.panel.message.text() == "Point at the disc that is L5-S1, then press K again."
    centre = np.add(told_at_baseline(sample_dicom)["disc_centre_lps_mm"], (0.0, 0.0, 3.0))
    seat.click(SAGITTAL, centre)
    seat.panel.confirm_button.click()
    seat.give_reason("the middle of the disc")
    decision = [each for each in decisions(study) if isinstance(each, LevelConfirmation)][-1]
    assert (decision.level, decision.reason) == (Level.L5_S1, "the middle of the disc")
    assert np.allclose(decision.point_lps[1:], centre[1:], atol=1.0)
    assert seat.panel.level.text().startswith(f"L5-S1, confirmed by {READER}")


def test_an_alignment_is_overruled_for_a_reason_and_the_visits_part(seat: Seat, study: Workspace) -> None:
    seat.open("S-001", 33)
    assert seat.panel.link.text().startswith("Alignment: good, residual ")
    assert seat.room.state.pair.matrix_lps is not None
    good, _, failed = seat.panel.overrule_menu.actions()
    failed.trigger()
    assert seat.panel.reasons.question.text().startswith("Why do you call the alignment “failed”?")
    seat.give_reason("one vertebra off")
    assert seat.panel.link.text() == "Alignment: failed, by a reader's word"
    assert seat.room.state.pair.matrix_lps is None
    assert seat.panel.message.text() == "Your verdict on the alignment was recorded."
    good.trigger()
    seat.give_reason(WRITTEN)
    assert seat.room.state.pair.matrix_lps is not None
    with catalogue_of(study) as catalogue:
        found = [each for each in stored_alignments(study, catalogue, "S-001") if each.level is None]
    assert found[0].reasons[0] == f"{READER} calls it good: I looked at the wrong patient"


def test_a_reading_moves_to_the_stack_of_the_view_under_the_crosshair(seat: Seat) -> None:
    seat.open("S-001", 33)
    assert seat.desk.look is MaskLook.PROPOSED
    axial = seat.room.state.pair.stacks[AXIAL].stack.stack_uid
    seat.room.choose_view(AXIAL)
    seat.press("Y")
    assert seat.desk.session.stack.stack.stack_uid == axial
    assert seat.desk.visit.view is AXIAL
    assert seat.desk.paints_in(AXIAL)
    seat.press("B")
    middle = seat.pixel(AXIAL, seat.cursor())
    seat.drag(AXIAL, [middle, middle + type(middle)(8, 0)])
    seat.settle()
    assert seat.desk.session.mask.n_voxels > 0
    while seat.desk.session.mask.undo_tool:
        seat.conductor.drawing.undo()
    seat.settle()


def test_two_windows_that_both_save_lead_to_a_choice(seat: Seat, study: Workspace) -> None:
    seat.open("S-001", 90)
    place = {"lesion_uid": seat.item.lesion_uid, "reader": READER}
    axial = seat.room.state.pair.stacks[AXIAL].stack.stack_uid
    other = open_reading(study, stack_uid=axial, **place)
    seat.press("0")
    other.say(ReadingStatus.NOT_EVALUABLE, "Metal artefacts at the level.")
    other.save()
    other.close()
    seat.press("S")
    assert seat.panel.conflict.text().startswith("Another reading of yours of this visit was saved elsewhere")
    with catalogue_of(study) as catalogue:
        here = [
            each
            for each in catalogue.followup.readings(seat.item.lesion_uid, is_current=True)
            if each.visit_date == seat.item.visit_date
        ]
    assert {each.status for each in here} == {ReadingStatus.ABSENT, ReadingStatus.NOT_EVALUABLE}
    assert seat.item.state is ReadingState.IN_CONFLICT
    seat.press("S", shift=True)
    assert seat.item.state is ReadingState.IN_CONFLICT
    seat.panel.keep_mine.click()
    seat.settle()
    assert not seat.panel.conflict.isVisible()
    assert seat.panel.message.text() == "The choice was recorded."
    assert (seat.item.state, seat.desk.session.judgement.status) == (ReadingState.READ, ReadingStatus.ABSENT)


def test_a_blinded_reader_sees_nothing_of_other_visits_and_their_order(seat: Seat, study: Workspace) -> None:
    reader = "reader-2"
    seat.place.worklist.reader_line.setText(reader)
    seat.place.worklist.reader_line.editingFinished.emit()
    seat.settle()
    seat.place.worklist.blinded_box.setChecked(True)
    seat.settle()
    rows = seat.place.worklist.rows
    assert {row.state for row in rows} == {ReadingState.TO_READ}
    days = [row.item.visit_date for row in rows]
    telling = {"S-00", *(day.isoformat() for day in days), *(f"{day:%Y%m%d}" for day in days)}
    said = []
    for row in rows:
        seat.place.worklist.row_wanted.emit(row)
        seat.settle()
        # Whether a proposal was carried here, nothing of it is there.
        assert seat.desk.session.started_from is None
        assert not seat.desk.mask.any()
        seat.press("V")
        seat.press("K")
        # Something is drawn, so that numbers and guards are there.
        seat.press("B")
        middle = seat.pixel(SAGITTAL, seat.cursor())
        seat.drag(SAGITTAL, [middle, middle + type(middle)(8, 0)])
        seat.settle()
        said.append((row, seat.texts()))
        names = [path.name for path in (study.readings_folder / "drafts").iterdir()]
        # A UID may hold any four digits by chance, a date's eight hardly.
        assert [name for name in names for told in telling if told in name] == []
    for row, texts in said:
        whole = "\n".join(texts)
        assert not re.search(r"\d{4}-\d{2}-\d{2}|2024|S-00", whole), row.title
        assert [text for text in texts if TELLING.search(text)] == [], row.title
    # Of one patient every visit says the same but for its own name and place.
    same = [set(texts) for row, texts in said if row.item.patient_id == "S-001"]
    own = [{text for text in texts if not re.search(r"\d|Visit [A-Z]|beyond", text)} for texts in same]
    assert own[0] == own[1] == own[2]
    for patient_id in {row.item.patient_id for row in rows}:
        unblind(study, reader=reader, patient_id=patient_id, decided_by=reader, reason="the end of the test")
    seat.desk.session.mask.undo()
    seat.place.worklist.reader_line.setText(READER)
    seat.place.worklist.reader_line.editingFinished.emit()
    seat.settle()


LATIN = re.compile(r"[A-Za-z]{3,}")
"""A word in Latin letters."""

WRITTEN = "I looked at the wrong patient"
"""A reason that a reader gave."""

SAME_EVERYWHERE = re.compile(
    r"\{.*?\}|S-00\d|reader-\d|herntrack|napari|DIR|PATH|English|Pfirrmann|MSU|STIR|UTC|Ctrl|Shift|Del|Down|Tab|III"
)
"""Names of programs and persons, keys, grades."""


@pytest.mark.parametrize("language", ["ru", "kk"])
def test_a_room_of_another_language_says_nothing_in_english(seat: Seat, language: str) -> None:
    seat.place.set_language(language)
    seat.settle()
    said_before = seat.texts()
    said = list(said_before)
    # A day: the baseline that is signed, a proposal, what is refused, the keys.
    for day, keys in ((0, "KVS"), (33, "DVA"), (90, "0S9S")):
        seat.open("S-001", day)
        said += seat.texts()
        for key in keys:
            seat.press(key)
            said += seat.texts()
        seat.press("S", shift=True)
        said += seat.texts()
        seat.press("A", shift=True)
        said += seat.texts()
        seat.panel.reasons.close_box()
    seat.open(UNREAD, 0)
    seat.press("O")
    seat.click(SAGITTAL, seat.cursor())
    seat.press("S", shift=True)
    said += seat.texts()
    said += [words for heading, rows in sheet_groups(seat.desk.texts) for words in (heading, *sum(rows, ()))]
    seat.place.set_language("en")
    seat.settle()
    spoken = load_texts(language)
    english = set(load_texts("en").entries.values()) - set(spoken.entries.values())
    assert [text for text in said if text in english] == []
    left = {text for text in said if LATIN.search(SAME_EVERYWHERE.sub("", text))}
    detail = spoken("room.detail", detail="")
    # What a reader wrote stays as it was written.
    told = {text for text in left if not text.startswith(detail) and not text.endswith(WRITTEN)}
    assert told == set()

"""A reader's day in a real napari window: keys and mouse in, readings on disk out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from herntrack.model.vocabulary import Horizon, OutcomeClass, ReadingStatus, VisitState
from herntrack.workflows.check import check
from herntrack.workflows.listings.worklist import ReadingState, worklist
from herntrack.workflows.reading.blinding import blinded_worklist
from herntrack.workflows.reading.opening import open_reading
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace, open_workspace
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.scene import MaskLook
from napari_herntrack.viewing.views import Half, View
from tests.gui.seat import READER, Seat, make_study, told

SAGITTAL, AXIAL = View.CURRENT_SAGITTAL, View.CURRENT_AXIAL


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, sample_dicom: Path) -> Workspace:
    return make_study(tmp_path_factory.mktemp("loop") / "study", sample_dicom)


def truth_of(sample_dicom: Path, patient_id: str, visit: int) -> dict[str, Any]:
    patient = told(sample_dicom, patient_id)
    return patient["visits"][visit]["lesions"][patient["lesions"][0]["lesion_uid"]]


def stored_readings(study: Workspace, lesion_uid: str) -> list[Any]:
    with catalogue_of(study) as catalogue:
        return catalogue.followup.readings(lesion_uid, is_current=True)


def test_a_patient_is_read_from_the_first_visit_to_the_last_signature(
    seat: Seat, study: Workspace, sample_dicom: Path
) -> None:
    patient, truth = told(sample_dicom, "S-001"), truth_of(sample_dicom, "S-001", 0)
    lesion_uid = patient["lesions"][0]["lesion_uid"]

    seat.press("N")
    assert (seat.item.patient_id, seat.item.day) == ("S-001", 0)
    assert "not confirmed" in seat.panel.level.text()
    assert "not confirmed" in seat.panel.sign_reason.text()

    # The level: point at its disc, one key.
    seat.click(SAGITTAL, truth["disc_centre_lps_mm"])
    seat.press("K")
    assert seat.panel.level.text().startswith(f"L5-S1, confirmed by {READER}")

    # One click, then a stroke of the brush; both are undone and made again by keys.
    seat.press("O")
    seat.click(SAGITTAL, truth["click_lps_mm"])
    mask = seat.desk.session.mask
    clicked = mask.volume_mm3
    # A click takes what lies within the dark rim, which is too little here; the brush is for that.
    assert 0.65 * truth["true_volume_mm3"] < clicked < 1.1 * truth["true_volume_mm3"]
    assert seat.desk.look is MaskLook.PROPOSED
    seat.press("B")
    assert seat.room.hand is Hand.BRUSH
    edge = seat.pixel(SAGITTAL, truth["click_lps_mm"])
    seat.drag(SAGITTAL, [edge, edge + type(edge)(14, 4), edge + type(edge)(26, 8)])
    painted = mask.volume_mm3
    assert painted > clicked
    # The number on the panel is there with the stroke, before anything else runs.
    assert seat.panel.numbers.volume.text().startswith(f"{painted:.0f} ")
    assert seat.desk.look is MaskLook.DRAFT
    seat.settle()
    seat.press("Z", control=True)
    assert mask.volume_mm3 == clicked
    seat.press("Y", control=True)
    assert mask.volume_mm3 == painted

    seat.press("D")
    assert seat.desk.descriptors().type is not None
    seat.press("S")
    seat.press("S", shift=True)
    assert seat.item.state is ReadingState.SIGNED
    assert np.count_nonzero(seat.room.panes[SAGITTAL].labels.data) == mask.n_voxels
    (baseline,) = [each for each in stored_readings(study, lesion_uid) if not each.is_proposed]

    # The next visit is proposed already; it is accepted as it is.
    seat.press("N")
    assert (seat.item.day, seat.desk.look) == (33, MaskLook.PROPOSED)
    assert "carried from 2024-03-04" in seat.panel.level.text()
    assert "Accept" in seat.panel.save_button.text()
    assert seat.desk.session.started_from.proposed_from == baseline.reading_uid
    proposed = seat.desk.session.mask.volume_mm3
    asked = seat.panel.description.boxes["type"]
    assert asked.itemText(0).endswith("?")
    seat.press("A")
    seat.press("S", shift=True)
    assert seat.desk.look is MaskLook.ACCEPTED
    assert not asked.itemText(0).endswith("?")

    # Nothing is left at the last visit: one key.
    seat.press("N")
    assert seat.item.day == 90
    seat.press("0")
    assert seat.panel.status.reason.text() == "No focal displacement remains."
    seat.press("S")
    seat.press("S", shift=True)
    assert (seat.panel.numbers.state.text(), seat.panel.numbers.outcome.text()) == ("absent", "resorption")
    assert [point.state for point in seat.panel.numbers.plot.points][-1] is VisitState.ABSENT

    readings = stored_readings(study, lesion_uid)
    assert [(each.status, each.reader, each.is_proposed) for each in readings] == [
        (ReadingStatus.PRESENT, READER, False),
        (ReadingStatus.PRESENT, READER, False),
        (ReadingStatus.ABSENT, READER, False),
    ]
    items = [item for item in worklist(study) if item.lesion_uid == lesion_uid]
    assert [item.state for item in items] == [ReadingState.SIGNED] * 3
    with catalogue_of(study) as catalogue:
        outcomes = [each for each in catalogue.followup.outcomes() if each.lesion_uid == lesion_uid]
        measured = catalogue.followup.measurements()
    latest = next(each for each in outcomes if each.horizon is Horizon.LATEST)
    # The report's tables were filled in the background of each save.
    assert latest.outcome is OutcomeClass(patient["lesions"][0]["expected_outcome"])
    volumes = [measured[each.reading_uid].volume_mm3 for each in readings]
    assert volumes == pytest.approx([painted, proposed, 0.0])
    assert check(study).problems == ()


def test_a_saved_mask_opens_again_as_it_was(seat: Seat, sample_dicom: Path) -> None:
    truth = truth_of(sample_dicom, "S-003", 0)
    seat.open("S-003", 0)
    seat.press("O")
    seat.click(SAGITTAL, truth["click_lps_mm"])
    seat.press("B")
    corner = seat.pixel(SAGITTAL, truth["click_lps_mm"])
    seat.drag(SAGITTAL, [corner, corner + type(corner)(9, 9)])
    seat.settle()
    before = seat.desk.mask.copy()
    assert before.any()
    seat.press("S")
    seat.press("N")
    assert seat.item.patient_id == "S-003"
    assert seat.item.day > 0
    seat.open("S-003", 0)
    assert np.array_equal(seat.desk.mask, before)
    assert np.array_equal(seat.room.panes[SAGITTAL].labels.data != 0, before)
    assert not seat.desk.session.is_unsaved


def test_paint_on_another_stack_of_the_visit_begins_a_reading_there_and_keeps_the_first(
    seat: Seat, sample_dicom: Path
) -> None:
    truth = truth_of(sample_dicom, "S-003", 0)
    seat.open("S-003", 0)
    place = seat.pixel(SAGITTAL, truth["click_lps_mm"])
    seat.scroll_to(SAGITTAL, truth["click_lps_mm"])
    seat.press("B")
    seat.drag(SAGITTAL, [place, place + type(place)(9, 9)])
    seat.settle()
    first, unsaved = seat.desk.session.stack.stack.stack_uid, seat.desk.mask.copy()
    slices, cameras = seat.room.shown_slices, dict(seat.room.state.cameras)

    middle = type(place)(seat.room.panes[AXIAL].canvas.width() // 2, 150)
    seat.drag(AXIAL, [middle, middle + type(middle)(10, 0)])
    seat.settle()
    assert seat.desk.session.stack.stack.stack_uid == seat.room.state.pair.stacks[AXIAL].stack.stack_uid
    assert seat.panel.message.text().startswith("Now this stack is read.")
    # The stroke is on it, and everything stands as the reader had turned it.
    assert seat.desk.mask.shape == seat.room.state.grids[AXIAL].shape_zyx
    assert set(np.nonzero(seat.desk.mask)[0]) == {slices[AXIAL]}
    assert seat.desk.session.mask.n_steps == 1
    assert np.array_equal(seat.room.panes[AXIAL].labels.data != 0, seat.desk.mask)
    assert (seat.room.shown_slices, seat.room.state.cameras) == (slices, cameras)
    assert seat.room.hand is Hand.BRUSH

    # A stroke on the first stack goes on with what was not saved there.
    seat.drag(SAGITTAL, [place + type(place)(20, 20)])
    seat.settle()
    assert seat.desk.session.stack.stack.stack_uid == first
    assert np.count_nonzero(seat.desk.mask) > np.count_nonzero(unsaved) > 0
    assert seat.desk.mask[unsaved].all()
    seat.press("Z", control=True)
    assert np.array_equal(seat.desk.mask, unsaved)
    seat.drag(AXIAL, [middle + type(middle)(0, 40)])
    seat.settle()
    for _ in range(2):
        seat.press("Z", control=True)
    assert not seat.desk.mask.any()

    # An eraser finds nothing there and changes nothing.
    seat.drag(SAGITTAL, [place + type(place)(30, 30)])
    seat.settle()
    seat.press("Z", control=True)
    seat.press("E")
    seat.drag(AXIAL, [middle])
    seat.settle()
    assert seat.panel.message.text() == "Nothing is outlined on this slice."
    assert seat.desk.session.stack.stack.stack_uid == first
    seat.press("Z", control=True)


def test_paint_on_the_other_visit_says_how_to_open_it(seat: Seat) -> None:
    row = next(e for e in seat.place.worklist.rows if e.item.patient_id == "S-003" and e.item.day > 0)
    seat.open("S-003", row.item.day)
    seat.press("B")
    baseline = View.BASELINE_SAGITTAL
    canvas = seat.room.panes[baseline].canvas
    middle = canvas.rect().center()
    before = seat.room.panes[baseline].labels.data.copy()
    seat.drag(baseline, [middle, middle + type(middle)(10, 0)])
    assert "another visit" in seat.panel.message.text()
    assert "Y" in seat.panel.message.text()
    assert np.array_equal(seat.room.panes[baseline].labels.data, before)
    assert seat.room.active is baseline
    seat.press("Y")
    assert seat.item.day == 0


def test_a_stroke_that_may_not_be_made_says_why_and_leaves_no_trace(seat: Seat) -> None:
    seat.open("S-003", 0)
    before = seat.desk.mask.copy()
    seat.press("B")
    # As while it is saved: the brush is in the hand, and nothing may be changed.
    seat.conductor.crew.freeze("Saving")
    for view in (SAGITTAL, AXIAL):
        middle = seat.room.panes[view].canvas.rect().center()
        seat.drag(view, [middle + type(middle)(-40, 0), middle + type(middle)(-30, 0)])
        assert "still running" in seat.panel.message.text()
        seat.panel.say("")
    assert np.array_equal(seat.desk.mask, before)
    assert not seat.room.panes[AXIAL].labels.data.any()
    # Chosen while nothing can be painted, the brush says so too.
    seat.press("B")
    seat.drag(SAGITTAL, [seat.room.panes[SAGITTAL].canvas.rect().center()])
    assert "still running" in seat.panel.message.text()
    seat.desk.busy_with = ""
    assert np.array_equal(seat.desk.mask, before)


def test_a_key_shows_another_stack_of_the_plane_and_the_outline_stays_on_its_own(seat: Seat) -> None:
    seat.open("S-003", 0)
    pane, first = seat.room.panes[SAGITTAL], seat.desk.session.stack.stack.stack_uid
    seat.press("B")
    middle = pane.canvas.rect().center()
    seat.drag(SAGITTAL, [middle])
    seat.settle()
    drawn = seat.desk.mask.copy()
    seat.press("T")
    shown = seat.room.state.pair.stacks[SAGITTAL].stack
    assert (shown.stack_uid != first, str(shown.weighting)) == (True, "T1")
    assert not pane.labels.data.any()
    assert "T1" in pane.overlay.scene.words.top_right[0]
    # The reading is still that of the first stack until somebody paints on this one.
    assert seat.desk.session.stack.stack.stack_uid == first
    seat.drag(SAGITTAL, [middle + type(middle)(30, 30)])
    seat.settle()
    assert seat.desk.session.stack.stack.stack_uid == shown.stack_uid
    assert seat.desk.mask.any()
    assert not (seat.desk.mask & drawn).any()
    seat.press("Z", control=True)
    seat.press("T")
    assert seat.room.state.pair.stacks[SAGITTAL].stack.stack_uid == first
    seat.press("Y")
    assert np.array_equal(seat.desk.mask, drawn)
    assert np.array_equal(pane.labels.data != 0, drawn)
    seat.press("Z", control=True)
    seat.open("S-003", seat.place.worklist.rows[-1].item.day)
    seat.press("T")
    assert seat.panel.message.text() == "This visit has no other stack of this plane."


def test_what_cannot_be_done_says_why_and_nothing_opens_a_dialog(seat: Seat) -> None:
    from qtpy.QtWidgets import QApplication

    seat.open("S-003", 0)
    seat.press("V")
    assert seat.panel.message.text().startswith("This is the baseline")
    seat.press("K")
    assert seat.panel.message.text().startswith("Point at the disc")
    seat.press("S", shift=True)
    assert seat.panel.message.text().startswith("The level L5-S1 is not confirmed")
    assert seat.panel.sign_button.toolTip() == seat.panel.message.text()
    assert not seat.panel.sign_reason.isVisible()
    seat.press("S")
    assert seat.panel.message.text() == "Nothing was changed since the last save."
    assert QApplication.activeModalWidget() is None


def test_a_blinded_reader_sees_letters_and_the_unblinding_is_on_record(seat: Seat, study: Workspace) -> None:
    seat.place.worklist.blinded_box.setChecked(True)
    seat.settle()
    rows = seat.place.worklist.rows
    assert len(rows) == len(blinded_worklist(study, reader=READER)) > 0
    assert not any("2024" in row.title or "S-00" in row.title for row in rows)
    seat.place.worklist.row_wanted.emit(rows[0])
    seat.settle()
    assert not any("2024" in seat.room.state.pair.caption(view) for view in seat.room.state.views)
    assert {view.half for view in seat.room.state.views} == {Half.CURRENT}
    assert seat.panel.numbers.outcome.text() == ""
    seat.place.worklist.unblinding_wanted.emit("")
    seat.settle()
    assert seat.desk.is_blinded
    seat.place.worklist.unblinding_wanted.emit("all visits are read")
    seat.settle()
    assert not seat.desk.is_blinded
    assert blinded_worklist(study, reader=READER) == []
    assert any("2024" in row.title for row in seat.place.worklist.rows)


def test_another_language_is_spoken_at_once(seat: Seat) -> None:
    seat.open("S-003", 0)
    seat.place.set_language("kk")
    seat.settle()
    seat.wait(lambda: seat.conductor is not None and seat.desk.visit is not None)
    seat.settle()
    assert seat.item.patient_id == "S-003"
    assert seat.panel.save_button.text().startswith("Сақтау")
    assert "confirmed" not in seat.panel.level.text()
    seat.place.set_language("en")
    seat.settle()
    seat.wait(lambda: seat.desk.visit is not None)
    seat.settle()
    assert seat.panel.save_button.text().startswith("Save")


KILLED = """
import sys, time
from pathlib import Path
import napari, numpy as np
from napari.qt import get_qapp
from tests.gui.seat import choose_settings
from napari_herntrack._qt.panels.place import ReadingPlace
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.views import View

choose_settings(Path(sys.argv[2]))
viewer = napari.Viewer(show=True)
place = ReadingPlace(viewer, Path(sys.argv[1]))
viewer.window.add_dock_widget(place, name="herntrack", area="left")

def until(is_done):
    while not is_done():
        get_qapp().processEvents()
        time.sleep(0.005)

until(lambda: place.conductor is not None and place.worklist.rows)
row = next(each for each in place.worklist.rows if each.item.patient_id == "S-003" and each.item.day == 0)
place.conductor.open_row(row)
until(lambda: place.conductor.desk.session is not None and not place.room.loader.is_busy)
until(lambda: not place.conductor.is_busy)
place.room.set_hand(Hand.BRUSH)
layer = place.room.panes[View.CURRENT_SAGITTAL].labels
for number in range(200):
    # As napari's mouse does: one stroke is one step of its history.
    with layer.block_history():
        layer.paint((4 + number % 5, 60 + 3 * (number % 40), 60 + number % 100), 1)
    get_qapp().processEvents()
    print(place.conductor.desk.session.mask.n_steps, flush=True)
"""


def test_a_process_killed_while_it_paints_in_the_room_costs_one_stroke_at_most(
    seat: Seat, study: Workspace, tmp_path: Path
) -> None:
    seat.open("S-001", 0)
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(root), str(root / "plugins")))}
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(study.folder), str(tmp_path)],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        assert process.stdout is not None
        kept = 0
        for line in process.stdout:
            kept = int(line)
            if kept >= 12:
                break
        process.send_signal(signal.SIGKILL)
        kept = max([kept, *(int(line) for line in process.stdout if line.endswith("\n"))])
    assert process.returncode == -signal.SIGKILL
    item = next(e for e in worklist(study, reader=READER) if e.patient_id == "S-003" and e.day == 0)
    assert item.has_draft
    session = open_reading(
        open_workspace(study.folder),
        lesion_uid=str(item.lesion_uid),
        stack_uid=str(item.stack_uid),
        reader=READER,
    )
    # A stroke that was kept but not told of any more is kept too.
    assert session.mask.n_steps in {kept, kept + 1}
    assert session.notices
    session.close(discard=True)

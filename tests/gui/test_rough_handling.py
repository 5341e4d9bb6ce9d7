"""A reader who does not wait: keys while a visit loads, a window closed at work, a folder that refuses."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from herntrack.workflows.check import check
from herntrack.workflows.workspace import Workspace
from napari_herntrack.reading.keys import READING_KEYS
from napari_herntrack.viewing.keys import VIEW_KEYS
from napari_herntrack.viewing.views import View
from tests.gui.seat import Seat, make_study, told

SAGITTAL = View.CURRENT_SAGITTAL
N_ACTS = 45


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, sample_dicom: Path) -> Workspace:
    return make_study(tmp_path_factory.mktemp("rough") / "study", sample_dicom, patients=("S-001",))


def middle(seat: Seat, view: View, drawn: random.Random) -> list[Any]:
    from qtpy.QtCore import QPoint

    wide, high = seat.room.panes[view].size_px
    start = QPoint(round(wide * drawn.uniform(0.3, 0.7)), round(high * drawn.uniform(0.3, 0.7)))
    return [start, start + QPoint(drawn.randint(-15, 15), drawn.randint(-15, 15))]


def test_keys_and_strokes_without_waiting_lose_nothing_that_is_open(seat: Seat, study: Workspace) -> None:
    from qtpy.QtCore import Qt
    from qtpy.QtGui import QKeySequence

    drawn = random.Random(7)  # noqa: S311 - the same acts each time
    seat.open("S-001", 0)
    left_out = {"search", "toggle_cheat_sheet"}
    keys = [each.keys for each in (*READING_KEYS, *VIEW_KEYS) if each.name not in left_out]
    for _ in range(N_ACTS):
        if drawn.random() < 0.7:
            combination = QKeySequence(drawn.choice([*keys, *"NNBOSK"]))[0]
            shift = bool(combination.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier)
            control = bool(combination.keyboardModifiers() & Qt.KeyboardModifier.ControlModifier)
            seat.key(combination.key(), shift=shift, control=control)
        else:
            view = drawn.choice(seat.room.arrangement.shown)
            seat.drag(view, middle(seat, view, drawn))
        if drawn.random() < 0.2:
            seat.qtbot.wait(drawn.choice([1, 20, 100]))
    seat.settle()
    # Nothing raised: the fixture fails a test for what is raised in Qt's loop. All strokes are kept.
    if seat.desk.session is None:
        seat.open("S-001", 0)
    mask, stack = seat.desk.mask.copy(), seat.desk.session.stack.stack.stack_uid
    seat.conductor.open_row(seat.desk.visit.row, stack)
    seat.settle()
    assert (seat.desk.mask == mask).all()
    assert list(check(study).problems) == []


def test_a_tick_that_was_refused_does_not_stay(seat: Seat, study: Workspace) -> None:
    decisions = study.readings_folder / "decisions"
    aside = decisions.with_name("decisions-before")
    if decisions.exists():
        decisions.rename(aside)
    decisions.write_text("in the way")
    seat.place.worklist.blinded_box.setChecked(True)
    seat.settle()
    assert not seat.desk.is_blinded
    assert not seat.place.worklist.blinded_box.isChecked()
    assert seat.panel.message.text()
    decisions.unlink()
    if aside.exists():
        aside.rename(decisions)


def test_a_window_closed_at_work_lets_everything_go(seat: Seat, sample_dicom: Path) -> None:
    """The last one: the window is gone afterwards."""
    import numpy as np
    from qtpy.QtCore import QCoreApplication, QEvent, QThreadPool

    from napari_herntrack._qt.room.steady import Steady

    truth = told(sample_dicom, "S-001")["visits"][0]["lesions"]
    place, room, conductor = seat.place, seat.room, seat.conductor
    decoders = room.loader.decoders
    conductor.open_row(place.worklist.rows[-1])
    room.point_clicked.emit(SAGITTAL, np.array(next(iter(truth.values()))["click_lps_mm"]))
    conductor.next_visit()
    seat.qtbot.wait(30)
    window = room.window()
    place._viewer.close()
    QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete.value)
    # What runs ends by itself, and finds nobody to tell.
    seat.wait(lambda: not QThreadPool.globalInstance().activeThreadCount())
    seat.qtbot.wait(50)
    assert place.conductor is None
    assert conductor.desk.visit is None
    assert decoders._is_closed
    assert place._steady not in Steady._all

"""The axial pictures follow the place looked at from one angled block to the next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from herntrack.reading_room.level_lock import LevelStatus
from herntrack.workflows.workspace import Workspace
from napari_herntrack.viewing.following import reaches
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.views import Half, View
from tests.gui.seat import Seat, make_study, told

SAGITTAL, AXIAL = View.CURRENT_SAGITTAL, View.CURRENT_AXIAL
OTHER = View.BASELINE_AXIAL


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, sample_dicom: Path) -> Workspace:
    return make_study(tmp_path_factory.mktemp("follow") / "study", sample_dicom, patients=("S-001",))


@pytest.fixture(scope="module")
def disc(sample_dicom: Path) -> Any:
    """Return where the disc L5-S1 lies at the baseline."""
    visit = told(sample_dicom, "S-001")["visits"][0]
    return np.array(next(iter(visit["lesions"].values()))["disc_centre_lps_mm"])


def uid(seat: Seat, view: View) -> str:
    return str(seat.room.state.pair.stacks[view].stack.stack_uid)


def middles(seat: Seat, view: View) -> list[Any]:
    """Return the middles of the view's blocks, from the lowest up."""
    found = []
    for each in seat.room.state.pair.choices[view]:
        grid = each.stack.geometry
        found.append(grid.index_to_lps((np.array(grid.shape_zyx) - 1) / 2))
    return sorted(found, key=lambda point: float(point[2]))


def shows(seat: Seat, view: View, point: Any) -> bool:
    """Whether a view shows the slice that holds a point, drawn and without the words "beyond"."""
    state, pane = seat.room.state, seat.room.panes[view]
    grid = state.grids[view]
    is_drawn = pane.has_stack and pane.image.data.shape == grid.shape_zyx and bool(pane.image.data.any())
    index = round(float(grid.lps_to_index(np.asarray(point))[0]))
    words = " ".join(pane.overlay.scene.words.bottom_left)
    is_there = pane.model.dims.current_step[0] == index and "beyond" not in words
    return is_drawn and is_there and reaches(grid, point)


def test_a_click_on_another_level_hangs_its_block(seat: Seat) -> None:
    seat.open("S-001", 0)
    camera = seat.room.state.cameras[AXIAL]
    for point in middles(seat, AXIAL):
        seat.click(SAGITTAL, point)
        assert shows(seat, AXIAL, point)
    assert seat.room.state.cameras[AXIAL] == camera


def test_nothing_changes_while_the_crosshair_is_dragged(seat: Seat) -> None:
    from napari_herntrack._qt.room.stack_changes import REST_MS

    seat.open("S-001", 0)
    lowest, *_, highest = middles(seat, AXIAL)
    seat.click(SAGITTAL, lowest)
    before = uid(seat, AXIAL)
    changed: list[View] = []
    seat.room.stack_chosen.connect(changed.append)
    changes = seat.room.stack_changes
    # However slow the machine: the mouse does not rest.
    changes._rest.setInterval(60_000)
    path = [seat.pixel(SAGITTAL, lowest + (highest - lowest) * part) for part in np.linspace(0, 1, 12)]
    seat.drag(SAGITTAL, path)
    assert changes.is_waiting
    assert uid(seat, AXIAL) == before
    changes._rest.setInterval(REST_MS)
    changes.follow()
    # It was read ahead: the picture before stays in sight until it is there, and nothing is dark.
    assert not seat.room.panes[AXIAL].canvas.updatesEnabled()
    seat.settle()
    assert seat.room.panes[AXIAL].canvas.updatesEnabled()
    assert changed == [AXIAL]
    assert shows(seat, AXIAL, highest)
    seat.room.stack_chosen.disconnect(changed.append)


def test_both_visits_follow(seat: Seat) -> None:
    seat.open("S-001", 33)
    for point in middles(seat, AXIAL):
        seat.click(SAGITTAL, point)
        assert shows(seat, AXIAL, point)
        there = seat.room.state.cursor_lps(Half.BASELINE)
        if there is None:
            there = middles(seat, OTHER)[1]
            seat.click(View.BASELINE_SAGITTAL, there)
        assert shows(seat, OTHER, there)


def test_a_key_chooses_by_hand_until_the_reader_points_elsewhere(seat: Seat) -> None:
    seat.open("S-001", 0)
    lowest, middle, _ = middles(seat, AXIAL)
    seat.click(SAGITTAL, lowest)
    seat.room.choose_view(AXIAL)
    block = uid(seat, AXIAL)
    seat.press("T")
    chosen = uid(seat, AXIAL)
    assert chosen != block
    seat.room.choose_view(SAGITTAL)
    seat.press("Down")
    assert uid(seat, AXIAL) == chosen
    seat.click(SAGITTAL, middle)
    assert shows(seat, AXIAL, middle)


def test_confirming_the_level_hangs_its_block(seat: Seat, disc: Any) -> None:
    seat.open("S-001", 0)
    *_, highest = middles(seat, AXIAL)
    seat.click(SAGITTAL, disc)
    seat.room.choose_view(AXIAL)
    while reaches(seat.room.state.grids[AXIAL], disc):
        seat.press("T")
    seat.press("K")
    assert seat.desk.visit.lock.status is LevelStatus.CONFIRMED
    assert shows(seat, AXIAL, disc)
    # Opened anew it begins there.
    seat.click(SAGITTAL, highest)
    assert not reaches(seat.room.state.grids[AXIAL], disc)
    seat.open("S-001", 0)
    assert shows(seat, AXIAL, seat.cursor())
    assert reaches(seat.room.state.grids[AXIAL], disc)


def test_unsaved_paint_is_not_taken_away(seat: Seat) -> None:
    seat.open("S-001", 0)
    lowest, *_, highest = middles(seat, AXIAL)
    seat.click(SAGITTAL, lowest)
    block = uid(seat, AXIAL)
    # The first stroke makes the axial block the stack that is read.
    seat.room.set_hand(Hand.BRUSH)
    start = seat.pixel(AXIAL, lowest)
    seat.drag(AXIAL, [start, start + type(start)(12, 0), start + type(start)(24, 0)])
    seat.settle()
    assert seat.desk.visit.view is AXIAL
    n_voxels = seat.desk.session.mask.n_voxels
    assert n_voxels > 0
    seat.room.set_hand(Hand.POINT)
    seat.click(SAGITTAL, highest)
    assert uid(seat, AXIAL) == block
    assert "unsaved work" in " ".join(seat.room.panes[AXIAL].overlay.scene.words.bottom_left)
    seat.desk.session.save()
    assert not seat.desk.session.mask.is_dirty
    # What is saved may go out of sight, and is there again with its stack.
    seat.click(SAGITTAL, highest)
    assert shows(seat, AXIAL, highest)
    assert not seat.room.panes[AXIAL].labels.data.any()
    seat.click(SAGITTAL, lowest)
    assert uid(seat, AXIAL) == block
    assert np.count_nonzero(seat.room.panes[AXIAL].labels.data) == n_voxels == seat.desk.session.mask.n_voxels

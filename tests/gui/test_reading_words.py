"""What a reader is told: keys that are what they are said to be, a reason for whatever is dimmed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from herntrack.workflows.workspace import Workspace
from napari_herntrack.reading.sheet import sheet_groups
from napari_herntrack.texts import load_texts
from tests.gui.seat import Seat, make_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, sample_dicom: Path) -> Workspace:
    return make_study(tmp_path_factory.mktemp("words") / "study", sample_dicom, patients=("S-001",))


def shortcuts(seat: Seat) -> dict[str, Any]:
    """Return the keys that are bound in the room."""
    from qtpy.QtWidgets import QShortcut

    found = [(each.key().toString(), each) for each in seat.room.findChildren(QShortcut)]
    assert len(found) == len(dict(found))
    return dict(found)


def keys_on_the_sheet(seat: Seat) -> list[str]:
    from qtpy.QtGui import QKeySequence

    *keys, (_, last) = sheet_groups(seat.desk.texts)
    rows = [row for _, rows in keys for row in rows] + last[:-5]
    return [QKeySequence(written).toString() for written, _ in rows]


def dimmed_without_reason(seat: Seat) -> list[str]:
    """Return what a reader can see and not use, and is not told why."""
    from qtpy.QtWidgets import QAbstractButton, QComboBox

    found = []
    for root in (seat.place, seat.panel):
        for widget in (*root.findChildren(QAbstractButton), *root.findChildren(QComboBox)):
            is_dimmed = not widget.isEnabled() or bool(widget.property("is_blocked"))
            if widget.isVisible() and is_dimmed and not widget.toolTip().strip():
                found.append(f"{type(widget).__name__} {widget.accessibleName()}")
    return found


def test_the_sheet_has_every_key_that_is_bound_and_no_other(seat: Seat) -> None:
    from qtpy.QtGui import QAction

    bound, written = shortcuts(seat), keys_on_the_sheet(seat)
    assert len(written) == len(set(written))
    assert set(written) == set(bound)
    # A key that napari's menus have as well would do neither.
    actions = seat.room.window().findChildren(QAction)
    taken = {each.shortcut().toString() for each in actions if each.isEnabled() and each.isVisible()}
    assert taken & set(bound) == set()


def test_every_key_of_the_sheet_is_heard_in_a_window(seat: Seat) -> None:
    from qtpy.QtCore import Qt
    from qtpy.QtGui import QKeySequence

    seat.open("S-001", 0)
    heard: list[str] = []
    unclear: list[str] = []
    for keys, shortcut in shortcuts(seat).items():
        shortcut.activated.connect(lambda keys=keys: heard.append(keys))
        shortcut.activatedAmbiguously.connect(lambda keys=keys: unclear.append(keys))
    written = keys_on_the_sheet(seat)
    for keys in written:
        combination = QKeySequence(keys)[0]
        held = combination.keyboardModifiers()
        shift, control = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
        seat.key(combination.key(), shift=bool(held & shift), control=bool(held & control))
        if seat.room._sheet is not None and seat.room._sheet.isVisible():
            seat.room.toggle_cheat_sheet()
        seat.panel.reasons.close_box()
        seat.settle()
    assert (heard, unclear) == (written, [])
    while seat.desk.session.mask.undo_tool:
        seat.conductor.drawing.undo()


def test_a_key_over_the_sheet_closes_it_and_does_nothing_else(seat: Seat) -> None:
    from qtpy.QtCore import Qt

    seat.open("S-001", 0)
    seat.key(Qt.Key.Key_C)
    canvas = seat.room.panes[seat.room.active].canvas
    hand = seat.room.hand
    seat.room.toggle_cheat_sheet()
    seat.qtbot.keyClick(seat.room._sheet, Qt.Key.Key_B)
    assert not seat.room._sheet.isVisible()
    assert seat.room.hand is hand
    assert canvas.hasFocus()


def test_whatever_is_dimmed_says_why(seat: Seat) -> None:
    seat.conductor.desk.leave()
    seat.conductor.show.all()
    assert seat.panel.description.boxes["type"].toolTip() == "Open a visit of the worklist"
    assert not seat.panel.description.boxes["type"].isEnabled()
    assert dimmed_without_reason(seat) == []
    for day in (0, 33):
        seat.open("S-001", day)
        assert dimmed_without_reason(seat) == []
    assert seat.panel.description.boxes["type"].isEnabled()
    seat.conductor.crew.freeze("Saving")
    assert dimmed_without_reason(seat) == []
    seat.desk.busy_with = ""
    seat.conductor.show.all()


def test_the_stacks_dock_tells_a_blinded_reader_nothing(seat: Seat, study: Workspace) -> None:
    from napari_herntrack._qt.stacks import StacksWidget

    stacks = StacksWidget(seat.place._viewer)
    seat.place._viewer.window.add_dock_widget(stacks, name="stacks")
    seat.wait(lambda: stacks._worker is None)
    stacks.list_stacks(study.folder)
    seat.wait(lambda: stacks.table.n_rows > 0)
    seat.wait(lambda: stacks._worker is None)
    seat.place.worklist.blinded_box.setChecked(True)
    seat.settle()
    seat.wait(lambda: stacks._worker is None)
    assert stacks.table.n_rows == 0
    assert stacks.message_label.text() == load_texts("en")("blinding.stacks_hidden")
    stacks.reload_button.click()
    seat.wait(lambda: stacks._worker is None)
    assert stacks.table.n_rows == 0
    seat.place.worklist.unblinding_wanted.emit("the end of the test")
    seat.settle()
    seat.wait(lambda: stacks.table.n_rows > 0)
    seat.wait(lambda: stacks._worker is None)
    seat.place.set_language("ru")
    assert stacks.reload_button.text() == load_texts("ru")("stacks.reload")
    seat.place.set_language("en")
    assert stacks.reload_button.text() == load_texts("en")("stacks.reload")
    seat.settle()
    seat.place._viewer.window.remove_dock_widget(stacks)


def test_the_panels_can_be_read_in_a_light_theme(seat: Seat) -> None:
    from qtpy.QtGui import QPalette

    viewer = seat.place._viewer
    for theme, is_light in (("light", True), ("dark", False)):
        viewer.theme = theme
        seat.wait(lambda is_light=is_light: seat.panel.is_light is is_light)
        seat.wait(lambda is_light=is_light: seat.place.worklist.is_light is is_light)
        ground = seat.room.window().palette().color(QPalette.ColorRole.Window)
        for label in (seat.panel.tools.title, seat.panel.sign_reason, seat.place.worklist.count_label):
            ink = label.palette().color(QPalette.ColorRole.WindowText)
            assert contrast(ink, ground) >= 4.5


def contrast(one: Any, other: Any) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2)."""

    def light(colour: Any) -> float:
        shares = [
            value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
            for value in (colour.redF(), colour.greenF(), colour.blueF())
        ]
        return float(0.2126 * shares[0] + 0.7152 * shares[1] + 0.0722 * shares[2])

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)

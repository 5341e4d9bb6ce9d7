"""The dock widget in a real window, from its list to a layer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from npe2 import PluginManifest

from herntrack.model.vocabulary import Plane
from herntrack.workflows.workspace import Workspace
from napari_herntrack.texts import load_texts
from tests.gui.conftest import MANIFEST
from tests.gui.seat import told_by
from tests.unit.plugin.written_stacks import (
    CT,
    CT_STEP_MM,
    PIXEL_SPACING,
    REGULAR,
    STEP_MM,
    WITH_A_HOLE,
    row_of,
    stored_values,
)

if TYPE_CHECKING:
    from napari.viewer import Viewer

PATIENCE_MS = 20_000
SLICES, DESCRIPTION = 5, 7
"""Columns of the table."""


def cells(table: Any) -> list[list[str]]:
    """Return the texts that the table shows."""
    model = table.model()
    return [
        [model.index(row, column).data() for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def select(stacks: Any, *descriptions: str) -> None:
    """Select the rows of these series, as clicks with Ctrl held down do."""
    from qtpy.QtCore import QItemSelectionModel

    flag = QItemSelectionModel.SelectionFlag
    stacks.table.clearSelection()
    for row, texts in enumerate(cells(stacks.table)):
        if texts[DESCRIPTION] in descriptions:
            index = stacks.table.model().index(row, 0)
            stacks.table.selectionModel().select(index, flag.Select | flag.Rows)


def click_open(stacks: Any, qtbot: Any) -> None:
    """Click the button and wait until the work is done."""
    from qtpy.QtCore import Qt

    qtbot.mouseClick(stacks.open_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(stacks.reload_button.isEnabled, timeout=PATIENCE_MS)


def test_every_python_name_of_the_manifest_can_be_imported() -> None:
    PluginManifest.from_file(str(MANIFEST)).validate_imports()


def test_the_table_lists_the_default_workspace(stacks: Any, imaged_workspace: Workspace) -> None:
    assert stacks.folder_line.text() == str(imaged_workspace.folder)
    shown = cells(stacks.table)
    assert shown[0] == [
        *("P-07", "2024-01-15", "MR", "axial", "T2", "5"),
        "4.40 \N{MULTIPLICATION SIGN} 0.70 \N{MULTIPLICATION SIGN} 0.60",
        REGULAR,
    ]
    assert [texts[DESCRIPTION] for texts in shown] == [REGULAR, WITH_A_HOLE, CT]


def test_the_button_says_why_it_is_off(stacks: Any) -> None:
    assert not stacks.open_button.isEnabled()
    assert stacks.hint_label.text() == "Select one or more stacks to open them."
    assert stacks.open_button.toolTip() == stacks.hint_label.text()
    select(stacks, REGULAR)
    assert stacks.open_button.isEnabled()
    assert stacks.hint_label.text().startswith("1 stack selected")


def test_a_stack_opens_as_a_layer_with_its_true_spacing(
    stacks: Any, viewer: Viewer, qtbot: Any, imaged_workspace: Workspace
) -> None:
    select(stacks, REGULAR)
    click_open(stacks, qtbot)
    (layer,) = viewer.layers
    np.testing.assert_array_equal(layer.data, stored_values())
    np.testing.assert_allclose(layer.scale, (STEP_MM, *PIXEL_SPACING), atol=1e-6)
    assert [str(unit) for unit in layer.units] == ["millimeter"] * 3
    row = row_of(imaged_workspace, REGULAR)
    assert layer.metadata["herntrack"]["affine_lps"] == row["affine_lps"]
    # The layer maps voxels to millimetres along its own axes and nothing else.
    np.testing.assert_array_equal(layer.data_to_world((0, 0, 0)), (0, 0, 0))
    np.testing.assert_allclose(np.diag(np.diag(layer.affine.affine_matrix)), layer.affine.affine_matrix)
    assert viewer.dims.current_step[0] == 2
    assert "R is at the left edge, L at the right" in stacks.message_label.text()


def test_an_opened_stack_is_seen_on_the_canvas(stacks: Any, viewer: Viewer, qtbot: Any) -> None:
    select(stacks, REGULAR)
    click_open(stacks, qtbot)
    viewer.window.screenshot(canvas_only=False, flash=False)  # draws what a hidden canvas left out
    picture = viewer.window.screenshot(canvas_only=True, flash=False)
    # One slice is a ramp of a fifth of the display range: many greys, not one, and nothing saturated.
    greys = np.unique(picture[..., :3].max(axis=-1))
    assert len(greys) > 20
    assert picture[..., :3].max() > 60


def test_an_irregular_stack_is_refused_in_the_widget(
    stacks: Any, viewer: Viewer, qtbot: Any, imaged_workspace: Workspace
) -> None:
    select(stacks, WITH_A_HOLE)
    click_open(stacks, qtbot)
    assert not viewer.layers
    (problem,) = row_of(imaged_workspace, WITH_A_HOLE)["problems"]
    assert problem in stacks.message_label.text()
    assert stacks.message_label.isVisible()
    assert stacks.warning_icon.isVisible()
    assert stacks.open_button.isEnabled()


def test_the_table_marks_what_cannot_be_opened(stacks: Any, imaged_workspace: Workspace) -> None:
    from qtpy.QtCore import Qt

    (problem,) = row_of(imaged_workspace, WITH_A_HOLE)["problems"]
    model = stacks.table.model()
    tips = [model.index(row, 3).data(Qt.ItemDataRole.ToolTipRole) for row in range(3)]
    assert tips == [None, f"Cannot be opened: {problem}", None]


def test_several_stacks_open_in_order_and_a_refused_one_stops_none(
    stacks: Any, viewer: Viewer, qtbot: Any
) -> None:
    select(stacks, REGULAR, WITH_A_HOLE, CT)
    click_open(stacks, qtbot)
    assert [layer.name for layer in viewer.layers] == [
        "P-07 2024-01-15 axial T2 #1",
        "P-07 2024-01-15 axial unknown #3",
    ]
    assert [layer.visible for layer in viewer.layers] == [False, True]
    assert "missing" in stacks.message_label.text()


def test_opening_a_stack_again_brings_its_layer_forward(stacks: Any, viewer: Viewer, qtbot: Any) -> None:
    select(stacks, REGULAR, CT)
    click_open(stacks, qtbot)
    select(stacks, REGULAR)
    click_open(stacks, qtbot)
    assert [layer.visible for layer in viewer.layers] == [True, False]
    assert viewer.layers.selection.active is viewer.layers[0]


def test_one_step_of_the_slider_is_one_slice_of_the_stack_that_is_shown(
    stacks: Any, viewer: Viewer, qtbot: Any
) -> None:
    select(stacks, REGULAR, CT)
    click_open(stacks, qtbot)
    mr, ct = viewer.layers
    np.testing.assert_allclose(viewer.dims.range[0], (0, 4 * CT_STEP_MM, CT_STEP_MM), atol=1e-5)
    mr.visible, ct.visible = True, False
    np.testing.assert_allclose(viewer.dims.range[0], (0, 4 * STEP_MM, STEP_MM), atol=1e-5)
    viewer.add_points(np.zeros((1, 3)), scale=mr.scale, units=mr.units, visible=False)
    np.testing.assert_allclose(viewer.dims.range[0], (0, 4 * STEP_MM, STEP_MM), atol=1e-5)
    viewer.layers.remove(ct)
    np.testing.assert_allclose(viewer.dims.range[0], (0, 4 * STEP_MM, STEP_MM), atol=1e-5)


def test_a_layer_of_the_users_own_is_left_as_it_is(stacks: Any, viewer: Viewer, qtbot: Any) -> None:
    own = viewer.add_image(np.zeros((4, 4, 4)), name="own")
    select(stacks, REGULAR)
    click_open(stacks, qtbot)
    assert own.visible
    assert len(viewer.layers) == 2


@pytest.mark.parametrize("key", ["Key_Return", "Key_Enter"])
def test_enter_opens_the_selected_stack(stacks: Any, viewer: Viewer, qtbot: Any, key: str) -> None:
    from qtpy.QtCore import Qt

    select(stacks, CT)
    viewer.window._qt_window.activateWindow()
    stacks.table.setFocus()
    qtbot.waitUntil(stacks.table.hasFocus, timeout=PATIENCE_MS)
    qtbot.keyClick(stacks.table, getattr(Qt.Key, key))
    qtbot.waitUntil(lambda: len(viewer.layers) == 1, timeout=PATIENCE_MS)
    qtbot.waitUntil(stacks.reload_button.isEnabled, timeout=PATIENCE_MS)


def test_a_double_click_opens_the_stack(stacks: Any, viewer: Viewer, qtbot: Any) -> None:
    from qtpy.QtCore import Qt

    where = stacks.table.visualRect(stacks.table.model().index(0, 1)).center()
    qtbot.mouseClick(stacks.table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    qtbot.mouseDClick(stacks.table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    qtbot.waitUntil(lambda: len(viewer.layers) == 1, timeout=PATIENCE_MS)
    qtbot.waitUntil(stacks.reload_button.isEnabled, timeout=PATIENCE_MS)


@pytest.mark.parametrize(
    ("text", "left", "count"),
    [
        ("t2 4.40", [REGULAR], "1 of 3 stacks"),
        ("mr 4.40", [REGULAR, WITH_A_HOLE], "2 of 3 stacks"),
        ("L5-S1 p-07", [REGULAR, WITH_A_HOLE], "2 of 3 stacks"),
        ("(", [], "0 of 3 stacks"),
        ("4.4.", [], "0 of 3 stacks"),
        ("", [REGULAR, WITH_A_HOLE, CT], "3 stacks"),
    ],
)
def test_the_filter_keeps_rows_that_have_every_word(
    stacks: Any, text: str, left: list[str], count: str
) -> None:
    stacks.filter_line.setText(text)
    assert [texts[DESCRIPTION] for texts in cells(stacks.table)] == left
    assert stacks.count_label.text() == count


def test_slices_are_sorted_as_numbers(stacks: Any, imaged_workspace: Workspace) -> None:
    from qtpy.QtCore import Qt

    row = row_of(imaged_workspace, REGULAR)
    stacks.table.set_rows([{**row, "n_slices": n_slices} for n_slices in (12, 100, 9)])
    assert [texts[SLICES] for texts in cells(stacks.table)] == ["12", "100", "9"]
    stacks.table.sortByColumn(SLICES, Qt.SortOrder.AscendingOrder)
    assert [texts[SLICES] for texts in cells(stacks.table)] == ["9", "12", "100"]


def test_a_folder_that_is_no_workspace_is_named_in_the_widget(
    stacks: Any, qtbot: Any, tmp_path: Path, imaged_workspace: Workspace
) -> None:
    stacks.folder_line.setText(str(tmp_path))
    stacks.reload_button.click()
    qtbot.waitUntil(stacks.reload_button.isEnabled, timeout=PATIENCE_MS)
    assert "is no workspace: it has no herntrack.toml" in stacks.message_label.text()
    assert stacks.hint_label.text() == "Nothing to open: no stacks are listed."
    assert stacks.table.n_rows == 0
    stacks.folder_line.setText(str(imaged_workspace.folder))
    stacks.reload_button.click()
    qtbot.waitUntil(lambda: stacks.table.n_rows == 3, timeout=PATIENCE_MS)
    qtbot.waitUntil(stacks.reload_button.isEnabled, timeout=PATIENCE_MS)
    assert not stacks.message_label.isVisible()


LATIN = re.compile(r"[A-Za-z]{3,}")
"""A word in Latin letters."""

SAME_EVERYWHERE = re.compile(r"/\S+|herntrack(\.toml| ingest PATH)?|Enter|P-07 \S+ \w+ \w+ #\d")
"""Paths, names of programs, files and keys; the name of a layer."""


def texts_of(stacks: Any) -> list[str]:
    """Return whatever can be read in the dock; descriptions and folders are what somebody else wrote."""
    from qtpy.QtCore import Qt
    from qtpy.QtWidgets import QWidget

    found = [text for widget in stacks.findChildren(QWidget) for text in told_by(widget)]
    found.remove(stacks.folder_line.text())
    model, header = stacks.table.model(), Qt.Orientation.Horizontal
    found += [model.headerData(column, header) for column in range(model.columnCount())]
    found += [text for row in cells(stacks.table) for text in row[:DESCRIPTION]]
    found += [model.index(row, 0).data(Qt.ItemDataRole.ToolTipRole) or "" for row in range(model.rowCount())]
    return [text for text in found if text]


@pytest.mark.parametrize("language", ["ru", "kk"])
def test_the_dock_of_another_language_says_nothing_in_english(
    stacks: Any, qtbot: Any, language: str, tmp_path: Path
) -> None:
    texts = load_texts(language)
    stacks.speak(texts)
    said = texts_of(stacks)
    select(stacks, REGULAR, CT)
    said += texts_of(stacks)
    stacks.open_button.click()
    said += texts_of(stacks)
    qtbot.waitUntil(stacks.reload_button.isEnabled, timeout=PATIENCE_MS)
    said += texts_of(stacks)
    assert stacks.message_label.text().endswith(texts("stacks.others_hidden"))
    select(stacks, WITH_A_HOLE)
    click_open(stacks, qtbot)
    said += texts_of(stacks)
    # English is found too: descriptions are often English.
    for words, left in (("sagittal", 0), ("axial", 3), (texts.word(Plane.AXIAL), 3)):
        stacks.filter_line.setText(words)
        assert stacks.table.n_shown == left
    stacks.filter_line.clear()
    stacks.folder_line.setText(str(tmp_path))
    stacks.reload_button.click()
    said += texts_of(stacks)
    qtbot.waitUntil(stacks.reload_button.isEnabled, timeout=PATIENCE_MS)
    said += texts_of(stacks)
    assert stacks.message_label.text().endswith(texts("stacks.no_workspace"))
    english = set(load_texts("en").entries.values()) - set(texts.entries.values())
    assert [text for text in said if text in english] == []
    detail = texts("room.detail", detail="")
    left_english = {text for text in said if LATIN.search(SAME_EVERYWHERE.sub("", text.split(detail)[0]))}
    assert left_english == set()

"""Folders and sample data that napari opens: read beside the window, shown when they are ready."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_herntrack.files import beside, reader, sample
from tests.unit.plugin.written_stacks import stored_values, write_stack

PATIENCE_MS = 60_000


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return, for each reading of files, whether the window's thread did it."""
    found: list[bool] = []
    real = reader.read_paths

    def read(path: Any) -> Any:
        found.append(threading.current_thread() is threading.main_thread())
        return real(path)

    for module in (reader, sample):
        monkeypatch.setattr(module, "read_paths", read)
    return found


def test_a_large_folder_is_read_beside_the_window(
    viewer: Any, qtbot: Any, tmp_path: Path, threads: list[bool]
) -> None:
    for number, words in ((1, "T2 AX L5-S1"), (2, "T2 AX L4-L5"), (3, "T2 AX L3-L4")):
        write_stack(tmp_path / "export", number=number, description=words)
    assert viewer.open(str(tmp_path / "export"), plugin="herntrack") == []
    assert not viewer.layers
    qtbot.waitUntil(lambda: len(viewer.layers) == 3, timeout=PATIENCE_MS)
    assert threads == [False]
    np.testing.assert_array_equal(viewer.layers[0].data, stored_values())
    assert [layer.visible for layer in viewer.layers] == [True, False, False]
    assert viewer.layers[0].metadata["herntrack"]["sources"]


def test_what_cannot_be_shown_is_said_in_a_notification(
    viewer: Any, qtbot: Any, tmp_path: Path, threads: list[bool]
) -> None:
    from napari.utils.notifications import notification_manager

    write_stack(tmp_path / "export", number=1, description="T2 AX L5-S1")
    for number in (2, 3):
        write_stack(tmp_path / "export", number=number, description=f"T2 {number}", leave_out=2)
    viewer.open(str(tmp_path / "export"), plugin="herntrack")
    with qtbot.waitSignal(_Noted(notification_manager).signal, timeout=PATIENCE_MS) as noted:
        pass
    assert "no regular volume" in noted.args[0]
    assert len(viewer.layers) == 1
    assert threads == [False]


def test_a_small_folder_opens_at_once(viewer: Any, tmp_path: Path, threads: list[bool]) -> None:
    write_stack(tmp_path / "export", number=1, description="T2 AX L5-S1")
    (layer,) = viewer.open(str(tmp_path / "export"), plugin="herntrack")
    np.testing.assert_array_equal(layer.data, stored_values())
    assert threads == [True]


def test_an_empty_layer_stands_in_for_the_sample_until_it_is_made(
    viewer: Any, qtbot: Any, threads: list[bool], sample_dicom: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Simulating it takes seconds and has tests of its own.
    visit = sample_dicom / "dicom" / "S-001" / "20240304"
    monkeypatch.setattr(sample, "_made_visit", lambda: str(visit))
    (empty,) = viewer.open_sample("herntrack", "sample_cohort")
    assert empty.name == sample.BEING_MADE
    qtbot.waitUntil(lambda: empty not in viewer.layers, timeout=PATIENCE_MS)
    assert len(viewer.layers) >= 2
    assert all(layer.metadata["herntrack"]["affine_lps"] for layer in viewer.layers)
    assert threads == [False]


def test_without_a_window_everything_is_read_at_once(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        write_stack(tmp_path / "export", number=number, description=f"T2 AX {number}")
    assert beside.window() is None
    read = reader.get_reader(str(tmp_path / "export"))
    assert read is reader.read_beside
    assert len(read(str(tmp_path / "export"))) == 3


class _Noted:
    """napari's notifications as a Qt signal."""

    def __init__(self, manager: Any) -> None:
        from qtpy.QtCore import QObject, Signal

        class Sender(QObject):  # type: ignore[misc]  # Qt has no types here
            said = Signal(str)

        self._sender = Sender()
        self.signal = self._sender.said
        manager.notification_ready.connect(lambda event: self._sender.said.emit(event.message))

"""How long the reading room holds up napari's window in one piece, over a reader's day.

Run by hand, with a display: ``xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/bench_smoothness.py``

A reader opens the room, reads the first visit of a sample patient from the click to the signature, accepts
the next one's proposal, says that nothing is left on the last, and goes on to the next patient. The time
of each turn of the event loop is measured, and where it went; what the window's thread waited for a free
core (Linux counts it) is told apart, as the machine's other work. So are the pauses between turns, in which
another thread may keep Python's lock. What napari needs for its own window is shown beside it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtCore import QSettings
from window_watch import WindowWatch

from herntrack.model.vocabulary import Level, Side
from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.reading.readings import add_lesion
from herntrack.workflows.workspace import Workspace, create_workspace
from napari_herntrack._qt.panels.place import ReadingPlace
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.views import Half, View

SAMPLE = Path(__file__).resolve().parents[1] / "sample_dicom"
PATIENTS = ("S-001", "S-003")
SAGITTAL = View.CURRENT_SAGITTAL

GUI_MS = 100.0
"""Longest allowed piece of work in the window's thread (ms)."""

WORTH_TELLING_MS = 50.0
"""Of whatever takes longer, the three places where the processor spent most of it are told (ms)."""

NOT_OURS = ("napari's own window", "at rest")


def truth(patient_id: str) -> dict[str, Any]:
    told = json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))
    return next(each for each in told["patients"] if each["patient_id"] == patient_id)


def make_study(folder: Path) -> Workspace:
    made = ingest(create_workspace(folder), [SAMPLE / "dicom" / each for each in PATIENTS], jobs=1)
    for patient_id in PATIENTS:
        for lesion in truth(patient_id)["lesions"]:
            level, side = Level.parse(lesion["level"]), Side.parse(lesion["side"])
            uid = lesion["lesion_uid"]
            add_lesion(made.workspace, patient_id=patient_id, level=level, side=side, lesion_uid=uid)
    return made.workspace


def choose_settings(folder: Path) -> None:
    ini, user = QSettings.Format.IniFormat, QSettings.Scope.UserScope
    QSettings.setPath(ini, user, str(folder))
    settings = QSettings(ini, user, "herntrack", "reading-room")
    settings.setValue("reader", "reader-1")
    settings.setValue("language", "en")
    settings.sync()


def read(watch: WindowWatch, place: ReadingPlace) -> None:
    """Read one patient, then open the next."""
    conductor, room = place.conductor, place.room
    assert conductor is not None
    assert room is not None
    patient = truth("S-001")
    told = patient["visits"][0]["lesions"][patient["lesions"][0]["lesion_uid"]]

    def do(name: str, act: Callable[[], object]) -> None:
        watch.run(name, act)
        watch.until(name, lambda: not conductor.is_busy and not room.loader.is_busy, at_least_s=0.2)

    def stroke() -> None:
        layer = room.panes[SAGITTAL].labels
        index = room.state.grids[SAGITTAL].lps_to_index(np.array(told["click_lps_mm"]))  # type: ignore[union-attr]
        with layer.block_history():
            layer.paint((round(index[0]), round(index[1]) - 4, round(index[2]) - 9), 1)

    def key(name: str) -> Callable[[], object]:
        return lambda: place._do(name)

    do("open a visit", key("next_visit"))
    do("go to a place", lambda: room.go_to(Half.CURRENT, np.array(told["disc_centre_lps_mm"])))
    do("confirm the level", key("confirm_level"))
    do("one click", lambda: room.point_clicked.emit(SAGITTAL, np.array(told["click_lps_mm"])))
    do("take the brush", lambda: room.set_hand(Hand.BRUSH))
    do("stroke", stroke)
    do("undo", key("undo"))
    do("a slice on", lambda: room.step(SAGITTAL, 1))
    do("save", key("save"))
    do("sign", key("sign"))
    do("open a visit", key("next_visit"))
    do("accept a proposal", key("save"))
    do("sign", key("sign"))
    do("open a visit", key("next_visit"))
    do("say absent", key("say_absent"))
    do("save", key("save"))
    do("open the next patient", key("next_visit"))


def main() -> int:
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        print("bench_smoothness: no display; run it below xvfb-run")
        return 0
    watch = WindowWatch()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        choose_settings(folder / "settings")
        workspace = make_study(folder / "study")
        viewer = watch.run(NOT_OURS[0], lambda: napari.Viewer(show=True))
        viewer.window._qt_window.resize(1580, 985)
        watch.until("at rest", lambda: True, at_least_s=1.0)
        place = watch.run("open the room", lambda: ReadingPlace(viewer, workspace.folder))
        watch.run(
            "open the room", lambda: viewer.window.add_dock_widget(place, name="herntrack", area="left")
        )
        seconds = watch.until(
            "open the room", lambda: place.conductor is not None and place.worklist and place.worklist.rows
        )
        print(f"the room stands after {seconds:.1f} s")
        watch.until("open the room", lambda: not place.conductor.is_busy, at_least_s=1.0)  # type: ignore[union-attr]
        read(watch, place)
        watch.run("leave the room", place.leave)
        watch.until("leave the room", lambda: not place.is_leaving, at_least_s=0.2)
        viewer.close()
    return told_in_words(watch)


def told_in_words(watch: WindowWatch) -> int:
    """Print the longest piece of work of each kind; return 1 if one of ours is too long."""
    is_met = True
    for name, longest in watch.longest.items():
        where = ", ".join(f"{place} {s * 1e3:.0f}" for place, s in longest.where.most_common(3))
        is_met &= longest.own_s * 1e3 <= GUI_MS or name in NOT_OURS
        print(
            f"{name}: {longest.own_s * 1e3:.0f} ms, of the processor {longest.cpu_s * 1e3:.0f} ms"
            f" (and {longest.waited_s * 1e3:.0f} ms for a free core);"
            f" the most of the processor in one piece: {watch.most_cpu_s[name] * 1e3:.0f} ms"
            + (f"; {where}" if longest.own_s * 1e3 > WORTH_TELLING_MS and where else "")
        )
    print("targets met" if is_met else f"TARGETS MISSED: more than {GUI_MS:.0f} ms in one piece")
    return 0 if is_met else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""How fast the reading room is beside a bare napari viewer that shows the same stack.

Run by hand, with a display: ``xvfb-run -a -s "-screen 0 1920x1200x24" python benchmarks/bench_room.py``
(without a graphics card Mesa draws in software, and that is what the targets are for).

Both windows are open at once and both canvases have the same size. Each round measures a slice
step and a brush stroke in the bare viewer, then in the room with its four views, then a step
that the other visit follows; medians over all rounds are compared. A measurement begins with the
call that a wheel or a brush makes and ends when the canvas was drawn and the window is at rest.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import napari
import numpy as np
from napari.qt import get_qapp
from room_cases import DATES, PATIENTS, write_patients

from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.workspace import Workspace, create_workspace
from napari_herntrack._qt.room.mount import Mount
from napari_herntrack._qt.room.reading_room import ReadingRoom
from napari_herntrack.viewing.pairs import make_pair
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.views import Half, Pair, View

RATIO = 1.2
"""Largest allowed ratio to bare napari, for each view that changes."""

OPENING_S = 1.5
"""Longest allowed time to the first picture (s)."""

CANVAS = (640, 440)
"""Size of every canvas (pixels)."""

GUI_MS = 100.0
"""Longest allowed piece of work in the window's thread (ms)."""

SAGITTAL = View.CURRENT_SAGITTAL


class Draws:
    """Counts how often canvases are drawn."""

    def __init__(self, canvases: Iterable[Any]) -> None:
        self.counts: list[int] = []
        for number, canvas in enumerate(canvases):
            self.counts.append(0)
            canvas.events.draw.connect(lambda _, number=number: self._drawn(number))

    def _drawn(self, number: int) -> None:
        self.counts[number] += 1


def until(is_done: Callable[[], bool], *, pause_s: float = 0.0) -> float:
    """Run the window until something is so; return the longest time it was busy in one go (s)."""
    longest, begun = 0.0, time.perf_counter()
    while not is_done():
        started = time.perf_counter()
        get_qapp().processEvents()
        longest = max(longest, time.perf_counter() - started)
        if pause_s:
            time.sleep(pause_s)
        if time.perf_counter() - begun > 60.0:
            raise TimeoutError("nothing happened for a minute")
    return longest


def rest() -> None:
    for _ in range(30):
        get_qapp().processEvents()
        time.sleep(0.005)


def timed(act: Callable[[], object], draws: Draws, wanted: Iterable[int]) -> float:
    """Return how long an act takes until its canvases are drawn and the window is at rest (ms)."""
    before = list(draws.counts)
    started = time.perf_counter()
    act()
    until(lambda: all(draws.counts[number] > before[number] for number in wanted))
    get_qapp().processEvents()
    return (time.perf_counter() - started) * 1e3


def open_bare(room: ReadingRoom) -> tuple[Any, Any, Any]:
    """Return a bare viewer with the sagittal stack, its labels layer, and its Qt viewer."""
    viewer = napari.Viewer(show=True)
    pane = room.panes[SAGITTAL]
    viewer.add_image(pane.image.data, scale=pane.image.scale, contrast_limits=pane.image.contrast_limits)
    labels = viewer.add_labels(np.zeros(pane.image.data.shape, np.uint8), scale=pane.image.scale)
    labels.brush_size = pane.labels.brush_size
    qt_viewer = viewer.window._qt_viewer
    qt_viewer.canvas.native.setFixedSize(*CANVAS)
    labels.mode = "paint"
    return viewer, labels, qt_viewer


def steps_and_strokes(room: ReadingRoom, n_rounds: int) -> dict[str, list[float]]:
    """Return the times of every act in the bare viewer and in the room (ms)."""
    viewer, labels, qt_viewer = open_bare(room)
    panes = list(room.panes)
    ours = Draws(room.panes[view].qt_viewer.canvas for view in panes)
    bare = Draws([qt_viewer.canvas])
    assert room.state is not None
    one, two = panes.index(SAGITTAL), panes.index(View.BASELINE_SAGITTAL)
    axial = panes.index(View.CURRENT_AXIAL)
    room.set_hand(Hand.BRUSH)
    mine = room.panes[SAGITTAL].labels
    rest()
    times: dict[str, list[float]] = {}
    last = viewer.dims.nsteps[0] - 2

    def add(name: str, milliseconds: float) -> None:
        times.setdefault(name, []).append(milliseconds)

    for number in range(n_rounds):
        index = 1 + number % last
        spot = (120 + 7 * (number % 30), 140 + 5 * (number % 40))
        add("bare step", timed(lambda i=index: viewer.dims.set_current_step(0, i), bare, [0]))
        add("bare stroke", timed(lambda i=index, s=spot: labels.paint((i, *s), 1), bare, [0]))
        room.state.is_linked = False
        move = index - room.state.slices[SAGITTAL]
        if move:
            before = list(ours.counts)
            add("room step", timed(lambda m=move: room.step(SAGITTAL, m), ours, [one]))
            assert ours.counts[axial] == before[axial], "a view that did not change was drawn"
        add("room stroke", timed(lambda i=index, s=spot: mine.paint((i, *s), 1), ours, [one]))
        room.state.is_linked = True
        back = -1 if index > 1 else 1
        before = list(room.state.slices.values())
        milliseconds = timed(lambda b=back: room.step(SAGITTAL, b), ours, [one])
        until(lambda: True)
        n_changed = sum(a != b for a, b in zip(before, room.state.slices.values(), strict=True))
        if n_changed == 2:
            assert ours.counts[two]
            add("room linked step, per view", milliseconds / 2)
    viewer.close()
    return times


def open_pair(room: ReadingRoom, pair: Pair) -> dict[str, float]:
    """Return the times to the first picture, to one in every view, and to the whole pair (s)."""
    found: dict[str, float] = {}
    views = list(pair.stacks)
    draws = Draws(room.panes[view].qt_viewer.canvas for view in views)
    shown: dict[View, int] = {}
    done: list[bool] = []
    # A view has its picture when its canvas was drawn after the layer got the values.
    room.picture_shown.connect(lambda view: shown.setdefault(view, draws.counts[views.index(view)]))
    room.pair_opened.connect(lambda: done.append(True))

    def drawn() -> int:
        return sum(draws.counts[views.index(view)] > before for view, before in shown.items())

    started = time.perf_counter()
    room.show_pair(pair)
    longest = time.perf_counter() - started
    longest = max(longest, until(lambda: drawn() >= 1, pause_s=0.001))
    found["first picture"] = time.perf_counter() - started
    longest = max(longest, until(lambda: drawn() == len(views), pause_s=0.001))
    found["a picture in every view"] = time.perf_counter() - started
    longest = max(longest, until(lambda: bool(done), pause_s=0.001))
    found["whole pair"] = time.perf_counter() - started
    found["longest work in the window's thread"] = longest
    room.picture_shown.disconnect()
    room.pair_opened.disconnect()
    return found


def pair_of(workspace: Workspace, patient_id: str) -> Pair:
    """Return the later visit beside the first; both stand in the same place here."""
    day = date.fromisoformat(f"{DATES[1][:4]}-{DATES[1][4:6]}-{DATES[1][6:]}")
    pair = make_pair(workspace, patient_id, day).pair
    return Pair(current=pair.current, baseline=pair.baseline, matrix_lps=np.eye(4))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--keep", type=Path, help="folder of the written patients, made if missing")
    arguments = parser.parse_args()
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        print("bench_room: no display; run it below xvfb-run")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        if not (folder / "study").is_dir():
            write_patients(folder / "export")
            ingest(create_workspace(folder / "study"), [folder / "export"], jobs=1)
        from herntrack.workflows.workspace import find_workspace

        return measure(find_workspace(folder / "study"), arguments.rounds)


def measure(workspace: Workspace, n_rounds: int) -> int:
    pairs = [pair_of(workspace, patient_id) for patient_id in PATIENTS]
    viewer = napari.Viewer(show=True)
    viewer.window._qt_window.resize(2 * CANVAS[0] + 20, 2 * CANVAS[1] + 80)
    started = time.perf_counter()
    room = ReadingRoom(workspace)
    mount = Mount()
    mount.open(room, viewer.window._qt_window)
    room.furnishing.begin()
    until(lambda: room.furnishing.is_done)
    for pane in room.panes.values():
        pane.canvas.setFixedSize(*CANVAS)
    rest()
    print(f"the room stands after {time.perf_counter() - started:.2f} s, in napari's window")
    time.sleep(1.0)
    is_met = True
    for what, pair in (("first patient", pairs[0]), ("next patient", pairs[1])):
        found = open_pair(room, pair)
        is_met &= found["first picture"] <= OPENING_S
        print(f"{what}: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in found.items()))
        rest()
    room.preload(pairs[0].stacks.values())
    until(lambda: not room.loader.is_busy, pause_s=0.005)
    found = open_pair(room, pairs[0])
    print("read ahead: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in found.items()))
    rest()
    room.go_to(Half.CURRENT, room.state.cursor_lps(Half.CURRENT))  # type: ignore[union-attr]
    times = steps_and_strokes(room, n_rounds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        p95 = sorted(values)[int(0.95 * (len(values) - 1))]
        peer = medians["bare stroke" if "stroke" in name else "bare step"]
        ratio = "" if name.startswith("bare") else f", {medians[name] / peer:.2f} x bare (at most {RATIO})"
        print(f"{name}: median {medians[name]:.1f} ms, p95 {p95:.1f} ms, n {len(values)}{ratio}")
        is_met &= name.startswith("bare") or medians[name] <= RATIO * peer
    room.close_room()
    mount.close()
    viewer.close()
    print("targets met" if is_met else "TARGETS MISSED")
    return 0 if is_met else 1


if __name__ == "__main__":
    raise SystemExit(main())

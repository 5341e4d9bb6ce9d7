"""Watches the window's thread: how long it is busy in one piece, and with what."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari.qt import get_qapp

LATE_S = 0.02
"""Whatever takes longer is sampled (s)."""

SAMPLE_S = 0.005
"""Time between two samples (s)."""

PATIENCE_S = 120.0


@dataclass
class Longest:
    """The longest piece of work under one name; what it waited for a core is the machine's other work."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    waited_s: float = 0.0
    where: Counter[str] = field(default_factory=Counter)

    @property
    def own_s(self) -> float:
        """What it would have taken had a core been free (s)."""
        return self.wall_s - self.waited_s


class WindowWatch:
    """Runs the event loop and keeps, for each name, the longest piece of work and its call stack."""

    def __init__(self) -> None:
        self.longest: dict[str, Longest] = {}
        self._begun: float | None = None
        self._where: Counter[str] = Counter()
        self._thread = threading.get_ident()
        self._schedule = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        threading.Thread(target=self._sample, daemon=True).start()

    def run(self, name: str, act: Callable[[], Any]) -> Any:
        """Time a piece of work."""
        self._where = Counter()
        waited = self._waited_s()
        started, cpu = time.perf_counter(), time.thread_time()
        self._begun = started
        try:
            return act()
        finally:
            wall_s, cpu_s = time.perf_counter() - started, time.thread_time() - cpu
            self._begun = None
            took = Longest(wall_s, cpu_s, self._waited_s() - waited, self._where)
            if took.own_s > self.longest.setdefault(name, Longest()).own_s:
                self.longest[name] = took

    def until(self, name: str, is_done: Callable[[], object], *, at_least_s: float = 0.0) -> float:
        """Run the event loop until something is so; return how long it took (s)."""
        started = time.perf_counter()
        while not is_done() or time.perf_counter() - started < at_least_s:
            self.run(name, get_qapp().processEvents)
            time.sleep(0.001)
            if time.perf_counter() - started > PATIENCE_S:
                raise TimeoutError(f"{name}: nothing happened for {PATIENCE_S:.0f} s")
        return time.perf_counter() - started

    def _waited_s(self) -> float:
        """Return how long the thread has been ready to run without a core (s); 0 where nobody counts it."""
        try:
            return int(self._schedule.read_text().split()[1]) / 1e9
        except (OSError, IndexError):
            return 0.0

    def _sample(self) -> None:
        while True:
            time.sleep(SAMPLE_S)
            begun = self._begun
            if begun is not None and time.perf_counter() - begun > LATE_S:
                self._where[_innermost(sys._current_frames().get(self._thread))] += 1


def _innermost(frame: Any) -> str:
    """Return the innermost place of ours in a call stack, else of napari."""
    names = []
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith(("napari", "herntrack")):
            names.append(f"{name}.{frame.f_code.co_name}")
        frame = frame.f_back
    ours = next((name for name in names if name.startswith(("napari_herntrack", "herntrack"))), "")
    return ours or (names[0] if names else "Qt")

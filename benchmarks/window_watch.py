"""Watches the window's thread: how long it is busy in one piece, and with what.

A piece is a turn of the event loop, or a pause between two turns that lasted longer than it was meant to:
a thread that keeps Python's lock holds up the window as much as work of its own.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from napari.qt import get_qapp

SAMPLE_S = 0.004
"""Time between two samples (s)."""

PAUSE_S = 0.001
"""Time between two turns of the event loop (s)."""

ELSEWHERE = "another thread kept Python's lock"

PATIENCE_S = 120.0


@dataclass
class Longest:
    """The longest piece of work under one name; what it waited for a core is the machine's other work.

    `where` holds the time of the processor that each place took (s).
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    waited_s: float = 0.0
    where: Counter[str] = field(default_factory=Counter)

    @property
    def own_s(self) -> float:
        """What it would have taken had a core been free (s)."""
        return self.wall_s - self.waited_s


class WindowWatch:
    """Runs the event loop and keeps, for each name, the longest piece of work and where its time went."""

    def __init__(self) -> None:
        self.longest: dict[str, Longest] = {}
        self.most_cpu_s: dict[str, float] = {}
        self._is_busy = False
        self._where: Counter[str] = Counter()
        self._thread = threading.get_ident()
        self._clock = _clock_of(self._thread)
        self._schedule = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        threading.Thread(target=self._sample, daemon=True).start()

    def run(self, name: str, act: Callable[[], Any]) -> Any:
        """Time a piece of work."""
        self._where = Counter()
        waited = self._waited_s()
        started, cpu = time.perf_counter(), time.thread_time()
        self._is_busy = True
        try:
            return act()
        finally:
            wall_s, cpu_s = time.perf_counter() - started, time.thread_time() - cpu
            self._is_busy = False
            self._keep(name, Longest(wall_s, cpu_s, self._waited_s() - waited, self._where))

    def until(self, name: str, is_done: Callable[[], object], *, at_least_s: float = 0.0) -> float:
        """Run the event loop until something is so; return how long it took (s)."""
        started = time.perf_counter()
        while not is_done() or time.perf_counter() - started < at_least_s:
            self.run(name, get_qapp().processEvents)
            self._pause(name)
            if time.perf_counter() - started > PATIENCE_S:
                raise TimeoutError(f"{name}: nothing happened for {PATIENCE_S:.0f} s")
        return time.perf_counter() - started

    def _pause(self, name: str) -> None:
        waited, started = self._waited_s(), time.perf_counter()
        time.sleep(PAUSE_S)
        late_s = time.perf_counter() - started - PAUSE_S
        self._keep(name, Longest(late_s, 0.0, self._waited_s() - waited, Counter({ELSEWHERE: late_s})))

    def _keep(self, name: str, took: Longest) -> None:
        if took.own_s > self.longest.setdefault(name, Longest()).own_s:
            self.longest[name] = took
        self.most_cpu_s[name] = max(took.cpu_s, self.most_cpu_s.get(name, 0.0))

    def _waited_s(self) -> float:
        """Return how long the thread has been ready to run without a core (s); 0 where nobody counts it."""
        try:
            return int(self._schedule.read_text().split()[1]) / 1e9
        except (OSError, IndexError):
            return 0.0

    def _sample(self) -> None:
        """Give the processor's time since the last sample to the place where the thread is found."""
        seen = self._clock()
        while True:
            time.sleep(SAMPLE_S)
            now = self._clock()
            if self._is_busy:
                self._where[_innermost(sys._current_frames().get(self._thread))] += now - seen
            seen = now


def _clock_of(thread: int) -> Callable[[], float]:
    """Return what tells the processor's time of a thread (s); where nobody counts it, the time itself."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.perf_counter
    clock = time.pthread_getcpuclockid(thread)
    return lambda: time.clock_gettime(clock)


def _innermost(frame: Any) -> str:
    """Return the innermost place of ours in a call stack, else of napari."""
    names = []
    # While it is looked at, the thread goes on.
    while isinstance(frame, FrameType):
        name = frame.f_globals.get("__name__", "")
        if name.startswith(("napari", "herntrack")):
            names.append(f"{name}.{frame.f_code.co_name}")
        frame = frame.f_back
    ours = next((name for name in names if name.startswith(("napari_herntrack", "herntrack"))), "")
    return ours or (names[0] if names else "Qt")

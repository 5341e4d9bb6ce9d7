"""Keeps Python itself from stopping the window while the room is open.

Two things do. The collector of cyclic garbage looks at every object there is, in whichever thread
happens to make the next one, and everybody waits: napari, its libraries and ours are some 400 000
objects, which took 0.15-0.45 s. What is alive when the room stands is set aside until the room
closes, so that later rounds see only what came since. And a thread that computes gives the others
a turn after 5 ms by default; drawing a picture asks for a turn at each call of the graphics
library, so beside a busy worker it took twice as long (127 ms instead of 66; with 0.5 ms, 80).

Public: `Steady`.
"""

from __future__ import annotations

import gc
import sys
from typing import ClassVar

SWITCH_S = 0.0005
"""A thread that computes gives the others a turn after so long (s)."""


class Steady:
    """One who needs a steady window; when the last one ends, Python is as it was found."""

    _all: ClassVar[set[Steady]] = set()
    _found: ClassVar[tuple[float, bool]] = (0.005, True)

    def begin(self) -> None:
        """Collect nothing until `settle`, and let threads take turns more often."""
        if not self._all:
            Steady._found = sys.getswitchinterval(), gc.isenabled()
            sys.setswitchinterval(SWITCH_S)
        self._all.add(self)
        gc.disable()

    def set_aside(self) -> None:
        """Let no collection look at what is alive; to be called while there is no patient's data."""
        if self in self._all:
            gc.freeze()

    def settle(self) -> None:
        """Set aside what is alive, and collect again."""
        self.set_aside()
        if self in self._all and self._found[1]:
            gc.enable()

    def end(self) -> None:
        """Need it no more; does nothing the second time."""
        if self not in self._all:
            return
        self._all.remove(self)
        if not self._all:
            switch_s, was_collecting = self._found
            sys.setswitchinterval(switch_s)
            gc.unfreeze()
            if was_collecting:
                gc.enable()

"""Work in the window's thread that is done one step for each second turn of the event loop.

The turn in between belongs to what the step asked for: Qt draws at the beginning of a turn, so that
without it every turn would draw the last step and do the next one, and take as long as both. For the
same reason whoever has such work in one window shares one pace: two steps never fall into one turn.

Public: `Pace`, `Turns`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from qtpy.QtCore import QObject, QTimer


class Pace(QObject):  # type: ignore[misc]  # Qt has no types here
    """Lets those who share it take their steps in turn."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._line: deque[Turns] = deque()
        self._clock = QTimer(self)
        self._clock.setInterval(0)
        self._clock.timeout.connect(self._tick)
        self._is_pause = False

    def is_in_line(self, turns: Turns) -> bool:
        """Whether somebody has steps left."""
        return turns in self._line

    def join(self, turns: Turns) -> None:
        """Stand at the end of the line; does nothing the second time."""
        if turns not in self._line:
            self._line.append(turns)
        if not self._clock.isActive():
            self._is_pause = False
            self._clock.start()

    def leave(self, turns: Turns) -> None:
        """Leave the line; does nothing the second time."""
        if turns in self._line:
            self._line.remove(turns)
        if not self._line:
            self._clock.stop()

    def _tick(self) -> None:
        is_pause, self._is_pause = self._is_pause, not self._is_pause
        if not is_pause and self._line:
            turns = self._line[0]
            self._line.rotate(-1)
            turns.take_step()


class Turns:
    """Runs an iterator to its end; each item is a step.

    Parameters
    ----------
    pace : Pace
        Says when a step is taken.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._steps: Iterator[object] = iter(())

    @property
    def is_busy(self) -> bool:
        """Whether steps are left."""
        return self._pace.is_in_line(self)

    def run(self, steps: Iterator[object]) -> None:
        """Begin; what was left of other steps is dropped."""
        self._steps = steps
        self._pace.join(self)

    def finish(self) -> None:
        """Do all that is left, at once."""
        while self.is_busy:
            self.take_step()

    def stop(self) -> None:
        """Do no more."""
        self._pace.leave(self)
        self._steps = iter(())

    def take_step(self) -> None:
        """Do the next step."""
        steps = self._steps
        try:
            next(steps)
        except StopIteration:
            if steps is self._steps:
                self._pace.leave(self)
        except BaseException:
            self._pace.leave(self)
            raise

"""Work in the window's thread that is done one step for each second turn of the event loop.

The turn in between belongs to what the step asked for: Qt draws at the beginning of a turn, so that
without it every turn would draw the last step and do the next one, and take as long as both.

Public: `Turns`.
"""

from __future__ import annotations

from collections.abc import Iterator

from qtpy.QtCore import QObject, QTimer


class Turns(QObject):  # type: ignore[misc]  # Qt has no types here
    """Runs an iterator to its end; each item is a step."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._steps: Iterator[object] = iter(())
        self._clock = QTimer(self)
        self._clock.setInterval(0)
        self._clock.timeout.connect(self._take_turn)
        self._is_pause = False

    @property
    def is_busy(self) -> bool:
        """Whether steps are left."""
        return bool(self._clock.isActive())

    def run(self, steps: Iterator[object]) -> None:
        """Begin; what was left of other steps is dropped."""
        self._steps, self._is_pause = steps, False
        self._clock.start()

    def finish(self) -> None:
        """Do all that is left, at once."""
        while self.is_busy:
            self._do_one()

    def stop(self) -> None:
        """Do no more."""
        self._clock.stop()
        self._steps = iter(())

    def _take_turn(self) -> None:
        is_pause, self._is_pause = self._is_pause, not self._is_pause
        if not is_pause:
            self._do_one()

    def _do_one(self) -> None:
        steps = self._steps
        try:
            next(steps)
        except StopIteration:
            if steps is self._steps:
                self._clock.stop()
        except BaseException:
            self._clock.stop()
            raise

"""Work in the window's thread that is done one step for each turn of the event loop.

Between two steps pictures are drawn and keys and clicks are answered.

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
        self._clock.timeout.connect(self._do_one)

    @property
    def is_busy(self) -> bool:
        """Whether steps are left."""
        return bool(self._clock.isActive())

    def run(self, steps: Iterator[object]) -> None:
        """Begin; what was left of other steps is dropped."""
        self._steps = steps
        self._clock.start()

    def finish(self) -> None:
        """Do all that is left, at once."""
        while self.is_busy:
            self._do_one()

    def stop(self) -> None:
        """Do no more."""
        self._clock.stop()
        self._steps = iter(())

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

"""Puts the views into the room step by step, so that the window goes on meanwhile.

Public: `Furnishing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from qtpy.QtCore import QObject, Signal

from napari_herntrack._qt.room.pane import N_PANE_STEPS, Pane
from napari_herntrack._qt.room.steady import Steady
from napari_herntrack._qt.room.turns import Pace, Turns
from napari_herntrack.viewing.scene import Scene, Words
from napari_herntrack.viewing.views import View


class Furnishing(QObject):  # type: ignore[misc]  # Qt has no types here
    """Makes canvases and layers of all panes.

    Emits `progressed(int, int)` after each step, with steps done and steps in all, and `done` at the
    end.

    Parameters
    ----------
    panes : mapping from View to Pane
        Empty ones.
    connect : callable
        Called for each view once its pane stands.
    steady : Steady
        Settled at the end.
    pace : Pace
        When a step may be taken.
    """

    progressed = Signal(int, int)
    done = Signal()

    def __init__(
        self,
        panes: Mapping[View, Pane],
        connect: Callable[[View], None],
        steady: Steady,
        pace: Pace,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._panes, self._connect, self._steady = panes, connect, steady
        self._turns = Turns(pace)

    @property
    def is_done(self) -> bool:
        """Whether all views stand."""
        return all(pane.is_furnished for pane in self._panes.values())

    def begin(self, words: str = "") -> None:
        """Begin; until a view stands, its place shows some words."""
        for pane in self._panes.values():
            pane.show_scene(Scene(words=Words(note=words)), None)
        self._turns.run(self._steps())

    def finish(self) -> None:
        """Do all that is left, at once."""
        if not self.is_done and not self._turns.is_busy:
            self.begin()
        self._turns.finish()

    def stop(self) -> None:
        """Do no more."""
        self._turns.stop()

    def _steps(self) -> Iterator[None]:
        n_done = 0
        for view, pane in self._panes.items():
            for _ in pane.furnish():
                n_done += 1
                # napari collects garbage in some of the steps: it must not look at everything each time.
                self._steady.set_aside()
                if pane.is_furnished:
                    self._connect(view)
                self.progressed.emit(n_done, N_PANE_STEPS * len(self._panes))
                yield
        self._steady.settle()
        self.done.emit()

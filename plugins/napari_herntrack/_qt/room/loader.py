"""Reads the stacks of a pair in threads and hands them to the room one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, Signal

from herntrack.model.images import CataloguedStack
from herntrack.workflows.workspace import Workspace
from napari_herntrack._qt.room.turns import Pace, Turns
from napari_herntrack.viewing.decoders import Decoders, prepare
from napari_herntrack.viewing.loading import Failed, Loaded, VolumeCache, load_pair
from napari_herntrack.viewing.views import View

AHEAD = View.CURRENT_SAGITTAL
"""Stacks that are read ahead belong to no view yet; this one stands for all."""


class PairLoader(QObject):  # type: ignore[misc]  # Qt has no types here
    """Reads one pair at a time; a new pair takes the place of one that is still being read.

    Emits `finished` when all were read and shown.

    Parameters
    ----------
    workspace : Workspace
        Where stacks are read from.
    show : callable
        Shows what was read, step by step in the window's thread, so that pictures are drawn and keys heard
        in between.
    pace : Pace
        When a step may be taken.
    """

    finished = Signal()

    def __init__(
        self,
        workspace: Workspace,
        show: Callable[[Loaded | Failed], Iterator[None]],
        pace: Pace,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.cache = VolumeCache()
        self._show = show
        self._worker: Any = None
        self._waiting: deque[tuple[Any, Loaded | Failed | None]] = deque()
        self._turns = Turns(pace)
        self._ahead: list[Any] = []
        self.decoders = Decoders()
        # While the window is still being built: importing them takes a second.
        create_worker(prepare, _start_thread=True)

    def load(self, stacks: Mapping[View, CataloguedStack], slices: Mapping[View, int]) -> None:
        """Read stacks, the first ones first, each one's slice looked at before any whole stack."""
        self._abandon()
        worker = create_worker(
            load_pair, self.workspace, dict(stacks), dict(slices), self.cache, self.decoders
        )
        worker.yielded.connect(lambda arrived: self._take(worker, arrived))
        worker.finished.connect(lambda: self._end(worker))
        self._worker = worker
        worker.start()

    def hand_on(self, arrived: Loaded) -> None:
        """Show what is in the cache already, after what was read before."""
        self._waiting.append((None, arrived))
        self._go_on()

    def preload(self, stacks: Iterable[CataloguedStack]) -> None:
        """Read stacks into the cache, without showing them."""
        missing = [each for each in stacks if self.cache.get(each.stack.stack_uid) is None]
        for each in missing:
            worker = create_worker(
                load_pair, self.workspace, {AHEAD: each}, {AHEAD: 0}, self.cache, self.decoders
            )
            worker.finished.connect(lambda done=worker: self._ahead.remove(done))
            self._ahead.append(worker)
            worker.start()

    @property
    def is_busy(self) -> bool:
        """Whether stacks are being read or shown."""
        return self._worker is not None or bool(self._ahead) or self._turns.is_busy

    @property
    def is_reading(self) -> bool:
        """Whether what is to be shown is not all handed on."""
        return self._worker is not None

    def stop(self) -> None:
        """Read no more; what is being decoded ends by itself."""
        self._abandon()
        self._turns.stop()
        for worker in self._ahead:
            worker.quit()
        self.decoders.close()

    def _abandon(self) -> None:
        if self._worker is not None:
            self._worker.quit()
            self._worker = None
        # What nobody has to read stays to be shown.
        self._waiting = deque(each for each in self._waiting if each[0] is None)

    def _take(self, worker: Any, arrived: Loaded | Failed | None) -> None:
        if worker is self._worker:
            self._waiting.append((worker, arrived))
            self._go_on()

    def _end(self, worker: Any) -> None:
        self._take(worker, None)

    def _go_on(self) -> None:
        if not self._turns.is_busy:
            self._turns.run(self._showing())

    def _showing(self) -> Iterator[None]:
        while self._waiting:
            _, arrived = self._waiting.popleft()
            if arrived is None:
                self._worker = None
                self.finished.emit()
            else:
                yield from self._show(arrived)
            yield

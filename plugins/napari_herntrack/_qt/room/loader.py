"""Reads the stacks of a pair in threads and hands them to the room one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, Signal

from herntrack.model.images import CataloguedStack
from herntrack.workflows.workspace import Workspace
from napari_herntrack._qt.room.turns import Turns
from napari_herntrack.viewing.decoders import Decoders, prepare
from napari_herntrack.viewing.loading import VolumeCache, load_pair
from napari_herntrack.viewing.views import View

AHEAD = View.CURRENT_SAGITTAL
"""Stacks that are read ahead belong to no view yet; this one stands for all."""


class PairLoader(QObject):  # type: ignore[misc]  # Qt has no types here
    """Reads one pair at a time; a new pair takes the place of one that is still being read.

    Emits `arrived(Loaded or Failed)` in the window's thread, one in each turn of the event loop so that
    pictures are drawn and keys heard in between, and `finished` when all were read and handed on.
    """

    arrived = Signal(object)
    finished = Signal()

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.cache = VolumeCache()
        self._worker: Any = None
        self._waiting: deque[object] = deque()
        self._turns = Turns(self)
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
        """Whether stacks are being read."""
        return self._worker is not None or bool(self._ahead)

    def stop(self) -> None:
        """Read no more; what is being decoded ends by itself."""
        self._abandon()
        for worker in self._ahead:
            worker.quit()
        self.decoders.close()

    def _abandon(self) -> None:
        self._waiting.clear()
        self._turns.stop()
        if self._worker is not None:
            self._worker.quit()
            self._worker = None

    def _take(self, worker: Any, arrived: object) -> None:
        if worker is self._worker:
            self._waiting.append(arrived)
            if not self._turns.is_busy:
                self._turns.run(self._handing_on())

    def _end(self, worker: Any) -> None:
        self._take(worker, None)

    def _handing_on(self) -> Iterator[None]:
        while self._waiting:
            arrived = self._waiting.popleft()
            if arrived is None:
                self._worker = None
                self.finished.emit()
            else:
                self.arrived.emit(arrived)
            yield

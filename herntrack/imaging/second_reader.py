"""A thread that decodes slices from the end of a stack while its caller reads from the beginning.

It helps only where the decoder lets other threads work meanwhile. What it cannot read it gives back: the
caller reads that again and finds the words for it.

Public: `SecondReader`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from herntrack.dicom.frame_decoding import Decode
from herntrack.imaging.plain_slices import PlainSlices
from herntrack.model.geometry import VolumeGeometry

Waiting = deque[tuple[int, Path]]
"""Slices that nobody reads yet, each with its file."""

Read = tuple[int, npt.NDArray[Any]]
"""Which slice, and its values."""


class SecondReader:
    """The thread; it ends with the block.

    Parameters
    ----------
    geometry : VolumeGeometry
        The slices' grid.
    decode : callable
        As for `PlainSlices`.
    waiting : deque of (int, Path)
        The slices that are left, which both threads take from.
    """

    def __init__(self, geometry: VolumeGeometry, decode: Decode | None, waiting: Waiting) -> None:
        self._geometry = geometry
        self._slices = PlainSlices(geometry, decode)
        self._waiting = waiting
        self._read: SimpleQueue[Read | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._is_stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_stopped = True
        if self._thread is not None:
            self._thread.join()

    def start(self) -> None:
        """Begin to help, once."""
        if self._thread is None:
            self._thread = Thread(target=self._work, name="herntrack second reader", daemon=True)
            self._thread.start()

    def read(self) -> Iterator[Read]:
        """Yield what was read meanwhile; wait for the rest if nothing is left to take."""
        while self._thread is not None and (not self._waiting or not self._read.empty()):
            read = self._read.get()
            if read is None:
                self._read.put(None)
                return
            yield read

    def _work(self) -> None:
        # Memory of this thread's own: the stack's may just be exchanged for wider memory.
        def place(*_: object) -> npt.NDArray[np.int16]:
            return np.empty(self._geometry.shape_zyx[1:], dtype=np.int16)

        try:
            while not self._is_stopped and self._waiting:
                try:
                    index, path = self._waiting.pop()
                except IndexError:
                    return
                try:
                    values = self._slices.read(index, path, place)
                except Exception:  # whatever it is, the caller meets it again
                    self._waiting.append((index, path))
                    return
                self._read.put((index, values))
        finally:
            self._read.put(None)

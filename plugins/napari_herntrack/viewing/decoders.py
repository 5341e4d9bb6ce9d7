"""Reads stacks in processes of their own.

JPEG 2000 decoders keep Python's lock while they work: in a thread they would stop the window for
every slice. Two processes stand ready, started together with the room; a volume comes back
through a pipe. Where no process can be started, the calling thread reads.

Public: `Decoders`.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from herntrack._typing import VolumeZYX
from herntrack.model.records import Stack

if TYPE_CHECKING:
    from herntrack.imaging.load import SliceFile

N_PROCESSES = 2
"""Stacks read at a time."""


def prepare() -> None:
    """Import what reads and decodes, so that the first pair does not wait for it."""
    import herntrack.imaging.load
    import herntrack.workflows.alignments
    import herntrack.workflows.motions  # noqa: F401


class Decoders:
    """Processes that read stacks."""

    def __init__(self) -> None:
        # Never a fork: this process has threads and a graphics context.
        context = multiprocessing.get_context("spawn")
        self._pool: ProcessPoolExecutor | None = ProcessPoolExecutor(
            max_workers=N_PROCESSES, mp_context=context, initializer=prepare
        )

    def start(self) -> None:
        """Start the processes; returns when they are ready."""
        if self._pool is None:
            return
        try:
            # One job each, so that both are there and have imported what they need.
            for job in [self._pool.submit(os.getpid) for _ in range(N_PROCESSES)]:
                job.result()
        except (BrokenProcessPool, OSError, RuntimeError):
            self._pool = None

    def read(self, stack: Stack, files: Sequence[SliceFile]) -> Future[VolumeZYX]:
        """Begin to read a stack's values; the future raises what `load_volume` does."""
        if self._pool is not None:
            try:
                return self._pool.submit(read_values, stack, files)
            except (BrokenProcessPool, RuntimeError):
                self._pool = None
        done: Future[VolumeZYX] = Future()
        try:
            done.set_result(read_values(stack, files))
        except Exception as error:
            done.set_exception(error)
        return done

    def close(self) -> None:
        """Stop the processes; what they are reading is dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def read_values(stack: Stack, files: Sequence[SliceFile]) -> VolumeZYX:
    """Return the values of a stack's files; runs in a process of its own."""
    from herntrack.imaging.load import load_volume

    return load_volume(stack, files).values

"""Reads stacks in processes of their own.

JPEG 2000 decoders keep Python's lock while they work: in a thread they would stop the window for
every slice; and there are damaged files that end the process that decodes them. Two processes stand
ready, started together with the room, each fed by a thread. For one that died another is started; only
where none can be started its thread reads.

Public: `Decoders`, `prepare`; `serve` is the other end.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import Future
from queue import Empty, PriorityQueue
from threading import Thread
from typing import IO, TYPE_CHECKING, TypeAlias

import numpy as np

from herntrack._typing import VolumeZYX
from herntrack.child_process import Helper, received, send, serving
from herntrack.errors import HerntrackError
from herntrack.model.images import Stack

if TYPE_CHECKING:
    from herntrack.imaging.load import SliceFile

N_PROCESSES = 2
"""Stacks read at a time."""

N_ATTEMPTS = 2
"""So often a process may end over one stack: once may be the doing of others."""

FIRST, SOON, LATER = 0, 1, 2
"""How urgent a stack is: the slice looked at, the rest of the pair, the next patient."""

_Job: TypeAlias = "tuple[int, int, tuple[Stack, tuple[SliceFile, ...]] | None, Future[VolumeZYX]]"


def prepare() -> None:
    """Import what reads and decodes, so that the first pair does not wait for it."""
    import herntrack.imaging.load
    import herntrack.workflows.aligning.motions
    import herntrack.workflows.aligning.standing  # noqa: F401


class Decoders:
    """Processes that read stacks, the most urgent first."""

    def __init__(self) -> None:
        self._jobs: PriorityQueue[_Job] = PriorityQueue()
        self._numbers = itertools.count()
        self._is_closed = False
        self._feeders = [_Feeder(self._jobs) for _ in range(N_PROCESSES)]

    def read(self, stack: Stack, files: Sequence[SliceFile], *, urgency: int = SOON) -> Future[VolumeZYX]:
        """Begin to read a stack's values.

        Returns
        -------
        Future
            Its result is an array of shape (n_slices, n_rows, n_cols). It raises a HerntrackError
            with the words of what `herntrack.imaging.load.load_volume` raised, and is cancelled if the
            decoders are closed before it was read.
        """
        job: Future[VolumeZYX] = Future()
        if self._is_closed:
            _cancel(job)
            return job
        self._jobs.put((urgency, next(self._numbers), (stack, tuple(files)), job))
        return job

    def close(self) -> None:
        """Stop the processes; what they are reading is dropped, and who waits for it is told."""
        self._is_closed = True
        while not self._jobs.empty():
            try:
                _cancel(self._jobs.get_nowait()[-1])
            except Empty:
                break
        for feeder in self._feeders:
            self._jobs.put((-1, next(self._numbers), None, Future()))
            feeder.kill()


class _Feeder:
    """One process, and the thread that feeds it."""

    def __init__(self, jobs: PriorityQueue[_Job]) -> None:
        self._jobs = jobs
        self._is_closed = False
        self._helper = Helper(__name__)
        Thread(target=self._work, name="herntrack decoder", daemon=True).start()

    def kill(self) -> None:
        """End the process; it only reads, so nothing is lost."""
        self._is_closed = True
        self._helper.kill()

    def _work(self) -> None:
        while not self._is_closed:
            _, _, work, job = self._jobs.get()
            if work is None:
                break
            if not job.set_running_or_notify_cancel():
                continue
            try:
                job.set_result(self._read(*work))
            except Exception as error:
                job.set_exception(error)
        self._helper.close()

    def _read(self, stack: Stack, files: tuple[SliceFile, ...]) -> VolumeZYX:
        for _ in range(N_ATTEMPTS):
            if not self._helper.is_there and not self._is_closed:
                return _read_here(stack, files)
            try:
                return self._helper.ask((stack, files), _values)
            except EOFError as error:
                if self._is_closed:
                    raise HerntrackError("the stack was not read: the room was closed") from error
        # Not here: what ended the processes would end the room.
        raise HerntrackError(
            f"the process that reads stacks ended {N_ATTEMPTS} times over this one: one of its files may be"
            " damaged so that its decoder fails. Copy or export them again"
        )


def serve() -> None:
    """Read what is asked for over standard input until it ends."""
    asked, answers = serving()
    prepare()
    from herntrack.imaging.load import load_volume

    while True:
        try:
            stack, files = received(asked)
        except EOFError:
            return
        try:
            values = np.ascontiguousarray(load_volume(stack, files).values)
        except (HerntrackError, OSError) as error:
            send(answers, str(error))
            continue
        send(answers, (values.dtype.str, values.shape))
        answers.write(values.data)
        answers.flush()


def _cancel(job: Future[VolumeZYX]) -> None:
    """Cancel a job, and let those who wait for it know."""
    if job.cancel():
        job.set_running_or_notify_cancel()


def _read_here(stack: Stack, files: tuple[SliceFile, ...]) -> VolumeZYX:
    from herntrack.imaging.load import load_volume

    return load_volume(stack, files).values


def _values(pipe: IO[bytes] | None) -> VolumeZYX:
    """Take a stack's values from a process; what it could not read is a HerntrackError."""
    answer = received(pipe)
    if isinstance(answer, str):
        raise HerntrackError(answer)
    kind, shape = answer
    values = np.empty(shape, dtype=kind)
    room = values.reshape(-1).view(np.uint8).data
    place = 0
    while place < len(room):
        count = pipe.readinto(room[place:])  # type: ignore[union-attr]  # a buffered reader
        if not count:
            raise EOFError("the process has ended")
        place += count
    return values

"""Other processes that read headers for this one.

A process that dies costs nothing but its speed: what it had not answered is read here.

Public: `HeaderReaders`; `serve` is the other end.
"""

from __future__ import annotations

import gc
import pickle
from collections import deque
from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Self

from herntrack import child_process
from herntrack.child_process import received, send, serving
from herntrack.dicom.scan_chunk import Answers, ChunkReader, FoundFile
from herntrack.dicom.shared_work import taken

GARBAGE_FROM_OBJECTS = 250_000
"""New objects after which a reading process looks for garbage; records of headers are none."""

AHEAD = 2
"""Parts of the work a process is given at once, so that it need not wait for the next."""

_READY = b"ready"

Part = Sequence[FoundFile]
"""Files that are read at one go."""


class HeaderReaders:
    """Processes that read parts of the work beside this one; none runs before `start`.

    Parameters
    ----------
    number : int
        How many, besides this process.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._processes: list[_ReadingProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.close()
        self._processes = []

    def start(self) -> None:
        """Start the processes, which need as long to be ready as some thousand files to be read."""
        if not self._processes:
            self._processes = [_ReadingProcess() for _ in range(self._number)]

    def answers(self, parts: Sequence[Part], *, is_alone: bool = False) -> Iterator[tuple[int, Answers]]:
        """Yield the number of each part and its answers, as they come: about in order.

        This process reads too, so that no processor waits.

        Parameters
        ----------
        parts : sequence of Part
            What to read.
        is_alone : bool
            It is too little for other processes to help.
        """
        if not is_alone:
            self.start()
        waiting = deque(range(len(parts)))
        done: SimpleQueue[tuple[int, Answers] | None] = SimpleQueue()
        helping = [] if is_alone else self._processes
        for process in helping:
            process.begin(parts, waiting, done)
        reader, n_working = ChunkReader(), len(helping)
        while waiting or n_working:
            number = taken(waiting)
            if number is not None:
                yield number, reader.answers(parts[number])
            # With nothing left to read here, wait; what a lost process had taken may come back.
            for _ in range(1 if number is None else done.qsize()):
                found = done.get()
                if found is None:
                    n_working -= 1
                else:
                    yield found


class _ReadingProcess:
    """One process, and the thread that feeds it."""

    def __init__(self) -> None:
        self._process = child_process.start(__name__)
        self._is_ready = False
        self._thread: Thread | None = None

    def begin(
        self, parts: Sequence[Part], waiting: deque[int], done: SimpleQueue[tuple[int, Answers] | None]
    ) -> None:
        """Take parts that wait until there are none; None is said at the end."""
        self._thread = Thread(target=self._work, args=(parts, waiting, done), daemon=True)
        self._thread.start()

    def _work(
        self, parts: Sequence[Part], waiting: deque[int], done: SimpleQueue[tuple[int, Answers] | None]
    ) -> None:
        sent: deque[int] = deque()
        try:
            if not self._is_ready:
                self._is_ready = received(self._process.stdout) == _READY
            while self._send_ahead(parts, waiting, sent):
                answers = received(self._process.stdout)
                done.put((sent.popleft(), answers))
        except (OSError, EOFError, pickle.UnpicklingError, ValueError):
            waiting.extendleft(reversed(sent))
        finally:
            done.put(None)

    def _send_ahead(self, parts: Sequence[Part], waiting: deque[int], sent: deque[int]) -> bool:
        while len(sent) < AHEAD and (number := taken(waiting)) is not None:
            sent.append(number)
            # Tuples are a third of the named ones' text.
            send(self._process.stdin, [tuple(file) for file in parts[number]])
        return bool(sent)

    def close(self) -> None:
        """End the process; it only reads, so nothing is lost."""
        self._process.kill()
        if self._thread is not None:
            self._thread.join()
        self._process.communicate()


def serve() -> None:
    """Answer what comes over standard input until it ends."""
    asked, answers = serving()
    gc.set_threshold(GARBAGE_FROM_OBJECTS)
    reader = ChunkReader()
    send(answers, _READY)
    while True:
        try:
            files = received(asked)
        except EOFError:
            return
        send(answers, reader.answers([FoundFile(*file) for file in files]))

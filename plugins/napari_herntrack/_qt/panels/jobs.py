"""Work beside the window, one piece after the other, in the order in which it was asked for.

Public: `Job`, `Jobs`, `reason_of`.

A refusal comes back as a sentence; any other error is a fault of ours and is shown by napari.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, Signal

from herntrack.errors import HerntrackError
from herntrack.model.sentences import sentence_of
from napari_herntrack.texts import Told
from napari_herntrack.worker import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A piece of work.

    Parameters
    ----------
    words : str
        What it is called; empty for what the reader need not know of.
    act : callable
        Runs beside the window.
    done, refused : callable
        Called in the window's thread with the result, or with the sentence of a refusal.
    begin : callable or None
        Called in the window's thread just before.
    """

    words: str
    act: Callable[[], object]
    done: Callable[[Any], None]
    refused: Callable[[str], None]
    begin: Callable[[], object] | None = None


class Jobs(QObject):  # type: ignore[misc]  # Qt has no types here
    """Runs jobs one at a time in napari's workers.

    Emits `changed(str)` with what runs now, empty when nothing does.
    """

    changed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._worker: Any = None
        self._is_closed = False

    @property
    def is_busy(self) -> bool:
        """Whether something runs or waits."""
        return self._running is not None or bool(self._waiting)

    @property
    def words(self) -> str:
        """What the job that runs is called."""
        return "" if self._running is None else self._running.words

    def add(self, job: Job) -> None:
        """Run a job after those that were asked for before."""
        if not self._is_closed:
            self._waiting.append(job)
            self._next()

    def close(self) -> None:
        """Start nothing more; what runs ends by itself and is not shown."""
        self._is_closed = True
        self._waiting.clear()

    def _next(self) -> None:
        if self._running is not None or not self._waiting:
            return
        self._running = job = self._waiting.popleft()
        if job.begin is not None:
            job.begin()
        self._worker = create_worker(_kept, job.act)
        self._worker.returned.connect(self._take)
        self._worker.errored.connect(self._fail)
        self._worker.finished.connect(self._end)
        self.changed.emit(job.words)
        self._worker.start()

    def _take(self, result: object) -> None:
        job = self._running
        if job is None or self._is_closed:
            return
        if isinstance(result, Refusal):
            job.refused(result.reason)
        else:
            job.done(result)

    def _fail(self, error: Exception) -> None:
        # napari shows the traceback of what is a fault of ours; the panel must not wait for ever.
        if self._running is not None and not self._is_closed:
            self._running.refused(f"{type(error).__name__}: {error}")

    def _end(self) -> None:
        self._running = self._worker = None
        if not self._is_closed:
            self._next()
            if self._running is None:
                self.changed.emit("")


def reason_of(error: HerntrackError | OSError) -> str:
    """Return a refusal as the engine or the desk said it, so that it can be told in any language."""
    said = error.args[0] if len(error.args) == 1 else None
    return said if isinstance(said, Told) else sentence_of(error)


def _kept(act: Callable[[], object]) -> object:
    try:
        return act()
    except (HerntrackError, OSError) as error:
        return Refusal(reason=reason_of(error))

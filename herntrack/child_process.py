"""Processes of ours beside this one, each over a pair of pipes.

Not multiprocessing: its children run the caller's main module again, so a script that calls the
library from its top level would start itself anew, and they take twice as long to be ready.

Here: `Helper`, which is replaced when it ends, or `start`, `send`, `received`. There: `serving`, `send`,
`received`.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from typing import IO, Any, TypeVar

PIPE_BYTES = 1 << 20
"""Room for what one side says while the other is not listening."""

_SERVE = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from {module} import serve; serve()"
_LENGTH = struct.Struct("<Q")

Answer = TypeVar("Answer")


def start(module: str) -> subprocess.Popen[bytes]:
    """Start a process.

    Parameters
    ----------
    module : str
        Its function ``serve`` is called there without arguments.

    Raises
    ------
    OSError
        If none can be started.
    """
    return subprocess.Popen(  # noqa: S603 - this interpreter and our own words
        [sys.executable, "-c", _SERVE.format(module=module), json.dumps(sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pipesize=PIPE_BYTES,
        # Threads for linear algebra would take the processor from whoever reads.
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )


def serving(*, is_silent: bool = False) -> tuple[IO[bytes], IO[bytes]]:
    """Return, in a process that was started, where it is asked and where it answers.

    What a library prints does not get among the answers, and Ctrl-C is the caller's to answer.

    Parameters
    ----------
    is_silent : bool
        What libraries print is not shown, nor what is said when the process is ended.
    """
    answers = os.fdopen(os.dup(1), "wb")
    if is_silent:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
            os.dup2(nowhere.fileno(), 2)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return sys.stdin.buffer, answers


def send(pipe: IO[bytes] | None, value: object) -> None:
    """Say something.

    Parameters
    ----------
    pipe : file
        The other's; None, as a process without pipes has it, is refused.
    value : object
        Anything that can be pickled.

    Raises
    ------
    OSError
        If the other has ended.
    """
    if pipe is None:
        raise BrokenPipeError("the process was started without pipes")
    content = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(content)) + content)
    pipe.flush()


def received(pipe: IO[bytes] | None) -> Any:
    """Wait for what the other says.

    Raises
    ------
    EOFError
        If the other has ended.
    """
    head = pipe.read(_LENGTH.size) if pipe is not None else b""
    if pipe is None or len(head) < _LENGTH.size:
        raise EOFError("the other process has ended")
    (length,) = _LENGTH.unpack(head)
    content = pipe.read(length)
    if len(content) < length:
        raise EOFError("the other process has ended")
    return pickle.loads(content)  # noqa: S301 - written by our own code in the other process


class Helper:
    """A process that answers one question at a time; for one that ended another is started.

    Not for several threads at once.

    Parameters
    ----------
    module : str
        As for `start`.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._is_closed = False
        self._process = self._started()

    @property
    def is_there(self) -> bool:
        """Whether there is a process; none can be started where the system refuses."""
        return self._process is not None

    def ask(self, question: object, answer: Callable[[IO[bytes] | None], Answer] = received) -> Answer:
        """Return what the process answers.

        Parameters
        ----------
        question : object
            Anything that can be pickled.
        answer : callable
            Takes the answer from the pipe.

        Raises
        ------
        EOFError
            If the process ended over it; another one is ready for the next question.
        """
        if self._process is None:
            raise EOFError("there is no process to ask")
        try:
            send(self._process.stdin, question)
            return answer(self._process.stdout)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            self.close()
            self._process = None if self._is_closed else self._started()
            raise EOFError("the process ended over what it was asked") from error

    def kill(self) -> None:
        """End the process from another thread: who waits for an answer gets none, and it is not replaced."""
        self._is_closed = True
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """End the process and wait until it has; it only reads, so nothing is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self) -> subprocess.Popen[bytes] | None:
        try:
            return start(self._module)
        except OSError:
            return None

"""Processes of ours beside this one, each over a pair of pipes.

Not multiprocessing: its children run the caller's main module again, so a script that calls the
library from its top level would start itself anew, and they take twice as long to be ready.

Here: `start`, `send`, `received`. There: `serving`, `send`, `received`.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import struct
import subprocess
import sys
from typing import IO, Any

PIPE_BYTES = 1 << 20
"""Room for what one side says while the other is not listening."""

_SERVE = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from {module} import serve; serve()"
_LENGTH = struct.Struct("<Q")


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


def serving() -> tuple[IO[bytes], IO[bytes]]:
    """Return, in a process that was started, where it is asked and where it answers.

    What a library prints does not get among the answers, and Ctrl-C is the caller's to answer.
    """
    answers = os.fdopen(os.dup(1), "wb")
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

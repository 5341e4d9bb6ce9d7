"""Memory that another library fills, its pages supplied by a second thread.

SimpleITK fills an image with zeros when it is made, by one thread. The kernel is asked for each page of
4 KiB when it is first written, which for a long stack takes longer than to read its files. So the memory of
an image that is being made is found among the mappings of this process, and while it is filled from its
beginning the kernel is asked for its pages from the end on (``madvise(2)``, MADV_POPULATE_WRITE). What the
memory holds is not touched.

Large pages are asked for first, as numpy does for its arrays. In a virtual machine they may have been taken
back by the host, and then take several times as long as small ones: these are asked for from the first slow
one on.

Nothing depends on it: where the memory is not found, or the system knows no such advice, it takes longer.

Public: `made_by_two_threads`, `LEAST_BYTES`.
"""

from __future__ import annotations

import ctypes
import re
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import TypeVar

LEAST_BYTES = 32 * 1024 * 1024
"""What is smaller may come from memory that was in use before (the largest threshold of the C library)."""

SLACK_BYTES = 1024 * 1024
"""A mapping may be longer than what was asked for by so much."""

FIRST_WAIT_SECONDS, N_LOOKS, LONGER = 0.0003, 16, 1.4
"""Between two looks at the mappings: at first, how many looks, and how much longer each wait is."""

LARGE, NO_LARGE, POPULATE_WRITE = 14, 15, 23
"""The advices (the last one since Linux 5.14; an older kernel refuses it)."""

LARGE_PAGE_BYTES = 2 * 1024 * 1024
"""So much is asked for at a time: one large page."""

SLOW_SECONDS = 0.001
"""A large page that takes longer is a slow one: so much of small ones takes less (time of this thread)."""

_MAPPINGS = Path("/proc/self/maps")
_ANONYMOUS = re.compile(rb"^([0-9a-f]+)-([0-9a-f]+) rw-p 0+ 00:00 0 *$", re.MULTILINE)

Made = TypeVar("Made")
_Range = tuple[int, int]


def made_by_two_threads(make: Callable[[], Made], n_bytes: int) -> Made:
    """Call a function that fills much memory, and return what it returns.

    Parameters
    ----------
    make : callable
        Allocates `n_bytes` at once and fills them from the beginning without holding the interpreter. It
        is called in another thread if there are at least `LEAST_BYTES`.
    n_bytes : int
        How much (bytes).
    """
    before = _anonymous_ranges() if n_bytes >= LEAST_BYTES else []
    if not before:
        return make()
    with ThreadPoolExecutor(max_workers=1) as pool:
        made = pool.submit(make)
        seconds = FIRST_WAIT_SECONDS
        for _ in range(N_LOOKS):
            wait([made], timeout=seconds)
            new = [] if made.done() else _new_ranges(before, n_bytes)
            # With several it is open which is meant; then none gets pages that it may not need.
            if len(new) == 1:
                _supply(*new[0], made.done)
            if made.done() or new:
                break
            seconds *= LONGER
        return made.result()


def _new_ranges(before: Sequence[_Range], n_bytes: int) -> list[_Range]:
    """Return the mappings of about that size that were not there before."""
    return [
        part
        for mapping in _anonymous_ranges()
        if mapping[1] - mapping[0] >= n_bytes
        for part in _without(mapping, before)
        if n_bytes <= part[1] - part[0] <= n_bytes + SLACK_BYTES
    ]


def _supply(begin: int, end: int, is_done: Callable[[], bool]) -> None:
    """Ask for the pages of a range from its end on, until all are there or it is filled."""
    # No answer is looked at: where an advice is refused, all goes on as before.
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    advise(begin, end - begin, LARGE)
    is_large = True
    while end > begin and not is_done():
        start = max(begin, (end - 1) // LARGE_PAGE_BYTES * LARGE_PAGE_BYTES)
        before = time.thread_time()
        advise(start, end - start, POPULATE_WRITE)
        if is_large and time.thread_time() - before > SLOW_SECONDS:
            is_large = False
            advise(begin, start - begin, NO_LARGE)
        end = start


def _without(mapping: _Range, known: Sequence[_Range]) -> list[_Range]:
    """Return the parts of a mapping that are in none of the known ones, which are in ascending order.

    The kernel makes one of neighbours, so what is new may be part of what it calls one mapping.
    """
    parts = []
    begin, end = mapping
    for known_begin, known_end in known:
        if known_end <= begin or known_begin >= end:
            continue
        parts.append((begin, known_begin))
        begin = known_end
    parts.append((begin, end))
    return [part for part in parts if part[0] < part[1]]


def _anonymous_ranges() -> list[_Range]:
    """Return where this process has memory of no file, in ascending order; nothing where that is not told."""
    try:
        content = _MAPPINGS.read_bytes() if sys.platform == "linux" else b""
    except OSError:
        return []
    return [(int(begin, 16), int(end, 16)) for begin, end in _ANONYMOUS.findall(content)]

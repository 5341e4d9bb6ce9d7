"""Large pages for memory that another library fills.

A kernel that hands out memory in pages of 4 KiB is asked for each of them when it is first written. For
a long stack that takes longer than to read its files. numpy asks for large pages for its own arrays;
SimpleITK, whose images are filled with zeros when they are made, does not. So the memory of an image that
is being made is found among the mappings of this process, and the kernel is advised to take large pages
for what is not filled yet (``madvise(2)``).

It is advice alone, for memory that is written from end to end. Where it is not found, or the system
knows no such advice, nothing but time is lost.

Public: `made_in_large_pages`, `LEAST_BYTES`.
"""

from __future__ import annotations

import ctypes
import mmap
import re
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

_MAPPINGS = Path("/proc/self/maps")
_ANONYMOUS = re.compile(rb"^([0-9a-f]+)-([0-9a-f]+) rw-p 0+ 00:00 0 *$", re.MULTILINE)
_ADVICE = getattr(mmap, "MADV_HUGEPAGE", None)

Made = TypeVar("Made")
_Range = tuple[int, int]


def made_in_large_pages(make: Callable[[], Made], n_bytes: int) -> Made:
    """Call a function that fills much memory, and return what it returns.

    Parameters
    ----------
    make : callable
        Allocates `n_bytes` at once and fills them without holding the interpreter. It is called
        in another thread if there are at least `LEAST_BYTES`.
    n_bytes : int
        How much (bytes).
    """
    before = _anonymous_ranges() if n_bytes >= LEAST_BYTES and _ADVICE is not None else []
    if not before:
        return make()
    with ThreadPoolExecutor(max_workers=1) as pool:
        made = pool.submit(make)
        seconds = FIRST_WAIT_SECONDS
        for _ in range(N_LOOKS):
            wait([made], timeout=seconds)
            if made.done() or _advise_new(before, n_bytes):
                break
            seconds *= LONGER
        return made.result()


def _advise_new(before: Sequence[_Range], n_bytes: int) -> bool:
    """Advise large pages for a mapping of that size that was not there before; return whether one is."""
    new = [
        part
        for mapping in _anonymous_ranges()
        if mapping[1] - mapping[0] >= n_bytes
        for part in _without(mapping, before)
        if n_bytes <= part[1] - part[0] <= n_bytes + SLACK_BYTES
    ]
    for begin, end in new:
        _advise(begin, end - begin)
    return bool(new)


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
        content = _MAPPINGS.read_bytes()
    except OSError:
        return []
    return [(int(begin, 16), int(end, 16)) for begin, end in _ANONYMOUS.findall(content)]


def _advise(begin: int, n_bytes: int) -> None:
    # The answer is not looked at: a kernel without large pages refuses, and all goes on as before.
    ctypes.CDLL(None).madvise(ctypes.c_void_p(begin), ctypes.c_size_t(n_bytes), ctypes.c_int(_ADVICE or 0))

"""Memory that is being filled is found and supplied with pages, and nothing else depends on it."""

from __future__ import annotations

import mmap
import sys
import time
from ctypes import addressof, c_char
from pathlib import Path

import numpy as np
import pytest

from herntrack.imaging import page_supply
from herntrack.imaging.page_supply import LEAST_BYTES, made_by_two_threads

SMAPS = Path("/proc/self/smaps")
PATIENCE_SECONDS = 20.0


def has_populate() -> bool:
    """Return whether the kernel knows the advice."""
    if sys.platform != "linux":
        return False
    memory = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        memory.madvise(page_supply.POPULATE_WRITE)
    except OSError:
        return False
    return True


def resident_bytes(address: int, n_bytes: int) -> int:
    """Return how much of some memory has pages; an advice may have parted its mapping."""
    is_inside = False
    found = 0
    for line in SMAPS.read_text().splitlines():
        first, *rest = line.split()
        if "-" in first and not first.endswith(":"):
            begin, end = (int(part, 16) for part in first.split("-"))
            is_inside = begin < address + n_bytes and end > address
        elif is_inside and first == "Rss:":
            found += int(rest[0]) * 1024
    return found


@pytest.mark.skipif(not has_populate(), reason="a system that supplies no pages beforehand")
def test_pages_are_supplied_while_memory_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_supply, "N_LOOKS", 10_000)
    monkeypatch.setattr(page_supply, "LONGER", 1.0)
    n_bytes = LEAST_BYTES + 6 * mmap.PAGESIZE

    def make() -> tuple[bytes, int]:
        memory = mmap.mmap(-1, n_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory[:3] = memory[-3:] = b"own"
        address = addressof(c_char.from_buffer(memory))
        give_up = time.monotonic() + PATIENCE_SECONDS
        while resident_bytes(address, n_bytes) < n_bytes and time.monotonic() < give_up:
            time.sleep(0.001)
        return memory[:3] + memory[-3:], resident_bytes(address, n_bytes)

    kept, resident = made_by_two_threads(make, n_bytes)
    assert kept == b"ownown"
    assert resident >= n_bytes


@pytest.mark.parametrize("n_bytes", [1000, LEAST_BYTES])
def test_what_was_made_is_returned(n_bytes: int) -> None:
    made = made_by_two_threads(lambda: np.full(n_bytes, 3, dtype=np.uint8), n_bytes)
    assert made.shape == (n_bytes,)
    assert made.min() == made.max() == 3


@pytest.mark.parametrize("n_bytes", [1000, LEAST_BYTES])
def test_a_failure_is_the_callers(n_bytes: int) -> None:
    def fail() -> None:
        raise MemoryError("none left")

    with pytest.raises(MemoryError, match="none left"):
        made_by_two_threads(fail, n_bytes)


def test_a_system_that_tells_no_mappings_makes_it_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(page_supply, "_MAPPINGS", tmp_path / "absent")
    assert made_by_two_threads(lambda: 5, LEAST_BYTES) == 5


@pytest.mark.parametrize(
    ("known", "parts"),
    [
        ([], [(10, 90)]),
        ([(0, 5), (90, 99)], [(10, 90)]),
        ([(0, 20), (80, 99)], [(20, 80)]),
        ([(30, 40), (60, 70)], [(10, 30), (40, 60), (70, 90)]),
        ([(0, 99)], []),
    ],
)
def test_what_is_new_of_a_mapping_is_told_from_its_neighbours(
    known: list[tuple[int, int]], parts: list[tuple[int, int]]
) -> None:
    assert page_supply._without((10, 90), known) == parts

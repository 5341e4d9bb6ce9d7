"""A stack's values end in the narrowest type that holds all of them, and lie in memory once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from herntrack.imaging.stack_memory import StackMemory

SHAPE = (3, 2, 4)
INT16, INT32, FLOAT32 = (np.dtype(kind) for kind in (np.int16, np.int32, np.float32))


class Made(list[np.dtype[Any]]):
    """The types of the arrays that were made; what they hold at first is not 0."""

    def __call__(self, shape: tuple[int, int, int], kind: np.dtype[Any]) -> npt.NDArray[Any]:
        self.append(kind)
        return np.full(shape, 77, dtype=kind)


def test_what_was_read_into_its_place_is_not_copied() -> None:
    made = Made()
    memory = StackMemory(SHAPE, made)
    for index in range(3):
        place = memory.place(index, INT16)
        place[...] = index
        memory.put(index, place)
    assert np.array_equal(memory.whole(), np.broadcast_to(np.arange(3)[:, None, None], SHAPE))
    assert memory.place(1, INT16).base is memory.whole()
    assert made == [INT16]


@pytest.mark.parametrize(
    ("kinds", "made_kinds"),
    [
        ((INT16, INT16, INT16), [INT16]),
        ((INT16, INT32, INT16), [INT32]),
        ((INT32, INT16, INT16), [INT16, INT32]),
        ((INT16, INT16, FLOAT32), [INT16, FLOAT32]),
        ((INT16, INT32, FLOAT32), [INT32, FLOAT32]),
        ((INT32, FLOAT32, INT16), [FLOAT32]),
        ((FLOAT32, INT16, INT32), [INT16, FLOAT32]),
    ],
)
def test_the_widest_slice_decides(kinds: tuple[np.dtype[Any], ...], made_kinds: list[np.dtype[Any]]) -> None:
    made = Made()
    memory = StackMemory(SHAPE, made)
    slices = [np.full(SHAPE[1:], 1000 * index + 1, dtype=kind) for index, kind in enumerate(kinds)]
    for index in (1, 0, 2):
        memory.put(index, slices[index])
    assert memory.whole().dtype == made_kinds[-1]
    assert made == made_kinds
    assert np.array_equal(memory.whole(), np.stack(slices))


def test_samples_of_fractions_go_through_spare_memory() -> None:
    memory = StackMemory(SHAPE)
    place = memory.place(0, FLOAT32)
    assert place.dtype == INT16
    place[...] = 3
    memory.put(0, place * np.float32(0.5))
    assert memory.place(1, FLOAT32) is place
    assert not np.shares_memory(place, memory.whole())
    assert np.array_equal(memory.whole()[0], np.full(SHAPE[1:], 1.5))


def test_a_place_outlives_wider_memory() -> None:
    memory = StackMemory(SHAPE)
    place = memory.place(0, INT16)
    place[...] = -5
    memory.put(1, np.full(SHAPE[1:], 70_000, dtype=np.int32))
    memory.put(0, place)
    assert np.array_equal(memory.whole()[:2, 0, 0], [-5, 70_000])

"""Python's own settings while the room is open, and as they were afterwards."""

from __future__ import annotations

import gc
import sys

from napari_herntrack._qt.room.steady import SWITCH_S, Steady


def test_two_rooms_leave_python_as_they_found_it() -> None:
    switch_s, n_frozen = sys.getswitchinterval(), gc.get_freeze_count()
    first, second = Steady(), Steady()
    first.begin()
    assert not gc.isenabled()
    assert abs(sys.getswitchinterval() - SWITCH_S) < 1e-6
    second.begin()
    first.set_aside()
    assert gc.get_freeze_count() > n_frozen
    assert not gc.isenabled()
    first.settle()
    assert gc.isenabled()
    assert gc.get_freeze_count() > n_frozen
    first.end()
    assert abs(sys.getswitchinterval() - SWITCH_S) < 1e-6
    second.end()
    second.end()
    assert abs(sys.getswitchinterval() - switch_s) < 1e-6
    assert gc.get_freeze_count() == 0
    assert gc.isenabled()

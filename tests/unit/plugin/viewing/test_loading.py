"""Reading the stacks of a pair beside the window."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from herntrack.errors import HerntrackError
from herntrack.model.images import CataloguedStack, Stack
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace
from napari_herntrack.viewing.decoders import Decoders
from napari_herntrack.viewing.loading import Failed, Loaded, VolumeCache, load_pair
from napari_herntrack.viewing.views import View
from tests.unit.plugin.written_stacks import REGULAR, row_of, stored_values

VIEW = View.CURRENT_AXIAL


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    # One process answers in the order of urgency; of two, either may be the first to be ready.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("napari_herntrack.viewing.decoders.N_PROCESSES", 1)
        made = Decoders()
    yield made
    made.close()


@pytest.fixture
def each(imaged_workspace: Workspace) -> CataloguedStack:
    with catalogue_of(imaged_workspace) as catalogue:
        return catalogue.images.stack(row_of(imaged_workspace, REGULAR)["stack_uid"])


def test_the_slice_looked_at_comes_first_and_the_volume_after_it(
    imaged_workspace: Workspace, each: CataloguedStack, decoders: Decoders
) -> None:
    cache = VolumeCache()
    first, second = load_pair(imaged_workspace, {VIEW: each}, {VIEW: 3}, cache, decoders)
    assert isinstance(first, Loaded)
    assert first.only_slice == 3
    np.testing.assert_array_equal(first.values[3], stored_values()[3])
    assert not first.values[:3].any()
    assert isinstance(second, Loaded)
    assert second.only_slice is None
    np.testing.assert_array_equal(second.values, stored_values())
    # What was read is not read again.
    (again,) = load_pair(imaged_workspace, {VIEW: each}, {VIEW: 3}, cache, decoders)
    assert isinstance(again, Loaded)
    assert again.values is second.values


class WholeFirst:
    """Answers the whole stack at once, and one slice of it only when told to."""

    def __init__(self) -> None:
        self.slices: list[tuple[Future[Any], Any]] = []

    def read(self, stack: Stack, files: Sequence[Any], *, urgency: int) -> Future[Any]:
        del files, urgency
        job: Future[Any] = Future()
        values = np.ones(stack.geometry.shape_zyx, dtype=np.int16)
        if stack.geometry.shape_zyx[0] == 1:
            self.slices.append((job, values))
        else:
            job.set_result(values)
        return job


def test_a_late_slice_does_not_take_the_place_of_the_volume(
    imaged_workspace: Workspace, each: CataloguedStack
) -> None:
    slow = WholeFirst()
    arrivals = load_pair(imaged_workspace, {VIEW: each}, {VIEW: 3}, VolumeCache(), slow)  # type: ignore[arg-type]
    whole = next(arrivals)
    assert isinstance(whole, Loaded)
    assert whole.only_slice is None
    for job, values in slow.slices:
        job.set_result(values)
    assert list(arrivals) == []


def test_a_stack_that_is_gone_says_so(
    imaged_workspace: Workspace, each: CataloguedStack, decoders: Decoders
) -> None:
    gone = replace(each, stack=replace(each.stack, stack_uid="2.25.404"))
    found = list(load_pair(imaged_workspace, {VIEW: gone}, {VIEW: 0}, VolumeCache(), decoders))
    assert found
    assert all(isinstance(one, Failed) and one.reason for one in found)


def test_a_process_that_died_costs_only_time(imaged_workspace: Workspace, each: CataloguedStack) -> None:
    made = Decoders()
    try:
        for feeder in made._feeders:
            assert feeder._helper._process is not None
            feeder._helper._process.kill()
        found = list(load_pair(imaged_workspace, {VIEW: each}, {VIEW: 1}, VolumeCache(), made))
        whole = next(one for one in found if isinstance(one, Loaded) and one.only_slice is None)
        np.testing.assert_array_equal(whole.values, stored_values())
    finally:
        made.close()


def test_a_stack_that_ends_every_process_is_not_read_in_the_room(
    each: CataloguedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start(module: str) -> subprocess.Popen[bytes]:
        ends_when_asked = f"import sys; sys.stdin.buffer.read(1); raise SystemExit({module!r})"
        pipes: dict[str, Any] = {
            "stdin": subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.DEVNULL,
        }
        started.append(subprocess.Popen([sys.executable, "-c", ends_when_asked], **pipes))
        return started[-1]

    monkeypatch.setattr("napari_herntrack.viewing.decoders.N_PROCESSES", 1)
    monkeypatch.setattr("herntrack.child_process.start", start)
    made = Decoders()
    try:
        job = made.read(each.stack, [])
        with pytest.raises(HerntrackError, match="ended 2 times over this one"):
            job.result()
        assert len(started) == 3
    finally:
        made.close()


def test_who_waits_is_told_when_the_room_closes(imaged_workspace: Workspace, each: CataloguedStack) -> None:
    made = Decoders()
    made.close()
    found = list(load_pair(imaged_workspace, {VIEW: each}, {VIEW: 1}, VolumeCache(), made))
    assert [type(one) for one in found] == [Failed, Failed]
    assert "was not read" in found[0].reason  # type: ignore[union-attr]


def test_the_volume_used_longest_ago_is_dropped_first() -> None:
    cache = VolumeCache(most_bytes=250)
    for name in "abc":
        cache.put(name, np.zeros(100, dtype=np.uint8))
        cache.get("a")
    assert cache.get("a") is not None
    assert cache.get("b") is None
    assert cache.n_bytes == 200

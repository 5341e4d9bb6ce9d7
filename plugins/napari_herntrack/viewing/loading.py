"""Volumes of a pair, beside the window: first one slice of each, then all of them.

These functions know no widget and no thread of the window. The slice looked at is read first and
alone, so that the reader sees a picture while the rest is decoded. What was read stays in memory up
to a limit, so the next patient can be read ahead.

Public: `Loaded`, `Failed`, `VolumeCache`, `load_pair`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError, Future, as_completed
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from herntrack._typing import VolumeZYX
from herntrack.errors import HerntrackError
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import CataloguedStack, Stack
from herntrack.model.sentences import sentence, sentence_of
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.stack_files import stack_images, stack_paths
from herntrack.workflows.workspace import Workspace
from napari_herntrack.viewing.decoders import FIRST, SOON, Decoders
from napari_herntrack.viewing.views import View

if TYPE_CHECKING:
    from herntrack.imaging.load import SliceFile

CACHE_BYTES = 1_500_000_000
"""Volumes kept in memory: some twenty patients of two visits (bytes)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loaded:
    """A stack's values, or so far only one slice of them.

    Parameters
    ----------
    view : View
        Where it belongs.
    stack_uid : str
        The stack.
    values : ndarray, shape (n_slices, n_rows, n_cols)
        Zero outside `only_slice` if that is not None.
    only_slice : int or None
        The one slice that has been read; None if all have.
    """

    view: View
    stack_uid: str
    values: VolumeZYX
    only_slice: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A stack that could not be read, and why."""

    view: View
    reason: str


class VolumeCache:
    """Volumes by stack, the one used longest ago dropped first; may be used from any thread."""

    def __init__(self, most_bytes: int = CACHE_BYTES) -> None:
        self._most_bytes = most_bytes
        self._volumes: OrderedDict[str, VolumeZYX] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, stack_uid: str) -> VolumeZYX | None:
        """Return a volume, or None if it is not kept."""
        with self._lock:
            values = self._volumes.get(stack_uid)
            if values is not None:
                self._volumes.move_to_end(stack_uid)
            return values

    def put(self, stack_uid: str, values: VolumeZYX) -> None:
        """Keep a volume; a single one above the limit is kept too."""
        with self._lock:
            self._volumes[stack_uid] = values
            self._volumes.move_to_end(stack_uid)
            while len(self._volumes) > 1 and self.n_bytes > self._most_bytes:
                self._volumes.popitem(last=False)

    @property
    def n_bytes(self) -> int:
        """Bytes that are kept."""
        return sum(values.nbytes for values in self._volumes.values())


def load_pair(
    workspace: Workspace,
    stacks: Mapping[View, CataloguedStack],
    slices: Mapping[View, int],
    cache: VolumeCache,
    decoders: Decoders,
) -> Iterator[Loaded | Failed]:
    """Yield one slice of each stack, then each stack.

    Parameters
    ----------
    workspace : Workspace
        The project.
    stacks : mapping from View to CataloguedStack
        What to read, the most wanted first.
    slices : mapping from View to int
        The slice that each view begins with.
    cache : VolumeCache
        Volumes read before come at once and whole; the others are put there.
    decoders : Decoders
        What reads them.
    """
    missing = {}
    for view, each in stacks.items():
        values = cache.get(each.stack.stack_uid)
        if values is None:
            missing[view] = each
        else:
            yield Loaded(view=view, stack_uid=each.stack.stack_uid, values=values)
    if not missing:
        return
    files: dict[View, list[SliceFile]] = {}
    for view, each in missing.items():
        try:
            files[view] = _files(workspace, each.stack)
        except (HerntrackError, OSError) as error:
            yield Failed(view=view, reason=sentence_of(error))
    jobs = _begun({view: missing[view].stack for view in files}, files, slices, decoders)
    whole: set[View] = set()
    try:
        for job in as_completed(jobs):
            view, only_slice = jobs[job]
            if only_slice is not None and view in whole:
                # A process that was slow to start: its one slice must not take the volume's place.
                continue
            result = _result(view, missing[view].stack, job, only_slice, cache)
            if only_slice is None and isinstance(result, Loaded):
                whole.add(view)
            yield result
    finally:
        # A reader who went on to another patient does not wait for this one.
        for job in jobs:
            job.cancel()


def _begun(
    stacks: Mapping[View, Stack],
    files: Mapping[View, list[SliceFile]],
    slices: Mapping[View, int],
    decoders: Decoders,
) -> dict[Future[VolumeZYX], tuple[View, int | None]]:
    """Begin to read one slice of each stack, then each stack; return what each job is for."""
    jobs: dict[Future[VolumeZYX], tuple[View, int | None]] = {}
    for view, stack in stacks.items():
        index = slices[view]
        part = replace(stack, geometry=one_slice(stack.geometry, index))
        jobs[decoders.read(part, files[view][index : index + 1], urgency=FIRST)] = (view, index)
    for view, stack in stacks.items():
        jobs[decoders.read(stack, files[view], urgency=SOON)] = (view, None)
    return jobs


def one_slice(geometry: VolumeGeometry, index: int) -> VolumeGeometry:
    """Return the grid of one slice of a stack."""
    affine = np.array(geometry.affine_lps)
    affine[:3, 3] = geometry.index_to_lps((index, 0, 0))
    return VolumeGeometry(affine_lps=affine, shape_zyx=(1, *geometry.shape_zyx[1:]))


def _files(workspace: Workspace, stack: Stack) -> list[SliceFile]:
    from herntrack.imaging.load import SliceFile

    with catalogue_of(workspace) as catalogue:
        paths = stack_paths(workspace, catalogue.images, stack.stack_uid)
        numbers = [number for _, number in stack_images(catalogue.images, stack.stack_uid)]
    return [SliceFile(*each) for each in zip(paths, numbers, strict=True)]


def _result(
    view: View, stack: Stack, job: Future[VolumeZYX], only_slice: int | None, cache: VolumeCache
) -> Loaded | Failed:
    try:
        values = job.result()
    except (HerntrackError, OSError) as error:
        return Failed(view=view, reason=sentence_of(error))
    except CancelledError:
        return Failed(view=view, reason=sentence("not_read_yet"))
    if only_slice is None:
        cache.put(stack.stack_uid, values)
        return Loaded(view=view, stack_uid=stack.stack_uid, values=values)
    # Pages of zeros cost nothing until they are looked at.
    whole = np.zeros(stack.geometry.shape_zyx, dtype=values.dtype)
    whole[only_slice] = values[0]
    return Loaded(view=view, stack_uid=stack.stack_uid, values=whole, only_slice=only_slice)

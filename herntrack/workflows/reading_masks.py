"""From a stored reading to its mask: on the stack as it is now, or on the slices that were read."""

from __future__ import annotations

from dataclasses import dataclass

from herntrack._typing import MaskZYX
from herntrack.catalogue.session import Catalogue
from herntrack.errors import RecordNotFoundError
from herntrack.model.images import Stack
from herntrack.model.records import Reading
from herntrack.readings.store import ReadingStore
from herntrack.workflows.stack_files import images_of
from herntrack.workflows.stacks_as_read import StackAsRead, changed_stacks, refuse_divided, stack_as_read
from herntrack.workflows.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaskAsRead:
    """A mask on the slices that were read, whatever came to their stack since."""

    mask: MaskZYX
    read_on: StackAsRead


def reading_mask(catalogue: Catalogue, workspace: Workspace, reading: Reading) -> tuple[MaskZYX, Stack]:
    """Return a reading's mask and the stack whose grid it is on, as the stack is now.

    Raises
    ------
    RecordNotFoundError
        If the stack it was made on is not catalogued.
    ReadingError
        If some of its slices are not catalogued any more.
    GeometryMismatchError
        If slices came between those that were read: the mask would have holes.
    """
    read_on = _read_on(catalogue, workspace, reading)
    now = catalogue.images.stack(reading.stack_uid or "").stack
    change = changed_stacks(workspace, catalogue, [reading]).get(reading.reading_uid)
    if change is not None:
        refuse_divided(read_on, now, change)
    return placed_mask(catalogue, workspace, reading), now


def placed_mask(catalogue: Catalogue, workspace: Workspace, reading: Reading) -> MaskZYX:
    """Return a reading's mask on its stack as it is now, holes where slices came between included.

    Raises
    ------
    RecordNotFoundError
        If the stack is not catalogued.
    GeometryMismatchError
        If its slices are not in the stack any more.
    """
    now = catalogue.images.stack(reading.stack_uid or "").stack
    images = images_of(catalogue.images.instances_of_stack(now.stack_uid))
    return ReadingStore(workspace.readings_folder).load_mask(reading, now.geometry, images)


def mask_as_read(catalogue: Catalogue, workspace: Workspace, reading: Reading) -> MaskAsRead:
    """Return a reading's mask on the slices that it was made on: its numbers never change.

    Raises
    ------
    RecordNotFoundError
        If the stack it was made on is not catalogued.
    ReadingError
        If some of its slices are not catalogued any more.
    """
    read_on = _read_on(catalogue, workspace, reading)
    store = ReadingStore(workspace.readings_folder)
    mask = store.load_mask(reading, read_on.stack.geometry, images_of(read_on.instances))
    return MaskAsRead(mask=mask, read_on=read_on)


def _read_on(catalogue: Catalogue, workspace: Workspace, reading: Reading) -> StackAsRead:
    try:
        return stack_as_read(workspace, catalogue, reading)
    except RecordNotFoundError as error:
        raise RecordNotFoundError(
            f"stack {reading.stack_uid}, on which it was read, is not catalogued any more; ingest its images"
            " again"
        ) from error

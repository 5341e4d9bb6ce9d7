"""From a stored reading to its mask."""

from __future__ import annotations

from herntrack._typing import MaskZYX
from herntrack.catalogue.session import Catalogue
from herntrack.errors import RecordNotFoundError
from herntrack.model.images import Stack
from herntrack.model.records import Reading
from herntrack.readings.store import ReadingStore
from herntrack.workflows.stack_files import stack_images
from herntrack.workflows.workspace import Workspace


def reading_mask(catalogue: Catalogue, workspace: Workspace, reading: Reading) -> tuple[MaskZYX, Stack]:
    """Return a reading's mask and the stack whose grid it is on.

    Raises
    ------
    RecordNotFoundError
        If the stack it was made on is not catalogued.
    """
    try:
        stack = catalogue.images.stack(reading.stack_uid or "").stack
    except RecordNotFoundError as error:
        raise RecordNotFoundError(
            f"stack {reading.stack_uid}, on which it was read, is not catalogued any more; ingest its images"
            " again"
        ) from error
    images = stack_images(catalogue.images, stack.stack_uid)
    return ReadingStore(workspace.readings_folder).load_mask(reading, stack.geometry, images), stack

"""What runs beside the window: listing a workspace and reading stacks.

These functions know no widget and no thread. What is refused on purpose comes back as a
`Refusal`, because napari turns an error that leaves a worker into a pop-up with a
traceback; any other error is a fault of ours and does leave.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from herntrack.errors import HerntrackError
from herntrack.model.sentences import sentence_of

if TYPE_CHECKING:
    # Imported where the work is done: a widget that opens does not wait for the catalogue.
    from herntrack.workflows.listings.listing import Row
    from herntrack.workflows.workspace import Workspace
    from napari_herntrack.layers import LayerData


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A sentence that says what was not done, and why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedWorkspace:
    """A workspace and its stacks, as `herntrack.workflows.listings.listing.stack_row` describes them.

    A reader who reads blinded is told of none: patient, date and description of each would tell which
    visit it is.
    """

    workspace: Workspace
    rows: tuple[Row, ...]
    is_blinded: bool = False


def list_workspace(folder: Path | None, reader: str = "") -> ListedWorkspace | Refusal:
    """Open a workspace and list its stacks.

    Parameters
    ----------
    folder : Path or None
        The workspace; None stands for HERNTRACK_WORKSPACE, else the current folder or the
        nearest one above it.
    reader : str
        Who looks; empty stands for somebody who reads nothing.
    """
    from herntrack.workflows.listings.listing import Listing, list_rows
    from herntrack.workflows.reading.blinding import blinded_worklist
    from herntrack.workflows.workspace import find_workspace

    try:
        workspace = find_workspace(folder)
        if reader and blinded_worklist(workspace, reader=reader):
            return ListedWorkspace(workspace=workspace, rows=(), is_blinded=True)
        return ListedWorkspace(workspace=workspace, rows=tuple(list_rows(workspace, Listing.STACKS)))
    except (HerntrackError, OSError) as error:
        return Refusal(reason=sentence_of(error))


def read_stacks(workspace: Workspace, stack_uids: Sequence[str]) -> Iterator[LayerData | Refusal]:
    """Yield each stack as a layer, or why there is none, in the order asked for."""
    for stack_uid in stack_uids:
        yield _read_stack(workspace, stack_uid)


def _read_stack(workspace: Workspace, stack_uid: str) -> LayerData | Refusal:
    from napari_herntrack.layers import stack_layer

    try:
        return stack_layer(workspace, stack_uid)
    except (HerntrackError, OSError) as error:
        return Refusal(reason=sentence_of(error))

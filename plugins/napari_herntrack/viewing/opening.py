"""What runs beside the window to open the reading room: the worklist, a visit, what comes next.

These functions know no widget and no thread. What is refused on purpose comes back as a
`RoomRefusal`; any other error is a fault of ours and leaves.

Public: `list_work`, `open_item`, `WorkToRead`, `OpenedItem`, `RoomRefusal`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from herntrack.errors import HerntrackError
from herntrack.model.records import CataloguedStack
from herntrack.workflows.worklist import WorkItem, worklist
from herntrack.workflows.workspace import Workspace, find_workspace
from napari_herntrack.viewing.pairs import OpenedPair, make_pair


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomRefusal:
    """A sentence that says what was not done, and why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkToRead:
    """A workspace and what there is to read in it."""

    workspace: Workspace
    items: tuple[WorkItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenedItem:
    """A line of the worklist, its pair, and the stacks to read ahead."""

    item: WorkItem
    opened: OpenedPair
    ahead: tuple[CataloguedStack, ...] = ()


def list_work(folder: Path | None) -> WorkToRead | RoomRefusal:
    """Open a workspace and list what there is to read.

    Parameters
    ----------
    folder : Path or None
        The workspace; None stands for HERNTRACK_WORKSPACE, else the current folder or the
        nearest one above it.
    """
    try:
        workspace = find_workspace(folder)
        return WorkToRead(workspace=workspace, items=tuple(worklist(workspace)))
    except (HerntrackError, OSError) as error:
        return RoomRefusal(reason=str(error))


def open_item(workspace: Workspace, item: WorkItem) -> OpenedItem | RoomRefusal:
    """Return the pair of a line of the worklist, and the stacks of the line after it."""
    try:
        opened = make_pair(workspace, item.patient_id, item.visit_date, lesion_uid=item.lesion_uid)
        items = worklist(workspace)
    except (HerntrackError, OSError) as error:
        return RoomRefusal(reason=str(error))
    places = [(one.patient_id, one.lesion_uid, one.visit_date) for one in items]
    place = (item.patient_id, item.lesion_uid, item.visit_date)
    number = places.index(place) + 1 if place in places else len(items)
    ahead: tuple[CataloguedStack, ...] = ()
    if number < len(items):
        try:
            after = make_pair(
                workspace,
                items[number].patient_id,
                items[number].visit_date,
                lesion_uid=items[number].lesion_uid,
            )
            ahead = tuple(after.pair.stacks.values())
        except (HerntrackError, OSError):
            # The next line says so itself when it is opened.
            ahead = ()
    return OpenedItem(item=item, opened=opened, ahead=ahead)

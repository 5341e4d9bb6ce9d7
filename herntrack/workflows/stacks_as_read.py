"""Stacks that are not what they were when somebody read them, and what they were.

More slices of a series may come after it was read. What was read are the images that the reading's
segmentation object names; the numbers of the reading are theirs for ever, and whoever sees them is
told what came since.

Public: `ChangedStack`, `changed_stacks`, `StackAsRead`, `stack_as_read`, `stacks_for_readings`,
`refuse_divided`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from herntrack.catalogue.session import Catalogue
from herntrack.errors import DicomError, GeometryMismatchError, HerntrackError, ReadingError
from herntrack.model.images import CataloguedStack, Instance, Stack
from herntrack.model.records import Reading
from herntrack.model.sentences import Sentence, sentence
from herntrack.readings.store_layout import StoreLayout
from herntrack.workflows.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedStack:
    """A reading whose stack has other slices than it was made on.

    Parameters
    ----------
    reading : Reading
        The reading.
    n_read : int
        Slices that it was made on.
    n_gone : int
        Those of them that are not catalogued any more.
    stack_uid : str or None
        The stack that holds the others now, in most cases the reading's own; None if several do.
    n_now : int
        Slices of that stack.
    """

    reading: Reading
    n_read: int
    n_gone: int
    stack_uid: str | None
    n_now: int

    @property
    def is_grown(self) -> bool:
        """Whether slices came, and all that was read is where it was."""
        return not self.n_gone and self.stack_uid == self.reading.stack_uid

    @property
    def sentence(self) -> Sentence:
        """What happened, and what to do."""
        if self.n_gone:
            return sentence("stack_lost", n_read=self.n_read, n_gone=self.n_gone)
        if self.is_grown:
            return sentence("stack_grown", n_read=self.n_read, n_now=self.n_now)
        return sentence("stack_divided", n_read=self.n_read)

    @property
    def told(self) -> str:
        """The sentence with the reading that it is of."""
        each = self.reading
        return f"reading {each.reading_uid} of {each.visit_date} by {each.reader}: {self.sentence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackAsRead:
    """The grid that a reading was made on, and its images in slice order."""

    stack: Stack
    instances: tuple[Instance, ...]


def changed_stacks(
    workspace: Workspace, catalogue: Catalogue, readings: Iterable[Reading]
) -> dict[str, ChangedStack]:
    """Return what has other slices now than when it was read, by reading.

    A reading whose object cannot be read, or whose images are not catalogued at all, is left to
    `herntrack check`, which has sentences for these.

    Parameters
    ----------
    workspace, catalogue : Workspace, Catalogue
        The project, open.
    readings : iterable of Reading
        Those to be looked at; only the heads of their objects are read.
    """
    looked_at = [(reading, named) for reading in readings if (named := _named(workspace, reading))]
    places = catalogue.images.image_places(reading.series_instance_uid or "" for reading, _ in looked_at)
    found = {}
    for reading, named in looked_at:
        change = _change(reading, named, places.get(reading.series_instance_uid or "", []))
        if change is not None:
            found[reading.reading_uid] = change
    return found


def stack_as_read(workspace: Workspace, catalogue: Catalogue, reading: Reading) -> StackAsRead:
    """Return the grid that a reading was made on, of the images that it names.

    Raises
    ------
    ReadingError
        If some of them are not catalogued any more, or they make no stack.
    RecordNotFoundError
        If its stack is not catalogued.
    """
    change = changed_stacks(workspace, catalogue, [reading]).get(reading.reading_uid)
    if change is None:
        stack = catalogue.images.stack(reading.stack_uid or "").stack
        return StackAsRead(stack=stack, instances=tuple(catalogue.images.instances_of_stack(stack.stack_uid)))
    if change.n_gone:
        raise ReadingError(change.sentence)
    return _built(catalogue, reading, _named(workspace, reading), change)


def stacks_for_readings(
    workspace: Workspace,
    catalogue: Catalogue,
    changed: Mapping[str, ChangedStack],
    stacks: Mapping[str, CataloguedStack],
) -> dict[str, CataloguedStack]:
    """Return stacks by their UID and, where a reading was made on other slices, by that of the reading.

    Parameters
    ----------
    workspace, catalogue : Workspace, Catalogue
        The project, open.
    changed : mapping from str to ChangedStack
        As `changed_stacks` returns it.
    stacks : mapping from str to CataloguedStack
        By UID, as they are now.
    """
    found = dict(stacks)
    for uid, change in changed.items():
        now = stacks.get(change.reading.stack_uid or "")
        if now is None:
            continue
        try:
            found[uid] = replace(now, stack=stack_as_read(workspace, catalogue, change.reading).stack)
        except HerntrackError:
            # What was read is not whole any more: the stack as it is says most of how it was imaged.
            continue
    return found


def refuse_divided(as_read: StackAsRead, now: Stack, change: ChangedStack) -> None:
    """Refuse an outline on a stack that has other slices now, unless its own still lie there in one run.

    Slices that came between those that were read leave holes in the outline.

    Raises
    ------
    GeometryMismatchError
        With what to do.
    """
    from herntrack.readings.placement import align_grids

    try:
        align_grids(as_read.stack.geometry, now.geometry)
    except GeometryMismatchError as error:
        raise GeometryMismatchError(change.sentence) from error


def _named(workspace: Workspace, reading: Reading) -> frozenset[str]:
    """Return the images that a reading names; none if there is nothing to compare."""
    from herntrack.readings.segmentation_sources import named_images

    if reading.segmentation_file is None or reading.stack_uid is None:
        return frozenset()
    try:
        return named_images(StoreLayout(workspace.readings_folder).object_path(reading))
    except DicomError:
        return frozenset()


def _change(
    reading: Reading, named: Collection[str], places: Collection[tuple[str, int, str | None]]
) -> ChangedStack | None:
    """Return how the images named differ from a stack of those in a series; None if they do not."""
    in_stack = Counter(stack_uid for _, _, stack_uid in places)
    read = [place for place in places if place[0] in named]
    # An object names multi-frame images as a whole, and their frames may be several stacks.
    read = [each for each in read if not each[1] or each[2] == reading.stack_uid] or read
    n_gone = len(named) - len({uid for uid, _, _ in read})
    holders = {stack_uid for _, _, stack_uid in read}
    if not read or (
        not n_gone and holders == {reading.stack_uid} and in_stack[reading.stack_uid] == len(read)
    ):
        return None
    holder = holders.pop() if len(holders) == 1 else None
    return ChangedStack(
        reading=reading,
        n_read=len(read) + n_gone,
        n_gone=n_gone,
        stack_uid=holder,
        n_now=in_stack[holder] if holder else 0,
    )


def _built(
    catalogue: Catalogue, reading: Reading, named: Collection[str], change: ChangedStack
) -> StackAsRead:
    """Put the images named into a stack of their own."""
    from herntrack.dicom.stacks import build_stacks

    series_uid = reading.series_instance_uid or ""
    instances = {
        (each.header.sop_instance_uid, each.header.frame_number or 0): each
        for each in catalogue.images.instances_of_series(series_uid)
        if each.header.sop_instance_uid in named
        and (each.header.frame_number is None or each.stack_uid == change.stack_uid)
    }
    series = next(each for each in catalogue.images.series() if each.series_instance_uid == series_uid)
    built = build_stacks(series, [each.header for each in instances.values()])
    if len(built) != 1:
        raise ReadingError(change.sentence)
    stack = replace(built[0].stack, stack_uid=reading.stack_uid or "")
    return StackAsRead(stack=stack, instances=tuple(instances[key] for key in built[0].images))

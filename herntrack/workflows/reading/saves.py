"""A version per save: what a reader did becomes a new reading, nothing is overwritten.

A save replaces only readings that it knows of. If the same reader's reading was made elsewhere
meanwhile, both stand, and the conflict comes back as a value with what can be done.

Public: `ReadingContents`, `SavedReading`, `SaveConflict`, `save_reading`, `settle_conflict`,
`store_reading`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from herntrack._typing import MaskZYX
from herntrack.catalogue.session import Catalogue
from herntrack.errors import ReadingError, RecordNotFoundError
from herntrack.model.base_plane import BasePlane, Point
from herntrack.model.facet_line import FacetLine
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Lesion, Reading
from herntrack.model.vocabulary import ReadingStatus
from herntrack.reading_room.draft_contents import Judgement
from herntrack.reading_room.draft_files import DraftKey, saving_locked
from herntrack.readings.store import ReadingStore
from herntrack.workflows.reading_masks import reading_mask
from herntrack.workflows.recording import AUTOMATIC_READER, Origin
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.signatures import refuse_if_signed
from herntrack.workflows.stack_files import stack_headers
from herntrack.workflows.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadingContents:
    """What is to be saved.

    Parameters
    ----------
    key : DraftKey
        Whose reading of what.
    mask : ndarray of bool or None
        The outline on the stack's grid; None or empty where there is none.
    judgement : Judgement
        Status, reason and descriptors.
    known_uids : tuple of str
        The reader's readings that this one may replace.
    source : str
        How it came about.
    base_plane : BasePlane or None
    base_plane_source : str
        Where the plane comes from; empty if there is none.
    points_lps, background_points_lps : tuple of points
        Clicks, LPS mm.
    proposed_from : str or None
        The proposal it was accepted from.
    guards : tuple of str
        What a reader should look at.
    is_semiautomatic : bool
        Whether an algorithm drew the outline.
    facet_line : FacetLine or None
        The line between the facets.
    """

    key: DraftKey
    mask: MaskZYX | None
    judgement: Judgement
    known_uids: tuple[str, ...] = ()
    source: str = "reading room"
    base_plane: BasePlane | None = None
    base_plane_source: str = ""
    points_lps: tuple[Point, ...] = ()
    background_points_lps: tuple[Point, ...] = ()
    proposed_from: str | None = None
    guards: tuple[str, ...] = ()
    is_semiautomatic: bool = False
    facet_line: FacetLine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedReading:
    """A reading that was saved and stands alone."""

    reading: Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveConflict:
    """A reading that was saved while another of the same reader and visit had been made elsewhere.

    Both are in the store and both stand. `settle_conflict` with one of them as `keep` makes it the
    one that counts; left alone, the visit is shown in conflict.

    Parameters
    ----------
    reading : Reading
        What was saved now.
    others : tuple of Reading
        What had been made meanwhile.
    """

    reading: Reading
    others: tuple[Reading, ...]

    @property
    def sentence(self) -> str:
        """What happened and what to do."""
        made = ", ".join(f"{each.created_at:%Y-%m-%d %H:%M} UTC" for each in self.others)
        return (
            f"your reading was saved, and another one of yours of this visit was saved elsewhere at {made};"
            " both are kept. Choose which one counts"
        )


def save_reading(
    workspace: Workspace, contents: ReadingContents, *, origin: Origin | None = None
) -> SavedReading | SaveConflict:
    """Record a reading.

    Parameters
    ----------
    workspace : Workspace
        The project.
    contents : ReadingContents
        What is to be saved.
    origin : Origin, optional
        Clock and identifiers.

    Returns
    -------
    SavedReading or SaveConflict
        The new reading; a conflict if it does not stand alone.

    Raises
    ------
    SignedReadingError
        If a reading that would be replaced is signed.
    ReadingError
        If it contradicts itself, or cannot be written.
    DraftError
        If the workspace cannot be written.
    """
    origin = origin or Origin()
    with saving_locked(workspace.readings_folder), catalogue_of(workspace) as catalogue:
        each = catalogue.images.stack(contents.key.stack_uid)
        draft = _reading(contents, each, origin)
        standing = _replaceable(catalogue, draft)
        known = contents.known_uids
        replaced = [other for other in standing if other.is_proposed or other.reading_uid in known]
        others = [other for other in standing if other not in replaced]
        supersedes = tuple(other.reading_uid for other in replaced)
        refuse_if_signed(workspace, (*supersedes, *(other.reading_uid for other in others)))
        mask = None if contents.judgement.status is ReadingStatus.NOT_EVALUABLE else contents.mask
        stored = store_reading(
            workspace,
            catalogue,
            replace(draft, supersedes=supersedes),
            lesion=catalogue.followup.lesion(draft.lesion_uid),
            mask=mask,
            is_semiautomatic=contents.is_semiautomatic,
        )
    return SaveConflict(reading=stored, others=tuple(others)) if others else SavedReading(reading=stored)


def settle_conflict(
    workspace: Workspace,
    *,
    keep: str,
    others: Sequence[str],
    reader: str,
    reason: str,
    origin: Origin | None = None,
) -> SavedReading:
    """Say which of several standing readings counts: it is recorded anew and replaces all of them.

    Parameters
    ----------
    workspace : Workspace
        The project.
    keep : str
        The reading that counts.
    others : sequence of str
        The readings that it stands against.
    reader : str
        Who decides; the new reading is theirs.
    reason : str
        Why.
    origin : Origin, optional
        Clock and identifiers.

    Raises
    ------
    RecordNotFoundError
        If one of them is no standing reading.
    ReadingError
        If they are not of one lesion and visit, or nobody or no reason is named.
    SignedReadingError
        If one of them is signed.
    """
    origin = origin or Origin()
    if not reader.strip() or not reason.strip():
        raise ReadingError("a choice between readings says who chooses and why; give both")
    with saving_locked(workspace.readings_folder), catalogue_of(workspace) as catalogue:
        chosen, *rest = _standing(catalogue, [keep, *others])
        for other in rest:
            if (other.lesion_uid, other.visit_date) != (chosen.lesion_uid, chosen.visit_date):
                raise ReadingError(
                    f"readings {chosen.reading_uid} and {other.reading_uid} are not of the same lesion and"
                    " visit: there is nothing to choose between"
                )
        supersedes = tuple(dict.fromkeys(each.reading_uid for each in (chosen, *rest)))
        refuse_if_signed(workspace, supersedes)
        mask = None
        if chosen.segmentation_file is not None and chosen.status is not ReadingStatus.NOT_EVALUABLE:
            mask, _ = reading_mask(catalogue, workspace, chosen)
        anew = replace(
            chosen,
            reading_uid=origin.uid(),
            reader=reader.strip(),
            created_at=origin.now(),
            supersedes=supersedes,
            superseded_by=None,
            is_proposed=False,
            source=f"chosen among {len(supersedes)} readings: {reason.strip()}",
            source_sha256=None,
        )
        lesion = catalogue.followup.lesion(chosen.lesion_uid)
        stored = store_reading(workspace, catalogue, anew, lesion=lesion, mask=mask, is_semiautomatic=False)
    return SavedReading(reading=stored)


def _reading(contents: ReadingContents, each: CataloguedStack, origin: Origin) -> Reading:
    key, judgement = contents.key, contents.judgement
    if not key.reader.strip():
        raise ReadingError("a reading has a reader; choose your name first")
    is_present = judgement.status is ReadingStatus.PRESENT
    if not is_present and not judgement.reason.strip():
        raise ReadingError(f"a reading that is {judgement.status} says why; choose a reason")
    return Reading(
        reading_uid=origin.uid(),
        lesion_uid=key.lesion_uid,
        visit_date=key.visit_date,
        reader=key.reader.strip(),
        status=judgement.status,
        reason="" if is_present else judgement.reason.strip(),
        stack_uid=each.stack.stack_uid,
        series_instance_uid=each.series.series_instance_uid,
        study_instance_uid=each.study.study_instance_uid,
        modality=each.series.modality,
        created_at=origin.now(),
        source=contents.source,
        base_plane=contents.base_plane,
        base_plane_source=contents.base_plane_source,
        points_lps=contents.points_lps,
        background_points_lps=contents.background_points_lps,
        proposed_from=contents.proposed_from,
        guards=contents.guards,
        descriptors=None if judgement.descriptors.is_empty else judgement.descriptors,
        facet_line=contents.facet_line,
    )


def _replaceable(catalogue: Catalogue, draft: Reading) -> list[Reading]:
    """Return the standing readings that a new one takes the place of: the reader's own and proposals.

    Masks on two stacks stand beside each other; the word that nothing is left, or that nothing can
    be judged, speaks for the whole visit.
    """
    found = []
    for other in catalogue.followup.readings(draft.lesion_uid, is_current=True):
        if other.visit_date != draft.visit_date:
            continue
        both_masks = other.status is draft.status is ReadingStatus.PRESENT
        is_same_place = not both_masks or other.stack_uid == draft.stack_uid
        is_mine = other.reader == draft.reader
        is_answered = is_mine or other.reader == AUTOMATIC_READER or other.reading_uid == draft.proposed_from
        if is_answered if other.is_proposed else is_mine and is_same_place:
            found.append(other)
    return found


def _standing(catalogue: Catalogue, reading_uids: Sequence[str]) -> list[Reading]:
    known = {each.reading_uid: each for each in catalogue.followup.readings(is_current=True)}
    for uid in reading_uids:
        if uid not in known:
            raise RecordNotFoundError(
                f"{uid} is no standing reading; herntrack list readings shows those there are"
            )
    return [known[uid] for uid in reading_uids]


def store_reading(
    workspace: Workspace,
    catalogue: Catalogue,
    reading: Reading,
    *,
    lesion: Lesion,
    mask: MaskZYX | None,
    is_semiautomatic: bool,
) -> Reading:
    """Write a reading to the store, then to the catalogue; `record_reading` finds what it replaces first."""
    images, geometry = [], None
    if reading.stack_uid is not None:
        images = stack_headers(workspace, catalogue.images, reading.stack_uid)
        geometry = catalogue.images.stack(reading.stack_uid).stack.geometry
    stored = ReadingStore(workspace.readings_folder).add_reading(
        reading,
        lesion=lesion,
        mask=mask,
        source_images=images,
        geometry=geometry,
        is_semiautomatic=is_semiautomatic,
    )
    catalogue.followup.add_reading(stored)
    return stored

"""What takes longer than a glance: opening, saving, carrying forward, signing. Runs beside the window.

These functions know no widget and no thread.

Public: `list_rows`, `blind`, `lift_blinding`, `open_visit`, `save_visit`, `carry_forward`, `look_over`,
and what they return.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from herntrack._typing import MaskZYX
from herntrack.errors import HerntrackError, ReadingError
from herntrack.model.base_plane import BasePlane, Point
from herntrack.model.facet_line import FacetLine
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Reading
from herntrack.model.sentences import sentence, sentence_of
from herntrack.model.vocabulary import Plane
from herntrack.reading_room.suggestions import Suggestions, suggest_descriptors
from herntrack.segmentation.guards import Guard, check_mask
from herntrack.workflows.listings.worklist import worklist
from herntrack.workflows.reading.blinding import begin_blinding, blinded_worklist, unblind
from herntrack.workflows.reading.opening import open_reading
from herntrack.workflows.reading.proposals import propose_patient
from herntrack.workflows.reading.saves import SaveConflict
from herntrack.workflows.reading.session import ReadingSession
from herntrack.workflows.reading.sign_off import amend_reading
from herntrack.workflows.reporting.classify import classify
from herntrack.workflows.reporting.measure import measure
from herntrack.workflows.workspace import Workspace
from napari_herntrack.reading.desk import OpenedVisit
from napari_herntrack.reading.levels import level_knowledge
from napari_herntrack.reading.links import link_known
from napari_herntrack.reading.rows import WorkRow, blinded_rows, open_rows
from napari_herntrack.texts import Texts, Told
from napari_herntrack.viewing.hanging import SHOWN_PLANES
from napari_herntrack.viewing.pairs import OpenedPair, make_pair
from napari_herntrack.viewing.views import Half, View, VisitOnScreen


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The rows of the worklist, and whether they are a blinded reader's."""

    rows: tuple[WorkRow, ...]
    is_blinded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What a save led to."""

    reading: Reading
    conflict: SaveConflict | None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What carrying forward gave at one visit: a sentence, and whether a proposal stands there now."""

    sentence: str
    is_proposed: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looked:
    """What was seen in looking at a whole mask."""

    guards: tuple[Guard, ...]
    suggestions: Suggestions


def prepare() -> None:
    """Import what the first click and the first save need, so that they do not wait for it."""
    import herntrack.readings.segmentation_object
    import herntrack.segmentation.carry_forward
    import herntrack.segmentation.one_click  # noqa: F401


def list_rows(workspace: Workspace, *, reader: str, texts: Texts) -> Listed:
    """Return the worklist; a reader who is blinded to somebody sees the blinded one alone."""
    if reader:
        blinded = blinded_worklist(workspace, reader=reader)
        if blinded:
            return Listed(rows=tuple(blinded_rows(blinded, texts)), is_blinded=True)
    return Listed(rows=tuple(open_rows(worklist(workspace, reader=reader or None), texts)), is_blinded=False)


def blind(workspace: Workspace, *, reader: str, texts: Texts) -> Listed:
    """Blind a reader to all patients, in an order drawn now."""
    begin_blinding(workspace, reader=reader, seed=secrets.randbelow(2**31))
    return list_rows(workspace, reader=reader, texts=texts)


def lift_blinding(workspace: Workspace, *, reader: str, reason: str, texts: Texts) -> Listed:
    """Record that a reader is told the dates of all patients, then list them."""
    if not reason.strip():
        raise ReadingError(Told(texts("panel.unblinding_needs_reason")))
    patients = {row.item.patient_id for row in blinded_worklist(workspace, reader=reader)}
    for patient_id in sorted(patients):
        unblind(workspace, reader=reader, patient_id=patient_id, decided_by=reader, reason=reason)
    return list_rows(workspace, reader=reader, texts=texts)


def open_visit(
    workspace: Workspace,
    row: WorkRow,
    *,
    reader: str,
    is_blinded: bool,
    texts: Texts,
    stack_uid: str | None = None,
) -> OpenedVisit:
    """Open a row of the worklist: its stacks, its reading, its level.

    Parameters
    ----------
    workspace : Workspace
        The project.
    row : WorkRow
        What to open.
    reader : str
        Who reads.
    is_blinded : bool
        Show the visit alone and without dates.
    texts : Texts
        The reader's language.
    stack_uid : str, optional
        Read on this stack instead of the one that was read or is proposed.

    Raises
    ------
    HerntrackError
        If it cannot be opened; the message says why.
    """
    item = row.item
    shown = make_pair(
        workspace,
        item.patient_id,
        item.visit_date,
        lesion_uid=item.lesion_uid,
        # A blinded reader is not shown which visit came before.
        beside=item.visit_date if is_blinded else None,
        is_blinded=is_blinded,
        reader=reader,
    )
    shown = _captioned(shown, row, texts, is_blinded=is_blinded)
    view = next(each for each in shown.pair.stacks if each.half is Half.CURRENT)
    read_on = stack_uid or item.stack_uid
    if item.lesion_uid is None or read_on is None:
        return OpenedVisit(row=row, shown=shown, session=None, view=view, refusal=Told(row.note))
    session = open_reading(
        workspace, lesion_uid=item.lesion_uid, stack_uid=read_on, reader=reader, is_blinded=is_blinded
    )
    try:
        shown, view = _with_stack(shown, session.stack)
        known = level_knowledge(workspace, session.lesion, session.stack)
        link = None if is_blinded else link_known(workspace, item)
    except BaseException:
        session.close()
        raise
    return OpenedVisit(
        row=row,
        shown=shown,
        session=session,
        view=view,
        lock=known.lock,
        midline_lps=known.centre_lps,
        link=link,
    )


def stacks_ahead(workspace: Workspace, row: WorkRow, *, is_blinded: bool) -> tuple[CataloguedStack, ...]:
    """Return the stacks that opening a row would show, so that they can be read before it is opened."""
    item = row.item
    beside = item.visit_date if is_blinded else None
    shown = make_pair(
        workspace,
        item.patient_id,
        item.visit_date,
        lesion_uid=item.lesion_uid,
        beside=beside,
        is_blinded=is_blinded,
    )
    return tuple(shown.pair.stacks.values())


def save_visit(workspace: Workspace, session: ReadingSession) -> Saved:
    """Save the open reading, then measure and classify, so that the report says the same as the room.

    Raises
    ------
    HerntrackError
        If it was not saved.
    """
    outcome = session.save()
    conflict = outcome if isinstance(outcome, SaveConflict) else None
    problem = ""
    try:
        measure(workspace)
        classify(workspace)
    except HerntrackError as error:
        # The reading is safe; what could not be computed is made up for by the commands.
        problem = sentence("saved_not_measured", detail=sentence_of(error))
    return Saved(reading=outcome.reading, conflict=conflict, problem=problem)


def amend(workspace: Workspace, session: ReadingSession, *, reason: str) -> Reading:
    """Open the signed reading again, then measure and classify; return its new version.

    Raises
    ------
    HerntrackError
        If it is not signed, somebody else's, or no reason is given.
    """
    reading = session.started_from
    if reading is None:
        raise ReadingError("there is no reading to amend; read the visit first")
    amended = amend_reading(workspace, reading.reading_uid, reader=session.key.reader, reason=reason).reading
    measure(workspace)
    classify(workspace)
    return amended


def carry_forward(workspace: Workspace, row: WorkRow, *, is_again: bool = False) -> Carried:
    """Carry a lesion's baseline forward to the visits that nobody read.

    Raises
    ------
    HerntrackError
        If there is nothing to carry.
    """
    item = row.item
    found = propose_patient(workspace, item.patient_id, lesion_uid=item.lesion_uid, is_again=is_again)
    here = next((each for each in found if each.visit_date == item.visit_date), None)
    if here is None:
        return Carried(sentence="", is_proposed=False)
    return Carried(sentence=here.reason, is_proposed=here.reading is not None and here.reading.is_proposed)


def look_over(
    mask: MaskZYX,
    geometry: VolumeGeometry,
    plane: BasePlane | None,
    midline_lps: Point | None,
    facet_line: FacetLine | None = None,
) -> Looked:
    """Look at a whole mask: what is suspicious about it, and what its shape suggests."""
    if not mask.any():
        return Looked(guards=(), suggestions=Suggestions())
    guards = tuple(each.guard for each in check_mask(mask, geometry, base_plane=plane))
    suggestions = suggest_descriptors(mask, geometry, plane, midline_lps=midline_lps, facet_line=facet_line)
    return Looked(guards=guards, suggestions=suggestions)


def _with_stack(shown: OpenedPair, each: CataloguedStack) -> tuple[OpenedPair, View]:
    """Let the stack that is read on be the one that is shown, and say in which view."""
    plane = each.stack.plane if each.stack.plane in SHOWN_PLANES else Plane.SAGITTAL
    pair = shown.pair
    if plane in pair.current.stacks and pair.current.stacks[plane].stack.stack_uid == each.stack.stack_uid:
        return shown, View.of(Half.CURRENT, plane)
    current = replace(pair.current, stacks={**pair.current.stacks, plane: each})
    return replace(shown, pair=replace(pair, current=current)), View.of(Half.CURRENT, plane)


def _captioned(shown: OpenedPair, row: WorkRow, texts: Texts, *, is_blinded: bool) -> OpenedPair:
    """Let the pictures speak the reader's language."""
    pair = shown.pair
    words = f"{row.patient}   {row.visit}" if is_blinded else row.visit
    current = VisitOnScreen(caption=words, stacks=pair.current.stacks)
    baseline = pair.baseline
    if baseline is not None and baseline.stacks:
        day = next(iter(baseline.stacks.values())).study.study_date
        baseline = VisitOnScreen(caption=f"{day}  {texts('view.baseline')}", stacks=baseline.stacks)
    return replace(shown, pair=replace(pair, current=current, baseline=baseline))

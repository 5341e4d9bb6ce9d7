"""Opening a reading: what was not saved, else what stands, else a proposal, else nothing.

What was not saved when the program ended comes back with its history. One window has a reading open to
change it; the others may look.

Public: `open_reading`.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import numpy as np

from herntrack._typing import MaskZYX
from herntrack.catalogue.session import Catalogue
from herntrack.errors import DraftError, GeometryMismatchError, ReadingError
from herntrack.model.descriptors import NO_DESCRIPTORS
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Reading
from herntrack.model.sentences import sentence, sentence_of
from herntrack.model.vocabulary import ReadingStatus
from herntrack.reading_room.draft_contents import DraftBeginning, Judgement
from herntrack.reading_room.draft_files import DraftKey, DraftLock, draft_locked, draft_path
from herntrack.reading_room.edits import Tool
from herntrack.reading_room.journal import Journal, RecoveredDraft, read_draft
from herntrack.reading_room.live_numbers import LiveNumbers
from herntrack.reading_room.mask_session import MaskSession
from herntrack.workflows.reading.live_context import live_context
from herntrack.workflows.reading.session import LookOnly, OpenedReading, ReadingSession, signed_words
from herntrack.workflows.reading_masks import placed_mask
from herntrack.workflows.recording import Origin
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.signatures import signed_of
from herntrack.workflows.stacks_as_read import changed_stacks
from herntrack.workflows.workspace import Workspace


def open_reading(
    workspace: Workspace,
    *,
    lesion_uid: str,
    stack_uid: str,
    reader: str,
    is_blinded: bool = False,
    origin: Origin | None = None,
) -> ReadingSession:
    """Open one reader's reading of a lesion on a stack.

    Parameters
    ----------
    workspace : Workspace
        The project.
    lesion_uid, stack_uid : str
        What is read; the stack says the visit.
    reader : str
        Who reads.
    is_blinded : bool
        Begin with nothing but what the reader said themselves: a proposal is carried from another visit,
        or somebody else's.
    origin : Origin, optional
        Clock and identifiers.

    Returns
    -------
    ReadingSession
        With unsaved work restored; else with the reader's standing reading, else a proposal, else empty.

    Raises
    ------
    RecordNotFoundError
        If lesion or stack are unknown.
    ReadingError
        If the stack is not the patient's, has no date or is not measurable, or no reader is named.

    Notes
    -----
    What is signed, open in another window, or lies where nothing can be written can be looked at, not
    changed; `ReadingSession.refusal` says why.
    """
    origin = origin or Origin()
    opened = _open(workspace, lesion_uid, stack_uid, reader, origin, is_blinded=is_blinded)
    if opened.signature is not None:
        return _looking(opened, origin, signed_words(opened.signature))
    try:
        return _changeable(opened, origin)
    except DraftError as error:
        return _looking(opened, origin, sentence_of(error))


def _changeable(opened: OpenedReading, origin: Origin) -> ReadingSession:
    """Return a session with its journal; with nothing left behind if there can be none."""
    path = draft_path(opened.workspace.readings_folder, opened.key)
    with ExitStack() as undone:
        lock = draft_locked(path, now=origin.now())
        undone.callback(lock.release)
        draft, notices = _usable_draft(opened)
        session = _resumed(opened, draft, origin, lock) if draft else _begun(opened, origin, lock, notices)
        undone.pop_all()
    return session


def _open(
    workspace: Workspace,
    lesion_uid: str,
    stack_uid: str,
    reader: str,
    origin: Origin,
    *,
    is_blinded: bool,
) -> OpenedReading:
    if not reader.strip():
        raise ReadingError("a reading has a reader; choose your name first")
    with catalogue_of(workspace) as catalogue:
        lesion = catalogue.followup.lesion(lesion_uid)
        each = catalogue.images.stack(stack_uid)
        visit_date = each.study.study_date
        if each.study.patient_id != lesion.patient_id:
            raise ReadingError(
                f"stack {stack_uid} is of patient {each.study.patient_id}, lesion {lesion_uid} of patient"
                f" {lesion.patient_id}"
            )
        if visit_date is None:
            raise ReadingError(
                f"study {each.study.study_instance_uid} has no date, so it belongs to no visit"
            )
        if not each.stack.is_regular:
            raise ReadingError(sentence("stack_not_measurable", detail="; ".join(each.stack.problems)))
        key = DraftKey(
            lesion_uid=lesion_uid, visit_date=visit_date, reader=reader.strip(), stack_uid=stack_uid
        )
        at_visit = [
            reading for reading in catalogue.followup.readings(lesion_uid) if reading.visit_date == visit_date
        ]
        here = [reading for reading in at_visit if reading.superseded_by is None]
        start = _start([each for each in at_visit if not (is_blinded and each.is_proposed)], key)
        replaced = [each.reading_uid for each in here if _is_replaced(each, key)]
        context = live_context(catalogue, workspace, key, each, replaced=replaced, now=origin.now())
        signed = signed_of(workspace, [start.reading_uid] if start else [])
        changed = changed_stacks(workspace, catalogue, [start] if start else [])
        return OpenedReading(
            workspace=workspace,
            key=key,
            lesion=lesion,
            each=each,
            start=start,
            mask=_mask(catalogue, workspace, start, each),
            known_uids=tuple(
                reading.reading_uid for reading in here if reading.is_proposed or reading.reader == key.reader
            ),
            signature=signed[0] if signed else None,
            live=LiveNumbers(context),
            changed=next(iter(changed.values()), None),
        )


def _start(at_visit: list[Reading], key: DraftKey) -> Reading | None:
    """Return what the session shows at first: the reader's own word, else a proposal.

    A proposal that another reader has accepted is still one for this reader.
    """
    proposals = {each.reading_uid for each in at_visit if each.is_proposed}
    mine = [
        each
        for each in at_visit
        if each.reader == key.reader and not each.is_proposed and each.superseded_by is None
    ]
    proposed = [each for each in at_visit if each.is_proposed and each.superseded_by not in proposals]
    for found in (mine, proposed):
        for reading in reversed(found):
            if reading.stack_uid == key.stack_uid or reading.status is not ReadingStatus.PRESENT:
                return reading
    return None


def _is_replaced(reading: Reading, key: DraftKey) -> bool:
    """Whether the live numbers leave a reading out: the draft stands for it."""
    if reading.is_proposed:
        return True
    return reading.reader == key.reader and (
        reading.stack_uid == key.stack_uid or reading.status is not ReadingStatus.PRESENT
    )


def _mask(
    catalogue: Catalogue, workspace: Workspace, start: Reading | None, each: CataloguedStack
) -> MaskZYX:
    if start is not None and start.segmentation_file is not None and start.stack_uid == each.stack.stack_uid:
        try:
            # Slices that came between those that were read are empty; the reader is told, and fills them.
            return placed_mask(catalogue, workspace, start)
        except GeometryMismatchError:
            if not changed_stacks(workspace, catalogue, [start]):
                raise
    return np.zeros(each.stack.geometry.shape_zyx, dtype=np.bool_)


def _changed_words(opened: OpenedReading) -> tuple[str, ...]:
    """Return what became of the slices that were read."""
    return (opened.changed.sentence,) if opened.changed is not None else ()


def _judgement_of(start: Reading | None) -> Judgement:
    if start is None:
        return Judgement()
    descriptors = start.descriptors or NO_DESCRIPTORS
    return Judgement(status=start.status, reason=start.reason, descriptors=descriptors)


def _looking(opened: OpenedReading, origin: Origin, refusal: str) -> ReadingSession:
    start = opened.start
    mask = MaskSession(
        opened.mask,
        opened.each.stack.geometry,
        base_plane=start.base_plane if start else None,
        facet_line=start.facet_line if start else None,
        sink=LookOnly(refusal),
    )
    return ReadingSession(
        opened,
        mask,
        origin=origin,
        judgement=_judgement_of(opened.start),
        refusal=refusal,
        notices=_changed_words(opened),
    )


def _usable_draft(opened: OpenedReading) -> tuple[RecoveredDraft | None, tuple[str, ...]]:
    """Return unsaved work that fits the stack; what does not is kept aside and said."""
    path = draft_path(opened.workspace.readings_folder, opened.key)
    try:
        draft = read_draft(path)
    except DraftError as error:
        return None, (sentence("draft_unusable", detail=str(error), name=_put_aside(opened)),)
    if draft is None or not draft.is_unsaved:
        return None, ()
    if draft.beginning.geometry != opened.each.stack.geometry:
        return None, (sentence("draft_of_another_grid", name=_put_aside(opened)),)
    return draft, ()


def _put_aside(opened: OpenedReading) -> str:
    """Keep a draft that cannot be used under another name, and return that."""
    path = draft_path(opened.workspace.readings_folder, opened.key)
    kept = path.with_suffix(".unusable")
    number = 1
    while kept.exists():
        number += 1
        kept = path.with_suffix(f".{number}.unusable")
    path.rename(kept)
    return kept.name


def _resumed(opened: OpenedReading, draft: RecoveredDraft, origin: Origin, lock: DraftLock) -> ReadingSession:
    path = draft_path(opened.workspace.readings_folder, opened.key)
    journal = Journal.resumed(path, draft, clock=origin.now)
    draft.session.set_sink(journal)
    known = {*draft.beginning.known_uids, *([draft.saved_uid] if draft.saved_uid else [])}
    return ReadingSession(
        # What was saved elsewhere since the draft began is not known to it: saving tells of it.
        replace(opened, known_uids=tuple(uid for uid in opened.known_uids if uid in known)),
        draft.session,
        origin=origin,
        judgement=draft.judgement,
        journal=journal,
        lock=lock,
        notices=(draft.sentence, *_changed_words(opened)),
        is_judgement_saved=draft.is_judgement_saved,
        used_proposal=draft.beginning.is_semiautomatic or Tool.PROPOSAL in draft.session.tools_used,
    )


def _begun(
    opened: OpenedReading, origin: Origin, lock: DraftLock, notices: tuple[str, ...]
) -> ReadingSession:
    start = opened.start
    geometry = opened.each.stack.geometry
    plane, line = (start.base_plane, start.facet_line) if start else (None, None)
    beginning = DraftBeginning(
        key=opened.key,
        geometry=geometry,
        mask=opened.mask,
        base_plane=plane,
        facet_line=line,
        judgement=_judgement_of(start),
        known_uids=opened.known_uids,
        proposed_from=start.reading_uid if start and start.is_proposed else None,
        is_semiautomatic=start is not None and start.is_proposed,
    )
    path = draft_path(opened.workspace.readings_folder, opened.key)
    journal = Journal.begun(path, beginning, clock=origin.now)
    return ReadingSession(
        opened,
        MaskSession(opened.mask, geometry, base_plane=plane, facet_line=line, sink=journal),
        origin=origin,
        judgement=beginning.judgement,
        journal=journal,
        lock=lock,
        notices=(*notices, *_changed_words(opened)),
    )

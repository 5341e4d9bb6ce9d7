"""One reader at one visit on one stack: opened, painted, kept, saved, signed.

What was not saved when the program ended comes back with its history. Who opens what another window
has open, or what is signed, may look and not change; `ReadingSession.refusal` says why.

Public: `open_reading`, `ReadingSession`.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np

from herntrack._typing import MaskZYX
from herntrack.catalogue.session import Catalogue
from herntrack.errors import DraftError, DraftInUseError, ReadingError, RecordNotFoundError
from herntrack.model.base_plane import BasePlane, Point
from herntrack.model.descriptors import NO_DESCRIPTORS, Descriptors
from herntrack.model.reading_decisions import ReadingSignature
from herntrack.model.records import CataloguedStack, Lesion, Reading
from herntrack.model.vocabulary import ReadingStatus
from herntrack.reading_room.draft_contents import DraftBeginning, Judgement
from herntrack.reading_room.draft_files import DraftKey, DraftLock, draft_locked, draft_path
from herntrack.reading_room.edits import MaskEdit, Tool
from herntrack.reading_room.journal import Journal, RecoveredDraft, read_draft
from herntrack.reading_room.level_lock import LevelLock
from herntrack.reading_room.live_numbers import LiveNumbers, LivePicture
from herntrack.reading_room.mask_session import MaskSession
from herntrack.segmentation.guards import GuardWarning, check_mask
from herntrack.workflows.live_context import live_context
from herntrack.workflows.measure import reading_mask
from herntrack.workflows.reading_saves import ReadingContents, SaveConflict, SavedReading, save_reading
from herntrack.workflows.readings import Origin
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.sign_off import sign_reading, signed_of
from herntrack.workflows.workspace import Workspace

PLACED = "placed by the reader"
"""Source of a base plane that a reader moved."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Opened:
    """What the catalogue says of a reading that is opened."""

    workspace: Workspace
    key: DraftKey
    lesion: Lesion
    each: CataloguedStack
    start: Reading | None
    mask: MaskZYX
    known_uids: tuple[str, ...]
    signature: ReadingSignature | None
    live: LiveNumbers


class _LookOnly:
    """A sink that keeps nothing and says why."""

    def __init__(self, refusal: str) -> None:
        self._refusal = refusal

    def edited(self, _: MaskEdit) -> None:
        raise DraftError(self._refusal)

    def undone(self) -> None:
        raise DraftError(self._refusal)

    def redone(self) -> None:
        raise DraftError(self._refusal)


class ReadingSession:
    """A reading while it is made; `open_reading` makes one. Close it when the visit is left."""

    def __init__(
        self,
        opened: _Opened,
        mask: MaskSession,
        *,
        origin: Origin,
        judgement: Judgement,
        journal: Journal | None = None,
        lock: DraftLock | None = None,
        refusal: str = "",
        notices: tuple[str, ...] = (),
        is_judgement_saved: bool = True,
    ) -> None:
        self._opened = opened
        self._mask = mask
        self._origin = origin
        self._judgement = judgement
        self._journal = journal
        self._lock = lock
        self._refusal = refusal
        self._notices = notices
        self._is_judgement_saved = is_judgement_saved
        self._saved: Reading | None = None
        self._known = opened.known_uids
        self._points: tuple[Point, ...] = opened.start.points_lps if opened.start else ()
        self._background: tuple[Point, ...] = opened.start.background_points_lps if opened.start else ()
        self._plane_source = opened.start.base_plane_source if opened.start else ""
        self._sourced_plane = opened.start.base_plane if opened.start else None
        self._used_proposal = False

    @property
    def key(self) -> DraftKey:
        """Whose reading of what."""
        return self._opened.key

    @property
    def lesion(self) -> Lesion:
        """The lesion."""
        return self._opened.lesion

    @property
    def stack(self) -> CataloguedStack:
        """What is painted on."""
        return self._opened.each

    @property
    def mask(self) -> MaskSession:
        """The mask with its history."""
        return self._mask

    @property
    def judgement(self) -> Judgement:
        """Status, reason and descriptors as said so far."""
        return self._judgement

    @property
    def started_from(self) -> Reading | None:
        """The stored reading or proposal that the session shows; None for a new one."""
        return self._saved or self._opened.start

    @property
    def refusal(self) -> str:
        """Why nothing may be changed; empty if it may."""
        return self._refusal

    @property
    def notices(self) -> tuple[str, ...]:
        """What the reader should know on opening: what was restored, what was lost."""
        return self._notices

    @property
    def is_proposed(self) -> bool:
        """Whether the outline is a proposal that nobody accepted and nobody changed."""
        start = self._opened.start
        return self._saved is None and not self.is_unsaved and start is not None and start.is_proposed

    @property
    def is_unsaved(self) -> bool:
        """Whether something was done since the last save."""
        return self._mask.is_dirty or not self._is_judgement_saved

    @property
    def needs_save(self) -> bool:
        """Whether `save` would record a new version: something was done, or nothing is recorded yet."""
        return self.is_unsaved or self.started_from is None or self.is_proposed

    @property
    def guards(self) -> tuple[GuardWarning, ...]:
        """What is suspicious about the mask; looks at all of it, so not with every stroke."""
        return check_mask(self._mask.mask, self._mask.geometry, base_plane=self._mask.base_plane)

    def picture(self) -> LivePicture:
        """Return volume, change, state, course and outcome as they are now."""
        return self._opened.live.update(self._mask.n_voxels, self._judgement.status)

    @property
    def live(self) -> LiveNumbers:
        """The live numbers, for a share of them."""
        return self._opened.live

    def propose(
        self,
        mask: MaskZYX,
        *,
        base_plane: BasePlane | None = None,
        base_plane_source: str = "",
        points_lps: tuple[Point, ...] = (),
        background_points_lps: tuple[Point, ...] = (),
    ) -> MaskEdit | None:
        """Put an outline of the engine in the mask's place, as one step, with the clicks it came from.

        Raises
        ------
        DraftError
            If nothing may be changed, or the change cannot be kept.
        """
        edit = self._mask.replace(mask, base_plane=base_plane)
        self._points, self._background = points_lps, background_points_lps
        if base_plane is not None:
            self._plane_source, self._sourced_plane = base_plane_source, base_plane
        self._used_proposal = True
        return edit

    def say(self, status: ReadingStatus, reason: str = "") -> MaskEdit | None:
        """Say that the lesion is present, absent or not evaluable.

        The latter two empty the mask, as a step that can be undone; a residue of an absent lesion is
        painted afterwards.

        Raises
        ------
        ReadingError
            If absent or not evaluable has no reason.
        DraftError
            If nothing may be changed, or it cannot be kept.
        """
        if status is not ReadingStatus.PRESENT and not reason.strip():
            raise ReadingError(f"a reading that is {status} says why; choose a reason")
        text = "" if status is ReadingStatus.PRESENT else reason.strip()
        self._judge(replace(self._judgement, status=status, reason=text))
        return self._mask.clear() if status is not ReadingStatus.PRESENT else None

    def describe(self, descriptors: Descriptors) -> None:
        """Say type, zone, side and so on.

        Raises
        ------
        DraftError
            If nothing may be changed, or it cannot be kept.
        """
        self._judge(replace(self._judgement, descriptors=descriptors))

    def save(self) -> SavedReading | SaveConflict:
        """Record what was done as a new version; without anything to record, return what there is.

        Raises
        ------
        DraftError
            If nothing may be changed.
        ReadingError
            If the reading contradicts itself or cannot be written; nothing is lost then.
        """
        self._refuse()
        start = self.started_from
        if not self.needs_save and start is not None:
            return SavedReading(reading=start)
        outcome = save_reading(self._opened.workspace, self._contents(), origin=self._origin)
        self._saved = outcome.reading
        self._known = (*self._known, outcome.reading.reading_uid)
        self._mask.mark_saved()
        self._is_judgement_saved = True
        if self._journal is not None:
            self._journal.saved(outcome.reading.reading_uid)
        return outcome

    def sign(self, level_lock: LevelLock) -> ReadingSignature:
        """Make the saved reading final; nothing may be changed afterwards.

        Raises
        ------
        SignedReadingError
            If it may not be signed; the message says why and what to do.
        ReadingError
            If it was not saved.
        """
        reading = self.started_from
        if reading is None or self.needs_save:
            raise ReadingError("the reading was changed and not saved; save it, then sign")
        signature = sign_reading(
            self._opened.workspace,
            reading.reading_uid,
            reader=self.key.reader,
            level_lock=level_lock,
            origin=self._origin,
        )
        self._refusal = _signed_words(signature)
        self._mask.set_sink(_LookOnly(self._refusal))
        return signature

    def close(self, *, discard: bool = False) -> None:
        """Leave the visit; unsaved work stays in its journal unless it is to be discarded."""
        journal, lock = self._journal, self._lock
        self._journal = self._lock = None
        self._refusal = self._refusal or "the visit was left; open it again to change it"
        self._mask.set_sink(_LookOnly(self._refusal))
        try:
            if journal is not None:
                if discard or not self.is_unsaved:
                    journal.discard()
                else:
                    journal.close()
        finally:
            if lock is not None:
                lock.release()

    def _judge(self, judgement: Judgement) -> None:
        self._refuse()
        if judgement == self._judgement:
            return
        if self._journal is not None:
            self._journal.judged(judgement)
        self._judgement = judgement
        self._is_judgement_saved = False

    def _refuse(self) -> None:
        if self._refusal:
            raise DraftError(self._refusal)

    def _contents(self) -> ReadingContents:
        start, mask = self.started_from, self._mask
        proposal = start if start is not None and start.is_proposed else None
        is_absent = self._judgement.status is not ReadingStatus.PRESENT
        source = self._plane_source if mask.base_plane == self._sourced_plane else PLACED
        return ReadingContents(
            key=self.key,
            mask=mask.mask,
            judgement=self._judgement,
            known_uids=self._known,
            source=_source(proposal, is_changed=mask.is_dirty, is_word=is_absent and mask.n_voxels == 0),
            base_plane=mask.base_plane,
            base_plane_source=source if mask.base_plane is not None else "",
            points_lps=self._points,
            background_points_lps=self._background,
            proposed_from=proposal.reading_uid if proposal else (start.proposed_from if start else None),
            guards=() if is_absent else tuple(each.sentence for each in self.guards),
            is_semiautomatic=proposal is not None or self._used_proposal,
        )


def open_reading(
    workspace: Workspace, *, lesion_uid: str, stack_uid: str, reader: str, origin: Origin | None = None
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
    DraftError
        If the drafts folder cannot be written.
    """
    origin = origin or Origin()
    opened = _open(workspace, lesion_uid, stack_uid, reader, origin)
    if opened.signature is not None:
        return _looking(opened, origin, _signed_words(opened.signature))
    path = draft_path(workspace.readings_folder, opened.key)
    with ExitStack() as undone:
        try:
            lock = draft_locked(path, now=origin.now())
        except DraftInUseError as error:
            return _looking(opened, origin, str(error))
        undone.callback(lock.release)
        draft, notices = _usable_draft(opened)
        session = _resumed(opened, draft, origin, lock) if draft else _begun(opened, origin, lock, notices)
        undone.pop_all()
    return session


def _open(
    workspace: Workspace, lesion_uid: str, stack_uid: str, reader: str, origin: Origin
) -> _Opened:
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
            raise ReadingError(f"study {each.study.study_instance_uid} has no date, so it belongs to no visit")
        if not each.stack.is_regular:
            raise ReadingError(
                f"the stack cannot be measured on: {'; '.join(each.stack.problems)}. Choose another stack of"
                " the visit, or read the visit as not evaluable"
            )
        key = DraftKey(
            lesion_uid=lesion_uid, visit_date=visit_date, reader=reader.strip(), stack_uid=stack_uid
        )
        here = [
            reading
            for reading in catalogue.followup.readings(lesion_uid, is_current=True)
            if reading.visit_date == visit_date
        ]
        start = _start(here, key)
        replaced = [each.reading_uid for each in here if _is_replaced(each, key)]
        context = live_context(catalogue, workspace, key, each, replaced=replaced, now=origin.now())
        signed = signed_of(workspace, [start.reading_uid] if start else [])
        return _Opened(
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
        )


def _start(here: list[Reading], key: DraftKey) -> Reading | None:
    """Return what the session shows at first: the reader's own word, else a proposal."""
    mine = [each for each in here if each.reader == key.reader and not each.is_proposed]
    proposed = [each for each in here if each.is_proposed]
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
        return reading_mask(catalogue, workspace, start)[0]
    return np.zeros(each.stack.geometry.shape_zyx, dtype=np.bool_)


def _judgement_of(start: Reading | None) -> Judgement:
    if start is None:
        return Judgement()
    descriptors = start.descriptors or NO_DESCRIPTORS
    return Judgement(status=start.status, reason=start.reason, descriptors=descriptors)


def _looking(opened: _Opened, origin: Origin, refusal: str) -> ReadingSession:
    plane = opened.start.base_plane if opened.start else None
    mask = MaskSession(
        opened.mask, opened.each.stack.geometry, base_plane=plane, sink=_LookOnly(refusal)
    )
    return ReadingSession(
        opened, mask, origin=origin, judgement=_judgement_of(opened.start), refusal=refusal
    )


def _usable_draft(opened: _Opened) -> tuple[RecoveredDraft | None, tuple[str, ...]]:
    """Return unsaved work that fits the stack; what does not is kept aside and said."""
    path = draft_path(opened.workspace.readings_folder, opened.key)
    try:
        draft = read_draft(path)
    except DraftError as error:
        return None, (f"{error}. {_put_aside(opened)}",)
    if draft is None or not draft.is_unsaved:
        return None, ()
    if draft.beginning.geometry != opened.each.stack.geometry:
        return None, (f"Unsaved work is of another grid than the stack has now. {_put_aside(opened)}",)
    return draft, ()


def _put_aside(opened: _Opened) -> str:
    path = draft_path(opened.workspace.readings_folder, opened.key)
    kept = path.with_suffix(".unusable")
    number = 1
    while kept.exists():
        number += 1
        kept = path.with_suffix(f".{number}.unusable")
    path.rename(kept)
    return f"It was kept as {kept.name}; the reading begins anew."


def _resumed(opened: _Opened, draft: RecoveredDraft, origin: Origin, lock: DraftLock) -> ReadingSession:
    path = draft_path(opened.workspace.readings_folder, opened.key)
    journal = Journal.resumed(path, draft, clock=origin.now)
    draft.session.set_sink(journal)
    known = {*draft.beginning.known_uids, *([draft.saved_uid] if draft.saved_uid else [])}
    session = ReadingSession(
        # What was saved elsewhere since the draft began is not known to it: saving tells of it.
        replace(opened, known_uids=tuple(uid for uid in opened.known_uids if uid in known)),
        draft.session,
        origin=origin,
        judgement=draft.judgement,
        journal=journal,
        lock=lock,
        notices=(draft.sentence,),
        is_judgement_saved=draft.is_judgement_saved,
    )
    session._used_proposal = draft.beginning.is_semiautomatic or Tool.PROPOSAL in draft.session.tools_used
    return session


def _begun(
    opened: _Opened, origin: Origin, lock: DraftLock, notices: tuple[str, ...]
) -> ReadingSession:
    start = opened.start
    geometry = opened.each.stack.geometry
    plane = start.base_plane if start else None
    beginning = DraftBeginning(
        key=opened.key,
        geometry=geometry,
        mask=opened.mask,
        base_plane=plane,
        judgement=_judgement_of(start),
        known_uids=opened.known_uids,
        proposed_from=start.reading_uid if start and start.is_proposed else None,
        is_semiautomatic=start is not None and start.is_proposed,
    )
    path = draft_path(opened.workspace.readings_folder, opened.key)
    journal = Journal.begun(path, beginning, clock=origin.now)
    return ReadingSession(
        opened,
        MaskSession(opened.mask, geometry, base_plane=plane, sink=journal),
        origin=origin,
        judgement=beginning.judgement,
        journal=journal,
        lock=lock,
        notices=notices,
    )


def _signed_words(signature: ReadingSignature) -> str:
    return (
        f"this reading was signed by {signature.decided_by} on {signature.decided_at:%Y-%m-%d} and is final;"
        " amend it with a reason to change it"
    )


def _source(proposal: Reading | None, *, is_changed: bool, is_word: bool) -> str:
    if is_word:
        return "reader's word"
    if proposal is None:
        return "reading room"
    return "reading room, from a proposal" if is_changed else "reading room, proposal accepted as it was"

"""One reader at one visit on one stack: painted, kept, saved, signed.

`herntrack.workflows.reading.opening` makes a session. Who opens what another window has open, or what
is signed, may look and not change; `ReadingSession.refusal` says why.

Public: `ReadingSession`, `OpenedReading`, `LookOnly`, `signed_words`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from herntrack._typing import MaskZYX
from herntrack.errors import DraftError, ReadingError
from herntrack.model.base_plane import BasePlane, Point
from herntrack.model.descriptors import Descriptors
from herntrack.model.images import CataloguedStack
from herntrack.model.reading_decisions import ReadingSignature
from herntrack.model.records import Lesion, Reading
from herntrack.model.sentences import Sentence, sentence
from herntrack.model.vocabulary import ReadingStatus
from herntrack.reading_room.draft_contents import Judgement
from herntrack.reading_room.draft_files import DraftKey, DraftLock
from herntrack.reading_room.edits import MaskEdit
from herntrack.reading_room.journal import Journal
from herntrack.reading_room.level_lock import LevelLock
from herntrack.reading_room.live_numbers import LiveNumbers, LivePicture
from herntrack.reading_room.mask_session import MaskSession
from herntrack.segmentation.guards import GuardWarning, check_mask
from herntrack.workflows.reading.saves import ReadingContents, SaveConflict, SavedReading, save_reading
from herntrack.workflows.reading.sign_off import sign_reading
from herntrack.workflows.recording import Origin
from herntrack.workflows.stacks_as_read import ChangedStack
from herntrack.workflows.workspace import Workspace

PLACED = "placed by the reader"
"""Source of a base plane that a reader moved."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenedReading:
    """What the catalogue says of a reading that is opened.

    Parameters
    ----------
    workspace : Workspace
        The project.
    key : DraftKey
        Whose reading of what.
    lesion : Lesion
        The lesion.
    each : CataloguedStack
        The stack that is painted on.
    start : Reading or None
        The reader's standing reading, else a proposal.
    mask : ndarray of bool
        Its mask on the stack's grid; empty where it has none there.
    known_uids : tuple of str
        Readings and proposals of the visit that a save may replace.
    signature : ReadingSignature or None
        Of `start`, if it is final.
    live : LiveNumbers
        Prepared for the visit.
    changed : ChangedStack or None
        What became of the slices that `start` was made on, if they are not those of the stack.
    """

    workspace: Workspace
    key: DraftKey
    lesion: Lesion
    each: CataloguedStack
    start: Reading | None
    mask: MaskZYX
    known_uids: tuple[str, ...]
    signature: ReadingSignature | None
    live: LiveNumbers
    changed: ChangedStack | None = None


class LookOnly:
    """A sink that keeps nothing and says why."""

    def __init__(self, refusal: str) -> None:
        self._refusal = refusal

    def edited(self, _: MaskEdit) -> None:
        """Refuse a change."""
        raise DraftError(self._refusal)

    def undone(self) -> None:
        """Refuse to take a change back."""
        raise DraftError(self._refusal)

    def redone(self) -> None:
        """Refuse to make a change again."""
        raise DraftError(self._refusal)


class ReadingSession:
    """A reading while it is made; close it when the visit is left.

    Parameters
    ----------
    opened : OpenedReading
        What the catalogue says of it.
    mask : MaskSession
        With the journal, or with a refusal, as its sink.
    origin : Origin
        Clock and identifiers.
    judgement : Judgement
        What was said so far.
    journal : Journal, optional
        Keeps what is done; None if nothing may be changed.
    lock : DraftLock, optional
        Released on closing.
    refusal : str
        Why nothing may be changed.
    notices : tuple of str
        What the reader should know on opening.
    is_judgement_saved : bool
        Whether the judgement is that of the stored reading.
    used_proposal : bool
        Whether an algorithm drew the outline, or a part of it.
    """

    def __init__(
        self,
        opened: OpenedReading,
        mask: MaskSession,
        *,
        origin: Origin,
        judgement: Judgement,
        journal: Journal | None = None,
        lock: DraftLock | None = None,
        refusal: str = "",
        notices: tuple[str, ...] = (),
        is_judgement_saved: bool = True,
        used_proposal: bool = False,
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
        self._used_proposal = used_proposal
        self._is_signed = opened.signature is not None

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
    def is_signed(self) -> bool:
        """Whether the reading that is shown is final."""
        return self._is_signed

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
        # Saved again, an unchanged outline is one on all slices that there are now.
        is_of_other_slices = self._saved is None and self._opened.changed is not None
        return self.is_unsaved or self.started_from is None or self.is_proposed or is_of_other_slices

    @property
    def guards(self) -> tuple[GuardWarning, ...]:
        """What is suspicious about the mask; looks at all of it, so not with every stroke."""
        return check_mask(self._mask.mask, self._mask.geometry, base_plane=self._mask.base_plane)

    def picture(self) -> LivePicture:
        """Return volume, change, state, course and outcome as they are now."""
        return self._opened.live.update(
            self._mask.n_voxels, self._judgement.status, is_proposed=self.is_proposed
        )

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
        self._is_signed = True
        self._refusal = signed_words(signature)
        self._mask.set_sink(LookOnly(self._refusal))
        return signature

    def close(self, *, discard: bool = False) -> None:
        """Leave the visit; unsaved work stays in its journal unless it is to be discarded."""
        journal, lock = self._journal, self._lock
        self._journal = self._lock = None
        self._refusal = self._refusal or sentence("visit_left")
        self._mask.set_sink(LookOnly(self._refusal))
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
            source=_source(
                proposal, is_changed=mask.is_outline_dirty, is_word=is_absent and mask.n_voxels == 0
            ),
            base_plane=mask.base_plane,
            base_plane_source=source if mask.base_plane is not None else "",
            points_lps=self._points,
            background_points_lps=self._background,
            proposed_from=proposal.reading_uid if proposal else (start.proposed_from if start else None),
            guards=() if is_absent else tuple(each.sentence for each in self.guards),
            is_semiautomatic=proposal is not None or self._used_proposal,
            facet_line=mask.facet_line,
        )


def signed_words(signature: ReadingSignature) -> Sentence:
    """Return why a signed reading may not be changed."""
    return sentence("signed_final", by=signature.decided_by, on=f"{signature.decided_at:%Y-%m-%d}")


def _source(proposal: Reading | None, *, is_changed: bool, is_word: bool) -> str:
    if is_word:
        return "reader's word"
    if proposal is None:
        return "reading room"
    return "reading room, from a proposal" if is_changed else "reading room, proposal accepted as it was"

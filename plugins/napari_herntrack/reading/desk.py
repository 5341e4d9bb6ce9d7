"""The reader's desk: what is open, and what may be done with it. Knows no window and no thread.

Everything here is quick. What takes longer is in `napari_herntrack.reading.work` and runs beside the
window; while it runs on the open reading, the desk is frozen: nothing is painted meanwhile.

Public: `Desk`, `OpenedVisit`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from herntrack._typing import MaskZYX
from herntrack.errors import DraftError
from herntrack.model.base_plane import BasePlane, Point
from herntrack.model.descriptors import Descriptors
from herntrack.model.vocabulary import ReadingStatus
from herntrack.reading_room.edits import MaskEdit, Tool
from herntrack.reading_room.level_lock import LevelLock
from herntrack.reading_room.live_numbers import LivePicture
from herntrack.reading_room.suggestions import Suggestions
from herntrack.workflows.reading.session import PLACED, ReadingSession
from napari_herntrack.reading.discretion import discreet
from napari_herntrack.reading.links import LinkKnown
from napari_herntrack.reading.outlining import ClickOutline
from napari_herntrack.reading.rows import WorkRow
from napari_herntrack.texts import Texts, Told
from napari_herntrack.viewing.pairs import OpenedPair
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.scene import MaskLook
from napari_herntrack.viewing.strokes import Stroke
from napari_herntrack.viewing.views import Half, View

SMOOTHING_MM = 1.0
"""Radius of the smoothing that one key does (mm): about a pixel, so that no edge moves."""

TOOL_OF_HAND = {Hand.BRUSH: Tool.BRUSH, Hand.ERASER: Tool.ERASER, Hand.POLYGON: Tool.POLYGON}
"""What a stroke is kept as."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenedVisit:
    """A row of the worklist that is open.

    Parameters
    ----------
    row : WorkRow
        Which.
    shown : OpenedPair
        The stacks, and what was read on the other visit.
    session : ReadingSession or None
        The reading; None where there is no lesion yet.
    view : View
        The view of the stack that is read on.
    lock : LevelLock or None
        What is known of the level; None where there is no lesion yet.
    midline_lps : tuple of float or None
        The confirmed disc's centre.
    refusal : str
        Why there is no session, a sentence.
    link : LinkKnown or None
        The alignment with the baseline; None at the baseline, where there is none, and for a blinded
        reader.
    """

    row: WorkRow
    shown: OpenedPair
    session: ReadingSession | None
    view: View
    lock: LevelLock | None = None
    midline_lps: Point | None = None
    refusal: str = ""
    link: LinkKnown | None = None


class Desk:
    """What is open and what the reader does with it.

    Parameters
    ----------
    texts : Texts
        The reader's language.
    """

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self.visit: OpenedVisit | None = None
        self.is_blinded = False
        self.busy_with = ""
        self.is_out_of_sight = False
        self._clicks: dict[int, tuple[tuple[Point, ...], tuple[Point, ...]]] = {}
        self._placed_at: set[BasePlane] = set()

    @property
    def session(self) -> ReadingSession | None:
        """The open reading."""
        return None if self.visit is None else self.visit.session

    @property
    def mask(self) -> MaskZYX | None:
        """The open reading's mask, the very array."""
        return None if self.session is None else self.session.mask.mask

    def open(self, visit: OpenedVisit) -> None:
        """Put a visit on the desk; the one before is left first."""
        self.leave()
        self.visit = visit
        self.is_out_of_sight = False
        self._clicks.clear()
        self._placed_at.clear()
        start = None if visit.session is None else visit.session.started_from
        if start is not None:
            self._clicks[0] = (start.points_lps, start.background_points_lps)
            if start.base_plane is not None and start.base_plane_source == PLACED:
                self._placed_at.add(start.base_plane)

    def leave(self) -> bool:
        """Close what is open; return whether unsaved work was kept for the next time."""
        session, self.visit = self.session, None
        if session is None:
            return False
        is_unsaved = session.is_unsaved
        session.close()
        return is_unsaved

    def set_row(self, row: WorkRow) -> None:
        """Take note of how far the open visit is now."""
        if self.visit is not None:
            self.visit = replace(self.visit, row=row)

    def set_lock(self, lock: LevelLock, midline_lps: Point | None) -> None:
        """Take note of what is known of the level now."""
        if self.visit is not None:
            self.visit = replace(self.visit, lock=lock, midline_lps=midline_lps)

    @property
    def look(self) -> MaskLook:
        """How the outline is drawn: proposed, being drawn, or the reader's word."""
        session = self.session
        if session is None:
            return MaskLook.DRAFT
        if session.is_proposed:
            return MaskLook.PROPOSED
        is_engines = session.mask.outline_tool is Tool.PROPOSAL
        if session.is_unsaved:
            return MaskLook.PROPOSED if is_engines else MaskLook.DRAFT
        return MaskLook.DRAFT if session.started_from is None else MaskLook.ACCEPTED

    @property
    def can_be_proposed(self) -> bool:
        """Whether a carried outline may take the place of what is open: nothing was said or drawn yet."""
        session = self.session
        return (
            session is not None
            and not session.refusal
            and not session.is_unsaved
            and session.started_from is None
        )

    def why_not_change(self) -> str:
        """Return why the open reading cannot be changed now; empty if it can."""
        if self.visit is None:
            return self.texts("panel.open_first")
        if self.session is None:
            return self.told(self.visit.refusal) or self.texts("worklist.no_lesion")
        if self.busy_with:
            return self.texts("room.busy", what=self.busy_with)
        return self.told(self.session.refusal)

    def told(self, sentence: str) -> str:
        """Return a sentence of the engine in the reader's language, and as they may hear it."""
        words = self.texts.said(sentence)
        if not self.is_blinded or isinstance(sentence, Told):
            return words
        return Told(discreet(words, self.visit.row.item.patient_id if self.visit else ""))

    def why_not_change_mask(self) -> str:
        """Return why a tool has nothing to work on; empty if it has."""
        if refusal := self.why_not_change():
            return refusal
        return "" if self.session and self.session.mask.n_voxels else self.texts("tool.no_mask")

    def why_not_undo(self) -> str:
        """Return why nothing can be taken back."""
        if refusal := self.why_not_change():
            return refusal
        return "" if self.session and self.session.mask.undo_tool else self.texts("tool.nothing_to_undo")

    def why_not_redo(self) -> str:
        """Return why nothing can be made again."""
        if refusal := self.why_not_change():
            return refusal
        return "" if self.session and self.session.mask.redo_tool else self.texts("tool.nothing_to_redo")

    def why_not_carry(self) -> str:
        """Return why nothing can be carried forward to the open visit."""
        if refusal := self.why_not_change():
            return refusal
        if self.is_blinded:
            return self.texts("panel.no_carry_blinded")
        if self.visit is not None and self.visit.row.item.day <= 0:
            return self.texts("panel.baseline_has_no_forward")
        session = self.session
        is_mine = session is not None and session.started_from is not None and not session.is_proposed
        return self.texts("panel.own_reading_stands") if is_mine else ""

    def why_not_save(self) -> str:
        """Return why there is nothing to save."""
        if refusal := self.why_not_change():
            return refusal
        session = self.session
        if session is None or not session.needs_save:
            return self.texts("save.nothing_to_save")
        is_empty = session.judgement.status is ReadingStatus.PRESENT and session.mask.n_voxels == 0
        return self.texts("panel.empty_outline") if is_empty else ""

    def why_not_sign(self) -> str:
        """Return why the reading cannot be signed; empty if it can."""
        session = self.session
        if session is not None and session.is_signed:
            return self.texts("sign.already")
        if session is None or session.refusal or self.busy_with:
            return self.why_not_change()
        if refusal := self._why_not_level(session):
            return refusal
        if session.is_proposed:
            return self.texts("sign.accept_first")
        return self.texts("sign.save_first") if session.needs_save else ""

    def why_not_amend(self) -> str:
        """Return why there is no signature to open again; empty if there is."""
        session = self.session
        if session is None or self.busy_with:
            return self.why_not_change()
        return "" if session.is_signed else self.texts("sign.nothing_to_amend")

    def _why_not_level(self, session: ReadingSession) -> str:
        lock = None if self.visit is None else self.visit.lock
        if lock is not None and lock.is_locked:
            return ""
        level = session.lesion.level.value
        if lock is not None and lock.problem and not self.is_blinded:
            return self.texts("level.contradicted", level=level, problem=self.texts.said(lock.problem))
        return self.texts("level.not_signable", level=level)

    def stroke(self, stroke: Stroke) -> MaskEdit | None:
        """Keep a stroke that a view has put on the mask.

        Raises
        ------
        DraftError
            If it cannot be kept: it is taken back then, and the view repaints.
        """
        session = self._changing()
        tool = TOOL_OF_HAND.get(stroke.hand, Tool.BRUSH)
        edit = session.mask.record_painted(stroke.indices, stroke.old_values, tool=tool)
        self._take_word_back(is_outline=False)
        return edit

    def undo(self) -> MaskEdit | None:
        """Take the last step back."""
        return self._changing().mask.undo()

    def redo(self) -> MaskEdit | None:
        """Make the step again that was taken back last."""
        return self._changing().mask.redo()

    def fill_holes(self) -> MaskEdit | None:
        """Fill what the outlines enclose."""
        return self._changing().mask.fill_holes()

    def interpolate(self) -> MaskEdit | None:
        """Fill the empty slices between outlined ones."""
        return self._changing().mask.interpolate()

    def smooth(self) -> MaskEdit | None:
        """Smooth the outline."""
        return self._changing().mask.smooth(radius_mm=SMOOTHING_MM)

    def clear(self) -> MaskEdit | None:
        """Empty the mask and forget the clicks."""
        edit = self._changing().mask.clear()
        self._remember_clicks((), ())
        return edit

    def move_base_plane(self, plane: BasePlane) -> MaskEdit | None:
        """Place the base plane."""
        self._placed_at.add(plane)
        return self._changing().mask.move_base_plane(plane)

    def say(self, status: ReadingStatus, reason_key: str = "") -> None:
        """Say present, absent or not evaluable; the reason goes into the record in English."""
        reason = self.texts.recorded(reason_key) if reason_key else ""
        self._changing().say(status, reason)

    def describe(self, name: str, value: object) -> None:
        """Say one descriptor; None takes it back."""
        session = self._changing()
        session.describe(replace(session.judgement.descriptors, **{name: value}))  # type: ignore[arg-type]

    def take_suggestions(self, suggestions: Suggestions) -> int:
        """Say what is suggested wherever nothing was said; return how many were taken."""
        session = self._changing()
        said = session.judgement.descriptors
        fresh = {each.name: each.value for each in suggestions.found if getattr(said, each.name) is None}
        if fresh:
            session.describe(replace(said, **fresh))  # type: ignore[arg-type]
        return len(fresh)

    def picture(self) -> LivePicture | None:
        """Return the live numbers."""
        return None if self.session is None else self.session.picture()

    def clicks(self) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
        """Return the clicks that the present outline comes from: in it, and beside it."""
        n_steps = 0 if self.session is None else self.session.mask.n_steps
        known = [step for step in self._clicks if step <= n_steps]
        return self._clicks[max(known)] if known else ((), ())

    def clicks_with(
        self, point: Point, *, is_background: bool
    ) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
        """Return the clicks with one more."""
        points, background = self.clicks()
        return (points, (*background, point)) if is_background else ((*points, point), background)

    @property
    def placed_plane(self) -> BasePlane | None:
        """The base plane, if the reader placed it."""
        plane = None if self.session is None else self.session.mask.base_plane
        return plane if plane in self._placed_at else None

    def take_outline(self, outline: ClickOutline) -> MaskEdit | None:
        """Put the engine's outline in the mask's place, as one step."""
        session = self._changing()
        edit = session.propose(
            outline.mask,
            base_plane=outline.base_plane,
            base_plane_source=outline.base_plane_source,
            points_lps=outline.points_lps,
            background_points_lps=outline.background_points_lps,
        )
        self._take_word_back(is_outline=True)
        self._remember_clicks(outline.points_lps, outline.background_points_lps)
        return edit

    def paints_in(self, view: View) -> bool:
        """Whether strokes in a view are strokes on the reading."""
        visit = self.visit
        return (
            visit is not None
            and visit.session is not None
            and view is visit.view
            and not self.is_out_of_sight
            and not self.why_not_change()
        )

    def holds_unsaved(self, view: View) -> bool:
        """Whether a view shows an outline that is not saved: its stack is not changed but by hand."""
        visit, session = self.visit, self.session
        is_there = visit is not None and view is visit.view and not self.is_out_of_sight
        return is_there and session is not None and session.mask.is_dirty

    def may_paint_in(self, view: View) -> bool:
        """Whether strokes in a view are strokes on the visit that is read, on whatever stack."""
        return view.half is Half.CURRENT and not self.why_not_change()

    def is_current(self, view: View) -> bool:
        """Whether a view shows the visit that is read."""
        return view.half is Half.CURRENT

    def descriptors(self) -> Descriptors:
        """Return what was said so far."""
        return Descriptors() if self.session is None else self.session.judgement.descriptors

    def _changing(self) -> ReadingSession:
        if refusal := self.why_not_change():
            raise DraftError(Told(refusal))
        session = self.session
        if session is None:
            raise DraftError(Told(self.texts("panel.open_first")))
        return session

    def _take_word_back(self, *, is_outline: bool) -> None:
        """Say that a visit is present once something was outlined on it.

        What a reader paints on a visit that they called absent is its residue, and it stays absent; a
        proposal that found nothing is nobody's word.
        """
        session = self._changing()
        start = session.started_from
        is_proposed = start is not None and start.is_proposed
        is_word = session.judgement.status is ReadingStatus.ABSENT and not is_outline and not is_proposed
        if not is_word and session.judgement.status is not ReadingStatus.PRESENT:
            session.say(ReadingStatus.PRESENT)

    def _remember_clicks(self, points: tuple[Point, ...], background: tuple[Point, ...]) -> None:
        n_steps = 0 if self.session is None else self.session.mask.n_steps
        self._clicks = {step: clicks for step, clicks in self._clicks.items() if step < n_steps}
        self._clicks[n_steps] = (points, background)

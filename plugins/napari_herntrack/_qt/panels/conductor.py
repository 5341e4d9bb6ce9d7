"""Brings together the views, the panels and the desk: one method for each thing that a reader does.

What takes long runs in `Jobs`; a sentence in the panel says how everything went. Nothing here opens a
dialog.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, QTimer

from herntrack.errors import HerntrackError
from herntrack.model.base_plane import BasePlane, Point
from herntrack.model.vocabulary import Level, ReadingStatus, Side
from herntrack.reading_room.edits import MaskEdit
from herntrack.reading_room.level_lock import LevelStatus
from herntrack.reading_room.suggestions import Suggestions
from herntrack.workflows.reading_saves import SaveConflict, settle_conflict
from herntrack.workflows.readings import add_lesion
from herntrack.workflows.workspace import Workspace
from napari_herntrack._qt.panels.jobs import Job, Jobs
from napari_herntrack._qt.panels.reading_panel import ReadingPanel
from napari_herntrack._qt.panels.status_section import FIRST_REASONS
from napari_herntrack._qt.panels.worklist_panel import WorklistPanel
from napari_herntrack._qt.room.reading_room import ReadingRoom
from napari_herntrack.reading import work
from napari_herntrack.reading.desk import Desk, OpenedVisit
from napari_herntrack.reading.levels import LevelKnowledge, confirm_level, lock_words
from napari_herntrack.reading.numbers import numbers_shown
from napari_herntrack.reading.outlining import ClickOutline, outline_clicks
from napari_herntrack.reading.rows import WorkRow
from napari_herntrack.texts import Texts
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.scene import MaskLook
from napari_herntrack.viewing.strokes import Stroke
from napari_herntrack.viewing.views import Half, View

LOOK_OVER_MS = 250
"""After so long without a stroke the whole mask is looked at (ms)."""


class Conductor(QObject):  # type: ignore[misc]  # Qt has no types here
    """What happens when a reader does something.

    Parameters
    ----------
    workspace : Workspace
        The project.
    room : ReadingRoom
        The views.
    worklist, panel : WorklistPanel, ReadingPanel
        The docks.
    texts : Texts
        The reader's language.
    reader : str
        The reader's name; empty until chosen.
    """

    def __init__(
        self,
        workspace: Workspace,
        room: ReadingRoom,
        worklist: WorklistPanel,
        panel: ReadingPanel,
        *,
        texts: Texts,
        reader: str,
    ) -> None:
        super().__init__(panel)
        self.workspace, self.room, self.worklist, self.panel = workspace, room, worklist, panel
        self.texts, self.reader = texts, reader
        self.desk = Desk(texts)
        self.jobs, self.background, self._looks = Jobs(self), Jobs(self), Jobs(self)
        self._suggestions = Suggestions()
        self._conflict: SaveConflict | None = None
        self._is_background_click = False
        self._has_pointed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(LOOK_OVER_MS)
        self._timer.timeout.connect(self._look_over)
        self._connect()
        self._show_all()

    @property
    def is_busy(self) -> bool:
        """Whether something runs or waits."""
        return (
            self.jobs.is_busy or self.background.is_busy or self._looks.is_busy or self._timer.isActive()
        )

    def close(self) -> None:
        """Leave the visit; unsaved work is kept. The conductor is of no use afterwards."""
        for jobs in (self.jobs, self.background, self._looks):
            jobs.close()
        self._timer.stop()
        self.desk.leave()

    def reload(self) -> None:
        """List the worklist anew."""
        self._run(
            "",
            lambda: work.list_rows(self.workspace, reader=self.reader, texts=self.texts),
            self._listed,
        )

    def open_row(self, row: WorkRow, stack_uid: str | None = None) -> None:
        """Open a lesion at a visit; what is open is left, and unsaved work kept."""
        if not self.reader:
            self.worklist.show_reader_hint()
            self._refuse(self.texts("room.choose_reader"))
            return
        self._run(
            self.texts("room.opening", what=row.title),
            lambda: work.open_visit(
                self.workspace,
                row,
                reader=self.reader,
                is_blinded=self.desk.is_blinded,
                stack_uid=stack_uid,
            ),
            self._opened,
            begin=self._leave,
        )

    def next_visit(self) -> None:
        """Open the next visit that is to be read."""
        self.worklist.open_next()

    def search(self) -> None:
        """Let the keys go to the search line."""
        self.worklist.search_line.setFocus()
        self.worklist.search_line.selectAll()

    def confirm_level(self) -> None:
        """Say that the disc pointed at, or else the one proposed, is the lesion's level."""
        visit = self.desk.visit
        if visit is None or visit.session is None or visit.lock is None:
            self._refuse(self.desk.why_not_change())
            return
        session, state = visit.session, self.room.state
        cursor = state.cursor_lps(Half.CURRENT) if state is not None and self._has_pointed else None
        if cursor is None and visit.lock.status is not LevelStatus.PROPOSED:
            self._refuse(self.texts("level.confirm_hint", level=session.lesion.level.value))
            return
        point = None if cursor is None else _point(cursor)
        self._run(
            self.texts("level.confirm"),
            lambda: confirm_level(
                self.workspace, session.lesion, session.stack, point_lps=point, reader=self.reader
            ),
            self._level_known,
        )

    def click_background(self) -> None:
        """Let the next clicks say what does not belong to the fragment."""
        self.room.set_hand(Hand.PROPOSE)
        self._is_background_click = True
        self._show_hand()

    def choose_hand(self, name: str) -> None:
        """Choose what the left button does, by the name of its button."""
        if name == "background":
            self.click_background()
            return
        hand = {"click": Hand.PROPOSE, "base_plane": Hand.BASE_PLANE}.get(name) or Hand(name)
        self.room.set_hand(Hand.POINT if hand is self.room.hand and not self._is_background_click else hand)

    def do_step(self, name: str) -> None:
        """Do what a button says."""
        getattr(self, name)()

    def undo(self) -> None:
        """Take the last step back."""
        self._edit(self.desk.why_not_undo(), self.desk.undo, "tool.undo_what")

    def redo(self) -> None:
        """Make the step again."""
        self._edit(self.desk.why_not_redo(), self.desk.redo, "tool.redo_what")

    def fill_holes(self) -> None:
        """Fill what the outlines enclose."""
        self._edit(self.desk.why_not_change_mask(), self.desk.fill_holes)

    def interpolate(self) -> None:
        """Fill the empty slices between outlined ones."""
        self._edit(self.desk.why_not_change_mask(), self.desk.interpolate)

    def smooth(self) -> None:
        """Smooth the outline."""
        self._edit(self.desk.why_not_change_mask(), self.desk.smooth)

    def clear(self) -> None:
        """Empty the mask."""
        self._edit(self.desk.why_not_change_mask(), self.desk.clear)

    def say_absent(self) -> None:
        """Say that nothing is left."""
        self.say_status(ReadingStatus.ABSENT, FIRST_REASONS[ReadingStatus.ABSENT])

    def say_not_evaluable(self) -> None:
        """Say that the visit cannot be judged."""
        self.say_status(ReadingStatus.NOT_EVALUABLE, FIRST_REASONS[ReadingStatus.NOT_EVALUABLE])

    def say_status(self, status: ReadingStatus, reason_key: str) -> None:
        """Say present, absent or not evaluable."""
        if self._attempt(lambda: self.desk.say(status, reason_key)):
            self.panel.say(self.texts(reason_key) if reason_key else self.texts.word(status))
        self._mask_changed()

    def describe(self, name: str, value: object) -> None:
        """Say one descriptor."""
        self._attempt(lambda: self.desk.describe(name, value))
        self._show_words()

    def take_suggestions(self) -> None:
        """Say what geometry suggests wherever nothing was said."""
        if not self._suggestions.found:
            silent = self._suggestions.silent
            self._refuse(self.desk.why_not_change_mask() or (silent[0] if silent else ""))
            return
        self._attempt(lambda: self.desk.take_suggestions(self._suggestions))
        self._show_words()

    def carry_forward(self) -> None:
        """Carry the baseline's outline to the open visit."""
        if reason := self.desk.why_not_carry():
            self._refuse(reason)
            return
        session, visit = self.desk.session, self.desk.visit
        if visit is None or session is None or session.is_unsaved:
            self._refuse(self.texts("panel.save_or_undo_first"))
            return
        self._carry(visit.row, is_again=True)

    def read_here(self) -> None:
        """Read on the stack of the active view from now on."""
        visit, state = self.desk.visit, self.room.state
        view = self.room.active
        if visit is None or visit.session is None or state is None or view not in state.views:
            self._refuse(self.desk.why_not_change())
            return
        if view.half is not Half.CURRENT:
            self._refuse(self.texts("panel.other_visit"))
            return
        if visit.session.is_unsaved:
            self._refuse(self.texts("panel.save_or_undo_first"))
            return
        self.open_row(visit.row, stack_uid=state.pair.stacks[view].stack.stack_uid)

    def save(self) -> None:
        """Save the reading; a proposal is accepted by it."""
        session = self.desk.session
        if reason := self.desk.why_not_save():
            self._refuse(reason)
            return
        if session is None:
            return
        self._run(
            self.texts("save.saving"),
            lambda: work.save_visit(self.workspace, session),
            self._saved,
            begin=lambda: self._freeze(self.texts("save.saving")),
            refused=lambda reason: self._refuse(self.texts("save.not_saved", reason=reason)),
        )

    def sign(self) -> None:
        """Sign the saved reading."""
        visit = self.desk.visit
        if not self.jobs.is_busy and (reason := self.desk.why_not_sign()):
            self._refuse(reason)
            return
        if visit is None or visit.session is None:
            return
        session = visit.session
        self._run(
            self.texts("sign.sign"),
            lambda: session.sign(_lock_of(self.desk)),
            lambda _: self._signed(),
            begin=lambda: self._freeze(self.texts("sign.sign")),
        )

    def add_lesion(self, level: Level, side: Side) -> None:
        """Record the patient's first lesion, then open it."""
        visit = self.desk.visit
        if visit is None:
            return
        patient_id = visit.row.item.patient_id

        def act() -> object:
            add_lesion(self.workspace, patient_id=patient_id, level=level, side=side)
            return work.list_rows(self.workspace, reader=self.reader, texts=self.texts)

        def done(listed: work.Listed) -> None:
            self._listed(listed)
            day = visit.row.item.visit_date
            self.panel.say(self.texts("lesion.added", level=level.value))
            row = next(
                (e for e in listed.rows if (e.item.patient_id, e.item.visit_date) == (patient_id, day)), None
            )
            if row is not None:
                self.open_row(row)

        self._run(self.texts("lesion.add"), act, done)

    def settle(self, is_mine: bool) -> None:
        """Say which of two readings of the same reader and visit counts."""
        conflict, visit = self._conflict, self.desk.visit
        if conflict is None or visit is None:
            return
        mine, other = conflict.reading.reading_uid, conflict.others[0].reading_uid
        keep, rest = (mine, [e.reading_uid for e in conflict.others]) if is_mine else (other, [mine])
        reason = self.texts.recorded("conflict.keep_mine" if is_mine else "conflict.keep_other")

        def done(_: object) -> None:
            self._conflict = None
            self.panel.show_conflict("")
            self.reload()
            self.open_row(visit.row)
            self.panel.say(self.texts("conflict.settled"))

        self._run(
            self.texts("conflict.title"),
            lambda: settle_conflict(
                self.workspace, keep=keep, others=rest, reader=self.reader, reason=reason
            ),
            done,
        )

    def choose_reader(self, reader: str) -> None:
        """Read as somebody from now on."""
        if reader != self.reader:
            self.reader = reader
            visit = self.desk.visit
            self.reload()
            if visit is not None and reader:
                self.open_row(visit.row)

    def blind(self) -> None:
        """Begin blinded reading."""
        if not self.reader:
            self._refuse(self.texts("room.choose_reader"))
            self.reload()
            return
        self._run(
            self.texts("blinding.begin"),
            lambda: work.blind(self.workspace, reader=self.reader, texts=self.texts),
            self._blinding_changed,
        )

    def unblind(self, reason: str) -> None:
        """End blinded reading, for a reason that is recorded."""
        self._run(
            self.texts("blinding.end"),
            lambda: work.lift_blinding(
                self.workspace, reader=self.reader, reason=reason, texts=self.texts
            ),
            self._blinding_changed,
        )

    def _connect(self) -> None:
        room, panel, worklist = self.room, self.panel, self.worklist
        room.stroke_finished.connect(self._stroke)
        room.point_clicked.connect(self._clicked)
        room.base_plane_dragged.connect(self._plane_dragged)
        room.hand_changed.connect(self._hand_changed)
        room.looked_at.connect(self._looked_at)
        room.picture_shown.connect(self._picture_shown)
        room.refused.connect(self._refuse)
        worklist.row_wanted.connect(self.open_row)
        worklist.reader_chosen.connect(self.choose_reader)
        worklist.blinding_wanted.connect(self.blind)
        worklist.unblinding_wanted.connect(self.unblind)
        panel.confirm_wanted.connect(self.confirm_level)
        panel.save_wanted.connect(self.save)
        panel.sign_wanted.connect(self.sign)
        panel.lesion_wanted.connect(self.add_lesion)
        panel.keep_wanted.connect(self.settle)
        panel.tools.hand_wanted.connect(self.choose_hand)
        panel.tools.step_wanted.connect(self.do_step)
        panel.status.status_wanted.connect(self.say_status)
        panel.description.said.connect(self.describe)
        panel.description.all_wanted.connect(self.take_suggestions)
        for jobs in (self.jobs, self.background):
            jobs.changed.connect(lambda _: self._show_busy())

    def _run(
        self,
        words: str,
        act: Callable[[], object],
        done: Callable[[Any], None],
        *,
        begin: Callable[[], object] | None = None,
        refused: Callable[[str], None] | None = None,
    ) -> None:
        def thawed(take: Callable[[Any], None]) -> Callable[[Any], None]:
            def taken(result: Any) -> None:
                self.desk.busy_with = ""
                take(result)
                self._show_all()

            return taken

        self.jobs.add(
            Job(
                words=words, act=act, done=thawed(done), refused=thawed(refused or self._refuse), begin=begin
            )
        )

    def _freeze(self, words: str) -> None:
        self.desk.busy_with = words
        self._show_reasons()

    def _leave(self) -> None:
        self._timer.stop()
        self._conflict = None
        self.panel.show_conflict("")
        if self.desk.leave():
            self.panel.say(self.texts("worklist.has_draft"))
        self._show_reasons()

    def _listed(self, listed: work.Listed) -> None:
        self.desk.is_blinded = listed.is_blinded
        self.worklist.show_rows(listed.rows, is_blinded=listed.is_blinded)
        self.worklist.set_current(None if self.desk.visit is None else self.desk.visit.row)

    def _blinding_changed(self, listed: work.Listed) -> None:
        was_blinded = self.desk.is_blinded
        self._listed(listed)
        self.panel.say(self.texts("blinding.unblinded" if was_blinded else "blinding.on"))
        visit = self.desk.visit
        if visit is not None:
            key = visit.row.item.key
            row = next((each for each in listed.rows if each.item.key == key), None)
            if row is not None:
                self.open_row(row)

    def _opened(self, visit: OpenedVisit) -> None:
        self.desk.open(visit)
        self._suggestions, self._has_pointed = Suggestions(), False
        room = self.room
        room.show_pair(visit.shown.pair)
        for shown in visit.shown.masks:
            if shown.view.half is Half.BASELINE:
                room.show_mask(shown.view, shown.mask, shown.look)
                room.set_base_plane(Half.BASELINE, shown.base_plane)
        if visit.session is not None:
            room.show_mask(visit.view, visit.session.mask.mask, self.desk.look)
            room.set_base_plane(Half.CURRENT, visit.session.mask.base_plane)
        room.choose_view(visit.view)
        room.set_hand(Hand.POINT)
        self.worklist.set_current(visit.row)
        self._say_opening(visit)
        self._timer.start()
        is_follow_up = visit.row.item.day > 0
        if is_follow_up and self.desk.can_be_proposed and not self.desk.is_blinded:
            self._carry(visit.row)

    def _say_opening(self, visit: OpenedVisit) -> None:
        session = visit.session
        notices = () if session is None else session.notices
        refusal = visit.refusal if session is None else session.refusal
        link = "" if self.desk.is_blinded else visit.shown.pair.link_note
        sentence = " ".join(part for part in (*notices, refusal) if part)
        self.panel.say(sentence or link or self.texts("room.ready"), is_error=bool(refusal))

    def _carry(self, row: WorkRow, *, is_again: bool = False) -> None:
        """Carry a lesion forward beside everything else, so that no visit waits for it."""

        def done(carried: work.Carried) -> None:
            self.reload()
            visit = self.desk.visit
            is_here = visit is not None and visit.row.item.key == row.item.key
            is_free = self.desk.can_be_proposed or (is_again and not self._is_touched())
            if is_here and carried.is_proposed and is_free:
                self.open_row(row)
            elif is_here and carried.sentence:
                self.panel.say(carried.sentence)

        self.background.add(
            Job(
                words=self.texts("tool.carry_forward"),
                act=lambda: work.carry_forward(self.workspace, row, is_again=is_again),
                done=done,
                refused=self._refuse,
            )
        )

    def _is_touched(self) -> bool:
        session = self.desk.session
        return session is None or session.is_unsaved

    def _saved(self, saved: work.Saved) -> None:
        self._conflict = saved.conflict
        self.panel.show_conflict("" if saved.conflict is None else self.texts("conflict.explain"))
        self.panel.say(saved.problem or self.texts("save.saved"), is_error=bool(saved.problem))
        visit = self.desk.visit
        if visit is not None:
            self.room.set_look(visit.view, self.desk.look)
            is_first = visit.row.item.day <= 0 and saved.reading.status is ReadingStatus.PRESENT
            if is_first and not self.desk.is_blinded:
                later = next((e for e in self.worklist.rows if _is_later(e, visit.row)), None)
                if later is not None:
                    self._carry(later)
        self.reload()

    def _signed(self) -> None:
        self.panel.say(self.texts("sign.final"))
        self.reload()

    def _level_known(self, known: LevelKnowledge) -> None:
        self.desk.set_lock(known.lock, known.centre_lps)
        self._show_level()
        self.panel.say(lock_words(known.lock, self.texts, is_blinded=self.desk.is_blinded))
        self._timer.start()

    def _stroke(self, stroke: Stroke) -> None:
        if not self.desk.paints_in(stroke.view):
            return
        if not self._attempt(lambda: self.desk.stroke(stroke), "save.stroke_refused"):
            self.room.refresh_mask(stroke.view)
        self.room.set_look(stroke.view, self.desk.look)
        self._show_numbers()
        self._show_reasons()
        self._timer.start()

    def _clicked(self, view: View, point: Any) -> None:
        visit = self.desk.visit
        if visit is None or visit.session is None or (reason := self.desk.why_not_change()):
            self._refuse(self.desk.why_not_change())
            return
        if view.half is not Half.CURRENT:
            self._refuse(self.texts("panel.other_visit"))
            return
        points, background = self.desk.clicks_with(
            _point(point), is_background=self._is_background_click
        )
        del reason
        if not points:
            self._refuse(self.texts("tool.click_hint"))
            return
        self._outline(points, background)

    def _outline(self, points: tuple[Point, ...], background: tuple[Point, ...]) -> None:
        session = self.desk.session
        if session is None:
            return
        uid = session.stack.stack.stack_uid
        values, placed = self.room.loader.cache.get(uid), self.desk.placed_plane

        def act() -> ClickOutline:
            from herntrack.imaging.volume import Volume

            volume = None
            if values is not None:
                volume = Volume(values=values, geometry=session.stack.stack.geometry)
            return outline_clicks(
                self.workspace,
                session.lesion,
                session.stack,
                points_lps=points,
                background_points_lps=background,
                placed=placed,
                volume=volume,
            )

        self._run(
            self.texts("tool.click"),
            act,
            self._outlined,
            begin=lambda: self._freeze(self.texts("tool.click")),
        )

    def _outlined(self, outline: ClickOutline) -> None:
        if self._attempt(lambda: self.desk.take_outline(outline)):
            self.panel.say(" ".join(outline.remarks) or self.texts("contour.accept_hint"))
        self._mask_changed()

    def _plane_dragged(self, view: View, plane: BasePlane) -> None:
        if view.half is not Half.CURRENT:
            shown = self.desk.visit.shown.masks if self.desk.visit else ()
            before = next((e.base_plane for e in shown if e.view.half is Half.BASELINE), None)
            self.room.set_base_plane(Half.BASELINE, before)
            self._refuse(self.texts("panel.other_visit"))
            return
        if self._attempt(lambda: self.desk.move_base_plane(plane)):
            points, background = self.desk.clicks()
            if points:
                self._outline(points, background)
        self._mask_changed()

    def _hand_changed(self, hand: Hand) -> None:
        del hand
        self._is_background_click = False
        self._paint_only_here()
        self._show_hand()

    def _looked_at(self, half: Half, _: Any) -> None:
        if half is Half.CURRENT and self.room.hand is Hand.POINT:
            self._has_pointed = True

    def _picture_shown(self, view: View) -> None:
        del view
        self._paint_only_here()

    def _paint_only_here(self) -> None:
        """Let no stroke go where no reading is: only the view of the stack that is read is painted."""
        for view, pane in self.room.panes.items():
            if pane.mouse.is_painting and not self.desk.paints_in(view):
                pane.mouse.is_painting = False
                pane.labels.mode = "pan_zoom"
            elif self.room.hand.paints and self.desk.paints_in(view) and not pane.mouse.is_painting:
                pane.set_hand(self.room.hand)

    def _edit(self, reason: str, act: Callable[[], MaskEdit | None], words: str = "") -> None:
        if reason:
            self._refuse(reason)
            return
        edits: list[MaskEdit | None] = []
        if self._attempt(lambda: edits.append(act())):
            edit = edits[0]
            if edit is None:
                self.panel.say(self.texts("panel.nothing_changed"))
            elif words:
                self.panel.say(self.texts(words, tool=self.texts.word(edit.tool)))
            else:
                self.panel.say(self.texts.word(edit.tool))
        self._mask_changed()

    def _attempt(self, act: Callable[[], object], words: str = "") -> bool:
        try:
            act()
        except HerntrackError as error:
            self._refuse(self.texts(words, reason=str(error)) if words else str(error))
            return False
        return True

    def _mask_changed(self) -> None:
        visit = self.desk.visit
        if visit is not None and visit.session is not None:
            self.room.set_look(visit.view, self.desk.look)
            self.room.refresh_mask(visit.view)
            self.room.set_base_plane(Half.CURRENT, visit.session.mask.base_plane)
            self._timer.start()
        self._show_all()

    def _look_over(self) -> None:
        visit = self.desk.visit
        if visit is None or visit.session is None:
            return
        mask, midline = visit.session.mask, visit.midline_lps
        copied, geometry, plane = mask.mask.copy(), mask.geometry, mask.base_plane

        def done(looked: work.Looked) -> None:
            if self.desk.visit is not None and self.desk.session is visit.session:
                self._suggestions = looked.suggestions
                self.panel.show_guards([self.texts.guard(each.value) for each in looked.guards])
                self.panel.description.show_suggestions(looked.suggestions)

        self._looks.add(
            Job(
                words="",
                act=lambda: work.look_over(copied, geometry, plane, midline),
                done=done,
                refused=self._refuse,
            )
        )

    def _refuse(self, reason: str) -> None:
        self.panel.say(reason, is_error=True)

    def _show_all(self) -> None:
        visit = self.desk.visit
        if visit is None:
            self.panel.show_title(self.texts("panel.open_first"), None)
        else:
            session = visit.session
            is_signed = session is not None and visit.row.state.name == "SIGNED"
            self.panel.show_title(
                visit.row.title,
                None if session is None or not self._has_words() else self.desk.look,
                final_words=self.texts("sign.signed_blinded") if is_signed else "",
            )
        self.panel.show_lesion_question(visit is not None and visit.row.item.lesion_uid is None)
        self._show_level()
        self._show_words()
        self._show_numbers()
        self._show_hand()
        self._show_reasons()

    def _has_words(self) -> bool:
        """Whether there is anything to call proposed, unsaved or accepted."""
        session = self.desk.session
        return session is not None and (session.started_from is not None or session.is_unsaved)

    def _show_level(self) -> None:
        visit = self.desk.visit
        if visit is None or visit.lock is None:
            self.panel.show_level("", is_locked=False, hint="")
            self.room.set_level("", is_confirmed=False)
            return
        words = lock_words(visit.lock, self.texts, is_blinded=self.desk.is_blinded)
        hint = self.texts("level.confirm_hint", level=visit.lock.level.value)
        self.panel.show_level(words, is_locked=visit.lock.is_locked, hint=hint)
        self.room.set_level(words, is_confirmed=visit.lock.is_locked)

    def _show_words(self) -> None:
        session = self.desk.session
        self.panel.description.show_said(self.desk.descriptors())
        if session is not None:
            self.panel.status.show_status(session.judgement.status, session.judgement.reason)

    def _show_numbers(self) -> None:
        picture = self.desk.picture()
        if picture is None:
            self.panel.numbers.clear()
        else:
            self.panel.numbers.show_numbers(
                numbers_shown(picture, self.texts, is_blinded=self.desk.is_blinded)
            )

    def _show_hand(self) -> None:
        self.panel.tools.show_hand(
            self.room.hand, is_background=self._is_background_click, brush_mm=self.room.brush_mm
        )

    def _show_reasons(self) -> None:
        desk = self.desk
        mask_reason = desk.why_not_change_mask()
        self.panel.tools.show_reasons(
            desk.why_not_change(),
            {
                "fill_holes": mask_reason,
                "interpolate": mask_reason,
                "smooth": mask_reason,
                "clear": mask_reason,
                "undo": desk.why_not_undo(),
                "redo": desk.why_not_redo(),
                "carry_forward": desk.why_not_carry(),
            },
        )
        self.panel.status.show_reason(desk.why_not_change())
        self.panel.show_reasons(desk.why_not_save(), desk.why_not_sign())
        session = desk.session
        is_proposed = session is not None and session.is_proposed and desk.look is MaskLook.PROPOSED
        self.panel.show_save_words(
            f"{self.texts('contour.accept')}   A" if is_proposed else f"{self.texts('save.save')}   S"
        )

    def _show_busy(self) -> None:
        words = [jobs.words for jobs in (self.jobs, self.background) if jobs.words]
        self.panel.show_busy(" \N{MIDDLE DOT} ".join(words))


def _lock_of(desk: Desk) -> Any:
    return None if desk.visit is None else desk.visit.lock


def _is_later(row: WorkRow, first: WorkRow) -> bool:
    return row.item.lesion_uid == first.item.lesion_uid and row.item.visit_date > first.item.visit_date


def _point(values: Any) -> Point:
    x, y, z = (float(value) for value in np.asarray(values))
    return x, y, z

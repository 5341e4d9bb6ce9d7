"""Brings together the views, the panels and the desk: one method for each thing that a reader does.

What takes long runs in `Jobs`; a sentence in the panel says how everything went. Nothing here opens a
dialog.
"""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject

from herntrack.model.vocabulary import ReadingStatus
from herntrack.reading_room.suggestions import Suggestions
from herntrack.workflows.listings.worklist import ReadingState
from herntrack.workflows.reading.saves import SaveConflict, settle_conflict
from herntrack.workflows.workspace import Workspace
from napari_herntrack._qt.panels.corrections import Corrections
from napari_herntrack._qt.panels.crew import Crew
from napari_herntrack._qt.panels.drawing import Drawing
from napari_herntrack._qt.panels.elsewhere import Elsewhere
from napari_herntrack._qt.panels.lists import Lists
from napari_herntrack._qt.panels.reading_panel import ReadingPanel
from napari_herntrack._qt.panels.showing import Showing
from napari_herntrack._qt.panels.status_section import FIRST_REASONS
from napari_herntrack._qt.panels.worklist_panel import WorklistPanel
from napari_herntrack._qt.room.reading_room import ReadingRoom
from napari_herntrack.reading import work
from napari_herntrack.reading.desk import Desk, OpenedVisit
from napari_herntrack.reading.discretion import view_words
from napari_herntrack.reading.rows import WorkRow
from napari_herntrack.texts import Texts
from napari_herntrack.viewing.following import as_shown
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.views import Half


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
        self.texts = texts
        self.desk = Desk(texts)
        self.show = Showing(self.desk, room, panel)
        self.crew = Crew(workspace, self.show)
        self.drawing = Drawing(self.desk, room, panel, show=self.show, crew=self.crew)
        self.lists = Lists(self.desk, worklist, panel, crew=self.crew, reader=reader)
        self.corrections = Corrections(
            self.desk, room, panel, show=self.show, crew=self.crew, drawing=self.drawing, lists=self.lists
        )
        self.elsewhere = Elsewhere(
            self.desk,
            room,
            worklist,
            drawing=self.drawing,
            crew=self.crew,
            open_row=self.open_row,
        )
        self._conflict: SaveConflict | None = None
        self._is_stack_chosen = False
        self._connect()
        self.show.all()
        self.crew.run_aside("", work.prepare, lambda _: None)

    @property
    def is_busy(self) -> bool:
        """Whether something runs or waits."""
        return self.crew.is_at_work or self.drawing.is_busy or self.room.stack_changes.is_waiting

    @property
    def reader(self) -> str:
        """Who reads."""
        return self.lists.reader

    def close(self) -> None:
        """Leave the visit; unsaved work is kept. The conductor is of no use afterwards."""
        self.crew.close()
        self.drawing.close()
        self.desk.leave()

    def open_row(self, row: WorkRow, stack_uid: str | None = None) -> None:
        """Open a lesion at a visit; what is open is left, and unsaved work kept."""
        if not self.reader:
            self.worklist.show_reader_hint()
            self.drawing.refuse(self.texts("room.choose_reader"))
            return
        opened = [row]

        def leave() -> None:
            # The list may have been read anew since the row was asked for.
            opened[0] = next((e for e in self.worklist.rows if e.item.key == row.item.key), row)
            self._is_stack_chosen = stack_uid is not None
            self._leave()

        self.crew.run(
            self.texts("room.opening", what=row.title),
            lambda: work.open_visit(
                self.workspace,
                opened[0],
                reader=self.reader,
                is_blinded=self.desk.is_blinded,
                texts=self.texts,
                stack_uid=stack_uid,
            ),
            self._opened,
            begin=leave,
            refused=self._not_opened,
        )

    def next_visit(self) -> None:
        """Open the next visit that is to be read."""
        self.worklist.open_next()

    def search(self) -> None:
        """Let the keys go to the search line."""
        self.worklist.search_line.setFocus()
        self.worklist.search_line.selectAll()

    def say_absent(self) -> None:
        """Say that nothing is left."""
        self.say_status(ReadingStatus.ABSENT, FIRST_REASONS[ReadingStatus.ABSENT])

    def say_not_evaluable(self) -> None:
        """Say that the visit cannot be judged."""
        self.say_status(ReadingStatus.NOT_EVALUABLE, FIRST_REASONS[ReadingStatus.NOT_EVALUABLE])

    def say_status(self, status: ReadingStatus, reason_key: str) -> None:
        """Say present, absent or not evaluable."""
        if self.drawing.attempt(lambda: self.desk.say(status, reason_key)):
            self.panel.say(self.texts(reason_key) if reason_key else self.texts.word(status))
        self.drawing.mask_changed()

    def describe(self, name: str, value: object) -> None:
        """Say one descriptor."""
        self.drawing.attempt(lambda: self.desk.describe(name, value))
        self.show.words()

    def take_suggestions(self) -> None:
        """Say what geometry suggests wherever nothing was said."""
        if not self.drawing.suggestions.found:
            silent = list(self.drawing.suggestions.silent.values())
            self.drawing.refuse(
                self.desk.why_not_change_mask() or (self.desk.told(silent[0]) if silent else "")
            )
            return
        self.drawing.attempt(lambda: self.desk.take_suggestions(self.drawing.suggestions))
        self.show.words()

    def carry_forward(self) -> None:
        """Carry the baseline's outline to the open visit."""
        if reason := self.desk.why_not_carry():
            self.drawing.refuse(reason)
            return
        session, visit = self.desk.session, self.desk.visit
        if visit is None or session is None or session.is_unsaved:
            self.drawing.refuse(self.texts("panel.save_or_undo_first"))
            return
        self._carry(visit.row, is_again=True)

    def read_here(self) -> None:
        """Read on the stack of the active view from now on, or open the visit that it shows."""
        self.elsewhere.read_here()

    def save(self) -> None:
        """Save the reading; a proposal is accepted by it."""
        session = self.desk.session
        if reason := self.desk.why_not_save():
            self.drawing.refuse(reason)
            return
        if session is None:
            return
        self.crew.run(
            self.texts("save.saving"),
            lambda: work.save_visit(self.workspace, session),
            self._saved,
            begin=lambda: self.crew.freeze(self.texts("save.saving")),
            refused=lambda reason: self.drawing.refuse(self.texts("save.not_saved", reason=reason)),
        )

    def sign(self) -> None:
        """Sign the saved reading."""
        visit = self.desk.visit
        if not self.crew.is_busy and (reason := self.desk.why_not_sign()):
            self.drawing.refuse(reason)
            return
        if visit is None or visit.session is None:
            return
        session = visit.session
        self.crew.run(
            self.texts("sign.sign"),
            lambda: session.sign(_lock_of(self.desk)),
            lambda _: self._signed(),
            begin=lambda: self.crew.freeze(self.texts("sign.sign")),
        )

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
            self.lists.reload()
            self.open_row(visit.row)
            self.crew.afterwards(lambda: self.panel.say(self.texts("conflict.settled")))

        self.crew.run(
            self.texts("conflict.title"),
            lambda: settle_conflict(
                self.workspace, keep=keep, others=rest, reader=self.reader, reason=reason
            ),
            done,
        )

    def _connect(self) -> None:
        room, panel, drawing = self.room, self.panel, self.drawing
        room.refused.connect(lambda reason: drawing.refuse(self.desk.told(reason)))
        self.worklist.row_wanted.connect(self.open_row)
        self.lists.row_wanted.connect(self.open_row)
        self.lists.listed.connect(self._welcome)
        panel.save_wanted.connect(self.save)
        panel.sign_wanted.connect(self.sign)
        panel.lesion_wanted.connect(self.lists.add_lesion)
        panel.keep_wanted.connect(self.settle)
        panel.tools.carry_wanted.connect(self.carry_forward)
        panel.status.status_wanted.connect(self.say_status)
        panel.description.said.connect(self.describe)
        panel.description.all_wanted.connect(self.take_suggestions)

    def _welcome(self) -> None:
        """Say what to do first where nothing is open yet."""
        if self.room.state is None:
            key = "room.open_first" if self.worklist.rows else "worklist.empty"
            words = self.texts(key if self.reader else "room.choose_reader")
            self.room.show_nothing(self.lists.problem or words)

    def _not_opened(self, reason: str) -> None:
        """Say why; the visit that was left must not stay under the words of nobody."""
        self.room.show_nothing(reason)
        self.drawing.refuse(reason)

    def _leave(self) -> None:
        self.drawing.rest()
        self._conflict = None
        self.panel.show_conflict("")
        if self.desk.leave():
            self.panel.say(self.texts("worklist.has_draft"))
        self.show.reasons()

    def _opened(self, visit: OpenedVisit) -> None:
        self.desk.open(visit)
        self.drawing.suggestions = Suggestions()
        self.corrections.forget()
        room = self.room
        room.set_view_words(view_words(self.texts, is_blinded=self.desk.is_blinded))
        pair = visit.shown.pair
        if self._is_stack_chosen and room.state is not None:
            pair = as_shown(room.state.pair, pair, visit.view)
        room.show_pair(pair, keeps_place=self._is_stack_chosen)
        for shown in visit.shown.masks:
            if shown.view.half is Half.BASELINE:
                if pair.stacks[shown.view].stack.stack_uid == shown.stack_uid:
                    room.show_mask(shown.view, shown.mask, shown.look)
                room.set_base_plane(Half.BASELINE, shown.base_plane)
        if visit.session is not None:
            room.show_mask(visit.view, visit.session.mask.mask, self.desk.look)
            room.set_base_plane(Half.CURRENT, visit.session.mask.base_plane)
        self.show.facet_lines()
        room.choose_view(visit.view)
        room.set_hand(Hand.POINT)
        self.worklist.set_current(visit.row)
        self._say_opening(visit)
        self._read_ahead()
        self.drawing.look_soon()
        # A proposal on another stack would take the reader back from the one they chose.
        is_free = self.desk.can_be_proposed and not self._is_stack_chosen
        if visit.row.item.day > 0 and is_free and not self.desk.is_blinded:
            if any(_is_earlier_and_read(each, visit.row) for each in self.worklist.rows):
                self._carry(visit.row)
            else:
                self.panel.say(self.texts("panel.read_baseline_first"))

    def _read_ahead(self) -> None:
        """Read the next visit's stacks while this one is looked at."""
        row = self.worklist.next_row()
        if row is not None:
            is_blinded = self.desk.is_blinded
            self.crew.run_aside(
                "",
                lambda: work.stacks_ahead(self.workspace, row, is_blinded=is_blinded),
                self.room.preload,
                # Opening it says what is wrong with it.
                refused=lambda _: None,
            )

    def _say_opening(self, visit: OpenedVisit) -> None:
        session = visit.session
        notices = () if session is None else session.notices
        refusal = visit.refusal if session is None else session.refusal
        sentence = " ".join(self.desk.told(part) for part in (*notices, refusal) if part)
        if not sentence and session is not None and session.is_proposed:
            sentence = self.texts("contour.accept_hint")
        pair = visit.shown.pair
        if not sentence and pair.baseline is not None and pair.matrix_lps is None:
            sentence = self.texts("panel.not_linked")
        is_signed = session is not None and session.is_signed
        self.panel.say(sentence or self.texts("room.help"), is_error=bool(refusal) and not is_signed)

    def _carry(self, row: WorkRow, *, is_again: bool = False) -> None:
        """Carry a lesion forward beside everything else, so that no visit waits for it."""

        def done(carried: work.Carried) -> None:
            self.lists.reload()
            visit = self.desk.visit
            is_here = visit is not None and visit.row.item.key == row.item.key
            is_free = self.desk.can_be_proposed or (is_again and not self._is_touched())
            if is_here and carried.is_proposed and is_free:
                self.open_row(row)
            elif is_here and carried.sentence:
                self.panel.say(self.desk.told(carried.sentence))

        self.crew.run_aside(
            self.texts("tool.carry_forward"),
            lambda: work.carry_forward(self.workspace, row, is_again=is_again),
            done,
        )

    def _is_touched(self) -> bool:
        session = self.desk.session
        return session is None or session.is_unsaved

    def _saved(self, saved: work.Saved) -> None:
        self._conflict = saved.conflict
        self.panel.show_conflict("" if saved.conflict is None else self.texts("conflict.explain"))
        problem = self.desk.told(saved.problem)
        self.panel.say(problem or self.texts("save.saved"), is_error=bool(problem))
        visit = self.desk.visit
        if visit is not None:
            self.room.set_look(visit.view, self.desk.look)
            is_first = visit.row.item.day <= 0 and saved.reading.status is ReadingStatus.PRESENT
            if is_first and not self.desk.is_blinded:
                later = next((e for e in self.worklist.rows if _is_later(e, visit.row)), None)
                if later is not None:
                    self._carry(later)
        self.lists.reload()

    def _signed(self) -> None:
        self.panel.say(self.texts("sign.signed_blinded"))
        self.lists.reload()


def _lock_of(desk: Desk) -> Any:
    return None if desk.visit is None else desk.visit.lock


def _is_later(row: WorkRow, first: WorkRow) -> bool:
    return row.item.lesion_uid == first.item.lesion_uid and row.item.visit_date > first.item.visit_date


def _is_earlier_and_read(row: WorkRow, here: WorkRow) -> bool:
    is_earlier = row.item.lesion_uid == here.item.lesion_uid and row.item.visit_date < here.item.visit_date
    return is_earlier and row.state is not ReadingState.TO_READ

"""What stands on record and is said anew: the level, a signature, an alignment's verdict.

Each asks for its reason in the panel before anything is recorded.
"""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QObject

from herntrack.reading_room.level_lock import LevelStatus
from napari_herntrack._qt.panels.crew import Crew
from napari_herntrack._qt.panels.drawing import Drawing, point_of
from napari_herntrack._qt.panels.lists import Lists
from napari_herntrack._qt.panels.reading_panel import ReadingPanel
from napari_herntrack._qt.panels.showing import Showing
from napari_herntrack._qt.room.reading_room import ReadingRoom
from napari_herntrack.reading import work
from napari_herntrack.reading.desk import Desk
from napari_herntrack.reading.levels import CONFIRMED_HERE, LevelKnowledge, confirm_level, lock_words
from napari_herntrack.reading.links import overrule_link
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.views import Half

AMEND, LEVEL, ALIGNMENT = "amend", "level", "alignment"
"""What a reason is asked for."""


class Corrections(QObject):  # type: ignore[misc]  # Qt has no types here
    """Confirms and replaces levels, amends signed readings, overrules alignments.

    Parameters
    ----------
    desk : Desk
        What is open.
    room, panel : ReadingRoom, ReadingPanel
        Where it is pointed at and said.
    show : Showing
        Shows what became of it.
    crew : Crew
        Does what takes long.
    drawing : Drawing
        Says refusals, looks at the mask.
    lists : Lists
        Knows the reader; opens the visit anew.
    """

    def __init__(
        self,
        desk: Desk,
        room: ReadingRoom,
        panel: ReadingPanel,
        *,
        show: Showing,
        crew: Crew,
        drawing: Drawing,
        lists: Lists,
    ) -> None:
        super().__init__(panel)
        self.desk, self.room, self.panel, self.texts = desk, room, panel, desk.texts
        self._show, self._crew, self._drawing, self._lists = show, crew, drawing, lists
        self._has_pointed = False
        self._verdict = ""
        room.looked_at.connect(self._looked_at)
        panel.confirm_wanted.connect(self.confirm_level)
        panel.amend_wanted.connect(self.amend)
        panel.overrule_wanted.connect(self.overrule)
        panel.reasons.given.connect(self._given)
        panel.reasons.missing.connect(lambda: drawing.refuse(self.texts("reason.needed")))

    def forget(self) -> None:
        """Another visit is open: nobody pointed at anything there yet."""
        self._has_pointed, self._verdict = False, ""
        self.panel.reasons.close_box()

    def confirm_level(self) -> None:
        """Say that the disc pointed at, or else the one proposed, is the lesion's level."""
        visit = self.desk.visit
        if visit is None or visit.session is None or visit.lock is None:
            self._drawing.refuse(self.desk.why_not_change())
            return
        level, status = visit.lock.level.value, visit.lock.status
        if self.desk.is_blinded and visit.lock.is_locked:
            # Another answer for a level that was carried here would tell which visit came first.
            self._drawing.refuse(self.texts("level.locked_blinded", level=level))
            return
        if status in CONFIRMED_HERE:
            if self._has_pointed:
                self.panel.reasons.ask(LEVEL, self.texts("level.replace_question", level=level))
            else:
                self._drawing.refuse(self.texts("level.point_to_replace", level=level))
            return
        if not self._has_pointed and status is not LevelStatus.PROPOSED:
            self._drawing.refuse(self.texts("level.confirm_hint", level=level))
            return
        self._confirm("")

    def amend(self) -> None:
        """Open the signed reading again, for a reason."""
        if reason := self.desk.why_not_amend():
            self._drawing.refuse(reason)
            return
        self.panel.reasons.ask(AMEND, self.texts("sign.amend_reason"))

    def overrule(self, verdict: str) -> None:
        """Say what the alignment of the open visit is worth, for a reason."""
        if self.desk.visit is None or self.desk.visit.link is None:
            self._drawing.refuse(self.texts("panel.not_linked"))
            return
        self._verdict = verdict
        word = self.texts(f"alignment.{verdict}")
        self.panel.reasons.ask(ALIGNMENT, self.texts("alignment.question", verdict=word))

    def _given(self, what: str, reason: str) -> None:
        {AMEND: self._amend, LEVEL: self._confirm, ALIGNMENT: self._overrule}[what](reason)

    def _confirm(self, reason: str) -> None:
        visit, state = self.desk.visit, self.room.state
        if visit is None or visit.session is None:
            return
        session = visit.session
        cursor = state.cursor_lps(Half.CURRENT) if state is not None and self._has_pointed else None
        point = None if cursor is None else point_of(cursor)
        self._crew.run(
            self.texts("level.replace" if reason else "level.confirm"),
            lambda: confirm_level(
                self._crew.workspace,
                session.lesion,
                session.stack,
                point_lps=point,
                reader=self._lists.reader,
                reason=reason,
            ),
            self._level_known,
            refused=self._not_confirmed,
        )

    def _not_confirmed(self, reason: str) -> None:
        lock = None if self.desk.visit is None else self.desk.visit.lock
        if self.desk.is_blinded and lock is not None:
            # The sentence names the other visit and how far its disc lies.
            reason = self.texts("level.contradiction_blinded", level=lock.level.value)
        self._drawing.refuse(reason)

    def _level_known(self, known: LevelKnowledge) -> None:
        self.desk.set_lock(known.lock, known.centre_lps)
        self._show.level()
        if known.centre_lps is not None:
            self.room.stack_changes.go_to_disc(Half.CURRENT, np.asarray(known.centre_lps))
        # Another disc than this one is pointed at anew.
        self._has_pointed = False
        self.panel.say(lock_words(known.lock, self.texts, is_blinded=self.desk.is_blinded))
        self._drawing.look_soon()

    def _amend(self, reason: str) -> None:
        visit = self.desk.visit
        if visit is None or visit.session is None:
            return
        session = visit.session
        self._crew.run(
            self.texts("sign.amend"),
            lambda: work.amend(self._crew.workspace, session, reason=reason),
            lambda _: self._open_anew(self.texts("sign.amended")),
        )

    def _overrule(self, reason: str) -> None:
        visit, verdict = self.desk.visit, self._verdict
        if visit is None:
            return
        item, reader = visit.row.item, self._lists.reader
        self._crew.run(
            self.texts("alignment.overrule"),
            lambda: overrule_link(self._crew.workspace, item, verdict=verdict, reader=reader, reason=reason),
            lambda _: self._open_anew(self.texts("alignment.recorded")),
        )

    def _open_anew(self, sentence: str) -> None:
        """Show the open visit as it is on record now, and say what was done."""
        visit = self.desk.visit
        if visit is not None:
            self._lists.reload()
            self._lists.row_wanted.emit(visit.row)
            self._crew.afterwards(lambda: self.panel.say(sentence))

    def _looked_at(self, half: Half, _: object) -> None:
        if half is Half.CURRENT and self.room.hand is Hand.POINT:
            self._has_pointed = True

"""Writes what the desk says into the panel and onto the pictures; only what changed is drawn again."""

from __future__ import annotations

from herntrack.workflows.worklist import ReadingState
from napari_herntrack._qt.panels.reading_panel import ReadingPanel
from napari_herntrack._qt.room.reading_room import ReadingRoom
from napari_herntrack.reading.desk import Desk
from napari_herntrack.reading.levels import image_words, lock_words
from napari_herntrack.reading.numbers import numbers_shown
from napari_herntrack.viewing.scene import MaskLook


class Showing:
    """Shows the desk.

    Parameters
    ----------
    desk : Desk
        What is open.
    room, panel : ReadingRoom, ReadingPanel
        Where it is shown.
    """

    def __init__(self, desk: Desk, room: ReadingRoom, panel: ReadingPanel) -> None:
        self.desk, self.room, self.panel = desk, room, panel
        self.texts = desk.texts
        self.is_background_click = False

    def all(self) -> None:
        """Show everything anew."""
        visit = self.desk.visit
        if visit is None:
            self.panel.show_title(self.texts("panel.open_first"), None)
        else:
            session = visit.session
            is_signed = visit.row.state is ReadingState.SIGNED
            self.panel.show_title(
                visit.row.title,
                None if session is None or not self._has_words() else self.desk.look,
                final_words=self.texts("sign.signed_blinded") if is_signed else "",
            )
        self.panel.show_lesion_question(visit is not None and visit.row.item.lesion_uid is None)
        self.level()
        self.words()
        self.numbers()
        self.hand()
        self.reasons()

    def _has_words(self) -> bool:
        """Whether there is anything to call proposed, unsaved or accepted."""
        session = self.desk.session
        return session is not None and (session.started_from is not None or session.is_unsaved)

    def level(self) -> None:
        """Show the level, in the panel and on the pictures."""
        visit = self.desk.visit
        if visit is None or visit.lock is None:
            self.panel.show_level("", is_locked=False, hint="")
            self.room.set_level("", is_confirmed=False)
            return
        words = lock_words(visit.lock, self.texts, is_blinded=self.desk.is_blinded)
        short = image_words(visit.lock, self.texts, is_blinded=self.desk.is_blinded)
        hint = self.texts("level.confirm_hint", level=visit.lock.level.value)
        self.panel.show_level(words, is_locked=visit.lock.is_locked, hint=hint)
        self.room.set_level(short, is_confirmed=visit.lock.is_locked)

    def words(self) -> None:
        """Show what was said."""
        session = self.desk.session
        self.panel.description.show_said(self.desk.descriptors())
        if session is not None:
            self.panel.status.show_status(session.judgement.status, session.judgement.reason)

    def numbers(self) -> None:
        """Show the live numbers."""
        picture = self.desk.picture()
        if picture is None or not self._has_words():
            self.panel.numbers.clear()
        else:
            self.panel.numbers.show_numbers(
                numbers_shown(picture, self.texts, is_blinded=self.desk.is_blinded)
            )

    def hand(self) -> None:
        """Show which hand the mouse has."""
        self.panel.tools.show_hand(
            self.room.hand, is_background=self.is_background_click, brush_mm=self.room.brush_mm
        )

    def reasons(self) -> None:
        """Show why what cannot be done cannot."""
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
        is_proposed = session is not None and desk.look is MaskLook.PROPOSED
        self.panel.show_save_words(
            f"{self.texts('contour.accept')}   A" if is_proposed else f"{self.texts('save.save')}   S"
        )

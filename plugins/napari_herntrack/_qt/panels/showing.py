"""Writes what the desk says into the panel and onto the pictures; only what changed is drawn again."""

from __future__ import annotations

from napari_herntrack._qt.panels.reading_panel import ReadingPanel
from napari_herntrack._qt.room.reading_room import ReadingRoom
from napari_herntrack.reading.desk import Desk
from napari_herntrack.reading.facet_lines import line_shown
from napari_herntrack.reading.levels import CONFIRMED_HERE, image_words, lock_words
from napari_herntrack.reading.links import GOOD
from napari_herntrack.reading.numbers import numbers_shown
from napari_herntrack.viewing.scene import MaskLook
from napari_herntrack.viewing.views import Half


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
        self.title()
        visit = self.desk.visit
        self.panel.show_lesion_question(visit is not None and visit.row.item.lesion_uid is None)
        self.level()
        self.link()
        self.facet_lines()
        self.words()
        self.numbers()
        self.hand()
        self.reasons()

    def title(self) -> None:
        """Show what is open and how sure its outline is."""
        visit = self.desk.visit
        if visit is None:
            self.panel.show_title(self.texts("panel.open_first"), None)
        else:
            session = visit.session
            is_signed = session is not None and session.is_signed
            self.panel.show_title(
                visit.row.title,
                None if session is None or not self._has_words() else self.desk.look,
                final_words=self.texts("sign.signed_blinded") if is_signed else "",
            )

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
        is_here = visit.lock.status in CONFIRMED_HERE and not self.desk.is_blinded
        hint_key = "level.point_to_replace" if is_here else "level.confirm_hint"
        button_key = "level.replace" if is_here else "" if visit.lock.is_locked else "level.confirm"
        self.panel.show_level(
            words,
            is_locked=visit.lock.is_locked,
            hint=self.texts(hint_key, level=visit.lock.level.value),
            confirm_words=self.texts(button_key) if button_key else "",
        )
        self.room.set_level(short, is_confirmed=visit.lock.is_locked)

    def link(self) -> None:
        """Show what the alignment with the baseline is worth."""
        link = None if self.desk.visit is None else self.desk.visit.link
        if link is None:
            self.panel.show_link("", "", is_good=True)
            return
        verdict = self.texts(f"alignment.{link.verdict}")
        if link.is_overruled or link.residual_mm is None:
            words = self.texts("alignment.overruled_by_reader", verdict=verdict)
        else:
            words = self.texts("alignment.shown", verdict=verdict, residual=f"{link.residual_mm:.1f}")
        self.panel.show_link(
            words, "\n".join(map(self.texts.said, link.reasons)), is_good=link.verdict == GOOD
        )

    def facet_lines(self) -> None:
        """Show the lines between the facets, of both visits."""
        visit, drawn = self.desk.visit, line_shown(self.desk)
        other = None if visit is None else visit.shown.baseline_line
        self.room.facet_lines.show(Half.BASELINE, other)
        self.room.facet_lines.show(Half.CURRENT, drawn.line, is_carried=drawn.is_carried)

    def words(self) -> None:
        """Show what was said."""
        session = self.desk.session
        is_signed = session is not None and session.is_signed
        self.panel.description.show_said(self.desk.descriptors(), is_final=is_signed)
        if session is not None:
            self.panel.status.show_status(
                session.judgement.status, session.judgement.reason, is_blinded=self.desk.is_blinded
            )

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
        self.panel.description.show_reason(desk.why_not_change())
        session = desk.session
        is_signed = session is not None and session.is_signed
        self.panel.show_reasons(desk.why_not_save(), "" if is_signed else desk.why_not_sign())
        self.panel.show_signed(is_signed)
        is_proposed = session is not None and desk.look is MaskLook.PROPOSED
        self.panel.show_save_words(
            f"{self.texts('contour.accept')}   A" if is_proposed else f"{self.texts('save.save')}   S"
        )

"""The dock with everything that is said of the open visit. Shows, and says what is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QComboBox, QMenu, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from herntrack.model.vocabulary import Level, Side
from herntrack.workflows.aligning.standing import VERDICTS
from napari_herntrack._qt.panels.description_section import DescriptionSection
from napari_herntrack._qt.panels.face import (
    CALM,
    GOOD,
    NOTICE,
    Themed,
    block,
    button,
    chip,
    column,
    label,
    line,
    rule,
    show_text,
    tone,
)
from napari_herntrack._qt.panels.numbers_section import NumbersSection
from napari_herntrack._qt.panels.reason_box import ReasonBox
from napari_herntrack._qt.panels.status_section import StatusSection
from napari_herntrack._qt.panels.tools_section import ToolsSection
from napari_herntrack._qt.room.busy_bar import BusyBar
from napari_herntrack.texts import Texts
from napari_herntrack.viewing.scene import MaskLook

BULLET = "\N{WARNING SIGN}"
LOOK_COLOURS = {MaskLook.PROPOSED: NOTICE, MaskLook.DRAFT: CALM, MaskLook.ACCEPTED: GOOD}
LOOK_WORDS = {
    MaskLook.PROPOSED: "contour.proposed",
    MaskLook.DRAFT: "save.unsaved",
    MaskLook.ACCEPTED: "contour.accepted",
}


class ReadingPanel(Themed):
    """All sections below each other; what is saved and signed, and what was refused, stays in sight.

    Signals: `confirm_wanted()`, `save_wanted()`, `sign_wanted()`, `amend_wanted()`,
    `overrule_wanted(str)` with a verdict, `lesion_wanted(Level, Side)`, `keep_wanted(bool)` (True: mine
    counts); the sections and `reasons` have theirs.
    """

    confirm_wanted = Signal()
    save_wanted = Signal()
    sign_wanted = Signal()
    amend_wanted = Signal()
    overrule_wanted = Signal(str)
    lesion_wanted = Signal(object, object)
    keep_wanted = Signal(bool)

    def __init__(self, texts: Texts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._texts = texts
        self.setObjectName("herntrack_reading")
        self.tools = ToolsSection(texts)
        self.status = StatusSection(texts)
        self.description = DescriptionSection(texts)
        self.numbers = NumbersSection(texts)
        self._build_head()
        self._build_lesion()
        self._build_foot()
        inside = QWidget()
        parts = column(spacing=5)
        parts.setContentsMargins(8, 4, 8, 4)
        for part in (self.lesion_box, self.numbers, rule(), self.tools, self.guards, rule()):
            parts.addWidget(part)
        for part in (self.status, rule(), self.description):
            parts.addWidget(part)
        parts.addStretch(1)
        inside.setLayout(parts)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inside)
        self._scroll = scroll
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.head)
        layout.addWidget(scroll, stretch=1)
        layout.addWidget(self.foot)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Leave room for the scroll bar beside the sections; Qt calls this."""
        bar = self._scroll.verticalScrollBar().sizeHint().width()
        super().showEvent(event)
        self._scroll.setMinimumWidth(self._scroll.widget().minimumSizeHint().width() + bar)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the size that the dock asks for."""
        return QSize(340, 880)

    def show_title(self, title: str, look: MaskLook | None, *, final_words: str = "") -> None:
        """Show what is open and how sure its outline is."""
        self.title.setText(title)
        if final_words:
            chip(self.look_chip, final_words, GOOD)
        elif look is None:
            chip(self.look_chip, "", CALM)
        else:
            chip(self.look_chip, self._texts(LOOK_WORDS[look]), LOOK_COLOURS[look])

    def show_level(self, words: str, *, is_locked: bool, hint: str, confirm_words: str = "") -> None:
        """Show the level, and how to confirm it, or to replace it where it was confirmed."""
        show_text(self.level, words)
        tone(self.level, "" if is_locked else "notice")
        self.confirm_button.setText(f"{confirm_words}   K")
        self.confirm_button.setVisible(bool(words and confirm_words))
        self.confirm_button.setToolTip(hint)
        show_text(self.level_hint, "" if is_locked else hint)

    def show_link(self, words: str, why: str, *, is_good: bool) -> None:
        """Show what the alignment is worth; empty where there is none to judge."""
        show_text(self.link, words)
        tone(self.link, "" if is_good else "notice")
        self.link.setToolTip(why)
        self.overrule_button.setVisible(bool(words))

    def show_guards(self, sentences: Sequence[str]) -> None:
        """Show what is suspicious about the outline, one sentence a line."""
        show_text(self.guards, "\n".join(f"{BULLET} {each}" for each in sentences))

    def show_lesion_question(self, is_asked: bool) -> None:
        """Ask for level and side of a patient's first lesion."""
        self.lesion_box.setVisible(is_asked)

    def show_reasons(self, save_reason: str, sign_reason: str) -> None:
        """Say why the reading cannot be saved or signed now."""
        block(self.save_button, save_reason, self._texts("keys.accept_and_save"))
        block(self.sign_button, sign_reason, self._texts("keys.sign"))
        show_text(self.sign_reason, sign_reason)
        self.sign_reason.setVisible(bool(sign_reason) and sign_reason != self.message.text())

    def show_signed(self, is_signed: bool) -> None:
        """Offer to sign, or to amend what is signed."""
        self.save_button.setVisible(not is_signed)
        self.sign_button.setVisible(not is_signed)
        self.amend_button.setVisible(is_signed)

    def show_save_words(self, words: str) -> None:
        """Name what saving does now: save, or accept."""
        self.save_button.setText(words)

    def say(self, sentence: str, *, is_error: bool = False) -> None:
        """Show a sentence until the next one."""
        tone(self.message, "bad" if is_error else "")
        self.message.setText(sentence)
        # Once is enough: above it stands why the reading cannot be signed.
        self.sign_reason.setVisible(bool(self.sign_reason.text()) and self.sign_reason.text() != sentence)

    def show_busy(self, words: str) -> None:
        """Show that something runs."""
        self.progress.set_busy(bool(words))
        told = self._texts("room.working", what=words) if words else ""
        self.busy.setToolTip(told)
        # One line as wide as the dock is: a wider one would push the views aside whenever a job runs.
        room = self.busy.width()
        short = self.busy.fontMetrics().elidedText(told, Qt.TextElideMode.ElideRight, room)
        show_text(self.busy, short, is_hidden_when_empty=False)

    def show_conflict(self, sentence: str) -> None:
        """Show two readings that stand beside each other, with the choice; empty: none."""
        show_text(self.conflict, sentence)
        for made in (self.keep_mine, self.keep_other):
            made.setVisible(bool(sentence))

    def _build_head(self) -> None:
        texts = self._texts
        self.title = label(texts("panel.open_first"), "title")
        self.look_chip = label("", "chip", wraps=False)
        self.look_chip.hide()
        self.level = label("", "strong")
        self.confirm_button = button(f"{texts('level.confirm')}   K", self.confirm_wanted.emit)
        self.confirm_button.hide()
        self._build_link()
        self.level_hint = label("", "quiet")
        chips = line(self.look_chip)
        chips.addStretch(1)
        parts = column(self.title, chips, line(self.level, self.confirm_button, stretch=0), self.level_hint)
        parts.addLayout(line(self.link, self.overrule_button, stretch=0))
        parts.setContentsMargins(8, 8, 8, 4)
        self.head = QWidget()
        self.head.setLayout(parts)
        self.guards = label("", "guard")
        self.guards.hide()

    def _build_link(self) -> None:
        texts = self._texts
        self.link = label("", "quiet")
        self.overrule_button = button(texts("alignment.overrule"))
        self.overrule_menu = QMenu(self.overrule_button)
        for verdict in VERDICTS:
            action = self.overrule_menu.addAction(texts(f"alignment.{verdict}"))
            action.triggered.connect(lambda *_, verdict=verdict: self.overrule_wanted.emit(verdict))
        self.overrule_button.clicked.connect(lambda *_: self._open_overrule_menu())
        self.show_link("", "", is_good=True)

    def _open_overrule_menu(self) -> None:
        below = self.overrule_button.rect().bottomLeft()
        self.overrule_menu.popup(self.overrule_button.mapToGlobal(below))

    def _build_lesion(self) -> None:
        texts = self._texts
        self.level_box, self.side_box = QComboBox(), QComboBox()
        self.level_box.addItems([level.value for level in Level])
        self.level_box.setCurrentIndex(list(Level).index(Level.L5_S1))
        self.side_box.addItems([texts.word(side) for side in Side])
        for box, name in ((self.level_box, "lesion.choose_level"), (self.side_box, "lesion.choose_side")):
            box.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
            box.setAccessibleName(texts(name))
        self.add_button = button(texts("lesion.add"), self._add_lesion)
        self.lesion_box = QWidget()
        self.lesion_box.setLayout(
            column(
                label(texts("worklist.no_lesion")),
                line(self.level_box, self.side_box, self.add_button, stretch=0),
            )
        )
        self.lesion_box.hide()

    def _build_foot(self) -> None:
        texts = self._texts
        self.conflict = label("", "guard")
        self.keep_mine = button(texts("conflict.keep_mine"), lambda: self.keep_wanted.emit(True))
        self.keep_other = button(texts("conflict.keep_other"), lambda: self.keep_wanted.emit(False))
        self.message = label(texts("room.help"), "quiet")
        self.message.setMinimumHeight(30)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.progress = BusyBar()
        self.busy = label(" ", "quiet", wraps=False)
        self.busy.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.save_button = button(f"{texts('save.save')}   S", self.save_wanted.emit, is_primary=True)
        self.sign_button = button(
            f"{texts('sign.sign')}   \N{UPWARDS WHITE ARROW}S", self.sign_wanted.emit, is_primary=True
        )
        self.amend_button = button(
            f"{texts('sign.amend')}   \N{UPWARDS WHITE ARROW}A", self.amend_wanted.emit
        )
        self.amend_button.setToolTip(texts("keys.amend"))
        self.amend_button.hide()
        self.sign_reason = label("", "quiet")
        self.reasons = ReasonBox(texts)
        parts = column(
            rule(),
            self.conflict,
            line(self.keep_mine, self.keep_other),
            line(self.save_button, self.sign_button, self.amend_button),
            self.sign_reason,
            self.reasons,
            self.message,
            self.progress,
            self.busy,
        )
        parts.setContentsMargins(8, 2, 8, 6)
        self.foot = QWidget()
        self.foot.setLayout(parts)
        self.show_conflict("")

    def _add_lesion(self) -> None:
        level = list(Level)[self.level_box.currentIndex()]
        self.lesion_wanted.emit(level, list(Side)[self.side_box.currentIndex()])

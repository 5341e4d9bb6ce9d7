"""The worklist's keeper: what is listed, for whom, and whether they are blinded."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal

from herntrack.model.vocabulary import Level, Side
from herntrack.workflows.reading.readings import add_lesion
from napari_herntrack._qt.panels.crew import Crew
from napari_herntrack._qt.panels.reading_panel import ReadingPanel
from napari_herntrack._qt.panels.worklist_panel import WorklistPanel
from napari_herntrack.reading import work
from napari_herntrack.reading.desk import Desk


class Lists(QObject):  # type: ignore[misc]  # Qt has no types here
    """Fills the worklist.

    Signals: `row_wanted(WorkRow)` where the open visit has to be opened anew; `listed()` when the
    worklist was listed; `blinding_changed()` when the reader may see less, or more, than before.

    Parameters
    ----------
    desk : Desk
        What is open.
    worklist, panel : WorklistPanel, ReadingPanel
        The docks.
    crew : Crew
        Does what takes long.
    reader : str
        The reader's name; empty until chosen.
    """

    row_wanted = Signal(object)
    listed = Signal()
    blinding_changed = Signal()

    def __init__(
        self, desk: Desk, worklist: WorklistPanel, panel: ReadingPanel, *, crew: Crew, reader: str
    ) -> None:
        super().__init__(panel)
        self.reader = reader
        self.texts = desk.texts
        self.problem = ""
        self._desk, self._worklist, self._panel, self._crew = desk, worklist, panel, crew
        worklist.reader_chosen.connect(self.choose_reader)
        worklist.blinding_wanted.connect(self.blind)
        worklist.unblinding_wanted.connect(self.unblind)

    def reload(self) -> None:
        """List the worklist anew."""
        self._crew.run(
            "",
            lambda: work.list_rows(self._crew.workspace, reader=self.reader, texts=self.texts),
            self.show,
            refused=self._not_listed,
        )

    def choose_reader(self, reader: str) -> None:
        """Read as somebody from now on."""
        if reader != self.reader:
            self.reader = reader
            visit = self._desk.visit
            self.reload()
            if visit is not None and reader:
                self.row_wanted.emit(visit.row)

    def blind(self) -> None:
        """Begin blinded reading."""
        if not self.reader:
            self._panel.say(self.texts("room.choose_reader"), is_error=True)
            self.reload()
            return
        self._crew.run(
            self.texts("blinding.begin"),
            lambda: work.blind(self._crew.workspace, reader=self.reader, texts=self.texts),
            self._blinding_changed,
            refused=self._not_blinded,
        )

    def unblind(self, reason: str) -> None:
        """End blinded reading, for a reason that is recorded."""
        self._crew.run(
            self.texts("blinding.end"),
            lambda: work.lift_blinding(
                self._crew.workspace, reader=self.reader, reason=reason, texts=self.texts
            ),
            self._blinding_changed,
        )

    def show(self, listed: work.Listed) -> None:
        """Show a worklist; the open visit's row is that of the new list."""
        self.problem = ""
        has_changed = self._desk.is_blinded is not listed.is_blinded
        self._desk.is_blinded = listed.is_blinded
        self._worklist.show_rows(listed.rows, is_blinded=listed.is_blinded)
        visit = self._desk.visit
        if visit is not None:
            self._desk.set_row(next((e for e in listed.rows if e.item.key == visit.row.item.key), visit.row))
        self._worklist.set_current(None if self._desk.visit is None else self._desk.visit.row)
        self.listed.emit()
        if has_changed:
            self.blinding_changed.emit()

    def _blinding_changed(self, listed: work.Listed) -> None:
        was_blinded = self._desk.is_blinded
        self.show(listed)
        self._panel.say(self.texts("blinding.unblinded" if was_blinded else "blinding.on"))
        visit = self._desk.visit
        if visit is not None:
            key = visit.row.item.key
            row = next((each for each in listed.rows if each.item.key == key), None)
            if row is not None:
                self.row_wanted.emit(row)

    def _not_listed(self, reason: str) -> None:
        self.problem = reason
        self._worklist.show_problem(reason)
        self._panel.say(reason, is_error=True)
        self.listed.emit()

    def _not_blinded(self, reason: str) -> None:
        """Say why blinded reading did not begin; the tick must not say that it did."""
        self._worklist.show_rows(self._worklist.rows, is_blinded=self._desk.is_blinded)
        self._panel.say(reason, is_error=True)

    def add_lesion(self, level: Level, side: Side) -> None:
        """Record the patient's first lesion, then open it."""
        visit = self._desk.visit
        if visit is None:
            return
        patient_id = visit.row.item.patient_id

        def act() -> object:
            add_lesion(self._crew.workspace, patient_id=patient_id, level=level, side=side)
            return work.list_rows(self._crew.workspace, reader=self.reader, texts=self.texts)

        def done(listed: work.Listed) -> None:
            self.show(listed)
            day = visit.row.item.visit_date
            self._panel.say(self.texts("lesion.added", level=level.value))
            row = next(
                (e for e in listed.rows if (e.item.patient_id, e.item.visit_date) == (patient_id, day)), None
            )
            if row is not None:
                self.row_wanted.emit(row)

        self._crew.run(self.texts("lesion.add"), act, done)

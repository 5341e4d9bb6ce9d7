"""The worklist as it is shown: one row for a lesion at a visit, in the reader's language.

A blinded reader's rows hold nothing of dates and order, so neither does what is searched.

Public: `WorkRow`, `open_rows`, `blinded_rows`, `filter_rows`, `next_row`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from herntrack.workflows.listings.worklist import ReadingState, WorkItem, next_item
from herntrack.workflows.reading.blinding import BlindedItem
from napari_herntrack.texts import Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRow:
    """A lesion at a visit as a reader sees it.

    Parameters
    ----------
    item : WorkItem
        What it stands for; a blinded reader is never shown it.
    patient : str
        Heading: the patient, or the case's number.
    lesion : str
        Level and side; empty where no lesion was found yet.
    visit : str
        Date and time point, or the visit's letter.
    state : ReadingState
        How far the reading is.
    state_word : str
        That in the reader's language.
    note : str
        What else to know, a sentence.
    in_list : str
        What stands for it below the heading of its patient or case.
    """

    item: WorkItem
    patient: str
    lesion: str
    visit: str
    state: ReadingState
    state_word: str
    note: str = ""
    in_list: str = ""

    @property
    def title(self) -> str:
        """All of it in one line."""
        return "  ".join(part for part in (self.patient, self.lesion, self.visit) if part)


def open_rows(items: Sequence[WorkItem], texts: Texts) -> list[WorkRow]:
    """Return the rows of a reader who may see dates."""
    rows = []
    for item in items:
        nominal = texts("view.baseline") if item.day == 0 else texts("worklist.day", day=item.day)
        rows.append(
            WorkRow(
                item=item,
                patient=item.patient_id,
                lesion=_lesion(item, texts),
                visit=f"{item.visit_date.isoformat()}  {nominal}",
                state=item.state,
                state_word=texts.word(item.state),
                note=_note(item, texts),
                in_list=f"{item.visit_date.isoformat()}  {texts('worklist.day', day=item.day)}",
            )
        )
    return rows


def blinded_rows(items: Sequence[BlindedItem], texts: Texts) -> list[WorkRow]:
    """Return the rows of a blinded reader, in the drawn order."""
    return [
        WorkRow(
            item=blinded.item,
            patient=texts("blinding.case", number=blinded.case.rsplit(" ", 1)[-1]),
            lesion=_lesion(blinded.item, texts),
            visit=texts("blinding.visit", label=blinded.visit.rsplit(" ", 1)[-1]),
            state=blinded.state,
            state_word=texts.word(blinded.state),
            note=_note(blinded.item, texts, is_blinded=True),
            in_list=_lesion(blinded.item, texts),
        )
        for blinded in items
    ]


def filter_rows(
    rows: Sequence[WorkRow], *, text: str = "", states: Collection[ReadingState] = ()
) -> list[WorkRow]:
    """Return the rows that show every word of a text and have one of the states (none: any)."""
    words = text.lower().split()
    return [
        row
        for row in rows
        if (not states or row.state in states)
        and all(
            word in f"{row.title} {row.state_word} {' '.join(row.item.readers)}".lower() for word in words
        )
    ]


def next_row(rows: Sequence[WorkRow], after: WorkRow | None) -> WorkRow | None:
    """Return the next row to work on, in the order shown; None if all is done."""
    item = next_item([row.item for row in rows], None if after is None else after.item)
    return next((row for row in rows if row.item is item), None)


def _lesion(item: WorkItem, texts: Texts) -> str:
    if item.level is None:
        return ""
    return item.level.value if item.side is None else f"{item.level.value} {texts.word(item.side)}"


def _note(item: WorkItem, texts: Texts, *, is_blinded: bool = False) -> str:
    if item.lesion_uid is None:
        return texts("worklist.no_lesion")
    if item.stack_uid is None:
        return texts("worklist.no_stack_blinded" if is_blinded else "worklist.no_stack")
    return texts("worklist.has_draft") if item.has_draft else texts.said(item.note)

"""Blinded reading: visits under labels, in an order drawn at random, without dates, group or name.

Which label stands for which visit is a decision on record, so that readings go to the right visit
and the list is the same every time it is opened. Being told is on record too, with its reason.

The order is that of digests of the seed and the visit: a patient that comes later takes a place
among the others without moving them.

Public: `begin_blinding`, `unblind`, `blinded_worklist`, `BlindedItem`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from string import ascii_uppercase

from herntrack.errors import ReadingError
from herntrack.model.reading_decisions import VisitBlinding, VisitUnblinding, labels_text
from herntrack.model.vocabulary import Level, Side
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.listings.worklist import ReadingState, WorkItem, worklist
from herntrack.workflows.recording import Origin
from herntrack.workflows.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindedItem:
    """A lesion at a visit as a blinded reader sees it.

    Parameters
    ----------
    case : str
        Stands for the patient, for example ``Case 3``.
    visit : str
        Stands for the visit, for example ``Visit B``.
    level : Level or None
    side : Side or None
    state : ReadingState
    item : WorkItem
        What it stands for: for opening and saving, never for showing.
    """

    case: str
    visit: str
    level: Level | None
    side: Side | None
    state: ReadingState
    item: WorkItem

    @property
    def title(self) -> str:
        """Case and visit."""
        return f"{self.case}, {self.visit}"


def begin_blinding(
    workspace: Workspace, *, reader: str, seed: int, decided_by: str = "", origin: Origin | None = None
) -> list[VisitBlinding]:
    """Blind a reader to every patient that is not blinded yet, and label visits that came since.

    Parameters
    ----------
    workspace : Workspace
        The project.
    reader : str
        Who must not know.
    seed : int
        Any number; the same one draws the same order.
    decided_by : str
        Who begins it; the reader by default.
    origin : Origin, optional
        Clock and identifiers.

    Returns
    -------
    list of VisitBlinding
        What was added to the record.

    Raises
    ------
    ReadingError
        If no reader is named. A reader who was told a patient's dates is not blinded again.
    """
    origin = origin or Origin()
    name = reader.strip()
    if not name:
        raise ReadingError("a blinded reading has a reader; choose your name first")
    store = DecisionStore(workspace.readings_folder)
    told = {
        each.patient_id
        for each in store.decisions()
        if isinstance(each, VisitUnblinding) and each.reader == name
    }
    standing = _standing(store, name)
    dates: dict[str, set[date]] = {}
    for item in worklist(workspace, reader=name):
        dates.setdefault(item.patient_id, set()).add(item.visit_date)
    fresh = sorted(set(dates) - set(standing) - told, key=lambda patient: _drawn(seed, patient))
    numbers = {patient: blinding.case_number for patient, blinding in standing.items()}
    first_free = max(numbers.values(), default=0) + 1
    numbers |= {patient: first_free + place for place, patient in enumerate(fresh)}
    added = []
    for patient in (*standing, *fresh):
        known = standing[patient].visits if patient in standing else {}
        labels = _labels(patient, dates.get(patient, set()), known, seed)
        if labels != known:
            added.append(
                VisitBlinding(
                    decision_uid=origin.uid(),
                    patient_id=patient,
                    reader=name,
                    seed=standing[patient].seed if patient in standing else seed,
                    case_number=numbers[patient],
                    labels=labels_text(labels),
                    decided_by=decided_by.strip() or name,
                    decided_at=origin.now(),
                )
            )
    for blinding in added:
        store.add(blinding)
    return added


def unblind(
    workspace: Workspace,
    *,
    reader: str,
    patient_id: str,
    decided_by: str,
    reason: str,
    origin: Origin | None = None,
) -> VisitUnblinding:
    """Record that a reader is told the dates and the order of a patient's visits.

    Raises
    ------
    ReadingError
        If the reader is not blinded to the patient, or nobody or no reason is named.
    """
    origin = origin or Origin()
    if not decided_by.strip() or not reason.strip():
        raise ReadingError("an unblinding says who allows it and why; give both")
    store = DecisionStore(workspace.readings_folder)
    if patient_id not in _standing(store, reader.strip()):
        raise ReadingError(f"{reader} is not blinded to this patient; there is nothing to record")
    decision = VisitUnblinding(
        decision_uid=origin.uid(),
        patient_id=patient_id,
        reader=reader.strip(),
        decided_by=decided_by.strip(),
        decided_at=origin.now(),
        reason=reason.strip(),
    )
    store.add(decision)
    return decision


def blinded_worklist(workspace: Workspace, *, reader: str) -> list[BlindedItem]:
    """Return the worklist of a blinded reader, in the drawn order; only their own readings count.

    Visits that have no label yet are left out: `begin_blinding` labels them. So are patients without a
    lesion, whose first visit alone would stand there, and proposals, which the first visit has none of.
    """
    standing = _standing(DecisionStore(workspace.readings_folder), reader.strip())
    items = []
    for item in worklist(workspace, reader=reader.strip(), is_independent=True, has_proposals=False):
        if item.lesion_uid is None:
            continue
        blinding = standing.get(item.patient_id)
        label = None
        if blinding is not None:
            label = next((each for each, day in blinding.visits.items() if day == item.visit_date), None)
        if blinding is None or label is None:
            continue
        place = _drawn(blinding.seed, item.patient_id, item.visit_date.isoformat(), item.lesion_uid or "")
        blinded = BlindedItem(
            case=f"Case {blinding.case_number}",
            visit=f"Visit {label}",
            level=item.level,
            side=item.side,
            state=item.state,
            item=item,
        )
        items.append((place, blinded))
    return [blinded for _, blinded in sorted(items, key=lambda pair: pair[0])]


def _standing(store: DecisionStore, reader: str) -> dict[str, VisitBlinding]:
    """Return the blinding of each patient that a reader is blinded to."""
    return {
        each.patient_id: each
        for each in store.standing()
        if isinstance(each, VisitBlinding) and each.reader == reader
    }


def _labels(patient: str, dates: set[date], known: Mapping[str, date], seed: int) -> dict[str, date]:
    """Return a label for every visit; those that were given stay."""
    labels = dict(known)
    unlabelled = sorted(
        dates - set(known.values()), key=lambda day: _drawn(seed, patient, "label", day.isoformat())
    )
    names = (name for name in _names(len(known) + len(unlabelled)) if name not in known)
    return labels | dict(zip(names, unlabelled, strict=False))


def _names(count: int) -> Sequence[str]:
    """Return A, B, ... Z, AA, AB, ..."""
    names = list(ascii_uppercase)
    while len(names) < count:
        names += [first + second for first in names for second in ascii_uppercase if len(first) == 1]
    return names


def _drawn(seed: int, *told: str) -> str:
    return hashlib.sha256("\0".join((str(seed), *told)).encode()).hexdigest()

"""The worklist: every lesion at every visit, and what is to be done there.

Public: `worklist`, `WorkItem`, `ReadingState`, `next_item`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import unique

from herntrack.errors import DraftError
from herntrack.model.reading_decisions import ReadingSignature
from herntrack.model.records import Lesion, Reading, Visit
from herntrack.model.sentences import sentence
from herntrack.model.vocabulary import Level, ReadingStatus, Side, Term
from herntrack.reading_room.draft_files import DraftKey, list_journals
from herntrack.reading_room.journal import read_draft
from herntrack.workflows.patients.visits import confirmed_baselines
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.signatures import signatures
from herntrack.workflows.stack_choice import proposed_stacks
from herntrack.workflows.stacks_as_read import ChangedStack, changed_stacks
from herntrack.workflows.workspace import Workspace


@unique
class ReadingState(Term):
    """How far the reading of a lesion at a visit is."""

    TO_READ = "to be read"
    PROPOSED = "proposed"
    READ = "read"
    IN_CONFLICT = "in conflict"
    SIGNED = "signed"


OPEN_STATES = frozenset((ReadingState.TO_READ, ReadingState.PROPOSED, ReadingState.IN_CONFLICT))
"""What `next_item` goes to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """A lesion at a visit; a patient without a lesion has one item, at the baseline.

    Parameters
    ----------
    patient_id : str
    lesion_uid : str or None
        None where the patient's first lesion is still to be found.
    level : Level or None
    side : Side or None
    visit_date : date
    day : int
        Days from the patient's baseline.
    timepoint : str
        Nominal time point.
    state : ReadingState
    readers : tuple of str
        Whose accepted readings stand.
    reading_uids : tuple of str
        The readings that stand, proposals included.
    stack_uid : str or None
        The stack that was read, else the one proposed for reading.
    has_draft : bool
        Whether unsaved work of the reader lies there.
    note : str
        What is in the way, or what the conflict is.
    """

    patient_id: str
    lesion_uid: str | None
    level: Level | None
    side: Side | None
    visit_date: date
    day: int
    timepoint: str
    state: ReadingState
    readers: tuple[str, ...] = ()
    reading_uids: tuple[str, ...] = ()
    stack_uid: str | None = None
    has_draft: bool = False
    note: str = ""

    @property
    def key(self) -> tuple[str, str, date]:
        """What tells items apart."""
        return self.patient_id, self.lesion_uid or "", self.visit_date


def worklist(
    workspace: Workspace,
    *,
    reader: str | None = None,
    is_independent: bool = False,
    has_proposals: bool = True,
) -> list[WorkItem]:
    """Return what there is to read, patient by patient, lesion by lesion, in the order of the visits.

    Parameters
    ----------
    workspace : Workspace
        The project.
    reader : str, optional
        Who asks: their unsaved work is shown.
    is_independent : bool
        Whether only that reader's readings count, as where readers are compared with each other;
        else a visit that anybody read is read.
    has_proposals : bool
        Whether proposals are shown; who has one is no first visit, which a blinded reader may not know.
    """
    stacks = {
        (each.lesion.lesion_uid, each.visit.visit_date): each.proposed.each.stack.stack_uid
        for each in proposed_stacks(workspace)
        if each.proposed is not None
    }
    with catalogue_of(workspace) as catalogue:
        visits = catalogue.images.visits()
        lesions = catalogue.followup.lesions()
        readings = catalogue.followup.readings(is_current=True)
        changed = changed_stacks(workspace, catalogue, readings)
    if is_independent:
        readings = [each for each in readings if each.is_proposed or each.reader == reader]
    if not has_proposals:
        readings = [each for each in readings if not each.is_proposed]
    table = _Table(
        readings=_by_place(readings),
        signatures=signatures(workspace),
        drafts=_drafts(workspace, reader),
        stacks=stacks,
        primary=workspace.settings.primary_reader,
        changed=changed,
    )
    items = []
    for patient_id, of_patient in _by_patient(visits).items():
        found = [lesion for lesion in lesions if lesion.patient_id == patient_id]
        items += [table.item(lesion, visit) for lesion in found for visit in of_patient]
        if not found:
            items.append(_without_lesion(of_patient))
    return items


def next_item(
    items: Sequence[WorkItem],
    after: WorkItem | None = None,
    *,
    states: Collection[ReadingState] = OPEN_STATES,
) -> WorkItem | None:
    """Return the next item to work on, beginning anew after the last one; None if all is done.

    Parameters
    ----------
    items : sequence of WorkItem
        In the order of reading.
    after : WorkItem, optional
        Where the reader is; it is not returned itself.
    states : collection of ReadingState
        What counts as work.
    """
    keys = [item.key for item in items]
    start = keys.index(after.key) + 1 if after is not None and after.key in keys else 0
    for item in (*items[start:], *items[:start]):
        is_here = after is not None and item.key == after.key
        if item.state in states and not is_here:
            return item
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """All that the items are made from."""

    readings: Mapping[tuple[str, date], list[Reading]]
    signatures: Mapping[str, ReadingSignature]
    drafts: frozenset[tuple[str, date]]
    stacks: Mapping[tuple[str, date], str]
    primary: str
    changed: Mapping[str, ChangedStack]

    def item(self, lesion: Lesion, visit: Visit) -> WorkItem:
        place = lesion.lesion_uid, visit.visit_date
        here = self.readings.get(place, [])
        accepted = [each for each in here if not each.is_proposed]
        state, note = self._state(here, accepted)
        told = [each.reading_uid for each in accepted or here]
        read_on = (accepted or here)[-1].stack_uid if here else None
        stack_uid = read_on or self.stacks.get(place)
        note = note or next((self.changed[uid].sentence for uid in told if uid in self.changed), "")
        if stack_uid is None:
            note = note or "no stack of the visit can be compared with the baseline's"
        return WorkItem(
            patient_id=lesion.patient_id,
            lesion_uid=lesion.lesion_uid,
            level=lesion.level,
            side=lesion.side,
            visit_date=visit.visit_date,
            day=visit.day,
            timepoint=visit.timepoint,
            state=state,
            readers=tuple(dict.fromkeys(each.reader for each in accepted)),
            reading_uids=tuple(each.reading_uid for each in here),
            stack_uid=stack_uid,
            has_draft=place in self.drafts,
            note=note,
        )

    def _state(self, here: Sequence[Reading], accepted: Sequence[Reading]) -> tuple[ReadingState, str]:
        if not accepted:
            return (ReadingState.PROPOSED if here else ReadingState.TO_READ), ""
        conflict = _conflict(accepted, self.primary)
        if conflict:
            return ReadingState.IN_CONFLICT, conflict
        # Where the primary reader decides, their signature does.
        deciding = [each for each in accepted if each.reader == self.primary] or accepted
        is_signed = all(each.reading_uid in self.signatures for each in deciding)
        return (ReadingState.SIGNED if is_signed else ReadingState.READ), ""


def _conflict(accepted: Sequence[Reading], primary: str) -> str:
    """Return what readings contradict each other, in words; empty if none do."""
    by_reader: dict[str, list[Reading]] = {}
    for each in accepted:
        by_reader.setdefault(each.reader, []).append(each)
    for reader, mine in by_reader.items():
        stacks = [each.stack_uid for each in mine]
        if len(set(stacks)) < len(stacks) or len({each.status for each in mine}) > 1:
            return sentence("conflict_own", n=len(mine), by=reader)
    if len(by_reader) > 1 and primary not in by_reader:
        said = {each.status for each in accepted}
        readers = " and ".join(sorted(by_reader))
        if said == {ReadingStatus.PRESENT}:
            return sentence("conflict_no_primary", readers=readers)
        return sentence("conflict_status", readers=readers, said=tuple(sorted(said)))
    return ""


def _by_place(readings: Sequence[Reading]) -> dict[tuple[str, date], list[Reading]]:
    found: dict[tuple[str, date], list[Reading]] = {}
    for each in readings:
        found.setdefault((each.lesion_uid, each.visit_date), []).append(each)
    return found


def _by_patient(visits: Sequence[Visit]) -> dict[str, list[Visit]]:
    """Return each patient's visits, without those before the day 0 that a person chose."""
    day_0 = confirmed_baselines(visits)
    found: dict[str, list[Visit]] = {}
    for visit in visits:
        if visit.visit_date >= day_0.get(visit.patient_id, visit.visit_date):
            found.setdefault(visit.patient_id, []).append(visit)
    return found


def _without_lesion(visits: Sequence[Visit]) -> WorkItem:
    first = next((visit for visit in visits if visit.day >= 0), visits[0])
    return WorkItem(
        patient_id=first.patient_id,
        lesion_uid=None,
        level=None,
        side=None,
        visit_date=first.visit_date,
        day=first.day,
        timepoint=first.timepoint,
        state=ReadingState.TO_READ,
        note="no lesion yet; add the patient's lesion first",
    )


def _drafts(workspace: Workspace, reader: str | None) -> frozenset[tuple[str, date]]:
    """Return where unsaved work of a reader lies."""
    found = set()
    for path in list_journals(workspace.readings_folder):
        try:
            draft = read_draft(path)
        except DraftError:
            continue
        if draft is not None and draft.is_unsaved and draft.beginning.key.reader == reader:
            key: DraftKey = draft.beginning.key
            found.add((key.lesion_uid, key.visit_date))
    return frozenset(found)

"""Signing a reading: it is final until an amendment says why it is opened again.

`herntrack.workflows.signatures` says what is signed.

Public: `sign_reading`, `amend_reading`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from herntrack.catalogue.session import Catalogue
from herntrack.errors import ReadingError, RecordNotFoundError, SignedReadingError
from herntrack.model.reading_decisions import ReadingAmendment, ReadingSignature
from herntrack.model.records import Lesion, Reading
from herntrack.reading_room.level_lock import LevelLock
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.recording import Origin
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.signatures import standing_signatures
from herntrack.workflows.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    reading: Reading
    lesion: Lesion


def sign_reading(
    workspace: Workspace,
    reading_uid: str,
    *,
    reader: str,
    level_lock: LevelLock,
    origin: Origin | None = None,
) -> ReadingSignature:
    """Make a reading final.

    Parameters
    ----------
    workspace : Workspace
        The project.
    reading_uid : str
        A standing, accepted reading.
    reader : str
        Who signs: the reader of the reading.
    level_lock : LevelLock
        What is known of the lesion's level at the visit.
    origin : Origin, optional
        Clock and identifiers.

    Raises
    ------
    RecordNotFoundError
        If there is no such reading.
    SignedReadingError
        If it may not be signed: the level is not confirmed, it is only proposed, it was replaced,
        it is signed already, another of the reader's readings stands beside it, or somebody else
        made it. The message says what to do.
    """
    origin = origin or Origin()
    with catalogue_of(workspace) as catalogue:
        found = _find(catalogue, reading_uid)
        standing = catalogue.followup.readings(found.reading.lesion_uid, is_current=True)
    store = DecisionStore(workspace.readings_folder)
    refusal = (
        _level_refusal(found, level_lock)
        or _reading_refusal(found.reading, reader)
        or _conflict_refusal(found.reading, standing)
    )
    earlier = standing_signatures(store).get(reading_uid)
    if not refusal and earlier is not None:
        refusal = (
            f"the reading was signed by {earlier.decided_by} on {earlier.decided_at:%Y-%m-%d} already;"
            " there is nothing to do"
        )
    if refusal:
        raise SignedReadingError(refusal)
    signature = ReadingSignature(
        decision_uid=origin.uid(),
        patient_id=found.lesion.patient_id,
        reading_uid=reading_uid,
        decided_by=reader.strip(),
        decided_at=origin.now(),
    )
    store.add(signature)
    return signature


def amend_reading(
    workspace: Workspace, reading_uid: str, *, by: str, reason: str, origin: Origin | None = None
) -> ReadingAmendment:
    """Open a signed reading again; the signature stays on record.

    Raises
    ------
    RecordNotFoundError
        If there is no such reading.
    ReadingError
        If nobody or no reason is named, or the reading is not signed.
    """
    origin = origin or Origin()
    if not by.strip() or not reason.strip():
        raise ReadingError("an amendment of a signed reading says who opens it and why; give both")
    with catalogue_of(workspace) as catalogue:
        found = _find(catalogue, reading_uid)
    store = DecisionStore(workspace.readings_folder)
    if reading_uid not in standing_signatures(store):
        raise ReadingError(f"reading {reading_uid} is not signed; it can be changed as it is")
    amendment = ReadingAmendment(
        decision_uid=origin.uid(),
        patient_id=found.lesion.patient_id,
        reading_uid=reading_uid,
        decided_by=by.strip(),
        decided_at=origin.now(),
        reason=reason.strip(),
    )
    store.add(amendment)
    return amendment


def _find(catalogue: Catalogue, reading_uid: str) -> _Found:
    for reading in catalogue.followup.readings():
        if reading.reading_uid == reading_uid:
            return _Found(reading=reading, lesion=catalogue.followup.lesion(reading.lesion_uid))
    raise RecordNotFoundError(f"no reading {reading_uid}; herntrack list readings shows those there are")


def _level_refusal(found: _Found, lock: LevelLock) -> str:
    if lock.level is not found.lesion.level:
        return (
            f"the lesion is at {found.lesion.level.value} and the level shown is {lock.level.value}; show the"
            " lesion's level, then sign"
        )
    return lock.refusal


def _reading_refusal(reading: Reading, reader: str) -> str:
    if reading.is_proposed:
        return "a proposal is nobody's word; accept it first, then sign"
    if reading.superseded_by is not None:
        return f"the reading was replaced by {reading.superseded_by}; sign that one"
    if reading.reader != reader.strip():
        return (
            f"the reading was made by {reading.reader} and {reader.strip() or 'nobody'} would sign it;"
            " a reader signs what they read"
        )
    return ""


def _conflict_refusal(reading: Reading, standing: Iterable[Reading]) -> str:
    for other in standing:
        is_mine = (other.visit_date, other.reader) == (reading.visit_date, reading.reader)
        is_same_stack = other.stack_uid == reading.stack_uid or other.status is not reading.status
        if is_mine and is_same_stack and not other.is_proposed and other.reading_uid != reading.reading_uid:
            return (
                f"two readings of the visit by {reading.reader} stand beside each other"
                f" ({other.reading_uid} is the other); choose one of them, then sign"
            )
    return ""

"""Signing a reading: it is final until an amendment says why it is opened again.

`herntrack.workflows.signatures` says what is signed.

Public: `sign_reading`, `amend_reading`, `Amended`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from herntrack.catalogue.session import Catalogue
from herntrack.errors import ReadingError, RecordNotFoundError, SignedReadingError
from herntrack.model.reading_decisions import ReadingAmendment, ReadingSignature
from herntrack.model.records import Lesion, Reading
from herntrack.model.sentences import sentence
from herntrack.model.vocabulary import ReadingStatus
from herntrack.reading_room.draft_files import saving_locked
from herntrack.reading_room.level_lock import LevelLock
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.reading.saves import store_reading
from herntrack.workflows.reading_masks import reading_mask
from herntrack.workflows.recording import Origin
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.signatures import standing_signatures
from herntrack.workflows.stacks_as_read import ChangedStack, changed_stacks
from herntrack.workflows.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended:
    """The amendment, and the new version that may be changed."""

    amendment: ReadingAmendment
    reading: Reading


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
        slices came to its stack, it is signed already, another of the reader's readings stands beside it,
        or somebody else made it. The message says what to do.
    """
    origin = origin or Origin()
    with catalogue_of(workspace) as catalogue:
        found = _find(catalogue, reading_uid)
        standing = catalogue.followup.readings(found.reading.lesion_uid, is_current=True)
        changed = changed_stacks(workspace, catalogue, [found.reading]).get(reading_uid)
    store = DecisionStore(workspace.readings_folder)
    refusal = (
        _level_refusal(found, level_lock)
        or _reading_refusal(found.reading, reader)
        or _conflict_refusal(found.reading, standing)
        or _slices_refusal(changed)
    )
    earlier = standing_signatures(store).get(reading_uid)
    if not refusal and earlier is not None:
        refusal = sentence("sign_already", by=earlier.decided_by, on=f"{earlier.decided_at:%Y-%m-%d}")
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
    workspace: Workspace, reading_uid: str, *, reader: str, reason: str, origin: Origin | None = None
) -> Amended:
    """Open a signed reading again: a new version takes its place, to be changed and signed anew.

    The signed version, its signature and the reason stay on record.

    Parameters
    ----------
    workspace : Workspace
        The project.
    reading_uid : str
        A signed reading.
    reader : str
        Who amends: the reader of the reading.
    reason : str
        Why.
    origin : Origin, optional
        Clock and identifiers.

    Raises
    ------
    RecordNotFoundError
        If there is no such reading.
    ReadingError
        If nobody or no reason is named, the reading is not signed, or somebody else made it.
    """
    origin = origin or Origin()
    store = DecisionStore(workspace.readings_folder)
    with saving_locked(workspace.readings_folder), catalogue_of(workspace) as catalogue:
        found = _find(catalogue, reading_uid)
        if refusal := _amendment_refusal(found.reading, reader, reason, standing_signatures(store)):
            raise ReadingError(refusal)
        reading, mask = found.reading, None
        if reading.segmentation_file is not None and reading.status is not ReadingStatus.NOT_EVALUABLE:
            mask, _ = reading_mask(catalogue, workspace, reading)
        amendment = ReadingAmendment(
            decision_uid=origin.uid(),
            patient_id=found.lesion.patient_id,
            reading_uid=reading_uid,
            decided_by=reader.strip(),
            decided_at=origin.now(),
            reason=reason.strip(),
        )
        # First, so that being cut off here leaves an open reading and not a replaced signed one.
        store.add(amendment)
        anew = replace(
            reading,
            reading_uid=origin.uid(),
            created_at=origin.now(),
            supersedes=(reading_uid,),
            superseded_by=None,
            source=f"amended: {reason.strip()}",
            source_sha256=None,
        )
        stored = store_reading(
            workspace,
            catalogue,
            anew,
            lesion=found.lesion,
            mask=mask,
            is_semiautomatic=bool(reading.points_lps or reading.proposed_from),
        )
    return Amended(amendment=amendment, reading=stored)


def _find(catalogue: Catalogue, reading_uid: str) -> _Found:
    for reading in catalogue.followup.readings():
        if reading.reading_uid == reading_uid:
            return _Found(reading=reading, lesion=catalogue.followup.lesion(reading.lesion_uid))
    raise RecordNotFoundError(f"no reading {reading_uid}; herntrack list readings shows those there are")


def _amendment_refusal(
    reading: Reading, reader: str, reason: str, signed: Mapping[str, ReadingSignature]
) -> str:
    if not reader.strip() or not reason.strip():
        return "an amendment of a signed reading says who opens it and why; give both"
    if reading.reading_uid not in signed:
        return f"reading {reading.reading_uid} is not signed; it can be changed as it is"
    if reading.reader != reader.strip():
        return sentence("amend_other_reader", by=reading.reader, reader=reader.strip())
    return ""


def _level_refusal(found: _Found, lock: LevelLock) -> str:
    if lock.level is not found.lesion.level:
        return (
            f"the lesion is at {found.lesion.level.value} and the level shown is {lock.level.value}; show the"
            " lesion's level, then sign"
        )
    return lock.refusal


def _reading_refusal(reading: Reading, reader: str) -> str:
    if reading.is_proposed:
        return sentence("sign_proposal")
    if reading.superseded_by is not None:
        return sentence("sign_replaced", newer=reading.superseded_by)
    if reading.reader != reader.strip():
        return sentence("sign_other_reader", by=reading.reader, reader=reader.strip() or "nobody")
    return ""


def _slices_refusal(changed: ChangedStack | None) -> str:
    if changed is None:
        return ""
    if not changed.is_grown:
        return changed.sentence
    return sentence("sign_fewer_slices", n_read=changed.n_read, n_now=changed.n_now)


def _conflict_refusal(reading: Reading, standing: Iterable[Reading]) -> str:
    for other in standing:
        is_mine = (other.visit_date, other.reader) == (reading.visit_date, reading.reader)
        is_same_stack = other.stack_uid == reading.stack_uid or other.status is not reading.status
        if is_mine and is_same_stack and not other.is_proposed and other.reading_uid != reading.reading_uid:
            return sentence("sign_conflict", by=reading.reader, other=other.reading_uid)
    return ""

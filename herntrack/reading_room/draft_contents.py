"""What a draft consists of: its beginning, the reader's judgement, and how its records are replayed.

Public: `DraftBeginning`, `Judgement`, `Replayed`, `beginning_record`, `beginning_of`,
`judgement_record`, `replayed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import numpy as np

from herntrack._typing import MaskZYX
from herntrack.errors import DraftError, HerntrackError
from herntrack.model.base_plane import BasePlane
from herntrack.model.descriptors import NO_DESCRIPTORS, Descriptors
from herntrack.model.facet_line import FacetLine
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import ReadingStatus
from herntrack.reading_room.draft_files import DraftKey
from herntrack.reading_room.journal_format import (
    JournalRecord,
    Kind,
    edit_of,
    packed_mask,
    unpacked_mask,
)
from herntrack.reading_room.mask_session import MaskSession

SCHEMA: Final = 2
"""Version of the layout that is written, and the newest that is read; 1 knew no facet line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a reader says besides the outline.

    Parameters
    ----------
    status : ReadingStatus
        Present, absent or not evaluable.
    reason : str
        Why it is absent or not evaluable; empty for present.
    descriptors : Descriptors
        Type, zone, side and so on.
    """

    status: ReadingStatus = ReadingStatus.PRESENT
    reason: str = ""
    descriptors: Descriptors = NO_DESCRIPTORS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DraftBeginning:
    """What a draft started from; with the records behind it, all that is needed to restore it.

    Parameters
    ----------
    key : DraftKey
        What it is of.
    geometry : VolumeGeometry
        Grid of the stack.
    mask : ndarray of bool, shape `geometry.shape_zyx`
        The mask at the beginning.
    base_plane : BasePlane or None
        The plane at the beginning.
    facet_line : FacetLine or None
        The line between the facets at the beginning.
    judgement : Judgement
        What was said at the beginning.
    known_uids : tuple of str
        The reader's standing readings of the visit at the beginning: any other was made since.
    proposed_from : str or None
        The proposal that the mask was taken from.
    is_semiautomatic : bool
        Whether an algorithm drew the mask.
    """

    key: DraftKey
    geometry: VolumeGeometry
    mask: MaskZYX
    base_plane: BasePlane | None = None
    facet_line: FacetLine | None = None
    judgement: Judgement = Judgement()
    known_uids: tuple[str, ...] = ()
    proposed_from: str | None = None
    is_semiautomatic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replayed:
    """A beginning and all that followed."""

    session: MaskSession
    judgement: Judgement
    is_judgement_saved: bool
    saved_uid: str | None
    n_changes: int


def beginning_record(beginning: DraftBeginning, moment: datetime) -> JournalRecord:
    """Return the record that begins a journal."""
    key = beginning.key
    values: dict[str, Any] = {
        "schema": SCHEMA,
        "at": moment.isoformat(),
        "lesion_uid": key.lesion_uid,
        "visit_date": key.visit_date.isoformat(),
        "reader": key.reader,
        "stack_uid": key.stack_uid,
        "affine_lps": beginning.geometry.as_lists(),
        "shape_zyx": list(beginning.geometry.shape_zyx),
        "base_plane": beginning.base_plane and beginning.base_plane.as_dict(),
        "facet_line": beginning.facet_line and beginning.facet_line.as_dict(),
        "judgement": _judgement_values(beginning.judgement),
        "known_uids": list(beginning.known_uids),
        "proposed_from": beginning.proposed_from,
        "is_semiautomatic": beginning.is_semiautomatic,
    }
    return JournalRecord(kind=Kind.BEGIN, values=values, content=packed_mask(beginning.mask))


def beginning_of(record: JournalRecord) -> DraftBeginning:
    """Return the beginning that a record holds.

    Raises
    ------
    DraftError
        If a value is missing or wrong, or of a newer version.
    """
    values = record.values
    schema = values.get("schema")
    if not isinstance(schema, int) or schema > SCHEMA:
        raise DraftError(
            f"the journal has schema {schema}; this version reads up to {SCHEMA}: update herntrack"
        )
    try:
        geometry = VolumeGeometry(
            affine_lps=np.asarray(values["affine_lps"], dtype=np.float64),
            shape_zyx=tuple(values["shape_zyx"]),
        )
        plane, line = values["base_plane"], values.get("facet_line")
        return DraftBeginning(
            key=DraftKey(
                lesion_uid=values["lesion_uid"],
                visit_date=date.fromisoformat(values["visit_date"]),
                reader=values["reader"],
                stack_uid=values["stack_uid"],
            ),
            geometry=geometry,
            mask=unpacked_mask(record.content, geometry.shape_zyx),
            base_plane=None if plane is None else BasePlane.from_dict(plane),
            facet_line=None if line is None else FacetLine.from_dict(line),
            judgement=_judgement(values["judgement"]),
            known_uids=tuple(values["known_uids"]),
            proposed_from=values["proposed_from"],
            is_semiautomatic=bool(values["is_semiautomatic"]),
        )
    except (KeyError, TypeError, ValueError, HerntrackError) as error:
        raise DraftError(f"the journal's beginning cannot be read: {error!r}") from error


def judgement_record(judgement: Judgement) -> JournalRecord:
    """Return the record of a judgement."""
    return JournalRecord(kind=Kind.JUDGEMENT, values=_judgement_values(judgement))


def replayed(beginning: DraftBeginning, records: Sequence[JournalRecord]) -> Replayed:
    """Return the state that a journal's records lead to.

    Raises
    ------
    DraftError
        If a record holds what cannot follow the one before.
    """
    session = MaskSession(
        beginning.mask,
        beginning.geometry,
        base_plane=beginning.base_plane,
        facet_line=beginning.facet_line,
    )
    judgement, saved_judgement = beginning.judgement, beginning.judgement
    saved_uid: str | None = None
    n_changes = 0
    for record in records:
        if record.kind is Kind.EDIT:
            session.make(edit_of(record))
            n_changes += 1
        elif record.kind in {Kind.UNDO, Kind.REDO}:
            if (session.undo() if record.kind is Kind.UNDO else session.redo()) is None:
                raise DraftError("the journal takes back a change that it does not hold")
        elif record.kind is Kind.JUDGEMENT:
            judgement = _judgement(record.values)
        elif record.kind is Kind.SAVED:
            saved_uid, saved_judgement = str(record.values.get("reading_uid")), judgement
            session.mark_saved()
    return Replayed(
        session=session,
        judgement=judgement,
        is_judgement_saved=judgement == saved_judgement,
        saved_uid=saved_uid,
        n_changes=n_changes,
    )


def _judgement_values(judgement: Judgement) -> dict[str, Any]:
    return {
        "status": judgement.status.value,
        "reason": judgement.reason,
        "descriptors": judgement.descriptors.as_dict(),
    }


def _judgement(values: Any) -> Judgement:
    return Judgement(
        status=ReadingStatus.parse(values["status"]),
        reason=str(values["reason"]),
        descriptors=Descriptors.from_dict(values["descriptors"]),
    )

"""One new reading: drafted, checked, written to the append-only store and then to the catalogue.

What it replaces follows from who judged: a reader's own earlier word on the same visit, and proposals
that it answers. A proposal never replaces what a reader accepted, nor another reader's proposal.

Public: `Origin`, `draft_reading`, `visit_of_stack`, `stack_notes`, `record_reading`, `AUTOMATIC_READER`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from herntrack._typing import MaskZYX
from herntrack.catalogue.session import Catalogue
from herntrack.dicom.uids import fresh_uid
from herntrack.errors import ReadingError
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Lesion, Reading
from herntrack.model.vocabulary import ReadingStatus
from herntrack.readings.store import ReadingStore
from herntrack.volumetrics.comparability import UNMEASURABLE_ROLES
from herntrack.workflows.signatures import refuse_if_signed
from herntrack.workflows.stack_files import stack_headers
from herntrack.workflows.workspace import Workspace

AUTOMATIC_READER = "herntrack"
"""Who a proposal is by that nobody in particular asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where new identifiers and moments come from; tests fix them.

    Parameters
    ----------
    now : callable
        Returns the present moment, UTC.
    uid : callable
        Returns a DICOM UID that nobody else has.
    """

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    uid: Callable[[], str] = fresh_uid


def visit_of_stack(each: CataloguedStack, lesion: Lesion) -> date:
    """Return the visit of a stack that a lesion can be outlined on.

    Raises
    ------
    ReadingError
        If the stack is not the lesion's patient's, cannot be measured on, or has no date.
    """
    if each.study.patient_id != lesion.patient_id:
        raise ReadingError(
            f"stack {each.stack.stack_uid} is of patient {each.study.patient_id}, lesion {lesion.lesion_uid}"
            f" of patient {lesion.patient_id}"
        )
    if not each.stack.is_regular:
        raise ReadingError(
            f"stack {each.stack.stack_uid} cannot be measured on: {'; '.join(each.stack.problems)}."
            " Choose another stack of the visit, or record: herntrack read unevaluable"
        )
    if each.study.study_date is None:
        raise ReadingError(
            f"study {each.study.study_instance_uid} has no date, so it belongs to no visit; correct StudyDate"
        )
    return each.study.study_date


def stack_notes(each: CataloguedStack) -> tuple[str, ...]:
    """Say that what is read on a stack will not count, where nothing is measured on such pictures."""
    if each.stack.role not in UNMEASURABLE_ROLES:
        return ()
    said = (
        f"Stack {each.stack.stack_uid} is a {each.stack.role} ({each.stack.role_evidence}), no image to"
        " measure on: the visit is not evaluable by it. herntrack list proposals names the stack to read."
    )
    return (said,)


def draft_reading(
    origin: Origin,
    lesion: Lesion,
    each: CataloguedStack,
    *,
    visit_date: date,
    reader: str,
    status: ReadingStatus,
    source: str,
    reason: str = "",
    source_sha256: str | None = None,
) -> Reading:
    """Return a reading that is not recorded yet.

    Raises
    ------
    ReadingError
        If nobody is said to have read, or a reading without a mask says no reason.
    """
    if not reader.strip():
        raise ReadingError("a reading has a reader; give --reader NAME")
    if status is not ReadingStatus.PRESENT and not reason.strip():
        raise ReadingError(f"a reading that is {status} says why; give --reason TEXT")
    return Reading(
        reading_uid=origin.uid(),
        lesion_uid=lesion.lesion_uid,
        visit_date=visit_date,
        reader=reader.strip(),
        status=status,
        reason=reason.strip(),
        stack_uid=each.stack.stack_uid,
        series_instance_uid=each.series.series_instance_uid,
        study_instance_uid=each.study.study_instance_uid,
        modality=each.series.modality,
        created_at=origin.now(),
        source=source,
        source_sha256=source_sha256,
    )


def record_reading(
    catalogue: Catalogue,
    workspace: Workspace,
    draft: Reading,
    *,
    lesion: Lesion,
    each: CataloguedStack,
    mask: MaskZYX | None,
    is_semiautomatic: bool = False,
) -> Reading:
    """Write a reading to the store, then to the catalogue.

    Parameters
    ----------
    catalogue, workspace : Catalogue, Workspace
        The project, open.
    draft : Reading
        The reading; what it supersedes is added to what the draft names.
    lesion : Lesion
        Its lesion.
    each : CataloguedStack
        What was read.
    mask : ndarray of bool, shape (n_slices, n_rows, n_cols), or None
        Voxels of the lesion on the stack's grid.
    is_semiautomatic : bool
        Whether an algorithm drew the outline.

    Returns
    -------
    Reading
        As stored.

    Raises
    ------
    ReadingError
        If the reading contradicts itself or the store.
    SignedReadingError
        If a reading that it would replace is signed.
    """
    superseded = dict.fromkeys((*draft.supersedes, *_superseded(catalogue, draft)))
    refuse_if_signed(workspace, superseded)
    stored = ReadingStore(workspace.readings_folder).add_reading(
        replace(draft, supersedes=tuple(superseded)),
        lesion=lesion,
        mask=mask,
        source_images=stack_headers(workspace, catalogue.images, each.stack.stack_uid),
        geometry=each.stack.geometry,
        is_semiautomatic=is_semiautomatic,
    )
    catalogue.followup.add_reading(stored)
    return stored


def _superseded(catalogue: Catalogue, draft: Reading) -> tuple[str, ...]:
    """Return the standing readings of the visit that a new one replaces."""
    return tuple(
        other.reading_uid
        for other in catalogue.followup.readings(draft.lesion_uid, is_current=True)
        if other.visit_date == draft.visit_date and _replaces(draft, other)
    )


def _replaces(draft: Reading, other: Reading) -> bool:
    """Return whether a new reading takes the place of a standing one of the same visit.

    A reader's masks on two stacks (sagittal and axial) stand beside each other; the word that
    nothing is left, or that nothing can be judged, speaks for the whole visit. A proposal is the
    newest one's alone, whatever it was drawn on.
    """
    is_same_judge = other.reader == draft.reader
    if other.is_proposed:
        return is_same_judge or other.reader == AUTOMATIC_READER
    if draft.is_proposed:
        return False
    both_masks = other.status is draft.status is ReadingStatus.PRESENT
    return is_same_judge and (not both_masks or other.stack_uid == draft.stack_uid)

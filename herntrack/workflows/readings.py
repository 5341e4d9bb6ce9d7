"""Recording what readers say: lesions, masks from elsewhere, absent and not evaluable.

Every reading is checked against the catalogue first, then written to the append-only
store, then to the catalogue. A reading of the same lesion, visit and reader on the same
stack is superseded, never overwritten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from herntrack._typing import MaskZYX
from herntrack.catalogue.session import Catalogue
from herntrack.dicom.uids import fresh_uid
from herntrack.errors import AmbiguousChoiceError, ReadingError, RecordNotFoundError
from herntrack.model.records import CataloguedStack, Lesion, Reading
from herntrack.model.vocabulary import HerniationType, Level, ReadingStatus, Side
from herntrack.readings.store import ReadingStore
from herntrack.workflows.mask_import import ImportedMask, read_mask, referenced_stack
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.stack_choice import choose_stack_for_visit
from herntrack.workflows.stack_files import stack_headers
from herntrack.workflows.workspace import Workspace


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedLesion:
    """A new lesion, and what a person should know of it."""

    lesion: Lesion
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedReading:
    """A new reading with the volume of its mask."""

    reading: Reading
    n_voxels: int
    volume_mm3: float
    notes: tuple[str, ...] = ()


def add_lesion(
    workspace: Workspace,
    *,
    patient_id: str,
    level: Level,
    side: Side | None = None,
    herniation_type: HerniationType | None = None,
    origin: Origin | None = None,
    lesion_uid: str | None = None,
) -> AddedLesion:
    """Record a new lesion of a catalogued patient.

    Parameters
    ----------
    workspace : Workspace
        The project.
    patient_id : str
        A patient of the catalogue.
    level : Level
        Disc level.
    side, herniation_type : Side, HerniationType, optional
        What is known of it.
    origin : Origin, optional
        Clock and identifiers.
    lesion_uid : str, optional
        Tracking UID from elsewhere; by default a fresh one.

    Raises
    ------
    RecordNotFoundError
        If the catalogue has no such patient.
    """
    origin = origin or Origin()
    with catalogue_of(workspace) as catalogue:
        known = [patient.patient_id for patient in catalogue.images.patients()]
        if patient_id not in known:
            raise RecordNotFoundError(
                f"no patient {patient_id!r} in the catalogue;"
                f" herntrack list patients shows the {len(known)} there are"
            )
        lesion = Lesion(
            lesion_uid=lesion_uid or origin.uid(),
            patient_id=patient_id,
            level=level,
            side=side,
            type=herniation_type,
            created_at=origin.now(),
        )
        notes = tuple(
            f"lesion {other.lesion_uid} is at the same level and side;"
            " if it is the same herniation, use that one"
            for other in catalogue.followup.lesions(patient_id)
            if (other.level, other.side) == (level, side)
        )
        ReadingStore(workspace.readings_folder).add_lesion(lesion)
        catalogue.followup.add_lesion(lesion)
    return AddedLesion(lesion=lesion, notes=notes)


def import_mask(
    workspace: Workspace,
    file: Path,
    *,
    lesion_uid: str,
    reader: str,
    stack_uid: str | None = None,
    series_instance_uid: str | None = None,
    labels: Sequence[int] = (),
    origin: Origin | None = None,
) -> AddedReading:
    """Record a mask from elsewhere as a reading.

    Parameters
    ----------
    workspace : Workspace
        The project.
    file : Path
        DICOM SEG, NIfTI, NRRD or MHA.
    lesion_uid, reader : str
        Whose judgement of what.
    stack_uid, series_instance_uid : str, optional
        What it was read on. A series must have one stack only. A DICOM SEG may name its
        series itself.
    labels : sequence of int
        Which labels of the file are the lesion; may be left out if there is only one.
    origin : Origin, optional
        Clock and identifiers.

    Raises
    ------
    RecordNotFoundError, AmbiguousChoiceError
        If lesion, stack or series are unknown, or several would fit.
    GeometryMismatchError
        If the mask's grid is not the stack's, with the numbers.
    ReadingError
        If the mask is empty, or the stack is not the lesion's patient's or not measurable.
    """
    origin = origin or Origin()
    with catalogue_of(workspace) as catalogue:
        lesion = catalogue.followup.lesion(lesion_uid)
        each = _stack_to_read(catalogue, file, stack_uid=stack_uid, series_instance_uid=series_instance_uid)
        visit_date = _check_stack(each, lesion)
        imported = read_mask(catalogue.images, file, each.stack, labels=labels)
        if not imported.mask.any():
            raise ReadingError(
                f"{file.name} holds no voxel of the lesion; if none is left, say so with:"
                f" herntrack read absent --lesion {lesion_uid} --visit {visit_date}"
                " --reader NAME --reason TEXT"
            )
        reading = _record(
            catalogue,
            workspace,
            _draft(
                origin,
                lesion,
                each,
                visit_date=visit_date,
                reader=reader,
                status=ReadingStatus.PRESENT,
                source=f"import {imported.format_name}",
                source_sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
            ),
            lesion=lesion,
            each=each,
            mask=imported.mask,
        )
    return _added(reading, each, imported)


def read_without_mask(
    workspace: Workspace,
    *,
    lesion_uid: str,
    visit_date: date,
    reader: str,
    status: ReadingStatus,
    reason: str,
    stack_uid: str | None = None,
    origin: Origin | None = None,
) -> AddedReading:
    """Record that a lesion is absent at a visit, or that the visit cannot be judged.

    Parameters
    ----------
    workspace : Workspace
        The project.
    lesion_uid, reader : str
        Whose judgement of what.
    visit_date : date
        The visit.
    status : ReadingStatus
        Absent or not evaluable.
    reason : str
        Why; a reading without a mask always says.
    stack_uid : str, optional
        What was looked at; by default the stack of that visit most like what the lesion
        was read on before.
    origin : Origin, optional
        Clock and identifiers.

    Raises
    ------
    RecordNotFoundError
        If the lesion or the visit is unknown.
    AmbiguousChoiceError
        If the visit has stacks of several modalities and nothing says which was read.
    """
    origin = origin or Origin()
    with catalogue_of(workspace) as catalogue:
        lesion = catalogue.followup.lesion(lesion_uid)
        each = choose_stack_for_visit(
            catalogue, lesion, visit_date, stack_uid=stack_uid, must_be_regular=status is ReadingStatus.ABSENT
        )
        reading = _record(
            catalogue,
            workspace,
            _draft(
                origin,
                lesion,
                each,
                visit_date=visit_date,
                reader=reader,
                status=status,
                reason=reason,
                source="reader's word",
            ),
            lesion=lesion,
            each=each,
            mask=None,
        )
    return AddedReading(reading=reading, n_voxels=0, volume_mm3=0.0)


def _stack_to_read(
    catalogue: Catalogue, file: Path, *, stack_uid: str | None, series_instance_uid: str | None
) -> CataloguedStack:
    if stack_uid is not None:
        return catalogue.images.stack(stack_uid)
    if series_instance_uid is None:
        return referenced_stack(catalogue.images, file)
    found = catalogue.images.stacks(series_instance_uid=series_instance_uid)
    if not found:
        raise RecordNotFoundError(
            f"no series {series_instance_uid} in the catalogue; herntrack list series shows those there are"
        )
    if len(found) > 1:
        candidates = "; ".join(
            f"--stack {each.stack.stack_uid} ({each.stack.plane}, {each.stack.geometry.shape_zyx[0]} slices)"
            for each in found
        )
        raise AmbiguousChoiceError(
            f"series {series_instance_uid} has {len(found)} stacks; name one: {candidates}"
        )
    return found[0]


def _check_stack(each: CataloguedStack, lesion: Lesion) -> date:
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


def _draft(
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


def _record(
    catalogue: Catalogue,
    workspace: Workspace,
    draft: Reading,
    *,
    lesion: Lesion,
    each: CataloguedStack,
    mask: MaskZYX | None,
) -> Reading:
    """Write a reading to the store, then to the catalogue."""
    from dataclasses import replace

    complete = replace(draft, supersedes=_superseded(catalogue, draft))
    stored = ReadingStore(workspace.readings_folder).add_reading(
        complete,
        lesion=lesion,
        mask=mask,
        source_images=stack_headers(workspace, catalogue.images, each.stack.stack_uid),
        geometry=each.stack.geometry,
    )
    catalogue.followup.add_reading(stored)
    return stored


def _superseded(catalogue: Catalogue, draft: Reading) -> tuple[str, ...]:
    """Return the reader's own standing readings of the visit that the new one replaces.

    Masks on two stacks (sagittal and axial) stand beside each other; the word that nothing
    is left, or that nothing can be judged, speaks for the whole visit.
    """
    replaced = []
    for other in catalogue.followup.readings(draft.lesion_uid, is_current=True):
        is_same_judge = (other.visit_date, other.reader) == (draft.visit_date, draft.reader)
        both_masks = other.status is draft.status is ReadingStatus.PRESENT
        if is_same_judge and (not both_masks or other.stack_uid == draft.stack_uid):
            replaced.append(other.reading_uid)
    return tuple(replaced)


def _added(reading: Reading, each: CataloguedStack, imported: ImportedMask) -> AddedReading:
    n_voxels = int(np.count_nonzero(imported.mask))
    return AddedReading(
        reading=reading,
        n_voxels=n_voxels,
        volume_mm3=n_voxels * each.stack.geometry.voxel_volume_mm3,
        notes=imported.notes,
    )

"""Recording what readers say: lesions, masks from elsewhere, absent and not evaluable.

Every reading is checked against the catalogue first, then written to the append-only
store, then to the catalogue (`herntrack.workflows.recording`). A reading of the same lesion, visit
and reader on the same stack is superseded, never overwritten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from herntrack.catalogue.session import Catalogue
from herntrack.errors import AmbiguousChoiceError, ReadingError, RecordNotFoundError
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Lesion, Reading
from herntrack.model.vocabulary import HerniationType, Level, ReadingStatus, Side
from herntrack.readings.store import ReadingStore
from herntrack.volumetrics.rules import load_rules
from herntrack.workflows.patients.known_patients import require_patient
from herntrack.workflows.reading.mask_import import ImportedMask, read_mask, referenced_stack, size_notes
from herntrack.workflows.recording import (
    Origin,
    draft_reading,
    record_reading,
    stack_notes,
    visit_of_stack,
)
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.stack_choice import choose_stack_for_visit
from herntrack.workflows.workspace import Workspace

__all__ = [
    "AddedLesion",
    "AddedReading",
    "Origin",
    "add_lesion",
    "import_mask",
    "read_without_mask",
    "record_reading",
]


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
    is_another: bool = False,
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
    is_another : bool
        Whether it is known to be another one than those at the same level and side.

    Raises
    ------
    RecordNotFoundError
        If the catalogue has no such patient.
    AmbiguousChoiceError
        If a lesion at the same level and side is there already and this is not said to be another; where
        a side is not known, that is only noted.
    """
    origin = origin or Origin()
    with catalogue_of(workspace) as catalogue:
        require_patient(workspace, catalogue, patient_id)
        lesion = Lesion(
            lesion_uid=lesion_uid or origin.uid(),
            patient_id=patient_id,
            level=level,
            side=side,
            type=herniation_type,
            created_at=origin.now(),
        )
        notes = _beside(catalogue.followup.lesions(patient_id), lesion, is_another=is_another)
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
        If the mask is empty or larger than any fragment, or the stack is not the lesion's patient's or not
        measurable.
    """
    origin = origin or Origin()
    with catalogue_of(workspace) as catalogue:
        lesion = catalogue.followup.lesion(lesion_uid)
        each = _stack_to_read(catalogue, file, stack_uid=stack_uid, series_instance_uid=series_instance_uid)
        visit_date = visit_of_stack(each, lesion)
        imported = read_mask(catalogue.images, file, each.stack, labels=labels)
        if not imported.mask.any():
            raise ReadingError(
                f"{file.name} holds no voxel of the lesion; if none is left, say so with:"
                f" herntrack read absent --lesion {lesion_uid} --visit {visit_date}"
                " --reader NAME --reason TEXT"
            )
        notes = (*imported.notes, *stack_notes(each), *size_notes(imported.mask, each.stack, file))
        imported = replace(imported, notes=notes)
        reading = record_reading(
            catalogue,
            workspace,
            draft_reading(
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
            catalogue,
            lesion,
            visit_date,
            stack_uid=stack_uid,
            must_be_regular=status is ReadingStatus.ABSENT,
            rules=load_rules(workspace.rules_source),
        )
        reading = record_reading(
            catalogue,
            workspace,
            draft_reading(
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


def _beside(others: Sequence[Lesion], lesion: Lesion, *, is_another: bool) -> tuple[str, ...]:
    """Return what to know of lesions beside a new one; refuse one that may be there already."""
    near = [other for other in others if other.level is lesion.level]
    same = [other for other in near if other.side is lesion.side is not None]
    if same and not is_another:
        found = "; ".join(
            f"{other.lesion_uid}, {other.type or 'no type'}, recorded on {other.created_at.date()}"
            for other in same
        )
        raise AmbiguousChoiceError(
            f"patient {lesion.patient_id} has a lesion at {lesion.level},"
            f" {lesion.side}, already: {found}. If it is the same herniation, read that one"
            " (--lesion UID); if it is another one, add it with --another"
        )
    return tuple(
        f"lesion {other.lesion_uid} is at the same level ({other.side or 'no side'}); if it is the same"
        " herniation, use that one"
        for other in near
        if other in same or other.side is None or lesion.side is None
    )


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


def _added(reading: Reading, each: CataloguedStack, imported: ImportedMask) -> AddedReading:
    n_voxels = int(np.count_nonzero(imported.mask))
    return AddedReading(
        reading=reading,
        n_voxels=n_voxels,
        volume_mm3=n_voxels * each.stack.geometry.voxel_volume_mm3,
        notes=imported.notes,
    )

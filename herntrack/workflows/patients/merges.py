"""Two PatientIDs of one person, followed as one: decided by people, applied to the catalogue.

A merge is a record beside the readings (`herntrack.readings.decisions`); what follows from it
for the catalogue stands in `herntrack.workflows.patients.merged_rows`.

Public: `merge_patients`, `split_patient`, `MovedPatient`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from herntrack.catalogue.session import Catalogue
from herntrack.errors import CatalogueError, RecordNotFoundError
from herntrack.model.decisions import PatientMerge, PatientSplit
from herntrack.model.images import Study
from herntrack.model.records import Lesion
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.patients.known_patients import require_patient
from herntrack.workflows.patients.merged_rows import (
    UNIDENTIFIED,
    apply_merges,
    given_patient_ids,
    own_merges,
    own_patient_ids,
    patients_followed_as,
    recorded_lesions,
    undo_merges,
)
from herntrack.workflows.patients.people import contradictions
from herntrack.workflows.patients.visits import write_visits
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace
from herntrack.workflows.workspace_lock import workspace_locked

if TYPE_CHECKING:
    from herntrack.workflows.recording import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedPatient:
    """What a merge or a split did.

    Parameters
    ----------
    patient_id : str
        The PatientID whose images were moved.
    into_patient_id : str
        Under which they are followed now.
    n_studies, n_lesions : int
        How many studies and lesions were moved.
    notes : tuple of str
        What a person should look at.
    """

    patient_id: str
    into_patient_id: str
    n_studies: int
    n_lesions: int
    notes: tuple[str, ...] = ()


def merge_patients(
    workspace: Workspace,
    patient_id: str,
    into_patient_id: str,
    *,
    decided_by: str,
    reason: str = "",
    is_forced: bool = False,
    origin: Origin | None = None,
) -> MovedPatient:
    """Follow the images under one PatientID under another from now on.

    Parameters
    ----------
    workspace : Workspace
        The project.
    patient_id, into_patient_id : str
        The PatientID that is given up, and the one that is kept.
    decided_by, reason : str
        Who says that it is one person, and why.
    is_forced : bool
        Merge although birth date, sex or name contradict.
    origin : Origin, optional
        Clock and identifiers.

    Raises
    ------
    RecordNotFoundError
        If the catalogue has no such patient.
    CatalogueError
        If the two contradict each other.
    """
    origin = origin or _default_origin()
    with workspace_locked(workspace.folder), catalogue_of(workspace) as catalogue:
        if patient_id == into_patient_id:
            raise CatalogueError(f"{patient_id} cannot be merged into itself; name two patients")
        for each in (patient_id, into_patient_id):
            require_patient(workspace, catalogue, each)
        studies = [each for each in catalogue.images.studies() if each.patient_id == patient_id]
        kept = [each for each in catalogue.images.studies() if each.patient_id == into_patient_id]
        _require_read_studies(studies, given_patient_ids(workspace, catalogue))
        against = contradictions(each.person for each in (*studies, *kept))
        if against and not is_forced:
            raise CatalogueError(
                f"{patient_id} ({len(studies)} studies) and {into_patient_id} ({len(kept)} studies) are not"
                f" alike: {'; '.join(against)}. herntrack list patients --names shows what the files say;"
                " --force merges them all the same"
            )
        lesions = catalogue.followup.lesions(patient_id)
        notes = _doubled_lesions(lesions, catalogue.followup.lesions(into_patient_id))
        DecisionStore(workspace.readings_folder).add(
            PatientMerge(
                decision_uid=origin.uid(),
                patient_id=patient_id,
                into_patient_id=into_patient_id,
                decided_by=decided_by,
                decided_at=origin.now(),
                reason=reason,
            )
        )
        _rewrite(workspace, catalogue)
    return MovedPatient(
        patient_id=patient_id,
        into_patient_id=into_patient_id,
        n_studies=len(studies),
        n_lesions=len(lesions),
        notes=notes,
    )


def split_patient(
    workspace: Workspace,
    patient_id: str,
    *,
    decided_by: str,
    reason: str = "",
    is_forced: bool = False,
    origin: Origin | None = None,
) -> MovedPatient:
    """Take a merge back: the PatientID that was given up stands for itself again.

    Parameters
    ----------
    workspace : Workspace
        The project.
    patient_id : str
        The PatientID that was merged into another.
    decided_by, reason : str
        Who says so, and why.
    is_forced : bool
        Split although lesions have readings on both sides.
    origin : Origin, optional
        Clock and identifiers.

    Raises
    ------
    RecordNotFoundError
        If the PatientID is not merged into another.
    CatalogueError
        If a lesion that stays has readings on images that go, or the other way round.
    """
    origin = origin or _default_origin()
    store = DecisionStore(workspace.readings_folder)
    decisions = store.standing()
    into = own_merges(decisions).get(patient_id)
    if into is None:
        raise RecordNotFoundError(
            f"{patient_id!r} is not merged into another patient; herntrack patient decisions lists the merges"
        )
    split = PatientSplit(
        decision_uid=origin.uid(),
        patient_id=patient_id,
        decided_by=decided_by,
        decided_at=origin.now(),
        reason=reason,
    )
    after = patients_followed_as([*decisions, split])
    with workspace_locked(workspace.folder), catalogue_of(workspace) as catalogue:
        before_studies, before_lesions = catalogue.images.studies(), catalogue.followup.lesions()
        torn = _torn_lesions(workspace, catalogue, after)
        if torn and not is_forced:
            raise CatalogueError(
                f"{len(torn)} lesion(s) have readings on images of both {patient_id} and {into}:"
                f" {', '.join(torn)}; --force splits them all the same, and herntrack check names them then"
            )
        store.add(split)
        _rewrite(workspace, catalogue)
        return MovedPatient(
            patient_id=patient_id,
            into_patient_id=patient_id,
            n_studies=_n_moved(before_studies, catalogue.images.studies()),
            n_lesions=_n_moved(before_lesions, catalogue.followup.lesions()),
            notes=tuple(f"lesion {uid} has readings on images of another patient" for uid in torn),
        )


def _rewrite(workspace: Workspace, catalogue: Catalogue) -> None:
    undo_merges(workspace, catalogue)
    apply_merges(workspace, catalogue)
    catalogue.images.drop_empty()
    write_visits(workspace, catalogue.images)


def _require_read_studies(studies: Iterable[Study], given: Mapping[str, str]) -> None:
    """Refuse studies of which nobody knows what their files state: a merge could not be taken back."""
    for study in studies:
        is_known = study.stated_patient_id or study.study_instance_uid in given
        if not is_known and not study.patient_id.startswith(UNIDENTIFIED):
            raise CatalogueError(
                f"study {study.study_instance_uid} was catalogued by an earlier version, which did not keep"
                " the PatientID that its files state; run herntrack rebuild, then merge"
            )


def _doubled_lesions(moved: Iterable[Lesion], kept: Iterable[Lesion]) -> tuple[str, ...]:
    known = {(lesion.level, lesion.side): lesion.lesion_uid for lesion in kept}
    return tuple(
        f"lesions {lesion.lesion_uid} and {known[lesion.level, lesion.side]} are at the same level and side"
        f" ({lesion.level}); if they are one herniation, read on under one of them"
        for lesion in moved
        if (lesion.level, lesion.side) in known
    )


def _torn_lesions(workspace: Workspace, catalogue: Catalogue, followed_as: Mapping[str, str]) -> list[str]:
    """Return the lesions with a reading on images of another patient than their own, once split."""
    own = {
        uid: followed_as.get(patient_id, patient_id)
        for uid, patient_id in own_patient_ids(workspace, catalogue).items()
    }
    torn = []
    for lesion in recorded_lesions(workspace):
        patient_id = followed_as.get(lesion.patient_id, lesion.patient_id)
        read_on = {
            own.get(reading.study_instance_uid or "", patient_id)
            for reading in catalogue.followup.readings(lesion.lesion_uid, is_current=True)
        }
        if read_on - {patient_id}:
            torn.append(lesion.lesion_uid)
    return torn


def _n_moved(before: Iterable[Study] | Iterable[Lesion], after: Iterable[Study] | Iterable[Lesion]) -> int:
    was = {_uid(each): each.patient_id for each in before}
    return sum(was.get(_uid(each), each.patient_id) != each.patient_id for each in after)


def _uid(record: Study | Lesion) -> str:
    return record.study_instance_uid if isinstance(record, Study) else record.lesion_uid


def _default_origin() -> Origin:
    # Loading what readings need takes longer than most ingests.
    from herntrack.workflows.recording import Origin

    return Origin()

"""What the catalogue shows of merged patients: their studies and lesions under one PatientID.

Before files are taken into the catalogue the merges are undone there and afterwards applied,
so that the rows do not depend on the order of files and decisions.

Public: `patients_followed_as`, `apply_merges`, `undo_merges`, `unapplied_merges`, `own_merges`,
`own_patient_ids`, `given_patient_ids`, `recorded_lesions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from herntrack.catalogue.session import Catalogue
from herntrack.dicom.header_rules import derived_patient_id
from herntrack.model.decisions import Decision, PatientMerge, standing_decisions
from herntrack.model.images import Patient
from herntrack.model.records import Lesion
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.workspace import Workspace

UNIDENTIFIED = "unidentified-"
"""How a PatientID begins that stands in for a missing one; see `derived_patient_id`."""


def patients_followed_as(decisions: Iterable[Decision]) -> dict[str, str]:
    """Return under which patient each merged PatientID is followed, chains resolved.

    A merge that would close a circle with earlier ones does not count.
    """
    into: dict[str, str] = {}
    for patient_id, target in own_merges(decisions).items():
        end = target
        while end in into:
            end = into[end]
        if end != patient_id:
            into[patient_id] = target
    resolved = {}
    for patient_id in into:
        end = patient_id
        while end in into:
            end = into[end]
        resolved[patient_id] = end
    return resolved


def apply_merges(workspace: Workspace, catalogue: Catalogue) -> bool:
    """Put studies and lesions under the patient they are followed under; return whether any is merged.

    Visits are not written here; patients that nothing is left of are removed.
    """
    followed_as = patients_followed_as(DecisionStore(workspace.readings_folder).decisions())
    _move(
        catalogue,
        {study.study_instance_uid: study.patient_id for study in catalogue.images.studies()},
        followed_as,
    )
    for lesion in catalogue.followup.lesions():
        if lesion.patient_id in followed_as:
            catalogue.followup.move_lesion(lesion.lesion_uid, followed_as[lesion.patient_id])
    if followed_as:
        catalogue.images.drop_empty()
    return bool(followed_as)


def undo_merges(workspace: Workspace, catalogue: Catalogue) -> None:
    """Put studies and lesions under the patient that the files and the lesions' records say."""
    if not any(
        isinstance(each, PatientMerge) for each in DecisionStore(workspace.readings_folder).decisions()
    ):
        return
    _move(catalogue, own_patient_ids(workspace, catalogue), {})
    known = {patient.patient_id for patient in catalogue.images.patients()}
    recorded = {lesion.lesion_uid: lesion.patient_id for lesion in recorded_lesions(workspace)}
    for lesion in catalogue.followup.lesions():
        patient_id = recorded.get(lesion.lesion_uid, lesion.patient_id)
        if patient_id != lesion.patient_id:
            if patient_id not in known:
                catalogue.images.add_images(patients=[_patient(patient_id)])
                known.add(patient_id)
            catalogue.followup.move_lesion(lesion.lesion_uid, patient_id)


def _move(catalogue: Catalogue, patients: Mapping[str, str], followed_as: Mapping[str, str]) -> None:
    """Write the patient of each study, by study; patients that are not known yet are added."""
    known = {patient.patient_id for patient in catalogue.images.patients()}
    for study in catalogue.images.studies():
        patient_id = patients[study.study_instance_uid]
        patient_id = followed_as.get(patient_id, patient_id)
        if patient_id == study.patient_id:
            continue
        if patient_id not in known:
            catalogue.images.add_images(patients=[_patient(patient_id)])
            known.add(patient_id)
        catalogue.images.replace_studies([replace(study, patient_id=patient_id)])


def own_patient_ids(workspace: Workspace, catalogue: Catalogue) -> dict[str, str]:
    """Return each study's patient without any merge: stated, else given with its root, else derived.

    A study without a stated PatientID stays where it is unless one of the others was merged: it
    may be a row of an older catalogue, of which nobody knows yet what its files state.
    """
    merged = {
        each.patient_id
        for each in DecisionStore(workspace.readings_folder).decisions()
        if isinstance(each, PatientMerge)
    }
    own, unstated = {}, []
    for study in catalogue.images.studies():
        own[study.study_instance_uid] = study.stated_patient_id or study.patient_id
        if not study.stated_patient_id:
            unstated.append(study.study_instance_uid)
    given = given_patient_ids(workspace, catalogue) if unstated else {}
    for uid in unstated:
        patient_id = given.get(uid) or derived_patient_id(uid)
        if patient_id in merged:
            own[uid] = patient_id
    return own


def given_patient_ids(workspace: Workspace, catalogue: Catalogue) -> dict[str, str]:
    """Return by study the PatientID that was given with the root of its files."""
    given = {root.name: root.patient_id for root in workspace.settings.roots if root.patient_id}
    if not given:
        return {}
    study_of = {each.series_instance_uid: each.study_instance_uid for each in catalogue.images.series()}
    return {
        study_of[image.series_instance_uid]: given[image.location.root]
        for image in catalogue.images.known_images()
        if image.location.root in given
    }


def _patient(patient_id: str) -> Patient:
    return Patient(patient_id=patient_id, is_identified=not patient_id.startswith(UNIDENTIFIED))


def own_merges(decisions: Iterable[Decision]) -> dict[str, str]:
    """Return the standing merges, the oldest first, as they were said."""
    return {
        each.patient_id: each.into_patient_id
        for each in standing_decisions(decisions)
        if isinstance(each, PatientMerge)
    }


def unapplied_merges(workspace: Workspace, catalogue: Catalogue) -> list[str]:
    """Return the merged PatientIDs that still have studies or lesions of their own."""
    followed_as = patients_followed_as(DecisionStore(workspace.readings_folder).decisions())
    shown = {study.patient_id for study in catalogue.images.studies()}
    shown |= {lesion.patient_id for lesion in catalogue.followup.lesions()}
    return sorted(shown & followed_as.keys())


def recorded_lesions(workspace: Workspace) -> list[Lesion]:
    """Return the lesions as their records have them, under the PatientID of that time.

    Records that cannot be read are left out; check and rebuild name them.
    """
    from herntrack.readings.store import ReadingStore

    return list(ReadingStore(workspace.readings_folder).readable().lesions)

"""What an ingest tells of people and visits: how much there is to decide, and where.

Names and birth dates are never told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from herntrack.catalogue.images import ImageRepository
from herntrack.dicom.scan import Scanned, ScanResult
from herntrack.model.images import Person, Study
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.patients.people import look_for_people
from herntrack.workflows.patients.visits import close_visits
from herntrack.workflows.workspace import Workspace

LISTED = 5
"""Patients that are named before the rest is counted."""


def people_notes(workspace: Workspace, images: ImageRepository, read: Iterable[ScanResult]) -> list[str]:
    """Return what a person should know or decide, with the command that settles it.

    Parameters
    ----------
    workspace : Workspace
        The project.
    images : ImageRepository
        An open catalogue, with everything written.
    read : iterable of ScanResult
        What this run read, one for each file.
    """
    studies = images.studies()
    people = look_for_people(studies)
    notes = [*_character_set_notes(studies), *_person_notes(studies, read)]
    if people.proposals:
        notes.append(
            f"{len(people.proposals)} pair(s) of PatientIDs may be one person each; nothing was merged:"
            " herntrack patient proposals"
        )
    if people.mixtures:
        notes.append(
            f"{len(people.mixtures)} PatientID(s) may hold two people"
            f" ({_some([each.patient_id for each in people.mixtures])}): herntrack patient proposals"
        )
    for one, other in close_visits(images.visits()):
        notes.append(
            f"patient {one.patient_id} has visits on {one.visit_date} and {other.visit_date}; they stay two"
            " visits, so choose for each lesion which of them is read"
        )
    notes += [
        f"{file}: {sentence}" for _, file, sentence in DecisionStore(workspace.readings_folder).problems()
    ]
    return notes


def _character_set_notes(studies: Iterable[Study]) -> list[str]:
    reread = Counter(
        study.person.read_as.split(":", maxsplit=1)[0]
        for study in studies
        if ", stated " in study.person.read_as
    )
    return [f"names of {count} study(ies) are read as {how}" for how, count in sorted(reread.items())]


def _person_notes(studies: Iterable[Study], read: Iterable[ScanResult]) -> list[str]:
    of_study: dict[str, Person] = {study.study_instance_uid: study.person for study in studies}
    # Thousands of files share few of these.
    shown = [each.image for each in read if isinstance(each, Scanned)]
    n_files, images = Counter(map(id, shown)), dict(zip(map(id, shown), shown, strict=True))
    n_other = sum(
        n_files[key]
        for key, image in images.items()
        if image.person != of_study.get(image.study_instance_uid, image.person)
    )
    if not n_other:
        return []
    return [f"name, birth date or sex differ from those of the study's first file in {n_other} file(s)"]


def _some(patient_ids: list[str]) -> str:
    shown = ", ".join(patient_ids[:LISTED])
    return shown if len(patient_ids) <= LISTED else f"{shown} and {len(patient_ids) - LISTED} more"

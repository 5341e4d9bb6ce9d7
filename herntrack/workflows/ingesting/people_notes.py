"""What an ingest tells of people and visits: how much there is to decide, and where.

Names and birth dates are never told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from herntrack.catalogue.images import ImageRepository
from herntrack.dicom.scan import Scanned, ScanResult
from herntrack.model.images import Study
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.ingesting.notes import MOST_NAMED, first_few
from herntrack.workflows.patients.people import look_for_people
from herntrack.workflows.patients.visits import close_visits
from herntrack.workflows.workspace import Workspace


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
    close = [
        f"patient {one.patient_id} has visits on {one.visit_date} and {other.visit_date}; they stay two"
        " visits, so choose for each lesion which of them is read"
        for one, other in close_visits(images.visits())
    ]
    notes += first_few(close, "visits lie as close: herntrack list visits")
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
    of_study = {study.study_instance_uid: study for study in studies}
    # Thousands of files share few of these.
    shown = [each.image for each in read if isinstance(each, Scanned)]
    n_files, images = Counter(map(id, shown)), dict(zip(map(id, shown), shown, strict=True))
    n_others = n_other_days = 0
    for key, image in images.items():
        study = of_study.get(image.study_instance_uid)
        if study is not None:
            n_others += n_files[key] * (image.person != study.person)
            n_other_days += n_files[key] * (image.study_date != study.study_date)
    notes = []
    if n_others:
        notes.append(
            f"name, birth date or sex differ from those of the study's first file in {n_others} file(s)"
        )
    if n_other_days:
        notes.append(
            f"the study's date differs from that of the study's first file in {n_other_days} file(s); the"
            " visit is that of the first file"
        )
    return notes


def _some(patient_ids: list[str]) -> str:
    shown = ", ".join(patient_ids[:MOST_NAMED])
    return shown if len(patient_ids) <= MOST_NAMED else f"{shown} and {len(patient_ids) - MOST_NAMED} more"

"""Whether everything the workspace says still stands."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from herntrack.catalogue.session import Catalogue
from herntrack.readings.store import ReadingStore
from herntrack.workflows.check_readings import reading_problems
from herntrack.workflows.patients.merged_rows import unapplied_merges
from herntrack.workflows.progress import Progress, silent
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import SETTINGS_FILE, Workspace

LISTED_FILES = 5
"""Missing or changed files of one root that are named before the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSummary:
    """What was looked at, and what is wrong; empty `problems` means that all is well.

    `notes` say what could not be looked at although nothing is wrong.
    """

    n_images: int
    n_readings: int
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()


def check(workspace: Workspace, *, has_pixels: bool = False, progress: Progress = silent) -> CheckSummary:
    """Compare the catalogue with the images and the store of readings.

    Parameters
    ----------
    workspace : Workspace
        The project.
    has_pixels : bool
        Decode all images and compare those that have a digest of their pixels; this takes as long
        as reading them all.
    progress : callable
        Called with (stage, done, total).

    Returns
    -------
    CheckSummary
        Images that are missing or changed, readings whose files are missing or altered, and
        rows that do not match the store; each with what to do.
    """
    store = ReadingStore(workspace.readings_folder)
    with catalogue_of(workspace) as catalogue:
        problems = _image_problems(workspace, catalogue, progress)
        problems += [f"{found.file}: {found.message}" for found in store.verify()]
        problems += reading_problems(workspace, catalogue)
        problems += _torn_lesions(catalogue)
        problems += [
            f"patient {patient_id} was merged into another, but its rows are not; run herntrack rebuild"
            for patient_id in unapplied_merges(workspace, catalogue)
        ]
        notes: list[str] = []
        if has_pixels:
            problems += _pixel_problems(workspace, catalogue, progress, notes)
        n_images = catalogue.images.counts().instances
        n_readings = len(catalogue.followup.readings())
    return CheckSummary(
        n_images=n_images, n_readings=n_readings, problems=tuple(problems), notes=tuple(notes)
    )


def _image_problems(workspace: Workspace, catalogue: Catalogue, progress: Progress) -> list[str]:
    missing: dict[str, list[str]] = {}
    changed: dict[str, list[str]] = {}
    locations = catalogue.images.instance_locations()
    known = {root.name for root in workspace.settings.roots}
    unknown = Counter(each.root for each in locations.values() if each.root not in known)
    locations = {uid: each for uid, each in locations.items() if each.root in known}
    for done, location in enumerate(locations.values(), start=1):
        path = workspace.locate(location.root, location.relative_path)
        if not path.is_file():
            missing.setdefault(location.root, []).append(location.relative_path)
        elif (path.stat().st_size, path.stat().st_mtime_ns) != (location.size, location.mtime_ns):
            changed.setdefault(location.root, []).append(location.relative_path)
        progress("images", done, len(locations))
    problems = [
        f"{count} images lie under root {root!r}, which {SETTINGS_FILE} does not name; add it there"
        for root, count in sorted(unknown.items())
    ]
    for root, names in sorted(missing.items()):
        where = workspace.root(root).path
        problems.append(
            f"{len(names)} images are missing under root {root!r} ({where}): {_some(names)};"
            f" if the folder was moved: herntrack roots move {root} NEWPATH"
        )
    for root, names in sorted(changed.items()):
        problems.append(
            f"{len(names)} images changed under root {root!r} since they were catalogued: {_some(names)};"
            " run herntrack ingest on them again"
        )
    return problems


def _pixel_problems(
    workspace: Workspace, catalogue: Catalogue, progress: Progress, notes: list[str]
) -> tuple[str, ...]:
    from herntrack.workflows.ingesting.digests import check_pixels

    found = check_pixels(workspace, catalogue.images, progress=progress)
    if found.n_without_digest:
        notes.append(
            f"{found.n_without_digest} of {found.n_images} images have no digest of their pixels: they can be"
            " decoded, but whether they changed could not be compared; herntrack ingest --digest PATH stores"
            " the digests"
        )
    return found.problems


def _torn_lesions(catalogue: Catalogue) -> list[str]:
    """Return the lesions that were read on images of another patient than their own."""
    patient_of = {study.study_instance_uid: study.patient_id for study in catalogue.images.studies()}
    problems = []
    for lesion in catalogue.followup.lesions():
        read_on = {
            patient_of.get(reading.study_instance_uid or "", lesion.patient_id)
            for reading in catalogue.followup.readings(lesion.lesion_uid, is_current=True)
        }
        problems += [
            f"lesion {lesion.lesion_uid} of patient {lesion.patient_id} was read on images of {other};"
            " herntrack patient decisions shows who was parted"
            for other in sorted(read_on - {lesion.patient_id})
        ]
    return problems


def _some(names: list[str]) -> str:
    shown = ", ".join(sorted(names)[:LISTED_FILES])
    return shown if len(names) <= LISTED_FILES else f"{shown} and {len(names) - LISTED_FILES} more"

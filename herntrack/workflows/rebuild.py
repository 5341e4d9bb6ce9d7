"""The catalogue anew, from images and readings.

The new one is made in a file of its own and takes the place of the old one, a file or the tables of a
database server, in one step when it is complete. Who reads meanwhile sees the old one; a rebuild that is
killed leaves it standing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from herntrack.catalogue.exchange import refill_catalogue, replace_catalogue
from herntrack.catalogue.images import CatalogueCounts
from herntrack.catalogue.session import DATABASE_ERRORS
from herntrack.errors import HerntrackError, WorkspaceError
from herntrack.model.images import Patient, Reject
from herntrack.readings.alignments import AlignmentStore
from herntrack.readings.store import ReadingStore
from herntrack.readings.verification import ReadableRecords
from herntrack.workflows.ingesting.ingest import ingest_roots
from herntrack.workflows.ingesting.paths import missing_root_advice, missing_roots
from herntrack.workflows.patients.merged_rows import apply_merges
from herntrack.workflows.patients.visits import write_visits
from herntrack.workflows.progress import Progress, silent
from herntrack.workflows.reporting.classify import classify
from herntrack.workflows.reporting.measure import measure
from herntrack.workflows.session import catalogue_of, clear_leftovers, ensure_catalogue
from herntrack.workflows.set_aside import CaseSetAside, first_of_each
from herntrack.workflows.workspace import NEW_CATALOGUE_FILE, SETTINGS_FILE, Workspace
from herntrack.workflows.workspace_lock import settings_locked, workspace_locked


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildSummary:
    """What the new catalogue holds, and what was left out: files, then readings, lesions and records.

    `notes` say whose pixels are other ones than when their digest was stored.
    """

    counts: CatalogueCounts
    n_lesions: int
    n_readings: int
    set_aside: tuple[Reject, ...]
    cases_set_aside: tuple[CaseSetAside, ...]
    notes: tuple[str, ...] = ()


def rebuild(workspace: Workspace, *, jobs: int | None = None, progress: Progress = silent) -> RebuildSummary:
    """Make the catalogue from the roots' images and the store's readings.

    Parameters
    ----------
    workspace : Workspace
        The project.
    jobs : int, optional
        Processes to read headers with.
    progress : callable
        Called with (stage, done, total).

    Raises
    ------
    WorkspaceError
        If a root is not where the settings say: a catalogue without its images would look
        complete.
    """
    with workspace_locked(workspace.folder, progress=progress):
        for root in missing_roots(workspace):
            raise WorkspaceError(
                f"{missing_root_advice(root)}; if it is gone for good, take its [[roots]] entry out of"
                f" {SETTINGS_FILE}"
            )
        clear_leftovers(workspace)
        try:
            return _rebuild(workspace, jobs=jobs, progress=progress)
        finally:
            clear_leftovers(workspace)


def _rebuild(workspace: Workspace, *, jobs: int | None, progress: Progress) -> RebuildSummary:
    """Make the catalogue beside the old one, then put it in its place."""
    if workspace.settings.catalogue_url:
        # Before the long work: can it be reached, and are its tables those of this version?
        ensure_catalogue(workspace)
    scratch = replace(
        workspace,
        catalogue_file=NEW_CATALOGUE_FILE,
        settings=replace(workspace.settings, catalogue_url=""),
    )
    ensure_catalogue(scratch)
    ingested = ingest_roots(scratch, jobs=jobs, progress=progress)
    notes = _keep_digests(workspace, scratch, progress=progress)
    _restore_readings(scratch)
    measured = measure(scratch, progress=progress)
    classified = classify(scratch, progress=progress)
    # Somebody may have read on while this was going on.
    restored = _restore_readings(scratch)
    if workspace.settings.catalogue_url:
        refill_catalogue(scratch.catalogue_path, workspace.settings.catalogue_url)
    else:
        with settings_locked(workspace.folder):
            replace_catalogue(scratch.catalogue_path, workspace.catalogue_path)
    return RebuildSummary(
        counts=ingested.counts,
        n_lesions=len(restored.lesions),
        n_readings=len(restored.readings),
        set_aside=ingested.set_aside,
        cases_set_aside=first_of_each(
            (
                *(CaseSetAside(uid=each.file, reason=each.message) for each in restored.problems),
                *measured.set_aside,
                *classified.set_aside,
            )
        ),
        notes=tuple(notes),
    )


def _keep_digests(workspace: Workspace, scratch: Workspace, *, progress: Progress) -> list[str]:
    """Take over the digests of pixels whose files are as the old catalogue knew them.

    Those of files that changed are made anew and compared, as an ingest would: what is altered must
    not be forgotten with the old catalogue.

    Returns
    -------
    list of str
        Whose pixels are other ones now, and what cannot be decoded.
    """
    from herntrack.workflows.ingesting.digests import renew_digests

    try:
        with catalogue_of(workspace) as old:
            before = {
                (image.sop_instance_uid, image.frame_number): (image.location, image.pixel_sha256)
                for image in old.images.known_images()
                if image.pixel_sha256
            }
    except (HerntrackError, *DATABASE_ERRORS):
        # No old catalogue, an older one, or a damaged one: that is what a rebuild is for.
        return []
    if not before:
        return []
    with catalogue_of(scratch) as new:
        known = {
            (image.sop_instance_uid, image.frame_number): image.location
            for image in new.images.known_images()
        }
        new.images.write_digests(
            {key: digest for key, (location, digest) in before.items() if known.get(key) == location}
        )
        digests = {key: digest for key, (_, digest) in before.items()}
        return renew_digests(scratch, new.images, digests, progress=progress)[1]


def _restore_readings(workspace: Workspace) -> ReadableRecords:
    """Write what the store's records say; those that cannot be read are left out and named."""
    restored = ReadingStore(workspace.readings_folder).readable()
    lesions, readings = restored.lesions, restored.readings
    with catalogue_of(workspace) as catalogue:
        known = {patient.patient_id for patient in catalogue.images.patients()}
        missing = sorted({lesion.patient_id for lesion in lesions} - known)
        catalogue.images.add_images(patients=[Patient(patient_id=patient_id) for patient_id in missing])
        known_lesions = {lesion.lesion_uid for lesion in catalogue.followup.lesions()}
        for lesion in lesions:
            if lesion.lesion_uid not in known_lesions:
                catalogue.followup.add_lesion(lesion)
        known_readings = {reading.reading_uid for reading in catalogue.followup.readings()}
        for reading in readings:
            if reading.reading_uid not in known_readings:
                catalogue.followup.add_reading(reading)
        known_alignments = {each.alignment_uid for each in catalogue.alignments.alignments()}
        catalogue.alignments.add(
            each
            for each in AlignmentStore(workspace.readings_folder).alignments()
            if each.alignment_uid not in known_alignments
        )
        if apply_merges(workspace, catalogue):
            write_visits(workspace, catalogue.images)
    return restored

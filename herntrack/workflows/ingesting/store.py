"""The writing half of an ingest: what changed, and what becomes of it in the catalogue.

Everything here happens in the one transaction of a run.
"""

from __future__ import annotations

from collections.abc import Mapping

from herntrack.catalogue.files import FileKey
from herntrack.catalogue.images import ImageRepository
from herntrack.catalogue.session import Catalogue
from herntrack.dicom.scan_chunk import Refusal
from herntrack.dicom.stacks import build_stacks
from herntrack.errors import CatalogueError
from herntrack.model.images import Reject
from herntrack.workflows.ingesting.archived import ArchivesTaken
from herntrack.workflows.ingesting.copied import ARCHIVE_COPIED
from herntrack.workflows.ingesting.file_changes import FileChanges, file_changes, is_member_of
from herntrack.workflows.ingesting.image_merge import Merge
from herntrack.workflows.ingesting.read_files import FilesRead
from herntrack.workflows.ingesting.set_aside_file import NO_ROOT, load_set_aside
from herntrack.workflows.rooted_files import Walk
from herntrack.workflows.workspace import Workspace


def compare_with_known(
    catalogue: Catalogue,
    workspace: Workspace,
    walk: Walk,
    archives: ArchivesTaken,
    known: Mapping[FileKey, tuple[int, int]],
) -> FileChanges:
    """Return what is new, changed, back, moved or gone; refuse what would tear readings from images.

    Parameters
    ----------
    catalogue : Catalogue
        Open.
    workspace : Workspace
        With its roots.
    walk : Walk
        What was found.
    archives : ArchivesTaken
        Archives that were looked into now.
    known : mapping
        Bytes and modification time of every known file.

    Raises
    ------
    CatalogueError
        If a patient would get another identifier although lesions were recorded under it.
    """
    images = catalogue.images
    given = {root.name: root.patient_id for root in workspace.settings.roots if root.patient_id}
    unnamed = images.files_given_another_id(given) if given else {}
    here = {root.name for root, _, _ in walk.files} if unnamed else set()
    _refuse_renaming_read_patients(catalogue, {pid for file, pid in unnamed.items() if file[0] in here})
    return file_changes(
        walk,
        known,
        missing=images.missing_files(),
        roots=workspace.settings.roots,
        reread=unnamed.keys() | archives.refusals.keys() | _refused_otherwise(images, walk),
    )


def _refused_otherwise(images: ImageRepository, walk: Walk) -> set[FileKey]:
    """Return what is refused unread for another reason than before: a link may lead elsewhere now."""
    if not walk.refusals:
        return set()
    known = {
        (reject.location.root, reject.location.relative_path): Refusal(reject.code, reject.reason)
        for reject in images.rejects({refusal.code for refusal in walk.refusals.values()})
    }
    return {file for file, refusal in walk.refusals.items() if known.get(file) != refusal}


def write_changes(images: ImageRepository, changes: FileChanges, read: FilesRead, merge: Merge) -> bool:
    """Write what was read and what is gone, then the stacks; return whether visits follow from it."""
    images.mark_missing(changes.returned, is_missing=False)
    images.mark_missing(read.vanished, is_missing=True)
    images.forget_rejects(read.vanished)
    if not (read.locations or read.forgotten):
        return False
    forgotten = images.forget_files(read.forgotten)
    merged = merge.finish(read.standing)
    affected = forgotten | merged.grown
    series_by_uid = {series.series_instance_uid: series for series in images.series()} if affected else {}
    for uid in sorted(affected & set(series_by_uid)):
        headers = [instance.header for instance in images.instances_of_series(uid)]
        built = build_stacks(series_by_uid[uid], headers)
        images.replace_stacks(uid, [(each.stack, each.images) for each in built])
    if affected:
        images.drop_empty()
    return bool(affected or merged.new)


def write_set_aside(workspace: Workspace, images: ImageRepository) -> None:
    """Make the files that were not copied those that the file beside the copies names."""
    known = {reject.location.relative_path: reject for reject in images.rejects(root=NO_ROOT)}
    named = load_set_aside(workspace)
    if known != named:
        images.forget_rejects((NO_ROOT, path) for path in known)
        images.add_rejects(list(named.values()))


def set_aside_among(images: ImageRepository, walk: Walk) -> list[Reject]:
    """Return the files of a walk, and members of its archives, that are set aside."""
    rejects = [reject for reject in images.rejects() if reject.code != ARCHIVE_COPIED]
    here = {(root.name, relative) for root, relative, _ in walk.files} if rejects else set()
    files = ((reject, (reject.location.root, reject.location.relative_path)) for reject in rejects)
    return [reject for reject, file in files if file in here or is_member_of(file, here)]


def _refuse_renaming_read_patients(catalogue: Catalogue, patient_ids: set[str]) -> None:
    """Refuse a new PatientID for images that lesions were already recorded on under the derived one."""
    if not patient_ids:
        return
    derived = {each.patient_id for each in catalogue.images.patients() if not each.is_identified}
    read = {lesion.patient_id for lesion in catalogue.followup.lesions()}
    for patient_id in sorted(read & derived & patient_ids):
        raise CatalogueError(
            f"patient {patient_id} already has lesions under its derived identifier;"
            " ingest without --patient-id, or begin a new workspace with it"
        )

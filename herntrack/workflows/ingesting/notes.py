"""What a person should know after an ingest, each with the command that settles it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from herntrack.catalogue.files import FileKey
from herntrack.catalogue.images import ImageRepository
from herntrack.catalogue.session import Catalogue
from herntrack.dicom.scan import Scanned, ScanResult
from herntrack.dicom.scan_chunk import FoundFile
from herntrack.model.images import Reject
from herntrack.workflows.ingesting.copied import Copier
from herntrack.workflows.ingesting.copies import DIFFERENT_PIXELS, DIFFERENT_PLACE
from herntrack.workflows.ingesting.file_changes import FileChanges
from herntrack.workflows.ingesting.paths import DICOMDIR, missing_root_advice, missing_roots
from herntrack.workflows.stacks_as_read import changed_stacks
from herntrack.workflows.workspace import Workspace

MOST_NAMED = 5
"""Things of one kind that are named before the rest is counted."""


def header_notes(results: Iterable[ScanResult]) -> Iterator[str]:
    """Yield what headers lacked and how it was made up for."""
    scanned = (result for result in results if isinstance(result, Scanned))
    counted = Counter(note for each in scanned for note in each.image.notes)
    for note, count in sorted(counted.items()):
        yield f"{note} in {count} file(s)"


def first_few(notes: Sequence[str], rest: str) -> Iterator[str]:
    """Yield the first notes of a kind, and how many more there are: a summary must not drown in them."""
    yield from notes[:MOST_NAMED]
    if len(notes) > MOST_NAMED:
        yield f"... and {len(notes) - MOST_NAMED} more {rest}"


def identity_notes(images: ImageRepository) -> Iterator[str]:
    """Yield patients without a PatientID and studies without a date."""
    unnamed = [
        f"patient {patient.patient_id} has a derived identifier because the files hold none;"
        " settle it with: herntrack ingest PATH --patient-id ID"
        for patient in images.patients()
        if not patient.is_identified
    ]
    undated = [
        f"study {study.study_instance_uid} has no date, so it belongs to no visit;"
        " correct StudyDate in the export and ingest it again"
        for study in (images.studies() if images.has_undated_studies() else ())
        if study.study_date is None
    ]
    yield from first_few(unnamed, "patients have derived identifiers: herntrack list patients")
    yield from first_few(undated, "studies have no date: herntrack list series")


def missing_notes(
    workspace: Workspace, images: ImageRepository, changes: FileChanges, vanished: set[FileKey]
) -> Iterator[str]:
    """Yield how many images have lost their files, and roots that are not there."""
    if vanished:
        yield f"{len(vanished)} files that were there before are gone"
    for root in changes.emptied:
        yield (
            f"of image root {root.name!r} nothing is left in {root.path}; if its drive is not mounted, mount"
            f" it and ingest again; if the folder was moved: herntrack roots move {root.name} NEWPATH"
        )
    n_missing = images.count_missing()
    if n_missing:
        yield (
            f"{n_missing} catalogued images are missing: their files are gone; they stay catalogued and come"
            " back when the files do (herntrack check names them)"
        )
    for root in missing_roots(workspace):
        yield missing_root_advice(root)


def grown_notes(workspace: Workspace, catalogue: Catalogue) -> Iterator[str]:
    """Yield the standing readings that were made on other slices than their stacks have now."""
    standing = catalogue.followup.readings(is_current=True)
    changed = changed_stacks(workspace, catalogue, standing).values()
    yield from first_few([each.told for each in changed], "readings of stacks that changed: herntrack check")


def copy_notes(copier: Copier) -> Iterator[str]:
    """Yield what was copied into the workspace."""
    if copier.n_copied or copier.n_archives:
        source = f" from {copier.n_archives} archive(s), which are always copied" if copier.n_archives else ""
        yield f"{copier.n_copied} images were copied into images/{source}"
    if copier.n_identical:
        yield f"{copier.n_identical} files are in images/ already, byte for byte, and were not copied again"


def different_pixel_notes(set_aside: Sequence[Reject]) -> Iterator[str]:
    """Yield a loud word on pictures that share their identifier."""
    for code, words in (
        (DIFFERENT_PIXELS, "OTHER PIXELS"),
        (DIFFERENT_PLACE, "ANOTHER PLACE in the patient"),
    ):
        count = sum(reject.code == code for reject in set_aside)
        if count:
            yield (
                f"LOOK AT THIS: {count} file(s) have the SOP Instance UID of a catalogued image but {words};"
                " one of the two was altered or mislabelled: herntrack list rejects names both"
            )


def index_notes(fresh: Sequence[FoundFile], files: Sequence[FoundFile]) -> Iterator[str]:
    """Yield what the freshly read indexes of file sets name that is not among the files."""
    name = f"{os.sep}{DICOMDIR}"
    indexes = [file.path for file in fresh if file.path[-len(name) :].lower() == name]
    present = {file.path.lower() for file in files} if indexes else set()
    for index in indexes:
        yield from _index_note(Path(index), present)


def _index_note(index: Path, present: set[str]) -> Iterator[str]:
    from herntrack.dicom.file_set import files_named_by

    named = files_named_by(index)
    if named is None:
        yield f"{index} cannot be read as an index; the files in its folder were read instead"
        return
    # File identifiers are in capitals; what copied the medium may have made them small.
    missing = [each for each in named if f"{index.parent}{os.sep}{each}".lower() not in present]
    if missing:
        yield (
            f"{len(missing)} of {len(named)} files named by {index} are missing, such as {missing[0]};"
            " copy the medium again"
        )

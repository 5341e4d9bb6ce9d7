"""Archives that lie among the files of a root: looked into once, then known.

An archive that was looked into stands in the catalogue like a file that was set aside, with
its size and time, so that the next run leaves it alone as long as it stays the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from herntrack.catalogue.files import FileKey
from herntrack.dicom.archives import ARCHIVE_SUFFIXES
from herntrack.dicom.scan_chunk import Refusal
from herntrack.model.images import Reject
from herntrack.workflows.ingesting.copied import Copier
from herntrack.workflows.ingesting.read_files import location_of
from herntrack.workflows.rooted_files import RootedFile, Walk


@dataclass(slots=True, kw_only=True)
class ArchivesTaken:
    """What became of the archives of a walk.

    Parameters
    ----------
    refusals : dict
        By archive what is to be said of it; it is not read as an image.
    members : list of Reject
        Members that were not copied.
    """

    refusals: dict[FileKey, Refusal] = field(default_factory=dict)
    members: list[Reject] = field(default_factory=list)


def archives_among(walk: Walk) -> list[RootedFile]:
    """Return the files of a walk whose names are those of archives."""
    return [
        each
        for each in walk.files
        if each[1].lower().endswith(ARCHIVE_SUFFIXES) and (each[0].name, each[1]) not in walk.refusals
    ]


def copy_archives(
    copier: Copier, archives: Iterable[RootedFile], known: Iterable[Reject], *, has_given_id: bool
) -> ArchivesTaken:
    """Copy the images of archives that are new or changed.

    Parameters
    ----------
    copier : Copier
        Copies, and keeps what it did not copy.
    archives : iterable of RootedFile
        Archives under roots.
    known : iterable of Reject
        Archives that were looked into before.
    has_given_id : bool
        A PatientID was given, which the images may lack: look into all of them.
    """
    before = {reject.location for reject in known}
    taken = ArchivesTaken()
    for root, relative, file in archives:
        location = location_of(root, relative, file)
        if location in before and not has_given_id:
            continue
        begun = len(copier.rejects)
        copier.copy_archive(file, location)
        *members, own = copier.rejects[begun:]
        taken.members += members
        taken.refusals[root.name, relative] = Refusal(own.code, own.reason)
    return taken

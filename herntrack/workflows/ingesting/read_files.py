"""Reading the headers of fresh files, and of those that they put in question.

What is read goes to a merge part by part; what the files mean for known ones is known at the end.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from herntrack.catalogue.files import FileKey, KnownImage
from herntrack.catalogue.images import ImageRepository
from herntrack.dicom.reading_process import HeaderReaders
from herntrack.dicom.scan import Scan, ScanResult, found_file, scan_in_parts
from herntrack.dicom.scan_chunk import FoundFile, Refusal
from herntrack.model.images import FileLocation
from herntrack.workflows.ingesting.file_changes import FileChanges
from herntrack.workflows.ingesting.image_merge import Merge, Standing
from herntrack.workflows.ingesting.unsettled import Places, Unsettled
from herntrack.workflows.progress import Progress
from herntrack.workflows.rooted_files import RootedFile
from herntrack.workflows.settings import ImageRoot


@dataclass(slots=True, kw_only=True)
class FilesRead:
    """What was read, and what it means for known files.

    Parameters
    ----------
    locations : list of FileLocation
        Files that were read, or refused without being read.
    results : list of ScanResult
        What became of each.
    forgotten : set of (str, str)
        Known files whose rows are written anew, or not at all if they moved.
    vanished : set of (str, str)
        Known files that are gone.
    standing : Standing
        What stays as it is.
    """

    locations: list[FileLocation] = field(default_factory=list)
    results: list[ScanResult] = field(default_factory=list)
    forgotten: set[FileKey] = field(default_factory=set)
    vanished: set[FileKey] = field(default_factory=set)
    standing: Standing = field(default_factory=Standing)


def read_files(
    images: ImageRepository,
    changes: FileChanges,
    refusals: Mapping[FileKey, Refusal],
    *,
    known: Mapping[FileKey, tuple[int, int]],
    roots: Sequence[ImageRoot],
    readers: HeaderReaders,
    progress: Progress,
    merge: Merge,
) -> FilesRead:
    """Read what is fresh, then what that puts in question, until nothing more is.

    Parameters
    ----------
    images : ImageRepository
        An open catalogue.
    changes : FileChanges
        What is new, changed or gone.
    refusals : mapping
        Fresh files that are not to be opened, and why.
    known : mapping
        Bytes and modification time of every known file.
    roots : sequence of ImageRoot
        The workspace's roots.
    readers : HeaderReaders
        Processes to read headers with.
    progress : callable
        Called with (stage, done, total).
    merge : Merge
        Takes what is read, as it is read.
    """
    read = FilesRead(vanished=set(changes.vanished))

    def take(files: Sequence[RootedFile], stage: str) -> None:
        scans = scan_in_parts(
            [file for _, _, file in files],
            readers=readers,
            progress=lambda done, total: progress(stage, done, total),
        )
        begun = 0
        for scan in scans:
            ended = begun + len(scan.results)
            _take(read, [location_of(*each) for each in files[begun:ended]], scan, merge)
            begun = ended

    fresh = [each for each in changes.fresh if (each[0].name, each[1]) not in refusals]
    order = {root.name: rank for rank, root in enumerate(roots)}
    take(sorted(fresh, key=lambda each: (order.get(each[0].name, len(order)), each[1])), "reading")
    for each in changes.fresh if refusals else ():
        if refusal := refusals.get((each[0].name, each[1])):
            _take(read, [location_of(*each)], Scan([refusal], {}), merge)
    overturned = changes.changed | changes.moved | changes.vanished
    if not known or not (changes.fresh or overturned):
        read.forgotten = overturned - changes.vanished
        return read
    places = Places(roots)
    unsettled = Unsettled(images, places, overturned)
    locations, results = read.locations, read.results
    while more := unsettled.take(locations, results):
        rooted, gone, changed = _found_again(more, places, roots, known)
        read.vanished |= gone
        unsettled.lose(gone | changed)
        begun = len(read.locations)
        take(rooted, "reading again")
        locations, results = read.locations[begun:], read.results[begun:]
    read.vanished |= unsettled.gone
    read.forgotten = unsettled.files - read.vanished
    read.standing = _standing(unsettled, read.vanished)
    return read


def _take(read: FilesRead, locations: Sequence[FileLocation], scan: Scan, merge: Merge) -> None:
    read.locations += locations
    read.results += scan.results
    merge.take(locations, scan)


def location_of(root: ImageRoot, relative: str, file: FoundFile) -> FileLocation:
    """Return where a found file lies."""
    return FileLocation(root=root.name, relative_path=relative, size=file.size, mtime_ns=file.mtime_ns)


def _found_again(
    keys: set[FileKey],
    places: Places,
    roots: Sequence[ImageRoot],
    known: Mapping[FileKey, tuple[int, int]],
) -> tuple[list[RootedFile], set[FileKey], set[FileKey]]:
    """Return known files as they are now, those that are gone, and those that changed."""
    by_name = {root.name: root for root in roots}
    found, gone, changed = [], set(), set()
    for key in sorted(keys):
        path = places.path(key)
        try:
            if path is None or not os.path.isfile(path):  # noqa: PTH113 - thousands of them
                gone.add(key)
            else:
                file = found_file(Path(path))
                found.append((by_name[key[0]], key[1], file))
                if known.get(key) != (file.size, file.mtime_ns):
                    changed.add(key)
        except OSError:
            gone.add(key)
    return found, gone, changed


def _standing(unsettled: Unsettled, vanished: set[FileKey]) -> Standing:
    def is_missing(image: KnownImage) -> bool:
        return image.is_missing or image.file in vanished

    return Standing(
        images=unsettled.standing(),
        missing={image.sop_instance_uid: image.file for image in unsettled.known if is_missing(image)},
        digests={
            (image.sop_instance_uid, image.frame_number): (
                image.location.size,
                image.location.mtime_ns,
                image.pixel_sha256,
            )
            for image in unsettled.known
            if image.pixel_sha256 is not None and image.file in unsettled.files
        },
    )

"""Which known files must be looked at again because of what was found.

What the catalogue holds is to depend on the files that are there, not on the order in which
they came. A new, changed or vanished file can overturn what was decided about others: whose
a study is, which of two copies is kept, what a series is called. Those others are read again
and decided together with it, so that the decision is that of a rebuild.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence

from herntrack.catalogue.files import FileKey, KnownImage
from herntrack.catalogue.images import ImageRepository
from herntrack.dicom.header_rules import ScannedImage
from herntrack.dicom.scan import Scanned, ScanResult
from herntrack.model.images import FileLocation
from herntrack.workflows.ingesting.copies import COPY_CODES, claimed_study, kept_file
from herntrack.workflows.settings import ImageRoot

Place = tuple[int, str]
"""Order of two files: first by root, then by path."""


class Places:
    """The rank of a file among files with the same content.

    Parameters
    ----------
    roots : sequence of ImageRoot
        The workspace's roots, in the order of its settings.
    """

    def __init__(self, roots: Sequence[ImageRoot]) -> None:
        self._order = {root.name: order for order, root in enumerate(roots)}
        self._roots = {root.name: root for root in roots}
        self._is_there: dict[str, bool] = {}

    def of(self, location: FileLocation) -> Place:
        """Return the rank."""
        return self._order.get(location.root, len(self._order)), location.relative_path

    def path(self, file: FileKey) -> str | None:
        """Return the absolute path, None if the settings do not have its root any more."""
        root = self._roots.get(file[0])
        return None if root is None else f"{root.path}{os.sep}{file[1]}"

    def is_there(self, root_name: str) -> bool:
        """Return whether a root's folder can be seen, so that a file it lacks is gone."""
        known = self._is_there.get(root_name)
        if known is None:
            root = self._roots.get(root_name)
            known = self._is_there[root_name] = root is not None and root.path.is_dir()
        return known

    def is_gone(self, file: FileKey) -> bool:
        """Return whether a file is not there although its root is."""
        path = self.path(file)
        return path is not None and self.is_there(file[0]) and not os.path.lexists(path)

    def given_id(self, root_name: str) -> str:
        """Return what stands in for a missing PatientID of a root's files."""
        root = self._roots.get(root_name)
        return "" if root is None else root.patient_id


class Unsettled:
    """Collects the files whose place in the catalogue is open again.

    Parameters
    ----------
    images : ImageRepository
        An open catalogue.
    places : Places
        Order and place of files.
    files : iterable of (str, str)
        Known files that changed, moved to another root, or are gone.

    Attributes
    ----------
    files : set of (str, str)
        All of them so far.
    gone : set of (str, str)
        Files that turned out to be gone on the way.
    """

    def __init__(self, images: ImageRepository, places: Places, files: Iterable[FileKey]) -> None:
        self._places = places
        self._studies = {study.study_instance_uid: study for study in images.studies()}
        self._study_of = {each.series_instance_uid: each.study_instance_uid for each in images.series()}
        self.known = images.known_images()
        self._by_uid: dict[str, KnownImage] = {}
        self._by_file: dict[FileKey, KnownImage] = {}
        self._by_study: dict[str, list[FileKey]] = defaultdict(list)
        self._by_series: dict[str, list[FileKey]] = defaultdict(list)
        for image in self.known:
            if not image.is_missing:
                self._add(image)
        self._copies: dict[str, list[FileKey]] = defaultdict(list)
        self._claims: dict[FileKey, str] = {}
        self._kept_for: dict[FileKey, str] = {}
        for reject in images.rejects((*COPY_CODES, "conflict")):
            file = reject.location.root, reject.location.relative_path
            if claimed := claimed_study(reject):
                self._claims[file] = claimed
            if reject.code != "conflict":
                self._copies[kept_file(reject)].append(file)
                self._kept_for[file] = kept_file(reject)
        self.files: set[FileKey] = set(files)
        self.gone: set[FileKey] = set()
        self._unspread = set(self.files)
        self._told = set(self.files)
        self.lose(self._told)

    def _add(self, image: KnownImage) -> None:
        file = image.file
        self._by_uid[image.sop_instance_uid] = image
        if file not in self._by_file:
            self._by_file[file] = image
            self._by_series[image.series_instance_uid].append(file)
            self._by_study[self._study_of[image.series_instance_uid]].append(file)

    def take(self, locations: Sequence[FileLocation], results: Sequence[ScanResult]) -> set[FileKey]:
        """Return the known files that must be read again after these were read."""
        self._open(self._claims)
        for location, result in zip(locations, results, strict=True):
            if isinstance(result, Scanned):
                self._compare(location, result)
        while self._unspread:
            file = self._unspread.pop()
            self._open(self._copies.get(f"{file[0]}:{file[1]}", ()))
            known = self._by_file.get(file)
            if known is not None:
                # Whose the study is may have rested on this very file.
                self._open(self._by_study[self._study_of[known.series_instance_uid]])
        more = self.files - self._told - self.gone
        self._told |= self.files
        return more

    def lose(self, files: Iterable[FileKey]) -> None:
        """Hear of files that do not say any more what they said: whose a study is may have rested on it."""
        for file in files:
            if file in self._claims:
                self._open(self._by_study.get(self._claims[file], ()))
            if file in self._kept_for:
                # A copy says nothing of another study, so it spoke for the study of the kept file.
                self._open(self._study_files(self._kept_for[file]))

    def _study_files(self, shown: str) -> Sequence[FileKey]:
        """Return the files of a kept file's study; the file is written as root and path with a colon."""
        root, _, path = shown.partition(":")
        known = self._by_file.get((root, path))
        return [] if known is None else self._by_study[self._study_of[known.series_instance_uid]]

    def standing(self) -> list[KnownImage]:
        """Return the catalogued images that nothing has put in question."""
        return [image for image in self.known if not image.is_missing and image.file not in self.files]

    def _open(self, files: Iterable[FileKey]) -> None:
        for file in files:
            # What lies on a drive that is not mounted cannot be read again and stays as it is.
            if file not in self.files and self._places.is_there(file[0]):
                self.files.add(file)
                self._unspread.add(file)

    def _compare(self, location: FileLocation, result: Scanned) -> None:
        image = result.image
        kept = self._by_uid.get(result.sop_instance_uid)
        if kept is not None and kept.file not in self.files:
            if self._places.is_gone(kept.file):
                self.gone.add(kept.file)
                self._open([kept.file])
            elif self._places.of(location) < self._places.of(kept.location):
                self._open([kept.file])
        if self._is_contested(location, image):
            self._open(self._by_study[image.study_instance_uid])
        series_uid = image.series.series_instance_uid
        if self._study_of.get(series_uid, image.study_instance_uid) != image.study_instance_uid:
            self._open(self._by_series[series_uid])

    def _is_contested(self, location: FileLocation, image: ScannedImage) -> bool:
        study = self._studies.get(image.study_instance_uid)
        if study is None:
            return False
        if image.patient_id or study.stated_patient_id:
            return bool(image.patient_id) and image.patient_id != study.stated_patient_id
        given = self._places.given_id(location.root)
        return bool(given) and given != study.patient_id

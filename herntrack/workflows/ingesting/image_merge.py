"""Fitting newly read images into what the catalogue knows.

Decides, for a batch of scans, which patient a study belongs to, which of two files with
one SOP Instance UID is kept, and what contradicts the catalogue. The decision depends on
the files' places, not on the order they were read in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

from herntrack.catalogue.files import FileKey, ImageKey, KnownImage
from herntrack.catalogue.images import ImageRepository
from herntrack.catalogue.rows import NewImage
from herntrack.dicom.header_rules import ScannedImage, derived_patient_id
from herntrack.dicom.scan import Scan, Scanned
from herntrack.dicom.stacks import BuiltStack, build_stacks
from herntrack.model.images import FileLocation, Patient, Reject, Series, Stack, Study
from herntrack.workflows.ingesting.copies import compare_copies, copy_reject, says_place
from herntrack.workflows.ingesting.unsettled import Place, Places
from herntrack.workflows.settings import ImageRoot

ROWS_AT_ONCE = 1000
"""Rows of images that are written while other files are being read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedSeries:
    """Which series changed.

    Parameters
    ----------
    new : set of str
        Series that the catalogue did not know; their stacks are written.
    grown : set of str
        Known series whose images changed; their stacks are to be built anew.
    """

    new: set[str]
    grown: set[str]


@dataclass(slots=True, kw_only=True)
class Standing:
    """What a merge leaves as it is.

    Parameters
    ----------
    images : list of KnownImage
        Catalogued images whose files are there and are not read again.
    missing : dict
        By SOP Instance UID the file of a catalogued image that is gone; another one takes its place.
    digests : dict
        By image the size and time of a file that is read again, and its pixels' digest.
    """

    images: list[KnownImage] = field(default_factory=list)
    missing: dict[str, FileKey] = field(default_factory=dict)
    digests: dict[ImageKey, tuple[int, int, str]] = field(default_factory=dict)


class Merge:
    """Writes what was read to the catalogue, part after part.

    In an empty catalogue the rows of a series are written as soon as it seems complete, while the next
    files are being read. Where a later file may still change what an earlier one means, everything from
    there on waits for the end, so that the outcome is the same in however many parts the files come.

    Parameters
    ----------
    images : ImageRepository
        An open catalogue that knows none of the files.
    roots : sequence of ImageRoot
        The workspace's roots, in the order of its settings.
    is_first : bool
        The catalogue is empty, and the files come in the order of their places.
    """

    def __init__(self, images: ImageRepository, roots: Sequence[ImageRoot], *, is_first: bool) -> None:
        self._images = images
        self._is_early = is_first
        self._places = Places(roots)
        self._patients = {patient.patient_id: patient for patient in images.patients()}
        self._studies = {study.study_instance_uid: study for study in images.studies()}
        self._series = {series.series_instance_uid: series for series in images.series()}
        self._catalogued = frozenset(self._series)
        self._standing = Standing()
        self._files: dict[str, tuple[FileLocation, str]] = {}
        self._first_of_study: dict[str, Place] = {}
        self._first_of_series: dict[str, Place] = {}
        self._study_of_series: dict[str, str] = {}
        self._new_patients: list[Patient] = []
        self._new_studies: list[Study] = []
        self._new_series: list[Series] = []
        self._changed_studies: list[Study] = []
        self._changed_series: list[Series] = []
        self._met: set[str] = set()
        self._met_studies: set[str] = set()
        self._patient_of_study: dict[str, tuple[str, bool]] = {}
        self._stated: dict[str, str] = {}
        self._superseded: list[FileKey] = []
        self._copies: list[tuple[FileLocation, FileLocation, str]] = []
        self._rejects: list[Reject] = []
        self._waiting: list[tuple[Place, FileLocation, Scanned]] = []
        self._stacks: dict[str, list[BuiltStack]] = {}
        self._seen: set[str] = set()
        self._members: dict[str, list[NewImage]] = defaultdict(list)
        self._written = MergedSeries(new=set(), grown=set())

    def take(self, locations: Sequence[FileLocation], scan: Scan) -> None:
        """Take some files.

        Parameters
        ----------
        locations : sequence of FileLocation
            The files.
        scan : Scan
            What was read of them.
        """
        places = self._places
        distinct: dict[int, ScannedImage] = {}
        for location, result in zip(locations, scan.results, strict=True):
            if isinstance(result, Scanned):
                self._waiting.append((places.of(location), location, result))
                distinct[id(result.image)] = result.image
            else:
                self._rejects.append(Reject(location=location, code=result.code, reason=result.reason))
        here = {image.series.series_instance_uid for image in distinct.values()}
        # Of a series that comes in two parts, neither has all of it.
        for uid in here & self._seen:
            self._stacks.pop(uid, None)
        self._stacks.update((uid, built) for uid, built in scan.stacks.items() if uid not in self._seen)
        self._seen |= here
        is_settled = self._is_settled(distinct.values()) and not here & self._written.new
        self._is_early = self._is_early and is_settled
        if self._is_early:
            self._take_waiting()
            self._write_some(here)

    def _is_settled(self, images: Collection[ScannedImage]) -> bool:
        """Return whether it is known whose the studies of these images are."""
        stating = {image.study_instance_uid for image in images if image.patient_id}
        return all(image.study_instance_uid in stating | self._stated.keys() for image in images)

    def _write_some(self, unfinished: set[str]) -> None:
        """Write the series that the last part had nothing of, if they have enough images."""
        complete = [uid for uid in self._members if uid not in unfinished]
        if sum(len(self._members[uid]) for uid in complete) >= ROWS_AT_ONCE:
            self._write(complete)

    def finish(self, standing: Standing) -> MergedSeries:
        """Write what waits; return which series changed.

        Parameters
        ----------
        standing : Standing
            What the catalogue knows of other files. What the new ones may overturn is among the new.
        """
        self._standing = standing
        for known in standing.images:
            self._count_standing(known)
        self._take_waiting()
        self._rejects.extend(self._compared(*copy) for copy in self._copies)
        affected = self._images.forget_files(self._superseded)
        self._write(list(self._members))
        self._images.replace_studies(self._changed_studies)
        self._images.replace_series(self._changed_series)
        self._images.add_rejects(self._rejects)
        changed = affected | {series.series_instance_uid for series in self._changed_series}
        written = self._written
        return MergedSeries(new=written.new - written.grown, grown=written.grown | changed)

    def _take_waiting(self) -> None:
        self._waiting.sort(key=itemgetter(0))
        self._assign_patients((location, scanned.image) for _, location, scanned in self._waiting)
        for place, location, scanned in self._waiting:
            self._take_file(place, location, scanned)
        self._waiting.clear()

    def _count_standing(self, known: KnownImage) -> None:
        place = self._places.of(known.location)
        series_uid = known.series_instance_uid
        study_uid = self._series[series_uid].study_instance_uid
        self._files[known.sop_instance_uid] = known.location, series_uid
        self._study_of_series[series_uid] = study_uid
        for uid, first in ((series_uid, self._first_of_series), (study_uid, self._first_of_study)):
            if uid not in first or place < first[uid]:
                first[uid] = place

    def _assign_patients(self, found: Iterable[tuple[FileLocation, ScannedImage]]) -> None:
        """Decide each study's patient: stated in any file, else given, else derived.

        Where a file contradicts what is known of its study, the whole study is in the batch and
        is decided anew: the first file by place that states a PatientID has it.
        """
        given: dict[str, str] = {}
        studies = []
        for location, image in found:
            uid = image.study_instance_uid
            studies.append(uid)
            if image.patient_id:
                self._stated.setdefault(uid, image.patient_id)
            elif self._places.given_id(location.root):
                given.setdefault(uid, self._places.given_id(location.root))
        for uid in dict.fromkeys(studies):
            known = self._studies.get(uid)
            if known is not None and uid in self._first_of_study:
                self._stated[uid] = known.stated_patient_id
                settled = known.patient_id, self._patients[known.patient_id].is_identified
                self._patient_of_study[uid] = settled
            else:
                chosen = self._stated.get(uid) or given.get(uid)
                self._patient_of_study[uid] = (chosen, True) if chosen else (derived_patient_id(uid), False)

    def _take_file(self, place: Place, location: FileLocation, scanned: Scanned) -> None:
        """Accept one image, or set it aside as a copy or a contradiction."""
        image, uid, parts, frames = scanned
        contradiction = self._contradiction(image)
        if contradiction:
            self._rejects.append(Reject(location=location, code="conflict", reason=contradiction))
            return
        kept = self._files.get(uid)
        if kept is not None:
            # Files come in the order of their places, and known ones of a later place come with them.
            self._copies.append((location, kept[0], self._claim(image, kept[1])))
            return
        if uid in self._standing.missing:
            self._superseded.append(self._standing.missing[uid])
        series_uid = image.series.series_instance_uid
        self._files[uid] = location, series_uid
        if series_uid not in self._met:
            self._remember(place, image)
        members, has_digests = self._members[series_uid], bool(self._standing.digests)
        for number, own in enumerate(frames, start=1) if frames else ((0, parts),):
            members.append(
                NewImage(
                    sop_instance_uid=uid,
                    frame_number=number,
                    series_instance_uid=series_uid,
                    location=location,
                    header=own,
                    pixel_sha256=self._digest((uid, number), location) if has_digests else None,
                )
            )

    def _claim(self, image: ScannedImage, kept_series: str) -> str:
        """Return what a copy says of its place beside what the kept file says; empty if the same."""
        series, study = image.series.series_instance_uid, image.study_instance_uid
        is_same = series == kept_series and study == self._study_of_series[kept_series]
        return "" if is_same else says_place(study, series)

    def _digest(self, image: ImageKey, location: FileLocation) -> str | None:
        """Return the digest of pixels that cannot have changed, as their file has not."""
        size, mtime_ns, digest = self._standing.digests.get(image, (0, 0, None))
        return digest if (size, mtime_ns) == (location.size, location.mtime_ns) else None

    def _contradiction(self, image: ScannedImage) -> str:
        patient_id, _ = self._patient_of_study[image.study_instance_uid]
        if image.patient_id and image.patient_id != patient_id:
            return (
                f"study {image.study_instance_uid} belongs to patient {patient_id}, but this file says"
                f" {image.patient_id}; one of the two PatientIDs is wrong"
            )
        known = self._study_of_series.get(image.series.series_instance_uid)
        if known is not None and known != image.study_instance_uid:
            return (
                f"series {image.series.series_instance_uid} belongs to study {known},"
                f" but {says_place(image.study_instance_uid)}"
            )
        return ""

    def _remember(self, place: Place, image: ScannedImage) -> None:
        """Take what a series and its study are called from their first file by place, which this is."""
        uid = image.series.series_instance_uid
        self._met.add(uid)
        self._study_of_series[uid] = image.study_instance_uid
        if uid not in self._series:
            self._series[uid] = image.series
            self._new_series.append(image.series)
        elif _leads(place, self._first_of_series.get(uid)) and image.series != self._series[uid]:
            self._changed_series.append(image.series)
        self._remember_study(place, image)

    def _remember_study(self, place: Place, image: ScannedImage) -> None:
        uid = image.study_instance_uid
        if uid in self._met_studies:
            return
        self._met_studies.add(uid)
        patient_id, is_identified = self._patient_of_study[uid]
        if patient_id not in self._patients:
            patient = Patient(patient_id=patient_id, is_identified=is_identified)
            self._patients[patient_id] = patient
            self._new_patients.append(patient)
        study = Study(
            study_instance_uid=uid,
            patient_id=patient_id,
            study_date=image.study_date,
            study_description=image.study_description,
            stated_patient_id=self._stated.get(uid, ""),
            person=image.person,
        )
        if uid not in self._studies:
            self._studies[uid] = study
            self._new_studies.append(study)
        elif _leads(place, self._first_of_study.get(uid)) and study != self._studies[uid]:
            self._changed_studies.append(study)

    def _write(self, series_uids: Sequence[str]) -> None:
        """Write these series' images with the stacks they make, and whatever is new above them."""
        written = self._written
        stacks: list[Stack] = []
        rows: list[NewImage] = []
        for uid in series_uids:
            members = self._members.pop(uid)
            rows += members
            if uid in written.new or uid in self._catalogued:
                written.grown.add(uid)
            else:
                written.new.add(uid)
                stacks += self._placed(uid, members)
        self._images.add_images(
            patients=self._new_patients,
            studies=self._new_studies,
            series=self._new_series,
            stacks=stacks,
            images=rows,
        )
        self._new_patients, self._new_studies, self._new_series = [], [], []

    def _compared(self, location: FileLocation, kept: FileLocation, claimed: str) -> Reject:
        shown = f"{kept.root}:{kept.relative_path}"
        paths = [self._places.path((each.root, each.relative_path)) for each in (location, kept)]
        code, detail = compare_copies(*(Path(path or "") for path in paths))
        return copy_reject(location, shown, code, f"{detail}; {claimed}" if claimed else detail)

    def _placed(self, uid: str, members: Sequence[NewImage]) -> list[Stack]:
        """Put the images of a new series into their stacks; return these."""
        built = self._stacks.pop(uid, [])
        if sum(len(each.images) for each in built) != len(members):
            # Some were left out.
            built = build_stacks(self._series[uid], [image.instance_header() for image in members])
        by_key = {(image.sop_instance_uid, image.frame_number): image for image in members}
        for each in built:
            for index, key in enumerate(each.images):
                image = by_key[key]
                image.stack_uid, image.slice_index = each.stack.stack_uid, index
        return [each.stack for each in built]


def _leads(place: Place, first: Place | None) -> bool:
    """Return whether a file comes before all that stand, so that its words count."""
    return first is None or place < first

"""Fitting newly read images into what the catalogue knows.

Decides, for a batch of scans, which patient a study belongs to, which of two files with
one SOP Instance UID is kept, and what contradicts the catalogue. The decision depends on
the files' places, not on the order they were read in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

from herntrack.catalogue.files import FileKey, ImageKey, KnownImage
from herntrack.catalogue.images import ImageRepository
from herntrack.catalogue.rows import NewImage
from herntrack.dicom.header_rules import ScannedImage, derived_patient_id
from herntrack.dicom.scan import Scan, Scanned
from herntrack.dicom.stacks import BuiltStack, build_stacks
from herntrack.model.records import FileLocation, Patient, Reject, Series, Stack, Study
from herntrack.workflows.copies import compare_copies, copy_reject, says_place
from herntrack.workflows.settings import ImageRoot
from herntrack.workflows.unsettled import Place, Places


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


def merge_scans(
    images: ImageRepository,
    locations: Sequence[FileLocation],
    scan: Scan,
    *,
    roots: Sequence[ImageRoot],
    standing: Standing,
) -> MergedSeries:
    """Write scans to the catalogue.

    Parameters
    ----------
    images : ImageRepository
        An open catalogue that knows none of these files.
    locations : sequence of FileLocation
        The files that were read.
    scan : Scan
        What was read.
    roots : sequence of ImageRoot
        The workspace's roots, in the order of its settings.
    standing : Standing
        What the catalogue knows of other files. What these may overturn is among these.

    Returns
    -------
    MergedSeries
        Series whose images changed.
    """
    batch = _Batch(images, roots, scan.stacks, standing)
    found = []
    for location, result in zip(locations, scan.results, strict=True):
        if isinstance(result, Scanned):
            found.append((batch.places.of(location), location, result))
        else:
            batch.rejects.append(Reject(location=location, code=result.code, reason=result.reason))
    found.sort(key=itemgetter(0))
    batch.assign_patients((location, scanned.image) for _, location, scanned in found)
    for place, location, scanned in found:
        batch.take(place, location, scanned)
    return batch.write()


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


class _Batch:
    """The state of one merge: what is known, and what will be written."""

    def __init__(
        self,
        images: ImageRepository,
        roots: Sequence[ImageRoot],
        stacks: Mapping[str, list[BuiltStack]],
        standing: Standing,
    ) -> None:
        self._images = images
        self.places = Places(roots)
        self._patients = {patient.patient_id: patient for patient in images.patients()}
        self._studies = {study.study_instance_uid: study for study in images.studies()}
        self._series = {series.series_instance_uid: series for series in images.series()}
        self._standing = standing
        self._files: dict[str, tuple[FileLocation, str]] = {}
        self._first_of_study: dict[str, Place] = {}
        self._first_of_series: dict[str, Place] = {}
        self._study_of_series: dict[str, str] = {}
        for known in standing.images:
            self._count_standing(known)
        self._new_patients: dict[str, Patient] = {}
        self._new_studies: dict[str, Study] = {}
        self._new_series: dict[str, Series] = {}
        self._changed_studies: list[Study] = []
        self._changed_series: list[Series] = []
        self._met: set[str] = set()
        self._met_studies: set[str] = set()
        self._new_images: dict[ImageKey, NewImage] = {}
        self._stacks = stacks
        self._patient_of_study: dict[str, tuple[str, bool]] = {}
        self._stated: dict[str, str] = {}
        self._superseded: list[FileKey] = []
        self._copies: list[tuple[FileLocation, FileLocation, str]] = []
        self.rejects: list[Reject] = []

    def _count_standing(self, known: KnownImage) -> None:
        place = self.places.of(known.location)
        series_uid = known.series_instance_uid
        study_uid = self._series[series_uid].study_instance_uid
        self._files[known.sop_instance_uid] = known.location, series_uid
        self._study_of_series[series_uid] = study_uid
        for uid, first in ((series_uid, self._first_of_series), (study_uid, self._first_of_study)):
            if uid not in first or place < first[uid]:
                first[uid] = place

    def assign_patients(self, found: Iterable[tuple[FileLocation, ScannedImage]]) -> None:
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
            elif self.places.given_id(location.root):
                given.setdefault(uid, self.places.given_id(location.root))
        for uid in dict.fromkeys(studies):
            known = self._studies.get(uid)
            if known is not None and uid in self._first_of_study:
                self._stated[uid] = known.stated_patient_id
                settled = known.patient_id, self._patients[known.patient_id].is_identified
                self._patient_of_study[uid] = settled
            else:
                chosen = self._stated.get(uid) or given.get(uid)
                self._patient_of_study[uid] = (chosen, True) if chosen else (derived_patient_id(uid), False)

    def take(self, place: Place, location: FileLocation, scanned: Scanned) -> None:
        """Accept one image, or set it aside as a copy or a contradiction."""
        image, uid, parts, frames = scanned
        contradiction = self._contradiction(image)
        if contradiction:
            self.rejects.append(Reject(location=location, code="conflict", reason=contradiction))
            return
        kept = self._files.get(uid)
        if kept is not None:
            # Files come in the order of their places, and known ones of a later place come with them.
            self._copies.append((location, kept[0], self._claim(image, kept[1])))
            return
        if uid in self._standing.missing:
            self._superseded.append(self._standing.missing[uid])
        self._files[uid] = location, image.series.series_instance_uid
        self._remember(place, image)
        for number, own in enumerate(frames, start=1) if frames else ((0, parts),):
            self._new_images[uid, number] = NewImage(
                sop_instance_uid=uid,
                frame_number=number,
                series_instance_uid=image.series.series_instance_uid,
                location=location,
                header=own,
                pixel_sha256=self._digest((uid, number), location),
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
        """Take what a series and its study are called from their first file by place."""
        uid = image.series.series_instance_uid
        if uid in self._met:
            return
        self._met.add(uid)
        self._study_of_series[uid] = image.study_instance_uid
        if uid not in self._series:
            self._series[uid] = self._new_series[uid] = image.series
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
            self._patients[patient_id] = self._new_patients[patient_id] = patient
        study = Study(
            study_instance_uid=uid,
            patient_id=patient_id,
            study_date=image.study_date,
            study_description=image.study_description,
            stated_patient_id=self._stated.get(uid, ""),
            person=image.person,
        )
        if uid not in self._studies:
            self._studies[uid] = self._new_studies[uid] = study
        elif _leads(place, self._first_of_study.get(uid)) and study != self._studies[uid]:
            self._changed_studies.append(study)

    def write(self) -> MergedSeries:
        """Write everything; return the series that changed."""
        self.rejects.extend(self._compared(*copy) for copy in self._copies)
        affected = self._images.forget_files(self._superseded)
        stacks = self._placed()
        self._images.add_images(
            patients=list(self._new_patients.values()),
            studies=list(self._new_studies.values()),
            series=list(self._new_series.values()),
            stacks=stacks,
            images=list(self._new_images.values()),
        )
        self._images.replace_studies(self._changed_studies)
        self._images.replace_series(self._changed_series)
        self._images.add_rejects(self.rejects)
        changed = affected | {image.series_instance_uid for image in self._new_images.values()}
        changed |= {series.series_instance_uid for series in self._changed_series}
        new = changed & set(self._new_series)
        return MergedSeries(new=new, grown=changed - new)

    def _compared(self, location: FileLocation, kept: FileLocation, claimed: str) -> Reject:
        shown = f"{kept.root}:{kept.relative_path}"
        paths = [self.places.path((each.root, each.relative_path)) for each in (location, kept)]
        code, detail = compare_copies(*(Path(path or "") for path in paths))
        return copy_reject(location, shown, code, f"{detail}; {claimed}" if claimed else detail)

    def _placed(self) -> list[Stack]:
        """Put the images of new series into their stacks; return these."""
        by_series: dict[str, list[NewImage]] = defaultdict(list)
        for image in self._new_images.values():
            by_series[image.series_instance_uid].append(image)
        stacks = []
        for uid, members in by_series.items():
            if uid not in self._new_series:
                continue
            for built in self._built(uid, members):
                stacks.append(built.stack)
                for index, key in enumerate(built.images):
                    image = self._new_images[key]
                    image.stack_uid, image.slice_index = built.stack.stack_uid, index
        return stacks

    def _built(self, uid: str, members: Sequence[NewImage]) -> Sequence[BuiltStack]:
        """Return a new series' stacks: those that were built with the reading if nothing was left out."""
        built = self._stacks.get(uid, [])
        if sum(len(each.images) for each in built) == len(members):
            return built
        return build_stacks(self._new_series[uid], [image.instance_header() for image in members])


def _leads(place: Place, first: Place | None) -> bool:
    """Return whether a file comes before all that stand, so that its words count."""
    return first is None or place < first

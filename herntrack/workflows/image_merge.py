"""Fitting newly read images into what the catalogue knows.

Decides, for a batch of scans, which patient a study belongs to, which of two files with
one SOP Instance UID is kept, and what contradicts the catalogue. The decision depends on
the files' places, not on the order they were read in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from herntrack.catalogue.images import ImageRepository
from herntrack.catalogue.rows import NewImage
from herntrack.dicom.header_rules import ScannedImage, derived_patient_id
from herntrack.dicom.header_text import header_of_text
from herntrack.dicom.scan import Scan, Scanned
from herntrack.dicom.stacks import BuiltStack, build_stacks
from herntrack.model.records import FileLocation, Patient, Reject, Series, Stack, Study
from herntrack.workflows.workspace import ImageRoot

Place = tuple[int, str]
"""Order of two files: first by root, then by path."""


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

    Returns
    -------
    MergedSeries
        Series whose images changed.
    """
    batch = _Batch(images, roots, scan.stacks)
    found = []
    for location, result in zip(locations, scan.results, strict=True):
        if isinstance(result, Scanned):
            found.append((batch.place(location), location, result))
        else:
            batch.rejects.append(Reject(location=location, code=result.code, reason=result.reason))
    found.sort(key=itemgetter(0))
    batch.assign_patients((location, scanned.image) for _, location, scanned in found)
    for place, location, scanned in found:
        batch.take(place, location, scanned)
    return batch.write()


class _Batch:
    """The state of one merge: what is known, and what will be written."""

    def __init__(
        self, images: ImageRepository, roots: Sequence[ImageRoot], stacks: Mapping[str, list[BuiltStack]]
    ) -> None:
        self._images = images
        self._root_order = {root.name: order for order, root in enumerate(roots)}
        self._given_id = {root.name: root.patient_id for root in roots}
        self._patients = {patient.patient_id: patient for patient in images.patients()}
        self._studies = {study.study_instance_uid: study for study in images.studies()}
        self._series = {series.series_instance_uid: series for series in images.series()}
        self._files = images.instance_locations()
        self._new_patients: dict[str, Patient] = {}
        self._new_studies: dict[str, Study] = {}
        self._new_series: dict[str, Series] = {}
        self._new_images: dict[str, NewImage] = {}
        self._stacks = stacks
        self._patient_of_study: dict[str, tuple[str, bool]] = {}
        self._displaced: list[FileLocation] = []
        self.rejects: list[Reject] = []

    def place(self, location: FileLocation) -> Place:
        """Return the rank of a file among files with the same content."""
        return self._root_order.get(location.root, len(self._root_order)), location.relative_path

    def assign_patients(self, found: Iterable[tuple[FileLocation, ScannedImage]]) -> None:
        """Decide each study's patient: stated in any file, else given, else derived."""
        stated: dict[str, str] = {}
        given: dict[str, str] = {}
        studies = []
        for location, image in found:
            uid = image.study_instance_uid
            studies.append(uid)
            if image.patient_id:
                stated.setdefault(uid, image.patient_id)
            elif self._given_id.get(location.root):
                given.setdefault(uid, self._given_id[location.root])
        for uid in studies:
            known = self._studies.get(uid)
            is_settled = known is not None and self._patients[known.patient_id].is_identified
            if known is not None and is_settled:
                self._patient_of_study[uid] = known.patient_id, True
            else:
                chosen = stated.get(uid) or given.get(uid)
                self._patient_of_study[uid] = (chosen, True) if chosen else (derived_patient_id(uid), False)

    def take(self, place: Place, location: FileLocation, scanned: Scanned) -> None:
        """Accept one image, or set it aside as a duplicate or a contradiction."""
        image, uid, header_text = scanned
        contradiction = self._contradiction(image)
        if contradiction:
            self.rejects.append(Reject(location=location, code="conflict", reason=contradiction))
            return
        kept = self._files.get(uid)
        if kept is not None and self.place(kept) <= place:
            self.rejects.append(_duplicate(location, kept))
            return
        if kept is not None:
            self._displaced.append(kept)
            self.rejects.append(_duplicate(kept, location))
        self._files[uid] = location
        self._remember(image)
        self._new_images[uid] = NewImage(
            sop_instance_uid=uid,
            series_instance_uid=image.series.series_instance_uid,
            location=location,
            header_text=header_text,
        )

    def _contradiction(self, image: ScannedImage) -> str:
        patient_id, _ = self._patient_of_study[image.study_instance_uid]
        if image.patient_id and image.patient_id != patient_id:
            return (
                f"study {image.study_instance_uid} belongs to patient {patient_id}, but this file says"
                f" {image.patient_id}; one of the two PatientIDs is wrong"
            )
        known = self._series.get(image.series.series_instance_uid)
        if known is not None and known.study_instance_uid != image.study_instance_uid:
            return (
                f"series {image.series.series_instance_uid} belongs to study {known.study_instance_uid},"
                f" but this file says {image.study_instance_uid}"
            )
        return ""

    def _remember(self, image: ScannedImage) -> None:
        patient_id, is_identified = self._patient_of_study[image.study_instance_uid]
        if patient_id not in self._patients:
            patient = Patient(patient_id=patient_id, is_identified=is_identified)
            self._patients[patient_id] = self._new_patients[patient_id] = patient
        if image.study_instance_uid not in self._studies:
            study = Study(
                study_instance_uid=image.study_instance_uid,
                patient_id=patient_id,
                study_date=image.study_date,
                study_description=image.study_description,
            )
            self._studies[study.study_instance_uid] = self._new_studies[study.study_instance_uid] = study
        uid = image.series.series_instance_uid
        if uid not in self._series:
            self._series[uid] = self._new_series[uid] = image.series

    def write(self) -> MergedSeries:
        """Write everything; return the series that changed."""
        affected = self._images.forget_files((old.root, old.relative_path) for old in self._displaced)
        stacks = self._placed()
        self._images.add_images(
            patients=list(self._new_patients.values()),
            studies=list(self._new_studies.values()),
            series=list(self._new_series.values()),
            stacks=stacks,
            images=list(self._new_images.values()),
        )
        self._images.add_rejects(self.rejects)
        for uid, (patient_id, _) in self._patient_of_study.items():
            known = self._studies.get(uid)
            if known is not None and known.patient_id != patient_id and patient_id in self._patients:
                self._images.move_study(uid, patient_id)
        changed = affected | {image.series_instance_uid for image in self._new_images.values()}
        new = changed & set(self._new_series)
        return MergedSeries(new=new, grown=changed - new)

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
                for index, (sop_uid, _) in enumerate(built.images):
                    image = self._new_images[sop_uid]
                    image.stack_uid, image.slice_index = built.stack.stack_uid, index
        return stacks

    def _built(self, uid: str, members: Sequence[NewImage]) -> Sequence[BuiltStack]:
        """Return a new series' stacks: those that were built with the reading if nothing was left out."""
        built = self._stacks.get(uid, [])
        if sum(len(each.images) for each in built) == len(members):
            return built
        return build_stacks(self._new_series[uid], [header_of_text(image.header_text) for image in members])


def _duplicate(location: FileLocation, kept: FileLocation) -> Reject:
    return Reject(
        location=location,
        code="duplicate",
        reason=f"the same SOP Instance UID as {kept.root}:{kept.relative_path}, which is kept",
    )

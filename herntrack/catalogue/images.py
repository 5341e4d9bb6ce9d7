"""The image side of the catalogue: patients, studies, series, stacks, instances, visits, rejects.

Takes and returns records. Rows are written in batches through SQLAlchemy Core; the
session is the caller's, and only a workflow commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, delete, func, insert, select, update

from herntrack.catalogue import models, rows
from herntrack.catalogue.files import FileRepository, parts
from herntrack.dicom.header_parts import shared_key
from herntrack.errors import RecordNotFoundError
from herntrack.model.images import CataloguedStack, Instance, Patient, Series, Stack, Study
from herntrack.model.records import Visit
from herntrack.model.vocabulary import ImageRole

ROWS_IN_BATCH = 5000
"""Rows of images handed to the database at once; more of them only take memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueCounts:
    """How many there are of each; `missing` are images whose file is gone."""

    patients: int
    studies: int
    series: int
    stacks: int
    instances: int
    rejects: int
    missing: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCounts:
    """Images of one stack, or those of one series that are in no stack.

    `frames` are those that are frames of multi-frame objects; `missing` are those whose files
    were not there when their folders were last scanned.
    """

    images: int = 0
    frames: int = 0
    missing: int = 0


class ImageRepository(FileRepository):
    """Reads and writes what the files say.

    Parameters
    ----------
    session : Session
        An open session; the caller commits.
    """

    def counts(self) -> CatalogueCounts:
        """Return how many rows there are of each kind."""

        def count(model: type[models.Base]) -> int:
            return self._session.scalar(select(func.count()).select_from(model)) or 0

        return CatalogueCounts(
            patients=count(models.PatientRow),
            studies=count(models.StudyRow),
            series=count(models.SeriesRow),
            stacks=count(models.StackRow),
            instances=count(models.InstanceRow),
            rejects=count(models.RejectRow),
            missing=self.count_missing(),
        )

    def image_counts(self, patient_id: str | None = None) -> dict[tuple[str, str | None], ImageCounts]:
        """Return how many images there are, by series and stack; stack None: in no stack."""
        instance = models.InstanceRow
        query = select(
            instance.series_instance_uid,
            instance.stack_uid,
            func.count(),
            func.sum(case((instance.frame_number > 0, 1), else_=0)),
            func.sum(case((instance.is_missing, 1), else_=0)),
        ).group_by(instance.series_instance_uid, instance.stack_uid)
        if patient_id is not None:
            is_of_study = models.SeriesRow.study_instance_uid == models.StudyRow.study_instance_uid
            own = (
                select(models.SeriesRow.series_instance_uid)
                .join(models.StudyRow, is_of_study)
                .where(models.StudyRow.patient_id == patient_id)
            )
            query = query.where(instance.series_instance_uid.in_(own))
        return {
            (series, stack): ImageCounts(images=images, frames=frames, missing=missing)
            for series, stack, images, frames, missing in self._session.execute(query)
        }

    def has_undated_studies(self) -> bool:
        """Return whether a study has no date."""
        query = select(models.StudyRow.study_instance_uid).where(models.StudyRow.study_date.is_(None))
        return self._session.scalar(query.limit(1)) is not None

    def patients(self) -> list[Patient]:
        """Return all patients, by identifier."""
        found = self._session.scalars(select(models.PatientRow).order_by(models.PatientRow.patient_id))
        return [Patient(patient_id=row.patient_id, is_identified=row.is_identified) for row in found]

    def studies(self) -> list[Study]:
        """Return all studies, by patient and date."""
        order = (models.StudyRow.patient_id, models.StudyRow.study_date, models.StudyRow.study_instance_uid)
        return [
            rows.study_record(row) for row in self._session.scalars(select(models.StudyRow).order_by(*order))
        ]

    def series(self) -> list[Series]:
        """Return all series, by study and number."""
        order = (
            models.SeriesRow.study_instance_uid,
            models.SeriesRow.series_number,
            models.SeriesRow.series_instance_uid,
        )
        return [
            rows.series_record(row)
            for row in self._session.scalars(select(models.SeriesRow).order_by(*order))
        ]

    def stacks(
        self,
        *,
        patient_id: str | None = None,
        study_date: date | None = None,
        series_instance_uid: str | None = None,
    ) -> list[CataloguedStack]:
        """Return stacks with their series and study, in the order a person would list them."""
        query = (
            select(models.StackRow, models.SeriesRow, models.StudyRow)
            .join(
                models.SeriesRow, models.StackRow.series_instance_uid == models.SeriesRow.series_instance_uid
            )
            .join(models.StudyRow, models.SeriesRow.study_instance_uid == models.StudyRow.study_instance_uid)
            .order_by(
                models.StudyRow.patient_id,
                models.StudyRow.study_date,
                models.SeriesRow.series_number,
                models.SeriesRow.series_instance_uid,
                models.StackRow.stack_uid,
            )
        )
        if patient_id is not None:
            query = query.where(models.StudyRow.patient_id == patient_id)
        if study_date is not None:
            query = query.where(models.StudyRow.study_date == study_date)
        if series_instance_uid is not None:
            query = query.where(models.SeriesRow.series_instance_uid == series_instance_uid)
        return [
            CataloguedStack(
                stack=rows.stack_record(stack),
                series=rows.series_record(series),
                study=rows.study_record(study),
            )
            for stack, series, study in self._session.execute(query)
        ]

    def stack(self, stack_uid: str) -> CataloguedStack:
        """Return one stack.

        Raises
        ------
        RecordNotFoundError
            If there is none with that UID.
        """
        row = self._session.get(models.StackRow, stack_uid)
        if row is None:
            raise RecordNotFoundError(f"no stack {stack_uid}; herntrack list stacks shows those there are")
        series = self._session.get_one(models.SeriesRow, row.series_instance_uid)
        study = self._session.get_one(models.StudyRow, series.study_instance_uid)
        return CataloguedStack(
            stack=rows.stack_record(row), series=rows.series_record(series), study=rows.study_record(study)
        )

    def instances_of_stack(self, stack_uid: str) -> list[Instance]:
        """Return the images of a stack in slice order."""
        query = select(models.InstanceRow).where(models.InstanceRow.stack_uid == stack_uid)
        found = self._session.scalars(query.order_by(models.InstanceRow.slice_index))
        return [rows.instance_record(row) for row in found]

    def instances_of_series(self, series_instance_uid: str) -> list[Instance]:
        """Return the images of a series, by SOP Instance UID and frame."""
        query = select(models.InstanceRow).where(
            models.InstanceRow.series_instance_uid == series_instance_uid
        )
        order = (models.InstanceRow.sop_instance_uid, models.InstanceRow.frame_number)
        found = self._session.scalars(query.order_by(*order))
        return [rows.instance_record(row) for row in found]

    def image_places(self, series_uids: Iterable[str]) -> dict[str, list[tuple[str, int, str | None]]]:
        """Return by series its images' SOP Instance UIDs, frame numbers (0: the only one) and stacks."""
        instance = models.InstanceRow
        found: dict[str, list[tuple[str, int, str | None]]] = {}
        for part in parts(sorted(set(series_uids))):
            query = select(
                instance.series_instance_uid,
                instance.sop_instance_uid,
                instance.frame_number,
                instance.stack_uid,
            ).where(instance.series_instance_uid.in_(part))
            for series_uid, image_uid, frame, stack_uid in self._session.execute(query):
                found.setdefault(series_uid, []).append((image_uid, frame, stack_uid))
        return found

    def lumbar_dates(self) -> dict[str, set[date]]:
        """Return by patient the dates with a diagnostic stack that may show the lumbar spine."""
        stack, series, study = models.StackRow, models.SeriesRow, models.StudyRow
        query = (
            select(study.patient_id, study.study_date)
            .join(series, series.study_instance_uid == study.study_instance_uid)
            .join(stack, stack.series_instance_uid == series.series_instance_uid)
            .where(stack.role == str(ImageRole.DIAGNOSTIC))
            .where(stack.is_lumbar.is_(None) | stack.is_lumbar)
            .distinct()
        )
        found: dict[str, set[date]] = {}
        for patient_id, study_date in self._session.execute(query):
            if study_date is not None:
                found.setdefault(patient_id, set()).add(study_date)
        return found

    def visits(self, patient_id: str | None = None) -> list[Visit]:
        """Return visits by patient and date."""
        query = select(models.VisitRow).order_by(models.VisitRow.patient_id, models.VisitRow.visit_date)
        if patient_id is not None:
            query = query.where(models.VisitRow.patient_id == patient_id)
        return [
            Visit(
                patient_id=row.patient_id,
                visit_date=row.visit_date,
                day=row.day,
                timepoint=row.timepoint,
                is_baseline_confirmed=row.is_baseline_confirmed,
            )
            for row in self._session.scalars(query)
        ]

    def add_images(
        self,
        *,
        patients: Sequence[Patient] = (),
        studies: Sequence[Study] = (),
        series: Sequence[Series] = (),
        stacks: Sequence[Stack] = (),
        images: Sequence[rows.NewImage] = (),
    ) -> None:
        """Insert new records, parents first."""
        self._insert(models.PatientRow, [rows.plain_row(record) for record in patients])
        self._insert(models.StudyRow, [rows.study_row(record) for record in studies])
        self._insert(models.SeriesRow, [rows.plain_row(record) for record in series])
        self._insert(models.StackRow, [rows.stack_row(record) for record in stacks])
        keys = self._insert_headers(images)
        for part in parts(images, ROWS_IN_BATCH):
            self._insert_images([rows.image_values(image, keys[image.header.shared]) for image in part])

    def replace_stacks(
        self, series_instance_uid: str, stacks: Sequence[tuple[Stack, Sequence[tuple[str, int]]]]
    ) -> None:
        """Write a series' stacks anew.

        Parameters
        ----------
        series_instance_uid : str
            The series.
        stacks : sequence of (Stack, sequence of (str, int))
            Each stack with the SOP Instance UID and frame number of its images in slice order.
        """
        of_series = models.InstanceRow.series_instance_uid == series_instance_uid
        self._session.execute(
            update(models.InstanceRow).where(of_series).values(stack_uid=None, slice_index=None)
        )
        self._session.execute(
            delete(models.StackRow).where(models.StackRow.series_instance_uid == series_instance_uid)
        )
        self._insert(models.StackRow, [rows.stack_row(stack) for stack, _ in stacks])
        places = [
            {
                "sop_instance_uid": uid,
                "frame_number": frame,
                "stack_uid": stack.stack_uid,
                "slice_index": index,
            }
            for stack, images in stacks
            for index, (uid, frame) in enumerate(images)
        ]
        if places:
            self._session.execute(update(models.InstanceRow), places)

    def replace_visits(self, visits: Mapping[str, Sequence[Visit]]) -> None:
        """Write the visits of these patients anew."""
        for part in parts(visits):
            self._session.execute(delete(models.VisitRow).where(models.VisitRow.patient_id.in_(part)))
        self._insert(models.VisitRow, [rows.plain_row(visit) for each in visits.values() for visit in each])

    def replace_studies(self, studies: Sequence[Study]) -> None:
        """Write known studies anew, under another patient if they say so."""
        if studies:
            self._session.execute(update(models.StudyRow), [rows.study_row(study) for study in studies])

    def replace_series(self, series: Sequence[Series]) -> None:
        """Write known series anew."""
        if series:
            self._session.execute(update(models.SeriesRow), [rows.plain_row(each) for each in series])

    def drop_empty(self) -> None:
        """Remove series, studies and patients that nothing belongs to any more."""
        has_images = select(models.InstanceRow.series_instance_uid)
        gone = models.SeriesRow.series_instance_uid.not_in(has_images)
        stale = select(models.SeriesRow.series_instance_uid).where(gone)
        self._session.execute(delete(models.StackRow).where(models.StackRow.series_instance_uid.in_(stale)))
        self._session.execute(delete(models.SeriesRow).where(gone))
        has_said = select(models.InstanceRow.header_key)
        self._session.execute(delete(models.HeaderRow).where(models.HeaderRow.header_key.not_in(has_said)))
        has_series = select(models.SeriesRow.study_instance_uid)
        self._session.execute(
            delete(models.StudyRow).where(models.StudyRow.study_instance_uid.not_in(has_series))
        )
        kept = models.PatientRow.patient_id.not_in(select(models.StudyRow.patient_id))
        unread = models.PatientRow.patient_id.not_in(select(models.LesionRow.patient_id))
        orphans = select(models.PatientRow.patient_id).where(kept & unread)
        self._session.execute(delete(models.VisitRow).where(models.VisitRow.patient_id.in_(orphans)))
        self._session.execute(delete(models.PatientRow).where(kept & unread))

    def _insert_headers(self, images: Sequence[rows.NewImage]) -> dict[str, str]:
        """Write what headers share and is not known yet; return the key of each text."""
        keys = {shared: shared_key(shared) for shared in {image.header.shared for image in images}}
        table, known = models.HeaderRow, set[str]()
        for part in parts(keys.values()):
            known.update(self._session.scalars(select(table.header_key).where(table.header_key.in_(part))))
        self._insert(table, [rows.header_row(shared) for shared in sorted(keys) if keys[shared] not in known])
        return keys

    def _insert_images(self, images: Sequence[tuple[object, ...]]) -> None:
        """Write rows of images: plain values in the order of the columns."""
        connection, table = self._session.connection(), models.InstanceRow.__table__
        statement = insert(table)  # type: ignore[arg-type]
        if not connection.dialect.positional:
            names = rows.IMAGE_COLUMNS
            connection.execute(statement, [dict(zip(names, image, strict=True)) for image in images])
            return
        # There are many: looking at each value once more takes as long as writing it.
        compiled = statement.compile(dialect=connection.dialect, column_keys=rows.IMAGE_COLUMNS)
        connection.exec_driver_sql(str(compiled), images)

"""The image side of the catalogue: patients, studies, series, stacks, instances, visits, rejects.

Takes and returns records. Rows are written in batches through SQLAlchemy Core; the
session is the caller's, and only a workflow commits.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from sqlalchemy import String, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session

from herntrack.catalogue import models, rows
from herntrack.errors import RecordNotFoundError
from herntrack.model.records import (
    CataloguedStack,
    FileLocation,
    Instance,
    Patient,
    Reject,
    Series,
    Stack,
    Study,
    Visit,
)

IN_BATCH = 500
"""Values in one SQL ``IN`` list; SQLite's oldest limit on parameters is 999."""

ROWS_IN_BATCH = 5000
"""Rows of images handed to the database at once; more of them only take memory."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueCounts:
    """How many there are of each."""

    patients: int
    studies: int
    series: int
    stacks: int
    instances: int
    rejects: int


class ImageRepository:
    """Reads and writes what the files say.

    Parameters
    ----------
    session : Session
        An open session; the caller commits.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

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
        )

    def known_files(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Return size and modification time of every file seen before, catalogued or set aside.

        Returns
        -------
        dict
            By root and relative path: bytes, and nanoseconds since 1970.
        """
        known: dict[tuple[str, str], tuple[int, int]] = {}
        for model in (models.InstanceRow, models.RejectRow):
            columns = (model.root, model.relative_path, model.size, model.mtime_ns)
            for root, path, size, mtime_ns in self._session.connection().execute(select(*columns)):
                known[root, path] = size, mtime_ns
        return known

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

    def instance_locations(self, sop_instance_uids: Collection[str] | None = None) -> dict[str, FileLocation]:
        """Return where the files of these images lie, of all images by default."""
        query = select(
            models.InstanceRow.sop_instance_uid,
            models.InstanceRow.root,
            models.InstanceRow.relative_path,
            models.InstanceRow.size,
            models.InstanceRow.mtime_ns,
        )
        queries = (
            [query]
            if sop_instance_uids is None
            else [
                query.where(models.InstanceRow.sop_instance_uid.in_(part))
                for part in _parts(sop_instance_uids)
            ]
        )
        return {
            uid: FileLocation(root=root, relative_path=path, size=size, mtime_ns=mtime_ns)
            for each in queries
            for uid, root, path, size, mtime_ns in self._session.execute(each)
        }

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

    def rejects(self) -> list[Reject]:
        """Return the files that were set aside, by place."""
        query = select(models.RejectRow).order_by(models.RejectRow.root, models.RejectRow.relative_path)
        return [
            Reject(location=rows.location_record(row), code=row.code, reason=row.reason)
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
        for part in _parts(images, ROWS_IN_BATCH):
            self._insert_images([rows.image_row(image) for image in part])

    def add_rejects(self, rejects: Sequence[Reject]) -> None:
        """Insert files that were set aside."""
        self._insert(
            models.RejectRow,
            [
                {**rows.plain_row(reject.location), "code": reject.code, "reason": reject.reason}
                for reject in rejects
            ],
        )

    def forget_files(self, locations: Iterable[tuple[str, str]]) -> set[str]:
        """Remove what was known of files that changed; return the series that lost an image."""
        paths: dict[str, list[str]] = {}
        for root, path in locations:
            paths.setdefault(root, []).append(path)
        affected: set[str] = set()
        for root, part in ((name, part) for name, below in paths.items() for part in _parts(below)):
            here = (models.InstanceRow.root == root) & models.InstanceRow.relative_path.in_(part)
            affected.update(self._session.scalars(select(models.InstanceRow.series_instance_uid).where(here)))
            self._session.execute(delete(models.InstanceRow).where(here))
            set_aside = (models.RejectRow.root == root) & models.RejectRow.relative_path.in_(part)
            self._session.execute(delete(models.RejectRow).where(set_aside))
        return affected

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

    def replace_visits(self, patient_id: str, visits: Sequence[Visit]) -> None:
        """Write a patient's visits anew."""
        self._session.execute(delete(models.VisitRow).where(models.VisitRow.patient_id == patient_id))
        self._insert(models.VisitRow, [rows.plain_row(visit) for visit in visits])

    def move_study(self, study_instance_uid: str, patient_id: str) -> None:
        """Give a study to another patient."""
        self._session.execute(
            update(models.StudyRow)
            .where(models.StudyRow.study_instance_uid == study_instance_uid)
            .values(patient_id=patient_id)
        )

    def drop_empty(self) -> None:
        """Remove series, studies and patients that nothing belongs to any more."""
        has_images = select(models.InstanceRow.series_instance_uid)
        gone = models.SeriesRow.series_instance_uid.not_in(has_images)
        stale = select(models.SeriesRow.series_instance_uid).where(gone)
        self._session.execute(delete(models.StackRow).where(models.StackRow.series_instance_uid.in_(stale)))
        self._session.execute(delete(models.SeriesRow).where(gone))
        has_series = select(models.SeriesRow.study_instance_uid)
        self._session.execute(
            delete(models.StudyRow).where(models.StudyRow.study_instance_uid.not_in(has_series))
        )
        kept = models.PatientRow.patient_id.not_in(select(models.StudyRow.patient_id))
        unread = models.PatientRow.patient_id.not_in(select(models.LesionRow.patient_id))
        orphans = select(models.PatientRow.patient_id).where(kept & unread)
        self._session.execute(delete(models.VisitRow).where(models.VisitRow.patient_id.in_(orphans)))
        self._session.execute(delete(models.PatientRow).where(kept & unread))

    def _insert_images(self, values: list[dict[str, object]]) -> None:
        connection = self._session.connection()
        statement = insert(models.InstanceRow.__table__)  # type: ignore[arg-type]
        if connection.dialect.name == "sqlite":
            # SQLite keeps JSON as text, so the text is handed over as it is.
            statement = statement.values(header=bindparam("header", type_=String))
        else:
            for each in values:
                each["header"] = json.loads(str(each["header"]))
        connection.execute(statement, values)

    def _insert(self, model: type[models.Base], values: list[dict[str, object]]) -> None:
        if values:
            # The table, not the mapped class: nothing of the unit of work is needed for new rows.
            self._session.connection().execute(insert(model.__table__), values)  # type: ignore[arg-type]


def _parts(values: Iterable[T], size: int = IN_BATCH) -> Iterator[list[T]]:
    ordered = list(values)
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]

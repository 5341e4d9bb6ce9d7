"""The files a catalogue knows: where they lie, what became of them, which are gone.

The part of the image repository that asks about files instead of images. Rows are read
and written in batches through SQLAlchemy Core; the session is the caller's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from herntrack.catalogue import models, rows
from herntrack.model.images import FileLocation, Reject

IN_BATCH = 500
"""Values in one SQL ``IN`` list; SQLite's oldest limit on parameters is 999."""

T = TypeVar("T")

FileKey = tuple[str, str]
"""A file: the name of its root, and its path below it."""

ImageKey = tuple[str, int]
"""An image: its SOP Instance UID, and its frame (0 for the only one)."""


class KnownImage(NamedTuple):
    """A catalogued image, or frame of one, and its file."""

    sop_instance_uid: str
    frame_number: int
    series_instance_uid: str
    location: FileLocation
    is_missing: bool
    pixel_sha256: str | None

    @property
    def file(self) -> FileKey:
        """The file."""
        return self.location.root, self.location.relative_path


class FileRepository:
    """Reads and writes what is known of files.

    Parameters
    ----------
    session : Session
        An open session; the caller commits.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def known_files(self) -> dict[FileKey, tuple[int, int]]:
        """Return size and modification time of every file seen before, catalogued or set aside.

        Returns
        -------
        dict
            By root and relative path: bytes, and nanoseconds since 1970.
        """
        known: dict[FileKey, tuple[int, int]] = {}
        for model in (models.InstanceRow, models.RejectRow):
            columns = (model.root, model.relative_path, model.size, model.mtime_ns)
            found = self._session.connection().execute(select(*columns)).all()
            known.update({(root, path): (size, mtime_ns) for root, path, size, mtime_ns in found})
        return known

    def missing_files(self) -> set[FileKey]:
        """Return the files of catalogued images that were gone when they were last looked for."""
        columns = (models.InstanceRow.root, models.InstanceRow.relative_path)
        query = select(*columns).where(models.InstanceRow.is_missing)
        return {(root, path) for root, path in self._session.connection().execute(query)}

    def count_missing(self) -> int:
        """Return how many catalogued images have lost their file."""
        query = select(func.count()).select_from(models.InstanceRow).where(models.InstanceRow.is_missing)
        return self._session.scalar(query) or 0

    def known_images(self, series_instance_uids: Collection[str] | None = None) -> list[KnownImage]:
        """Return the catalogued images with their files, of all series by default."""
        row = models.InstanceRow
        query = select(
            row.sop_instance_uid,
            row.frame_number,
            row.series_instance_uid,
            row.root,
            row.relative_path,
            row.size,
            row.mtime_ns,
            row.is_missing,
            row.pixel_sha256,
        )
        queries = (
            [query]
            if series_instance_uids is None
            else [query.where(row.series_instance_uid.in_(part)) for part in parts(series_instance_uids)]
        )
        return [
            KnownImage(
                uid,
                frame,
                series_uid,
                FileLocation(root=root, relative_path=path, size=size, mtime_ns=mtime_ns),
                is_missing,
                digest,
            )
            for each in queries
            for uid, frame, series_uid, root, path, size, mtime_ns, is_missing, digest in (
                self._session.connection().execute(each)
            )
        ]

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
                for part in parts(sop_instance_uids)
            ]
        )
        return {
            uid: FileLocation(root=root, relative_path=path, size=size, mtime_ns=mtime_ns)
            for each in queries
            for uid, root, path, size, mtime_ns in self._session.execute(each)
        }

    def files_given_another_id(self, given: Mapping[str, str]) -> dict[FileKey, str]:
        """Return the files whose study states no PatientID and goes by another than its root gives it.

        Parameters
        ----------
        given : mapping
            PatientID by root.

        Returns
        -------
        dict
            By file the PatientID it goes by.
        """
        row, study = models.InstanceRow, models.StudyRow
        query = (
            select(row.root, row.relative_path, study.patient_id)
            .join(models.SeriesRow, row.series_instance_uid == models.SeriesRow.series_instance_uid)
            .join(study, models.SeriesRow.study_instance_uid == study.study_instance_uid)
            .where((study.stated_patient_id == "") & row.root.in_(list(given)))
        )
        return {
            (root, path): patient_id
            for root, path, patient_id in self._session.connection().execute(query)
            if patient_id != given[root]
        }

    def rejects(self, codes: Collection[str] | None = None, *, root: str | None = None) -> list[Reject]:
        """Return the files that were set aside, by place; with these codes or of that root, if given."""
        query = select(models.RejectRow).order_by(models.RejectRow.root, models.RejectRow.relative_path)
        if codes is not None:
            query = query.where(models.RejectRow.code.in_(codes))
        if root is not None:
            query = query.where(models.RejectRow.root == root)
        return [
            Reject(location=rows.location_record(row), code=row.code, reason=row.reason)
            for row in self._session.scalars(query)
        ]

    def add_rejects(self, rejects: Sequence[Reject]) -> None:
        """Insert files that were set aside."""
        values = [
            {**rows.plain_row(reject.location), "code": reject.code, "reason": reject.reason}
            for reject in rejects
        ]
        self._insert(models.RejectRow, values)

    def forget_files(self, files: Iterable[FileKey]) -> set[str]:
        """Remove what was known of files; return the series that lost an image."""
        affected: set[str] = set()
        for root, part in _by_root(files):
            here = (models.InstanceRow.root == root) & models.InstanceRow.relative_path.in_(part)
            affected.update(self._session.scalars(select(models.InstanceRow.series_instance_uid).where(here)))
            self._session.execute(delete(models.InstanceRow).where(here))
            set_aside = (models.RejectRow.root == root) & models.RejectRow.relative_path.in_(part)
            self._session.execute(delete(models.RejectRow).where(set_aside))
        return affected

    def forget_rejects(self, files: Iterable[FileKey]) -> None:
        """Remove that these files were set aside; catalogued images stay."""
        for root, part in _by_root(files):
            set_aside = (models.RejectRow.root == root) & models.RejectRow.relative_path.in_(part)
            self._session.execute(delete(models.RejectRow).where(set_aside))

    def mark_missing(self, files: Iterable[FileKey], *, is_missing: bool) -> None:
        """Say of the images in these files that the file is gone, or there again."""
        for root, part in _by_root(files):
            here = (models.InstanceRow.root == root) & models.InstanceRow.relative_path.in_(part)
            self._session.execute(update(models.InstanceRow).where(here).values(is_missing=is_missing))

    def write_digests(self, digests: Mapping[ImageKey, str]) -> None:
        """Store the digests of images' pixels."""
        values = [
            {"sop_instance_uid": uid, "frame_number": frame, "pixel_sha256": digest}
            for (uid, frame), digest in digests.items()
        ]
        if values:
            self._session.execute(update(models.InstanceRow), values)

    def _insert(self, model: type[models.Base], values: list[dict[str, object]]) -> None:
        if values:
            # The table, not the mapped class: nothing of the unit of work is needed for new rows.
            self._session.connection().execute(insert(model.__table__), values)  # type: ignore[arg-type]


def parts(values: Iterable[T], size: int = IN_BATCH) -> Iterator[list[T]]:
    """Yield values in lists of at most `size`."""
    ordered = list(values)
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


def _by_root(files: Iterable[FileKey]) -> Iterator[tuple[str, list[str]]]:
    paths: dict[str, list[str]] = {}
    for root, path in files:
        paths.setdefault(root, []).append(path)
    for root, below in paths.items():
        for part in parts(below):
            yield root, part

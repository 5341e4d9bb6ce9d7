"""The reading side of the catalogue: lesions, readings, measurements, outcomes.

Lesions and readings mirror the append-only store; measurements and outcomes are
computed from them. Takes and returns records; only a workflow commits.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from herntrack.catalogue import models, rows
from herntrack.errors import RecordNotFoundError
from herntrack.model.records import Lesion, Measurement, Outcome, Reading


class FollowUpRepository:
    """Reads and writes what readers said and what follows from it.

    Parameters
    ----------
    session : Session
        An open session; the caller commits.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def lesions(self, patient_id: str | None = None) -> list[Lesion]:
        """Return lesions by patient, level and creation."""
        query = select(models.LesionRow).order_by(
            models.LesionRow.patient_id,
            models.LesionRow.level,
            models.LesionRow.created_at,
            models.LesionRow.lesion_uid,
        )
        if patient_id is not None:
            query = query.where(models.LesionRow.patient_id == patient_id)
        return [rows.lesion_record(row) for row in self._session.scalars(query)]

    def lesion(self, lesion_uid: str) -> Lesion:
        """Return one lesion.

        Raises
        ------
        RecordNotFoundError
            If there is none with that UID.
        """
        row = self._session.get(models.LesionRow, lesion_uid)
        if row is None:
            raise RecordNotFoundError(f"no lesion {lesion_uid}; herntrack list lesions shows those there are")
        return rows.lesion_record(row)

    def add_lesion(self, lesion: Lesion) -> None:
        """Insert a lesion."""
        self._session.execute(insert(models.LesionRow), [rows.plain_row(lesion)])

    def move_lesion(self, lesion_uid: str, patient_id: str) -> None:
        """Give a lesion to another patient."""
        self._session.execute(
            update(models.LesionRow)
            .where(models.LesionRow.lesion_uid == lesion_uid)
            .values(patient_id=patient_id)
        )

    def readings(self, lesion_uid: str | None = None, *, is_current: bool | None = None) -> list[Reading]:
        """Return readings by lesion, visit and creation; `is_current` keeps those (not) superseded."""
        query = select(models.ReadingRow).order_by(
            models.ReadingRow.lesion_uid,
            models.ReadingRow.visit_date,
            models.ReadingRow.created_at,
            models.ReadingRow.reading_uid,
        )
        if lesion_uid is not None:
            query = query.where(models.ReadingRow.lesion_uid == lesion_uid)
        if is_current is not None:
            superseded = models.ReadingRow.superseded_by
            query = query.where(superseded.is_(None) if is_current else superseded.is_not(None))
        return [rows.reading_record(row) for row in self._session.scalars(query)]

    def add_reading(self, reading: Reading) -> None:
        """Insert a reading and mark those it supersedes."""
        self._session.execute(insert(models.ReadingRow), [rows.reading_row(reading)])
        if reading.supersedes:
            self._session.execute(
                update(models.ReadingRow)
                .where(models.ReadingRow.reading_uid.in_(reading.supersedes))
                .values(superseded_by=reading.reading_uid)
            )

    def reading(self, reading_uid: str) -> Reading:
        """Return one reading.

        Raises
        ------
        RecordNotFoundError
            If there is none with that UID.
        """
        row = self._session.get(models.ReadingRow, reading_uid)
        if row is None:
            raise RecordNotFoundError(
                f"no reading {reading_uid}; herntrack list readings shows those there are"
            )
        return rows.reading_record(row)

    def measurements(self) -> dict[str, Measurement]:
        """Return all measurements by reading."""
        return {
            row.reading_uid: rows.measurement_record(row)
            for row in self._session.scalars(select(models.MeasurementRow))
        }

    def put_measurements(self, measurements: Iterable[Measurement]) -> None:
        """Insert measurements, replacing those of the same readings."""
        values = [rows.plain_row(measurement) for measurement in measurements]
        if values:
            uids = [value["reading_uid"] for value in values]
            self._session.execute(
                delete(models.MeasurementRow).where(models.MeasurementRow.reading_uid.in_(uids))
            )
            self._session.execute(insert(models.MeasurementRow), values)

    def outcomes(self, rules_sha256: str | None = None) -> list[Outcome]:
        """Return outcomes by lesion and horizon, of one rule set if its digest is given."""
        query = select(models.OutcomeRow).order_by(
            models.OutcomeRow.lesion_uid, models.OutcomeRow.rules_sha256, models.OutcomeRow.horizon
        )
        if rules_sha256 is not None:
            query = query.where(models.OutcomeRow.rules_sha256 == rules_sha256)
        return [rows.outcome_record(row) for row in self._session.scalars(query)]

    def replace_outcomes(self, rules_sha256: str, outcomes: Iterable[Outcome]) -> None:
        """Write one rule set's outcomes anew; those of other rule sets stay."""
        self._session.execute(delete(models.OutcomeRow).where(models.OutcomeRow.rules_sha256 == rules_sha256))
        values = [rows.plain_row(outcome) for outcome in outcomes]
        if values:
            self._session.execute(insert(models.OutcomeRow), values)

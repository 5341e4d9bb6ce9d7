"""The alignments of the catalogue: a mirror of the append-only records."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from herntrack.catalogue import models, rows
from herntrack.model.records import VisitAlignment


class AlignmentRepository:
    """Reads and writes how visits lie to each other.

    Parameters
    ----------
    session : Session
        An open session; the caller commits.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def alignments(self, stack_uids: Collection[str] | None = None) -> list[VisitAlignment]:
        """Return alignments, the oldest first; with `stack_uids` those whose two stacks are among them."""
        query = select(models.AlignmentRow).order_by(
            models.AlignmentRow.made_at, models.AlignmentRow.alignment_uid
        )
        if stack_uids is None:
            return [rows.alignment_record(row) for row in self._session.scalars(query)]
        known = set(stack_uids)
        query = query.where(models.AlignmentRow.followup_stack_uid.in_(known))
        return [
            rows.alignment_record(row)
            for row in self._session.scalars(query)
            if row.baseline_stack_uid in known
        ]

    def add(self, alignments: Iterable[VisitAlignment]) -> None:
        """Insert alignments."""
        values = [rows.alignment_row(each) for each in alignments]
        if values:
            self._session.execute(insert(models.AlignmentRow), values)

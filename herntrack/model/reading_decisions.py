"""What a person decided about readings: signed, amended, read blind, unblinded.

Kept as the other decisions are (`herntrack.model.decisions`): a later one about the same subject
counts instead of an earlier one, and none is changed or taken away.

Public: `ReadingSignature`, `ReadingAmendment`, `VisitBlinding`, `VisitUnblinding`, `labels_text`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingSignature:
    """A reader signed a reading: nothing replaces it until an amendment says why.

    Parameters
    ----------
    decision_uid : str
        Identifies the decision.
    patient_id : str
        Whose reading it is.
    reading_uid : str
        The reading.
    decided_by : str
        Who signed.
    decided_at : datetime
        UTC.
    reason : str
        May be empty.
    """

    decision_uid: str
    patient_id: str
    reading_uid: str
    decided_by: str
    decided_at: datetime
    reason: str = ""

    @property
    def subject(self) -> tuple[str, str]:
        """What is decided: whether the reading is final."""
        return "signature", self.reading_uid


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingAmendment:
    """A signed reading is opened again, with a reason; see `ReadingSignature`."""

    decision_uid: str
    patient_id: str
    reading_uid: str
    decided_by: str
    decided_at: datetime
    reason: str

    @property
    def subject(self) -> tuple[str, str]:
        """What is decided: whether the reading is final."""
        return "signature", self.reading_uid


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitBlinding:
    """One reader reads one patient's visits under labels, without dates and order.

    Parameters
    ----------
    decision_uid : str
        Identifies the decision.
    patient_id : str
        The patient.
    reader : str
        Who must not know.
    seed : int
        What the order was drawn with.
    case_number : int
        The patient's number in the reader's list, from 1.
    labels : str
        Which label stands for which visit, as `labels_text` writes it.
    decided_by : str
        Who began the blinded reading.
    decided_at : datetime
        UTC.
    reason : str
        May be empty.
    """

    decision_uid: str
    patient_id: str
    reader: str
    seed: int
    case_number: int
    labels: str
    decided_by: str
    decided_at: datetime
    reason: str = ""

    @property
    def subject(self) -> tuple[str, str]:
        """What is decided: what the reader may know of the patient."""
        return "blinding", f"{self.patient_id} {self.reader}"

    @property
    def visits(self) -> dict[str, date]:
        """The visit of each label."""
        pairs = (pair.split("=") for pair in self.labels.split())
        return {label: date.fromisoformat(visit_date) for label, visit_date in pairs}


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitUnblinding:
    """A reader is shown the dates and order of a patient's visits; see `VisitBlinding`."""

    decision_uid: str
    patient_id: str
    reader: str
    decided_by: str
    decided_at: datetime
    reason: str

    @property
    def subject(self) -> tuple[str, str]:
        """What is decided: what the reader may know of the patient."""
        return "blinding", f"{self.patient_id} {self.reader}"


def labels_text(visits: Mapping[str, date]) -> str:
    """Return labels and visits as one line, for example ``A=2024-03-01 B=2024-01-02``."""
    return " ".join(f"{label}={visit_date.isoformat()}" for label, visit_date in sorted(visits.items()))

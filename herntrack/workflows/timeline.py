"""One patient's follow-up as a timeline: visits, what was imaged, what was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from herntrack.catalogue.session import Catalogue
from herntrack.errors import RecordNotFoundError
from herntrack.model.records import CataloguedStack, Lesion, Measurement, Reading
from herntrack.model.vocabulary import Horizon, OutcomeClass
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineReading:
    """One standing reading with its numbers, if it was measured."""

    lesion: Lesion
    reading: Reading
    measurement: Measurement | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineVisit:
    """One visit: its stacks, its readings, and the lesions nobody has read yet."""

    visit_date: date
    day: int
    timepoint: str
    stacks: tuple[CataloguedStack, ...]
    readings: tuple[TimelineReading, ...]
    unread: tuple[Lesion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A patient's visits in the order of their dates, and what became of each lesion."""

    patient_id: str
    visits: tuple[TimelineVisit, ...]
    outcomes: tuple[tuple[Lesion, OutcomeClass | None], ...]


def patient_timeline(workspace: Workspace, patient_id: str) -> Timeline:
    """Return the timeline of one patient.

    Raises
    ------
    RecordNotFoundError
        If there is no such patient.
    """
    with catalogue_of(workspace) as catalogue:
        if patient_id not in {patient.patient_id for patient in catalogue.images.patients()}:
            raise RecordNotFoundError(
                f"no patient {patient_id!r}; herntrack list patients shows those there are"
            )
        lesions = catalogue.followup.lesions(patient_id)
        decided = {
            outcome.lesion_uid: outcome.outcome
            for outcome in catalogue.followup.outcomes()
            if outcome.horizon is Horizon.LATEST
        }
        return Timeline(
            patient_id=patient_id,
            visits=_visits(catalogue, patient_id, lesions),
            outcomes=tuple((lesion, decided.get(lesion.lesion_uid)) for lesion in lesions),
        )


def _visits(catalogue: Catalogue, patient_id: str, lesions: list[Lesion]) -> tuple[TimelineVisit, ...]:
    measurements = catalogue.followup.measurements()
    readings = [
        TimelineReading(lesion=lesion, reading=reading, measurement=measurements.get(reading.reading_uid))
        for lesion in lesions
        for reading in catalogue.followup.readings(lesion.lesion_uid, is_current=True)
    ]
    visits = []
    for visit in catalogue.images.visits(patient_id):
        here = tuple(each for each in readings if each.reading.visit_date == visit.visit_date)
        read = {each.lesion.lesion_uid for each in here}
        visits.append(
            TimelineVisit(
                visit_date=visit.visit_date,
                day=visit.day,
                timepoint=visit.timepoint,
                stacks=tuple(catalogue.images.stacks(patient_id=patient_id, study_date=visit.visit_date)),
                readings=here,
                unread=tuple(lesion for lesion in lesions if lesion.lesion_uid not in read),
            )
        )
    return tuple(visits)

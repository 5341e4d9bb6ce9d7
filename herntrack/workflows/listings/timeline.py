"""A patient's and a lesion's follow-up as timelines: visits, what was imaged, proposed and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from herntrack.catalogue.images import ImageCounts
from herntrack.catalogue.session import Catalogue
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Lesion, Measurement, Reading, Visit
from herntrack.model.vocabulary import Horizon, OutcomeClass
from herntrack.volumetrics.rules import load_rules
from herntrack.workflows.patients.known_patients import require_patient
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.stack_choice import StackProposal, proposals_of_lesion
from herntrack.workflows.stated_errors import stated_measurements
from herntrack.workflows.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineReading:
    """One standing reading with its numbers, if it was measured."""

    lesion: Lesion
    reading: Reading
    measurement: Measurement | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineVisit:
    """One visit: its stacks, its readings, and the lesions nobody has read yet.

    `proposals` names the stack to read for each lesion; `missing` counts the images of a stack
    whose files are gone, by stack.
    """

    visit_date: date
    day: int
    timepoint: str
    stacks: tuple[CataloguedStack, ...]
    readings: tuple[TimelineReading, ...]
    unread: tuple[Lesion, ...]
    proposals: tuple[StackProposal, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)
    is_baseline_confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A patient's visits in the order of their dates, and what became of each lesion."""

    patient_id: str
    visits: tuple[TimelineVisit, ...]
    outcomes: tuple[tuple[Lesion, OutcomeClass | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionVisit:
    """One visit of a lesion: the proposed stacks and the standing readings."""

    visit: Visit
    proposal: StackProposal
    readings: tuple[TimelineReading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionTimeline:
    """A lesion's visits in the order of their dates, and what became of it."""

    lesion: Lesion
    visits: tuple[LesionVisit, ...]
    outcome: OutcomeClass | None


def lesion_timeline(workspace: Workspace, lesion_uid: str) -> LesionTimeline:
    """Return the timeline of one lesion.

    Raises
    ------
    RecordNotFoundError
        If there is no such lesion.
    """
    rules = load_rules(workspace.rules_source)
    with catalogue_of(workspace) as catalogue:
        lesion = catalogue.followup.lesion(lesion_uid)
        proposals = proposals_of_lesion(
            catalogue, lesion, rules, primary_reader=workspace.settings.primary_reader or None
        )
        readings = _readings(catalogue, workspace, [lesion])
        return LesionTimeline(
            lesion=lesion,
            visits=tuple(
                LesionVisit(
                    visit=proposal.visit,
                    proposal=proposal,
                    readings=tuple(
                        each for each in readings if each.reading.visit_date == proposal.visit.visit_date
                    ),
                )
                for proposal in proposals
            ),
            outcome=_decided(catalogue).get(lesion_uid),
        )


def patient_timeline(workspace: Workspace, patient_id: str) -> Timeline:
    """Return the timeline of one patient.

    Raises
    ------
    RecordNotFoundError
        If there is no such patient.
    """
    rules = load_rules(workspace.rules_source)
    primary = workspace.settings.primary_reader or None
    with catalogue_of(workspace) as catalogue:
        require_patient(workspace, catalogue, patient_id)
        lesions = catalogue.followup.lesions(patient_id)
        decided = _decided(catalogue)
        proposals = [
            proposal
            for lesion in lesions
            for proposal in proposals_of_lesion(catalogue, lesion, rules, primary_reader=primary)
        ]
        return Timeline(
            patient_id=patient_id,
            visits=_visits(
                catalogue, patient_id, lesions, proposals, _readings(catalogue, workspace, lesions)
            ),
            outcomes=tuple((lesion, decided.get(lesion.lesion_uid)) for lesion in lesions),
        )


def _decided(catalogue: Catalogue) -> dict[str, OutcomeClass]:
    return {
        outcome.lesion_uid: outcome.outcome
        for outcome in catalogue.followup.outcomes()
        if outcome.horizon is Horizon.LATEST
    }


def _readings(catalogue: Catalogue, workspace: Workspace, lesions: list[Lesion]) -> list[TimelineReading]:
    measurements = stated_measurements(catalogue, workspace, lesions)
    return [
        TimelineReading(lesion=lesion, reading=reading, measurement=measurements.get(reading.reading_uid))
        for lesion in lesions
        for reading in catalogue.followup.readings(lesion.lesion_uid, is_current=True)
    ]


def _visits(
    catalogue: Catalogue,
    patient_id: str,
    lesions: list[Lesion],
    proposals: list[StackProposal],
    readings: list[TimelineReading],
) -> tuple[TimelineVisit, ...]:
    counts = {stack: count for (_, stack), count in catalogue.images.image_counts(patient_id).items()}
    visits = []
    for visit in catalogue.images.visits(patient_id):
        here = tuple(each for each in readings if each.reading.visit_date == visit.visit_date)
        stacks = tuple(catalogue.images.stacks(patient_id=patient_id, study_date=visit.visit_date))
        read = {each.lesion.lesion_uid for each in here}
        visits.append(
            TimelineVisit(
                visit_date=visit.visit_date,
                day=visit.day,
                timepoint=visit.timepoint,
                stacks=stacks,
                readings=here,
                unread=tuple(lesion for lesion in lesions if lesion.lesion_uid not in read),
                proposals=tuple(each for each in proposals if each.visit.visit_date == visit.visit_date),
                missing={
                    each.stack.stack_uid: counts.get(each.stack.stack_uid, ImageCounts()).missing
                    for each in stacks
                },
                is_baseline_confirmed=visit.is_baseline_confirmed,
            )
        )
    return tuple(visits)

"""What show patient and show lesion print as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from herntrack.workflows.listings.timeline import LesionTimeline, Timeline, TimelineReading
    from herntrack.workflows.stack_choice import StackProposal


def patient_json(timeline: Timeline) -> dict[str, Any]:
    """Return a patient's timeline with values that JSON has."""
    return {
        "patient_id": timeline.patient_id,
        "visits": [
            {
                "visit_date": visit.visit_date.isoformat(),
                "day": visit.day,
                "timepoint": visit.timepoint,
                "is_baseline_confirmed": visit.is_baseline_confirmed,
                "stacks": [each.stack.stack_uid for each in visit.stacks],
                "irregular_stacks": [
                    each.stack.stack_uid for each in visit.stacks if not each.stack.is_regular
                ],
                "n_missing": dict(visit.missing),
                "proposals": [_plain_proposal(proposal) for proposal in visit.proposals],
                "readings": [each.reading.reading_uid for each in visit.readings],
                "unread_lesions": [lesion.lesion_uid for lesion in visit.unread],
            }
            for visit in timeline.visits
        ],
        "outcomes": {
            lesion.lesion_uid: None if outcome is None else outcome.value
            for lesion, outcome in timeline.outcomes
        },
    }


def lesion_json(timeline: LesionTimeline) -> dict[str, Any]:
    """Return a lesion's timeline with values that JSON has."""
    lesion = timeline.lesion
    return {
        "lesion_uid": lesion.lesion_uid,
        "patient_id": lesion.patient_id,
        "level": lesion.level.value,
        "side": None if lesion.side is None else lesion.side.value,
        "type": None if lesion.type is None else lesion.type.value,
        "outcome": None if timeline.outcome is None else timeline.outcome.value,
        "visits": [
            {
                "visit_date": each.visit.visit_date.isoformat(),
                "day": each.visit.day,
                "timepoint": each.visit.timepoint,
                **_plain_proposal(each.proposal),
                "readings": [_plain_reading(reading) for reading in each.readings],
            }
            for each in timeline.visits
        ],
    }


def _plain_proposal(proposal: StackProposal) -> dict[str, Any]:
    proposed, reference = proposal.proposed, proposal.reference
    return {
        "lesion_uid": proposal.lesion.lesion_uid,
        "proposed_stack_uid": None if proposed is None else proposed.each.stack.stack_uid,
        "reference_stack_uid": None if reference is None else reference.each.stack.stack_uid,
        "is_reference_read": reference is not None and reference.reading is not None,
        "stacks": [
            {
                "stack_uid": ranked.each.stack.stack_uid,
                "grade": ranked.comparison.grade.value,
                "reasons": list(ranked.reasons),
            }
            for ranked in proposal.ranked
        ],
    }


def _plain_reading(each: TimelineReading) -> dict[str, Any]:
    return {
        "reading_uid": each.reading.reading_uid,
        "reader": each.reading.reader,
        "status": each.reading.status.value,
        "is_proposed": each.reading.is_proposed,
        "stack_uid": each.reading.stack_uid,
        "volume_mm3": None if each.measurement is None else each.measurement.volume_mm3,
        "volume_sigma_mm3": None if each.measurement is None else each.measurement.volume_sigma_mm3,
    }

"""What a proposal counts for, beside what readers accepted."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from herntrack.model.vocabulary import OutcomeClass, ReadingStatus, VisitState
from herntrack.volumetrics.followup import LesionFollowUp, ReadingFact, build_followup
from herntrack.volumetrics.outcome import OutcomeFlag, decide_outcome, decide_visit_state
from herntrack.volumetrics.rules import load_rules
from tests.unit.volumetrics.test_followup import READING, on_day

RULES = load_rules()
GONE: dict[str, Any] = {"status": ReadingStatus.ABSENT, "volume_mm3": 0.0}


def proposed(day: int, **changes: Any) -> ReadingFact:
    made = {"reader": "herntrack", "is_proposed": True, "reading_uid": f"2.25.9{day}"}
    return on_day(day, **(made | changes))


def last(followup: LesionFollowUp) -> ReadingFact | None:
    return followup.records[-1].fact


@pytest.mark.parametrize("hours", [-5, 5])
@pytest.mark.parametrize("status", list(ReadingStatus))
def test_an_accepted_reading_goes_before_a_proposal_made_before_or_after(
    status: ReadingStatus, hours: int
) -> None:
    accepted = on_day(30, reader="reader-b", status=status, volume_mm3=0.0, reading_uid="2.25.7")
    other = proposed(30, created_at=READING.created_at + dt.timedelta(hours=hours))
    for facts in ([READING, accepted, other], [READING, other, accepted]):
        assert last(build_followup(facts, RULES)) == accepted


def test_a_proposal_never_leaves_readers_unresolved() -> None:
    newer = proposed(30, reader="reader-c", created_at=READING.created_at + dt.timedelta(hours=1))
    followup = build_followup([READING, proposed(30, reader="reader-b"), newer], RULES)
    assert last(followup) == newer
    assert followup.records[-1].visit.problems == ()
    # Two readers who accepted still have to be settled, whatever was proposed.
    readers = [on_day(30, reader=name, reading_uid=f"2.25.{name}") for name in ("reader-b", "reader-c")]
    followup = build_followup([READING, *readers, newer], RULES)
    assert followup.records[-1].problem == "readers_unresolved"


def test_of_proposals_the_readers_of_record_goes_first() -> None:
    own = proposed(30, reader="reader-a")
    newer = proposed(30, created_at=READING.created_at + dt.timedelta(hours=1))
    assert last(build_followup([READING, own, newer], RULES)) == own
    assert last(build_followup([READING, own, newer], RULES, primary_reader="herntrack")) == newer


def test_a_proposed_baseline_counts_until_one_is_accepted() -> None:
    later = on_day(90, volume_mm3=300.0)
    base = proposed(0)
    decision = decide_outcome(
        build_followup([base, later], RULES).baseline, build_followup([base, later], RULES).visits, RULES
    )
    assert OutcomeFlag.PROPOSED in decision.flags
    followup = build_followup([base, on_day(0, reader="reader-b"), later], RULES)
    assert followup.baseline_fact is not None
    assert followup.baseline_fact.reader == "reader-b"
    assert OutcomeFlag.PROPOSED not in decide_outcome(followup.baseline, followup.visits, RULES).flags


@pytest.mark.parametrize("is_baseline_proposed", [True, False])
@pytest.mark.parametrize("is_visit_proposed", [True, False])
def test_the_larger_error_counts_until_a_reader_vouches_for_both_outlines(
    is_baseline_proposed: bool, is_visit_proposed: bool
) -> None:
    base = replace(READING, is_proposed=is_baseline_proposed)
    later = on_day(90, volume_mm3=300.0, is_proposed=is_visit_proposed)
    (visit,) = build_followup([base, later], RULES).visits
    assert visit.boundary_k_mm(RULES) == (2.2 if is_baseline_proposed or is_visit_proposed else 1.6)


def test_an_absent_proposal_is_reduced_by_all_and_an_accepted_one_absent() -> None:
    states, flags = [], []
    for fact in (proposed(90, **GONE), replace(proposed(90, **GONE), is_proposed=False)):
        followup = build_followup([READING, fact], RULES)
        states.append(decide_visit_state(followup.baseline, followup.visits[0], RULES))
        decision = decide_outcome(followup.baseline, followup.visits, RULES)
        assert decision.outcome is OutcomeClass.RESORPTION
        flags.append({*decision.flags} & {OutcomeFlag.COMPLETE, OutcomeFlag.NEAR_COMPLETE})
    assert states == [VisitState.REDUCED, VisitState.ABSENT]
    assert flags == [{OutcomeFlag.NEAR_COMPLETE}, {OutcomeFlag.COMPLETE}]


def test_a_small_baseline_that_seems_gone_is_not_called_absent() -> None:
    # It is smaller by all it measured; that nothing is left only a reader can say.
    small = replace(READING, volume_mm3=120.0)
    followup = build_followup([small, proposed(90, **GONE)], RULES)
    state = decide_visit_state(followup.baseline, followup.visits[0], RULES)
    accepted = build_followup([small, on_day(90, **GONE)], RULES)
    assert decide_visit_state(accepted.baseline, accepted.visits[0], RULES) is VisitState.ABSENT
    assert state is VisitState.REDUCED

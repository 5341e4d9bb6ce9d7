from __future__ import annotations

from dataclasses import replace

import pytest

from herntrack.errors import ReportError
from herntrack.model.timepoints import DEFAULT_WINDOWS
from herntrack.model.vocabulary import Horizon, OutcomeClass, VisitState
from herntrack.reports.records import CohortReport
from herntrack.reports.tallies import outcome_tally, outcome_tally_by, visit_tally
from tests.unit.reports.fabricated import fabricated_report


@pytest.fixture(scope="module")
def report() -> CohortReport:
    return fabricated_report(with_images=False)


def test_the_visit_tally_counts_what_was_seen_at_each_visit(report: CohortReport) -> None:
    first, second, third = visit_tally(report.changes, DEFAULT_WINDOWS)
    assert (first.timepoint, first.days) == ("1 month", "days 14\N{EN DASH}60")
    assert first.counts[VisitState.REDUCED] == 4
    assert first.counts[VisitState.NO_CHANGE] == 2
    assert first.counts[VisitState.NOT_EVALUABLE] == 1
    assert (second.counts[VisitState.ABSENT], second.counts[VisitState.ENLARGED]) == (1, 1)
    assert second.n_unread == 1
    assert (first.total, second.total, third.total) == (7, 7, 1)


def test_a_time_point_without_a_visit_between_others_is_shown_empty(report: CohortReport) -> None:
    late_only = [row for row in report.changes if row.timepoint in ("baseline", "6 months")]
    assert [tally.total for tally in visit_tally(late_only, DEFAULT_WINDOWS)] == [0, 0, 1]


def test_unscheduled_visits_have_a_row_of_their_own(report: CohortReport) -> None:
    row = replace(report.changes[1], timepoint="unscheduled", day=5)
    assert [t.timepoint for t in visit_tally([row], DEFAULT_WINDOWS)] == ["unscheduled"]


def test_a_time_point_that_no_window_has_is_refused(report: CohortReport) -> None:
    with pytest.raises(ReportError, match="2 weeks"):
        visit_tally([replace(report.changes[1], timepoint="2 weeks")], DEFAULT_WINDOWS)


def test_a_follow_up_called_baseline_is_refused(report: CohortReport) -> None:
    row = replace(report.changes[1], visit_state=VisitState.BASELINE)
    with pytest.raises(ReportError, match="state baseline"):
        visit_tally([row], DEFAULT_WINDOWS)


def test_the_outcome_tally_counts_every_lesion_once(report: CohortReport) -> None:
    uids = [row.lesion_uid for row in report.lesions]
    counts = outcome_tally(report.outcomes, uids, horizon=Horizon.LATEST)
    assert counts == {
        OutcomeClass.RESORPTION: 1,
        OutcomeClass.PERSISTENT_REDUCTION: 2,
        OutcomeClass.TRANSIENT_REDUCTION: 1,
        OutcomeClass.STABLE: 1,
        OutcomeClass.PROGRESSION: 1,
        OutcomeClass.INDETERMINATE: 1,
    }


def test_a_lesion_counted_twice_is_refused(report: CohortReport) -> None:
    uids = [row.lesion_uid for row in report.lesions]
    with pytest.raises(ReportError, match="8 outcomes of 7 lesions"):
        outcome_tally((*report.outcomes, report.outcomes[1]), uids, horizon=Horizon.LATEST)


def test_a_lesion_that_is_not_counted_is_refused(report: CohortReport) -> None:
    uids = [row.lesion_uid for row in report.lesions]
    with pytest.raises(ReportError, match="6 outcomes of 6 lesions; there are 7"):
        outcome_tally(report.outcomes[2:], uids, horizon=Horizon.LATEST)


def test_groups_add_up_to_the_whole(report: CohortReport) -> None:
    groups = outcome_tally_by(report.outcomes, lambda row: row.level.value, horizon=Horizon.PRIMARY)
    assert {name: sum(counts.values()) for name, counts in groups.items()} == {
        "L3-L4": 1,
        "L4-L5": 3,
        "L5-S1": 3,
    }

"""Follow-ups of any set of readings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from herntrack.volumetrics.followup import build_followup
from herntrack.volumetrics.outcome import decide_outcome
from herntrack.volumetrics.records import ReadingFact
from herntrack.volumetrics.rules import load_rules
from tests.strategies import BASELINE_DATE, reading_facts

RULES = load_rules()
unique_readings = st.lists(reading_facts(), min_size=1, max_size=8, unique_by=lambda fact: fact.reading_uid)
readers = st.sampled_from([None, "reader-a", "reader-c", "reader-x"])
surgery_dates = st.none() | st.dates(BASELINE_DATE, BASELINE_DATE + dt.timedelta(days=400))


@given(unique_readings, readers, surgery_dates)
def test_any_readings_make_a_follow_up_that_can_be_decided(
    facts: list[ReadingFact], reader: str | None, surgery_date: dt.date | None
) -> None:
    followup = build_followup(facts, RULES, surgery_date=surgery_date, primary_reader=reader)
    dates = sorted({fact.visit_date for fact in facts})
    assert [followup.baseline_date, *(record.visit_date for record in followup.records)] == dates
    for record in followup.records:
        assert (record.fact is None) is (record.problem is not None)
        if record.fact is not None:
            assert record.fact in facts
            assert record.fact.visit_date == record.visit_date
    decide_outcome(followup.baseline, followup.visits, RULES)


@given(unique_readings, readers, st.permutations(range(8)))
def test_the_order_of_the_readings_does_not_matter(
    facts: list[ReadingFact], reader: str | None, order: list[int]
) -> None:
    shuffled = [facts[place] for place in order if place < len(facts)]
    assert build_followup(shuffled, RULES, primary_reader=reader) == build_followup(
        facts, RULES, primary_reader=reader
    )


@given(unique_readings, readers)
def test_a_primary_reader_goes_before_all_others(facts: list[ReadingFact], reader: str | None) -> None:
    followup = build_followup(facts, RULES, primary_reader=reader)
    is_primary: Callable[[ReadingFact], bool] = lambda fact: fact.reader == reader  # noqa: E731
    for record in followup.records:
        at_visit = [fact for fact in facts if fact.visit_date == record.visit_date]
        if any(map(is_primary, at_visit)):
            assert record.fact is not None
            assert is_primary(record.fact)

"""Hypothesis strategies for lesions, visits, rules, masks and readings."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from herntrack.model.vocabulary import Modality, Plane, ReadingStatus
from herntrack.volumetrics.records import ReadingFact
from herntrack.volumetrics.rules import RuleSet, load_rules
from herntrack.volumetrics.visits import Baseline, FollowUpVisit

BASELINE_DATE = dt.date(2024, 1, 10)

# Whole volumes around every threshold, and any others.
volumes_mm3 = st.one_of(
    st.sampled_from([0.0, 49.0, 50.0, 51.0, 99.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 1250.0]),
    st.integers(0, 4000).map(float),
    st.floats(0.0, 20_000.0),
)
positive_volumes_mm3 = st.floats(100.0, 20_000.0)
days = st.one_of(st.sampled_from([1, 30, 69, 70, 91, 126, 127, 365]), st.integers(1, 800))
statuses = st.sampled_from(ReadingStatus)
modalities = st.sampled_from([Modality.MR, Modality.MR, Modality.MR, Modality.CT])


@st.composite
def baselines(draw: st.DrawFn) -> Baseline:
    """Baselines, most of them evaluable MR."""
    return Baseline(
        volume_mm3=draw(volumes_mm3),
        modality=draw(modalities),
        status=draw(st.sampled_from([ReadingStatus.PRESENT] * 5 + list(ReadingStatus))),
        problems=draw(st.sampled_from([(), (), (), (), ("readers_unresolved",)])),
    )


@st.composite
def follow_up_visits(draw: st.DrawFn, day: int) -> FollowUpVisit:
    """A visit on a day, in any state."""
    status = draw(st.sampled_from([ReadingStatus.PRESENT] * 3 + list(ReadingStatus)))
    may_lack = status is not ReadingStatus.PRESENT
    return FollowUpVisit(
        day=day,
        volume_mm3=draw(st.none() | volumes_mm3) if may_lack else draw(volumes_mm3),
        status=status,
        modality=draw(modalities),
        is_same_protocol_and_reader=draw(st.booleans()),
        is_after_surgery=draw(st.sampled_from([False] * 9 + [True])),
        is_discordant=draw(st.sampled_from([False] * 9 + [True])),
        problems=draw(st.sampled_from([()] * 9 + [("readers_unresolved",)])),
    )


@st.composite
def visit_lists(draw: st.DrawFn) -> list[FollowUpVisit]:
    """Up to five visits on different days, in any order."""
    chosen = draw(st.lists(days, max_size=5, unique=True))
    return [draw(follow_up_visits(day)) for day in chosen]


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    """The shipped rule sets and ones with other thresholds."""
    rules = load_rules(draw(st.sampled_from(["default", "literature-50"])))
    landmark_day = draw(st.sampled_from([60, 70, 84]))
    return replace(
        rules,
        resorption_fraction=draw(st.sampled_from([0.5, 0.75, 0.9])),
        boundary_k_same_mm=draw(st.sampled_from([0.4, 1.2, 1.6, 2.2])),
        landmark_day=landmark_day,
        regain_fraction=draw(st.sampled_from([0.3, 0.5])),
    )


masks = npst.arrays(
    dtype=np.bool_,
    shape=npst.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=6),
)


@st.composite
def reading_facts(draw: st.DrawFn) -> ReadingFact:
    """A reading by one of three readers on one of four dates."""
    status = draw(statuses)
    return ReadingFact(
        reading_uid=f"2.25.{draw(st.integers(1, 10**6))}",
        visit_date=BASELINE_DATE + dt.timedelta(days=draw(st.sampled_from([0, 30, 91, 365]))),
        reader=draw(st.sampled_from(["reader-a", "reader-b", "reader-c"])),
        status=status,
        volume_mm3=draw(volumes_mm3) if status is ReadingStatus.PRESENT else None,
        modality=draw(modalities),
        plane=draw(st.none() | st.sampled_from(Plane)),
        slice_spacing_mm=draw(st.sampled_from([None, 3.0, 4.4, 5.0])),
        pixel_spacing_mm=draw(st.sampled_from([None, 0.5, 0.6, 0.75])),
        stack_uid=None,
        created_at=dt.datetime(2024, 6, 1, draw(st.integers(0, 23)), tzinfo=dt.UTC),
        after_surgery=draw(st.booleans()),
        discordant=draw(st.booleans()),
    )

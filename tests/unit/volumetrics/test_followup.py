"""Which reading stands for a visit, and what the outcome sees of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from herntrack.errors import MeasurementError
from herntrack.model.vocabulary import ImageRole, Modality, Plane, ReadingStatus, Weighting
from herntrack.volumetrics.error_model import sigma_mm3
from herntrack.volumetrics.followup import (
    ReadingFact,
    build_followup,
    reading_of_record,
    stated_sigma_mm3,
)
from herntrack.volumetrics.outcome import decide_outcome
from herntrack.volumetrics.records import baseline_of_record, is_same_protocol
from herntrack.volumetrics.rules import load_rules
from herntrack.volumetrics.visits import why_not_evaluable

RULES = load_rules()
DAY_0 = dt.date(2024, 1, 10)

READING = ReadingFact(
    reading_uid="2.25.1",
    visit_date=DAY_0,
    reader="reader-a",
    status=ReadingStatus.PRESENT,
    volume_mm3=900.0,
    modality=Modality.MR,
    plane=Plane.SAGITTAL,
    slice_spacing_mm=4.4,
    pixel_spacing_mm=0.6,
    stack_uid="2.25.100",
    created_at=dt.datetime(2024, 6, 1, 9, tzinfo=dt.UTC),
)


def on_day(day: int, **changes: Any) -> ReadingFact:
    return replace(READING, visit_date=DAY_0 + dt.timedelta(days=day), **changes)


# --- protocol -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({}, True),
        ({"slice_spacing_mm": 5.5, "pixel_spacing_mm": 0.75}, True),
        ({"slice_spacing_mm": 3.3, "pixel_spacing_mm": 0.45}, True),
        ({"slice_spacing_mm": 5.51}, False),
        ({"slice_spacing_mm": 3.29}, False),
        ({"pixel_spacing_mm": 0.76}, False),
        ({"pixel_spacing_mm": 0.44}, False),
        ({"plane": Plane.AXIAL}, False),
        ({"modality": Modality.CT}, False),
        ({"modality": None}, False),
        ({"plane": None}, False),
        ({"slice_spacing_mm": None}, False),
        ({"pixel_spacing_mm": None}, False),
    ],
)
def test_a_protocol_is_the_same_within_25_percent(changes: dict[str, Any], is_same: bool) -> None:
    assert is_same_protocol(replace(READING, **changes), READING, RULES) is is_same


def test_an_unknown_protocol_is_not_the_same_as_itself() -> None:
    unknown = replace(READING, slice_spacing_mm=None)
    assert not is_same_protocol(READING, unknown, RULES)


# --- readers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("readers", "primary", "chosen"),
    [
        (["reader-a"], None, "reader-a"),
        (["reader-b"], None, "reader-b"),
        (["reader-b", "reader-a"], None, "reader-a"),
        (["reader-a", "reader-b"], "reader-b", "reader-b"),
        (["reader-a", "reader-b"], "reader-c", "reader-a"),
        (["reader-b", "reader-c"], None, None),
        (["reader-b", "reader-c"], "reader-d", None),
        (["reader-b", "reader-c"], "reader-c", "reader-c"),
        ([], None, None),
    ],
)
def test_the_primary_then_the_baselines_then_the_only_reader_stands(
    readers: list[str], primary: str | None, chosen: str | None
) -> None:
    facts = [on_day(91, reader=reader) for reader in readers]
    record = reading_of_record(facts, READING, RULES, primary_reader=primary)
    assert (record and record.reader) == chosen


def test_two_readers_of_a_baseline_are_unresolved_without_a_primary_reader() -> None:
    facts = [READING, replace(READING, reader="reader-b", volume_mm3=700.0)]
    assert baseline_of_record([facts]) is None
    followup = build_followup([*facts, on_day(91)], RULES)
    assert followup.baseline_fact is None
    assert followup.baseline.problems == ("readers_unresolved",)
    assert decide_outcome(followup.baseline, followup.visits, RULES).reason == "baseline not evaluable"
    settled = build_followup([*facts, on_day(91)], RULES, primary_reader="reader-b")
    assert settled.baseline.volume_mm3 == 700.0


def test_two_other_readers_leave_the_visit_unresolved() -> None:
    followup = build_followup([READING, on_day(91, reader="reader-b"), on_day(91, reader="reader-c")], RULES)
    (record,) = followup.records
    assert (record.fact, record.problem) == (None, "readers_unresolved")
    decision = decide_outcome(followup.baseline, followup.visits, RULES)
    assert decision.visit_states == "U"


def test_another_reader_is_compared_with_the_larger_error() -> None:
    followup = build_followup([READING, on_day(30), on_day(91, reader="reader-b")], RULES)
    assert [visit.is_same_protocol_and_reader for visit in followup.visits] == [True, False]


# --- error ----------------------------------------------------------------------------------

# Of 900 mm3: hypot(20, 1.6 * 93.2) and hypot(20, 2.2 * 93.2).
SAME_MM3, MIXED_MM3 = 150.482, 206.050


@pytest.mark.parametrize(
    ("changes", "baseline_changes", "sigma"),
    [
        ({}, {}, SAME_MM3),
        ({"reader": "reader-b"}, {}, MIXED_MM3),
        ({"plane": Plane.AXIAL}, {}, MIXED_MM3),
        ({"modality": Modality.CT}, {}, MIXED_MM3),
        ({"is_proposed": True}, {}, MIXED_MM3),
        ({}, {"is_proposed": True}, MIXED_MM3),
        ({"is_proposed": True}, {"is_proposed": True}, MIXED_MM3),
        ({"status": ReadingStatus.ABSENT, "volume_mm3": None, "reader": "reader-b"}, {}, 20.0),
    ],
)
def test_the_error_stated_with_a_volume_is_that_of_its_comparison(
    changes: dict[str, Any], baseline_changes: dict[str, Any], sigma: float
) -> None:
    later, baseline = on_day(91, stack_uid="2.25.101", **changes), replace(READING, **baseline_changes)
    assert stated_sigma_mm3(later, baseline, RULES) == pytest.approx(sigma, abs=1e-3)
    # The outcome decides with the same one.
    (visit,) = build_followup([baseline, later], RULES).visits
    decided = sigma_mm3(
        visit.comparable_mm3, boundary_k_mm=visit.boundary_k_mm(RULES), floor_mm3=RULES.volume_floor_mm3
    )
    assert stated_sigma_mm3(later, baseline, RULES) == decided


def test_the_error_of_what_is_compared_with_nothing_is_that_of_a_repeat() -> None:
    proposal = replace(READING, is_proposed=True)
    # A header that does not say all of it does not make a reading differ from itself.
    unknown = replace(READING, slice_spacing_mm=None)
    for fact in (READING, unknown):
        assert stated_sigma_mm3(fact, None, RULES) == pytest.approx(SAME_MM3, abs=1e-3)
        assert stated_sigma_mm3(fact, fact, RULES) == pytest.approx(SAME_MM3, abs=1e-3)
    assert stated_sigma_mm3(proposal, None, RULES) == pytest.approx(MIXED_MM3, abs=1e-3)
    assert stated_sigma_mm3(proposal, proposal, RULES) == pytest.approx(MIXED_MM3, abs=1e-3)


def test_a_reading_without_a_volume_has_no_error() -> None:
    unreadable = on_day(91, status=ReadingStatus.NOT_EVALUABLE)
    assert stated_sigma_mm3(unreadable, READING, RULES) is None
    assert stated_sigma_mm3(on_day(91, volume_mm3=None), READING, RULES) is None


# --- stacks ---------------------------------------------------------------------------------


def test_of_several_stacks_the_one_of_the_baselines_protocol_stands() -> None:
    axial = on_day(91, plane=Plane.AXIAL, volume_mm3=300.0)
    sagittal = on_day(91, volume_mm3=400.0)
    thick = on_day(91, volume_mm3=500.0, slice_spacing_mm=6.0)
    followup = build_followup([READING, axial, thick, sagittal], RULES)
    assert followup.records[0].fact == sagittal
    assert followup.visits[0].is_same_protocol_and_reader


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"status": ReadingStatus.NOT_EVALUABLE, "volume_mm3": None}, {"plane": Plane.AXIAL}),
        ({"modality": Modality.CT}, {"plane": Plane.AXIAL}),
        ({"plane": Plane.AXIAL}, {"slice_spacing_mm": 9.0}),
        ({"plane": Plane.CORONAL}, {"plane": Plane.AXIAL}),
        ({"plane": None}, {"plane": Plane.OBLIQUE}),
        ({"pixel_spacing_mm": 0.65}, {"pixel_spacing_mm": 0.6}),
        ({"slice_spacing_mm": None}, {"slice_spacing_mm": 9.0}),
        ({}, {"created_at": dt.datetime(2024, 6, 2, tzinfo=dt.UTC)}),
        ({}, {"reading_uid": "2.25.2"}),
    ],
    ids=[
        "evaluable",
        "modality",
        "plane",
        "plane preference",
        "known plane",
        "finer voxel",
        "known voxel",
        "later",
        "uid",
    ],
)
def test_the_nearest_to_the_baselines_protocol_stands(first: dict[str, Any], second: dict[str, Any]) -> None:
    worse, better = on_day(91, **first), on_day(91, **second)
    assert reading_of_record([worse, better], READING, RULES) == better
    assert reading_of_record([better, worse], READING, RULES) == better


def test_without_a_baseline_the_preferred_plane_stands() -> None:
    axial, sagittal = on_day(91, plane=Plane.AXIAL), on_day(91)
    assert reading_of_record([axial, sagittal], None, RULES) == sagittal


def test_the_baseline_is_on_the_plane_that_most_visits_have() -> None:
    axial_0 = replace(READING, plane=Plane.AXIAL, volume_mm3=800.0)
    facts = [READING, axial_0, on_day(30, plane=Plane.AXIAL), on_day(91, plane=Plane.AXIAL)]
    assert build_followup(facts, RULES).baseline_fact == axial_0
    assert build_followup([*facts, on_day(30), on_day(91)], RULES).baseline_fact == READING


def test_a_plane_read_twice_at_one_visit_counts_once() -> None:
    axial_0 = replace(READING, plane=Plane.AXIAL)
    twice = [on_day(30, plane=Plane.AXIAL), on_day(30, plane=Plane.AXIAL, reader="reader-b")]
    assert build_followup([READING, axial_0, *twice, on_day(91)], RULES).baseline_fact == READING


def test_of_equal_planes_the_finer_baseline_stands() -> None:
    finer = replace(READING, slice_spacing_mm=3.0)
    assert build_followup([READING, finer], RULES).baseline_fact == finer


def test_an_evaluable_baseline_goes_before_a_plane() -> None:
    poor = replace(READING, status=ReadingStatus.NOT_EVALUABLE, volume_mm3=None)
    axial = replace(READING, plane=Plane.AXIAL)
    assert build_followup([poor, axial, on_day(91)], RULES).baseline_fact == axial


# --- visits ---------------------------------------------------------------------------------


def test_days_count_from_the_earliest_reading_whatever_the_order() -> None:
    followup = build_followup([on_day(91), on_day(30), READING], RULES)
    assert followup.baseline_date == DAY_0
    assert [visit.day for visit in followup.visits] == [30, 91]
    assert [record.visit_date for record in followup.records] == [
        DAY_0 + dt.timedelta(days=30),
        DAY_0 + dt.timedelta(days=91),
    ]
    assert [record.problem for record in followup.records] == [None, None]


def test_an_absent_reading_has_volume_0() -> None:
    gone = on_day(91, status=ReadingStatus.ABSENT, volume_mm3=None, plane=None, slice_spacing_mm=None)
    followup = build_followup([READING, gone], RULES)
    assert followup.visits[0].volume_mm3 == 0.0
    assert decide_outcome(followup.baseline, followup.visits, RULES).visit_states == "A"


def test_a_visit_without_a_reading_shows_as_not_evaluable() -> None:
    dates = [DAY_0 - dt.timedelta(days=9), DAY_0, DAY_0 + dt.timedelta(days=91)]
    followup = build_followup([READING, on_day(30)], RULES, visit_dates=dates)
    assert [(record.visit.day, record.problem) for record in followup.records] == [
        (30, None),
        (91, "no_reading"),
    ]
    decision = decide_outcome(followup.baseline, followup.visits, RULES)
    assert decision.visit_states == "NU"
    assert decision.flags == ("visit_not_evaluable", "last_visit_not_evaluable")


def test_visits_from_the_day_of_surgery_on_are_marked() -> None:
    facts = [READING, on_day(30), on_day(91), on_day(200)]
    followup = build_followup(facts, RULES, surgery_date=DAY_0 + dt.timedelta(days=91))
    assert [visit.is_after_surgery for visit in followup.visits] == [False, True, True]


def test_surgery_on_the_day_of_the_baseline_marks_all_visits() -> None:
    followup = build_followup([READING, on_day(30)], RULES, surgery_date=DAY_0)
    assert [visit.is_after_surgery for visit in followup.visits] == [True]


def test_surgery_before_the_baseline_is_history() -> None:
    followup = build_followup([READING, on_day(30)], RULES, surgery_date=DAY_0 - dt.timedelta(days=1))
    assert [visit.is_after_surgery for visit in followup.visits] == [False]


def test_a_reading_may_know_of_surgery_itself() -> None:
    facts = [READING, on_day(30, after_surgery=True, reader="reader-b"), on_day(30)]
    assert build_followup(facts, RULES).visits[0].is_after_surgery


def test_discordance_is_that_of_the_reader_who_stands() -> None:
    axial = on_day(91, plane=Plane.AXIAL, discordant=True)
    other = on_day(30, reader="reader-b", discordant=True)
    followup = build_followup([READING, on_day(30), other, on_day(91), axial], RULES)
    assert [visit.is_discordant for visit in followup.visits] == [False, True]


def test_a_discordant_baseline_is_not_evaluable() -> None:
    followup = build_followup([replace(READING, discordant=True), on_day(91)], RULES)
    assert followup.baseline.problems == ("sequences_discordant",)
    assert not followup.baseline.is_evaluable


def test_a_lesion_without_a_reading_is_refused() -> None:
    with pytest.raises(MeasurementError, match="a lesion without a reading has no baseline"):
        build_followup([], RULES)


# --- comparability ---------------------------------------------------------------------------


def test_another_weighting_widens_and_is_said() -> None:
    t2, t1 = replace(READING, weighting=Weighting.T2), on_day(91, weighting=Weighting.T1)
    (record,) = build_followup([t2, t1], RULES).records
    assert not record.visit.is_same_protocol_and_reader
    assert record.comparison is not None
    assert record.comparison.texts == ("weighting T1 against T2",)
    assert not record.is_other_reader


def test_a_visit_read_on_a_localizer_is_kept_and_not_evaluable() -> None:
    followup = build_followup([READING, on_day(91, role=ImageRole.LOCALIZER, volume_mm3=200.0)], RULES)
    (record,) = followup.records
    assert (record.fact, record.problem) == (on_day(91, role=ImageRole.LOCALIZER, volume_mm3=200.0), None)
    assert why_not_evaluable(followup.baseline, record.visit) == ("not_diagnostic",)
    assert decide_outcome(followup.baseline, followup.visits, RULES).visit_states == "U"


def test_a_baseline_on_an_irregular_stack_decides_nothing() -> None:
    followup = build_followup([replace(READING, is_regular=False), on_day(91)], RULES)
    assert followup.baseline.problems == ("irregular_slices",)
    assert decide_outcome(followup.baseline, followup.visits, RULES).reason == "baseline not evaluable"


def test_a_readers_word_goes_before_the_protocols() -> None:
    poor = on_day(91, modality=Modality.CT, status=ReadingStatus.NOT_EVALUABLE, volume_mm3=None)
    followup = build_followup([READING, poor], RULES)
    assert why_not_evaluable(followup.baseline, followup.visits[0]) == ("not_evaluable_reading",)


def test_every_reason_of_a_visit_is_told() -> None:
    followup = build_followup([READING, on_day(91, modality=Modality.CT, discordant=True)], RULES)
    assert why_not_evaluable(followup.baseline, followup.visits[0]) == (
        "modality_differs",
        "sequences_discordant",
    )

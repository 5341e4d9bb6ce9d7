"""How two protocols compare: the grade, and the reasons with their numbers."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herntrack.model.vocabulary import Comparability, ImageRole, Modality, Plane, Weighting
from herntrack.volumetrics.comparability import (
    Difference,
    Protocol,
    closeness,
    compare_protocols,
    unfitness,
)
from herntrack.volumetrics.rules import load_rules

RULES = load_rules()
SAME, MIXED, REFUSED = Comparability

BARE = Protocol(
    modality=Modality.MR, plane=Plane.SAGITTAL, slice_spacing_mm=4.4, pixel_spacings_mm=(0.6, 0.6)
)
"""What the published rule asks, and nothing else."""

FULL = replace(BARE, weighting=Weighting.T2, field_strength_tesla=1.5, is_lumbar=True)


@pytest.mark.parametrize(
    ("changes", "grade", "texts"),
    [
        ({}, SAME, ()),
        ({"slice_spacing_mm": 5.5, "pixel_spacings_mm": (0.75, 0.75)}, SAME, ()),
        ({"slice_spacing_mm": 3.0}, MIXED, ("slice spacing 3.00 against 4.40 mm, more than 25 %",)),
        ({"slice_spacing_mm": None}, MIXED, ("slice spacing unknown against 4.40 mm",)),
        (
            {"pixel_spacings_mm": (0.6, 0.8)},
            MIXED,
            ("pixel spacing 0.60 x 0.80 against 0.60 mm, more than 25 %",),
        ),
        ({"pixel_spacings_mm": None}, MIXED, ("pixel spacing unknown against 0.60 mm",)),
        ({"plane": Plane.AXIAL}, MIXED, ("plane axial against sagittal",)),
        ({"plane": None}, MIXED, ("plane unknown against sagittal",)),
        ({"modality": Modality.CT}, REFUSED, ("CT against MR, which are never compared",)),
        ({"modality": None}, REFUSED, ("modality unknown against MR",)),
    ],
)
def test_the_published_rule_decides_where_nothing_else_is_known(
    changes: dict[str, Any], grade: Comparability, texts: tuple[str, ...]
) -> None:
    comparison = compare_protocols(replace(BARE, **changes), BARE, RULES)
    assert (comparison.grade, comparison.texts) == (grade, texts)


@pytest.mark.parametrize(
    ("changes", "grade", "texts"),
    [
        ({"weighting": Weighting.T1}, MIXED, ("weighting T1 against T2",)),
        ({"weighting": Weighting.T2_FAT_SATURATED}, MIXED, ("weighting T2 fat-saturated against T2",)),
        ({"weighting": Weighting.UNKNOWN}, SAME, ()),
        ({"weighting": None}, SAME, ()),
        (
            {"field_strength_tesla": 3.0},
            SAME,
            ("field strength 3 against 1.5 T, more than 25 %, with the same weighting",),
        ),
        (
            {"field_strength_tesla": 3.0, "weighting": None},
            MIXED,
            ("field strength 3 against 1.5 T, more than 25 %",),
        ),
        ({"field_strength_tesla": None, "weighting": None}, SAME, ()),
        ({"field_strength_tesla": 1.85}, SAME, ()),
        ({"tilt_degrees": 5.0}, SAME, ()),
        (
            {"tilt_degrees": 18.5},
            MIXED,
            ("gantry tilt 18.5 against 0.0 degrees, more than 5 apart",),
        ),
        ({"role": ImageRole.REFORMATTED}, MIXED, ("reformatted against diagnostic images",)),
        ({"role": ImageRole.LOCALIZER}, REFUSED, ("a localizer is no image to measure on",)),
        ({"role": ImageRole.SCREENSHOT}, REFUSED, ("a screenshot is no image to measure on",)),
        ({"is_regular": False}, REFUSED, ("the slices form no regular volume",)),
        ({"is_lumbar": False}, SAME, ("the header names another part of the body",)),
        ({"is_lumbar": None}, SAME, ()),
        (
            {"weighting": Weighting.T1, "field_strength_tesla": 3.0, "is_regular": False},
            REFUSED,
            (
                "the slices form no regular volume",
                "weighting T1 against T2",
                "field strength 3 against 1.5 T, more than 25 %",
            ),
        ),
    ],
)
def test_what_the_images_say_beyond_it_widens_or_refuses(
    changes: dict[str, Any], grade: Comparability, texts: tuple[str, ...]
) -> None:
    comparison = compare_protocols(replace(FULL, **changes), FULL, RULES)
    assert (comparison.grade, comparison.texts) == (grade, texts)


def test_suppressed_fat_is_one_kind_of_weighting() -> None:
    stir = replace(FULL, weighting=Weighting.STIR)
    saturated = replace(FULL, weighting=Weighting.T2_FAT_SATURATED)
    assert compare_protocols(stir, saturated, RULES).grade is SAME


def test_a_baseline_that_cannot_be_measured_on_is_refused_too_and_said_once() -> None:
    localizer = replace(FULL, role=ImageRole.LOCALIZER)
    assert compare_protocols(FULL, localizer, RULES).refusals == (Difference.NOT_DIAGNOSTIC,)
    assert compare_protocols(localizer, localizer, RULES).refusals == (Difference.NOT_DIAGNOSTIC,)
    assert [reason.difference for reason in unfitness(localizer)] == ["not_diagnostic"]


def test_the_contrast_of_another_modality_is_no_further_reason() -> None:
    ct = replace(FULL, modality=Modality.CT, weighting=Weighting.CT_SOFT, field_strength_tesla=None)
    assert compare_protocols(ct, FULL, RULES).refusals == (Difference.MODALITY_DIFFERS,)
    assert len(compare_protocols(ct, FULL, RULES).reasons) == 1


def test_the_limits_are_those_of_the_rule_set() -> None:
    wide = replace(RULES, spacing_tolerance=0.5, field_tolerance=1.0, tilt_tolerance_degrees=20.0)
    other = replace(FULL, slice_spacing_mm=3.0, field_strength_tesla=3.0, tilt_degrees=18.5)
    assert compare_protocols(other, FULL, wide).reasons == ()


def test_the_most_comparable_protocol_comes_first() -> None:
    best_first = [
        FULL,
        replace(FULL, slice_spacing_mm=4.0),
        replace(FULL, field_strength_tesla=3.0),
        replace(FULL, slice_spacing_mm=3.0),
        replace(FULL, weighting=Weighting.T1),
        replace(FULL, plane=Plane.AXIAL),
        replace(FULL, plane=Plane.AXIAL, slice_spacing_mm=None),
        replace(FULL, is_regular=False),
        replace(FULL, modality=Modality.CT),
    ]
    ranks = [closeness(protocol, FULL, RULES) for protocol in best_first]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)
    for first, second in permutations(best_first[:5], 2):
        chosen = min([second, first], key=lambda protocol: closeness(protocol, FULL, RULES))
        assert chosen == min([first, second], key=best_first.index)


PROTOCOLS = st.builds(
    Protocol,
    modality=st.sampled_from([None, *Modality]),
    plane=st.sampled_from([None, *Plane]),
    slice_spacing_mm=st.sampled_from([None, 1.0, 3.0, 4.4]),
    pixel_spacings_mm=st.sampled_from([None, (0.6, 0.6), (0.6, 0.9)]),
    weighting=st.sampled_from([None, *Weighting]),
    field_strength_tesla=st.sampled_from([None, 0.2, 1.5, 3.0]),
    tilt_degrees=st.sampled_from([0.0, 18.5]),
    is_regular=st.booleans(),
    role=st.sampled_from(ImageRole),
    is_lumbar=st.sampled_from([None, True, False]),
)


@given(PROTOCOLS, PROTOCOLS)
def test_the_grade_is_the_worst_reason_and_swapping_never_lifts_a_refusal(
    protocol: Protocol, reference: Protocol
) -> None:
    comparison = compare_protocols(protocol, reference, RULES)
    order = list(Comparability)
    grades = [reason.grade for reason in comparison.reasons]
    assert grades == sorted(grades, key=order.index, reverse=True)
    assert comparison.grade is (grades[0] if grades else SAME)
    swapped = compare_protocols(reference, protocol, RULES)
    assert (swapped.grade is REFUSED) is (comparison.grade is REFUSED)
    assert set(swapped.refusals) == set(comparison.refusals)
    assert not any(";" in text for text in comparison.texts)

"""A blinded reader hears why something was refused, and nothing of dates, patients and places on disk."""

from __future__ import annotations

import pytest

from napari_herntrack.reading.discretion import discreet, view_words
from napari_herntrack.texts import LANGUAGES, load_texts


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("the visit of 2024-03-04 has no regular stack", "the visit of … has no regular stack"),
        ("study S-001: no date", "study …: no date"),
        ("exports/S-001/20240304/IM1 is missing under root 'a'", "… is missing under root 'a'"),
        (r"C:\exports\IM1 is missing", "… is missing"),
        ("kept as 20240304.unusable", "kept as ….unusable"),
        ("reading 2.25.33.20240304.12.9.1 was replaced", "reading … was replaced"),
    ],
)
def test_what_tells_of_the_visit_is_left_out(sentence: str, told: str) -> None:
    assert discreet(sentence, "S-001") == told


@pytest.mark.parametrize(
    "sentence",
    ["884 mm3 lie 12.5 mm in front of the base plane", "at (-12.5, 30.0, 4.0) mm, slice 3.5 of 20", "L5-S1"],
)
def test_numbers_of_the_picture_stay(sentence: str) -> None:
    assert discreet(sentence, "S-001") == sentence


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_why_a_stack_is_not_shown_is_not_told_to_a_blinded_reader(language: str) -> None:
    texts = load_texts(language)
    reason = "2024/IM1 is missing"
    assert reason in view_words(texts, is_blinded=False).failed.format(reason=reason)
    assert reason not in view_words(texts, is_blinded=True).failed.format(reason=reason)

"""Descriptors are words of the field, each may be left out, and they survive JSON."""

from __future__ import annotations

import json

import pytest

from herntrack.errors import VocabularyError
from herntrack.model.descriptors import Descriptors
from herntrack.model.vocabulary import (
    HerniationType,
    Migration,
    MsuLocation,
    PfirrmannGrade,
    Side,
    Zone,
)

FULL = Descriptors(
    type=HerniationType.EXTRUSION,
    zone=Zone.SUBARTICULAR,
    side=Side.LEFT,
    migration=Migration.DOWN,
    msu_size=2,
    msu_location=MsuLocation.AB,
    pfirrmann=PfirrmannGrade.IV,
)


@pytest.mark.parametrize("said", [FULL, Descriptors(), Descriptors(pfirrmann=PfirrmannGrade.I)])
def test_descriptors_survive_json(said: Descriptors) -> None:
    assert Descriptors.from_dict(json.loads(json.dumps(said.as_dict()))) == said


def test_what_was_not_said_is_not_written() -> None:
    assert Descriptors().as_dict() == {}
    assert Descriptors(msu_size=3, side=Side.RIGHT).as_dict() == {"msu_size": 3, "side": "right"}
    assert Descriptors.from_dict({"side": None}).is_empty
    assert not FULL.is_empty


def test_the_msu_grade_is_written_as_the_field_does() -> None:
    assert FULL.msu_grade == "2-AB"
    assert Descriptors(msu_size=1).msu_grade == "1-?"
    assert Descriptors(msu_location=MsuLocation.C).msu_grade == "?-C"
    assert Descriptors().msu_grade == ""


@pytest.mark.parametrize("size", [0, 4, True, 2.5, "2"])
def test_another_msu_size_is_refused(size: object) -> None:
    with pytest.raises(VocabularyError, match="no MSU size; use one of: 1, 2, 3"):
        Descriptors(msu_size=size)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"shape": "round"}, "'shape' is no descriptor"),
        ({"zone": "behind"}, "no zone; use one of: central, paracentral"),
        ({"pfirrmann": 3}, "pfirrmann is a word, not 3"),
    ],
)
def test_an_unknown_word_is_refused(values: dict[str, object], told: str) -> None:
    with pytest.raises(VocabularyError, match=told):
        Descriptors.from_dict(values)

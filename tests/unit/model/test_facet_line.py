"""The line between the medial edges of the facets."""

from __future__ import annotations

import json

import numpy as np
import pytest

from herntrack.errors import GeometryError
from herntrack.model.facet_line import FacetLine
from herntrack.model.sentences import Sentence, sentence_of

RIGHT, LEFT = (-9.0, 12.0, 3.0), (7.0, 12.0, 3.0)


def test_the_patients_right_comes_first_however_it_was_drawn() -> None:
    drawn = FacetLine.through([LEFT, RIGHT])
    assert drawn == FacetLine.through([RIGHT, LEFT])
    assert drawn.ends_lps == (RIGHT, LEFT)
    assert drawn.length_mm == 16.0
    assert drawn.middle_lps.tolist() == [-1.0, 12.0, 3.0]
    assert drawn.left_lps.tolist() == [1.0, 0.0, 0.0]


def test_offsets_are_positive_to_the_patients_left() -> None:
    drawn = FacetLine.through([(0.0, 0.0, 0.0), (12.0, 5.0, 0.0)])
    # 13 mm long; a point 2 mm beyond the left end lies 8.5 mm from the middle.
    assert drawn.offsets_mm(np.array([[12.0, 5.0, 0.0], [0.0, 0.0, 0.0]])) == pytest.approx([6.5, -6.5])
    beyond = np.array([12.0, 5.0, 0.0]) * 15.0 / 13.0
    assert drawn.offsets_mm(beyond + np.array([0.0, 0.0, 40.0])) == pytest.approx(8.5)


def test_a_moved_line_keeps_offsets_of_moved_points() -> None:
    angle = np.radians(14)
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix[:3, 3] = [30.0, -7.0, 11.0]
    drawn, points = FacetLine.through([RIGHT, LEFT]), np.random.default_rng(0).normal(0, 20, (20, 3))
    moved = points @ matrix[:3, :3].T + matrix[:3, 3]
    np.testing.assert_allclose(drawn.moved(matrix).offsets_mm(moved), drawn.offsets_mm(points), atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_a_line_comes_back_from_json_to_the_bit(seed: int) -> None:
    middle = np.random.default_rng(seed).normal(0, 50, 3)
    drawn = FacetLine.through(middle + np.array([[-9.1, -0.3, -0.7], [8.7, 1.1, 0.2]]))
    assert FacetLine.from_dict(json.loads(json.dumps(drawn.as_dict()))) == drawn


@pytest.mark.parametrize(
    ("ends", "key"),
    [
        ([(0, 0, 0), (4.9, 0, 0)], "line_length"),
        ([(0, 0, 0), (50.1, 0, 0)], "line_length"),
        ([(0, 0, 0), (0, 16, 0)], "line_not_across"),
        ([(0, 0, 0), (8, 0, 14)], "line_not_across"),
    ],
)
def test_what_is_no_line_between_facets_is_refused_with_a_sentence(ends: list[object], key: str) -> None:
    with pytest.raises(GeometryError) as refused:
        FacetLine.through(ends)  # type: ignore[arg-type]
    said = sentence_of(refused.value)
    assert isinstance(said, Sentence)
    assert said.key == key


def test_a_record_that_is_none_is_refused() -> None:
    for values in ({}, {"ends_lps": [[0, 0, 0]]}, {"ends_lps": [[0, 0], [9, 9]]}, {"ends_lps": 3}):
        with pytest.raises(GeometryError, match="written as ends_lps"):
            FacetLine.from_dict(values)
    with pytest.raises(GeometryError, match="three finite numbers"):
        FacetLine.from_dict({"ends_lps": [[0, 0, 0], [float("nan"), 0, 0]]})

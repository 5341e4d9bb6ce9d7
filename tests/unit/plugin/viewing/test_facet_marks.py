"""Where the line between the facets is seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from herntrack.model.facet_line import FacetLine
from herntrack.model.geometry import VolumeGeometry
from napari_herntrack.viewing.facet_marks import NO_MARKS, FacetOnView, facet_marks
from napari_herntrack.viewing.words import ViewWords
from tests.unit.plugin.viewing.grids import axial, sagittal

WORDS = ViewWords(units=("mm", "cm"), carried_line="from before")
PLACES = ((20.0, 11.0), (21.0, 31.0))


def drawn(grid: VolumeGeometry, index: int) -> FacetLine:
    return FacetLine.through(grid.index_to_lps([(index, *place) for place in PLACES]))


def test_the_line_is_whole_on_its_slice_alone_beside_it_and_nowhere_else() -> None:
    grid, line = axial(), drawn(axial(), 4)
    on = FacetOnView(line=line)
    here, beside, away = (facet_marks(on, grid, index, WORDS) for index in (4, 5, 6))
    # In radiological order columns run from right to left: the patient's right end comes first.
    assert grid.affine_lps[0, 2] > 0
    assert here.line is not None
    np.testing.assert_allclose(here.line, PLACES, atol=1e-9)
    assert here.ends == here.line == beside.line
    assert (beside.ends, here.crossing) == ((), None)
    assert away == NO_MARKS
    assert here.words == f"{line.length_mm:.1f} mm"
    carried = facet_marks(replace(on, is_carried=True), grid, 4, WORDS)
    assert (carried.words, carried.is_carried) == (f"{line.length_mm:.1f} mm, from before", True)


def test_a_slice_that_the_line_crosses_has_a_mark_where_it_does() -> None:
    grid = sagittal()
    right, left = grid.index_to_lps([(3.4, 30.0, 20.0), (6.4, 33.0, 26.0)])
    line = FacetLine.through([left, right])
    marks = {index: facet_marks(FacetOnView(line=line), grid, index, WORDS) for index in range(2, 9)}
    assert {index for index, each in marks.items() if each.crossing is not None} == {4, 5, 6}
    assert marks[5].crossing == pytest.approx((31.6, 23.2))
    assert {each.line for each in marks.values()} == {None}


def test_an_end_that_was_begun_is_seen_on_its_slice() -> None:
    grid = axial()
    x, y, z = (float(value) for value in grid.index_to_lps((4, *PLACES[0])))
    on = FacetOnView(begun_lps=(x, y, z))
    assert np.array(facet_marks(on, grid, 4, WORDS).ends) == pytest.approx(np.array([PLACES[0]]))
    assert facet_marks(on, grid, 5, WORDS) == NO_MARKS

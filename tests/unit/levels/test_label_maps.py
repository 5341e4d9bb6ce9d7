"""Discs and corners from label maps of a made column, in every tool's numbers."""

from __future__ import annotations

import numpy as np
import pytest

from herntrack.errors import LevelError
from herntrack.levels.label_maps import Convention, discs_of_labels
from herntrack.model.vocabulary import Level
from tests.conftest import SHARED
from tests.unit.levels.spines import FIVE, Column, column

NUMBERS = {
    Convention.TOTALSPINESEG: ([32, 41, 42, 43, 44, 45, 50], [91, 92, 93, 94, 95, 100]),
    Convention.TOTALSPINESEG_FIRST: ([23, 22, 21, 20, 19, 18, 92], [207, 206, 205, 204, 203, 202]),
    Convention.SPINEPS: ([19, 20, 21, 22, 23, 24, 26], [119, 120, 121, 122, 123, 124]),
    Convention.TOTALSEGMENTATOR: ([32, 31, 30, 29, 28, 27, 26], [0] * 6),
    Convention.TOTALSEGMENTATOR_V1: ([23, 22, 21, 20, 19, 18, 92], [0] * 6),
    Convention.TOTALSEGMENTATOR_MR: ([7, 6, 5, 4, 3, 2, 1], [0] * 6),
}


def compare(made: Column, found: tuple, *, centre_mm: float, corner_mm: float) -> None:
    for each in found:
        assert np.linalg.norm(np.array(each.centre_lps) - made.centres[each.level]) < centre_mm
        assert each.base_plane is not None
        for corner, true in zip(each.base_plane.corners_lps, made.corners[each.level], strict=True):
            assert np.linalg.norm(np.array(corner) - true) < corner_mm


@pytest.mark.parametrize("convention", list(Convention))
def test_every_convention_gives_the_six_discs(convention: Convention) -> None:
    bodies, discs = NUMBERS[convention]
    made = column(bodies, discs, FIVE)
    found = discs_of_labels(made.labels, made.geometry, convention)
    assert tuple(each.level for each in found) == FIVE
    compare(made, found, centre_mm=1.5, corner_mm=2.5)
    assert all(convention.value in each.sentence for each in found)


def test_coarse_voxels_move_the_corners_little() -> None:
    bodies, discs = NUMBERS[Convention.TOTALSEGMENTATOR]
    made = column(bodies, discs, FIVE, step_mm=3.0)
    found = discs_of_labels(made.labels, made.geometry, Convention.TOTALSEGMENTATOR)
    assert tuple(each.level for each in found) == FIVE
    compare(made, found, centre_mm=2.0, corner_mm=3.5)


@pytest.mark.parametrize(
    ("convention", "bodies", "discs"),
    [
        (Convention.TOTALSPINESEG, [44, 45, 46, 50], [95, 0, 100]),
        (Convention.SPINEPS, [23, 24, 25, 26], [123, 124, 125]),
    ],
)
def test_a_sixth_lumbar_vertebra_is_named(
    convention: Convention, bodies: list[int], discs: list[int]
) -> None:
    levels = (Level.L4_L5, Level.L5_L6, Level.L6_S1)
    made = column(bodies, discs, levels)
    found = discs_of_labels(made.labels, made.geometry, convention)
    # TotalSpineSeg has no number for the disc between L5 and L6: it lies between the two bodies.
    assert tuple(each.level for each in found) == levels
    compare(made, found, centre_mm=1.5, corner_mm=2.5)


def test_a_disc_without_its_vertebra_has_no_plane() -> None:
    made = column([44, 45, 99], [95, 100], (Level.L4_L5, Level.L5_S1))
    upper, lower = discs_of_labels(made.labels, made.geometry, Convention.TOTALSPINESEG)
    assert (upper.level, lower.level) == (Level.L4_L5, Level.L5_S1)
    assert upper.base_plane is not None
    assert lower.base_plane is None
    assert "place them by hand" in lower.sentence


def test_another_convention_is_refused_not_believed() -> None:
    bodies, discs = NUMBERS[Convention.TOTALSPINESEG]
    made = column(bodies, discs, FIVE)
    with pytest.raises(LevelError, match=r"no lumbar disc in the numbers of spineps; its labels are: 32, 41"):
        discs_of_labels(made.labels, made.geometry, Convention.SPINEPS)
    # The right numbers in the wrong order are no spine.
    upside_down = column(bodies[::-1], discs[::-1], FIVE)
    with pytest.raises(
        LevelError, match=r"no spine in the numbers of totalspineseg: T12-L1 lies -\d+ mm above"
    ):
        discs_of_labels(upside_down.labels, upside_down.geometry, Convention.TOTALSPINESEG)


@pytest.mark.shared
def test_a_real_map_of_totalsegmentator_is_read() -> None:
    file = (
        SHARED / "lumbar_ct_totalsegmentator/tests/reference_files/spine_report/test_result/totalseg.nii.gz"
    )
    if not file.is_file():
        pytest.skip("no label map of TotalSegmentator beside the checkout (lumbar_ct_totalsegmentator)")
    from herntrack.imaging.label_files import read_label_file

    found = read_label_file(file)
    discs = discs_of_labels(found.labels, found.geometry, Convention.TOTALSEGMENTATOR)
    assert tuple(each.level for each in discs) == FIVE
    steps = np.linalg.norm(np.diff([each.centre_lps for each in discs], axis=0), axis=1)
    assert ((steps > 28) & (steps < 45)).all()
    assert all(each.base_plane is not None for each in discs)

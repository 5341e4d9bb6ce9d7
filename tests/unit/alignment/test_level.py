from __future__ import annotations

import numpy as np
import pytest

from herntrack.alignment.align import align
from herntrack.alignment.level import check_levels, refine_at_level
from herntrack.alignment.records import Alignment, Verdict
from herntrack.alignment.rigid import inverse, moved
from herntrack.imaging.volume import Volume
from herntrack.model.vocabulary import Level
from herntrack.phantoms.anatomy import Anatomy
from herntrack.phantoms.posture import bent
from herntrack.phantoms.scene import build_scene
from tests.unit.alignment.visits import FIRST, SECOND, TRUTH, acquire_sagittal

BEND = {Level.L2_L3: 3.0, Level.L3_L4: 2.0, Level.L4_L5: 3.0, Level.L5_S1: 3.0}
LEVELS = (Level.L1_L2, Level.L2_L3, Level.L3_L4, Level.L4_L5, Level.L5_S1)


def aligned(matrix: np.ndarray, verdict: Verdict = Verdict.GOOD) -> Alignment:
    return Alignment(
        matrix_lps=matrix,
        residual_mm=0.2,
        overlap=0.9,
        agreement=0.95,
        runner_up=0.5,
        runner_up_mm=36.0,
        verdict=verdict,
        reasons=(),
    )


def test_a_level_of_a_bent_back_is_found_better_than_the_whole(baseline: Volume, anatomy: Anatomy) -> None:
    later, motions = bent(anatomy, BEND)
    followup = acquire_sagittal(build_scene(later), SECOND, scanner=2)
    centre = np.array([0.0, *anatomy.disc(Level.L2_L3).frame.centre_yz])
    there = SECOND.to_scanner(moved(motions["L3"], centre))
    whole = align(baseline, followup)
    local = refine_at_level(baseline, followup, FIRST.to_scanner(centre), whole)
    before, after = (
        float(np.linalg.norm(each.to_baseline(there) - FIRST.to_scanner(centre))) for each in (whole, local)
    )
    assert before > 0.8
    assert after < 0.5
    assert local.residual_mm < whole.residual_mm


def test_a_level_of_a_straight_back_stays(baseline: Volume, followup: Volume, anatomy: Anatomy) -> None:
    centre = FIRST.to_scanner((0.0, *anatomy.disc(Level.L4_L5).frame.centre_yz))
    found = refine_at_level(baseline, followup, centre, aligned(TRUTH))
    assert np.linalg.norm(found.to_baseline(moved(inverse(TRUTH), centre)) - centre) < 0.2
    assert found.verdict is Verdict.GOOD


def test_a_failed_start_is_never_made_good(baseline: Volume, followup: Volume, anatomy: Anatomy) -> None:
    centre = FIRST.to_scanner((0.0, *anatomy.disc(Level.L4_L5).frame.centre_yz))
    found = refine_at_level(baseline, followup, centre, aligned(TRUTH, Verdict.FAILED))
    assert found.verdict is Verdict.CHECK
    assert "whole spine" in found.reasons[-1]


def test_a_level_outside_the_stack_fails(baseline: Volume, followup: Volume) -> None:
    assert refine_at_level(baseline, followup, (0, 0, 900.0), aligned(TRUTH)).verdict is Verdict.FAILED


@pytest.mark.parametrize("n_off", [0, 1, -1])
def test_named_discs_show_that_it_is_a_vertebra_off(n_off: int) -> None:
    centres = {level: (0.0, 0.0, 36.0 * -number) for number, level in enumerate(LEVELS)}
    shift = np.eye(4)
    shift[2, 3] = 36.0 * n_off + 2.0
    checked = check_levels(
        aligned(shift), baseline_lps=centres, followup_lps={Level.L3_L4: centres[Level.L3_L4]}
    )
    if n_off == 0:
        assert checked.verdict is Verdict.GOOD
        return
    wrong = LEVELS[LEVELS.index(Level.L3_L4) - n_off]
    assert checked.verdict is Verdict.FAILED
    assert f"disc L3-L4 lies on the baseline's {wrong.value}" in checked.reasons[0]


def test_a_disc_that_only_the_follow_up_has_says_nothing() -> None:
    start = aligned(np.eye(4))
    assert check_levels(start, baseline_lps={}, followup_lps={Level.L5_S1: (0, 0, 0)}) is start

from __future__ import annotations

import numpy as np
import pytest

from herntrack.model.vocabulary import Level
from herntrack.phantoms.anatomy import Anatomy
from herntrack.phantoms.posture import bent


def test_what_lies_above_a_disc_turns_and_the_rest_stays(anatomy: Anatomy) -> None:
    later, motions = bent(anatomy, {Level.L4_L5: 5.0, Level.L2_L3: -2.0})
    turns = {"S1": 0.0, "L5": 0.0, "L4": 5.0, "L3": 5.0, "L2": 3.0, "T12": 3.0}
    for name, degrees in turns.items():
        before, after = anatomy.vertebrae[name], later.vertebrae[name]
        assert after.frame.tilt_degrees - before.frame.tilt_degrees == pytest.approx(degrees)
        assert after.height_mm == pytest.approx(before.height_mm)
        moved = motions[name] @ (0.0, *before.frame.centre_yz, 1.0)
        assert moved[1:3] == pytest.approx(after.frame.centre_yz)
    assert np.array_equal(later.vertebrae["L5"].frame.centre_yz, anatomy.vertebrae["L5"].frame.centre_yz)


def test_discs_and_canal_follow(anatomy: Anatomy) -> None:
    later, _ = bent(anatomy, {Level.L4_L5: 5.0})
    assert later.disc(Level.L4_L5).height_mm == pytest.approx(anatomy.disc(Level.L4_L5).height_mm, abs=0.2)
    high = np.array([later.vertebrae["L1"].frame.centre_yz[1]])
    assert later.wall(high)[0] < anatomy.wall(high)[0]

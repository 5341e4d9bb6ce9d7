from __future__ import annotations

import numpy as np
import pytest

from herntrack.model.vocabulary import Level, Plane
from herntrack.phantoms.acquisition import Pose
from herntrack.phantoms.anatomy import build_anatomy
from herntrack.phantoms.planning import BLOCK_LIMIT_DEGREES, axial_block
from herntrack.phantoms.protocols import AXIAL_SIZE


@pytest.mark.parametrize("seed", range(12))
def test_curve_of_the_spine_is_that_of_an_adult(seed: int) -> None:
    anatomy = build_anatomy(seed)
    sacral_slope = anatomy.vertebrae["S1"].upper.tilt_degrees
    lordosis = sacral_slope - anatomy.vertebrae["L1"].upper.tilt_degrees
    assert 35 <= sacral_slope <= 42
    assert 40 <= lordosis <= 62
    assert anatomy.disc(Level.L5_S1).frame.tilt_degrees <= 36
    assert (np.diff(anatomy.wall_z) > 0).all()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("pose", [(0.0, 0.0, 0.0), (4.0, 5.0, -4.0), (-4.0, -5.0, 4.0)])
def test_axial_blocks_stay_axial_however_the_patient_lies(
    seed: int, pose: tuple[float, float, float]
) -> None:
    anatomy = build_anatomy(seed)
    placed = Pose(rotation_degrees=pose, shift_mm=(5.0, -6.0, 4.0))
    for level in (Level.L3_L4, Level.L4_L5, Level.L5_S1):
        geometry = axial_block(anatomy, level, placed, AXIAL_SIZE)
        angle = np.degrees(np.arccos(geometry.normal_lps[2]))
        assert geometry.plane is Plane.AXIAL
        assert angle <= BLOCK_LIMIT_DEGREES + 0.01
        assert geometry.slice_spacing_mm == pytest.approx(4.4, abs=1e-4)


def test_a_pose_and_its_inverse_cancel() -> None:
    pose = Pose(rotation_degrees=(3.0, -7.0, 2.0), shift_mm=(4.0, 5.0, -6.0))
    assert pose.patient_to_scanner @ pose.scanner_to_patient == pytest.approx(np.eye(4), abs=1e-12)

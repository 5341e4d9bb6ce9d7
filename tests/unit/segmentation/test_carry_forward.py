"""The old mask gives the place, the new image the outline."""

from __future__ import annotations

import numpy as np
import pytest

from herntrack.errors import GeometryError, GeometryMismatchError
from herntrack.model.base_plane import BasePlane
from herntrack.model.geometry import VolumeGeometry
from herntrack.segmentation.carry_forward import carry_forward
from herntrack.segmentation.guards import Guard
from tests.unit.segmentation.scenes import canal, dice, sagittal_grid

SHIFT = np.array([1.5, 6.0, -9.0])
"""The patient lies elsewhere at the follow-up (mm)."""


def shifted_grid() -> VolumeGeometry:
    grid = sagittal_grid()
    affine = grid.affine_lps.copy()
    affine[:3, 3] += SHIFT
    return VolumeGeometry(affine_lps=affine, shape_zyx=grid.shape_zyx)


def followup(**options: object) -> tuple[object, np.ndarray]:
    """Return an image of the same canal, which lies elsewhere and is brighter."""
    volume, mask = canal(gain=1.3, seed=7, **options)  # type: ignore[arg-type]
    from herntrack.imaging.volume import Volume

    return Volume(values=volume.values, geometry=shifted_grid()), mask


def to_baseline() -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, 3] = -SHIFT
    return matrix


@pytest.mark.parametrize("radii_mm", [(8.0, 4.0, 6.0), (6.0, 3.2, 4.2), (10.0, 5.0, 8.0)])
def test_the_new_outline_is_that_of_the_new_image(radii_mm: tuple[float, float, float]) -> None:
    baseline, old = canal(radii_mm=(8.0, 4.0, 6.0))
    volume, new = followup(radii_mm=radii_mm)
    proposal = carry_forward(baseline, old, volume, to_baseline())  # type: ignore[arg-type]
    assert dice(proposal.mask, new) > 0.82
    assert "Proposed until accepted" in proposal.reason


def test_a_fragment_that_is_gone_comes_out_empty_and_says_why() -> None:
    baseline, old = canal()
    volume, _ = followup(radii_mm=None)
    proposal = carry_forward(baseline, old, volume, to_baseline())  # type: ignore[arg-type]
    assert not proposal.mask.any()
    assert "No fragment was found" in proposal.reason
    assert "expected of the fragment" in proposal.reason
    assert {each.guard for each in proposal.guards} == {Guard.EMPTY}


def test_something_alike_beside_the_old_place_is_not_the_fragment() -> None:
    baseline, old = canal(radii_mm=(8.0, 4.0, 5.0))
    volume, _ = followup(radii_mm=(8.0, 4.0, 5.0), centre_lps=(0.0, 5.5, 9.0))
    proposal = carry_forward(baseline, old, volume, to_baseline())  # type: ignore[arg-type]
    assert not proposal.mask.any()


def test_the_base_plane_moves_with_the_patient() -> None:
    baseline, old = canal()
    volume, _ = followup()
    plane = BasePlane.from_corners((0, 0, 6), (0, 0, -6), baseline.geometry)
    proposal = carry_forward(baseline, old, volume, to_baseline(), base_plane=plane)  # type: ignore[arg-type]
    assert proposal.base_plane is not None
    np.testing.assert_allclose(proposal.base_plane.point_lps, plane.point_lps + SHIFT)


def test_a_place_that_was_not_imaged_is_an_error_not_an_absence() -> None:
    baseline, old = canal()
    volume, _ = followup()
    matrix = to_baseline()
    matrix[2, 3] -= 300
    with pytest.raises(GeometryError, match="0 % of the baseline fragment's place"):
        carry_forward(baseline, old, volume, matrix)  # type: ignore[arg-type]


def test_an_empty_or_foreign_mask_is_refused() -> None:
    baseline, old = canal()
    with pytest.raises(GeometryError, match="nothing to carry"):
        carry_forward(baseline, np.zeros_like(old), baseline, np.eye(4))
    with pytest.raises(GeometryMismatchError, match="shape"):
        carry_forward(baseline, old[1:], baseline, np.eye(4))

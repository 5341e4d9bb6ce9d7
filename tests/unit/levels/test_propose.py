"""Discs counted from one or two named ones, on stacks whose discs are known."""

from __future__ import annotations

import numpy as np
import pytest

from herntrack.errors import LevelError, VocabularyError
from herntrack.imaging.volume import Volume
from herntrack.levels.midline import midline_image
from herntrack.levels.propose import propose_discs
from herntrack.levels.records import Confidence, DiscProposal
from herntrack.levels.response import Candidate
from herntrack.levels.walls import find_walls, recentred
from herntrack.model.base_plane import body_axes
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import Level
from herntrack.phantoms.scene import Scene
from herntrack.phantoms.tissues import Contrast
from tests.conftest import SHARED
from tests.unit.levels.spines import FIVE, Shown, computed_tomography, sagittal

OFF = np.array((2.0, -3.0, 2.5))
"""How far a person's click lies from a disc's centre (mm)."""


def in_plane_mm(stack: Shown, offset: np.ndarray) -> float:
    lateral = body_axes(stack.volume.geometry)[0]
    return float(np.linalg.norm(offset - (offset @ lateral) * lateral))


def errors_mm(stack: Shown, found: tuple[DiscProposal, ...]) -> dict[Level, float]:
    return {
        each.level: in_plane_mm(stack, np.array(each.centre_lps) - stack.centres[each.level])
        for each in found
    }


@pytest.mark.parametrize("start", [Level.L5_S1, Level.L3_L4, Level.T12_L1])
def test_all_discs_are_counted_from_any_one(t2_spine: Shown, start: Level) -> None:
    found = propose_discs(t2_spine.volume, {start: t2_spine.centres[start] + OFF})
    assert tuple(each.level for each in found) == FIVE
    assert max(errors_mm(t2_spine, found).values()) < 4.0
    assert [each.level for each in found if each.is_named] == [start]


@pytest.mark.parametrize(
    ("contrast", "spacing_mm", "n_slices"),
    [(Contrast.T1, 5.5, 5), (Contrast.T1, 3.3, 11), (Contrast.T2, 5.5, 3)],
)
def test_contrast_and_slices_do_not_matter(
    spine_scene: Scene, contrast: Contrast, spacing_mm: float, n_slices: int
) -> None:
    stack = sagittal(spine_scene, contrast, spacing_mm=spacing_mm, n_slices=n_slices)
    found = propose_discs(stack.volume, {Level.L4_L5: stack.centres[Level.L4_L5] + OFF})
    assert {each.level for each in found} >= set(FIVE[1:])
    assert max(errors_mm(stack, found).values()) < 6.0


def test_a_ct_of_the_lower_back_gives_the_discs_it_shows(spine_scene: Scene) -> None:
    stack = computed_tomography(spine_scene)
    found = propose_discs(stack.volume, {Level.L4_L5: stack.centres[Level.L4_L5] + OFF})
    assert Level.L4_L5 in {each.level for each in found}
    assert {each.level for each in found} <= {Level.L3_L4, Level.L4_L5, Level.L5_S1}
    assert max(errors_mm(stack, found).values()) < 6.0


def test_the_corners_lie_on_the_bodies(t2_spine: Shown) -> None:
    found = propose_discs(t2_spine.volume, {Level.L5_S1: t2_spine.centres[Level.L5_S1] + OFF})
    planes = {each.level: each.base_plane for each in found if each.base_plane is not None}
    assert len(planes) >= 5
    distances = [
        in_plane_mm(t2_spine, np.array(corner) - true)
        for level, plane in planes.items()
        for corner, true in zip(plane.corners_lps, t2_spine.corners[level], strict=True)
    ]
    assert np.median(distances) < 1.5
    assert max(distances) < 4.0


def test_levels_beyond_the_field_are_not_proposed(spine_scene: Scene) -> None:
    # The field ends 60 mm higher: S1, L5 and their discs are below it.
    stack = sagittal(spine_scene, Contrast.T2, raised_mm=85.0)
    lowest = stack.volume.geometry.corners_lps()[:, 2].min()
    cut = {level for level in FIVE if stack.centres[level][2] < lowest + 5}
    assert Level.L5_S1 in cut
    found = propose_discs(stack.volume, {Level.L2_L3: stack.centres[Level.L2_L3] + OFF})
    names = {each.level for each in found}
    assert not names & cut
    assert names >= {Level.T12_L1, Level.L1_L2, Level.L2_L3}
    assert max(errors_mm(stack, found).values()) < 4.0


def test_two_names_are_both_believed(t2_spine: Shown) -> None:
    named = {level: t2_spine.centres[level] + OFF for level in (Level.L5_S1, Level.L2_L3)}
    found = propose_discs(t2_spine.volume, named)
    assert tuple(each.level for each in found) == FIVE
    assert {each.level for each in found if each.is_named} == set(named)
    assert max(errors_mm(t2_spine, found).values()) < 4.0


def test_names_that_are_one_vertebra_off_are_refused(t2_spine: Shown) -> None:
    # L2-L3 stands two discs above L4-L5, here one.
    named = {Level.L4_L5: t2_spine.centres[Level.L4_L5], Level.L2_L3: t2_spine.centres[Level.L3_L4]}
    with pytest.raises(
        LevelError, match=r"L2-L3 and L4-L5 were named 3\d mm apart; 2 discs on they are 40 to"
    ):
        propose_discs(t2_spine.volume, named)
    named = {Level.L4_L5: t2_spine.centres[Level.L3_L4], Level.L3_L4: t2_spine.centres[Level.L4_L5]}
    with pytest.raises(LevelError, match="L3-L4 was named below L4-L5"):
        propose_discs(t2_spine.volume, named)
    named = {Level.L4_L5: t2_spine.centres[Level.L4_L5], Level.L5_S1: t2_spine.centres[Level.L4_L5]}
    with pytest.raises(LevelError, match="which is the same disc"):
        propose_discs(t2_spine.volume, named)


def test_a_sixth_lumbar_vertebra_changes_the_names_below_l5(t2_spine: Shown) -> None:
    lowest, next_one = t2_spine.centres[Level.L5_S1], t2_spine.centres[Level.L4_L5]
    found = propose_discs(t2_spine.volume, {Level.L6_S1: lowest + OFF})
    names = [each.level for each in found]
    assert names[-3:] == [Level.L4_L5, Level.L5_L6, Level.L6_S1]
    assert in_plane_mm(t2_spine, np.array(found[-2].centre_lps) - next_one) < 4.0
    recorded = propose_discs(t2_spine.volume, {Level.L4_L5: t2_spine.centres[Level.L3_L4]}, has_l6=True)
    assert [each.level for each in recorded][-2:] == [Level.L5_L6, Level.L6_S1]
    with pytest.raises(VocabularyError, match="no L5-S1"):
        propose_discs(t2_spine.volume, {Level.L5_S1: lowest, Level.L5_L6: next_one})


def test_an_image_of_noise_gives_no_clear_name(t2_spine: Shown) -> None:
    rng = np.random.default_rng(8)
    values = rng.integers(80, 120, t2_spine.volume.values.shape).astype(np.int16)
    noise = Volume(values=values, geometry=t2_spine.volume.geometry)
    found = propose_discs(noise, {Level.L4_L5: t2_spine.centres[Level.L4_L5]})
    assert [each.level for each in found if each.is_named] == [Level.L4_L5]
    assert all(each.is_named or each.confidence is Confidence.DOUBTFUL for each in found)
    assert all("doubtful" in each.sentence or "margin" in each.sentence or "hardly" in each.sentence
               for each in found if not each.is_named)  # fmt: skip


def test_a_short_block_gives_only_what_was_named(t2_spine: Shown) -> None:
    geometry = t2_spine.volume.geometry
    affine = np.array(geometry.affine_lps)
    row = round(float(geometry.lps_to_index(t2_spine.centres[Level.L4_L5])[1]))
    affine[:3, 3] += affine[:3, 1] * (row - 15)
    values = np.ascontiguousarray(t2_spine.volume.values[:, row - 15 : row + 15])
    block = Volume(values=values, geometry=VolumeGeometry(affine_lps=affine, shape_zyx=values.shape))
    (only,) = propose_discs(block, {Level.L4_L5: t2_spine.centres[Level.L4_L5]})
    assert only.level is Level.L4_L5
    assert only.base_plane is None
    assert np.allclose(only.centre_lps, t2_spine.centres[Level.L4_L5])


def test_a_point_outside_is_refused(t2_spine: Shown) -> None:
    with pytest.raises(LevelError, match="lies outside the stack"):
        propose_discs(t2_spine.volume, {Level.L4_L5: (0.0, 900.0, 0.0)})
    with pytest.raises(LevelError, match="name one disc"):
        propose_discs(t2_spine.volume, {})
    with pytest.raises(LevelError, match="three finite numbers"):
        propose_discs(t2_spine.volume, {Level.L4_L5: (0.0, np.nan, 0.0)})


@pytest.mark.shared
def test_discs_of_a_real_mr_are_counted() -> None:
    """The discs were marked by eye on the midsagittal plane; their names are nominal."""
    file = SHARED / "lumbar_mr_sct/single_subject/data/t2_lumbar/t2_lumbar.nii.gz"
    if not file.is_file():
        pytest.skip("no real lumbar MR beside the checkout (shared/data/dicom/lumbar_mr_sct)")
    import SimpleITK

    from herntrack.imaging.sitk_bridge import from_sitk

    volume = from_sitk(SimpleITK.ReadImage(str(file)))
    marked = {  # x of the canal's middle; (y, z) of the centre and of both posterior corners
        Level.T12_L1: (-9.8, (61.5, -325.5), (75.0, -324.0), (75.0, -328.8)),
        Level.L1_L2: (-9.9, (58.2, -350.5), (72.5, -348.8), (71.2, -354.6)),
        Level.L2_L3: (-11.6, (53.5, -379.0), (68.3, -377.2), (67.4, -383.3)),
        Level.L3_L4: (-13.6, (48.4, -409.7), (63.0, -407.8), (61.0, -414.5)),
        Level.L4_L5: (-15.4, (41.9, -442.2), (56.3, -440.5), (54.7, -447.3)),
        Level.L5_S1: (-16.8, (35.1, -476.1), (50.0, -474.5), (49.5, -480.8)),
    }
    found = propose_discs(volume, {Level.L4_L5: (-9.8, 45.0, -443.0)})
    assert tuple(each.level for each in found) == FIVE
    for each in found:
        x, centre, *corners = marked[each.level]
        assert np.hypot(*(np.array(each.centre_lps[1:]) - centre)) < 3.0
        assert abs(each.centre_lps[0] - x) < 4.0
        assert each.base_plane is not None
        for corner, true in zip(each.base_plane.corners_lps, corners, strict=True):
            assert np.hypot(*(np.array(corner[1:]) - true)) < 3.0


@pytest.mark.parametrize("start", [Level.L4_L5, Level.L2_L3])
def test_a_point_in_the_bone_makes_all_that_is_counted_from_it_doubtful(
    t2_spine: Shown, start: Level
) -> None:
    # Halfway to the next disc nobody can tell which of the two was meant.
    above = FIVE[FIVE.index(start) - 1]
    point = (t2_spine.centres[start] + t2_spine.centres[above]) / 2
    found = propose_discs(t2_spine.volume, {start: point})
    assert all(each.confidence is Confidence.DOUBTFUL for each in found)
    (named,) = [each for each in found if each.is_named]
    assert "hardly lies in a disc" in named.sentence or "mm from the point" in named.sentence


def test_the_walls_run_along_the_bodies_and_middle_the_discs(t2_spine: Shown) -> None:
    image = midline_image(t2_spine.volume, np.array(list(t2_spine.centres.values())))
    centres = {level: image.to_image(t2_spine.centres[level]) for level in FIVE}
    places = []
    for level, centre in centres.items():
        back = image.to_image(np.mean(t2_spine.corners[level], axis=0)) - centre
        tilt = float(np.degrees(np.arctan2(back[1], back[0])))
        # The middles are taken to lie 6 mm too far in front.
        front = centre - 6.0 * back / np.linalg.norm(back)
        places.append(Candidate(float(front[0]), float(front[1]), tilt, 0.4, 1.0))
    for _ in range(2):
        walls = find_walls(t2_spine.volume, image, places)
        places = [recentred(place, walls) for place in places]
    for place, level in zip(places, FIVE, strict=True):
        assert np.hypot(*(centres[level] - (place.back_mm, place.up_mm))) < 2.5
        for corner in t2_spine.corners[level]:
            assert np.linalg.norm(walls.back - image.to_image(corner), axis=1).min() < 3.5

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from herntrack.alignment.agreement import compare
from herntrack.alignment.blocks import Ball, choose_blocks
from herntrack.alignment.records import Alignment, Findings, Verdict
from herntrack.alignment.rigid import distances_mm, inverse, motion, moved, rotation_degrees
from herntrack.alignment.sampling import sample
from herntrack.alignment.scales import Scale, at_scale, pyramid
from herntrack.alignment.solver import Solver, solve
from herntrack.alignment.verdict import judge
from herntrack.errors import GeometryError
from herntrack.imaging.volume import Volume
from herntrack.model.geometry import VolumeGeometry

GOOD = Findings(
    agreement=0.9,
    residual_mm=0.3,
    overlap=0.9,
    n_blocks=500,
    runner_up=0.6,
    runner_up_mm=36.0,
    rotation_degrees=6.0,
)


def test_a_motion_and_its_inverse_cancel() -> None:
    there = motion((0.1, -0.05, 0.2), (3, -4, 5), (10, 20, 30))
    assert np.allclose(there @ inverse(there), np.eye(4), atol=1e-12)
    assert np.allclose(moved(there, (10, 20, 30)), (13, 16, 35))
    assert rotation_degrees(there) == pytest.approx(np.degrees(np.linalg.norm((0.1, -0.05, 0.2))))
    assert distances_mm(np.eye(4), there, [(10, 20, 30)])[0] == pytest.approx(np.sqrt(50))


def test_sampling_is_exact_on_a_plane_with_its_slopes() -> None:
    k, r, c = np.indices((4, 5, 6), dtype=np.float32)
    places = tuple(np.array([v], dtype=np.float32) for v in (1.25, 2.5, 3.75))
    values, slopes, inside = sample(2 * k - 3 * r + 5 * c, places, with_slopes=True)  # type: ignore[arg-type]
    assert values[0] == pytest.approx(2 * 1.25 - 3 * 2.5 + 5 * 3.75)
    assert slopes is not None
    assert [float(each[0]) for each in slopes] == pytest.approx([2, -3, 5])
    assert inside.tolist() == [True]


def test_sampling_says_what_lies_outside() -> None:
    places = tuple(np.array(v, dtype=np.float32) for v in ([-0.1, 0, 3.1], [0, 0, 0], [0, 5, 0]))
    _, _, inside = sample(np.zeros((4, 5, 6), dtype=np.float32), places, with_slopes=False)  # type: ignore[arg-type]
    assert inside.tolist() == [False, True, False]


def test_scales_keep_every_point_where_it_was() -> None:
    affine = np.diag([4.0, 0.5, 0.4, 1.0])
    affine[:3, 3] = (5, 6, 7)
    affine[0, 2] = 0.1
    geometry = VolumeGeometry(affine_lps=affine, shape_zyx=(3, 64, 64))
    points = geometry.index_to_lps(np.stack(np.indices((3, 64, 64)), -1))
    volume = Volume(values=(points @ (1.0, 2.0, 3.0)).astype(np.float32), geometry=geometry)
    for scale in pyramid(volume, (3.2, 0.8, 1.6)).values():
        index = np.stack(np.indices(scale.values.shape), -1)
        there = index @ scale.affine_lps[:3, :3].T + scale.affine_lps[:3, 3]
        middle = (slice(None), slice(3, -3), slice(3, -3))
        # A linear picture is not changed by blur and binning, away from the edge.
        assert np.allclose(scale.values[middle], (there @ (1.0, 2.0, 3.0))[middle], atol=1e-3)


def test_a_scale_bins_only_what_is_finer() -> None:
    volume = Volume(
        values=np.zeros((5, 40, 40), dtype=np.int16),
        geometry=VolumeGeometry(affine_lps=np.diag([4.4, 0.8, 0.4, 1.0]), shape_zyx=(5, 40, 40)),
    )
    scale = at_scale(Scale.from_volume(volume), 1.6)
    assert scale.values.shape == (5, 20, 10)
    assert scale.spacing_zyx == pytest.approx((4.4, 1.6, 1.6))
    assert scale.blur_mm[1:] == pytest.approx((0.8, 0.8))


def textured(seed: int, affine: np.ndarray) -> Scale:
    """Return a smooth function of the point, sampled on a grid."""
    rng = np.random.default_rng(seed)
    waves = rng.normal(0, 0.25, (12, 3))
    index = np.stack(np.indices((12, 42, 42)), -1)
    points = index @ affine[:3, :3].T + affine[:3, 3]
    values = sum(np.sin(points @ wave + number) for number, wave in enumerate(waves))
    return Scale(values=np.asarray(values, dtype=np.float32), affine_lps=affine, blur_mm=(0, 0, 0))


def test_gradients_are_those_of_the_misfit() -> None:
    fixed, other = textured(1, np.diag([3.0, 1, 1, 1])), textured(1, np.diag([2.8, 1.1, 1.1, 1]))
    blocks = choose_blocks(fixed, 30, ball=Ball(centre_lps=(16, 20, 20), radius_mm=14))
    start = motion((0.02, 0.01, -0.02), (0.31, -0.4, 0.25), (16, 20, 20))
    state = compare(blocks, other, start, with_step=True)
    for axis in range(6):
        ends = []
        for sign in (1, -1):
            step = np.zeros(6)
            step[axis] = sign * 1e-3
            there = start @ motion(step[:3], step[3:], blocks.centre_lps)
            ends.append(compare(blocks, other, there).misfits)
        numeric = float((ends[0] - ends[1]).sum() / 2e-3 / 2)
        assert float(state.gradients[:, axis].sum()) == pytest.approx(numeric, rel=0.1, abs=0.02)


def test_a_contrast_turned_round_is_solved_alike() -> None:
    affine = np.diag([3.0, 1, 1, 1])
    fixed, other = textured(2, affine), textured(2, affine)
    turned = replace(other, values=7 - 3 * other.values)
    blocks = choose_blocks(fixed, 200)
    start = motion((0.03, 0.0, -0.02), (0.8, -0.7, 0.6), blocks.centre_lps)
    found = [solve(blocks, each, start, Solver(n_steps=20)).to_followup for each in (other, turned)]
    assert distances_mm(found[0], np.eye(4), blocks.centres_lps).max() < 0.02
    assert distances_mm(found[1], np.eye(4), blocks.centres_lps).max() < 0.02


def test_a_strong_prior_holds_the_start() -> None:
    affine = np.diag([3.0, 1, 1, 1])
    blocks = choose_blocks(textured(2, affine), 200)
    start = motion((0, 0, 0), (0.8, -0.7, 0.6), blocks.centre_lps)
    solver = Solver(n_steps=20, prior=(1e-5,) * 6)
    found = solve(blocks, textured(2, affine), start, solver).to_followup
    assert distances_mm(found, start, blocks.centres_lps).max() < 0.01


def test_blocks_show_structure_and_stay_in_the_ball() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1, (6, 70, 70)).astype(np.float32)
    values[:, 35:, :] += 60 * (np.arange(70) // 5 % 2)
    scale = Scale(values=values, affine_lps=np.diag([4.0, 1, 1, 1]), blur_mm=(0, 0, 0))
    assert choose_blocks(scale, 1000).centres_lps[:, 1].min() >= 35
    ball = Ball(centre_lps=(12, 50, 30), radius_mm=15)
    inside = choose_blocks(scale, 1000, ball=ball)
    assert len(inside)
    assert np.linalg.norm(inside.centres_lps - ball.centre_lps, axis=1).max() <= 15


def test_nothing_to_object_is_good() -> None:
    assert judge(GOOD) == (Verdict.GOOD, ())


@pytest.mark.parametrize(
    ("change", "verdict", "word"),
    [
        ({"agreement": 0.55, "runner_up": 0.2}, Verdict.FAILED, "agree by 0.55"),
        ({"residual_mm": 2.6}, Verdict.FAILED, "2.6 mm"),
        ({"residual_mm": float("inf")}, Verdict.FAILED, "inf mm"),
        ({"overlap": 0.05}, Verdict.FAILED, "5%"),
        ({"n_blocks": 3}, Verdict.FAILED, "only 3 places"),
        ({"n_blocks": 0, "residual_mm": float("inf")}, Verdict.FAILED, "only 0 places"),
        ({"agreement": 0.75, "runner_up": 0.2}, Verdict.CHECK, "agree by 0.75"),
        ({"residual_mm": 1.4}, Verdict.CHECK, "bent otherwise"),
        ({"overlap": 0.2}, Verdict.CHECK, "only 20%"),
        ({"n_blocks": 50}, Verdict.CHECK, "only 50 places"),
        ({"runner_up": 0.85}, Verdict.CHECK, "36 mm about one vertebra away"),
        ({"runner_up": 0.85, "runner_up_mm": 9.0}, Verdict.CHECK, "9 mm away"),
        ({"rotation_degrees": 25.0}, Verdict.CHECK, "25 degrees"),
    ],
)
def test_every_limit_has_its_verdict_and_reason(
    change: dict[str, float], verdict: Verdict, word: str
) -> None:
    found, reasons = judge(replace(GOOD, **change))  # type: ignore[arg-type]
    assert found is verdict
    assert len(reasons) == 1
    assert word in reasons[0]


def alignment(matrix: np.ndarray) -> Alignment:
    return Alignment.from_findings(matrix, GOOD, verdict=Verdict.CHECK, reasons=("looked odd",))


def test_points_go_there_and_back() -> None:
    found = alignment(motion((0.1, 0.2, 0), (1, 2, 3), (4, 5, 6)))
    points = np.array([(1.0, 2, 3), (40, -5, 60)])
    assert np.allclose(found.to_followup(found.to_baseline(points)), points)
    assert found.margin == pytest.approx(0.3)
    assert not found.matrix_lps.flags.writeable


@pytest.mark.parametrize(
    "matrix", [np.diag([1.0, 1, 1.01, 1]), np.diag([-1.0, 1, 1, 1]), np.full((4, 4), np.nan), np.eye(3)]
)
def test_what_is_no_rotation_and_shift_is_refused(matrix: np.ndarray) -> None:
    with pytest.raises(GeometryError):
        alignment(matrix)

"""One level: local refinement, and the check against discs that a person has named.

Bones move against each other between visits, so near a disc the motion of its two vertebrae is
sought anew from that of the whole spine, within what patients bend.

Public: `refine_at_level`, `check_levels`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from herntrack._typing import Affine4x4
from herntrack.alignment.agreement import compare
from herntrack.alignment.align import FINE_MM, MIDDLE_MM, OTHER_PLACE_MM
from herntrack.alignment.blocks import Ball, Blocks, choose_blocks
from herntrack.alignment.records import Alignment, Findings, Verdict
from herntrack.alignment.regions import regional_shifts
from herntrack.alignment.rigid import distances_mm, inverse, motion, moved, rotation_degrees
from herntrack.alignment.scales import Scale, pyramid
from herntrack.alignment.solver import Solver, solve
from herntrack.alignment.verdict import judge
from herntrack.imaging.volume import Volume
from herntrack.model.sentences import sentence
from herntrack.model.vocabulary import Level

RADIUS_MM = 42.0
"""What belongs to a level lies within this of its centre (mm): a disc and both vertebrae."""

PRIOR = (np.radians(4.0),) * 3 + (4.0,) * 3
"""Standard deviations of how a level turns (radians) and shifts (mm) against the whole spine."""

STEPS = 12
"""Gauss-Newton steps at each scale, at most."""

N_BLOCKS = 800
"""Blocks of a level at each scale, at most."""

NEIGHBOURS_MM = (30.0, 38.0)
"""How far away the neighbouring level is tried, up and down (mm)."""

CHECK_MOVED_MM = 8.0
"""A level that moves further against the spine must be looked at (mm)."""


def refine_at_level(
    baseline: Volume, followup: Volume, centre_lps: npt.ArrayLike, start: Alignment
) -> Alignment:
    """Refine an alignment around one disc.

    Parameters
    ----------
    baseline, followup : Volume
        The stacks.
    centre_lps : array_like of float, shape (3,)
        Centre of the disc at the baseline (LPS mm).
    start : Alignment
        That of the whole spine.

    Returns
    -------
    Alignment
        The motion near the disc; residual, overlap, agreement and runner-up are those of the
        region within `RADIUS_MM`. It is no better than check where `start` has failed.
    """
    x, y, z = (float(value) for value in np.asarray(centre_lps, dtype=np.float64))
    ball = Ball(centre_lps=(x, y, z), radius_mm=RADIUS_MM)
    fixed, moving = (pyramid(each, (FINE_MM, MIDDLE_MM)) for each in (baseline, followup))
    blocks = {spacing: choose_blocks(fixed[spacing], N_BLOCKS, ball=ball) for spacing in fixed}
    begun = inverse(start.matrix_lps)
    chosen = begun
    for spacing in (MIDDLE_MM, FINE_MM):
        chosen = solve(
            blocks[spacing], moving[spacing], chosen, Solver(n_steps=STEPS, prior=PRIOR)
        ).to_followup
    judging = blocks[MIDDLE_MM]
    state = compare(judging, moving[MIDDLE_MM], chosen)
    runner_up, runner_up_mm = _runner_up(judging, moving[MIDDLE_MM], chosen)
    findings = Findings(
        agreement=state.mean_correlation,
        residual_mm=regional_shifts(judging, moving[MIDDLE_MM], chosen).rms_mm,
        overlap=float(state.is_inside.mean()) if len(judging) else 0.0,
        n_blocks=int(state.is_inside.sum()),
        runner_up=runner_up,
        runner_up_mm=runner_up_mm,
        rotation_degrees=rotation_degrees(chosen),
    )
    verdict, reasons = judge(findings)
    result = Alignment.from_findings(inverse(chosen), findings, verdict=verdict, reasons=reasons)
    gone = float(np.linalg.norm(moved(chosen, (x, y, z)) - moved(begun, (x, y, z))))
    if gone > CHECK_MOVED_MM:
        result = _doubted(
            result,
            sentence("align_level_moved", mm=f"{gone:.1f}", limit=CHECK_MOVED_MM),
        )
    if start.verdict is Verdict.FAILED:
        result = _doubted(result, sentence("align_whole_failed"))
    return result


def _runner_up(blocks: Blocks, followup: Scale, chosen: Affine4x4) -> tuple[float | None, float | None]:
    """Return the agreement of the best neighbouring level and how far away it is (mm)."""
    found: list[tuple[float, float]] = []
    if not len(blocks):
        return None, None
    for length in NEIGHBOURS_MM:
        for sign in (1.0, -1.0):
            begun = chosen @ motion((0, 0, 0), (0, 0, sign * length), blocks.centre_lps)
            other = solve(blocks, followup, begun, Solver(n_steps=STEPS, prior=PRIOR)).to_followup
            state = compare(blocks, followup, other)
            apart = float(distances_mm(chosen, other, blocks.centres_lps).mean())
            if apart > OTHER_PLACE_MM and state.is_inside.mean() > 0.5:
                found.append((state.mean_correlation, apart))
    return max(found) if found else (None, None)


def _doubted(alignment: Alignment, reason: str) -> Alignment:
    verdict = Verdict.FAILED if alignment.verdict is Verdict.FAILED else Verdict.CHECK
    return replace(alignment, verdict=verdict, reasons=(*alignment.reasons, reason))


def check_levels(
    alignment: Alignment,
    *,
    baseline_lps: Mapping[Level, npt.ArrayLike],
    followup_lps: Mapping[Level, npt.ArrayLike],
) -> Alignment:
    """Check an alignment against discs that a person has named at both visits.

    Parameters
    ----------
    alignment : Alignment
        What to check.
    baseline_lps, followup_lps : mapping of Level to array_like of float, shape (3,)
        Centres of the discs of each visit (LPS mm of that visit).

    Returns
    -------
    Alignment
        The same, or failed with the reason where a disc of the follow-up comes to lie nearer to
        another disc of the baseline than to its own: one vertebra off.
    """
    reasons = []
    for level, point in followup_lps.items():
        if level not in baseline_lps:
            continue
        there = alignment.to_baseline(point)
        distances = {
            each: float(np.linalg.norm(there - np.asarray(centre, dtype=np.float64)))
            for each, centre in baseline_lps.items()
        }
        nearest = min(distances, key=lambda each: distances[each])
        if nearest is not level:
            reasons.append(
                sentence(
                    "disc_on_other",
                    level=level.value,
                    other=nearest.value,
                    mm=f"{distances[nearest]:.0f}",
                    own_mm=f"{distances[level]:.0f}",
                )
            )
    if not reasons:
        return alignment
    return replace(
        alignment, verdict=Verdict.FAILED, reasons=(*alignment.reasons, *reasons), is_overruled=False
    )

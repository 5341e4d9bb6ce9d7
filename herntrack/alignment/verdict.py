"""Whether an alignment may be used, from what it says about itself.

The limits were set on simulated patients, on real MR and CT cut into two visits, on wrong places
that the search had found and set aside, and on pairs that have no right answer (two people, blocks
of two discs); `benchmarks/bench_alignment.py` repeats it on patients that were not used.

Public: `judge`.
"""

from __future__ import annotations

import math

from herntrack.alignment.records import Findings, Verdict
from herntrack.model.sentences import sentence

FAILED_AGREEMENT, CHECK_AGREEMENT = 0.6, 0.8
"""Mean correlation of blocks below which an alignment has failed or must be looked at (no unit)."""

FAILED_RESIDUAL_MM, CHECK_RESIDUAL_MM = 2.5, 1.2
"""Residual above which an alignment has failed or must be looked at (mm)."""

FAILED_OVERLAP, CHECK_OVERLAP = 0.08, 0.3
"""Overlap below which an alignment has failed or must be looked at (no unit)."""

FAILED_BLOCKS, CHECK_BLOCKS = 20, 80
"""Blocks with structure in the overlap below which it has failed or must be looked at."""

CHECK_MARGIN = 0.12
"""Lead over the runner-up in agreement below which a person must choose (no unit)."""

CHECK_ROTATION_DEGREES = 20.0
"""A larger turn between two visits was never tried (degrees)."""

VERTEBRA_MM = (20.0, 52.0)
"""A runner-up this far away may be the neighbouring vertebra (mm)."""


def judge(findings: Findings) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict and, unless it is good, its reasons, sentences."""
    failures = _failures(findings)
    if failures:
        return Verdict.FAILED, tuple(failures)
    doubts = _doubts(findings)
    return (Verdict.CHECK, tuple(doubts)) if doubts else (Verdict.GOOD, ())


def _failures(found: Findings) -> list[str]:
    reasons: list[str] = []
    if found.n_blocks < FAILED_BLOCKS:
        reasons.append(sentence("align_too_few_places", n=found.n_blocks, limit=FAILED_BLOCKS))
    if found.overlap < FAILED_OVERLAP:
        share, limit = f"{found.overlap:.0%}", f"{FAILED_OVERLAP:.0%}"
        reasons.append(sentence("align_no_overlap", share=share, limit=limit))
    if found.agreement < FAILED_AGREEMENT:
        agreement = f"{found.agreement:.2f}"
        reasons.append(sentence("align_disagrees", agreement=agreement, limit=FAILED_AGREEMENT))
    # Where too few places were found to measure anything on, that is the reason, and there is no residual.
    is_unknown = not math.isfinite(found.residual_mm) and bool(reasons)
    if not (is_unknown or found.residual_mm <= FAILED_RESIDUAL_MM):
        residual = f"{found.residual_mm:.1f}"
        reasons.append(sentence("align_regions_apart", mm=residual, limit=FAILED_RESIDUAL_MM))
    return reasons


def _doubts(found: Findings) -> list[str]:
    reasons: list[str] = []
    if found.n_blocks < CHECK_BLOCKS:
        reasons.append(sentence("align_few_places", n=found.n_blocks))
    if found.overlap < CHECK_OVERLAP:
        reasons.append(sentence("align_small_overlap", share=f"{found.overlap:.0%}"))
    if found.agreement < CHECK_AGREEMENT:
        agreement = f"{found.agreement:.2f}"
        reasons.append(sentence("align_agrees_less", agreement=agreement, usual=CHECK_AGREEMENT))
    if found.residual_mm > CHECK_RESIDUAL_MM:
        reasons.append(sentence("align_regions_move", mm=f"{found.residual_mm:.1f}"))
    if found.rotation_degrees > CHECK_ROTATION_DEGREES:
        reasons.append(sentence("align_turned", degrees=f"{found.rotation_degrees:.0f}"))
    if found.runner_up is not None and found.agreement - found.runner_up < CHECK_MARGIN:
        reasons.append(_close(found, found.runner_up))
    return reasons


def _close(found: Findings, runner_up: float) -> str:
    distance = found.runner_up_mm or 0.0
    is_beside = VERTEBRA_MM[0] <= distance <= VERTEBRA_MM[1]
    return sentence(
        "align_other_vertebra" if is_beside else "align_other_place",
        mm=f"{distance:.0f}",
        other=f"{runner_up:.2f}",
        agreement=f"{found.agreement:.2f}",
    )

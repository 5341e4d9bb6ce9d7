"""How often a published outcome is that of the true volumes, beside the stability index published with it.

Run by hand: ``PYTHONPATH=. python benchmarks/bench_reliability.py [--seed 1] [--lesions 2000]``.
Lesions with true volumes at baseline, day 30 and day 91 are measured with errors drawn from the default error
model, and decided. Two cohorts: *mixed*, of lesions that stay, shrink, vanish, come back or grow as in
published series, and *flat*, whose later volumes are anything from 0 to 1.6 times the baseline. Nothing here
tests the error model itself (``bench_coverage.py`` does): it tests what is said if the model holds.
"""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from dataclasses import dataclass

import numpy as np

from herntrack.model.vocabulary import Modality, OutcomeClass, ReadingStatus
from herntrack.volumetrics.error_model import sigma_mm3
from herntrack.volumetrics.outcome import decide_outcome
from herntrack.volumetrics.rules import RuleSet, load_rules
from herntrack.volumetrics.stability import outcome_stability
from herntrack.volumetrics.visits import Baseline, FollowUpVisit

DAYS = (30, 91)
MEDIAN_MM3, LOG_SPREAD, LIMITS_MM3 = 850.0, 0.55, (100.0, 4000.0)
BINS = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 1.001)
COURSES = {
    "stays": (0.35, (0.93, 1.07), (0.90, 1.10)),
    "shrinks": (0.25, (0.70, 1.00), (0.35, 0.80)),
    "shrinks fast": (0.12, (0.35, 0.80), (0.15, 0.50)),
    "nearly vanishes": (0.05, (0.10, 0.80), (0.02, 0.15)),
    "vanishes": (0.07, (0.10, 0.80), (0.0, 0.0)),
    "comes back": (0.08, (0.30, 0.60), (0.70, 1.05)),
    "grows": (0.08, (1.00, 1.60), (1.10, 1.80)),
}
"""Course -> its share of the mixed cohort, and the volume left at either day (share of the baseline)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One lesion: what was published of it, and what was true."""

    course: str
    decided: OutcomeClass
    index: float
    shares: dict[OutcomeClass, float]
    of_truth: OutcomeClass
    of_repeat: OutcomeClass
    true_loss: float


def measured(rng: np.random.Generator, truth_mm3: float, rules: RuleSet) -> float:
    """Return a volume read with the error of the model; what is gone is read as absent."""
    if truth_mm3 == 0.0:
        return 0.0
    sigma = sigma_mm3(truth_mm3, boundary_k_mm=rules.boundary_k_same_mm, floor_mm3=rules.volume_floor_mm3)
    return max(float(rng.normal(truth_mm3, sigma)), 1.0)


def facts(volumes_mm3: list[float]) -> tuple[Baseline, list[FollowUpVisit]]:
    visits = [
        FollowUpVisit(
            day=day,
            volume_mm3=volume,
            modality=Modality.MR,
            status=ReadingStatus.PRESENT if volume else ReadingStatus.ABSENT,
        )
        for day, volume in zip(DAYS, volumes_mm3[1:], strict=True)
    ]
    return Baseline(volume_mm3=volumes_mm3[0], modality=Modality.MR), visits


def case(rng: np.random.Generator, rules: RuleSet, *, is_flat: bool) -> Case:
    baseline = float(np.clip(rng.lognormal(np.log(MEDIAN_MM3), LOG_SPREAD), *LIMITS_MM3))
    course, limits = "flat", ((0.0, 1.6), (0.0, 1.6))
    if not is_flat:
        course = str(rng.choice(list(COURSES), p=[share for share, _, _ in COURSES.values()]))
        limits = COURSES[course][1:]
    truth = [baseline, *(baseline * float(rng.uniform(*limit)) for limit in limits)]
    first, second = ([measured(rng, volume, rules) for volume in truth] for _ in range(2))
    stability = outcome_stability(*facts(first), rules)
    return Case(
        course=course,
        decided=stability.decided,
        index=stability.decided_share,
        shares=dict(stability.shares),
        of_truth=decide_outcome(*facts(truth), rules).outcome,
        of_repeat=decide_outcome(*facts(second), rules).outcome,
        true_loss=1.0 - truth[-1] / baseline,
    )


def show(name: str, cases: list[Case]) -> None:
    index = np.array([each.index for each in cases])
    is_right = np.array([each.decided is each.of_truth for each in cases])
    is_repeated = np.array([each.decided is each.of_repeat for each in cases])
    loss = np.array([each.true_loss for each in cases])
    print(f"\n## {name}: {len(cases)} lesions\n\n| stability | n | mean | true class | repeat alike |")
    print("|---|---|---|---|---|")
    for low, high in (*itertools.pairwise(BINS), (0.0, 1.001)):
        held = (index >= low) & (index < high)
        if held.any():
            print(
                f"| {low:.2f} to {min(high, 1.0):.2f} | {held.sum()} | {index[held].mean():.2f} |"
                f" {is_right[held].mean():.2f} | {is_repeated[held].mean():.2f} |"
            )
    shares = np.array([share for each in cases for share in each.shares.values()])
    came = np.array([outcome is each.of_truth for each in cases for outcome in each.shares])
    print(f"\nBrier score of all shares {np.mean((shares - came) ** 2):.3f}")
    print("\n| outcome | n | stability | true class | truly smaller | by 25 % | by 50 % | by 75 % |")
    print("|---|---|---|---|---|---|---|---|")
    for outcome in OutcomeClass:
        held = np.array([each.decided is outcome for each in cases])
        if held.any():
            losses = " | ".join(f"{(loss[held] >= least).mean():.2f}" for least in (1e-9, 0.25, 0.5, 0.75))
            print(
                f"| {outcome.value} | {held.sum()} | {index[held].mean():.2f} | {is_right[held].mean():.2f} |"
                f" {losses} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lesions", type=int, default=2000)
    options = parser.parse_args()
    rules = load_rules()
    for name in ("mixed", "flat"):
        rng = np.random.default_rng(options.seed)
        cases = [case(rng, rules, is_flat=name == "flat") for _ in range(options.lesions)]
        show(name, cases)
        stayed = Counter(each.decided.value for each in cases if each.course == "stays")
        if stayed:
            total = sum(stayed.values())
            said = ", ".join(f"{outcome} {100 * n / total:.1f} %" for outcome, n in stayed.most_common())
            print(f"\nOf {total} lesions that stayed: {said}")


if __name__ == "__main__":
    main()

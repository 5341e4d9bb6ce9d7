"""How many outcomes of a cohort would be others under other thresholds.

Three thresholds are chosen rather than known: the loss that counts as resorption, the surface
error and the landmark day. Each is moved alone, the others stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from herntrack.model.vocabulary import Horizon
from herntrack.volumetrics.outcome import decide_outcome
from herntrack.volumetrics.rules import RuleSet
from herntrack.volumetrics.visits import LesionVolumes

RESORPTION_FRACTIONS = (0.50, 0.75, 0.90)
"""Losses that count as resorption (no unit)."""

BOUNDARY_K_MM = (1.2, 1.6, 2.2)
"""Surface errors of same reader and protocol (mm)."""

LANDMARK_DAYS = (60, 70, 84)
"""First days on which persistence can be said (days)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityRow:
    """The effect of one threshold.

    Parameters
    ----------
    parameter : str
        Name of the threshold in the rule set.
    value : float
        What it was set to.
    is_current : bool
        Whether the rule set already has that value.
    n_lesions : int
        Lesions decided.
    flipped : tuple of str
        UIDs of the lesions whose class differs from that under the rule set, in the order
        of the cohort.
    """

    parameter: str
    value: float
    is_current: bool
    n_lesions: int
    flipped: tuple[str, ...]

    @property
    def n_flipped(self) -> int:
        """How many outcomes flip."""
        return len(self.flipped)


def sensitivity_table(
    lesions: Sequence[LesionVolumes], rules: RuleSet, *, horizon: Horizon = Horizon.LATEST
) -> tuple[SensitivityRow, ...]:
    """Return how many outcomes flip for each threshold.

    The mixed surface error moves in proportion to that of same reader and protocol: both
    describe one way of placing a contour. A landmark after the last day of the primary
    outcome moves that day along.

    Parameters
    ----------
    lesions : sequence of LesionVolumes
        The cohort.
    rules : RuleSet
        Where the thresholds start from.
    horizon : Horizon
        Which visits count.

    Returns
    -------
    tuple of SensitivityRow
        Resorption, surface error, landmark, in that order.
    """
    current = [
        decide_outcome(lesion.baseline, lesion.visits, rules, horizon=horizon).outcome for lesion in lesions
    ]
    rows = []
    for parameter, value, changed in _variations(rules):
        outcomes = [
            decide_outcome(lesion.baseline, lesion.visits, changed, horizon=horizon).outcome
            for lesion in lesions
        ]
        flipped = [
            lesion.lesion_uid
            for lesion, old, new in zip(lesions, current, outcomes, strict=True)
            if new is not old
        ]
        rows.append(
            SensitivityRow(
                parameter=parameter,
                value=value,
                is_current=getattr(rules, parameter) == value,
                n_lesions=len(lesions),
                flipped=tuple(flipped),
            )
        )
    return tuple(rows)


def _variations(rules: RuleSet) -> list[tuple[str, float, RuleSet]]:
    mixed_per_same = rules.boundary_k_mixed_mm / rules.boundary_k_same_mm
    return [
        *(
            ("resorption_fraction", fraction, replace(rules, resorption_fraction=fraction))
            for fraction in RESORPTION_FRACTIONS
        ),
        *(
            (
                "boundary_k_same_mm",
                k,
                replace(rules, boundary_k_same_mm=k, boundary_k_mixed_mm=k * mixed_per_same),
            )
            for k in BOUNDARY_K_MM
        ),
        *(
            (
                "landmark_day",
                day,
                replace(rules, landmark_day=day, primary_last_day=max(day, rules.primary_last_day)),
            )
            for day in LANDMARK_DAYS
        ),
    ]

"""The facts that an outcome is decided from: one baseline, some follow-up visits.

Nothing here knows files, masks or readers' names. `herntrack.volumetrics.followup` makes
these facts from readings; a table of volumes makes them from its rows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from herntrack.errors import MeasurementError
from herntrack.model.vocabulary import Horizon, Modality, ReadingStatus
from herntrack.volumetrics.comparability import Difference, compare_modalities
from herntrack.volumetrics.error_model import VolumeChange, volume_change
from herntrack.volumetrics.rules import RuleSet, least

MAX_VOLUME_MM3 = 1_000_000.0
"""A larger volume is a mistake of unit (mm3): published herniations reach some 4 000 mm3."""

POOR_QUALITY = "not_evaluable_reading"
MODALITY_DIFFERS = str(Difference.MODALITY_DIFFERS)
MODALITY_UNKNOWN = str(Difference.MODALITY_UNKNOWN)
SEQUENCES_DISCORDANT = "sequences_discordant"
READERS_UNRESOLVED = "readers_unresolved"
NO_READING = "no_reading"
BASELINE_NOT_EVALUABLE = "baseline_not_evaluable"
BASELINE_BELOW_LIMIT = "baseline_below_limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A lesion at day 0.

    Parameters
    ----------
    volume_mm3 : float or None
        Sum of its fragments (mm3). None is 0 for an absent reading.
    modality : Modality or None
        How it was imaged; None if unknown, which no follow-up can be compared with.
    status : ReadingStatus
        What the reader says.
    problems : tuple of str
        What else forbids a decision, for example `READERS_UNRESOLVED`.
    is_proposed : bool
        Whether it rests on a proposal that no reader has accepted.

    Raises
    ------
    MeasurementError
        If a present lesion has no volume, or the volume is not a possible one.
    """

    volume_mm3: float | None
    modality: Modality | None
    status: ReadingStatus = ReadingStatus.PRESENT
    problems: tuple[str, ...] = ()
    is_proposed: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "volume_mm3", _checked_volume(self.volume_mm3, self.status))

    @property
    def is_evaluable(self) -> bool:
        """Whether anything can be compared with it."""
        return self.status is not ReadingStatus.NOT_EVALUABLE and not self.problems

    def is_decidable(self, rules: RuleSet) -> bool:
        """Whether it is evaluable and not below the limit of detection."""
        return self.is_evaluable and self.comparable_mm3 >= least(rules.min_baseline_mm3)

    @property
    def comparable_mm3(self) -> float:
        """The volume (mm3).

        Raises
        ------
        MeasurementError
            If the baseline has none.
        """
        return _required_volume(self.volume_mm3)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpVisit:
    """A lesion at a later visit.

    Parameters
    ----------
    day : int
        Days from baseline, at least 1.
    volume_mm3 : float or None
        Sum of its fragments (mm3). None is 0 for an absent reading; unused if not evaluable.
    status : ReadingStatus
        What the reader says.
    modality : Modality or None
        How it was imaged; None if unknown.
    is_same_protocol_and_reader : bool
        Whether protocol and reader are those of the baseline, and neither volume is a proposal's;
        else the larger error counts.
    is_after_surgery : bool
        Whether it lies on the day of surgery or later.
    is_discordant : bool
        Whether the sequences of the visit contradict each other.
    problems : tuple of str
        What else makes it not evaluable, for example `READERS_UNRESOLVED` or a protocol that is
        not compared with the baseline's.
    is_proposed : bool
        Whether it rests on a proposal that no reader has accepted; an absent one has volume 0, but
        nobody says that nothing is left.

    Raises
    ------
    MeasurementError
        If the day or the volume is not a possible one, or a present lesion has no volume.
    """

    day: int
    volume_mm3: float | None
    status: ReadingStatus
    modality: Modality | None
    is_same_protocol_and_reader: bool = True
    is_after_surgery: bool = False
    is_discordant: bool = False
    problems: tuple[str, ...] = ()
    is_proposed: bool = False

    def __post_init__(self) -> None:
        if self.day < 1:
            raise MeasurementError(f"a follow-up visit lies on day 1 or later, not on day {self.day}")
        object.__setattr__(self, "volume_mm3", _checked_volume(self.volume_mm3, self.status))

    @property
    def comparable_mm3(self) -> float:
        """The volume (mm3).

        Raises
        ------
        MeasurementError
            If the visit has none.
        """
        return _required_volume(self.volume_mm3)

    @property
    def is_said_absent(self) -> bool:
        """Whether a reader says that no focal displacement remains."""
        return self.status is ReadingStatus.ABSENT and not self.is_proposed

    def boundary_k_mm(self, rules: RuleSet) -> float:
        """Return the surface error of a comparison of this visit with the baseline (mm)."""
        return rules.boundary_k_same_mm if self.is_same_protocol_and_reader else rules.boundary_k_mixed_mm


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionVolumes:
    """All that is needed to decide one lesion.

    Parameters
    ----------
    lesion_uid : str
        Its tracking UID.
    baseline : Baseline
    visits : tuple of FollowUpVisit
        In any order.
    """

    lesion_uid: str
    baseline: Baseline
    visits: tuple[FollowUpVisit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptVisits:
    """The visits that an outcome may use.

    Parameters
    ----------
    visits : tuple of FollowUpVisit
        In the order of their days.
    is_censored : bool
        Whether visits were dropped because of surgery.
    """

    visits: tuple[FollowUpVisit, ...]
    is_censored: bool


def keep_visits(visits: Sequence[FollowUpVisit], rules: RuleSet, *, horizon: Horizon) -> KeptVisits:
    """Return the visits within the horizon and before surgery.

    The horizon comes first: surgery after it does not censor the primary outcome. A visit
    on or after the day of surgery censors all later ones, marked or not.

    Raises
    ------
    MeasurementError
        If two visits lie on the same day.
    """
    ordered = sorted(visits, key=lambda visit: visit.day)
    for earlier, later in itertools.pairwise(ordered):
        if earlier.day == later.day:
            raise MeasurementError(f"two visits lie on day {later.day}; choose one of them")
    if horizon is Horizon.PRIMARY:
        ordered = [visit for visit in ordered if visit.day <= rules.primary_last_day]
    n_kept = next((index for index, visit in enumerate(ordered) if visit.is_after_surgery), len(ordered))
    return KeptVisits(visits=tuple(ordered[:n_kept]), is_censored=n_kept < len(ordered))


def why_not_evaluable(baseline: Baseline, visit: FollowUpVisit) -> tuple[str, ...]:
    """Return why a visit cannot be compared with the baseline; empty if it can."""
    if visit.status is ReadingStatus.NOT_EVALUABLE:
        return visit.problems or (POOR_QUALITY,)
    reasons = [*visit.problems]
    if not baseline.is_evaluable:
        reasons.append(BASELINE_NOT_EVALUABLE)
    # An unresolved baseline has no images of its own: that they differ would be no truth.
    if baseline.is_evaluable or baseline.modality is not None:
        refusal = compare_modalities(visit.modality, baseline.modality)
        if refusal is not None and str(refusal.difference) not in reasons:
            reasons.append(str(refusal.difference))
    if visit.is_discordant:
        reasons.append(SEQUENCES_DISCORDANT)
    return tuple(reasons)


def why_no_state(baseline: Baseline, visit: FollowUpVisit, rules: RuleSet) -> tuple[str, ...]:
    """Return why a visit has no state other than not evaluable; empty if it has one."""
    reasons = why_not_evaluable(baseline, visit)
    if baseline.is_evaluable and not baseline.is_decidable(rules):
        return (*reasons, BASELINE_BELOW_LIMIT)
    return reasons


def compare_with_baseline(baseline: Baseline, visit: FollowUpVisit, rules: RuleSet) -> VolumeChange | None:
    """Return the change of a visit with its interval; None where nothing may be compared."""
    if not baseline.is_evaluable or why_not_evaluable(baseline, visit):
        return None
    return volume_change(
        baseline.comparable_mm3,
        visit.comparable_mm3,
        boundary_k_mm=visit.boundary_k_mm(rules),
        floor_mm3=rules.volume_floor_mm3,
    )


def _checked_volume(volume_mm3: float | None, status: ReadingStatus) -> float | None:
    if volume_mm3 is None:
        if status is ReadingStatus.PRESENT:
            raise MeasurementError("a lesion read as present has no volume; give it in mm3")
        return 0.0 if status is ReadingStatus.ABSENT else None
    if not math.isfinite(volume_mm3) or not 0.0 <= volume_mm3 <= MAX_VOLUME_MM3:
        raise MeasurementError(
            f"{volume_mm3} mm3 is no volume of a lesion; the limits are 0 to {MAX_VOLUME_MM3:.0f}"
        )
    return float(volume_mm3)


def _required_volume(volume_mm3: float | None) -> float:
    if volume_mm3 is None:
        raise MeasurementError("a reading that is not evaluable has no volume to compare")
    return volume_mm3

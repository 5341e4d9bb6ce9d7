"""Which nominal time point a day of follow-up belongs to.

Windows are the study's: 1 month is days 14-60, 3 months 61-126 (91 +- 35). Those of 6
and 12 months adjoin them without a gap, so that a day has one name at most.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

BASELINE = "baseline"
UNSCHEDULED = "unscheduled"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitWindow:
    """Days of follow-up, both ends included, that share a nominal time point."""

    name: str
    first_day: int
    last_day: int

    def __post_init__(self) -> None:
        if not 0 < self.first_day <= self.last_day:
            raise ValueError(
                f"visit window {self.name!r} runs from day {self.first_day} to {self.last_day};"
                " days are positive and in order"
            )


DEFAULT_WINDOWS = (
    VisitWindow(name="1 month", first_day=14, last_day=60),
    VisitWindow(name="3 months", first_day=61, last_day=126),
    VisitWindow(name="6 months", first_day=127, last_day=273),
    VisitWindow(name="12 months", first_day=274, last_day=456),
)


def timepoint_of_day(day: int, windows: Iterable[VisitWindow] = DEFAULT_WINDOWS) -> str:
    """Return the nominal time point of a day after baseline.

    Parameters
    ----------
    day : int
        Days since baseline; 0 is the baseline itself, negative days are before it.
    windows : iterable of VisitWindow
        Non-overlapping windows.

    Returns
    -------
    str
        ``baseline``, a window's name, or ``unscheduled``.
    """
    if day == 0:
        return BASELINE
    return next((w.name for w in windows if w.first_day <= day <= w.last_day), UNSCHEDULED)

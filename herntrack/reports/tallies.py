"""Two ways of counting a cohort, which are never mixed.

The *visit tally* counts what was seen at each visit: one lesion counts once for every visit.
The *outcome tally* counts lesions: each once, in the one class it ended in. A cohort printed
only one way can seem to have more outcomes than patients.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from herntrack.errors import ReportError
from herntrack.model.timepoints import BASELINE, UNSCHEDULED, VisitWindow
from herntrack.model.vocabulary import Horizon, OutcomeClass, VisitState
from herntrack.reports.tables import ChangeRow, OutcomeRow

FOLLOW_UP_STATES = (
    VisitState.ABSENT,
    VisitState.REDUCED,
    VisitState.NO_CHANGE,
    VisitState.ENLARGED,
    VisitState.NOT_EVALUABLE,
)
"""States of a visit after baseline, in the order they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitTally:
    """What was seen at one nominal time point.

    Parameters
    ----------
    timepoint : str
        Name of the window, or ``unscheduled``.
    days : str
        The window in words; empty for unscheduled visits.
    counts : mapping of VisitState to int
        Lesions seen in each state; every state of `FOLLOW_UP_STATES` is a key.
    n_unread : int
        Lesions with images at this time point that nobody has read.
    """

    timepoint: str
    days: str
    counts: Mapping[VisitState, int]
    n_unread: int

    @property
    def total(self) -> int:
        """Return how many lesion visits there were, the unread included."""
        return sum(self.counts.values()) + self.n_unread


def visit_tally(changes: Iterable[ChangeRow], windows: Iterable[VisitWindow]) -> tuple[VisitTally, ...]:
    """Count follow-up visits by time point and state.

    Time points without a visit are left out, except that those of `windows` up to the last
    one with a visit are kept: a missing time point is a finding.

    Raises
    ------
    ReportError
        If a follow-up is called ``baseline``, a time point is unknown, or the counts do not
        add up to the number of visits.
    """
    windows = tuple(windows)
    followups = [row for row in changes if row.timepoint != BASELINE]
    days = {window.name: f"days {window.first_day}\N{EN DASH}{window.last_day}" for window in windows}
    days[UNSCHEDULED] = ""
    seen = {row.timepoint for row in followups}
    unknown = sorted(seen - set(days))
    if unknown:
        raise ReportError(f"time point {unknown[0]!r} is none of the visit windows: {', '.join(days)}")
    last = max((i for i, window in enumerate(windows) if window.name in seen), default=-1)
    names = [window.name for window in windows[: last + 1]]
    names += [UNSCHEDULED] if UNSCHEDULED in seen else []
    tallies = tuple(
        _tally_of(name, days[name], [row for row in followups if row.timepoint == name]) for name in names
    )
    counted = sum(tally.total for tally in tallies)
    if counted != len(followups):
        raise ReportError(f"the visit tally counts {counted} of {len(followups)} follow-up visits")
    return tallies


def _tally_of(timepoint: str, days: str, rows: Sequence[ChangeRow]) -> VisitTally:
    states = Counter(row.visit_state for row in rows)
    if states[VisitState.BASELINE]:
        raise ReportError(f"a visit at {timepoint} has the state baseline; the baseline is day 0")
    return VisitTally(
        timepoint=timepoint,
        days=days,
        counts={state: states[state] for state in FOLLOW_UP_STATES},
        n_unread=states[None],
    )


def outcome_tally(
    outcomes: Iterable[OutcomeRow], lesion_uids: Iterable[str], *, horizon: Horizon
) -> dict[OutcomeClass, int]:
    """Count lesions by outcome at one horizon, each lesion once.

    Raises
    ------
    ReportError
        If a lesion is missing or counted twice, so that the sum is not the number of lesions.
    """
    wanted = set(lesion_uids)
    rows = [row for row in outcomes if row.horizon is horizon]
    counted = Counter(row.lesion_uid for row in rows)
    if set(counted) != wanted or len(rows) != len(wanted):
        raise ReportError(
            f"the {horizon.value} outcome tally counts {len(rows)} outcomes of {len(counted)} lesions;"
            f" there are {len(wanted)} lesions and each has exactly one"
        )
    return _classes(rows)


def outcome_tally_by(
    outcomes: Iterable[OutcomeRow], key: Callable[[OutcomeRow], str], *, horizon: Horizon
) -> dict[str, dict[OutcomeClass, int]]:
    """Count lesions by outcome within groups, for example levels; groups are sorted by name."""
    groups: dict[str, list[OutcomeRow]] = {}
    for row in outcomes:
        if row.horizon is horizon:
            groups.setdefault(key(row), []).append(row)
    return {name: _classes(groups[name]) for name in sorted(groups)}


def _classes(rows: Iterable[OutcomeRow]) -> dict[OutcomeClass, int]:
    counts = Counter(row.outcome for row in rows)
    return {outcome: counts[outcome] for outcome in OutcomeClass}

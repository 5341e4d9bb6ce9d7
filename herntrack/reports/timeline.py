"""The timeline of a cohort: one row for each lesion, one mark for each visit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.lines import Line2D

from herntrack.model.timepoints import VisitWindow
from herntrack.model.vocabulary import OutcomeClass, VisitState
from herntrack.reports import wording
from herntrack.reports.figures import key_below
from herntrack.reports.palette import MUTED, OUTCOME_COLOURS, PAPER, STATE_COLOURS, WINDOW_SHADE
from herntrack.reports.svg import drawing_style, inline_svg, new_figure
from herntrack.reports.trajectory import STATE_MARKERS
from herntrack.volumetrics.rules import RuleSet

MOST_NAMED_ROWS = 60
"""With more lesions than this rows get thin and lose their names."""

ROW_INCHES, THIN_ROW_INCHES = 0.235, 0.075
"""Height of a row with and without its name."""

MOST_INCHES = 14.0
"""Height of the drawing, whatever the number of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRow:
    """One lesion of the drawing.

    Parameters
    ----------
    label : str
        Its name.
    visits : tuple of (int, VisitState or None)
        Day and state of each visit, None for an unread one.
    outcome : OutcomeClass
    proposed_days : tuple of int
        Days of the visits that rest on a proposal which no reader has accepted.
    """

    label: str
    visits: tuple[tuple[int, VisitState | None], ...]
    outcome: OutcomeClass
    proposed_days: tuple[int, ...] = ()


def timeline_svg(
    rows: Sequence[TimelineRow], *, prefix: str, rules: RuleSet, windows: Sequence[VisitWindow]
) -> str:
    """Draw every lesion's visits against days since baseline, sorted by outcome and length of follow-up.

    Parameters
    ----------
    rows : sequence of TimelineRow
        At least one, each with at least one visit.
    prefix : str
        Begins every id of the drawing.
    rules : RuleSet
        Landmark and primary limit.
    windows : sequence of VisitWindow
        Nominal time points, shaded and named.
    """
    classes = tuple(OutcomeClass)
    ordered = sorted(rows, key=lambda row: (classes.index(row.outcome), -_last_day(row), row.label))
    are_named = len(ordered) <= MOST_NAMED_ROWS
    height = 0.95 + len(ordered) * (ROW_INCHES if are_named else THIN_ROW_INCHES)
    last_day = max(rules.primary_last_day, *(_last_day(row) for row in ordered))
    with drawing_style():
        figure = new_figure(10.4, min(height, MOST_INCHES))
        axes = figure.add_subplot()
        axes.patch.set_alpha(0.0)
        axes.set(xlim=(-0.02 * last_day, 1.02 * last_day), ylim=(len(ordered) - 0.4, -0.6))
        _draw_calendar(axes, rules, windows, last_day)
        for position, row in enumerate(ordered):
            _draw_row(axes, position, row, size=6.0 if are_named else 3.0)
        if are_named:
            axes.set_yticks(range(len(ordered)), [wording.short(row.label) for row in ordered], fontsize=8.5)
        else:
            axes.set_yticks([])
            axes.set_ylabel(f"{len(ordered)} lesions")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("days since baseline")
        key_below(figure, _key(ordered))
        return inline_svg(
            figure, prefix=prefix, title="Visits of every lesion", description=_in_words(ordered)
        )


def _last_day(row: TimelineRow) -> int:
    return max(day for day, _ in row.visits)


def _draw_calendar(axes: Any, rules: RuleSet, windows: Sequence[VisitWindow], last_day: int) -> None:
    across = axes.get_xaxis_transform()
    for window in windows:
        if window.first_day >= last_day:
            continue
        end = min(window.last_day, last_day)
        axes.axvspan(window.first_day, end, facecolor=WINDOW_SHADE, edgecolor="none", zorder=0)
        if end - window.first_day > 0.06 * last_day:
            axes.text(
                (window.first_day + end) / 2,
                1.0,
                window.name,
                ha="center",
                va="bottom",
                color=MUTED,
                transform=across,
            )
    for when in (rules.landmark_day, rules.primary_last_day):
        axes.axvline(when, color=MUTED, linewidth=0.7, linestyle=(0, (1, 2)), zorder=1)


def _draw_row(axes: Any, position: int, row: TimelineRow, *, size: float) -> None:
    days = [day for day, _ in row.visits]
    axes.plot(
        [min(days), max(days)],
        [position, position],
        linewidth=0.75 * size,
        zorder=2,
        **_line_of(row.outcome),
    )
    for day, state in row.visits:
        colour = _colour_of(state)
        is_hollow = state is VisitState.ABSENT or day in row.proposed_days
        axes.plot(
            day,
            position,
            marker=_mark_of(state),
            markersize=size,
            markerfacecolor=PAPER if is_hollow else colour,
            markeredgecolor=colour,
            markeredgewidth=1.0,
            linestyle="none",
            clip_on=False,
            zorder=3,
        )


def _key(rows: Sequence[TimelineRow]) -> list[Line2D]:
    """Return the marks and the lines that occur, for the key."""
    seen = {state for row in rows for _, state in row.visits}
    marks = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker=_mark_of(state),
            color=_colour_of(state),
            markerfacecolor=PAPER if state is VisitState.ABSENT else _colour_of(state),
            markersize=6.0,
            label=wording.state_words(state),
        )
        for state in (*STATE_MARKERS, None)
        if state in seen
    ]
    lines = [
        Line2D([], [], linewidth=4.5, label=f"outcome: {wording.OUTCOME_WORDS[outcome]}", **_line_of(outcome))
        for outcome in OutcomeClass
        if any(row.outcome is outcome for row in rows)
    ]
    return [*marks, *lines]


def _line_of(outcome: OutcomeClass) -> dict[str, Any]:
    if outcome is OutcomeClass.INDETERMINATE:
        return {"color": MUTED, "alpha": 0.45, "linestyle": (0, (0.4, 0.4))}
    return {"color": OUTCOME_COLOURS[outcome], "alpha": 0.45, "solid_capstyle": "butt"}


def _mark_of(state: VisitState | None) -> str:
    return "+" if state is None else STATE_MARKERS[state]


def _colour_of(state: VisitState | None) -> str:
    return MUTED if state in (None, VisitState.NOT_EVALUABLE) else STATE_COLOURS[state]


def _in_words(rows: Sequence[TimelineRow]) -> str:
    return "; ".join(
        f"{row.label}: "
        + ", ".join(
            f"day {day} {wording.state_words(state)}{' (proposed)' if day in row.proposed_days else ''}"
            for day, state in row.visits
        )
        + f", {wording.OUTCOME_WORDS[row.outcome]}"
        for row in rows
    )

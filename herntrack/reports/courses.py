"""The courses of a cohort: one panel for each outcome, one line for each lesion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from herntrack.model.vocabulary import OutcomeClass
from herntrack.reports import wording
from herntrack.reports.figures import PERCENT_CEILING
from herntrack.reports.palette import INK, MUTED, OUTCOME_COLOURS, PAPER
from herntrack.reports.svg import drawing_style, inline_svg, new_figure

PANELS_ACROSS = 3
"""Panels in a row."""

_MOST_MARKED_LINES = 40
# With more lesions in a panel the marks of the visits hide the lines.


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One lesion's changes, ``(day, per cent of the baseline volume)``, the baseline included.

    A point on one of `proposed_days` is hollow: no reader has accepted what it rests on.
    """

    points: tuple[tuple[int, float], ...]
    outcome: OutcomeClass
    proposed_days: tuple[int, ...] = ()


def courses_svg(
    courses: Sequence[Course],
    *,
    prefix: str,
    landmark_day: int,
    guide_percents: Sequence[float] = (-25.0, -75.0),
) -> str:
    """Draw change in per cent against days since baseline, one panel for each outcome that occurs.

    Parameters
    ----------
    courses : sequence of Course
        At least one.
    prefix : str
        Begins every id of the drawing.
    landmark_day : int
        Drawn as a dotted line.
    guide_percents : sequence of float
        Thresholds of the rule set, drawn as dashed lines.
    """
    held = {outcome: [course for course in courses if course.outcome is outcome] for outcome in OutcomeClass}
    held = {outcome: members for outcome, members in held.items() if members}
    across = min(PANELS_ACROSS, len(held))
    down = -(-len(held) // across)
    last_day = max(landmark_day, *(day for course in courses for day, _ in course.points))
    values = [percent for course in courses for _, percent in course.points]
    top = min(PERCENT_CEILING, max(20.0, *values)) * 1.08
    with drawing_style():
        figure = new_figure(max(4.4, 3.47 * across), 0.3 + 2.75 * down)
        grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
        for panel, (outcome, members) in zip(grid.flat, held.items(), strict=False):
            panel.set(xlim=(-0.03 * last_day, 1.03 * last_day), ylim=(-106.0, top))
            _draw_panel(panel, outcome, members, landmark_day, guide_percents)
        for panel in list(grid.flat)[len(held) :]:
            panel.set_axis_off()
        for panel in list(grid.flat)[max(len(held) - across, 0) :]:
            # The lowest of each column, whether or not its row is full.
            panel.tick_params(axis="x", labelbottom=True)
        figure.supxlabel("days since baseline", fontsize=9.5, color=MUTED)
        figure.supylabel("change from baseline, %", fontsize=9.5, color=MUTED)
        words = "; ".join(
            f"{wording.OUTCOME_WORDS[outcome]}: {wording.plural(len(members), 'lesion')}, last change"
            f" {_range_of(members)}"
            for outcome, members in held.items()
        )
        return inline_svg(figure, prefix=prefix, title="Course of every lesion by outcome", description=words)


def _draw_panel(
    panel: Any,
    outcome: OutcomeClass,
    members: Sequence[Course],
    landmark_day: int,
    guide_percents: Sequence[float],
) -> None:
    panel.patch.set_alpha(0.0)
    # Fills are too light for thin lines where nothing is claimed.
    colour = MUTED if outcome is OutcomeClass.INDETERMINATE else OUTCOME_COLOURS[outcome]
    for percent in guide_percents:
        panel.axhline(percent, color=MUTED, linewidth=0.6, linestyle=(0, (4, 3)), zorder=1)
    panel.axhline(0.0, color=INK, linewidth=0.8, zorder=1)
    panel.axvline(landmark_day, color=MUTED, linewidth=0.7, linestyle=(0, (1, 2)), zorder=1)
    mark = "o" if len(members) <= _MOST_MARKED_LINES else ""
    for course in members:
        days = [day for day, _ in course.points]
        changes = [min(percent, PERCENT_CEILING) for _, percent in course.points]
        panel.plot(
            days, changes, color=colour, linewidth=1.2, alpha=0.8, marker=mark, markersize=3.2, zorder=2
        )
        hollow = [place for place in zip(days, changes, strict=True) if place[0] in course.proposed_days]
        if mark and hollow:
            panel.plot(
                *zip(*hollow, strict=True),
                color=colour,
                marker="o",
                markersize=4.2,
                markerfacecolor=PAPER,
                linestyle="none",
                zorder=3,
            )
        cut = [day for day, percent in course.points if percent > PERCENT_CEILING]
        panel.plot(
            cut,
            [PERCENT_CEILING] * len(cut),
            color=colour,
            marker="^",
            markersize=5.0,
            linestyle="none",
            zorder=3,
        )
    panel.set_title(
        f"{wording.OUTCOME_WORDS[outcome]}, n = {len(members)}", loc="left", fontsize=9.5, color=INK
    )


def _range_of(members: Sequence[Course]) -> str:
    last = sorted(course.points[-1][1] for course in members)
    if len(last) == 1:
        return wording.percent(last[0])
    return f"{wording.percent(last[0])} to {wording.percent(last[-1])}"

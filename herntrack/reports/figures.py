"""Figures of a whole cohort: the waterfall, the courses and the tally bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from herntrack.model.vocabulary import OutcomeClass
from herntrack.reports import wording
from herntrack.reports.palette import COLOUR_VARIABLES, INK, MUTED, OUTCOME_COLOURS, PAPER
from herntrack.reports.svg import drawing_style, inline_svg, new_figure

PERCENT_CEILING = 120.0
"""Bars and whiskers above this are cut and marked with an arrow (per cent)."""

MOST_NAMED_BARS = 40
"""With more lesions than this their names no longer fit under the bars."""

_DARK_TEXT_CLASSES = (OutcomeClass.INDETERMINATE, OutcomeClass.TRANSIENT_REDUCTION)
"""Segments so light that white numbers on them could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterfallBar:
    """One lesion's change at its last evaluable visit, in per cent of its baseline volume."""

    label: str
    change_percent: float
    low: float | None
    high: float | None
    outcome: OutcomeClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One lesion's changes, ``(day, per cent of the baseline volume)``, the baseline included."""

    points: tuple[tuple[int, float], ...]
    outcome: OutcomeClass


def waterfall_svg(
    bars: Sequence[WaterfallBar], *, prefix: str, guide_percents: Sequence[float] = (-25.0, -75.0)
) -> str:
    """Draw one bar for each lesion, the largest increase first, with 95 % intervals.

    Parameters
    ----------
    bars : sequence of WaterfallBar
        In any order.
    prefix : str
        Begins every id of the drawing.
    guide_percents : sequence of float
        Thresholds of the rule set, drawn as lines.
    """
    ordered = sorted(bars, key=lambda bar: (-bar.change_percent, bar.label))
    with drawing_style():
        figure = new_figure(10.4, 3.9)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0.0)
        highs = [bar.change_percent if bar.high is None else bar.high for bar in ordered]
        top = min(PERCENT_CEILING, max([20.0, *highs]) * 1.08)
        axes.set(xlim=(-0.7, len(ordered) - 0.3), ylim=(-104.0, top))
        axes.grid(axis="y", zorder=0)
        axes.set_axisbelow(True)
        for position, bar in enumerate(ordered):
            _draw_bar(axes, position, bar, top)
        axes.axhline(0.0, color=INK, linewidth=0.8, zorder=3)
        for percent in guide_percents:
            _draw_guide(axes, percent)
        _name_bars(axes, [bar.label for bar in ordered])
        axes.set_ylabel("change from baseline, %")
        axes.spines["bottom"].set_visible(False)
        description = "; ".join(
            f"{bar.label}: {wording.percent(bar.change_percent)}, {wording.OUTCOME_WORDS[bar.outcome]}"
            for bar in ordered
        )
        return inline_svg(
            figure, prefix=prefix, title="Change of every lesion at its last visit", description=description
        )


def _draw_bar(axes: Any, position: int, bar: WaterfallBar, top: float) -> None:
    colour = OUTCOME_COLOURS[bar.outcome]
    axes.bar(position, min(bar.change_percent, top), width=0.72, color=colour, linewidth=0.0, zorder=2)
    if bar.change_percent == -100.0:
        # Nothing is left: the whisker would leave the scale, and there is nothing below to show.
        axes.plot(position, -100.0, marker="o", markersize=4.5, color=colour, markerfacecolor=PAPER, zorder=5)
    if bar.low is None:
        return
    high = top if bar.high is None else min(bar.high, top)
    axes.plot([position, position], [bar.low, high], color=INK, linewidth=0.8, zorder=4)
    if bar.high is None or bar.high > top:
        axes.plot(position, top, marker="^", markersize=4.0, color=INK, clip_on=False, zorder=4)


def _draw_guide(axes: Any, percent: float) -> None:
    axes.axhline(percent, color=INK, linewidth=0.7, linestyle=(0, (4, 3)), zorder=3)
    axes.annotate(
        wording.percent(percent),
        (1.0, percent),
        xycoords=axes.get_yaxis_transform(),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        color=INK,
        annotation_clip=False,
    )


def _name_bars(axes: Any, labels: Sequence[str]) -> None:
    if len(labels) > MOST_NAMED_BARS:
        axes.set_xticks([])
        axes.set_xlabel(f"{len(labels)} lesions")
        return
    is_crowded = len(labels) > 10
    axes.set_xticks(range(len(labels)), labels, rotation=90 if is_crowded else 0, fontsize=8.5)
    axes.tick_params(axis="x", length=0)


def courses_svg(courses: Sequence[Course], *, prefix: str, landmark_day: int) -> str:
    """Draw every lesion's change in per cent against days since baseline, coloured by outcome."""
    with drawing_style():
        figure = new_figure(10.4, 3.6)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0.0)
        axes.grid(axis="y")
        for course in courses:
            days = [day for day, _ in course.points]
            changes = [min(percent, PERCENT_CEILING) for _, percent in course.points]
            colour = OUTCOME_COLOURS[course.outcome]
            axes.plot(days, changes, color=colour, linewidth=1.2, alpha=0.85, marker="o", markersize=3.0)
        axes.axhline(0.0, color=INK, linewidth=0.8)
        axes.axvline(landmark_day, color=MUTED, linewidth=0.7, linestyle=(0, (1, 2)))
        axes.set_xlabel("days since baseline")
        axes.set_ylabel("change from baseline, %")
        return inline_svg(
            figure,
            prefix=prefix,
            title="Course of every lesion",
            description=f"Change in per cent against days for {wording.plural(len(courses), 'lesion')}",
        )


def tally_bar_svg(counts: Mapping[OutcomeClass, int], *, prefix: str, title: str) -> str:
    """Draw how many lesions had each outcome, as one horizontal bar."""
    total = sum(counts.values())
    with drawing_style():
        figure = new_figure(10.4, 0.5, is_fitted=False)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        axes.set(xlim=(0, max(total, 1)), ylim=(-0.5, 0.5))
        left = 0
        for outcome in OutcomeClass:
            count = counts.get(outcome, 0)
            if not count:
                continue
            colour = OUTCOME_COLOURS[outcome]
            axes.barh(0, count, left=left, height=0.94, color=colour, edgecolor=PAPER, linewidth=1.5)
            text_colour = INK if outcome in _DARK_TEXT_CLASSES else PAPER
            axes.text(
                left + count / 2, 0, str(count), ha="center", va="center", fontsize=11, color=text_colour
            )
            left += count
        words = [f"{wording.OUTCOME_WORDS[o]} {n}" for o, n in counts.items() if n]
        return inline_svg(figure, prefix=prefix, title=title, description=", ".join(words))


def colour_variable(outcome: OutcomeClass) -> str:
    """Return the CSS variable of an outcome's colour."""
    return COLOUR_VARIABLES[OUTCOME_COLOURS[outcome]]

"""Figures of a whole cohort: the waterfall and the tally bar, and the key of their colours."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from herntrack.model.vocabulary import OutcomeClass
from herntrack.reports import wording
from herntrack.reports.palette import COLOUR_VARIABLES, INK, MUTED, OUTCOME_COLOURS, PAPER
from herntrack.reports.svg import drawing_style, inline_svg, new_figure

PERCENT_CEILING = 120.0
"""Bars and whiskers above this are cut and marked with an arrow (per cent)."""

MOST_NAMED_BARS = 40
"""With more lesions than this their names no longer fit under the bars."""

MOST_LEVEL_NAMES = 10
"""With more lesions than this their names stand upright."""

FEWEST_PLACES = 6
"""A single bar is as wide as if there were this many."""

LEAST_SHARE_FOR_A_DIGIT = 0.013
"""A segment of the tally bar narrower than this for each digit bears no number."""

DARK_TEXT_CLASSES = (OutcomeClass.INDETERMINATE, OutcomeClass.TRANSIENT_REDUCTION)
"""Segments so light that white numbers on them could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterfallBar:
    """One lesion's change at its last evaluable visit, in per cent of its baseline volume.

    A bar is hollow if `is_proposed`: it rests on a proposal which no reader has accepted.
    """

    label: str
    change_percent: float
    low: float | None
    high: float | None
    outcome: OutcomeClass
    is_proposed: bool = False


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
        figure = new_figure(10.4, 3.9 + _name_inches([bar.label for bar in ordered]))
        axes = figure.add_subplot()
        axes.patch.set_alpha(0.0)
        highs = [bar.change_percent if bar.high is None else bar.high for bar in ordered]
        top = min(PERCENT_CEILING, max([20.0, *highs]) * 1.08)
        axes.set(xlim=(-0.7, max(len(ordered), FEWEST_PLACES) - 0.3), ylim=(-104.0, top))
        axes.grid(axis="y", zorder=0)
        axes.set_axisbelow(True)
        for position, bar in enumerate(ordered):
            _draw_bar(axes, position, bar, top=top, whisker=0.8 if len(ordered) <= MOST_NAMED_BARS else 0.4)
        axes.axhline(0.0, color=INK, linewidth=0.8, zorder=3)
        for percent in guide_percents:
            _draw_guide(axes, percent)
        _name_bars(axes, [bar.label for bar in ordered])
        axes.set_ylabel("change from baseline, %")
        axes.spines["bottom"].set_visible(False)
        name_outcomes(figure, {bar.outcome for bar in ordered})
        description = "; ".join(
            f"{bar.label}: {wording.percent(bar.change_percent)}, {wording.OUTCOME_WORDS[bar.outcome]}"
            f"{' (proposed)' if bar.is_proposed else ''}"
            for bar in ordered
        )
        return inline_svg(
            figure, prefix=prefix, title="Change of every lesion at its last visit", description=description
        )


def _draw_bar(axes: Any, position: int, bar: WaterfallBar, *, top: float, whisker: float) -> None:
    colour = OUTCOME_COLOURS[bar.outcome]
    edge, width = (MUTED, 0.7) if bar.outcome is OutcomeClass.INDETERMINATE else (colour, 0.0)
    axes.bar(
        position,
        min(bar.change_percent, top),
        width=0.72,
        color=PAPER if bar.is_proposed else colour,
        edgecolor=edge,
        linewidth=2.0 * whisker if bar.is_proposed else width,
        zorder=2,
    )
    if bar.change_percent == -100.0:
        # Nothing is left: the whisker would leave the scale, and there is nothing below to show.
        axes.plot(position, -100.0, marker="o", markersize=4.5, color=colour, markerfacecolor=PAPER, zorder=5)
    if bar.low is None:
        return
    high = top if bar.high is None else min(bar.high, top)
    axes.plot([position, position], [bar.low, high], color=INK, linewidth=whisker, zorder=4)
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


def _name_inches(labels: Sequence[str]) -> float:
    """Return the height that names need below the bars where they stand upright (inches)."""
    if not MOST_LEVEL_NAMES < len(labels) <= MOST_NAMED_BARS:
        return 0.0
    return 0.075 * max(len(wording.short(label)) for label in labels)


def _name_bars(axes: Any, labels: Sequence[str]) -> None:
    if len(labels) > MOST_NAMED_BARS:
        axes.set_xticks([])
        axes.set_xlabel(f"{len(labels)} lesions")
        return
    is_crowded = len(labels) > MOST_LEVEL_NAMES
    axes.set_xticks(
        range(len(labels)),
        [wording.short(label) for label in labels],
        rotation=90 if is_crowded else 0,
        fontsize=8.5,
    )
    axes.tick_params(axis="x", length=0)


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
            text_colour = INK if outcome in DARK_TEXT_CLASSES else PAPER
            # A number that is wider than its segment would run into the next; the table has it.
            if count >= LEAST_SHARE_FOR_A_DIGIT * len(str(count)) * total:
                axes.text(
                    left + count / 2, 0, str(count), ha="center", va="center", fontsize=11, color=text_colour
                )
            left += count
        words = [f"{wording.OUTCOME_WORDS[o]} {n}" for o, n in counts.items() if n]
        return inline_svg(figure, prefix=prefix, title=title, description=", ".join(words))


def name_outcomes(figure: Figure, outcomes: Collection[OutcomeClass]) -> None:
    """Draw the colours of the outcomes that occur below a figure."""
    handles = [
        Patch(facecolor=OUTCOME_COLOURS[outcome], label=wording.OUTCOME_WORDS[outcome])
        for outcome in OutcomeClass
        if outcome in outcomes
    ]
    key_below(figure, handles)


def key_below(figure: Figure, handles: Sequence[Artist]) -> None:
    """Draw a key below a figure, so that it says its own colours wherever it is taken."""
    figure.legend(
        handles=list(handles),
        loc="outside lower center",
        ncols=6,
        handlelength=1.1,
        handleheight=0.9,
        columnspacing=1.8,
        labelcolor=MUTED,
    )


def colour_variable(outcome: OutcomeClass) -> str:
    """Return the CSS variable of an outcome's colour."""
    return COLOUR_VARIABLES[OUTCOME_COLOURS[outcome]]

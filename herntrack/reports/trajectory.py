"""The course of one lesion: its volume at every visit, with the error that decides."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from herntrack.errors import ReportError
from herntrack.model.timepoints import BASELINE, VisitWindow
from herntrack.model.vocabulary import VisitState
from herntrack.reports import wording
from herntrack.reports.palette import BAND, INK, MUTED, PAPER, STATE_COLOURS, WINDOW_SHADE
from herntrack.reports.svg import drawing_style, inline_svg, new_figure
from herntrack.reports.tables import ChangeRow
from herntrack.volumetrics.error_model import smallest_claimable_loss
from herntrack.volumetrics.rules import RuleSet

Z_95 = 1.96
"""Half width of a 95 % interval in standard errors."""

SIZE_INCHES = (5.5, 3.35)
AXES_PLACE = (0.118, 0.142, 0.697, 0.785)
"""Left, bottom, width and height of the axes in the drawing: fitting them to their labels takes half of"
" all time."""

DAYS_AFTER_LAST = 8
"""Empty days right of the last visit and of the primary limit."""

LABEL_GAP_FRACTION = 0.07
"""Two lines closer than this part of the axis have their names moved apart."""

STATE_MARKERS = {
    VisitState.BASELINE: "D",
    VisitState.ABSENT: "o",
    VisitState.REDUCED: "v",
    VisitState.NO_CHANGE: "s",
    VisitState.ENLARGED: "^",
    VisitState.NOT_EVALUABLE: "x",
}
"""A shape for every state, so that none rests on colour alone; absent is hollow, and what is proposed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guides:
    """Volumes (mm3) that a reader compares the course with; None where none can be stated."""

    baseline_mm3: float
    baseline_sigma_mm3: float | None
    least_change_mm3: float
    claimable_mm3: float | None


def guides_of(changes: Sequence[ChangeRow], rules: RuleSet, *, is_same_protocol: bool) -> Guides | None:
    """Return the guide lines of a lesion, or None without a measured baseline.

    The claimable volume is the largest follow-up volume that lies beyond the error of both
    volumes, by the rule set's error model.
    """
    baseline = next((row for row in changes if row.timepoint == BASELINE), None)
    if baseline is None or not baseline.volume_mm3:
        return None
    loss = smallest_claimable_loss(
        baseline.volume_mm3,
        boundary_k_mm=rules.boundary_k_same_mm if is_same_protocol else rules.boundary_k_mixed_mm,
        floor_mm3=rules.volume_floor_mm3,
        z=rules.z,
    )
    return Guides(
        baseline_mm3=baseline.volume_mm3,
        baseline_sigma_mm3=baseline.volume_sigma_mm3,
        least_change_mm3=baseline.volume_mm3 * (1.0 - rules.min_change_fraction),
        claimable_mm3=None if loss is None else baseline.volume_mm3 * (1.0 - loss),
    )


def trajectory_svg(
    changes: Sequence[ChangeRow],
    *,
    rules: RuleSet,
    windows: Sequence[VisitWindow],
    prefix: str,
    is_same_protocol: bool = True,
) -> str:
    """Draw a lesion's volumes (mm3) against days since baseline.

    Parameters
    ----------
    changes : sequence of ChangeRow
        The lesion's visits in the order of their days.
    rules : RuleSet
        Error model, least change, landmark and primary limit.
    windows : sequence of VisitWindow
        Shaded and named.
    prefix : str
        Begins every id of the drawing.
    is_same_protocol : bool
        Which surface error the smallest claimable loss is stated for.

    Raises
    ------
    ReportError
        If there is no visit.
    """
    if not changes:
        raise ReportError("a course without a visit cannot be drawn")
    last_day = max(*(row.day for row in changes), rules.primary_last_day) + DAYS_AFTER_LAST
    first_day = min(-4, *(row.day for row in changes))
    guides = guides_of(changes, rules, is_same_protocol=is_same_protocol)
    with drawing_style():
        figure = new_figure(*SIZE_INCHES, is_fitted=False)
        axes = figure.add_axes(AXES_PLACE)
        axes.patch.set_alpha(0.0)
        axes.set(xlim=(first_day, last_day), ylim=(0.0, _top_mm3(changes)))
        _draw_calendar(axes, rules, windows, last_day)
        if guides is not None:
            _draw_guides(axes, guides, rules)
        _draw_visits(axes, changes)
        axes.set_xlabel("days since baseline")
        axes.set_ylabel("volume, mm\N{SUPERSCRIPT THREE}")
        title = f"Volume of the lesion at {changes[0].level.value} over time"
        return inline_svg(figure, prefix=prefix, title=title, description=_in_words(changes))


def _top_mm3(changes: Sequence[ChangeRow]) -> float:
    tops = [(row.volume_mm3 or 0.0) + Z_95 * (row.volume_sigma_mm3 or 0.0) for row in changes]
    return max(*tops, 100.0) * 1.12


def _draw_calendar(axes: Any, rules: RuleSet, windows: Sequence[VisitWindow], last_day: int) -> None:
    across = axes.get_xaxis_transform()
    for window in windows:
        if window.first_day >= last_day:
            continue
        end = min(window.last_day, last_day)
        axes.axvspan(window.first_day, end, facecolor=WINDOW_SHADE, edgecolor="none", zorder=0)
        if end - window.first_day > 0.08 * last_day:
            middle = (window.first_day + end) / 2
            axes.text(middle, 1.015, window.name, ha="center", va="bottom", color=MUTED, transform=across)
    marks = ((rules.landmark_day, "landmark"), (rules.primary_last_day, "primary limit"))
    for when, name in marks:
        axes.axvline(when, color=MUTED, linewidth=0.7, linestyle=(0, (1, 2)), zorder=1)
        axes.annotate(
            f"{name} {when}",
            (when, 1.0),
            xycoords=across,
            xytext=(-3, -3),
            textcoords="offset points",
            ha="right",
            va="top",
            rotation=90,
            fontsize=8.0,
            color=MUTED,
            bbox={"facecolor": WINDOW_SHADE, "edgecolor": "none", "alpha": 0.85, "pad": 0.5},
            zorder=3,
        )


def _draw_guides(axes: Any, guides: Guides, rules: RuleSet) -> None:
    half = Z_95 * (guides.baseline_sigma_mm3 or 0.0)
    low, high = max(0.0, guides.baseline_mm3 - half), guides.baseline_mm3 + half
    axes.axhspan(low, high, facecolor=BAND, edgecolor="none", alpha=0.55, zorder=0.5)
    axes.axhline(guides.baseline_mm3, color=MUTED, linewidth=0.6, zorder=1)
    lines = [(guides.least_change_mm3, _loss_text(100.0 * rules.min_change_fraction), (0, (4, 3)))]
    if guides.claimable_mm3 is not None:
        loss = 100.0 * (1.0 - guides.claimable_mm3 / guides.baseline_mm3)
        lines.append((guides.claimable_mm3, f"claimable {_loss_text(loss)}", (0, (1, 1))))
    are_close = abs(lines[0][0] - lines[-1][0]) < LABEL_GAP_FRACTION * axes.get_ylim()[1]
    highest = max(height for height, _, _ in lines)
    for height, name, dashes in lines:
        away = "center" if not are_close or len(lines) == 1 else "bottom" if height == highest else "top"
        _name_line(axes, height, name, dashes, away)


def _loss_text(percent: float) -> str:
    return f"{wording.MINUS}{percent:.0f}{wording.THIN_SPACE}%"


def _name_line(
    axes: Any, height_mm3: float, name: str, dashes: tuple[int, tuple[int, int]], alignment: str
) -> None:
    axes.axhline(height_mm3, color=INK, linewidth=0.7, linestyle=dashes, zorder=1)
    axes.annotate(
        name,
        (1.0, height_mm3),
        xycoords=axes.get_yaxis_transform(),
        xytext=(4, 0),
        textcoords="offset points",
        ha="left",
        va=alignment,
        fontsize=8.5,
        color=INK,
        annotation_clip=False,
    )


def _draw_visits(axes: Any, changes: Sequence[ChangeRow]) -> None:
    for first, second in _pairs_of_neighbours(changes):
        is_gap = _has_gap_between(changes, first, second)
        axes.plot(
            [first.day, second.day],
            [first.volume_mm3, second.volume_mm3],
            color=MUTED,
            linewidth=1.1,
            linestyle=(0, (2, 3)) if is_gap else "-",
            zorder=2,
        )
    for row in changes:
        if row.volume_mm3 is None or row.visit_state is VisitState.NOT_EVALUABLE:
            _draw_gap(axes, row)
        else:
            _draw_volume(axes, row, row.volume_mm3)


def _is_measured(row: ChangeRow) -> bool:
    return row.volume_mm3 is not None and row.visit_state is not VisitState.NOT_EVALUABLE


def _pairs_of_neighbours(changes: Sequence[ChangeRow]) -> list[tuple[ChangeRow, ChangeRow]]:
    measured = [row for row in changes if _is_measured(row)]
    return list(itertools.pairwise(measured))


def _has_gap_between(changes: Sequence[ChangeRow], first: ChangeRow, second: ChangeRow) -> bool:
    return any(first.day < row.day < second.day and not _is_measured(row) for row in changes)


def _draw_volume(axes: Any, row: ChangeRow, volume_mm3: float) -> None:
    state = row.visit_state or VisitState.NO_CHANGE
    colour = STATE_COLOURS[state]
    half = Z_95 * (row.volume_sigma_mm3 or 0.0)
    is_hollow = state is VisitState.ABSENT or row.is_proposed
    axes.errorbar(
        row.day,
        volume_mm3,
        yerr=[[min(half, volume_mm3)], [half]],
        marker=STATE_MARKERS[state],
        markersize=7.0,
        markerfacecolor=PAPER if is_hollow else colour,
        markeredgecolor=colour,
        markeredgewidth=1.6 if is_hollow else 0.8,
        ecolor=colour,
        elinewidth=1.3,
        capsize=3.0,
        capthick=1.3,
        linestyle="none",
        clip_on=False,
        zorder=4,
    )
    if state is VisitState.ABSENT:
        _note(axes, row.day, "absent", colour, height=volume_mm3 + half)


def _draw_gap(axes: Any, row: ChangeRow) -> None:
    word = wording.UNREAD_WORD if row.visit_state is None else wording.STATE_WORDS[row.visit_state]
    axes.plot(
        row.day, 0.0, marker="x", markersize=7.0, markeredgewidth=1.6, color=MUTED, clip_on=False, zorder=4
    )
    _note(axes, row.day, word, MUTED, height=0.0)


def _note(axes: Any, when: int, text: str, colour: str, *, height: float) -> None:
    axes.annotate(
        text,
        (when, height),
        xytext=(0, 5),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=8.5,
        color=colour,
        zorder=5,
    )


def _in_words(changes: Sequence[ChangeRow]) -> str:
    parts = []
    for row in changes:
        state = wording.UNREAD_WORD if row.visit_state is None else wording.STATE_WORDS[row.visit_state]
        volume = (
            "" if row.volume_mm3 is None else f"{wording.volume(row.volume_mm3, row.volume_sigma_mm3)} mm3, "
        )
        parts.append(f"day {row.day}: {volume}{state}{', proposed' if row.is_proposed else ''}")
    return "; ".join(parts)

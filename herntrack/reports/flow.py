"""The flow of a cohort, from what was read to what was classified, and what was lost on the way.

As observational studies report it (STROBE, von Elm 2007, item 13): every box is what remained,
every box at its side what left there and why. The numbers are those of the report's own tables.

Public: `FlowStep`, `flow_steps`, `flow_svg`.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from herntrack.model.vocabulary import OutcomeClass, ReadingStatus, VisitState
from herntrack.reports import wording
from herntrack.reports.palette import INK, MUTED, PAPER
from herntrack.reports.records import Intake
from herntrack.reports.svg import drawing_style, inline_svg, new_figure
from herntrack.reports.tables import ChangeRow, OutcomeRow

MOST_REASONS = 4
"""Reasons that a side box lists; the rest are counted together."""

_LINE_INCHES = 0.185
_GAP_INCHES = 0.30
_WIDTH_INCHES = 7.6
_LONGEST_LINE = 52


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """What remained at a step, and what left there: lines of text."""

    kept: tuple[str, ...]
    left: tuple[str, ...] = ()


def flow_steps(
    changes: Sequence[ChangeRow],
    outcomes: Iterable[OutcomeRow],
    *,
    intake: Intake | None = None,
    set_aside: Sequence[tuple[str, int]] = (),
) -> tuple[FlowStep, ...]:
    """Return the steps of a cohort, each with what left there.

    Parameters
    ----------
    changes : sequence of ChangeRow
        Visits of all lesions, baselines included.
    outcomes : iterable of OutcomeRow
        Of one horizon, one for each lesion.
    intake : Intake, optional
        Without it the flow begins with the lesions.
    set_aside : sequence of (str, int)
        Files that were not read: reason and number.
    """
    rows = tuple(outcomes)
    n_patients = len({row.patient_id for row in rows})
    steps = []
    if intake is not None:
        without = intake.n_patients - n_patients
        steps.append(
            FlowStep(
                kept=(f"{wording.plural(intake.n_files, 'file')} found",),
                left=_reasons("not readable or not used", set_aside),
            )
        )
        steps.append(
            FlowStep(
                kept=(
                    f"{wording.plural(intake.n_images, 'image')} in {intake.n_series} series",
                    f"of {wording.plural(intake.n_patients, 'patient')}",
                ),
                left=(f"{wording.plural(without, 'patient')} without a recorded lesion",)
                if without > 0
                else (),
            )
        )
    steps += _visit_steps(changes, len(rows), n_patients)
    steps.append(_outcome_step(rows))
    return tuple(steps)


def _visit_steps(changes: Sequence[ChangeRow], n_lesions: int, n_patients: int) -> list[FlowStep]:
    unread = [row for row in changes if row.visit_state is None]
    read = [row for row in changes if row.visit_state is not None]
    usable = [row for row in read if _is_usable(row)]
    lost = Counter(_why_lost(row) for row in read if not _is_usable(row))
    followups = sum(row.visit_state is not VisitState.BASELINE for row in usable)
    proposed = sum("proposed" in row.flags for row in usable)
    kept = [f"{wording.plural(len(usable), 'lesion visit')} measured and comparable:"]
    kept.append(
        f"{wording.plural(len(usable) - followups, 'baseline')}, {wording.plural(followups, 'follow-up')}"
    )
    if proposed:
        kept.append(f"({proposed} proposed by software, accepted by no reader)")
    return [
        FlowStep(
            kept=(
                f"{wording.plural(n_lesions, 'lesion')} of {wording.plural(n_patients, 'patient')}",
                f"{wording.plural(len(changes), 'lesion visit')}",
            ),
            left=(f"{wording.plural(len(unread), 'lesion visit')} not read",) if unread else (),
        ),
        FlowStep(
            kept=(f"{wording.plural(len(read), 'lesion visit')} read",),
            left=_reasons("not evaluable", sorted(lost.items(), key=lambda pair: (-pair[1], pair[0]))),
        ),
        FlowStep(kept=tuple(kept)),
    ]


def _is_usable(row: ChangeRow) -> bool:
    return row.volume_mm3 is not None and row.visit_state is not VisitState.NOT_EVALUABLE


def _why_lost(row: ChangeRow) -> str:
    """Return the first reason why a visit that was read is of no use."""
    if row.reading_status is ReadingStatus.NOT_EVALUABLE and not row.flags:
        return "not evaluable by the reader's word"
    return wording.flag_words(row.flags[0]) if row.flags else "no baseline to compare with"


def _outcome_step(rows: Sequence[OutcomeRow]) -> FlowStep:
    counts = Counter(row.outcome for row in rows)
    undecided = [row for row in rows if row.outcome is OutcomeClass.INDETERMINATE]
    reasons = Counter(row.outcome_reason for row in undecided)
    horizon = f", {wording.HORIZON_WORDS[rows[0].horizon]} outcome" if rows else ""
    kept = [f"{wording.plural(len(rows) - len(undecided), 'lesion')} classified{horizon}"]
    kept += [
        f"{wording.OUTCOME_WORDS[outcome]} {counts[outcome]}"
        for outcome in OutcomeClass
        if outcome is not OutcomeClass.INDETERMINATE and counts[outcome]
    ]
    left = _reasons("indeterminate", sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])))
    return FlowStep(kept=tuple(kept), left=left)


def _reasons(heading: str, counts: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """Return the lines of a side box; none where nothing was lost."""
    total = sum(count for _, count in counts)
    if not total:
        return ()
    lines = [f"{heading}: {total}"]
    lines += [f"\N{EN DASH} {wording.flag_words(name)}: {count}" for name, count in counts[:MOST_REASONS]]
    rest = sum(count for _, count in counts[MOST_REASONS:])
    return (*lines, f"\N{EN DASH} other reasons: {rest}") if rest else tuple(lines)


def flow_svg(steps: Sequence[FlowStep], *, prefix: str) -> str:
    """Draw the steps as boxes from top to bottom, with what was lost at their side."""
    steps = [FlowStep(kept=_wrapped(step.kept), left=_wrapped(step.left)) for step in steps]
    heights = [_LINE_INCHES * max(len(step.kept), len(step.left), 1) + 0.2 for step in steps]
    total = sum(heights) + _GAP_INCHES * (len(steps) - 1) + 0.1
    with drawing_style():
        figure = new_figure(_WIDTH_INCHES, total, is_fitted=False)
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        axes.set(xlim=(0.0, _WIDTH_INCHES), ylim=(total, 0.0))
        top = 0.05
        for number, (step, height) in enumerate(zip(steps, heights, strict=True)):
            _draw_box(axes, (0.1, top), (3.3, height), step.kept)
            if step.left:
                _draw_box(axes, (4.0, top), (3.5, height), step.left)
                _draw_arrow(axes, (3.4, top + height / 2), (4.0, top + height / 2))
            if number + 1 < len(steps):
                _draw_arrow(axes, (1.75, top + height), (1.75, top + height + _GAP_INCHES))
            top += height + _GAP_INCHES
        words = "; ".join(
            ", ".join(step.kept) + (f" (left: {', '.join(step.left)})" if step.left else "") for step in steps
        )
        return inline_svg(figure, prefix=prefix, title="From files to outcomes", description=words)


def _wrapped(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        piece
        for line in lines
        for piece in textwrap.wrap(line, _LONGEST_LINE, subsequent_indent="   ") or [""]
    )


def _draw_box(
    axes: Any, corner: tuple[float, float], size: tuple[float, float], lines: Sequence[str]
) -> None:
    (left, top), (width, height) = corner, size
    axes.plot(
        [left, left + width, left + width, left, left],
        [top, top, top + height, top + height, top],
        color=MUTED,
        linewidth=0.9,
    )
    axes.fill_between([left, left + width], top, top + height, color=PAPER, linewidth=0.0, zorder=0)
    first = top + height / 2 - _LINE_INCHES * (len(lines) - 1) / 2
    for number, line in enumerate(lines):
        axes.text(
            left + 0.12,
            first + number * _LINE_INCHES,
            line,
            ha="left",
            va="center",
            fontsize=9.0,
            color=INK,
            fontweight="bold" if number == 0 else "normal",
        )


def _draw_arrow(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate(
        "",
        end,
        xytext=start,
        arrowprops={"arrowstyle": "-|>", "color": MUTED, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0},
    )

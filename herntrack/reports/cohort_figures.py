"""The numbered figures of a cohort, each with a caption that can be read alone.

A figure stands in the page and as a file of its own (``figures/NAME.svg``), to be put into a paper
as it is: it names its axes, units and colours, and the caption says the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from herntrack.model.vocabulary import VisitState
from herntrack.reports import wording
from herntrack.reports.cards import LesionCard
from herntrack.reports.courses import Course, courses_svg
from herntrack.reports.figures import PERCENT_CEILING, WaterfallBar, waterfall_svg
from herntrack.reports.flow import flow_steps, flow_svg
from herntrack.reports.records import CohortReport
from herntrack.reports.svg import standalone_svg
from herntrack.reports.tables import ChangeRow
from herntrack.reports.timeline import TimelineRow, timeline_svg

FIGURE_FILES = tuple(f"figures/{name}.svg" for name in ("flow", "waterfall", "courses", "timeline"))
"""Every figure that a report may have, as a file beside its page."""

MOST_NAMED_LESIONS = 20
"""More lesions than this are counted in a caption, not named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortFigure:
    """One figure of the page.

    Parameters
    ----------
    name : str
        Of its file and its anchor.
    number : int
        As it is counted in the page.
    heading, caption : str
        The caption begins without the number.
    drawing : Markup
        Inline SVG.
    """

    name: str
    number: int
    heading: str
    caption: str
    drawing: Markup

    @property
    def file_name(self) -> str:
        """Return where the drawing stands as a file, from the page."""
        return f"figures/{self.name}.svg"

    def as_file(self) -> str:
        """Return the drawing as an SVG file of its own."""
        return standalone_svg(str(self.drawing), caption=self.caption)


def cohort_figures(report: CohortReport, cards: Sequence[LesionCard]) -> tuple[CohortFigure, ...]:
    """Return the figures that a report has something to show in, numbered in their order."""
    if not cards:
        return ()
    drawn = [_flow(report), _waterfall(report, cards), _courses(report, cards), _timeline(report, cards)]
    return tuple(
        CohortFigure(name=name, number=number, heading=heading, caption=caption, drawing=Markup(drawing))  # noqa: S704 - an XML writer's text
        for number, (name, heading, caption, drawing) in enumerate((each for each in drawn if each), start=1)
    )


_Drawn = tuple[str, str, str, str]

_PROPOSED = "rests on an outline that software proposed and no reader has accepted"


def _proposed_days(card: LesionCard) -> tuple[int, ...]:
    return tuple(visit.row.day for visit in card.visits if visit.row.is_proposed)


def lesion_labels(report: CohortReport) -> dict[str, str]:
    """Return a short name for every lesion: its patient, and its place where that is not enough."""
    per_patient = Counter(row.patient_id for row in report.lesions)
    return {
        row.lesion_uid: row.patient_id
        if per_patient[row.patient_id] == 1
        else f"{row.patient_id} {wording.place(row.level, row.side)}"
        for row in report.lesions
    }


def _guides(report: CohortReport) -> tuple[float, float]:
    return -100.0 * report.rules.min_change_fraction, -100.0 * report.rules.resorption_fraction


def _flow(report: CohortReport) -> _Drawn:
    first = report.horizons[0] if report.horizons else None
    counts: Counter[str] = Counter()
    for item in report.set_aside:
        if item.code != "case":
            counts[item.code] += item.count
    steps = flow_steps(
        report.changes,
        [row for row in report.outcomes if row.horizon is first],
        intake=report.intake,
        set_aside=sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])),
    )
    caption = (
        "Flow of the cohort. On the left what remained at each step, on the right what left there and why. A"
        " lesion visit is one lesion at one visit; lesions are classified by their"
        f" {wording.HORIZON_WORDS[first] if first else ''} outcome (rule set {report.rules.name}"
        f" {report.rules.version}), the indeterminate ones standing aside."
    )
    return "flow", "From files to outcomes", caption, flow_svg(steps, prefix="flow")


def _waterfall(report: CohortReport, cards: Sequence[LesionCard]) -> _Drawn | None:
    labels = lesion_labels(report)
    bars = [
        WaterfallBar(
            label=labels[card.row.lesion_uid],
            change_percent=card.row.change_percent,
            low=card.last_low,
            high=card.last_high,
            outcome=card.row.outcome,
            is_proposed=card.row.is_proposed,
        )
        for card in cards
        if card.row.change_percent is not None
    ]
    if not bars:
        return None
    missing = [labels[card.row.lesion_uid] for card in cards if card.row.change_percent is None]
    least, resorption = _guides(report)
    rules = report.rules
    caption = (
        f"Change in volume from baseline to the last evaluable visit, {wording.plural(len(bars), 'lesion')},"
        " in per cent of the baseline volume. Bars are coloured by the latest outcome; thin lines are 95 %"
        f" intervals (Fieller) from the error of both volumes (k = {rules.boundary_k_same_mm:g} mm; for"
        f" another reader, another protocol or a proposal {rules.boundary_k_mixed_mm:g} mm, floor"
        f" {rules.volume_floor_mm3:g} mm\N{SUPERSCRIPT THREE}). Dashed: the least change that can be claimed"
        f" at all ({wording.percent(least)}) and the loss that counts as resorption"
        f" ({wording.percent(resorption)}). A ring marks a last volume of 0, an arrow what leaves the scale."
    )
    if any(bar.is_proposed for bar in bars):
        caption += f" What is hollow {_PROPOSED}."
    if missing:
        named = ", ".join(missing) if len(missing) <= MOST_NAMED_LESIONS else f"{len(missing)} lesions"
        caption += f" Not drawn, because no change could be measured: {named}."
    drawing = waterfall_svg(bars, prefix="waterfall", guide_percents=(least, resorption))
    return "waterfall", "Change of every lesion", caption, drawing


def _courses(report: CohortReport, cards: Sequence[LesionCard]) -> _Drawn | None:
    drawn = [
        Course(points=points, outcome=card.row.outcome, proposed_days=_proposed_days(card))
        for card, points in ((card, _points(card)) for card in cards)
        if len(points) > 1
    ]
    if not drawn:
        return None
    guides = _guides(report)
    landmark = report.rules.landmark_day
    caption = (
        f"Change in volume over time, {wording.plural(len(drawn), 'lesion')} with a follow-up that can be"
        " compared, one panel for each latest outcome, one line for each lesion, a point for each visit."
        f" Dashed: {wording.percent(guides[0])} and {wording.percent(guides[1])} of the baseline volume;"
        f" dotted: day {landmark}, before which no persistence is said. What is above"
        f" {PERCENT_CEILING:+.0f}{wording.THIN_SPACE}% is drawn there with an arrow. Errors are left out"
        " here; they stand in the waterfall and in each lesion's own course."
    )
    if any(course.proposed_days for course in drawn):
        caption += f" What is hollow {_PROPOSED}."
    drawing = courses_svg(drawn, prefix="courses", landmark_day=landmark, guide_percents=guides)
    return "courses", "Courses by outcome", caption, drawing


def _points(card: LesionCard) -> tuple[tuple[int, float], ...]:
    return tuple(
        (visit.row.day, 0.0 if is_baseline else visit.row.change_percent or 0.0)
        for visit in card.visits
        for is_baseline in [visit.row.visit_date == card.row.baseline_date]
        if is_baseline or _has_change(visit.row)
    )


def _has_change(row: ChangeRow) -> bool:
    return row.change_percent is not None and row.visit_state is not VisitState.NOT_EVALUABLE


def _timeline(report: CohortReport, cards: Sequence[LesionCard]) -> _Drawn:
    labels = lesion_labels(report)
    rows = [
        TimelineRow(
            label=labels[card.row.lesion_uid],
            visits=tuple((visit.row.day, visit.row.visit_state) for visit in card.visits),
            outcome=card.row.outcome,
            proposed_days=_proposed_days(card),
        )
        for card in cards
    ]
    rules = report.rules
    caption = (
        f"Visits of {wording.plural(len(rows), 'lesion')} and what was seen at each against its own"
        " baseline, sorted by the latest outcome, which the line's colour shows. Shaded: the nominal time"
        f" points; dotted: the landmark (day {rules.landmark_day}) and the last day of the primary outcome"
        f" (day {rules.primary_last_day})."
    )
    if any(row.proposed_days for row in rows):
        caption += f" A hollow mark, but for the ring of an absent one, {_PROPOSED}."
    drawing = timeline_svg(rows, prefix="timeline", rules=rules, windows=report.windows)
    return "timeline", "Timeline of visits", caption, drawing

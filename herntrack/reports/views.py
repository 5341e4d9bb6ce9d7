"""What the page templates show, worked out beforehand.

Templates only place things; every choice, sum and drawing is made here from a
`CohortReport`, so that it can be tested without reading HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from herntrack.model.vocabulary import OutcomeClass
from herntrack.reports import wording
from herntrack.reports.cards import horizon_heading, rows_by_lesion
from herntrack.reports.cohort_figures import lesion_labels
from herntrack.reports.figures import tally_bar_svg
from herntrack.reports.rates import Rate, rate_of
from herntrack.reports.records import CohortReport, lesion_anchor
from herntrack.reports.tallies import outcome_tally, outcome_tally_by

SENSITIVITY_NAMES = {
    "resorption_fraction": "Loss that counts as resorption",
    "boundary_k_same_mm": "Surface error k, same reader and protocol",
    "landmark_day": "Landmark day",
}
"""Thresholds of the sensitivity table in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of the summary."""

    name: str
    value: str
    is_big: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeTallyView:
    """The outcome tally at one horizon."""

    heading: str
    counts: Mapping[OutcomeClass, int]
    rates: Mapping[OutcomeClass, Rate]
    bar: Markup

    @property
    def total(self) -> int:
        """Return the number of lesions."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTable:
    """Outcomes by group at one horizon."""

    heading: str
    rows: Mapping[str, Mapping[OutcomeClass, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTally:
    """Outcomes by level or by type, one table for each horizon."""

    name: str
    tables: tuple[GroupTable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityView:
    """One row of the sensitivity table in words, with links to the lesions that change."""

    name: str
    value: str
    is_current: bool
    n_changed: int
    n_lesions: int
    lesions: tuple[tuple[str, str], ...]


def summary_facts(report: CohortReport) -> tuple[Fact, ...]:
    """Return the cohort in numbers."""
    visits = {(row.patient_id, row.visit_date) for row in report.changes}
    dates = sorted(day for _, day in visits)
    span = f"{wording.day(dates[0])} to {wording.day(dates[-1])}" if dates else wording.NOT_MEASURED
    modalities = sorted({row.modality.value for row in report.changes if row.modality})
    readers = sorted({row.reader for row in report.changes if row.reader and not row.is_proposed})
    last_days = sorted(max(row.day for row in rows) for rows in rows_by_lesion(report).values())
    followed = f"{last_days[0]} to {last_days[-1]} days" if last_days else wording.NOT_MEASURED
    return (
        Fact(name="patients", value=str(len(report.patient_ids)), is_big=True),
        Fact(name="lesions", value=str(len(report.lesions)), is_big=True),
        Fact(name="visits", value=str(len(visits)), is_big=True),
        Fact(name="images from", value=span),
        Fact(name="followed for", value=followed),
        Fact(name="modalities", value=", ".join(modalities) or wording.NOT_MEASURED),
        Fact(name="readers", value=", ".join(readers) or wording.NOT_MEASURED),
    )


def all_warnings(report: CohortReport) -> tuple[str, ...]:
    """Return the report's warnings, and those that its own numbers call for."""
    warnings = list(report.warnings)
    unread = sum(row.visit_state is None for row in report.changes)
    if unread:
        warnings.append(
            f"{wording.plural(unread, 'lesion visit')} not read yet: counted as such, never guessed."
        )
    shaky = sum(is_to_adjudicate(row.outcome_stability, report) for row in report.lesions)
    if shaky:
        warnings.append(
            f"{wording.plural(shaky, 'outcome')} with a stability under {report.rules.adjudicate_below:.2f}:"
            " adjudicate."
        )
    return tuple(warnings)


def is_to_adjudicate(stability: float | None, report: CohortReport) -> bool:
    """Say whether an outcome's stability calls for a person's decision."""
    return stability is not None and stability < report.rules.adjudicate_below


def outcome_tallies(report: CohortReport) -> tuple[OutcomeTallyView, ...]:
    """Return the outcome tally of every horizon, its sum checked."""
    lesion_uids = [row.lesion_uid for row in report.lesions]
    views = []
    for horizon in report.horizons:
        counts = outcome_tally(report.outcomes, lesion_uids, horizon=horizon)
        heading = horizon_heading(horizon, report)
        bar = tally_bar_svg(counts, prefix=f"tally-{horizon.value}", title=heading)
        rows = [row for row in report.outcomes if row.horizon is horizon]
        views.append(
            OutcomeTallyView(
                heading=heading,
                counts=counts,
                rates={outcome: rate_of(outcome, rows) for outcome in OutcomeClass},
                bar=Markup(bar),  # noqa: S704 - an XML writer's text
            )
        )
    return tuple(views)


def group_tallies(report: CohortReport) -> tuple[GroupTally, ...]:
    """Return outcomes by level and, where any type was recorded, by type."""
    groups = {"level": lambda row: row.level.value}
    if any(row.type for row in report.outcomes):
        groups["type"] = lambda row: row.type.value if row.type else "not recorded"
    return tuple(
        GroupTally(
            name=name,
            tables=tuple(
                GroupTable(
                    heading=horizon_heading(horizon, report),
                    rows=outcome_tally_by(report.outcomes, key, horizon=horizon),
                )
                for horizon in report.horizons
            ),
        )
        for name, key in groups.items()
    )


def sensitivity_views(report: CohortReport) -> tuple[SensitivityView, ...]:
    """Return the sensitivity table in words."""
    labels = lesion_labels(report)
    return tuple(
        SensitivityView(
            name=SENSITIVITY_NAMES.get(row.parameter, row.parameter.replace("_", " ")),
            value=_threshold(row.parameter, row.value),
            is_current=row.is_current,
            n_changed=row.n_flipped,
            n_lesions=row.n_lesions,
            lesions=tuple((labels[uid], lesion_anchor(uid)) for uid in row.flipped),
        )
        for row in report.sensitivity
    )


def _threshold(parameter: str, value: float) -> str:
    if parameter.endswith("_fraction"):
        return f"{100 * value:g}{wording.THIN_SPACE}%"
    if parameter.endswith("_mm"):
        return f"{value:.1f}{wording.THIN_SPACE}mm"
    return f"{value:g}"

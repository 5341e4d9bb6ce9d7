"""A lesion's card: pictures, course, visits and outcomes, worked out for the template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from herntrack.errors import ReportError
from herntrack.model.vocabulary import Horizon, OutcomeClass, ReadingStatus
from herntrack.reports import wording
from herntrack.reports.key_images import KeyStrip
from herntrack.reports.records import CohortReport, LesionDetail, lesion_anchor, patient_page_name
from herntrack.reports.tables import ChangeRow, LesionRow, OutcomeRow
from herntrack.reports.trajectory import trajectory_svg
from herntrack.reports.volumes import VolumeRow

LEAST_SHOWN_SHARE = 0.05
"""Other classes with a smaller share of the redraws are not listed."""

MOST_PANELS_BESIDE_COURSE = 2
"""A strip with more panels than this gets the card's whole width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitView:
    """One row of a card's table."""

    row: ChangeRow
    truth_mm3: float | None
    remarks: tuple[str, ...]
    partial: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One outcome of a card: a horizon, or both where they say the same."""

    heading: str
    row: OutcomeRow
    other_classes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionCard:
    """Everything a card shows."""

    row: LesionRow
    anchor: str
    page_name: str
    strips: tuple[KeyStrip, ...]
    is_wide: bool
    trajectory: Markup
    visits: tuple[VisitView, ...]
    verdicts: tuple[Verdict, ...]
    baseline_sigma_mm3: float | None
    last_sigma_mm3: float | None
    last_low: float | None
    last_high: float | None
    search_text: str


def lesion_cards(report: CohortReport, *, patient_id: str | None = None) -> tuple[LesionCard, ...]:
    """Return the cards of all lesions or of one patient's, in the order of the lesions."""
    rows = rows_by_lesion(report)
    details = {detail.lesion_uid: detail for detail in report.details}
    outcomes: dict[str, list[OutcomeRow]] = {}
    for outcome in sorted(report.outcomes, key=lambda row: tuple(Horizon).index(row.horizon)):
        outcomes.setdefault(outcome.lesion_uid, []).append(outcome)
    return tuple(
        _lesion_card(
            report,
            lesion,
            rows.get(lesion.lesion_uid, []),
            outcomes.get(lesion.lesion_uid, []),
            details.get(lesion.lesion_uid, LesionDetail(lesion_uid=lesion.lesion_uid)),
        )
        for lesion in report.lesions
        if patient_id is None or lesion.patient_id == patient_id
    )


def rows_by_lesion(report: CohortReport) -> dict[str, list[ChangeRow]]:
    """Return the visits of every lesion in the order of their days."""
    rows: dict[str, list[ChangeRow]] = {}
    for row in sorted(report.changes, key=lambda row: (row.day, row.visit_date)):
        rows.setdefault(row.lesion_uid, []).append(row)
    return rows


def _lesion_card(
    report: CohortReport,
    lesion: LesionRow,
    changes: Sequence[ChangeRow],
    outcomes: Sequence[OutcomeRow],
    detail: LesionDetail,
) -> LesionCard:
    if not changes:
        raise ReportError(f"lesion {lesion.lesion_uid} has no visit; a report shows its visits, read or not")
    baseline = next((row for row in changes if row.visit_date == lesion.baseline_date), None)
    last = next((row for row in changes if row.visit_date == lesion.last_date), None)
    anchor = lesion_anchor(lesion.lesion_uid)
    estimates = {(row.lesion_uid, row.visit_date): row for row in report.volumes}
    trajectory = trajectory_svg(
        changes,
        rules=report.rules,
        windows=report.windows,
        prefix=f"{anchor}-course",
        is_same_protocol=detail.is_same_reader_and_protocol,
    )
    words = [
        lesion.patient_id,
        wording.place(lesion.level, lesion.side),
        lesion.type.value if lesion.type else "",
        wording.OUTCOME_WORDS[lesion.outcome],
    ]
    return LesionCard(
        row=lesion,
        anchor=anchor,
        page_name=patient_page_name(lesion.patient_id),
        strips=detail.key_strips,
        is_wide=any(len(strip.panels) > MOST_PANELS_BESIDE_COURSE for strip in detail.key_strips),
        trajectory=Markup(trajectory),  # noqa: S704 - built by an XML writer, which escapes every text
        visits=tuple(
            _visit_view(row, detail, estimates.get((row.lesion_uid, row.visit_date))) for row in changes
        ),
        verdicts=_verdicts(outcomes, report),
        baseline_sigma_mm3=baseline.volume_sigma_mm3 if baseline else None,
        last_sigma_mm3=last.volume_sigma_mm3 if last else None,
        last_low=last.change_percent_low if last else None,
        last_high=last.change_percent_high if last else None,
        search_text=" ".join(words).lower(),
    )


def _visit_view(row: ChangeRow, detail: LesionDetail, estimates: VolumeRow | None) -> VisitView:
    note = detail.visit_notes.get(row.visit_date, "")
    is_residue = row.reading_status is ReadingStatus.ABSENT and bool(row.volume_mm3)
    told = (detail.flag_texts.get((row.visit_date, flag)) or wording.flag_words(flag) for flag in row.flags)
    remarks = (*([note] if note else []), *told)
    return VisitView(
        row=row,
        truth_mm3=detail.truth_mm3.get(row.visit_date),
        remarks=(*remarks, "residue within the limit") if is_residue else remarks,
        partial=_partial(estimates),
    )


def _partial(estimates: VolumeRow | None) -> str:
    """Return the partial-volume estimate in words; empty where there is none."""
    if estimates is None or estimates.partial_volume_mm3 is None:
        return ""
    return wording.volume(estimates.partial_volume_mm3, estimates.partial_volume_error_mm3)


def _verdicts(outcomes: Sequence[OutcomeRow], report: CohortReport) -> tuple[Verdict, ...]:
    if len(outcomes) > 1 and len({_decision(row) for row in outcomes}) == 1:
        heading = f"Primary (visits up to day {report.rules.primary_last_day}) and latest outcome, the same"
        return (Verdict(heading=heading, row=outcomes[0], other_classes=_other_classes(outcomes[0])),)
    return tuple(
        Verdict(heading=horizon_heading(row.horizon, report), row=row, other_classes=_other_classes(row))
        for row in outcomes
    )


def _decision(row: OutcomeRow) -> tuple[object, ...]:
    return row.outcome, row.outcome_reason, row.flags, row.last_date, row.outcome_stability


def horizon_heading(horizon: Horizon, report: CohortReport) -> str:
    """Return what an outcome at a horizon is called."""
    if horizon is Horizon.PRIMARY:
        return f"Primary outcome, visits up to day {report.rules.primary_last_day}"
    return "Latest outcome, all visits"


def _other_classes(row: OutcomeRow) -> str:
    shares = [(getattr(row, f"share_{outcome.value}"), outcome) for outcome in OutcomeClass]
    named = [
        f"{wording.OUTCOME_WORDS[outcome]} {wording.share(share)}"
        for share, outcome in sorted(
            ((share, outcome) for share, outcome in shares if share is not None), key=lambda pair: -pair[0]
        )
        if share >= LEAST_SHOWN_SHARE and outcome is not row.outcome
    ]
    return f"redraws also gave {', '.join(named)}" if named else ""

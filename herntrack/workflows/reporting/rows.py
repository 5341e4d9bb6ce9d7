"""Rows of the published tables, from one lesion's assessment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta

from herntrack.model.records import Visit
from herntrack.model.timepoints import VisitWindow, timepoint_of_day
from herntrack.model.vocabulary import Comparability, Horizon, OutcomeClass, ReadingStatus, VisitState
from herntrack.reports.tables import ChangeRow, LesionRow, OutcomeRow
from herntrack.reports.visit_flags import VisitFlag
from herntrack.reports.volumes import VolumeRow
from herntrack.volumetrics.error_model import Z_95_TWO_SIDED
from herntrack.volumetrics.followup import LesionFollowUp, ReadingFact, VisitRecord, stated_sigma_mm3
from herntrack.volumetrics.outcome import decide_visit_state
from herntrack.volumetrics.rules import RuleSet
from herntrack.volumetrics.visits import compare_with_baseline, why_no_state, why_not_evaluable
from herntrack.workflows.reporting.classify import LesionAssessment

BASELINE_UNREAD = VisitFlag.BASELINE_VISIT_UNREAD.value
UNREAD = VisitFlag.NOT_READ.value


def unread_visits(assessment: LesionAssessment, visits: Sequence[Visit]) -> list[date]:
    """Return the patient's visits from the lesion's baseline on that nobody has read."""
    followup = assessment.followup
    if followup is None:
        return [visit.visit_date for visit in visits if visit.day >= 0]
    read = {followup.baseline_date, *(record.visit_date for record in followup.records)}
    return [
        visit.visit_date
        for visit in visits
        if visit.visit_date > followup.baseline_date and visit.visit_date not in read
    ]


def change_rows(
    assessment: LesionAssessment, visits: Sequence[Visit], rules: RuleSet, windows: Sequence[VisitWindow]
) -> list[ChangeRow]:
    """Return one row for each visit of a lesion, in the order of the dates.

    A visit that nobody has read is a row with nothing measured; visits before the lesion
    was first read are none of its.
    """
    followup = assessment.followup
    first = next((visit.visit_date for visit in visits if followup is None and visit.day >= 0), None)
    start = followup.baseline_date if followup is not None else first
    rows = [
        _empty_row(assessment, day, start=start or day, windows=windows)
        for day in unread_visits(assessment, visits)
    ]
    if followup is not None:
        is_later = any(visit.day == 0 and visit.visit_date < followup.baseline_date for visit in visits)
        rows.append(_baseline_row(assessment, followup, rules, flags=(BASELINE_UNREAD,) if is_later else ()))
        rows += [_visit_row(assessment, followup, record, rules, windows) for record in followup.records]
    return sorted(rows, key=lambda row: row.visit_date)


def flag_texts(assessment: LesionAssessment) -> dict[tuple[date, str], str]:
    """Return the protocol's differences and what came to stacks, with the numbers, by visit and flag."""
    if assessment.followup is None:
        return {}
    told = {
        (record.visit_date, str(reason.difference)): reason.text
        for record in assessment.followup.records
        if record.comparison is not None
        for reason in record.comparison.reasons
    }
    facts = [assessment.followup.baseline_fact, *(record.fact for record in assessment.followup.records)]
    for fact in facts:
        if fact is not None and fact.reading_uid in assessment.changed_stacks:
            told[fact.visit_date, VisitFlag.STACK_CHANGED_SINCE_READ.value] = assessment.changed_stacks[
                fact.reading_uid
            ].sentence
    return told


def lesion_row(assessment: LesionAssessment, rules: RuleSet) -> LesionRow:
    """Return a lesion's row: the latest outcome, called primary if no later visit went into it."""
    lesion, followup = assessment.lesion, assessment.followup
    latest = assessment.decisions[Horizon.LATEST]
    primary = assessment.decisions[Horizon.PRIMARY]
    percent = None
    if followup is not None and latest.last_day is not None:
        last = next(visit for visit in latest.visits if visit.day == latest.last_day)
        change = compare_with_baseline(followup.baseline, last, rules)
        percent = None if change is None else change.change_percent
    return LesionRow(
        patient_id=lesion.patient_id,
        lesion_uid=lesion.lesion_uid,
        level=lesion.level,
        side=lesion.side,
        type=lesion.type,
        baseline_date=None if followup is None else followup.baseline_date,
        baseline_volume_mm3=None if followup is None else followup.baseline.volume_mm3,
        last_date=_last_date(followup, latest.last_day),
        last_day=latest.last_day,
        last_volume_mm3=latest.last_volume_mm3,
        change_percent=percent,
        outcome=latest.outcome,
        outcome_reason=latest.reason,
        flags=tuple(str(flag) for flag in latest.flags),
        outcome_stability=assessment.stabilities[Horizon.LATEST].decided_share,
        primary_or_latest=Horizon.PRIMARY if latest.visits == primary.visits else Horizon.LATEST,
        rules=f"{rules.name} {rules.version}",
        rules_sha256=rules.sha256,
    )


def outcome_rows(assessment: LesionAssessment, rules: RuleSet) -> list[OutcomeRow]:
    """Return a lesion's outcome at each horizon with the share of every class."""
    lesion = assessment.lesion
    rows = []
    for horizon, decision in assessment.decisions.items():
        stability = assessment.stabilities[horizon]
        shares = {f"share_{outcome.value}": stability.shares[outcome] for outcome in OutcomeClass}
        rows.append(
            OutcomeRow(
                patient_id=lesion.patient_id,
                lesion_uid=lesion.lesion_uid,
                level=lesion.level,
                side=lesion.side,
                type=lesion.type,
                horizon=horizon,
                outcome=decision.outcome,
                outcome_reason=decision.reason,
                flags=tuple(str(flag) for flag in decision.flags),
                visit_states=decision.visit_states,
                last_date=_last_date(assessment.followup, decision.last_day),
                last_day=decision.last_day,
                outcome_stability=stability.decided_share,
                rules=f"{rules.name} {rules.version}",
                rules_sha256=rules.sha256,
                **shares,
            )
        )
    return rows


def _baseline_row(
    assessment: LesionAssessment, followup: LesionFollowUp, rules: RuleSet, *, flags: tuple[str, ...]
) -> ChangeRow:
    fact = followup.baseline_fact
    sigma = None if fact is None else stated_sigma_mm3(fact, fact, rules)
    return ChangeRow(
        patient_id=assessment.lesion.patient_id,
        lesion_uid=assessment.lesion.lesion_uid,
        level=assessment.lesion.level,
        side=assessment.lesion.side,
        visit_date=followup.baseline_date,
        day=0,
        timepoint=timepoint_of_day(0),
        modality=followup.baseline.modality,
        reader="" if fact is None else fact.reader,
        reading_status=followup.baseline.status,
        volume_mm3=followup.baseline.volume_mm3,
        volume_sigma_mm3=sigma,
        change_mm3=None,
        change_percent=None,
        change_percent_low=None,
        change_percent_high=None,
        visit_state=VisitState.BASELINE,
        series_instance_uid=_series(assessment, fact),
        flags=(
            *followup.baseline.problems,
            *flags,
            *_reading_flags(assessment, fact, sigma),
        ),
    )


def _visit_row(
    assessment: LesionAssessment,
    followup: LesionFollowUp,
    record: VisitRecord,
    rules: RuleSet,
    windows: Sequence[VisitWindow],
) -> ChangeRow:
    fact, visit = record.fact, record.visit
    change = compare_with_baseline(followup.baseline, visit, rules)
    is_read = visit.status is not ReadingStatus.NOT_EVALUABLE
    sigma = None if fact is None else stated_sigma_mm3(fact, followup.baseline_fact, rules)
    return ChangeRow(
        patient_id=assessment.lesion.patient_id,
        lesion_uid=assessment.lesion.lesion_uid,
        level=assessment.lesion.level,
        side=assessment.lesion.side,
        visit_date=record.visit_date,
        day=visit.day,
        timepoint=timepoint_of_day(visit.day, windows),
        modality=visit.modality,
        reader="" if fact is None else fact.reader,
        reading_status=visit.status if fact is None else fact.status,
        volume_mm3=visit.volume_mm3 if is_read else None,
        volume_sigma_mm3=sigma,
        change_mm3=None if change is None else change.change_mm3,
        change_percent=None if change is None else change.change_percent,
        change_percent_low=None if change is None else change.change_percent_low,
        change_percent_high=None if change is None else change.change_percent_high,
        visit_state=decide_visit_state(followup.baseline, visit, rules),
        series_instance_uid=_series(assessment, fact),
        flags=(*_visit_flags(followup, record, rules), *_reading_flags(assessment, fact, sigma)),
    )


def _visit_flags(followup: LesionFollowUp, record: VisitRecord, rules: RuleSet) -> tuple[str, ...]:
    """Return why a visit is not evaluable, or why the larger error counts, and what else differs."""
    flags = list(why_no_state(followup.baseline, record.visit, rules))
    comparison = record.comparison
    if comparison is None or record.visit.status is ReadingStatus.NOT_EVALUABLE:
        return tuple(flags)
    is_compared = not why_not_evaluable(followup.baseline, record.visit)
    if is_compared and not record.visit.is_same_protocol_and_reader:
        flags.append(VisitFlag.OTHER_READER_OR_PROTOCOL.value)
    if record.is_other_reader:
        flags.append(VisitFlag.OTHER_READER.value)
    if comparison.grade is Comparability.MIXED:
        flags.append(VisitFlag.PROTOCOL_MIXED.value)
    flags += [str(reason.difference) for reason in comparison.reasons]
    return tuple(dict.fromkeys(flags))


def volume_rows(assessment: LesionAssessment) -> list[VolumeRow]:
    """Return one row for each visit of a lesion that was measured, in the order of the dates."""
    lesion, followup = assessment.lesion, assessment.followup
    if followup is None:
        return []
    facts = [followup.baseline_fact, *(record.fact for record in followup.records)]
    rows = []
    for fact in facts:
        numbers = None if fact is None else assessment.measurements.get(fact.reading_uid)
        if fact is None or numbers is None:
            continue
        rows.append(
            VolumeRow(
                patient_id=lesion.patient_id,
                lesion_uid=lesion.lesion_uid,
                visit_date=fact.visit_date,
                reading_uid=fact.reading_uid,
                is_proposed=fact.is_proposed,
                n_voxels=numbers.n_voxels,
                volume_mm3=numbers.volume_mm3,
                volume_sigma_mm3=numbers.volume_sigma_mm3,
                lower_volume_mm3=numbers.lower_volume_mm3,
                upper_volume_mm3=numbers.upper_volume_mm3,
                surface_volume_mm3=numbers.surface_volume_mm3,
                partial_volume_mm3=numbers.partial_volume_mm3,
                partial_volume_error_mm3=numbers.partial_volume_error_mm3,
            )
        )
    return rows


def _reading_flags(
    assessment: LesionAssessment, fact: ReadingFact | None, sigma_of_count: float | None
) -> tuple[str, ...]:
    """Return what is to be known of the reading that stands for a visit."""
    if fact is None:
        return ()
    flags = [VisitFlag.PROPOSED.value] if fact.is_proposed else []
    if fact.reading_uid in assessment.changed_stacks:
        flags.append(VisitFlag.STACK_CHANGED_SINCE_READ.value)
    numbers = assessment.measurements.get(fact.reading_uid)
    partial = None if numbers is None else numbers.partial_volume_mm3
    if numbers is None or partial is None or sigma_of_count is None:
        return tuple(flags)
    of_both = math.hypot(sigma_of_count, numbers.partial_volume_error_mm3 or 0.0)
    if abs(partial - numbers.volume_mm3) > Z_95_TWO_SIDED * of_both:
        flags.append(VisitFlag.VOLUME_ESTIMATES_DISAGREE.value)
    return tuple(flags)


def _empty_row(
    assessment: LesionAssessment, visit_date: date, *, start: date, windows: Sequence[VisitWindow]
) -> ChangeRow:
    day = (visit_date - start).days
    return ChangeRow(
        patient_id=assessment.lesion.patient_id,
        lesion_uid=assessment.lesion.lesion_uid,
        level=assessment.lesion.level,
        side=assessment.lesion.side,
        visit_date=visit_date,
        day=day,
        timepoint=timepoint_of_day(day, windows),
        modality=None,
        reader="",
        reading_status=None,
        volume_mm3=None,
        volume_sigma_mm3=None,
        change_mm3=None,
        change_percent=None,
        change_percent_low=None,
        change_percent_high=None,
        visit_state=None,
        series_instance_uid="",
        flags=(UNREAD,),
    )


def _series(assessment: LesionAssessment, fact: ReadingFact | None) -> str:
    return "" if fact is None else assessment.series_of_reading.get(fact.reading_uid, "")


def _last_date(followup: LesionFollowUp | None, last_day: int | None) -> date | None:
    if followup is None or last_day is None:
        return None
    return followup.baseline_date + timedelta(days=last_day)

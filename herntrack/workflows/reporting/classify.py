"""What became of each lesion: from measured readings to outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from herntrack.catalogue.session import Catalogue
from herntrack.errors import HerntrackError
from herntrack.model.records import Lesion, Measurement, Outcome
from herntrack.model.vocabulary import Horizon, OutcomeClass, ReadingStatus
from herntrack.volumetrics.followup import LesionFollowUp, build_followup
from herntrack.volumetrics.outcome import OutcomeDecision, decide_outcome
from herntrack.volumetrics.rules import RuleSet, load_rules
from herntrack.volumetrics.stability import Stability, outcome_stability
from herntrack.volumetrics.visits import NO_READING, Baseline, FollowUpVisit
from herntrack.workflows.patients.visits import confirmed_baselines
from herntrack.workflows.progress import Progress, silent
from herntrack.workflows.session import catalogue_of, refuse_to_write
from herntrack.workflows.set_aside import CaseSetAside
from herntrack.workflows.stacks_as_read import ChangedStack, changed_stacks, stacks_for_readings
from herntrack.workflows.stated_errors import CountedReadings, counted_readings, with_stated_error
from herntrack.workflows.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionAssessment:
    """One lesion with everything that was decided about it.

    Parameters
    ----------
    lesion : Lesion
        The lesion.
    followup : LesionFollowUp or None
        Baseline and visits; None if nobody read it yet.
    decisions, stabilities : mapping from Horizon
        The outcome and how sure it is, for the primary and the latest horizon.
    series_of_reading : mapping from str to str
        Series Instance UID by reading.
    measurements : mapping from str to Measurement
        The numbers by reading, with the errors that are stated.
    changed_stacks : mapping from str to ChangedStack
        What was read on other slices than there are now, by reading.
    """

    lesion: Lesion
    followup: LesionFollowUp | None
    decisions: Mapping[Horizon, OutcomeDecision]
    stabilities: Mapping[Horizon, Stability]
    series_of_reading: Mapping[str, str]
    measurements: Mapping[str, Measurement] = field(default_factory=dict)
    changed_stacks: Mapping[str, ChangedStack] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifySummary:
    """The outcomes of a run, and the lesions that could not be decided."""

    rules: RuleSet
    assessments: tuple[LesionAssessment, ...]
    set_aside: tuple[CaseSetAside, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeDifference:
    """A lesion whose outcome two rule sets decide differently."""

    lesion: Lesion
    horizon: Horizon
    old: OutcomeClass
    new: OutcomeClass


def classify(
    workspace: Workspace, *, rules_source: str | None = None, progress: Progress = silent
) -> ClassifySummary:
    """Decide every lesion and store the outcomes under the rule set's digest.

    Parameters
    ----------
    workspace : Workspace
        The project.
    rules_source : str, optional
        A shipped rule set or a rule file; by default the workspace's.
    progress : callable
        Called with (stage, done, total).
    """
    rules = load_rules(rules_source or workspace.rules_source)
    with catalogue_of(workspace) as catalogue:
        summary = assess(catalogue, workspace, rules, progress=progress)
        outcomes = [
            _outcome(assessment, horizon, rules) for assessment in summary.assessments for horizon in Horizon
        ]
        if not _are_stored(catalogue, rules, outcomes):
            refuse_to_write(
                workspace,
                f"the outcomes under rule set {rules.name} {rules.version} are missing or stale",
                f"herntrack classify{f' --rules {rules_source}' if rules_source else ''}",
            )
            catalogue.followup.replace_outcomes(rules.sha256, outcomes)
    return summary


def _are_stored(catalogue: Catalogue, rules: RuleSet, outcomes: list[Outcome]) -> bool:
    """Return whether the catalogue holds these outcomes already: then it need not be written."""
    stored = {(each.lesion_uid, each.horizon): each for each in catalogue.followup.outcomes(rules.sha256)}
    return stored == {(each.lesion_uid, each.horizon): each for each in outcomes}


def assess(
    catalogue: Catalogue, workspace: Workspace, rules: RuleSet, *, progress: Progress = silent
) -> ClassifySummary:
    """Decide every lesion without storing anything."""
    measurements = catalogue.followup.measurements()
    changed = changed_stacks(workspace, catalogue, catalogue.followup.readings(is_current=True))
    stacks = stacks_for_readings(
        workspace, catalogue, changed, {each.stack.stack_uid: each for each in catalogue.images.stacks()}
    )
    lesions = catalogue.followup.lesions()
    day_0 = confirmed_baselines(catalogue.images.visits())
    assessments: list[LesionAssessment] = []
    set_aside: list[CaseSetAside] = []
    for done, lesion in enumerate(lesions, start=1):
        counted = counted_readings(
            catalogue.followup.readings(lesion.lesion_uid),
            measurements,
            stacks,
            day_0.get(lesion.patient_id),
        )
        set_aside += [
            CaseSetAside(uid=reading.reading_uid, reason="not measured; run herntrack measure")
            for reading in counted.unmeasured
        ]
        try:
            assessment = _assessment(lesion, counted, measurements, workspace, rules)
            assessments.append(replace(assessment, changed_stacks=changed))
        except HerntrackError as error:
            set_aside.append(CaseSetAside(uid=lesion.lesion_uid, reason=str(error)))
        progress("classifying", done, len(lesions))
    return ClassifySummary(rules=rules, assessments=tuple(assessments), set_aside=tuple(set_aside))


def compare_rules(workspace: Workspace, old_source: str, new_source: str) -> list[OutcomeDifference]:
    """Return the lesions that two rule sets decide differently; nothing is stored."""
    old_rules, new_rules = load_rules(old_source), load_rules(new_source)
    with catalogue_of(workspace) as catalogue:
        old = assess(catalogue, workspace, old_rules).assessments
        new = {each.lesion.lesion_uid: each for each in assess(catalogue, workspace, new_rules).assessments}
    return [
        OutcomeDifference(
            lesion=each.lesion,
            horizon=horizon,
            old=each.decisions[horizon].outcome,
            new=new[each.lesion.lesion_uid].decisions[horizon].outcome,
        )
        for each in old
        for horizon in Horizon
        if each.lesion.lesion_uid in new
        and each.decisions[horizon].outcome is not new[each.lesion.lesion_uid].decisions[horizon].outcome
    ]


def _assessment(
    lesion: Lesion,
    counted: CountedReadings,
    measurements: Mapping[str, Measurement],
    workspace: Workspace,
    rules: RuleSet,
) -> LesionAssessment:
    followup = None
    baseline = Baseline(
        volume_mm3=None, modality=None, status=ReadingStatus.NOT_EVALUABLE, problems=(NO_READING,)
    )
    visits: tuple[FollowUpVisit, ...] = ()
    numbers: dict[str, Measurement] = {}
    if counted.facts:
        primary = workspace.settings.primary_reader or None
        followup = build_followup(counted.facts, rules, primary_reader=primary)
        baseline, visits = followup.baseline, followup.visits
        numbers = {
            fact.reading_uid: with_stated_error(
                measurements[fact.reading_uid], fact, followup.baseline_fact, rules
            )
            for fact in counted.facts
            if fact.reading_uid in measurements
        }
    return LesionAssessment(
        lesion=lesion,
        followup=followup,
        decisions={horizon: decide_outcome(baseline, visits, rules, horizon=horizon) for horizon in Horizon},
        stabilities={
            horizon: outcome_stability(baseline, visits, rules, horizon=horizon) for horizon in Horizon
        },
        series_of_reading={each.reading_uid: each.series_instance_uid or "" for each in counted.readings},
        measurements=numbers,
    )


def _outcome(assessment: LesionAssessment, horizon: Horizon, rules: RuleSet) -> Outcome:
    decision, stability = assessment.decisions[horizon], assessment.stabilities[horizon]
    last_date = None
    if assessment.followup is not None and decision.last_day is not None:
        last_date = assessment.followup.baseline_date + timedelta(days=decision.last_day)
    return Outcome(
        lesion_uid=assessment.lesion.lesion_uid,
        horizon=horizon,
        rules=f"{rules.name} {rules.version}",
        rules_sha256=rules.sha256,
        outcome=decision.outcome,
        reason=decision.reason,
        flags=tuple(str(flag) for flag in decision.flags),
        visit_states=decision.visit_states,
        stability=stability.decided_share,
        class_shares=tuple((outcome.value, stability.shares[outcome]) for outcome in OutcomeClass),
        last_date=last_date,
        last_day=decision.last_day,
    )

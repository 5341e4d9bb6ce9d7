"""The numbers of readings with the error that is stated with them, for whatever shows them.

The catalogue holds a measurement with the error of a repeat; which error is stated depends on the
lesion's other readings, so it is set when the numbers are shown
(`herntrack.volumetrics.followup.stated_sigma_mm3`).

Public: `CountedReadings`, `counted_readings`, `stated_measurements`, `with_stated_error`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from herntrack.catalogue.session import Catalogue
from herntrack.errors import MeasurementError
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Lesion, Measurement, Reading
from herntrack.model.vocabulary import ReadingStatus
from herntrack.volumetrics.followup import build_followup, stated_sigma_mm3
from herntrack.volumetrics.records import ReadingFact
from herntrack.volumetrics.rules import RuleSet, load_rules
from herntrack.workflows.patients.visits import confirmed_baselines
from herntrack.workflows.reading_facts import reading_fact
from herntrack.workflows.stacks_as_read import changed_stacks, stacks_for_readings
from herntrack.workflows.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedReadings:
    """The readings of a lesion that its follow-up is made of.

    Parameters
    ----------
    readings : tuple of Reading
        Those that stand, from day 0 on.
    facts : tuple of ReadingFact
        Those of them that say something: measured ones, and those that are not evaluable.
    unmeasured : tuple of Reading
        The others.
    """

    readings: tuple[Reading, ...]
    facts: tuple[ReadingFact, ...]
    unmeasured: tuple[Reading, ...]


def counted_readings(
    readings: Sequence[Reading],
    measurements: Mapping[str, Measurement],
    stacks: Mapping[str, CataloguedStack],
    day_0: date | None,
) -> CountedReadings:
    """Return what a lesion's follow-up is made of.

    Parameters
    ----------
    readings : sequence of Reading
        All of the lesion's.
    measurements : mapping from str to Measurement
        By reading.
    stacks : mapping from str to CataloguedStack
        By stack; by reading where one was made on other slices than its stack has now.
    day_0 : date or None
        The visit that a person chose as day 0; earlier readings do not count.
    """
    counted = tuple(
        each
        for each in readings
        if each.superseded_by is None and (day_0 is None or each.visit_date >= day_0)
    )
    unmeasured = tuple(
        each
        for each in counted
        if each.status is not ReadingStatus.NOT_EVALUABLE and each.reading_uid not in measurements
    )
    return CountedReadings(
        readings=counted,
        facts=tuple(_fact(each, measurements, stacks) for each in counted if each not in unmeasured),
        unmeasured=unmeasured,
    )


def stated_measurements(
    catalogue: Catalogue, workspace: Workspace, lesions: Sequence[Lesion]
) -> dict[str, Measurement]:
    """Return the numbers of all measured readings of lesions, superseded ones included.

    Parameters
    ----------
    catalogue : Catalogue
        An open catalogue.
    workspace : Workspace
        Names the rule set and the primary reader.
    lesions : sequence of Lesion
        Whose readings are to be shown.

    Returns
    -------
    dict from str to Measurement
        By reading, with the error that is stated.
    """
    rules = load_rules(workspace.rules_source)
    measurements = catalogue.followup.measurements()
    days_0 = confirmed_baselines(catalogue.images.visits())
    readings_of = {lesion.lesion_uid: catalogue.followup.readings(lesion.lesion_uid) for lesion in lesions}
    stacks = _stacks(
        catalogue, workspace, lesions, [each for found in readings_of.values() for each in found]
    )
    stated: dict[str, Measurement] = {}
    for lesion in lesions:
        readings = readings_of[lesion.lesion_uid]
        counted = counted_readings(readings, measurements, stacks, days_0.get(lesion.patient_id))
        baseline = _baseline(counted.facts, rules, workspace)
        for each in readings:
            if each.reading_uid in measurements:
                fact = _fact(each, measurements, stacks)
                stated[each.reading_uid] = with_stated_error(
                    measurements[each.reading_uid], fact, baseline, rules
                )
    return stated


def with_stated_error(
    measurement: Measurement, fact: ReadingFact, baseline_fact: ReadingFact | None, rules: RuleSet
) -> Measurement:
    """Return a reading's numbers with the error that is stated with its volume."""
    sigma = stated_sigma_mm3(fact, baseline_fact, rules)
    return measurement if sigma is None else replace(measurement, volume_sigma_mm3=sigma)


def _stacks(
    catalogue: Catalogue, workspace: Workspace, lesions: Sequence[Lesion], readings: Sequence[Reading]
) -> dict[str, CataloguedStack]:
    patients = {lesion.patient_id for lesion in lesions}
    # All at once is faster than patient after patient.
    found = catalogue.images.stacks(patient_id=patients.pop() if len(patients) == 1 else None)
    stacks = {each.stack.stack_uid: each for each in found}
    changed = changed_stacks(workspace, catalogue, readings)
    return stacks_for_readings(workspace, catalogue, changed, stacks)


def _fact(
    reading: Reading, measurements: Mapping[str, Measurement], stacks: Mapping[str, CataloguedStack]
) -> ReadingFact:
    each = stacks.get(reading.reading_uid) or stacks.get(reading.stack_uid or "")
    return reading_fact(reading, measurements.get(reading.reading_uid), each)


def _baseline(facts: Sequence[ReadingFact], rules: RuleSet, workspace: Workspace) -> ReadingFact | None:
    if not facts:
        return None
    primary = workspace.settings.primary_reader or None
    try:
        return build_followup(facts, rules, primary_reader=primary).baseline_fact
    except MeasurementError:
        # A volume that no lesion has: the report sets the lesion aside, a list shows its readings.
        return None

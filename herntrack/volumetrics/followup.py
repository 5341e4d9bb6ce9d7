"""From the readings of one lesion to the baseline and visits that decide its outcome.

Day 0 is the lesion's earliest visit with a reading. `herntrack.volumetrics.records` says which
reading stands for a visit; a visit for which none can stand is kept as not evaluable, with
the problem stated.

Here it is decided, for all that shows a volume, which of the two surface errors is stated with it
(`stated_sigma_mm3`): the one that its comparison with the baseline uses.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from herntrack.errors import MeasurementError
from herntrack.model.vocabulary import Comparability, ReadingStatus
from herntrack.volumetrics.comparability import ProtocolComparison, compare_protocols, unfitness
from herntrack.volumetrics.error_model import sigma_mm3
from herntrack.volumetrics.records import (
    ReadingFact,
    baseline_of_record,
    is_same_protocol,
    reading_of_record,
)
from herntrack.volumetrics.rules import RuleSet
from herntrack.volumetrics.visits import (
    NO_READING,
    READERS_UNRESOLVED,
    SEQUENCES_DISCORDANT,
    Baseline,
    FollowUpVisit,
)

__all__ = [
    "LesionFollowUp",
    "ReadingFact",
    "VisitRecord",
    "build_followup",
    "reading_of_record",
    "stated_sigma_mm3",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRecord:
    """One follow-up visit and the reading that stands for it.

    Parameters
    ----------
    visit_date : dt.date
    fact : ReadingFact or None
        The record; None if there is none: `problem` says why.
    visit : FollowUpVisit
        What the outcome sees of it.
    comparison : ProtocolComparison or None
        Its protocol against the baseline's; None if one of the two has no record.
    is_other_reader : bool
        Whether another reader than the baseline's read it.
    """

    visit_date: dt.date
    fact: ReadingFact | None
    visit: FollowUpVisit
    comparison: ProtocolComparison | None = None
    is_other_reader: bool = False

    @property
    def problem(self) -> str | None:
        """Why there is no record: `READERS_UNRESOLVED` or `NO_READING`; None if there is one."""
        return self.visit.problems[0] if self.fact is None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionFollowUp:
    """Baseline and follow-up of one lesion.

    Parameters
    ----------
    baseline_date : dt.date
        Day 0: the earliest visit with a reading of this lesion.
    baseline_fact : ReadingFact or None
        The record of the baseline; None if its readers are unresolved.
    baseline : Baseline
    records : tuple of VisitRecord
        Later visits in the order of their dates.
    """

    baseline_date: dt.date
    baseline_fact: ReadingFact | None
    baseline: Baseline
    records: tuple[VisitRecord, ...]

    @property
    def visits(self) -> tuple[FollowUpVisit, ...]:
        """The visits for `decide_outcome`."""
        return tuple(record.visit for record in self.records)


def stated_sigma_mm3(fact: ReadingFact, baseline_fact: ReadingFact | None, rules: RuleSet) -> float | None:
    """Return the standard error that is stated with the volume of a reading, wherever it is shown.

    It is that of the reading's comparison with the baseline: the smaller surface error where reader
    and protocol are the baseline's, the larger one where one of them differs or either outline is a
    proposal that no reader has accepted. A reading that is compared with nothing, the baseline
    itself or one whose baseline is unresolved, has the smaller one unless it is a proposal.

    Parameters
    ----------
    fact : ReadingFact
        Any reading of the lesion, superseded ones included.
    baseline_fact : ReadingFact or None
        The record of the baseline; None if there is none.
    rules : RuleSet
        Holds both surface errors and the floor.

    Returns
    -------
    float or None
        In mm3; None for a reading without a volume.

    Raises
    ------
    MeasurementError
        If the volume is negative or not finite.
    """
    if fact.status is ReadingStatus.NOT_EVALUABLE or (
        fact.volume_mm3 is None and fact.status is not ReadingStatus.ABSENT
    ):
        return None
    is_same = _is_like_baseline(fact, baseline_fact or fact, rules)
    return sigma_mm3(
        fact.volume_mm3 or 0.0,
        boundary_k_mm=rules.boundary_k_same_mm if is_same else rules.boundary_k_mixed_mm,
        floor_mm3=rules.volume_floor_mm3,
    )


def _is_like_baseline(fact: ReadingFact, baseline_fact: ReadingFact, rules: RuleSet) -> bool:
    """Return whether reader and protocol are the baseline's and no outline of the two is a proposal."""
    # An outline that no person vouches for errs more than a reader does against himself.
    if fact.is_proposed or baseline_fact.is_proposed or fact.reader != baseline_fact.reader:
        return False
    # One stack has one protocol, even where the headers do not say all of it.
    is_same_stack = fact.stack_uid == baseline_fact.stack_uid and fact.visit_date == baseline_fact.visit_date
    return is_same_stack or is_same_protocol(fact, baseline_fact, rules)


def build_followup(
    facts: Sequence[ReadingFact],
    rules: RuleSet,
    *,
    surgery_date: dt.date | None = None,
    primary_reader: str | None = None,
    visit_dates: Collection[dt.date] = (),
) -> LesionFollowUp:
    """Return baseline and visits of one lesion.

    Parameters
    ----------
    facts : sequence of ReadingFact
        All standing readings of the lesion, in any order.
    rules : RuleSet
        Holds the tolerances of a protocol.
    surgery_date : dt.date, optional
        Visits from this day on are marked as after surgery. A date before the baseline is
        history and marks nothing.
    primary_reader : str, optional
        The reader whose readings go before all others.
    visit_dates : collection of dt.date
        Visits of the patient. One after the baseline without a reading of this lesion is
        kept as not evaluable (`NO_READING`), so that an unread last visit shows.

    Raises
    ------
    MeasurementError
        If there is no reading.
    """
    if not facts:
        raise MeasurementError("a lesion without a reading has no baseline; read its first visit")
    by_date: dict[dt.date, list[ReadingFact]] = {}
    for reading in facts:
        by_date.setdefault(reading.visit_date, []).append(reading)
    baseline_date = min(by_date)
    baseline_fact = baseline_of_record(
        [by_date[date] for date in sorted(by_date)], primary_reader=primary_reader
    )
    operated_on = surgery_date if surgery_date is not None and surgery_date >= baseline_date else None
    records = []
    for date in sorted(date for date in {*by_date, *visit_dates} if date > baseline_date):
        at_visit = by_date.get(date, [])
        fact = reading_of_record(at_visit, baseline_fact, rules, primary_reader=primary_reader)
        comparison = _comparison(fact, baseline_fact, rules)
        is_other = fact is not None and baseline_fact is not None and fact.reader != baseline_fact.reader
        visit = _follow_up_visit(
            fact,
            at_visit,
            day=(date - baseline_date).days,
            comparison=comparison,
            is_like_baseline=fact is not None
            and baseline_fact is not None
            and _is_like_baseline(fact, baseline_fact, rules),
            is_operated=operated_on is not None and date >= operated_on,
        )
        records.append(
            VisitRecord(
                visit_date=date, fact=fact, visit=visit, comparison=comparison, is_other_reader=is_other
            )
        )
    return LesionFollowUp(
        baseline_date=baseline_date,
        baseline_fact=baseline_fact,
        baseline=_baseline(baseline_fact, by_date[baseline_date]),
        records=tuple(records),
    )


def _comparison(
    fact: ReadingFact | None, baseline_fact: ReadingFact | None, rules: RuleSet
) -> ProtocolComparison | None:
    if fact is None or baseline_fact is None:
        return None
    return compare_protocols(fact.protocol, baseline_fact.protocol, rules)


def _baseline(fact: ReadingFact | None, at_visit: Sequence[ReadingFact]) -> Baseline:
    if fact is None:
        return Baseline(
            volume_mm3=None,
            modality=None,
            status=ReadingStatus.NOT_EVALUABLE,
            problems=(READERS_UNRESOLVED,),
        )
    is_discordant = any(other.discordant for other in at_visit if other.reader == fact.reader)
    problems = tuple(
        str(reason.difference) for reason in unfitness(fact.protocol) if reason.grade is Comparability.REFUSED
    )
    return Baseline(
        volume_mm3=fact.volume_mm3,
        modality=fact.modality,
        status=fact.status,
        problems=(*problems, SEQUENCES_DISCORDANT) if is_discordant else problems,
        is_proposed=fact.is_proposed,
    )


def _follow_up_visit(
    fact: ReadingFact | None,
    at_visit: Sequence[ReadingFact],
    *,
    day: int,
    comparison: ProtocolComparison | None,
    is_like_baseline: bool,
    is_operated: bool,
) -> FollowUpVisit:
    is_after_surgery = is_operated or any(other.after_surgery for other in at_visit)
    if fact is None:
        return FollowUpVisit(
            day=day,
            volume_mm3=None,
            status=ReadingStatus.NOT_EVALUABLE,
            modality=None,
            is_same_protocol_and_reader=False,
            is_after_surgery=is_after_surgery,
            problems=(READERS_UNRESOLVED if at_visit else NO_READING,),
        )
    return FollowUpVisit(
        day=day,
        volume_mm3=fact.volume_mm3,
        status=fact.status,
        modality=fact.modality,
        is_same_protocol_and_reader=is_like_baseline,
        is_after_surgery=is_after_surgery,
        is_discordant=any(other.discordant for other in at_visit if other.reader == fact.reader),
        problems=_refusals(fact, comparison),
        is_proposed=fact.is_proposed,
    )


def _refusals(fact: ReadingFact, comparison: ProtocolComparison | None) -> tuple[str, ...]:
    # A reader's word that nothing can be judged says more than the protocol.
    if comparison is None or fact.status is ReadingStatus.NOT_EVALUABLE:
        return ()
    return tuple(str(difference) for difference in comparison.refusals)

"""Which of several readings stands for a visit.

A visit may hold several readings: two readers, or one reader on a sagittal and an axial
stack. One of them is the *record* of the visit. Who: the study's primary reader; else the
reader of the baseline; else the only reader there is. Two others are not guessed between:
the visit is unresolved. Which stack: an evaluable one whose protocol is the baseline's.

Callers pass the readings that stand; superseded ones are not facts.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from herntrack.model.vocabulary import Modality, Plane, ReadingStatus
from herntrack.volumetrics.rules import RuleSet

PLANE_PREFERENCE = (Plane.SAGITTAL, Plane.AXIAL, Plane.CORONAL, Plane.OBLIQUE)
"""Planes of a baseline, most wanted first, where the visits do not decide it."""

_ROUNDING = 1e-9
# Relative: 0.75 mm is no more than 25 % above 0.60 mm, whatever binary fractions say.


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingFact:
    """What an outcome needs to know of one reading.

    Parameters
    ----------
    reading_uid : str
    visit_date : dt.date
    reader : str
        Pseudonym of the reader.
    status : ReadingStatus
    volume_mm3 : float or None
        Sum of the fragments (mm3); None counts as 0 for an absent reading.
    modality : Modality or None
    plane : Plane or None
    slice_spacing_mm, pixel_spacing_mm : float or None
        Centre-to-centre distances (mm). Plane and spacings are None for a reading made on
        no stack; its protocol matches nothing.
    stack_uid : str or None
    created_at : dt.datetime
        Of two readings alike in all else, the later is the record.
    after_surgery : bool
        Whether the visit lies on or after the day of a surgery that followed the baseline.
    discordant : bool
        Whether the reader found the sequences of the visit to contradict each other.
    """

    reading_uid: str
    visit_date: dt.date
    reader: str
    status: ReadingStatus
    volume_mm3: float | None
    modality: Modality | None
    plane: Plane | None
    slice_spacing_mm: float | None
    pixel_spacing_mm: float | None
    stack_uid: str | None
    created_at: dt.datetime
    after_surgery: bool = False
    discordant: bool = False


def is_same_protocol(fact: ReadingFact, baseline: ReadingFact, rules: RuleSet) -> bool:
    """Return whether two readings were made under the same protocol.

    Modality and plane are equal and slice spacing and pixel spacing differ from the
    baseline's by at most ``rules.spacing_tolerance`` of the baseline's. What is unknown
    matches nothing.
    """
    if fact.modality is None or fact.plane is None:
        return False
    return (
        fact.modality is baseline.modality
        and fact.plane is baseline.plane
        and _is_close(fact.slice_spacing_mm, baseline.slice_spacing_mm, rules.spacing_tolerance)
        and _is_close(fact.pixel_spacing_mm, baseline.pixel_spacing_mm, rules.spacing_tolerance)
    )


def reading_of_record(
    facts: Sequence[ReadingFact],
    baseline_fact: ReadingFact | None,
    rules: RuleSet,
    *,
    primary_reader: str | None = None,
) -> ReadingFact | None:
    """Return the reading that stands for a follow-up visit.

    Parameters
    ----------
    facts : sequence of ReadingFact
        Readings of one lesion at one visit, at least one.
    baseline_fact : ReadingFact or None
        The record of the baseline.
    rules : RuleSet
        Holds the tolerance of spacings.
    primary_reader : str, optional
        The reader whose readings go before all others.

    Returns
    -------
    ReadingFact or None
        None if two readers read and neither goes before the other.
    """
    mine = _facts_of_record_reader(facts, baseline_fact, primary_reader)
    if not mine:
        return None

    def rank(fact: ReadingFact) -> tuple[bool, bool, bool, bool, int, float]:
        if baseline_fact is None:
            return (not _is_evaluable(fact), False, False, False, _plane_rank(fact), _voxel_size(fact))
        return (
            not _is_evaluable(fact),
            not is_same_protocol(fact, baseline_fact, rules),
            fact.modality is not baseline_fact.modality,
            fact.plane is not baseline_fact.plane,
            _plane_rank(fact),
            _voxel_size(fact),
        )

    return min(_latest_first(mine), key=rank)


def _facts_of_record_reader(
    facts: Sequence[ReadingFact], baseline_fact: ReadingFact | None, primary_reader: str | None
) -> list[ReadingFact]:
    """Return the readings of the reader who stands for a visit; none if unresolved."""
    readers = {fact.reader for fact in facts}
    chosen = [primary_reader, baseline_fact.reader if baseline_fact else None]
    if len(readers) == 1:
        chosen.extend(readers)
    for reader in chosen:
        if reader in readers:
            return [fact for fact in facts if fact.reader == reader]
    return []


def baseline_of_record(
    visits: Sequence[Sequence[ReadingFact]], *, primary_reader: str | None = None
) -> ReadingFact | None:
    """Return the reading that stands for the baseline.

    One reader's evaluable readings rank by how many visits share their modality and plane,
    then by `PLANE_PREFERENCE`, then by the finer voxel.

    Parameters
    ----------
    visits : sequence of sequences of ReadingFact
        Readings of one lesion, one sequence for each visit; the first is the baseline.
    primary_reader : str, optional
        The reader whose readings go before all others.

    Returns
    -------
    ReadingFact or None
        None if two readers read and neither goes before the other.
    """
    mine = _facts_of_record_reader(visits[0], None, primary_reader)
    if not mine:
        return None
    # The protocol that most visits share makes most comparisons ones of like with like.
    visits_with = Counter(
        protocol for facts in visits for protocol in {(fact.modality, fact.plane) for fact in facts}
    )

    def rank(fact: ReadingFact) -> tuple[bool, int, int, float]:
        n_visits = visits_with[fact.modality, fact.plane]
        return (not _is_evaluable(fact), -n_visits, _plane_rank(fact), _voxel_size(fact))

    return min(_latest_first(mine), key=rank)


def _latest_first(facts: Sequence[ReadingFact]) -> list[ReadingFact]:
    return sorted(facts, key=lambda fact: (fact.created_at, fact.reading_uid), reverse=True)


def _is_evaluable(fact: ReadingFact) -> bool:
    return fact.status is not ReadingStatus.NOT_EVALUABLE


def _plane_rank(fact: ReadingFact) -> int:
    return len(PLANE_PREFERENCE) if fact.plane is None else PLANE_PREFERENCE.index(fact.plane)


def _voxel_size(fact: ReadingFact) -> float:
    if fact.slice_spacing_mm is None or fact.pixel_spacing_mm is None:
        return math.inf
    return fact.slice_spacing_mm * fact.pixel_spacing_mm**2


def _is_close(value: float | None, reference: float | None, tolerance: float) -> bool:
    if value is None or reference is None:
        return False
    return abs(value - reference) <= (tolerance + _ROUNDING) * reference

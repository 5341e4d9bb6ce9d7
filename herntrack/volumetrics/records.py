"""Which of several readings stands for a visit.

A visit may hold several readings: two readers, or one reader on a sagittal and an axial
stack. One of them is the *record* of the visit. Who: the study's primary reader; else the
reader of the baseline; else the only reader there is. Two others are not guessed between:
the visit is unresolved. A proposal that no reader has accepted stands for a visit only where
nothing accepted does; of several proposals the newest one's reader counts. Which stack: an
evaluable one, the most comparable with the baseline's.

Callers pass the readings that stand; superseded ones are not facts.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from herntrack.model.vocabulary import Comparability, ImageRole, Modality, Plane, ReadingStatus, Weighting
from herntrack.volumetrics.comparability import Protocol, closeness, compare_protocols
from herntrack.volumetrics.rules import RuleSet

PLANE_PREFERENCE = (Plane.SAGITTAL, Plane.AXIAL, Plane.CORONAL, Plane.OBLIQUE)
"""Planes of a baseline, most wanted first, where the visits do not decide it."""


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
        Centre-to-centre distances of slices and of rows (mm). Plane and spacings are None for a
        reading made on no stack; its protocol matches nothing.
    stack_uid : str or None
    created_at : dt.datetime
        Of two readings alike in all else, the later is the record.
    after_surgery : bool
        Whether the visit lies on or after the day of a surgery that followed the baseline.
    discordant : bool
        Whether the reader found the sequences of the visit to contradict each other.
    pixel_spacing_column_mm : float or None
        Distance of columns (mm); None if it is that of the rows.
    weighting, field_strength_tesla, tilt_degrees, is_regular, role
        Of the stack, as in `herntrack.volumetrics.comparability.Protocol`. Whether the lumbar
        spine is shown is not asked: a person found the lesion there.
    is_proposed : bool
        Whether no reader has accepted it yet.
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
    pixel_spacing_column_mm: float | None = None
    weighting: Weighting | None = None
    field_strength_tesla: float | None = None
    tilt_degrees: float = 0.0
    is_regular: bool = True
    role: ImageRole = ImageRole.DIAGNOSTIC
    is_proposed: bool = False

    @property
    def protocol(self) -> Protocol:
        """How the stack that was read was imaged."""
        row_mm = self.pixel_spacing_mm
        return Protocol(
            modality=self.modality,
            plane=self.plane,
            slice_spacing_mm=self.slice_spacing_mm,
            pixel_spacings_mm=None if row_mm is None else (row_mm, self.pixel_spacing_column_mm or row_mm),
            weighting=self.weighting,
            field_strength_tesla=self.field_strength_tesla,
            tilt_degrees=self.tilt_degrees,
            is_regular=self.is_regular,
            role=self.role,
        )


def is_same_protocol(fact: ReadingFact, baseline: ReadingFact, rules: RuleSet) -> bool:
    """Return whether the protocols of two readings are graded the same."""
    return compare_protocols(fact.protocol, baseline.protocol, rules).grade is Comparability.SAME


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
        Holds the tolerances of a protocol.
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

    def rank(fact: ReadingFact) -> tuple[Any, ...]:
        alike = () if baseline_fact is None else closeness(fact.protocol, baseline_fact.protocol, rules)
        return (not _is_evaluable(fact), *alike, _plane_rank(fact), _voxel_size(fact))

    return min(_latest_first(mine), key=rank)


def _facts_of_record_reader(
    facts: Sequence[ReadingFact], baseline_fact: ReadingFact | None, primary_reader: str | None
) -> list[ReadingFact]:
    """Return the readings of the reader who stands for a visit; none if unresolved."""
    accepted = [fact for fact in facts if not fact.is_proposed]
    facts = accepted or facts
    readers = {fact.reader for fact in facts}
    chosen = [primary_reader, baseline_fact.reader if baseline_fact else None]
    if len(readers) == 1:
        chosen.extend(readers)
    if facts and not accepted:
        # Nobody has judged yet, so nobody disagrees.
        chosen.append(_latest_first(facts)[0].reader)
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

"""Which course each patient of the cohort takes.

Eight archetypes follow each other in order and repeat with other sizes, sides and vendors. Volumes
keep a clear distance from the limits of the default rules, so that a reader's error does not turn
one outcome into another.

Public: `PatientPlan`, `LesionPlan`, `plan_patient`, `ARCHETYPES`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from herntrack.model.vocabulary import HerniationType, Level, Modality, OutcomeClass, Side
from herntrack.phantoms.protocols import Vendor

CENTRAL_WITHIN_MM = 2.5
"""Offsets from the midline up to this are called central (mm)."""

VOLUME_VARIATION = 0.05
"""Largest relative deviation of a repeated archetype's volumes, all visits alike (no unit)."""

NOMINAL_DAYS = (0, 30, 91)
"""Days of the visits before jitter."""

VENDORS = (Vendor.SIEMENS, Vendor.GE, Vendor.PHILIPS)

NUMBER_WORDS = ("One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionPlan:
    """One herniation through the visits.

    Parameters
    ----------
    level : Level
        Disc level.
    herniation_type : HerniationType
        Its shape at every visit.
    volumes_mm3 : tuple of float
        Wanted true volume per visit; 0 where nothing is left.
    side_offset_mm : float
        Offset from the midline, positive to the left.
    migration_mm : float
        Height of its centre above the disc's, negative below.
    expected_outcome : OutcomeClass
        What the default rules make of it.
    """

    level: Level
    herniation_type: HerniationType
    volumes_mm3: tuple[float, ...]
    side_offset_mm: float
    migration_mm: float
    expected_outcome: OutcomeClass

    @property
    def side(self) -> Side:
        """The side it is reported on."""
        if abs(self.side_offset_mm) <= CENTRAL_WITHIN_MM:
            return Side.CENTRAL
        return Side.LEFT if self.side_offset_mm > 0 else Side.RIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientPlan:
    """One patient of the cohort."""

    number: int
    modality: Modality
    vendor: Vendor
    days: tuple[int, ...]
    lesions: tuple[LesionPlan, ...]
    sex: str
    birth_year: int

    @property
    def patient_id(self) -> str:
        """PatientID."""
        return f"S-{self.number:03d}"

    @property
    def patient_name(self) -> str:
        """PatientName; no person has it."""
        known = self.number <= len(NUMBER_WORDS)
        return f"Sample^{NUMBER_WORDS[self.number - 1] if known else f'No{self.number}'}"


def _lesion(
    level: Level,
    kind: HerniationType,
    volumes: tuple[float, ...],
    place: tuple[float, float],
    outcome: OutcomeClass,
) -> LesionPlan:
    return LesionPlan(
        level=level,
        herniation_type=kind,
        volumes_mm3=volumes,
        side_offset_mm=place[0],
        migration_mm=place[1],
        expected_outcome=outcome,
    )


_P, _E, _S = HerniationType.PROTRUSION, HerniationType.EXTRUSION, HerniationType.SEQUESTRATION
_O = OutcomeClass

ARCHETYPES: tuple[tuple[Modality, tuple[LesionPlan, ...]], ...] = (
    (Modality.MR, (_lesion(Level.L5_S1, _S, (900, 700, 0), (4.5, -15.5), _O.RESORPTION),)),
    (Modality.MR, (_lesion(Level.L4_L5, _E, (1250, 1050, 520), (-4, -6), _O.PERSISTENT_REDUCTION),)),
    (Modality.MR, (_lesion(Level.L5_S1, _E, (1100, 480, 1060), (1.5, 5), _O.TRANSIENT_REDUCTION),)),
    (
        Modality.MR,
        (
            _lesion(Level.L4_L5, _E, (1150, 920, 480), (4, 6), _O.PERSISTENT_REDUCTION),
            _lesion(Level.L5_S1, _P, (640, 620, 610), (-3, 0), _O.STABLE),
        ),
    ),
    (Modality.CT, (_lesion(Level.L5_S1, _E, (1200, 1000, 480), (3.5, -5), _O.PERSISTENT_REDUCTION),)),
    (Modality.MR, (_lesion(Level.L4_L5, _P, (650, 820, 1350), (0.5, 0), _O.PROGRESSION),)),
    (Modality.MR, (_lesion(Level.L5_S1, _P, (800, 780, 820), (3.5, 0), _O.STABLE),)),
    (Modality.MR, (_lesion(Level.L4_L5, _S, (1300, 750, 180), (-4.5, 16), _O.RESORPTION),)),
)
"""Modality and lesions of each archetype, in the order of the patients."""


def plan_patient(number: int, *, seed: int) -> PatientPlan:
    """Return the plan of one patient.

    Parameters
    ----------
    number : int
        Counted from 1.
    seed : int
        Seed of the cohort.
    """
    rng = np.random.default_rng([seed, number, 2])
    modality, lesions = ARCHETYPES[(number - 1) % len(ARCHETYPES)]
    factor = float(rng.uniform(1 - VOLUME_VARIATION, 1 + VOLUME_VARIATION))
    is_mirrored = bool(number > len(ARCHETYPES) and rng.random() < 0.5)
    days = tuple(day + int(rng.integers(-2, 5)) if day else 0 for day in NOMINAL_DAYS)
    return PatientPlan(
        number=number,
        modality=modality,
        vendor=VENDORS[(number - 1) % len(VENDORS)],
        days=days,
        lesions=tuple(_varied(lesion, factor=factor, is_mirrored=is_mirrored) for lesion in lesions),
        sex="F" if rng.random() < 0.5 else "M",
        birth_year=int(rng.integers(1965, 1992)),
    )


def _varied(lesion: LesionPlan, *, factor: float, is_mirrored: bool) -> LesionPlan:
    return LesionPlan(
        level=lesion.level,
        herniation_type=lesion.herniation_type,
        volumes_mm3=tuple(volume * factor for volume in lesion.volumes_mm3),
        side_offset_mm=-lesion.side_offset_mm if is_mirrored else lesion.side_offset_mm,
        migration_mm=lesion.migration_mm,
        expected_outcome=lesion.expected_outcome,
    )

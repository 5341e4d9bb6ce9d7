"""The published tables: changes.csv, lesions.csv and outcomes.csv.

`CHANGES`, `LESIONS` and `OUTCOMES` write, read and explain them. The columns of the first
two are a promise to whoever analyses them: names and order stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from herntrack.model.vocabulary import (
    HerniationType,
    Horizon,
    Level,
    Modality,
    OutcomeClass,
    ReadingStatus,
    Side,
    VisitState,
)
from herntrack.reports.columns import Column, Kind, Table
from herntrack.reports.visit_flags import VISIT_FLAGS, VisitFlag
from herntrack.volumetrics.outcome import OutcomeFlag


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One lesion at one visit; see `CHANGES` for every field's meaning.

    None means not measured or not read. `reader` and `series_instance_uid` are empty where
    nobody read or nothing was read from.
    """

    patient_id: str
    lesion_uid: str
    level: Level
    side: Side | None
    visit_date: date
    day: int
    timepoint: str
    modality: Modality | None
    reader: str
    reading_status: ReadingStatus | None
    volume_mm3: float | None
    volume_sigma_mm3: float | None
    change_mm3: float | None
    change_percent: float | None
    change_percent_low: float | None
    change_percent_high: float | None
    visit_state: VisitState | None
    series_instance_uid: str
    flags: tuple[str, ...] = ()

    @property
    def is_proposed(self) -> bool:
        """Whether the visit rests on an outline that software proposed and no reader has accepted."""
        return VisitFlag.PROPOSED.value in self.flags


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionRow:
    """One lesion with the outcome at one horizon; see `LESIONS`."""

    patient_id: str
    lesion_uid: str
    level: Level
    side: Side | None
    type: HerniationType | None
    baseline_date: date | None
    baseline_volume_mm3: float | None
    last_date: date | None
    last_day: int | None
    last_volume_mm3: float | None
    change_percent: float | None
    outcome: OutcomeClass
    outcome_reason: str
    flags: tuple[str, ...]
    outcome_stability: float | None
    primary_or_latest: Horizon
    rules: str
    rules_sha256: str

    @property
    def is_proposed(self) -> bool:
        """Whether the outcome rests on an outline that software proposed and no reader has accepted."""
        return OutcomeFlag.PROPOSED.value in self.flags


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRow:
    """One lesion's outcome at one horizon, with the share of every class; see `OUTCOMES`."""

    patient_id: str
    lesion_uid: str
    level: Level
    side: Side | None
    type: HerniationType | None
    horizon: Horizon
    outcome: OutcomeClass
    outcome_reason: str
    flags: tuple[str, ...]
    visit_states: str
    last_date: date | None
    last_day: int | None
    outcome_stability: float | None
    share_resorption: float | None
    share_persistent_reduction: float | None
    share_transient_reduction: float | None
    share_stable: float | None
    share_progression: float | None
    share_indeterminate: float | None
    rules: str
    rules_sha256: str


_PATIENT = Column(
    name="patient_id",
    kind=Kind.TEXT,
    meaning="Patient, as PatientID in the images or the identifier given at de-identification",
    source="DICOM (0010,0020)",
)
_LESION = Column(
    name="lesion_uid",
    kind=Kind.TEXT,
    meaning="Tracking UID of the lesion, the same at every visit",
    source="herntrack; DICOM Tracking UID (0062,0021)",
    allowed="DICOM UID",
)
_LEVEL = Column(
    name="level",
    kind=Kind.TERM,
    term=Level,
    meaning="Disc level, confirmed once by a person",
    source="reader",
)
_SIDE = Column(
    name="side",
    kind=Kind.TERM,
    term=Side,
    meaning="Side of the herniation from the patient's view; empty if not recorded",
    source="reader",
)
_TYPE = Column(
    name="type",
    kind=Kind.TERM,
    term=HerniationType,
    meaning="Shape of the herniation at baseline (Fardon 2014); empty if not recorded",
    source="reader",
)
_OUTCOME = Column(
    name="outcome",
    kind=Kind.TERM,
    term=OutcomeClass,
    meaning="What became of the lesion on the images; exclusive. It does not describe pain",
    source="rule set",
)
_OUTCOME_REASON = Column(
    name="outcome_reason", kind=Kind.TEXT, meaning="The rule that decided, in words", source="rule set"
)
_OUTCOME_FLAGS = Column(
    name="flags",
    kind=Kind.FLAGS,
    meaning="What to know besides the outcome, joined by ;",
    source="rule set",
    allowed=" | ".join(OutcomeFlag),
)
_STABILITY = Column(
    name="outcome_stability",
    kind=Kind.DECIMAL,
    decimals=4,
    unit="1",
    allowed="0 to 1",
    meaning="Share of redraws from the volumes' errors that give this outcome;"
    " an index of stability, not a posterior probability",
    source="error model, fixed seed",
)
_RULES = Column(name="rules", kind=Kind.TEXT, meaning="Name and version of the rule set", source="rule file")
_RULES_SHA256 = Column(
    name="rules_sha256",
    kind=Kind.TEXT,
    meaning="SHA-256 of the rule file",
    source="rule file",
    allowed="64 hexadecimal digits",
)


def _date(name: str, meaning: str, source: str = "DICOM (0008,0020)") -> Column:
    return Column(name=name, kind=Kind.DATE, meaning=meaning, source=source, allowed="YYYY-MM-DD")


def _day(name: str, meaning: str) -> Column:
    return Column(name=name, kind=Kind.INTEGER, unit="d", meaning=meaning, source="visit dates")


def _number(name: str, unit: str, meaning: str, *, source: str, allowed: str = "") -> Column:
    return Column(name=name, kind=Kind.DECIMAL, unit=unit, meaning=meaning, source=source, allowed=allowed)


def _volume(name: str, meaning: str) -> Column:
    source = "mask and grid: voxel count x voxel volume, centre-to-centre slice spacing"
    return _number(name, "mm3", meaning, source=source, allowed=">= 0; 0 is measured, empty is not")


def _percent(name: str, meaning: str) -> Column:
    return _number(name, "%", meaning, source="volumes and error model", allowed=">= -100")


def _share(outcome: OutcomeClass) -> Column:
    return Column(
        name=f"share_{outcome.value}",
        kind=Kind.DECIMAL,
        decimals=4,
        unit="1",
        allowed="0 to 1",
        meaning=f"Share of redraws that give {outcome.value}",
        source="error model, fixed seed",
    )


CHANGES: Table[ChangeRow] = Table(
    name="changes",
    record=ChangeRow,
    columns=(
        _PATIENT,
        _LESION,
        _LEVEL,
        _SIDE,
        _date("visit_date", "Date of the visit's images"),
        _day("day", "Days since baseline; baseline is 0"),
        Column(
            name="timepoint",
            kind=Kind.TEXT,
            meaning="Nominal time point that the day belongs to",
            source="visit windows of the workspace",
            allowed="baseline | name of a window | unscheduled",
        ),
        Column(
            name="modality",
            kind=Kind.TERM,
            term=Modality,
            meaning="How the images that were read were made",
            source="DICOM (0008,0060)",
        ),
        Column(name="reader", kind=Kind.TEXT, meaning="Who read; empty if nobody did", source="reading"),
        Column(
            name="reading_status",
            kind=Kind.TERM,
            term=ReadingStatus,
            meaning="What the reader said of the lesion; empty if the visit is unread",
            source="reading",
        ),
        _volume("volume_mm3", "Volume of the lesion, all fragments together"),
        _number(
            "volume_sigma_mm3",
            "mm3",
            "Standard error of the volume; with the larger surface error where reader or protocol is not"
            " the baseline's, or where one of both outlines is a proposal that no reader has accepted",
            source="error model of the rule set",
            allowed="> 0",
        ),
        _number("change_mm3", "mm3", "Volume minus baseline volume", source="volumes"),
        _percent("change_percent", "Change in per cent of the baseline volume"),
        _percent("change_percent_low", "Lower limit of the 95 % interval of change_percent"),
        _percent(
            "change_percent_high",
            "Upper limit of the 95 % interval of change_percent; empty beside a stated lower limit"
            " if the baseline is too uncertain for an upper one",
        ),
        Column(
            name="visit_state",
            kind=Kind.TERM,
            term=VisitState,
            meaning="State of the visit against baseline; empty if unread",
            source="rule set",
        ),
        Column(
            name="series_instance_uid",
            kind=Kind.TEXT,
            meaning="Series that was read; empty if none",
            source="DICOM (0020,000E)",
            allowed="DICOM UID",
        ),
        Column(
            name="flags",
            kind=Kind.FLAGS,
            meaning="What to know besides the number, joined by ;",
            source="herntrack",
            allowed=" | ".join(VISIT_FLAGS),
        ),
    ),
)
"""One row for each lesion and visit."""

LESIONS: Table[LesionRow] = Table(
    name="lesions",
    record=LesionRow,
    columns=(
        _PATIENT,
        _LESION,
        _LEVEL,
        _SIDE,
        _TYPE,
        _date("baseline_date", "Date of the baseline's images"),
        _volume("baseline_volume_mm3", "Volume at baseline"),
        _date("last_date", "Date of the last evaluable visit that the outcome uses"),
        _day("last_day", "Days from baseline to that visit"),
        _volume("last_volume_mm3", "Volume at that visit"),
        _percent("change_percent", "Change from baseline to that visit in per cent of the baseline volume"),
        _OUTCOME,
        _OUTCOME_REASON,
        _OUTCOME_FLAGS,
        _STABILITY,
        Column(
            name="primary_or_latest",
            kind=Kind.TERM,
            term=Horizon,
            meaning="Which visits the outcome uses: up to the primary limit, or all",
            source="report",
        ),
        _RULES,
        _RULES_SHA256,
    ),
)
"""One row for each lesion."""

OUTCOMES: Table[OutcomeRow] = Table(
    name="outcomes",
    record=OutcomeRow,
    columns=(
        _PATIENT,
        _LESION,
        _LEVEL,
        _SIDE,
        _TYPE,
        Column(
            name="horizon",
            kind=Kind.TERM,
            term=Horizon,
            meaning="Which visits the outcome uses: up to the primary limit, or all",
            source="rule set",
        ),
        _OUTCOME,
        _OUTCOME_REASON,
        _OUTCOME_FLAGS,
        Column(
            name="visit_states",
            kind=Kind.TEXT,
            meaning="One letter for each follow-up visit used: A absent, D reduced, I enlarged, N no change,"
            " U not evaluable",
            source="rule set",
            allowed="letters A D I N U",
        ),
        _date("last_date", "Date of the last evaluable visit that the outcome uses"),
        _day("last_day", "Days from baseline to that visit"),
        _STABILITY,
        *(_share(outcome) for outcome in OutcomeClass),
        _RULES,
        _RULES_SHA256,
    ),
)
"""One row for each lesion and horizon."""

ALL_TABLES: tuple[Table[ChangeRow], Table[LesionRow], Table[OutcomeRow]] = (CHANGES, LESIONS, OUTCOMES)
"""Every table of a report."""

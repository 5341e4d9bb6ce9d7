"""Outcomes from a table of volumes: a CSV file with one row per lesion and visit.

For volumes that were measured elsewhere. Columns, in any order::

    lesion_uid            which lesion
    day                   days from baseline; the row of day 0 is the baseline
    volume_mm3            empty for an absent or not evaluable reading
    modality              MR or CT
    status                present, absent or not_evaluable
    protocol, reader      optional; a visit is compared with the smaller error only if both
                          are those of the baseline
    after_surgery         optional, true or false
    sequences_discordant  optional, true or false

Other columns are ignored. Commas, semicolons and tabs separate; with semicolons a comma may
be the decimal sign. A lesion with a row that cannot be used is set aside, with the
line and what to correct; the other lesions are decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from herntrack.errors import VolumeTableError
from herntrack.model.vocabulary import Horizon, OutcomeClass
from herntrack.volumetrics.outcome import OutcomeFlag, decide_outcome
from herntrack.volumetrics.rules import RuleSet
from herntrack.volumetrics.stability import outcome_stability
from herntrack.volumetrics.visits import SEQUENCES_DISCORDANT, Baseline, FollowUpVisit, LesionVolumes
from herntrack.workflows.reporting.volume_csv import RowError, VolumeRow, parse_row, read_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAsideLesion:
    """A lesion that was not decided, and what to correct.

    Parameters
    ----------
    lesion_uid : str
        Empty if the row names none.
    line : int
        Line of the file, the header is line 1.
    column : str
    value : str
        As it stands in the file.
    problem : str
        What is wrong and how to put it right.
    """

    lesion_uid: str
    line: int
    column: str
    value: str
    problem: str

    @property
    def message(self) -> str:
        """One line for a person."""
        return f"line {self.line}, {self.column} = {self.value!r}: {self.problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeTable:
    """What a table holds.

    Parameters
    ----------
    lesions : tuple of LesionVolumes
        Lesions that can be decided, in the order in which they first appear.
    set_aside : tuple of SetAsideLesion
        The others, with the first fault of each.
    """

    lesions: tuple[LesionVolumes, ...]
    set_aside: tuple[SetAsideLesion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionOutcomeRow:
    """The outcome of one lesion of the table.

    Parameters
    ----------
    lesion_uid : str
    visit_states : str
        One letter for each visit that counts: A, D, I, N or U.
    outcome : OutcomeClass
    outcome_reason : str
    flags : tuple of OutcomeFlag
    outcome_stability : float
        Share of this outcome among redrawn volumes, 0 to 1.
    """

    lesion_uid: str
    visit_states: str
    outcome: OutcomeClass
    outcome_reason: str
    flags: tuple[OutcomeFlag, ...]
    outcome_stability: float

    def as_dict(self) -> dict[str, str | float | list[str]]:
        """Return plain values for JSON, under the names of the fields."""
        return {
            "lesion_uid": self.lesion_uid,
            "visit_states": self.visit_states,
            "outcome": self.outcome.value,
            "outcome_reason": self.outcome_reason,
            "flags": [flag.value for flag in self.flags],
            "outcome_stability": self.outcome_stability,
        }


def classify_volume_table(
    path: Path, rules: RuleSet, *, horizon: Horizon = Horizon.LATEST
) -> tuple[list[LesionOutcomeRow], list[SetAsideLesion]]:
    """Decide every lesion of a table.

    Parameters
    ----------
    path : Path
        The CSV file.
    rules : RuleSet
        Thresholds.
    horizon : Horizon
        Which visits count.

    Returns
    -------
    tuple of two lists
        Outcomes in the order of the table, and the lesions set aside.

    Raises
    ------
    VolumeTableError
        If the file cannot be read as such a table.
    """
    table = read_volume_table(path)
    rows = []
    for lesion in table.lesions:
        decision = decide_outcome(lesion.baseline, lesion.visits, rules, horizon=horizon)
        stability = outcome_stability(lesion.baseline, lesion.visits, rules, horizon=horizon)
        rows.append(
            LesionOutcomeRow(
                lesion_uid=lesion.lesion_uid,
                visit_states=decision.visit_states,
                outcome=decision.outcome,
                outcome_reason=decision.reason,
                flags=decision.flags,
                outcome_stability=stability.decided_share,
            )
        )
    return rows, list(table.set_aside)


def read_volume_table(path: Path) -> VolumeTable:
    """Read a table of volumes.

    Parameters
    ----------
    path : Path
        CSV file in UTF-8, with or without a byte order mark.

    Raises
    ------
    VolumeTableError
        If there is no such file, it is empty or no text, or a required column is missing.
    """
    rows: dict[str, list[VolumeRow]] = {}
    nameless: list[SetAsideLesion] = []
    faults: dict[str, RowError] = {}
    for line in read_lines(path):
        uid = line["lesion_uid"]
        rows.setdefault(uid, [])
        try:
            rows[uid].append(parse_row(line))
        except RowError as fault:
            # Rows come in the order of the file: the first fault is the one to correct first.
            faults.setdefault(uid, fault)
            if not uid:
                nameless.append(_set_aside(uid, fault))
    if not rows:
        raise VolumeTableError(
            f"{path}: the table has a header and no row; add one row for each lesion and visit"
        )
    lesions = []
    for uid, lesion_rows in rows.items():
        if uid in faults:
            continue
        try:
            lesions.append(_lesion(uid, lesion_rows))
        except RowError as fault:
            faults[uid] = fault
    set_aside = [*nameless, *(_set_aside(uid, fault) for uid, fault in faults.items() if uid)]
    set_aside.sort(key=lambda lesion: lesion.line)
    return VolumeTable(lesions=tuple(lesions), set_aside=tuple(set_aside))


def _set_aside(uid: str, fault: RowError) -> SetAsideLesion:
    return SetAsideLesion(
        lesion_uid=uid, line=fault.line, column=fault.column, value=fault.value, problem=fault.problem
    )


def _lesion(uid: str, rows: Sequence[VolumeRow]) -> LesionVolumes:
    by_day: dict[int, VolumeRow] = {}
    for row in rows:
        if row.day in by_day:
            problem = f"line {by_day[row.day].line} has the same day; keep one row for each visit"
            raise RowError(row.line, "day", str(row.day), problem)
        by_day[row.day] = row
    if 0 not in by_day:
        days = ", ".join(str(day) for day in sorted(by_day))
        problem = "no row of this lesion has day 0; add its baseline"
        raise RowError(rows[0].line, "day", days, problem)
    first = by_day.pop(0)
    if first.is_after_surgery:
        problem = "a baseline lies before surgery; correct the day or after_surgery"
        raise RowError(first.line, "after_surgery", "true", problem)
    return LesionVolumes(
        lesion_uid=uid,
        baseline=Baseline(
            volume_mm3=first.volume_mm3,
            modality=first.modality,
            status=first.status,
            problems=(SEQUENCES_DISCORDANT,) if first.is_discordant else (),
        ),
        visits=tuple(_visit(by_day[day], first) for day in sorted(by_day)),
    )


def _visit(row: VolumeRow, first: VolumeRow) -> FollowUpVisit:
    return FollowUpVisit(
        day=row.day,
        volume_mm3=row.volume_mm3,
        status=row.status,
        modality=row.modality,
        is_same_protocol_and_reader=row.protocol_and_reader == first.protocol_and_reader,
        is_after_surgery=row.is_after_surgery,
        is_discordant=row.is_discordant,
    )

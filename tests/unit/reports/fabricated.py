"""A cohort that never was: invented patients, phantom images, outcomes by the real rules."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from herntrack._typing import MaskZYX, VolumeZYX
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.timepoints import timepoint_of_day
from herntrack.model.vocabulary import (
    HerniationType,
    Horizon,
    Level,
    Modality,
    ReadingStatus,
    Side,
    VisitState,
)
from herntrack.reports.key_images import KeyImage, KeyStrip, render_key_strip
from herntrack.reports.records import CohortReport, LesionDetail, SetAside
from herntrack.reports.tables import ChangeRow, LesionRow, OutcomeRow
from herntrack.volumetrics.error_model import sigma_mm3, volume_change
from herntrack.volumetrics.outcome import (
    Baseline,
    FollowUpVisit,
    LesionVolumes,
    decide_outcome,
    decide_visit_state,
)
from herntrack.volumetrics.rules import RuleSet, load_rules
from herntrack.volumetrics.sensitivity import sensitivity_table
from herntrack.volumetrics.stability import outcome_stability

BASELINE_DATE = date(2024, 1, 15)
CENTRE_LPS = (2.0, 30.0, -40.0)


@dataclass(frozen=True, kw_only=True)
class Course:
    """Volumes by day; None is a visit that cannot be evaluated, a missing day was not imaged."""

    patient_id: str
    level: Level
    side: Side | None
    type: HerniationType | None
    volumes_mm3: dict[int, float | None]
    unread_days: tuple[int, ...] = ()

    @property
    def lesion_uid(self) -> str:
        digest = hashlib.sha256(f"{self.patient_id} {self.level.value}".encode()).hexdigest()
        return f"2.25.{int(digest[:16], 16)}"


COURSES = (
    Course(
        patient_id="P-01",
        level=Level.L5_S1,
        side=Side.LEFT,
        type=HerniationType.EXTRUSION,
        volumes_mm3={0: 1020.0, 30: 560.0, 92: 410.0},
    ),
    Course(
        patient_id="P-02",
        level=Level.L4_L5,
        side=Side.RIGHT,
        type=HerniationType.SEQUESTRATION,
        volumes_mm3={0: 1480.0, 33: 720.0, 95: 0.0, 180: 0.0},
    ),
    Course(
        patient_id="P-03",
        level=Level.L4_L5,
        side=Side.CENTRAL,
        type=HerniationType.PROTRUSION,
        volumes_mm3={0: 1000.0, 30: 500.0, 91: 960.0},
    ),
    Course(
        patient_id="P-04",
        level=Level.L5_S1,
        side=Side.RIGHT,
        type=HerniationType.PROTRUSION,
        volumes_mm3={0: 640.0, 29: None, 88: 590.0},
    ),
    Course(
        patient_id="P-05",
        level=Level.L3_L4,
        side=Side.LEFT,
        type=None,
        volumes_mm3={0: 760.0, 35: 1010.0, 98: 1430.0},
    ),
    Course(
        patient_id="P-06",
        level=Level.L5_S1,
        side=None,
        type=HerniationType.EXTRUSION,
        volumes_mm3={0: 900.0, 31: 450.0},
        unread_days=(90,),
    ),
    Course(
        patient_id="P-01",
        level=Level.L4_L5,
        side=Side.LEFT,
        type=HerniationType.PROTRUSION,
        volumes_mm3={0: 520.0, 30: 430.0, 92: 250.0},
    ),
)


def rules() -> RuleSet:
    return load_rules()


def fabricated_report(*, with_images: bool = True, with_truth: bool = True) -> CohortReport:
    """Seven lesions of six patients: one of every outcome, an unread and an unevaluable visit."""
    rule_set = rules()
    volumes = [lesion_volumes(course) for course in COURSES]
    outcomes = [row for course in COURSES for row in outcome_rows(course, rule_set)]
    return CohortReport(
        title="Sample cohort of lumbar disc herniations",
        created_at=datetime(2024, 6, 1, 9, 30, tzinfo=UTC),
        software_version="0.1.0",
        rules=rule_set,
        changes=tuple(row for course in COURSES for row in change_rows(course, rule_set)),
        lesions=tuple(
            lesion_row(
                course,
                next(
                    o for o in outcomes if o.lesion_uid == course.lesion_uid and o.horizon is Horizon.LATEST
                ),
            )
            for course in COURSES
        ),
        outcomes=tuple(outcomes),
        details=tuple(detail(course, with_images=with_images, with_truth=with_truth) for course in COURSES),
        sensitivity=sensitivity_table(volumes, rule_set),
        set_aside=(
            SetAside(
                code="not_dicom", reason="no DICOM preamble and no readable header", where="exports", count=12
            ),
            SetAside(code="localizer", reason="three orientations in one series", where="exports", count=3),
        ),
        warnings=("2 patients have no PatientID in their files; identifiers were derived.",),
    )


def lesion_volumes(course: Course) -> LesionVolumes:
    baseline, visits = facts(course)
    return LesionVolumes(lesion_uid=course.lesion_uid, baseline=baseline, visits=visits)


def facts(course: Course) -> tuple[Baseline, tuple[FollowUpVisit, ...]]:
    visits = tuple(
        FollowUpVisit(day=day, volume_mm3=volume, status=status_of(volume), modality=Modality.MR)
        for day, volume in course.volumes_mm3.items()
        if day > 0
    )
    return Baseline(volume_mm3=course.volumes_mm3[0], modality=Modality.MR), visits


def status_of(volume_mm3: float | None) -> ReadingStatus:
    if volume_mm3 is None:
        return ReadingStatus.NOT_EVALUABLE
    return ReadingStatus.ABSENT if volume_mm3 == 0.0 else ReadingStatus.PRESENT


def date_of(day: int) -> date:
    return BASELINE_DATE + timedelta(days=day)


def change_rows(course: Course, rule_set: RuleSet) -> list[ChangeRow]:
    rows = [_read_row(course, day, volume, rule_set) for day, volume in course.volumes_mm3.items()]
    for day in course.unread_days:
        rows.append(
            replace(
                _row(course, day),
                modality=Modality.MR,
                reader="",
                reading_status=None,
                visit_state=None,
                series_instance_uid="",
            )
        )
    return rows


def _row(course: Course, day: int) -> ChangeRow:
    return ChangeRow(
        patient_id=course.patient_id,
        lesion_uid=course.lesion_uid,
        level=course.level,
        side=course.side,
        visit_date=date_of(day),
        day=day,
        timepoint=timepoint_of_day(day),
        modality=Modality.MR,
        reader="Reader A",
        reading_status=ReadingStatus.NOT_EVALUABLE,
        volume_mm3=None,
        volume_sigma_mm3=None,
        change_mm3=None,
        change_percent=None,
        change_percent_low=None,
        change_percent_high=None,
        visit_state=VisitState.NOT_EVALUABLE,
        series_instance_uid=f"2.25.{day + 1}",
    )


def _read_row(course: Course, day: int, volume: float | None, rule_set: RuleSet) -> ChangeRow:
    row = _row(course, day)
    if volume is None:
        return row
    row = replace(
        row,
        reading_status=status_of(volume),
        volume_mm3=volume,
        volume_sigma_mm3=sigma_mm3(
            volume, boundary_k_mm=rule_set.boundary_k_same_mm, floor_mm3=rule_set.volume_floor_mm3
        ),
    )
    if day == 0:
        return replace(row, visit_state=VisitState.BASELINE)
    baseline, visits = facts(course)
    change = volume_change(
        baseline.comparable_mm3,
        volume,
        boundary_k_mm=rule_set.boundary_k_same_mm,
        floor_mm3=rule_set.volume_floor_mm3,
    )
    visit = next(visit for visit in visits if visit.day == day)
    return replace(
        row,
        change_mm3=change.change_mm3,
        change_percent=change.change_percent,
        change_percent_low=change.change_percent_low,
        change_percent_high=change.change_percent_high,
        visit_state=decide_visit_state(baseline, visit, rule_set),
    )


def outcome_rows(course: Course, rule_set: RuleSet) -> list[OutcomeRow]:
    baseline, visits = facts(course)
    rows = []
    for horizon in Horizon:
        decision = decide_outcome(baseline, visits, rule_set, horizon=horizon)
        stability = outcome_stability(baseline, visits, rule_set, horizon=horizon)
        rows.append(
            OutcomeRow(
                patient_id=course.patient_id,
                lesion_uid=course.lesion_uid,
                level=course.level,
                side=course.side,
                type=course.type,
                horizon=horizon,
                outcome=decision.outcome,
                outcome_reason=decision.reason,
                flags=tuple(flag.value for flag in decision.flags),
                visit_states=decision.visit_states,
                last_date=None if decision.last_day is None else date_of(decision.last_day),
                last_day=decision.last_day,
                outcome_stability=stability.index,
                rules=f"{rule_set.name} {rule_set.version}",
                rules_sha256=rule_set.sha256,
                **{f"share_{outcome.value}": share for outcome, share in stability.shares.items()},
            )
        )
    return rows


def lesion_row(course: Course, outcome: OutcomeRow) -> LesionRow:
    baseline_mm3 = course.volumes_mm3[0]
    last_mm3 = None if outcome.last_day is None else course.volumes_mm3[outcome.last_day]
    return LesionRow(
        patient_id=course.patient_id,
        lesion_uid=course.lesion_uid,
        level=course.level,
        side=course.side,
        type=course.type,
        baseline_date=BASELINE_DATE,
        baseline_volume_mm3=baseline_mm3,
        last_date=outcome.last_date,
        last_day=outcome.last_day,
        last_volume_mm3=last_mm3,
        change_percent=100.0 * (last_mm3 / baseline_mm3 - 1.0)
        if baseline_mm3 and last_mm3 is not None
        else None,
        outcome=outcome.outcome,
        outcome_reason=outcome.outcome_reason,
        flags=outcome.flags,
        outcome_stability=outcome.outcome_stability,
        primary_or_latest=outcome.horizon,
        rules=outcome.rules,
        rules_sha256=outcome.rules_sha256,
    )


def detail(course: Course, *, with_images: bool, with_truth: bool) -> LesionDetail:
    read = {day: volume for day, volume in course.volumes_mm3.items() if volume is not None}
    return LesionDetail(
        lesion_uid=course.lesion_uid,
        key_strips=(key_strip(course, read),) if with_images else (),
        visit_notes={
            date_of(day): "motion, canal not delineated"
            for day, volume in course.volumes_mm3.items()
            if volume is None
        },
        truth_mm3={date_of(day): 1.04 * volume for day, volume in read.items()} if with_truth else {},
    )


def key_strip(course: Course, read: dict[int, float]) -> KeyStrip:
    """Baseline and last visit, the second one on a grid with other, non-square pixels."""
    days = sorted(read)
    chosen = [days[0], days[-1]] if len(days) > 1 else days
    spacings = ((4.4, 0.7, 0.7), (4.0, 0.6, 0.8))
    images = []
    for day, spacing in zip(chosen, spacings, strict=False):
        volume = read[day]
        geometry = sagittal_grid(spacing)
        values, mask = phantom(geometry, volume_mm3=volume)
        images.append(
            KeyImage(
                values=values,
                geometry=geometry,
                modality=Modality.MR,
                visit_date=date_of(day),
                day=day,
                timepoint=timepoint_of_day(day),
                level=course.level,
                status=status_of(volume),
                mask=mask if volume else None,
                centre_lps=CENTRE_LPS,
                volume_mm3=volume,
                volume_sigma_mm3=sigma_mm3(volume, boundary_k_mm=1.6, floor_mm3=20.0),
            )
        )
    return render_key_strip(images)


def sagittal_grid(
    spacing_zyx: tuple[float, float, float], *, field_mm: float = 130.0, n_slices: int = 11
) -> VolumeGeometry:
    """A sagittal stack centred on `CENTRE_LPS`: rows run to posterior, columns to the feet."""
    shape = (n_slices, round(field_mm / spacing_zyx[1]), round(field_mm / spacing_zyx[2]))
    affine = np.eye(4)
    affine[:3, :3] = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]]) * np.asarray(spacing_zyx)
    middle = (np.asarray(shape) - 1) / 2
    affine[:3, 3] = np.asarray(CENTRE_LPS) - affine[:3, :3] @ middle
    return VolumeGeometry(affine_lps=affine, shape_zyx=shape)


def phantom(geometry: VolumeGeometry, *, volume_mm3: float) -> tuple[VolumeZYX, MaskZYX]:
    """Vertebrae, discs and a canal in grey, with an ellipsoid behind the middle disc."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape_zyx), indexing="ij"), axis=-1)
    points = geometry.index_to_lps(index) - np.asarray(CENTRE_LPS)
    behind, height = points[..., 1], -points[..., 2]
    values = np.full(geometry.shape_zyx, 60.0)
    is_spine = (behind > -34) & (behind < -4)
    values[is_spine] = 140.0
    values[is_spine & (np.abs(np.mod(height + 18, 36) - 18) < 4.5)] = 80.0
    values[(behind > 1) & (behind < 16)] = 230.0
    radius = (volume_mm3 / (4.0 / 3.0 * np.pi * 0.9 * 1.4 * 1.0)) ** (1 / 3)
    axes = np.array([radius, 0.9 * radius, 1.4 * radius])
    mask = (
        ((points / np.maximum(axes, 1e-9)) ** 2).sum(axis=-1) <= 1.0
        if volume_mm3
        else np.zeros(values.shape, bool)
    )
    values[mask] = 95.0
    rng = np.random.default_rng(7)
    values += rng.normal(0.0, 6.0, values.shape)
    return values.astype(np.float32), mask

"""Outcomes that flip under other thresholds."""

from __future__ import annotations

from dataclasses import replace

from herntrack.model.vocabulary import Horizon, Modality, ReadingStatus
from herntrack.volumetrics.rules import load_rules
from herntrack.volumetrics.sensitivity import sensitivity_table
from herntrack.volumetrics.visits import Baseline, FollowUpVisit, LesionVolumes

RULES = load_rules()


def lesion(uid: str, v0: float, *visits: tuple[int, float], is_same: bool = True) -> LesionVolumes:
    return LesionVolumes(
        lesion_uid=uid,
        baseline=Baseline(volume_mm3=v0, modality=Modality.MR),
        visits=tuple(
            FollowUpVisit(
                day=day,
                volume_mm3=volume,
                status=ReadingStatus.PRESENT,
                modality=Modality.MR,
                is_same_protocol_and_reader=is_same,
            )
            for day, volume in visits
        ),
    )


COHORT = [
    lesion("2.25.1", 1000.0, (91, 400.0)),  # 60 %: resorption under 50 %
    lesion("2.25.2", 1000.0, (91, 200.0)),  # 80 %: no resorption under 90 %
    lesion("2.25.3", 1000.0, (91, 560.0)),  # z 2.25 at k 1.6, 1.65 at k 2.2
    lesion("2.25.4", 1000.0, (65, 560.0)),  # early unless the landmark is day 60
    lesion("2.25.5", 1000.0, (75, 560.0)),  # early if the landmark is day 84; z as 2.25.3
]


def test_each_threshold_flips_the_lesions_it_should() -> None:
    flipped = {(row.parameter, row.value): row.flipped for row in sensitivity_table(COHORT, RULES)}
    assert flipped == {
        ("resorption_fraction", 0.5): ("2.25.1",),
        ("resorption_fraction", 0.75): (),
        ("resorption_fraction", 0.9): ("2.25.2",),
        ("boundary_k_same_mm", 1.2): (),
        ("boundary_k_same_mm", 1.6): (),
        ("boundary_k_same_mm", 2.2): ("2.25.3", "2.25.5"),
        ("landmark_day", 60): ("2.25.4",),
        ("landmark_day", 70): (),
        ("landmark_day", 84): ("2.25.5",),
    }


def test_rows_tell_the_current_value_and_the_cohort() -> None:
    rows = sensitivity_table(COHORT, RULES)
    assert [row.value for row in rows if row.is_current] == [0.75, 1.6, 70]
    assert {row.n_lesions for row in rows} == {5}
    assert [row.n_flipped for row in rows] == [1, 0, 1, 0, 0, 2, 1, 0, 1]


def test_the_mixed_error_moves_along() -> None:
    # z = 550 / hypot(sigma(1000), sigma(450)): 2.13 at k 2.2, 2.80 at 1.65 (1.2 of the same
    # reader), 1.56 at 3.03 (2.2 of the same reader).
    mixed = lesion("2.25.6", 1000.0, (91, 450.0), is_same=False)
    flipped = {row.value: row.flipped for row in sensitivity_table([mixed], RULES) if "_k_" in row.parameter}
    assert flipped == {1.2: (), 1.6: (), 2.2: ("2.25.6",)}


def test_the_horizon_limits_the_visits() -> None:
    late = lesion("2.25.7", 1000.0, (91, 1000.0), (365, 400.0))
    latest = sensitivity_table([late], RULES)[0]
    primary = sensitivity_table([late], RULES, horizon=Horizon.PRIMARY)[0]
    assert (latest.flipped, primary.flipped) == (("2.25.7",), ())


def test_a_landmark_beyond_the_primary_horizon_moves_it() -> None:
    short = replace(RULES, primary_last_day=72)
    rows = sensitivity_table(COHORT, short)
    assert rows[-1].value == 84
    assert rows[-1].flipped == ("2.25.5",)


def test_an_empty_cohort_has_a_table_too() -> None:
    assert [row.n_flipped for row in sensitivity_table([], RULES)] == [0] * 9

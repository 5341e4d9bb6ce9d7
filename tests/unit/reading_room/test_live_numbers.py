"""A draft's numbers are those the same volume has once it is stored."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from herntrack.model.vocabulary import Modality, OutcomeClass, Plane, ReadingStatus, VisitState
from herntrack.reading_room.live_numbers import LiveContext, LiveNumbers, LivePicture
from herntrack.volumetrics.error_model import sigma_mm3, volume_change
from herntrack.volumetrics.followup import ReadingFact
from herntrack.volumetrics.rules import load_rules

RULES = load_rules()
DAY_0 = date(2024, 1, 1)
VOXEL = 2.0
SIGMA_400_SAME = sigma_mm3(400.0, boundary_k_mm=1.6, floor_mm3=20.0)
SIGMA_400_MIXED = sigma_mm3(400.0, boundary_k_mm=2.2, floor_mm3=20.0)


def fact(day: int, volume: float | None = None, **values: object) -> ReadingFact:
    given = {
        "reading_uid": f"2.25.{day}",
        "visit_date": DAY_0 + timedelta(days=day),
        "reader": "R1",
        "status": ReadingStatus.PRESENT,
        "volume_mm3": volume,
        "modality": Modality.MR,
        "plane": Plane.SAGITTAL,
        "slice_spacing_mm": 4.4,
        "pixel_spacing_mm": 0.6,
        "stack_uid": f"S{day}",
        "created_at": datetime(2024, 6, 1, tzinfo=UTC) + timedelta(days=day),
    }
    return ReadingFact(**(given | values))  # type: ignore[arg-type]


def live(draft: ReadingFact, *stored: ReadingFact, **values: object) -> LiveNumbers:
    return LiveNumbers(
        LiveContext(rules=RULES, voxel_volume_mm3=VOXEL, draft=draft, stored=stored, **values)  # type: ignore[arg-type]
    )


def test_volume_and_error_follow_the_voxels() -> None:
    picture = live(fact(0)).update(500)
    assert picture.volume_mm3 == 1000.0
    assert picture.sigma_mm3 == pytest.approx(161.2, abs=0.1)


def test_a_follow_up_is_compared_with_the_stored_baseline() -> None:
    picture = live(fact(95), fact(0, 1000.0), fact(30, 900.0)).update(200)
    change = volume_change(
        1000.0, 400.0, boundary_k_mm=RULES.boundary_k_same_mm, floor_mm3=RULES.volume_floor_mm3
    )
    assert picture.change == change
    assert picture.state is VisitState.REDUCED
    assert picture.outcome is OutcomeClass.PERSISTENT_REDUCTION
    assert picture.reason == "reduced at last visit >= day 70"
    assert (picture.reason_key, picture.reason_numbers["landmark"]) == ("reduced", "70")
    assert [(each.day, each.volume_mm3, each.is_draft) for each in picture.points] == [
        (0, 1000.0, False),
        (30, 900.0, False),
        (95, 400.0, True),
    ]
    assert [each.state for each in picture.points] == [
        VisitState.BASELINE,
        VisitState.NO_CHANGE,
        VisitState.REDUCED,
    ]
    last = picture.points[-1]
    assert last.low_mm3 is not None
    assert last.high_mm3 is not None
    assert (last.low_mm3 + last.high_mm3) / 2 == pytest.approx(400.0)


@pytest.mark.parametrize(
    ("n_voxels", "state"),
    [
        (500, VisitState.NO_CHANGE),
        (200, VisitState.REDUCED),
        (900, VisitState.ENLARGED),
        (0, VisitState.REDUCED),
    ],
)
def test_the_state_changes_with_the_paint(n_voxels: int, state: VisitState) -> None:
    numbers = live(fact(95), fact(0, 1000.0))
    assert numbers.update(n_voxels).state is state
    assert numbers.update(500).state is VisitState.NO_CHANGE


def test_absent_is_the_readers_word() -> None:
    picture = live(fact(95), fact(0, 1000.0)).update(0, ReadingStatus.ABSENT)
    assert picture.state is VisitState.ABSENT
    assert picture.outcome is OutcomeClass.RESORPTION
    assert picture.volume_mm3 == 0.0


def test_a_visit_that_is_not_evaluable_has_no_volume() -> None:
    picture = live(fact(95), fact(0, 1000.0)).update(40, ReadingStatus.NOT_EVALUABLE)
    assert (picture.volume_mm3, picture.sigma_mm3, picture.change) == (None, None, None)
    assert picture.state is VisitState.NOT_EVALUABLE
    assert picture.points[-1].volume_mm3 is None
    assert picture.problems


def test_the_baseline_itself_decides_the_later_visits() -> None:
    numbers = live(fact(0), fact(95, 400.0))
    picture = numbers.update(500)
    assert (picture.state, picture.change) == (VisitState.BASELINE, None)
    assert picture.outcome is OutcomeClass.PERSISTENT_REDUCTION
    assert numbers.update(190).outcome is OutcomeClass.STABLE


def test_another_protocol_is_said_and_not_compared() -> None:
    picture = live(fact(95, modality=Modality.CT), fact(0, 1000.0)).update(200)
    assert (picture.change, picture.state) == (None, VisitState.NOT_EVALUABLE)
    assert picture.problems == ("modality_differs",)


def test_a_second_reader_sees_his_own_change_and_that_he_does_not_decide() -> None:
    others = (fact(0, 1000.0), fact(95, 980.0))
    picture = live(fact(95, reading_uid="2.25.7", reader="R2"), *others).update(200)
    assert picture.state is VisitState.REDUCED
    assert not picture.is_of_record
    assert picture.outcome is OutcomeClass.STABLE
    later = others[1].created_at + timedelta(hours=1)
    assert live(fact(95, reading_uid="2.25.7", created_at=later), *others).update(200).is_of_record


def test_readings_before_the_day_0_that_a_person_chose_do_not_count() -> None:
    day_0 = DAY_0 + timedelta(days=30)
    numbers = live(fact(95), fact(0, 300.0), fact(30, 1000.0), confirmed_day_0=day_0)
    assert [each.day for each in numbers.update(200).points] == [0, 65]
    before = live(fact(0), fact(30, 1000.0), confirmed_day_0=day_0)
    alone = live(fact(0)).update(200).sigma_mm3
    assert before.update(200) == LivePicture(volume_mm3=400.0, sigma_mm3=alone, own_sigma_mm3=alone)
    assert before.stability(200) is None


def test_stability_is_that_of_the_outcome() -> None:
    numbers = live(fact(95), fact(0, 1000.0))
    stability = numbers.stability(100)
    assert stability is not None
    assert stability.decided is numbers.update(100).outcome


def test_a_blinded_reader_sees_volume_and_error_alone() -> None:
    picture = live(fact(95, reader="R2"), fact(0, 1000.0)).update(200)
    own = SIGMA_400_SAME
    assert picture.blinded() == LivePicture(volume_mm3=400.0, sigma_mm3=own, own_sigma_mm3=own)
    # The larger error would tell that somebody else read the baseline.
    assert picture.sigma_mm3 == SIGMA_400_MIXED


@pytest.mark.parametrize(
    ("draft", "baseline", "is_proposed", "sigma"),
    [
        ({}, {}, False, SIGMA_400_SAME),
        ({}, {}, True, SIGMA_400_MIXED),
        ({}, {"is_proposed": True}, False, SIGMA_400_MIXED),
        ({"reader": "R2"}, {}, False, SIGMA_400_MIXED),
        ({"plane": Plane.AXIAL}, {}, False, SIGMA_400_MIXED),
    ],
)
def test_the_error_is_that_of_the_comparison_with_the_baseline(
    draft: dict[str, object], baseline: dict[str, object], is_proposed: bool, sigma: float
) -> None:
    picture = live(fact(95, **draft), fact(0, 1000.0, **baseline)).update(200, is_proposed=is_proposed)
    assert picture.sigma_mm3 == sigma
    assert picture.change is not None
    point = picture.points[-1]
    assert point.high_mm3 == pytest.approx(400.0 + 1.96 * sigma)
    assert point.is_proposed is is_proposed


def test_an_absent_proposal_is_nobodys_word() -> None:
    numbers = live(fact(95), fact(0, 1000.0))
    proposed = numbers.update(0, ReadingStatus.ABSENT, is_proposed=True)
    assert (proposed.state, proposed.flags) == (VisitState.REDUCED, ("near_complete", "proposed"))
    assert numbers.update(0, ReadingStatus.ABSENT).state is VisitState.ABSENT


def test_a_baseline_that_is_unresolved_is_said_so() -> None:
    first = (fact(0, 1000.0), fact(0, 1200.0, reading_uid="2.25.8", reader="R2"))
    picture = live(fact(95, reader="R3"), *first).update(200)
    assert (picture.change, picture.state) == (None, VisitState.NOT_EVALUABLE)
    assert picture.problems == ("baseline_not_evaluable", "readers_unresolved")


def test_a_baseline_below_the_limit_is_said_so() -> None:
    picture = live(fact(95), fact(0, 80.0)).update(20)
    assert (picture.state, picture.problems) == (VisitState.NOT_EVALUABLE, ("baseline_below_limit",))

"""The live numbers in words."""

from __future__ import annotations

from herntrack.model.vocabulary import OutcomeClass, VisitState
from herntrack.reading_room.live_numbers import LivePicture
from herntrack.volumetrics.error_model import VolumeChange
from napari_herntrack.reading.numbers import numbers_shown
from napari_herntrack.texts import load_texts

TEXTS = load_texts("en")
CHANGE = VolumeChange(
    change_mm3=-320.0,
    change_sigma_mm3=50.0,
    z=6.4,
    change_percent=-40.2,
    change_percent_low=-61.0,
    change_percent_high=4.4,
)
PICTURE = LivePicture(
    volume_mm3=480.4,
    sigma_mm3=62.6,
    own_sigma_mm3=45.4,
    change=CHANGE,
    state=VisitState.REDUCED,
    problems=("plane_differs", "of no text"),
    is_of_record=False,
    outcome=OutcomeClass.RESORPTION,
    reason_key="large_loss",
    reason_numbers={"resorption": "75"},
)


def test_numbers_are_whole_millimetres_with_their_error_and_interval() -> None:
    shown = numbers_shown(PICTURE, TEXTS)
    assert shown.volume == "480 ± 63 mm³"
    assert shown.change == "\N{MINUS SIGN}40 % (\N{MINUS SIGN}61 to +4 %)"
    assert (shown.state, shown.outcome, shown.reason) == ("reduced", "resorption", "loss of 75 % or more")
    assert shown.remark == (
        "The plane differs from the baseline's. Another reading decides this visit; yours is shown beside it."
    )


def test_a_limit_that_cannot_be_stated_is_said_so() -> None:
    change = VolumeChange(
        change_mm3=5.0,
        change_sigma_mm3=9.0,
        z=-0.5,
        change_percent=0.3,
        change_percent_low=-100.0,
        change_percent_high=None,
    )
    shown = numbers_shown(LivePicture(volume_mm3=9.0, sigma_mm3=20.0, change=change), TEXTS)
    assert shown.change == "0 % (\N{MINUS SIGN}100 % to no limit)"


def test_a_blinded_reader_sees_the_volume_alone() -> None:
    shown = numbers_shown(PICTURE, TEXTS, is_blinded=True)
    assert (shown.volume, shown.change, shown.state, shown.outcome) == ("480 ± 45 mm³", "", "", "")
    assert shown.points == ()
    assert shown.remark == "Hidden in blinded reading."


def test_a_visit_that_is_not_evaluable_has_no_volume() -> None:
    assert numbers_shown(LivePicture(volume_mm3=None, sigma_mm3=None), TEXTS).volume == "not evaluable"

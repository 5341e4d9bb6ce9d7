"""The live numbers in words: what the panel writes, from a `LivePicture`.

Public: `NumbersShown`, `numbers_shown`.
"""

from __future__ import annotations

from dataclasses import dataclass

from herntrack.model.vocabulary import OutcomeClass, VisitState
from herntrack.reading_room.live_numbers import CoursePoint, LivePicture
from herntrack.volumetrics.error_model import VolumeChange
from napari_herntrack.texts import Texts

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NumbersShown:
    """Lines of the panel; empty ones are not shown.

    Parameters
    ----------
    volume, change, state, outcome, reason, remark : str
        In the reader's language.
    points : tuple of CoursePoint
        What the plot draws.
    visit_state : VisitState or None
        For the colour of `state`.
    outcome_class : OutcomeClass or None
        For the colour of `outcome`.
    """

    volume: str
    change: str = ""
    state: str = ""
    outcome: str = ""
    reason: str = ""
    remark: str = ""
    points: tuple[CoursePoint, ...] = ()
    visit_state: VisitState | None = None
    outcome_class: OutcomeClass | None = None


def numbers_shown(picture: LivePicture, texts: Texts, *, is_blinded: bool = False) -> NumbersShown:
    """Return what the panel writes.

    Parameters
    ----------
    picture : LivePicture
        Of the draft as it is.
    texts : Texts
        The reader's language.
    is_blinded : bool
        Leave out all that tells of other visits.
    """
    seen = picture.blinded() if is_blinded else picture
    volume = texts.word(VisitState.NOT_EVALUABLE)
    if seen.volume_mm3 is not None and seen.sigma_mm3 is not None:
        volume = texts("numbers.volume_value", volume=f"{seen.volume_mm3:.0f}", sigma=f"{seen.sigma_mm3:.0f}")
    if is_blinded:
        return NumbersShown(volume=volume, remark=texts("numbers.hidden"))
    remarks = [texts(f"problem.{name}") for name in seen.problems if f"problem.{name}" in texts.entries]
    if any(point.is_proposed and not point.is_draft for point in seen.points):
        remarks.append(texts("panel.proposals_count"))
    if not seen.is_of_record:
        remarks.append(texts("numbers.not_of_record"))
    return NumbersShown(
        volume=volume,
        change="" if seen.change is None else change_words(seen.change, texts),
        state="" if seen.state is None else texts.word(seen.state),
        outcome="" if seen.outcome is None else texts.word(seen.outcome),
        reason=texts.outcome_reason(seen),
        remark=" ".join(remarks),
        points=seen.points,
        visit_state=seen.state,
        outcome_class=seen.outcome,
    )


def change_words(change: VolumeChange, texts: Texts) -> str:
    """Return a change with its interval; empty where it has no per cent."""
    if change.change_percent is None:
        return ""
    percent, low = _signed(change.change_percent), _signed(change.change_percent_low)
    if change.change_percent_high is None:
        return texts("numbers.change_no_limit", percent=percent, low=low)
    return texts("numbers.change_value", percent=percent, low=low, high=_signed(change.change_percent_high))


def _signed(value: float | None) -> str:
    if value is None:
        return "?"
    rounded = round(value)
    sign = MINUS if rounded < 0 else "+" if rounded > 0 else ""
    return f"{sign}{abs(rounded)}"

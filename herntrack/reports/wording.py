"""What states, outcomes and flags are called in a report, in plain words, and how numbers look."""

from __future__ import annotations

from datetime import date

from herntrack.model.vocabulary import Horizon, Level, OutcomeClass, ReadingStatus, Side, VisitState

MINUS = "\N{MINUS SIGN}"
NOT_MEASURED = "\N{EN DASH}"
THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"

LONGEST_LABEL = 28
"""A longer name is cut in a drawing; its description holds all of it (characters)."""

STATE_WORDS = {
    VisitState.BASELINE: "baseline",
    VisitState.ABSENT: "absent",
    VisitState.REDUCED: "reduced",
    VisitState.ENLARGED: "enlarged",
    VisitState.NO_CHANGE: "no change",
    VisitState.NOT_EVALUABLE: "not evaluable",
}
UNREAD_WORD = "not read"

OUTCOME_WORDS = {
    OutcomeClass.RESORPTION: "resorption",
    OutcomeClass.PERSISTENT_REDUCTION: "persistent reduction",
    OutcomeClass.TRANSIENT_REDUCTION: "transient reduction",
    OutcomeClass.STABLE: "stable",
    OutcomeClass.PROGRESSION: "progression",
    OutcomeClass.INDETERMINATE: "indeterminate",
}

STATUS_WORDS = {
    ReadingStatus.PRESENT: "present",
    ReadingStatus.ABSENT: "absent",
    ReadingStatus.NOT_EVALUABLE: "not evaluable",
}

HORIZON_WORDS = {Horizon.PRIMARY: "primary", Horizon.LATEST: "latest"}

FLAG_WORDS = {
    "complete": "nothing is left of it",
    "near_complete": "nearly complete: a residue is left, or no reader said that none is",
    "before_landmark": "seen before the landmark day",
    "confirmed": "the reduction was seen at an earlier visit too",
    "landmark_only": "the reduction was seen at one visit only",
    "had_reduction": "it had been smaller at an earlier visit",
    "borderline": "part of the reduction was regained, less than half of it",
    "transient_enlargement": "it had been larger at an earlier visit",
    "recurrence_after_resorption": "it had been absent and came back",
    "partial_rebound": "half or more of the loss was regained, and it is still smaller than at baseline",
    "visit_not_evaluable": "one visit or more could not be evaluated",
    "last_visit_not_evaluable": "the last visit could not be evaluated; an earlier one decided",
    "lit50": "loss of 50 % or more, the definition that most papers use",
    "censored_at_surgery": "visits from the day of surgery on were not used",
    "other_reader_or_protocol": "compared with the larger error",
    "proposed": "proposed by software, accepted by no reader yet",
    "stack_changed_since_read": "read on other slices than its stack has now",
    "volume_estimates_disagree": "the two volume estimates disagree",
    "other_reader": "read by another reader than the baseline",
    "not_evaluable_reading": "the reader could not judge the visit",
    "baseline_not_evaluable": "the baseline cannot be evaluated",
    "baseline_below_limit": "the baseline is below the limit of detection",
    "baseline_visit_unread": "an earlier visit of the patient is not read for this lesion",
}
"""Flags of an outcome or a visit as a reader would say them."""


def flag_words(flag: str) -> str:
    """Return a flag in plain words; one that is not known loses only its underscores."""
    return FLAG_WORDS.get(flag, flag.replace("_", " "))


def number(value: float | None, decimals: int = 0) -> str:
    """Return a number with a real minus sign, or a dash where nothing was measured."""
    if value is None:
        return NOT_MEASURED
    text = f"{abs(value):.{decimals}f}"
    return f"{MINUS}{text}" if value < 0 and float(text) != 0.0 else text


def signed(value: float | None, decimals: int = 0) -> str:
    """Return a change with its sign; zero has none."""
    text = number(value, decimals)
    return f"+{text}" if value is not None and value > 0 and float(text) != 0.0 else text


def share(value: float | None) -> str:
    """Return a share between 0 and 1; what is nearly all or nothing is not said to be just that."""
    if value is None:
        return NOT_MEASURED
    text = f"{value:.2f}"
    if value < 1.0 and text == "1.00":
        return ">" + THIN_SPACE + "0.99"
    return "<" + THIN_SPACE + "0.01" if value > 0.0 and text == "0.00" else text


def rate(value: float) -> str:
    """Return a rate or a limit of one in per cent, no sign: 0 and 100 only where it is just that."""
    percentage = 100.0 * value
    is_close = 0.0 < percentage < 1.0 or 99.0 < percentage < 100.0
    return f"{percentage:.1f}" if is_close else f"{percentage:.0f}"


def volume(value: float | None, sigma: float | None) -> str:
    """Return a volume with its standard error (mm3, unit not written)."""
    if value is None or sigma is None:
        return number(value)
    return f"{number(value)} \N{PLUS-MINUS SIGN} {number(sigma)}"


def percent(value: float | None) -> str:
    """Return a change in per cent."""
    return NOT_MEASURED if value is None else f"{signed(value)}{THIN_SPACE}%"


def interval(low: float | None, high: float | None) -> str:
    """Return the 95 % interval of a percentage; a missing upper limit is said, not left out."""
    if low is None and high is None:
        return ""
    upper = "no limit" if high is None else signed(high)
    return f"{signed(low)} to {upper}"


def short(label: str) -> str:
    """Return a name short enough to stand beside a row or under a bar."""
    if len(label) <= LONGEST_LABEL:
        return label
    # The end tells more than the middle: numbers and levels stand there.
    head = LONGEST_LABEL // 3
    return f"{label[:head]}\N{HORIZONTAL ELLIPSIS}{label[head + 1 - LONGEST_LABEL :]}"


def day(value: date | None) -> str:
    """Return a date as ISO 8601, or a dash."""
    return NOT_MEASURED if value is None else value.isoformat()


def place(level: Level, side: Side | None) -> str:
    """Return a level with its side, if one was recorded."""
    return level.value if side is None else f"{level.value} {side.value}"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def state_words(state: VisitState | None) -> str:
    """Return a visit's state, or that nobody read it."""
    return UNREAD_WORD if state is None else STATE_WORDS[state]


def sentence(text: str) -> str:
    """Return a phrase as a sentence, with the signs that a rule file writes in ASCII."""
    text = text.replace(">=", "\N{GREATER-THAN OR EQUAL TO}").replace("<=", "\N{LESS-THAN OR EQUAL TO}")
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""

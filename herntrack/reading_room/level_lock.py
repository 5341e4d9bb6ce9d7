"""Whether a lesion's level is known well enough to sign a reading, in words.

A level is confirmed by a person once and carried to the patient's other visits by alignment. What
nobody confirmed, or what contradicts itself, keeps a reading open.

Public: `LevelLock`, `LevelStatus`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import unique

from herntrack.model.sentences import sentence
from herntrack.model.vocabulary import Level, Term


@unique
class LevelStatus(Term):
    """How a level is known at a visit."""

    CONFIRMED = "confirmed"
    """By a person, at this visit."""
    CARRIED = "carried"
    """Confirmed at another visit and carried here."""
    PROPOSED = "proposed"
    """By the software alone."""
    CONTRADICTED = "contradicted"
    """Two confirmations that do not fit each other."""
    UNKNOWN = "unknown"
    """Nobody pointed at it."""


SIGNABLE = frozenset((LevelStatus.CONFIRMED, LevelStatus.CARRIED))
"""A reading may be signed at these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelLock:
    """What is known of a lesion's level at one visit.

    Parameters
    ----------
    level : Level
        The lesion's level.
    status : LevelStatus
        How it is known.
    by : str
        Who confirmed it; empty if nobody did.
    on : date or None
        When that was.
    visit_date : date or None
        At which visit it was confirmed.
    problem : str
        What contradicts it, as a sentence.
    """

    level: Level
    status: LevelStatus
    by: str = ""
    on: date | None = None
    visit_date: date | None = None
    problem: str = ""

    @property
    def is_locked(self) -> bool:
        """Whether a person confirmed it and nothing contradicts that: only then readings are signed."""
        return self.status in SIGNABLE

    @property
    def sentence(self) -> str:
        """The level in words, as it stands on the image."""
        return self.words()

    def words(self, *, is_blinded: bool = False) -> str:
        """Return the level in words, without who and when where the reader is blinded."""
        told = "" if is_blinded or not self.by else f" by {self.by}"
        when = "" if is_blinded or self.on is None else f" on {self.on.isoformat()}"
        where = "" if is_blinded or self.visit_date is None else f" from {self.visit_date.isoformat()}"
        endings = {
            LevelStatus.CONFIRMED: f"confirmed{told}{when}",
            LevelStatus.CARRIED: f"carried{where}, confirmed{told}{when}",
            LevelStatus.PROPOSED: "proposed, not confirmed",
            LevelStatus.CONTRADICTED: f"contradicted: {self.problem}".rstrip(": "),
            LevelStatus.UNKNOWN: "not confirmed",
        }
        return f"{self.level.value}, {endings[self.status]}"

    @property
    def refusal(self) -> str:
        """Why a reading cannot be signed and what to do; empty if it can."""
        if self.is_locked:
            return ""
        if self.status is LevelStatus.CONTRADICTED:
            problem = self.problem or "two discs bear its name"
            return sentence("level_contradicted", level=self.level.value, problem=problem)
        key = "level_proposed" if self.status is LevelStatus.PROPOSED else "level_unconfirmed"
        return sentence(key, level=self.level.value)

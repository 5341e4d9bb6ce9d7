"""What is proposed for a disc.

Public: `DiscProposal`, `Confidence`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import unique

from herntrack.model.base_plane import BasePlane, Point
from herntrack.model.vocabulary import Level, Term


@unique
class Confidence(Term):
    """How far a proposed name may be believed."""

    CLEAR = "clear"
    """No other place fits nearly as well."""
    DOUBTFUL = "doubtful"
    """It may be one vertebra off: look before it is confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscProposal:
    """A disc and where it lies.

    Parameters
    ----------
    level : Level
        Its name.
    centre_lps : tuple of float
        Its centre, LPS mm.
    base_plane : BasePlane or None
        Through the posterior corners of the two bodies; None where they are not clear.
    confidence : Confidence
        Of the name and the place.
    sentence : str
        How it was found, and what speaks against it.
    is_named : bool
        Whether a person named this disc.
    """

    level: Level
    centre_lps: Point
    base_plane: BasePlane | None
    confidence: Confidence
    sentence: str
    is_named: bool = False

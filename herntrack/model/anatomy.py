"""Transitional anatomy: what a person recorded of a spine that does not have five lumbar vertebrae.

It is recorded, never assumed.

Public: `Anatomy`.
"""

from __future__ import annotations

from enum import unique

from herntrack.model.vocabulary import Term


@unique
class Anatomy(Term):
    """How the lumbar spine ends."""

    NORMAL = "normal"
    """Five lumbar vertebrae, looked at and found so."""
    L6 = "L6"
    """A sixth lumbar vertebra: the lowest discs are L5-L6 and L6-S1."""
    SACRALISED_L5 = "sacralised-L5"
    """L5 is joined to the sacrum; its disc is narrow or missing."""
    LUMBARISED_S1 = "lumbarised-S1"
    """S1 is parted from the sacrum; S1-S2 is a full disc."""
    FOUR_LUMBAR = "four-lumbar"
    """Only four vertebrae without ribs stand on the sacrum."""
    THORACIC_13 = "T13"
    """A thirteenth vertebra with ribs."""
    OTHER = "other"
    """Something else, told in words."""

    @property
    def has_l6(self) -> bool:
        """Whether the lowest discs are named L5-L6 and L6-S1."""
        return self is Anatomy.L6

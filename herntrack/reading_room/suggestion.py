"""A descriptor that is suggested, and the sentence that says why.

Public: `Suggestion`, `Suggestions`, `suggestion`, `REASONS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from herntrack.model.sentences import Sentence
from herntrack.model.vocabulary import Term

REASONS: Mapping[str, str] = {
    "separate": "No part within {near:.1f} mm of the base plane lies at the disc's height: no continuity.",
    "wider_up": "From head to feet it is {dome:.1f} mm wide behind a base of {base:.1f} mm.",
    "wider_across": "From side to side it is {dome:.1f} mm wide behind a base of {base:.1f} mm.",
    "beyond_disc": "It is {dome:.1f} mm high, higher than the disc space of {disc:.1f} mm.",
    "narrower": "Nowhere is it wider than its base: {up:.1f} mm high, {across:.1f} mm across.",
    "beyond_above": "It reaches {above:.1f} mm above the upper corner and {below:.1f} mm below the lower.",
    "beyond_below": "It reaches {below:.1f} mm below the lower corner and {above:.1f} mm above the upper.",
    "within_disc": "It stays within {limit:.0f} mm of the disc's corners.",
    "off_left": "Its centre lies {offset:.1f} mm to the left of the midline.",
    "off_right": "Its centre lies {offset:.1f} mm to the right of the midline.",
    "off_none": "Its centre lies {offset:.1f} mm from the midline, within {limit:.0f} mm.",
    "zone": "Its centre lies {offset:.1f} mm from the midline, between {inner:.1f} and {outer:.1f} mm.",
    "quarters": "Of its tip {central:.0%} lie in the two central quarters of the line between the facets,"
    " {lateral:.0%} in the lateral ones, {beyond:.0%} beyond its ends.",
    "facet_line": "It reaches {depth:.1f} mm back, {share:.0%} of the way to the line between the facets.",
}
"""The sentences, in English; the room has them in its languages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One descriptor and why.

    Parameters
    ----------
    name : str
        Field of `Descriptors`.
    value : Term or int
        What it may be.
    reason : str
        A sentence with the numbers.
    key : str
        Which sentence it is, for other languages.
    numbers : mapping from str to float
        The numbers in it.
    is_on_line : bool
        Whether it was measured on the facet line.
    """

    name: str
    value: Term | int
    reason: str
    key: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    is_on_line: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """What geometry suggests, and why it says nothing of other descriptors, by their names."""

    found: tuple[Suggestion, ...] = ()
    silent: Mapping[str, Sentence] = field(default_factory=dict)

    def suggestion(self, name: str) -> Suggestion | None:
        """Return the suggestion for one descriptor."""
        return next((each for each in self.found if each.name == name), None)


def suggestion(
    name: str, value: Term | int, key: str, *, is_on_line: bool = False, **numbers: float
) -> Suggestion:
    """Return a suggestion with its sentence of `REASONS`."""
    reason = REASONS[key].format(**numbers)
    return Suggestion(name=name, value=value, key=key, reason=reason, numbers=numbers, is_on_line=is_on_line)

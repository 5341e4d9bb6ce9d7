"""What a reader says of a herniation besides its outline.

Nomenclature: lumbar disc nomenclature 2.0 (Fardon 2014, Spine J 14:2525); MSU grade (Mysliwiec
2010, Eur Spine J 19:1087); Pfirrmann grade (Pfirrmann 2001, Spine 26:1873). Each descriptor may be
left out. Nothing here is computed: `herntrack.reading_room.suggestions` proposes, a reader says.

Public: `Descriptors`, `NO_DESCRIPTORS`, `MSU_SIZES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from herntrack.errors import VocabularyError
from herntrack.model.vocabulary import (
    HerniationType,
    Migration,
    MsuLocation,
    PfirrmannGrade,
    Side,
    Term,
    Zone,
)

MSU_SIZES: Final = (1, 2, 3)
"""MSU sizes: up to half of the way to the line between the facets, further, beyond the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptors:
    """A reader's description of one herniation at one visit; None is not said.

    Parameters
    ----------
    type : HerniationType or None
        Shape of the displaced material.
    zone : Zone or None
        From the midline outwards.
    side : Side or None
        From the patient's view.
    migration : Migration or None
        Away from the disc's level.
    msu_size : int or None
        1, 2 or 3.
    msu_location : MsuLocation or None
        Quarters of the line between the facets.
    pfirrmann : PfirrmannGrade or None
        Of the disc.

    Raises
    ------
    VocabularyError
        If the MSU size is none of `MSU_SIZES`.
    """

    type: HerniationType | None = None
    zone: Zone | None = None
    side: Side | None = None
    migration: Migration | None = None
    msu_size: int | None = None
    msu_location: MsuLocation | None = None
    pfirrmann: PfirrmannGrade | None = None

    def __post_init__(self) -> None:
        if self.msu_size is not None and (isinstance(self.msu_size, bool) or self.msu_size not in MSU_SIZES):
            sizes = ", ".join(str(size) for size in MSU_SIZES)
            raise VocabularyError(f"{self.msu_size!r} is no MSU size; use one of: {sizes}")

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said."""
        return self == Descriptors()

    @property
    def msu_grade(self) -> str:
        """Size and location as they are written, for example ``2-AB``; empty if neither is said."""
        parts = (self.msu_size, self.msu_location)
        return "-".join("?" if part is None else str(part) for part in parts) if any(parts) else ""

    def as_dict(self) -> dict[str, str | int]:
        """Return what was said in JSON's types, without what was not."""
        said: dict[str, str | int] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                said[field.name] = value.value if isinstance(value, Term) else int(value)
        return said

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Descriptors:
        """Return the descriptors that `as_dict` wrote.

        Raises
        ------
        VocabularyError
            If a key or a word is not known.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise VocabularyError(f"{unknown[0]!r} is no descriptor; use one of: {', '.join(sorted(known))}")
        found: dict[str, Any] = {}
        for name, value in values.items():
            if value is None:
                continue
            term = _TERMS.get(name)
            if term is not None and not isinstance(value, str):
                raise VocabularyError(f"the descriptor {name} is a word, not {value!r}")
            found[name] = value if term is None else term.parse(value)
        return cls(**found)


_TERMS: Final[dict[str, type[Term]]] = {
    "type": HerniationType,
    "zone": Zone,
    "side": Side,
    "migration": Migration,
    "msu_location": MsuLocation,
    "pfirrmann": PfirrmannGrade,
}

NO_DESCRIPTORS: Final = Descriptors()
"""Nothing said."""

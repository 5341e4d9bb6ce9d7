"""What a run could not use, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSetAside:
    """A reading or a lesion that could not be used, and why."""

    uid: str
    reason: str


def first_of_each(cases: Iterable[CaseSetAside]) -> tuple[CaseSetAside, ...]:
    """Return one case for each reading or lesion, the first: what comes later only follows from it."""
    found: dict[str, CaseSetAside] = {}
    for case in cases:
        found.setdefault(case.uid, case)
    return tuple(found.values())

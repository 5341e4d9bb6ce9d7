"""What a run could not use, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSetAside:
    """A reading or a lesion that could not be used, and why."""

    uid: str
    reason: str

"""How long work says how far it is, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Told the stage, how much is done and of how much."""


def silent(_stage: str, _done: int, _total: int) -> None:
    """Tell nobody."""

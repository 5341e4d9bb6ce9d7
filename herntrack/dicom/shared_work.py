"""Work that several threads take from."""

from __future__ import annotations

from collections import deque
from typing import TypeVar

Piece = TypeVar("Piece")


def taken(waiting: deque[Piece]) -> Piece | None:
    """Take the first piece; None if nothing is left, which another thread decides at any moment."""
    try:
        return waiting.popleft()
    except IndexError:
        return None

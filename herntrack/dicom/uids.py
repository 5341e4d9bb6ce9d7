"""Identifiers that herntrack makes: derived ones that never change, and fresh ones."""

from __future__ import annotations

import hashlib
import uuid

UID_ROOT = "2.25."
"""Root for UIDs made of a 128-bit number (DICOM PS3.5 B.2)."""


def derived_uid(*parts: object) -> str:
    """Return the UID that belongs to these values: the same whenever they are the same.

    Parameters
    ----------
    *parts : object
        Values whose ``str`` is stable. Their order matters.
    """
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return f"{UID_ROOT}{int.from_bytes(digest[:16], 'big')}"


def fresh_uid() -> str:
    """Return a UID that nobody else has."""
    return f"{UID_ROOT}{uuid.uuid4().int}"

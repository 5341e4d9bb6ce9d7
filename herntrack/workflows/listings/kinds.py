"""What can be listed; the command line knows these words before anything heavy is loaded."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

Row = dict[str, Any]
"""One line of a listing; values are JSON's types."""


class Listing(StrEnum):
    """What can be listed."""

    PATIENTS = "patients"
    VISITS = "visits"
    SERIES = "series"
    STACKS = "stacks"
    LESIONS = "lesions"
    READINGS = "readings"
    PROPOSALS = "proposals"
    REJECTS = "rejects"

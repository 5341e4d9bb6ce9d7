"""Patient directions at the edges of a slice, right for oblique stacks.

Public: `EdgeLetters`, `edge_letters`.
"""

from __future__ import annotations

from dataclasses import dataclass

from herntrack.model.geometry import VolumeGeometry


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeLetters:
    """What stands at each edge of a view: R, L, A, P, S (head), I (feet), or two for an oblique slice."""

    left: str
    right: str
    top: str
    bottom: str


def edge_letters(geometry: VolumeGeometry) -> EdgeLetters:
    """Return the letters of a stack's slices as they are shown: rows down, columns to the right.

    They follow from the direction cosines alone. A slice that leans by more than about 17 degrees
    towards a second body axis has that axis's letter too, the stronger one first.
    """
    left, right, top, bottom = geometry.edge_letters()
    return EdgeLetters(left=left, right=right, top=top, bottom=bottom)

"""The four views of the reading room and what each of them shows.

Public: `View`, `Half`, `VisitOnScreen`, `Pair`, `COUNTERPART`, `BESIDE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum, unique
from types import MappingProxyType

import numpy as np

from herntrack._typing import Affine4x4
from herntrack.model.base_plane import Point
from herntrack.model.images import CataloguedStack
from herntrack.model.vocabulary import Plane


@unique
class Half(StrEnum):
    """Which of the two visits."""

    BASELINE = "baseline"
    CURRENT = "current"


@unique
class View(StrEnum):
    """One of the four views; the left half has the baseline, the upper half the sagittal stacks."""

    BASELINE_SAGITTAL = "baseline sagittal"
    BASELINE_AXIAL = "baseline axial"
    CURRENT_SAGITTAL = "current sagittal"
    CURRENT_AXIAL = "current axial"

    @property
    def half(self) -> Half:
        """The visit it shows."""
        return Half(self.value.split()[0])

    @property
    def plane(self) -> Plane:
        """The body plane it is for."""
        return Plane(self.value.split()[1])

    @classmethod
    def of(cls, half: Half, plane: Plane) -> View:
        """Return the view of a visit and a plane."""
        return cls(f"{half} {plane}")


COUNTERPART: Mapping[View, View] = MappingProxyType(
    {
        View.BASELINE_SAGITTAL: View.CURRENT_SAGITTAL,
        View.CURRENT_SAGITTAL: View.BASELINE_SAGITTAL,
        View.BASELINE_AXIAL: View.CURRENT_AXIAL,
        View.CURRENT_AXIAL: View.BASELINE_AXIAL,
    }
)
"""View -> the same plane of the other visit; the two scroll, move and zoom together."""

BESIDE: Mapping[View, View] = MappingProxyType(
    {
        View.BASELINE_SAGITTAL: View.BASELINE_AXIAL,
        View.BASELINE_AXIAL: View.BASELINE_SAGITTAL,
        View.CURRENT_SAGITTAL: View.CURRENT_AXIAL,
        View.CURRENT_AXIAL: View.CURRENT_SAGITTAL,
    }
)
"""View -> the other plane of the same visit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitOnScreen:
    """One visit as it is shown.

    Parameters
    ----------
    caption : str
        Stands on both views: time point, date, day. What may not be known while reading blinded
        is left out by who makes it.
    stacks : mapping from Plane to CataloguedStack
        What the sagittal and the axial view show; a plane that was not imaged lacks.
    """

    caption: str
    stacks: Mapping[Plane, CataloguedStack]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """Two visits side by side, or the current one alone.

    Parameters
    ----------
    current : VisitOnScreen
        The visit that is read.
    baseline : VisitOnScreen or None
        What it is compared with; None while the first visit itself is read.
    matrix_lps : ndarray of float64, shape (4, 4), or None
        Takes a point of the current visit to the baseline; None if they are not aligned.
    link_note : str
        What the alignment is worth, or why there is none.
    focus_lps : tuple of float or None
        Where to begin, in the current visit; None is the middle of the stack.
    baseline_focus_lps : tuple of float or None
        Where to begin in the baseline, in case that the two are not aligned.
    choices : mapping from View to tuple of CataloguedStack
        What else each view could show: every stack of its plane, the best first.
    """

    current: VisitOnScreen
    baseline: VisitOnScreen | None = None
    matrix_lps: Affine4x4 | None = None
    link_note: str = ""
    focus_lps: Point | None = None
    baseline_focus_lps: Point | None = None
    choices: Mapping[View, tuple[CataloguedStack, ...]] = field(default_factory=dict)
    _stacks: dict[View, CataloguedStack] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        for half, visit in ((Half.BASELINE, self.baseline), (Half.CURRENT, self.current)):
            if visit is not None:
                self._stacks.update({View.of(half, plane): each for plane, each in visit.stacks.items()})

    @property
    def stacks(self) -> Mapping[View, CataloguedStack]:
        """The stack of each view that has one."""
        return MappingProxyType(self._stacks)

    def with_stack(self, view: View, each: CataloguedStack) -> Pair:
        """Return the pair with another stack in a view that has one."""
        visit = self.current if view.half is Half.CURRENT else self.baseline
        if visit is None:
            return self
        changed = replace(visit, stacks={**visit.stacks, view.plane: each})
        if view.half is Half.CURRENT:
            return replace(self, current=changed)
        return replace(self, baseline=changed)

    def caption(self, view: View) -> str:
        """Return what stands on a view about its visit."""
        visit = self.current if view.half is Half.CURRENT else self.baseline
        return "" if visit is None else visit.caption

    def between(self, source: Half, target: Half) -> Affine4x4 | None:
        """Return the matrix from one visit's points to the other's; None if they are not linked."""
        if source is target:
            return np.eye(4)
        if self.matrix_lps is None:
            return None
        matrix = np.asarray(self.matrix_lps, dtype=np.float64)
        return matrix if source is Half.CURRENT else np.asarray(np.linalg.inv(matrix), dtype=np.float64)

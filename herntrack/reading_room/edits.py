"""One change of a mask: which voxels became what.

A change holds only what it changed, so keeping, undoing and counting it costs what was painted and
not what the stack measures. A mask is true or false: the old value of a changed voxel is the
opposite of the new one.

Public: `Tool`, `MaskEdit`, `PlaneMove`, `LineMove`, `NO_INDICES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import unique
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from herntrack.errors import GeometryError
from herntrack.model.base_plane import BasePlane
from herntrack.model.facet_line import FacetLine
from herntrack.model.vocabulary import Term

FlatIndices: TypeAlias = npt.NDArray[np.int64]
"""Voxels as positions in the flattened (C order) mask, shape (n,)."""

NO_INDICES: FlatIndices = np.zeros(0, dtype=np.int64)
"""No voxel."""


@unique
class Tool(Term):
    """What a change was made with."""

    BRUSH = "brush"
    ERASER = "eraser"
    POLYGON = "polygon"
    FILL_HOLES = "fill holes"
    INTERPOLATE = "interpolate"
    SMOOTH = "smooth"
    ISLANDS = "remove islands"
    PROPOSAL = "proposal"
    CLEAR = "clear"
    BASE_PLANE = "base plane"
    FACET_LINE = "facet line"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneMove:
    """The base plane before and after a change."""

    before: BasePlane | None
    after: BasePlane | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMove:
    """The facet line before and after a change."""

    before: FacetLine | None
    after: FacetLine | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaskEdit:
    """A change of a mask, of its base plane, of both, or of the facet line.

    Parameters
    ----------
    tool : Tool
        What it was made with.
    added, removed : ndarray of int64, shape (n,)
        Voxels that became true, and false; flat indices, each once. Stored read-only.
    plane : PlaneMove or None
        Where the base plane went, if it did.
    line : LineMove or None
        Where the facet line went, if it did.

    Raises
    ------
    GeometryError
        If an index list is not one-dimensional.
    """

    tool: Tool
    added: FlatIndices
    removed: FlatIndices
    plane: PlaneMove | None = None
    line: LineMove | None = None

    def __post_init__(self) -> None:
        for name in ("added", "removed"):
            values = np.array(getattr(self, name), dtype=np.int64)
            if values.ndim != 1:
                raise GeometryError(
                    f"voxels are a list of flat indices, not an array of shape {values.shape}"
                )
            values.setflags(write=False)
            object.__setattr__(self, name, values)

    @property
    def n_changed(self) -> int:
        """Voxels that changed."""
        return len(self.added) + len(self.removed)

    @property
    def net_voxels(self) -> int:
        """By how many voxels the mask grew; negative if it shrank."""
        return len(self.added) - len(self.removed)

    @property
    def changed(self) -> FlatIndices:
        """Every voxel that changed, shape (n_changed,)."""
        return np.concatenate([self.added, self.removed])

    @property
    def is_of_outline(self) -> bool:
        """Whether voxels or the base plane changed."""
        return self.n_changed > 0 or self.plane is not None

    @property
    def is_nothing(self) -> bool:
        """Whether nothing changed at all."""
        return not self.is_of_outline and self.line is None

    def slices(self, shape_zyx: tuple[int, int, int]) -> tuple[int, ...]:
        """Return the slices that changed, in order: those a view has to repaint."""
        per_slice = shape_zyx[1] * shape_zyx[2]
        return tuple(int(number) for number in np.unique(self.changed // per_slice))

    def reversed(self) -> MaskEdit:
        """Return the change that takes this one back."""
        move = None if self.plane is None else PlaneMove(before=self.plane.after, after=self.plane.before)
        line = None if self.line is None else LineMove(before=self.line.after, after=self.line.before)
        return MaskEdit(tool=self.tool, added=self.removed, removed=self.added, plane=move, line=line)

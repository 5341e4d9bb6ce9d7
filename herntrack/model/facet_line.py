"""The facet line: from the medial edge of one facet joint to that of the other, in an axial slice.

Its middle is the midline, its quarters and the way to it grade a herniation (Mysliwiec 2010, Eur Spine J
19:1087, who call it the intra-facet line). A reader draws it; nothing proposes it from the image.

Public: `FacetLine`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from herntrack._typing import Affine4x4, FloatArray, PointsLPS
from herntrack.errors import GeometryError
from herntrack.model.base_plane import Point
from herntrack.model.sentences import sentence

LENGTHS_MM = (5.0, 50.0)
"""Medial edges of lumbar facets lie between these (mm), with room for the narrowest and the widest canal."""

LEAST_ACROSS = 0.7
"""Share of its length that a line runs from side to side at least: no patient is turned by more (cosine)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetLine:
    """A line across the canal.

    Parameters
    ----------
    ends_lps : tuple of two points
        Medial edges of the facet joints, the patient's right one first, LPS mm; given in any order.

    Raises
    ------
    GeometryError
        If it is too short or too long to be one, or does not run from side to side.
    """

    ends_lps: tuple[Point, Point]

    def __post_init__(self) -> None:
        ends = np.asarray(self.ends_lps, dtype=np.float64)
        if ends.shape != (2, 3) or not np.isfinite(ends).all():
            raise GeometryError("a facet line has two ends of three finite numbers each")
        # LPS: x grows towards the patient's left.
        ends = ends[np.argsort(ends[:, 0], kind="stable")]
        length = float(np.linalg.norm(ends[1] - ends[0]))
        low, high = LENGTHS_MM
        if not low <= length <= high:
            raise GeometryError(
                sentence("line_length", mm=f"{length:.1f}", low=f"{low:.0f}", high=f"{high:.0f}")
            )
        if ends[1, 0] - ends[0, 0] < LEAST_ACROSS * length:
            raise GeometryError(sentence("line_not_across"))
        object.__setattr__(self, "ends_lps", (_point(ends[0]), _point(ends[1])))

    @classmethod
    def through(cls, ends_lps: npt.ArrayLike) -> FacetLine:
        """Return the line between two points, shape (2, 3), LPS mm, in any order."""
        first, second = np.asarray(ends_lps, dtype=np.float64)
        return cls(ends_lps=(_point(first), _point(second)))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FacetLine:
        """Return the line that `as_dict` wrote.

        Raises
        ------
        GeometryError
            If a value is missing or is none of a line.
        """
        try:
            right, left = values["ends_lps"]
            return cls(ends_lps=(_point(right), _point(left)))
        except GeometryError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise GeometryError(
                f"a facet line is written as ends_lps (two points), not as {values!r}"
            ) from error

    def as_dict(self) -> dict[str, list[Any]]:
        """Return the line as nested lists, for JSON."""
        return {"ends_lps": [list(end) for end in self.ends_lps]}

    @property
    def middle_lps(self) -> FloatArray:
        """The midline's point, shape (3,), LPS mm."""
        return np.asarray(np.mean(np.asarray(self.ends_lps), axis=0), dtype=np.float64)

    @property
    def left_lps(self) -> FloatArray:
        """Unit vector along the line towards the patient's left, shape (3,), LPS."""
        right, left = np.asarray(self.ends_lps)
        return np.asarray((left - right) / self.length_mm, dtype=np.float64)

    @property
    def length_mm(self) -> float:
        """From end to end (mm)."""
        right, left = np.asarray(self.ends_lps)
        return float(np.linalg.norm(left - right))

    def offsets_mm(self, points_lps: PointsLPS) -> FloatArray:
        """Return how far points, shape (..., 3), lie to the left of the midline (mm, negative right)."""
        return np.asarray((points_lps - self.middle_lps) @ self.left_lps, dtype=np.float64)

    def moved(self, matrix_lps: Affine4x4) -> FacetLine:
        """Return the line at another visit.

        Parameters
        ----------
        matrix_lps : ndarray of float64, shape (4, 4)
            Rigid; takes a point of this line's visit to the other visit, LPS mm.
        """
        return FacetLine.through(np.asarray(self.ends_lps) @ matrix_lps[:3, :3].T + matrix_lps[:3, 3])


def _point(values: npt.ArrayLike) -> Point:
    x, y, z = (float(value) for value in np.asarray(values))
    return x, y, z

"""The mask of a fragment from one click or more.

Method, in the box of 24 mm around the points: the base plane bounds the fragment in front, and within
these limits it is outlined (`herntrack.segmentation.outline`) on the stack's own grid.

More points refine it: a point of the fragment adds to it, a background point stays outside with
what lies behind it, seen from the fragment, and shows what the surroundings look like.

Public: `segment_from_points`, `Proposal`, `Evidence`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from herntrack._typing import FloatArray, MaskZYX, PointsLPS
from herntrack.errors import GeometryError
from herntrack.imaging.volume import Volume
from herntrack.model.base_plane import BasePlane, body_axes
from herntrack.model.sentences import sentence
from herntrack.segmentation.click_tissue import refuse_air, tissue_guards
from herntrack.segmentation.crop import Crop, crop_around
from herntrack.segmentation.guards import GuardWarning, check_mask
from herntrack.segmentation.outline import Constraints, outline
from herntrack.segmentation.region import allowed_region, canal_direction
from herntrack.segmentation.tissue import TissueLevels, near_points
from herntrack.segmentation.wall import PlaneSource, propose_base_plane

BACKGROUND_MM = 1.2
"""Within this radius of a background point nothing is fragment (mm)."""

SIZE_SCALE = (0.6, 1.2, 1.0)
"""Fragments are wide rather than high, and high rather than deep: (lateral, back, up)."""

SIZE_MM = 5.0
"""Up to this scaled distance from a point nothing speaks against a voxel (mm)."""

SIZE_COST = 0.1
"""Support lost per mm beyond it, in the first look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a proposal rests on.

    Parameters
    ----------
    levels : TissueLevels or None
        The fragment's intensity; None where none was found.
    dark_line_mm : float
        Width of the dark line around it (mm).
    plane_source : PlaneSource or None
        Where the base plane comes from; None if there is none.
    """

    levels: TissueLevels | None
    dark_line_mm: float
    plane_source: PlaneSource | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proposal:
    """A mask that a reader has still to accept.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_slices, n_rows, n_cols)
        On the stack's own grid.
    base_plane : BasePlane or None
        The plane it was made with.
    evidence : Evidence
        What it rests on.
    guards : tuple of GuardWarning
        What a reader should look at.
    reason : str
        What was done, or why the mask is empty; a sentence.
    """

    mask: MaskZYX
    base_plane: BasePlane | None
    evidence: Evidence
    guards: tuple[GuardWarning, ...]
    reason: str


def segment_from_points(
    volume: Volume,
    points_lps: npt.ArrayLike,
    background_points_lps: npt.ArrayLike | None = None,
    *,
    base_plane: BasePlane | None = None,
) -> Proposal:
    """Outline the fragment that holds the points.

    Parameters
    ----------
    volume : Volume
        The stack.
    points_lps : array_like of float, shape (n, 3)
        Points in the fragment, LPS mm; one is enough.
    background_points_lps : array_like of float, shape (m, 3), optional
        Points that are not fragment.
    base_plane : BasePlane, optional
        Front limit; proposed from the image around the first point where not given.

    Raises
    ------
    GeometryError
        If there is no point, or a point of the fragment lies outside the stack, in the air or in front of
        the given base plane.
    """
    points = checked_points(points_lps)
    if len(points) == 0:
        raise GeometryError("no point to start from: give at least one point in the fragment (LPS mm)")
    crop = crop_around(volume, points)
    refuse_air(volume, crop, points)
    plane, source = _plane_for(volume, points, base_plane)
    centres = crop.index_of(points)
    allowed = allowed_region(crop, plane)
    background = np.zeros((0, 3))
    if background_points_lps is not None:
        background = _index_outside_too(crop, checked_points(background_points_lps))
        allowed &= ~_background(crop, background)
    constraints = Constraints(
        centres_zyx=centres,
        allowed=allowed,
        first_discount=_size_discount(crop, points, plane),
        up_lps=canal_direction(crop.geometry, plane),
        background_zyx=background,
    )
    part, levels, line = outline(crop, constraints)
    mask = crop.full_mask(part)
    evidence = Evidence(levels=levels, dark_line_mm=line, plane_source=source)
    guards = (
        *check_mask(mask, volume.geometry, base_plane=plane, plane_source=source),
        *tissue_guards(volume, crop, centres),
    )
    return Proposal(
        mask=mask, base_plane=plane, evidence=evidence, guards=guards, reason=_reason(len(points), source)
    )


def checked_points(points_lps: npt.ArrayLike) -> PointsLPS:
    """Return points as an array of shape (n, 3).

    Raises
    ------
    GeometryError
        If they are not triples of finite numbers.
    """
    points = np.asarray(points_lps, dtype=np.float64)
    points = points.reshape(-1, 3) if points.size % 3 == 0 else points
    if points.ndim != 2 or not np.isfinite(points).all():
        raise GeometryError(
            f"points are triples of finite numbers (x, y, z in LPS mm), not {points.tolist()}"
        )
    return points


def _plane_for(
    volume: Volume, points: PointsLPS, given: BasePlane | None
) -> tuple[BasePlane | None, PlaneSource | None]:
    if given is not None:
        depth = float(given.depth_mm(points).min())
        if depth <= 0:
            raise GeometryError(sentence("click_before_plane", depth=f"{-depth:.1f}"))
        return given, PlaneSource.GIVEN
    proposal = propose_base_plane(volume, points[0])
    if proposal is None or (proposal.plane.depth_mm(points) <= 0).any():
        return None, None
    return proposal.plane, proposal.source


def _index_outside_too(crop: Crop, points: PointsLPS) -> FloatArray:
    """Return the index of points in the crop, also of those beside it."""
    starts = [edge.start for edge in crop.box]
    return np.asarray(crop.geometry.lps_to_index(points) - starts, dtype=np.float64)


def _background(crop: Crop, index: FloatArray) -> MaskZYX:
    inside = ((index > -0.5) & (index < np.asarray(crop.values.shape) - 0.5)).all(axis=1)
    if not inside.any():
        return np.zeros(crop.values.shape, dtype=np.bool_)
    return near_points(crop, index[inside], BACKGROUND_MM)


def _size_discount(crop: Crop, points: PointsLPS, plane: BasePlane | None) -> FloatArray:
    """Return the support each voxel loses for its distance from the nearest point."""
    lateral, back, up = body_axes(crop.geometry)
    if plane is not None:
        back = np.asarray(plane.normal_lps)
        up = np.cross(lateral, back)
    centres = crop.points_lps()
    squares = [
        sum(
            np.square(scale * ((centres - point) @ axis))
            for scale, axis in zip(SIZE_SCALE, (lateral, back, up), strict=True)
        )
        for point in points
    ]
    return np.asarray(SIZE_COST * np.maximum(np.sqrt(np.min(squares, axis=0)) - SIZE_MM, 0))


def _reason(n_points: int, source: PlaneSource | None) -> str:
    points = "one point" if n_points == 1 else f"{n_points} points"
    plane = "no base plane was found" if source is None else f"the base plane is {source.value}"
    return f"Outlined from {points}; {plane}."

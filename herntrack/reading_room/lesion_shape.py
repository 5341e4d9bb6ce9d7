"""A herniation's voxels in the directions of its level: back, up, and to the patient's left.

Public: `LesionShape`, `lesion_shape`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from herntrack._typing import FloatArray, MaskZYX
from herntrack.model.base_plane import BasePlane
from herntrack.model.facet_line import FacetLine
from herntrack.model.geometry import VolumeGeometry

TIP_SHARE = 0.25
"""The part of the depth furthest back that is the greatest extrusion; never less than a voxel."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LesionShape:
    """Voxel centres in the level's own directions (mm).

    `depth` behind the base plane, `height` above the lower corner, `left` of the midline or, without
    one, of the corners. `step` is a voxel's extent along (depth, height, left).
    """

    depth: FloatArray
    height: FloatArray
    left: FloatArray
    step: FloatArray
    disc_mm: float

    @property
    def is_tip(self) -> npt.NDArray[np.bool_]:
        """Whether a voxel is of the greatest extrusion."""
        deepest = float(self.depth.max())
        return np.asarray(self.depth > deepest - max(float(self.step[0]), TIP_SHARE * deepest))


def lesion_shape(
    mask: MaskZYX,
    geometry: VolumeGeometry,
    plane: BasePlane,
    *,
    midline_lps: npt.ArrayLike | None = None,
    facet_line: FacetLine | None = None,
) -> LesionShape:
    """Return the shape of a mask that is not empty.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_slices, n_rows, n_cols)
        The displaced material.
    geometry : VolumeGeometry
        Its grid.
    plane : BasePlane
        The base plane.
    midline_lps : array_like of float, shape (3,), optional
        A point of the midline, LPS mm.
    facet_line : FacetLine, optional
        Gives the midline and the way to the left, which the base plane has of the stack alone.
    """
    upper, lower = (np.asarray(corner) for corner in plane.corners_lps)
    disc_mm = float(np.linalg.norm(upper - lower))
    back, up = np.asarray(plane.normal_lps), (upper - lower) / disc_mm
    points = geometry.index_to_lps(np.argwhere(mask))
    if facet_line is not None:
        left, offsets = facet_line.left_lps, facet_line.offsets_mm(points)
    else:
        left = np.cross(back, up)
        middle = plane.point_lps if midline_lps is None else np.asarray(midline_lps, dtype=np.float64)
        offsets = np.asarray((points - middle) @ left)
    directions = np.stack([back, up, left])
    return LesionShape(
        depth=plane.depth_mm(points),
        height=np.asarray((points - lower) @ up),
        left=offsets,
        step=np.abs(directions @ geometry.affine_lps[:3, :3]).max(axis=1),
        disc_mm=disc_mm,
    )

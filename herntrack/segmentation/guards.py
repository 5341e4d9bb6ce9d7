"""Named warnings about a mask.

A guard never changes a mask: it says what a reader should look at.

Public: `Guard`, `GuardWarning`, `check_mask`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique

import numpy as np
from scipy import ndimage

from herntrack._typing import MaskZYX
from herntrack.errors import GeometryMismatchError
from herntrack.model.base_plane import BasePlane, body_axes
from herntrack.model.geometry import VolumeGeometry
from herntrack.segmentation.region import CANAL_DEPTH_MM
from herntrack.segmentation.wall import PlaneSource

CANAL_HALF_WIDTH_MM = 25.0
"""Further to the side of the base plane's corners nothing is in the canal or a foramen (mm)."""


@unique
class Guard(StrEnum):
    """Name of a warning."""

    EMPTY = "empty"
    ISLAND = "disconnected island"
    BASE_PLANE = "crosses the base plane"
    CANAL = "outside the canal"
    EDGE = "touches the volume's edge"
    ONE_SLICE = "one slice only"
    PLANE_PROPOSED = "base plane only proposed"
    NO_PLANE = "no base plane"
    BESIDE = "beside the carried place"
    TISSUE = "unlike disc tissue"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardWarning:
    """One warning.

    Parameters
    ----------
    guard : Guard
        Its name.
    sentence : str
        What was found and what to do.
    """

    guard: Guard
    sentence: str


def check_mask(
    mask: MaskZYX,
    geometry: VolumeGeometry,
    *,
    base_plane: BasePlane | None = None,
    plane_source: PlaneSource | None = None,
    canal_depth_mm: float = CANAL_DEPTH_MM,
) -> tuple[GuardWarning, ...]:
    """Return what is suspicious about a mask.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_slices, n_rows, n_cols)
        The fragment.
    geometry : VolumeGeometry
        Its grid.
    base_plane : BasePlane, optional
        The plane of the reading.
    plane_source : PlaneSource, optional
        Where the plane comes from; a proposed one is said to be so.
    canal_depth_mm : float
        From the base plane to the canal's back wall at most (mm).

    Raises
    ------
    GeometryMismatchError
        If ``mask.shape`` differs from ``geometry.shape_zyx``.
    """
    if mask.shape != geometry.shape_zyx:
        raise GeometryMismatchError(f"the mask has the shape {mask.shape} and its grid {geometry.shape_zyx}")
    if not mask.any():
        return (GuardWarning(guard=Guard.EMPTY, sentence="The mask holds no voxel."),)
    found = [*_shape_guards(mask, geometry), *_place_guards(mask, geometry, base_plane, canal_depth_mm)]
    if plane_source in {PlaneSource.CORNERS, PlaneSource.WALL}:
        found.append(
            _warn(Guard.PLANE_PROPOSED, f"The base plane is {plane_source.value}; confirm or move it.")
        )
    return tuple(found)


def _warn(guard: Guard, sentence: str) -> GuardWarning:
    return GuardWarning(guard=guard, sentence=sentence)


def _shape_guards(mask: MaskZYX, geometry: VolumeGeometry) -> list[GuardWarning]:
    found = []
    labels, count = ndimage.label(mask, np.ones((3, 3, 3)))
    if count > 1:
        sizes = np.sort(np.bincount(labels.ravel())[1:])[::-1] * geometry.voxel_volume_mm3
        rest = ", ".join(f"{size:.0f}" for size in sizes[1:4])
        found.append(
            _warn(
                Guard.ISLAND,
                f"Besides the main part of {sizes[0]:.0f} mm3 there are {count - 1} of {rest} mm3;"
                " remove them or confirm that they are fragments.",
            )
        )
    used = np.nonzero(mask.any(axis=(1, 2)))[0]
    if len(used) == 1:
        found.append(
            _warn(
                Guard.ONE_SLICE,
                f"Only slice {used[0]} holds the fragment: its extent across slices is not known"
                f" better than {geometry.slice_spacing_mm:.1f} mm.",
            )
        )
    index = np.argwhere(mask)
    last = np.asarray(mask.shape) - 1
    axes = [
        name for axis, name in enumerate(("slice", "row", "column")) if _at_edge(index[:, axis], last[axis])
    ]
    if axes:
        found.append(
            _warn(
                Guard.EDGE,
                f"The mask reaches the first or last {' and '.join(axes)} of the stack: part of the fragment"
                " may not have been imaged.",
            )
        )
    return found


def _at_edge(index: np.ndarray[tuple[int, ...], np.dtype[np.int64]], last: int) -> bool:
    return bool(index.min() == 0 or index.max() == last)


def _place_guards(
    mask: MaskZYX, geometry: VolumeGeometry, plane: BasePlane | None, canal_depth_mm: float
) -> list[GuardWarning]:
    if plane is None:
        return [
            _warn(Guard.NO_PLANE, "There is no base plane: nothing keeps the mask from the disc. Place one.")
        ]
    points = geometry.index_to_lps(np.argwhere(mask))
    depth = plane.depth_mm(points)
    side = np.abs((points - plane.point_lps) @ body_axes(geometry)[0])
    found = []
    in_front = int((depth < 0).sum())
    if in_front:
        found.append(
            _warn(
                Guard.BASE_PLANE,
                f"{in_front * geometry.voxel_volume_mm3:.0f} mm3 lie in front of the base plane, up to"
                f" {-depth.min():.1f} mm; only what is behind it is herniated.",
            )
        )
    beyond = int(((depth > canal_depth_mm) | (side > CANAL_HALF_WIDTH_MM)).sum())
    if beyond:
        found.append(
            _warn(
                Guard.CANAL,
                f"{beyond * geometry.voxel_volume_mm3:.0f} mm3 lie more than {canal_depth_mm:.0f} mm behind"
                f" the base plane or {CANAL_HALF_WIDTH_MM:.0f} mm beside its corners, outside the canal.",
            )
        )
    return found

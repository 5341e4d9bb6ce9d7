"""Descriptors that geometry suggests; a reader decides, nothing is applied by itself.

From the mask and the base plane: shape (Fardon 2014: an extrusion is wider than its base in some
plane, a sequestration has lost its connection with the disc) and migration. With the midline also
side and zone, with the line between the facets also the MSU grade (Mysliwiec 2010). What a number
does not allow is not suggested, and said.

Assumptions: the mask is the displaced material behind the base plane, without the disc; the zones'
limits are distances from the midline, typical ones where nobody measured them.

Public: `suggest_descriptors`, `Suggestion`, `Suggestions`, `CanalLandmarks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from herntrack._typing import FloatArray, MaskZYX
from herntrack.errors import GeometryMismatchError
from herntrack.model.base_plane import BasePlane
from herntrack.model.descriptors import Descriptors
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import HerniationType, Migration, MsuLocation, Side, Term, Zone

BASE_LAYER_MM = 1.5
"""Material this near to the base plane is the base (mm); never less than a voxel and a half."""

GAP_MM = 3.0
"""Material that begins further behind the base plane has no connection with the disc (mm)."""

MIGRATION_MM = 3.0
"""Less beyond the disc's corners is the roundness of a bulge, not migration (mm)."""

MIDLINE_MM = 3.0
"""A centre within this distance of the midline is central (mm)."""

BOTH_QUARTERS_SHARE = 1 / 3
"""From this share in each of two quarters on both are named (no unit)."""


REASONS: Mapping[str, str] = {
    "separate": "No part within {near:.1f} mm of the base plane lies at the disc's height: no continuity.",
    "wider_up": "From head to feet it is {dome:.1f} mm wide behind a base of {base:.1f} mm.",
    "wider_across": "From side to side it is {dome:.1f} mm wide behind a base of {base:.1f} mm.",
    "beyond_disc": "It is {dome:.1f} mm high, higher than the disc space of {disc:.1f} mm.",
    "narrower": "Nowhere is it wider than its base: {up:.1f} mm high, {across:.1f} mm across.",
    "beyond_above": "It reaches {above:.1f} mm above the upper corner and {below:.1f} mm below the lower.",
    "beyond_below": "It reaches {below:.1f} mm below the lower corner and {above:.1f} mm above the upper.",
    "within_disc": "It stays within {limit:.0f} mm of the disc's corners.",
    "off_left": "Its centre lies {offset:.1f} mm to the left of the midline.",
    "off_right": "Its centre lies {offset:.1f} mm to the right of the midline.",
    "off_none": "Its centre lies {offset:.1f} mm from the midline, within {limit:.0f} mm.",
    "zone": "Its centre lies {offset:.1f} mm from the midline, between {inner:.1f} and {outer:.1f} mm.",
    "zone_outside": "Its centre lies {offset:.1f} mm from the midline, beyond the pedicle's {inner:.1f} mm.",
    "quarters": "{middle:.0%} is in the middle quarters, {lateral:.0%} in the lateral, {foramen:.0%} beyond.",
    "facet_line": "It reaches {depth:.1f} mm back, {share:.0%} of the way to the line between the facets.",
}
"""The sentences, in English; the room has them in its languages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanalLandmarks:
    """Distances at a level; the defaults are typical of L4-L5 and L5-S1.

    Parameters
    ----------
    facet_mm : float
        From the midline to the inner margin of the facet joint (mm).
    pedicle_inner_mm, pedicle_outer_mm : float
        From the midline to the inner and outer margin of the pedicle (mm).
    facet_line_mm : float or None
        From the base plane back to the line between the facets (mm); None if not measured.
    """

    facet_mm: float = 8.0
    pedicle_inner_mm: float = 12.5
    pedicle_outer_mm: float = 24.0
    facet_line_mm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One descriptor and why.

    Parameters
    ----------
    name : str
        Field of `Descriptors`.
    value : Term or int
        What it may be.
    reason : str
        A sentence with the numbers.
    key : str
        Which sentence it is, for other languages.
    numbers : mapping from str to float
        The numbers in it.
    """

    name: str
    value: Term | int
    reason: str
    key: str
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """What geometry suggests, and which descriptors it says nothing of and why."""

    found: tuple[Suggestion, ...] = ()
    silent: tuple[str, ...] = ()

    def suggestion(self, name: str) -> Suggestion | None:
        """Return the suggestion for one descriptor."""
        return next((each for each in self.found if each.name == name), None)

    def as_descriptors(self) -> Descriptors:
        """Return all of them, as a reader who agrees would say them."""
        return Descriptors(**{each.name: each.value for each in self.found})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shape:
    """Voxel centres in the level's own directions (mm).

    `depth` behind the base plane, `height` above the lower corner, `left` of the midline or, without
    one, of the corners. `step` is a voxel's extent along (depth, height, left).
    """

    depth: FloatArray
    height: FloatArray
    left: FloatArray
    step: FloatArray
    disc_mm: float
    volume_mm3: float


def suggest_descriptors(
    mask: MaskZYX,
    geometry: VolumeGeometry,
    base_plane: BasePlane | None,
    *,
    midline_lps: npt.ArrayLike | None = None,
    landmarks: CanalLandmarks | None = None,
) -> Suggestions:
    """Suggest what can be computed of a herniation's description.

    Parameters
    ----------
    mask : ndarray of bool, shape (n_slices, n_rows, n_cols)
        The displaced material.
    geometry : VolumeGeometry
        Its grid.
    base_plane : BasePlane or None
        Of the reading; without it nothing is suggested.
    midline_lps : array_like of float, shape (3,), optional
        A point of the midline at the level, for example the disc's centre, LPS mm.
    landmarks : CanalLandmarks, optional
        Distances at the level; typical ones by default.

    Raises
    ------
    GeometryMismatchError
        If ``mask.shape`` differs from ``geometry.shape_zyx``.
    """
    if mask.shape != geometry.shape_zyx:
        raise GeometryMismatchError(f"the mask has the shape {mask.shape} and its grid {geometry.shape_zyx}")
    if base_plane is None:
        return Suggestions(silent=("Nothing is suggested without a base plane; place one.",))
    if not mask.any():
        return Suggestions(silent=("Nothing is suggested for an empty mask.",))
    shape = _shape(mask, geometry, base_plane, midline_lps)
    canal = landmarks or CanalLandmarks()
    found = [_type(shape), _migration(shape)]
    silent = ["The Pfirrmann grade is not computed; judge the disc on T2."]
    if midline_lps is None:
        silent.append("Side and zone are not suggested: the midline is not known; confirm the level.")
    else:
        found += [_side(shape), _zone(shape, canal), _msu_location(shape, canal)]
    if canal.facet_line_mm is None:
        silent.append("The MSU size is not suggested: the line between the facets was not measured.")
    else:
        found.append(_msu_size(shape, canal.facet_line_mm))
    return Suggestions(found=tuple(found), silent=tuple(silent))


def _shape(
    mask: MaskZYX, geometry: VolumeGeometry, plane: BasePlane, midline_lps: npt.ArrayLike | None
) -> _Shape:
    upper, lower = (np.asarray(corner) for corner in plane.corners_lps)
    disc_mm = float(np.linalg.norm(upper - lower))
    back = np.asarray(plane.normal_lps)
    up = (upper - lower) / disc_mm
    left = np.cross(back, up)
    points = geometry.index_to_lps(np.argwhere(mask))
    middle = plane.point_lps if midline_lps is None else np.asarray(midline_lps, dtype=np.float64)
    directions = np.stack([back, up, left])
    return _Shape(
        depth=plane.depth_mm(points),
        height=np.asarray((points - lower) @ up),
        left=np.asarray((points - middle) @ left),
        step=np.abs(directions @ geometry.affine_lps[:3, :3]).max(axis=1),
        disc_mm=disc_mm,
        volume_mm3=len(points) * geometry.voxel_volume_mm3,
    )


def _suggestion(name: str, value: Term | int, key: str, **numbers: float) -> Suggestion:
    return Suggestion(name=name, value=value, key=key, reason=REASONS[key].format(**numbers), numbers=numbers)


def _type(shape: _Shape) -> Suggestion:
    near_mm = max(BASE_LAYER_MM, 1.5 * float(shape.step[0]))
    is_level = (shape.height >= -shape.step[1]) & (shape.height <= shape.disc_mm + shape.step[1])
    if not (is_level & (shape.depth < max(GAP_MM, near_mm))).any():
        near = max(GAP_MM, near_mm)
        return _suggestion("type", HerniationType.SEQUESTRATION, "separate", near=near)
    is_base = shape.depth < max(near_mm, float(shape.depth.min()) + near_mm)
    bases = {}
    for key, along, step in (
        ("wider_up", shape.height, float(shape.step[1])),
        ("wider_across", shape.left, float(shape.step[2])),
    ):
        base = _extent(along[is_base], step)
        dome = max((_extent(along[layer], step) for layer in _layers(shape, near_mm)), default=0.0)
        # Less than a voxel wider is within the grid's own roughness.
        if dome > base + step:
            return _suggestion("type", HerniationType.EXTRUSION, key, dome=dome, base=base)
        bases[key] = base
    high = _extent(shape.height, float(shape.step[1]))
    if high > shape.disc_mm + 2 * shape.step[1]:
        return _suggestion("type", HerniationType.EXTRUSION, "beyond_disc", dome=high, disc=shape.disc_mm)
    up, across = bases["wider_up"], bases["wider_across"]
    return _suggestion("type", HerniationType.PROTRUSION, "narrower", up=up, across=across)


def _layers(shape: _Shape, near_mm: float) -> list[npt.NDArray[np.bool_]]:
    """Return the layers of material behind the base, each as thick as the base."""
    first = max(near_mm, float(shape.depth.min()) + near_mm)
    numbers = np.floor((shape.depth - first) / near_mm)
    return [numbers == number for number in np.unique(numbers[numbers >= 0])]


def _extent(values: FloatArray, step: float) -> float:
    """Return a length from voxel edge to voxel edge (mm)."""
    return float(np.ptp(values)) + step if len(values) else 0.0


def _migration(shape: _Shape) -> Suggestion:
    half = float(shape.step[1]) / 2
    above = max(0.0, float(shape.height.max()) + half - shape.disc_mm)
    below = max(0.0, half - float(shape.height.min()))
    if max(above, below) < MIGRATION_MM:
        return _suggestion("migration", Migration.NONE, "within_disc", limit=MIGRATION_MM)
    if above > below:
        return _suggestion("migration", Migration.UP, "beyond_above", above=above, below=below)
    return _suggestion("migration", Migration.DOWN, "beyond_below", above=above, below=below)


def _side(shape: _Shape) -> Suggestion:
    offset = float(shape.left.mean())
    if abs(offset) <= MIDLINE_MM:
        return _suggestion("side", Side.CENTRAL, "off_none", offset=abs(offset), limit=MIDLINE_MM)
    if offset > 0:
        return _suggestion("side", Side.LEFT, "off_left", offset=offset)
    return _suggestion("side", Side.RIGHT, "off_right", offset=-offset)


def _zone(shape: _Shape, canal: CanalLandmarks) -> Suggestion:
    offset = abs(float(shape.left.mean()))
    limits = (
        (Zone.CENTRAL, 0.0, MIDLINE_MM),
        (Zone.PARACENTRAL, MIDLINE_MM, canal.facet_mm),
        (Zone.SUBARTICULAR, canal.facet_mm, canal.pedicle_inner_mm),
        (Zone.FORAMINAL, canal.pedicle_inner_mm, canal.pedicle_outer_mm),
    )
    for zone, inner, outer in limits:
        if offset <= outer:
            return _suggestion("zone", zone, "zone", offset=offset, inner=inner, outer=outer)
    return _suggestion(
        "zone", Zone.EXTRAFORAMINAL, "zone_outside", offset=offset, inner=canal.pedicle_outer_mm
    )


def _msu_location(shape: _Shape, canal: CanalLandmarks) -> Suggestion:
    offset = np.abs(shape.left)
    middle = float((offset <= canal.facet_mm / 2).mean())
    foramen = float((offset > canal.facet_mm).mean())
    lateral = 1.0 - middle - foramen
    if min(middle, lateral) >= BOTH_QUARTERS_SHARE:
        value = MsuLocation.AB
    else:
        shares = {MsuLocation.A: middle, MsuLocation.B: lateral, MsuLocation.C: foramen}
        value = max(shares, key=lambda each: shares[each])
    return _suggestion("msu_location", value, "quarters", middle=middle, lateral=lateral, foramen=foramen)


def _msu_size(shape: _Shape, facet_line_mm: float) -> Suggestion:
    depth = float(shape.depth.max() + shape.step[0] / 2)
    share = depth / facet_line_mm
    size = 1 if share <= 0.5 else 2 if share <= 1.0 else 3
    return _suggestion("msu_size", size, "facet_line", depth=depth, share=share)

"""Descriptors that geometry suggests; a reader decides, nothing is applied by itself.

From the mask and the base plane: shape and migration. With the midline also the side. Zone and MSU
grade are bounded by the facet joints and the pedicles; they are suggested only where somebody measured
those, because at other distances the same fragment has another name. What a number does not allow is not
suggested, and said.

Definitions
-----------
Shape, migration, zones: lumbar disc nomenclature 2.0 (Fardon 2014, Spine J 14:2525), zones after Wiltse
1997 (Spine 22:1534): central between the medial edges of the facets, subarticular from there to the
pedicle's medial border, foraminal between the pedicle's medial and lateral border, extraforaminal beyond.
In the central zone a fragment off the midline is right or left central (paracentral). An extrusion is
wider than its base in some plane, or higher than the disc space; a sequestration has lost its connection.

MSU grade: Mysliwiec 2010 (Eur Spine J 19:1087), against the line between the medial edges of the facet
joints. Size 1 reaches up to half of the way from the disc's undisplaced border to that line, 2 further, 3
beyond the line. Location at the greatest extrusion: A in the two central quarters of the line, B in a
lateral quarter, C beyond the facet's medial edge; AB on the border of A and B.

Assumptions: the mask is the displaced material behind the base plane, without the disc; the base plane
stands for the disc's undisplaced border.

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
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.sentences import Sentence, sentence
from herntrack.model.vocabulary import HerniationType, Migration, MsuLocation, Side, Term, Zone

BASE_LAYER_MM = 1.5
"""Material this near to the base plane is the base (mm); never less than a voxel and a half."""

GAP_MM = 3.0
"""Material that begins further behind the base plane has no connection with the disc (mm)."""

MIGRATION_MM = 3.0
"""Less beyond the disc's corners is the roundness of a bulge, not migration (mm)."""

MIDLINE_ERROR_MM = 3.0
"""How far to the side a disc's centre that a person pointed at may lie (mm); see `herntrack.levels.midline`.

Nearer to the midline than this, or than a voxel, a centre is on neither side.
"""


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
    "quarters": "At its deepest it lies {offset:.1f} mm from the midline; the quarters of the line between"
    " the facets end at {half:.1f} and {full:.1f} mm.",
    "facet_line": "It reaches {depth:.1f} mm back, {share:.0%} of the way to the line between the facets.",
}
"""The sentences, in English; the room has them in its languages."""


_QUIET: Mapping[str, str] = {
    "type": "quiet_empty",
    "zone": "quiet_zone",
    "side": "quiet_midline",
    "migration": "quiet_empty",
    "msu_size": "quiet_msu",
    "msu_location": "quiet_msu",
    "pfirrmann": "quiet_pfirrmann",
}
"""Which sentence says why nothing is suggested for a descriptor, where the mask itself would do."""

_NAMES = tuple(_QUIET)


@dataclass(frozen=True, slots=True, kw_only=True)
class CanalLandmarks:
    """Distances that somebody measured at the level; None where nobody did.

    Parameters
    ----------
    facet_mm : float or None
        From the midline to the medial edge of the facet joint: half of the line between the facets (mm).
    pedicle_inner_mm, pedicle_outer_mm : float or None
        From the midline to the medial and the lateral border of the pedicle (mm).
    facet_line_mm : float or None
        From the base plane back to the line between the facets (mm).
    """

    facet_mm: float | None = None
    pedicle_inner_mm: float | None = None
    pedicle_outer_mm: float | None = None
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
    """What geometry suggests, and why it says nothing of other descriptors, by their names."""

    found: tuple[Suggestion, ...] = ()
    silent: Mapping[str, Sentence] = field(default_factory=dict)

    def suggestion(self, name: str) -> Suggestion | None:
        """Return the suggestion for one descriptor."""
        return next((each for each in self.found if each.name == name), None)


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
        Distances at the level, as far as they were measured; none by default.

    Raises
    ------
    GeometryMismatchError
        If ``mask.shape`` differs from ``geometry.shape_zyx``.
    """
    if mask.shape != geometry.shape_zyx:
        raise GeometryMismatchError(f"the mask has the shape {mask.shape} and its grid {geometry.shape_zyx}")
    if base_plane is None:
        return Suggestions(silent=dict.fromkeys(_NAMES, sentence("quiet_no_plane")))
    if not mask.any():
        return Suggestions(silent=dict.fromkeys(_NAMES, sentence("quiet_empty")))
    shape = _shape(mask, geometry, base_plane, midline_lps)
    canal = landmarks or CanalLandmarks()
    found = [_type(shape), _migration(shape), _msu_size(shape, canal)]
    if midline_lps is not None:
        found += [_side(shape), _zone(shape, canal), _msu_location(shape, canal)]
    suggested = tuple(each for each in found if each is not None)
    lacking = set(_NAMES) - {each.name for each in suggested}
    no_midline = {"side", "zone", "msu_location"} if midline_lps is None else set()
    return Suggestions(
        found=suggested,
        silent={
            name: sentence("quiet_midline" if name in no_midline else _QUIET[name])
            for name in _NAMES
            if name in lacking
        },
    )


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


def _beside_midline_mm(shape: _Shape) -> float:
    """Return how far from the midline a centre is surely on one side of it (mm)."""
    return max(MIDLINE_ERROR_MM, float(shape.step[2]))


def _side(shape: _Shape) -> Suggestion:
    offset, limit = float(shape.left.mean()), _beside_midline_mm(shape)
    if abs(offset) <= limit:
        return _suggestion("side", Side.CENTRAL, "off_none", offset=abs(offset), limit=limit)
    if offset > 0:
        return _suggestion("side", Side.LEFT, "off_left", offset=offset)
    return _suggestion("side", Side.RIGHT, "off_right", offset=-offset)


def _zone(shape: _Shape, canal: CanalLandmarks) -> Suggestion | None:
    """Return the zone of the centre (Wiltse 1997); None without the borders of the zones."""
    facet, inner, outer = canal.facet_mm, canal.pedicle_inner_mm, canal.pedicle_outer_mm
    if facet is None or inner is None or outer is None:
        return None
    offset, central = abs(float(shape.left.mean())), _beside_midline_mm(shape)
    limits = (
        (Zone.CENTRAL, 0.0, central),
        (Zone.PARACENTRAL, central, facet),
        (Zone.SUBARTICULAR, facet, inner),
        (Zone.FORAMINAL, inner, outer),
    )
    for zone, near, far in limits:
        if offset <= far:
            return _suggestion("zone", zone, "zone", offset=offset, inner=near, outer=far)
    return _suggestion("zone", Zone.EXTRAFORAMINAL, "zone_outside", offset=offset, inner=outer)


def _msu_location(shape: _Shape, canal: CanalLandmarks) -> Suggestion | None:
    """Return the quarter at the greatest extrusion (Mysliwiec 2010); None without the line."""
    if canal.facet_mm is None:
        return None
    full, half = canal.facet_mm, canal.facet_mm / 2
    deepest = shape.depth > shape.depth.max() - shape.step[0]
    offset = abs(float(shape.left[deepest].mean()))
    near = float(shape.step[2]) / 2
    if abs(offset - half) <= near:
        value = MsuLocation.AB
    else:
        value = MsuLocation.A if offset < half else MsuLocation.B if offset <= full else MsuLocation.C
    return _suggestion("msu_location", value, "quarters", offset=offset, half=half, full=full)


def _msu_size(shape: _Shape, canal: CanalLandmarks) -> Suggestion | None:
    """Return the size against the line between the facets (Mysliwiec 2010); None without it."""
    if canal.facet_line_mm is None:
        return None
    depth = float(shape.depth.max() + shape.step[0] / 2)
    share = depth / canal.facet_line_mm
    size = 1 if share <= 0.5 else 2 if share <= 1.0 else 3
    return _suggestion("msu_size", size, "facet_line", depth=depth, share=share)

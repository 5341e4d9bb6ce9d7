"""Descriptors that geometry suggests; a reader decides, nothing is applied by itself.

From the mask and the base plane: shape and migration. With the midline also the side. With the line
between the facets, which the reader draws, zone and MSU grade (`herntrack.reading_room.facet_grades`);
without it nobody knows them, because at other distances the same fragment has another name. What a number
does not allow is not suggested, and said.

Definitions
-----------
Shape and migration: lumbar disc nomenclature 2.0 (Fardon 2014, Spine J 14:2525). An extrusion is wider than
its base in some plane, or higher than the disc space; a sequestration has lost its connection.

Assumptions: the mask is the displaced material behind the base plane, without the disc.

Public: `suggest_descriptors`, `Suggestion`, `Suggestions`, `REASONS`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from herntrack._typing import FloatArray, MaskZYX
from herntrack.errors import GeometryMismatchError
from herntrack.model.base_plane import BasePlane
from herntrack.model.facet_line import FacetLine
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.sentences import sentence
from herntrack.model.vocabulary import HerniationType, Migration, Side
from herntrack.reading_room import facet_grades
from herntrack.reading_room.lesion_shape import LesionShape, lesion_shape
from herntrack.reading_room.suggestion import REASONS, Suggestion, Suggestions, suggestion

__all__ = ["REASONS", "Suggestion", "Suggestions", "suggest_descriptors"]

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


def suggest_descriptors(
    mask: MaskZYX,
    geometry: VolumeGeometry,
    base_plane: BasePlane | None,
    *,
    midline_lps: npt.ArrayLike | None = None,
    facet_line: FacetLine | None = None,
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
        A point of the midline at the level, for example the disc's centre, LPS mm; a facet line's middle
        goes before it.
    facet_line : FacetLine, optional
        Between the medial edges of the facets at the level.

    Raises
    ------
    GeometryMismatchError
        If ``mask.shape`` differs from ``geometry.shape_zyx``.
    """
    if mask.shape != geometry.shape_zyx:
        raise GeometryMismatchError(f"the mask has the shape {mask.shape} and its grid {geometry.shape_zyx}")
    if base_plane is None:
        return Suggestions(silent=dict.fromkeys(_QUIET, sentence("quiet_no_plane")))
    if not mask.any():
        return Suggestions(silent=dict.fromkeys(_QUIET, sentence("quiet_empty")))
    shape = lesion_shape(mask, geometry, base_plane, midline_lps=midline_lps, facet_line=facet_line)
    silent = {name: sentence(key) for name, key in _QUIET.items()}
    graded: list[Suggestion] = []
    if facet_line is not None:
        if refusal := facet_grades.line_refusal(shape, facet_line, base_plane):
            silent |= dict.fromkeys(facet_grades.ON_LINE, refusal)
            facet_line, shape = None, lesion_shape(mask, geometry, base_plane, midline_lps=midline_lps)
        else:
            graded, unsaid = facet_grades.facet_grades(shape, facet_line, base_plane)
            silent |= unsaid
    found = [_type(shape), _migration(shape), *graded]
    if facet_line is not None:
        found.append(_side(shape, facet_grades.MIDLINE_ERROR_MM, is_on_line=True))
    elif midline_lps is not None:
        found.append(_side(shape, MIDLINE_ERROR_MM))
    said = {each.name for each in found}
    return Suggestions(
        found=tuple(found), silent={name: why for name, why in silent.items() if name not in said}
    )


def _type(shape: LesionShape) -> Suggestion:
    near_mm = max(BASE_LAYER_MM, 1.5 * float(shape.step[0]))
    is_level = (shape.height >= -shape.step[1]) & (shape.height <= shape.disc_mm + shape.step[1])
    if not (is_level & (shape.depth < max(GAP_MM, near_mm))).any():
        near = max(GAP_MM, near_mm)
        return suggestion("type", HerniationType.SEQUESTRATION, "separate", near=near)
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
            return suggestion("type", HerniationType.EXTRUSION, key, dome=dome, base=base)
        bases[key] = base
    high = _extent(shape.height, float(shape.step[1]))
    if high > shape.disc_mm + 2 * shape.step[1]:
        return suggestion("type", HerniationType.EXTRUSION, "beyond_disc", dome=high, disc=shape.disc_mm)
    up, across = bases["wider_up"], bases["wider_across"]
    return suggestion("type", HerniationType.PROTRUSION, "narrower", up=up, across=across)


def _layers(shape: LesionShape, near_mm: float) -> list[npt.NDArray[np.bool_]]:
    """Return the layers of material behind the base, each as thick as the base."""
    first = max(near_mm, float(shape.depth.min()) + near_mm)
    numbers = np.floor((shape.depth - first) / near_mm)
    return [numbers == number for number in np.unique(numbers[numbers >= 0])]


def _extent(values: FloatArray, step: float) -> float:
    """Return a length from voxel edge to voxel edge (mm)."""
    return float(np.ptp(values)) + step if len(values) else 0.0


def _migration(shape: LesionShape) -> Suggestion:
    half = float(shape.step[1]) / 2
    above = max(0.0, float(shape.height.max()) + half - shape.disc_mm)
    below = max(0.0, half - float(shape.height.min()))
    if max(above, below) < MIGRATION_MM:
        return suggestion("migration", Migration.NONE, "within_disc", limit=MIGRATION_MM)
    if above > below:
        return suggestion("migration", Migration.UP, "beyond_above", above=above, below=below)
    return suggestion("migration", Migration.DOWN, "beyond_below", above=above, below=below)


def _side(shape: LesionShape, error_mm: float, *, is_on_line: bool = False) -> Suggestion:
    """Return the side of the centre, which is surely on one beyond the midline's error, and a voxel."""
    offset, limit = float(shape.left.mean()), max(error_mm, float(shape.step[2]))
    if abs(offset) <= limit:
        return suggestion(
            "side", Side.CENTRAL, "off_none", is_on_line=is_on_line, offset=abs(offset), limit=limit
        )
    if offset > 0:
        return suggestion("side", Side.LEFT, "off_left", is_on_line=is_on_line, offset=offset)
    return suggestion("side", Side.RIGHT, "off_right", is_on_line=is_on_line, offset=-offset)

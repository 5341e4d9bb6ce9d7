"""Discs, and the corners of the bodies at them, from other tools' label maps.

Around each disc the labels are laid on a fine midsagittal grid and smoothed by half a voxel. Of each
vertebra the part in front of the canal is its body; a corner is the body's furthest point in the
direction between along and across the disc.

Public: `discs_of_labels`, `Convention`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from herntrack._typing import FloatArray, LabelsZYX
from herntrack.errors import GeometryError, LevelError
from herntrack.levels.conventions import Convention, Numbering, numbering_of
from herntrack.levels.records import Confidence, DiscProposal
from herntrack.model.base_plane import BasePlane, Point, body_axes
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import Level

__all__ = ["Convention", "discs_of_labels"]

STEP_MM = 0.5
"""Step of the midsagittal grid (mm)."""

REACH_MM = 48.0
"""Half the side of the grid around a disc (mm)."""

SIDES_MM = (-2.0, 0.0, 2.0)
"""Parallel grids that are averaged (mm)."""

BODY_MM = 30.0
"""Of each vertebra, so much beside the disc counts (mm): the sacrum is longer."""

SMALLEST_PART = 0.25
"""A part of a vertebra smaller than this share of the largest is not its body."""

ROUNDS = 4
"""How often corners and the disc's direction are found from each other."""

STEP_LIMITS_MM = (15.0, 60.0)
"""Centres of neighbouring discs lie so far apart (mm); labels that say otherwise are of something else."""

NEAR_MM = 4.0
"""Two vertebrae are nearest to each other where it is no more than this further than at the nearest (mm)."""

FEWEST_VOXELS = 4
"""A label of fewer voxels is a speck."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Map:
    """A label map, its axes to left, back and head, and the centres of its labels."""

    labels: LabelsZYX
    geometry: VolumeGeometry
    centres: dict[int, FloatArray]

    @property
    def axes(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        return body_axes(self.geometry)


def discs_of_labels(
    labels: LabelsZYX, geometry: VolumeGeometry, convention: Convention
) -> tuple[DiscProposal, ...]:
    """Return the lumbar discs of a label map.

    Parameters
    ----------
    labels : ndarray of integer, shape (n_slices, n_rows, n_cols)
        Label map indexed ``[slice, row, col]``.
    geometry : VolumeGeometry
        Grid of `labels`, LPS millimetres.
    convention : Convention
        Whose numbers they are.

    Returns
    -------
    tuple of DiscProposal
        From above downwards.

    Raises
    ------
    LevelError
        If the map has no lumbar disc in this convention, or what it has cannot be a spine.
    """
    present = {
        int(each)
        for each, count in zip(*np.unique(labels, return_counts=True), strict=True)
        if count >= FEWEST_VOXELS
    }
    numbering = numbering_of(convention, present)
    known = _known(labels, geometry, numbering, present)
    found = []
    for level, bodies in numbering.bodies.items():
        disc = numbering.discs.get(level)
        above, below = (each if each in present else None for each in bodies)
        has_disc = disc is not None and disc in present
        if has_disc or (disc is None and above is not None and below is not None):
            found.append(_disc(known, level, disc if has_disc else None, above, below, convention))
    if not found:
        shown = ", ".join(str(each) for each in sorted(present - {0})[:40]) or "none"
        raise LevelError(
            f"the map has no lumbar disc in the numbers of {convention.value}; its labels are: {shown}."
            f" Known conventions: {', '.join(each.value for each in Convention)}"
        )
    _check_column(found, known.axes[2], convention)
    return tuple(found)


def _known(labels: LabelsZYX, geometry: VolumeGeometry, numbering: Numbering, present: set[int]) -> _Map:
    wanted = sorted(
        ({each for pair in numbering.bodies.values() for each in pair} | set(numbering.discs.values()))
        & present
    )
    middles = ndimage.center_of_mass(np.ones(labels.shape, dtype=np.uint8), labels, wanted) if wanted else []
    centres = {label: geometry.index_to_lps(middle) for label, middle in zip(wanted, middles, strict=True)}
    return _Map(labels=labels, geometry=geometry, centres=centres)


def _disc(  # noqa: PLR0917 - one disc with what the map has of it
    known: _Map, level: Level, disc: int | None, above: int | None, below: int | None, convention: Convention
) -> DiscProposal:
    corners = None
    if above is not None and below is not None:
        start = known.centres[disc] if disc is not None else _between(known, above, below)
        corners = _corners(known, start, above, below)
    plane = None
    if corners is not None:
        try:
            plane = BasePlane.from_corners(corners[0], corners[1], known.geometry)
        except GeometryError:
            plane = None
    if disc is not None:
        centre = known.centres[disc]
    elif corners is not None:
        centre = np.mean(corners, axis=0)
    else:
        centre = _between(known, above or 0, below or 0)
    note = "" if plane is not None else "; the posterior corners are not clear: place them by hand"
    return DiscProposal(
        level=level,
        centre_lps=_point(centre),
        base_plane=plane,
        confidence=Confidence.CLEAR,
        sentence=f"labelled by {convention.value}{note}",
    )


def _between(known: _Map, above: int, below: int) -> FloatArray:
    """Return the middle of where two vertebrae are nearest to each other in front of the canal."""
    centres = known.centres[above], known.centres[below]
    _, back, _ = known.axes
    bodies = []
    for label, own in zip((above, below), centres, strict=True):
        points = known.geometry.index_to_lps(np.argwhere(known.labels == label))
        bodies.append(points[(points - own) @ back <= 0] if len(points) else own[None])
    upper, lower = bodies
    down, up = cKDTree(lower).query(upper)[0], cKDTree(upper).query(lower)[0]
    near = min(down.min(), up.min()) + NEAR_MM
    ends = upper[down < near].mean(axis=0), lower[up < near].mean(axis=0)
    return np.asarray(np.mean(ends, axis=0), dtype=np.float64)


def _corners(known: _Map, start: FloatArray, above: int, below: int) -> FloatArray | None:
    """Return the back corners above and below, then the front ones, shape (4, 3); None if not clear."""
    lateral, back, up = known.axes
    steps = np.arange(-REACH_MM, REACH_MM + STEP_MM / 2, STEP_MM)
    offsets = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1)  # rows up, columns back
    plane = start + offsets[..., :1] * up + offsets[..., 1:] * back
    bodies = [_body(known, plane, lateral, label, offsets) for label in (above, below)]
    if any(len(body) == 0 for body in bodies):
        return None
    upper, lower = bodies
    across = upper.mean(axis=0) - lower.mean(axis=0)
    for _ in range(ROUNDS):
        across = across / np.linalg.norm(across)
        along = np.array((-across[1], across[0]))
        along = along if along[1] > 0 else -along
        four = np.array(
            [
                _furthest(upper, along - across),
                _furthest(lower, along + across),
                _furthest(upper, -along - across),
                _furthest(lower, -along + across),
            ]
        )
        line = four[0] + four[1] - four[2] - four[3]
        across = np.array((line[1], -line[0])) if line[1] > 0 else np.array((-line[1], line[0]))
    return np.asarray(start + four[:, :1] * up + four[:, 1:] * back, dtype=np.float64)


def _furthest(points: FloatArray, direction: FloatArray) -> FloatArray:
    """Return the mean of the points that lie furthest in a direction, to within a step."""
    reach = points @ direction / np.linalg.norm(direction)
    return np.asarray(points[reach >= reach.max() - STEP_MM].mean(axis=0), dtype=np.float64)


def _body(known: _Map, plane: FloatArray, lateral: FloatArray, label: int, offsets: FloatArray) -> FloatArray:
    """Return the (up, back) offsets of a vertebra's body near the disc."""
    share = np.mean([_at(known, plane + side * lateral, label) for side in SIDES_MM], axis=0)
    spacing = float(np.median(known.geometry.spacing_zyx))
    inside = ndimage.gaussian_filter(share, spacing / 2 / STEP_MM) >= 0.5
    inside &= np.abs(offsets[..., 0]) <= BODY_MM
    parts, count = ndimage.label(inside)
    if count == 0:
        return np.zeros((0, 2))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    backs = ndimage.mean(offsets[..., 1], parts, range(1, count + 1))
    large = np.nonzero(sizes >= SMALLEST_PART * sizes.max())[0]
    front = int(large[np.argmin(np.asarray(backs)[large])]) + 1
    return np.asarray(offsets[parts == front], dtype=np.float64)


def _at(known: _Map, points: FloatArray, label: int) -> npt.NDArray[np.float64]:
    """Return where points have a label (nearest voxel), as 0 and 1."""
    index = np.rint(known.geometry.lps_to_index(points)).astype(np.int64)
    shape = np.array(known.geometry.shape_zyx)
    inside = ((index >= 0) & (index < shape)).all(axis=-1)
    k, r, c = np.moveaxis(np.clip(index, 0, shape - 1), -1, 0)
    return np.asarray(inside & (known.labels[k, r, c] == label), dtype=np.float64)


def _check_column(found: Sequence[DiscProposal], up: FloatArray, convention: Convention) -> None:
    for upper, lower in pairwise(found):
        offset = np.array(upper.centre_lps) - np.array(lower.centre_lps)
        distance = float(np.linalg.norm(offset))
        is_next = list(Level).index(lower.level) - list(Level).index(upper.level) == 1
        low, high = STEP_LIMITS_MM
        if offset @ up <= 0 or (is_next and not low <= distance <= high):
            raise LevelError(
                f"the labels are no spine in the numbers of {convention.value}: {upper.level.value} lies"
                f" {float(offset @ up):.0f} mm above {lower.level.value} and {distance:.0f} mm from it, where"
                f" {low:.0f} to {high:.0f} mm are usual. Name the right convention:"
                f" {', '.join(each.value for each in Convention)}"
            )


def _point(values: FloatArray) -> Point:
    return float(values[0]), float(values[1]), float(values[2])

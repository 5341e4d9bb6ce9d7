"""A minimum cut whose result is star-shaped about the points.

Every voxel of the result sees its nearest point in a straight line through the result, so nothing
leaks round a corner into a disc or along a root (star-shape prior: Veksler 2008, ECCV; minimum cuts:
Boykov and Jolly 2001, ICCV). The maximum flow is SciPy's.

Public: `star_cut`, `CutWeights`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from herntrack._typing import FloatArray, MaskZYX

SCALE = 1000
"""Capacities are integers; this many stand for 1."""

FIXED = 10_000_000
"""Capacity that is never cut."""

Index = npt.NDArray[np.int64]
"""Numbers of voxels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutWeights:
    """How dear it is to part neighbours.

    Parameters
    ----------
    in_plane : float
        For neighbours in a slice that look alike, against a voxel's support of up to 1.
    between_slices : float
        The same from slice to slice; voxels share less surface there.
    least : float
        Share that remains where neighbours differ clearly.
    edge : float
        Difference of intensities that counts as clear.
    """

    in_plane: float = 0.5
    between_slices: float = 0.2
    least: float = 0.15
    edge: float


def star_cut(
    support: FloatArray,
    values: FloatArray,
    *,
    inside: MaskZYX,
    outside: MaskZYX,
    centres_zyx: FloatArray,
    spacing_zyx: tuple[float, float, float],
    weights: CutWeights,
) -> MaskZYX:
    """Return the star-shaped region of the least cost.

    Parameters
    ----------
    support : ndarray of float64, shape (n_slices, n_rows, n_cols)
        For (positive) and against (negative) each voxel.
    values : ndarray of float64
        Intensities, for the edges.
    inside, outside : ndarray of bool
        Voxels that are decided; they do not overlap.
    centres_zyx : ndarray of float64, shape (n, 3)
        Indices of the points.
    spacing_zyx : tuple of float
        Spacing (mm).
    weights : CutWeights
        Cost of the boundary.

    Returns
    -------
    ndarray of bool
    """
    if outside.all():
        return np.zeros(support.shape, dtype=np.bool_)
    box = _box(~outside)
    result = np.zeros(support.shape, dtype=np.bool_)
    result[box] = _cut(
        support[box],
        values[box],
        inside=inside[box],
        outside=outside[box],
        centres_zyx=centres_zyx - [edge.start for edge in box],
        spacing_zyx=spacing_zyx,
        weights=weights,
    )
    return result


def _cut(
    support: FloatArray,
    values: FloatArray,
    *,
    inside: MaskZYX,
    outside: MaskZYX,
    centres_zyx: FloatArray,
    spacing_zyx: tuple[float, float, float],
    weights: CutWeights,
) -> MaskZYX:
    """Return the star-shaped region of the least cost in a box without superfluous voxels."""
    n_voxels = support.size
    number = np.full(support.shape, -1, dtype=np.int64)
    free = ~outside
    n_nodes = int(free.sum())
    number[free] = np.arange(n_nodes)
    source, sink = n_nodes, n_nodes + 1
    scaled = np.rint(support * SCALE).astype(np.int64)
    for_it, against = np.maximum(scaled, 0), np.maximum(-scaled, 0)
    for_it[inside], against[inside] = FIXED, 0
    edges = [*_neighbours(values, spacing_zyx, weights)]
    starts, ends, capacities = (np.concatenate([edge[part] for edge in edges]) for part in range(3))
    flat = number.ravel()
    # What borders on a decided outside pays for that border.
    border = np.bincount(starts, weights=capacities * (flat[ends] < 0), minlength=n_voxels)
    border += np.bincount(ends, weights=capacities * (flat[starts] < 0), minlength=n_voxels)
    against = against + np.where(inside, 0, border.reshape(support.shape).astype(np.int64))
    star_starts, star_ends = _star_edges(support.shape, centres_zyx, spacing_zyx)
    # What can see its point only through a decided outside is outside too.
    hidden = star_starts[(flat[star_ends] < 0) & ~inside.ravel()[star_starts]]
    for_it.ravel()[hidden], against.ravel()[hidden] = 0, FIXED
    both = (flat[starts] >= 0) & (flat[ends] >= 0)
    a, b, c = flat[starts[both]], flat[ends[both]], capacities[both]
    sight = (flat[star_starts] >= 0) & (flat[star_ends] >= 0)
    p, q = flat[star_starts[sight]], flat[star_ends[sight]]
    nodes = np.arange(n_nodes)
    rows = np.concatenate([a, b, p, np.full(n_nodes, source), nodes])
    columns = np.concatenate([b, a, q, nodes, np.full(n_nodes, sink)])
    data = np.concatenate([c, c, np.full(p.size, FIXED), for_it[free], against[free]])
    graph = csr_matrix((data, (rows, columns)), shape=(n_nodes + 2, n_nodes + 2))
    reached = _source_side(graph, source, sink)
    result = np.zeros(support.shape, dtype=np.bool_)
    result[free] = reached[:n_nodes]
    return result


def _box(free: MaskZYX) -> tuple[slice, ...]:
    """Return the box that holds all voxels to decide on and their neighbours."""
    found = []
    for axis, length in enumerate(free.shape):
        held = np.nonzero(free.any(axis=tuple(other for other in range(free.ndim) if other != axis)))[0]
        found.append(slice(max(int(held[0]) - 1, 0), min(int(held[-1]) + 2, length)))
    return tuple(found)


def _source_side(graph: csr_matrix, source: int, sink: int) -> npt.NDArray[np.bool_]:
    graph.data = np.minimum(graph.data, 2 * FIXED).astype(np.int32)
    residual = graph - maximum_flow(graph, source, sink).flow
    residual.data = np.maximum(residual.data, 0)
    residual.eliminate_zeros()
    order = breadth_first_order(residual, source, directed=True, return_predecessors=False)
    reached = np.zeros(graph.shape[0], dtype=np.bool_)
    reached[order] = True
    return reached


def _neighbours(
    values: FloatArray, spacing_zyx: tuple[float, float, float], weights: CutWeights
) -> list[tuple[Index, Index, Index]]:
    """Return pairs of voxels, 8 neighbours in the slice and 2 across, and what parting them costs."""
    number = np.arange(values.size).reshape(values.shape)
    _, dy, dx = spacing_zyx
    diagonal = float(np.sqrt(dy * dx) / np.hypot(dy, dx))
    offsets = (
        ((0, 0, 1), weights.in_plane),
        ((0, 1, 0), weights.in_plane),
        ((0, 1, 1), weights.in_plane * diagonal),
        ((0, 1, -1), weights.in_plane * diagonal),
        ((1, 0, 0), weights.between_slices),
    )
    found = []
    for offset, weight in offsets:
        one = tuple(slice(max(0, -o), n - max(0, o)) for o, n in zip(offset, values.shape, strict=True))
        other = tuple(slice(max(0, o), n - max(0, -o)) for o, n in zip(offset, values.shape, strict=True))
        difference = (values[one] - values[other]) / weights.edge
        cost = weight * (weights.least + np.exp(-np.square(difference)))
        found.append((number[one].ravel(), number[other].ravel(), (cost * SCALE).astype(np.int64).ravel()))
    return found


def _star_edges(
    shape: tuple[int, ...], centres_zyx: FloatArray, spacing_zyx: tuple[float, float, float]
) -> tuple[Index, Index]:
    """Return, for each voxel, itself and the next voxel on the line to its nearest centre."""
    grid = np.moveaxis(np.indices(shape), 0, -1)
    distances = np.stack(
        [np.square((grid - centre) * spacing_zyx).sum(axis=-1) for centre in centres_zyx], axis=-1
    )
    towards = np.rint(centres_zyx)[distances.argmin(axis=-1)] - grid
    steps = np.abs(towards).max(axis=-1)
    step = np.rint(towards / np.maximum(steps, 1)[..., None]).astype(np.int64)
    following = np.ravel_multi_index(tuple(np.moveaxis(grid + step, -1, 0)), shape)
    number = np.arange(int(np.prod(shape))).reshape(shape)
    away = steps > 0
    return number[away], following[away]

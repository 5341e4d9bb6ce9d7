"""Where two stacks are compared: small in-plane blocks of the baseline's own voxels.

The baseline is never interpolated. A block is worth something where it has structure above the
noise; the strongest of every region come first, so that bright fat does not crowd out bone.

Public: `Blocks`, `choose_blocks`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from herntrack._typing import FloatArray, PointsLPS
from herntrack.alignment.scales import Scale

EDGE = 7
"""Voxels along an edge of a block."""

CELL_BLOCKS = 3
"""A region within which blocks compete is this many blocks high and wide, in one slice."""

NOISE_PERCENTILE, NOISE_FACTOR = 10.0, 2.0
"""The flattest blocks show the noise (percentile); structure is this many times above it (no unit)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blocks:
    """Voxels of the baseline in blocks.

    Parameters
    ----------
    offsets_lps : ndarray of float32, shape (n_blocks, n_voxels, 3)
        Where each voxel lies, seen from `centre_lps` (LPS mm).
    values : ndarray of float32, shape (n_blocks, n_voxels)
        Intensities less the block's mean.
    centres_lps : ndarray of float64, shape (n_blocks, 3)
        Middle of each block (LPS mm).
    centre_lps : ndarray of float64, shape (3,)
        Middle of all blocks (LPS mm).
    """

    offsets_lps: npt.NDArray[np.float32]
    values: npt.NDArray[np.float32]
    centres_lps: PointsLPS
    centre_lps: FloatArray

    def __len__(self) -> int:
        return len(self.centres_lps)

    def kept(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Blocks:
        """Return some of the blocks."""
        return Blocks(
            offsets_lps=self.offsets_lps[which],
            values=self.values[which],
            centres_lps=self.centres_lps[which],
            centre_lps=self.centre_lps,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ball:
    """The part of the baseline to take blocks from.

    Parameters
    ----------
    centre_lps : tuple of float
        Its middle (LPS mm).
    radius_mm : float
        Its radius (mm).
    """

    centre_lps: tuple[float, float, float]
    radius_mm: float


def choose_blocks(scale: Scale, n_blocks: int, *, stride: int = 1, ball: Ball | None = None) -> Blocks:
    """Return the blocks with most structure, spread over the stack.

    Parameters
    ----------
    scale : Scale
        The baseline.
    n_blocks : int
        How many at most.
    stride : int
        Every how many-th voxel of a block is used along rows and columns.
    ball : Ball, optional
        Take blocks from here only.
    """
    tiling = _Tiling.of(scale)
    strength = _strength(tiling.tiles.std(axis=(3, 4)).astype(np.float64))
    k, r, c = (axis.ravel() for axis in np.indices(strength.shape))
    middle = [(edge - 1) / 2 for edge in tiling.edges]
    index = np.stack([k, tiling.rows(r) + middle[0], tiling.columns(c) + middle[1]], axis=-1)
    centres = index @ scale.affine_lps[:3, :3].T + scale.affine_lps[:3, 3]
    flat = strength.ravel()
    if ball is not None:
        flat = np.where(np.linalg.norm(centres - ball.centre_lps, axis=-1) <= ball.radius_mm, flat, 0.0)
    order = np.sort(np.argsort(-flat, kind="stable")[: min(n_blocks, int((flat > 0).sum()))])
    return _cut(scale, tiling, (k[order], r[order], c[order]), centres[order], stride)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tiling:
    """A stack cut into blocks, [slice, block row, block column, row, column], and what is left around."""

    tiles: npt.NDArray[np.float32]
    edges: tuple[int, int]
    margins: tuple[int, int]

    @classmethod
    def of(cls, scale: Scale) -> _Tiling:
        n_slices, n_rows, n_columns = scale.values.shape
        edge_y, edge_x = min(EDGE, n_rows), min(EDGE, n_columns)
        high, wide = n_rows // edge_y, n_columns // edge_x
        top, left = (n_rows - high * edge_y) // 2, (n_columns - wide * edge_x) // 2
        cut = scale.values[:, top : top + high * edge_y, left : left + wide * edge_x]
        tiles = cut.reshape(n_slices, high, edge_y, wide, edge_x).transpose(0, 1, 3, 2, 4)
        return cls(tiles=tiles, edges=(edge_y, edge_x), margins=(top, left))

    def rows(self, block_rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Return the first row of blocks."""
        return self.margins[0] + block_rows * self.edges[0]

    def columns(self, block_columns: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Return the first column of blocks."""
        return self.margins[1] + block_columns * self.edges[1]


def _cut(
    scale: Scale,
    tiling: _Tiling,
    which: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.intp]],
    centres: PointsLPS,
    stride: int,
) -> Blocks:
    k, r, c = which
    dy, dx = np.meshgrid(*(np.arange(0, edge, stride) for edge in tiling.edges), indexing="ij")
    inner = tiling.tiles[k, r, c][:, ::stride, ::stride].reshape(len(k), dy.size)
    index = np.empty((len(k), dy.size, 3))
    index[..., 0] = k[:, None]
    index[..., 1] = tiling.rows(r)[:, None] + dy.ravel()
    index[..., 2] = tiling.columns(c)[:, None] + dx.ravel()
    centre = centres.mean(axis=0) if len(centres) else np.zeros(3)
    offsets = index @ scale.affine_lps[:3, :3].T + (scale.affine_lps[:3, 3] - centre)
    return Blocks(
        offsets_lps=offsets.astype(np.float32),
        values=inner - inner.mean(axis=1, keepdims=True),
        centres_lps=centres,
        centre_lps=np.asarray(centre, dtype=np.float64),
    )


def _strength(spread: FloatArray) -> FloatArray:
    """Return the order in which blocks are taken, the highest first; 0 where there is only noise."""
    if not (spread > 0).any():
        return np.zeros_like(spread)
    floor = NOISE_FACTOR * np.percentile(spread[spread > 0], NOISE_PERCENTILE)
    result = np.zeros_like(spread)
    size = CELL_BLOCKS
    for top in range(0, spread.shape[1], size):
        for left in range(0, spread.shape[2], size):
            part = spread[:, top : top + size, left : left + size]
            rank = part.reshape(len(part), -1).argsort(axis=1).argsort(axis=1).reshape(part.shape)
            # The best of every region come first, then the second best, and so on.
            result[:, top : top + size, left : left + size] = (rank + 1) / (size * size)
    return np.where(spread > floor, result + 0.1 * spread / float(spread.max()), 0.0)

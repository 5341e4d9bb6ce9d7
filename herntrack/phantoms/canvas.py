"""The voxels a scene is painted on, and the noise its texture comes from.

A scene is painted once per patient on a fine grid with axis-parallel voxels in the patient's own
frame. Every structure is evaluated in its own box only, on open grids that broadcast.

Public: `Canvas`, `Box`, `noise_tile`, `sample_tile`, `rounded_box`, `capsule`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from herntrack.phantoms.tissues import Field, Tissue

CANVAS_STEP_MM = 0.5
"""Edge of a voxel of the canvas (mm): half of the thinnest layer that is painted."""

TILE_SIZE = 96
"""Edge of a periodic noise tile (voxels)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Box:
    """Part of a canvas: a writable view and its coordinates, shapes (nz,1,1), (1,ny,1), (1,1,nx)."""

    labels: npt.NDArray[np.uint8]
    x: Field
    y: Field
    z: Field

    def paint(self, inside: npt.NDArray[np.bool_], tissue: Tissue) -> None:
        """Give every voxel that is inside a tissue."""
        np.copyto(self.labels, np.uint8(tissue), where=inside)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Canvas:
    """Labels on a grid in the patient's frame, ``[z, y, x]``, first voxel centre at `origin_lps`."""

    labels: npt.NDArray[np.uint8]
    origin_lps: tuple[float, float, float]
    step_mm: float = CANVAS_STEP_MM

    @classmethod
    def blank(
        cls, low_lps: tuple[float, float, float], high_lps: tuple[float, float, float], step_mm: float
    ) -> Canvas:
        """Return a canvas of air that covers the box between two points."""
        counts = [int(np.ceil((high - low) / step_mm)) for low, high in zip(low_lps, high_lps, strict=True)]
        labels = np.zeros(counts[::-1], dtype=np.uint8)
        return cls(labels=labels, origin_lps=low_lps, step_mm=step_mm)

    def box(self, low_lps: npt.ArrayLike, high_lps: npt.ArrayLike) -> Box:
        """Return the part between two points, clipped to the canvas."""
        low = (np.asarray(low_lps) - self.origin_lps) / self.step_mm
        high = (np.asarray(high_lps) - self.origin_lps) / self.step_mm
        shape = np.array(self.labels.shape[::-1])
        start = np.clip(np.floor(low).astype(int), 0, shape)
        stop = np.clip(np.ceil(high).astype(int) + 1, start, shape)
        axes = [
            (self.origin_lps[a] + self.step_mm * np.arange(start[a], stop[a])).astype(np.float32)
            for a in range(3)
        ]
        view = self.labels[start[2] : stop[2], start[1] : stop[1], start[0] : stop[0]]
        return Box(labels=view, x=axes[0][None, None, :], y=axes[1][None, :, None], z=axes[2][:, None, None])

    def whole(self) -> Box:
        """Return the canvas as one box."""
        high = np.array(self.origin_lps) + self.step_mm * (np.array(self.labels.shape[::-1]) - 1)
        return self.box(self.origin_lps, high)


@lru_cache(maxsize=16)
def noise_tile(seed: int, smoothness: tuple[float, float, float]) -> Field:
    """Return smooth periodic noise with mean 0 and standard deviation 1.

    Parameters
    ----------
    seed : int
        Seed of the noise.
    smoothness : tuple of float
        Standard deviation of the Gaussian along z, y and x (tile voxels).

    Returns
    -------
    ndarray of float32, shape (TILE_SIZE, TILE_SIZE, TILE_SIZE), read-only
    """
    rng = np.random.default_rng([seed, 77])
    spectrum = np.fft.rfftn(rng.standard_normal((TILE_SIZE,) * 3, dtype=np.float32))
    full, half = np.fft.fftfreq(TILE_SIZE), np.fft.rfftfreq(TILE_SIZE)
    for axis, (frequency, sigma) in enumerate(zip((full, full, half), smoothness, strict=True)):
        shape = [1, 1, 1]
        shape[axis] = -1
        spectrum *= np.exp(-2 * (np.pi * sigma * frequency) ** 2).reshape(shape)
    noise = np.fft.irfftn(spectrum, s=(TILE_SIZE,) * 3, axes=(0, 1, 2)).astype(np.float32)
    tile = (noise - noise.mean()) / noise.std()
    tile.setflags(write=False)
    return np.asarray(tile, dtype=np.float32)


def sample_tile(tile: Field, box: Box, *, scale_mm: float) -> Field:
    """Return the noise at every voxel of a box; `scale_mm` is the edge of a tile voxel."""
    indices = [
        np.rint(axis.ravel() / scale_mm).astype(np.int64) % TILE_SIZE for axis in (box.z, box.y, box.x)
    ]
    return np.asarray(tile[np.ix_(*indices)], dtype=np.float32)


def rounded_box(
    coordinates: tuple[Any, Any, Any], half_sizes: tuple[float, float, float], radius: float
) -> Field:
    """Return the signed distance to a box with rounded edges (mm, negative inside)."""
    outside: Any = 0.0
    inside: Any = None
    for value, half in zip(coordinates, half_sizes, strict=True):
        over = np.abs(value) - (half - radius)
        outside = outside + np.square(np.maximum(over, 0.0))
        inside = over if inside is None else np.maximum(inside, over)
    return np.asarray(np.sqrt(outside) + np.minimum(inside, 0.0) - radius, dtype=np.float32)


def capsule(
    coordinates: tuple[Any, Any, Any], start: npt.ArrayLike, end: npt.ArrayLike, radius: float
) -> Field:
    """Return the signed distance to a segment with thickness (mm, negative inside)."""
    first, last = np.asarray(start, dtype=np.float32), np.asarray(end, dtype=np.float32)
    along = last - first
    offset = [value - first[a] for a, value in enumerate(coordinates)]
    share = np.clip(sum(o * along[a] for a, o in enumerate(offset)) / float(along @ along), 0.0, 1.0)
    square = sum(np.square(o - share * along[a]) for a, o in enumerate(offset))
    return np.asarray(np.sqrt(square) - radius, dtype=np.float32)

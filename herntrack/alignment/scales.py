"""A stack at several resolutions, each with its own grid.

Only what is finer than a scale is averaged: a slice of 4 mm stays a slice of 4 mm, pixels of
0.5 mm are binned. In-plane blur is made equal, so that two scanners' images show the same detail.

Public: `Scale`, `at_scale`, `pyramid`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from herntrack._typing import Affine4x4
from herntrack.imaging.volume import Volume

BLUR_SHARE = 0.5
"""Standard deviation of the blur as a share of the scale's spacing (no unit)."""

BIN_ROUNDING = 0.34
"""Voxels are binned by the next larger factor from this far below it on (no unit)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scale:
    """A stack at one resolution.

    Parameters
    ----------
    values : ndarray of float32, shape (n_slices, n_rows, n_cols)
        Intensities, blurred and binned.
    affine_lps : ndarray of float64, shape (4, 4)
        Index to LPS millimetres, as in `VolumeGeometry`.
    blur_mm : tuple of float
        Standard deviation of the blur so far along slices, rows and columns (mm).
    """

    values: npt.NDArray[np.float32]
    affine_lps: Affine4x4
    blur_mm: tuple[float, float, float]

    @classmethod
    def from_volume(cls, volume: Volume) -> Scale:
        """Return a volume as it is."""
        values = np.ascontiguousarray(volume.values, dtype=np.float32)
        return cls(values=values, affine_lps=volume.geometry.affine_lps, blur_mm=(0.0, 0.0, 0.0))

    @property
    def spacing_zyx(self) -> tuple[float, float, float]:
        """Lengths of the steps of an index (mm)."""
        lengths = np.linalg.norm(self.affine_lps[:3, :3], axis=0)
        return float(lengths[0]), float(lengths[1]), float(lengths[2])


def pyramid(volume: Volume, spacings_mm: Sequence[float]) -> dict[float, Scale]:
    """Return a stack at several spacings, each made from the next finer one.

    Parameters
    ----------
    volume : Volume
        The stack.
    spacings_mm : sequence of float
        Wanted in-plane spacings (mm).
    """
    found: dict[float, Scale] = {}
    finer = Scale.from_volume(volume)
    for spacing in sorted(spacings_mm):
        finer = at_scale(finer, spacing)
        found[spacing] = finer
    return found


def at_scale(scale: Scale, spacing_mm: float) -> Scale:
    """Return a stack with voxels of about `spacing_mm` where it has finer ones.

    Parameters
    ----------
    scale : Scale
        The stack.
    spacing_mm : float
        Wanted spacing (mm).
    """
    affine, values, blurs = np.array(scale.affine_lps), scale.values, list(scale.blur_mm)
    for axis, step in enumerate(scale.spacing_zyx):
        factor = min(max(1, int(spacing_mm / step + BIN_ROUNDING)), values.shape[axis])
        if factor > 1:
            values = _binned(values, axis, factor)
            affine[:3, 3] += affine[:3, axis] * (factor - 1) / 2
            affine[:3, axis] *= factor
        # Binning blurs by the variance of a comb of `factor` points.
        square = blurs[axis] ** 2 + step**2 * (factor**2 - 1) / 12
        missing = np.sqrt(max(0.0, (BLUR_SHARE * spacing_mm) ** 2 - square))
        if axis > 0 and missing > 0:
            values = gaussian_filter1d(values, missing / (step * factor), axis=axis, truncate=3.0)
        blurs[axis] = float(np.sqrt(square + (missing**2 if axis > 0 else 0.0)))
    return Scale(values=values, affine_lps=affine, blur_mm=(blurs[0], blurs[1], blurs[2]))


def _binned(values: npt.NDArray[np.float32], axis: int, factor: int) -> npt.NDArray[np.float32]:
    """Return the means of `factor` voxels along an axis; a rest at the end is left out."""
    length = values.shape[axis] // factor
    kept = np.moveaxis(values, axis, 0)[: length * factor]
    total = kept[0::factor].copy()
    for offset in range(1, factor):
        total += kept[offset::factor]
    return np.ascontiguousarray(np.moveaxis(total / np.float32(factor), 0, axis))

"""A simulated reader: the outline that a person would draw, and its DICOM segmentation.

The outline is the set of voxels that are mostly herniation, with a boundary that errs smoothly
inwards and outwards by a fraction of a millimetre, as hand-drawn ones do.

Public: `read_mask`, `READER_NAME`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from herntrack._typing import MaskZYX
from herntrack.model.geometry import VolumeGeometry

READER_NAME = "simulated reader"
"""Who drew the outlines."""

BOUNDARY_ERROR_MM = 0.3
"""Standard deviation of the position of the outline (mm)."""

OUTWARD_MM = 0.06
"""How far outside the edge the reader draws on average (mm); people outline generously."""

ERROR_LENGTH_MM = 4.0
"""Distance over which the error of the outline stays alike (mm)."""

EDGE_MM = 1.0
"""Width over which the drawn outline is softened before it is shifted (mm)."""


def read_mask(
    fraction: npt.NDArray[np.float32],
    geometry: VolumeGeometry,
    rng: np.random.Generator,
    *,
    boundary_error_mm: float = BOUNDARY_ERROR_MM,
) -> MaskZYX:
    """Return the outline of one herniation.

    Parameters
    ----------
    fraction : ndarray of float32, shape (n_slices, n_rows, n_cols)
        Share of each voxel that is herniation, 0 to 1.
    geometry : VolumeGeometry
        Grid of `fraction`.
    rng : Generator
        Source of the reader's error.
    boundary_error_mm : float
        Standard deviation of the position of the outline (mm).
    """
    mask = np.zeros(fraction.shape, dtype=np.bool_)
    held = np.argwhere(fraction > 0)
    if held.size == 0:
        return mask
    margin = 6
    low = np.maximum(held.min(axis=0) - margin, 0)
    high = np.minimum(held.max(axis=0) + margin + 1, fraction.shape)
    part = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    _, row_mm, column_mm = geometry.spacing_zyx
    sigma = (0.6, ERROR_LENGTH_MM / row_mm / 2, ERROR_LENGTH_MM / column_mm / 2)
    error = gaussian_filter(rng.standard_normal(fraction[part].shape), sigma)
    error *= boundary_error_mm / max(float(error.std()), 1e-9)
    # Blurring by a known width turns a shift of the outline in mm into a shift of the threshold.
    blur = (0.0, EDGE_MM / 2 / row_mm, EDGE_MM / 2 / column_mm)
    soft = gaussian_filter((fraction[part] > 0.5).astype(np.float64), blur)
    slope = 1.0 / (EDGE_MM / 2 * np.sqrt(2 * np.pi))
    mask[part] = soft > np.clip(0.5 + (error - OUTWARD_MM) * slope, 0.1, 0.9)
    return mask

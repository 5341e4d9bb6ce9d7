"""Array aliases, so that a signature says which axes it means.

``ZYX`` arrays are indexed ``[slice, row, col]``. ``LPS`` points are ``(x, y, z)`` in
DICOM patient coordinates, millimetres.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
"""float64, any shape."""

VolumeZYX: TypeAlias = npt.NDArray[Any]
"""Intensities, shape (n_slices, n_rows, n_cols)."""

MaskZYX: TypeAlias = npt.NDArray[np.bool_]
"""Membership, shape (n_slices, n_rows, n_cols)."""

LabelsZYX: TypeAlias = npt.NDArray[np.integer[Any]]
"""Integer labels, 0 is background, shape (n_slices, n_rows, n_cols)."""

PointsLPS: TypeAlias = npt.NDArray[np.float64]
"""Points in LPS millimetres, shape (..., 3)."""

Affine4x4: TypeAlias = npt.NDArray[np.float64]
"""Homogeneous matrix from (slice, row, col, 1) to (x, y, z, 1) LPS millimetres."""

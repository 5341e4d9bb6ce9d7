"""The outline of a mask on a slice, as lines that can be drawn dashed.

Public: `outlines`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from herntrack._typing import FloatArray


def outlines(mask: npt.NDArray[np.generic]) -> tuple[FloatArray, ...]:
    """Return the outlines of a mask on one slice.

    Parameters
    ----------
    mask : ndarray, shape (n_rows, n_cols)
        Not zero inside.

    Returns
    -------
    tuple of ndarray of float64, shape (n, 2)
        Closed lines of ``(row, col)`` half way between voxels inside and outside; at a corner the
        line cuts across, so it runs within half a voxel of the mask's true edge.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return ()
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    from skimage.measure import find_contours

    part = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] != 0
    shift = np.array([rows[0] - 1.0, columns[0] - 1.0])
    return tuple(line + shift for line in find_contours(np.pad(part.astype(np.float32), 1), 0.5))

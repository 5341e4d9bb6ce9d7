"""Values and gradients of a stack between its voxels.

Public: `sample`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]


def sample(
    values: Float32, index_zyx: tuple[Float32, Float32, Float32], *, with_slopes: bool
) -> tuple[Float32, tuple[Float32, Float32, Float32] | None, npt.NDArray[np.bool_]]:
    """Interpolate linearly.

    Parameters
    ----------
    values : ndarray of float32, shape (n_slices, n_rows, n_cols)
        Intensities, C-contiguous.
    index_zyx : tuple of ndarray of float32
        Slice, row and column indices, each of the same shape.
    with_slopes : bool
        Whether the derivatives by the indices are wanted.

    Returns
    -------
    tuple
        Values; derivatives by slice, row and column or None; which places lie inside. Outside,
        values are those of the nearest place inside.
    """
    shape = values.shape
    inside = np.ones(index_zyx[0].shape, dtype=np.bool_)
    low: list[npt.NDArray[np.int32]] = []
    part: list[Float32] = []
    for axis in range(3):
        index, last = index_zyx[axis], shape[axis] - 1
        inside &= (index >= 0) & (index <= last)
        clipped = np.clip(index, 0, last)
        whole = np.minimum(clipped.astype(np.int32), max(last - 1, 0))
        low.append(whole)
        part.append(clipped - whole.astype(np.float32))
    flat = (low[0] * shape[1] + low[1]) * shape[2] + low[2]
    line = values.reshape(-1)
    steps = [
        stride if length > 1 else 0
        for stride, length in zip((shape[1] * shape[2], shape[2], 1), shape, strict=True)
    ]
    corners = {}
    for a in (0, 1):
        for b in (0, 1):
            start = flat + (a * steps[0] + b * steps[1])
            first = line.take(start)
            corners[a, b] = first, line.take(start + steps[2]) - first
    z, y, x = part
    edge = {key: first + x * across for key, (first, across) in corners.items()}
    face = [edge[a, 0] + y * (edge[a, 1] - edge[a, 0]) for a in (0, 1)]
    result = face[0] + z * (face[1] - face[0])
    if not with_slopes:
        return result, None, inside
    by_z = face[1] - face[0]
    by_y = (edge[0, 1] - edge[0, 0]) * (1 - z) + (edge[1, 1] - edge[1, 0]) * z
    along = [corners[a, 0][1] + y * (corners[a, 1][1] - corners[a, 0][1]) for a in (0, 1)]
    by_x = along[0] + z * (along[1] - along[0])
    return result, (by_z, by_y, by_x), inside

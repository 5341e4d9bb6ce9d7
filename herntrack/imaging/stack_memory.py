"""Memory for the values of a stack whose type is known only when its last slice was read.

Public: `StackMemory`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

KINDS = tuple(np.dtype(kind) for kind in (np.int16, np.int32, np.float32))
"""From narrow to wide: a stack has the widest of its slices' types."""

Make = Callable[[tuple[int, int, int], np.dtype[Any]], npt.NDArray[Any]]
"""Returns an array of a shape and type; what it holds does not matter."""


class StackMemory:
    """A stack's values in the narrowest type that holds all slices so far.

    Parameters
    ----------
    shape_zyx : tuple of int
        ``(n_slices, n_rows, n_cols)``.
    make : callable
        Makes the array; called again, mostly never, when a slice needs a wider type.
    """

    def __init__(self, shape_zyx: tuple[int, int, int], make: Make = np.empty) -> None:
        self._shape = shape_zyx
        self._make = make
        self._whole: npt.NDArray[Any] | None = None
        self._scratch = np.empty((0, 0), dtype=np.int16)
        self._is_done = [False] * shape_zyx[0]

    def place(self, index: int, kind: np.dtype[Any]) -> npt.NDArray[np.int16]:
        """Return memory for a slice's stored values: the slice's own if that is of int16, else a spare one.

        Parameters
        ----------
        index : int
            Which slice.
        kind : dtype
            Which its values will have, as far as is known, of int16, int32 and float32.
        """
        whole = self._of_kind(kind)
        if whole.dtype == np.int16:
            own: npt.NDArray[np.int16] = whole[index]
            return own
        if not self._scratch.size:
            self._scratch = np.empty(self._shape[1:], dtype=np.int16)
        return self._scratch

    def put(self, index: int, values: npt.NDArray[Any]) -> None:
        """Keep a slice's values, of int16, int32 or float32; nothing is copied that stands in its place."""
        whole = self._of_kind(values.dtype)
        if values.base is not whole:
            whole[index] = values
        self._is_done[index] = True

    def whole(self) -> npt.NDArray[Any]:
        """Return the stack's values."""
        return self._of_kind(KINDS[0])

    def _of_kind(self, kind: np.dtype[Any]) -> npt.NDArray[Any]:
        """Return the whole in the wider of its own and that type."""
        old = self._whole
        if old is not None and KINDS.index(kind) <= KINDS.index(old.dtype):
            return old
        self._whole = new = self._make(self._shape, kind)
        if old is not None:
            for index, is_done in enumerate(self._is_done):
                if is_done:
                    new[index] = old[index]
        return new

"""The slices of one grid from plain files, each checked against the grid before its pixels count.

Public: `PlainSlices`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from herntrack.dicom.frame_decoding import Decode
from herntrack.dicom.pixels import rescaled
from herntrack.dicom.plain_pixels import COMPRESSED_SYNTAXES, PlainPixels
from herntrack.dicom.slice_facts import SliceFacts
from herntrack.imaging.slice_place import PlaceCheck
from herntrack.model.geometry import VolumeGeometry

Place = Callable[[int, np.dtype[Any]], npt.NDArray[np.int16]]
"""Returns memory for a slice's stored values, given the slice and the type that its values will have."""


class PlainSlices:
    """Reads slices one after another, best in their order.

    Parameters
    ----------
    geometry : VolumeGeometry
        The grid.
    decode : callable, optional
        As for `PlainPixels`.
    """

    def __init__(self, geometry: VolumeGeometry, decode: Decode | None = None) -> None:
        self._pixels = PlainPixels(decode)
        self._check = PlaceCheck(geometry)
        self.syntax = ""
        """Transfer syntax of the slice that was read last."""

    def read(self, index: int, path: Path, place: Place) -> npt.NDArray[Any]:
        """Read one slice.

        Parameters
        ----------
        index : int
            Which slice the file is taken for.
        path : Path
            Its file.
        place : callable
            What native pixels are read into.

        Returns
        -------
        ndarray of int16, int32 or float32, shape (n_rows, n_cols)
            As `herntrack.dicom.pixels.decode_values` returns; a view of the place if nothing but an
            intercept had to be added.

        Raises
        ------
        Unusual, OSError
            If pydicom is to decide.
        GeometryMismatchError
            If the image is not that slice.
        """
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a path object's own takes longer
            header = self._pixels.read_header(file)
            self._check(header, index=index, path=path)
            facts = header.facts
            stored = self._pixels.read_stored(file, header, place(index, _kind(facts)))
        self.syntax = facts.syntax
        return _rescaled_in_place(stored, facts)


def _kind(facts: SliceFacts) -> np.dtype[Any]:
    """Return the type that `rescaled` returns, as far as the header alone says."""
    is_whole = facts.slope.is_integer() and facts.intercept.is_integer()
    return np.dtype(np.int16 if is_whole else np.float32)


def _rescaled_in_place(stored: npt.NDArray[Any], facts: SliceFacts) -> npt.NDArray[Any]:
    """Return the values; in the same memory if only the intercept has to be added to fit int16."""
    offset = int(facts.intercept)
    is_shift = facts.slope == 1.0 and facts.intercept == offset
    if not is_shift or stored.dtype.itemsize != 2 or not _fits_shifted(stored, offset, facts):
        return rescaled(stored, facts.slope, facts.intercept)
    # Sums modulo 2**16 that fit int16 are the sums themselves, whatever the parts were.
    values = stored.view(np.int16)
    if offset:
        values += np.int16(offset)
    return values


def _fits_shifted(stored: npt.NDArray[Any], offset: int, facts: SliceFacts) -> bool:
    """Return whether all values and the offset fit int16, as do the sums."""
    limits = np.iinfo(np.int16)
    if not limits.min <= offset <= limits.max:
        return False
    least, greatest = limits.min - offset, limits.max - offset
    low = -(1 << (facts.bits_stored - 1)) if facts.is_signed else 0
    if facts.syntax not in COMPRESSED_SYNTAXES and least <= low <= greatest - (1 << facts.bits_stored) + 1:
        # As many bits were read as the header says; of a decoder's values each has to be looked at.
        return True
    return least <= int(stored.min()) and int(stored.max()) <= greatest

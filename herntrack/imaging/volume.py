"""Intensities together with where they lie in the patient."""

from __future__ import annotations

from dataclasses import dataclass

from herntrack._typing import VolumeZYX
from herntrack.errors import GeometryMismatchError
from herntrack.model.geometry import VolumeGeometry


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Volume:
    """One stack's intensities.

    Parameters
    ----------
    values : ndarray of int16, int32 or float32, shape (n_slices, n_rows, n_cols)
        Indexed ``[slice, row, col]``; Hounsfield units for CT, the scanner's own for MR.
    geometry : VolumeGeometry
        Grid of `values`, LPS millimetres.

    Raises
    ------
    GeometryMismatchError
        If the shapes differ.
    """

    values: VolumeZYX
    geometry: VolumeGeometry

    def __post_init__(self) -> None:
        if self.values.shape != self.geometry.shape_zyx:
            raise GeometryMismatchError(
                f"values of shape {self.values.shape} do not fit a grid of {self.geometry.shape_zyx}"
            )

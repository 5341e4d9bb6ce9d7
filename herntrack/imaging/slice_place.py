"""Whether an image lies where its stack has it, in millimetres.

Public: `check_slice` for any header, `PlaceCheck` for the many plain files of one stack.
"""

from __future__ import annotations

from math import dist
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydicom.dataset import Dataset

from herntrack.dicom.plain_pixels import PlainHeader
from herntrack.dicom.slice_facts import SliceFacts
from herntrack.errors import GeometryMismatchError, MissingAttributeError
from herntrack.model.geometry import VolumeGeometry, orientation_vectors

ALONG_TOLERANCE_MM = 0.1
"""Smallest deviation of a slice along the normal that counts (mm).

Positions are written to 0.01 mm and a regular stack's steps differ by up to 0.05 mm.
"""

ALONG_TOLERANCE_FRACTION = 0.1
"""The same as a fraction of the slice spacing, whichever is larger (no unit).

The file of another slice is off by a whole spacing or more.
"""

IN_PLANE_TOLERANCE_PIXELS = 0.5
"""Largest deviation of a slice's corner pixel within its plane (pixels).

Beyond half a pixel a contour would lie on the wrong pixels; rounded direction cosines and
pixel spacings move a corner by less.
"""

ROUNDING_MM = 1e-6
"""More than the rounding errors of a position in millimetres add up to."""


def check_slice(
    dataset: Dataset, geometry: VolumeGeometry, *, index: int, path: Path, frame_number: int = 0
) -> None:
    """Check that an image is the slice it is taken for.

    Parameters
    ----------
    dataset : Dataset
        Header of the image.
    geometry : VolumeGeometry
        Grid of its stack.
    index : int
        Slice it is taken for.
    path : Path
        Where it came from, for messages.
    frame_number : int
        Which frame of it, 0 for a single-frame file.

    Raises
    ------
    MissingAttributeError
        If the image has no place in the patient.
    GeometryMismatchError
        If a corner pixel is not where the grid has it.
    """
    place = _stated_place(dataset, path)
    where = f"{path}, frame {frame_number}" if frame_number else str(path)
    _check_place(place, geometry, index=index, where=where)


def _check_place(place: _Place, geometry: VolumeGeometry, *, index: int, where: str) -> None:
    own = place.geometry(geometry)
    if own.shape_zyx[1:] != geometry.shape_zyx[1:]:
        raise GeometryMismatchError(
            f"{where}: {own.shape_zyx[1:]} rows and columns, its stack has {geometry.shape_zyx[1:]}"
        )
    last_row, last_column = (length - 1 for length in own.shape_zyx[1:])
    corners = np.array([[0, row, column] for row in (0, last_row) for column in (0, last_column)])
    off = own.index_to_lps(corners) - geometry.index_to_lps(corners + np.array([index, 0, 0]))
    along = np.abs(off @ geometry.normal_lps).max()
    in_plane = np.linalg.norm(off - np.outer(off @ geometry.normal_lps, geometry.normal_lps), axis=1).max()
    along_limit, in_plane_limit = _limits_mm(geometry)
    if along > along_limit or in_plane > in_plane_limit:
        x, y, z = off[0]
        raise GeometryMismatchError(
            f"{where}: not slice {index} of its stack: the first pixel is off by"
            f" ({x:+.3f}, {y:+.3f}, {z:+.3f}) mm, the farthest corner by {along:.3f} mm along the normal"
            f" (limit {along_limit:.3f}) and {in_plane:.3f} mm in the plane (limit {in_plane_limit:.3f})."
            " The files changed since they were catalogued:"
            " ingest the folder again"
        )


def _stated_place(dataset: Dataset, path: Path) -> _Place:
    values = {}
    for keyword, length in (("ImageOrientationPatient", 6), ("ImagePositionPatient", 3), ("PixelSpacing", 2)):
        value = dataset.get(keyword)
        if value is None or len(value) != length:
            raise MissingAttributeError(f"{path}: the image has no usable {keyword}", path=path)
        values[keyword] = tuple(float(item) for item in value)
    orientation_vectors(values["ImageOrientationPatient"])
    return _Place(
        orientation=values["ImageOrientationPatient"],
        position=values["ImagePositionPatient"],
        spacing=values["PixelSpacing"],
        shape=(int(dataset.Rows), int(dataset.Columns)),
    )


class _Place(NamedTuple):
    """Where an image's header says it lies: cosines, LPS mm, mm, and (n_rows, n_cols)."""

    orientation: tuple[float, ...]
    position: tuple[float, ...]
    spacing: tuple[float, ...]
    shape: tuple[int, int]

    def geometry(self, stack: VolumeGeometry) -> VolumeGeometry:
        """Return the grid of this one slice; the step to the next one is the stack's."""
        return VolumeGeometry.from_dicom(
            self.orientation,
            self.position,
            slice_step_lps=[float(value) for value in stack.affine_lps[:3, 0]],
            pixel_spacing=self.spacing,
            shape_zyx=(1, *self.shape),
        )


def _limits_mm(geometry: VolumeGeometry) -> tuple[float, float]:
    """Return the largest deviations along the normal and in the plane."""
    slice_spacing, row_spacing, column_spacing = geometry.spacing_zyx
    along = max(ALONG_TOLERANCE_MM, ALONG_TOLERANCE_FRACTION * slice_spacing)
    return along, IN_PLANE_TOLERANCE_PIXELS * min(row_spacing, column_spacing)


class PlaceCheck:
    """`_check_place` for the many slices of one grid, most of which lie just where they should.

    A corner is off by at most the distance of the first pixels plus what orientation and
    spacing add up to over the slice. Where that sum is within both limits, so are the
    deviations they are for; only otherwise they are computed.
    """

    def __init__(self, geometry: VolumeGeometry) -> None:
        self._geometry = geometry
        self._first, self._step = (geometry.affine_lps[:3, column].tolist() for column in (3, 0))
        self._limit = min(_limits_mm(geometry)) - ROUNDING_MM
        self._spreads: dict[SliceFacts, float] = {}

    def __call__(self, header: PlainHeader, *, index: int, path: Path) -> None:
        """Check one slice; raises as `check_slice` does."""
        facts, position = header.facts, header.position
        spread = self._spreads.get(facts)
        expected = [first + index * step for first, step in zip(self._first, self._step, strict=True)]
        if spread is not None and dist(position, expected) + spread <= self._limit:
            return
        place = _Place(facts.orientation, position, facts.spacing, facts.shape)
        _check_place(place, self._geometry, index=index, where=str(path))
        self._spreads[facts] = self._spread(place)

    def _spread(self, place: _Place) -> float:
        """Return how far a corner can be off if the first pixel is in its place (mm)."""
        corners = np.array(
            [[0, row, column] for row in (0, place.shape[0]) for column in (0, place.shape[1])]
        )
        own = place._replace(position=(0.0, 0.0, 0.0)).geometry(self._geometry)
        off = own.index_to_lps(corners) - corners @ self._geometry.affine_lps[:3, :3].T
        return float(np.linalg.norm(off, axis=1).max())

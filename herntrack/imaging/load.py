"""From the files of a stack to its volume, each file checked against the stack's grid.

The catalogue says which file is which slice; files may have been exchanged since. So every
file's own header is compared with the grid in millimetres before its pixels count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from herntrack._typing import VolumeZYX
from herntrack.dicom.pixels import decode_values, read_dataset
from herntrack.errors import GeometryMismatchError, IrregularSpacingError, MissingAttributeError
from herntrack.imaging.volume import Volume
from herntrack.model.geometry import VolumeGeometry, orientation_vectors
from herntrack.model.records import Stack

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

Progress = Callable[[int, int], None]
"""Called with the number of slices done and the number of all slices."""


def load_volume(stack: Stack, files: Sequence[Path], *, progress: Progress | None = None) -> Volume:
    """Read a stack's files into one volume.

    Parameters
    ----------
    stack : Stack
        A regular stack.
    files : sequence of Path
        Its files in slice order.
    progress : callable, optional
        Called after each slice with ``(done, total)``.

    Returns
    -------
    Volume
        Values as int16 or int32 if every slice's are whole, else float32.

    Raises
    ------
    IrregularSpacingError
        If the stack is irregular; the message has its problems.
    GeometryMismatchError
        If the number of files is not the number of slices, or a file's rows, columns,
        position, orientation or spacing are not those of its slice.
    DicomError
        If a file cannot be read or decoded.
    """
    if not stack.is_regular:
        raise IrregularSpacingError(
            f"stack {stack.stack_uid} is no regular volume: {'; '.join(stack.problems) or 'uneven slices'}."
            " Export the missing slices or choose another stack"
        )
    n_slices = stack.geometry.shape_zyx[0]
    if len(files) != n_slices:
        raise GeometryMismatchError(f"{len(files)} files for a stack of {n_slices} slices")
    slices = []
    for index, path in enumerate(files):
        dataset = read_dataset(path)
        check_slice(dataset, stack.geometry, index=index, path=path)
        slices.append(decode_values(dataset, path=path))
        if progress is not None:
            progress(index + 1, n_slices)
    return Volume(values=_stacked(slices), geometry=stack.geometry)


def check_slice(dataset: Dataset, geometry: VolumeGeometry, *, index: int, path: Path) -> None:
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

    Raises
    ------
    MissingAttributeError
        If the image has no place in the patient.
    GeometryMismatchError
        If a corner pixel is not where the grid has it.
    """
    own = _slice_geometry(dataset, geometry, path)
    if own.shape_zyx[1:] != geometry.shape_zyx[1:]:
        raise GeometryMismatchError(
            f"{path}: {own.shape_zyx[1:]} rows and columns, its stack has {geometry.shape_zyx[1:]}"
        )
    last_row, last_column = (length - 1 for length in own.shape_zyx[1:])
    corners = np.array([[0, row, column] for row in (0, last_row) for column in (0, last_column)])
    off = own.index_to_lps(corners) - geometry.index_to_lps(corners + np.array([index, 0, 0]))
    along = np.abs(off @ geometry.normal_lps).max()
    in_plane = np.linalg.norm(off - np.outer(off @ geometry.normal_lps, geometry.normal_lps), axis=1).max()
    slice_spacing, row_spacing, column_spacing = geometry.spacing_zyx
    along_limit = max(ALONG_TOLERANCE_MM, ALONG_TOLERANCE_FRACTION * slice_spacing)
    in_plane_limit = IN_PLANE_TOLERANCE_PIXELS * min(row_spacing, column_spacing)
    if along > along_limit or in_plane > in_plane_limit:
        x, y, z = off[0]
        raise GeometryMismatchError(
            f"{path}: not slice {index} of its stack: the first pixel is off by"
            f" ({x:+.3f}, {y:+.3f}, {z:+.3f}) mm, the farthest corner by {along:.3f} mm along the normal"
            f" (limit {along_limit:.3f}) and {in_plane:.3f} mm in the plane (limit {in_plane_limit:.3f})."
            " The files changed since they were catalogued:"
            " ingest the folder again"
        )


def _slice_geometry(dataset: Dataset, geometry: VolumeGeometry, path: Path) -> VolumeGeometry:
    values = {}
    for keyword, length in (("ImageOrientationPatient", 6), ("ImagePositionPatient", 3), ("PixelSpacing", 2)):
        value = dataset.get(keyword)
        if value is None or len(value) != length:
            raise MissingAttributeError(f"{path}: the image has no usable {keyword}", path=path)
        values[keyword] = [float(item) for item in value]
    orientation_vectors(values["ImageOrientationPatient"])
    return VolumeGeometry.from_dicom(
        values["ImageOrientationPatient"],
        values["ImagePositionPatient"],
        slice_step_lps=[float(value) for value in geometry.affine_lps[:3, 0]],
        pixel_spacing=values["PixelSpacing"],
        shape_zyx=(1, int(dataset.Rows), int(dataset.Columns)),
    )


def _stacked(slices: Sequence[npt.NDArray[Any]]) -> VolumeZYX:
    """Stack slices in the narrowest type that holds all of them."""
    kinds = {values.dtype for values in slices}
    kind = np.dtype(np.float32) if np.dtype(np.float32) in kinds else max(kinds, key=lambda k: k.itemsize)
    return np.stack([values.astype(kind, copy=False) for values in slices])

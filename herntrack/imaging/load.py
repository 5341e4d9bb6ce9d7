"""From the files of a stack to its volume, each file checked against the stack's grid.

The catalogue says which file is which slice; files may have been exchanged since. So every
file's own header is compared with the grid in millimetres before its pixels count.

Plain files are read by `herntrack.dicom.plain_pixels` straight into the volume; what it leaves
to pydicom is read by `herntrack.dicom.pixels`. The values are the same.

Public: `load_volume`, `load_image`, `check_slice`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import dist
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from herntrack._typing import VolumeZYX
from herntrack.dicom.element_walk import Unusual
from herntrack.dicom.pixels import decode_values, read_dataset, rescaled
from herntrack.dicom.plain_pixels import PlainHeader, PlainPixels
from herntrack.dicom.slice_facts import SliceFacts
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

ROUNDING_MM = 1e-6
"""More than the rounding errors of a position in millimetres add up to."""

Image: TypeAlias = Any
"""``SimpleITK.Image``, which brings no types."""

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
    slices = _SliceReader(stack.geometry)
    for index, path in enumerate(files):
        slices.read(index, path)
        if progress is not None:
            progress(index + 1, n_slices)
    return Volume(values=slices.stacked(), geometry=stack.geometry)


def load_image(stack: Stack, files: Sequence[Path], *, progress: Progress | None = None) -> Image:
    """Read a stack's files into a SimpleITK image, faster than ``to_sitk(load_volume(...))``.

    The image's memory is prepared while the files are read.

    Parameters
    ----------
    stack, files, progress
        As for `load_volume`.

    Returns
    -------
    SimpleITK.Image
        As `herntrack.imaging.sitk_bridge.to_sitk` returns.

    Raises
    ------
    GeometryError
        If the grid is sheared (gantry tilt), and as for `load_volume`.
    DicomError
        If a file cannot be read or decoded.
    """
    from herntrack.imaging.sitk_bridge import to_sitk_while

    return to_sitk_while(lambda: load_volume(stack, files, progress=progress), stack.geometry)


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
    place = _stated_place(dataset, path)
    _check_place(place, geometry, index=index, path=path)


def _check_place(place: _Place, geometry: VolumeGeometry, *, index: int, path: Path) -> None:
    own = place.geometry(geometry)
    if own.shape_zyx[1:] != geometry.shape_zyx[1:]:
        raise GeometryMismatchError(
            f"{path}: {own.shape_zyx[1:]} rows and columns, its stack has {geometry.shape_zyx[1:]}"
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
            f"{path}: not slice {index} of its stack: the first pixel is off by"
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


class _PlaceCheck:
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
        facts, position = header.facts, header.position
        spread = self._spreads.get(facts)
        expected = [first + index * step for first, step in zip(self._first, self._step, strict=True)]
        if spread is not None and dist(position, expected) + spread <= self._limit:
            return
        place = _Place(facts.orientation, position, facts.spacing, facts.shape)
        _check_place(place, self._geometry, index=index, path=path)
        self._spreads[facts] = self._spread(place)

    def _spread(self, place: _Place) -> float:
        """Return how far a corner can be off if the first pixel is in its place (mm)."""
        corners = np.array(
            [[0, row, column] for row in (0, place.shape[0]) for column in (0, place.shape[1])]
        )
        own = place._replace(position=(0.0, 0.0, 0.0)).geometry(self._geometry)
        off = own.index_to_lps(corners) - corners @ self._geometry.affine_lps[:3, :3].T
        return float(np.linalg.norm(off, axis=1).max())


class _SliceReader:
    """Reads the slices of one grid in their order, each into its place where that is possible."""

    def __init__(self, geometry: VolumeGeometry) -> None:
        self._geometry = geometry
        self._plain = PlainPixels()
        self._check_plain = _PlaceCheck(geometry)
        self._block = np.empty(geometry.shape_zyx, dtype=np.int16)
        self._slices: list[npt.NDArray[Any]] = []

    def read(self, index: int, path: Path) -> None:
        """Read one file, the slice after those before."""
        try:
            values = self._read_plain(index, path)
        except (Unusual, OSError):
            # Whatever it is, pydicom reads it or finds the words for it.
            dataset = read_dataset(path)
            check_slice(dataset, self._geometry, index=index, path=path)
            values = decode_values(dataset, path=path)
        self._slices.append(values)

    def stacked(self) -> VolumeZYX:
        """Return all slices in the narrowest type that holds all of them."""
        kinds = {values.dtype for values in self._slices}
        kind = np.dtype(np.float32) if np.dtype(np.float32) in kinds else max(kinds, key=lambda k: k.itemsize)
        whole = self._block if kind == self._block.dtype else np.empty(self._block.shape, dtype=kind)
        for place, values in zip(whole, self._slices, strict=True):
            if values.base is not self._block or whole is not self._block:
                place[...] = values
        return whole

    def _read_plain(self, index: int, path: Path) -> npt.NDArray[Any]:
        place = self._block[index]
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a path object's own takes longer
            header = self._plain.read_header(file)
            self._check_plain(header, index=index, path=path)
            stored = self._plain.read_stored(file, header, place)
        return _rescaled_in_place(stored, header.facts)


def _rescaled_in_place(stored: npt.NDArray[Any], facts: SliceFacts) -> npt.NDArray[Any]:
    """Return the values; in the same memory if only the intercept has to be added to fit int16."""
    limits = np.iinfo(np.int16)
    offset = int(facts.intercept)
    is_shift = facts.slope == 1.0 and facts.intercept == offset and limits.min <= offset <= limits.max
    if not is_shift or stored.dtype.itemsize != limits.bits // 8:
        return rescaled(stored, facts.slope, facts.intercept)
    if int(stored.min()) + offset < limits.min or int(stored.max()) + offset > limits.max:
        return rescaled(stored, facts.slope, facts.intercept)
    # Sums modulo 2**16 that fit int16 are the sums themselves, whatever the parts were.
    values = stored.view(np.int16)
    if offset:
        values += np.int16(offset)
    return values

"""Between our arrays and SimpleITK images: the only place that knows xyz index order.

SimpleITK indexes ``(x, y, z)`` = ``(col, row, slice)``; its arrays come out as
``[slice, row, col]`` already, so only size, spacing and the columns of the direction are
reversed. World coordinates are LPS millimetres on both sides: the origin is never reversed.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import SimpleITK

from herntrack._typing import MaskZYX
from herntrack.errors import GeometryError
from herntrack.imaging.page_supply import made_by_two_threads
from herntrack.imaging.volume import Volume
from herntrack.model.geometry import VolumeGeometry

Image: TypeAlias = Any
"""``SimpleITK.Image``, which brings no types."""

_PIXELS = {
    np.dtype(kind): getattr(SimpleITK, f"sitk{name}{8 * np.dtype(kind).itemsize}")
    for kinds, name in (
        ((np.uint8, np.uint16, np.uint32, np.uint64), "UInt"),
        ((np.int8, np.int16, np.int32, np.int64), "Int"),
        ((np.float32, np.float64), "Float"),
    )
    for kind in kinds
}
"""What SimpleITK calls the types of values."""


def to_sitk(volume: Volume) -> Image:
    """Return a volume as a SimpleITK image.

    Parameters
    ----------
    volume : Volume
        Intensities ``[slice, row, col]``.

    Returns
    -------
    SimpleITK.Image
        A copy, with the same world coordinates.

    Raises
    ------
    GeometryError
        If the grid is sheared (gantry tilt), which an ITK direction cannot say.
    """
    memory = ImageMemory(volume.geometry)
    memory.make(volume.geometry.shape_zyx, volume.values.dtype.newbyteorder("="))[...] = volume.values
    return memory.image()


class ImageMemory:
    """Makes arrays that are the memory of SimpleITK images of one grid.

    Parameters
    ----------
    geometry : VolumeGeometry
        The images' grid.

    Raises
    ------
    GeometryError
        If the grid is sheared (gantry tilt), which an ITK direction cannot say.
    """

    def __init__(self, geometry: VolumeGeometry) -> None:
        _check_not_sheared(geometry)
        self._geometry = geometry
        self._image: Image = None

    def make(self, shape_zyx: tuple[int, int, int], kind: np.dtype[Any]) -> npt.NDArray[Any]:
        """Make an image of zeros and return its memory, which may be written to.

        Parameters
        ----------
        shape_zyx : tuple of int
            ``(n_slices, n_rows, n_cols)``.
        kind : dtype
            Of the values: whole numbers of 8 to 64 bits, float32 or float64.
        """
        n_bytes = math.prod(shape_zyx) * kind.itemsize
        pixel = _PIXELS[kind]
        self._image = made_by_two_threads(lambda: SimpleITK.Image(shape_zyx[::-1], pixel), n_bytes)
        return memory_of(self._image)

    def image(self) -> Image:
        """Return the image whose memory was made last, in its place in the patient."""
        _place(self._image, self._geometry)
        return self._image


def memory_of(image: Image) -> npt.NDArray[Any]:
    """Return the memory of an image that nobody else has, so that it may be written to.

    Parameters
    ----------
    image : SimpleITK.Image
        One that was just made or read. The array keeps it alive.

    Returns
    -------
    ndarray, shape (n_slices, n_rows, n_cols)
    """
    return np.asarray(_Writable(image))


class _Writable:
    """Describes an image's memory as one that may be written to, and keeps the image."""

    def __init__(self, image: Image) -> None:
        self._image = image
        described = SimpleITK.GetArrayViewFromImage(image).__array_interface__
        self.__array_interface__ = described | {"data": (described["data"][0], False)}


def from_sitk(image: Image) -> Volume:
    """Return a three-dimensional scalar SimpleITK image as a volume; the values are copied.

    Raises
    ------
    GeometryError
        If the image is not three-dimensional with one value per voxel.
    """
    return Volume(values=SimpleITK.GetArrayFromImage(image), geometry=geometry_of_image(image))


def mask_to_sitk(mask: MaskZYX, geometry: VolumeGeometry) -> Image:
    """Return a mask as a SimpleITK image of uint8, 1 inside.

    Raises
    ------
    GeometryError
        If the shapes differ, or the grid is sheared.
    """
    return to_sitk(Volume(values=mask.astype(np.uint8), geometry=geometry))


def mask_from_sitk(image: Image) -> MaskZYX:
    """Return the mask of an image: True where it is not 0, shape (n_slices, n_rows, n_cols)."""
    return np.asarray(SimpleITK.GetArrayViewFromImage(image) != 0, dtype=np.bool_)


def geometry_of_image(image: Image) -> VolumeGeometry:
    """Return the grid of a SimpleITK image.

    Parameters
    ----------
    image : SimpleITK.Image
        Three-dimensional, one value per voxel.

    Raises
    ------
    GeometryError
        If it is not.
    """
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise GeometryError(
            f"an image of {image.GetDimension()} dimensions with"
            f" {image.GetNumberOfComponentsPerPixel()} values per voxel;"
            " a volume has 3 dimensions and 1 value per voxel: export one volume"
        )
    direction_xyz = np.asarray(image.GetDirection(), dtype=np.float64).reshape(3, 3)
    spacing_xyz = np.asarray(image.GetSpacing(), dtype=np.float64)
    size_xyz = image.GetSize()
    affine = np.eye(4)
    affine[:3, :3] = (direction_xyz * spacing_xyz)[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    return VolumeGeometry(affine_lps=affine, shape_zyx=(size_xyz[2], size_xyz[1], size_xyz[0]))


def _check_not_sheared(geometry: VolumeGeometry) -> None:
    if geometry.is_sheared:
        raise GeometryError(
            f"the slices are shifted against each other (tilted by {geometry.tilt_degrees:.2f} degrees, as"
            " by a gantry tilt); SimpleITK and its file formats cannot place such a grid."
            " Export it as DICOM SEG, which can"
        )


def _place(image: Image, geometry: VolumeGeometry) -> None:
    steps_xyz = geometry.affine_lps[:3, :3][:, ::-1]
    spacing_xyz = np.linalg.norm(steps_xyz, axis=0)
    image.SetSpacing([float(value) for value in spacing_xyz])
    image.SetDirection([float(value) for value in (steps_xyz / spacing_xyz).ravel()])
    image.SetOrigin([float(value) for value in geometry.affine_lps[:3, 3]])

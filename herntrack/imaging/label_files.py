"""Label maps as files: NIfTI, NRRD, MetaImage.

ITK turns NIfTI's RAS into LPS. NIfTI can place a volume twice, by its qform and its sform; where
both are given and disagree, tools pick different ones, so such a file is refused with the distance.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK

from herntrack._typing import FloatArray, LabelsZYX, MaskZYX
from herntrack.errors import GeometryError, GeometryMismatchError, ReadingError
from herntrack.imaging.nifti_header import placements_ras
from herntrack.imaging.sitk_bridge import geometry_of_image, mask_to_sitk
from herntrack.model.geometry import VolumeGeometry

NIFTI_SUFFIXES = (".nii", ".nii.gz")
LABEL_FILE_SUFFIXES = (*NIFTI_SUFFIXES, ".nrrd", ".nhdr", ".mha", ".mhd")
"""Ends of the names of files that are read as label maps."""

WRITTEN_SUFFIXES = (*NIFTI_SUFFIXES, ".nrrd", ".mha")
"""Ends of the names of files that are written: those that keep header and voxels in one file."""

FORM_TOLERANCE_MM = 1.0
"""Largest distance of a corner voxel between NIfTI's qform and sform (mm).

The quaternion is float32 without its scalar part; near a half turn that is an angle of up to
0.001 rad, or 0.5 mm at 500 mm. A smaller disagreement is caught when the mask is compared with
its stack.
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelVolume:
    """Labels on their own grid.

    Parameters
    ----------
    labels : ndarray of integer, shape (n_slices, n_rows, n_cols)
        0 is background.
    geometry : VolumeGeometry
        Grid of `labels`, LPS millimetres.
    """

    labels: LabelsZYX
    geometry: VolumeGeometry


def read_label_file(path: Path) -> LabelVolume:
    """Read a label map.

    Parameters
    ----------
    path : Path
        A file that ends in one of `LABEL_FILE_SUFFIXES`.

    Returns
    -------
    LabelVolume
        Whole numbers that were stored as float are accepted and become int32.

    Raises
    ------
    ReadingError
        If the format is unknown, the file cannot be read, or its values are no labels.
    GeometryError
        If it has not three dimensions, no usable grid, or places itself in two ways.
    """
    if not path.name.lower().endswith(LABEL_FILE_SUFFIXES):
        raise ReadingError(
            f"{path.name}: not a label map by its name; known are {', '.join(LABEL_FILE_SUFFIXES)}"
        )
    if not path.is_file():
        raise ReadingError(f"{path}: no such file")
    forms = placements_ras(path) if path.name.lower().endswith(NIFTI_SUFFIXES) else (None, None)
    if path.name.lower().endswith((".nii", ".nii.gz")):
        _check_nifti_is_whole(path)
    image = _read_image(path)
    geometry = _geometry(image, path)
    _check_forms_agree(*forms, geometry.shape_zyx, path)
    return LabelVolume(labels=_whole_numbers(SimpleITK.GetArrayFromImage(image), path), geometry=geometry)


def write_label_file(path: Path, mask: MaskZYX, geometry: VolumeGeometry) -> None:
    """Write a mask on a stack's grid, 1 inside and 0 outside, compressed.

    Parameters
    ----------
    path : Path
        The format follows from its end, one of `WRITTEN_SUFFIXES`. An existing file is replaced.
    mask : ndarray of bool, shape (n_slices, n_rows, n_cols)
        Voxels inside.
    geometry : VolumeGeometry
        Grid of the mask.

    Raises
    ------
    ReadingError
        If the format is unknown or the file cannot be written.
    GeometryMismatchError
        If the shapes differ.
    GeometryError
        If the grid is sheared, which these formats cannot say through ITK.
    """
    if not path.name.lower().endswith(WRITTEN_SUFFIXES):
        raise ReadingError(f"{path.name}: the name must end in {', '.join(WRITTEN_SUFFIXES)}")
    if mask.shape != geometry.shape_zyx:
        raise GeometryMismatchError(
            f"a mask of shape {mask.shape} does not fit a grid of {geometry.shape_zyx}"
        )
    try:
        SimpleITK.WriteImage(mask_to_sitk(mask, geometry), str(path), useCompression=True)
    except RuntimeError as error:
        raise ReadingError(f"{path}: the file cannot be written: {_reason(error)}") from error


def _check_nifti_is_whole(path: Path) -> None:
    """Refuse a NIfTI file that was cut: ITK would fill what is missing with zeros.

    The header says where the voxels begin (bytes 108-111) and how many there are
    (dimensions from byte 40, bits a voxel at byte 72); NIfTI-1, either byte order.
    """
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opened(path, "rb") as file:
            head = file.read(352)
            order = "<" if head[:4] == (348).to_bytes(4, "little") else ">"
            sizes = struct.unpack(f"{order}8h", head[40:56])
            (bits,) = struct.unpack(f"{order}h", head[72:74])
            (start,) = struct.unpack(f"{order}f", head[108:112])
            n_read = len(head)
            while chunk := file.read(1 << 20):
                n_read += len(chunk)
    except (EOFError, zlib.error, struct.error, gzip.BadGzipFile) as error:
        raise ReadingError(f"{path.name}: the file is damaged or cut ({error}); export it again") from error
    expected = int(start) + math.prod(sizes[1 : 1 + sizes[0]]) * bits // 8
    if n_read < expected:
        raise ReadingError(
            f"{path.name}: the file is cut: {n_read} bytes of the {expected} that its header asks for;"
            " export it again"
        )


def _read_image(path: Path) -> Any:
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        return reader.Execute()
    except RuntimeError as error:
        reason = _reason(error)
        if "orthonormal" in reason:
            raise GeometryError(
                f"{path.name}: its grid is sheared (axes not at right angles), which ITK cannot read;"
                " export the mask as DICOM SEG or without the shear"
            ) from error
        raise ReadingError(f"{path.name}: the file cannot be read: {reason}") from error


def _geometry(image: Any, path: Path) -> VolumeGeometry:
    try:
        return geometry_of_image(image)
    except GeometryError as error:
        raise GeometryError(f"{path.name}: {error}") from error


def _whole_numbers(values: npt.NDArray[Any], path: Path) -> LabelsZYX:
    if values.dtype.kind in "iu":
        return values
    rounded = np.rint(values)
    if not np.isfinite(values).all() or np.abs(rounded).max() > np.iinfo(np.int32).max:
        raise ReadingError(f"{path.name}: holds values that are no labels (infinite, undefined or too large)")
    fractional = values[values != rounded]
    if fractional.size:
        raise ReadingError(
            f"{path.name}: {fractional.size} voxels are fractions, for one {float(fractional[0]):.4g};"
            " labels are whole numbers. Cut probabilities at a threshold, or resample with nearest neighbour"
        )
    return np.asarray(rounded, dtype=np.int32)


def _check_forms_agree(
    qform: FloatArray | None, sform: FloatArray | None, shape_zyx: tuple[int, int, int], path: Path
) -> None:
    """Refuse a NIfTI file whose qform and sform place it differently."""
    if qform is None or sform is None:
        return
    ends = [(0, length - 1) for length in reversed(shape_zyx)]
    corners = np.array([[*index, 1] for index in product(*ends)])
    distance = float(np.linalg.norm(corners @ (sform - qform).T, axis=1).max())
    if distance > FORM_TOLERANCE_MM:
        raise GeometryError(
            f"{path.name}: its two placements, qform and sform, differ by up to {distance:.2f} mm (limit"
            f" {FORM_TOLERANCE_MM} mm), so its place in the patient is open; write it again with one of them"
        )


def _reason(error: RuntimeError) -> str:
    """Return the last line of an ITK message, which holds the reason."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no details"

"""The two placements in a NIfTI header, read from the file's own bytes.

ITK hands the header out as text with six digits and without the sign that says whether the third
axis is flipped, so the forms are read here. NIfTI-1, as ITK, in either byte order, gzip or not.

Public: `placements_ras`. See the NIfTI-1.1 header, ``nifti1.h``, methods 2 and 3.
"""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np

from herntrack._typing import FloatArray
from herntrack.errors import ReadingError

HEADER_SIZE = 348
"""Bytes of a NIfTI-1 header, which also is its first number."""

NIFTI_2_HEADER_SIZE = 540
"""Bytes of a NIfTI-2 header."""

PIXDIM_AT, FORM_CODES_AT, QUATERNION_AT, SROW_AT = 76, 252, 256, 280
"""Offsets in the header (bytes): 8 floats, 2 shorts, 6 floats, 12 floats."""


def placements_ras(path: Path) -> tuple[FloatArray | None, FloatArray | None]:
    """Return the qform and the sform of a NIfTI file, each None if the file does not use it.

    Parameters
    ----------
    path : Path
        ``.nii`` or ``.nii.gz``.

    Returns
    -------
    tuple of ndarray of float64, shape (3, 4), or None
        From ``(column, row, slice, 1)`` to RAS millimetres.

    Raises
    ------
    ReadingError
        If the file has no NIfTI header.
    """
    header = _header(path)
    order = _byte_order(header, path)
    qform_code, sform_code = struct.unpack_from(f"{order}2h", header, FORM_CODES_AT)
    pixdim = np.array(struct.unpack_from(f"{order}4f", header, PIXDIM_AT))
    quaternion = np.array(struct.unpack_from(f"{order}6f", header, QUATERNION_AT))
    rows = np.array(struct.unpack_from(f"{order}12f", header, SROW_AT))
    qform = _from_quaternion(quaternion, pixdim) if qform_code > 0 else None
    return qform, rows.reshape(3, 4) if sform_code > 0 else None


def _byte_order(header: bytes, path: Path) -> str:
    for order in "<>":
        size = struct.unpack_from(f"{order}i", header)[0]
        if size == HEADER_SIZE:
            return order
        if size == NIFTI_2_HEADER_SIZE:
            raise ReadingError(f"{path.name}: a NIfTI-2 file, which ITK does not read; write it as NIfTI-1")
    raise ReadingError(f"{path.name}: no NIfTI header at its beginning")


def _header(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if is_packed else path.open("rb") as file:
            header = file.read(HEADER_SIZE)
    except (OSError, EOFError) as error:
        raise ReadingError(f"{path.name}: the file cannot be read: {error}") from error
    if len(header) < HEADER_SIZE:
        raise ReadingError(f"{path.name}: only {len(header)} bytes, too short for a NIfTI header")
    return header


def _from_quaternion(quaternion: FloatArray, pixdim: FloatArray) -> FloatArray:
    """Return the matrix of method 2; `quaternion` is (b, c, d, offset x, y, z)."""
    b, c, d = quaternion[:3]
    # The scalar part is not stored; float32 rounding can make its square slightly negative.
    a = np.sqrt(max(0.0, 1.0 - b * b - c * c - d * d))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    scale = pixdim[1:4] * np.array([1.0, 1.0, -1.0 if pixdim[0] < 0 else 1.0])
    return np.hstack([rotation * scale, quaternion[3:, None]])

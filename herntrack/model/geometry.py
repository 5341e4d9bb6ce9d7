"""Where a stack of slices lies in the patient.

One class, `VolumeGeometry`, says how an index ``(slice, row, col)`` becomes a point
``(x, y, z)`` in DICOM patient coordinates (LPS, millimetres), and back. Everything
that needs a distance, a volume or a direction asks it, so the conventions live here
and nowhere else:

* arrays are ``[slice, row, col]`` (zyx), points are ``(x, y, z)`` LPS millimetres;
* slices run along the normal ``n = cross(row_direction, column_direction)``;
* a voxel's volume is the determinant of the affine, so the gap between slices counts
  and a gantry tilt (a sheared affine) is right without a special case.

See DICOM PS3.3 C.7.6.2.1.1 for the pixel-to-patient equation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from herntrack._typing import Affine4x4, FloatArray, PointsLPS
from herntrack.errors import GeometryError
from herntrack.model.vocabulary import Plane

ORIENTATION_TOLERANCE = 1e-3
"""Largest deviation of a direction cosine from unit length or a right angle (no unit).

Scanners write direction cosines with 5 to 6 decimals; 1e-3 accepts their rounding and
refuses a vector that is not a direction.
"""

OBLIQUE_LIMIT_DEGREES = 40.0
"""A plane within this angle of a body plane has its name, else it is oblique (degrees).

Axial blocks through L5-S1 are tilted by up to 35-40 degrees and are still called axial.
"""

SHEAR_TOLERANCE_DEGREES = 0.1
"""A slice step further than this from the slice normal makes the stack sheared (degrees)."""

AXIS_LETTERS = (("L", "R"), ("P", "A"), ("S", "I"))
"""Patient directions of +x/-x, +y/-y, +z/-z in LPS; S and I are head and feet."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VolumeGeometry:
    """The grid of one stack in patient space.

    Parameters
    ----------
    affine_lps : ndarray of float64, shape (4, 4)
        Maps ``(slice, row, col, 1)`` to ``(x, y, z, 1)`` in LPS millimetres. Index
        ``(0, 0, 0)`` is the centre of the first voxel. Stored read-only.
    shape_zyx : tuple of int
        ``(n_slices, n_rows, n_cols)``.

    Raises
    ------
    GeometryError
        If the affine is not an invertible 4x4 matrix or a length of the shape is not positive.
    """

    affine_lps: Affine4x4
    shape_zyx: tuple[int, int, int]

    def __post_init__(self) -> None:
        affine = np.array(self.affine_lps, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise GeometryError(f"an affine is a finite 4x4 matrix, not {affine.shape}: {affine.tolist()}")
        if abs(np.linalg.det(affine[:3, :3])) == 0.0:
            raise GeometryError(f"the affine has no volume, so no spacing: {affine.tolist()}")
        shape = tuple(int(length) for length in self.shape_zyx)
        if len(shape) != 3 or min(shape) < 1:
            raise GeometryError(f"a shape is (slices, rows, columns), all positive, not {self.shape_zyx}")
        affine.setflags(write=False)
        object.__setattr__(self, "affine_lps", affine)
        object.__setattr__(self, "shape_zyx", shape)

    @classmethod
    def from_dicom(
        cls,
        image_orientation_patient: Sequence[float],
        first_position: Sequence[float],
        *,
        slice_step_lps: Sequence[float],
        pixel_spacing: Sequence[float],
        shape_zyx: tuple[int, int, int],
    ) -> VolumeGeometry:
        """Build a geometry from the values of DICOM attributes.

        Parameters
        ----------
        image_orientation_patient : sequence of 6 floats
            Direction of a row (increasing column), then of a column (increasing row).
        first_position : sequence of 3 floats
            ImagePositionPatient of the first slice, LPS millimetres.
        slice_step_lps : sequence of 3 floats
            Vector from one slice to the next, LPS millimetres.
        pixel_spacing : sequence of 2 floats
            ``(between rows, between columns)``, millimetres.
        shape_zyx : tuple of int
            ``(n_slices, n_rows, n_cols)``.

        Raises
        ------
        GeometryError
            If the two directions are not perpendicular unit vectors.
        """
        row_direction, column_direction = orientation_vectors(image_orientation_patient)
        affine = np.eye(4)
        affine[:3, 0] = np.asarray(slice_step_lps, dtype=np.float64)
        affine[:3, 1] = column_direction * float(pixel_spacing[0])
        affine[:3, 2] = row_direction * float(pixel_spacing[1])
        affine[:3, 3] = np.asarray(first_position, dtype=np.float64)
        return cls(affine_lps=affine, shape_zyx=shape_zyx)

    def __eq__(self, other: object) -> bool:
        """Compare exactly; use `corner_distance_mm` to compare within a tolerance."""
        if not isinstance(other, VolumeGeometry):
            return NotImplemented
        return self.shape_zyx == other.shape_zyx and bool(np.array_equal(self.affine_lps, other.affine_lps))

    def __hash__(self) -> int:
        return hash((self.shape_zyx, self.affine_lps.tobytes()))

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel, the gap to the next slice included (mm3)."""
        return float(abs(np.linalg.det(self.affine_lps[:3, :3])))

    @property
    def normal_lps(self) -> FloatArray:
        """Unit vector across the slices, ``cross(row, column)`` (LPS), shape (3,)."""
        normal = _cross(self.affine_lps[:3, 2], self.affine_lps[:3, 1])
        return np.asarray(normal / np.linalg.norm(normal), dtype=np.float64)

    @property
    def spacing_zyx(self) -> tuple[float, float, float]:
        """Centre-to-centre distances ``(slice, row, col)`` (mm); the first along the normal."""
        slice_spacing = float(abs(self.normal_lps @ self.affine_lps[:3, 0]))
        row_spacing, column_spacing = np.linalg.norm(self.affine_lps[:3, 1:3], axis=0)
        return slice_spacing, float(row_spacing), float(column_spacing)

    @property
    def slice_spacing_mm(self) -> float:
        """Distance between slice centres along the slice normal (mm)."""
        return self.spacing_zyx[0]

    @property
    def tilt_degrees(self) -> float:
        """Angle between the step from slice to slice and the slice normal (degrees); 0 if not sheared."""
        step = self.affine_lps[:3, 0]
        cosine = abs(float(self.normal_lps @ step)) / float(np.linalg.norm(step))
        return float(np.degrees(np.arccos(min(1.0, cosine))))

    @property
    def is_sheared(self) -> bool:
        """Whether slices are shifted against each other, as by a gantry tilt."""
        return self.tilt_degrees > SHEAR_TOLERANCE_DEGREES

    @property
    def plane(self) -> Plane:
        """The body plane the slices lie in, oblique beyond `OBLIQUE_LIMIT_DEGREES`."""
        return plane_of_normal(self.normal_lps)

    def index_to_lps(self, index_zyx: npt.ArrayLike) -> PointsLPS:
        """Return the point of each index.

        Parameters
        ----------
        index_zyx : array_like of float, shape (..., 3)
            ``(slice, row, col)``; fractions are allowed.

        Returns
        -------
        ndarray of float64, shape (..., 3)
            LPS millimetres.
        """
        index = np.asarray(index_zyx, dtype=np.float64)
        return np.asarray(index @ self.affine_lps[:3, :3].T + self.affine_lps[:3, 3], dtype=np.float64)

    def lps_to_index(self, points_lps: npt.ArrayLike) -> FloatArray:
        """Return the (fractional) index of each point.

        Parameters
        ----------
        points_lps : array_like of float, shape (..., 3)
            LPS millimetres.

        Returns
        -------
        ndarray of float64, shape (..., 3)
            ``(slice, row, col)``.
        """
        points = np.asarray(points_lps, dtype=np.float64) - self.affine_lps[:3, 3]
        return np.asarray(
            np.linalg.solve(self.affine_lps[:3, :3], points[..., None])[..., 0], dtype=np.float64
        )

    def corners_lps(self) -> PointsLPS:
        """Return the centres of the eight corner voxels, shape (8, 3), LPS millimetres."""
        last = [length - 1 for length in self.shape_zyx]
        corners = [[i * last[0], j * last[1], k * last[2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)]
        return self.index_to_lps(corners)

    def corner_distance_mm(self, other: VolumeGeometry) -> float:
        """Return the largest distance between same-index corners of two grids (mm)."""
        return float(np.linalg.norm(self.corners_lps() - other.corners_lps(), axis=1).max())

    def edge_letters(self) -> tuple[str, str, str, str]:
        """Return the patient directions at a slice's left, right, top and bottom edge.

        Returns
        -------
        tuple of str
            For example ``("R", "L", "A", "P")`` for an axial slice; a slice turned by
            more than `ORIENTATION_LETTER_MINIMUM` towards a second axis has two letters.
        """
        right = direction_letters(self.affine_lps[:3, 2])
        bottom = direction_letters(self.affine_lps[:3, 1])
        left = direction_letters(-self.affine_lps[:3, 2])
        top = direction_letters(-self.affine_lps[:3, 1])
        return left, right, top, bottom

    def as_lists(self) -> list[list[float]]:
        """Return the affine as nested lists, for JSON."""
        return [[float(value) for value in row] for row in self.affine_lps]


ORIENTATION_LETTER_MINIMUM = 0.3
"""A second patient axis is named from this cosine on (about 17 degrees, no unit)."""


def orientation_vectors(image_orientation_patient: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """Return the checked, exactly perpendicular directions of ImageOrientationPatient.

    Parameters
    ----------
    image_orientation_patient : sequence of 6 floats
        Row direction, then column direction (DICOM PS3.3 C.7.6.2.1.1).

    Returns
    -------
    tuple of ndarray
        Unit vectors of increasing column index and of increasing row index, each of shape (3,).

    Raises
    ------
    GeometryError
        If there are not six numbers, or they are no two perpendicular unit vectors.
    """
    return _orientation_vectors(tuple(image_orientation_patient))


@lru_cache(maxsize=1024)
def _orientation_vectors(image_orientation_patient: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
    # All images of a stack have one orientation, and a study has few.
    values = np.asarray(image_orientation_patient, dtype=np.float64)
    if values.shape != (6,) or not np.isfinite(values).all():
        raise GeometryError(f"ImageOrientationPatient has six numbers, not {values.tolist()}")
    row, column = values[:3], values[3:]
    lengths = float(np.linalg.norm(row)), float(np.linalg.norm(column))
    skew = abs(float(row @ column))
    if max(abs(lengths[0] - 1), abs(lengths[1] - 1), skew) > ORIENTATION_TOLERANCE:
        raise GeometryError(
            f"ImageOrientationPatient is no pair of perpendicular unit vectors: lengths {lengths[0]:.4f} and"
            f" {lengths[1]:.4f}, dot product {skew:.4f}, tolerance {ORIENTATION_TOLERANCE}"
        )
    row, column = row / lengths[0], column / lengths[1]
    row.setflags(write=False)
    column.setflags(write=False)
    return row, column


def slice_normal(image_orientation_patient: Sequence[float]) -> FloatArray:
    """Return the unit vector across the slices, ``cross(row, column)`` (LPS), shape (3,).

    Raises
    ------
    GeometryError
        As `orientation_vectors`.
    """
    return _cross(*orientation_vectors(image_orientation_patient))


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    # numpy's cross of two vectors takes ten times as long, and a stack asks often.
    (a0, a1, a2), (b0, b1, b2) = a.tolist(), b.tolist()
    return np.array([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0])


def plane_of_normal(normal_lps: npt.ArrayLike) -> Plane:
    """Return the body plane whose normal is nearest, or oblique.

    Parameters
    ----------
    normal_lps : array_like of float, shape (3,)
        Unit vector across the slices, LPS.
    """
    cosines = np.abs(np.asarray(normal_lps, dtype=np.float64))
    axis = int(np.argmax(cosines))
    if cosines[axis] < np.cos(np.radians(OBLIQUE_LIMIT_DEGREES)):
        return Plane.OBLIQUE
    return (Plane.SAGITTAL, Plane.CORONAL, Plane.AXIAL)[axis]


def direction_letters(direction_lps: npt.ArrayLike) -> str:
    """Return the patient directions a vector points to, strongest first, at most two.

    Parameters
    ----------
    direction_lps : array_like of float, shape (3,)
        Any non-zero vector, LPS.
    """
    vector = np.asarray(direction_lps, dtype=np.float64)
    vector = vector / np.linalg.norm(vector)
    order: Any = np.argsort(-np.abs(vector), kind="stable")
    named = [axis for axis in order[:2] if abs(vector[axis]) >= ORIENTATION_LETTER_MINIMUM]
    return "".join(AXIS_LETTERS[axis][0 if vector[axis] > 0 else 1] for axis in named)

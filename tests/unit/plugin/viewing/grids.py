"""Grids and pairs for the tests of the views: a sagittal and a tilted axial stack of one visit."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import CataloguedStack, Series, Stack, Study
from herntrack.model.vocabulary import ImageRole, Modality, Plane, Weighting
from napari_herntrack.viewing.views import Pair, VisitOnScreen

TILT_DEGREES = 30.0


def sagittal(*, shape: tuple[int, int, int] = (11, 60, 50)) -> VolumeGeometry:
    """Return slices from right to left; rows run down, columns run back, 4 x 2 x 1 mm."""
    return VolumeGeometry.from_dicom(
        (0, 1, 0, 0, 0, -1),
        (-20.0, -25.0, 60.0),
        slice_step_lps=(4.0, 0.0, 0.0),
        pixel_spacing=(2.0, 1.0),
        shape_zyx=shape,
    )


def axial(*, shape: tuple[int, int, int] = (9, 40, 44)) -> VolumeGeometry:
    """Return slices tilted like a disc at L5-S1, 3 x 1.5 x 1.25 mm."""
    angle = np.radians(TILT_DEGREES)
    column = np.array([0.0, np.cos(angle), np.sin(angle)])
    normal = np.cross([1.0, 0.0, 0.0], column)
    return VolumeGeometry.from_dicom(
        (1, 0, 0, *column),
        tuple(np.array([-27.0, -29.0, -12.0]) - 4.0 * 3.0 * normal),
        slice_step_lps=tuple(3.0 * normal),
        pixel_spacing=(1.5, 1.25),
        shape_zyx=shape,
    )


def moved_grid(geometry: VolumeGeometry, matrix: npt.NDArray[np.float64]) -> VolumeGeometry:
    """Return the same grid in the patient coordinates of another visit."""
    return VolumeGeometry(affine_lps=matrix @ geometry.affine_lps, shape_zyx=geometry.shape_zyx)


def rigid(degrees: float, shift: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    """Return a turn about the left-right axis and a shift."""
    angle = np.radians(degrees)
    matrix = np.eye(4)
    matrix[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix[:3, 3] = shift
    return matrix


def catalogued(
    uid: str,
    geometry: VolumeGeometry,
    *,
    weighting: Weighting = Weighting.T2,
    role: ImageRole = ImageRole.DIAGNOSTIC,
    is_regular: bool = True,
    modality: Modality = Modality.MR,
) -> CataloguedStack:
    """Return a stack as the catalogue does."""
    plane = Plane.SAGITTAL if geometry.plane is Plane.SAGITTAL else Plane.AXIAL
    stack = Stack(
        stack_uid=uid,
        series_instance_uid=f"{uid}.1",
        geometry=geometry,
        plane=plane,
        weighting=weighting,
        role=role,
        is_regular=is_regular,
    )
    series = Series(series_instance_uid=f"{uid}.1", study_instance_uid="1", modality=modality)
    return CataloguedStack(
        stack=stack,
        series=series,
        study=Study(study_instance_uid="1", patient_id="P", study_date=date(2024, 1, 2)),
    )


def pair(matrix: npt.NDArray[np.float64] | None, *, between: npt.NDArray[np.float64] | None = None) -> Pair:
    """Return two visits; the current one's grids are the baseline's, moved by the inverse of `between`."""
    back = np.linalg.inv(np.eye(4) if between is None else between)
    baseline = {
        Plane.SAGITTAL: catalogued("b.s", sagittal()),
        Plane.AXIAL: catalogued("b.a", axial()),
    }
    current = {
        Plane.SAGITTAL: catalogued("c.s", moved_grid(sagittal(), back)),
        Plane.AXIAL: catalogued("c.a", moved_grid(axial(), back)),
    }
    return Pair(
        current=VisitOnScreen(caption="now", stacks=current),
        baseline=VisitOnScreen(caption="then", stacks=baseline),
        matrix_lps=matrix,
    )

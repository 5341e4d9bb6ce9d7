"""A small grid with oblong voxels, and paint on it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np

from herntrack.model.base_plane import BasePlane
from herntrack.model.facet_line import FacetLine
from herntrack.model.geometry import VolumeGeometry
from herntrack.reading_room.draft_files import DraftKey

MOMENT = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
KEY = DraftKey(lesion_uid="2.25.7", visit_date=date(2024, 5, 1), reader="Reader One", stack_uid="stack-1")
PLANE = BasePlane(corners_lps=((0.0, 0.0, 6.0), (0.0, 0.0, -6.0)), normal_lps=(0.0, 1.0, 0.0))

LINE = FacetLine(ends_lps=((-8.0, 14.0, 1.0), (9.0, 14.5, 1.0)))


def sagittal(shape_zyx: tuple[int, int, int] = (7, 40, 50)) -> VolumeGeometry:
    """Return a sagittal grid of 4 mm slices and 0.5 x 0.8 mm pixels, its middle at the origin."""
    n_slices, n_rows, n_columns = shape_zyx
    return VolumeGeometry.from_dicom(
        [0, 1, 0, 0, 0, -1],
        [-(n_slices // 2) * 4.0, -(n_columns // 2) * 0.8, (n_rows // 2) * 0.5],
        slice_step_lps=[4.0, 0, 0],
        pixel_spacing=(0.5, 0.8),
        shape_zyx=shape_zyx,
    )


def empty(geometry: VolumeGeometry) -> np.ndarray:
    return np.zeros(geometry.shape_zyx, dtype=np.bool_)

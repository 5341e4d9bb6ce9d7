"""A workspace whose catalogue holds records that no file stands behind."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from herntrack.catalogue.rows import NewImage
from herntrack.dicom.header_parts import HeaderParts
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import FileLocation, Patient, Reject, Series, Stack, Study
from herntrack.model.records import Lesion, Measurement, Reading, Visit
from herntrack.model.timepoints import timepoint_of_day
from herntrack.model.vocabulary import Level, Modality, Plane, ReadingStatus, Side, Weighting
from herntrack.volumetrics.rules import load_rules
from herntrack.workflows.session import catalogue_of, ensure_catalogue
from herntrack.workflows.workspace import Workspace, create_workspace

DAY_0 = date(2024, 1, 15)
PATIENT = "P-01"
LESION = "2.25.900"
MOMENT = datetime(2024, 6, 1, 9, tzinfo=UTC)

NORMALS = {Plane.SAGITTAL: (1.0, 0.0, 0.0), Plane.AXIAL: (0.0, 0.0, 1.0), Plane.CORONAL: (0.0, 1.0, 0.0)}


def geometry(plane: Plane, *, step_mm: float, n_slices: int, height_mm: float) -> VolumeGeometry:
    affine = np.eye(4)
    normal = np.array(NORMALS[plane])
    rows, columns = (np.roll(normal, shift) for shift in (1, 2))
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = normal * step_mm, rows * 0.6, columns * 0.6
    affine[2, 3] = height_mm
    return VolumeGeometry(affine_lps=affine, shape_zyx=(n_slices, 32, 32))


class Study0:
    """Fills the catalogue of one workspace, one stack a series unless a series is named."""

    def __init__(self, folder: Path) -> None:
        self.workspace: Workspace = create_workspace(folder)
        ensure_catalogue(self.workspace)
        with catalogue_of(self.workspace) as catalogue:
            catalogue.images.add_images(patients=[Patient(patient_id=PATIENT)])
        self._days: list[int] = []
        self._series: set[str] = set()
        self._n_readings = 0

    def stack(
        self,
        day: int,
        name: str,
        *,
        plane: Plane = Plane.SAGITTAL,
        weighting: Weighting = Weighting.T2,
        modality: Modality = Modality.MR,
        field: float | None = 1.5,
        step_mm: float = 4.4,
        n_slices: int = 5,
        height_mm: float = 0.0,
        series: str | None = None,
        n_missing: int = 0,
        **values: Any,
    ) -> str:
        """Add a stack of a visit and return its UID."""
        study_uid, series_uid, stack_uid = (
            f"2.25.{100 + day}",
            f"2.25.7{day}.{series or name}",
            f"S{day}-{name}",
        )
        new_series = series_uid not in self._series
        with catalogue_of(self.workspace) as catalogue:
            catalogue.images.add_images(
                studies=[
                    Study(
                        study_instance_uid=study_uid,
                        patient_id=PATIENT,
                        study_date=DAY_0 + timedelta(days=day),
                    )
                ]
                if day not in self._days
                else [],
                series=[
                    Series(
                        series_instance_uid=series_uid,
                        study_instance_uid=study_uid,
                        modality=modality,
                        series_number=len(self._series) + 1,
                        series_description=name,
                        magnetic_field_strength=field if modality is Modality.MR else None,
                    )
                ]
                if new_series
                else [],
                stacks=[
                    Stack(
                        stack_uid=stack_uid,
                        series_instance_uid=series_uid,
                        geometry=geometry(plane, step_mm=step_mm, n_slices=n_slices, height_mm=height_mm),
                        plane=plane,
                        weighting=weighting,
                        **values,
                    )
                ],
                images=[
                    NewImage(
                        sop_instance_uid=f"2.25.8.{day}.{name}.{index}",
                        series_instance_uid=series_uid,
                        location=FileLocation(
                            root="r", relative_path=f"{stack_uid}/{index}", size=1, mtime_ns=1
                        ),
                        header=HeaderParts(None, None, "{}"),
                        stack_uid=stack_uid,
                        slice_index=index,
                    )
                    for index in range(n_slices)
                ],
            )
            if n_missing:
                catalogue.images.mark_missing(
                    [("r", f"{stack_uid}/{index}") for index in range(n_missing)], is_missing=True
                )
            self._series.add(series_uid)
            if day not in self._days:
                self._days.append(day)
                catalogue.images.replace_visits(
                    {
                        PATIENT: [
                            Visit(
                                patient_id=PATIENT,
                                visit_date=DAY_0 + timedelta(days=each),
                                day=each,
                                timepoint=timepoint_of_day(each),
                            )
                            for each in self._days
                        ]
                    },
                )
        return stack_uid

    def confirm_baseline(self, day: int) -> None:
        """Say that a visit is day 0."""
        with catalogue_of(self.workspace) as catalogue:
            catalogue.images.replace_visits(
                {
                    PATIENT: [
                        Visit(
                            patient_id=PATIENT,
                            visit_date=DAY_0 + timedelta(days=each),
                            day=each - day,
                            timepoint=timepoint_of_day(each - day),
                            is_baseline_confirmed=True,
                        )
                        for each in self._days
                    ]
                }
            )

    def lesion(self) -> str:
        """Add the one lesion and return its UID."""
        with catalogue_of(self.workspace) as catalogue:
            catalogue.followup.add_lesion(
                Lesion(
                    lesion_uid=LESION,
                    patient_id=PATIENT,
                    level=Level.L5_S1,
                    side=Side.LEFT,
                    type=None,
                    created_at=MOMENT,
                )
            )
        return LESION

    def read(
        self,
        day: int,
        stack_uid: str,
        volume_mm3: float = 900.0,
        *,
        reader: str = "R1",
        modality: Modality = Modality.MR,
    ) -> str:
        """Add a measured reading and return its UID."""
        self._n_readings += 1
        uid = f"2.25.95{self._n_readings}"
        with catalogue_of(self.workspace) as catalogue:
            catalogue.followup.add_reading(
                Reading(
                    reading_uid=uid,
                    lesion_uid=LESION,
                    visit_date=DAY_0 + timedelta(days=day),
                    reader=reader,
                    status=ReadingStatus.PRESENT,
                    reason="",
                    stack_uid=stack_uid,
                    series_instance_uid=catalogue.images.stack(stack_uid).series.series_instance_uid,
                    study_instance_uid=f"2.25.{100 + day}",
                    modality=modality,
                    created_at=MOMENT + timedelta(minutes=self._n_readings),
                )
            )
            catalogue.followup.put_measurements(
                [
                    Measurement(
                        reading_uid=uid,
                        volume_mm3=volume_mm3,
                        volume_sigma_mm3=100.0,
                        n_voxels=9,
                        n_slices=3,
                        n_fragments=1,
                        fragment_volumes_mm3=(volume_mm3,),
                        in_plane_diameter_mm=9.0,
                        perpendicular_diameter_mm=8.0,
                        extent_across_slices_mm=7.0,
                        max_diameter_mm=9.0,
                        centroid_lps=(0.0, 0.0, 0.0),
                        rules_sha256=load_rules().sha256,
                    )
                ]
            )
        return uid

    def reject(self, code: str) -> None:
        """Add a file that was set aside."""
        with catalogue_of(self.workspace) as catalogue:
            catalogue.images.add_rejects(
                [
                    Reject(
                        location=FileLocation(root="r", relative_path=f"x/{code}", size=3, mtime_ns=1),
                        code=code,
                        reason=f"it is {code}, so it is not read",
                    )
                ]
            )

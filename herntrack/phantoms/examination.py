"""One visit: herniations in place, patient on the table, series acquired.

Public: `Patient`, `Examination`, `examine`, `draw_pose`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from herntrack._typing import VolumeZYX
from herntrack.dicom.uids import derived_uid
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import Level, Modality
from herntrack.phantoms.acquisition import Exposure, Pose, Receiver, expose, render
from herntrack.phantoms.archetypes import LesionPlan, PatientPlan
from herntrack.phantoms.dicom_writer import SeriesImages
from herntrack.phantoms.herniation import Herniation, build_herniation
from herntrack.phantoms.planning import axial_block, ct_stack, sagittal_stack
from herntrack.phantoms.protocols import Protocol, Role, protocol_for
from herntrack.phantoms.scene import Scene
from herntrack.phantoms.tissues import Contrast

AXIAL_LEVELS = (Level.L3_L4, Level.L4_L5, Level.L5_S1)
"""Discs that have an axial block, in order of acquisition."""

LARGEST_ROTATION_DEGREES = 8.0
"""Largest angle between two visits and the patient's own frame (degrees)."""

LARGEST_SHIFT_MM = 12.0
"""Largest shift of the patient (mm)."""

NODDING_SHARE = 0.35
"""How far pelvis and cushion let a patient turn about x, against the other axes (no unit)."""

MR_GAIN = 0.45
"""Stored signal per unit of the tissue tables (no unit)."""

SATURATION_FRONT_MM = -62.0
"""Patient y in front of which the saturation band of sagittal series begins (mm)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patient:
    """A planned patient and the painted scene."""

    plan: PatientPlan
    scene: Scene
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examination:
    """All that one visit yields."""

    pose: Pose
    series: dict[Role, SeriesImages]
    herniations: dict[Level, Herniation]
    read_role: Role
    read_exposure: Exposure
    """The stack that is read; its fractions are in the order of `herniations`."""


def draw_pose(rng: np.random.Generator, *, is_first: bool) -> Pose:
    """Return how a patient lies: nearly straight at the first visit, less so later.

    Parameters
    ----------
    rng : Generator
        Source of the pose.
    is_first : bool
        Whether it is the baseline.
    """
    reach = 0.4 if is_first else 1.0
    axis = rng.standard_normal(3) * (NODDING_SHARE, 1.0, 1.0)
    angle = rng.uniform(0.3, 1.0) * LARGEST_ROTATION_DEGREES * reach
    # Small angles add like a vector, so its length is close to the whole rotation.
    rotation = 0.97 * angle * axis / np.linalg.norm(axis)
    direction = rng.standard_normal(3)
    shift = rng.uniform(0.3, 1.0) * LARGEST_SHIFT_MM * reach * direction / np.linalg.norm(direction)
    turns = [round(float(value), 3) for value in rotation]
    shifts = [round(float(value), 3) for value in shift]
    return Pose(rotation_degrees=(turns[0], turns[1], turns[2]), shift_mm=(shifts[0], shifts[1], shifts[2]))


def examine(patient: Patient, visit: int) -> Examination:
    """Acquire all series of one visit.

    Parameters
    ----------
    patient : Patient
        Plan and scene.
    visit : int
        Index of the visit, from 0.
    """
    rng = np.random.default_rng([patient.seed, visit, 3])
    pose = draw_pose(rng, is_first=visit == 0)
    herniations = _herniations(patient, visit)
    lesions = tuple(herniations.values())
    if patient.plan.modality is Modality.CT:
        protocol = protocol_for(Role.CT, patient.plan.vendor)
        geometry = ct_stack(patient.scene.anatomy, pose, protocol.size)
        exposure = expose(
            patient.scene,
            lesions,
            pose,
            geometry,
            contrasts=(Contrast.CT,),
            thickness_mm=protocol.size.thickness_mm,
        )
        volume = render(exposure, Contrast.CT, Receiver(noise=protocol.noise), rng)
        series = {Role.CT: _series(patient, visit, protocol, [volume], [geometry])}
        return Examination(
            pose=pose, series=series, herniations=herniations, read_role=Role.CT, read_exposure=exposure
        )
    series, exposure = _sagittal_series(patient, visit, pose, lesions, rng)
    series[Role.AXIAL_T2] = _axial_series(patient, visit, pose, lesions, rng)
    return Examination(
        pose=pose, series=series, herniations=herniations, read_role=Role.SAGITTAL_T2, read_exposure=exposure
    )


def _herniations(patient: Patient, visit: int) -> dict[Level, Herniation]:
    def build(lesion: LesionPlan) -> Herniation:
        return build_herniation(
            patient.scene.anatomy,
            lesion.level,
            lesion.herniation_type,
            volume_mm3=lesion.volumes_mm3[visit],
            side_offset_mm=lesion.side_offset_mm,
            migration_mm=lesion.migration_mm,
            seed=patient.seed,
        )

    return {lesion.level: build(lesion) for lesion in patient.plan.lesions if lesion.volumes_mm3[visit] > 0}


def _sagittal_series(
    patient: Patient, visit: int, pose: Pose, lesions: Sequence[Herniation], rng: np.random.Generator
) -> tuple[dict[Role, SeriesImages], Exposure]:
    roles = [Role.SAGITTAL_T2] + ([Role.SAGITTAL_T1] if visit == 0 else [])
    protocols = [protocol_for(role, patient.plan.vendor) for role in roles]
    aim = rng.normal(0, 1.2, 2)
    geometry = sagittal_stack(pose, protocols[0].size, aim_error_degrees=(float(aim[0]), float(aim[1])))
    exposure = expose(
        patient.scene,
        lesions,
        pose,
        geometry,
        contrasts=[protocol.contrast for protocol in protocols],
        thickness_mm=protocols[0].size.thickness_mm,
    )
    series = {}
    for protocol in protocols:
        receiver = Receiver(
            noise=protocol.noise,
            gain=MR_GAIN,
            coil_y_mm=100.0,
            saturation_y_mm=SATURATION_FRONT_MM + pose.shift_mm[1],
        )
        volume = render(exposure, protocol.contrast, receiver, rng)
        series[protocol.role] = _series(patient, visit, protocol, [volume], [geometry])
    return series, exposure


def _axial_series(
    patient: Patient, visit: int, pose: Pose, lesions: Sequence[Herniation], rng: np.random.Generator
) -> SeriesImages:
    protocol = protocol_for(Role.AXIAL_T2, patient.plan.vendor)
    receiver = Receiver(noise=protocol.noise, gain=MR_GAIN)
    volumes, geometries = [], []
    for level in AXIAL_LEVELS:
        geometry = axial_block(patient.scene.anatomy, level, pose, protocol.size)
        exposure = expose(
            patient.scene,
            lesions,
            pose,
            geometry,
            contrasts=(Contrast.T2,),
            thickness_mm=protocol.size.thickness_mm,
        )
        volumes.append(render(exposure, Contrast.T2, receiver, rng))
        geometries.append(geometry)
    return _series(patient, visit, protocol, volumes, geometries)


def _series(
    patient: Patient,
    visit: int,
    protocol: Protocol,
    volumes: Sequence[VolumeZYX],
    geometries: Sequence[VolumeGeometry],
) -> SeriesImages:
    return SeriesImages(
        protocol=protocol,
        series_instance_uid=derived_uid(
            "sample series", patient.seed, patient.plan.number, visit, protocol.role.value
        ),
        volumes=volumes,
        geometries=geometries,
    )

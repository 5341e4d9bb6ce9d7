"""Fragments of known shape to segment: implanted in real anatomy, and of computed patients.

The first set lies beside the checkout (``../shared/data/dicom/lumbar_mr_implanted``); the second is
made here, any number of patients at any noise, from seeds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from herntrack.alignment.align import align
from herntrack.dicom.headers import read_header
from herntrack.dicom.stacks import build_stacks
from herntrack.errors import HerntrackError
from herntrack.imaging.label_files import read_label_file
from herntrack.imaging.load import load_volume
from herntrack.imaging.volume import Volume
from herntrack.model.base_plane import BasePlane
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import Modality
from herntrack.phantoms.acquisition import Pose, Receiver, expose, ideal_mask, render
from herntrack.phantoms.anatomy import build_anatomy
from herntrack.phantoms.archetypes import LesionPlan, PatientPlan, plan_patient
from herntrack.phantoms.examination import MR_GAIN, SATURATION_FRONT_MM, draw_pose
from herntrack.phantoms.herniation import BasePlane as TruePlane
from herntrack.phantoms.herniation import Herniation, build_herniation, integrated_volume
from herntrack.phantoms.planning import axial_block, ct_stack, sagittal_stack
from herntrack.phantoms.protocols import Protocol, Role, protocol_for
from herntrack.phantoms.scene import Scene, build_scene

REAL = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "dicom" / "lumbar_mr_implanted"
NOISE_FACTORS = (1.0, 2.5, 5.0)
ALIGNMENT_ERROR = (1.0, 1.0)
"""Standard deviation of the error of a computed patient's alignment: degrees, mm."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """One fragment in one stack; `mask` is empty where it is gone."""

    name: str
    group: str
    patient: str
    visit: int
    volume: Volume
    mask: np.ndarray
    true_mm3: float
    click_lps: np.ndarray
    plane: BasePlane | None
    to_patient: np.ndarray | None
    noise: float


def real_cases() -> list[Case]:
    """Read the implanted set; empty where it is missing."""
    if not REAL.is_dir():
        return []
    cases = []
    for patient in json.loads((REAL / "truth.json").read_text()):
        for visit, facts in enumerate(patient["visits"]):
            headers = {}
            for path in sorted((REAL / "dicom" / patient["patient_id"] / str(visit)).rglob("*")):
                try:
                    found = read_header(path) if path.is_file() else None
                except HerntrackError:
                    found = None
                if found is not None:
                    headers.setdefault(found.series.series_instance_uid, {})[
                        found.header.sop_instance_uid
                    ] = (path, found)
            for plane, series in facts["series"].items():
                volume = _loaded(headers[series["uid"]])
                for level, click in facts["click_lps_mm"].items():
                    mask = _real_mask(series["mask"].get(level), volume.geometry)
                    cases.append(
                        Case(
                            name=f"{patient['patient_id']} visit {visit} {plane}",
                            group=f"real texture {plane.lower()}",
                            patient=f"{patient['patient_id']} {plane}",
                            visit=visit,
                            volume=volume,
                            mask=mask,
                            true_mm3=facts["volume_mm3"][level],
                            click_lps=np.asarray(click),
                            plane=None,
                            to_patient=None,
                            noise=1.0,
                        )
                    )
    return cases


def _loaded(images: dict) -> Volume:
    found = [image for _, image in images.values()]
    built = max(
        build_stacks(found[0].series, [image.header for image in found]),
        key=lambda each: each.stack.geometry.shape_zyx[0],
    )
    return load_volume(built.stack, [images[uid][0] for uid in built.sop_instance_uids])


def _real_mask(name: str | None, geometry: VolumeGeometry) -> np.ndarray:
    mask = np.zeros(geometry.shape_zyx, dtype=bool)
    if name is None:
        return mask
    labels = read_label_file(REAL / name)
    points = labels.geometry.index_to_lps(np.argwhere(labels.labels > 0))
    index = np.rint(geometry.lps_to_index(points)).astype(int)
    mask[tuple(index.T)] = True
    return mask


def computed_cases(
    seed: int, numbers: Sequence[int], factors: Sequence[float] = NOISE_FACTORS
) -> Iterator[Case]:
    """Make the stacks of computed patients, one after the other."""
    for number in numbers:
        plan = plan_patient(number, seed=seed)
        own_seed = seed * 1000 + number
        scene = build_scene(build_anatomy(own_seed, diseased=tuple(each.level for each in plan.lesions)))
        for visit in range(len(plan.days)):
            yield from _visit_cases(plan, scene, visit, own_seed, factors)


def _visit_cases(
    plan: PatientPlan, scene: Scene, visit: int, seed: int, factors: Sequence[float]
) -> Iterator[Case]:
    rng = np.random.default_rng([seed, visit, 3])
    pose = draw_pose(rng, is_first=visit == 0)
    present = {
        lesion.level: build_herniation(
            scene.anatomy,
            lesion.level,
            lesion.herniation_type,
            volume_mm3=lesion.volumes_mm3[visit],
            side_offset_mm=lesion.side_offset_mm,
            migration_mm=lesion.migration_mm,
            seed=seed,
        )
        for lesion in plan.lesions
        if lesion.volumes_mm3[visit] > 0
    }
    for plane, protocols, geometry, lesions in _stacks(plan, scene, visit, pose, rng):
        exposure = expose(
            scene,
            tuple(present.values()),
            pose,
            geometry,
            contrasts=[each.contrast for each in protocols],
            thickness_mm=protocols[0].size.thickness_mm,
        )
        for protocol in protocols:
            for factor in factors:
                receiver = receiver_for(plan.modality, plane, protocol, pose, factor)
                volume = Volume(values=render(exposure, protocol.contrast, receiver, rng), geometry=geometry)
                for lesion in lesions:
                    position = list(present).index(lesion.level) if lesion.level in present else None
                    mask = (
                        np.zeros(geometry.shape_zyx, dtype=bool)
                        if position is None
                        else ideal_mask(exposure.fractions[position])
                    )
                    yield _case(
                        plan,
                        scene,
                        visit,
                        pose,
                        lesion,
                        present.get(lesion.level),
                        volume,
                        mask,
                        f"computed {plane} {protocol.contrast.value}",
                        factor,
                    )


def _stacks(plan: PatientPlan, scene: Scene, visit: int, pose: Pose, rng: np.random.Generator):
    if plan.modality is Modality.CT:
        protocol = protocol_for(Role.CT, plan.vendor)
        yield "axial", [protocol], ct_stack(scene.anatomy, pose, protocol.size), plan.lesions
        return
    roles = [Role.SAGITTAL_T2, *([Role.SAGITTAL_T1] if visit == 0 else [])]
    protocols = [protocol_for(role, plan.vendor) for role in roles]
    aim = rng.normal(0, 1.2, 2)
    geometry = sagittal_stack(pose, protocols[0].size, aim_error_degrees=(float(aim[0]), float(aim[1])))
    yield "sagittal", protocols, geometry, plan.lesions
    axial = protocol_for(Role.AXIAL_T2, plan.vendor)
    for lesion in plan.lesions:
        yield "axial", [axial], axial_block(scene.anatomy, lesion.level, pose, axial.size), [lesion]


def receiver_for(modality: Modality, plane: str, protocol: Protocol, pose: Pose, factor: float) -> Receiver:
    if modality is Modality.CT:
        return Receiver(noise=protocol.noise * factor)
    band = SATURATION_FRONT_MM + pose.shift_mm[1] if plane == "sagittal" else None
    return Receiver(noise=protocol.noise * factor, gain=MR_GAIN, saturation_y_mm=band)


def _case(  # noqa: PLR0917 - one call in one place
    plan: PatientPlan,
    scene: Scene,
    visit: int,
    pose: Pose,
    lesion: LesionPlan,
    herniation: Herniation | None,
    volume: Volume,
    mask: np.ndarray,
    group: str,
    factor: float,
) -> Case:
    upper, lower = pose.to_scanner(TruePlane.of(scene.anatomy, lesion.level).corners_lps)
    disc = pose.to_scanner([0.0, *scene.anatomy.disc(lesion.level).frame.centre_yz])
    return Case(
        name=f"{plan.patient_id} visit {visit} {lesion.level.value} {group} noise x{factor:g}",
        group=group,
        patient=f"{plan.patient_id} {lesion.level.value} {group} x{factor:g}",
        visit=visit,
        volume=volume,
        mask=mask,
        true_mm3=0.0 if herniation is None else integrated_volume(herniation),
        click_lps=deepest_point(mask, volume.geometry) if mask.any() else disc,
        plane=BasePlane.from_corners(upper, lower, volume.geometry),
        to_patient=pose.scanner_to_patient,
        noise=factor,
    )


def deepest_point(mask: np.ndarray, geometry: VolumeGeometry) -> np.ndarray:
    """Return the voxel centre furthest from the edge."""
    return geometry.index_to_lps(np.unravel_index(int(_depth(mask, geometry).argmax()), mask.shape))


def reader_click(mask: np.ndarray, geometry: VolumeGeometry, rng: np.random.Generator) -> np.ndarray:
    """Return a voxel centre at random in the inner half of the fragment, as a reader would click."""
    depth = _depth(mask, geometry)
    choices = np.argwhere(depth >= depth.max() / 2)
    return geometry.index_to_lps(choices[rng.integers(len(choices))])


def _depth(mask: np.ndarray, geometry: VolumeGeometry) -> np.ndarray:
    return ndimage.distance_transform_edt(np.pad(mask, 1), sampling=geometry.spacing_zyx)[1:-1, 1:-1, 1:-1]


def matrix_to_baseline(baseline: Case, followup: Case, rng: np.random.Generator) -> np.ndarray:
    """Return follow-up to baseline: the true one with an error, or what the alignment finds."""
    if baseline.to_patient is None or followup.to_patient is None:
        return align(baseline.volume, followup.volume).matrix_lps
    exact = np.linalg.inv(baseline.to_patient) @ followup.to_patient
    degrees, shift_mm = (rng.normal(0, sd / np.sqrt(3), 3) for sd in ALIGNMENT_ERROR)
    error = np.eye(4)
    error[:3, :3] = Rotation.from_rotvec(np.radians(degrees)).as_matrix()
    centre = baseline.click_lps
    error[:3, 3] = centre - error[:3, :3] @ centre + shift_mm
    return error @ exact

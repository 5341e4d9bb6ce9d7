"""Computed patients to learn from: fragments of any type, size and place, stacks of many kinds.

The sample protocol's patients (`segmentation_cases.computed_cases`) are what is measured on. These differ
from them in everything but the anatomy's way of being made: two or three fragments each of 100 to 1700 mm3,
drawn type, side and height, half of the stacks with other spacing, half of the MR series with another
contrast, and noise from 0.7 to 5.5 times the protocol's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from segmentation_cases import Case, deepest_point, receiver_for

from herntrack.errors import GeometryError
from herntrack.imaging.volume import Volume
from herntrack.model.base_plane import BasePlane
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import HerniationType, Level, Modality
from herntrack.phantoms.acquisition import Exposure, Pose, expose, ideal_mask, render
from herntrack.phantoms.anatomy import build_anatomy
from herntrack.phantoms.archetypes import VENDORS
from herntrack.phantoms.examination import draw_pose
from herntrack.phantoms.herniation import BasePlane as TruePlane
from herntrack.phantoms.herniation import Herniation, build_herniation, integrated_volume
from herntrack.phantoms.planning import StackSize, axial_block, ct_stack, sagittal_stack
from herntrack.phantoms.protocols import Protocol, Role, protocol_for
from herntrack.phantoms.scene import Scene, build_scene

ANATOMY_SEED = 500_000
"""Anatomies of these patients are counted from here, out of reach of all others."""

TYPES = (
    HerniationType.PROTRUSION,
    HerniationType.EXTRUSION,
    HerniationType.EXTRUSION,
    HerniationType.SEQUESTRATION,
)
VOLUME_MM3 = (100.0, 1700.0)
SIDE_MM = 5.5
NOISE = (0.7, 5.5)
GAMMA, GAMMA_LEVEL = (0.75, 1.3), 700.0
"""Half of the MR series have their contrast raised to a power; the level that stays."""

FIELD_MM = {"CT": 96.0, "axial": 100.0, "sagittal": 130.0}
LEAST_VOXELS = 20
LEVELS = (Level.L3_L4, Level.L4_L5, Level.L5_S1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stack:
    plane: str
    protocols: list[Protocol]
    geometry: VolumeGeometry
    levels: list[Level]
    thickness_mm: float


def varied_cases(number: int) -> Iterator[Case]:
    """Make the stacks of one patient, two visits; every fourth has CT."""
    rng = np.random.default_rng([9041, number])
    is_ct = number % 4 == 3
    chosen = [1, 2] if is_ct else sorted(rng.permutation(3)[: 2 + int(rng.random() < 0.5)])
    levels = [LEVELS[k] for k in chosen]
    scene = build_scene(build_anatomy(ANATOMY_SEED + number, diseased=tuple(levels)))
    for visit in range(2):
        pose = draw_pose(rng, is_first=visit == 0)
        present = {level: found for level in levels if (found := _fragment(scene, level, rng)) is not None}
        for stack in _stacks(scene, pose, present, number, is_ct, rng) if present else ():
            exposure = expose(
                scene,
                tuple(present.values()),
                pose,
                stack.geometry,
                contrasts=[protocol.contrast for protocol in stack.protocols],
                thickness_mm=stack.thickness_mm,
            )
            for protocol in stack.protocols:
                yield from _series(scene, pose, present, stack, protocol, exposure, f"{number}.{visit}", rng)


def _fragment(scene: Scene, level: Level, rng: np.random.Generator) -> Herniation | None:
    for _ in range(6):
        kind = TYPES[rng.integers(len(TYPES))]
        height = 0.0
        if kind is HerniationType.EXTRUSION:
            height = float(rng.uniform(-8, 8))
        elif kind is HerniationType.SEQUESTRATION:
            height = float(rng.choice([-1, 1]) * rng.uniform(12, 18))
        try:
            return build_herniation(
                scene.anatomy,
                level,
                kind,
                volume_mm3=float(np.exp(rng.uniform(*np.log(VOLUME_MM3)))),
                side_offset_mm=float(rng.uniform(-SIDE_MM, SIDE_MM)),
                migration_mm=height,
                seed=int(rng.integers(1_000_000)),
            )
        except GeometryError:
            continue
    return None


def _stacks(  # noqa: PLR0917 - one call in one place
    scene: Scene,
    pose: Pose,
    present: dict[Level, Herniation],
    number: int,
    is_ct: bool,
    rng: np.random.Generator,
) -> Iterator[_Stack]:
    vendor, is_usual = VENDORS[number % 3], rng.random() < 0.5
    if is_ct:
        protocol = protocol_for(Role.CT, vendor)
        size = _cropped(_size(protocol.size, is_usual, rng, is_ct=True), FIELD_MM["CT"], rows=True)
        geometry = ct_stack(scene.anatomy, pose, size)
        yield _Stack(
            plane="axial",
            protocols=[protocol],
            geometry=geometry,
            levels=list(present),
            thickness_mm=size.thickness_mm,
        )
        return
    protocols = [protocol_for(role, vendor) for role in (Role.SAGITTAL_T2, Role.SAGITTAL_T1)]
    size = _cropped(_size(protocols[0].size, is_usual, rng), FIELD_MM["sagittal"], rows=False)
    aim = rng.normal(0, 1.2, 2)
    yield _Stack(
        plane="sagittal",
        protocols=protocols if rng.random() < 0.75 else protocols[:1],
        geometry=sagittal_stack(pose, size, aim_error_degrees=(float(aim[0]), float(aim[1]))),
        levels=list(present),
        thickness_mm=size.thickness_mm,
    )
    axial = protocol_for(Role.AXIAL_T2, vendor)
    for level in present:
        size = _cropped(_size(axial.size, is_usual, rng), FIELD_MM["axial"], rows=True)
        yield _Stack(
            plane="axial",
            protocols=[axial],
            geometry=axial_block(scene.anatomy, level, pose, size),
            levels=[level],
            thickness_mm=size.thickness_mm,
        )


def _size(size: StackSize, is_usual: bool, rng: np.random.Generator, *, is_ct: bool = False) -> StackSize:
    """Return the protocol's grid, or one with other spacing over the same field."""
    if is_usual:
        return size
    spacing = float(rng.choice([1.0, 1.25, 1.5, 2.0]) if is_ct else rng.uniform(3.3, 5.5))
    pixel = float(rng.uniform(0.4, 0.85) if is_ct else rng.uniform(0.5, 0.95))
    return StackSize(
        n_slices=round(size.n_slices / spacing) if is_ct else size.n_slices,
        n_rows=round(size.n_rows * size.pixel_mm / pixel),
        n_columns=round(size.n_columns * size.pixel_mm / pixel),
        pixel_mm=pixel,
        thickness_mm=spacing * (1.0 if is_ct else float(rng.uniform(0.85, 1))),
        spacing_mm=spacing,
    )


def _cropped(size: StackSize, field_mm: float, *, rows: bool) -> StackSize:
    n = round(field_mm / size.pixel_mm)
    return replace(
        size, n_rows=min(size.n_rows, n) if rows else size.n_rows, n_columns=min(size.n_columns, n)
    )


def _series(  # noqa: PLR0917 - one call in one place
    scene: Scene,
    pose: Pose,
    present: dict[Level, Herniation],
    stack: _Stack,
    protocol: Protocol,
    exposure: Exposure,
    name: str,
    rng: np.random.Generator,
) -> Iterator[Case]:
    is_ct = stack.protocols[0].role is Role.CT
    if not is_ct and rng.random() < 0.5:
        signal = np.maximum(exposure.signals[protocol.contrast], 0) / GAMMA_LEVEL
        other = (GAMMA_LEVEL * signal ** rng.uniform(*GAMMA)).astype(np.float32)
        exposure = replace(exposure, signals={**exposure.signals, protocol.contrast: other})
    for turn in range(3 if is_ct else 2):
        factor = float(np.exp(rng.uniform(*np.log(NOISE)))) if turn else float(rng.uniform(NOISE[0], 2))
        modality = Modality.CT if is_ct else Modality.MR
        noise = receiver_for(modality, stack.plane, protocol, pose, factor)
        values = render(exposure, protocol.contrast, noise, rng)
        for level in stack.levels:
            mask = ideal_mask(exposure.fractions[list(present).index(level)])
            if mask.sum() < LEAST_VOXELS:
                continue
            corners = pose.to_scanner(TruePlane.of(scene.anatomy, level).corners_lps)
            yield Case(
                name=f"varied {name} {level.value} {stack.plane} {protocol.contrast.value} x{factor:.1f}",
                group=f"computed {stack.plane} {protocol.contrast.value}",
                patient=f"varied {name}",
                visit=0,
                volume=Volume(values=values, geometry=stack.geometry),
                mask=mask,
                true_mm3=integrated_volume(present[level]),
                click_lps=deepest_point(mask, stack.geometry),
                plane=BasePlane.from_corners(*corners, stack.geometry),
                to_patient=pose.scanner_to_patient,
                noise=factor,
            )

"""Stacks of simulated spines whose discs are known, and label maps of a made column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from herntrack.imaging.volume import Volume
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import Level
from herntrack.phantoms.acquisition import Pose, Receiver, expose, render
from herntrack.phantoms.anatomy import Anatomy, build_anatomy
from herntrack.phantoms.planning import StackSize, ct_stack, sagittal_stack
from herntrack.phantoms.protocols import CT_SIZE
from herntrack.phantoms.scene import Scene, build_scene
from herntrack.phantoms.tissues import Contrast

FIVE = (Level.T12_L1, Level.L1_L2, Level.L2_L3, Level.L3_L4, Level.L4_L5, Level.L5_S1)
POSE = Pose(rotation_degrees=(4.0, 2.0, -2.0), shift_mm=(6.0, -9.0, 7.0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    """A stack, and centre and posterior corners of each disc (LPS mm)."""

    volume: Volume
    centres: dict[Level, np.ndarray]
    corners: dict[Level, tuple[np.ndarray, np.ndarray]]


def scene_of(seed: int) -> Scene:
    return build_scene(build_anatomy(seed, diseased=(Level.L5_S1, Level.L3_L4)))


def shown(scene: Scene, volume: Volume) -> Shown:
    anatomy: Anatomy = scene.anatomy
    centres, corners = {}, {}
    for level in FIVE:
        disc = anatomy.disc(level)
        centres[level] = POSE.to_scanner((0.0, *disc.frame.centre_yz))
        upper, lower = (POSE.to_scanner((0.0, *corner)) for corner in disc.posterior_corners_yz)
        corners[level] = upper, lower
    return Shown(volume=volume, centres=centres, corners=corners)


def sagittal(
    scene: Scene, contrast: Contrast, *, spacing_mm: float = 4.4, n_slices: int = 9, raised_mm: float = 0.0
) -> Shown:
    """Acquire a sagittal stack whose field lies so much higher than usual."""
    size = StackSize(
        n_slices=n_slices,
        n_rows=300,
        n_columns=200,
        pixel_mm=0.85,
        thickness_mm=spacing_mm / 1.1,
        spacing_mm=spacing_mm,
    )
    geometry = sagittal_stack(POSE, size, aim_error_degrees=(1.0, -1.0))
    affine = np.array(geometry.affine_lps)
    affine[2, 3] += raised_mm
    geometry = VolumeGeometry(affine_lps=affine, shape_zyx=geometry.shape_zyx)
    exposure = expose(scene, (), POSE, geometry, contrasts=(contrast,), thickness_mm=size.thickness_mm)
    receiver = Receiver(noise=5.0, gain=0.45, coil_reach_mm=150.0, saturation_y_mm=-65.0)
    values = render(exposure, contrast, receiver, np.random.default_rng(4))
    return shown(scene, Volume(values=values, geometry=geometry))


def computed_tomography(scene: Scene) -> Shown:
    geometry = ct_stack(scene.anatomy, POSE, CT_SIZE)
    exposure = expose(scene, (), POSE, geometry, contrasts=(Contrast.CT,), thickness_mm=1.0)
    values = render(exposure, Contrast.CT, Receiver(noise=10.0), np.random.default_rng(5))
    return shown(scene, Volume(values=values, geometry=geometry))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Column:
    """A made column of boxes: body and spinous process of each vertebra, and the discs between."""

    labels: np.ndarray
    geometry: VolumeGeometry
    centres: dict[Level, np.ndarray]
    corners: dict[Level, tuple[np.ndarray, np.ndarray]]


def column(bodies: list[int], discs: list[int], levels: tuple[Level, ...], *, step_mm: float = 1.5) -> Column:
    """Paint a leaning column; `bodies` from above downwards, `discs` between them (0: not painted).

    Bodies are 26 mm high and 32 mm deep, discs 10 mm high, the canal 16 mm; all turned by 12 degrees
    about x and 5 about y, on a grid whose first axis is to the left.
    """
    half = (38.0, 75.0, 26.0 * len(bodies) / 2 + 5.0 * len(bodies) + 20.0)
    affine = np.zeros((4, 4))
    affine[:3, :3] = np.diag((step_mm, step_mm, step_mm))
    affine[:3, 3] = np.array((10.0, -40.0, 500.0)) - np.array(half)
    affine[3, 3] = 1.0
    shape = tuple(round(2 * length / step_mm) + 1 for length in half)
    geometry = VolumeGeometry(affine_lps=affine, shape_zyx=shape)
    turn = Rotation.from_euler("xy", (12.0, 5.0), degrees=True).as_matrix()
    middle = np.array((10.0, -40.0, 500.0))
    points = geometry.index_to_lps(np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1))
    x, y, z = np.moveaxis((points - middle) @ turn, -1, 0)
    labels = np.zeros(shape, dtype=np.int32)
    top = 36.0 * len(bodies) / 2
    centres, corners = {}, {}
    for number, body in enumerate(bodies):
        upper = top - 36.0 * number
        low = upper - 26.0
        labels[(np.abs(x) <= 20) & (np.abs(y + 10) <= 16) & (z <= upper) & (z >= low)] = body
        labels[(np.abs(x) <= 3) & (y >= 22) & (y <= 40) & (z <= upper - 8) & (z >= low)] = body
        if number + 1 == len(bodies):
            break
        if discs[number]:
            labels[(np.abs(x) <= 20) & (np.abs(y + 10) <= 16) & (z < low) & (z > low - 10)] = discs[number]
        level = levels[number]
        centres[level] = middle + turn @ np.array((0.0, -10.0, low - 5.0))
        corners[level] = (
            middle + turn @ np.array((0.0, 6.0, low)),
            middle + turn @ np.array((0.0, 6.0, low - 10.0)),
        )
    return Column(labels=labels, geometry=geometry, centres=centres, corners=corners)

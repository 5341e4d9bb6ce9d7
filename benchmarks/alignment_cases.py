"""Pairs of stacks with a known rigid motion between them, for bench_alignment.py.

Simulated patients (one scene a seed) are imaged twice: other pose, other aim of the stack, other
matrix, slice spacing, noise and coil, another herniation, now and then T1 against T2 or another
texture. Real texture comes from a lumbar MR and a lumbar CT beside the checkout, re-sampled as a
second visit would have been.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

from herntrack.imaging.sitk_bridge import from_sitk
from herntrack.imaging.volume import Volume
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import HerniationType, Level
from herntrack.phantoms.acquisition import Pose, Receiver, expose, render
from herntrack.phantoms.anatomy import Anatomy, build_anatomy
from herntrack.phantoms.herniation import Herniation, build_herniation
from herntrack.phantoms.planning import StackSize, axial_block, sagittal_stack
from herntrack.phantoms.posture import bent
from herntrack.phantoms.scene import Scene, build_scene
from herntrack.phantoms.tissues import Contrast

NEAR = (8.0, 12.0)
FAR = (10.0, 40.0)
"""Largest angle (degrees) and shift (mm) of a near and of a far pose."""

SPINE = ("S1", "L5", "L4", "L3", "L2", "L1")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """Two stacks, the matrix from follow-up to baseline, and points of the baseline to judge it by."""

    name: str
    kind: str
    is_far: bool
    baseline: Volume
    followup: Volume
    truth: npt.NDArray[np.float64]
    points_lps: npt.NDArray[np.float64]

    def error_mm(self, matrix_lps: npt.NDArray[np.float64]) -> float:
        """Return the mean target registration error of a matrix from follow-up to baseline."""
        inverse = np.linalg.inv(self.truth)
        there = self.points_lps @ inverse[:3, :3].T + inverse[:3, 3]
        back = there @ matrix_lps[:3, :3].T + matrix_lps[:3, 3]
        return float(np.linalg.norm(back - self.points_lps, axis=1).mean())


def turned(rng: np.random.Generator, degrees: float, shift_mm: float) -> Pose:
    """Return a pose of exactly that angle about a random axis and that shift."""
    axis, direction = rng.standard_normal(3) * (0.6, 1.0, 1.0), rng.standard_normal(3)
    vector = np.radians(degrees) * axis / np.linalg.norm(axis)
    angles = Rotation.from_rotvec(vector).as_euler("xyz", degrees=True)
    shift = shift_mm * direction / np.linalg.norm(direction)
    return Pose(
        rotation_degrees=(float(angles[0]), float(angles[1]), float(angles[2])),
        shift_mm=(float(shift[0]), float(shift[1]), float(shift[2])),
    )


def moved(geometry: VolumeGeometry, offset_mm: npt.NDArray[np.float64]) -> VolumeGeometry:
    """Return a grid shifted along its own slice, row and column directions."""
    affine = np.array(geometry.affine_lps)
    steps = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    affine[:3, 3] += steps @ offset_mm
    return VolumeGeometry(affine_lps=affine, shape_zyx=geometry.shape_zyx)


def spine_points(anatomy: Anatomy) -> npt.NDArray[np.float64]:
    """Return points of the vertebrae L1 to S1 in the patient's frame: centres, corners, both sides."""
    found = []
    for name in SPINE:
        body = anatomy.vertebrae[name]
        middle = body.frame.centre_yz
        rows = [middle, body.posterior_corner(is_upper=True), body.posterior_corner(is_upper=False)]
        found += [(x, *row) for row in rows for x in (-15.0, 0.0, 15.0)]
    return np.array(found)


def inside(geometry: VolumeGeometry, points_lps: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which points lie in a stack, half a slice of margin included."""
    index = geometry.lps_to_index(points_lps)
    return np.asarray(((index > -0.5) & (index < np.array(geometry.shape_zyx) - 0.5)).all(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanner:
    """Matrix, slices, noise and coil of one visit."""

    pixel_mm: float
    spacing_mm: float
    noise: float
    coil_y_mm: float
    coil_reach_mm: float
    has_saturation: bool

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Scanner:
        """Return a scanner like one of several vendors'."""
        pixel_mm, spacing_mm = ((0.8, 4.4), (0.6, 4.4), (0.7, 3.85), (0.9, 4.95), (0.55, 3.3))[
            int(rng.integers(5))
        ]
        return cls(
            pixel_mm=pixel_mm,
            spacing_mm=spacing_mm,
            noise=float(rng.uniform(3.0, 9.0)),
            coil_y_mm=float(rng.uniform(85, 115)),
            coil_reach_mm=float(rng.uniform(130, 260)),
            has_saturation=bool(rng.random() < 0.6),
        )

    def size(self, extent_mm: tuple[float, float, float]) -> StackSize:
        """Return the grid that covers an extent (slices, rows, columns)."""
        return StackSize(
            n_slices=round(extent_mm[0] / self.spacing_mm),
            n_rows=2 * round(extent_mm[1] / self.pixel_mm / 2),
            n_columns=2 * round(extent_mm[2] / self.pixel_mm / 2),
            pixel_mm=self.pixel_mm,
            thickness_mm=self.spacing_mm / 1.1,
            spacing_mm=self.spacing_mm,
        )


def phantom_cases(seed: int, n_poses: int) -> Iterator[Case]:
    """Yield the cases of one simulated patient; every second pose is far."""
    anatomy = build_anatomy(seed, diseased=(Level.L5_S1,))
    scene = build_scene(anatomy)
    # The same bones with other marrow, muscle, fat and bowel: what does not stay between visits.
    other = build_scene(replace(anatomy, seed=anatomy.seed + 5000))
    for number in range(n_poses):
        rng = np.random.default_rng([seed, number, 11])
        kind = ("sag", "sag", "sag T1-T2", "sag retextured", "axial stack", "axial block")[
            (number // 2 + seed) % 6
        ]
        yield _phantom_case(
            f"{seed}/{number}", kind, number % 2 == 1, scene, other if "retex" in kind else scene, rng
        )


def _phantom_case(  # noqa: PLR0917 - all of them are drawn for one case
    name: str, kind: str, is_far: bool, scene: Scene, later: Scene, rng: np.random.Generator
) -> Case:
    reach = FAR if is_far else NEAR
    first = turned(rng, float(rng.uniform(0, 3)), float(rng.uniform(0, 5)))
    motion = turned(rng, float(rng.uniform(0.3, 1.0)) * reach[0], float(rng.uniform(0.3, 1.0)) * reach[1])
    matrix = motion.patient_to_scanner @ first.patient_to_scanner
    angles = Rotation.from_matrix(matrix[:3, :3]).as_euler("xyz", degrees=True)
    second = Pose(
        rotation_degrees=(float(angles[0]), float(angles[1]), float(angles[2])),
        shift_mm=(float(matrix[0, 3]), float(matrix[1, 3]), float(matrix[2, 3])),
    )
    contrast = Contrast.T1 if "T1" in kind else Contrast.T2
    level = (Level.L3_L4, Level.L4_L5, Level.L5_S1)[int(rng.integers(3))]
    early, late = (
        build_herniation(
            scene.anatomy,
            Level.L5_S1,
            HerniationType.EXTRUSION,
            volume_mm3=volume,
            side_offset_mm=5.0,
            migration_mm=-4.0,
            seed=scene.anatomy.seed,
        )
        for volume in (1300.0, 500.0)
    )
    baseline = _acquired(scene, [early], first, Contrast.T2, kind, False, level, rng)
    followup = _acquired(later, [late], second, contrast, kind, is_far, level, rng)
    points = first.to_scanner(spine_points(scene.anatomy))
    points = points[inside(baseline.geometry, points)]
    truth = first.patient_to_scanner @ second.scanner_to_patient
    return Case(
        name=name,
        kind=kind,
        is_far=is_far,
        baseline=baseline,
        followup=followup,
        truth=truth,
        points_lps=points,
    )


def _acquired(  # noqa: PLR0917 - the same
    scene: Scene,
    herniations: list[Herniation],
    pose: Pose,
    contrast: Contrast,
    kind: str,
    is_far: bool,
    level: Level,
    rng: np.random.Generator,
) -> Volume:
    scanner = Scanner.drawn(rng)
    aim = rng.normal(0, 1.5, 2)
    reach = np.array((4.0, 22.0, 10.0)) if is_far else np.array((2.0, 7.0, 5.0))
    offset = rng.uniform(-reach, reach)
    if kind.startswith("sag"):
        size = scanner.size((58.0, 230.0, 172.0))
        # Every second far stack is straight in the scanner, not turned with the patient.
        aimed = (
            Pose(rotation_degrees=(0, 0, 0), shift_mm=pose.shift_mm)
            if is_far and rng.random() < 0.5
            else pose
        )
        geometry = sagittal_stack(aimed, size, aim_error_degrees=(float(aim[0]), float(aim[1])))
    else:
        extent = 92.0 if kind == "axial stack" else 26.0
        size = scanner.size((extent, 150.0, 150.0))
        geometry = axial_block(scene.anatomy, Level.L4_L5 if kind == "axial stack" else level, pose, size)
        offset = offset * ((2.5, 1.0, 1.0) if kind == "axial stack" else (0.8, 1.0, 1.0))
        offset[1] = np.clip(offset[1], -10, 10)
    geometry = moved(geometry, offset)
    exposure = expose(
        scene, herniations, pose, geometry, contrasts=(contrast,), thickness_mm=size.thickness_mm
    )
    receiver = Receiver(
        noise=scanner.noise,
        gain=0.45,
        coil_y_mm=scanner.coil_y_mm,
        coil_reach_mm=scanner.coil_reach_mm,
        saturation_y_mm=-62.0 + pose.shift_mm[1] if scanner.has_saturation else None,
    )
    return Volume(values=render(exposure, contrast, receiver, rng), geometry=geometry)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Texture:
    """A real volume to cut visits from."""

    name: str
    volume: Volume
    centre_lps: tuple[float, float, float]
    extent_mm: tuple[float, float, float]
    is_ct: bool


def real_textures(shared: Path) -> list[Texture]:
    """Return the real volumes beside the checkout, none where they are missing."""
    found = []
    mr = shared / "lumbar_mr_sct/single_subject/data/t2_lumbar/t2_lumbar.nii.gz"
    if mr.is_file():
        volume = from_sitk(SimpleITK.ReadImage(str(mr)))
        found.append(_texture("real MR", volume, (40.0, 200.0, 180.0), is_ct=False))
    ct = shared / "lumbar_ct_totalsegmentator/tests/reference_files/example_ct.nii.gz"
    if ct.is_file():
        volume = from_sitk(SimpleITK.ReadImage(str(ct)))
        found.append(_texture("real CT", volume, (90.0, 220.0, 170.0), is_ct=True))
    return found


def _texture(name: str, volume: Volume, extent: tuple[float, float, float], *, is_ct: bool) -> Texture:
    middle = volume.geometry.index_to_lps((np.array(volume.geometry.shape_zyx) - 1) / 2)
    centre = (float(middle[0]), float(middle[1]) + (30.0 if is_ct else 0.0), float(middle[2]))
    return Texture(name=name, volume=volume, centre_lps=centre, extent_mm=extent, is_ct=is_ct)


def real_cases(texture: Texture, n_poses: int) -> Iterator[Case]:
    """Yield re-sampled visits of a real volume; every second pose is far."""
    for number in range(n_poses):
        rng = np.random.default_rng([len(texture.name), number, 12, int(texture.is_ct)])
        is_far = number % 2 == 1
        reach = FAR if is_far else NEAR
        plane = "axial" if number % 4 == 3 else "sag"
        poses = [
            turned(rng, float(rng.uniform(0, 3)), float(rng.uniform(0, 5))),
            turned(rng, float(rng.uniform(0.3, 1)) * reach[0], float(rng.uniform(0.3, 1)) * reach[1]),
        ]
        frames = [_about(pose.patient_to_scanner, texture.centre_lps) for pose in poses]
        volumes = [
            _resampled(texture, frame, plane, is_far and visit == 1, rng)
            for visit, frame in enumerate(frames)
        ]
        grid = np.stack(np.meshgrid((-12, 0, 12), (-30, 0, 30), (-70, -35, 0, 35, 70)), -1).reshape(-1, 3)
        points = (np.array(texture.centre_lps) + grid) @ frames[0][:3, :3].T + frames[0][:3, 3]
        yield Case(
            name=f"{texture.name}/{number}",
            kind=f"{texture.name} {plane}",
            is_far=is_far,
            baseline=volumes[0],
            followup=volumes[1],
            truth=frames[0] @ np.linalg.inv(frames[1]),
            points_lps=points[inside(volumes[0].geometry, points)],
        )


def _about(matrix: npt.NDArray[np.float64], centre: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    result = np.array(matrix)
    result[:3, 3] += np.array(centre) - matrix[:3, :3] @ centre
    return result


def _resampled(
    texture: Texture, frame: npt.NDArray[np.float64], plane: str, is_far: bool, rng: np.random.Generator
) -> Volume:
    scanner = Scanner.drawn(rng)
    turn = frame[:3, :3] @ Rotation.from_euler("xyz", rng.normal(0, 1.5, 3), degrees=True).as_matrix()
    across, high, deep = texture.extent_mm
    if plane == "sag":
        size, row, column = scanner.size((across, high, deep)), turn @ [0, 1, 0], turn @ [0, 0, -1]
    else:
        size, row, column = scanner.size((90.0, 150.0, max(across, 40.0))), turn @ [1, 0, 0], turn @ [0, 1, 0]
    step = np.cross(row, column)
    centre = frame[:3, :3] @ texture.centre_lps + frame[:3, 3]
    lengths = np.array((size.n_slices - 1, size.n_rows - 1, size.n_columns - 1)) / 2
    first = (
        centre
        - step * lengths[0] * size.spacing_mm
        - (column * lengths[1] + row * lengths[2]) * size.pixel_mm
    )
    geometry = VolumeGeometry.from_dicom(
        [*row, *column],
        first.tolist(),
        slice_step_lps=(step * size.spacing_mm).tolist(),
        pixel_spacing=(size.pixel_mm, size.pixel_mm),
        shape_zyx=(size.n_slices, size.n_rows, size.n_columns),
    )
    reach = np.array((2.0, 20.0, 10.0)) if is_far else np.array((1.0, 7.0, 5.0))
    geometry = moved(geometry, rng.uniform(-reach, reach))
    return Volume(values=_values(texture, frame, geometry, size, scanner, rng), geometry=geometry)


def _values(  # noqa: PLR0917 - the same
    texture: Texture,
    frame: npt.NDArray[np.float64],
    geometry: VolumeGeometry,
    size: StackSize,
    scanner: Scanner,
    rng: np.random.Generator,
) -> npt.NDArray[np.int16]:
    outside = -1000.0 if texture.is_ct else 0.0
    total = np.zeros(geometry.shape_zyx)
    index = np.stack(np.meshgrid(*(np.arange(n, dtype=float) for n in geometry.shape_zyx), indexing="ij"))
    flat = index.reshape(3, -1).T
    to_source = np.linalg.inv(texture.volume.geometry.affine_lps) @ np.linalg.inv(frame)
    for offset in (-0.35, -0.12, 0.12, 0.35):
        shifted = flat + np.array((offset * size.thickness_mm / size.spacing_mm, 0, 0))
        places = geometry.index_to_lps(shifted) @ to_source[:3, :3].T + to_source[:3, 3]
        values = np.asarray(texture.volume.values, dtype=np.float32)
        total += map_coordinates(values, places.T, order=1, cval=outside).reshape(geometry.shape_zyx) / 4
    if texture.is_ct:
        return np.asarray(np.rint(total + rng.normal(0, 12, total.shape)), dtype=np.int16)
    points = (
        geometry.index_to_lps(np.moveaxis(index, 0, -1)) - frame[:3, :3] @ texture.centre_lps - frame[:3, 3]
    )
    gain = np.exp((points[..., 1] - rng.uniform(-20, 20)) / scanner.coil_reach_mm)
    gain = gain * np.exp(-np.square(points[..., 2] / 165))
    strong = np.percentile(texture.volume.values, 99)
    noise = rng.normal(0, scanner.noise / 400.0 * strong, (2, *total.shape))
    shaded = np.hypot(total * gain + noise[0], noise[1])
    return np.asarray(np.clip(np.rint(shaded * 1000 / strong), 0, 4095), dtype=np.int16)


HARD = ("other person", "other level", "few vertebrae", "bent", "noisy", "narrow")


def hard_cases(seed: int) -> Iterator[Case]:
    """Yield what a verdict has to be suspicious of, a case of each kind of `HARD`.

    Another person has no true motion: the truth is not a number, and an alignment that is called
    good is wrong. Axial blocks of two discs have one, but little or nothing in common.
    """
    anatomy = build_anatomy(seed, diseased=(Level.L5_S1,))
    scene = build_scene(anatomy)
    other = build_scene(build_anatomy(seed + 700, diseased=(Level.L5_S1,)))
    rng = np.random.default_rng([seed, 13])
    angles = {level: float(rng.uniform(-2.5, 2.5)) for level in LEVELS}
    bent_anatomy, motions = bent(anatomy, angles)
    bowed = build_scene(bent_anatomy)
    for number, kind in enumerate(HARD):
        rng = np.random.default_rng([seed, number, 14])
        first = turned(rng, float(rng.uniform(0, 3)), float(rng.uniform(0, 5)))
        second = turned(rng, float(rng.uniform(2, 8)), float(rng.uniform(3, 20)))
        later = {"other person": other, "bent": bowed}.get(kind, scene)
        baseline = _hard(scene, first, kind, 0, rng)
        followup = _hard(later, second, kind, 1, rng)
        truth = first.patient_to_scanner @ second.scanner_to_patient
        if kind == "other person":
            truth = np.full((4, 4), np.nan)
        points = first.to_scanner(spine_points(anatomy))
        if kind == "bent":
            truth = (
                truth @ second.patient_to_scanner @ np.linalg.inv(motions["L4"]) @ second.scanner_to_patient
            )
            frame = anatomy.disc(Level.L3_L4).frame
            middle = np.array([(x, *frame.centre_yz) for x in (-15.0, 0.0, 15.0)])
            points = first.to_scanner(middle)
        yield Case(
            name=f"{seed}/{kind}",
            kind=kind,
            is_far=True,
            baseline=baseline,
            followup=followup,
            truth=truth,
            points_lps=points[inside(baseline.geometry, points)],
        )


LEVELS = (Level.L1_L2, Level.L2_L3, Level.L3_L4, Level.L4_L5, Level.L5_S1)


def _hard(scene: Scene, pose: Pose, kind: str, visit: int, rng: np.random.Generator) -> Volume:
    scanner = Scanner.drawn(rng)
    if kind == "noisy":
        scanner = replace(scanner, noise=float(rng.uniform(20, 45)))
    offset = rng.uniform((-2.0, -6.0, -6.0), (2.0, 6.0, 6.0))
    if kind == "other level":
        size = scanner.size((22.0, 150.0, 150.0))
        pair = ((Level.L4_L5, Level.L3_L4), (Level.L5_S1, Level.L4_L5))[scene.anatomy.seed % 2]
        geometry = axial_block(scene.anatomy, pair[visit], pose, size)
    else:
        size = scanner.size((26.0 if kind == "narrow" and visit else 58.0, 230.0, 172.0))
        geometry = sagittal_stack(pose, size, aim_error_degrees=(1.0, -1.0))
        if kind == "few vertebrae" and visit:
            offset[1] += float(rng.choice((-1, 1)) * rng.uniform(70, 130))
        if kind == "narrow" and visit:
            offset[0] += float(rng.choice((-1, 1)) * rng.uniform(4, 14))
    geometry = moved(geometry, offset)
    exposure = expose(scene, (), pose, geometry, contrasts=(Contrast.T2,), thickness_mm=size.thickness_mm)
    receiver = Receiver(noise=scanner.noise, gain=0.45, coil_reach_mm=scanner.coil_reach_mm)
    return Volume(values=render(exposure, Contrast.T2, receiver, rng), geometry=geometry)

"""From scene to images: slice profile, point spread, coil, noise.

A slice is the weighted mean of `PROFILE` sub-slices, a pixel the mean of 2 x 2 points, blurred a
little in the plane. Texture belongs to the patient and moves with it; coil shading, saturation
and noise belong to the scanner.

Public: `Pose`, `Receiver`, `Exposure`, `expose`, `render`, `ideal_mask`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from herntrack._typing import Affine4x4, FloatArray, MaskZYX, PointsLPS, VolumeZYX
from herntrack.model.geometry import VolumeGeometry
from herntrack.phantoms.canvas import TILE_SIZE, noise_tile
from herntrack.phantoms.herniation import Herniation
from herntrack.phantoms.scene import Scene
from herntrack.phantoms.tissues import Contrast, Tissue, signal_table, texture_table

PROFILE = (
    (-0.44, 0.08),
    (-0.3, 0.15),
    (-0.15, 0.175),
    (0.0, 0.19),
    (0.15, 0.175),
    (0.3, 0.15),
    (0.44, 0.08),
)
"""Sub-slices: offset as a fraction of the slice thickness, weight."""

IN_PLANE = 2
"""Points per pixel along each axis of the image."""

POINT_SPREAD_PIXELS = 0.42
"""Standard deviation of the in-plane point spread (pixels)."""

RIM_MM = 0.8
"""Dark line of ligament and dura around a fragment (mm)."""

Image: TypeAlias = npt.NDArray[np.float32]
"""float32, any shape."""

_RIM_OVER = (Tissue.CSF, Tissue.EPIDURAL_FAT, Tissue.NERVE, Tissue.EPIDURAL_VEIN)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pose:
    """How the patient lies in the scanner at one visit.

    Parameters
    ----------
    rotation_degrees : tuple of float
        Rotation about x, y and z (extrinsic, in this order), patient to scanner.
    shift_mm : tuple of float
        Translation after it (LPS mm).
    """

    rotation_degrees: tuple[float, float, float]
    shift_mm: tuple[float, float, float]

    @property
    def patient_to_scanner(self) -> Affine4x4:
        """4x4 matrix from the patient's frame to scanner coordinates."""
        matrix = np.eye(4)
        matrix[:3, :3] = Rotation.from_euler("xyz", self.rotation_degrees, degrees=True).as_matrix()
        matrix[:3, 3] = self.shift_mm
        return matrix

    @property
    def scanner_to_patient(self) -> Affine4x4:
        """The inverse of `patient_to_scanner`."""
        return np.asarray(np.linalg.inv(self.patient_to_scanner), dtype=np.float64)

    def to_scanner(self, points_lps: npt.ArrayLike) -> PointsLPS:
        """Return where points of the patient lie in the scanner, shape (..., 3)."""
        matrix = self.patient_to_scanner
        return np.asarray(np.asarray(points_lps) @ matrix[:3, :3].T + matrix[:3, 3], dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exposure:
    """Noise-free images of one stack and what every voxel holds of each herniation."""

    geometry: VolumeGeometry
    signals: dict[Contrast, Image]
    fractions: tuple[Image, ...]


def expose(
    scene: Scene,
    herniations: Sequence[Herniation],
    pose: Pose,
    geometry: VolumeGeometry,
    *,
    contrasts: Sequence[Contrast],
    thickness_mm: float,
) -> Exposure:
    """Acquire one stack without noise; the scene is evaluated once for all contrasts.

    Parameters
    ----------
    scene : Scene
        Labels of the patient.
    herniations : sequence of Herniation
        What is herniated at this visit.
    pose : Pose
        How the patient lies.
    geometry : VolumeGeometry
        Grid of the stack in scanner coordinates.
    contrasts : sequence of Contrast
        What to measure.
    thickness_mm : float
        Slice thickness without gap.
    """
    to_patient = pose.scanner_to_patient @ geometry.affine_lps
    n_slices, n_rows, n_columns = geometry.shape_zyx
    fractions = tuple(np.zeros(geometry.shape_zyx, dtype=np.float32) for _ in herniations)
    signals = {contrast: np.empty(geometry.shape_zyx, dtype=np.float32) for contrast in contrasts}
    grains = {contrast: texture_table(contrast) for contrast in contrasts}
    share = thickness_mm / geometry.slice_spacing_mm
    for number in range(n_slices):
        parts = [
            _SubSlice(
                to_patient=to_patient,
                number=number,
                index=number + offset * share,
                rows=_fine_indices(n_rows),
                columns=_fine_indices(n_columns),
                weight=weight,
            )
            for offset, weight in PROFILE
        ]
        means, middle = _mean_signals(scene, herniations, fractions, parts, contrasts=contrasts)
        noise = _texture(scene.anatomy.seed, to_patient, number, (n_rows, n_columns))
        for contrast in contrasts:
            signals[contrast][number] = means[contrast] + grains[contrast][middle] * noise
    return Exposure(geometry=geometry, signals=signals, fractions=fractions)


def _fine_indices(length: int) -> FloatArray:
    """Return the continuous indices of the points of a row of pixels."""
    fine = (np.arange(IN_PLANE) + 0.5) / IN_PLANE - 0.5
    return np.asarray((np.arange(length)[:, None] + fine).ravel(), dtype=np.float64)


def _mean_signals(
    scene: Scene,
    herniations: Sequence[Herniation],
    fractions: Sequence[Image],
    parts: Sequence[_SubSlice],
    *,
    contrasts: Sequence[Contrast],
) -> tuple[dict[Contrast, Image], npt.NDArray[np.uint8]]:
    """Return the mean over the slice profile per contrast, and the tissue at the slice's middle."""
    shape = (parts[0].rows.size, parts[0].columns.size)
    total = {contrast: np.zeros(shape, dtype=np.float32) for contrast in contrasts}
    tables = {contrast: signal_table(contrast) for contrast in contrasts}
    middle = np.zeros(shape, dtype=np.uint8)
    for part in parts:
        labels = _labels(scene, part)
        _add_herniations(labels, herniations, fractions, part)
        for contrast in contrasts:
            total[contrast] += np.float32(part.weight) * tables[contrast][labels]
        if part.index == part.number:
            middle = labels
    means = {contrast: _binned(image) for contrast, image in total.items()}
    return means, middle[::IN_PLANE, ::IN_PLANE]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _SubSlice:
    """Fine points of one sub-slice: continuous slice, row and column indices, and its weight."""

    to_patient: Affine4x4
    number: int
    index: float
    rows: FloatArray
    columns: FloatArray
    weight: float


def _labels(scene: Scene, part_of_slice: _SubSlice) -> npt.NDArray[np.uint8]:
    """Return the tissue at every fine point of one sub-slice by the nearest voxel of the canvas."""
    canvas, to_patient = scene.canvas, part_of_slice.to_patient
    flat: npt.NDArray[np.int32] | None = None
    known: npt.NDArray[np.bool_] | None = None
    for axis in (2, 1, 0):  # z, y, x of the canvas, which is stored in this order
        length = canvas.labels.shape[2 - axis]
        start = to_patient[axis, 3] + part_of_slice.index * to_patient[axis, 0] - canvas.origin_lps[axis]
        along_rows = ((start + part_of_slice.rows * to_patient[axis, 1]) / canvas.step_mm + 0.5).astype(
            np.float32
        )
        along_columns = (part_of_slice.columns * to_patient[axis, 2] / canvas.step_mm).astype(np.float32)
        index = np.floor(along_rows.astype(np.float32)[:, None] + along_columns[None, :]).astype(np.int32)
        inside = (index >= 0) & (index < length)
        known = inside if known is None else known & inside
        flat = index if flat is None else flat * length + index
    if flat is None or known is None:
        raise ValueError("a canvas has three axes")
    labels = canvas.labels.ravel()[np.where(known, flat, 0)]
    labels[~known] = Tissue.AIR
    return labels


def _add_herniations(
    labels: npt.NDArray[np.uint8],
    herniations: Sequence[Herniation],
    fractions: Sequence[Image],
    part_of_slice: _SubSlice,
) -> None:
    """Lay the fragments over the labels of one sub-slice and count what each pixel holds of them."""
    to_patient, slice_index = part_of_slice.to_patient, part_of_slice.index
    rows, columns = part_of_slice.rows, part_of_slice.columns
    for herniation, fraction in zip(herniations, fractions, strict=True):
        window = _window(herniation, part_of_slice)
        if window is None:
            continue
        r, c = rows[window[0]][:, None], columns[window[1]][None, :]
        x, y, z = (
            to_patient[a, 3] + slice_index * to_patient[a, 0] + r * to_patient[a, 1] + c * to_patient[a, 2]
            for a in range(3)
        )
        distance = herniation.distance(x, y, z)
        part = labels[window]
        part[(distance < RIM_MM) & np.isin(part, _RIM_OVER)] = Tissue.LIGAMENT
        inside = distance < 0
        part[inside] = herniation.tissue
        pixel_rows, pixel_columns = (slice(w.start // IN_PLANE, w.stop // IN_PLANE) for w in window)
        share = np.float32(part_of_slice.weight) * _binned(inside.astype(np.float32))
        fraction[part_of_slice.number, pixel_rows, pixel_columns] += share


def _window(herniation: Herniation, part_of_slice: _SubSlice) -> tuple[slice, slice] | None:
    """Return the part of a sub-slice, in whole pixels, that a fragment can reach."""
    to_patient = part_of_slice.to_patient
    low, high = herniation.bounds_lps()
    corners = np.array([[(low, high)[b >> a & 1][a] for a in range(3)] for b in range(8)])
    index = np.linalg.solve(to_patient[:3, :3], (corners - to_patient[:3, 3]).T)
    if not index[0].min() <= part_of_slice.index <= index[0].max():
        return None
    result = []
    for line, length in ((index[1], part_of_slice.rows.size), (index[2], part_of_slice.columns.size)):
        start = int(np.clip(np.floor(line.min()) * IN_PLANE, 0, length))
        stop = int(np.clip(np.ceil(line.max() + 1) * IN_PLANE, 0, length))
        if stop <= start:
            return None
        result.append(slice(start, stop))
    return result[0], result[1]


def _binned(fine: Image) -> Image:
    """Return the means of 2 x 2 points."""
    total = fine[0::2, 0::2] + fine[0::2, 1::2] + fine[1::2, 0::2] + fine[1::2, 1::2]
    return np.asarray(total / np.float32(4), dtype=np.float32)


def _texture(seed: int, to_patient: Affine4x4, number: int, shape: tuple[int, int]) -> Image:
    """Return patient-fixed noise at the pixels of a slice, standard deviation near 1."""
    n_rows, n_columns = shape
    total = np.zeros((n_rows, n_columns), dtype=np.float32)
    for scale_mm, share in ((1.1, 0.75), (0.45, 0.66)):
        tile = noise_tile(seed + 40, (1.3, 1.3, 1.3))
        flat: npt.NDArray[np.int32] | None = None
        for axis in (2, 1, 0):
            start = (to_patient[axis, 3] + number * to_patient[axis, 0]) / scale_mm + 1000 * TILE_SIZE
            line = start + np.arange(n_rows) * to_patient[axis, 1] / scale_mm
            across = np.arange(n_columns) * to_patient[axis, 2] / scale_mm
            index = (line[:, None] + across[None, :]).astype(np.int32) % TILE_SIZE
            flat = index if flat is None else flat * TILE_SIZE + index
        total += np.float32(share) * tile.ravel()[flat]
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """What the scanner adds.

    Parameters
    ----------
    noise : float
        Standard deviation of the noise (arbitrary units or HU).
    gain : float
        Factor of the signal (1 for CT).
    coil_y_mm, coil_reach_mm : float
        Scanner y of the spine coil and how fast its sensitivity falls; not used for CT.
    saturation_y_mm : float or None
        Scanner y in front of which a saturation band darkens the abdomen.
    """

    noise: float
    gain: float = 1.0
    coil_y_mm: float = 100.0
    coil_reach_mm: float = 210.0
    saturation_y_mm: float | None = None


def render(exposure: Exposure, contrast: Contrast, receiver: Receiver, rng: np.random.Generator) -> VolumeZYX:
    """Return the images as a scanner stores them.

    Parameters
    ----------
    exposure : Exposure
        Noise-free signals.
    contrast : Contrast
        Which of them.
    receiver : Receiver
        Coil and noise.
    rng : Generator
        Source of the noise.

    Returns
    -------
    ndarray of int16, shape (n_slices, n_rows, n_cols)
        Arbitrary units, Rician noise; for CT Hounsfield units, Gaussian noise.
    """
    sigma = (0.0, POINT_SPREAD_PIXELS, POINT_SPREAD_PIXELS)
    signal = gaussian_filter(exposure.signals[contrast], sigma)
    shape = exposure.geometry.shape_zyx
    noise = rng.standard_normal((2, *shape), dtype=np.float32) * np.float32(receiver.noise)
    if contrast is Contrast.CT:
        # Reconstruction makes the noise of CT coarse and correlated.
        coarse = gaussian_filter(noise[0], (0.5, 1.0, 1.0))
        coarse *= np.float32(receiver.noise / max(float(coarse.std()), 1e-6))
        return np.asarray(np.clip(np.rint(signal + coarse), -1024, 3071), dtype=np.int16)
    shaded = np.maximum(signal, 0) * _sensitivity(exposure.geometry, receiver)
    magnitude = np.hypot(shaded + noise[0], noise[1])
    return np.asarray(np.clip(np.rint(magnitude), 0, 4095), dtype=np.int16)


def _sensitivity(geometry: VolumeGeometry, receiver: Receiver) -> Image:
    k, r, c = (np.arange(n, dtype=np.float32) for n in geometry.shape_zyx)
    affine = geometry.affine_lps.astype(np.float32)
    x, y, z = (
        affine[a, 3]
        + k[:, None, None] * affine[a, 0]
        + r[None, :, None] * affine[a, 1]
        + c[None, None, :] * affine[a, 2]
        for a in range(3)
    )
    reach = np.float32(receiver.coil_reach_mm)
    near = np.exp((y - np.float32(receiver.coil_y_mm)) / reach)
    ends = np.exp(-np.square(z / 165) - np.square(x / 210))
    gain = receiver.gain * 1.4 * near * ends
    if receiver.saturation_y_mm is not None:
        band = 1 / (1 + np.exp(-(y - np.float32(receiver.saturation_y_mm)) / 3.5))
        gain = gain * (0.12 + 0.88 * band)
    return np.asarray(gain, dtype=np.float32)


def ideal_mask(fraction: Image) -> MaskZYX:
    """Return the voxels of which more than half is herniation."""
    return np.asarray(fraction > 0.5, dtype=np.bool_)

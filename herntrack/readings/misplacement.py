"""Why a mask's grid is not a stack's grid, in the numbers a reader needs to find the mistake.

Public: `why_not_aligned` and `axis_assignment`, which both sides of the comparison use.
"""

from __future__ import annotations

from itertools import permutations, product

import numpy as np

from herntrack._typing import FloatArray
from herntrack.model.geometry import VolumeGeometry

AXIS_NAMES = ("slice", "row", "column")
"""Names of the axes of ``[slice, row, col]``: a step along each goes to the next slice, row or column."""


def axis_assignment(target_axes: FloatArray, source_axes: FloatArray) -> tuple[int, int, int]:
    """Return for each target axis the source axis that runs most nearly along it.

    Parameters
    ----------
    target_axes, source_axes : ndarray of float64, shape (3, 3)
        Linear parts of two affines; columns are axes in LPS millimetres.
    """
    target = target_axes / np.linalg.norm(target_axes, axis=0)
    source = source_axes / np.linalg.norm(source_axes, axis=0)
    cosines = np.abs(target.T @ source)
    # All six orders are tried: taking the best axis one by one can use an axis twice near 45 degrees.
    best = max(permutations(range(3)), key=lambda order: sum(cosines[i, order[i]] for i in range(3)))
    return best[0], best[1], best[2]


def why_not_aligned(source: VolumeGeometry, target: VolumeGeometry, *, tolerance_mm: float) -> list[str]:
    """Return what tells two grids apart, the cause before its consequences.

    Parameters
    ----------
    source : VolumeGeometry
        Grid of a mask.
    target : VolumeGeometry
        Grid of a stack.
    tolerance_mm : float
        What is within this distance over the whole grid is no difference (mm).

    Returns
    -------
    list of str
        At least one clause, each with its numbers.
    """
    mirrored = _mirrored(source, target, tolerance_mm)
    if mirrored:
        return [mirrored]
    axes = axis_assignment(target.affine_lps[:3, :3], source.affine_lps[:3, :3])
    reasons = _spacing_reasons(source, target, axes, tolerance_mm)
    reasons += _orientation_reasons(source, target, axes, tolerance_mm)
    shape = tuple(source.shape_zyx[axis] for axis in axes)
    if shape != target.shape_zyx:
        reasons.append(f"shape differs: mask {shape}, stack {target.shape_zyx} (slices, rows, columns)")
    if not reasons or (len(reasons) == 1 and shape != target.shape_zyx):
        reasons += _offset_reasons(source, target, axes, tolerance_mm)
    return reasons


def _spacing_reasons(
    source: VolumeGeometry, target: VolumeGeometry, axes: tuple[int, int, int], tolerance_mm: float
) -> list[str]:
    reasons = []
    for name, axis, source_axis in zip(AXIS_NAMES, range(3), axes, strict=True):
        mask_mm = float(np.linalg.norm(source.affine_lps[:3, source_axis]))
        stack_mm = float(np.linalg.norm(target.affine_lps[:3, axis]))
        if abs(mask_mm - stack_mm) * (source.shape_zyx[source_axis] - 1) > tolerance_mm:
            reasons.append(f"{name} spacing differs: mask {mask_mm:.4f} mm, stack {stack_mm:.4f} mm")
    return reasons


def _orientation_reasons(
    source: VolumeGeometry, target: VolumeGeometry, axes: tuple[int, int, int], tolerance_mm: float
) -> list[str]:
    reasons = []
    for name, axis, source_axis in zip(AXIS_NAMES, range(3), axes, strict=True):
        mask_step = source.affine_lps[:3, source_axis]
        stack_step = target.affine_lps[:3, axis]
        length_mm = float(np.linalg.norm(mask_step)) * (source.shape_zyx[source_axis] - 1)
        sine = float(np.linalg.norm(np.cross(mask_step, stack_step)))
        angle = np.arctan2(sine, abs(float(mask_step @ stack_step)))
        if length_mm * np.sin(angle) > tolerance_mm:
            reasons.append(f"{name} direction differs by {np.degrees(angle):.2f} degrees")
    return reasons


def _offset_reasons(
    source: VolumeGeometry, target: VolumeGeometry, axes: tuple[int, int, int], tolerance_mm: float
) -> list[str]:
    """Describe by how much equal grids are shifted against each other."""
    centre_index = (np.array(source.shape_zyx) - 1) / 2
    steps = source.affine_lps[:3, :3]
    corner = np.zeros(3)
    for axis, source_axis in enumerate(axes):
        is_against = steps[:, source_axis] @ target.affine_lps[:3, axis] < 0
        corner[source_axis] = 2 * centre_index[source_axis] if is_against else 0.0
    index = target.lps_to_index(source.index_to_lps(corner))
    shape = np.array([source.shape_zyx[axis] for axis in axes])
    has_same_shape = tuple(shape) == target.shape_zyx
    # A crop has no origin that it ought to have: only its fraction of a voxel, or what sticks out, is wrong.
    off = index if has_same_shape else index - np.rint(index)
    millimetres = target.affine_lps[:3, :3] @ off
    if np.linalg.norm(millimetres) > tolerance_mm:
        # Adding 0 turns the rounded -0.00 into +0.00.
        x, y, z = np.round(millimetres, 2) + 0.0
        i, j, k = np.round(off, 2) + 0.0
        voxels = f"({i:+.2f}, {j:+.2f}, {k:+.2f}) voxels (slice, row, column)"
        return [f"the origin is off by ({x:+.2f}, {y:+.2f}, {z:+.2f}) mm in LPS = {voxels}"]
    first = np.rint(index).astype(int)
    last = first + shape - 1
    span = f"from voxel {tuple(first.tolist())} to {tuple(last.tolist())}"
    return [f"the mask reaches outside: {span} in a stack of {target.shape_zyx}"]


def _mirrored(source: VolumeGeometry, target: VolumeGeometry, tolerance_mm: float) -> str:
    """Say whether the grids agree once axes are reversed, in the patient or in the array."""
    for signs in _sign_choices():
        affine = np.diag([*signs, 1.0]) @ source.affine_lps
        if _covers_exactly(
            VolumeGeometry(affine_lps=affine, shape_zyx=source.shape_zyx), target, tolerance_mm
        ):
            names = " and ".join(name for name, sign in zip("xyz", signs, strict=True) if sign < 0)
            hint = ", as when RAS is taken for LPS" if signs == (-1.0, -1.0, 1.0) else ""
            return f"the mask looks flipped along the patient's {names}{hint}: reversed it would fit"
    for signs in _sign_choices():
        affine = np.array(source.affine_lps)
        affine[:3, :3] = affine[:3, :3] * np.array(signs)
        if _covers_exactly(
            VolumeGeometry(affine_lps=affine, shape_zyx=source.shape_zyx), target, tolerance_mm
        ):
            axes = axis_assignment(target.affine_lps[:3, :3], source.affine_lps[:3, :3])
            flipped = [AXIS_NAMES[axis] for axis in range(3) if signs[axes[axis]] < 0]
            names = " and ".join(flipped)
            return f"the mask looks flipped along the {names} axis: with it reversed the content would fit"
    return ""


def _sign_choices() -> list[tuple[float, float, float]]:
    """Return the ways to reverse one, two or three axes, fewest first."""
    choices = [(x, y, z) for x, y, z in product((1.0, -1.0), repeat=3) if min(x, y, z) < 0]
    return sorted(choices, key=lambda signs: signs.count(-1.0))


def _covers_exactly(source: VolumeGeometry, target: VolumeGeometry, tolerance_mm: float) -> bool:
    """Whether both grids have the same eight corners, in any order."""
    if sorted(source.shape_zyx) != sorted(target.shape_zyx):
        return False
    distances = np.linalg.norm(source.corners_lps()[:, None] - target.corners_lps()[None], axis=2)
    return bool(distances.min(axis=1).max() <= tolerance_mm and distances.min(axis=0).max() <= tolerance_mm)

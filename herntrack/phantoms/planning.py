"""Where a technologist puts the slices.

Sagittal stacks follow the spine as it lies, with a small error of aim; axial blocks are angled
through the discs, but never further than `BLOCK_LIMIT_DEGREES` from axial.

Public: `sagittal_stack`, `axial_block`, `ct_stack`, `StackSize`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from herntrack._typing import FloatArray
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import Level
from herntrack.phantoms.acquisition import Pose
from herntrack.phantoms.anatomy import Anatomy

BLOCK_LIMIT_DEGREES = 36.0
"""Largest angle between an axial block and the scanner's axial plane (degrees)."""

SAGITTAL_CENTRE_LPS = (0.0, 24.0, 6.0)
"""Point of the patient that the middle of a sagittal stack is put on (mm)."""

CT_CENTRE_FROM_DISC_MM = (0.0, 15.0, -8.0)
"""Middle of a CT stack, seen from the centre of the L4-L5 disc (scanner LPS, mm)."""

BLOCK_BEHIND_MM = 14.0
"""How far behind the disc's centre the middle of an axial block lies (mm)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSize:
    """Size of a stack."""

    n_slices: int
    n_rows: int
    n_columns: int
    pixel_mm: float
    thickness_mm: float
    spacing_mm: float


def sagittal_stack(pose: Pose, size: StackSize, *, aim_error_degrees: tuple[float, float]) -> VolumeGeometry:
    """Return a sagittal stack; slices run from the left to the right.

    Parameters
    ----------
    pose : Pose
        How the patient lies.
    size : StackSize
        Size of the stack.
    aim_error_degrees : tuple of float
        Error of aim about y and z.
    """
    turn = pose.patient_to_scanner[:3, :3]
    turn = Rotation.from_euler("yz", aim_error_degrees, degrees=True).as_matrix() @ turn
    normal = turn[:, 0]
    # Images of a sagittal stack stay upright: their columns follow the scanner's z as far as they can.
    down = -(np.array([0.0, 0.0, 1.0]) - normal[2] * normal)
    down /= np.linalg.norm(down)
    row = np.cross(normal, down)
    centre = pose.to_scanner(SAGITTAL_CENTRE_LPS)
    return _stack(row, down, centre, size)


def axial_block(anatomy: Anatomy, level: Level, pose: Pose, size: StackSize) -> VolumeGeometry:
    """Return the axial block through a disc; slices run from the feet to the head.

    Parameters
    ----------
    anatomy : Anatomy
        The spine.
    level : Level
        Disc level.
    pose : Pose
        How the patient lies.
    size : StackSize
        Size of the block.
    """
    frame = anatomy.disc(level).frame
    turn = pose.patient_to_scanner[:3, :3]
    up = turn @ np.array([0.0, *frame.up_yz])
    axis = np.cross([0.0, 0.0, 1.0], up)
    angle = float(np.degrees(np.arctan2(np.linalg.norm(axis), up[2])))
    if angle > BLOCK_LIMIT_DEGREES:
        vector = np.radians(BLOCK_LIMIT_DEGREES) * axis / np.linalg.norm(axis)
        up = Rotation.from_rotvec(vector).apply([0.0, 0.0, 1.0])
    row = turn[:, 0] - (turn[:, 0] @ up) * up
    row /= np.linalg.norm(row)
    back = np.cross(up, row)
    centre = pose.to_scanner(np.array([0.0, *frame.centre_yz])) + BLOCK_BEHIND_MM * back
    return _stack(row, back, centre, size)


def ct_stack(anatomy: Anatomy, pose: Pose, size: StackSize) -> VolumeGeometry:
    """Return an untilted CT stack around L4 to S1; slices run from the feet to the head."""
    disc = pose.to_scanner((0.0, *anatomy.disc(Level.L4_L5).frame.centre_yz))
    centre = disc + np.array(CT_CENTRE_FROM_DISC_MM)
    return _stack(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]), centre, size)


def _stack(row: FloatArray, column: FloatArray, centre: FloatArray, size: StackSize) -> VolumeGeometry:
    # Rounded as a header is, so that image and header say the same.
    row, column = np.round(row, 6), np.round(column, 6)
    step = np.cross(row, column)
    step = step / np.linalg.norm(step) * size.spacing_mm
    half_height, half_width = (size.n_rows - 1) * size.pixel_mm / 2, (size.n_columns - 1) * size.pixel_mm / 2
    first = centre - (size.n_slices - 1) / 2 * step - half_height * column - half_width * row
    return VolumeGeometry.from_dicom(
        [*row, *column],
        np.round(first, 4).tolist(),
        slice_step_lps=step.tolist(),
        pixel_spacing=(size.pixel_mm, size.pixel_mm),
        shape_zyx=(size.n_slices, size.n_rows, size.n_columns),
    )

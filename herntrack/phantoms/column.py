"""Vertebral bodies and discs.

A body is a cross-section with a flat back (superellipse, sharper behind than in front), a waist,
and two slightly hollow endplates; a disc fills what lies between two bodies.

Public: `paint_discs`, `paint_bodies`, `body_coordinates`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from herntrack.phantoms.anatomy import POSTERIOR_CONCAVITY_MM, Anatomy, Disc, Endplate, Vertebra
from herntrack.phantoms.canvas import Box, Canvas, noise_tile, sample_tile
from herntrack.phantoms.tissues import Field, Tissue

CORTEX_MM = 1.0
"""Thickness of the cortical rim (mm); thinner than 0.8 mm pixels show, as it should be."""

ENDPLATE_MM = 1.1
"""Thickness of a bony endplate with its cartilage (mm)."""

ENDPLATE_HOLLOW_MM = 1.3
"""Depth of an endplate's hollow at its centre (mm)."""

FRONT_EXPONENT, BACK_EXPONENT = 2.3, 3.6
"""Exponents of the cross-section: rounder in front, flat behind (no unit)."""

NUCLEI = (Tissue.NUCLEUS_BRIGHT, Tissue.NUCLEUS_GREY, Tissue.NUCLEUS_DARK)


def body_coordinates(frame: Endplate, box: Box) -> tuple[Field, Field]:
    """Return (towards the back, towards the head) of every voxel in a frame, shape (nz, ny, 1), mm."""
    dy = box.y - np.float32(frame.centre_yz[0])
    dz = box.z - np.float32(frame.centre_yz[1])
    back, up = frame.back_yz.astype(np.float32), frame.up_yz.astype(np.float32)
    return dy * back[0] + dz * back[1], dy * up[0] + dz * up[1]


def cross_section(x: Any, back: Any, half_width: Any, half_depth: Any) -> Field:
    """Return the approximate distance to the outline of a body (mm, negative inside)."""
    exponent = np.where(back > 0, np.float32(BACK_EXPONENT), np.float32(FRONT_EXPONENT))
    radius = (np.abs(x / half_width) ** exponent + np.abs(back / half_depth) ** exponent) ** (1 / exponent)
    # Distance over gradient length, so that the rim is equally thick in front and at the sides.
    scale = np.minimum(half_width, half_depth)
    return np.asarray((radius - 1) * scale, dtype=np.float32)


def paint_discs(canvas: Canvas, anatomy: Anatomy) -> None:
    """Paint all discs; bodies are painted over them."""
    for disc in anatomy.discs:
        _paint_disc(canvas, disc, anatomy)


def _paint_disc(canvas: Canvas, disc: Disc, anatomy: Anatomy) -> None:
    frame = disc.frame
    depth = (disc.above.lower_depth_mm + disc.below.upper_depth_mm) / 2
    width = (disc.above.width_mm + disc.below.width_mm) / 2
    box = _box_around(canvas, frame, width / 2 + 3, depth / 2 + 6, disc.height_mm / 2 + 9)
    back, up = body_coordinates(frame, box)
    corners = np.array(disc.posterior_corners_yz)
    # The back edge of the disc is the line between the two posterior corners.
    edge = float(np.mean((corners - frame.centre_yz) @ frame.back_yz))
    centre_shift = edge - depth / 2
    b = back - np.float32(centre_shift)
    bulge = 1.2 * np.clip(-b / (depth / 2), 0, 1)
    side = cross_section(box.x, b, np.float32(width / 2 + 0.6), np.float32(depth / 2) + bulge)
    above = body_coordinates(disc.above.lower, box)[1]
    below = body_coordinates(disc.below.upper, box)[1]
    between = (above < 2.2) & (below > -2.2)
    box.paint((side < 0) & between, Tissue.ANNULUS)
    if disc.level is None and disc.above.is_sacral:
        return
    thickness = np.maximum(disc.height_mm * 0.5 - 1.0, 1.0)
    radial = np.abs(box.x / (width * 0.32)) ** 2.4 + np.abs((b + 1.0) / (depth * 0.30)) ** 2.4
    noise = sample_tile(noise_tile(anatomy.seed + 5, (2.5, 2.5, 2.5)), box, scale_mm=0.8)
    shell = radial + np.abs(up / thickness) ** 3.0 + 0.14 * noise
    nucleus = (side < 0) & (shell < 1.0)
    core = NUCLEI[disc.degeneration]
    outer = NUCLEI[min(disc.degeneration + 1, 2)]
    box.paint((side < 0) & (shell < 1.25) & between, outer)
    box.paint(nucleus, core)
    if disc.degeneration == 0:
        # The fibrous band across a healthy adult nucleus.
        box.paint(nucleus & (np.abs(up + 0.4 * noise) < 0.55) & (radial < 0.7), Tissue.NUCLEUS_GREY)


def paint_bodies(canvas: Canvas, anatomy: Anatomy) -> None:
    """Paint all vertebral bodies with rim, endplates, marrow and basivertebral vein."""
    for vertebra in anatomy.vertebrae.values():
        _paint_body(canvas, vertebra, anatomy)


def _paint_body(canvas: Canvas, vertebra: Vertebra, anatomy: Anatomy) -> None:
    frame = vertebra.frame
    depth = max(vertebra.upper_depth_mm, vertebra.lower_depth_mm)
    box = _box_around(canvas, frame, vertebra.width_mm / 2 + 2, depth / 2 + 4, vertebra.height_mm / 2 + 6)
    back, up = body_coordinates(frame, box)
    share = np.clip(up / vertebra.height_mm + 0.5, 0, 1)
    half_depth = (vertebra.lower_depth_mm + share * (vertebra.upper_depth_mm - vertebra.lower_depth_mm)) / 2
    # The line through the corners leans with the endplates; the body follows it.
    lower = (vertebra.lower.centre_yz - frame.centre_yz) @ frame.back_yz
    upper = (vertebra.upper.centre_yz - frame.centre_yz) @ frame.back_yz
    back = back - (lower + share * (upper - lower))
    waist = 4 * share * (1 - share)
    front_waist = np.where(back < 0, 1.8, POSTERIOR_CONCAVITY_MM) * waist
    half_width = vertebra.width_mm / 2 * (1 - 0.09 * waist)
    side = cross_section(box.x, back, half_width, half_depth - front_waist)
    hollow = ENDPLATE_HOLLOW_MM * np.clip(1 - (np.abs(box.x) / (vertebra.width_mm * 0.42)) ** 2, 0, 1)
    hollow = hollow * np.clip(1 - (back / (depth * 0.45)) ** 2, 0, 1)
    top = body_coordinates(vertebra.upper, box)[1] + hollow
    bottom = -body_coordinates(vertebra.lower, box)[1] + hollow
    plates = np.maximum(top, bottom)
    # A smooth maximum rounds the corners of the body.
    distance = np.maximum(side, plates) + 0.6 * np.exp(-np.square((side - plates) / 1.5)) - 0.3
    inside = distance < 0
    noise = sample_tile(noise_tile(anatomy.seed + 3, (3.0, 3.0, 3.0)), box, scale_mm=1.0)
    box.paint(inside, Tissue.MARROW)
    box.paint(inside & (noise + 1.2 * np.clip(plates / 6 + 1, 0, 1) > 1.75), Tissue.FATTY_MARROW)
    if not vertebra.is_sacral:
        opening = 0.6 + 2.2 * np.clip(back / (depth / 2), 0, 1) ** 2
        vein = (np.abs(up - 0.5) < opening) & (back > 0.05 * depth) & (np.abs(box.x) < 1.5 + 0.25 * back)
        box.paint(inside & vein, Tissue.BASIVERTEBRAL_VEIN)
    rim = (side > -CORTEX_MM) & ((np.abs(up) > 3.2) | (back < 0) | (np.abs(box.x) > 5))
    box.paint(inside & rim, Tissue.CORTEX)
    box.paint(inside & (plates > -ENDPLATE_MM), Tissue.ENDPLATE)


def _box_around(canvas: Canvas, frame: Endplate, half_x: float, half_back: float, half_up: float) -> Box:
    tilt = np.radians(frame.tilt_degrees)
    half_y = half_back * abs(np.cos(tilt)) + half_up * abs(np.sin(tilt))
    half_z = half_back * abs(np.sin(tilt)) + half_up * abs(np.cos(tilt))
    y, z = frame.centre_yz
    return canvas.box((-half_x, y - half_y, z - half_z), (half_x, y + half_y, z + half_z))

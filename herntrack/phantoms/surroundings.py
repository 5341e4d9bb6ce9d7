"""What lies around the spine: skin, fat, muscle, psoas, vessels and bowel.

Painted on a canvas of 1 mm and enlarged, because nothing here is thin.

Public: `paint_surroundings`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from herntrack.phantoms.anatomy import Anatomy
from herntrack.phantoms.canvas import Box, Canvas, noise_tile, sample_tile
from herntrack.phantoms.tissues import Field, Tissue

SKIN_MM = 2.0
"""Thickness of skin (mm)."""

AORTA_RADIUS_MM, CAVA_RADIUS_MM, ILIAC_RADIUS_MM = 8.5, 10.0, 5.5
"""Radii of the large vessels (mm)."""


def paint_surroundings(canvas: Canvas, anatomy: Anatomy) -> None:
    """Paint everything but the spine over the whole canvas."""
    whole = canvas.whole()
    whole.paint(back_surface(anatomy, whole) > whole.y, Tissue.RETROPERITONEAL_FAT)
    low, high = np.array([whole.x.min(), whole.y.min(), whole.z.min()]), np.array([96.0, 128.0, 136.0])
    _paint_back(canvas.box((low[0], -8.0, low[2]), high), anatomy)
    _paint_bowel(canvas.box(low, (high[0], 0.0, high[2])), anatomy)
    _paint_psoas(canvas.box((low[0], -75.0, low[2]), (high[0], 40.0, high[2])), anatomy)
    _paint_vessels(canvas.box((-60, -90.0, low[2]), (60, 50.0, high[2])), anatomy)
    _paint_ilium(canvas.box(low, (high[0], 100.0, 0.0)), anatomy)


def _behind(anatomy: Anatomy, box: Box) -> Field:
    """Return how far y lies behind the canal's front wall (mm), shape (nz, ny, 1)."""
    return box.y - anatomy.wall(box.z.astype(np.float64)).astype(np.float32)


def _paint_back(box: Box, anatomy: Anatomy) -> None:
    """Paint skin, subcutaneous fat and the muscles of the back."""
    depth = back_surface(anatomy, box) - box.y
    fat = anatomy.subcutaneous_mm * np.clip(1.0 - box.z / 220, 0.5, 1.4)
    box.paint((depth > 0) & (depth <= SKIN_MM), Tissue.SKIN)
    box.paint((depth > SKIN_MM) & (depth <= fat), Tissue.SUBCUTANEOUS_FAT)
    strands = sample_tile(noise_tile(anatomy.seed + 12, (4.0, 0.7, 3.0)), box, scale_mm=1.2)
    box.paint((depth > SKIN_MM + 1) & (depth < fat) & (strands > 2.3), Tissue.SKIN)
    _paint_muscle(box, anatomy, _behind(anatomy, box), np.asarray(depth - fat, dtype=np.float32))


def back_surface(anatomy: Anatomy, box: Box) -> Field:
    """Return y of the skin of the back (mm), with the groove over the spinous processes."""
    z = box.z
    lordosis = anatomy.wall(np.clip(z, -60, 120).astype(np.float64))
    smooth = 66.0 + 0.55 * lordosis + anatomy.subcutaneous_mm + 6 * np.clip((-z - 30) / 60, 0, 1)
    groove = 7.0 * np.exp(-np.square(box.x / 13)) * np.clip((z + 90) / 40, 0, 1)
    return np.asarray(smooth - groove - np.square(box.x) / 600, dtype=np.float32)


def _paint_muscle(box: Box, anatomy: Anatomy, behind: Field, under_fat: Field) -> None:
    # Streaks run with the fibres: long in z, thin across.
    streaks = sample_tile(noise_tile(anatomy.seed + 13, (7.0, 1.2, 1.2)), box, scale_mm=0.9)
    bulges = sample_tile(noise_tile(anatomy.seed + 16, (6.0, 4.0, 4.0)), box, scale_mm=2.0)
    x = np.abs(box.x)
    # The erector spinae fills the trough between spinous and transverse processes and is rounded outside.
    taper = np.clip((box.z + 105) / 60, 0.25, 1.0)
    outer = 73 * taper + 5 * np.clip(box.z / 100, -1, 0.3) + 1.2 * bulges
    depth = np.minimum(behind - 7.0 - 0.05 * x, under_fat)
    rounded = np.square(np.maximum(x - outer + 22, 0) / 22) + np.square(np.minimum(depth - 16, 0) / 16)
    under_fascia = (under_fat > 1.0) & (depth > 0)
    box.paint((under_fat > 0) & (under_fat <= 1.2) & (behind > 12) & (x < outer), Tissue.FASCIA)
    region = under_fascia & (rounded < 1.0)
    box.paint(under_fascia & (rounded < 1.12), Tissue.FASCIA)
    box.paint(region, Tissue.MUSCLE)
    medial = np.clip(1.3 - x / 38, 0, 1) * np.clip(1.0 - (box.z - 10) / 90, 0.1, 1.6)
    fatty = streaks + 1.5 * anatomy.fatty_infiltration * (medial + 0.2)
    box.paint(region & (fatty > 1.6), Tissue.FATTY_MUSCLE)
    box.paint(region & (fatty > 2.3), Tissue.SUBCUTANEOUS_FAT)
    # The cleft between multifidus and longissimus, and that between longissimus and iliocostalis.
    for foot, lean in ((25.0, 0.30), (50.0, -0.35)):
        cleft = np.abs(x - foot - lean * (behind - 30) - 3.5 * bulges)
        box.paint(region & (cleft < 0.9), Tissue.SUBCUTANEOUS_FAT)
    quadratus = np.square((x - 60 - 1.5 * bulges) / 16) + np.square((behind - 1 + 0.12 * (x - 60)) / 8)
    box.paint((quadratus < 1) & (box.z > -45), Tissue.MUSCLE)


def _paint_bowel(box: Box, anatomy: Anatomy) -> None:
    behind = _behind(anatomy, box)
    coarse = sample_tile(noise_tile(anatomy.seed + 11, (4.0, 4.0, 4.0)), box, scale_mm=1.6)
    front = behind < -(62 + 6 * coarse)
    loops = sample_tile(noise_tile(anatomy.seed + 14, (6.0, 6.0, 6.0)), box, scale_mm=1.4)
    wall = np.abs(loops) < 0.22
    box.paint(front & (loops > 0.22), Tissue.BOWEL_CONTENT)
    box.paint(front & (loops > 1.5), Tissue.BOWEL_GAS)
    box.paint(front & wall, Tissue.BOWEL_WALL)


def _paint_psoas(box: Box, anatomy: Anatomy) -> None:
    behind = _behind(anatomy, box)
    coarse = sample_tile(noise_tile(anatomy.seed + 11, (4.0, 4.0, 4.0)), box, scale_mm=1.6)
    down = np.clip((95 - box.z) / 190, 0.02, 1.0)
    centre_x = 27 + 22 * down
    half_x, half_y = 7 + 16 * down, 9 + 15 * down
    centre = -19 - 26 * np.clip((-box.z - 25) / 60, 0, 1.3)
    shape = np.square((np.abs(box.x) - centre_x) / half_x) + np.square((behind - centre) / half_y)
    shape = shape + 0.06 * coarse
    box.paint(shape < 1.12, Tissue.RETROPERITONEAL_FAT)
    box.paint(shape < 1.0, Tissue.MUSCLE)
    streaks = sample_tile(noise_tile(anatomy.seed + 15, (7.0, 1.2, 1.2)), box, scale_mm=0.9)
    box.paint((shape < 0.95) & (streaks > 2.4), Tissue.FATTY_MUSCLE)


def _paint_vessels(box: Box, anatomy: Anatomy) -> None:
    bodies = anatomy.vertebrae
    fork = float(bodies["L4"].lower.centre_yz[1])
    knots = sorted((float(v.frame.centre_yz[1]), _front(v)) for v in bodies.values())
    front = np.interp(box.z, *np.array(knots).T).astype(np.float32)
    above = box.z > fork
    apart = np.clip((fork - box.z) / 60, 0, 1.2)
    for name, side, radius in (("cava", -1.0, CAVA_RADIUS_MM), ("aorta", 1.0, AORTA_RADIUS_MM)):
        offset = 17.0 if name == "cava" else 9.0
        _paint_tube(box, side * offset, front - radius - 2.5, radius, above)
        for branch in (-1.0, 1.0):
            x = side * offset * (1 - apart) + branch * (7 + 34 * apart) * np.minimum(apart * 4, 1)
            shift = 9.0 if name == "cava" else 0.0
            # Depth and width pass smoothly from the trunk to its branches.
            share = np.minimum(apart * 4, 1)
            trunk_y, branch_y = front - radius - 2.5, front - ILIAC_RADIUS_MM - 12.0 + shift
            narrowed = radius + (ILIAC_RADIUS_MM - radius) * share
            _paint_tube(box, x, trunk_y + (branch_y - trunk_y) * share, narrowed, ~above)


def _front(vertebra: Any) -> float:
    return float(vertebra.frame.centre_yz[0] - vertebra.upper_depth_mm / 2)


def _paint_tube(box: Box, x: Any, y: Any, radius: Any, where: Any) -> None:
    distance = np.hypot(box.x - x, box.y - y) - radius
    box.paint((distance < 0) & where, Tissue.VESSEL_WALL)
    box.paint((distance < -1.2) & where, Tissue.FLOWING_BLOOD)


def _paint_ilium(box: Box, anatomy: Anatomy) -> None:
    """Paint the wings of the ilium beside the sacrum."""
    y, z = anatomy.vertebrae["S1"].frame.centre_yz
    x = np.abs(box.x)
    forward, up = box.y - np.float32(y), box.z - np.float32(z)
    middle = 58.0 - 0.42 * forward - np.square(forward + 10) / 170 + 0.25 * up
    half = 5.0 + 3.5 * np.clip(forward / 30, 0, 1) + 2.0 * np.clip(-up / 30, 0, 1)
    crest = 44.0 - np.square((forward + 2) / 10)
    wing = np.maximum(np.maximum(np.abs(x - middle) * 0.9 - half, up - crest), forward - 40.0)
    box.paint(wing < 0, Tissue.CORTEX)
    box.paint(wing < -1.3, Tissue.MARROW)

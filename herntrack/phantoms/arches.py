"""The posterior elements: pedicles, laminae, facets, processes, ligaments, sacral wings.

Coordinates are those of the vertebra: x to the left, q behind the back wall, u above its centre.

Public: `paint_arches`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from herntrack.phantoms.anatomy import Anatomy, Vertebra
from herntrack.phantoms.canvas import Box, Canvas, capsule, rounded_box
from herntrack.phantoms.column import body_coordinates
from herntrack.phantoms.tissues import Field, Tissue

RIM_MM = 0.9
"""Thickness of cortical bone of the posterior elements (mm)."""

_SPINOUS = {  # length behind the canal, half-height (mm)
    "T11": (24.0, 7.5),
    "T12": (25.0, 8.5),
    "L1": (28.0, 10.0),
    "L2": (30.0, 11.0),
    "L3": (31.0, 11.0),
    "L4": (28.0, 9.5),
    "L5": (22.0, 7.5),
    "S1": (10.0, 8.0),
    "S2": (7.0, 7.0),
}

_PEDICLE_HALF_WIDTH = {"L3": 4.3, "L4": 5.0, "L5": 7.0}
"""Half-widths of pedicles that differ from `_PEDICLE_USUAL` (mm)."""

_PEDICLE_USUAL = 3.9


def paint_arches(canvas: Canvas, anatomy: Anatomy) -> None:
    """Paint ligaments, then the bone of each arch, then the facet joints."""
    for name in _SPINOUS:
        _paint_ligaments(canvas, anatomy, anatomy.vertebrae[name])
    for name in _SPINOUS:
        _paint_arch(canvas, anatomy, anatomy.vertebrae[name])
    for disc in anatomy.discs:
        if disc.below.name not in {"S3", "S2"}:
            _paint_facets(canvas, disc.below)
    _paint_wings(canvas, anatomy)


def _local(canvas: Canvas, vertebra: Vertebra, low: Any, high: Any) -> tuple[Box, Field, Field]:
    y, z = vertebra.frame.centre_yz
    box = canvas.box((low[0], y + low[1], z + low[2]), (high[0], y + high[1], z + high[2]))
    back, up = body_coordinates(vertebra.frame, box)
    half_depth = (vertebra.upper_depth_mm + vertebra.lower_depth_mm) / 4
    return box, back - np.float32(half_depth), up


def _paint_bone(box: Box, distance: Field) -> None:
    box.paint(distance < 0, Tissue.CORTEX)
    box.paint(distance < -RIM_MM, Tissue.MARROW)


def _lamina_front(depth: float, x: Any, up: Any) -> Any:
    """Return q of the front of the arch: an inverted V that leans back downwards."""
    return depth + 0.5 - 0.55 * np.abs(x) - 0.16 * up


def _paint_ligaments(canvas: Canvas, anatomy: Anatomy, vertebra: Vertebra) -> None:
    length, _ = _SPINOUS[vertebra.name]
    box, q, up = _local(canvas, vertebra, (-16, 8, -48), (16, 75, 22))
    depth = anatomy.canal_depth_mm
    x = np.abs(box.x)
    front = _lamina_front(depth, box.x, up * 0.3) + 1.2
    reach = (up > -32) & (up < 2)
    box.paint(reach & (q > front) & (q < front + 3.6) & (x < 15) & (x > 0.6), Tissue.FLAVUM)
    if vertebra.is_sacral:
        return
    behind = q - front - 3.6
    between = reach & (behind > 0) & (behind < length - 1)
    box.paint(between & (x < 2.6 - 1.2 * np.clip(behind / length, 0, 1)), Tissue.INTERSPINOUS)
    box.paint(between & (x < 7) & (behind < 5) & (x < 5 - 0.6 * behind), Tissue.EPIDURAL_FAT)
    box.paint(reach & (np.abs(behind - length) < 1.2) & (x < 2.5), Tissue.LIGAMENT)


def _paint_arch(canvas: Canvas, anatomy: Anatomy, vertebra: Vertebra) -> None:
    if not vertebra.is_sacral:
        _paint_pedicles(canvas, vertebra)
    length, half_height = _SPINOUS[vertebra.name]
    box, q, up = _local(canvas, vertebra, (-18, 8, -42), (18, 75, 30))
    depth = anatomy.canal_depth_mm
    x = np.abs(box.x)
    distance = _laminae(depth, x, q, up, is_sacral=vertebra.is_sacral)
    drop = -9.0 - 0.28 * (q - depth)
    width = 3.0 + 1.6 * np.clip((q - depth - length * 0.6) / (length * 0.4), 0, 1)
    reach = np.float32(depth + 1 + length / 2)
    # Slightly hollow above and below, so that the outline is not a rectangle.
    height = (up - drop) * (1 + 0.10 * np.sin((q - depth) / length * np.pi))
    spinous = rounded_box((x / width * 3.5, q - reach, height), (3.5, length / 2 + 2, half_height), 3.4)
    _paint_bone(box, np.minimum(distance, spinous))


def _paint_pedicles(canvas: Canvas, vertebra: Vertebra) -> None:
    """Paint pedicles, partes interarticulares and transverse processes, side by side."""
    half = _PEDICLE_HALF_WIDTH.get(vertebra.name, _PEDICLE_USUAL)
    centre = vertebra.width_mm / 2 - half - (1.5 if vertebra.name != "L5" else -1.0)
    tip = centre + (26.0 if vertebra.name != "L5" else 22.0)
    for side in (-1, 1):
        near, far = sorted((side * (centre - half - 2), side * (centre + 8)))
        box, q, up = _local(canvas, vertebra, (near, 0, -28), (far, 50, 30))
        x = box.x * side
        pedicle = rounded_box((x - centre, q - 3.0, up - 5.5), (half, 9.0, 7.0), 3.5)
        pars = capsule((x, q, up), (centre + 1, 9.0, 5.0), (centre - 0.5, 14.5, -11.0), 4.3)
        _paint_bone(box, np.minimum(pedicle, pars))
        near, far = sorted((side * (centre - 2), side * (tip + 4)))
        box, q, up = _local(canvas, vertebra, (near, 8, -12), (far, 48, 26))
        process = capsule((box.x * side, q, up), (centre + 1, 8.0, 4.0), (tip, 9.5, 6.5), 3.4)
        _paint_bone(box, process)


def _laminae(depth: float, x: Any, q: Any, up: Any, *, is_sacral: bool) -> Field:
    front = _lamina_front(depth, x, up)
    low, high = (-14.0, 14.0) if is_sacral else (-19.0, 1.0)
    thickness = 4.5 if is_sacral else 6.2
    across = np.abs(q - front - thickness / 2) * 0.87 - thickness / 2
    slab = np.maximum(across, np.abs(up - (low + high) / 2) - (high - low) / 2)
    return np.asarray(np.maximum(slab, x - 17.0), dtype=np.float32)


def _paint_facets(canvas: Canvas, below: Vertebra) -> None:
    """Paint the joint of two vertebrae: lower process of the one above, upper of the one below."""
    for side in (-1, 1):
        _paint_facet(canvas, below, side)


def _paint_facet(canvas: Canvas, below: Vertebra, side: int) -> None:
    low, high = sorted((side * 5, side * 32))
    box, q, up = _local(canvas, below, (low, 0, -2), (high, 48, 52))
    top = below.height_mm / 2
    x = box.x * side
    wide = 2.0 if below.is_sacral else 0.0
    # Turned by 45 degrees: `across` runs from the front outside to the back inside.
    across = ((q - 13.0) - (x - 17.5 - wide)) * np.float32(np.sqrt(0.5))
    along = ((q - 13.0) + (x - 17.5 - wide)) * np.float32(np.sqrt(0.5))
    height = up - top - 5.0
    upper = rounded_box((across + 3.9, along, height + 4.0), (3.6, 7.0, 13.0), 3.2)
    lower = rounded_box((across - 3.9, along, height - 5.0), (3.6, 6.5, 14.0), 3.2)
    _paint_bone(box, upper)
    _paint_bone(box, lower)
    joint = (np.abs(across) < 0.55) & (np.abs(along) < 6.0) & (np.abs(height) < 7.5)
    box.paint(joint, Tissue.JOINT_FLUID)


def _paint_wings(canvas: Canvas, anatomy: Anatomy) -> None:
    """Paint the lateral masses of the sacrum."""
    for name, half_width, half_up in (("S1", 17.0, 14.0), ("S2", 15.0, 12.0)):
        vertebra = anatomy.vertebrae[name]
        box, q, up = _local(canvas, vertebra, (-60, -50, -40), (60, 40, 40))
        x = np.abs(box.x)
        centre = vertebra.width_mm / 2 + half_width - 6
        wing = (x - centre, q + 8.0 - 0.25 * (x - centre), up - 1.0 + 0.25 * (x - 25))
        ala = rounded_box(wing, (half_width, 14.0, half_up), 6.0)
        inner = rounded_box((x - 19.0, q - 3.0, up - 2.0), (6.0, 8.0, half_up), 3.0)
        _paint_bone(box, np.where(box.labels == Tissue.MARROW, np.float32(1.0), np.minimum(ala, inner)))

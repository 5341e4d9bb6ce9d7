"""What lies in the spinal canal: fat, sac, conus, cauda equina and nerve roots.

Canal coordinates are (x, delta, z): delta is the distance behind the canal's front wall, measured
across the wall.

Public: `paint_canal`, `paint_roots`, `behind_wall`, `sac_outline`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from herntrack._typing import PointsLPS
from herntrack.model.vocabulary import Level
from herntrack.phantoms.anatomy import Anatomy, Vertebra
from herntrack.phantoms.canvas import Box, Canvas, capsule
from herntrack.phantoms.column import body_coordinates
from herntrack.phantoms.tissues import Field, Tissue

DURA_MM = 0.45
"""Thickness of the dark line of dura and ligament around the sac (mm)."""

N_STRANDS = 22
"""Strands of the cauda equina that are painted, both sides together."""

N_SLABS = 16
"""Pieces the canal is painted in, because it leans and one box would be mostly empty."""

STRAND_RADIUS_MM = 0.62
"""Radius of a strand, a little thick so that it darkens a pixel (mm)."""


def behind_wall(anatomy: Anatomy, y: Any, z: Any) -> Any:
    """Return delta, the distance behind the canal's front wall (mm), of points (y, z)."""
    z64 = np.asarray(z, dtype=np.float64)
    slope = anatomy.wall_slope(z64)
    return ((y - anatomy.wall(z64)) / np.sqrt(1 + slope**2)).astype(np.float32)


def _by_height(anatomy: Anatomy, z: Field, values: dict[str, float]) -> Field:
    knots = sorted((float(anatomy.vertebrae[n].frame.centre_yz[1]), v) for n, v in values.items())
    return np.asarray(np.interp(z, *np.array(knots).T), dtype=np.float32)


def sac_outline(anatomy: Anatomy, z: Field) -> tuple[Field, Field, Field]:
    """Return the sac's centre (delta) and half-axes (delta, x) at each z (mm)."""
    half = _by_height(
        anatomy,
        z,
        {"T11": 6.6, "L1": 6.9, "L2": 6.8, "L3": 6.6, "L4": 6.5, "L5": 5.9, "S1": 4.3, "S2": 2.2, "S3": -2.0},
    )
    front = _by_height(anatomy, z, {"T11": 1.0, "L4": 1.1, "L5": 1.8, "S1": 4.2, "S2": 4.0, "S3": 4.0})
    width = _by_height(
        anatomy, z, {"T11": 8.2, "L2": 9.0, "L4": 9.0, "L5": 8.6, "S1": 6.5, "S2": 3.5, "S3": 0.5}
    )
    return front + half, np.maximum(half, 0.01), width


def paint_canal(canvas: Canvas, anatomy: Anatomy) -> None:
    """Paint the canal over muscle and background; bone and arches come later."""
    edges = np.linspace(anatomy.wall_z[0], anatomy.wall_z[-1], N_SLABS + 1)
    for low, high in pairwise(edges):
        y = anatomy.wall(np.linspace(low, high, 9))
        _paint_slab(canvas.box((-25, y.min() - 4, low), (25, y.max() + 36, high)), anatomy)
    _paint_strands(canvas, anatomy)


def _paint_slab(box: Box, anatomy: Anatomy) -> None:
    delta = behind_wall(anatomy, box.y, box.z)
    x = np.abs(box.x)
    depth = np.float32(anatomy.canal_depth_mm)
    # Fat fills the canal and, beside it, the foramina.
    box.paint((delta > -3) & (delta < depth + 3 - 0.5 * x) & (x < 25), Tissue.EPIDURAL_FAT)
    centre, half, width = sac_outline(anatomy, box.z)
    across = (delta - centre) / half
    # Flatter in front than behind, as a trefoil canal makes it.
    outline = np.sqrt(np.square(x / (width * (1 - 0.12 * across))) + np.square(across))
    distance = (outline - 1) * np.minimum(half, width)
    box.paint((np.abs(distance) < 0.9) & (delta < centre) & (x > 3) & (x < 9), Tissue.EPIDURAL_VEIN)
    box.paint((delta > -0.2) & (delta < 0.8) & (x < 6), Tissue.LIGAMENT)
    sac = half > 1.0
    box.paint((distance < DURA_MM) & sac, Tissue.LIGAMENT)
    inside = (distance < 0) & sac
    box.paint(inside, Tissue.CSF)
    _paint_cord(box, anatomy, delta - centre, inside)


def _paint_cord(box: Box, anatomy: Anatomy, off_centre: Field, inside: Any) -> None:
    tip = float(anatomy.disc(Level.L1_L2).frame.centre_yz[1]) + 3.0
    radius = 4.6 * np.sqrt(np.clip((box.z - tip) / 34, 0, 1))
    cord = np.square(box.x / np.maximum(radius * 1.15, 0.1)) + np.square(
        (off_centre - 1.0) / np.maximum(radius * 0.9, 0.1)
    )
    box.paint((cord < 1) & (radius > 0) & inside, Tissue.CORD)


def _paint_strands(canvas: Canvas, anatomy: Anatomy) -> None:
    """Paint roots that fall to the back of the sac and leave it one pair per level."""
    rng = np.random.default_rng([anatomy.seed, 21])
    top = float(anatomy.disc(Level.L1_L2).frame.centre_yz[1]) + 22.0
    exits = [anatomy.disc(level).frame.centre_yz[1] for level in (Level.L2_L3, Level.L3_L4, Level.L4_L5)]
    exits += [anatomy.disc(Level.L5_S1).frame.centre_yz[1], anatomy.vertebrae["S2"].frame.centre_yz[1]]
    step = canvas.step_mm
    for number in range(N_STRANDS):
        side = 1 if number % 2 else -1
        end = float(exits[min(number // 4, len(exits) - 1)])
        heights = np.arange(top, end, -step)
        share = (top - heights) / (top - end)
        centre, half, width = sac_outline(anatomy, heights.astype(np.float32))
        lane, layer = rng.uniform(0.05, 0.72), rng.uniform(-0.05, 0.72)
        wave = 0.05 * np.sin(heights / rng.uniform(9, 17) + rng.uniform(0, 6.3))
        leave = np.clip(share - 0.8, 0, 0.2) / 0.2
        across = (0.25 * (1 - share) + share * lane + wave) * (1 - leave) + 0.85 * leave
        deep = (0.15 * (1 - share) + share * layer + wave) * (1 - leave) + 0.15 * leave
        slope = anatomy.wall_slope(heights)
        x = side * across * width * 0.9
        y = anatomy.wall(heights) + (centre + deep * half * 0.9) * np.sqrt(1 + slope**2)
        _stamp(canvas, np.stack([x, y, heights], axis=1))


def _stamp(canvas: Canvas, points_lps: PointsLPS) -> None:
    """Paint a thin curve by small discs across z, inside fluid only."""
    reach = int(np.ceil(STRAND_RADIUS_MM / canvas.step_mm))
    offsets = np.arange(-reach, reach + 1)
    origin = np.array(canvas.origin_lps)
    index = np.rint((points_lps - origin) / canvas.step_mm).astype(int)
    for dy in offsets:
        for dx in offsets:
            voxels = index + np.array([dx, dy, 0])
            i, j, k = voxels.T
            near = np.hypot(*(voxels * canvas.step_mm + origin - points_lps)[:, :2].T)
            inside = (near < STRAND_RADIUS_MM) & (canvas.labels[k, j, i] == Tissue.CSF)
            canvas.labels[k[inside], j[inside], i[inside]] = Tissue.NERVE


def paint_roots(canvas: Canvas, anatomy: Anatomy) -> None:
    """Paint the nerve roots from the sac through the foramina, over the bone's fat."""
    for name in ("T12", "L1", "L2", "L3", "L4", "L5"):
        _paint_root(canvas, anatomy.vertebrae[name])
    _paint_sacral_root(canvas, anatomy)


def _paint_root(canvas: Canvas, vertebra: Vertebra) -> None:
    wall = vertebra.posterior_corner(is_upper=True) - vertebra.upper.centre_yz
    half_depth = float(np.linalg.norm(wall))
    course = [(6.5, 6.0, 15.0), (9.5, 4.6, 5.0), (14.0, 4.8, -6.5), (23.0, 3.0, -14.0), (33.0, -6.0, -27.0)]
    radii = (1.3, 1.6, 2.7, 2.0)
    for side in (-1, 1):
        for start, end, radius in zip(course, course[1:], radii, strict=False):
            box = _segment_box(canvas, vertebra, half_depth, (start, end), radius * side)
            back, up = body_coordinates(vertebra.frame, box)
            coordinates = (box.x * side, back - half_depth, up)
            distance = capsule(coordinates, start, end, radius)
            free = np.isin(box.labels, (Tissue.EPIDURAL_FAT, Tissue.RETROPERITONEAL_FAT, Tissue.MUSCLE))
            box.paint((distance < 0) & free, Tissue.NERVE)


def _segment_box(
    canvas: Canvas, vertebra: Vertebra, half_depth: float, ends: tuple[Any, Any], signed_radius: float
) -> Box:
    """Return the box of one piece of a root, on the side of the radius' sign."""
    frame, margin = vertebra.frame, abs(signed_radius) + 1
    points = []
    for x, q, up in ends:
        y, z = frame.centre_yz + frame.back_yz * (q + half_depth) + frame.up_yz * up
        points.append((np.sign(signed_radius) * x, y, z))
    return canvas.box(np.min(points, axis=0) - margin, np.max(points, axis=0) + margin)


def _paint_sacral_root(canvas: Canvas, anatomy: Anatomy) -> None:
    """Paint the first sacral root: from the sac above L5-S1 down the lateral recess of S1."""
    top = anatomy.disc(Level.L5_S1).frame.centre_yz[1] + 4
    heights = np.arange(top, anatomy.vertebrae["S2"].upper.centre_yz[1], -canvas.step_mm)
    share = (heights[0] - heights) / np.ptp(heights)
    slope = anatomy.wall_slope(heights)
    y = anatomy.wall(heights) + (6.0 - 1.5 * share) * np.sqrt(1 + slope**2)
    box = canvas.box((-22, y.min() - 6, heights.min() - 2), (22, y.max() + 6, heights.max() + 2))
    for side in (-1, 1):
        course = np.interp(box.z, heights[::-1], (side * (8.0 + 7 * share))[::-1])
        depth = np.interp(box.z, heights[::-1], y[::-1])
        distance = np.hypot(box.x - course, (box.y - depth) * 0.75)
        free = np.isin(box.labels, (Tissue.EPIDURAL_FAT, Tissue.LIGAMENT))
        box.paint((distance < 1.7) & free, Tissue.NERVE)

"""Millimetres on the screen.

A view shows every millimetre with the same number of pixels in both directions, whatever the pixel
spacing, and both visits with the same number, so that what looks longer is longer.

Public: `Camera`, `fitted_camera`, `common_zoom`, `scale_bar_mm`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from herntrack._typing import FloatArray
from herntrack.model.geometry import VolumeGeometry

FIT = 0.96
"""Share of the canvas that a whole slice takes."""

SHORTEST_BAR_PX = 48.0
"""A scale bar is at least this long (pixels)."""

BAR_STEPS = (1.0, 2.0, 5.0)
"""Lengths of a scale bar, times a power of ten (mm)."""

ZOOM_LIMITS = (0.2, 60.0)
"""Pixels per millimetre."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """What part of a slice is shown.

    Parameters
    ----------
    centre_mm : tuple of float
        ``(row, col)`` in millimetres from the first voxel's centre, in the middle of the canvas.
    zoom : float
        Pixels per millimetre.
    """

    centre_mm: tuple[float, float]
    zoom: float

    def to_canvas(self, row_col: FloatArray, geometry: VolumeGeometry, size: tuple[int, int]) -> FloatArray:
        """Return canvas points ``(x, y)``, shape (..., 2), of voxel places ``(row, col)``.

        `size` is the canvas's ``(width, height)`` in pixels.
        """
        millimetres = np.asarray(row_col, dtype=np.float64) * geometry.spacing_zyx[1:]
        offset = (millimetres - self.centre_mm) * self.zoom
        return np.asarray(offset[..., ::-1] + np.array(size) / 2.0, dtype=np.float64)

    def to_voxels(self, x_y: FloatArray, geometry: VolumeGeometry, size: tuple[int, int]) -> FloatArray:
        """Return voxel places ``(row, col)`` of canvas points ``(x, y)``; the inverse of `to_canvas`."""
        offset = (np.asarray(x_y, dtype=np.float64) - np.array(size) / 2.0)[..., ::-1]
        spacing = np.array(geometry.spacing_zyx[1:])
        return np.asarray((offset / self.zoom + self.centre_mm) / spacing, dtype=np.float64)

    def zoomed(self, factor: float, *, about_px: tuple[float, float], size: tuple[int, int]) -> Camera:
        """Return the camera after zooming; what lies under ``(x, y)`` stays there."""
        zoom = float(np.clip(self.zoom * factor, *ZOOM_LIMITS))
        offset = (np.array(about_px) - np.array(size) / 2.0)[::-1]
        row, column = np.array(self.centre_mm) + offset / self.zoom - offset / zoom
        return Camera(centre_mm=(float(row), float(column)), zoom=zoom)

    def panned(self, right_px: float, down_px: float) -> Camera:
        """Return the camera after the picture was moved by so many pixels."""
        row, column = self.centre_mm
        return Camera(centre_mm=(row - down_px / self.zoom, column - right_px / self.zoom), zoom=self.zoom)


def fitted_camera(geometry: VolumeGeometry, size: tuple[int, int]) -> Camera:
    """Return the camera that shows a whole slice on a canvas of ``(width, height)`` pixels."""
    lengths = np.array(geometry.shape_zyx[1:]) * geometry.spacing_zyx[1:]
    zoom = float(min(size[1] / lengths[0], size[0] / lengths[1]) * FIT)
    row, column = (np.array(geometry.shape_zyx[1:]) - 1) / 2.0 * geometry.spacing_zyx[1:]
    return Camera(centre_mm=(float(row), float(column)), zoom=float(np.clip(zoom, *ZOOM_LIMITS)))


def scale_bar_mm(zoom: float) -> float:
    """Return the shortest round length that is at least `SHORTEST_BAR_PX` long at a zoom (mm)."""
    least = SHORTEST_BAR_PX / zoom
    power = 10.0 ** np.floor(np.log10(least))
    return float(next(step * power for step in (*BAR_STEPS, 10.0) if step * power >= least * (1.0 - 1e-9)))

"""The whole scene of one patient as labels on a fine grid.

Public: `build_scene`, `Scene`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from herntrack._typing import PointsLPS
from herntrack.phantoms.anatomy import Anatomy
from herntrack.phantoms.arches import paint_arches
from herntrack.phantoms.canal import paint_canal, paint_roots
from herntrack.phantoms.canvas import CANVAS_STEP_MM, Canvas
from herntrack.phantoms.column import paint_bodies, paint_discs
from herntrack.phantoms.surroundings import paint_surroundings

LOW_LPS, HIGH_LPS = (-96.0, -128.0, -136.0), (96.0, 128.0, 136.0)
"""Corners of the box that is painted (mm); beyond it there is air."""

COARSE_STEP_MM = 2 * CANVAS_STEP_MM
"""Step of the canvas for what surrounds the spine (mm)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """Anatomy and its painted labels."""

    anatomy: Anatomy
    canvas: Canvas

    def tissue_at(self, points_lps: PointsLPS) -> npt.NDArray[np.uint8]:
        """Return the tissue at points in the patient's frame, shape (..., 3) to (...)."""
        canvas = self.canvas
        index = np.rint((np.asarray(points_lps) - canvas.origin_lps) / canvas.step_mm).astype(np.int64)
        shape = np.array(canvas.labels.shape[::-1])
        known = ((index >= 0) & (index < shape)).all(axis=-1)
        i, j, k = np.moveaxis(np.clip(index, 0, shape - 1), -1, 0)
        return np.where(known, canvas.labels[k, j, i], np.uint8(0))


def build_scene(anatomy: Anatomy) -> Scene:
    """Paint a patient.

    Parameters
    ----------
    anatomy : Anatomy
        The spine; what surrounds it follows from it and from its seed.
    """
    coarse = Canvas.blank(LOW_LPS, HIGH_LPS, COARSE_STEP_MM)
    paint_surroundings(coarse, anatomy)
    labels = coarse.labels.repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)
    origin = tuple(low - CANVAS_STEP_MM / 2 for low in LOW_LPS)
    canvas = Canvas(labels=labels, origin_lps=(origin[0], origin[1], origin[2]))
    paint_canal(canvas, anatomy)
    paint_discs(canvas, anatomy)
    paint_bodies(canvas, anatomy)
    paint_arches(canvas, anatomy)
    paint_roots(canvas, anatomy)
    return Scene(anatomy=anatomy, canvas=canvas)

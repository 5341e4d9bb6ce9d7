"""Window and level: presets, what is chosen from the values, and one display for two visits.

MR intensities have no unit: the same tissue has other values at another visit. So a window is kept
relative to the stack's own range (0 is its black, 1 its white, by percentiles), and a change made on
one visit is made on the other in these terms. Hounsfield units are the same everywhere.

Public: `Range`, `Window`, `automatic_range`, `presets_of`, `dragged`, `AUTOMATIC`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from herntrack._typing import VolumeZYX
from herntrack.model.vocabulary import Modality, Weighting

PERCENTILES = (1.0, 99.5)
"""Percentiles of the sampled values that become black and white on MR."""

MOST_SAMPLES = 120_000
"""Values that are looked at; more change the percentiles by less than one grey level."""

CT_WIDTH, CT_LEVEL = 400.0, 40.0
"""Usual soft-tissue window (HU)."""

BONE_WIDTH, BONE_LEVEL = 2000.0, 400.0
"""Usual bone window (HU)."""

DISC_WIDTH, DISC_LEVEL = 250.0, 60.0
"""A narrow window that tells disc material from the sac on CT (HU)."""

SMALLEST_WIDTH = 0.01
"""A window does not become narrower than this part of the stack's range (no unit)."""

DRAG_SHARE = 1.0 / 400.0
"""A pixel of mouse movement changes width or level by this part of the stack's range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What black and white are measured in: values at 0 and at 1."""

    black: float
    white: float

    def limits(self, window: Window) -> tuple[float, float]:
        """Return the values shown black and white."""
        span = self.white - self.black
        middle = self.black + window.level * span
        half = window.width * span / 2.0
        return middle - half, middle + half


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A width and a level relative to a `Range`; 1.0 and 0.5 is the range itself."""

    width: float = 1.0
    level: float = 0.5

    @classmethod
    def of_values(cls, width: float, level: float, reference: Range) -> Window:
        """Return a window given in the image's own values, such as Hounsfield units."""
        span = reference.white - reference.black
        return cls(width=width / span, level=(level - reference.black) / span)


AUTOMATIC = Window()
"""The range itself."""

CT_RANGE = Range(black=CT_LEVEL - CT_WIDTH / 2.0, white=CT_LEVEL + CT_WIDTH / 2.0)
"""Every CT is shown relative to this, so that windows of two visits are the same in HU."""


def automatic_range(values: VolumeZYX, modality: Modality) -> Range:
    """Return the range a stack's windows refer to.

    Parameters
    ----------
    values : ndarray, shape (n_slices, n_rows, n_cols)
        Hounsfield units for CT, the scanner's own for MR. Never empty.
    modality : Modality
        CT has a fixed range.
    """
    if modality is Modality.CT:
        return CT_RANGE
    step = max(1, round((values.size / MOST_SAMPLES) ** 0.5))
    # Every slice counts; within a slice every step-th row and column.
    sample = values[:, ::step, ::step]
    black, white = (float(value) for value in np.percentile(sample, PERCENTILES))
    if white <= black:
        black, white = float(values.min()), float(values.max())
    return Range(black=black, white=white if white > black else black + 1.0)


def presets_of(modality: Modality, weighting: Weighting) -> Mapping[str, Window]:
    """Return the named windows of an image, in the order of their keys.

    The first is what an image opens with. On fluid-bright MR the second is narrow and dark, which
    sets a dark fragment off against fluid; on T1 it is bright, for fat around the roots.
    """
    if modality is Modality.CT:
        return {
            "soft tissue": AUTOMATIC,
            "bone": Window.of_values(BONE_WIDTH, BONE_LEVEL, CT_RANGE),
            "disc": Window.of_values(DISC_WIDTH, DISC_LEVEL, CT_RANGE),
        }
    if weighting in {Weighting.T1, Weighting.T1_CONTRAST_ENHANCED}:
        narrow = {"fat": Window(width=0.9, level=0.7), "roots": Window(width=0.6, level=0.35)}
    else:
        narrow = {"fragment": Window(width=0.6, level=0.3), "fluid": Window(width=0.9, level=0.75)}
    return {"automatic": AUTOMATIC, **narrow}


def dragged(window: Window, right_px: float, down_px: float) -> Window:
    """Return the window after a mouse movement: right widens, down brightens (lowers the level)."""
    return Window(
        width=max(SMALLEST_WIDTH, window.width + right_px * DRAG_SHARE),
        level=window.level - down_px * DRAG_SHARE,
    )

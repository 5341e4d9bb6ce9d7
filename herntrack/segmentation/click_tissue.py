"""What a click shows: no tissue at all, which is refused, or tissue that disc material is not like.

Limits are set by true fragments, all positions in them: those of the stored implants, of the sample
cohort, and computed ones. None lies in the air; few look like what a guard names.

Public: `refuse_air`, `tissue_guards`.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from herntrack._typing import FloatArray, MaskZYX, PointsLPS
from herntrack.errors import GeometryError
from herntrack.imaging.volume import Volume
from herntrack.model.sentences import Sentence, sentence
from herntrack.segmentation.crop import Crop
from herntrack.segmentation.guards import Guard, GuardWarning
from herntrack.segmentation.tissue import near_points

AIR_HU = -300.0
"""Below it CT shows gas (HU): fat has -120, lung -500 and less."""

DISC_HU = (0.0, 250.0)
"""Disc material and what it is mixed with at its edge lie between (HU); above is bone, below fat."""

AIR_SHARE = 0.2
"""Below this share of the body's median MR shows no tissue, if it goes on to the picture's edge."""

MEASURED_SHARE = 0.1
"""Of what is bright (99th percentile): more than this belongs to the body."""

SMOOTHING_MM = 1.2
"""Air's noise is averaged over this width (standard deviation, mm)."""

AIR_RADIUS_MM = 2.4
"""All within this distance of a click in the air is dark (mm)."""

PLACE_MM = 1.6
"""A click's own intensity is the median within this distance in its slice (mm)."""

NEIGHBOURHOOD_MM = 8.0
"""Within this distance, in its slice, a fragment has brighter tissue beside it (mm)."""

AS_BRIGHT = 0.85
"""Share of the brightest there (95th percentile) from which on a place is as bright as all around it."""

BRIGHT = 2.0
"""Of the body's median: from this on fluid or fat, else the inside of something large."""

EVEN = 0.5
"""Share of a place's intensity that all of a large tissue around it exceeds (10th percentile)."""

AS_DARK = 0.2
"""Below this share of the body's median it is cortex, gas or ligament."""

EVERY = 4
"""Every so many voxels tell how bright the body is."""


def refuse_air(volume: Volume, crop: Crop, points_lps: PointsLPS) -> None:
    """Refuse points of a fragment that lie where the image shows no tissue.

    Parameters
    ----------
    volume : Volume
        The stack.
    crop : Crop
        The part of it around the points.
    points_lps : ndarray of float64, shape (n, 3)
        Points in it, LPS mm.

    Raises
    ------
    GeometryError
        With the place's intensity and what disc-like tissue has.
    """
    body = 0.0 if crop.is_ct else _body_level(volume)
    for point in points_lps:
        level = _level(crop, crop.index_of(point[None]))
        if level < AIR_HU if crop.is_ct else _is_in_air(volume, point, body):
            low, high = DISC_HU if crop.is_ct else (AIR_SHARE * body, 2 * body)
            unit = " HU" if crop.is_ct else ""
            raise GeometryError(
                sentence(
                    "click_in_air",
                    point=", ".join(f"{value:.1f}" for value in point),
                    level=f"{level:.0f}{unit}",
                    low=f"{low:.0f}",
                    high=f"{high:.0f}{unit}",
                )
            )


def tissue_guards(volume: Volume, crop: Crop, points_zyx: FloatArray) -> tuple[GuardWarning, ...]:
    """Return a warning for each point that looks like another tissue than disc material.

    Parameters
    ----------
    volume : Volume
        The stack.
    crop : Crop
        The part of it around the points.
    points_zyx : ndarray of float64, shape (n, 3)
        Indices of points of the fragment in the crop.
    """
    body = 0.0 if crop.is_ct else _body_level(volume)
    found = []
    for point in points_zyx:
        told = _unlike_ct(crop, point) if crop.is_ct else _unlike_mr(crop, point, body)
        if told is not None:
            found.append(GuardWarning(guard=Guard.TISSUE, sentence=told))
    return tuple(dict.fromkeys(found))


def _unlike_ct(crop: Crop, point_zyx: FloatArray) -> Sentence | None:
    level = _level(crop, point_zyx[None])
    if level > DISC_HU[1]:
        return sentence("click_as_bone", level=f"{level:.0f}")
    return sentence("click_as_fat", level=f"{level:.0f}") if level < DISC_HU[0] else None


def _unlike_mr(crop: Crop, point_zyx: FloatArray, body: float) -> Sentence | None:
    level = _level(crop, point_zyx[None])
    around = crop.values[near_points(crop, point_zyx[None], NEIGHBOURHOOD_MM)]
    if level < AS_DARK * body:
        return sentence("click_as_dark")
    if level < AS_BRIGHT * float(np.percentile(around, 95)):
        return None
    if level > BRIGHT * body:
        return sentence("click_as_bright")
    if float(np.percentile(around, 10)) < EVEN * level:
        # On T1 fluid is dark, and a fragment may be the brightest beside it.
        return None
    return sentence("click_as_large", mm=f"{NEIGHBOURHOOD_MM:.0f}")


def _level(crop: Crop, points_zyx: FloatArray) -> float:
    return float(np.median(crop.values[near_points(crop, points_zyx, PLACE_MM)]))


def _body_level(volume: Volume) -> float:
    """Return the median intensity of what belongs to the body (MR)."""
    values = np.asarray(volume.values[:, ::EVERY, ::EVERY], dtype=np.float64)
    measured = values > MEASURED_SHARE * float(np.percentile(values, 99))
    return float(np.median(values[measured])) if measured.any() else 0.0


def _is_in_air(volume: Volume, point_lps: FloatArray, body: float) -> bool:
    """Return whether all around a point of MR is dark, and the dark goes on to the edge of the picture."""
    geometry = volume.geometry
    last = np.asarray(geometry.shape_zyx) - 1
    number, row, column = np.clip(np.rint(geometry.lps_to_index(point_lps)).astype(int), 0, last)
    _, dy, dx = geometry.spacing_zyx
    image = volume.values[number].astype(np.float64)
    dark = ndimage.gaussian_filter(image, (SMOOTHING_MM / dy, SMOOTHING_MM / dx)) < AIR_SHARE * body
    if not dark[row, column]:
        return False
    inside: MaskZYX = np.pad(dark, 1, constant_values=True)
    deep = ndimage.distance_transform_edt(inside, sampling=(dy, dx))[1:-1, 1:-1] >= AIR_RADIUS_MM
    labels, _ = ndimage.label(deep)
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return bool(deep[row, column]) and labels[row, column] in edge

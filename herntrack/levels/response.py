"""How much every place of a midsagittal image looks like a disc between two vertebrae.

Whatever the contrast, a disc is where the image changes much along the spine and little across it:
two endplates, straight over the depth of a body, some 10 mm apart, with a quiet vertebra above and
below. Signs do not count: a disc is darker than bone on T1, brighter or darker on T2, and on CT the
endplates are bright.

Public: `Candidate`, `find_candidates`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from herntrack._typing import FloatArray
from herntrack.levels.midline import STEP_MM, Midline

TILTS_DEGREES = tuple(range(-40, 66, 5))
"""Directions a disc may fall forwards by (degrees); S1 falls by 25 to 55."""

EDGE_SIGMA_MM = 1.6
"""Scale of an endplate (mm): its hollow and the slice's width blur it."""

DEPTH_MM = 26.0
"""An endplate is straight over this much of its depth (mm)."""

WIDTH = round(DEPTH_MM / STEP_MM)
"""The same in pixels."""

SHAPES_MM = ((5.5, 8.5, 14.5), (7.5, 10.0, 16.0), (9.5, 12.0, 18.0))
"""Flat, usual and tall discs: both endplates lie within the first of a disc's middle, and vertebrae are
quiet from the second to the third (mm)."""

BAND_MM = 15.0
"""The clearness of edges is summed over a disc and divided by this (mm)."""

CLEAR_SHARE = 0.3
"""Share of the named disc's clearest edge that counts half."""

CLEAR_EDGE = (0.02, 0.1)
"""Least and largest edge that counts half (change per mm, relative to the local mean)."""

NAMED_MM = 12.0
"""Edges within this of a named point are the named disc's (mm)."""

QUIET_WEIGHT = 1.2
"""Weight of the noise in the vertebrae against the endplates."""

ASYMMETRY_WEIGHT = 1.2
"""Weight of the difference between the vertebrae, relative to their mean."""

MOTTLE_WEIGHT = 0.6
"""Weight of the standard deviation within the vertebrae, relative to their mean."""

LEAST_RESPONSE = -0.1
"""Weaker candidates are not kept; a clear disc has 0.2 to 0.5."""

APART_MM, APART_DEGREES = 4.0, 8.0
"""Two candidates nearer in both are one."""

MOST_CANDIDATES = 320


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that looks like a disc: mm to the back and up, tilt in degrees, strength 0 to 1.

    `bone` is the mean of the vertebrae above and below it.
    """

    back_mm: float
    up_mm: float
    tilt_degrees: float
    response: float
    bone: float


def find_candidates(image: Midline, named: npt.ArrayLike) -> list[Candidate]:
    """Return the places that look like discs, the clearest first.

    Parameters
    ----------
    image : Midline
        The midsagittal image.
    named : array_like of float, shape (n, 2)
        Places of discs that a person named (mm to the back, mm up). They say how clear an edge is.
    """
    turned = [_turned(image, float(tilt)) for tilt in TILTS_DEGREES]
    clear = _clear_edge(turned, np.atleast_2d(np.asarray(named, dtype=np.float64)))
    found = [each for one in turned for each in _peaks(one, clear)]
    found.sort(key=lambda each: -each.response)
    kept: list[Candidate] = []
    places = np.zeros((0, 3))
    scale = np.array((APART_MM, APART_MM, APART_DEGREES))
    for each in found:
        place = np.array((each.back_mm, each.up_mm, each.tilt_degrees)) / scale
        if kept and (np.abs(places - place).max(axis=1) < 1).any():
            continue
        kept.append(each)
        places = np.vstack([places, place])
        if len(kept) == MOST_CANDIDATES:
            break
    return kept


def disc_axes(tilt_degrees: float) -> tuple[FloatArray, FloatArray]:
    """Return (back, up) unit vectors along and across a disc of that tilt, in image places."""
    tilt = np.radians(tilt_degrees)
    along = np.array((np.cos(tilt), np.sin(tilt)))
    return along, np.array((-along[1], along[0]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Turned:
    """The image on a grid whose rows run along discs of one tilt, and its straight edges."""

    tilt: float
    places: FloatArray
    values: FloatArray
    known: FloatArray
    edge: FloatArray


def _turned(image: Midline, tilt: float) -> _Turned:
    along, across = disc_axes(tilt)
    corners = np.array([(d, h) for d in image.depths_mm[[0, -1]] for h in image.heights_mm[[0, -1]]])
    rows, columns = (
        np.arange((corners @ axis).min(), (corners @ axis).max() + STEP_MM, STEP_MM)
        for axis in (across, along)
    )
    places = rows[:, None, None] * across + columns[None, :, None] * along
    index = (places[..., 1] - image.heights_mm[0]) / STEP_MM, (places[..., 0] - image.depths_mm[0]) / STEP_MM
    values = ndimage.map_coordinates(image.values, index, order=1, cval=0.0)
    known = ndimage.map_coordinates(image.is_known.astype(np.float64), index, order=1, cval=0.0)
    slope = ndimage.gaussian_filter1d(values, EDGE_SIGMA_MM / STEP_MM, axis=0, order=1) / STEP_MM
    # The edge of the image is no edge of a bone.
    inner = ndimage.minimum_filter1d(known, 2 * round(2 * EDGE_SIGMA_MM / STEP_MM) + 1, axis=0) > 0.99
    edge = np.abs(ndimage.uniform_filter1d(np.where(inner, slope, 0.0), WIDTH, axis=1))
    return _Turned(tilt=tilt, places=places, values=values, known=known, edge=edge)


def _clear_edge(turned: list[_Turned], named: FloatArray) -> float:
    """Return the edge that counts half: a share of the clearest at the named discs."""
    clearest = []
    for point in named:
        near = [one.edge[np.linalg.norm(one.places - point, axis=-1) < NAMED_MM] for one in turned]
        clearest.append(max(float(edges.max()) for edges in near if edges.size))
    return float(np.clip(CLEAR_SHARE * np.mean(clearest), *CLEAR_EDGE))


def _peaks(one: _Turned, clear: float) -> list[Candidate]:
    response, bone = _response(one, clear)
    peaks = (response == ndimage.maximum_filter(response, size=(7, 9))) & (response > LEAST_RESPONSE)
    return [
        Candidate(
            back_mm=float(one.places[r, c, 0]),
            up_mm=float(one.places[r, c, 1]),
            tilt_degrees=one.tilt,
            response=float(response[r, c]),
            bone=float(bone[r, c]),
        )
        for r, c in np.argwhere(peaks)
    ]


def _response(one: _Turned, clear: float) -> tuple[FloatArray, FloatArray]:
    """Return response and bone at every place; no response where the image ends nearby."""
    edge = one.edge / (one.edge + clear)
    best = np.full(edge.shape, -np.inf)
    bone = np.ones(edge.shape)
    for shape in SHAPES_MM:
        response, own = _of_shape(one, edge, shape)
        bone = np.where(response > best, own, bone)
        best = np.maximum(best, response)
    return best, bone


def _of_shape(
    one: _Turned, edge: FloatArray, shape: tuple[float, float, float]
) -> tuple[FloatArray, FloatArray]:
    half_mm, start_mm, stop_mm = shape
    offsets = np.arange(-stop_mm, stop_mm + STEP_MM / 2, STEP_MM)
    near = (np.abs(offsets) <= half_mm).astype(np.float64)
    quiet = (np.abs(offsets) >= start_mm).astype(np.float64)
    kernel = near * STEP_MM / BAND_MM - QUIET_WEIGHT * quiet / quiet.sum()
    response = ndimage.correlate1d(edge, kernel, axis=0)
    size = (round((stop_mm - start_mm) / STEP_MM) + 1, WIDTH - 4)
    mean = ndimage.uniform_filter(one.values, size)
    deviation = np.sqrt(
        np.maximum(ndimage.uniform_filter(np.square(one.values), size) - np.square(mean), 0.0)
    )
    shift = round((start_mm + stop_mm) / 2 / STEP_MM)
    above, below = np.roll(mean, -shift, axis=0), np.roll(mean, shift, axis=0)
    mottle = np.roll(deviation, -shift, axis=0) + np.roll(deviation, shift, axis=0)
    bone = np.maximum((above + below) / 2, 1e-3)
    response -= (ASYMMETRY_WEIGHT * np.abs(above - below) + MOTTLE_WEIGHT * mottle) / (2 * bone)
    room = ndimage.minimum_filter(one.known, size=(2 * round(start_mm / STEP_MM) + 1, WIDTH)) > 0.99
    return np.where(room, response, -np.inf), bone

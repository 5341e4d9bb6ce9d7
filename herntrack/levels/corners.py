"""The corners of the two vertebral bodies at a disc.

Around a disc whose place is roughly known, profiles are followed from within each vertebra outwards
until bone ends, towards front and back near the wall of all bodies (`herntrack.levels.walls`): on MR
where marrow falls to the dark line of cortex, on CT where cortex falls to soft tissue. A profile is the
mean of some millimetres beside the corner that is sought, because the wall and the endplates are hollow
in between. All is relative to the intensities of this vertebra.

Public: `DiscCorners`, `find_corners`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from herntrack._typing import FloatArray
from herntrack.imaging.volume import Volume
from herntrack.levels.midline import Midline, known_mean, sampled
from herntrack.levels.response import Candidate, disc_axes
from herntrack.levels.walls import BodyWalls

STEP_MM = 0.4
"""Step of the patch (mm)."""

ACROSS_MM = np.arange(-22.0, 22.01, STEP_MM)
ALONG_MM = np.arange(-30.0, 30.01, STEP_MM)
"""Rows (towards the head) and columns (towards the back) of the patch, from the disc's middle (mm)."""

SIDES_MM = (-3.0, -1.5, 0.0, 1.5, 3.0)
"""Parallel patches that are averaged (mm)."""

INSIDE_MM = 14.0
"""Profiles towards an endplate begin this far from the disc's middle, within the vertebra (mm)."""

BACK_OFF_MM = 7.0
"""So far back into the vertebra the endplate is sought again (mm)."""

CORE_MM = 6.0
"""The first profile towards an endplate is averaged within this of the disc's middle (mm)."""

PLATEAU_MM = 4.0
"""What a profile begins with is bone (mm)."""

HALF_LATELY = 4
"""Twice as many steps of a profile are looked back on for how bright bone is there."""

WALL_OFF_MM = (-5.0, 2.5)
"""A wall further inside or outside than this of where all bodies have it is not believed (mm)."""

WALL_NEAR_MM = (8.0, 4.0)
"""A profile towards a wall begins and ends so far inside and outside of where all bodies have it (mm)."""

RIM_MM = (1.0, 6.0)
"""Profiles towards an endplate are averaged from here to here inside of the wall (mm)."""

WALL_ROWS_MM = (2.0, 7.0)
"""Profiles towards a wall are averaged from here to here inside of the endplate (mm): it may lean."""

WALL_MM, PLATE_MM = 1.5, 1.3
"""From the edge of the marrow to the corner, on MR (mm): the cortex, and the corner's roundness."""

CLEAR_RISE = 1.5
"""Beyond so much of bone's intensity there is fluid or fat."""

RISE_MM = 4.0
"""The dark line lies within this before them (mm)."""

LINE_MM = 0.9
"""From half the fall to the middle of the dark line (mm)."""

CT_SIGMA_MM = 1.0
"""Scale of a profile's slope on CT (mm)."""

CT_LEAST_FALL = 8.0
"""A gentler slope is no end of bone (HU per mm)."""

FALL = 0.5
"""Share of the fall from bone to what follows at which bone ends."""

LEAST_FALL = 0.25
"""A smaller fall, relative to bone, is no edge."""

HEIGHT_MM = (2.5, 19.0)
"""Distance of the two bodies at the back and at the front (mm)."""

DEPTH_MM = (20.0, 48.0)
"""Depth of a body (mm)."""

STEP_LIMIT_MM = 6.0
"""The wall steps by less than this from body to body (mm); more is not believed."""

TURNS_DEGREES = (0.0, 10.0, -10.0)
"""The disc's fall is known to so much: it is turned until all four corners are found (degrees)."""

ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DiscCorners:
    """Corners of two bodies, each of shape (2,): mm to the back and up in the midsagittal image.

    The front ones are None where they are not clear.
    """

    upper_back: FloatArray
    lower_back: FloatArray
    upper_front: FloatArray | None
    lower_front: FloatArray | None

    @property
    def centre(self) -> FloatArray | None:
        """The middle of all four, None where the front is not clear."""
        if self.upper_front is None or self.lower_front is None:
            return None
        four = (self.upper_back, self.lower_back, self.upper_front, self.lower_front)
        return np.asarray(np.mean(four, axis=0), dtype=np.float64)

    @property
    def tilt_degrees(self) -> float | None:
        """How much the disc falls forwards (degrees), None where the front is not clear."""
        if self.upper_front is None or self.lower_front is None:
            return None
        line = self.upper_back + self.lower_back - self.upper_front - self.lower_front
        return float(np.degrees(np.arctan2(line[1], line[0])))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Patch:
    """Intensities around a disc, rows across and columns along it."""

    values: FloatArray
    is_ct: bool

    def mean_along(self, first_mm: float, last_mm: float) -> FloatArray:
        """Return the profile across the disc, averaged over columns."""
        return known_mean(self.values[:, _between(ALONG_MM, first_mm, last_mm)], axis=1)

    def mean_across(self, first_mm: float, last_mm: float) -> FloatArray:
        """Return the profile along the disc, averaged over rows."""
        return known_mean(self.values[_between(ACROSS_MM, first_mm, last_mm)], axis=0)


def find_corners(volume: Volume, image: Midline, place: Candidate, walls: BodyWalls) -> DiscCorners | None:
    """Return the corners of the two bodies at a disc, None where the back is not clear.

    Parameters
    ----------
    volume : Volume
        The stack.
    image : Midline
        The midsagittal image the disc was found in.
    place : Candidate
        The disc. Where all four corners are found, they are sought once more from the disc between
        them.
    walls : BodyWalls
        Of all bodies: a wall is sought near there only.
    """
    fallback: DiscCorners | None = None
    for turn in TURNS_DEGREES:
        tilt_degrees = place.tilt_degrees + turn
        found = _around(volume, image, (place.back_mm, place.up_mm), tilt_degrees, walls)
        fallback = fallback or found
        if found is not None and found.centre is not None and found.tilt_degrees is not None:
            back_mm, up_mm = found.centre.tolist()
            return _around(volume, image, (back_mm, up_mm), found.tilt_degrees, walls) or found
    return fallback


def _around(
    volume: Volume, image: Midline, place: tuple[float, float], tilt_degrees: float, walls: BodyWalls
) -> DiscCorners | None:
    along, across = disc_axes(tilt_degrees)
    origin = np.array(place)
    plane = origin + ACROSS_MM[:, None, None] * across + ALONG_MM[None, :, None] * along
    points = image.to_lps(plane)
    values = known_mean(
        np.stack([sampled(volume, points + side * image.lateral_lps) for side in SIDES_MM]), axis=0
    )
    patch = _Patch(values=values, is_ct=image.is_ct)

    def corners(back: int) -> list[tuple[float, float] | None]:
        def wall(across_mm: float) -> float:
            return walls.depth_at(origin, tilt_degrees, across_mm, back=back)

        return [_corner(patch, wall, up=up, back=back) for up in (1, -1)]

    backs, fronts = corners(1), corners(-1)
    if not _is_pair(*backs):
        return None
    if not _is_pair(*fronts) or not all(
        b is not None and f is not None and DEPTH_MM[0] <= b[1] - f[1] <= DEPTH_MM[1]
        for b, f in zip(backs, fronts, strict=True)
    ):
        fronts = [None, None]
    found = [None if c is None else origin + c[0] * across + c[1] * along for c in (*backs, *fronts)]
    if found[0] is None or found[1] is None:
        return None
    return DiscCorners(upper_back=found[0], lower_back=found[1], upper_front=found[2], lower_front=found[3])


def _is_pair(upper: tuple[float, float] | None, lower: tuple[float, float] | None) -> bool:
    if upper is None or lower is None:
        return False
    height, step = upper[0] - lower[0], abs(upper[1] - lower[1])
    return HEIGHT_MM[0] <= height <= HEIGHT_MM[1] and step <= STEP_LIMIT_MM


def _corner(
    patch: _Patch, wall_at: Callable[[float], float], *, up: int, back: int
) -> tuple[float, float] | None:
    """Return a corner (mm across, mm along the disc): of the body above or below, behind or in front."""
    middle = patch.mean_along(-CORE_MM, CORE_MM)
    plate = _bone_end(
        middle, ACROSS_MM, from_mm=INSIDE_MM * up, sign=-up, reach_mm=INSIDE_MM + 3, patch=patch
    )
    wall: float | None = None
    for _ in range(ROUNDS):
        if plate is None:
            return None
        rows = patch.mean_across(plate + WALL_ROWS_MM[0] * up, plate + WALL_ROWS_MM[1] * up)
        expected = wall_at(plate + sum(WALL_ROWS_MM) / 2 * up)
        wall = _bone_end(
            rows,
            ALONG_MM,
            from_mm=expected - WALL_NEAR_MM[0] * back,
            sign=back,
            reach_mm=sum(WALL_NEAR_MM),
            patch=patch,
        )
        if wall is None or not WALL_OFF_MM[0] <= (wall - expected) * back <= WALL_OFF_MM[1]:
            wall = expected
        columns = patch.mean_along(wall - RIM_MM[0] * back, wall - RIM_MM[1] * back)
        from_mm = plate + BACK_OFF_MM * up
        plate = _bone_end(
            columns, ACROSS_MM, from_mm=from_mm, sign=-up, reach_mm=BACK_OFF_MM + 9.0, patch=patch
        )
    if plate is None or wall is None:
        return None
    return (plate, wall) if patch.is_ct else (plate - PLATE_MM * up, wall + WALL_MM * back)


def _bone_end(
    profile: FloatArray, places: FloatArray, *, from_mm: float, sign: int, reach_mm: float, patch: _Patch
) -> float | None:
    """Return where bone ends on a profile that is followed in one direction; None if it does not."""
    ahead = (places - from_mm) * sign >= 0
    values, where = profile[ahead][::sign], places[ahead][::sign]
    values, where = values[: round(reach_mm / STEP_MM)], where[: round(reach_mm / STEP_MM)]
    known = np.isfinite(values)
    if not known.any():
        return None
    begin = int(np.argmax(known))
    stop = begin + int(np.argmin(known[begin:])) if not known[begin:].all() else len(values)
    if stop - begin < round(PLATEAU_MM / STEP_MM):
        return None
    values, where = values[begin:stop], where[begin:stop]
    return _cortex_end(values, where) if patch.is_ct else _marrow_end(values, where)


def _marrow_end(values: FloatArray, where: FloatArray) -> float | None:
    """Return where marrow has fallen halfway to the first clear dark line.

    Where a thin line between marrow and bright fluid or fat hardly shows, its middle counts.
    """
    bone = float(np.median(values[: round(PLATEAU_MM / STEP_MM)]))
    lately = ndimage.median_filter(values, size=2 * HALF_LATELY + 1, origin=HALF_LATELY, mode="nearest")
    for k in range(1, len(values) - 1):
        if values[k] > bone * CLEAR_RISE:
            low = int(values[max(0, k - round(RISE_MM / STEP_MM)) : k].argmin()) + max(
                0, k - round(RISE_MM / STEP_MM)
            )
            return float(where[low] - np.sign(where[-1] - where[0]) * LINE_MM)
        is_low = values[k] <= values[k - 1] and values[k] <= values[k + 1]
        if not is_low or values[k] > bone * (1 - LEAST_FALL):
            bone = max(bone, float(lately[k]))
            continue
        limit = bone - FALL * (bone - float(values[k]))
        inside = np.nonzero(values[:k] >= limit)[0]
        if not len(inside):
            return None
        last = int(inside[-1])
        share = float((values[last] - limit) / max(values[last] - values[last + 1], 1e-9))
        return float(where[last] + (where[last + 1] - where[last]) * share)
    return None


def _cortex_end(values: FloatArray, where: FloatArray) -> float | None:
    """Return where cortex falls to soft tissue most steeply."""
    fall = -ndimage.gaussian_filter1d(values, CT_SIGMA_MM / STEP_MM, order=1)
    steepest = int(fall.argmax())
    if steepest in {0, len(fall) - 1} or fall[steepest] / STEP_MM < CT_LEAST_FALL:
        return None
    before, at, after = (float(each) for each in fall[steepest - 1 : steepest + 2])
    share = 0.5 * (before - after) / min(before - 2 * at + after, -1e-9)
    return float(where[steepest] + (where[steepest + 1] - where[steepest]) * share)


def _between(places: FloatArray, first: float, last: float) -> npt.NDArray[np.bool_]:
    """Return which places lie between two, in either order."""
    return np.asarray((places >= min(first, last)) & (places <= max(first, last)))

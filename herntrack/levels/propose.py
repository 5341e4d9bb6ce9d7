"""From one or two discs that a person named to all the others on the stack.

The image speaks through `herntrack.levels.response`, anatomy through `herntrack.levels.chain`, the
corners come from `herntrack.levels.walls` and `herntrack.levels.corners`. A disc that the stack does not
show, with some vertebra above and below it, is not proposed.

Public: `propose_discs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from herntrack._typing import FloatArray
from herntrack.errors import GeometryError, LevelError
from herntrack.imaging.volume import Volume
from herntrack.levels.chain import Row, RowDisc, best_row
from herntrack.levels.corners import DiscCorners, find_corners
from herntrack.levels.midline import STEP_MM, Midline, midline_image, moved_sideways
from herntrack.levels.records import Confidence, DiscProposal
from herntrack.levels.response import Candidate, disc_axes, find_candidates
from herntrack.levels.sequence import levels_of_spine
from herntrack.levels.sideways import sideways_line
from herntrack.levels.walls import find_walls, recentred
from herntrack.model.base_plane import BasePlane, Point
from herntrack.model.vocabulary import Level

STEP_LIMITS_MM = (20.0, 52.0)
"""Centres of neighbouring discs lie so far apart (mm); names that say otherwise are refused."""

SAME_DISC_MM = 12.0
"""Two names nearer than this are of one disc (mm)."""

WALL_ROUNDS = 2
"""The walls are found once more from the middles that they gave."""

LEAST_MARGIN = 0.15
"""A row must be better by this than the best with this disc elsewhere; else it is doubtful."""

LEAST_RESPONSE = 0.0
"""A disc that looks less like one is doubtful."""

NAMED_LIMIT_MM = 8.0
"""A point further above or below a disc than this lies in a vertebra: the next disc may be meant (mm)."""

SHOWN_MM = (13.0, 14.0)
"""A disc and the vertebrae beside it: half its depth, and so far up and down (mm)."""

LEAST_HEIGHT_MM = 40.0
"""A stack that shows less of the spine than this shows no neighbours (mm)."""

WALL_NEAR_MM, WALL_LIMIT_MM = 2.5, 7.0
"""A corner so far off the smooth back wall of all bodies is put onto it; further off it is none (mm)."""

WALL_DEGREE = 3
"""Degree of the curve through all back corners."""

LEAST_WALL_CORNERS = 8
"""Fewer corners give no curve."""


def propose_discs(
    volume: Volume, named_lps: Mapping[Level, npt.ArrayLike], *, has_l6: bool = False
) -> tuple[DiscProposal, ...]:
    """Propose all discs of the lumbar spine that a stack shows.

    Parameters
    ----------
    volume : Volume
        A sagittal stack (MR of any weighting, or CT), or any that shows the spine's length.
    named_lps : mapping of Level to array_like of float, shape (3,)
        One disc or more whose name is known, and a point near its centre (LPS mm).
    has_l6 : bool
        Whether a sixth lumbar vertebra is recorded.

    Returns
    -------
    tuple of DiscProposal
        From above downwards, the named ones among them.

    Raises
    ------
    LevelError
        If nothing is named, a point lies outside, or the names contradict their places.
    VocabularyError
        If the names belong to different spines.
    """
    points = {level: np.asarray(point, dtype=np.float64) for level, point in named_lps.items()}
    levels = levels_of_spine(points, has_l6=has_l6)
    _check_inside(volume, points)
    image = midline_image(volume, np.array(list(points.values())))
    named = _named(image, points)
    _check_steps(levels, named)
    row = _row(image, levels, named)
    line = None if row is None else sideways_line(volume, image, [disc.place for disc in row.discs])
    if row is not None and line is not None:
        image = moved_sideways(volume, image, shift_mm=line.shift_mm, slope=line.slope)
        row = _row(image, levels, _named(image, points)) or row
    if row is None:
        return tuple(_only_named(level, points[level]) for level in levels if level in points)
    doubts = _doubts(image, row.discs, _named(image, points))
    discs, corners = _bounded(volume, image, row.discs)
    return tuple(
        _proposal(volume, image, disc, corner, doubt, is_named=disc.level in points)
        for disc, corner, doubt in zip(discs, corners, doubts, strict=True)
    )


def _bounded(
    volume: Volume, image: Midline, discs: Sequence[RowDisc]
) -> tuple[list[RowDisc], list[DiscCorners | None]]:
    """Return discs with their middles between the walls, and the corners there."""
    found = list(discs)
    walls = find_walls(volume, image, [disc.place for disc in found])
    for _ in range(WALL_ROUNDS - 1):
        found = [replace(disc, place=recentred(disc.place, walls)) for disc in found]
        walls = find_walls(volume, image, [disc.place for disc in found])
    found = [replace(disc, place=recentred(disc.place, walls)) for disc in found]
    return found, _believed([find_corners(volume, image, disc.place, walls) for disc in found])


def _named(image: Midline, points: Mapping[Level, FloatArray]) -> dict[Level, tuple[float, float]]:
    return {level: _pair(image.to_image(point)) for level, point in points.items()}


def _row(image: Midline, levels: Sequence[Level], named: Mapping[Level, tuple[float, float]]) -> Row | None:
    """Return the best row of discs, the second time with this spine's own distances."""
    if np.ptp(image.heights_mm) < LEAST_HEIGHT_MM or not image.is_known.any():
        return None
    candidates = find_candidates(image, list(named.values()))
    row = best_row(candidates, levels, named)
    if row is None or len(row.discs) < 3:
        return row
    places = np.array([(disc.place.back_mm, disc.place.up_mm) for disc in row.discs])
    spacing = float(np.median(np.linalg.norm(np.diff(places, axis=0), axis=1)))
    return best_row(candidates, levels, named, spacing_mm=spacing) or row


def _check_inside(volume: Volume, points: Mapping[Level, FloatArray]) -> None:
    if not points:
        raise LevelError("name one disc at least: its level and a point near its centre")
    last = np.array(volume.geometry.shape_zyx) - 1
    for level, point in points.items():
        if point.shape != (3,) or not np.isfinite(point).all():
            raise LevelError(f"the point of {level.value} has three finite numbers, not {point.tolist()}")
        index = volume.geometry.lps_to_index(point)
        if (index < -1.0).any() or (index > last + 1.0).any():
            place = ", ".join(f"{value:.1f}" for value in point)
            raise LevelError(
                f"the point of {level.value} ({place}) lies outside the stack; give a point of the disc in"
                " LPS mm"
            )


def _check_steps(levels: Sequence[Level], named: Mapping[Level, tuple[float, float]]) -> None:
    """Refuse names that contradict the order of their places, or their distances."""
    ordered = [level for level in levels if level in named]
    for upper, lower in pairwise(ordered):
        n_steps = levels.index(lower) - levels.index(upper)
        rise = named[upper][1] - named[lower][1]
        distance = float(np.hypot(rise, named[upper][0] - named[lower][0]))
        low, high = (limit * n_steps for limit in STEP_LIMITS_MM)
        if distance < SAME_DISC_MM:
            raise LevelError(
                f"{upper.value} and {lower.value} were named {distance:.0f} mm apart, which is the same disc"
            )
        if rise <= 0:
            raise LevelError(
                f"{upper.value} was named below {lower.value}, by {-rise:.0f} mm: one of the two is another"
                " disc"
            )
        if not low <= distance <= high:
            usual = "neighbours are" if n_steps == 1 else f"{n_steps} discs on they are"
            raise LevelError(
                f"{upper.value} and {lower.value} were named {distance:.0f} mm apart; {usual} {low:.0f} to"
                f" {high:.0f} mm apart: one of the two is another disc"
            )


def _doubts(
    image: Midline, discs: Sequence[RowDisc], named: Mapping[Level, tuple[float, float]]
) -> list[str]:
    """Return what speaks against each disc; what holds for one holds for all beyond it."""
    places = [number for number, disc in enumerate(discs) if disc.level in named]
    own = [
        _named_doubt(image, disc, named[disc.level]) if disc.level in named else _own_doubt(disc)
        for disc in discs
    ]
    result = list(own)
    for number in range(places[0] - 1, -1, -1):
        result[number] = own[number] or _beyond(result[number + 1], discs[number + 1])
    for number in range(places[-1] + 1, len(discs)):
        result[number] = own[number] or _beyond(result[number - 1], discs[number - 1])
    return result


def _named_doubt(image: Midline, disc: RowDisc, point: tuple[float, float]) -> str:
    """Return why a point hardly lies in a disc: halfway between two, either may be meant."""
    offset = np.array(point) - (disc.place.back_mm, disc.place.up_mm)
    off_mm = abs(float(offset @ disc_axes(disc.place.tilt_degrees)[1]))
    if off_mm > NAMED_LIMIT_MM:
        return f"the nearest disc lies {off_mm:.0f} mm from the point (limit {NAMED_LIMIT_MM:.0f} mm)"
    if disc.place.response < LEAST_RESPONSE and _is_shown(image, disc.place):
        return f"the point hardly lies in a disc ({disc.place.response:.2f}, limit {LEAST_RESPONSE:.2f})"
    return ""


def _is_shown(image: Midline, place: Candidate) -> bool:
    """Return whether the image shows what a disc lies between: at its edge nothing looks like one."""
    along, across = disc_axes(place.tilt_degrees)
    ends = [a * SHOWN_MM[0] * along + b * SHOWN_MM[1] * across for a in (-1, 1) for b in (-1, 1)]
    depth, height = (np.array((place.back_mm, place.up_mm)) + ends).T
    column, row = (
        np.rint((x - grid[0]) / STEP_MM).astype(int)
        for x, grid in ((depth, image.depths_mm), (height, image.heights_mm))
    )
    is_inside = (row >= 0) & (row < image.is_known.shape[0]) & (column >= 0)
    is_inside &= column < image.is_known.shape[1]
    return bool(is_inside.all() and image.is_known[row, column].all())


def _own_doubt(disc: RowDisc) -> str:
    if disc.margin < LEAST_MARGIN:
        return f"another place fits nearly as well (margin {disc.margin:.2f}, limit {LEAST_MARGIN})"
    if disc.place.response < LEAST_RESPONSE:
        return f"it hardly looks like a disc ({disc.place.response:.2f}, limit {LEAST_RESPONSE:.2f})"
    return ""


def _beyond(doubt: str, disc: RowDisc) -> str:
    return f"{disc.level.value}, from which it is counted, is doubtful" if doubt else ""


def _proposal(
    volume: Volume, image: Midline, disc: RowDisc, corner: DiscCorners | None, doubt: str, *, is_named: bool
) -> DiscProposal:
    centre = np.array((disc.place.back_mm, disc.place.up_mm))
    if corner is not None and corner.centre is not None:
        centre = corner.centre
    plane = _plane(volume, image, corner)
    notes = [doubt] if doubt else []
    if plane is None:
        notes.append("the posterior corners are not clear: place them by hand")
    how = "named by a person" if is_named else "counted from a named disc"
    return DiscProposal(
        level=disc.level,
        centre_lps=_point(image.to_lps(centre)),
        base_plane=plane,
        confidence=Confidence.DOUBTFUL if doubt else Confidence.CLEAR,
        sentence="; ".join([how, *notes]),
        is_named=is_named,
    )


def _plane(volume: Volume, image: Midline, corner: DiscCorners | None) -> BasePlane | None:
    if corner is None:
        return None
    upper, lower = image.to_lps(corner.upper_back), image.to_lps(corner.lower_back)
    try:
        return BasePlane.from_corners(upper, lower, volume.geometry)
    except GeometryError:
        return None


def _believed(found: Sequence[DiscCorners | None]) -> list[DiscCorners | None]:
    """Return corners that fit the smooth back wall of all bodies.

    One that lies a little off is put onto the wall at its height, a pair that lies far off is left out.
    """
    backs = np.array(
        [back for each in found if each is not None for back in (each.upper_back, each.lower_back)]
    )
    if len(backs) < LEAST_WALL_CORNERS:
        return list(found)
    curve = _smooth_wall(backs)
    return [None if each is None else _on_wall(each, curve) for each in found]


def _on_wall(each: DiscCorners, curve: np.polynomial.Polynomial) -> DiscCorners | None:
    moved = []
    for corner in (each.upper_back, each.lower_back):
        wall = float(curve(corner[1]))
        if abs(wall - corner[0]) > WALL_LIMIT_MM:
            return None
        moved.append(np.array((wall, corner[1])) if abs(wall - corner[0]) > WALL_NEAR_MM else corner)
    return replace(each, upper_back=moved[0], lower_back=moved[1])


def _smooth_wall(backs: FloatArray) -> np.polynomial.Polynomial:
    """Return depth by height of a smooth wall, found once more without the worst quarter."""
    curve = np.polynomial.Polynomial.fit(backs[:, 1], backs[:, 0], WALL_DEGREE)
    off = np.abs(curve(backs[:, 1]) - backs[:, 0])
    kept = backs[off <= np.quantile(off, 0.75)]
    return np.polynomial.Polynomial.fit(kept[:, 1], kept[:, 0], WALL_DEGREE)


def _only_named(level: Level, point: FloatArray) -> DiscProposal:
    return DiscProposal(
        level=level,
        centre_lps=_point(point),
        base_plane=None,
        confidence=Confidence.CLEAR,
        sentence="named by a person; no other disc was found on this stack",
        is_named=True,
    )


def _pair(place: FloatArray) -> tuple[float, float]:
    return float(place[0]), float(place[1])


def _point(values: FloatArray) -> Point:
    return float(values[0]), float(values[1]), float(values[2])

"""What the reading room shows now, without a window: slices, cameras, windows and the cursor.

Every change returns the views it changed, so that only those repaint. The place all views look at
is one point in the coordinates of one visit; what the others show follows from it.

Public: `RoomState`, `Hand`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum, unique

import numpy as np
import numpy.typing as npt

from herntrack._typing import FloatArray
from herntrack.model.base_plane import BasePlane
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import CataloguedStack
from herntrack.model.vocabulary import Plane
from napari_herntrack.viewing.following import is_same_series, reaches, stack_holding
from napari_herntrack.viewing.linking import (
    cross_line,
    linked_index,
    moved_point,
    nearest_slice,
    pin_matrix,
    plane_line,
)
from napari_herntrack.viewing.scale import Camera, fitted_camera
from napari_herntrack.viewing.scene import CrossLine
from napari_herntrack.viewing.views import BESIDE, COUNTERPART, Half, Pair, View
from napari_herntrack.viewing.windows import AUTOMATIC, Range, Window, dragged

NEAR_SLICES = 1.5
"""Corners of the base plane are drawn on slices within this distance of them (slices)."""


@unique
class Hand(StrEnum):
    """What the left mouse button does."""

    POINT = "point"
    PROPOSE = "propose"
    BRUSH = "brush"
    ERASER = "eraser"
    POLYGON = "polygon"
    BASE_PLANE = "base plane"
    FACET_LINE = "facet line"
    PIN = "pin"

    @property
    def paints(self) -> bool:
        """Whether the mouse changes the mask."""
        return self in {Hand.BRUSH, Hand.ERASER, Hand.POLYGON}


class RoomState:
    """The state of the four views of one pair.

    Parameters
    ----------
    pair : Pair
        What is shown.
    is_linked : bool
        Whether views of one plane scroll, move and zoom together.
    """

    def __init__(self, pair: Pair, *, is_linked: bool = True) -> None:
        self.pair = pair
        self.is_linked = is_linked
        self.windows: dict[Plane, Window] = dict.fromkeys((Plane.SAGITTAL, Plane.AXIAL), AUTOMATIC)
        self.ranges: dict[View, Range] = {}
        self.cameras: dict[View, Camera] = {}
        self._grids = {view: each.stack.geometry for view, each in pair.stacks.items()}
        self.slices = {view: grid.shape_zyx[0] // 2 for view, grid in self._grids.items()}
        self._own: dict[Half, FloatArray] = {}
        self._by_hand: set[View] = set()
        self._kept_ranges: dict[View, Range] = {}
        self._half, self._cursor = self._first_cursor()
        if pair.matrix_lps is None and pair.baseline_focus_lps is not None:
            self.go_to(Half.BASELINE, pair.baseline_focus_lps)
        self.go_to(*self._first_cursor())

    @property
    def views(self) -> tuple[View, ...]:
        """The views that have a stack."""
        return tuple(self._grids)

    @property
    def grids(self) -> Mapping[View, VolumeGeometry]:
        """The grid of each view's stack."""
        return self._grids

    def cursor_lps(self, half: Half) -> FloatArray | None:
        """Return the place looked at in one visit's coordinates.

        Visits that are not aligned have each their own; None where nobody looked yet.
        """
        matrix = self.pair.between(self._half, half)
        return self._own.get(half) if matrix is None else moved_point(self._cursor, matrix)

    def go_to(self, half: Half, point_lps: npt.ArrayLike) -> set[View]:
        """Let every view that is linked show the slice nearest to a point (LPS mm of one visit)."""
        # Who points at a place wants to see it, in whatever stack.
        self._by_hand.clear()
        self._look_at(half, np.asarray(point_lps, dtype=np.float64))
        return {view for view in self.views if self._follow(view)}

    def step(self, view: View, n_slices: int) -> set[View]:
        """Go some slices on in one view; the same plane of the other visit follows if linked."""
        return self.show_slice(view, self.slices[view] + n_slices)

    def show_slice(self, view: View, index: int) -> set[View]:
        """Show a slice, the nearest there is; the same plane of the other visit follows if linked."""
        grid = self._grids[view]
        index = int(np.clip(index, 0, grid.shape_zyx[0] - 1))
        if index == self.slices[view]:
            return set()
        self.slices[view] = index
        place = self._place_in(view)
        place[0] = index
        self._look_at(view.half, grid.index_to_lps(place))
        other = COUNTERPART[view]
        changed = {view}
        if self.is_linked and other in self._grids and self._follow(other):
            changed.add(other)
        return changed

    def is_beyond(self, view: View) -> bool:
        """Return whether the place looked at lies beyond a view's first or last slice."""
        cursor = self.cursor_lps(view.half)
        return cursor is not None and not reaches(self._grids[view], cursor)

    def stacks_at_place(self, is_kept: Callable[[View], bool]) -> dict[View, CataloguedStack]:
        """Return the stacks that views change to, because the place looked at has left those they show.

        Parameters
        ----------
        is_kept : callable
            Whether a view has to stay with its stack.
        """
        found = {}
        for view in self.views:
            cursor = self.cursor_lps(view.half)
            is_followed = view.half is self._half or self.is_linked
            if cursor is None or not is_followed or view in self._by_hand or is_kept(view):
                continue
            each = stack_holding(self.pair.stacks[view], self.pair.choices.get(view, ()), cursor)
            if each is not None:
                found[view] = each
        return found

    def crosshair(self, view: View) -> FloatArray | None:
        """Return where the place looked at lies in a view ``(row, col)``, if its slice holds it."""
        cursor = self.cursor_lps(view.half)
        if cursor is None:
            return None
        index = self._grids[view].lps_to_index(cursor)
        inside = (index[1:] >= -0.5).all() and (index[1:] <= np.array(self._grids[view].shape_zyx[1:])).all()
        return index[1:] if inside and abs(index[0] - self.slices[view]) <= 0.5 + 1e-6 else None

    def cross_lines(self, view: View) -> tuple[CrossLine, ...]:
        """Return where the slices of the other plane's views cut a view's slice."""
        found = []
        for other in (BESIDE[view], BESIDE[COUNTERPART[view]]):
            matrix = self.pair.between(other.half, view.half)
            if other not in self._grids or matrix is None:
                continue
            # The other visit's line would lie on the own one while the views are linked.
            if other.half is not view.half and (self.is_linked or BESIDE[view] in self._grids):
                continue
            ends = cross_line(
                self._grids[view],
                self.slices[view],
                self._grids[other],
                self.slices[other],
                matrix_lps=None if other.half is view.half else matrix,
            )
            if ends is not None:
                found.append(CrossLine(ends=ends, is_same_visit=other.half is view.half))
        return tuple(found)

    def base_line(self, view: View, plane: BasePlane) -> tuple[FloatArray | None, FloatArray | None]:
        """Return where a base plane cuts a view's slice, and its corners if they are near the slice."""
        grid = self._grids[view]
        corners = grid.lps_to_index(np.asarray(plane.corners_lps))
        near = bool((np.abs(corners[:, 0] - self.slices[view]) <= NEAR_SLICES).all())
        line = plane_line(grid, self.slices[view], plane.point_lps, plane.normal_lps)
        return line, corners[:, 1:] if near and view.plane is Plane.SAGITTAL else None

    def point_lps(self, view: View, row_col: npt.ArrayLike) -> FloatArray:
        """Return the point of a place on a view's slice (LPS mm of its visit)."""
        row, column = np.asarray(row_col, dtype=np.float64)
        return self._grids[view].index_to_lps((self.slices[view], row, column))

    def limits(self, view: View) -> tuple[float, float] | None:
        """Return the values a view shows black and white; None before anything was read."""
        reference = self.ranges.get(view)
        return None if reference is None else reference.limits(self.windows[view.plane])

    def set_range(self, view: View, measured: Range) -> None:
        """Take note of a stack's values; the blocks of one series stay as bright as the first of them."""
        self.ranges[view] = self._kept_ranges.get(view, measured)

    def drag_window(self, view: View, right_px: float, down_px: float) -> set[View]:
        """Change width and level by a mouse movement, of both visits alike."""
        return self.set_window(view, dragged(self.windows[view.plane], right_px, down_px))

    def set_window(self, view: View, window: Window) -> set[View]:
        """Set width and level of a plane, of both visits alike."""
        if window == self.windows[view.plane]:
            return set()
        self.windows[view.plane] = window
        return {view, COUNTERPART[view]} & set(self._grids)

    def set_camera(self, view: View, camera: Camera) -> set[View]:
        """Move or zoom one view; the same plane of the other visit shows the same millimetres if linked."""
        self.cameras[view] = camera
        other = COUNTERPART[view]
        if not self.is_linked or other not in self._grids:
            return {view}
        theirs = self._linked_camera(view, other)
        if theirs is not None:
            self.cameras[other] = theirs
        return {view} if theirs is None else {view, other}

    def fit(self, sizes: Mapping[View, tuple[int, int]]) -> set[View]:
        """Show whole slices, both visits with the same pixels for a millimetre."""
        for view, size in sizes.items():
            if view in self._grids:
                self.cameras[view] = fitted_camera(self._grids[view], size)
        for view in self.views:
            other = COUNTERPART[view]
            if view in self.cameras and other in self.cameras:
                zoom = min(self.cameras[view].zoom, self.cameras[other].zoom)
                for each in (view, other):
                    self.cameras[each] = Camera(centre_mm=self.cameras[each].centre_mm, zoom=zoom)
        return set(self.cameras)

    def look_closely(self, zoom: float) -> set[View]:
        """Put the place looked at into the middle of every view, at a number of pixels per millimetre."""
        for view in self.views:
            row, column = self._place_in(view)[1:] * self._grids[view].spacing_zyx[1:]
            self.cameras[view] = Camera(centre_mm=(float(row), float(column)), zoom=zoom)
        return set(self.views)

    def show_stack(self, view: View, each: CataloguedStack, *, is_by_hand: bool = True) -> None:
        """Show another stack of the same visit in a view, at the same place and as large.

        One that a reader chose stays although the place looked at is not in it, until they point
        elsewhere or, once it was in it, the place leaves it.
        """
        camera, before = self.cameras.get(view), self.pair.stacks[view]
        self.pair = self.pair.with_stack(view, each)
        self._grids[view] = grid = each.stack.geometry
        known = self.ranges.pop(view, None)
        if known is not None and is_same_series(each, before):
            self._kept_ranges[view] = known
        elif not is_same_series(each, before):
            self._kept_ranges.pop(view, None)
        self._follow(view)
        self.slices[view] = int(np.clip(self.slices[view], 0, grid.shape_zyx[0] - 1))
        self._by_hand.discard(view)
        if is_by_hand and self.is_beyond(view):
            self._by_hand.add(view)
        if camera is not None:
            self.cameras[view] = Camera(centre_mm=_centre_in(each, before, camera), zoom=camera.zoom)

    def show_place(self, view: View, size_px: tuple[int, int]) -> None:
        """Move a view so that the place looked at is on a canvas of a size (width and height)."""
        place, camera = self.crosshair(view), self.cameras.get(view)
        if place is None or camera is None:
            return
        on_canvas = camera.to_canvas(place, self._grids[view], size_px)
        if not ((on_canvas >= 0).all() and (on_canvas <= size_px).all()):
            row, column = place * self._grids[view].spacing_zyx[1:]
            self.cameras[view] = Camera(centre_mm=(float(row), float(column)), zoom=camera.zoom)

    def pin(self, current_lps: npt.ArrayLike, baseline_lps: npt.ArrayLike) -> None:
        """Link the visits by the same spot in each, pointed at by the reader."""
        self.pair = replace(
            self.pair,
            matrix_lps=pin_matrix(current_lps, baseline_lps),
            link_note="linked by a pin: holds near the pinned spot",
        )

    def _look_at(self, half: Half, point_lps: FloatArray) -> None:
        self._half, self._cursor = half, point_lps
        self._own[half] = point_lps
        self._by_hand = {view for view in self._by_hand if self.is_beyond(view)}

    def _first_cursor(self) -> tuple[Half, FloatArray]:
        if self.pair.focus_lps is not None:
            return Half.CURRENT, np.asarray(self.pair.focus_lps, dtype=np.float64)
        view = next((each for each in self._grids if each.half is Half.CURRENT), next(iter(self._grids)))
        middle = (np.array(self._grids[view].shape_zyx) - 1) // 2
        return view.half, self._grids[view].index_to_lps(middle)

    def _follow(self, view: View) -> bool:
        """Let a view show the place looked at; return whether its slice changed."""
        cursor = self.cursor_lps(view.half)
        if cursor is None or (view.half is not self._half and not self.is_linked):
            return False
        grid = self._grids[view]
        index = nearest_slice(linked_index(cursor, grid), grid).index
        is_changed = index != self.slices[view]
        self.slices[view] = index
        return is_changed

    def _place_in(self, view: View) -> FloatArray:
        """Return the place looked at in voxels of a view; the middle if the visits are not linked."""
        cursor = self.cursor_lps(view.half)
        grid = self._grids[view]
        if cursor is None:
            return np.array([self.slices[view], *((np.array(grid.shape_zyx[1:]) - 1) / 2.0)])
        return np.array(grid.lps_to_index(cursor))

    def _linked_camera(self, view: View, other: View) -> Camera | None:
        matrix = self.pair.between(view.half, other.half)
        if matrix is None:
            theirs = self.cameras.get(other)
            return (
                None if theirs is None else Camera(centre_mm=theirs.centre_mm, zoom=self.cameras[view].zoom)
            )
        camera = self.cameras[view]
        centre = np.array(camera.centre_mm) / self._grids[view].spacing_zyx[1:]
        index = linked_index(self.point_lps(view, centre), self._grids[other], matrix)
        row, column = index[1:] * self._grids[other].spacing_zyx[1:]
        return Camera(centre_mm=(float(row), float(column)), zoom=camera.zoom)


def _centre_in(each: CataloguedStack, before: CataloguedStack, camera: Camera) -> tuple[float, float]:
    """Return what a camera on one stack looks at in another (mm).

    The blocks of one series are planned alike, each about its disc: there it is the same part of the
    picture. Elsewhere it is the same place of the patient.
    """
    new, old = each.stack.geometry, before.stack.geometry
    centre = np.array(camera.centre_mm)
    if is_same_series(each, before):
        row, column = centre + _middle_mm(new) - _middle_mm(old)
    else:
        place = old.index_to_lps((0.0, *(centre / old.spacing_zyx[1:])))
        row, column = new.lps_to_index(place)[1:] * new.spacing_zyx[1:]
    return float(row), float(column)


def _middle_mm(grid: VolumeGeometry) -> FloatArray:
    """Return the middle of a slice, row and column (mm)."""
    return np.asarray((np.array(grid.shape_zyx[1:]) - 1) / 2.0 * grid.spacing_zyx[1:])

"""What the left button does in the views: point, propose, pin, move the base plane, draw the facet line.

Painting hands are napari's and do not come here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from herntrack._typing import FloatArray
from herntrack.errors import GeometryError
from herntrack.model.base_plane import BasePlane
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.views import Half, View

if TYPE_CHECKING:
    from napari_herntrack._qt.room.pane import Pane
    from napari_herntrack._qt.room.reading_room import ReadingRoom

GRAB_PX = 12.0
"""A corner is taken hold of from this distance (pixels)."""


class Hands:
    """Turns what the mouse did in a view into what the room does.

    Parameters
    ----------
    room : ReadingRoom
        The room.
    """

    def __init__(self, room: ReadingRoom) -> None:
        self._room = room
        self._held: int | None = None
        self._corner: FloatArray | None = None
        self._pins: dict[Half, FloatArray] = {}

    def watch(self, view: View, pane: Pane) -> None:
        """Connect the mouse of a pane."""
        mouse = pane.mouse
        mouse.entered.connect(lambda: self._room.choose_view(view))
        mouse.stepped.connect(lambda number: self._room.step(view, number))
        mouse.panned.connect(lambda x, y: self._pan(view, x, y))
        mouse.zoomed.connect(lambda factor, x, y: self._zoom(view, factor, x, y))
        mouse.windowed.connect(lambda x, y: self._window(view, x, y))
        mouse.painting.connect(lambda: self._room.paint_begun.emit(view))
        mouse.pressed.connect(lambda x, y: self._press(view, x, y))
        mouse.dragged.connect(lambda x, y: self._drag(view, x, y))
        mouse.released.connect(lambda x, y: self._release(view, x, y))

    def forget(self) -> None:
        """Drop what was begun: a corner, a pin."""
        self._held, self._corner = None, None
        self._pins.clear()
        self._room.facet_lines.forget()

    def _pan(self, view: View, x: float, y: float) -> None:
        state = self._room.state
        if state is not None and view in state.cameras:
            self._room.keep_cameras()
            self._room.show_cameras(state.set_camera(view, state.cameras[view].panned(x, y)))

    def _zoom(self, view: View, factor: float, x: float, y: float) -> None:
        state = self._room.state
        if state is not None and view in state.cameras:
            self._room.keep_cameras()
            size = self._room.panes[view].size_px
            camera = state.cameras[view].zoomed(factor, about_px=(x, y), size=size)
            self._room.show_cameras(state.set_camera(view, camera))

    def _window(self, view: View, x: float, y: float) -> None:
        state = self._room.state
        if state is not None and view in state.views:
            self._room.show_windows(state.drag_window(view, x, y))

    def _place(self, view: View, x: float, y: float) -> FloatArray | None:
        """Return the point under the mouse (LPS mm of the view's visit)."""
        state = self._room.state
        if state is None or view not in state.cameras:
            return None
        size = self._room.panes[view].size_px
        place = state.cameras[view].to_voxels(np.array([x, y]), state.grids[view], size)
        return state.point_lps(view, place)

    def _press(self, view: View, x: float, y: float) -> None:
        point = self._place(view, x, y)
        if point is None:
            return
        hand = self._room.hand
        if hand.paints:
            self._room.paint_refused.emit(view)
        elif hand is Hand.POINT:
            self._room.go_to(view.half, point)
        elif hand is Hand.PROPOSE:
            self._room.go_to(view.half, point)
            self._room.point_clicked.emit(view, point)
        elif hand is Hand.PIN:
            self._pin(view.half, point)
        elif hand is Hand.BASE_PLANE:
            self._take_corner(view, np.array([x, y]), point)
        elif hand is Hand.FACET_LINE:
            self._room.facet_lines.press(view, np.array([x, y]), point)

    def _drag(self, view: View, x: float, y: float) -> None:
        point = self._place(view, x, y)
        if point is None:
            return
        if self._room.hand is Hand.POINT:
            self._room.go_to(view.half, point)
        elif self._room.hand is Hand.BASE_PLANE and self._held is not None:
            self._move_corner(view, point)
        elif self._room.hand is Hand.FACET_LINE:
            self._room.facet_lines.drag(view, point)

    def _release(self, view: View, x: float, y: float) -> None:
        plane, point = self._room.base_planes.get(view), self._place(view, x, y)
        if self._room.hand is Hand.FACET_LINE and point is not None:
            self._room.facet_lines.release(view, np.array([x, y]), point)
        elif self._room.hand is Hand.BASE_PLANE and self._held is not None and plane is not None:
            self._held = None
            self._room.base_plane_dragged.emit(view, plane)

    def _pin(self, half: Half, point: FloatArray) -> None:
        state = self._room.state
        self._pins[half] = point
        self._room.go_to(half, point)
        if state is not None and len(self._pins) == len(Half):
            current, baseline = self._pins[Half.CURRENT], self._pins[Half.BASELINE]
            self.forget()
            state.pin(current, baseline)
            self._room.go_to(Half.CURRENT, current)
            self._room.pinned.emit(current, baseline)

    def _take_corner(self, view: View, place_px: FloatArray, point: FloatArray) -> None:
        """Take hold of the nearest corner; without a plane the first click is its upper corner."""
        state, plane = self._room.state, self._room.base_planes.get(view)
        if state is None:
            return
        if plane is None:
            if self._corner is None:
                self._corner = point
                return
            upper, lower = sorted((self._corner, point), key=lambda corner: -corner[2])
            self._corner = None
            self._make(view, upper, lower)
            self._held = 1
            return
        corners = state.grids[view].lps_to_index(np.asarray(plane.corners_lps))[:, 1:]
        size = self._room.panes[view].size_px
        places = state.cameras[view].to_canvas(corners, state.grids[view], size)
        distances = np.linalg.norm(places - place_px, axis=1)
        self._held = int(distances.argmin()) if distances.min() <= GRAB_PX else None

    def _move_corner(self, view: View, point: FloatArray) -> None:
        plane = self._room.base_planes.get(view)
        if plane is not None and self._held is not None:
            corners = [np.asarray(corner) for corner in plane.corners_lps]
            corners[self._held] = point
            self._make(view, corners[0], corners[1])

    def _make(self, view: View, upper: FloatArray, lower: FloatArray) -> None:
        state = self._room.state
        if state is None:
            return
        try:
            plane = BasePlane.from_corners(upper, lower, state.grids[view])
        except GeometryError as error:
            self._room.refused.emit(str(error))
            return
        self._room.set_base_plane(view.half, plane)

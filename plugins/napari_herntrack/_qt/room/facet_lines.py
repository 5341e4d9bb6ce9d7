"""The line between the facets in the views: drawn with a drag or two clicks, moved by its ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, Signal

from herntrack._typing import FloatArray
from herntrack.errors import GeometryError
from herntrack.model.facet_line import FacetLine
from napari_herntrack.viewing.facet_marks import NO_LINE, FacetOnView, facet_marks
from napari_herntrack.viewing.views import Half, View
from napari_herntrack.viewing.words import ViewWords

if TYPE_CHECKING:
    from napari_herntrack._qt.room.reading_room import ReadingRoom

GRAB_PX = 12.0
"""An end is taken hold of from this distance (pixels)."""

STILL_PX = 4.0
"""A press that moves less is a click (pixels)."""


class FacetLines(QObject):  # type: ignore[misc]  # Qt has no types here
    """The facet line of each visit, and the one that is being drawn.

    Parameters
    ----------
    room : ReadingRoom
        The room.

    Notes
    -----
    Signal: `drawn(View, ndarray)`, the two ends (LPS mm) when they were let go. Whoever hears it shows the
    line that counts then; one that is no line between facets is for them to refuse.
    """

    drawn = Signal(object, object)

    def __init__(self, room: ReadingRoom) -> None:
        super().__init__(room)
        self._room = room
        self._shown: dict[Half, FacetOnView] = {}
        self._drawing: FacetLine | None = None
        self._view: View | None = None
        self._begun: FloatArray | None = None
        self._fixed: FloatArray | None = None
        self._from_px: FloatArray | None = None
        self._is_held = False

    def show(self, half: Half, line: FacetLine | None, *, is_carried: bool = False) -> None:
        """Draw a line in the views of a visit, or none; a line that was let go makes room for it."""
        shown = FacetOnView(line=line, is_carried=is_carried)
        is_new, self._shown[half] = shown != self._shown.get(half), shown
        if self._drawing is not None and self._fixed is None:
            self.forget()
        elif is_new:
            self._redraw(half)

    def on_view(self, view: View) -> FacetOnView:
        """Return what a view has to draw."""
        shown = self._shown.get(view.half, NO_LINE)
        if self._view is None or view.half is not self._view.half:
            return shown
        if self._drawing is not None:
            return FacetOnView(line=self._drawing)
        if self._begun is None or view is not self._view:
            return shown
        x, y, z = (float(value) for value in self._begun)
        return FacetOnView(line=shown.line, is_carried=shown.is_carried, begun_lps=(x, y, z))

    def forget(self) -> None:
        """Drop what is being drawn."""
        view = self._view
        self._drawing = self._view = self._begun = self._fixed = self._from_px = None
        self._is_held = False
        if view is not None:
            self._redraw(view.half)

    def press(self, view: View, place_px: FloatArray, point: FloatArray) -> None:
        """Take hold of an end, or set one: the first, or after a click the second."""
        begun = self._begun if view is self._view and self._is_on_slice(view, self._begun) else None
        self.forget()
        self._view, self._from_px = view, place_px
        other_end = self._other_end(view, place_px)
        if other_end is not None:
            self._fixed, self._is_held = other_end, True
        elif begun is not None:
            self._fixed = begun
            self._draw_to(point)
        else:
            self._begun = self._fixed = point
        self._redraw(view.half)

    def drag(self, view: View, point: FloatArray) -> None:
        """Draw the line as far as the mouse has come."""
        if self._fixed is not None and view is self._view:
            self._draw_to(point)

    def release(self, view: View, place_px: FloatArray, point: FloatArray) -> None:
        """Say what was drawn; a first click waits for the second."""
        if self._fixed is None or self._from_px is None or view is not self._view:
            return
        is_still = float(np.linalg.norm(place_px - self._from_px)) < STILL_PX
        fixed, is_first = self._fixed, self._begun is not None
        self._fixed = self._from_px = None
        if is_still and self._is_held:
            self.forget()
        elif is_still and is_first:
            self._drawing = None
            self._redraw(view.half)
        else:
            self._begun = None
            self.drawn.emit(view, np.stack([fixed, point]))

    def _draw_to(self, point: FloatArray) -> None:
        """Show the line from the end that stays; what is none yet is not shown."""
        try:
            self._drawing = None if self._fixed is None else FacetLine.through([self._fixed, point])
        except GeometryError:
            self._drawing = None
        if self._view is not None:
            self._redraw(self._view.half)

    def _redraw(self, half: Half) -> None:
        self._room.redraw(view for view in self._room.panes if view.half is half)

    def _other_end(self, view: View, place_px: FloatArray) -> FloatArray | None:
        """Return the end opposite to the one under the mouse; None if there is none."""
        state, shown = self._room.state, self._shown.get(view.half, NO_LINE)
        if state is None or shown.line is None:
            return None
        grid, size = state.grids[view], self._room.panes[view].size_px
        ends = facet_marks(shown, grid, state.slices[view], ViewWords()).ends
        if not ends:
            return None
        places = state.cameras[view].to_canvas(np.asarray(ends), grid, size)
        distances = np.linalg.norm(places - place_px, axis=1)
        if distances.min() > GRAB_PX:
            return None
        return np.asarray(shown.line.ends_lps[1 - int(distances.argmin())])

    def _is_on_slice(self, view: View, point: FloatArray | None) -> bool:
        """Whether a point lies on the slice shown: a line is drawn in one."""
        state = self._room.state
        if state is None or point is None:
            return False
        return abs(float(state.grids[view].lps_to_index(point)[0]) - state.slices[view]) <= 0.5

"""A mask while a reader works on it: painted, undone, redone, counted.

Every change, whatever tool made it and on whatever slice, is one step of one history. A change
goes to the sink (the journal) before it counts: if it cannot be kept, it does not happen, so what
the reader sees is what is safe.

Public: `MaskSession`, `EditSink`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from herntrack._typing import MaskZYX
from herntrack.errors import DraftError, GeometryError, GeometryMismatchError
from herntrack.model.base_plane import BasePlane
from herntrack.model.facet_line import FacetLine
from herntrack.model.geometry import VolumeGeometry
from herntrack.reading_room.edits import NO_INDICES, FlatIndices, LineMove, MaskEdit, PlaneMove, Tool
from herntrack.reading_room.tools import brush_voxels, filled_holes, on_the_part, polygon_voxels
from herntrack.segmentation.edit import interpolate_slices, remove_islands, smooth_mask

SMOOTHING_MARGINS = 3.0
"""Room around a mask that smoothing needs, in radii: the filter reaches four half radii."""


class EditSink(Protocol):
    """Keeps changes; raises `DraftError` if it cannot, and has then kept nothing of the change."""

    def edited(self, edit: MaskEdit) -> None:
        """Keep a change."""

    def undone(self) -> None:
        """Keep that the last change was taken back."""

    def redone(self) -> None:
        """Keep that the change taken back last was made again."""


class MaskSession:
    """The mask of one reading on its stack's grid, with its history.

    Parameters
    ----------
    mask : ndarray of bool, shape `geometry.shape_zyx`
        What the session starts from; copied.
    geometry : VolumeGeometry
        Grid of the stack.
    base_plane : BasePlane, optional
        The reading's plane.
    facet_line : FacetLine, optional
        The reading's line between the facets.
    sink : EditSink, optional
        Keeps every change.

    Raises
    ------
    GeometryMismatchError
        If ``mask.shape`` differs from ``geometry.shape_zyx``.
    """

    def __init__(
        self,
        mask: MaskZYX,
        geometry: VolumeGeometry,
        *,
        base_plane: BasePlane | None = None,
        facet_line: FacetLine | None = None,
        sink: EditSink | None = None,
    ) -> None:
        _check_shape(mask, geometry)
        self._mask = np.array(mask, dtype=np.bool_, order="C")
        self._flat = self._mask.reshape(-1)
        self._geometry = geometry
        self._plane, self._line = base_plane, facet_line
        self._sink = sink
        self._done: list[MaskEdit] = []
        self._undone: list[MaskEdit] = []
        self._per_slice = np.count_nonzero(self._mask, axis=(1, 2))
        self._n_voxels = int(self._per_slice.sum())
        self._clean_at: int | None = 0

    @property
    def mask(self) -> MaskZYX:
        """The mask itself, not a copy: a view may show it, `record_painted` tells of paint put on it."""
        return self._mask

    @property
    def geometry(self) -> VolumeGeometry:
        """Grid of the mask."""
        return self._geometry

    @property
    def base_plane(self) -> BasePlane | None:
        """The reading's base plane."""
        return self._plane

    @property
    def facet_line(self) -> FacetLine | None:
        """The reading's line between the facets."""
        return self._line

    @property
    def n_voxels(self) -> int:
        """Voxels of the mask; kept up to date by what changes, never counted anew."""
        return self._n_voxels

    @property
    def volume_mm3(self) -> float:
        """Volume of the mask (mm3)."""
        return self._n_voxels * self._geometry.voxel_volume_mm3

    @property
    def outlined_slices(self) -> tuple[int, ...]:
        """Slices that hold at least one voxel."""
        return tuple(int(number) for number in np.nonzero(self._per_slice)[0])

    @property
    def is_dirty(self) -> bool:
        """Whether the state differs from the one that was saved last."""
        return self._clean_at != len(self._done)

    @property
    def is_outline_dirty(self) -> bool:
        """Whether outline or base plane were changed since the state that was saved last."""
        if self._clean_at is None:
            return True
        n_back = self._clean_at - len(self._done)
        since = self._undone[-n_back:] if n_back > 0 else self._done[self._clean_at :]
        return any(edit.is_of_outline for edit in since)

    @property
    def n_steps(self) -> int:
        """Changes that can be undone."""
        return len(self._done)

    @property
    def undo_tool(self) -> Tool | None:
        """What `undo` would take back; None if there is nothing."""
        return self._done[-1].tool if self._done else None

    @property
    def outline_tool(self) -> Tool | None:
        """What changed the outline or its plane last; None if nothing did."""
        return next((edit.tool for edit in reversed(self._done) if edit.is_of_outline), None)

    @property
    def redo_tool(self) -> Tool | None:
        """What `redo` would make again; None if there is nothing."""
        return self._undone[-1].tool if self._undone else None

    @property
    def tools_used(self) -> frozenset[Tool]:
        """What made the changes that count."""
        return frozenset(edit.tool for edit in self._done)

    def set_sink(self, sink: EditSink | None) -> None:
        """Say who keeps the changes from now on."""
        self._sink = sink

    def stroke(self, indices: npt.ArrayLike, value: bool, *, tool: Tool | None = None) -> MaskEdit | None:
        """Set voxels, as one step.

        Parameters
        ----------
        indices : array_like of int, shape (n,)
            Flat indices (C order); doubled ones and voxels that have the value already do no harm.
        value : bool
            What they become.
        tool : Tool, optional
            What did it; brush or eraser by default.

        Returns
        -------
        MaskEdit or None
            What changed; None if nothing did.

        Raises
        ------
        DraftError
            If the change could not be kept: then nothing changed.
        GeometryError
            If an index lies outside the mask.
        """
        touched = self._checked(indices)
        changed = np.unique(touched[self._flat[touched] != value])
        return self._make(
            MaskEdit(
                tool=tool or (Tool.BRUSH if value else Tool.ERASER),
                added=changed if value else NO_INDICES,
                removed=NO_INDICES if value else changed,
            )
        )

    def record_painted(
        self, indices: npt.ArrayLike, old_values: npt.ArrayLike, *, tool: Tool = Tool.BRUSH
    ) -> MaskEdit | None:
        """Take note of paint that a view put on `mask` itself, as one step.

        Parameters
        ----------
        indices : array_like of int, shape (n,)
            Flat indices that were painted, in the order of painting; doubled ones do no harm.
        old_values : array_like of bool, shape (n,)
            What each was before it was painted.
        tool : Tool
            What did it.

        Raises
        ------
        DraftError
            If the change could not be kept: then the old values are back and the view repaints.
        GeometryError
            If an index lies outside the mask.
        """
        touched = self._checked(indices)
        # The first mention of a voxel has the value from before the stroke.
        unique, first = np.unique(touched, return_index=True)
        old = np.asarray(old_values, dtype=np.bool_).reshape(-1)[first]
        changed, was = unique[self._flat[unique] != old], old[self._flat[unique] != old]
        edit = MaskEdit(tool=tool, added=changed[~was], removed=changed[was])
        try:
            self._keep(edit)
        except DraftError:
            self._flat[changed] = was
            raise
        return self._count(edit)

    def brush(
        self, slice_index: int, path_row_col: npt.ArrayLike, *, radius_mm: float, value: bool = True
    ) -> MaskEdit | None:
        """Paint along a path in one slice, or erase; see `tools.brush_voxels`."""
        return self.stroke(
            brush_voxels(self._geometry, slice_index, path_row_col, radius_mm=radius_mm), value
        )

    def polygon(
        self, slice_index: int, corners_row_col: npt.ArrayLike, *, value: bool = True
    ) -> MaskEdit | None:
        """Fill a polygon in one slice, or clear it; see `tools.polygon_voxels`."""
        voxels = polygon_voxels(self._geometry, slice_index, corners_row_col)
        return self.stroke(voxels, value, tool=Tool.POLYGON)

    def fill_holes(self, slice_index: int | None = None) -> MaskEdit | None:
        """Fill what the outlines enclose, in one slice or in all."""
        numbers = self.outlined_slices if slice_index is None else (slice_index,)
        found = [NO_INDICES]
        for number in numbers:
            filled = filled_holes(self._mask[number][None], 0)[0]
            offset = number * filled.size
            found.append(np.flatnonzero(filled & ~self._mask[number]) + offset)
        return self.stroke(np.concatenate(found), True, tool=Tool.FILL_HOLES)

    def interpolate(self) -> MaskEdit | None:
        """Fill the empty slices between outlined ones."""
        return self._replace_part(
            on_the_part(self._mask, self._geometry, interpolate_slices), Tool.INTERPOLATE
        )

    def smooth(self, *, radius_mm: float) -> MaskEdit | None:
        """Smooth the outline in every slice; its area stays."""
        part = on_the_part(
            self._mask,
            self._geometry,
            lambda mask, grid: smooth_mask(mask, grid, radius_mm=radius_mm),
            margin_mm=max(radius_mm, 0.0) * SMOOTHING_MARGINS,
        )
        return self._replace_part(part, Tool.SMOOTH)

    def remove_islands(self, *, smallest_mm3: float) -> MaskEdit | None:
        """Remove parts smaller than a volume (mm3); the largest stays."""
        part = on_the_part(
            self._mask,
            self._geometry,
            lambda mask, grid: remove_islands(mask, grid, smallest_mm3=smallest_mm3),
        )
        return self._replace_part(part, Tool.ISLANDS)

    def replace(self, mask: MaskZYX, *, base_plane: BasePlane | None = None) -> MaskEdit | None:
        """Put a proposal in the mask's place, as one step; its base plane too where it has one."""
        _check_shape(mask, self._geometry)
        wanted = np.ascontiguousarray(mask, dtype=np.bool_).reshape(-1)
        changed = np.flatnonzero(wanted != self._flat)
        was = self._flat[changed]
        move = None
        if base_plane is not None and base_plane != self._plane:
            move = PlaneMove(before=self._plane, after=base_plane)
        return self._make(MaskEdit(tool=Tool.PROPOSAL, added=changed[~was], removed=changed[was], plane=move))

    def clear(self, slice_index: int | None = None) -> MaskEdit | None:
        """Empty one slice, or the whole mask."""
        if slice_index is None:
            return self.stroke(np.flatnonzero(self._flat), False, tool=Tool.CLEAR)
        per_slice = self._geometry.shape_zyx[1] * self._geometry.shape_zyx[2]
        found = np.flatnonzero(self._mask[slice_index]) + slice_index * per_slice
        return self.stroke(found, False, tool=Tool.CLEAR)

    def move_base_plane(self, base_plane: BasePlane | None) -> MaskEdit | None:
        """Place, move or (None) take away the base plane, as one step."""
        if base_plane == self._plane:
            return None
        move = PlaneMove(before=self._plane, after=base_plane)
        return self._make(MaskEdit(tool=Tool.BASE_PLANE, added=NO_INDICES, removed=NO_INDICES, plane=move))

    def move_facet_line(self, facet_line: FacetLine | None) -> MaskEdit | None:
        """Draw, move or (None) take away the line between the facets, as one step."""
        if facet_line == self._line:
            return None
        line = LineMove(before=self._line, after=facet_line)
        return self._make(MaskEdit(tool=Tool.FACET_LINE, added=NO_INDICES, removed=NO_INDICES, line=line))

    def make(self, edit: MaskEdit) -> MaskEdit | None:
        """Make a change that was kept elsewhere; recovery replays a journal with it."""
        self._checked(edit.changed)
        return self._make(edit)

    def undo(self) -> MaskEdit | None:
        """Take the last change back; return what that changed, None if there is nothing to undo."""
        if not self._done:
            return None
        if self._sink is not None:
            self._sink.undone()
        edit = self._done.pop()
        self._undone.append(edit)
        return self._apply(edit.reversed())

    def redo(self) -> MaskEdit | None:
        """Make the change again that was taken back last; None if there is none."""
        if not self._undone:
            return None
        if self._sink is not None:
            self._sink.redone()
        edit = self._undone.pop()
        self._done.append(edit)
        return self._apply(edit)

    def mark_saved(self) -> None:
        """Take note that the present state was saved."""
        self._clean_at = len(self._done)

    def _replace_part(
        self, part: tuple[tuple[slice, slice, slice], MaskZYX] | None, tool: Tool
    ) -> MaskEdit | None:
        if part is None:
            return None
        box, wanted = part
        differs = np.argwhere(wanted != self._mask[box]) + [edge.start for edge in box]
        changed = np.ravel_multi_index(tuple(differs.T), self._mask.shape).astype(np.int64)
        was = self._flat[changed]
        return self._make(MaskEdit(tool=tool, added=changed[~was], removed=changed[was]))

    def _make(self, edit: MaskEdit) -> MaskEdit | None:
        self._keep(edit)
        return self._count(edit)

    def _keep(self, edit: MaskEdit) -> None:
        if self._sink is not None and not edit.is_nothing:
            self._sink.edited(edit)

    def _count(self, edit: MaskEdit) -> MaskEdit | None:
        if edit.is_nothing:
            return None
        if self._clean_at is not None and self._clean_at > len(self._done):
            # The saved state lay in the changes that were taken back: no undo leads to it any more.
            self._clean_at = None
        self._done.append(edit)
        self._undone.clear()
        return self._apply(edit)

    def _apply(self, edit: MaskEdit) -> MaskEdit:
        self._flat[edit.added] = True
        self._flat[edit.removed] = False
        per_slice = self._geometry.shape_zyx[1] * self._geometry.shape_zyx[2]
        np.add.at(self._per_slice, edit.added // per_slice, 1)
        np.subtract.at(self._per_slice, edit.removed // per_slice, 1)
        self._n_voxels += edit.net_voxels
        if edit.plane is not None:
            self._plane = edit.plane.after
        if edit.line is not None:
            self._line = edit.line.after
        return edit

    def _checked(self, indices: npt.ArrayLike) -> FlatIndices:
        flat = np.asarray(indices, dtype=np.int64).reshape(-1)
        if len(flat) and (int(flat.min()) < 0 or int(flat.max()) >= self._flat.size):
            raise GeometryError(
                f"voxel {int(flat.max() if flat.min() >= 0 else flat.min())} lies outside the mask of"
                f" {self._flat.size} voxels"
            )
        return flat


def _check_shape(mask: MaskZYX, geometry: VolumeGeometry) -> None:
    if mask.shape != geometry.shape_zyx:
        raise GeometryMismatchError(f"the mask has the shape {mask.shape} and its grid {geometry.shape_zyx}")

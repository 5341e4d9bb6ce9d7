"""One history for all tools and slices; counts that follow what changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from herntrack.errors import DraftError, GeometryError, GeometryMismatchError
from herntrack.reading_room.edits import MaskEdit, Tool
from herntrack.reading_room.mask_session import MaskSession
from herntrack.segmentation.edit import interpolate_slices
from tests.unit.reading_room.painted import LINE, PLANE, empty, sagittal

GRID = sagittal()


class Refusing:
    """A sink on a full disk."""

    def edited(self, _: MaskEdit) -> None:
        raise DraftError("no space")

    def undone(self) -> None:
        raise DraftError("no space")

    redone = undone


def started() -> MaskSession:
    mask = empty(GRID)
    mask[3, 10:20, 10:20] = True
    return MaskSession(mask, GRID)


def is_counted(session: MaskSession) -> bool:
    slices = tuple(np.nonzero(session.mask.any(axis=(1, 2)))[0])
    return session.n_voxels == session.mask.sum() and session.outlined_slices == slices


def test_a_stroke_counts_only_what_it_changed() -> None:
    session = started()
    edit = session.brush(3, [[10, 10]], radius_mm=2.0)
    assert edit is not None
    assert edit.tool is Tool.BRUSH
    assert edit.n_changed == edit.net_voxels == session.n_voxels - 100
    assert not np.isin(edit.added, np.flatnonzero(started().mask)).any()
    assert session.volume_mm3 == pytest.approx(session.mask.sum() * 4.0 * 0.5 * 0.8)
    assert is_counted(session)
    assert session.brush(3, [[10, 10]], radius_mm=2.0) is None
    assert session.n_steps == 1


def test_one_history_for_all_tools_and_slices() -> None:
    session = started()
    states = [session.mask.copy()]
    edits = []
    for change in (
        lambda: session.brush(1, [[12, 12], [12, 20]], radius_mm=3.0),
        lambda: session.brush(3, [[15, 15]], radius_mm=1.0, value=False),
        lambda: session.polygon(5, [[10, 10], [10, 30], [25, 20]]),
        session.fill_holes,
        session.interpolate,
        lambda: session.smooth(radius_mm=3.0),
        lambda: session.brush(6, [[35, 45]], radius_mm=1.0),
        lambda: session.remove_islands(smallest_mm3=60.0),
        lambda: session.clear(3),
        lambda: session.replace(states[0] ^ states[1]),
    ):
        edits.append(change())
        assert edits[-1] is not None
        assert is_counted(session)
        states.append(session.mask.copy())
    assert [edit.tool for edit in edits] == [
        Tool.BRUSH, Tool.ERASER, Tool.POLYGON, Tool.FILL_HOLES, Tool.INTERPOLATE, Tool.SMOOTH, Tool.BRUSH,
        Tool.ISLANDS, Tool.CLEAR, Tool.PROPOSAL,
    ]  # fmt: skip
    for state in states[-2::-1]:
        session.undo()
        assert np.array_equal(session.mask, state)
        assert is_counted(session)
    assert session.undo() is None
    assert session.redo_tool is Tool.BRUSH
    for state in states[1:]:
        session.redo()
        assert np.array_equal(session.mask, state)
        assert is_counted(session)
    assert session.redo() is None


def test_interpolation_is_that_of_the_whole_stack() -> None:
    session = started()
    session.brush(5, [[14, 18]], radius_mm=4.0)
    expected = interpolate_slices(session.mask, GRID)
    edit = session.interpolate()
    assert edit is not None
    assert edit.slices(GRID.shape_zyx) == (4,)
    assert np.array_equal(session.mask, expected)


def test_a_new_change_ends_what_could_be_redone() -> None:
    session = started()
    session.brush(0, [[5, 5]], radius_mm=1.0)
    session.undo()
    session.brush(0, [[9, 9]], radius_mm=1.0)
    assert session.redo_tool is None
    assert session.undo_tool is Tool.BRUSH


def test_unsaved_is_what_differs_from_the_last_save() -> None:
    session = started()
    assert not session.is_dirty
    session.brush(0, [[5, 5]], radius_mm=1.0)
    assert session.is_dirty
    session.mark_saved()
    assert not session.is_dirty
    session.undo()
    assert session.is_dirty
    session.redo()
    assert not session.is_dirty
    session.undo()
    session.brush(0, [[9, 9]], radius_mm=1.0)
    # One step as when it was saved, but another one.
    assert session.is_dirty
    session.undo()
    assert session.is_dirty


def test_the_base_plane_moves_with_the_history() -> None:
    session = started()
    lower = replace(PLANE, corners_lps=((0.0, 1.0, 6.0), (0.0, 1.0, -6.0)))
    edit = session.move_base_plane(PLANE)
    assert edit is not None
    assert (edit.n_changed, edit.slices(GRID.shape_zyx)) == (0, ())
    assert session.move_base_plane(PLANE) is None
    session.replace(empty(GRID), base_plane=lower)
    assert (session.base_plane, session.n_voxels) == (lower, 0)
    session.undo()
    assert (session.base_plane, session.n_voxels) == (PLANE, 100)
    session.undo()
    assert session.base_plane is None


def test_the_facet_line_moves_with_the_history_and_leaves_the_outline_as_it_was() -> None:
    session = started()
    session.replace(empty(GRID))
    session.mark_saved()
    edit = session.move_facet_line(LINE)
    assert edit is not None
    assert (edit.n_changed, edit.is_of_outline, edit.is_nothing) == (0, False, False)
    assert session.move_facet_line(LINE) is None
    assert (session.undo_tool, session.outline_tool) == (Tool.FACET_LINE, Tool.PROPOSAL)
    assert (session.is_dirty, session.is_outline_dirty) == (True, False)
    session.undo()
    assert (session.facet_line, session.is_dirty) == (None, False)
    session.redo()
    assert session.facet_line == LINE
    session.undo()
    session.undo()
    # Behind the saved state: the outline is another one.
    assert (session.is_dirty, session.is_outline_dirty) == (True, True)
    session.redo()
    session.brush(0, [[5, 5]], radius_mm=1.0)
    assert session.is_outline_dirty


def test_paint_of_a_view_is_taken_over_once() -> None:
    session = started()
    view = session.mask.view(np.uint8).reshape(-1)
    indices = np.array([7, 9, 9, 7, 4210, 8])
    old = view[indices].astype(bool)
    view[indices] = 1
    # A brush passes a voxel several times; later mentions have the paint as old value.
    old[2:4] = True
    edit = session.record_painted(indices, old)
    assert edit is not None
    assert edit.added.tolist() == [7, 8, 9, 4210]
    assert is_counted(session)
    session.undo()
    assert np.array_equal(session.mask, started().mask)


def test_erasing_of_a_view_is_taken_over_too() -> None:
    session = started()
    indices = np.flatnonzero(session.mask)[:5]
    session.mask.reshape(-1)[indices] = False
    edit = session.record_painted(indices, np.ones(5, dtype=bool), tool=Tool.ERASER)
    assert edit is not None
    assert (edit.net_voxels, session.n_voxels) == (-5, 95)
    assert session.record_painted([3], [False]) is None


def test_what_cannot_be_kept_does_not_happen() -> None:
    session = started()
    session.brush(0, [[5, 5]], radius_mm=1.0)
    before = session.mask.copy()
    session.set_sink(Refusing())
    with pytest.raises(DraftError):
        session.brush(2, [[5, 5]], radius_mm=2.0)
    session.mask.reshape(-1)[:4] = True
    with pytest.raises(DraftError):
        session.record_painted(range(4), [False] * 4)
    with pytest.raises(DraftError):
        session.undo()
    assert np.array_equal(session.mask, before)
    assert is_counted(session)
    assert session.n_steps == 1


def test_impossible_voxels_are_refused() -> None:
    session = started()
    for wrong in (-1, session.mask.size):
        with pytest.raises(GeometryError, match=f"voxel {wrong} lies outside"):
            session.stroke([3, wrong], True)
    with pytest.raises(GeometryMismatchError):
        session.replace(np.zeros((2, 2, 2), dtype=bool))
    with pytest.raises(GeometryMismatchError):
        MaskSession(np.zeros((2, 2, 2), dtype=bool), GRID)


def test_an_empty_mask_has_nothing_to_change() -> None:
    session = MaskSession(empty(GRID), GRID)
    assert session.interpolate() is session.smooth(radius_mm=2.0) is session.clear() is session.fill_holes()
    assert session.n_steps == 0

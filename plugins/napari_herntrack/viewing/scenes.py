"""What lies over a view's picture, put together from the room's state.

Public: `scene_of`, `OnView`.
"""

from __future__ import annotations

from dataclasses import dataclass

from herntrack._typing import FloatArray
from herntrack.model.base_plane import BasePlane
from napari_herntrack.viewing.facet_marks import NO_LINE, FacetOnView, facet_marks
from napari_herntrack.viewing.letters import edge_letters
from napari_herntrack.viewing.room_state import RoomState
from napari_herntrack.viewing.scene import MaskLook, Scene, Words
from napari_herntrack.viewing.views import View
from napari_herntrack.viewing.words import ViewWords


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OnView:
    """What a view shows that the state of the room does not know.

    Parameters
    ----------
    level : str
        The level in words.
    is_level_confirmed : bool
        Whether a person confirmed it.
    note : str
        A sentence in the middle.
    outlines : tuple of ndarray
        Of the mask on the slice shown.
    look : MaskLook
        How they are drawn.
    plane : BasePlane or None
        The visit's base plane.
    has_lines : bool
        Whether lines and outlines are drawn at all.
    is_kept : bool
        Whether the view stays with its stack because of unsaved work on it.
    facet : FacetOnView
        The visit's line between the facets.
    """

    level: str = ""
    is_level_confirmed: bool = False
    note: str = ""
    outlines: tuple[FloatArray, ...] = ()
    look: MaskLook = MaskLook.DRAFT
    plane: BasePlane | None = None
    has_lines: bool = True
    is_kept: bool = False
    facet: FacetOnView = NO_LINE


def scene_of(state: RoomState, view: View, on_view: OnView, view_words: ViewWords) -> Scene:
    """Return the scene of a view that has a stack."""
    each, grid, index = state.pair.stacks[view], state.grids[view], state.slices[view]
    n_slices = grid.shape_zyx[0]
    words = Words(
        top_left=(state.pair.caption(view),),
        top_right=view_words.of_stack(each),
        bottom_left=view_words.of_slice(
            index,
            n_slices,
            state.limits(view),
            is_beyond=state.is_beyond(view),
            is_kept=on_view.is_kept,
        ),
        level=on_view.level,
        is_level_confirmed=on_view.is_level_confirmed,
        units=view_words.units,
        note=on_view.note,
    )
    if not on_view.has_lines:
        return Scene(words=words, letters=edge_letters(grid), slice_place=(index, n_slices))
    line, corners = (None, None) if on_view.plane is None else state.base_line(view, on_view.plane)
    return Scene(
        words=words,
        letters=edge_letters(grid),
        slice_place=(index, n_slices),
        cross_lines=state.cross_lines(view),
        crosshair=state.crosshair(view),
        outlines=on_view.outlines,
        look=on_view.look,
        base_line=line,
        base_corners=corners,
        facet=facet_marks(on_view.facet, grid, index, view_words),
    )

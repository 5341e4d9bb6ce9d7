"""What a stroke changed, as flat indices, so that nobody counts a whole mask.

Public: `Stroke`, `stroke_of`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.views import View


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stroke:
    """One movement of a painting hand, already on the mask.

    Parameters
    ----------
    view : View
        Where it was made.
    hand : Hand
        What made it.
    indices : ndarray of int64, shape (n,)
        Flat indices (C order) of the voxels it touched, in the order of painting; a voxel that was
        painted twice stands twice.
    old_values : ndarray of bool, shape (n,)
        What each voxel was just before.
    value : bool
        What they are now.
    """

    view: View
    hand: Hand
    indices: npt.NDArray[np.int64]
    old_values: npt.NDArray[np.bool_]
    value: bool


def stroke_of(view: View, hand: Hand, item: Sequence[Any], shape_zyx: tuple[int, int, int]) -> Stroke | None:
    """Return the stroke that an item of a labels layer's history describes.

    Parameters
    ----------
    view, hand
        Where and with what.
    item : sequence
        Edits as napari's ``Labels.events.paint`` hands them on: each either has a bounding box, a
        mask in it, old values and the new one, or is a tuple of indices, old values and new ones.
    shape_zyx : tuple of int
        Of the mask.
    """
    indices, olds, value = [], [], False
    for edit in item:
        places, old, new = _parts(edit)
        indices.append(np.ravel_multi_index(places, shape_zyx))
        olds.append(np.broadcast_to(np.asarray(old) != 0, indices[-1].shape))
        value = bool(np.asarray(new).reshape(-1)[0])
    if not indices or not sum(map(len, indices)):
        return None
    return Stroke(
        view=view,
        hand=hand,
        indices=np.concatenate(indices).astype(np.int64),
        old_values=np.concatenate(olds),
        value=value,
    )


def _parts(edit: Any) -> tuple[tuple[npt.NDArray[np.int64], ...], Any, Any]:
    """Return the voxels of one edit, their old values, and the new one."""
    if not hasattr(edit, "slice_key"):
        places, old, new = edit
        return tuple(np.asarray(axis, dtype=np.int64) for axis in places), old, new
    starts = [part.start for part in edit.slice_key]
    sizes = tuple(part.stop - part.start for part in edit.slice_key)
    if edit.mask is None:
        inside = np.indices(sizes).reshape(len(sizes), -1)
        old = np.asarray(edit.old_values).reshape(-1)
    else:
        inside = np.array(np.nonzero(np.asarray(edit.mask).reshape(sizes)))
        old = np.asarray(edit.old_values)
    return tuple(axis + start for axis, start in zip(inside, starts, strict=True)), old, edit.new_value

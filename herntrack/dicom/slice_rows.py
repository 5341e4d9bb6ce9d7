"""A row of parallel slices: where it breaks off and goes on elsewhere, and which slices lie beside it.

Public: `PlacedSlice`, `blocks_of`, `displaced_problems`, `distances`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from herntrack._typing import FloatArray
from herntrack.dicom.placed_images import PlacedImage
from herntrack.dicom.regularity import is_even_but_for_missing, missing_in_step, typical_step
from herntrack.model.geometry import orientation_vectors
from herntrack.model.images import InstanceHeader

SAME_POSITION_MM = 0.01
"""Slices nearer than this along the normal are at one position (mm); headers are written to 0.01."""

IN_PLANE_JUMP_MM = 1.0
"""A sideways shift against the stack's own line that begins another block (mm)."""

MOST_DISPLACED = 2
"""So many neighbouring slices at most are taken to be beside their row; more are a block of their own."""

BLOCK_GAP_FACTOR = 1.5
"""A step longer than this many typical steps is a gap (no unit)."""

MOST_HIDDEN = 3
"""So many slices at most are taken to be missing where the image numbers hide it.

Blocks through neighbouring discs lie 35 mm apart and are 12 to 20 mm thick, which leaves four
or more steps between them.
"""


class PlacedSlice(NamedTuple):
    """An image with its position as an array, and its place along the normal."""

    image: PlacedImage
    position: FloatArray
    """ImagePositionPatient, shape (3,), LPS mm."""
    along: float
    """Distance along the slice normal (mm)."""

    @property
    def header(self) -> InstanceHeader:
        """What the image may share with others."""
        return self.image.header


def blocks_of(slices: list[PlacedSlice]) -> list[list[PlacedSlice]]:
    """Cut a row of parallel slices where it breaks off and goes on elsewhere."""
    if len(slices) < 3:
        return [slices] if len(slices) < 2 or _is_one_line(slices) else [[item] for item in slices]
    steps = np.diff([item.position for item in slices], axis=0)
    along = np.diff([item.along for item in slices])
    sideways = _sideways_jump(slices[0].header, steps, along)
    cuts = [i + 1 for i in range(len(steps)) if sideways[i] > IN_PLANE_JUMP_MM]
    blocks = _rejoined(_cut(slices, cuts))
    return [part for block in blocks for part in _cut_at_gaps(block)]


def displaced_problems(slices: Sequence[PlacedSlice]) -> list[str]:
    """Return which slices lie beside their row, one sentence for each."""
    if len(slices) < 3:
        return []
    steps = np.diff([item.position for item in slices], axis=0)
    along = distances(slices)
    sideways = _sideways_jump(slices[0].header, steps, np.diff(along)).tolist()
    jumps = [i for i, jump in enumerate(sideways) if jump > IN_PLANE_JUMP_MM]
    return [
        f"slice at {along[i]:.2f} mm along the normal lies {sideways[begin]:.1f} mm beside the others' line"
        for begin, end in zip(jumps[::2], jumps[1::2], strict=False)
        for i in range(begin + 1, end + 1)
    ]


def _rejoined(blocks: list[list[PlacedSlice]]) -> list[list[PlacedSlice]]:
    """Put together what only slices beside their row cut: behind them it goes on as if they were in line."""
    joined = blocks[:1]
    rest = blocks[1:]
    while rest:
        if len(rest) > 1 and len(rest[0]) <= MOST_DISPLACED and _goes_on(joined[-1], *rest[:2]):
            joined[-1] = joined[-1] + rest.pop(0) + rest.pop(0)
        else:
            joined.append(rest.pop(0))
    return joined


def _goes_on(left: list[PlacedSlice], between: list[PlacedSlice], right: list[PlacedSlice]) -> bool:
    row = max(left, right, key=len)
    if len(row) < 2 or not is_even_but_for_missing(distances(left + between + right)):
        return False
    direction = (row[-1].position - row[0].position) / (row[-1].along - row[0].along)
    expected = left[-1].position + direction * (right[0].along - left[-1].along)
    return bool(np.linalg.norm(right[0].position - expected) <= IN_PLANE_JUMP_MM)


def _is_one_line(slices: Sequence[PlacedSlice]) -> bool:
    # Two slices make a stack unless they lie side by side in (nearly) one plane.
    step = slices[1].position - slices[0].position
    along = abs(slices[1].along - slices[0].along)
    return bool(along > SAME_POSITION_MM and np.linalg.norm(step) <= 2 * along)


def _sideways_jump(header: InstanceHeader, steps: FloatArray, along: FloatArray) -> FloatArray:
    """Return how far each step leaves the stack's line sideways (mm), shape (n_steps,).

    A gantry tilt shifts every step sideways in proportion to its length; that common
    slope is not a jump.
    """
    row, column = orientation_vectors(header.image_orientation_patient or ())
    in_plane = np.stack([steps @ row, steps @ column], axis=1)
    moved = np.abs(along) > SAME_POSITION_MM
    slopes = (in_plane[moved] / along[moved, None]).T
    slope = [typical_step(each) for each in slopes] if moved.any() else [0.0, 0.0]
    return np.asarray(np.linalg.norm(in_plane - slope * along[:, None], axis=1))


def _cut_at_gaps(slices: list[PlacedSlice]) -> list[list[PlacedSlice]]:
    """Cut where a wide gap leads to the next block (see `herntrack.dicom.stacks`)."""
    if len(slices) < 4:
        return [slices]
    steps = np.diff(distances(slices))
    typical = typical_step(steps)
    gaps = [i for i, step in enumerate(steps.tolist()) if step > BLOCK_GAP_FACTOR * typical]
    if not gaps:
        return [slices]
    told_apart = _gaps_between_acquisitions(slices, gaps)
    parts = _cut(slices, [i + 1 for i in gaps])
    cuts = []
    for i, (left, right) in zip(gaps, pairwise(parts), strict=True):
        n_missing = missing_in_step(float(steps[i]), typical)
        if _leads_on(left, right, n_missing, is_told_apart=i in told_apart):
            cuts.append(i + 1)
    blocks = _cut(slices, cuts)
    are_stacks = all(is_even_but_for_missing(distances(block)) for block in blocks)
    return blocks if are_stacks else [slices]


def _leads_on(
    left: list[PlacedSlice], right: list[PlacedSlice], n_missing: int, *, is_told_apart: bool
) -> bool:
    """Return whether the gap between two parts of a row is the way to the next block.

    Parameters
    ----------
    left, right : list of PlacedSlice
        The slices up to the gap before, and up to the gap behind it.
    n_missing : int
        How many slices would fill the gap, 0 if no whole number does.
    is_told_apart : bool
        Whether AcquisitionNumber changes here and nowhere within a part.
    """
    may_be_missing = 0 < n_missing <= MOST_HIDDEN
    before, after = left[-1].image.number, right[0].image.number
    if before is None or after is None:
        return is_told_apart and not may_be_missing
    if abs(after - before) == 1:
        return is_told_apart or not may_be_missing
    if _are_neighbouring_runs(left, right):
        # The numbers jump here and go on at the far ends: no lack of slices makes them do that.
        return True
    leaves_room = abs(after - before) == n_missing + 1
    return is_told_apart and not leaves_room


def _are_neighbouring_runs(left: list[PlacedSlice], right: list[PlacedSlice]) -> bool:
    """Return whether the image numbers of each part are a run without holes, and so are those of both."""
    return all(map(_is_run, (left, right, left + right)))


def _is_run(slices: Sequence[PlacedSlice]) -> bool:
    numbers = {item.image.number for item in slices if item.image.number is not None}
    return len(numbers) == len(slices) == max(numbers) - min(numbers) + 1


def _gaps_between_acquisitions(slices: Sequence[PlacedSlice], gaps: Sequence[int]) -> set[int]:
    """Return the gaps at which AcquisitionNumber changes, if it changes nowhere else and never back."""
    # A scanner that counts every rotation changes the number from slice to slice, which parts nothing.
    numbers = [item.header.acquisition_number for item in slices]
    changes = {i for i, (before, after) in enumerate(pairwise(numbers)) if before != after}
    is_told = None not in numbers and changes <= set(gaps) and len(set(numbers)) == len(changes) + 1
    return changes if is_told else set()


def distances(slices: Sequence[PlacedSlice]) -> FloatArray:
    """Return how far along the normal each slice lies (mm), shape (n_slices,)."""
    return np.array([item.along for item in slices])


def _cut(slices: list[PlacedSlice], cuts: Sequence[int]) -> list[list[PlacedSlice]]:
    edges = [0, *cuts, len(slices)]
    return [slices[first:last] for first, last in pairwise(edges)]

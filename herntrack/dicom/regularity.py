"""What is wrong with a row of slices, and what may be measured on it all the same.

A volume is a number of voxels times one constant voxel. So these rules hold, and each is
said where it bites:

* A stack is *regular* if every step from slice to slice is the same within 0.05 mm or 1 %.
  It is measured on.
* A stack whose steps are uneven, that misses slices, or in which some positions were imaged
  more often than others is *irregular*. No mask is accepted on it and no lesion is called
  absent on it: part of the level may lie where no slice is. A visit that has nothing else is
  recorded as not evaluable. Its problems name the places in millimetres along the normal.
* It is not cut into its even runs, although each run alone would be a volume: a lesion that
  reaches the end of a run would lose what lies in the gap, without a sign of it in the mask;
  and the stack would change its name when the missing slice arrives. Exporting the series
  again mends it: the stack keeps its name and becomes regular.
* Positions that were all imaged equally often are as many regular stacks, each measured on
  by itself. So are repeats of part of the positions, if AcquisitionNumber tells them apart.
* Parallel blocks are stacks of their own, each measured on by itself: a mask never crosses
  from one to the next.
* A gantry tilt makes a regular stack with a sheared affine, which is measured on: the volume
  of a voxel is the determinant. The positions decide, because GantryDetectorTilt is nominal
  ("not intended for mathematical computations", DICOM PS3.3 C.8.15.3.3); where it contradicts
  them, the stack says so, and how far a volume would be out.

Public: `typical_step`, `uneven_steps`, `missing_in_step`, `is_even_but_for_missing`,
`step_problems`, `repeat_problem`, `tilt_problem`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from herntrack._typing import FloatArray
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.sentences import sentence

EVEN_STEP_MM = 0.05
"""Smallest deviation of a slice step that is called uneven (mm)."""

EVEN_STEP_FRACTION = 0.01
"""The same as a fraction of the step, whichever is larger: 1 % of spacing is 1 % of volume."""

MOST_NAMED = 6
"""So many places are named one by one; the others are counted."""

TILT_TOLERANCE_DEGREES = 0.5
"""GantryDetectorTilt is a whole or half degree on most consoles (degrees)."""

STEEPEST_GANTRY_DEGREES = 45.0
"""No gantry tilts further; a larger value says nothing of volumes (degrees)."""


def typical_step(steps: FloatArray) -> float:
    """Return the median of the steps (mm); as `numpy.median`, which takes longer for so few."""
    ordered = sorted(steps.tolist())
    middle = len(ordered) // 2
    return float(ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)


def uneven_steps(along: FloatArray) -> list[int]:
    """Return the indices of steps that differ from the typical one.

    Parameters
    ----------
    along : ndarray of float64, shape (n_slices,)
        Distances along the slice normal, ascending (mm).
    """
    steps = np.diff(along)
    typical = typical_step(steps)
    tolerance = max(EVEN_STEP_MM, EVEN_STEP_FRACTION * typical)
    return [i for i, step in enumerate(steps.tolist()) if abs(step - typical) > tolerance]


def missing_in_step(step: float, typical: float) -> int:
    """Return how many slices a step leaves out, 0 if it is no whole multiple of the typical one.

    Parameters
    ----------
    step, typical : float
        Distances of neighbouring slices (mm).
    """
    n_missing = step / typical - 1 if typical > 0 else 0.0
    tolerance = max(EVEN_STEP_MM, EVEN_STEP_FRACTION * step)
    is_whole = n_missing >= 0.9 and abs(n_missing - round(n_missing)) * typical <= tolerance
    return round(n_missing) if is_whole else 0


def step_problems(along: FloatArray) -> list[str]:
    """Return what is wrong with the steps of a row of slices, one sentence for each place.

    Parameters
    ----------
    along : ndarray of float64, shape (n_slices,)
        Distances along the slice normal, ascending (mm).
    """
    if len(along) == 1:
        return [sentence("single_slice", place=f"{along[0]:.2f}")]
    uneven = uneven_steps(along)
    typical = typical_step(np.diff(along))
    problems = [_step_problem(float(along[i]), float(along[i + 1]), typical) for i in uneven[:MOST_NAMED]]
    if len(uneven) > MOST_NAMED:
        first, last = along[uneven[MOST_NAMED]], along[uneven[-1] + 1]
        n_more = len(uneven) - MOST_NAMED
        problems.append(sentence("more_uneven", n=n_more, first=f"{first:.2f}", last=f"{last:.2f}"))
    return problems


def _step_problem(before: float, after: float, typical: float) -> str:
    step = after - before
    n_missing = missing_in_step(step, typical)
    span = {"before": f"{before:.2f}", "after": f"{after:.2f}", "typical": f"{typical:.2f}"}
    if not n_missing:
        return sentence("uneven_step", step=f"{step:.2f}", **span)
    places = [before + step * (i + 1) / (n_missing + 1) for i in range(n_missing)]
    if n_missing > MOST_NAMED:
        named = f"{places[0]:.2f} to {places[-1]:.2f}"
    else:
        named = ", ".join(f"{place:.2f}" for place in places)
    return sentence("slices_missing", n=n_missing, places=named, **span)


def repeat_problem(places: Iterable[tuple[float, int]]) -> str:
    """Return the sentence for positions that were imaged unequally often, empty if there are none.

    Parameters
    ----------
    places : iterable of (float, int)
        Each position along the slice normal (mm), and how many images lie there.
    """
    counted = sorted(places)
    counts = Counter(number for _, number in counted)
    if len(counts) < 2:
        return ""
    usual = max(counts, key=lambda number: (counts[number], -number))
    others = [(place, number) for place, number in counted if number != usual]
    named = ", ".join(f"{number} at {place:.2f} mm" for place, number in others[:MOST_NAMED])
    more = f" and {len(others) - MOST_NAMED} more places" if len(others) > MOST_NAMED else ""
    return (
        f"positions were imaged unequally often: {named}{more} along the normal, {usual} at each other;"
        " which images belong together is open"
    )


def tilt_problem(geometry: VolumeGeometry, stated_degrees: float | None) -> str:
    """Return the sentence for a stated gantry tilt that the positions do not show, else nothing.

    Only sizes are compared: vendors do not agree on the sign.

    Parameters
    ----------
    geometry : VolumeGeometry
        The grid as the positions give it.
    stated_degrees : float or None
        GantryDetectorTilt (degrees).
    """
    if stated_degrees is None:
        return ""
    shown, stated = geometry.tilt_degrees, abs(stated_degrees)
    if abs(shown - stated) <= TILT_TOLERANCE_DEGREES:
        return ""
    said = (
        f"GantryDetectorTilt is {stated_degrees:.1f} degrees, the slices are shifted as by {shown:.1f}"
        " degrees; the positions decide"
    )
    if max(stated, shown) >= STEEPEST_GANTRY_DEGREES:
        return said
    # The table moves the same way; what counts is its part across the slices.
    excess = float(np.cos(np.radians(shown)) / np.cos(np.radians(stated)) - 1) * 100
    size = "large" if excess > 0 else "small"
    return f"{said}. If the header were right, volumes would be {abs(excess):.1f} % too {size}"


def is_even_but_for_missing(along: FloatArray) -> bool:
    """Return whether a row has at least two slices and its steps are whole multiples of one.

    Parameters
    ----------
    along : ndarray of float64, shape (n_slices,)
        Distances along the slice normal, ascending (mm).
    """
    if len(along) < 2:
        return False
    steps = np.diff(along)
    typical = typical_step(steps)
    return all(missing_in_step(float(steps[i]), typical) for i in uneven_steps(along))

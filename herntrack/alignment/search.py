"""Where the follow-up may lie: starting motions from the whole search range.

For a few turns all shifts are scored at once by masked correlation through the Fourier transform
(after Padfield 2012, IEEE TIP 21:2706) of both stacks on a coarse grid. A spine repeats itself
every vertebra, so beside the best shifts the best ones a vertebra up and down are starts too.

Public: `Start`, `find_starts`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft

from herntrack._typing import Affine4x4, FloatArray
from herntrack.alignment.cube import STEP_MM, Cube, box_of, cube, evened, middle_of
from herntrack.alignment.rigid import motion
from herntrack.alignment.sampling import Float32
from herntrack.alignment.scales import Scale

TURN_DEGREES = 8.0
"""Angle of the turns that are tried about each axis, beside none (degrees)."""

TURN_MARGIN = 1.12
"""How much larger the box of a turned stack is (no unit)."""

LEAST_OVERLAP = 0.3
"""Share of the smaller stack that must lie in the other (no unit)."""

VERTEBRA_MM = (20.0, 52.0)
"""How far apart neighbouring vertebrae are along the body (mm), with a margin."""

ASIDE_MM, FORWARD_MM = 20.0, 35.0
"""How far a neighbouring vertebra lies to the side and to front or back at most (mm)."""

APART_MM = 9.0
"""Peaks nearer to each other than this are one (mm)."""

Place = npt.NDArray[np.intp]
"""Index of a score, shape (3,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Start:
    """A motion from baseline to follow-up to begin with, and its correlation on the coarse grid."""

    to_followup: Affine4x4
    score: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Landscape:
    """Scores of all shifts for one turn.

    Parameters
    ----------
    scores : ndarray of float32, shape (n_x, n_y, n_z)
        Correlations; -1 where stacks hardly overlap.
    shifts : tuple of 3 ndarray
        Signed shift of each index along each axis (grid steps).
    turn : ndarray of float64, shape (4, 4)
        Takes a point of the box to the follow-up before the shift.
    apart : ndarray of float64, shape (3,)
        From the first point of the baseline's box to that of the follow-up's (mm).
    """

    scores: Float32
    shifts: tuple[Place, Place, Place]
    turn: Affine4x4
    apart: FloatArray

    def start(self, place: Place) -> Start:
        """Return the motion of a place."""
        shift = np.array([self.shifts[a][place[a]] for a in range(3)])
        to_followup = self.turn @ motion((0, 0, 0), self.apart - STEP_MM * shift, (0, 0, 0))
        return Start(to_followup=to_followup, score=float(self.scores[tuple(place)]))

    def peaks(self, n_best: int) -> list[Place]:
        """Return the highest places that are not next to each other."""
        found: list[Place] = []
        scores = self.scores.copy()
        reach = int(np.ceil(APART_MM / STEP_MM))
        for _ in range(n_best):
            place = np.array(np.unravel_index(int(np.argmax(scores)), scores.shape))
            if scores[tuple(place)] <= 0:
                break
            found.append(place)
            lengths = zip(place, scores.shape, strict=True)
            around = [np.arange(p - reach, p + reach + 1) % n for p, n in lengths]
            scores[np.ix_(*around)] = -1.0
        return found

    def beside(self, place: Place) -> list[Place]:
        """Return the best places about one vertebra above and below a place."""
        x, y, z = ((self.shifts[a] - self.shifts[a][place[a]]) * STEP_MM for a in range(3))
        near = (np.abs(x) <= ASIDE_MM)[:, None] & (np.abs(y) <= FORWARD_MM)
        found = []
        for sign in (1, -1):
            along = (sign * z >= VERTEBRA_MM[0]) & (sign * z <= VERTEBRA_MM[1])
            masked = np.where(near[:, :, None] & along, self.scores, -2.0)
            peak = np.array(np.unravel_index(int(np.argmax(masked)), masked.shape))
            if masked[tuple(peak)] > 0:
                found.append(peak)
        return found


def find_starts(baseline: Scale, followup: Scale, *, n_best: int) -> tuple[list[Start], list[Start]]:
    """Return starting motions, best first, and those a vertebra away from the best.

    Parameters
    ----------
    baseline, followup : Scale
        The stacks at some millimetres.
    n_best : int
        How many shifts to keep for each turn.
    """
    fixed_box, moving_box = box_of(baseline), box_of(followup, margin=TURN_MARGIN)
    fixed, moving = cube(evened(baseline), fixed_box, np.eye(4)), evened(followup)
    lengths = tuple(zip(fixed_box.shape_xyz, moving_box.shape_xyz, strict=True))
    size = [fft.next_fast_len(a + b, real=True) for a, b in lengths]
    # Correlation is circular: the indices beyond the baseline's length are shifts below 0.
    signed = [_signed(n, below) for n, (_, below) in zip(size, lengths, strict=True)]
    spectra = [fft.rfftn(part, size) for part in (fixed.values, fixed.values**2, fixed.mask)]
    landscapes = []
    for vector in _turns():
        turn = motion(vector, (0, 0, 0), middle_of(followup))
        scores = _scores(spectra, fixed, cube(moving, moving_box, turn), size)
        apart = moving_box.low_lps - fixed_box.low_lps
        landscapes.append(
            _Landscape(scores=scores, shifts=(signed[0], signed[1], signed[2]), turn=turn, apart=apart)
        )
    peaks = [each.peaks(n_best) for each in landscapes]
    starts = [each.start(place) for each, places in zip(landscapes, peaks, strict=True) for place in places]
    best = max(range(len(landscapes)), key=lambda number: float(landscapes[number].scores.max()))
    beside = landscapes[best].beside(peaks[best][0]) if peaks[best] else []
    return sorted(starts, key=lambda start: -start.score), [landscapes[best].start(each) for each in beside]


def _signed(length: int, below: int) -> Place:
    """Return the shifts that the indices of one axis stand for."""
    index = np.arange(length)
    return np.where(index > length - below, index - length, index)


def _turns() -> list[FloatArray]:
    """Return the turns that are tried: none and both ways about each axis (radians)."""
    angle = np.radians(TURN_DEGREES)
    return [np.zeros(3), *(sign * angle * axis for axis in np.eye(3) for sign in (1.0, -1.0))]


def _scores(spectra: list[npt.NDArray[np.complex64]], fixed: Cube, moving: Cube, size: list[int]) -> Float32:
    """Return the masked correlation of every shift; index k of the baseline meets k - shift."""
    parts = (moving.values, moving.values**2, moving.mask)
    values, squares, mask = (np.conj(fft.rfftn(part, size)) for part in parts)
    both = fft.irfftn(spectra[0] * values, size)
    fixed_energy = fft.irfftn(spectra[1] * mask, size)
    moving_energy = fft.irfftn(spectra[2] * squares, size)
    overlap = fft.irfftn(spectra[2] * mask, size)
    least = LEAST_OVERLAP * min(float(fixed.mask.sum()), float(moving.mask.sum()))
    # Energies of less than a voxel are rounding errors of the transform.
    energy = np.sqrt(np.maximum(fixed_energy, 1.0) * np.maximum(moving_energy, 1.0))
    return np.asarray(np.where(overlap >= max(least, 1.0), both / energy, -1.0), dtype=np.float32)

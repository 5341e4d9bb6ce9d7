"""How far off a volume is, and what may be said of the difference of two.

The error of a volume grows with its surface, because contour and base plane are misplaced by
about the same distance everywhere::

    sigma(V) = sqrt(a^2 + (k * V^(2/3))^2)      V, a in mm3; k in mm

``k`` is one number for readings by the same reader under the same protocol and a larger one
otherwise. Its default comes from a simulation and is on the low side; `calibrate_boundary_k`
replaces it by a site's own, from blind repeat readings.

The errors of two readings are taken as independent and normal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri

from herntrack._typing import FloatArray
from herntrack.errors import MeasurementError

Z_95_TWO_SIDED = 1.96
"""Normal quantile of a two-sided 95 % interval (no unit)."""

SURFACE_EXPONENT = 2.0 / 3.0
"""Volume to the power of this grows like a surface (no unit)."""

MIN_REPEAT_PAIRS = 20
"""Fewest repeat readings that calibrate a site; 35 are better (pairs).

With 20 pairs the upper bound is 1.36 times the estimate, with 35 it is 1.25 times.
"""

UPPER_BOUND_CONFIDENCE = 0.95
"""Confidence of the one-sided upper bound of a calibrated k (no unit)."""

_BISECTIONS = 60


def sigma_array_mm3(
    volumes_mm3: FloatArray, *, boundary_k_mm: FloatArray | float, floor_mm3: float
) -> FloatArray:
    """Return the standard error of each volume.

    Parameters
    ----------
    volumes_mm3 : ndarray of float64, any shape
        Volumes, none negative (mm3).
    boundary_k_mm : float or ndarray that broadcasts against `volumes_mm3`
        Standard error of the surface's place (mm).
    floor_mm3 : float
        Error that remains at volume 0 (mm3).

    Returns
    -------
    ndarray of float64
        Standard errors (mm3), in the shape of the broadcast.
    """
    surface_mm2 = np.square(np.cbrt(volumes_mm3))
    return np.asarray(np.hypot(floor_mm3, boundary_k_mm * surface_mm2), dtype=np.float64)


def sigma_mm3(volume_mm3: float, *, boundary_k_mm: float, floor_mm3: float) -> float:
    """Return the standard error of one volume (mm3); see the module for the formula.

    Raises
    ------
    MeasurementError
        If the volume is negative or not finite, or an error parameter is not positive.
    """
    if not math.isfinite(volume_mm3) or volume_mm3 < 0:
        raise MeasurementError(f"{volume_mm3} mm3 is no volume; it must be finite and not negative")
    if not (boundary_k_mm > 0 and floor_mm3 > 0):
        raise MeasurementError(
            f"an error model has k > 0 mm and a floor > 0 mm3, not {boundary_k_mm} and {floor_mm3}"
        )
    return float(sigma_array_mm3(np.array([volume_mm3]), boundary_k_mm=boundary_k_mm, floor_mm3=floor_mm3)[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeChange:
    """The difference of a follow-up from its baseline.

    Parameters
    ----------
    change_mm3, change_sigma_mm3 : float
        Follow-up minus baseline, and its standard error.
    z : float
        ``-change_mm3 / change_sigma_mm3``: positive for a loss.
    change_percent : float or None
        Change in per cent of the baseline; None for a baseline of 0.
    change_percent_low, change_percent_high : float or None
        95 % interval of `change_percent`. The low limit is never below -100. The high limit
        is None if none can be stated: then the baseline is not significantly above 0 and
        the low limit is -100.
    """

    change_mm3: float
    change_sigma_mm3: float
    z: float
    change_percent: float | None
    change_percent_low: float | None
    change_percent_high: float | None


def volume_change(
    baseline_mm3: float, followup_mm3: float, *, boundary_k_mm: float, floor_mm3: float
) -> VolumeChange:
    """Return the change of a volume with its error.

    The interval of the percentage is Fieller's (1954, J R Stat Soc B 16:175) for the ratio of
    two independent normal estimates. Propagating errors linearly would give a symmetric
    interval whose coverage fails just where it matters, at small baselines; Fieller's is
    exact for known standard errors, leaves out 0 % exactly when ``abs(z) > 1.96``, and says so
    when the baseline is too uncertain for any ratio.

    Parameters
    ----------
    baseline_mm3, followup_mm3 : float
        Volumes (mm3).
    boundary_k_mm : float
        Surface error of both readings (mm): the mixed one for both unless reader and
        protocol are the same.
    floor_mm3 : float
        Error that remains at volume 0 (mm3).

    Raises
    ------
    MeasurementError
        If a volume is negative or not finite, or an error parameter is not positive.
    """
    sigma0 = sigma_mm3(baseline_mm3, boundary_k_mm=boundary_k_mm, floor_mm3=floor_mm3)
    sigma1 = sigma_mm3(followup_mm3, boundary_k_mm=boundary_k_mm, floor_mm3=floor_mm3)
    change_sigma = math.hypot(sigma0, sigma1)
    percent, low, high = None, None, None
    if baseline_mm3 > 0:
        percent = 100.0 * (followup_mm3 / baseline_mm3 - 1.0)
        low, high = _fieller_percent(baseline_mm3, followup_mm3, sigma0, sigma1)
    return VolumeChange(
        change_mm3=followup_mm3 - baseline_mm3,
        change_sigma_mm3=change_sigma,
        z=(baseline_mm3 - followup_mm3) / change_sigma,
        change_percent=percent,
        change_percent_low=low,
        change_percent_high=high,
    )


def _fieller_percent(
    baseline_mm3: float, followup_mm3: float, sigma0: float, sigma1: float
) -> tuple[float, float | None]:
    # The baseline's own 95 % interval reaches 0, so the ratio has no upper limit.
    if Z_95_TWO_SIDED * sigma0 >= baseline_mm3:
        return -100.0, None
    g = (Z_95_TWO_SIDED * sigma0 / baseline_mm3) ** 2
    ratio = followup_mm3 / baseline_mm3
    half = (Z_95_TWO_SIDED / baseline_mm3) * math.sqrt((1.0 - g) * sigma1**2 + (ratio * sigma0) ** 2)
    low, high = (ratio - half) / (1.0 - g), (ratio + half) / (1.0 - g)
    return max(-100.0, 100.0 * (low - 1.0)), 100.0 * (high - 1.0)


def smallest_claimable_loss(
    baseline_mm3: float, *, boundary_k_mm: float, floor_mm3: float, z: float = Z_95_TWO_SIDED
) -> float | None:
    """Return the smallest loss that lies beyond the error, as a fraction of the baseline.

    Parameters
    ----------
    baseline_mm3 : float
        Baseline volume (mm3).
    boundary_k_mm, floor_mm3 : float
        Error model (mm, mm3).
    z : float
        Standard errors that a loss must reach.

    Returns
    -------
    float or None
        Between 0 and 1; None if not even a complete disappearance could be claimed.
    """

    def is_claimable(fraction: float) -> bool:
        followup_mm3 = baseline_mm3 * (1.0 - fraction)
        change = volume_change(baseline_mm3, followup_mm3, boundary_k_mm=boundary_k_mm, floor_mm3=floor_mm3)
        return change.z >= z

    if not is_claimable(1.0):
        return None
    # z rises with the loss (more difference, less error of the remainder), so halving finds it.
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if is_claimable(middle) else (middle, high)
    return high


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryCalibration:
    """A site's own surface error.

    Parameters
    ----------
    k_hat_mm : float
        Estimate (mm).
    k_upper_mm : float
        Upper one-sided 95 % bound (mm): the value to put into the rule file.
    n_pairs : int
        Repeat readings used.
    """

    k_hat_mm: float
    k_upper_mm: float
    n_pairs: int


def calibrate_boundary_k(pairs_mm3: npt.ArrayLike) -> BoundaryCalibration:
    """Estimate the surface error from blind repeat readings.

    ``k_hat = sqrt(mean((V1 - V2)^2 / (2 * Vmean^(4/3))))``. Each pair adds one degree of
    freedom, so ``n * k_hat^2 / k^2`` is chi-square with n degrees of freedom and the upper
    bound is ``k_hat * sqrt(n / chi2_0.05(n))``. The floor of the error model is not taken
    off, so k errs to the safe side at small volumes.

    Parameters
    ----------
    pairs_mm3 : array_like of float, shape (n_pairs, 2)
        Two readings of the same lesion at the same visit (mm3).

    Raises
    ------
    MeasurementError
        If there are fewer than `MIN_REPEAT_PAIRS` pairs, a volume is negative or not
        finite, or both volumes of a pair are 0: that pair says nothing of a surface.
    """
    pairs = np.asarray(pairs_mm3, dtype=np.float64)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise MeasurementError(f"repeat readings are pairs of volumes, shape (n, 2), not {pairs.shape}")
    n_pairs = len(pairs)
    if n_pairs < MIN_REPEAT_PAIRS:
        raise MeasurementError(
            f"{n_pairs} repeat readings are too few to calibrate an error; make at least {MIN_REPEAT_PAIRS}"
        )
    if not np.isfinite(pairs).all() or pairs.min() < 0:
        raise MeasurementError("a repeat reading is negative or not finite; correct it or leave the pair out")
    means = pairs.mean(axis=1)
    if means.min() == 0:
        raise MeasurementError(
            f"both volumes of pair {int(means.argmin()) + 1} are 0 mm3; leave out what was absent twice"
        )
    squares = np.square(pairs[:, 0] - pairs[:, 1]) / (2.0 * means ** (2 * SURFACE_EXPONENT))
    k_hat = math.sqrt(float(squares.mean()))
    # chdtri inverts the upper tail: the 5 % quantile leaves 95 % above it.
    low_quantile = float(chdtri(n_pairs, UPPER_BOUND_CONFIDENCE))
    return BoundaryCalibration(
        k_hat_mm=k_hat, k_upper_mm=k_hat * math.sqrt(n_pairs / low_quantile), n_pairs=n_pairs
    )

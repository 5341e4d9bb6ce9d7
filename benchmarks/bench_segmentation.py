"""How well one click outlines a fragment, beside region growing and the random walker.

Run by hand: ``python benchmarks/bench_segmentation.py [--seed 23] [--patients 16] [--implants 40]``.
Fragments implanted in real anatomy (12 stacks that are stored, and any number made here, if the data
lies beside the checkout) and of computed patients at three noise levels. The parameters were set
on the stored set, on seeds 1 and 101 of the implants and on seed 11 of the computed patients 1 to 8, the
weights learnt as ``learn_outline.py`` says; every other seed is fresh.

A click is a voxel at random in the inner half of the fragment, and for implanted ones also the stored
point, else the deepest voxel ("middle"). The background point is the voxel
deepest in what the first result has too much (none, if that is under 5 voxels). Carrying forward
starts from the true baseline mask and, for computed patients, an alignment that errs by 1 degree and
1 mm (standard deviations); for the implanted ones the alignment is the package's own.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict

import numpy as np
from implanted_cases import implanted_cases
from scipy import ndimage
from segmentation_cases import (
    NOISE_FACTORS,
    REAL,
    Case,
    computed_cases,
    matrix_to_baseline,
    reader_click,
    real_cases,
)
from skimage.segmentation import flood, random_walker

from herntrack.errors import HerntrackError
from herntrack.segmentation.carry_forward import carry_forward
from herntrack.segmentation.crop import crop_around
from herntrack.segmentation.one_click import segment_from_points
from herntrack.segmentation.tissue import near_points
from herntrack.segmentation.volume_estimates import estimate_volumes

SMALLEST_VOXELS = 20
GROWING_TOLERANCE = 0.3
"""Plain region growing takes what is within 30 % of the clicked level."""


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum()) / max(float(a.sum() + b.sum()), 1.0)


def region_growing(case: Case, click: np.ndarray) -> np.ndarray:
    crop = crop_around(case.volume, click[None])
    smooth = ndimage.gaussian_filter(crop.values, (0, 0.7, 0.7))
    seed = tuple(np.rint(crop.index_of(click[None])[0]).astype(int))
    tolerance = GROWING_TOLERANCE * max(abs(smooth[seed]), 20.0)
    return crop.full_mask(flood(smooth, seed, tolerance=tolerance))


def walker(case: Case, click: np.ndarray) -> np.ndarray:
    crop = crop_around(case.volume, click[None])
    markers = np.zeros(crop.values.shape, dtype=np.int8)
    markers[:, [0, -1], :] = markers[:, :, [0, -1]] = 2
    markers[near_points(crop, crop.index_of(click[None]), 2.0)] = 1
    return crop.full_mask(
        random_walker(crop.values, markers, spacing=np.array(crop.spacing_zyx), mode="cg_j") == 1
    )


def background_point(mask: np.ndarray, case: Case) -> np.ndarray | None:
    extra = mask & ~case.mask
    if extra.sum() < 5:
        return None
    depth = np.stack([ndimage.distance_transform_edt(np.pad(s, 1))[1:-1, 1:-1] for s in extra])
    return case.volume.geometry.index_to_lps(np.unravel_index(int(depth.argmax()), depth.shape))


class Table:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], list[tuple[float, float, float]]] = defaultdict(list)

    def add(self, group: str, method: str, mask: np.ndarray, case: Case, seconds: float) -> None:
        volume = mask.sum() * case.volume.geometry.voxel_volume_mm3
        self.rows[group, method].append((dice(mask, case.mask), volume / case.true_mm3 - 1, seconds))

    def show(self) -> None:
        print("| set | method | n | Dice median (quartiles) | volume error median | bias | s |")
        print("|---|---|---|---|---|---|---|")
        for (group, method), rows in sorted(self.rows.items()):
            d, v, s = np.array(rows).T
            q1, q2, q3 = np.quantile(d, [0.25, 0.5, 0.75])
            print(
                f"| {group} | {method} | {len(d)} | {q2:.2f} ({q1:.2f}-{q3:.2f}) |"
                f" {100 * np.median(np.abs(v)):.0f} % | {100 * np.median(v):+.0f} % | {np.median(s):.2f} |"
            )


def one_case(case: Case, table: Table, rng: np.random.Generator, *, peers: bool) -> None:
    group = f"{case.group} x{case.noise:g}"
    click = reader_click(case.mask, case.volume.geometry, rng)
    start = time.perf_counter()
    mask = segment_from_points(case.volume, click).mask
    table.add(group, "1 one click", mask, case, time.perf_counter() - start)
    if peers and case.to_patient is None:
        start = time.perf_counter()
        middle = segment_from_points(case.volume, case.click_lps).mask
        table.add(group, "0 one click, middle", middle, case, time.perf_counter() - start)
    point = background_point(mask, case)
    start = time.perf_counter()
    second = mask if point is None else segment_from_points(case.volume, click, point).mask
    table.add(group, "2 with a background point", second, case, time.perf_counter() - start)
    if case.plane is not None and case.plane.depth_mm(click) > 0:
        start = time.perf_counter()
        placed = segment_from_points(case.volume, click, base_plane=case.plane).mask
        table.add(group, "3 one click, true base plane", placed, case, time.perf_counter() - start)
    if peers:
        for name, method in (("5 region growing", region_growing), ("6 random walker", walker)):
            start = time.perf_counter()
            mask = method(case, click)
            table.add(group, name, mask, case, time.perf_counter() - start)


def carried(cases: list[Case], table: Table, rng: np.random.Generator) -> None:
    baselines = {case.patient: case for case in cases if case.visit == 0 and case.mask.any()}
    for case in cases:
        baseline = baselines.get(case.patient)
        if case.visit == 0 or baseline is None:
            continue
        matrix = matrix_to_baseline(baseline, case, rng)
        start = time.perf_counter()
        try:
            proposal = carry_forward(
                baseline.volume, baseline.mask, case.volume, matrix, base_plane=baseline.plane
            )
        except HerntrackError as error:
            print(f"not carried: {case.name}: {error}")
            continue
        seconds = time.perf_counter() - start
        if case.mask.sum() >= SMALLEST_VOXELS:
            table.add(f"{case.group} x{case.noise:g}", "4 carried forward", proposal.mask, case, seconds)
        elif not case.mask.any() and case.true_mm3 == 0:
            left = proposal.mask.sum() * case.volume.geometry.voxel_volume_mm3
            print(f"gone: {case.name}: {left:.0f} mm3. {proposal.reason}")


def estimates(case: Case, found: dict[str, list[float]]) -> None:
    """Compare the volume estimates of ideal outlines with the true volume."""
    result = estimate_volumes(case.mask, case.volume)
    middle = (result.lower_mm3 + result.upper_mm3) / 2
    values = {"count": result.count_mm3, "surface": result.surface_mm3, "middle of bounds": middle}
    if result.partial_mm3 is not None:
        values["partial volume"] = result.partial_mm3
        inside = abs(result.partial_mm3 - case.true_mm3) <= 1.96 * result.partial_error_mm3
        found["partial volume within 1.96 errors"].append(float(inside))
    found["true volume within bounds"].append(float(result.lower_mm3 <= case.true_mm3 <= result.upper_mm3))
    for name, value in values.items():
        found[name].append(value / case.true_mm3 - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=23)
    parser.add_argument("--patients", type=int, default=16)
    parser.add_argument("--implants", type=int, default=40)
    parser.add_argument("--real-clicks", type=int, default=5)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    table, volumes = Table(), defaultdict(list)
    real = real_cases()
    if not real:
        print(f"no real texture: {REAL} is missing")
    for case in real:
        for turn in range(options.real_clicks if case.mask.any() else 0):
            one_case(case, table, rng, peers=turn == 0)
        if case.mask.any():
            estimates(case, volumes)
    carried(real, table, rng)
    for case in implanted_cases(options.seed, options.implants):
        one_case(case, table, rng, peers=True)
        estimates(case, volumes)
    for number in range(1, options.patients + 1):
        cases = list(computed_cases(options.seed, [number], NOISE_FACTORS))
        for case in cases:
            if case.mask.sum() >= SMALLEST_VOXELS:
                one_case(case, table, rng, peers=True)
                estimates(case, volumes)
        carried(cases, table, rng)
    table.show()
    print()
    for name, values in volumes.items():
        print(
            f"{name}: n {len(values)}, mean {100 * np.mean(values):+.1f} %, sd {100 * np.std(values):.1f} %"
        )


if __name__ == "__main__":
    main()

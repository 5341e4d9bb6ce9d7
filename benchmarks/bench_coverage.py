"""How often the stated intervals of a volume and of a change hold the truth, and how other estimates do.

Run by hand: ``PYTHONPATH=. python benchmarks/bench_coverage.py [--seed 23] [--scenes 2] [--readings 150]
[--pairs 200] [--plane-error 0.5] [--outline-error 0.3]``; the errors are the reader's of the pairs (mm).
Computed fragments of 50 to 3000 mm3, slices 3, 4 and 5 mm apart, sagittal and axial, outlined by a
simulated reader whose contour and base plane err (``tests/unit/segmentation/simulated_readings.py``). The
stated interval is V +- 1.96 sigma(V) of the default error model for one volume. Partial volume and surface
are estimated on T2 images of the same scene, once from the reader's outline and once from the ideal one.
A pair is one fragment read at baseline and, larger or smaller, at a follow-up: on a like stack, in another
plane or at another slice spacing, the base plane carried over or placed anew.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from herntrack.imaging.volume import Volume
from herntrack.phantoms.acquisition import Pose, Receiver, expose, ideal_mask, render
from herntrack.phantoms.anatomy import build_anatomy
from herntrack.phantoms.examination import MR_GAIN
from herntrack.phantoms.herniation import SCALE_LIMITS, Herniation, integrated_volume
from herntrack.phantoms.reader import BOUNDARY_ERROR_MM, read_mask
from herntrack.phantoms.scene import Scene, build_scene
from herntrack.phantoms.tissues import Contrast
from herntrack.segmentation.volume_estimates import estimate_volumes
from herntrack.volumetrics.error_model import Z_95_TWO_SIDED, VolumeChange, volume_change
from tests.unit.segmentation.simulated_readings import (
    LEVELS,
    PLANE_SHIFT_MM,
    PLANES,
    SPACINGS_MM,
    STEP_MM,
    Reading,
    grid_around,
    plane_error,
    seen_fraction,
    shape_of,
    simulated_reading,
    some_templates,
)

SIZES_MM3 = (50, 200, 500, 1000, 3000)
SHARES_LEFT = (0.1, 0.3, 0.5, 0.65, 0.8, 1.0, 1.0, 1.3, 1.6)
OTHER_SPACING_MM = {3.0: 5.0, 4.0: 5.5, 5.0: 3.0}
LEAST_BASELINE_MM3, MIDDLE_MM3 = 100.0, 500.0
K_SAME_MM, K_MIXED_MM, FLOOR_MM3 = 1.6, 2.2, 20.0
NOISE = 3.4
STILL = Pose(rotation_degrees=(0.0, 0.0, 0.0), shift_mm=(0.0, 0.0, 0.0))


def image_of(reading: Reading, scene: Scene, rng: np.random.Generator) -> tuple[Volume, np.ndarray]:
    """Return the T2 image of a reading's stack and the ideal mask."""
    exposure = expose(
        scene,
        [reading.herniation],
        STILL,
        reading.geometry,
        contrasts=[Contrast.T2],
        thickness_mm=reading.spacing_mm,
    )
    values = render(exposure, Contrast.T2, Receiver(noise=NOISE, gain=MR_GAIN), rng)
    return Volume(values=values, geometry=reading.geometry), ideal_mask(exposure.fractions[0])


def size_of(reading: Reading) -> str:
    upper = next(limit for limit in SIZES_MM3[1:] if reading.true_mm3 <= limit)
    return f"{SIZES_MM3[SIZES_MM3.index(upper) - 1]}-{upper} mm3"


def show_coverage(readings: list[Reading]) -> None:
    groups: dict[str, list[Reading]] = defaultdict(list)
    for each in readings:
        for name in ("all", size_of(each), f"{each.spacing_mm:g} mm", each.plane):
            groups[name].append(each)
    print("| fragments | n | covered | bias | sd | sd of error / sigma |")
    print("|---|---|---|---|---|---|")
    for name, held in groups.items():
        relative = np.array([each.read_mm3 / each.true_mm3 - 1 for each in held])
        scaled = np.array([(each.read_mm3 - each.true_mm3) / each.sigma_mm3 for each in held])
        covered = np.mean([each.is_covered for each in held])
        print(
            f"| {name} | {len(held)} | {100 * covered:.1f} % | {100 * relative.mean():+.1f} % |"
            f" {100 * relative.std():.1f} % | {scaled.std():.2f} |"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """True and read volumes (mm3) of one fragment at two visits."""

    true_mm3: tuple[float, float]
    read_mm3: tuple[float, float]
    comparison: str
    base_plane: str

    @property
    def change(self) -> VolumeChange:
        k_mm = K_SAME_MM if self.comparison == "like stack" else K_MIXED_MM
        return volume_change(*self.read_mm3, boundary_k_mm=k_mm, floor_mm3=FLOOR_MM3)

    @property
    def is_covered(self) -> bool:
        truth = 100 * (self.true_mm3[1] / self.true_mm3[0] - 1)
        low, high = self.change.change_percent_low, self.change.change_percent_high
        return low is not None and low <= truth <= (np.inf if high is None else high)

    @property
    def scaled_error(self) -> float:
        true_change = self.true_mm3[1] - self.true_mm3[0]
        return (self.change.change_mm3 - true_change) / self.change.change_sigma_mm3


def simulated_pair(
    rng: np.random.Generator, templates: tuple[Herniation, ...], *, plane_mm: float, outline_mm: float
) -> Pair:
    shape, truth = shape_of(rng, templates)
    while truth < LEAST_BASELINE_MM3:
        shape, truth = shape_of(rng, templates)
    share = float(rng.choice(SHARES_LEFT))
    later = replace(shape, scale=float(np.clip(shape.scale * share ** (1 / 3), *SCALE_LIMITS)))
    plane, spacing = str(rng.choice(PLANES)), float(rng.choice(SPACINGS_MM))
    comparison = str(rng.choice(("like stack", "like stack", "other plane", "other spacing")))
    stacks = [(plane, spacing), (plane, spacing)]
    if comparison == "other plane":
        stacks[1] = (PLANES[1 - PLANES.index(plane)], spacing)
    if comparison == "other spacing":
        stacks[1] = (plane, OTHER_SPACING_MM[spacing])
    base_plane = str(rng.choice(("carried", "placed anew")))
    errors = [plane_error(rng, shift_mm=plane_mm)] * 2
    if base_plane == "placed anew":
        errors[1] = plane_error(rng, shift_mm=plane_mm)
    read = []
    for fragment, (name, step_mm), error in zip((shape, later), stacks, errors, strict=True):
        grid = grid_around(fragment, rng, name, step_mm)
        mask = read_mask(seen_fraction(fragment, grid, error), grid, rng, boundary_error_mm=outline_mm)
        read.append(max(float(mask.sum()), 1.0) * grid.voxel_volume_mm3)
    true = truth, truth if share == 1.0 else integrated_volume(later, step_mm=STEP_MM)
    return Pair(true_mm3=true, read_mm3=(read[0], read[1]), comparison=comparison, base_plane=base_plane)


def show_change(pairs: list[Pair]) -> None:
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        true = pair.true_mm3
        size = "baseline below" if true[0] < MIDDLE_MM3 else "baseline above"
        for name in ("all", pair.comparison, f"base plane {pair.base_plane}", f"{size} {MIDDLE_MM3:.0f} mm3"):
            groups[name].append(pair)
        groups["no true change" if true[0] == true[1] else "true change"].append(pair)
    print("\n| change, pairs | n | percentage covered | sd of error / its sigma | change claimed |")
    print("|---|---|---|---|---|")
    for name, held in sorted(groups.items()):
        scaled = np.array([pair.scaled_error for pair in held])
        claimed = np.mean([abs(pair.change.z) >= Z_95_TWO_SIDED for pair in held])
        print(
            f"| {name} | {len(held)} | {100 * np.mean([pair.is_covered for pair in held]):.1f} % |"
            f" {scaled.std():.2f} | {100 * claimed:.0f} % |"
        )


def add_estimates(
    found: dict[str, list[float]], outline: str, mask: np.ndarray, case: tuple[Volume, float]
) -> None:
    volume, truth = case
    if not mask.any():
        return
    result = estimate_volumes(mask, volume)
    values = {"count": result.count_mm3, "surface": result.surface_mm3, "partial volume": result.partial_mm3}
    for name, value in values.items():
        if value is not None:
            found[f"{name}, {outline}"].append(value / truth - 1)
    if result.partial_mm3 is not None and result.partial_error_mm3 is not None:
        is_inside = abs(result.partial_mm3 - truth) <= 1.96 * result.partial_error_mm3
        found[f"truth within 1.96 errors of partial volume, {outline}"].append(float(is_inside))
    is_inside = result.lower_mm3 <= truth <= result.upper_mm3
    found[f"truth within half-voxel bounds, {outline}"].append(float(is_inside))


def show_estimates(found: dict[str, list[float]]) -> None:
    print("\n| estimate, outline | n | median | bias | sd |\n|---|---|---|---|---|")
    for name, values in sorted(found.items()):
        numbers = 100 * np.array(values)
        if name.startswith("truth"):
            print(f"| {name} | {len(numbers)} | | {numbers.mean():.0f} % of fragments | |")
        else:
            print(
                f"| {name} | {len(numbers)} | {np.median(numbers):+.1f} % | {numbers.mean():+.1f} % |"
                f" {numbers.std():.1f} % |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=23)
    parser.add_argument("--scenes", type=int, default=2)
    parser.add_argument("--readings", type=int, default=150, help="per scene")
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--plane-error", type=float, default=PLANE_SHIFT_MM, help="of the pairs' reader (mm)")
    parser.add_argument("--outline-error", type=float, default=BOUNDARY_ERROR_MM, help="the same (mm)")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    readings: list[Reading] = []
    found: dict[str, list[float]] = defaultdict(list)
    for number in range(options.scenes):
        seed = options.seed + number
        scene = build_scene(build_anatomy(seed, diseased=LEVELS))
        templates = some_templates(seed, 1)
        for _ in range(options.readings):
            reading = simulated_reading(rng, templates)
            readings.append(reading)
            volume, ideal = image_of(reading, scene, rng)
            add_estimates(found, "reader's outline", reading.mask, (volume, reading.true_mm3))
            add_estimates(found, "ideal outline", ideal, (volume, reading.true_mm3))
    if readings:
        show_coverage(readings)
        show_estimates(found)
    templates = some_templates(options.seed, 1)
    errors = {"plane_mm": options.plane_error, "outline_mm": options.outline_error}
    show_change([simulated_pair(rng, templates, **errors) for _ in range(options.pairs)])


if __name__ == "__main__":
    main()

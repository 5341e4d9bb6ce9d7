"""How often the stated interval of a volume holds the truth, and how the other estimates do beside it.

Run by hand: ``PYTHONPATH=. python benchmarks/bench_coverage.py [--seed 23] [--scenes 2] [--readings 150]``.
Computed fragments of 50 to 3000 mm3, slices 3, 4 and 5 mm apart, sagittal and axial, outlined by a
simulated reader whose contour and base plane err (``tests/unit/segmentation/simulated_readings.py``). The
stated interval is V +- 1.96 sigma(V) of the default error model for one volume. Partial volume and surface
are estimated on T2 images of the same scene, once from the reader's outline and once from the ideal one.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np

from herntrack.imaging.volume import Volume
from herntrack.phantoms.acquisition import Pose, Receiver, expose, ideal_mask, render
from herntrack.phantoms.anatomy import build_anatomy
from herntrack.phantoms.examination import MR_GAIN
from herntrack.phantoms.scene import Scene, build_scene
from herntrack.phantoms.tissues import Contrast
from herntrack.segmentation.volume_estimates import estimate_volumes
from tests.unit.segmentation.simulated_readings import LEVELS, Reading, simulated_reading, some_templates

SIZES_MM3 = (50, 200, 500, 1000, 3000)
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
    show_coverage(readings)
    show_estimates(found)


if __name__ == "__main__":
    main()

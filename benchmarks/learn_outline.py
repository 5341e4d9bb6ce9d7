"""Learns the weights by which an outline is weighed (``herntrack/segmentation/learnt_weights.json``).

Run by hand: ``PYTHONPATH=. python benchmarks/learn_outline.py OUT.json [--implants 205] [--patients 21]``;
it takes more than an hour. Fragments implanted in real texture (`implanted_cases`, most of them with wider
ranges than are measured on) and of computed patients (`varied_patients`, and some of the sample protocol's)
are outlined by looks alone; a first network learns from the features of the voxels around them whether they
are fragment, a second one from the same and the first one's answers. Those answers come from a network that
has not seen the fragment, else the second would trust them too much. A tenth of the hidden values is left
out at random in each step, which a few hundred fragments need.

The stored weights were learnt from implants of seeds 1 (40) and 301 to 309 (wide, some 180), from varied
patients 0 to 20, and from computed patients of seeds 31 (1 to 9), 32 (5, 13) and 33 (13). Neither the
stored implants nor seeds 2 and 23, which the tables of ``docs/segmentation.md`` are made of, were among
them. Each fragment counts alike, the computed ones 0.6. They were minimised by this rule in another
program's arithmetic; a new run gives other weights of the same kind, so the tables have to be made anew
after it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import numpy as np
from bench_segmentation import SMALLEST_VOXELS, background_point
from implanted_cases import WIDE, implanted_cases
from scipy import ndimage
from segmentation_cases import Case, computed_cases, reader_click
from varied_patients import varied_cases

from herntrack.errors import HerntrackError
from herntrack.segmentation import outline as outlines
from herntrack.segmentation.crop import crop_around
from herntrack.segmentation.features import FirstLook, context_features, signed_mm, voxel_features
from herntrack.segmentation.learnt import LOG_ODDS_LIMIT, applied, near_region
from herntrack.segmentation.one_click import segment_from_points

HIDDEN = (64, 32)
LEFT_OUT = 0.12
"""Share of the hidden values that is left out in a step."""
BAND_MM = 3.5
"""Voxels this near to the true or the first outline are learnt from, of the others one in sixteen."""

TRUE_PLANE_SHARE = 0.15
COMPUTED_WEIGHT = 0.6
WIDE_SEEDS = range(301, 310)
CT_SHARE, MR_SHARE = 0.15, 0.5
"""Share of the voxels near an outline that is learnt from."""

BATCH, RATE, DECAY = 2048, 3e-3, 1e-4

Example = tuple[FirstLook, np.ndarray, float]
"""What was seen, the true mask of the crop, and the weight."""


def cases(implants: int, patients: int) -> Iterator[Case]:
    usual = implants // 5
    yield from implanted_cases(1, usual)
    for seed in WIDE_SEEDS:
        yield from implanted_cases(seed, (implants - usual) // len(WIDE_SEEDS), ranges=WIDE)
    for seed, numbers in ((31, range(1, 10)), (32, (5, 13)), (33, (13,))):
        yield from computed_cases(seed, numbers)
    for number in range(patients):
        yield from varied_cases(number)


def examples(case: Case, rng: np.random.Generator) -> Iterator[Example]:
    """Return what is seen from clicks at random, once with a background point too."""
    weight = COMPUTED_WEIGHT if case.group.startswith("computed") else 1.0
    for turn in range(1 if weight < 1 else 2):
        click = reader_click(case.mask, case.volume.geometry, rng)
        plane = case.plane if rng.random() < TRUE_PLANE_SHARE else None
        if plane is not None and plane.depth_mm(click) <= 0:
            plane = None
        point = None
        for _ in range(2 if turn == 0 else 1):
            seen: list[FirstLook] = []

            def from_looks(look: FirstLook, seen: list[FirstLook] = seen) -> np.ndarray:
                seen.append(look)
                return np.where(look.part, 4.0, -4.0)

            with patch.object(outlines, "fragment_log_odds", from_looks):
                try:
                    mask = segment_from_points(case.volume, click, point, base_plane=plane).mask
                except HerntrackError:
                    break
            for look in seen:
                truth = case.mask[crop_around(case.volume, click[None]).box]
                yield look, truth, weight
            point = background_point(mask, case)
            if point is None:
                break


def rows(
    example: Example, first: list | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features, truth and weights of the voxels to learn from."""
    look, truth, weight = example
    near = near_region(look)
    features = voxel_features(look)
    if first is not None:
        odds = np.full(near.shape, -LOG_ODDS_LIMIT)
        odds[near] = applied(first, features[:, near].T)
        features = np.concatenate([features, context_features(look, 1 / (1 + np.exp(-odds)))])
    band = [np.abs(signed_mm(mask, look.crop)) < BAND_MM for mask in (truth, look.part)]
    chosen = band[0] | band[1] | ndimage.binary_dilation(truth, np.ones((3, 1, 1)))
    taken = CT_SHARE if look.crop.is_ct else MR_SHARE
    chosen = near & (chosen | (rng.random(near.shape) < 1 / 16)) & (rng.random(near.shape) < taken)
    share = weight * 300.0 / max(float(truth.sum()), 60.0) * MR_SHARE / taken
    return features[:, chosen].T, truth[chosen], np.full(int(chosen.sum()), share, dtype=np.float32)


def network(features: np.ndarray, truth: np.ndarray, weights: np.ndarray, epochs: int, seed: int = 0) -> list:
    """Return layers that minimise the weighted cross entropy (Adam: Kingma and Ba 2015)."""
    rng = np.random.default_rng(seed)
    mean, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-2)
    sizes = (features.shape[1], *HIDDEN, 1)
    layers = [
        [(rng.standard_normal((a, b)) * np.sqrt(2 / a)).astype(np.float32), np.zeros(b, np.float32)]
        for a, b in pairwise(sizes)
    ]
    moments = [[[np.zeros_like(p), np.zeros_like(p)] for p in layer] for layer in layers]
    steps = max(epochs * (len(features) // BATCH), 1)
    for turn in range(1, steps + 1):
        chosen = rng.integers(0, len(features), BATCH)
        gradients = _gradients(
            layers, (features[chosen] - mean) / scale, truth[chosen, None], weights[chosen, None], rng
        )
        rate = RATE * 0.5 * (1 + np.cos(np.pi * turn / steps)) + 1e-5
        for layer, kept, slopes in zip(layers, moments, gradients, strict=True):
            slopes[0] = slopes[0] + DECAY * layer[0]
            for part, slope in enumerate(slopes):
                kept[part][0] = 0.9 * kept[part][0] + 0.1 * slope
                kept[part][1] = 0.999 * kept[part][1] + 0.001 * np.square(slope)
                size = np.sqrt(kept[part][1] / (1 - 0.999**turn)) + 1e-8
                layer[part] = layer[part] - rate * kept[part][0] / (1 - 0.9**turn) / size
    weight, offset = layers[0]
    layers[0] = [weight / scale[:, None], offset - (mean / scale) @ weight]
    return layers


def _gradients(
    layers: list, features: np.ndarray, truth: np.ndarray, weights: np.ndarray, rng: np.random.Generator
) -> list:
    seen = [features]
    for weight, offset in layers[:-1]:
        kept = (rng.random((len(features), weight.shape[1])) > LEFT_OUT) / np.float32(1 - LEFT_OUT)
        seen.append(np.maximum(seen[-1] @ weight + offset, 0) * kept)
    odds = seen[-1] @ layers[-1][0] + layers[-1][1]
    slope = (1 / (1 + np.exp(-np.clip(odds, -30, 30))) - truth) * weights / weights.sum()
    found = []
    for (weight, _), inputs in zip(reversed(layers), reversed(seen), strict=True):
        found.append([inputs.T @ slope, slope.sum(axis=0)])
        slope = (slope @ weight.T) * (inputs > 0) / np.float32(1 - LEFT_OUT)
    return found[::-1]


def as_text(networks: list[list]) -> str:
    """Return the networks as JSON, one row of weights a line."""

    def numbers(values: np.ndarray) -> str:
        return "[" + ",".join(f"{value:.4g}" for value in values) + "]"

    def layer(weights: np.ndarray, offsets: np.ndarray) -> str:
        inner = ",\n".join(numbers(row) for row in weights)
        return f'{{"weights":[\n{inner}],\n"offsets":{numbers(offsets)}}}'

    parts = ["[\n" + ",\n".join(layer(*each) for each in layers) + "]" for layers in networks]
    return '{"networks":[\n' + ",\n".join(parts) + "]}\n"


def _learnt(seen: list[Example], firsts: list, epochs: int, rng: np.random.Generator) -> list:
    columns = zip(*(rows(each, first, rng) for each, first in zip(seen, firsts, strict=True)), strict=True)
    return network(*(np.concatenate(column) for column in columns), epochs=epochs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--implants", type=int, default=205)
    parser.add_argument("--patients", type=int, default=21)
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    rng = np.random.default_rng(7)
    seen = [
        example
        for case in cases(options.implants, options.patients)
        if case.mask.sum() >= SMALLEST_VOXELS
        for example in examples(case, rng)
    ]
    halves = [seen[::2], seen[1::2]]
    first = _learnt(seen, [None] * len(seen), options.epochs, rng)
    # The answers for one half come from the network of the other.
    others = [_learnt(half, [None] * len(half), options.epochs, rng) for half in reversed(halves)]
    second = _learnt(seen, [others[k % 2] for k in range(len(seen))], options.epochs, rng)
    networks = [first, second]
    json.loads(as_text(networks))
    options.out.write_text(as_text(networks), encoding="ascii")


if __name__ == "__main__":
    main()

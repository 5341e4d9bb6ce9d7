"""How likely each voxel is fragment, by a function learnt from simulated fragments.

A network of two small layers takes a voxel's features (`features`) to the logarithm of its odds; a second one
takes the same and what the first says about the neighbourhood (auto-context: Tu 2008, CVPR). Its weights were
learnt by ``benchmarks/learn_outline.py`` and lie beside this module.

Public: `fragment_log_odds`, `expected_dice`, `near_region`, `applied`,
`LOG_ODDS_LIMIT`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

from herntrack._typing import FloatArray, MaskZYX
from herntrack.segmentation.features import FirstLook, context_features, voxel_features

WEIGHTS = Path(__file__).with_name("learnt_weights.json")

REACH_MM = 20.0
"""Further from every point nothing is fragment (mm)."""

LOG_ODDS_LIMIT = 8.0
"""No voxel is surer than this, either way."""

Layers = tuple[tuple[FloatArray, FloatArray], ...]
"""Weights and offsets, layer by layer."""


def near_region(look: FirstLook) -> MaskZYX:
    """Return the voxels that are weighed."""
    grid = np.moveaxis(np.indices(look.part.shape), 0, -1)
    squares = [np.square((grid - point) * look.crop.spacing_zyx).sum(axis=-1) for point in look.centres_zyx]
    return np.asarray(look.allowed & (np.min(squares, axis=0) < REACH_MM**2))


def fragment_log_odds(look: FirstLook) -> FloatArray:
    """Return the logarithm of each voxel's odds to be fragment, of the crop's shape."""
    near = near_region(look)
    features = voxel_features(look)[:, near]
    found = np.full(near.shape, -LOG_ODDS_LIMIT)
    for layers in networks():
        stack = features
        if len(layers[0][0]) > len(features):
            context = context_features(look, 1 / (1 + np.exp(-found)))
            stack = np.concatenate([features, context[:, near]])
        found = np.full(near.shape, -LOG_ODDS_LIMIT)
        found[near] = np.clip(applied(layers, stack.T), -LOG_ODDS_LIMIT, LOG_ODDS_LIMIT)
    return found


def expected_dice(log_odds: FloatArray, part: MaskZYX) -> float:
    """Return the Dice coefficient a mask has with the truth, if the odds are right."""
    share = 1 / (1 + np.exp(-log_odds))
    return float(2 * share[part].sum() / max(part.sum() + share.sum(), 1e-6))


def applied(layers: Layers, features: FloatArray) -> FloatArray:
    """Return what a network makes of features, shape (n_voxels, n_features), as shape (n_voxels,)."""
    hidden = features
    for weights, offsets in layers[:-1]:
        hidden = np.maximum(hidden @ weights + offsets, 0)
    weights, offsets = layers[-1]
    return np.asarray((hidden @ weights + offsets)[:, 0], dtype=np.float64)


@cache
def networks() -> tuple[Layers, ...]:
    """Return the networks, in the order they are asked."""
    stored = json.loads(WEIGHTS.read_text(encoding="ascii"))
    return tuple(
        tuple(
            (np.array(layer["weights"], np.float32), np.array(layer["offsets"], np.float32))
            for layer in layers
        )
        for layers in stored["networks"]
    )

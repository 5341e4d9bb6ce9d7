"""One visit of the simulated sample cohort as napari layers.

It is made when it is asked for: the cohort's images are not part of an installation.

Public: `sample_stacks`.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

import numpy as np

from napari_herntrack.files.beside import FullLayerData, Read, add_when_read, window
from napari_herntrack.files.reader import read_layers, read_paths

SEED = 20240304
"""The seed of the sample cohort, so that this is its first patient."""

BEING_MADE = "the sample visit is being made"
"""Name of the empty layer that stands in: napari wants one of a sample at once."""


def sample_stacks() -> list[FullLayerData]:
    """Return the stacks of the first patient's first visit.

    They take some seconds to make. In a napari window an empty layer stands in for them until they
    are there.
    """
    viewer = window()
    if viewer is None:
        return read_layers(_made_visit())
    empty = np.zeros((1, 2, 2), dtype=np.int16)

    def done() -> None:
        for layer in [each for each in viewer.layers if each.data is empty]:
            viewer.layers.remove(layer)

    def read() -> Read:
        return read_paths(_made_visit())

    add_when_read(viewer, f"herntrack: {BEING_MADE}", read, done=done)
    return [(empty, {"name": BEING_MADE, "contrast_limits": (0, 1)}, "image")]


def _made_visit() -> str:
    """Write the visit's images and return their folder."""
    from herntrack.phantoms.cohort import generate_cohort

    # Kept while napari runs: a segmentation saved on a layer refers to its files.
    folder = Path(tempfile.mkdtemp(prefix="herntrack-sample-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    generate_cohort(folder, n_patients=1, seed=SEED)
    patient = next(path for path in sorted((folder / "dicom").iterdir()) if path.is_dir())
    return str(next(path for path in sorted(patient.iterdir()) if any(path.iterdir())))

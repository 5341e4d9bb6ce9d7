"""One visit of the simulated sample cohort as napari layers.

It is made when it is asked for: the cohort's images are not part of an installation.

Public: `sample_stacks`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from napari_herntrack.files.reader import FullLayerData, read_layers

SEED = 20240304
"""The seed of the sample cohort, so that this is its first patient."""


def sample_stacks() -> list[FullLayerData]:
    """Return the stacks of the first patient's first visit; takes some seconds to make."""
    from herntrack.phantoms.cohort import generate_cohort

    with tempfile.TemporaryDirectory(prefix="herntrack-sample-") as folder:
        generate_cohort(Path(folder), n_patients=1, seed=SEED)
        patient = next(path for path in sorted((Path(folder) / "dicom").iterdir()) if path.is_dir())
        visit = next(path for path in sorted(patient.iterdir()) if any(path.iterdir()))
        return read_layers(str(visit))

"""Two visits of a simulated patient on two scanners."""

from __future__ import annotations

import numpy as np

from herntrack.imaging.volume import Volume
from herntrack.phantoms.acquisition import Pose, Receiver, expose, render
from herntrack.phantoms.planning import StackSize, sagittal_stack
from herntrack.phantoms.scene import Scene
from herntrack.phantoms.tissues import Contrast

FIRST = Pose(rotation_degrees=(1.0, -2.0, 1.0), shift_mm=(2.0, 0.0, -3.0))
SECOND = Pose(rotation_degrees=(-3.0, 5.0, 6.0), shift_mm=(9.0, -14.0, 17.0))
TRUTH = FIRST.patient_to_scanner @ SECOND.scanner_to_patient
"""From follow-up to baseline."""

SIZES = {
    1: StackSize(n_slices=13, n_rows=256, n_columns=190, pixel_mm=0.9, thickness_mm=4.0, spacing_mm=4.4),
    2: StackSize(n_slices=15, n_rows=300, n_columns=220, pixel_mm=0.75, thickness_mm=3.5, spacing_mm=3.85),
}
"""Matrix and slices of two scanners."""


def acquire_sagittal(scene: Scene, pose: Pose, *, scanner: int, contrast: Contrast = Contrast.T2) -> Volume:
    """Return a sagittal stack; the second scanner is noisier and shades more."""
    size = SIZES[scanner]
    geometry = sagittal_stack(pose, size, aim_error_degrees=(1.0, -1.0))
    exposure = expose(scene, (), pose, geometry, contrasts=(contrast,), thickness_mm=size.thickness_mm)
    receiver = Receiver(noise=3.0 * scanner, gain=0.45, coil_reach_mm=300.0 / scanner)
    return Volume(
        values=render(exposure, contrast, receiver, np.random.default_rng(scanner)), geometry=geometry
    )

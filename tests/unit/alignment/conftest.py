from __future__ import annotations

import numpy as np
import pytest

from herntrack.imaging.volume import Volume
from herntrack.model.vocabulary import Level
from herntrack.phantoms.anatomy import Anatomy, build_anatomy
from herntrack.phantoms.scene import Scene, build_scene
from tests.unit.alignment.visits import FIRST, SECOND, acquire_sagittal


@pytest.fixture(scope="session")
def anatomy() -> Anatomy:
    return build_anatomy(31, diseased=(Level.L5_S1,))


@pytest.fixture(scope="session")
def scene(anatomy: Anatomy) -> Scene:
    return build_scene(anatomy)


@pytest.fixture(scope="session")
def baseline(scene: Scene) -> Volume:
    return acquire_sagittal(scene, FIRST, scanner=1)


@pytest.fixture(scope="session")
def followup(scene: Scene) -> Volume:
    return acquire_sagittal(scene, SECOND, scanner=2)


@pytest.fixture(scope="session")
def body_centres(anatomy: Anatomy) -> np.ndarray:
    """Centres of L1 to S1 at the baseline."""
    rows = [(0.0, *anatomy.vertebrae[name].frame.centre_yz) for name in ("S1", "L5", "L4", "L3", "L2", "L1")]
    return FIRST.to_scanner(rows)

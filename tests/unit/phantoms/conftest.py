from __future__ import annotations

import pytest

from herntrack.model.vocabulary import Level
from herntrack.phantoms.anatomy import Anatomy, build_anatomy
from herntrack.phantoms.scene import Scene, build_scene


@pytest.fixture(scope="session")
def anatomy() -> Anatomy:
    return build_anatomy(7, diseased=(Level.L5_S1,))


@pytest.fixture(scope="session")
def scene(anatomy: Anatomy) -> Scene:
    return build_scene(anatomy)

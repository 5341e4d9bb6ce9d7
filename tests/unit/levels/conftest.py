from __future__ import annotations

import pytest

from herntrack.phantoms.scene import Scene
from herntrack.phantoms.tissues import Contrast
from tests.unit.levels.spines import Shown, sagittal, scene_of


@pytest.fixture(scope="session")
def spine_scene() -> Scene:
    return scene_of(52)


@pytest.fixture(scope="session")
def t2_spine(spine_scene: Scene) -> Shown:
    return sagittal(spine_scene, Contrast.T2)

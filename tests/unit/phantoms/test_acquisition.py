from __future__ import annotations

import numpy as np
import pytest

from herntrack.model.vocabulary import HerniationType, Level
from herntrack.phantoms.acquisition import Exposure, Pose, Receiver, expose, ideal_mask, render
from herntrack.phantoms.herniation import Herniation, build_herniation, integrated_volume
from herntrack.phantoms.planning import StackSize, sagittal_stack
from herntrack.phantoms.reader import read_mask
from herntrack.phantoms.scene import Scene
from herntrack.phantoms.tissues import Contrast, Tissue, signal_table

POSE = Pose(rotation_degrees=(2.0, -4.0, 3.0), shift_mm=(4.0, -6.0, 5.0))
SIZE = StackSize(n_slices=13, n_rows=200, n_columns=120, pixel_mm=0.8, thickness_mm=4.0, spacing_mm=4.4)


@pytest.fixture(scope="module")
def herniation(scene: Scene) -> Herniation:
    return build_herniation(
        scene.anatomy,
        Level.L4_L5,
        HerniationType.EXTRUSION,
        volume_mm3=1100.0,
        side_offset_mm=-3.0,
        migration_mm=-6.0,
        seed=2,
    )


@pytest.fixture(scope="module")
def exposure(scene: Scene, herniation: Herniation) -> Exposure:
    geometry = sagittal_stack(POSE, SIZE, aim_error_degrees=(1.0, -1.0))
    return expose(scene, [herniation], POSE, geometry, contrasts=(Contrast.T2, Contrast.T1), thickness_mm=4.0)


def test_fractions_hold_the_true_volume(exposure: Exposure, herniation: Herniation) -> None:
    held = float(exposure.fractions[0].sum()) * exposure.geometry.voxel_volume_mm3
    assert held == pytest.approx(integrated_volume(herniation), rel=0.06)


def test_ideal_mask_and_reader_are_near_the_true_volume(exposure: Exposure, herniation: Herniation) -> None:
    voxel = exposure.geometry.voxel_volume_mm3
    true = integrated_volume(herniation)
    ideal = ideal_mask(exposure.fractions[0])
    read = read_mask(exposure.fractions[0], exposure.geometry, np.random.default_rng(3))
    assert ideal.sum() * voxel == pytest.approx(true, rel=0.10)
    assert read.sum() * voxel == pytest.approx(true, rel=0.15)
    assert (read != ideal).any()


def test_the_reader_reads_nothing_where_there_is_nothing(exposure: Exposure) -> None:
    nothing = np.zeros_like(exposure.fractions[0])
    assert not read_mask(nothing, exposure.geometry, np.random.default_rng(3)).any()


def usual_signal(scene: Scene, exposure: Exposure, contrast: Contrast, tissue: Tissue) -> float:
    """Return the usual signal of pixels whose centre lies in one tissue."""
    geometry = exposure.geometry
    index = np.stack(np.meshgrid(*(np.arange(n) for n in geometry.shape_zyx), indexing="ij"), axis=-1)
    matrix = POSE.scanner_to_patient
    points = geometry.index_to_lps(index) @ matrix[:3, :3].T + matrix[:3, 3]
    signals = exposure.signals[contrast][scene.tissue_at(points) == tissue]
    # The rim is thinner than a slice: its darkest pixels are those that hold little else.
    return float(np.percentile(signals, 10 if tissue is Tissue.CORTEX else 50))


def test_contrast_has_the_order_of_the_textbooks(scene: Scene, exposure: Exposure) -> None:
    nucleus = max(
        usual_signal(scene, exposure, Contrast.T2, tissue)
        for tissue in (Tissue.NUCLEUS_BRIGHT, Tissue.NUCLEUS_GREY)
        if (scene.canvas.labels == tissue).any()
    )
    t2 = [usual_signal(scene, exposure, Contrast.T2, t) for t in (Tissue.CSF, Tissue.MUSCLE, Tissue.CORTEX)]
    assert t2[0] > nucleus > t2[1] > t2[2]
    t1 = [
        usual_signal(scene, exposure, Contrast.T1, t)
        for t in (Tissue.SUBCUTANEOUS_FAT, Tissue.MARROW, Tissue.CSF)
    ]
    assert t1[0] > t1[1] > t1[2]


def test_bone_is_bright_and_fat_dark_on_ct() -> None:
    table = signal_table(Contrast.CT)
    assert table[Tissue.CORTEX] > table[Tissue.MARROW] > table[Tissue.HERNIATION] > table[Tissue.CSF]
    assert table[Tissue.CSF] > 0 > table[Tissue.EPIDURAL_FAT] > table[Tissue.AIR]


def test_noise_of_air_is_rician(exposure: Exposure) -> None:
    sigma = 6.0
    empty = Exposure(
        geometry=exposure.geometry,
        signals={Contrast.T2: np.zeros(exposure.geometry.shape_zyx, dtype=np.float32)},
        fractions=(),
    )
    images = render(empty, Contrast.T2, Receiver(noise=sigma), np.random.default_rng(1))
    # Rayleigh: mean sigma * sqrt(pi / 2), which Gaussian noise around zero does not have.
    assert images.mean() == pytest.approx(sigma * np.sqrt(np.pi / 2), rel=0.01)


def test_the_same_random_state_gives_the_same_images(exposure: Exposure) -> None:
    first, second = (
        render(exposure, Contrast.T1, Receiver(noise=5.0), np.random.default_rng(9)) for _ in range(2)
    )
    assert np.array_equal(first, second)

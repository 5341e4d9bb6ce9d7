from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from herntrack.alignment.align import align
from herntrack.alignment.records import Alignment, Verdict
from herntrack.alignment.rigid import distances_mm, inverse, motion
from herntrack.dicom.headers import read_header
from herntrack.dicom.stacks import build_stacks
from herntrack.imaging.load import load_volume
from herntrack.imaging.volume import Volume
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.vocabulary import Level
from herntrack.phantoms.acquisition import Receiver, expose, render
from herntrack.phantoms.anatomy import Anatomy
from herntrack.phantoms.planning import StackSize, axial_block
from herntrack.phantoms.scene import Scene
from herntrack.phantoms.tissues import Contrast
from tests.unit.alignment.visits import FIRST, SECOND, TRUTH, acquire_sagittal


def error_mm(found: Alignment, points: np.ndarray) -> float:
    return float(distances_mm(inverse(found.matrix_lps), inverse(TRUTH), points).mean())


@pytest.fixture(scope="module")
def found(baseline: Volume, followup: Volume) -> Alignment:
    return align(baseline, followup)


def test_the_motion_between_two_scanners_is_found(found: Alignment, body_centres: np.ndarray) -> None:
    assert error_mm(found, body_centres) < 0.15
    assert found.verdict is Verdict.GOOD
    assert found.reasons == ()


def test_it_says_what_is_left_and_how_far_the_runner_up_is(found: Alignment) -> None:
    assert found.residual_mm < 0.5
    assert 0.7 < found.overlap <= 1.0
    assert found.margin is not None
    assert found.margin > 0.2
    assert found.runner_up_mm is not None
    assert found.runner_up_mm > 6.0


def test_the_same_pictures_give_the_same_motion(found: Alignment, baseline: Volume, followup: Volume) -> None:
    assert np.array_equal(align(baseline, followup).matrix_lps, found.matrix_lps)


def test_t1_goes_with_t2(baseline: Volume, scene: Scene, body_centres: np.ndarray) -> None:
    later = acquire_sagittal(scene, SECOND, scanner=2, contrast=Contrast.T1)
    found = align(baseline, later)
    assert error_mm(found, body_centres) < 0.3
    assert found.verdict is Verdict.GOOD


def test_a_start_one_vertebra_off_is_left(
    found: Alignment, baseline: Volume, followup: Volume, body_centres: np.ndarray
) -> None:
    off = replace(found, matrix_lps=motion((0, 0, 0), (0, 0, 36.0), (0, 0, 0)) @ found.matrix_lps)
    again = align(baseline, followup, start=off)
    assert error_mm(again, body_centres) < 0.15


def test_sheared_axial_slices_are_taken_as_they_are(scene: Scene, anatomy: Anatomy) -> None:
    size = StackSize(n_slices=14, n_rows=150, n_columns=150, pixel_mm=0.9, thickness_mm=4.0, spacing_mm=4.4)
    volumes = []
    for number, pose in enumerate((FIRST, SECOND)):
        upright = axial_block(anatomy, Level.L4_L5, pose, size)
        affine = np.array(upright.affine_lps)
        # A gantry tilt of 15 degrees moves every slice along the columns.
        affine[:3, 0] += np.tan(np.radians(15.0)) * 4.4 * affine[:3, 1] / 0.9 * (1 if number else -1)
        geometry = VolumeGeometry(affine_lps=affine, shape_zyx=upright.shape_zyx)
        exposure = expose(scene, (), pose, geometry, contrasts=(Contrast.T2,), thickness_mm=4.0)
        values = render(exposure, Contrast.T2, Receiver(noise=4.0, gain=0.45), np.random.default_rng(number))
        volumes.append(Volume(values=values, geometry=geometry))
    assert volumes[0].geometry.is_sheared
    found = align(volumes[0], volumes[1])
    centre = FIRST.to_scanner([(0.0, *anatomy.disc(Level.L4_L5).frame.centre_yz)])
    assert error_mm(found, centre) < 0.3


def test_what_does_not_belong_together_is_not_good(baseline: Volume, followup: Volume) -> None:
    # A spine on its head is none of this person's.
    stranger = Volume(values=followup.values[:, ::-1].copy(), geometry=followup.geometry)
    found = align(baseline, stranger)
    assert found.verdict is not Verdict.GOOD
    assert found.reasons


@pytest.mark.parametrize("is_empty_baseline", [True, False])
def test_pictures_without_structure_fail_in_words(baseline: Volume, is_empty_baseline: bool) -> None:
    empty = Volume(values=np.zeros_like(baseline.values), geometry=baseline.geometry)
    found = align(empty, baseline) if is_empty_baseline else align(baseline, empty)
    assert found.verdict is Verdict.FAILED
    assert found.residual_mm > 2.5 or found.agreement < 0.6
    assert found.reasons


def test_a_single_slice_fails_in_words(baseline: Volume, followup: Volume) -> None:
    geometry = VolumeGeometry(
        affine_lps=followup.geometry.affine_lps, shape_zyx=(1, *followup.geometry.shape_zyx[1:])
    )
    found = align(baseline, Volume(values=followup.values[:1], geometry=geometry))
    assert found.verdict is not Verdict.GOOD


def read_folder(folder: Path) -> Volume:
    files = sorted(folder.rglob("*.dcm"))
    images = [read_header(file) for file in files]
    by_uid = {image.header.sop_instance_uid: file for image, file in zip(images, files, strict=True)}
    (built,) = build_stacks(images[0].series, [image.header for image in images])
    return load_volume(built.stack, [by_uid[uid] for uid in built.sop_instance_uids])


@pytest.mark.shared
def test_a_person_on_back_and_belly_is_aligned_alike_both_ways(shared_dicom: Path) -> None:
    folder = shared_dicom / "dcm_qa_decubitus" / "In"
    if not folder.is_dir():
        pytest.skip("no repositioned pair among the real imaging data")
    back, belly = read_folder(folder / "HFS"), read_folder(folder / "HFP")
    there, again = align(back, belly), align(belly, back)
    middle = back.geometry.index_to_lps(np.array([[17.0, 128, 128], [10, 90, 110], [24, 150, 150]]))
    assert distances_mm(inverse(there.matrix_lps), again.matrix_lps, middle).max() < 1.0
    assert there.rotation_degrees == pytest.approx(6.9, abs=0.4)
    assert there.verdict is Verdict.GOOD

"""How well one click does in real texture: fragments of known shape in real stacks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from herntrack.dicom.headers import ScannedImage, read_header
from herntrack.dicom.stacks import build_stacks
from herntrack.errors import HerntrackError
from herntrack.imaging.label_files import read_label_file
from herntrack.imaging.load import load_volume
from herntrack.imaging.volume import Volume
from herntrack.segmentation.one_click import segment_from_points
from tests.unit.segmentation.scenes import dice


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Implant:
    plane: str
    volume: Volume
    mask: np.ndarray
    click_lps: np.ndarray
    true_mm3: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    plane: str
    dice: float
    with_background: float
    volume_error: float


@pytest.fixture(scope="module")
def outcomes(shared_dicom: Path) -> list[Outcome]:
    """Return what one click at the stored point gives, and a background point where it took too much."""
    return [outcome(each) for each in implants(shared_dicom / "lumbar_mr_implanted")]


def outcome(implant: Implant) -> Outcome:
    mask = segment_from_points(implant.volume, implant.click_lps).mask
    point = point_in_excess(mask & ~implant.mask, implant.volume)
    second = mask if point is None else segment_from_points(implant.volume, implant.click_lps, point).mask
    volume_mm3 = mask.sum() * implant.volume.geometry.voxel_volume_mm3
    return Outcome(
        plane=implant.plane,
        dice=dice(mask, implant.mask),
        with_background=dice(second, implant.mask),
        volume_error=volume_mm3 / implant.true_mm3 - 1,
    )


def point_in_excess(excess: np.ndarray, volume: Volume) -> np.ndarray | None:
    if excess.sum() < 5:
        return None
    depth = np.stack([ndimage.distance_transform_edt(np.pad(image, 1))[1:-1, 1:-1] for image in excess])
    return volume.geometry.index_to_lps(np.unravel_index(int(depth.argmax()), depth.shape))


def implants(folder: Path) -> Iterator[Implant]:
    for patient in json.loads((folder / "truth.json").read_text(encoding="utf-8")):
        for number, visit in enumerate(patient["visits"]):
            series = series_of(folder / "dicom" / patient["patient_id"] / str(number))
            for plane, facts in visit["series"].items():
                for level, name in facts.get("mask", {}).items():
                    if name is None:
                        continue
                    volume = loaded(series[facts["uid"]])
                    mask = mask_on(volume, folder / name)
                    if mask.any():
                        yield Implant(
                            plane=plane,
                            volume=volume,
                            mask=mask,
                            click_lps=np.array(visit["click_lps_mm"][level]),
                            true_mm3=visit["volume_mm3"][level],
                        )


def series_of(folder: Path) -> dict[str, list[tuple[Path, ScannedImage]]]:
    found: dict[str, list[tuple[Path, ScannedImage]]] = {}
    for path in sorted(folder.rglob("*")):
        try:
            image = read_header(path) if path.is_file() else None
        except HerntrackError:
            continue  # files that are no images, or broken, lie among them on purpose
        if image is not None:
            found.setdefault(image.series.series_instance_uid, []).append((path, image))
    return found


def loaded(images: list[tuple[Path, ScannedImage]]) -> Volume:
    paths = {image.header.sop_instance_uid: path for path, image in images}
    headers = {image.header.sop_instance_uid: image.header for _, image in images}
    built = max(
        build_stacks(images[0][1].series, list(headers.values())),
        key=lambda each: each.stack.geometry.shape_zyx[0],
    )
    return load_volume(built.stack, [paths[uid] for uid in built.sop_instance_uids])


def mask_on(volume: Volume, file: Path) -> np.ndarray:
    labels = read_label_file(file)
    points = labels.geometry.index_to_lps(np.argwhere(labels.labels > 0))
    mask = np.zeros(volume.geometry.shape_zyx, dtype=bool)
    mask[tuple(np.rint(volume.geometry.lps_to_index(points)).astype(int).T)] = True
    return mask


def test_every_fragment_is_outlined(outcomes: list[Outcome]) -> None:
    assert len(outcomes) == 10
    assert min(each.dice for each in outcomes) > 0.75


@pytest.mark.parametrize(("plane", "least"), [("AX", 0.88), ("SAG", 0.88)])
def test_one_click_meets_its_target_in_both_planes(outcomes: list[Outcome], plane: str, least: float) -> None:
    assert np.median([each.dice for each in outcomes if each.plane == plane]) > least


def test_a_background_point_brings_it_near_its_target(outcomes: list[Outcome]) -> None:
    assert np.median([each.with_background for each in outcomes]) > 0.88


def test_the_volume_is_nearly_right(outcomes: list[Outcome]) -> None:
    assert np.median([abs(each.volume_error) for each in outcomes]) < 0.13


def test_a_background_point_in_half_fluid_does_not_turn_fluid_into_fragment(shared_dicom: Path) -> None:
    volumes = [each for each in implants(shared_dicom / "lumbar_mr_implanted") if each.plane == "AX"]
    implant = volumes[2]
    index = np.array([[8.0, 136.0, 98.0], [7.0, 136.0, 100.0]])
    click, point = implant.volume.geometry.index_to_lps(index)
    assert dice(segment_from_points(implant.volume, click, point).mask, implant.mask) > 0.85

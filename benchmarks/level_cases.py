"""Stacks whose discs are known, for bench_levels.py.

Computed patients come from seeds. Of the real volumes, the MR's discs and corners were marked by eye
where the canal's middle is at each (to 1 mm, names nominal: its field ends above the sacrum); the CT's
come from the vertebral masks that lie beside it; the implanted set is the same MR, moved by its own
alignment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK
from alignment_cases import Scanner, moved, turned
from segmentation_cases import real_cases

from herntrack.alignment.align import align
from herntrack.imaging.label_files import read_label_file
from herntrack.imaging.sitk_bridge import from_sitk
from herntrack.imaging.volume import Volume
from herntrack.levels.label_maps import Convention, discs_of_labels
from herntrack.model.base_plane import body_axes
from herntrack.model.vocabulary import Level
from herntrack.phantoms.acquisition import Pose, Receiver, expose, render
from herntrack.phantoms.anatomy import Anatomy, build_anatomy
from herntrack.phantoms.planning import StackSize, sagittal_stack
from herntrack.phantoms.scene import build_scene
from herntrack.phantoms.tissues import Contrast

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "dicom"

MR_DISCS = {  # x of the midline; (y, z) of the centre, of the upper and of the lower posterior corner
    Level.T12_L1: (-9.8, (61.5, -325.5), (75.0, -324.0), (75.0, -328.8)),
    Level.L1_L2: (-9.9, (58.2, -350.5), (72.5, -348.8), (71.2, -354.6)),
    Level.L2_L3: (-11.6, (53.5, -379.0), (68.3, -377.2), (67.4, -383.3)),
    Level.L3_L4: (-13.6, (48.4, -409.7), (63.0, -407.8), (61.0, -414.5)),
    Level.L4_L5: (-15.4, (41.9, -442.2), (56.3, -440.5), (54.7, -447.3)),
    Level.L5_S1: (-16.8, (35.1, -476.1), (50.0, -474.5), (49.5, -480.8)),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelCase:
    """One stack; points are LPS mm. `room_mm` is from a disc's centre to where the field ends."""

    name: str
    group: str
    volume: Volume
    centres: dict[Level, np.ndarray]
    corners: dict[Level, tuple[np.ndarray, np.ndarray]]

    @property
    def room_mm(self) -> dict[Level, float]:
        axes = body_axes(self.volume.geometry)
        corners = self.volume.geometry.corners_lps()
        room = {}
        for level, centre in self.centres.items():
            gaps = [(corners - centre) @ axis for axis in axes]
            room[level] = float(min(min(gap.max(), -gap.min()) for gap in gaps[1:]))
        return room

    def in_plane(self, offset: np.ndarray) -> float:
        lateral = body_axes(self.volume.geometry)[0]
        return float(np.linalg.norm(offset - (offset @ lateral) * lateral))

    def sideways(self, offset: np.ndarray) -> float:
        return float(abs(offset @ body_axes(self.volume.geometry)[0]))


def computed_levels(seed: int) -> Iterator[LevelCase]:
    """Yield T1 and T2 of one patient, three slice thicknesses, each in another pose and field."""
    rng = np.random.default_rng([seed, 77])
    diseased = tuple(each for each in (Level.L5_S1, Level.L4_L5, Level.L3_L4) if rng.random() < 0.6)
    anatomy = build_anatomy(seed, diseased=diseased)
    scene = build_scene(anatomy)
    for thickness in (3.0, 4.0, 5.0):
        pose = turned(rng, float(rng.uniform(0, 8)), float(rng.uniform(0, 15)))
        pixel = float(rng.choice([0.6, 0.8, 0.95]))
        size = StackSize(
            n_slices=int(rng.integers(7, 14)),
            n_rows=2 * round(230 / pixel / 2),
            n_columns=2 * round(172 / pixel / 2),
            pixel_mm=pixel,
            thickness_mm=thickness,
            spacing_mm=thickness * 1.1,
        )
        aim = rng.normal(0, 2, 2)
        geometry = sagittal_stack(pose, size, aim_error_degrees=(float(aim[0]), float(aim[1])))
        geometry = moved(geometry, np.array([rng.uniform(-3, 3), rng.uniform(-45, 45), rng.uniform(-8, 8)]))
        exposure = expose(
            scene, [], pose, geometry, contrasts=(Contrast.T2, Contrast.T1), thickness_mm=thickness
        )
        scanner = Scanner.drawn(rng)
        receiver = Receiver(
            noise=scanner.noise,
            gain=0.45,
            coil_y_mm=scanner.coil_y_mm,
            coil_reach_mm=scanner.coil_reach_mm,
            saturation_y_mm=-62.0 + pose.shift_mm[1] if scanner.has_saturation else None,
        )
        for contrast in (Contrast.T2, Contrast.T1):
            yield _case(
                f"{seed} {contrast.value} {thickness:g} mm",
                f"computed {contrast.value} {thickness:g} mm",
                Volume(values=render(exposure, contrast, receiver, rng), geometry=geometry),
                anatomy,
                pose,
            )


def _case(name: str, group: str, volume: Volume, anatomy: Anatomy, pose: Pose) -> LevelCase:
    centres, corners = {}, {}
    for disc in anatomy.discs:
        if disc.level is not None:
            centres[disc.level] = pose.to_scanner((0.0, *disc.frame.centre_yz))
            upper, lower = (pose.to_scanner((0.0, *corner)) for corner in disc.posterior_corners_yz)
            corners[disc.level] = upper, lower
    return LevelCase(name=name, group=group, volume=volume, centres=centres, corners=corners)


def real_levels() -> list[LevelCase]:
    """Return the real volumes beside the checkout; none where they are missing."""
    found = []
    mr = SHARED / "lumbar_mr_sct/single_subject/data/t2_lumbar/t2_lumbar.nii.gz"
    if mr.is_file():
        whole = _mr_case(from_sitk(SimpleITK.ReadImage(str(mr))))
        found += [whole, *_implanted(whole)]
    folder = SHARED / "lumbar_ct_totalsegmentator/tests/reference_files"
    if folder.is_dir():
        labels = read_label_file(folder / "spine_report/test_result/totalseg.nii.gz")
        discs = discs_of_labels(labels.labels, labels.geometry, Convention.TOTALSEGMENTATOR)
        found.append(
            LevelCase(
                name="real CT",
                group="real CT 3 mm",
                volume=from_sitk(SimpleITK.ReadImage(str(folder / "example_ct.nii.gz"))),
                centres={each.level: np.array(each.centre_lps) for each in discs},
                corners={
                    each.level: (np.array(upper), np.array(lower))
                    for each in discs
                    if each.base_plane is not None
                    for upper, lower in (each.base_plane.corners_lps,)
                },
            )
        )
    return found


def _mr_case(volume: Volume) -> LevelCase:
    points = {
        level: tuple(np.array((x, *place)) for place in places) for level, (x, *places) in MR_DISCS.items()
    }
    return LevelCase(
        name="real MR",
        group="real MR",
        volume=volume,
        centres={level: each[0] for level, each in points.items()},
        corners={level: (each[1], each[2]) for level, each in points.items()},
    )


def _implanted(whole: LevelCase) -> Iterator[LevelCase]:
    for case in real_cases():
        if not case.name.endswith("SAG"):
            continue
        motion = align(case.volume, whole.volume)
        yield LevelCase(
            name=case.name,
            group="real MR implanted",
            volume=case.volume,
            centres={level: motion.to_baseline(point) for level, point in whole.centres.items()},
            corners={
                level: (motion.to_baseline(upper), motion.to_baseline(lower))
                for level, (upper, lower) in whole.corners.items()
            },
        )

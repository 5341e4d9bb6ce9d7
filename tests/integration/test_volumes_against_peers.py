"""Our stacks of real series against what SimpleITK and dcm2niix make of the same files.

Both are other people's readers. SimpleITK gets the files of a stack in our order; dcm2niix gets a
whole folder, groups it by itself, and its volumes are compared in world coordinates because it
flips rows and reorders axes.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dcm2niix
import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK

from herntrack.dicom.headers import ScannedImage, read_header
from herntrack.dicom.stacks import build_stacks
from herntrack.errors import DicomError, GeometryError, IrregularSpacingError
from herntrack.imaging.load import load_volume
from herntrack.imaging.sitk_bridge import geometry_of_image, to_sitk
from herntrack.imaging.volume import Volume
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import Stack
from herntrack.readings.placement import align_grids

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "dicom"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason=f"real imaging data not at {SHARED}"),
]

N_REGULAR_STACKS = 61
"""Regular stacks in the shared folders; fewer means that a series is no longer understood."""

TILTED = {
    ("dcm_qa_ct", 14, 18.5): 2,
    ("dicom2nifti", 4, 14.0): 1,
}
"""Folder, slices, gantry tilt in degrees: how many stacks no peer can place.

A SimpleITK direction and a NIfTI qform have right angles; both peers drop the shear (dcm2niix also
joins the two blocks of dcm_qa_ct and interpolates them). Their first slice and values are compared.
"""

AFFINE_TOLERANCE_MM = 1e-3
"""Largest distance of any corner voxel from SimpleITK's."""

NIFTI_TOLERANCE_MM = 2e-3
"""The same for dcm2niix: float32, and its slice step is that of the first pair, not of the whole stack."""

NOT_IMAGES = {".gz", ".json", ".md", ".nrrd", ".jpg", ".png", ".txt"}


@dataclass(frozen=True)
class RealStack:
    folder: str
    stack: Stack
    files: list[Path]
    volume: Volume

    @property
    def name(self) -> str:
        return f"{self.folder} {self.stack.series_instance_uid} {self.stack.geometry.shape_zyx}"


def scanned_series() -> Iterator[tuple[str, list[tuple[Path, ScannedImage]]]]:
    series: dict[tuple[str, str], dict[str, tuple[Path, ScannedImage]]] = {}
    for path in sorted(SHARED.rglob("*")):
        if not path.is_file() or path.suffix in NOT_IMAGES:
            continue
        try:
            image = read_header(path)
        except DicomError:
            continue
        key = (path.relative_to(SHARED).parts[0], image.series.series_instance_uid)
        series.setdefault(key, {}).setdefault(image.header.sop_instance_uid, (path, image))
    for (folder, _), images in series.items():
        yield folder, list(images.values())


@pytest.fixture(scope="module")
def built() -> list[tuple[str, Stack, list[Path]]]:
    found = []
    for folder, images in scanned_series():
        path_of = {image.header.sop_instance_uid: path for path, image in images}
        for each in build_stacks(images[0][1].series, [image.header for _, image in images]):
            found.append((folder, each.stack, [path_of[uid] for uid in each.sop_instance_uids]))
    return found


@pytest.fixture(scope="module")
def real_stacks(built: list[tuple[str, Stack, list[Path]]]) -> list[RealStack]:
    return [
        RealStack(folder, stack, files, load_volume(stack, files))
        for folder, stack, files in built
        if stack.is_regular
    ]


@pytest.fixture(scope="module")
def niftis(real_stacks: list[RealStack], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    made = {}
    for folder in sorted({each.folder for each in real_stacks}):
        out = tmp_path_factory.mktemp(folder)
        command = [
            dcm2niix.bin,
            "-z",
            "n",
            "-b",
            "y",
            "-d",
            "9",
            "-f",
            "%s_%e_%r",
            "-o",
            out,
            SHARED / folder,
        ]
        subprocess.run([str(part) for part in command], check=True, capture_output=True)
        made[folder] = sorted(out.glob("*.nii"))
    return made


def is_tilted(each: RealStack) -> bool:
    return each.stack.geometry.is_sheared


def simpleitk_image(each: RealStack) -> SimpleITK.Image:
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in each.files])
    warns = SimpleITK.ProcessObject.GetGlobalWarningDisplay()
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        return reader.Execute()
    finally:
        SimpleITK.ProcessObject.SetGlobalWarningDisplay(warns)


def test_every_regular_stack_loads(real_stacks: list[RealStack]) -> None:
    assert len(real_stacks) == N_REGULAR_STACKS
    tilts = [
        (each.folder, each.stack.geometry.shape_zyx[0], round(each.stack.geometry.tilt_degrees, 1))
        for each in real_stacks
        if is_tilted(each)
    ]
    assert {tilt: tilts.count(tilt) for tilt in tilts} == TILTED


def test_voxels_lie_where_each_file_says(real_stacks: list[RealStack]) -> None:
    for each in real_stacks:
        for index, path in enumerate(each.files):
            stated = pydicom.dcmread(path, stop_before_pixels=True, force=True).ImagePositionPatient
            distance = np.linalg.norm(
                each.stack.geometry.index_to_lps([index, 0, 0]) - np.array(stated, float)
            )
            # 0.01 mm is the rounding of positions in headers; a tilt or a wrong order is off by far more.
            assert distance < 0.01, f"{each.name} slice {index}"


def test_values_and_affine_equal_simpleitk(real_stacks: list[RealStack]) -> None:
    compared = 0
    for each in real_stacks:
        image = simpleitk_image(each)
        values = SimpleITK.GetArrayFromImage(image)
        # Slopes that are fractions are applied in float32 here and in float64 there.
        tolerance = 0.0 if each.volume.values.dtype.kind == "i" else 1e-6 * np.abs(values).max()
        assert np.abs(values - each.volume.values.astype(float)).max() <= tolerance, each.name
        geometry = geometry_of_image(image)
        if is_tilted(each):
            # SimpleITK places the first slice; the shear of the others it cannot say.
            geometry = first_slice(geometry)
            ours = first_slice(each.volume.geometry)
        else:
            ours = each.volume.geometry
        assert geometry.corner_distance_mm(ours) < AFFINE_TOLERANCE_MM, each.name
        compared += 1
    assert compared == N_REGULAR_STACKS


def first_slice(geometry: VolumeGeometry) -> VolumeGeometry:
    return VolumeGeometry(affine_lps=geometry.affine_lps, shape_zyx=(1, *geometry.shape_zyx[1:]))


def test_values_and_place_equal_dcm2niix(real_stacks: list[RealStack], niftis: dict[str, list[Path]]) -> None:
    compared = [each for each in real_stacks if not is_tilted(each)]
    missing = [each.name for each in compared if not any(agrees(each, path) for path in niftis[each.folder])]
    assert missing == []
    assert len(compared) == N_REGULAR_STACKS - sum(TILTED.values())


def agrees(each: RealStack, nifti: Path) -> bool:
    image = nibabel.load(nifti)
    if sorted(image.shape[:3]) != sorted(each.volume.values.shape):
        return False
    ras_to_lps = np.diag([-1.0, -1.0, 1.0, 1.0])
    geometry = VolumeGeometry(affine_lps=ras_to_lps @ image.affine, shape_zyx=image.shape[:3])
    try:
        alignment = align_grids(geometry, each.volume.geometry)
    except GeometryError:
        return False
    ours, theirs = each.volume.geometry.affine_lps, geometry.affine_lps
    reordered = ours @ np.round(np.linalg.solve(ours, theirs))
    if np.abs(reordered - theirs).max() > AFFINE_TOLERANCE_MM or alignment.distance_mm > NIFTI_TOLERANCE_MM:
        return False
    values = np.asarray(image.dataobj).reshape(*image.shape[:3], -1)
    # A series of several volumes is one file of dcm2niix; ours are told apart by echo or time.
    limit = 1e-6 * np.abs(values).max()
    return any(
        np.abs(alignment.in_target_order(values[..., t]).astype(float) - each.volume.values).max() <= limit
        for t in range(values.shape[3])
    )


def test_the_bridge_gives_simpleitk_the_image_it_reads_itself(real_stacks: list[RealStack]) -> None:
    each = next(each for each in real_stacks if each.folder == "dcm_qa_decubitus")
    theirs, ours = simpleitk_image(each), to_sitk(each.volume)
    assert ours.GetSize() == theirs.GetSize()
    for point in ((0, 0, 0), (7, 100, 34), (255, 0, 17)):
        expected = theirs.TransformIndexToPhysicalPoint(point)
        assert np.allclose(ours.TransformIndexToPhysicalPoint(point), expected, atol=AFFINE_TOLERANCE_MM)
        assert ours[point] == theirs[point]


def test_a_tilted_stack_is_refused_by_the_bridge_with_its_angle(real_stacks: list[RealStack]) -> None:
    each = next(each for each in real_stacks if each.folder == "dcm_qa_ct")
    with pytest.raises(GeometryError, match=r"tilted by 18\.50 degrees"):
        to_sitk(each.volume)


def test_irregular_stacks_are_refused_with_their_problems(built: list[tuple[str, Stack, list[Path]]]) -> None:
    irregular = [(stack, files) for _, stack, files in built if not stack.is_regular and len(files) > 1]
    assert irregular
    for stack, files in irregular:
        with pytest.raises(IrregularSpacingError) as raised:
            load_volume(stack, files)
        assert stack.problems[0] in str(raised.value)

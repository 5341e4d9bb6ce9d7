"""Frames of enhanced images as the catalogue sees them: one image each, or a reason for the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ImplicitVRLittleEndian

from herntrack.dicom.headers import SetAside, read_images
from herntrack.dicom.reading_process import HeaderReaders
from herntrack.dicom.scan import Scanned, scan_in_parts, walk_files
from herntrack.dicom.stacks import BuiltStack, build_stacks
from herntrack.model.images import InstanceHeader
from tests.enhanced import ENHANCED_CT, LEGACY_MR, SHARED, Group, frame, make_enhanced
from tests.factories import ROOT, make_dataset, write

HEIGHTS = (5.0, 9.4, 13.8, 18.2)
FRAMES = [frame(z, position=index) for index, z in enumerate(HEIGHTS, start=1)]


def headers_of(dataset: Dataset, tmp_path: Path) -> list[InstanceHeader]:
    return [image.header for image in read_images(write(dataset, tmp_path / "image"))]


def refusal(dataset: Dataset, tmp_path: Path) -> SetAside:
    with pytest.raises(SetAside) as caught:
        read_images(write(dataset, tmp_path / "image"))
    return caught.value


def stacks_of(dataset: Dataset, tmp_path: Path) -> list[BuiltStack]:
    images = read_images(write(dataset, tmp_path / "image"))
    return build_stacks(images[0].series, [image.header for image in images])


def diffusion(z: float, place: int, b_value: float, direction: int) -> Group:
    return frame(
        z,
        position=place,
        FrameContentSequence={"DimensionIndexValues": [place, direction]},
        MRDiffusionSequence={"DiffusionBValue": b_value, "DiffusionDirectionality": "DIRECTIONAL"},
    )


def dimensions(*tags: int) -> Items:
    items = []
    for tag in tags:
        item = Dataset()
        item.DimensionIndexPointer = tag
        items.append(item)
    return Items(items)


def test_each_frame_is_an_image_like_the_classic_one(tmp_path: Path) -> None:
    classic = read_images(write(make_dataset(FlipAngle=150, SpacingBetweenSlices=4.4), tmp_path / "c"))[0]
    images = read_images(write(make_enhanced(FRAMES), tmp_path / "e"))
    assert [image.header.frame_number for image in images] == [1, 2, 3, 4]
    assert [image.header.image_position_patient for image in images] == [(-10.0, -20.0, z) for z in HEIGHTS]
    assert [image.header.instance_number for image in images] == [1, 2, 3, 4]
    first = images[0].header
    for name in (
        *("rows", "columns", "pixel_spacing", "image_orientation_patient", "image_position_patient"),
        *("repetition_time", "echo_time", "flip_angle", "scanning_sequence", "slice_thickness"),
        *("spacing_between_slices", "frame_of_reference_uid", "transfer_syntax_uid", "sop_instance_uid"),
    ):
        assert getattr(first, name) == getattr(classic.header, name), name
    assert first.sop_class_uid == "1.2.840.10008.5.1.4.1.1.4.1"
    assert first.image_type == ("ORIGINAL", "PRIMARY", "M", "NONE")
    assert images[0].series == classic.series
    assert (images[0].patient_id, images[0].study_date) == (classic.patient_id, classic.study_date)
    assert images[0].person == classic.person
    assert images[0].notes == ()


def test_a_frames_own_value_stands_before_the_shared_one_and_that_before_the_whole_images(
    tmp_path: Path,
) -> None:
    own = {"RepetitionTime": 600}
    frames = [frame(5.0), frame(9.4, MRTimingAndRelatedParametersSequence=own)]
    headers = headers_of(make_enhanced(frames, RepetitionTime=9, SliceThickness=9, EchoTime=9), tmp_path)
    assert [header.repetition_time for header in headers] == [3500.0, 600.0]
    assert [header.flip_angle for header in headers] == [150.0, 150.0]
    assert {header.slice_thickness for header in headers} == {4.0}
    shared: Group = {"MRTimingAndRelatedParametersSequence": {}, "MREchoSequence": {}}
    headers = headers_of(make_enhanced(FRAMES, shared=shared, RepetitionTime=9), tmp_path)
    assert {header.repetition_time for header in headers} == {9.0}


@pytest.mark.parametrize("manufacturer", ["CANON_MEC", "TOSHIBA_MEC", "GE MEDICAL SYSTEMS"])
def test_frames_that_say_all_of_it_themselves_and_run_downwards_make_the_classic_stack(
    manufacturer: str, tmp_path: Path
) -> None:
    # Nothing is shared, and the frames come against the direction of the slices.
    places = list(enumerate(HEIGHTS, start=1))
    frames = [{**SHARED, **frame(z, position=place)} for place, z in reversed(places)]
    shared: Group = {keyword: {} for keyword in SHARED}
    (built,) = stacks_of(make_enhanced(frames, shared=shared, Manufacturer=manufacturer), tmp_path)
    slices = [
        make_dataset(
            SOPInstanceUID=f"{ROOT}.7.{place}",
            ImagePositionPatient=[-10, -20, z],
            InstanceNumber=place,
            Manufacturer=manufacturer,
        )
        for place, z in places
    ]
    images = [read_images(write(each, tmp_path / f"slice-{i}"))[0] for i, each in enumerate(slices)]
    (classic,) = build_stacks(images[0].series, [image.header for image in images])
    for name in ("geometry", "plane", "weighting", "role", "is_lumbar", "is_regular", "problems"):
        assert getattr(built.stack, name) == getattr(classic.stack, name), name
    assert [number for _, number in built.images] == [4, 3, 2, 1]


def test_the_position_of_the_whole_image_is_no_frames_position(tmp_path: Path) -> None:
    frames = [FRAMES[0], {"FrameContentSequence": {"StackID": "1"}}]
    found = refusal(make_enhanced(frames, ImagePositionPatient=[0, 0, 0]), tmp_path)
    assert found.code == "no_position"
    assert found.reason.startswith("frame 2: ")


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"NumberOfFrames": 5}, "multi_frame", "5 frames with functional groups for 4"),
        ({"PerFrameFunctionalGroupsSequence": None}, "multi_frame", "without functional groups"),
        ({"SamplesPerPixel": 3}, "colour", "3 samples"),
        ({"PixelPresentation": "COLOR"}, "colour", "in colours"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "colour", "palette"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]}, "mosaic", "tiled"),
        ({"Rows": 500}, "truncated", "24000 bytes that its 4 frames need"),
        ({"PixelData": bytes(2), "Rows": 0}, "not_an_image", "Rows"),
    ],
)
def test_a_file_whose_frames_cannot_be_used_says_why(
    tmp_path: Path, changes: dict[str, Any], code: str, words: str
) -> None:
    found = refusal(make_enhanced(FRAMES, **changes), tmp_path)
    assert found.code == code
    assert words in found.reason


def test_a_mosaic_that_only_a_private_attribute_tells_is_set_aside(tmp_path: Path) -> None:
    dataset = make_enhanced(FRAMES)
    details = Dataset()
    details.add_new(0x00210011, "LO", "SIEMENS MR SDI 02")
    details.add_new(0x00211175, "CS", ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"])
    groups = dataset.PerFrameFunctionalGroupsSequence[0]
    groups.add_new(0x00210011, "LO", "SIEMENS MR SDI 02")
    groups.add_new(0x002111FE, "SQ", Items([details]))
    assert refusal(dataset, tmp_path).code == "mosaic"


def test_a_frame_in_colours_costs_the_whole_file(tmp_path: Path) -> None:
    colours = {"FrameType": ["DERIVED", "PRIMARY", "M", "NONE"], "PixelPresentation": "COLOR"}
    found = refusal(make_enhanced([*FRAMES[:3], frame(18.2, MRImageFrameTypeSequence=colours)]), tmp_path)
    assert (found.code, "frame 4" in found.reason) == ("colour", True)


def test_a_classic_image_of_several_frames_stays_set_aside(tmp_path: Path) -> None:
    found = refusal(make_dataset(NumberOfFrames=3), tmp_path)
    assert (found.code, "3 frames" in found.reason) == ("multi_frame", True)


def test_frames_make_one_stack_in_whatever_order_they_stand(tmp_path: Path) -> None:
    (built,) = stacks_of(make_enhanced([FRAMES[2], FRAMES[0], FRAMES[3], FRAMES[1]]), tmp_path)
    assert built.stack.is_regular
    assert built.images == tuple((f"{ROOT}.9.1", number) for number in (2, 4, 1, 3))
    assert np.allclose(built.stack.geometry.affine_lps[:3, 0], [0.0, 0.0, 4.4])


def test_a_missing_frame_makes_the_stack_irregular(tmp_path: Path) -> None:
    frames = [frame(5.0 + 4.4 * index, position=index + 1) for index in range(8) if index != 3]
    (built,) = stacks_of(make_enhanced(frames), tmp_path)
    assert not built.stack.is_regular
    assert "1 slice(s) missing" in built.stack.problems[0]


def test_several_stacks_of_one_image_are_kept_apart(tmp_path: Path) -> None:
    frames = [
        *(frame(5.0 + 4.0 * index, stack="1", position=index + 1) for index in range(3)),
        *(frame(17.0 + 4.0 * index, stack="2", position=index + 1) for index in range(3)),
    ]
    built = stacks_of(make_enhanced(frames), tmp_path)
    assert [each.stack.geometry.shape_zyx[0] for each in built] == [3, 3]
    assert {len({number for _, number in each.images} & {1, 2, 3}) for each in built} == {0, 3}


def test_a_stack_identifier_of_every_frames_own_tells_nothing_apart(tmp_path: Path) -> None:
    frames = [frame(z, stack=str(index)) for index, z in enumerate(HEIGHTS)]
    (built,) = stacks_of(make_enhanced(frames), tmp_path)
    assert built.stack.geometry.shape_zyx[0] == 4


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"MREchoSequence": {"EffectiveEchoTime": 20.0}}, {"MREchoSequence": {"EffectiveEchoTime": 90.0}}),
        (
            {"MRMetaboliteMapSequence": {"MetaboliteMapDescription": "WATER"}},
            {"MRMetaboliteMapSequence": {"MetaboliteMapDescription": "FAT"}},
        ),
        (
            {"MRImageFrameTypeSequence": {"ComplexImageComponent": "MAGNITUDE"}},
            {"MRImageFrameTypeSequence": {"ComplexImageComponent": "PHASE"}},
        ),
        (
            {"FrameContentSequence": {"TemporalPositionIndex": 1}},
            {"FrameContentSequence": {"TemporalPositionIndex": 2}},
        ),
        (
            {"MRModifierSequence": {"InversionRecovery": "YES", "InversionTimes": 160.0}},
            {"MRModifierSequence": {"InversionRecovery": "YES", "InversionTimes": 900.0}},
        ),
    ],
)
def test_contrasts_of_one_image_are_kept_apart(tmp_path: Path, first: Group, second: Group) -> None:
    # Frame by frame in turn, so that only the values can tell the two.
    frames = [frame(z, position=i, **groups) for i, z in enumerate(HEIGHTS, 1) for groups in (first, second)]
    built = stacks_of(make_enhanced(frames), tmp_path)
    assert sorted({number % 2 for _, number in each.images} == {1} for each in built) == [False, True]
    assert all(each.stack.is_regular and len(each.images) == 4 for each in built)


def test_kernels_of_one_ct_image_are_kept_apart(tmp_path: Path) -> None:
    frames = [
        frame(z, position=i, CTReconstructionSequence={"ConvolutionKernel": kernel})
        for i, z in enumerate(HEIGHTS, 1)
        for kernel in ("B30s", "B70s")
    ]
    shared: Group = {"CTImageFrameTypeSequence": {"FrameType": ["ORIGINAL", "PRIMARY", "AXIAL", "NONE"]}}
    built = stacks_of(make_enhanced(frames, shared=shared, SOPClassUID=ENHANCED_CT, Modality="CT"), tmp_path)
    assert [str(each.stack.weighting) for each in built] == ["CT soft", "CT bone"]


def test_directions_of_diffusion_follow_the_dimensions_not_the_order_of_the_frames(tmp_path: Path) -> None:
    places = list(enumerate(HEIGHTS, start=1))
    frames = [diffusion(z, place, 800.0, direction) for place, z in places for direction in (1, 2, 3)]
    # At the second position the directions come the other way round.
    frames[3:6] = frames[3:6][::-1]
    dataset = make_enhanced(frames, DimensionIndexSequence=dimensions(0x00209057, 0x00189089))
    built = stacks_of(dataset, tmp_path)
    assert [[number for _, number in each.images] for each in built] == [
        [1, 6, 7, 10],
        [2, 5, 8, 11],
        [3, 4, 9, 12],
    ]
    assert all(each.stack.is_regular for each in built)


def test_converted_images_keep_what_has_no_group(tmp_path: Path) -> None:
    timing: Group = {"UnassignedSharedConvertedAttributesSequence": {"EchoTime": 98, "RepetitionTime": 2000}}
    frames = [
        frame(
            z, UnassignedPerFrameConvertedAttributesSequence={"InstanceNumber": 11 + index, "EchoNumbers": 2}
        )
        for index, z in enumerate(HEIGHTS)
    ]
    dataset = make_enhanced(frames, SOPClassUID=LEGACY_MR)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    for keyword in ("MRTimingAndRelatedParametersSequence", "MREchoSequence"):
        del shared[keyword]
    item = Dataset()
    item.update(make_dataset(**timing["UnassignedSharedConvertedAttributesSequence"])[0x00180080:0x00180082])
    shared.UnassignedSharedConvertedAttributesSequence = Items([item])
    headers = headers_of(dataset, tmp_path)
    assert {(header.echo_time, header.repetition_time, header.echo_numbers) for header in headers} == {
        (98.0, 2000.0, 2)
    }
    assert [header.instance_number for header in headers] == [11, 12, 13, 14]


def test_words_of_enhanced_sequences_become_classic_ones(tmp_path: Path) -> None:
    shared: Group = {
        "MRModifierSequence": {"InversionRecovery": "YES", "InversionTimes": 160.0},
        "FrameAnatomySequence": {},
    }
    dataset = make_enhanced(
        FRAMES,
        shared=shared,
        EchoPulseSequence="GRADIENT",
        EchoPlanarPulseSequence="YES",
        SpectrallySelectedSuppression="FAT",
        PulseSequenceName="epi2d",
    )
    region = Dataset()
    region.CodeMeaning = "Lumbar spine"
    dataset.SharedFunctionalGroupsSequence[0].FrameAnatomySequence[0].AnatomicRegionSequence = Items([region])
    image = read_images(write(dataset, tmp_path / "image"))[0]
    assert image.header.scanning_sequence == ("GR", "EP", "IR")
    assert (image.header.inversion_time, image.header.scan_options) == (160.0, ("FS",))
    assert (image.header.sequence_name, image.series.body_part_examined) == ("epi2d", "Lumbar spine")


@pytest.mark.parametrize(("administered", "expected"), [("YES", "Gadobutrol"), ("NO", "")])
def test_contrast_counts_where_it_was_given(tmp_path: Path, administered: str, expected: str) -> None:
    agent = Dataset()
    agent.CodeMeaning = "Gadobutrol"
    shared: Group = {"ContrastBolusUsageSequence": {"ContrastBolusAgentAdministered": administered}}
    dataset = make_enhanced(FRAMES, shared=shared, ContrastBolusAgentSequence=Items([agent]))
    assert headers_of(dataset, tmp_path)[0].contrast_bolus_agent == expected


def test_blanked_identifiers_are_the_same_for_all_frames(tmp_path: Path) -> None:
    dataset = make_enhanced(FRAMES, SOPInstanceUID="", SeriesInstanceUID="", PatientID="")
    dataset.file_meta.MediaStorageSOPInstanceUID = ""
    images = read_images(write(dataset, tmp_path / "image", enforce_file_format=False))
    assert len({image.header.sop_instance_uid for image in images}) == 1
    assert len({image.series.series_instance_uid for image in images}) == 1
    assert "PatientID is missing" in images[0].notes


def test_implicit_vr_gives_the_same_frames(tmp_path: Path) -> None:
    explicit = headers_of(make_enhanced(FRAMES), tmp_path)
    dataset = make_enhanced(FRAMES)
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    implicit = headers_of(dataset, tmp_path)
    assert [header.image_position_patient for header in implicit] == [
        header.image_position_patient for header in explicit
    ]
    assert {header.transfer_syntax_uid for header in implicit} == {ImplicitVRLittleEndian}


def test_a_series_spread_over_one_file_for_each_echo_makes_a_stack_of_each(tmp_path: Path) -> None:
    for number, echo_time in ((1, 20.0), (2, 90.0)):
        shared: Group = {**SHARED, "MREchoSequence": {"EffectiveEchoTime": echo_time}}
        dataset = make_enhanced(
            FRAMES, shared=shared, SOPInstanceUID=f"{ROOT}.9.{number}", InstanceNumber=number
        )
        write(dataset, tmp_path / "export" / str(number))
    write(
        make_dataset(SOPInstanceUID=f"{ROOT}.9.7", SeriesInstanceUID=f"{ROOT}.8"), tmp_path / "export" / "3"
    )
    (scan,) = scan_in_parts(list(walk_files(tmp_path / "export")), readers=HeaderReaders(0))
    frames = [result.frames for result in scan.results if isinstance(result, Scanned)]
    assert [len(each) for each in frames] == [4, 4, 0]
    built = scan.stacks[f"{ROOT}.2"]
    assert {each.images for each in built} == {
        tuple((f"{ROOT}.9.{number}", frame_number) for frame_number in (1, 2, 3, 4)) for number in (1, 2)
    }
    assert len(scan.stacks[f"{ROOT}.8"]) == 1

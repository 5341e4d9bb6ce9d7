from __future__ import annotations

from typing import Any

import pytest

from herntrack.dicom.roles import role_of
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import InstanceHeader, Series
from herntrack.model.vocabulary import ImageRole, Modality, Plane

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
# turned by 20 degrees about the left-right axis
TURNED = (1.0, 0.0, 0.0, 0.0, 0.9396926, 0.3420201)


def role(
    *,
    modality: Modality = Modality.MR,
    description: str = "",
    protocol: str = "",
    orientation: tuple[float, ...] = AXIAL,
    shape: tuple[int, int, int] = (20, 256, 256),
    spacing: tuple[float, float] = (4.4, 0.7),
    planes: tuple[Plane, ...] = (),
    **values: Any,
) -> tuple[ImageRole, str]:
    row, column = orientation[:3], orientation[3:]
    normal = (
        row[1] * column[2] - row[2] * column[1],
        row[2] * column[0] - row[0] * column[2],
        row[0] * column[1] - row[1] * column[0],
    )
    geometry = VolumeGeometry.from_dicom(
        orientation,
        (0.0, 0.0, 0.0),
        slice_step_lps=[spacing[0] * part for part in normal],
        pixel_spacing=(spacing[1], spacing[1]),
        shape_zyx=shape,
    )
    series = Series(
        series_instance_uid="1",
        study_instance_uid="2",
        modality=modality,
        series_description=description,
        protocol_name=protocol,
    )
    header = InstanceHeader(
        sop_instance_uid="3",
        sop_class_uid="4",
        transfer_syntax_uid="5",
        rows=shape[1],
        columns=shape[2],
        image_position_patient=(0.0, 0.0, 0.0),
        image_orientation_patient=None,
        pixel_spacing=None,
        **values,
    )
    return role_of(series, header, geometry, planes=planes or (geometry.plane,))


@pytest.mark.parametrize(
    ("image_type", "expected"),
    [
        # scanned, and what scanners do to scanned slices
        (r"ORIGINAL\PRIMARY\M\ND\NORM", ImageRole.DIAGNOSTIC),
        (r"ORIGINAL\PRIMARY\M\NORM\DIS2D\FM\FIL", ImageRole.DIAGNOSTIC),
        (r"ORIGINAL\PRIMARY\M_SE\M\SE", ImageRole.DIAGNOSTIC),
        (r"ORIGINAL\PRIMARY\OTHER", ImageRole.DIAGNOSTIC),
        (r"ORIGINAL\PRIMARY\AXIAL\CT_SOM5 SPI", ImageRole.DIAGNOSTIC),
        (r"ORIGINAL\PRIMARY\AXIAL\ADD", ImageRole.DIAGNOSTIC),
        (r"ORIGINAL\SECONDARY\AXIAL", ImageRole.DIAGNOSTIC),
        (r"DERIVED\PRIMARY\M\ND\NORM\FIL", ImageRole.DIAGNOSTIC),
        (r"DERIVED\PRIMARY\DIXON\WATER", ImageRole.DIAGNOSTIC),
        (r"DERIVED\PRIMARY\W\W\DERIVED", ImageRole.DIAGNOSTIC),
        (r"ORIGINAL\PRIMARY\STIR\NONE", ImageRole.DIAGNOSTIC),
        # to plan and to time the scan
        (r"ORIGINAL\PRIMARY\LOCALIZER", ImageRole.LOCALIZER),
        (r"ORIGINAL\PRIMARY\LOCALIZER\CT_SOM5 TOP", ImageRole.LOCALIZER),
        (r"ORIGINAL\PRIMARY\AXIAL\CT_SOM5 MON", ImageRole.LOCALIZER),
        (r"ORIGINAL\PRIMARY\SCOUT", ImageRole.LOCALIZER),
        # laid anew through scanned slices
        (r"DERIVED\PRIMARY\MPR\NORM\DIS2D", ImageRole.REFORMATTED),
        (r"DERIVED\SECONDARY\MPR\CSA MPR", ImageRole.REFORMATTED),
        (r"DERIVED\SECONDARY\REFORMATTED\AVERAGE", ImageRole.REFORMATTED),
        (r"DERIVED\PRIMARY\MPR", ImageRole.REFORMATTED),
        (r"DERIVED\SECONDARY\OTHER\CSA 3D EDITOR", ImageRole.REFORMATTED),
        # computed
        (r"DERIVED\PRIMARY\DIFFUSION\ADC\ND\NORM", ImageRole.DERIVED),
        (r"ORIGINAL\PRIMARY\DIFFUSION\TRACEW\ND", ImageRole.DERIVED),
        (r"ORIGINAL\PRIMARY\ADC_UNSPECIFIED\ADC\UNSPECIFIED", ImageRole.DERIVED),
        (r"DERIVED\PRIMARY\PROJECTION IMAGE\VOLUME_RENDER", ImageRole.DERIVED),
        (r"DERIVED\SECONDARY\REFORMATTED\MIP", ImageRole.DERIVED),
        (r"DERIVED\SECONDARY\OTHER\SUBTRACTION", ImageRole.DERIVED),
        (r"ORIGINAL\PRIMARY\PHASE MAP\P\SE", ImageRole.DERIVED),
        (r"DERIVED\PRIMARY\T2_MAP\ND", ImageRole.DERIVED),
        (r"DERIVED\SECONDARY\COMPOSED", ImageRole.DERIVED),
        (r"DERIVED\PRIMARY\DIXON\FAT", ImageRole.DERIVED),
        (r"DERIVED\SECONDARY\CURVED_MPR", ImageRole.DERIVED),
        (r"DERIVED\SECONDARY\OTHER", ImageRole.DERIVED),
        # pictures of a screen
        (r"DERIVED\SECONDARY\SCREEN SAVE", ImageRole.SCREENSHOT),
        (r"DERIVED\SECONDARY\OTHER\CT_SOM5 PROT", ImageRole.SCREENSHOT),
        (r"DERIVED\SECONDARY\MULTI_FORMAT_RASTER", ImageRole.SCREENSHOT),
        (r"DERIVED\SECONDARY\DISPLAY", ImageRole.SCREENSHOT),
        (r"DERIVED\SECONDARY\OTHER\DOSE_INFO", ImageRole.SCREENSHOT),
    ],
)
def test_image_type_decides_and_is_the_evidence(image_type: str, expected: ImageRole) -> None:
    found, evidence = role(image_type=tuple(image_type.split("\\")))
    assert found is expected
    assert image_type in evidence


def test_image_type_goes_before_the_description() -> None:
    assert (
        role(image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"), description="T2 SAG")[0] is ImageRole.LOCALIZER
    )


def test_a_compressed_axial_ct_is_still_what_was_scanned() -> None:
    found, evidence = role(
        modality=Modality.CT, image_type=("DERIVED", "PRIMARY", "AXIAL"), lossy_image_compression="01"
    )
    assert found is ImageRole.DIAGNOSTIC
    assert evidence == r"ImageType DERIVED\PRIMARY\AXIAL: scanned slices that were compressed with loss"
    secondary = ("DERIVED", "SECONDARY", "AXIAL")
    assert role(modality=Modality.CT, image_type=secondary)[0] is ImageRole.DIAGNOSTIC
    assert role(modality=Modality.MR, image_type=secondary)[0] is ImageRole.DERIVED


def test_burned_in_annotation_is_kept_apart_whatever_else_is_said() -> None:
    found = role(image_type=("ORIGINAL", "PRIMARY", "M"), burned_in_annotation="YES")
    assert found == (ImageRole.SCREENSHOT, "BurnedInAnnotation YES")
    saved = role(image_type=("DERIVED", "SECONDARY", "SCREEN SAVE"), burned_in_annotation="YES")
    assert saved == (ImageRole.SCREENSHOT, r"ImageType DERIVED\SECONDARY\SCREEN SAVE")
    assert role(image_type=("ORIGINAL", "PRIMARY", "M"), burned_in_annotation="NO")[0] is ImageRole.DIAGNOSTIC


@pytest.mark.parametrize("orientation", [SAGITTAL, CORONAL])
def test_ct_cannot_scan_another_plane(orientation: tuple[float, ...]) -> None:
    values: dict[str, Any] = {"modality": Modality.CT, "orientation": orientation}
    found, evidence = role(image_type=("ORIGINAL", "PRIMARY", "AXIAL"), **values)
    assert found is ImageRole.REFORMATTED
    assert "CT is scanned in axial slices, these are" in evidence
    assert role(description="Topogram 0.6", **values)[0] is ImageRole.LOCALIZER
    assert role(orientation=orientation)[0] is ImageRole.DIAGNOSTIC


def test_turned_ct_needs_a_tilted_gantry() -> None:
    found, evidence = role(modality=Modality.CT, orientation=TURNED, gantry_detector_tilt=0.0)
    assert found is ImageRole.REFORMATTED
    assert evidence == "CT slices turned by 20 degrees, but GantryDetectorTilt is 0"
    for tilt in (20.0, None):
        assert (
            role(modality=Modality.CT, orientation=TURNED, gantry_detector_tilt=tilt)[0]
            is ImageRole.DIAGNOSTIC
        )


def test_three_orientations_in_one_series_plan_another() -> None:
    planes = (Plane.AXIAL, Plane.CORONAL, Plane.SAGITTAL)
    found, evidence = role(shape=(7, 256, 256), spacing=(9.0, 0.9), planes=planes)
    assert found is ImageRole.LOCALIZER
    assert evidence == "axial, coronal and sagittal slices in one series, 7 of them 9.0 mm apart"
    assert role(shape=(60, 256, 256), spacing=(1.0, 0.9), planes=planes)[0] is ImageRole.DIAGNOSTIC
    assert role(planes=(Plane.AXIAL, Plane.SAGITTAL))[0] is ImageRole.DIAGNOSTIC


def test_slices_far_apart_and_coarse_wide_fields_plan_another() -> None:
    assert role(shape=(3, 128, 128), spacing=(16.0, 2.2)) == (ImageRole.LOCALIZER, "3 slices 16.0 mm apart")
    assert role(shape=(11, 384, 384), spacing=(9.9, 0.7))[0] is ImageRole.DIAGNOSTIC
    assert role(shape=(5, 256, 256), spacing=(8.0, 1.75))[0] is ImageRole.LOCALIZER
    assert role(shape=(5, 640, 640), spacing=(8.0, 0.7))[0] is ImageRole.DIAGNOSTIC
    assert role(shape=(6, 256, 256), spacing=(8.0, 1.75))[0] is ImageRole.DIAGNOSTIC


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("localizer", ImageRole.LOCALIZER),
        ("3-plane LOC", ImageRole.LOCALIZER),
        ("survey_sag", ImageRole.LOCALIZER),
        ("Scout lateral", ImageRole.LOCALIZER),
        ("Übersicht", ImageRole.LOCALIZER),
        ("repérage", ImageRole.LOCALIZER),
        ("Топограмма", ImageRole.LOCALIZER),
        ("локалайзер", ImageRole.LOCALIZER),
        ("localizador", ImageRole.LOCALIZER),
        ("LWS MPR sag", ImageRole.REFORMATTED),
        ("Sag Reformats", ImageRole.REFORMATTED),
        ("t1_mprage_sag", ImageRole.DIAGNOSTIC),
        ("ep2d_diff_ADC", ImageRole.DERIVED),
        ("t1 SUB", ImageRole.DERIVED),
        ("T2 SUBQ", ImageRole.DIAGNOSTIC),
        ("Dose Report", ImageRole.SCREENSHOT),
        ("Patient Protocol", ImageRole.SCREENSHOT),
        ("local field block L5", ImageRole.DIAGNOSTIC),
        ("", ImageRole.DIAGNOSTIC),
    ],
)
def test_words_come_last(description: str, expected: ImageRole) -> None:
    assert role(description=description)[0] is expected
    assert role(description="", protocol=description)[0] is expected
    assert role(description="T2 SAG", protocol=description)[0] is ImageRole.DIAGNOSTIC


def test_the_word_refines_what_was_made_afterwards() -> None:
    found, evidence = role(image_type=("DERIVED", "SECONDARY", "OTHER"), description="MPR sag")
    assert found is ImageRole.REFORMATTED
    assert evidence == r"described as 'mpr', ImageType DERIVED\SECONDARY\OTHER"

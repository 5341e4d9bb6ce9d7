from __future__ import annotations

from typing import Any

import pytest

from herntrack.dicom.contrast import weighting_of
from herntrack.model.images import InstanceHeader, Series
from herntrack.model.vocabulary import Modality, Weighting


def decided(
    modality: Modality = Modality.MR, description: str = "", manufacturer: str = "", **values: Any
) -> tuple[Weighting, str]:
    series = Series(
        series_instance_uid="1",
        study_instance_uid="2",
        modality=modality,
        series_description=description,
        manufacturer=manufacturer,
    )
    header = InstanceHeader(
        sop_instance_uid="3",
        sop_class_uid="4",
        transfer_syntax_uid="5",
        rows=1,
        columns=1,
        image_position_patient=None,
        image_orientation_patient=None,
        pixel_spacing=None,
        **values,
    )
    return weighting_of(series, header)


def weighting(modality: Modality = Modality.MR, description: str = "", **values: Any) -> Weighting:
    return decided(modality, description, **values)[0]


SPIN_ECHO = {"scanning_sequence": ("SE",)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"repetition_time": 3500.0, "echo_time": 102.0, **SPIN_ECHO}, Weighting.T2),
        ({"repetition_time": 550.0, "echo_time": 10.0, **SPIN_ECHO}, Weighting.T1),
        ({"repetition_time": 3000.0, "echo_time": 15.0, **SPIN_ECHO}, Weighting.PD),
        (
            {
                "repetition_time": 4000.0,
                "echo_time": 60.0,
                "inversion_time": 160.0,
                "scanning_sequence": ("SE", "IR"),
            },
            Weighting.STIR,
        ),
        (
            {"repetition_time": 3500.0, "echo_time": 90.0, "scan_options": ("FS",), **SPIN_ECHO},
            Weighting.T2_FAT_SATURATED,
        ),
        (
            {"repetition_time": 600.0, "echo_time": 10.0, "contrast_bolus_agent": "gadobutrol", **SPIN_ECHO},
            Weighting.T1_CONTRAST_ENHANCED,
        ),
        (
            {
                "repetition_time": 1800.0,
                "echo_time": 12.0,
                "inversion_time": 800.0,
                "scanning_sequence": ("SE", "IR"),
            },
            Weighting.T1,
        ),
        ({"repetition_time": 8.0, "echo_time": 4.0, "scanning_sequence": ("GR",)}, Weighting.UNKNOWN),
    ],
)
def test_physics_decides(values: dict[str, Any], expected: Weighting) -> None:
    assert weighting(**values) is expected


def test_physics_goes_before_the_description() -> None:
    assert (
        weighting(description="t1_tse", repetition_time=3500.0, echo_time=102.0, **SPIN_ECHO) is Weighting.T2
    )


def test_the_description_helps_where_physics_is_silent() -> None:
    assert weighting(description="t2_tirm_sag") is Weighting.STIR
    assert weighting(description="Sag T2") is Weighting.T2
    assert weighting(description="ADC map") is Weighting.UNKNOWN


T2_TIMES: dict[str, Any] = {"repetition_time": 3500.0, "echo_time": 90.0, **SPIN_ECHO}
T1_TIMES: dict[str, Any] = {"repetition_time": 600.0, "echo_time": 10.0, **SPIN_ECHO}


@pytest.mark.parametrize(
    ("values", "description", "expected", "why"),
    [
        ({"scan_options": ("SAT_GEMS", "FS")}, "", Weighting.T2_FAT_SATURATED, "ScanOptions FS"),
        ({"scan_options": ("SAT_GEMS", "SP")}, "", Weighting.T2, "TR 3500 ms, TE 90 ms, SE"),
        ({"image_type": ("DERIVED", "PRIMARY", "DIXON", "WATER")}, "", Weighting.T2_FAT_SATURATED, "water"),
        (
            {"image_type": ("DERIVED", "PRIMARY", "W", "W", "DERIVED")},
            "",
            Weighting.T2_FAT_SATURATED,
            "water",
        ),
        ({"image_type": ("ORIGINAL", "PRIMARY", "IN_PHASE")}, "", Weighting.T2, "TE 90 ms"),
        (
            {"image_type": ("DERIVED", "PRIMARY", "DIXON", "FAT")},
            "t2 dixon",
            Weighting.UNKNOWN,
            "fat picture",
        ),
        ({}, "t2_tse_fs_sag", Weighting.T2_FAT_SATURATED, "described as 'fs'"),
        ({}, "SAG T2 FRFSE", Weighting.T2, "SE"),
        ({}, "T2 SPAIR", Weighting.T2_FAT_SATURATED, "described as 'spair'"),
        ({}, "Т2 с жироподавлением", Weighting.T2_FAT_SATURATED, "described as 'жироподавлением'"),  # noqa: RUF001 -- as an export has it
    ],
)
def test_fat_in_a_t2_is_judged_by_options_then_pictures_then_words(
    values: dict[str, Any], description: str, expected: Weighting, why: str
) -> None:
    found, evidence = decided(description=description, **T2_TIMES, **values)
    assert found is expected
    assert why in evidence


@pytest.mark.parametrize(
    ("agent", "description", "expected"),
    [
        ("GADOVIST", "", Weighting.T1_CONTRAST_ENHANCED),
        ("NO", "", Weighting.T1),
        ("none", "", Weighting.T1),
        ("", "t1_tse_sag_fs_km", Weighting.T1_CONTRAST_ENHANCED),
        ("", "T1 +C", Weighting.T1_CONTRAST_ENHANCED),
        ("", "T1 Gd", Weighting.T1_CONTRAST_ENHANCED),
        ("", "t1 without contrast", Weighting.T1),
        ("", "t1 pre gd", Weighting.T1),
        ("", "t1 без контраста", Weighting.T1),
        ("", "t1 contrast-free? no contrast", Weighting.T1),
    ],
)
def test_contrast_medium_is_judged_by_the_agent_then_words(
    agent: str, description: str, expected: Weighting
) -> None:
    assert weighting(description=description, contrast_bolus_agent=agent, **T1_TIMES) is expected


@pytest.mark.parametrize(
    ("values", "description", "expected"),
    [
        # FLASH of a localizing brain scan: far beyond the Ernst angle of 42 degrees
        ({"repetition_time": 300.0, "echo_time": 2.46, "flip_angle": 80.0}, "", Weighting.T1),
        ({"repetition_time": 300.0, "echo_time": 2.46, "flip_angle": 30.0}, "", Weighting.UNKNOWN),
        ({"repetition_time": 4.0, "echo_time": 1.8, "flip_angle": 10.0}, "", Weighting.T1),
        ({"repetition_time": 600.0, "echo_time": 17.0, "flip_angle": 70.0}, "t2_me2d_tra", Weighting.UNKNOWN),
        ({"repetition_time": 600.0, "echo_time": 17.0, "flip_angle": 30.0}, "t1_fl2d", Weighting.T1),
    ],
)
def test_a_spoiled_gradient_echo_weights_by_t1_beyond_the_ernst_angle(
    values: dict[str, Any], description: str, expected: Weighting
) -> None:
    found = weighting(
        description=description, scanning_sequence=("GR",), sequence_variant=("SP", "OSP"), **values
    )
    assert found is expected


def test_a_balanced_gradient_echo_is_neither_t1_nor_t2() -> None:
    found, evidence = decided(
        description="t2_trufi",
        scanning_sequence=("GR",),
        sequence_variant=("SS",),
        repetition_time=4.0,
        echo_time=2.0,
        flip_angle=60.0,
    )
    assert found is Weighting.UNKNOWN
    assert "a gradient echo shows no T2" in evidence


def test_an_inverted_gradient_echo_weights_by_t1() -> None:
    assert (
        weighting(scanning_sequence=("GR", "IR"), repetition_time=8.9, echo_time=3.2, inversion_time=900.0)
        is Weighting.T1
    )


@pytest.mark.parametrize(("ti", "expected"), [(700.0, Weighting.T1), (None, Weighting.UNKNOWN)])
def test_an_inversion_decides_where_the_repetition_time_does_not(
    ti: float | None, expected: Weighting
) -> None:
    values: dict[str, Any] = {"scanning_sequence": ("SE", "IR"), "repetition_time": 1350.0, "echo_time": 12.0}
    assert weighting(inversion_time=ti, **values) is expected


def test_diffusion_has_no_weighting_of_tissue() -> None:
    found, evidence = decided(description="ep2d_diff T2", diffusion_b_value=800.0, **T2_TIMES)
    assert found is Weighting.UNKNOWN
    assert "b 800 s/mm2" in evidence


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("T2* GRE", Weighting.UNKNOWN),
        ("t2star", Weighting.UNKNOWN),
        ("SAG PDw", Weighting.PD),
        ("Т1 саг", Weighting.T1),  # noqa: RUF001 -- as an export has it
        ("ct2 reformat", Weighting.UNKNOWN),
        ("12T2", Weighting.UNKNOWN),
    ],
)
def test_words_where_no_timing_is_stated(description: str, expected: Weighting) -> None:
    assert weighting(description=description) is expected


@pytest.mark.parametrize(
    ("kernel", "manufacturer", "description", "expected"),
    [
        ("FC08-H", "TOSHIBA", "", Weighting.CT_SOFT),
        ("FC30", "TOSHIBA", "", Weighting.CT_BONE),
        ("FC52", "Canon", "", Weighting.CT_BONE),
        ("FC81", "Canon", "", Weighting.CT_BONE),
        ("FC68", "Canon", "", Weighting.CT_SOFT),
        ("Br59d 3", "Siemens Healthineers", "", Weighting.CT_BONE),
        ("I70f 3", "SIEMENS", "", Weighting.CT_BONE),
        ("Hr40", "SIEMENS", "", Weighting.CT_SOFT),
        ("B", "Philips", "", Weighting.CT_SOFT),
        ("YD", "Philips", "", Weighting.CT_BONE),
        ("D", "Philips", "", Weighting.CT_BONE),
        ("UB", "Philips", "", Weighting.CT_SOFT),
        ("D", "another", "", Weighting.UNKNOWN),
        ("DETAIL", "GE MEDICAL SYSTEMS", "", Weighting.CT_SOFT),
        ("STD+", "GE MEDICAL SYSTEMS", "", Weighting.CT_SOFT),
        ("B_VSHARP_C", "UIH", "", Weighting.CT_BONE),
        ("STANDARD", "GE MEDICAL SYSTEMS", "bone", Weighting.CT_SOFT),
        ("Q7", "another", "LWS Knochen", Weighting.CT_BONE),
        ("", "", "мягкие ткани", Weighting.CT_SOFT),
        ("", "", "ПОП костный режим", Weighting.CT_BONE),
    ],
)
def test_kernels_of_each_vendor_and_words_after_them(
    kernel: str, manufacturer: str, description: str, expected: Weighting
) -> None:
    found, evidence = decided(Modality.CT, description, manufacturer, convolution_kernel=kernel)
    assert found is expected
    assert kernel in evidence


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        ("Br38f 3", Weighting.CT_SOFT),
        ("B30s", Weighting.CT_SOFT),
        ("B70f", Weighting.CT_BONE),
        ("BONEPLUS", Weighting.CT_BONE),
        ("STANDARD", Weighting.CT_SOFT),
        ("", Weighting.UNKNOWN),
    ],
)
def test_a_kernel_tells_bone_from_soft_tissue(kernel: str, expected: Weighting) -> None:
    assert weighting(Modality.CT, convolution_kernel=kernel) is expected

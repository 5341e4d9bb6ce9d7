from __future__ import annotations

from typing import Any

import pytest

from herntrack.dicom.contrast import weighting_of
from herntrack.model.records import InstanceHeader, Series
from herntrack.model.vocabulary import Modality, Weighting


def weighting(modality: Modality = Modality.MR, description: str = "", **values: Any) -> Weighting:
    series = Series(
        series_instance_uid="1", study_instance_uid="2", modality=modality, series_description=description
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
    return weighting_of(series, header)[0]


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


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        ("Br38f 3", Weighting.CT_SOFT),
        ("B30s", Weighting.CT_SOFT),
        ("B70f", Weighting.CT_BONE),
        ("BONEPLUS", Weighting.CT_BONE),
        ("STANDARD", Weighting.CT_SOFT),
        ("", Weighting.CT_SOFT),
    ],
)
def test_a_kernel_tells_bone_from_soft_tissue(kernel: str, expected: Weighting) -> None:
    assert weighting(Modality.CT, convolution_kernel=kernel) is expected

from __future__ import annotations

import pytest

from herntrack.dicom.region import lumbar_of
from herntrack.model.geometry import VolumeGeometry
from herntrack.model.images import InstanceHeader, Series
from herntrack.model.vocabulary import Modality

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


def lumbar(
    description: str = "",
    *,
    protocol: str = "",
    body_part: str = "",
    study: str = "",
    orientation: tuple[float, ...] = AXIAL,
    height: int = 280,
) -> tuple[bool | None, str]:
    geometry = VolumeGeometry.from_dicom(
        orientation,
        (0.0, 0.0, 0.0),
        slice_step_lps=(4.0, 0.0, 0.0) if orientation == SAGITTAL else (0.0, 0.0, 4.0),
        pixel_spacing=(1.0, 1.0),
        shape_zyx=(11, height, 200),
    )
    series = Series(
        series_instance_uid="1",
        study_instance_uid="2",
        modality=Modality.MR,
        series_description=description,
        protocol_name=protocol,
        body_part_examined=body_part,
    )
    header = InstanceHeader(
        sop_instance_uid="3",
        sop_class_uid="4",
        transfer_syntax_uid="5",
        rows=height,
        columns=200,
        image_position_patient=None,
        image_orientation_patient=None,
        pixel_spacing=None,
        study_description=study,
    )
    return lumbar_of(series, header, geometry)


@pytest.mark.parametrize(
    "text",
    [
        "LSPINE",
        "L-Spine",
        "l_spine sag",
        "T2 L SPINE",
        "LSSPINE",
        "LS-spine",
        "LSP t2",
        "Lumbar",
        "lumbosacral",
        "Spine^LumbarSpine",
        "rachis lombaire",
        "IRM LOMBAIRE",
        "RM colonna lombare",
        "Columna lumbar",
        "coluna lombossacra",
        "LWS sag",
        "T2_LWS",
        "Lendenwirbelsäule",
        "LWK lumbale wervelkolom",
        "МРТ пояснично-крестцового отдела",  # noqa: RUF001 -- as an export has it
        "Поясничный отдел",
        "ПКОП",
        "poyasnichniy",
        "бел омыртқа",
        "Бел-сегізкөз",
        "поперековий відділ",
        "odcinek lędźwiowy",
        "bederní páteř",
        "lomber omurga",
        "ländrygg",
        "lanneranka",
        "腰椎",
        "t2 tra L4-L5",
        "ax L5/S1",
        "L3-4 block",
    ],
)
def test_words_for_the_lumbar_spine(text: str) -> None:
    found, evidence = lumbar(text)
    assert found is True
    assert evidence.startswith("series description '")


@pytest.mark.parametrize(
    "text",
    [
        "BRAIN",
        "Head",
        "Schädel",
        "crâne",
        "Головной мозг",
        "CSPINE",
        "C-spine sag",
        "cervical",
        "HWS",
        "шейный отдел",
        "ШОП",
        "rachis cervical",
        "мойын",
        "TSPINE",
        "T-spine",
        "thoracic",
        "BWS",
        "грудной отдел",
        "CHEST",
        "KNEE",
        "Knie links",
        "genou",
        "коленный сустав",
        "Schulter",
        "ankle",
        "pied",
        "sacroiliac",
        "ISG",
        "HIP",
    ],
)
def test_words_for_other_regions(text: str) -> None:
    found, evidence = lumbar(text)
    assert found is False
    assert evidence.startswith("series description '")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "T2 SAG",
        "SPINE",
        "ABDOMEN",
        "PELVIS",
        "(FEET FIRST)",
        "head first supine",
        "t1_space_cor",
        "3D SPACE",
        "Columbus protocol",
        "T2 FS SPAIR",
        "plumb line",
        "tra 3 mm L2 norm",
        "T1 SPIR",
        "поперечный срез",
        "Lombardia",
        "белая",
        "CT SPINE",
    ],
)
def test_words_that_say_nothing(text: str) -> None:
    assert lumbar(text) == (None, "nothing says so")


@pytest.mark.parametrize("source", ["protocol", "body_part", "study"])
def test_every_text_is_asked_and_named(source: str) -> None:
    names = {"protocol": "protocol", "body_part": "BodyPartExamined", "study": "study description"}
    assert lumbar("T2 SAG", **{source: "LSPINE"}) == (True, f"{names[source]} 'lspine'")  # type: ignore[arg-type]


def test_all_that_agree_are_the_evidence() -> None:
    found = lumbar("t2 lws", body_part="LSPINE", protocol="T2")
    assert found == (True, "series description 'lws', BodyPartExamined 'lspine'")


def test_texts_that_contradict_each_other_leave_it_open() -> None:
    found = lumbar("t2 lws sag", body_part="BRAIN")
    assert found == (None, "contradictory: series description 'lws' against BodyPartExamined 'brain'")


@pytest.mark.parametrize("text", ["thoracolumbar", "T-L spine", "CTL SPINE", "HWS BWS LWS", "whole spine"])
def test_several_regions_count_where_nothing_contradicts(text: str) -> None:
    found, evidence = lumbar("T2 SAG", study=text)
    assert found is True
    assert " beside " in evidence
    assert lumbar("T2 C-spine", study=text)[0] is False
    assert lumbar("T2 L-spine", study=text) == (True, "series description 'l-spine'")


def test_a_sagittal_field_only_adds_a_doubt() -> None:
    assert lumbar("LWS", orientation=SAGITTAL) == (True, "series description 'lws'")
    assert lumbar("LWS", orientation=SAGITTAL, height=90) == (
        True,
        "series description 'lws', but a sagittal field 90 mm high is unusual for the lumbar spine",
    )
    assert lumbar("T2 SAG", orientation=SAGITTAL) == (
        None,
        "nothing says so, although a sagittal field 280 mm high could be the lumbar spine",
    )
    assert lumbar("T2 SAG", orientation=SAGITTAL, height=90) == (None, "nothing says so")

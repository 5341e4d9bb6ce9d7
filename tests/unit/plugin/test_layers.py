"""A stack becomes an image layer on its own grid, with its place in the patient kept beside it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from herntrack.errors import IrregularSpacingError, RecordNotFoundError
from herntrack.model.vocabulary import Modality
from herntrack.workflows.workspace import Workspace
from napari_herntrack.layers import METADATA_KEY, display_limits, stack_layer
from tests.unit.plugin.written_stacks import (
    CT,
    PATIENT_ID,
    PIXEL_SPACING,
    REGULAR,
    SHAPE,
    STEP_MM,
    WITH_A_HOLE,
    expected_affine_lps,
    row_of,
    stored_values,
)


def test_values_are_those_of_the_files_in_slice_order(imaged_workspace: Workspace) -> None:
    values, _, kind = stack_layer(imaged_workspace, row_of(imaged_workspace, REGULAR)["stack_uid"])
    assert kind == "image"
    np.testing.assert_array_equal(values, stored_values())


def test_scale_is_the_computed_spacing_and_not_the_slice_thickness(imaged_workspace: Workspace) -> None:
    _, attributes, _ = stack_layer(imaged_workspace, row_of(imaged_workspace, REGULAR)["stack_uid"])
    assert attributes["scale"] == pytest.approx((STEP_MM, *PIXEL_SPACING), abs=1e-6)
    assert attributes["units"] == ("mm", "mm", "mm")


def test_an_oblique_stack_is_neither_turned_nor_moved(imaged_workspace: Workspace) -> None:
    _, attributes, _ = stack_layer(imaged_workspace, row_of(imaged_workspace, REGULAR)["stack_uid"])
    assert not {"affine", "rotate", "shear", "translate"} & set(attributes)


def test_metadata_has_the_affine_of_the_pixel_to_patient_equation(imaged_workspace: Workspace) -> None:
    row = row_of(imaged_workspace, REGULAR)
    _, attributes, _ = stack_layer(imaged_workspace, row["stack_uid"])
    metadata = attributes["metadata"][METADATA_KEY]
    np.testing.assert_allclose(metadata["affine_lps"], expected_affine_lps(), atol=1e-6)
    assert metadata["affine_lps"] == row["affine_lps"]
    assert (metadata["stack_uid"], metadata["patient_id"]) == (row["stack_uid"], PATIENT_ID)
    assert metadata["study_date"] == "2024-01-15"
    assert metadata["edge_letters"] == ["R", "L", "AI", "PS"]
    assert json.loads(json.dumps(metadata)) == metadata


def test_the_name_identifies_the_stack_without_the_patients_name(imaged_workspace: Workspace) -> None:
    _, attributes, _ = stack_layer(imaged_workspace, row_of(imaged_workspace, REGULAR)["stack_uid"])
    assert attributes["name"] == "P-07 2024-01-15 axial T2 #1"
    assert "Fictional" not in repr(attributes)


def test_napari_takes_the_layer_with_its_millimetres(imaged_workspace: Workspace) -> None:
    layers = pytest.importorskip("napari.layers", reason="needs herntrack[gui]")
    layer = layers.Layer.create(
        *stack_layer(imaged_workspace, row_of(imaged_workspace, REGULAR)["stack_uid"])
    )
    assert isinstance(layer, layers.Image)
    assert [str(unit) for unit in layer.units] == ["millimeter"] * 3
    assert layer.axis_labels == ("slice", "row", "column")
    np.testing.assert_allclose(layer.extent.step, (STEP_MM, *PIXEL_SPACING), atol=1e-6)


def test_ct_is_in_hounsfield_units_under_the_soft_tissue_window(imaged_workspace: Workspace) -> None:
    values, attributes, _ = stack_layer(imaged_workspace, row_of(imaged_workspace, CT)["stack_uid"])
    np.testing.assert_array_equal(values, stored_values().astype(int) - 1024)
    assert attributes["contrast_limits"] == (-160.0, 240.0)


def test_a_stack_with_a_missing_slice_is_refused_with_its_problems(imaged_workspace: Workspace) -> None:
    row = row_of(imaged_workspace, WITH_A_HOLE)
    with pytest.raises(IrregularSpacingError) as caught:
        stack_layer(imaged_workspace, row["stack_uid"])
    (problem,) = row["problems"]
    assert str(caught.value).startswith(f"P-07 2024-01-15 axial T1 #2 is no regular volume: {problem}")


def test_an_unknown_stack_is_refused(imaged_workspace: Workspace) -> None:
    with pytest.raises(RecordNotFoundError, match=r"no stack 1\.2\.3"):
        stack_layer(imaged_workspace, "1.2.3")


def test_mr_limits_leave_out_a_few_bright_voxels() -> None:
    values = np.tile(np.arange(100, dtype=np.int16), 100).reshape(10, 25, 40)
    values[0, 0, :5] = 30_000
    black, white = display_limits(values, Modality.MR)
    assert black == pytest.approx(1.0, abs=1.0)
    assert white == pytest.approx(99.0, abs=1.0)


@pytest.mark.parametrize("value", [0, 7])
def test_mr_limits_of_a_constant_stack_are_still_a_range(value: int) -> None:
    values = np.full((2, *SHAPE[1:]), value, dtype=np.int16)
    assert display_limits(values, Modality.MR) == (value, value + 1.0)


def test_mr_limits_of_a_nearly_empty_stack_are_its_range() -> None:
    values = np.zeros((4, 50, 50), dtype=np.int16)
    values[2, 20, 20] = 500
    assert display_limits(values, Modality.MR) == (0.0, 500.0)

"""From a catalogued stack to what napari needs for an image layer.

napari cannot cut oblique data in two dimensions, so a stack is shown on its own voxel
grid: `scale` has its spacing and there is neither rotation nor translation. Where the
voxels lie in the patient stays in the layer's metadata, under `METADATA_KEY`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from herntrack._typing import VolumeZYX
from herntrack.errors import IrregularSpacingError
from herntrack.model.images import CataloguedStack
from herntrack.model.vocabulary import Modality

if TYPE_CHECKING:
    from herntrack.workflows.workspace import Workspace

LayerData: TypeAlias = tuple[VolumeZYX, dict[str, Any], Literal["image"]]
"""Data, attributes and layer type, as `napari.layers.Layer.create` takes them."""

METADATA_KEY = "herntrack"
"""Key of a layer's metadata below which everything of ours stands."""

AXIS_LABELS = ("slice", "row", "column")
"""Names of a stack's axes, in the order of the array."""


def stack_layer(workspace: Workspace, stack_uid: str) -> LayerData:
    """Read one stack as an image layer on its own voxel grid.

    Parameters
    ----------
    workspace : Workspace
        The project.
    stack_uid : str
        The stack.

    Returns
    -------
    tuple of ndarray, dict and str
        Values of shape (n_slices, n_rows, n_cols), the layer's attributes (`scale` in
        millimetres, zyx) and ``"image"``.

    Raises
    ------
    RecordNotFoundError
        If the catalogue has no such stack.
    IrregularSpacingError
        If the stack is no regular volume; the message has its problems.
    CatalogueError, DicomError, GeometryMismatchError
        If a file is missing, cannot be read, or is not the slice it is taken for.
    """
    # Not needed by those who only name a layer, and a second to import.
    from herntrack.workflows.session import catalogue_of
    from herntrack.workflows.stack_files import stack_volume

    with catalogue_of(workspace) as catalogue:
        each = catalogue.images.stack(stack_uid)
        if not each.stack.is_regular:
            raise IrregularSpacingError(
                f"{layer_name(each)} is no regular volume: {'; '.join(each.stack.problems)};"
                " export it again or choose another stack"
            )
        volume = stack_volume(workspace, catalogue.images, each.stack)
    attributes = {
        "name": layer_name(each),
        "scale": each.stack.geometry.spacing_zyx,
        "units": ("mm", "mm", "mm"),
        "axis_labels": AXIS_LABELS,
        "colormap": "gray",
        "contrast_limits": display_limits(volume.values, each.series.modality),
        "metadata": {METADATA_KEY: {**stack_metadata(each), "workspace": str(workspace.folder)}},
    }
    return volume.values, attributes, "image"


def layer_name(each: CataloguedStack) -> str:
    """Return a name that tells stacks apart: patient identifier, date, plane, weighting, series number."""
    study_date = each.study.study_date
    parts = [
        each.study.patient_id,
        "no date" if study_date is None else study_date.isoformat(),
        str(each.stack.plane),
        str(each.stack.weighting),
    ]
    if each.series.series_number is not None:
        parts.append(f"#{each.series.series_number}")
    return " ".join(parts)


def stack_metadata(each: CataloguedStack) -> dict[str, Any]:
    """Return what identifies a stack and its place in the patient, in JSON's types.

    ``affine_lps`` maps ``(slice, row, col, 1)`` to ``(x, y, z, 1)`` in LPS millimetres;
    ``edge_letters`` are the patient directions at a slice's left, right, top and bottom.
    """
    stack, series, study = each.stack, each.series, each.study
    return {
        "stack_uid": stack.stack_uid,
        "series_instance_uid": series.series_instance_uid,
        "study_instance_uid": study.study_instance_uid,
        "frame_of_reference_uid": stack.frame_of_reference_uid,
        "patient_id": study.patient_id,
        "study_date": None if study.study_date is None else study.study_date.isoformat(),
        "modality": str(series.modality),
        "plane": str(stack.plane),
        "weighting": str(stack.weighting),
        "affine_lps": stack.geometry.as_lists(),
        "edge_letters": list(stack.geometry.edge_letters()),
    }


def display_limits(values: VolumeZYX, modality: Modality) -> tuple[float, float]:
    """Return the values shown black and white, with the window of the report's key images.

    Parameters
    ----------
    values : ndarray, shape (n_slices, n_rows, n_cols)
        Hounsfield units for CT, the scanner's own for MR.
    modality : Modality
        CT has a fixed soft-tissue window; MR intensities have no unit, so percentiles of
        the stack decide.

    Returns
    -------
    tuple of float
        Black and white; white is always larger.
    """
    from herntrack.reports.key_images import CT_WINDOW_HU, WINDOW_PERCENTILES

    if modality is Modality.CT:
        return CT_WINDOW_HU
    black, white = (float(value) for value in np.percentile(values, WINDOW_PERCENTILES))
    if white <= black:
        # Nearly every voxel has one value, as in an empty or a masked stack.
        black, brightest = float(values.min()), float(values.max())
        return black, brightest if brightest > black else black + 1.0
    return black, white

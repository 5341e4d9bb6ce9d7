"""Saves a labels layer with the place that its stack has in the patient, as a label map or a DICOM SEG.

napari's own writers keep the voxels and lose where they lie; a mask without a place is of no use
to anyone. A layer that was made by napari's own button does not know its place: it is that of the
image layer on the same grid, if there is one and no other.

Public: `write_mask`, `write_segmentation_object`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from herntrack._typing import MaskZYX
from herntrack.errors import GeometryMismatchError, HerntrackError, ReadingError
from herntrack.model.geometry import VolumeGeometry
from napari_herntrack.layers import METADATA_KEY

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

HOW_TO_PLACE = (
    "paint on a labels layer over one image layer that was opened with herntrack, or copy that layer's"
    " metadata to it"
)


def write_mask(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write what a labels layer outlines, 1 inside and 0 outside.

    Parameters
    ----------
    path : str
        Ends in ``.nii.gz``, ``.nii``, ``.nrrd`` or ``.mha``. An existing file is replaced.
    data : array_like of integer, shape (n_slices, n_rows, n_cols)
        The layer's labels.
    attributes : dict
        The layer's; its metadata say where it lies.

    Returns
    -------
    list of str
        The file.

    Raises
    ------
    ReadingError
        If the layer does not know its place, or the file cannot be written.
    GeometryError
        If its grid is sheared, which these formats cannot say.
    """
    from herntrack.imaging.label_files import write_label_file

    mask: MaskZYX = np.asarray(data) != 0
    write_label_file(Path(path), mask, _grid(_place(attributes, mask), mask))
    return [path]


def write_segmentation_object(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write what a labels layer outlines as a DICOM Segmentation that refers to its images.

    Each connected part is a segment, as in the store of readings; all are one herniation. Slices
    without a voxel are stored too, so that the whole mask comes back without the images.

    Parameters
    ----------
    path : str
        Ends in ``.dcm``. An existing file is replaced.
    data : array_like of integer, shape (n_slices, n_rows, n_cols)
        The layer's labels.
    attributes : dict
        The layer's; its metadata say where it lies and on which images.

    Returns
    -------
    list of str
        The file.

    Raises
    ------
    ReadingError
        If the layer outlines nothing, does not know its images, or they are gone.
    GeometryMismatchError
        If it is not on the grid of its images.
    """
    from herntrack.dicom.uids import fresh_uid
    from herntrack.model.vocabulary import ReadingStatus
    from herntrack.readings.segmentation_object import write_segmentation

    mask: MaskZYX = np.asarray(data) != 0
    if not mask.any():
        raise ReadingError(
            f"the layer {attributes.get('name', '')!r} outlines nothing, and an empty segmentation would say"
            " that nothing is left; outline something, or record: herntrack read absent"
        )
    place = _place(attributes, mask)
    geometry = _grid(place, mask)
    target = Path(path)
    unfinished = target.with_name(f".unfinished-{target.name}")
    try:
        write_segmentation(
            unfinished,
            mask=mask,
            source_images=_headers(place, geometry),
            geometry=geometry,
            lesion_uid=fresh_uid(),
            level=None,
            reader="",
            status=ReadingStatus.PRESENT,
            series_description="Lumbar disc herniation, outlined in napari",
            sop_instance_uid=fresh_uid(),
            series_instance_uid=fresh_uid(),
            created_at=datetime.now(UTC),
            has_every_slice=True,
        )
        unfinished.replace(target)
    except OSError as error:
        raise ReadingError(f"{target.name} cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return [path]


def _place(attributes: Mapping[str, Any], mask: MaskZYX) -> Mapping[str, Any]:
    """Return what is known of a layer's place: its own, else that of the one image on its grid."""
    place: Mapping[str, Any] = attributes.get("metadata", {}).get(METADATA_KEY, {})
    if place.get("affine_lps") is not None:
        return place
    below = _images_below(attributes, mask)
    name = attributes.get("name", "")
    if len(below) > 1:
        names = ", ".join(sorted(below))
        raise ReadingError(
            f"the layer {name!r} may belong to any of these images: {names}. Close the others, then save"
        )
    if not below:
        raise ReadingError(f"the layer {name!r} does not know where it lies in the patient; {HOW_TO_PLACE}")
    return next(iter(below.values()))


def _images_below(attributes: Mapping[str, Any], mask: MaskZYX) -> dict[str, Mapping[str, Any]]:
    """Return the places of the open window's images that have a layer's grid, by the layer's name."""
    from napari import current_viewer

    viewer = current_viewer()
    scale = np.asarray(attributes.get("scale", ()), dtype=np.float64)
    found = {}
    for layer in () if viewer is None else viewer.layers:
        place = layer.metadata.get(METADATA_KEY, {})
        is_image = layer._type_string == "image" and place.get("affine_lps") is not None
        if is_image and layer.data.shape == mask.shape and np.allclose(layer.scale, scale, rtol=1e-6):
            found[str(layer.name)] = place
    return found


def _grid(place: Mapping[str, Any], mask: MaskZYX) -> VolumeGeometry:
    n_slices, n_rows, n_columns = mask.shape
    return VolumeGeometry(
        affine_lps=np.asarray(place["affine_lps"], dtype=np.float64), shape_zyx=(n_slices, n_rows, n_columns)
    )


def _headers(place: Mapping[str, Any], geometry: VolumeGeometry) -> list[Dataset]:
    """Return the headers of the images a layer lies on, in slice order."""
    try:
        if place.get("workspace") and place.get("stack_uid"):
            headers = _catalogued_headers(place)
        else:
            headers = _file_headers(place.get("sources", ()))
    except (HerntrackError, OSError) as error:
        raise ReadingError(
            f"the images of the layer cannot be read any more ({error}); open them again"
        ) from error
    if not headers:
        raise ReadingError(
            "the layer does not know its images, which a DICOM SEG refers to; save it as .nii.gz, or"
            f" {HOW_TO_PLACE}"
        )
    if len(headers) != geometry.shape_zyx[0]:
        raise GeometryMismatchError(
            f"the layer has {geometry.shape_zyx[0]} slices and its images {len(headers)}; outline it on the"
            " images' own grid"
        )
    return headers


def _catalogued_headers(place: Mapping[str, Any]) -> list[Dataset]:
    from herntrack.workflows.session import catalogue_of
    from herntrack.workflows.stack_files import stack_headers
    from herntrack.workflows.workspace import open_workspace

    workspace = open_workspace(Path(place["workspace"]))
    with catalogue_of(workspace) as catalogue:
        return stack_headers(workspace, catalogue.images, place["stack_uid"])


def _file_headers(sources: Any) -> list[Dataset]:
    from herntrack.dicom.headers import read_header_dataset
    from herntrack.dicom.multi_frame import frame_headers

    frames: dict[str, list[Dataset]] = {}
    headers = []
    for path, number in sources:
        if not number:
            headers.append(read_header_dataset(Path(path)))
            continue
        if path not in frames:
            frames[path] = frame_headers(read_header_dataset(Path(path)))
        headers.append(frames[path][number - 1])
    return headers

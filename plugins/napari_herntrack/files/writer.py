"""Saves a labels layer with the place that its stack has in the patient.

napari's own writers keep the voxels and lose where they lie; a mask without a place is of no use
to anyone.

Public: `write_mask`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from herntrack.errors import ReadingError
from herntrack.model.geometry import VolumeGeometry
from napari_herntrack.layers import METADATA_KEY


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

    place = attributes.get("metadata", {}).get(METADATA_KEY, {})
    affine = place.get("affine_lps")
    if affine is None:
        raise ReadingError(
            f"the layer {attributes.get('name', '')!r} does not know where it lies in the patient; paint on a"
            " labels layer that was opened with herntrack, or copy the image layer's metadata to it"
        )
    labels = np.asarray(data)
    geometry = VolumeGeometry(affine_lps=np.asarray(affine, dtype=np.float64), shape_zyx=labels.shape)
    write_label_file(Path(path), labels != 0, geometry)
    return [path]

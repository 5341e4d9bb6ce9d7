"""Segments of a DICOM Segmentation object on the grid of a stack.

Planes are placed by their position in millimetres. Where the object names the images it was drawn
on and the stack's images are known, both ways must lead to the same slice.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from herntrack._typing import MaskZYX
from herntrack.errors import DicomError, GeometryMismatchError
from herntrack.model.geometry import VolumeGeometry
from herntrack.readings.placement import GridAlignment, align_grids
from herntrack.readings.segmentation_content import SegmentationContent, SegmentFrame


def place_segments(
    content: SegmentationContent,
    geometry: VolumeGeometry,
    *,
    segment_numbers: Sequence[int] | None = None,
    sop_instance_uids: Sequence[str] | None = None,
) -> MaskZYX:
    """Return the union of segments on the grid of a stack.

    Parameters
    ----------
    content : SegmentationContent
        A segmentation object.
    geometry : VolumeGeometry
        Grid of the stack.
    segment_numbers : sequence of int, optional
        Segments to take; all if None.
    sop_instance_uids : sequence of str, optional
        Images of the stack in slice order. If given, an object that names its images must
        name these: then a plane's position and its image must be the same slice.

    Returns
    -------
    ndarray of bool, shape `geometry.shape_zyx`

    Raises
    ------
    GeometryMismatchError
        If a plane is not on the grid, was drawn on other images, or its position and its
        image contradict each other.
    DicomError
        If a segment number does not occur.
    """
    numbers = {segment.number for segment in content.segments}
    wanted = numbers if segment_numbers is None else set(segment_numbers)
    if wanted - numbers:
        raise DicomError(
            f"the object has no segment {sorted(wanted - numbers)}; it has {sorted(numbers)}",
            sop_instance_uid=content.sop_instance_uid,
        )
    slice_of_uid = {uid: index for index, uid in enumerate(sop_instance_uids or ())}
    placed = np.zeros(geometry.shape_zyx, dtype=np.bool_)
    for segment in content.segments:
        if segment.number in wanted:
            for frame in segment.frames:
                _place_frame(frame, geometry, slice_of_uid, placed)
    return placed


def _place_frame(
    frame: SegmentFrame, geometry: VolumeGeometry, slice_of_uid: dict[str, int], placed: MaskZYX
) -> None:
    named = {slice_of_uid[uid] for uid in frame.source_uids if uid in slice_of_uid}
    if slice_of_uid and frame.source_uids and not named:
        raise GeometryMismatchError(
            f"the segmentation was drawn on other images than this stack's, for one {frame.source_uids[0]};"
            " choose the stack of that image"
        )
    if frame.geometry is None:
        _place_by_image(frame, named, placed)
        return
    alignment = align_grids(frame.geometry, geometry)
    covered = alignment.covered()
    if named and not _names_covered(named, alignment):
        raise GeometryMismatchError(
            f"a plane of the segmentation lies at slice {alignment.first_index_zyx[0]} by its position"
            f" but names the image of slice {', '.join(map(str, sorted(named)))};"
            " the object contradicts itself"
        )
    placed[covered] |= alignment.in_target_order(frame.mask[None])


def _names_covered(named: set[int], alignment: GridAlignment) -> bool:
    first, length = alignment.first_index_zyx[0], alignment.shape_zyx[0]
    return any(first <= index < first + length for index in named)


def _place_by_image(frame: SegmentFrame, named: set[int], placed: MaskZYX) -> None:
    if len(named) != 1:
        raise GeometryMismatchError(
            "a plane of the segmentation has no position and names no single image of the stack"
        )
    if frame.mask.shape != placed.shape[1:]:
        raise GeometryMismatchError(
            f"a plane of the segmentation has {frame.mask.shape} rows and columns,"
            f" the stack {placed.shape[1:]}"
        )
    placed[named.pop()] |= frame.mask

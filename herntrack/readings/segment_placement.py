"""Segments of a DICOM Segmentation object on the grid of a stack.

Planes are placed by their position in millimetres. Where the object names the images it was drawn
on and the stack's images are known, both ways must lead to the same slice; of a multi-frame image
also the frame counts, if the object names it.

Public: `place_segments`, `SourceImage`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from herntrack._typing import MaskZYX
from herntrack.errors import DicomError, GeometryMismatchError
from herntrack.model.geometry import VolumeGeometry
from herntrack.readings.placement import GridAlignment, align_grids
from herntrack.readings.segmentation_content import SegmentationContent, SegmentFrame

SourceImage: TypeAlias = str | tuple[str, int]
"""SOP Instance UID of an image, or that and a frame number, where 0 is a single-frame image."""


def place_segments(
    content: SegmentationContent,
    geometry: VolumeGeometry,
    *,
    segment_numbers: Sequence[int] | None = None,
    sop_instance_uids: Sequence[SourceImage] | None = None,
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
    sop_instance_uids : sequence of SourceImage, optional
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
    images = _StackImages(sop_instance_uids or ())
    placed = np.zeros(geometry.shape_zyx, dtype=np.bool_)
    for segment in content.segments:
        if segment.number in wanted:
            for frame in segment.frames:
                _place_frame(frame, geometry, images, placed)
    return placed


class _StackImages:
    """Which slices of a stack an image is."""

    def __init__(self, images: Sequence[SourceImage]) -> None:
        self._slices: dict[tuple[str, int], set[int]] = defaultdict(set)
        self._single: set[str] = set()
        for index, image in enumerate(images):
            uid, number = (image, 0) if isinstance(image, str) else image
            self._slices[uid, number].add(index)
            if number:
                self._slices[uid, 0].add(index)
            else:
                self._single.add(uid)

    def __bool__(self) -> bool:
        return bool(self._slices)

    def slices(self, uid: str, number: int) -> set[int]:
        """Return the slices of a frame, of all frames for number 0; a single-frame image has one."""
        return self._slices.get((uid, 0 if uid in self._single else number), set())


def _place_frame(
    frame: SegmentFrame, geometry: VolumeGeometry, images: _StackImages, placed: MaskZYX
) -> None:
    named = {index for uid, number in frame.sources for index in images.slices(uid, number)}
    if images and frame.sources and not named:
        uid, number = frame.sources[0]
        raise GeometryMismatchError(
            "the segmentation was drawn on other images than this stack's, for one"
            f" {uid}{f', frame {number}' if number else ''}; choose the stack of that image"
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

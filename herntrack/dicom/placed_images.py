"""The images of a series as a stack sees them, and which of them look alike.

Most images of a series share a header but for their UID, position and number. What may be in one stack
is found from what they share, once, and not image by image.

Public: `PlacedImage`, `placed`, `group_by_picture`, `group_by_orientation`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from herntrack._typing import FloatArray
from herntrack.model.images import InstanceHeader

SAME_ORIENTATION = 2e-3
"""Largest difference of a direction cosine within one stack (no unit), 0.1 degrees."""


class PlacedImage(NamedTuple):
    """What tells an image from others of its series, beside a header that it may share with them.

    Parameters
    ----------
    header : InstanceHeader
        Its UID, frame, position and number may be those of another image.
    key : tuple of (str, int)
        SOP Instance UID, and frame number, 0 for a single-frame image.
    position : tuple of float
        ImagePositionPatient, LPS mm.
    number : int or None
        InstanceNumber.
    """

    header: InstanceHeader
    key: tuple[str, int]
    position: tuple[float, ...]
    number: int | None


def placed(header: InstanceHeader) -> PlacedImage:
    """Return an image by its own header."""
    key = header.sop_instance_uid, header.frame_number or 0
    return PlacedImage(header, key, header.image_position_patient or (), header.instance_number)


def group_by_picture(images: Iterable[PlacedImage]) -> dict[tuple[object, ...], list[PlacedImage]]:
    """Return the images by what makes them different pictures: grid, contrast, frame of reference."""
    # Most images of a series share one header.
    alike: dict[int, list[PlacedImage]] = defaultdict(list)
    for image in images:
        alike[id(image.header)].append(image)
    groups: dict[tuple[object, ...], list[PlacedImage]] = defaultdict(list)
    for members in alike.values():
        groups[_picture_of(members[0].header)].extend(members)
    return groups


def _picture_of(header: InstanceHeader) -> tuple[object, ...]:
    """Return what tells one picture from another, rounded to what headers are written to."""
    spacing = header.pixel_spacing or (0.0, 0.0)
    return (
        header.rows,
        header.columns,
        round(spacing[0], 4),
        round(spacing[1], 4),
        header.image_type,
        header.echo_numbers or 0,
        round(header.echo_time or 0.0, 1),
        round(header.inversion_time or 0.0),
        header.diffusion_b_value if header.diffusion_b_value is not None else -1.0,
        header.temporal_position_identifier or 0,
        header.frame_of_reference_uid,
    )


def group_by_orientation(images: Sequence[PlacedImage]) -> list[list[PlacedImage]]:
    """Return the images by orientation; the groups do not depend on the order of the images."""
    if len({image.header.image_orientation_patient for image in images}) == 1:
        return [list(images)]
    groups: list[tuple[FloatArray, list[PlacedImage]]] = []
    for image in sorted(images, key=lambda each: (each.header.image_orientation_patient, each.key)):
        cosines = np.asarray(image.header.image_orientation_patient)
        for reference, members in groups:
            if np.abs(reference - cosines).max() <= SAME_ORIENTATION:
                members.append(image)
                break
        else:
            groups.append((cosines, [image]))
    return [members for _, members in groups]

"""An image's header in two parts: what is its own, and what many images say alike.

The images of a series differ in their identifier, number and position; the rest is written
once, as JSON text, for all images that say it. Only fields that differ from their default are
written.

Public: `HeaderParts`, `parts_of`, `shared_text`, `shared_key`, `header_of_parts`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from hashlib import sha256
from typing import Any, NamedTuple

from herntrack.model.images import InstanceHeader

OWN_FIELDS = ("sop_instance_uid", "frame_number", "image_position_patient", "instance_number")
"""What differs from image to image of a series."""

KEY_LENGTH = 32
"""Hexadecimal digits of a key: 128 bits, so that no two texts get the same by chance."""

_encoded = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode
_SHARED_FIELDS = tuple(
    (field.name, field.default) for field in fields(InstanceHeader) if field.name not in OWN_FIELDS
)

Position = tuple[float, float, float]
"""ImagePositionPatient, LPS mm."""


class HeaderParts(NamedTuple):
    """A header without the keys of its image, SOP Instance UID and frame number.

    Parameters
    ----------
    position : tuple of float or None
        ImagePositionPatient, LPS mm.
    number : int or None
        InstanceNumber.
    shared : str
        All else, as JSON text.
    """

    position: Position | None
    number: int | None
    shared: str


def parts_of(header: InstanceHeader) -> HeaderParts:
    """Return a header in its parts."""
    return HeaderParts(header.image_position_patient, header.instance_number, shared_text(header))


def shared_text(header: InstanceHeader) -> str:
    """Return what images of a series may share, as a JSON object."""
    return _encoded(
        {name: value for name, default in _SHARED_FIELDS if (value := getattr(header, name)) != default}
    )


def shared_key(text: str) -> str:
    """Return what a shared text is kept under: the same whenever the same is said."""
    return sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def header_of_parts(
    shared: Mapping[str, Any],
    *,
    sop_instance_uid: str,
    frame_number: int,
    position: Position | None,
    number: int | None,
) -> InstanceHeader:
    """Return the header that was taken apart.

    Parameters
    ----------
    shared : mapping
        The parsed JSON object.
    sop_instance_uid : str
        The image's own.
    frame_number : int
        0 stands for the only frame.
    position : tuple of float or None
        ImagePositionPatient, LPS mm.
    number : int or None
        InstanceNumber.
    """
    restored: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in shared.items()
    }
    for name in ("image_orientation_patient", "pixel_spacing"):
        restored.setdefault(name, None)
    return InstanceHeader(
        sop_instance_uid=sop_instance_uid,
        frame_number=frame_number or None,
        image_position_patient=position,
        instance_number=number,
        **restored,
    )

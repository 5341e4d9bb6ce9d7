"""An image's header as JSON text: what the catalogue keeps of it.

Only fields that differ from their default are written. What is an image's own stands
first, so that the rest is written once for all images that share it.

Public: `header_text`, `shared_text`, `own_text`, `header_of_text`, `header_of_values`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from herntrack.model.records import InstanceHeader

OWN_FIELDS = ("sop_instance_uid", "image_position_patient", "instance_number")
"""What differs from image to image of a series."""

_encoded = json.JSONEncoder(separators=(",", ":")).encode
_SHARED_FIELDS = tuple(
    (field.name, field.default) for field in fields(InstanceHeader) if field.name not in OWN_FIELDS
)


def header_text(header: InstanceHeader) -> str:
    """Return a header as one JSON object."""
    position, number = header.image_position_patient, header.instance_number
    return own_text(header.sop_instance_uid, position, number) + shared_text(header)


def shared_text(header: InstanceHeader) -> str:
    """Return the end of the JSON object: what images of a series may share."""
    shared = {name: value for name, default in _SHARED_FIELDS if (value := getattr(header, name)) != default}
    return _encoded(shared)[1:]


def own_text(uid: str, position: tuple[float, float, float] | None, number: int | None) -> str:
    """Return the beginning of the JSON object: what is an image's own."""
    # repr is what the json package writes of a float, and half of the text is known.
    place = "null" if position is None else f"[{position[0]!r},{position[1]!r},{position[2]!r}]"
    own = f'{{"sop_instance_uid":{_encoded(uid)},"image_position_patient":{place},'
    return own if number is None else f'{own}"instance_number":{number},'


def header_of_text(text: str) -> InstanceHeader:
    """Return the header that was written, from the JSON text."""
    return header_of_values(json.loads(text))


def header_of_values(values: Mapping[str, Any]) -> InstanceHeader:
    """Return the header that was written, from the parsed JSON object."""
    restored: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    for name in ("image_position_patient", "image_orientation_patient", "pixel_spacing"):
        restored.setdefault(name, None)
    return InstanceHeader(**restored)

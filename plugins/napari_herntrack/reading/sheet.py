"""Every key and what the mouse does, in the reader's language: the cheat sheet.

Public: `sheet_rows`.
"""

from __future__ import annotations

from napari_herntrack.reading.keys import READING_KEYS
from napari_herntrack.texts import Texts
from napari_herntrack.viewing.keys import MOUSE_WORDS, VIEW_KEYS

MOUSE_TEXTS = ("wheel", "zoom", "window", "move", "hand")
"""Texts of `MOUSE_WORDS`, in its order."""


def sheet_rows(texts: Texts) -> list[tuple[str, str]]:
    """Return the rows of the cheat sheet: reading first, then the views, then the mouse."""
    reading: dict[str, str] = {}
    for key in READING_KEYS:
        reading[key.keys] = texts(key.text)
    views = [(key.keys, texts(f"view_keys.{key.name}")) for key in VIEW_KEYS]
    mouse = [
        (texts(f"mouse.{name}"), texts(f"mouse.{name}_does"))
        for name, _ in zip(MOUSE_TEXTS, MOUSE_WORDS, strict=True)
    ]
    return [*reading.items(), *views, *mouse]

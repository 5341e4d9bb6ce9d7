"""Every key and what the mouse does, in the reader's language: the cheat sheet.

Public: `sheet_groups`, `sheet_rows`.
"""

from __future__ import annotations

from napari_herntrack.reading.keys import READING_KEYS
from napari_herntrack.texts import Texts
from napari_herntrack.viewing.keys import MOUSE_WORDS, VIEW_KEYS

MOUSE_TEXTS = ("wheel", "zoom", "window", "move", "hand")
"""Texts of `MOUSE_WORDS`, in its order."""

HAND_NAMES = ("hand_", "smaller_brush", "larger_brush")
"""What the names of keys of the hands begin with."""

Rows = list[tuple[str, str]]


def sheet_groups(texts: Texts) -> list[tuple[str, Rows]]:
    """Return the cheat sheet: reading, the views, and what the mouse does, each with its heading."""
    reading: dict[str, str] = {}
    for key in READING_KEYS:
        reading[key.keys] = texts(key.text)
    views: Rows = []
    hands: Rows = []
    for view_key in VIEW_KEYS:
        rows = hands if view_key.name.startswith(HAND_NAMES) else views
        rows.append((view_key.keys, texts(f"view_keys.{view_key.name}")))
    mouse = [
        (texts(f"mouse.{name}"), texts(f"mouse.{name}_does"))
        for name, _ in zip(MOUSE_TEXTS, MOUSE_WORDS, strict=True)
    ]
    return [
        (texts("keys.reading"), list(reading.items())),
        (texts("keys.views"), views),
        (texts("keys.mouse"), [*hands, *mouse]),
    ]


def sheet_rows(texts: Texts) -> Rows:
    """Return the rows of the cheat sheet without its headings."""
    return [row for _, rows in sheet_groups(texts) for row in rows]

"""The keys of the views, for shortcuts and for the cheat sheet.

Public: `Key`, `VIEW_KEYS`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key.

    Parameters
    ----------
    keys : str
        As Qt writes them, such as ``Ctrl+Z``.
    name : str
        What it is called in the room; the room has a method for each name.
    words : str
        What it does, for the cheat sheet.
    """

    keys: str
    name: str
    words: str


VIEW_KEYS = (
    Key(keys="Up", name="previous_slice", words="previous slice"),
    Key(keys="Down", name="next_slice", words="next slice"),
    Key(keys="Tab", name="next_view", words="next view"),
    Key(keys="T", name="next_stack", words="another stack of the same plane"),
    Key(keys="1", name="first_window", words="window: first preset"),
    Key(keys="2", name="second_window", words="window: second preset"),
    Key(keys="3", name="third_window", words="window: third preset"),
    Key(keys="F", name="fit", words="whole slices"),
    Key(keys="Z", name="look_closely", words="close-up of the place looked at"),
    Key(keys="X", name="enlarge", words="this view alone, or all four"),
    Key(keys="L", name="toggle_link", words="link the two visits, or not"),
    Key(keys="H", name="toggle_lines", words="hide or show lines and outlines"),
    Key(keys="C", name="hand_point", words="hand: point (moves the crosshair)"),
    Key(keys="O", name="hand_propose", words="hand: one click proposes"),
    Key(keys="B", name="hand_brush", words="hand: brush"),
    Key(keys="E", name="hand_eraser", words="hand: eraser"),
    Key(keys="P", name="hand_polygon", words="hand: polygon (double click closes it)"),
    Key(keys="W", name="hand_base_plane", words="hand: base plane"),
    Key(keys="R", name="hand_facet_line", words="hand: line between the facets"),
    Key(keys="I", name="hand_pin", words="hand: pin the same spot on both visits"),
    Key(keys="[", name="smaller_brush", words="smaller brush"),
    Key(keys="]", name="larger_brush", words="larger brush"),
    Key(keys="?", name="toggle_cheat_sheet", words="this sheet"),
)
"""Every key of the views; panels add their own to the same sheet."""

MOUSE_WORDS = (
    ("wheel", "slices"),
    ("Ctrl + wheel", "zoom"),
    ("right button", "window and level"),
    ("middle button, Shift + left", "move the picture"),
    ("left button", "the hand that is chosen"),
)
"""What the mouse does, for the cheat sheet."""

"""The keys of reading; those of the views are in `napari_herntrack.viewing.keys`.

Public: `ReadingKey`, `READING_KEYS`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingKey:
    """One key.

    Parameters
    ----------
    keys : str
        As Qt writes them.
    name : str
        The room's action.
    text : str
        Key of what it does, in the texts.
    """

    keys: str
    name: str
    text: str


READING_KEYS = (
    ReadingKey(keys="N", name="next_visit", text="keys.next"),
    ReadingKey(keys="K", name="confirm_level", text="keys.confirm_level"),
    ReadingKey(keys="A", name="save", text="keys.accept_and_save"),
    ReadingKey(keys="S", name="save", text="keys.save"),
    ReadingKey(keys="Shift+S", name="sign", text="keys.sign"),
    ReadingKey(keys="Shift+A", name="amend", text="keys.amend"),
    ReadingKey(keys="0", name="say_absent", text="keys.absent"),
    ReadingKey(keys="9", name="say_not_evaluable", text="keys.not_evaluable"),
    ReadingKey(keys="V", name="carry_forward", text="keys.carry_forward"),
    ReadingKey(keys="Shift+O", name="click_background", text="keys.background"),
    ReadingKey(keys="J", name="interpolate", text="keys.interpolate"),
    ReadingKey(keys="M", name="smooth", text="keys.smooth"),
    ReadingKey(keys="G", name="fill_holes", text="keys.fill_holes"),
    ReadingKey(keys="Shift+Del", name="clear", text="keys.clear"),
    ReadingKey(keys="Ctrl+Z", name="undo", text="keys.undo"),
    ReadingKey(keys="Ctrl+Y", name="redo", text="keys.redo"),
    ReadingKey(keys="D", name="take_suggestions", text="keys.take_suggestions"),
    ReadingKey(keys="Y", name="read_here", text="keys.read_here"),
    ReadingKey(keys="/", name="search", text="keys.search"),
)
"""Every key of reading, in the order of the sheet."""

"""What is kept of a person between two days: their name as a reader, and their language.

Public: `person_settings`, `reader_name`, `chosen_language`, `chosen_texts`, `READER`, `LANGUAGE`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSettings

if TYPE_CHECKING:
    from napari_herntrack.texts import Texts

READER, LANGUAGE = "reader", "language"


def person_settings() -> QSettings:
    """Return the settings of whoever sits at this machine."""
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "herntrack", "reading-room")


def reader_name() -> str:
    """Return the name chosen last; empty before one was."""
    return str(person_settings().value(READER, "") or "")


def chosen_language() -> str:
    """Return the language chosen last, else that of the person's environment."""
    from napari_herntrack.texts import LANGUAGES, system_language

    language = str(person_settings().value(LANGUAGE, "") or "")
    return language if language in LANGUAGES else system_language()


def chosen_texts() -> Texts:
    """Return the texts of that language."""
    from napari_herntrack.texts import load_texts

    return load_texts(chosen_language())

"""What a blinded reader is told: the engine's sentences without dates, patients and places on disk.

Public: `discreet`, `view_words`.
"""

from __future__ import annotations

import re

from herntrack.model.vocabulary import Plane, Weighting
from napari_herntrack.texts import Texts, Told
from napari_herntrack.viewing.words import ViewWords

HIDDEN = "\N{HORIZONTAL ELLIPSIS}"
"""Stands for what is left out."""

TELLING = re.compile(
    r"\S*[/\\]\S*"  # a path: folders are named after patients and dates
    r"|\d{4}-\d{2}-\d{2}"
    r"|\b(?:19|20)\d{6}\b"
    r"|\b[0-2](?:\.\d+){5,}\b"  # a UID: often made of the date
)
"""What tells a visit's date, or where it came from."""


def discreet(sentence: str, patient_id: str = "") -> str:
    """Return a sentence without what a blinded reader may not know of a patient."""
    told = TELLING.sub(HIDDEN, sentence)
    return told.replace(patient_id, HIDDEN) if patient_id else told


def view_words(texts: Texts, *, is_blinded: bool) -> ViewWords:
    """Return the words that stand on the pictures."""
    return ViewWords(
        slice=texts.entries["view.slice"],
        beyond=texts("view.beyond"),
        beyond_kept=texts("view.beyond_kept"),
        series=texts.entries["view.series"],
        units=(texts("view.mm"), texts("view.cm")),
        window=texts.entries["view.window"],
        no_stack=texts.entries["view.no_stack_blinded" if is_blinded else "view.no_stack"],
        failed=texts.entries["view.failed_blinded" if is_blinded else "view.failed"],
        only_stack=Told(texts("view.only_stack")),
        said=texts.said,
        carried_line=texts("view.carried_line"),
        planes={plane: texts.word(plane) for plane in Plane},
        weightings={weighting: texts.word(weighting) for weighting in Weighting},
    )

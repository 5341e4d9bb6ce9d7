"""Where there is nothing to read, or nothing can be read, a sentence says what to do, in every language."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from herntrack.model.vocabulary import Plane
from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.workspace import Workspace, create_workspace
from napari_herntrack.texts import LANGUAGES, load_texts
from napari_herntrack.viewing.loading import VolumeCache
from napari_herntrack.viewing.views import Pair, View
from tests.gui.seat import Seat

SAGITTAL = View.CURRENT_SAGITTAL
DATA = re.compile(r"\S*/\S*|herntrack [a-z ]+|[A-Z]{2,}|S-001|T[12]|\bW\b|\bL\b")
"""Paths, commands and names, which are the same in every language."""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory, sample_dicom: Path) -> Path:
    """Return a folder with one visit, which a test may move away."""
    folder = tmp_path_factory.mktemp("images") / "dicom"
    shutil.copytree(sample_dicom / "dicom" / "S-001" / "20240304", folder)
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, images: Path) -> Workspace:
    """Return a workspace with a patient of whom no lesion is known."""
    return ingest(create_workspace(tmp_path_factory.mktemp("states") / "study"), [images], jobs=1).workspace


def notes(seat: Seat) -> list[str]:
    """Return the sentences in the middle of the pictures."""
    return [pane.overlay.scene.words.note for pane in seat.room.panes.values() if pane.isVisible()]


def open_first(seat: Seat) -> None:
    seat.place.worklist.row_wanted.emit(seat.place.worklist.rows[0])
    seat.settle()


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_a_state_without_a_reading_says_the_next_step(seat: Seat, images: Path, language: str) -> None:
    texts = load_texts(language)
    seat.place.set_language(language)
    seat.settle()
    told = [texts("room.open_first")]
    assert told[0] in notes(seat)
    # A patient without a lesion: their pictures are there, and what to do first.
    open_first(seat)
    told.append(seat.panel.message.text())
    assert told[-1] == texts("worklist.no_lesion")
    assert seat.room.panes[SAGITTAL].has_stack
    # The files were moved away.
    away = images.with_name("moved")
    images.rename(away)
    try:
        seat.room.loader.cache = VolumeCache()
        open_first(seat)
        seat.wait(lambda: all(notes(seat)))
        told += [*notes(seat), seat.panel.message.text()]
    finally:
        away.rename(images)
    assert all("herntrack roots move" in words for words in told[2:])
    seat.conductor.desk.leave()
    seat.room.show_nothing("")
    # The worklist of a workspace that has no catalogue.
    catalogue = seat.conductor.workspace.catalogue_path
    catalogue.rename(catalogue.with_name("away"))
    try:
        seat.conductor.lists.reload()
        seat.settle()
        told += [*filter(None, notes(seat)), seat.place.worklist.count_label.text()]
    finally:
        catalogue.with_name("away").rename(catalogue)
        seat.conductor.lists.reload()
        seat.settle()
    assert len(told) >= 6
    assert all("herntrack ingest" in words for words in told[-2:])
    detail = texts("room.detail", detail="")
    for words in told:
        assert language == "en" or not words.startswith(detail)
        assert language == "en" or not re.search(r"[A-Za-z]{3}", DATA.sub("", words)), words


def test_a_view_without_a_stack_has_the_caption_of_its_visit(seat: Seat) -> None:
    seat.place.set_language("en")
    seat.settle()
    open_first(seat)
    current = seat.room.state.pair.current
    lacking = replace(current, stacks={Plane.SAGITTAL: current.stacks[Plane.SAGITTAL]})
    seat.room.show_pair(Pair(current=lacking))
    words = seat.room.panes[View.CURRENT_AXIAL].overlay.scene.words
    assert words.top_left == (current.caption,)
    assert words.note.startswith("This visit has no axial stack")
    seat.settle()

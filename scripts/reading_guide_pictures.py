"""Makes the pictures of docs/reading-guide.md: drives the reading room over one sample patient.

Run with ``make screenshots``; needs a display (``xvfb-run`` gives one). The sample cohort is read in a
temporary folder; nothing else is touched.
"""

from __future__ import annotations

import io
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
from napari.qt import get_qapp
from PIL import Image
from qtpy.QtCore import QBuffer, QIODevice, QSettings

from herntrack.model.vocabulary import Level, Side
from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.reading.readings import add_lesion
from herntrack.workflows.workspace import Workspace, create_workspace
from napari_herntrack._qt.panels.place import ReadingPlace
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.views import Half, View

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "sample_dicom"
PICTURES = ROOT / "docs" / "images" / "reading-guide"
PATIENTS = ("S-001", "S-002", "S-003")
READER = "reader-1"
SIZE = (1580, 985)
QUALITY = 78
LARGEST_BYTES = 150_000
PATIENCE_S = 120.0
SAGITTAL = View.CURRENT_SAGITTAL


class Photographer:
    """Drives the place and takes pictures of the window."""

    def __init__(self, viewer: Any, place: ReadingPlace) -> None:
        self._window = viewer.window._qt_window
        self.place = place

    def until(self, is_done: Callable[[], object]) -> None:
        """Run the window until something is so."""
        begun = time.monotonic()
        while not is_done():
            get_qapp().processEvents()
            time.sleep(0.005)
            if time.monotonic() - begun > PATIENCE_S:
                raise TimeoutError("the room did not come to rest")

    def rest(self) -> None:
        """Wait until nothing runs and everything is drawn."""
        conductor, room = self.place.conductor, self.place.room
        assert conductor is not None and room is not None
        self.until(lambda: not conductor.is_busy and not room.loader.is_busy)
        for _ in range(40):
            get_qapp().processEvents()
            time.sleep(0.01)

    def take(self, name: str) -> None:
        """Save the window as a picture; a new one that looks the same is not written."""
        self.rest()
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        self._window.grab().save(buffer, "PNG")
        picture = Image.open(io.BytesIO(bytes(buffer.data()))).convert("RGB")
        content = io.BytesIO()
        picture.save(content, "WEBP", quality=QUALITY, method=6)
        if content.tell() > LARGEST_BYTES:
            raise ValueError(f"{name} has {content.tell()} bytes; at most {LARGEST_BYTES}")
        PICTURES.mkdir(parents=True, exist_ok=True)
        (PICTURES / f"{name}.webp").write_bytes(content.getvalue())


def truths() -> dict[str, Any]:
    """Return what the sample cohort's truth says of each patient."""
    told = json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))
    return {patient["patient_id"]: patient for patient in told["patients"]}


def make_study(folder: Path) -> Workspace:
    """Return a workspace with the patients and their lesions, nothing read."""
    made = ingest(create_workspace(folder), [SAMPLE / "dicom" / each for each in PATIENTS], jobs=1)
    for patient_id in PATIENTS:
        for lesion in truths()[patient_id]["lesions"]:
            add_lesion(
                made.workspace,
                patient_id=patient_id,
                level=Level.parse(lesion["level"]),
                side=Side.parse(lesion["side"]),
                lesion_uid=lesion["lesion_uid"],
            )
    return made.workspace


def choose_settings(folder: Path) -> None:
    """Keep the reader's settings in a folder."""
    ini, user = QSettings.Format.IniFormat, QSettings.Scope.UserScope
    QSettings.setPath(ini, user, str(folder))
    settings = QSettings(ini, user, "herntrack", "reading-room")
    settings.setValue("reader", READER)
    settings.setValue("language", "en")
    settings.sync()


def walk(photographer: Photographer) -> None:
    """Read the first patient and take a picture of each step."""
    place = photographer.place
    photographer.until(lambda: place.conductor is not None and place.worklist and place.worklist.rows)
    conductor, room = place.conductor, place.room
    assert conductor is not None and room is not None
    drawing, keys = conductor.drawing, room._keys
    patient = truths()["S-001"]
    told = patient["visits"][0]["lesions"][patient["lesions"][0]["lesion_uid"]]

    conductor.next_visit()
    photographer.rest()
    room.go_to(Half.CURRENT, np.array(told["disc_centre_lps_mm"]))
    photographer.take("1-level")
    conductor.corrections.confirm_level()
    photographer.rest()

    drawing.choose_hand("click")
    room.go_to(Half.CURRENT, np.array(told["click_lps_mm"]))
    room.point_clicked.emit(SAGITTAL, np.array(told["click_lps_mm"]))
    photographer.rest()
    keys.look_closely()
    photographer.take("2-one-click")

    room.set_hand(Hand.BRUSH)
    layer = room.panes[SAGITTAL].labels
    index = room.state.grids[SAGITTAL].lps_to_index(np.array(told["click_lps_mm"]))
    with layer.block_history():
        for step in range(4):
            layer.paint((round(index[0]), round(index[1]) - 3 - step, round(index[2]) - 13 - 3 * step), 1)
    photographer.take("3-guard")
    drawing.undo()
    room.set_hand(Hand.POINT)
    photographer.rest()
    conductor.take_suggestions()
    conductor.save()
    photographer.rest()
    conductor.sign()
    photographer.rest()

    conductor.next_visit()
    photographer.rest()
    keys.look_closely()
    photographer.take("4-proposed")
    conductor.save()
    photographer.rest()
    conductor.sign()
    photographer.take("5-signed")

    conductor.next_visit()
    photographer.rest()
    keys.look_closely()
    conductor.say_absent()
    photographer.rest()
    conductor.save()
    photographer.take("6-absent")
    conductor.sign()
    photographer.rest()

    room.toggle_cheat_sheet()
    photographer.take("7-keys")
    room.toggle_cheat_sheet()


def main() -> None:
    """Make all pictures anew."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        choose_settings(folder / "settings")
        workspace = make_study(folder / "study")
        viewer = napari.Viewer(show=True, title="herntrack")
        viewer.window._qt_window.resize(*SIZE)
        place = ReadingPlace(viewer, workspace.folder)
        viewer.window.add_dock_widget(place, name="herntrack", area="left", add_vertical_stretch=False)
        walk(Photographer(viewer, place))
        place.leave()
        viewer.close()


if __name__ == "__main__":
    main()

"""The line between the facets: drawn with the mouse in a real window, kept on disk, carried further."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from herntrack.model.vocabulary import Level, MsuLocation, Side, Zone
from herntrack.workflows.reading.readings import add_lesion
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.scene import MaskLook
from napari_herntrack.viewing.views import View
from tests.gui.seat import Seat, make_study, told

SAGITTAL, AXIAL = View.CURRENT_SAGITTAL, View.CURRENT_AXIAL
PATIENT = "S-003"
"""One whose fragment lies at the disc, where there are axial images."""

BACK_MM, HALF_MM = 14.0, 9.0
NAMES = ("zone", "msu_size", "msu_location")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, sample_dicom: Path) -> Workspace:
    visits = sorted((sample_dicom / "dicom" / PATIENT).iterdir())[:2]
    folder = tmp_path_factory.mktemp("facets") / "study"
    workspace = make_study(folder, sample_dicom, patients=(), more=visits)
    (lesion,) = told(sample_dicom, PATIENT)["lesions"]
    add_lesion(
        workspace, patient_id=PATIENT, level=Level.parse(lesion["level"]), lesion_uid=lesion["lesion_uid"]
    )
    return workspace


def tips(seat: Seat) -> dict[str, str]:
    return {name: seat.panel.description.boxes[name].toolTip() for name in NAMES}


def marks(seat: Seat, view: View) -> Any:
    return seat.room.panes[view].overlay.scene.facet


def ends_px(seat: Seat, middle: np.ndarray) -> list[Any]:
    """Turn to the axial slice of a place and return where the line's ends lie there, the right one first."""
    seat.scroll_to(AXIAL, middle)
    return [seat.pixel(AXIAL, np.add(middle, (side * HALF_MM, 0.0, 0.0))) for side in (-1, 1)]


def test_zone_and_grade_follow_from_a_line_that_stays_the_readers_and_goes_with_the_reading(
    seat: Seat, study: Workspace, sample_dicom: Path
) -> None:
    patient = told(sample_dicom, PATIENT)
    lesion_uid = patient["lesions"][0]["lesion_uid"]
    truth = patient["visits"][0]["lesions"][lesion_uid]
    seat.press("N")
    seat.click(SAGITTAL, truth["disc_centre_lps_mm"])
    seat.press("K")
    seat.press("O")
    seat.click(SAGITTAL, truth["click_lps_mm"])
    mask = seat.desk.session.mask
    assert all("(R)" in tip for tip in tips(seat).values())

    # One key, one drag.
    plane = mask.base_plane
    middle = plane.point_lps + np.asarray(plane.normal_lps) * BACK_MM
    middle[0] = truth["click_lps_mm"][0]
    seat.press("R")
    assert seat.room.hand is Hand.FACET_LINE
    assert seat.panel.tools.hands["facet_line"].isChecked()
    right, left = ends_px(seat, middle)
    seat.drag(AXIAL, [right, (right + left) / 2, left])
    seat.settle()
    drawn = mask.facet_line
    assert drawn is not None
    # A pixel of the screen is a third of a millimetre.
    assert drawn.length_mm == pytest.approx(2 * HALF_MM, abs=0.5)
    np.testing.assert_allclose(drawn.middle_lps, middle, atol=2.5)
    shown = marks(seat, AXIAL)
    assert len(shown.ends) == 2
    assert shown.words == f"{drawn.length_mm:.1f} mm"
    seat.scroll_to(SAGITTAL, drawn.middle_lps)
    assert marks(seat, SAGITTAL).crossing is not None

    # It is measured on, and says nothing by itself: the word is the reader's.
    boxes = seat.panel.description.boxes
    asked = {name: boxes[name].itemText(0) for name in NAMES}
    assert asked == {"zone": "central ?", "msu_size": "2 ?", "msu_location": "A ?"}
    assert seat.panel.description.grade.text().endswith("2-A ?")
    assert tips(seat)["msu_size"].startswith("Why: It reaches ")
    assert seat.desk.descriptors().zone is None
    assert seat.desk.look is MaskLook.PROPOSED

    # An end is moved like a corner of the base plane; the history has both steps.
    target = left + type(left)(12, 3)
    seat.drag(AXIAL, [left, (left + target) / 2, target])
    seat.settle()
    wider = mask.facet_line
    assert wider.length_mm > drawn.length_mm + 2.0
    assert wider.ends_lps[0] == drawn.ends_lps[0]
    seat.press("Z", control=True)
    assert mask.facet_line == drawn
    assert marks(seat, AXIAL).words == f"{drawn.length_mm:.1f} mm"
    seat.press("Z", control=True)
    assert mask.facet_line is None
    assert marks(seat, AXIAL).line is None

    # The fragment lies to the right of a line that is drawn further left; two clicks instead of a drag.
    right, left = ends_px(seat, np.add(middle, (6.0, 0.0, 0.0)))
    seat.drag(AXIAL, [left])
    assert len(marks(seat, AXIAL).ends) == 1
    assert mask.facet_line is None
    seat.drag(AXIAL, [right])
    seat.settle()
    assert mask.facet_line.ends_lps[0][0] < mask.facet_line.ends_lps[1][0]
    assert boxes["side"].itemText(0) == "right ?"
    assert boxes["zone"].itemText(0) == "paracentral ?"
    kept = mask.facet_line

    # What is no line between facets is refused with the reason, and what stood stays.
    at = seat.pixel(SAGITTAL, truth["click_lps_mm"])
    seat.drag(SAGITTAL, [at, at + type(at)(30, 5), at + type(at)(60, 10)])
    seat.settle()
    assert "from side to side" in seat.panel.message.text()
    assert mask.facet_line == kept

    seat.press("D")
    said = seat.desk.descriptors()
    assert (said.zone, said.side, said.msu_size) == (Zone.PARACENTRAL, Side.RIGHT, 2)
    assert said.msu_location in {MsuLocation.AB, MsuLocation.B}
    assert seat.panel.description.grade.text().endswith(said.msu_grade)
    seat.press("S")
    seat.press("S", shift=True)
    with catalogue_of(study) as catalogue:
        (reading,) = [each for each in catalogue.followup.readings(lesion_uid) if not each.is_proposed]
    assert (reading.facet_line, reading.descriptors) == (kept, said)

    # At the follow-up it is carried, and nobody's word until it is drawn.
    seat.press("N")
    assert seat.item.day == 30
    session = seat.desk.session
    carried = seat.desk.visit.shown.carried_line
    assert session.mask.facet_line is None
    assert carried.length_mm == pytest.approx(kept.length_mm)
    seat.scroll_to(AXIAL, carried.middle_lps)
    assert marks(seat, AXIAL).is_carried
    assert marks(seat, AXIAL).words.endswith("carried from the baseline")
    assert any(tip.endswith("carried from the baseline.") for tip in tips(seat).values())

    # The other visit's line is not drawn on; an end that is dragged here makes it the reader's.
    before = marks(seat, View.BASELINE_AXIAL)
    assert (before.is_carried, len(before.ends)) == (False, 2)
    seat.press("R")
    right, left = (seat.pixel(View.BASELINE_AXIAL, end) for end in kept.ends_lps)
    seat.drag(View.BASELINE_AXIAL, [left, left + type(left)(10, 0), left + type(left)(20, 0)])
    seat.settle()
    assert marks(seat, View.BASELINE_AXIAL) == before
    assert "other visit" in seat.panel.message.text()
    assert session.mask.facet_line is None
    right, left = (seat.pixel(AXIAL, end) for end in carried.ends_lps)
    seat.drag(AXIAL, [left, left + type(left)(10, 0), left + type(left)(20, 0)])
    seat.settle()
    assert session.mask.facet_line.ends_lps[0] == pytest.approx(carried.ends_lps[0])
    assert session.mask.facet_line.length_mm > carried.length_mm + 2.0
    assert not marks(seat, AXIAL).is_carried
    assert not any("baseline" in tip for tip in tips(seat).values())

    # Signed work is looked at with its line, and cannot be drawn on.
    seat.open(PATIENT, 0)
    assert seat.desk.session.mask.facet_line == kept
    right, left = ends_px(seat, middle)
    seat.press("R")
    seat.drag(AXIAL, [right, (right + left) / 2, left])
    seat.settle()
    assert seat.desk.session.mask.facet_line == kept
    assert "signed" in seat.panel.message.text()
    seat.scroll_to(AXIAL, kept.middle_lps)
    assert marks(seat, AXIAL).words == f"{kept.length_mm:.1f} mm"

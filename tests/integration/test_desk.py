"""The reader's desk without a window: what may be done, why not, and what it leads to on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from herntrack.errors import DraftError, GeometryError
from herntrack.model.base_plane import BasePlane
from herntrack.model.facet_line import FacetLine
from herntrack.model.vocabulary import ReadingStatus
from herntrack.workflows.listings.worklist import ReadingState
from napari_herntrack.reading import work
from napari_herntrack.reading.desk import Desk
from napari_herntrack.reading.facet_lines import LineShown, draw_line, line_shown
from napari_herntrack.reading.levels import confirm_level
from napari_herntrack.reading.outlining import outline_clicks
from napari_herntrack.texts import load_texts
from napari_herntrack.viewing.room_state import Hand
from napari_herntrack.viewing.scene import MaskLook
from napari_herntrack.viewing.strokes import Stroke
from tests.integration.read_room import READER, Room, sample_patient, saved

TEXTS = load_texts("en")


def truth() -> dict[str, Any]:
    patient = sample_patient()
    entry: dict[str, Any] = patient["visits"][0]["lesions"][patient["lesions"][0]["lesion_uid"]]
    return entry


def put_on(desk: Desk, room: Room, visit: int = 0) -> None:
    rows = work.list_rows(room.workspace, reader=READER, texts=TEXTS).rows
    desk.open(work.open_visit(room.workspace, rows[visit], reader=READER, is_blinded=False, texts=TEXTS))


@pytest.fixture
def desk(room: Room) -> Iterator[Desk]:
    made = Desk(TEXTS)
    put_on(made, room)
    yield made
    made.leave()


def click(desk: Desk, room: Room, **options: Any) -> None:
    session = desk.session
    assert session is not None
    point = tuple(truth()["click_lps_mm"])
    points, background = desk.clicks_with(point, is_background=False)
    desk.take_outline(
        outline_clicks(
            room.workspace,
            session.lesion,
            session.stack,
            points_lps=points,
            background_points_lps=background,
            placed=desk.placed_plane,
            **options,
        )
    )


def painted(desk: Desk, indices: list[int]) -> Stroke:
    """Paint as a view does: the mask's own array first."""
    mask, visit = desk.mask, desk.visit
    assert mask is not None
    assert visit is not None
    old = mask.reshape(-1)[indices].copy()
    mask.reshape(-1)[indices] = True
    return Stroke(view=visit.view, hand=Hand.BRUSH, indices=np.array(indices), old_values=old, value=True)


def test_an_empty_desk_says_what_to_do_first() -> None:
    desk = Desk(TEXTS)
    first = TEXTS("panel.open_first")
    assert {desk.why_not_change(), desk.why_not_save(), desk.why_not_undo(), desk.why_not_sign()} == {first}
    assert desk.picture() is None


def test_each_thing_that_cannot_be_done_has_its_reason(desk: Desk) -> None:
    assert desk.why_not_change() == ""
    assert desk.why_not_change_mask() == "Outline the fragment first."
    assert desk.why_not_undo() == "There is nothing to undo."
    assert desk.why_not_redo() == "There is nothing to redo."
    assert desk.why_not_carry().startswith("This is the baseline")
    assert desk.why_not_save().startswith("Outline the fragment, or say")
    assert desk.why_not_sign().startswith("The level L5-S1 is not confirmed")
    desk.busy_with = "Saving"
    assert desk.why_not_change() == "Saving is still running; wait until it has ended."
    desk.busy_with = ""


def test_a_facet_line_is_drawn_on_any_stack_of_the_same_coordinates(desk: Desk) -> None:
    session = desk.session
    assert session is not None
    assert line_shown(desk) == LineShown()
    each = session.stack
    ends = [[9.0, 50.0, -60.0], [-9.0, 51.0, -60.0]]
    moved = replace(each, stack=replace(each.stack, stack_uid="other", frame_of_reference_uid="2.25.9"))
    with pytest.raises(GeometryError, match="other coordinates than the one that is read"):
        draw_line(desk, ends, moved)
    beside = replace(each, stack=replace(each.stack, stack_uid="other"))
    assert draw_line(desk, ends, beside) is not None
    assert line_shown(desk) == LineShown(line=FacetLine.through(ends))
    # The line is no outline: there is still nothing to save.
    assert desk.why_not_save().startswith("Outline the fragment, or say")
    desk.undo()
    desk.busy_with = "Saving"
    with pytest.raises(DraftError, match="Saving is still running"):
        draw_line(desk, ends, each)
    desk.busy_with = ""
    assert line_shown(desk) == LineShown()


def test_a_click_a_stroke_and_their_undoing_keep_clicks_and_look_in_step(desk: Desk, room: Room) -> None:
    click(desk, room)
    assert desk.look is MaskLook.PROPOSED
    assert len(desk.clicks()[0]) == 1
    desk.stroke(painted(desk, [5, 6]))
    assert desk.look is MaskLook.DRAFT
    click(desk, room)
    assert len(desk.clicks()[0]) == 2
    desk.undo()
    assert len(desk.clicks()[0]) == 1
    desk.undo()
    desk.undo()
    assert desk.clicks() == ((), ())
    assert desk.mask is not None
    assert not desk.mask.any()


def test_a_plane_that_the_reader_placed_bounds_the_next_outline(desk: Desk, room: Room) -> None:
    session = desk.session
    assert session is not None
    click(desk, room)
    corners = np.array(truth()["posterior_corners_lps_mm"])
    corners[:, 1] += 4.0
    plane = BasePlane.from_corners(*corners, session.stack.stack.geometry)
    desk.move_base_plane(plane)
    assert desk.placed_plane == plane
    click(desk, room)
    assert session.mask.base_plane == plane
    grid = session.stack.stack.geometry
    depths = plane.depth_mm(grid.index_to_lps(np.argwhere(session.mask.mask)))
    assert depths.size > 0
    assert depths.min() > -max(grid.spacing_zyx[1:])
    reading = saved(session).reading
    assert (reading.base_plane, len(reading.points_lps)) == (plane, 2)


def test_paint_on_what_the_reader_called_absent_is_residue_but_an_outline_takes_the_word_back(
    desk: Desk, room: Room
) -> None:
    session = desk.session
    assert session is not None
    desk.say(ReadingStatus.ABSENT, "absent_reason.scar_only")
    assert session.judgement.reason == "Only scar or granulation tissue is left."
    desk.stroke(painted(desk, [9]))
    assert session.judgement.status is ReadingStatus.ABSENT
    click(desk, room)
    assert session.judgement.status is ReadingStatus.PRESENT
    desk.say(ReadingStatus.NOT_EVALUABLE, "unevaluable_reason.motion")
    desk.stroke(painted(desk, [9]))
    assert session.judgement.status is ReadingStatus.PRESENT


def test_the_level_is_confirmed_and_the_reading_signed(desk: Desk, room: Room) -> None:
    session, visit = desk.session, desk.visit
    assert session is not None
    assert visit is not None
    known = confirm_level(
        room.workspace,
        session.lesion,
        session.stack,
        point_lps=tuple(truth()["disc_centre_lps_mm"]),
        reader=READER,
    )
    desk.set_lock(known.lock, known.centre_lps)
    assert known.centre_lps == pytest.approx(truth()["disc_centre_lps_mm"], abs=3.0)
    click(desk, room)
    assert desk.why_not_sign() == "Save the reading first, then sign."
    work.save_visit(room.workspace, session)
    assert desk.why_not_sign() == ""
    assert desk.look is MaskLook.ACCEPTED
    session.sign(known.lock)
    desk.leave()
    put_on(desk, room)
    assert desk.why_not_sign() == "The reading is signed already."
    assert desk.visit is not None
    assert desk.visit.row.state is ReadingState.SIGNED
    assert desk.why_not_change().startswith(f"This reading was signed by {READER}")


def test_a_proposal_is_shown_as_one_and_saving_accepts_it(desk: Desk, room: Room) -> None:
    session = desk.session
    assert session is not None
    click(desk, room)
    work.save_visit(room.workspace, session)
    rows = work.list_rows(room.workspace, reader=READER, texts=TEXTS).rows
    carried = work.carry_forward(room.workspace, rows[1])
    assert carried.is_proposed
    put_on(desk, room, 1)
    follow_up = desk.session
    assert follow_up is not None
    assert (desk.look, desk.can_be_proposed) == (MaskLook.PROPOSED, False)
    assert desk.why_not_sign().startswith("The level")
    reading = work.save_visit(room.workspace, follow_up).reading
    assert not reading.is_proposed
    assert reading.source == "reading room, proposal accepted as it was"
    assert desk.look is MaskLook.ACCEPTED


def test_a_blinded_reader_begins_with_nothing_that_was_carried_or_that_others_said(
    desk: Desk, room: Room
) -> None:
    session = desk.session
    assert session is not None
    click(desk, room)
    work.save_visit(room.workspace, session)
    desk.leave()
    rows = work.list_rows(room.workspace, reader=READER, texts=TEXTS).rows
    assert work.carry_forward(room.workspace, rows[1]).is_proposed
    blinded = work.blind(room.workspace, reader="reader-2", texts=TEXTS)
    assert blinded.is_blinded
    assert {row.state for row in blinded.rows} == {ReadingState.TO_READ}
    for row in blinded.rows:
        visit = work.open_visit(room.workspace, row, reader="reader-2", is_blinded=True, texts=TEXTS)
        assert visit.session is not None
        assert visit.session.started_from is None
        assert not visit.session.mask.mask.any()
        assert (visit.shown.masks, visit.link) == ((), None)
        # Nor does a proposal say where to look first.
        assert visit.shown.pair.focus_lps is None
        visit.session.close()
    # What they said themselves is there again.
    visit = work.open_visit(room.workspace, blinded.rows[0], reader="reader-2", is_blinded=True, texts=TEXTS)
    assert visit.session is not None
    visit.session.say(ReadingStatus.NOT_EVALUABLE, "Motion artefacts at the level.")
    visit.session.save()
    visit.session.close()
    again = work.open_visit(room.workspace, blinded.rows[0], reader="reader-2", is_blinded=True, texts=TEXTS)
    assert again.session is not None
    assert again.session.judgement.status is ReadingStatus.NOT_EVALUABLE
    again.session.close()

"""The room's plot of a lesion's course: marks of states, and what the line joins."""

from __future__ import annotations

from datetime import date

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QPointF
from qtpy.QtGui import QColor

from herntrack.model.vocabulary import VisitState
from herntrack.reading_room.live_numbers import CoursePoint
from herntrack.reports.trajectory import STATE_MARKERS
from napari_herntrack._qt.panels.face import VISIT_COLOURS
from napari_herntrack._qt.panels.trajectory import BOTTOM, DOT, LEFT, RIGHT, TOP, TrajectoryPlot, mark_of

OUTLINES = {"D": 4, "v": 3, "^": 3, "s": 4}
"""Corners of the report's marks."""


def point(day: int, volume: float | None, state: VisitState, *, is_proposed: bool = False) -> CoursePoint:
    return CoursePoint(
        visit_date=date(2024, 1, 1),
        day=day,
        volume_mm3=volume,
        low_mm3=volume,
        high_mm3=volume,
        state=state,
        is_draft=False,
        is_proposed=is_proposed,
    )


@pytest.mark.parametrize("state", list(STATE_MARKERS))
def test_a_state_has_the_mark_that_it_has_in_the_report(state: VisitState) -> None:
    path, marker = mark_of(state), STATE_MARKERS[state]
    if marker == "x":
        assert not path.contains(QPointF(0.0, 0.7 * DOT))
        assert path.elementCount() == 4
        return
    corners = path.toFillPolygon()
    if marker == "o":
        assert corners.count() > 8
        return
    # Closed: the first corner comes again.
    assert corners.count() == OUTLINES[marker] + 1
    lower, upper = (path.contains(QPointF(0.0, side * 0.95 * DOT)) for side in (1, -1))
    wide_below, wide_above = (path.contains(QPointF(0.7 * DOT, side * 0.8 * DOT)) for side in (1, -1))
    assert (lower, upper) == (True, True)
    assert (wide_below, wide_above) == {
        "D": (False, False),
        "s": (True, True),
        "v": (False, True),
        "^": (True, False),
    }[marker]


@pytest.fixture
def plot(qtbot: QtBot) -> TrajectoryPlot:
    made = TrajectoryPlot("mm3", "days")
    qtbot.addWidget(made)
    made.resize(400, 160)
    return made


def colour_at(plot: TrajectoryPlot, day: int, volume: float, last_day: int, highest: float) -> QColor:
    picture = plot.grab().toImage()
    x = LEFT + day / last_day * (plot.width() - LEFT - RIGHT)
    y = plot.height() - BOTTOM - volume / (1.08 * highest) * (plot.height() - TOP - BOTTOM)
    ratio = picture.width() / plot.width()
    return QColor(picture.pixelColor(round(x * ratio), round(y * ratio)))


def test_a_proposal_is_hollow(plot: TrajectoryPlot) -> None:
    wanted = QColor(VISIT_COLOURS[VisitState.NO_CHANGE]).name()
    for is_proposed in (False, True):
        plot.show_points(
            [
                point(0, 1000.0, VisitState.BASELINE),
                point(50, 500.0, VisitState.NO_CHANGE, is_proposed=is_proposed),
                point(100, 1000.0, VisitState.NO_CHANGE),
            ]
        )
        assert (colour_at(plot, 50, 500.0, 100, 1000.0).name() == wanted) is not is_proposed


def test_the_line_passes_over_what_is_not_compared(plot: TrajectoryPlot) -> None:
    ends = [point(0, 1000.0, VisitState.BASELINE), point(100, 1000.0, VisitState.NO_CHANGE)]
    grounds = {}
    for state in (VisitState.NO_CHANGE, VisitState.NOT_EVALUABLE):
        plot.show_points([ends[0], point(50, 300.0, state), ends[1]])
        # Half way down to the visit between.
        grounds[state] = colour_at(plot, 25, 650.0, 100, 1000.0)
    empty = colour_at(plot, 25, 300.0, 100, 1000.0)
    assert grounds[VisitState.NOT_EVALUABLE] == empty
    assert grounds[VisitState.NO_CHANGE] != empty

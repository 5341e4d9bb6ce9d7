from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from xml.sax.saxutils import escape

import matplotlib as mpl
import pytest

from herntrack.errors import ReportError
from herntrack.model.timepoints import DEFAULT_WINDOWS
from herntrack.model.vocabulary import OutcomeClass, VisitState
from herntrack.reports.courses import Course, courses_svg
from herntrack.reports.figures import WaterfallBar, tally_bar_svg, waterfall_svg
from herntrack.reports.palette import COLOUR_VARIABLES, DARK_VARIABLES, LIGHT_VARIABLES, OUTCOME_COLOURS
from herntrack.reports.tables import ChangeRow
from herntrack.reports.trajectory import STATE_MARKERS, guides_of, trajectory_svg
from tests.unit.reports.fabricated import COURSES, change_rows, rules


def course_rows(position: int) -> list[ChangeRow]:
    return sorted(change_rows(COURSES[position], rules()), key=lambda row: row.day)


def trajectory(rows: list[ChangeRow], *, prefix: str = "x") -> str:
    return trajectory_svg(rows, rules=rules(), windows=DEFAULT_WINDOWS, prefix=prefix)


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - drawn by the code under test


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter("text")]


def bar(label: str, percent: float, high: float | None = 10.0) -> WaterfallBar:
    return WaterfallBar(
        label=label, change_percent=percent, low=percent - 20, high=high, outcome=OutcomeClass.STABLE
    )


def test_a_drawing_is_the_same_every_time() -> None:
    assert trajectory(course_rows(0)) == trajectory(course_rows(0))


def test_ids_carry_the_prefix_and_references_find_them() -> None:
    svg = trajectory(course_rows(0), prefix="lesion-1")
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert len(ids) == len(set(ids))
    assert all(name.startswith("lesion-1-") for name in ids)
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', svg)) <= set(ids)


def test_nothing_but_the_drawing_is_left() -> None:
    svg = trajectory(course_rows(0))
    assert not re.search(r"http|<metadata|<style|<!--|<\?xml|ns\d", svg)


def test_colours_follow_the_page_and_fall_back_to_print() -> None:
    svg = trajectory(course_rows(0))
    bare = re.sub(r"var\(--[a-z]+, #[0-9a-f]{6}\)", "", svg)
    assert "var(--persistent, #0a6fb0)" in svg
    assert not re.search(r"#[0-9a-f]{6}", bare)


def test_both_themes_name_the_same_colours_and_each_only_once() -> None:
    assert set(LIGHT_VARIABLES) == set(DARK_VARIABLES)
    assert len(COLOUR_VARIABLES) == len(LIGHT_VARIABLES)


def test_every_state_has_a_shape_of_its_own() -> None:
    assert set(STATE_MARKERS) == set(VisitState)
    assert len(set(STATE_MARKERS.values())) == len(VisitState)


def test_the_guides_are_the_published_ones() -> None:
    rows = [replace(course_rows(0)[0], volume_mm3=volume) for volume in (500.0, 1000.0, 2000.0)]
    losses = []
    for row in rows:
        guides = guides_of([row], rules(), is_same_protocol=True)
        assert guides is not None
        assert guides.claimable_mm3 is not None
        assert guides.least_change_mm3 == pytest.approx(0.75 * guides.baseline_mm3)
        losses.append(round(100 * (1 - guides.claimable_mm3 / guides.baseline_mm3)))
    assert losses == [48, 39, 32]


def test_another_protocol_needs_a_larger_loss() -> None:
    row = replace(course_rows(0)[0], volume_mm3=1000.0)
    guides = guides_of([row], rules(), is_same_protocol=False)
    assert guides is not None
    assert guides.claimable_mm3 == pytest.approx(490, abs=6)


def test_the_guides_are_named_in_the_drawing() -> None:
    words = " ".join(texts(trajectory(course_rows(0))))
    for name in ("claimable", "landmark 70", "primary limit 126", "1 month", "3 months"):
        assert name in words


def test_without_a_measured_baseline_there_is_no_guide() -> None:
    first, *rest = course_rows(0)
    rows = [replace(first, volume_mm3=None, visit_state=VisitState.NOT_EVALUABLE), *rest]
    assert "claimable" not in " ".join(texts(trajectory(rows)))


def test_absent_unread_and_unevaluable_visits_are_named() -> None:
    assert texts(trajectory(course_rows(1))).count("absent") == 2
    assert "not read" in texts(trajectory(course_rows(5)))
    assert "not evaluable" in texts(trajectory(course_rows(3)))


def test_the_line_is_broken_over_a_visit_without_a_volume() -> None:
    with_gap = course_rows(3)
    without = [row for row in with_gap if row.visit_state is not VisitState.NOT_EVALUABLE]
    dashes = "stroke-dasharray: 2.2,3.3"
    assert dashes in trajectory(with_gap)
    assert dashes not in trajectory(without)


def test_a_screen_reader_hears_every_visit() -> None:
    description = parsed(trajectory(course_rows(1))).findtext("desc") or ""
    assert description.startswith("day 0: 1480 \N{PLUS-MINUS SIGN} 209 mm3, baseline; day 33:")
    assert description.endswith("day 180: 0 \N{PLUS-MINUS SIGN} 20 mm3, absent")


def test_a_course_without_a_visit_is_refused() -> None:
    with pytest.raises(ReportError, match="without a visit"):
        trajectory([])


def test_the_largest_increase_comes_first() -> None:
    svg = waterfall_svg([bar("a", -50.0), bar("b", 30.0), bar("c", -90.0)], prefix="w")
    assert [text for text in texts(svg) if text in "abc"] == ["b", "a", "c"]


@pytest.mark.parametrize("label", ["$x$", "<b>&", "Ж-1", "患-1", "_^{"])
def test_any_identifier_can_stand_under_a_bar(label: str) -> None:
    svg = waterfall_svg([bar(label, -50.0)], prefix="w")
    assert label in texts(svg)
    assert escape(label) in svg


def test_a_bar_without_an_upper_limit_has_an_arrow() -> None:
    open_ended = waterfall_svg([bar("a", -50.0, high=None)], prefix="w")
    closed = waterfall_svg([bar("a", -50.0)], prefix="w")
    assert len(re.findall("<use", open_ended)) == len(re.findall("<use", closed)) + 1


def test_many_bars_lose_their_names_but_not_their_number() -> None:
    svg = waterfall_svg([bar(f"P-{i}", -float(i)) for i in range(60)], prefix="w")
    assert "60 lesions" in texts(svg)
    assert "P-1" not in texts(svg)


def test_the_tally_bar_shows_the_counts_that_are_not_zero() -> None:
    counts = {OutcomeClass.RESORPTION: 3, OutcomeClass.STABLE: 0, OutcomeClass.PROGRESSION: 11}
    svg = tally_bar_svg(counts, prefix="t", title="Latest")
    assert texts(svg) == ["3", "11"]
    assert parsed(svg).findtext("desc") == "resorption 3, progression 11"


def test_courses_are_coloured_by_outcome() -> None:
    svg = courses_svg(
        [Course(points=((0, 0.0), (90, 40.0)), outcome=OutcomeClass.PROGRESSION)], prefix="c", landmark_day=70
    )
    assert f"var(--progression, {OUTCOME_COLOURS[OutcomeClass.PROGRESSION]})" in svg


def test_drawing_leaves_the_settings_of_matplotlib_alone() -> None:
    before = dict(mpl.rcParams)
    trajectory(course_rows(0))
    assert dict(mpl.rcParams) == before


HOLLOW = "fill: var(--paper, #ffffff)"


def test_a_visit_that_rests_on_a_proposal_is_hollow() -> None:
    first, *rest = course_rows(0)
    rows = [replace(first, flags=("proposed",)), *rest]
    assert trajectory(rows).count(HOLLOW) == trajectory(course_rows(0)).count(HOLLOW) + 1
    description = parsed(trajectory(rows)).findtext("desc") or ""
    assert [", proposed" in words for words in description.split("; ")] == [True] + [False] * len(rest)


def test_a_bar_that_rests_on_a_proposal_is_hollow() -> None:
    accepted, proposed = bar("a", -50.0), replace(bar("a", -50.0), is_proposed=True)
    drawings = [waterfall_svg([each], prefix="w") for each in (accepted, proposed)]
    assert [HOLLOW in svg for svg in drawings] == [False, True]
    assert (parsed(drawings[1]).findtext("desc") or "").endswith("stable (proposed)")


def test_a_proposed_point_of_a_course_is_hollow() -> None:
    course = Course(points=((0, 0.0), (90, 40.0)), outcome=OutcomeClass.PROGRESSION)
    marks = [
        courses_svg([each], prefix="c", landmark_day=70).count(HOLLOW)
        for each in (course, replace(course, proposed_days=(90,)))
    ]
    assert marks == [0, 1]


def test_a_segment_too_narrow_for_its_number_bears_none() -> None:
    counts = {OutcomeClass.RESORPTION: 8, OutcomeClass.STABLE: 13, OutcomeClass.INDETERMINATE: 479}
    assert texts(tally_bar_svg(counts, prefix="t", title="Latest")) == ["8", "13", "479"]
    counts |= {OutcomeClass.RESORPTION: 6, OutcomeClass.STABLE: 12}
    svg = tally_bar_svg(counts, prefix="t", title="Latest")
    assert texts(svg) == ["479"]
    assert parsed(svg).findtext("desc") == "resorption 6, stable 12, indeterminate 479"

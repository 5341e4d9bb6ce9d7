"""The figures of a cohort: what they count, and that each can stand alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from herntrack.model.vocabulary import Horizon, OutcomeClass, VisitState
from herntrack.reports.cards import lesion_cards
from herntrack.reports.cohort_figures import CohortFigure, cohort_figures, lesion_labels
from herntrack.reports.courses import Course, courses_svg
from herntrack.reports.figures import DARK_TEXT_CLASSES
from herntrack.reports.flow import flow_steps, flow_svg
from herntrack.reports.manuscript import manuscript_paragraph
from herntrack.reports.palette import COLOUR_VARIABLES, DARK_VARIABLES, INK, OUTCOME_COLOURS, PAPER
from herntrack.reports.records import CohortReport, Intake, SetAside
from herntrack.reports.timeline import MOST_INCHES, MOST_NAMED_ROWS, TimelineRow, timeline_svg
from herntrack.volumetrics.rules import load_rules
from tests.unit.reports.fabricated import fabricated_report
from tests.unit.reports.test_figures import parsed, texts

RULES = load_rules()
POINTS_PER_INCH = 72.0


@pytest.fixture(scope="module")
def report() -> CohortReport:
    return fabricated_report(with_images=False)


@pytest.fixture(scope="module")
def figures(report: CohortReport) -> dict[str, CohortFigure]:
    return {figure.name: figure for figure in cohort_figures(report, lesion_cards(report))}


def test_figures_are_numbered_in_their_order(figures: dict[str, CohortFigure]) -> None:
    assert [(each.number, each.name) for each in figures.values()] == [
        (1, "flow"),
        (2, "waterfall"),
        (3, "courses"),
        (4, "timeline"),
    ]


@pytest.mark.parametrize("name", ["flow", "waterfall", "courses", "timeline"])
def test_a_file_needs_no_page(figures: dict[str, CohortFigure], name: str) -> None:
    text = figures[name].as_file()
    root = parsed(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "var(" not in text
    assert root.attrib["width"].endswith("pt")
    description = root.find("{http://www.w3.org/2000/svg}desc")
    assert description is not None
    assert (description.text or "").startswith(figures[name].caption)


def test_captions_tell_how_many_and_by_which_thresholds(figures: dict[str, CohortFigure]) -> None:
    assert "7 lesions" in figures["waterfall"].caption
    assert "k = 1.6 mm" in figures["waterfall"].caption
    assert "day 70" in figures["courses"].caption
    assert "rule set default 1.1.0" in figures["flow"].caption


def test_what_rests_on_proposals_is_hollow_and_the_captions_say_so(report: CohortReport) -> None:
    proposed = report.lesions[0].lesion_uid
    changed = replace(
        report,
        changes=tuple(
            replace(row, flags=(*row.flags, "proposed")) if row.lesion_uid == proposed else row
            for row in report.changes
        ),
        lesions=tuple(
            replace(row, flags=(*row.flags, "proposed")) if row.lesion_uid == proposed else row
            for row in report.lesions
        ),
    )
    before, after = (cohort_figures(each, lesion_cards(each)) for each in (report, changed))
    for old, new in zip(before[1:], after[1:], strict=True):
        assert new.drawing.count("fill: var(--paper") > old.drawing.count("fill: var(--paper")
        assert ("accepted" in old.caption, "no reader has accepted" in new.caption) == (False, True)


def test_a_caption_names_a_few_lesions_and_counts_many(report: CohortReport) -> None:
    card = next(card for card in lesion_cards(report) if card.row.change_percent is not None)
    lost = replace(card, row=replace(card.row, change_percent=None))
    few, many = (cohort_figures(report, [card, *[lost] * n])[1].caption for n in (2, 21))
    name = lesion_labels(report)[card.row.lesion_uid]
    assert few.endswith(f"could be measured: {name}, {name}.")
    assert many.endswith("could be measured: 21 lesions.")


def test_without_a_lesion_there_is_no_figure(report: CohortReport) -> None:
    empty = replace(report, lesions=(), changes=(), outcomes=(), details=())
    assert cohort_figures(empty, ()) == ()


# --- flow -----------------------------------------------------------------------------------


def test_the_flow_loses_nothing_on_its_way(report: CohortReport) -> None:
    steps = flow_steps(
        report.changes,
        [row for row in report.outcomes if row.horizon is Horizon.PRIMARY],
        intake=Intake(n_files=130, n_images=120, n_series=24, n_patients=8),
        set_aside=[("not dicom", 4), ("empty file", 3), ("a", 1), ("b", 1), ("c", 1)],
    )
    assert [step.kept for step in steps] == [
        ("130 files found",),
        ("120 images in 24 series", "of 8 patients"),
        ("7 lesions of 6 patients", "22 lesion visits"),
        ("21 lesion visits read",),
        ("20 lesion visits measured and comparable:", "7 baselines, 13 follow-ups"),
        (
            "6 lesions classified, primary outcome",
            "resorption 1",
            "persistent reduction 2",
            "transient reduction 1",
            "stable 1",
            "progression 1",
        ),
    ]
    dash = "\N{EN DASH}"
    assert [step.left for step in steps] == [
        (
            "not readable or not used: 10",
            f"{dash} not dicom: 4",
            f"{dash} empty file: 3",
            f"{dash} a: 1",
            f"{dash} b: 1",
            f"{dash} other reasons: 1",
        ),
        ("2 patients without a recorded lesion",),
        ("1 lesion visit not read",),
        ("not evaluable: 1", f"{dash} not evaluable by the reader's word: 1"),
        (),
        ("indeterminate: 1", f"{dash} early reduction, persistence not established: 1"),
    ]


def test_proposals_are_told_in_the_flow(report: CohortReport) -> None:
    changes = [replace(row, flags=("proposed",)) for row in report.changes]
    steps = flow_steps(changes, [row for row in report.outcomes if row.horizon is Horizon.LATEST])
    assert "(20 proposed by software, accepted by no reader)" in steps[2].kept


def test_why_a_visit_was_lost_is_told_by_its_first_flag(report: CohortReport) -> None:
    followup = next(row for row in report.changes if row.visit_state is VisitState.REDUCED)
    lost = [
        replace(followup, visit_state=VisitState.NOT_EVALUABLE, flags=("modality_differs", "proposed")),
        replace(followup, visit_state=VisitState.NOT_EVALUABLE),
    ]
    (_, read, *_) = flow_steps(lost, [])
    dash = "\N{EN DASH}"
    assert read.left == (
        "not evaluable: 2",
        f"{dash} modality differs: 1",
        f"{dash} no baseline to compare with: 1",
    )


def test_every_line_of_the_flow_is_drawn(report: CohortReport) -> None:
    steps = flow_steps(report.changes, [row for row in report.outcomes if row.horizon is Horizon.LATEST])
    assert set(texts(flow_svg(steps, prefix="f"))) >= {
        line for step in steps for line in (*step.kept, *step.left)
    }


def test_only_a_report_on_all_begins_with_the_files(report: CohortReport) -> None:
    whole = replace(
        report,
        intake=Intake(n_files=9, n_images=8, n_series=2, n_patients=6),
        set_aside=(SetAside(code="not_dicom", reason="x"), SetAside(code="case", reason="y")),
    )
    drawn = texts(str(cohort_figures(whole, lesion_cards(whole))[0].drawing))
    # A case is no file.
    assert "not readable or not used: 1" in drawn
    assert not any(
        "files" in line for line in texts(str(cohort_figures(report, lesion_cards(report))[0].drawing))
    )


# --- courses and timeline ---------------------------------------------------------------------


def test_each_outcome_that_occurs_has_a_panel() -> None:
    courses = [Course(points=((0, 0.0), (90, -60.0)), outcome=OutcomeClass.PERSISTENT_REDUCTION)] * 2
    courses.append(Course(points=((0, 0.0), (90, 400.0)), outcome=OutcomeClass.PROGRESSION))
    svg = courses_svg(courses, prefix="c", landmark_day=70)
    titles = [text for text in texts(svg) if "n = " in text]
    assert titles == ["persistent reduction, n = 2", "progression, n = 1"]
    assert "progression: 1 lesion, last change +400" in svg


def row(number: int, *visits: tuple[int, VisitState | None]) -> TimelineRow:
    first: tuple[tuple[int, VisitState | None], ...] = ((0, VisitState.BASELINE),)
    return TimelineRow(label=f"P-{number:03d}", visits=first + visits, outcome=OutcomeClass.STABLE)


def test_the_timeline_names_its_marks_and_its_rows() -> None:
    rows = [row(1, (30, VisitState.ABSENT)), row(2, (200, None))]
    drawn = texts(timeline_svg(rows, prefix="t", rules=RULES, windows=()))
    assert {"P-001", "P-002", "absent", "not read", "outcome: stable", "days since baseline"} <= set(drawn)
    # The longer follow-up comes first; what did not occur has no key.
    assert drawn.index("P-002") < drawn.index("P-001")
    assert "enlarged" not in drawn


def test_many_rows_stay_on_one_page() -> None:
    rows = [row(number, (90, VisitState.NO_CHANGE)) for number in range(MOST_NAMED_ROWS * 6)]
    svg = timeline_svg(rows, prefix="t", rules=RULES, windows=())
    height = float(parsed(svg).attrib["viewBox"].split()[3])
    assert height <= MOST_INCHES * POINTS_PER_INCH
    assert "P-001" not in texts(svg)
    assert f"{len(rows)} lesions" in texts(svg)


def test_a_long_name_is_shortened_in_the_drawing_only() -> None:
    label = "hospital-north-0000000000000001 L4-L5 left"
    svg = timeline_svg([replace(row(1), label=label)], prefix="t", rules=RULES, windows=())
    assert label not in texts(svg)
    assert label in svg


# --- colours ----------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("outcome", [each for each in OutcomeClass if each is not OutcomeClass.INDETERMINATE])
def test_a_colour_can_be_told_from_the_paper_and_read_upon(outcome: OutcomeClass) -> None:
    colour = OUTCOME_COLOURS[outcome]
    assert contrast(colour, PAPER) >= 3.0
    assert contrast(colour, INK if outcome in DARK_TEXT_CLASSES else PAPER) >= 4.5
    assert contrast(DARK_VARIABLES[COLOUR_VARIABLES[colour]], DARK_VARIABLES["paper"]) >= 3.0


# --- manuscript -------------------------------------------------------------------------------


def test_the_paragraph_holds_the_parameters_of_this_report(report: CohortReport) -> None:
    other = replace(report, rules=replace(RULES, name="own", landmark_day=84, boundary_k_same_mm=1.9))
    text = manuscript_paragraph(other)
    for part in ("7 lumbar disc herniations of 6 patients", "from day 84 on", "k = 1.9 mm", "rule set own"):
        assert part in text
    assert "proposed" not in text
    proposed = replace(report, changes=tuple(replace(each, flags=("proposed",)) for each in report.changes))
    assert "22 lesion visits rested on outlines that software proposed" in manuscript_paragraph(proposed)

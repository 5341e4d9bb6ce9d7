from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from herntrack.errors import ReportError
from herntrack.model.vocabulary import OutcomeClass
from herntrack.reports import page, wording
from herntrack.reports.cohort_figures import FIGURE_FILES
from herntrack.reports.page import render_patient_page, render_report, write_report
from herntrack.reports.records import CohortReport, lesion_anchor, patient_page_name
from herntrack.reports.tables import CHANGES, LESIONS
from herntrack.reports.views import summary_facts
from tests.unit.reports.fabricated import COURSES, fabricated_report

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
HOSTILE = "<script>alert(1)</script>\"'&{{ 7*7 }}"


class Page(HTMLParser):
    """Checks that every tag is closed in order, and collects what tests ask for."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script", "desc", "title"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]


@pytest.fixture(scope="module")
def report() -> CohortReport:
    return fabricated_report()


@pytest.fixture(scope="module")
def html(report: CohortReport) -> str:
    return render_report(report)


@pytest.fixture(scope="module")
def parsed(html: str) -> Page:
    return Page(html)


@pytest.fixture(scope="module")
def plain() -> CohortReport:
    return fabricated_report(with_images=False, with_truth=False)


def test_the_page_loads_nothing(parsed: Page) -> None:
    loaded = [
        *parsed.values("src"),
        *parsed.values("href"),
        *parsed.values("data"),
        *parsed.values("xlink:href"),
    ]
    assert loaded
    assert all(
        re.match(r"#|data:image/png;base64,|patients/patient-[0-9a-f]{12}\.html$|figures/[a-z]+\.svg$", link)
        for link in loaded
    )
    assert not [tag for tag, _ in parsed.elements if tag in {"link", "iframe", "object", "embed"}]


def test_the_style_loads_nothing_and_a_policy_forbids_it(html: str, parsed: Page) -> None:
    assert not re.search(r"@import|url\(\s*['\"]?(?!#)", html)
    assert any(content.startswith("default-src 'none'") for content in parsed.values("content"))


def test_every_id_is_unique_and_every_anchor_leads_somewhere(parsed: Page) -> None:
    ids = parsed.values("id")
    assert len(ids) == len(set(ids))
    anchors = {link[1:] for link in parsed.values("href") if link.startswith("#")}
    assert anchors <= set(ids)
    labels = {name for value in parsed.values("aria-labelledby") for name in value.split()}
    assert labels <= set(ids)


def test_every_lesion_has_one_card(parsed: Page) -> None:
    cards = [a["id"] for tag, a in parsed.elements if tag == "article"]
    assert cards == [lesion_anchor(course.lesion_uid) for course in COURSES]


def test_every_picture_has_words(parsed: Page) -> None:
    pictures = [a for tag, a in parsed.elements if tag == "svg"]
    assert len(pictures) > 2 * len(COURSES)
    assert all(a.get("aria-label") or a.get("aria-labelledby") for a in pictures)


def test_table_headers_say_what_they_head(parsed: Page) -> None:
    heads = [a for tag, a in parsed.elements if tag == "th"]
    assert all(a.get("scope") in {"row", "col", "colgroup"} for a in heads)
    assert ("html", {"lang": "en"}) in parsed.elements


def test_it_says_once_that_it_is_no_medical_device_and_that_images_are_not_pain(parsed: Page) -> None:
    assert parsed.text.count("Research use only: not a medical device.") == 1
    assert parsed.text.count("An outcome describes images, not pain") == 1
    assert "el Barzouhi, NEJM 2013, AUC 0.48" in parsed.text


def test_the_tallies_are_told_apart(parsed: Page) -> None:
    assert "Two tallies, never mixed" in parsed.text
    assert "1 month days 14\N{EN DASH}60 0 4 transient (provisional) reduction 2 0 1 0 7" in parsed.text
    assert "3 months days 61\N{EN DASH}126 1 2 2 1 0 1 7" in parsed.text
    assert "All lesions 7 7" in parsed.text


def test_a_visit_is_told_in_the_order_of_trust(parsed: Page) -> None:
    minus = "\N{MINUS SIGN}"
    assert (
        "2024-04-16 3 months, day 92 410 \N{PLUS-MINUS SIGN} 91 426"
        f" {minus}610 {minus}60\N{NARROW NO-BREAK SPACE}% [{minus}78 to {minus}32] reduced Reader A MR"
    ).replace("\N{NARROW NO-BREAK SPACE}", " ") in parsed.text.replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_flags_and_reasons_are_plain_words(parsed: Page) -> None:
    assert "the reduction was seen at an earlier visit too" in parsed.text
    assert "Reduced at last visit \N{GREATER-THAN OR EQUAL TO} day 70." in parsed.text
    assert "Motion, canal not delineated." in parsed.text
    assert "landmark_only" not in parsed.text


def test_a_shaky_outcome_asks_for_adjudication(report: CohortReport, parsed: Page) -> None:
    shaky = [row for row in report.lesions if (row.outcome_stability or 1.0) < 0.60]
    assert len(shaky) == 1
    # In the list of patients and on the card.
    assert [a.get("class") for _, a in parsed.elements].count("badge") == 2
    assert "1 outcome with a stability under 0.60" in parsed.text


def test_the_other_classes_of_the_redraws_are_named_if_they_matter(plain: CohortReport) -> None:
    shares = {"share_resorption": 0.30, "share_stable": 0.04, "share_persistent_reduction": 0.66}
    outcomes = tuple(
        replace(row, **shares) if row.lesion_uid == plain.lesions[0].lesion_uid else row
        for row in plain.outcomes
    )
    text = Page(render_report(replace(plain, outcomes=outcomes))).text
    assert "(redraws also gave resorption 0.30)" in text


def test_an_unread_visit_is_warned_of(parsed: Page) -> None:
    assert "1 lesion visit not read yet" in parsed.text


def test_the_method_names_rules_software_and_limits(report: CohortReport, parsed: Page) -> None:
    for words in (
        report.rules.sha256,
        "herntrack 0.1.0",
        "slice centre to slice centre",
        "not a posterior probability",
        "k = 1.6 mm",
    ):
        assert words in parsed.text


def test_sensitivity_names_the_lesions_that_change(report: CohortReport, parsed: Page) -> None:
    row = next(
        row for row in report.sensitivity if row.parameter == "resorption_fraction" and row.value == 0.5
    )
    assert row.n_flipped > 0
    assert f"{row.n_flipped} of 7" in parsed.text


def test_what_was_set_aside_is_counted(parsed: Page) -> None:
    assert "not dicom 12" in parsed.text
    assert "All 15" in parsed.text


def test_true_volumes_are_shown_only_where_they_are_known(parsed: Page, plain: CohortReport) -> None:
    assert "True volume" in parsed.text
    assert "True volume" not in Page(render_report(plain)).text


def test_absent_is_written_on_the_picture(parsed: Page) -> None:
    marks = [a for tag, a in parsed.elements if tag == "text" and a.get("class") == "absent"]
    # With and without the outline.
    assert len(marks) == 2


def test_software_that_proposed_is_no_reader(plain: CohortReport) -> None:
    (first, *others) = plain.changes
    changes = (replace(first, reader="software", flags=("proposed",)), *others)
    readers = {
        fact.value
        for each in (plain, replace(plain, changes=changes))
        for fact in summary_facts(each)
        if fact.name == "readers"
    }
    assert readers == {", ".join(sorted({row.reader for row in plain.changes if row.reader}))}


def test_a_picture_says_that_it_was_proposed(report: CohortReport) -> None:
    details = tuple(
        replace(
            detail,
            key_strips=tuple(
                replace(strip, panels=tuple(replace(panel, is_proposed=True) for panel in strip.panels))
                for strip in detail.key_strips
            ),
        )
        for detail in report.details
    )
    proposed = Page(render_report(replace(report, details=details)))
    assert "absent?" in proposed.text
    assert "present (proposed)" in proposed.text
    outlines = [
        a["class"] for tag, a in proposed.elements if tag == "path" and "outline" in a.get("class", "")
    ]
    assert outlines
    assert set(outlines) == {"outline proposed"}
    assert all("proposed by software" in words for words in proposed.values("aria-label") if "slice" in words)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "\N{EN DASH}"),
        (1.0, "1.00"),
        (0.9998, ">\N{NARROW NO-BREAK SPACE}0.99"),
        (0.994, "0.99"),
        (0.006, "0.01"),
        (0.004, "<\N{NARROW NO-BREAK SPACE}0.01"),
        (0.0, "0.00"),
    ],
)
def test_a_share_that_is_nearly_all_is_not_said_to_be_all(value: float | None, words: str) -> None:
    assert wording.share(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0, "0"), (0.0042, "0.4"), (0.0379, "4"), (0.641, "64"), (0.9958, "99.6"), (1.0, "100")],
)
def test_a_rate_is_nothing_or_all_only_where_it_is_just_that(value: float, words: str) -> None:
    assert wording.rate(value) == words


def test_hostile_text_stays_text(plain: CohortReport) -> None:
    lesions = (replace(plain.lesions[0], patient_id=HOSTILE), *plain.lesions[1:])
    changes = tuple(
        replace(row, patient_id=HOSTILE, reader=HOSTILE, flags=(HOSTILE,))
        if row.lesion_uid == lesions[0].lesion_uid
        else row
        for row in plain.changes
    )
    html = render_report(replace(plain, title=HOSTILE, lesions=lesions, changes=changes, warnings=(HOSTILE,)))
    assert "<script>alert" not in html
    assert html.count("<script>") == 1
    assert HOSTILE in Page(html).text


def test_two_renders_are_equal(report: CohortReport, html: str) -> None:
    assert render_report(report) == html


def test_a_tally_that_does_not_add_up_is_refused(plain: CohortReport) -> None:
    broken = replace(plain)
    object.__setattr__(broken, "outcomes", plain.outcomes[2:])
    with pytest.raises(ReportError, match="there are 7 lesions"):
        render_report(broken)


def test_a_lesion_without_a_visit_is_refused(plain: CohortReport) -> None:
    changes = tuple(row for row in plain.changes if row.lesion_uid != plain.lesions[0].lesion_uid)
    with pytest.raises(ReportError, match="has no visit"):
        render_report(replace(plain, changes=changes))


def test_a_cohort_without_any_lesion_is_a_page_too(plain: CohortReport) -> None:
    empty = replace(
        plain, lesions=(), changes=(), outcomes=(), details=(), sensitivity=(), set_aside=(), warnings=()
    )
    text = Page(render_report(empty)).text
    assert "There is no visit after baseline yet." in text
    assert "Nothing: every file and every case was used." in text


def test_a_large_cohort_keeps_its_images_on_the_patients_pages(
    report: CohortReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MOST_CARDS_WITH_IMAGES", 3)
    html = render_report(report)
    assert "data:image/png" not in html
    assert "on the patients' pages only" in Page(html).text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    assert "data:image/png" in render_patient_page(report, "P-01")


def test_a_patient_page_shows_that_patient_only(report: CohortReport) -> None:
    parsed = Page(render_patient_page(report, "P-01"))
    cards = [a["id"] for tag, a in parsed.elements if tag == "article"]
    assert cards == [lesion_anchor(c.lesion_uid) for c in COURSES if c.patient_id == "P-01"]
    assert "../report.html" in parsed.values("href")
    assert "P-02" not in parsed.text
    assert parsed.text.count("Research use only: not a medical device.") == 1


def test_a_patient_without_a_lesion_has_no_page(report: CohortReport) -> None:
    with pytest.raises(ReportError, match="P-99"):
        render_patient_page(report, "P-99")


def test_everything_is_written_and_nothing_else(report: CohortReport, tmp_path: Path) -> None:
    files = write_report(report, tmp_path / "out")
    written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    pages = {f"patients/{patient_page_name(patient_id)}" for patient_id in report.patient_ids}
    tables = {
        f"{name}{end}"
        for name in ("changes", "lesions", "outcomes", "volumes")
        for end in (".csv", ".dictionary.csv")
    }
    assert written == {"report.html", *FIGURE_FILES} | pages | tables
    assert {
        files.report_html,
        *files.patient_pages,
        *files.tables,
        *files.dictionaries,
        *files.figures,
    } == {tmp_path / "out" / name for name in written}
    assert len(CHANGES.from_csv((tmp_path / "out/changes.csv").read_text(encoding="utf-8"))) == len(
        report.changes
    )
    lesions = LESIONS.from_csv((tmp_path / "out/lesions.csv").read_text(encoding="utf-8"))
    assert [row.outcome for row in lesions].count(OutcomeClass.PERSISTENT_REDUCTION) == 2


def test_a_figure_that_a_report_no_longer_has_is_removed(plain: CohortReport, tmp_path: Path) -> None:
    write_report(plain, tmp_path)
    unread = tuple(
        replace(row, change_percent=None, change_percent_low=None, change_percent_high=None)
        for row in plain.changes
    )
    lesions = tuple(replace(row, change_percent=None) for row in plain.lesions)
    write_report(replace(plain, changes=unread, lesions=lesions), tmp_path)
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"flow.svg", "timeline.svg"}


def test_the_word_at_the_head_of_a_card_comes_with_its_stability(report: CohortReport, parsed: Page) -> None:
    first = report.lesions[0]
    assert first.outcome is OutcomeClass.PERSISTENT_REDUCTION
    assert f"persistent reduction stability {first.outcome_stability:.2f}" in parsed.text


def test_what_was_proposed_is_marked_beside_its_outcome(plain: CohortReport) -> None:
    lesions = (replace(plain.lesions[0], flags=("proposed",)), *plain.lesions[1:])
    proposed = Page(render_report(replace(plain, lesions=lesions)))
    badges = [attributes.get("class") for _, attributes in proposed.elements].count("badge")
    # In the list of patients and on the card, beside those of the one shaky outcome.
    assert badges == 4


def test_counts_come_with_how_sure_they_are(parsed: Page) -> None:
    # Two of seven: 3.7 to 71.0 % by Clopper and Pearson.
    assert "persistent reduction 2 29 % [4 to 71] 0 to 3" in parsed.text


def test_links_to_patients_lead_to_files(report: CohortReport, tmp_path: Path) -> None:
    files = write_report(report, tmp_path)
    links = {
        link for link in Page(files.report_html.read_text(encoding="utf-8")).values("href") if "/" in link
    }
    links = {link for link in links if link.startswith("patients/")}
    assert len(links) == 6
    assert all((tmp_path / link).is_file() for link in links)


def test_pages_of_patients_who_left_are_removed_and_other_files_stay(
    plain: CohortReport, tmp_path: Path
) -> None:
    (tmp_path / "patients").mkdir()
    left, foreign = (
        tmp_path / "patients" / patient_page_name("P-99"),
        tmp_path / "patients" / "patient-notes.html",
    )
    for path in (left, foreign):
        path.write_text("old", encoding="utf-8")
    files = write_report(plain, tmp_path)
    assert not left.exists()
    assert set((tmp_path / "patients").iterdir()) == {foreign, *files.patient_pages}


def test_a_report_that_is_refused_leaves_the_old_one(plain: CohortReport, tmp_path: Path) -> None:
    write_report(plain, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    broken = replace(plain, changes=(replace(plain.changes[0], volume_mm3=float("nan")), *plain.changes[1:]))
    with pytest.raises(ReportError, match="volume_mm3"):
        write_report(broken, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_a_folder_that_cannot_be_made_is_an_error_that_says_so(plain: CohortReport, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ReportError, match="cannot be written"):
        write_report(plain, tmp_path / "file" / "out")

"""The report as pages: one of the cohort, one of each patient, and the tables beside them.

A page is a single file that loads nothing: style, drawings and pictures are inside, and a
content security policy forbids the rest. The little script in it sorts and filters; every
word can be read without it.
"""

from __future__ import annotations

import functools
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from herntrack.errors import ReportError
from herntrack.model.timepoints import DEFAULT_WINDOWS
from herntrack.model.vocabulary import OutcomeClass, VisitState
from herntrack.reports import views, wording
from herntrack.reports.cards import LesionCard, lesion_cards
from herntrack.reports.cohort_figures import FIGURE_FILES, CohortFigure, cohort_figures
from herntrack.reports.figures import colour_variable
from herntrack.reports.key_images import SCALE_BAR_MM, KeyPanel
from herntrack.reports.manuscript import manuscript_paragraph
from herntrack.reports.palette import COLOUR_VARIABLES, DARK_VARIABLES, LIGHT_VARIABLES, STATE_COLOURS
from herntrack.reports.records import CohortReport, patient_page_name
from herntrack.reports.tables import CHANGES, LESIONS, OUTCOMES
from herntrack.reports.tallies import FOLLOW_UP_STATES, visit_tally
from herntrack.reports.volumes import VOLUMES

MOST_CARDS_WITH_IMAGES = 60
"""With more lesions than this a cohort page would outgrow browsers; patient pages keep the images."""

EARLY_TIMEPOINT = DEFAULT_WINDOWS[0].name
"""Where a reduction is still provisional."""

_PATIENT_PAGE = re.compile(r"patient-[0-9a-f]{12}\.html")

_STATE_GLYPHS = {
    VisitState.BASELINE: "\N{BLACK DIAMOND}",
    VisitState.ABSENT: "\N{WHITE CIRCLE}",
    VisitState.REDUCED: "\N{BLACK DOWN-POINTING TRIANGLE}",
    VisitState.NO_CHANGE: "\N{BLACK SQUARE}",
    VisitState.ENLARGED: "\N{BLACK UP-POINTING TRIANGLE}",
    VisitState.NOT_EVALUABLE: "\N{MULTIPLICATION SIGN}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFiles:
    """Where a report was written."""

    report_html: Path
    patient_pages: tuple[Path, ...]
    tables: tuple[Path, ...]
    dictionaries: tuple[Path, ...]
    figures: tuple[Path, ...]


def render_report(report: CohortReport) -> str:
    """Return the cohort's page as HTML.

    Raises
    ------
    ReportError
        If a tally does not add up or a lesion has no visit.
    """
    cards = lesion_cards(report)
    return _report_html(report, cards, cohort_figures(report, cards))


def _report_html(report: CohortReport, cards: Sequence[LesionCard], figures: Sequence[CohortFigure]) -> str:
    are_images_left_out = len(cards) > MOST_CARDS_WITH_IMAGES
    if are_images_left_out:
        cards = [replace(card, strips=()) for card in cards]
    set_aside_counts: Counter[str] = Counter()
    for item in report.set_aside:
        set_aside_counts[item.code] += item.count
    return _render(
        "report.html.j2",
        report,
        cards=cards,
        facts=views.summary_facts(report),
        warnings=views.all_warnings(report),
        visit_tallies=visit_tally(report.changes, report.windows),
        outcome_tallies=views.outcome_tallies(report),
        group_tallies=views.group_tallies(report),
        figures=figures,
        manuscript=manuscript_paragraph(report),
        sensitivity=views.sensitivity_views(report),
        set_aside=report.set_aside,
        set_aside_counts=sorted(set_aside_counts.items(), key=lambda pair: (-pair[1], pair[0])),
        are_images_left_out=are_images_left_out,
    )


def render_patient_page(report: CohortReport, patient_id: str) -> str:
    """Return one patient's page as HTML, with a link back to ``../report.html``.

    Raises
    ------
    ReportError
        If the report has no lesion of that patient.
    """
    cards = lesion_cards(report, patient_id=patient_id)
    if not cards:
        raise ReportError(f"the report has no lesion of patient {patient_id!r}")
    return _patient_html(report, patient_id, cards)


def _patient_html(report: CohortReport, patient_id: str, cards: Sequence[LesionCard]) -> str:
    return _render("patient.html.j2", report, cards=cards, patient_id=patient_id)


def write_report(report: CohortReport, out_dir: Path) -> ReportFiles:
    """Write the pages, the tables with their data dictionaries, and the figures.

    Every file is complete or not there: it is written under a temporary name and renamed.

    Parameters
    ----------
    report : CohortReport
        What to write.
    out_dir : Path
        Folder; made if it is not there. Files of an earlier report are replaced, and its pages of
        patients whom this report does not have are removed.

    Raises
    ------
    ReportError
        If the report contradicts itself or the folder cannot be written to.
    """
    table_texts = {
        "changes.csv": CHANGES.to_csv(report.changes),
        "lesions.csv": LESIONS.to_csv(report.lesions),
        "outcomes.csv": OUTCOMES.to_csv(report.outcomes),
        "volumes.csv": VOLUMES.to_csv(report.volumes),
    }
    dictionary_texts = {
        f"{table.name}.dictionary.csv": table.dictionary_csv()
        for table in (CHANGES, LESIONS, OUTCOMES, VOLUMES)
    }
    # Pages are rendered before the first file is written: a report that is refused leaves nothing.
    cards = lesion_cards(report)
    figures = cohort_figures(report, cards)
    page = _report_html(report, cards, figures)
    figure_texts = {figure.file_name: figure.as_file() for figure in figures}
    patient_pages = {
        f"patients/{patient_page_name(patient_id)}": _patient_html(
            report, patient_id, [card for card in cards if card.row.patient_id == patient_id]
        )
        for patient_id in report.patient_ids
    }
    files = ReportFiles(
        report_html=_write(out_dir / "report.html", page),
        patient_pages=tuple(_write(out_dir / name, text) for name, text in patient_pages.items()),
        tables=tuple(_write(out_dir / name, text) for name, text in table_texts.items()),
        dictionaries=tuple(_write(out_dir / name, text) for name, text in dictionary_texts.items()),
        figures=tuple(_write(out_dir / name, text) for name, text in figure_texts.items()),
    )
    _remove_pages_of_others(out_dir / "patients", keep={path.name for path in files.patient_pages})
    for name in set(FIGURE_FILES) - figure_texts.keys():
        (out_dir / name).unlink(missing_ok=True)
    return files


def _remove_pages_of_others(folder: Path, *, keep: set[str]) -> None:
    """Remove pages of an earlier report whose patients this one does not have.

    A patient who withdrew must not stay behind in a folder that is passed on.
    """
    for path in folder.glob("patient-*.html"):
        if path.name not in keep and _PATIENT_PAGE.fullmatch(path.name):
            path.unlink()


def _write(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="", dir=path.parent, prefix=".writing-", delete=False
        ) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary = Path(file.name)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise ReportError(f"{path.name} cannot be written to {path.parent}: {error.strerror}") from error
    return path


def _render(template: str, report: CohortReport, **context: Any) -> str:
    return (
        _environment()
        .get_template(template)
        .render(
            report=report,
            light=LIGHT_VARIABLES,
            dark=DARK_VARIABLES,
            states=FOLLOW_UP_STATES,
            outcomes=tuple(OutcomeClass),
            marks=_marks(),
            early_timepoint=EARLY_TIMEPOINT,
            adjudicate_below=report.rules.adjudicate_below,
            scale_bar_mm=f"{SCALE_BAR_MM:g}",
            show_truth=any(detail.truth_mm3 for detail in report.details),
            **context,
        )
    )


def _marks() -> list[dict[str, str]]:
    return [
        {
            "glyph": glyph,
            "name": wording.STATE_WORDS[state],
            "variable": "muted"
            if state is VisitState.NOT_EVALUABLE
            else COLOUR_VARIABLES[STATE_COLOURS[state]],
        }
        for state, glyph in _STATE_GLYPHS.items()
    ]


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("herntrack.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        {
            "colour_variable": colour_variable,
            "flag_words": wording.flag_words,
            "horizon_words": wording.HORIZON_WORDS.__getitem__,
            "interval": wording.interval,
            "number": wording.number,
            "or_empty": _or_empty,
            "outcome_words": wording.OUTCOME_WORDS.__getitem__,
            "panel_alt": _panel_alt,
            "percent": wording.percent,
            "place": wording.place,
            "plain": wording.flag_words,
            "plural": wording.plural,
            "rate": wording.rate,
            "sentence": wording.sentence,
            "share": wording.share,
            "signed": wording.signed,
            "state_words": wording.state_words,
            "status_words": wording.STATUS_WORDS.__getitem__,
            "volume": wording.volume,
        }
    )
    return environment


def _or_empty(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _panel_alt(panel: KeyPanel, with_outline: bool) -> str:
    parts: Iterable[str] = (
        f"{panel.plane.value.capitalize()} slice at {panel.level.value}",
        panel.timepoint,
        f"{panel.visit_date.isoformat()}, day {panel.day}",
        wording.STATUS_WORDS[panel.status],
        "proposed by software" if panel.is_proposed else "",
        "lesion outlined" if with_outline and panel.contours else "no outline",
    )
    return ", ".join(part for part in parts if part)

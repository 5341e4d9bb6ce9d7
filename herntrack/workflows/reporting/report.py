"""From outcomes to a report: rows, key images, pages."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from herntrack import __version__
from herntrack.catalogue.session import Catalogue
from herntrack.errors import ReportError
from herntrack.model.records import Reading
from herntrack.model.vocabulary import Horizon
from herntrack.reports.page import ReportFiles, write_report
from herntrack.reports.records import CohortReport, Intake, LesionDetail, SetAside, patient_page_name
from herntrack.volumetrics.rules import RuleSet
from herntrack.volumetrics.sensitivity import sensitivity_table
from herntrack.volumetrics.visits import MAX_VOLUME_MM3, LesionVolumes, why_not_evaluable
from herntrack.workflows.patients.known_patients import require_patient
from herntrack.workflows.progress import Progress, silent
from herntrack.workflows.reporting.classify import ClassifySummary, LesionAssessment, classify
from herntrack.workflows.reporting.key_pictures import key_pictures
from herntrack.workflows.reporting.measure import measure
from herntrack.workflows.reporting.rows import change_rows, flag_texts, lesion_row, outcome_rows, volume_rows
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.set_aside import CaseSetAside, first_of_each
from herntrack.workflows.workspace import Workspace

Truths = Mapping[tuple[str, date], float]
"""True volume (mm3) by lesion UID and visit date, where a sample's truth is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSummary:
    """Where a report is, what could not be used in it, and what to know of readings in it."""

    files: ReportFiles
    n_lesions: int
    set_aside: tuple[CaseSetAside, ...]
    notes: tuple[str, ...] = ()


def report(
    workspace: Workspace,
    *,
    out_dir: Path | None = None,
    patient_id: str | None = None,
    title: str = "",
    truths: Truths | None = None,
    sample_note: str = "",
    progress: Progress = silent,
) -> ReportSummary:
    """Measure and classify what is missing or stale, then write the report.

    Parameters
    ----------
    workspace : Workspace
        The project.
    out_dir : Path, optional
        Folder; by default ``reports/`` of the workspace.
    patient_id : str, optional
        Report on this patient only.
    title : str
        Of the report; by default the workspace's folder.
    truths : mapping, optional
        True volumes to show beside the measured ones.
    sample_note : str
        What the sample is, for a cohort that is none of patients.
    progress : callable
        Called with (stage, done, total).

    Raises
    ------
    ReportError
        If there is no lesion to report on, or the folder cannot be written.
    CatalogueError
        If the workspace may only be read and its numbers or outcomes are not up to date.
    """
    folder = out_dir or _own_folder(workspace, patient_id)
    measured = measure(workspace, progress=progress)
    summary = classify(workspace, progress=progress)
    with catalogue_of(workspace) as catalogue:
        wanted = [
            each for each in summary.assessments if patient_id is None or each.lesion.patient_id == patient_id
        ]
        if patient_id is not None:
            require_patient(workspace, catalogue, patient_id)
        wanted, unseen = _seen(catalogue, wanted)
        if not wanted and not unseen:
            who = "there is" if patient_id is None else f"patient {patient_id} has"
            raise ReportError(
                f"{who} no lesion to report on, so nothing is written; record one with: herntrack lesion add"
                f" --patient {patient_id or 'ID'} --level L5-S1, then read its visits (herntrack list"
                " proposals names the stacks)"
            )
        set_aside = first_of_each((*measured.set_aside, *summary.set_aside, *unseen))
        if not wanted:
            raise ReportError(f"there is nothing to report on: {unseen[0].reason}")
        content = _content(
            catalogue,
            workspace,
            summary,
            wanted,
            set_aside=set_aside,
            title=title or workspace.folder.name,
            truths=truths or {},
            sample_note=sample_note,
            progress=progress,
        )
    progress("writing", 0, 1)
    files = write_report(content, folder)
    progress("writing", 1, 1)
    changed = {uid: change for each in wanted for uid, change in each.changed_stacks.items()}
    in_report = {each.lesion.lesion_uid for each in wanted}
    return ReportSummary(
        files=files,
        n_lesions=len(wanted),
        set_aside=set_aside,
        notes=tuple(each.told for each in changed.values() if each.reading.lesion_uid in in_report),
    )


def _seen(
    catalogue: Catalogue, assessments: Sequence[LesionAssessment]
) -> tuple[list[LesionAssessment], list[CaseSetAside]]:
    """Part the lesions with a visit, read or not, from those of patients whose studies have no date."""
    visited = {visit.patient_id for visit in catalogue.images.visits()}
    seen, unseen = [], []
    for each in assessments:
        if each.followup is not None or each.lesion.patient_id in visited:
            seen.append(each)
            continue
        reason = (
            f"patient {each.lesion.patient_id} has no visit, as no study has a date; correct StudyDate in the"
            " export and ingest it again"
        )
        unseen.append(CaseSetAside(uid=each.lesion.lesion_uid, reason=reason))
    return seen, unseen


def _own_folder(workspace: Workspace, patient_id: str | None) -> Path:
    """Return the workspace's folder of a report; refuse one that cannot be written before any work."""
    folder = workspace.reports_folder
    if patient_id is not None:
        # A report on one patient must not take the place of the cohort's.
        folder /= Path(patient_page_name(patient_id)).stem
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if not os.access(there, os.W_OK):
        raise ReportError(f"{folder} cannot be written; name another folder for the report: --out DIR")
    return folder


def read_truths(path: Path) -> dict[tuple[str, date], float]:
    """Read true volumes, for phantoms and implanted lesions, from a CSV.

    Parameters
    ----------
    path : Path
        CSV with the columns ``lesion_uid``, ``visit_date`` (ISO) and ``volume_mm3``.

    Raises
    ------
    ReportError
        If the file or a row cannot be read; the message names the line.
    """
    truths: dict[tuple[str, date], float] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                key, volume_mm3 = _truth(row, f"{path.name}, line {number}")
                if key in truths:
                    raise ReportError(
                        f"{path.name}, line {number}: this lesion has that visit already; keep one"
                    )
                truths[key] = volume_mm3
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReportError(f"{path} cannot be read: {error}") from error
    return truths


def _truth(row: Mapping[str, str], where: str) -> tuple[tuple[str, date], float]:
    try:
        key = row["lesion_uid"], date.fromisoformat(row["visit_date"])
        volume_mm3 = float(row["volume_mm3"])
    except (KeyError, TypeError, ValueError) as error:
        raise ReportError(
            f"{where}: {error}; a line has lesion_uid, visit_date (YYYY-MM-DD) and volume_mm3"
        ) from error
    if not 0.0 <= volume_mm3 <= MAX_VOLUME_MM3:
        raise ReportError(f"{where}: {volume_mm3} is no volume; the limits are 0 to {MAX_VOLUME_MM3:.0f} mm3")
    return key, volume_mm3


def _content(
    catalogue: Catalogue,
    workspace: Workspace,
    summary: ClassifySummary,
    wanted: list[LesionAssessment],
    *,
    set_aside: tuple[CaseSetAside, ...],
    title: str,
    truths: Truths,
    sample_note: str,
    progress: Progress,
) -> CohortReport:
    rules = summary.rules
    is_whole = len(wanted) == len(summary.assessments)
    details = []
    for done, each in enumerate(wanted, start=1):
        details.append(_detail(catalogue, workspace, each, truths))
        progress("key images", done, len(wanted))
    windows = workspace.settings.windows
    return CohortReport(
        title=title,
        created_at=datetime.now(UTC),
        software_version=__version__,
        rules=rules,
        changes=tuple(
            row
            for each in wanted
            for row in change_rows(each, catalogue.images.visits(each.lesion.patient_id), rules, windows)
        ),
        lesions=tuple(lesion_row(each, rules) for each in wanted),
        outcomes=tuple(row for each in wanted for row in outcome_rows(each, rules)),
        details=tuple(details),
        volumes=tuple(row for each in wanted for row in volume_rows(each)),
        windows=windows,
        sensitivity=sensitivity_table(_volumes(wanted), rules, horizon=Horizon.LATEST),
        set_aside=(
            *SetAside.from_rejects(catalogue.images.rejects()),
            *(SetAside(code="case", reason=case.reason, where=case.uid) for case in set_aside),
        ),
        warnings=_warnings(catalogue, wanted),
        error_model_note=_error_model_note(rules),
        sample_note=sample_note,
        intake=_intake(catalogue) if is_whole else None,
    )


def _intake(catalogue: Catalogue) -> Intake:
    counts = catalogue.images.counts()
    return Intake(
        n_files=counts.instances + counts.rejects,
        n_images=counts.instances,
        n_series=counts.series,
        n_patients=counts.patients,
    )


def _detail(
    catalogue: Catalogue,
    workspace: Workspace,
    each: LesionAssessment,
    truths: Truths,
) -> LesionDetail:
    uid = each.lesion.lesion_uid
    pictures = key_pictures(catalogue, workspace, each)
    reasons = _reasons(each, catalogue.followup.readings(uid, is_current=True))
    remarks = {
        day: "; ".join(text for text in (reasons.get(day), pictures.notes.get(day)) if text)
        for day in {*reasons, *pictures.notes}
    }
    return LesionDetail(
        lesion_uid=uid,
        key_strips=pictures.strips,
        visit_notes=remarks,
        truth_mm3={day: volume for (lesion_uid, day), volume in truths.items() if lesion_uid == uid},
        flag_texts=flag_texts(each),
        is_same_reader_and_protocol=_is_all_like_baseline(each),
    )


def _reasons(each: LesionAssessment, readings: Sequence[Reading]) -> dict[date, str]:
    """Return what the reader of record says of a visit; all readers, named, where none stands for it."""
    if each.followup is None:
        return {}
    facts = [(each.followup.baseline_date, each.followup.baseline_fact)]
    facts += [(record.visit_date, record.fact) for record in each.followup.records]
    reasons = {}
    for visit_date, fact in facts:
        told = [
            reading.reason if fact is not None else f"{reading.reader}: {reading.reason}"
            for reading in readings
            if reading.visit_date == visit_date
            and reading.reason
            and (reading.reading_uid == fact.reading_uid if fact is not None else not reading.is_proposed)
        ]
        reasons[visit_date] = "; ".join(told)
    return {visit_date: text for visit_date, text in reasons.items() if text}


def _is_all_like_baseline(each: LesionAssessment) -> bool:
    """Return whether no comparison of a lesion takes the larger error; visits that have none do not count."""
    if each.followup is None:
        return True
    return all(
        record.visit.is_same_protocol_and_reader
        for record in each.followup.records
        if not why_not_evaluable(each.followup.baseline, record.visit)
    )


def _volumes(wanted: list[LesionAssessment]) -> list[LesionVolumes]:
    return [
        LesionVolumes(
            lesion_uid=each.lesion.lesion_uid, baseline=each.followup.baseline, visits=each.followup.visits
        )
        for each in wanted
        if each.followup is not None
    ]


def _warnings(catalogue: Catalogue, wanted: list[LesionAssessment]) -> tuple[str, ...]:
    reported = {each.lesion.patient_id for each in wanted}
    return tuple(
        f"Patient {patient.patient_id}: the files hold no PatientID; the identifier is derived."
        for patient in catalogue.images.patients()
        if patient.patient_id in reported and not patient.is_identified
    )


def _error_model_note(rules: RuleSet) -> str:
    return (
        f"k = {rules.boundary_k_same_mm:g} mm (same reader and protocol) and {rules.boundary_k_mixed_mm:g} mm"
        f" (other reader or protocol) are those of rule set {rules.name} {rules.version};"
        " a site replaces them by its own calibration from blind repeat readings."
    )

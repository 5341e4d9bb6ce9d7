"""The sample cohort: read by its simulated reader, reported beside its truth.

One patient is read as the tool proposes to: by one click at the baseline, carried forward after that, and
accepted by nobody, so that the report shows what a proposal looks like.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from herntrack.dicom.uids import derived_uid
from herntrack.errors import WorkspaceError
from herntrack.model.vocabulary import HerniationType, Horizon, Level, OutcomeClass, ReadingStatus, Side
from herntrack.workflows.ingesting.ingest import ingest
from herntrack.workflows.progress import Progress, silent
from herntrack.workflows.reading.readings import add_lesion, import_mask, read_without_mask
from herntrack.workflows.recording import Origin
from herntrack.workflows.reporting.classify import classify
from herntrack.workflows.reporting.report import ReportSummary, report
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace, create_workspace

TRUTH_FILE = "truth.json"
SIMULATED_READER = "simulated reader"
SAMPLE_NOTE = (
    "This cohort is simulated: phantoms imaged as scanners do, outlined by a simulated reader; one patient"
    " by one click at the baseline and carried forward, as proposed. No patient is shown."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSummary:
    """What the demonstration made.

    Parameters
    ----------
    workspace : Workspace
        Where it lies.
    report : ReportSummary
        The report.
    disagreements : tuple of str
        Lesions whose outcome is not the one that the truth asks for; empty if all is well.
    """

    workspace: Workspace
    report: ReportSummary
    disagreements: tuple[str, ...]


def demo(folder: Path, *, n_patients: int, seed: int, progress: Progress = silent) -> DemoSummary:
    """Make the sample cohort, read it, and report on it.

    Parameters
    ----------
    folder : Path
        Becomes a workspace, with the cohort in ``sample/`` below it. Running again adds nothing.
    n_patients, seed : int
        Of the cohort.
    progress : callable
        Called with (stage, done, total).
    """
    from herntrack.phantoms.cohort import generate_cohort

    workspace = create_workspace(folder)
    sample = workspace.folder / "sample"
    if not (sample / TRUTH_FILE).is_file():
        generate_cohort(sample, n_patients=n_patients, seed=seed, progress=progress)
    return demo_on(workspace, sample, progress=progress)


def demo_on(workspace: Workspace, sample: Path, *, progress: Progress = silent) -> DemoSummary:
    """Ingest, read and report a sample cohort that was made before."""
    truth = read_truth(sample)
    workspace = ingest(workspace, [sample / "dicom"], progress=progress).workspace
    read_sample(workspace, sample, truth, progress=progress)
    made = report(
        workspace,
        title="Sample cohort",
        truths={(uid, day): entry["true_volume_mm3"] for uid, day, entry in _entries(truth)},
        sample_note=SAMPLE_NOTE,
        progress=progress,
    )
    return DemoSummary(workspace=workspace, report=made, disagreements=_disagreements(workspace, truth))


def read_truth(sample: Path) -> dict[str, Any]:
    """Return a sample cohort's truth.

    Raises
    ------
    WorkspaceError
        If the folder holds no sample cohort.
    """
    path = sample / TRUTH_FILE
    try:
        truth: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WorkspaceError(
            f"{sample} is no sample cohort: it has no {TRUTH_FILE}; run herntrack sample"
        ) from error
    return truth


def read_sample(
    workspace: Workspace, sample: Path, truth: dict[str, Any], *, progress: Progress = silent
) -> None:
    """Record the simulated reader's lesions and readings, those that are not recorded yet."""
    with catalogue_of(workspace) as catalogue:
        lesions = {lesion.lesion_uid for lesion in catalogue.followup.lesions()}
        read = {(each.lesion_uid, each.visit_date) for each in catalogue.followup.readings()}
    for patient in truth["patients"]:
        for lesion in patient["lesions"]:
            if lesion["lesion_uid"] not in lesions:
                add_lesion(
                    workspace,
                    patient_id=patient["patient_id"],
                    level=Level(lesion["level"]),
                    side=Side(lesion["side"]),
                    herniation_type=HerniationType(lesion["type"]),
                    lesion_uid=lesion["lesion_uid"],
                    is_another=True,
                    origin=_origin(truth, lesion["lesion_uid"], 0),
                )
    clicked = _clicked_patient(truth)
    if clicked is not None:
        _read_by_click(workspace, truth, clicked, read=read, progress=progress)
    by_click = {lesion["lesion_uid"] for lesion in clicked["lesions"]} if clicked else set()
    entries = list(_entries(truth))
    for done, (uid, day, entry) in enumerate(entries, start=1):
        if (uid, day) not in read and uid not in by_click:
            _read_one(workspace, sample, entry, visit=(uid, day), origin=_origin(truth, uid, done))
        progress("reading masks", done, len(entries))


def _clicked_patient(truth: dict[str, Any]) -> dict[str, Any] | None:
    """Return the patient that is read by one click: the first whose lesions can all be clicked."""
    for patient in truth["patients"]:
        modalities = {visit["modality"] for visit in patient["visits"]}
        clicks = [entry.get("click_lps_mm") for entry in patient["visits"][0]["lesions"].values()]
        if len(modalities) == 1 and all(clicks):
            found: dict[str, Any] = patient
            return found
    return None


def _read_by_click(
    workspace: Workspace,
    truth: dict[str, Any],
    patient: dict[str, Any],
    *,
    read: set[tuple[str, date]],
    progress: Progress,
) -> None:
    """Click once in each lesion at the baseline and carry it forward."""
    from herntrack.workflows.reading.proposals import propose_patient
    from herntrack.workflows.reading.segmenting import segment

    numbers = itertools.count(1)
    origin = Origin(
        now=lambda: _moment(0),
        uid=lambda: derived_uid("sample click", truth["seed"], patient["patient_id"], next(numbers)),
    )
    baseline = patient["visits"][0]
    day_0 = date.fromisoformat(baseline["study_date"])
    if all((uid, day_0) in read for uid in baseline["lesions"]):
        return
    for uid, entry in baseline["lesions"].items():
        with catalogue_of(workspace) as catalogue:
            (each,) = catalogue.images.stacks(series_instance_uid=entry["read_on_series_uid"])
        segment(
            workspace,
            lesion_uid=uid,
            stack_uid=each.stack.stack_uid,
            points_lps=[entry["click_lps_mm"]],
            origin=origin,
        )
    propose_patient(workspace, patient["patient_id"], origin=origin, progress=progress)


def _read_one(
    workspace: Workspace, sample: Path, entry: dict[str, Any], *, visit: tuple[str, date], origin: Origin
) -> None:
    uid, day = visit
    if ReadingStatus(entry["status"]) is ReadingStatus.PRESENT:
        import_mask(
            workspace,
            sample / entry["reading_file"],
            lesion_uid=uid,
            reader=SIMULATED_READER,
            origin=origin,
        )
    else:
        read_without_mask(
            workspace,
            lesion_uid=uid,
            visit_date=day,
            reader=SIMULATED_READER,
            status=ReadingStatus(entry["status"]),
            reason="no focal displacement left",
            origin=origin,
        )


def _entries(truth: dict[str, Any]) -> Iterator[tuple[str, date, dict[str, Any]]]:
    for patient in truth["patients"]:
        for visit in patient["visits"]:
            for uid, entry in visit["lesions"].items():
                yield uid, date.fromisoformat(visit["study_date"]), entry


def _origin(truth: dict[str, Any], uid: str, number: int) -> Origin:
    """Return identifiers and moments that are the same whenever the same sample is read."""
    return Origin(
        now=lambda: _moment(number),
        uid=lambda: derived_uid("sample reading", truth["seed"], uid, number),
    )


def _moment(number: int) -> datetime:
    return datetime(2025, 1, 1, 9, tzinfo=UTC) + timedelta(minutes=number)


def _disagreements(workspace: Workspace, truth: dict[str, Any]) -> tuple[str, ...]:
    expected = {
        lesion["lesion_uid"]: OutcomeClass(lesion["expected_outcome"])
        for patient in truth["patients"]
        for lesion in patient["lesions"]
    }
    return tuple(
        f"{each.lesion.patient_id} {each.lesion.level}: {each.decisions[Horizon.LATEST].outcome},"
        f" the truth asks for {expected[each.lesion.lesion_uid]}"
        for each in classify(workspace).assessments
        if each.lesion.lesion_uid in expected
        and each.decisions[Horizon.LATEST].outcome is not expected[each.lesion.lesion_uid]
    )

"""A patient's visits: studies by date, and which of them is day 0.

Studies on one date are one visit; nothing joins two dates, but visits a day or two apart are
named. Day 0 is what a person chose, else the first visit with a diagnostic stack that may show
the lumbar spine, else the first visit. Visits before it have negative days. Everything is
derived anew from all studies, so late and early arrivals make the same rows.

Public: `write_visits`, `choose_baseline`, `close_visits`, `confirmed_baselines`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

from herntrack.catalogue.images import ImageRepository
from herntrack.errors import RecordNotFoundError
from herntrack.model.decisions import BaselineChoice, Decision
from herntrack.model.records import Visit
from herntrack.model.timepoints import VisitWindow, timepoint_of_day
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.patients.known_patients import require_patient
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace
from herntrack.workflows.workspace_lock import workspace_locked

if TYPE_CHECKING:
    from herntrack.workflows.recording import Origin

CLOSE_DAYS = 2
"""Visits so few days apart may be one examination that went on after midnight, or was completed (days)."""


def write_visits(workspace: Workspace, images: ImageRepository) -> None:
    """Derive every patient's visits from the dates of the studies, and write those that changed.

    Parameters
    ----------
    workspace : Workspace
        Holds the visit windows and what was decided about baselines.
    images : ImageRepository
        An open catalogue.
    """
    dates_of: dict[str, set[date]] = {patient.patient_id: set() for patient in images.patients()}
    for study in images.studies():
        if study.study_date is not None:
            dates_of[study.patient_id].add(study.study_date)
    known: dict[str, list[Visit]] = {patient_id: [] for patient_id in dates_of}
    for visit in images.visits():
        known.setdefault(visit.patient_id, []).append(visit)
    chosen = _chosen(DecisionStore(workspace.readings_folder).standing())
    lumbar = images.lumbar_dates()
    changed: dict[str, list[Visit]] = {}
    for patient_id, dates in dates_of.items():
        visits = _visits(
            patient_id,
            sorted(dates),
            chosen=chosen.get(patient_id),
            lumbar=lumbar.get(patient_id, ()),
            windows=workspace.settings.windows,
        )
        if visits != known[patient_id]:
            changed[patient_id] = visits
    images.replace_visits(changed)


def choose_baseline(
    workspace: Workspace,
    patient_id: str,
    visit_date: date | None,
    *,
    decided_by: str,
    reason: str = "",
    origin: Origin | None = None,
) -> list[Visit]:
    """Record which visit is a patient's day 0.

    Parameters
    ----------
    workspace : Workspace
        The project.
    patient_id : str
        A patient of the catalogue.
    visit_date : date or None
        A visit; None takes an earlier choice back, and day 0 is proposed again.
    decided_by, reason : str
        Who chose, and why.
    origin : Origin, optional
        Clock and identifiers.

    Returns
    -------
    list of Visit
        The patient's visits with their new days.

    Raises
    ------
    RecordNotFoundError
        If there is no such patient or visit; the message lists the visits there are.
    """
    origin = origin or _default_origin()
    with workspace_locked(workspace.folder), catalogue_of(workspace) as catalogue:
        require_patient(workspace, catalogue, patient_id)
        visits = catalogue.images.visits(patient_id)
        if not visits:
            raise RecordNotFoundError(
                f"no visits of patient {patient_id!r}; herntrack list visits shows those there are"
            )
        if visit_date is not None and visit_date not in {visit.visit_date for visit in visits}:
            there_are = ", ".join(str(visit.visit_date) for visit in visits)
            raise RecordNotFoundError(
                f"patient {patient_id} has no visit on {visit_date}; there are: {there_are}"
            )
        DecisionStore(workspace.readings_folder).add(
            BaselineChoice(
                decision_uid=origin.uid(),
                patient_id=patient_id,
                visit_date=visit_date,
                decided_by=decided_by,
                decided_at=origin.now(),
                reason=reason,
            )
        )
        write_visits(workspace, catalogue.images)
        return catalogue.images.visits(patient_id)


def close_visits(visits: Sequence[Visit]) -> list[tuple[Visit, Visit]]:
    """Return neighbouring visits of one patient that are at most two days apart."""
    return [
        (one, other)
        for one, other in pairwise(visits)
        if one.patient_id == other.patient_id and (other.visit_date - one.visit_date).days <= CLOSE_DAYS
    ]


def confirmed_baselines(visits: Iterable[Visit]) -> dict[str, date]:
    """Return the date of day 0 of each patient for whom a person chose it."""
    return {
        visit.patient_id: visit.visit_date
        for visit in visits
        if visit.day == 0 and visit.is_baseline_confirmed
    }


def _chosen(decisions: Iterable[Decision]) -> dict[str, date]:
    return {
        each.patient_id: each.visit_date
        for each in decisions
        if isinstance(each, BaselineChoice) and each.visit_date is not None
    }


def _visits(
    patient_id: str,
    dates: Sequence[date],
    *,
    chosen: date | None,
    lumbar: Collection[date],
    windows: Sequence[VisitWindow],
) -> list[Visit]:
    # A choice whose images are gone cannot count: days are counted from a visit that there is.
    is_confirmed = chosen is not None and chosen in dates
    proposed = next((each for each in dates if each in lumbar), dates[0] if dates else None)
    baseline = chosen if is_confirmed else proposed
    if baseline is None:
        return []
    days = {each: (each - baseline).days for each in dates}
    return [
        Visit(
            patient_id=patient_id,
            visit_date=visit_date,
            day=days[visit_date],
            timepoint=timepoint_of_day(days[visit_date], windows),
            is_baseline_confirmed=is_confirmed,
        )
        for visit_date in dates
    ]


def _default_origin() -> Origin:
    # Loading what readings need takes longer than most ingests.
    from herntrack.workflows.recording import Origin

    return Origin()

"""How a patient's follow-ups lie to the baseline: what is stored, and what counts of it.

An alignment is a record beside the readings and is never changed. Of several of the same stacks the
newest counts. A person may overrule its verdict; one that puts a confirmed disc onto another has
failed, whatever was said of it.

Public: `stored_alignments`, `usable_alignment`, `overrule_alignment`; `herntrack.workflows.aligning.align`
makes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from herntrack.catalogue.session import Catalogue
from herntrack.errors import ReadingError, RecordNotFoundError
from herntrack.model.decisions import AlignmentVerdict, standing_decisions
from herntrack.model.records import VisitAlignment
from herntrack.model.sentences import sentence
from herntrack.model.vocabulary import Level
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.aligning.disc_places import checked_levels
from herntrack.workflows.aligning.pairs import StackPair, grids_digest
from herntrack.workflows.patients.merged_rows import patients_followed_as
from herntrack.workflows.recording import Origin
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace

VERDICTS = ("good", "check", "failed")
"""What an alignment, or a person about it, says; the best first."""

CALLED = {"good": "align_called_good", "check": "align_called_check", "failed": "align_called_failed"}
"""The sentence of a person's verdict."""


def stored_alignments(
    workspace: Workspace, catalogue: Catalogue, patient_id: str, *, is_checked: bool = True
) -> list[VisitAlignment]:
    """Return a patient's alignments that stand, with the verdicts that count.

    Parameters
    ----------
    workspace : Workspace
        The project; its store says what persons decided.
    catalogue : Catalogue
        An open catalogue.
    patient_id : str
        A patient of the catalogue.
    is_checked : bool
        Whether one that puts a confirmed disc onto another has failed; who looks for such a
        contradiction needs the alignment as it was made.

    Returns
    -------
    list of VisitAlignment
        By visit, the whole spine before its levels; one for each two frames of reference. Those of
        stacks that have changed and those to a visit that is the baseline no more are left out.
    """
    stacks = {each.stack.stack_uid: each for each in catalogue.images.stacks(patient_id=patient_id)}
    baseline_date = next(
        (visit.visit_date for visit in catalogue.images.visits(patient_id) if visit.day == 0), None
    )
    newest: dict[tuple[object, ...], VisitAlignment] = {}
    for each in catalogue.alignments.alignments(stacks):
        pair = StackPair(baseline=stacks[each.baseline_stack_uid], followup=stacks[each.followup_stack_uid])
        visit_date = pair.followup.study.study_date
        stands = pair.baseline.study.study_date == baseline_date and each.grids_sha256 == grids_digest(pair)
        if stands and visit_date is not None and baseline_date is not None:
            newest[visit_date, *pair.frames, each.level] = replace(
                each, patient_id=patient_id, visit_date=visit_date, baseline_date=baseline_date
            )
    judged = _overruled(workspace, newest.values())
    return sorted(
        checked_levels(workspace, catalogue, patient_id, judged, stacks) if is_checked else judged,
        key=lambda each: (each.visit_date, each.level is not None, str(each.level), each.followup_stack_uid),
    )


def overrule_alignment(
    workspace: Workspace,
    patient_id: str,
    visit_date: date,
    *,
    level: Level | None,
    verdict: str,
    reader: str,
    reason: str,
    origin: Origin | None = None,
) -> list[VisitAlignment]:
    """Record a person's verdict on an alignment and return the patient's alignments of that visit.

    Parameters
    ----------
    workspace : Workspace
        The project.
    patient_id : str
        The patient.
    visit_date : date
        The follow-up.
    level : Level or None
        The disc it was refined at; None for the whole spine.
    verdict : str
        One of `VERDICTS`.
    reader, reason : str
        Who says so, and why.
    origin : Origin, optional
        Clock and identifiers.

    Raises
    ------
    RecordNotFoundError
        If there is no such alignment.
    ReadingError
        If the verdict is none, or reader or reason are missing.
    """
    if verdict not in VERDICTS:
        raise ReadingError(f"{verdict!r} is no verdict; use one of: {', '.join(VERDICTS)}")
    if not reader.strip() or not reason.strip():
        raise ReadingError("a verdict is overruled by somebody for a reason; give --reader and --reason")
    origin = origin or Origin()
    with catalogue_of(workspace) as catalogue:
        found = stored_alignments(workspace, catalogue, patient_id)
        if not any((each.visit_date, each.level) == (visit_date, level) for each in found):
            where = "" if level is None else f" at {level}"
            known = ", ".join(f"{each.visit_date}{f' {each.level}' if each.level else ''}" for each in found)
            raise RecordNotFoundError(
                f"patient {patient_id} has no alignment of {visit_date}{where}; there are: {known or 'none'}."
                f" Make it first with: herntrack align --patient {patient_id}"
            )
        DecisionStore(workspace.readings_folder).add(
            AlignmentVerdict(
                decision_uid=origin.uid(),
                patient_id=patient_id,
                visit_date=visit_date,
                level=level,
                verdict=verdict,
                decided_by=reader.strip(),
                decided_at=origin.now(),
                reason=reason.strip(),
            )
        )
        after = stored_alignments(workspace, catalogue, patient_id)
    return [each for each in after if each.visit_date == visit_date]


def _overruled(workspace: Workspace, found: Iterable[VisitAlignment]) -> list[VisitAlignment]:
    """Return alignments with the verdicts of persons who saw them."""
    decisions = DecisionStore(workspace.readings_folder).decisions()
    followed_as = patients_followed_as(decisions)
    said = {
        (followed_as.get(each.patient_id, each.patient_id), each.visit_date, each.level): each
        for each in standing_decisions(decisions)
        if isinstance(each, AlignmentVerdict)
    }
    judged = []
    for each in found:
        verdict = said.get((each.patient_id, each.visit_date, each.level))
        if verdict is not None and verdict.decided_at >= each.made_at:
            called = CALLED[verdict.verdict]
            word = sentence(called, by=verdict.decided_by, reason=verdict.reason)
            each = replace(  # noqa: PLW2901 - the same alignment, judged
                each, verdict=verdict.verdict, reasons=(word, *each.reasons), is_overruled=True
            )
        judged.append(each)
    return judged

"""Aligning a patient's follow-ups with the baseline.

Each follow-up is laid onto the baseline as a whole and, where the place of a disc is known, anew
around that disc. What is stored already (`herntrack.workflows.aligning.standing`) is made again only if the
stacks or the disc's place have changed, or on demand.

Public: `align_patient`, `AlignSummary`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from herntrack import __version__
from herntrack.catalogue.session import Catalogue
from herntrack.errors import HerntrackError, ReadingError, RecordNotFoundError
from herntrack.model.base_plane import Point
from herntrack.model.images import CataloguedStack
from herntrack.model.records import VisitAlignment
from herntrack.model.vocabulary import Level
from herntrack.readings.alignments import AlignmentStore
from herntrack.volumetrics.rules import load_rules
from herntrack.workflows.aligning.disc_places import disc_places
from herntrack.workflows.aligning.motions import GOOD, as_alignment
from herntrack.workflows.aligning.pairs import Frames, StackPair, grids_digest, pairs_to_align
from herntrack.workflows.aligning.standing import VERDICTS, stored_alignments
from herntrack.workflows.patients.known_patients import require_patient
from herntrack.workflows.progress import Progress, silent
from herntrack.workflows.recording import Origin
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.set_aside import CaseSetAside
from herntrack.workflows.stack_choice import StackProposal, proposals_of_lesion
from herntrack.workflows.workspace import Workspace

if TYPE_CHECKING:
    from herntrack.alignment.records import Alignment
    from herntrack.imaging.volume import Volume

SAME_PLACE_MM = 5.0
"""A disc whose place is known anew within this of the old one is not aligned again (mm)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignSummary:
    """A patient's alignments.

    Parameters
    ----------
    alignments : tuple of VisitAlignment
        All that stand, by visit, the whole spine before its levels.
    n_made : int
        How many were made by this call.
    set_aside : tuple of CaseSetAside
        Visits that could not be aligned.
    """

    alignments: tuple[VisitAlignment, ...]
    n_made: int
    set_aside: tuple[CaseSetAside, ...]


@dataclass(slots=True, kw_only=True)
class _Run:
    """What one call works on; volumes are read once."""

    workspace: Workspace
    catalogue: Catalogue
    patient_id: str
    origin: Origin
    stacks: dict[str, CataloguedStack]
    proposals: list[StackProposal]
    standing: list[VisitAlignment]
    made: list[VisitAlignment] = field(default_factory=list)
    volumes: dict[str, Volume] = field(default_factory=dict)

    def volume(self, each: CataloguedStack) -> Volume:
        """Return a stack's intensities."""
        from herntrack.workflows.stack_files import stack_volume

        uid = each.stack.stack_uid
        if uid not in self.volumes:
            self.volumes[uid] = stack_volume(self.workspace, self.catalogue.images, each.stack)
        return self.volumes[uid]

    def at_visit(self, visit_date: date) -> list[CataloguedStack]:
        """Return the stacks of a visit."""
        return [each for each in self.stacks.values() if each.study.study_date == visit_date]


def align_patient(
    workspace: Workspace,
    patient_id: str,
    *,
    visit_dates: Iterable[date] | None = None,
    is_again: bool = False,
    origin: Origin | None = None,
    progress: Progress = silent,
) -> AlignSummary:
    """Align each follow-up of a patient with the baseline, where that was not done yet.

    Parameters
    ----------
    workspace : Workspace
        The project.
    patient_id : str
        A patient of the catalogue.
    visit_dates : iterable of date, optional
        Only these follow-ups.
    is_again : bool
        Also where an alignment of the same stacks is stored.
    origin : Origin, optional
        Clock and identifiers.
    progress : callable
        Called with (stage, done, total).

    Raises
    ------
    RecordNotFoundError
        If there is no such patient or follow-up, or the patient has one visit only.
    """
    with catalogue_of(workspace) as catalogue:
        require_patient(workspace, catalogue, patient_id)
        baseline_date, followups = _visits(catalogue, patient_id, visit_dates)
        run = _run(workspace, catalogue, patient_id, origin or Origin())
        if is_again:
            run.standing = [each for each in run.standing if each.visit_date not in followups]
        set_aside: list[CaseSetAside] = []
        for done, visit_date in enumerate(followups, start=1):
            try:
                _align_visit(run, baseline_date, visit_date, set_aside)
            except HerntrackError as error:
                set_aside.append(CaseSetAside(uid=f"visit {visit_date}", reason=str(error)))
            progress("aligning", done, len(followups))
        made = run.made
    _record(workspace, made)
    with catalogue_of(workspace) as catalogue:
        found = stored_alignments(workspace, catalogue, patient_id)
    return AlignSummary(
        alignments=tuple(each for each in found if each.visit_date in followups),
        n_made=len(made),
        set_aside=tuple(set_aside),
    )


def _visits(catalogue: Catalogue, patient_id: str, wanted: Iterable[date] | None) -> tuple[date, list[date]]:
    """Return the baseline's date and those of the follow-ups to align."""
    visits = catalogue.images.visits(patient_id)
    baseline_date = next((visit.visit_date for visit in visits if visit.day == 0), None)
    followups = [visit.visit_date for visit in visits if visit.day > 0]
    if baseline_date is None or not followups:
        dates = ", ".join(str(visit.visit_date) for visit in visits) or "no dated visit"
        raise RecordNotFoundError(
            f"patient {patient_id} has no follow-up to align ({dates}); ingest the later visits first"
        )
    if wanted is None:
        return baseline_date, followups
    asked = list(wanted)
    for visit_date in asked:
        if visit_date not in followups:
            raise RecordNotFoundError(
                f"patient {patient_id} has no follow-up on {visit_date}; follow-ups:"
                f" {', '.join(map(str, followups))}"
            )
    return baseline_date, asked


def _run(workspace: Workspace, catalogue: Catalogue, patient_id: str, origin: Origin) -> _Run:
    rules = load_rules(workspace.rules_source)
    primary = workspace.settings.primary_reader or None
    return _Run(
        workspace=workspace,
        catalogue=catalogue,
        patient_id=patient_id,
        origin=origin,
        stacks={each.stack.stack_uid: each for each in catalogue.images.stacks(patient_id=patient_id)},
        proposals=[
            proposal
            for lesion in catalogue.followup.lesions(patient_id)
            for proposal in proposals_of_lesion(catalogue, lesion, rules, primary_reader=primary)
        ],
        standing=stored_alignments(workspace, catalogue, patient_id),
    )


def _align_visit(run: _Run, baseline_date: date, visit_date: date, set_aside: list[CaseSetAside]) -> None:
    """Add the alignments of one visit that are not there yet."""
    needed = _needed(run.proposals, baseline_date, visit_date)
    pairs, missing = pairs_to_align(run.at_visit(baseline_date), run.at_visit(visit_date), needed)
    if missing:
        set_aside.append(
            CaseSetAside(
                uid=f"visit {visit_date}",
                reason="it has no regular stack of three slices or more whose plane is also among the"
                " baseline's; nothing joins the two visits",
            )
        )
    for candidates in pairs:
        pair, whole = _stored_whole(run, candidates) or _best_whole(run, candidates)
        places = disc_places(
            run.workspace,
            run.catalogue,
            pair,
            proposals=run.proposals,
            alignments=[*run.standing, *run.made],
        )
        for level, centre in places.items():
            if _known(run, pair, level, centre) is None:
                local = _local(run, pair, centre, whole)
                run.made.append(_drafted(run, pair, local, level=level, centre=centre))


def _stored_whole(run: _Run, candidates: Sequence[StackPair]) -> tuple[StackPair, VisitAlignment] | None:
    for pair in candidates:
        known = _known(run, pair, None, None)
        if known is not None:
            return pair, known
    return None


def _best_whole(run: _Run, candidates: Sequence[StackPair]) -> tuple[StackPair, VisitAlignment]:
    """Align a visit by the first pair that does so well, else by the best of all.

    A pair of few slices may find no hold in one plane and a good one in the other; the pairs share
    their frames of reference, so each speaks for all.
    """
    found: list[tuple[tuple[int, float], StackPair, Alignment]] = []
    for pair in candidates:
        aligned = _whole(run, pair)
        found.append(((VERDICTS.index(str(aligned.verdict)), -aligned.agreement), pair, aligned))
        if str(aligned.verdict) == GOOD:
            break
    _, pair, best = min(found, key=lambda each: each[0])
    drafted = _drafted(run, pair, best, level=None, centre=None)
    run.made.append(drafted)
    return pair, drafted


def _needed(proposals: Sequence[StackProposal], baseline_date: date, visit_date: date) -> set[Frames]:
    """Return the frames of reference that the lesions' stacks need joined."""
    needed: set[Frames] = set()
    for proposal in proposals:
        if proposal.visit.visit_date != visit_date or proposal.reference is None:
            continue
        read = proposal.reference.each
        is_at_baseline = read.study.study_date == baseline_date
        proposed = proposal.proposed
        if proposed is not None:
            needed.add((read.frame if is_at_baseline else None, proposed.each.frame))
        if read.study.study_date == visit_date:
            needed.add((None, read.frame))
    return needed


def _known(run: _Run, pair: StackPair, level: Level | None, centre: Point | None) -> VisitAlignment | None:
    for each in (*run.standing, *run.made):
        stacks = each.baseline_stack_uid, each.followup_stack_uid
        if each.level is not level or stacks != (
            pair.baseline.stack.stack_uid,
            pair.followup.stack.stack_uid,
        ):
            continue
        if centre is None or each.centre_lps is None:
            return each
        if math.dist(centre, each.centre_lps) <= SAME_PLACE_MM:
            return each
    return None


def _whole(run: _Run, pair: StackPair) -> Alignment:
    from herntrack.alignment.align import align

    return align(run.volume(pair.baseline), run.volume(pair.followup))


def _local(run: _Run, pair: StackPair, centre: Point, whole: VisitAlignment) -> Alignment:
    from herntrack.alignment.level import refine_at_level

    return refine_at_level(run.volume(pair.baseline), run.volume(pair.followup), centre, as_alignment(whole))


def _drafted(
    run: _Run, pair: StackPair, found: Alignment, *, level: Level | None, centre: Point | None
) -> VisitAlignment:
    visit_date, baseline_date = pair.followup.study.study_date, pair.baseline.study.study_date
    if visit_date is None or baseline_date is None:
        raise ReadingError("a stack without a date belongs to no visit; correct StudyDate")
    return VisitAlignment(
        alignment_uid=run.origin.uid(),
        patient_id=run.patient_id,
        visit_date=visit_date,
        baseline_date=baseline_date,
        level=level,
        centre_lps=centre,
        baseline_stack_uid=pair.baseline.stack.stack_uid,
        followup_stack_uid=pair.followup.stack.stack_uid,
        grids_sha256=grids_digest(pair),
        matrix_lps=tuple(float(number) for number in np.ravel(found.matrix_lps)),
        residual_mm=found.residual_mm if math.isfinite(found.residual_mm) else None,
        overlap=found.overlap,
        agreement=found.agreement,
        runner_up=found.runner_up,
        runner_up_mm=found.runner_up_mm,
        verdict=str(found.verdict),
        reasons=found.reasons,
        made_at=run.origin.now(),
        software_version=__version__,
    )


def _record(workspace: Workspace, made: Sequence[VisitAlignment]) -> None:
    """Write alignments to the store, then to the catalogue."""
    if not made:
        return
    store = AlignmentStore(workspace.readings_folder)
    for each in made:
        store.add(each)
    with catalogue_of(workspace) as catalogue:
        catalogue.alignments.add(made)

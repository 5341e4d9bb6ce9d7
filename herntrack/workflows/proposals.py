"""Proposed readings of follow-ups, carried forward from each lesion's baseline reading.

What a reader said is never touched: a visit that somebody has read is left alone, and a proposal that was
clicked stays unless asked otherwise. A visit whose alignment has failed is refused with the next step.

Public: `propose_patient`, `Proposed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from herntrack.catalogue.session import Catalogue
from herntrack.errors import HerntrackError, ReadingError
from herntrack.model.records import CataloguedStack, Lesion, Reading, VisitAlignment
from herntrack.model.vocabulary import ReadingStatus
from herntrack.volumetrics.comparability import weighting_kind
from herntrack.volumetrics.rules import load_rules
from herntrack.workflows.aligning import align_patient
from herntrack.workflows.alignments import stored_alignments
from herntrack.workflows.base_planes import known_plane
from herntrack.workflows.measure import reading_mask
from herntrack.workflows.motions import Motion, motion_between
from herntrack.workflows.progress import Progress, silent
from herntrack.workflows.recording import (
    AUTOMATIC_READER,
    Origin,
    draft_reading,
    record_reading,
    visit_of_stack,
)
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.stack_choice import StackProposal, proposals_of_lesion
from herntrack.workflows.stack_files import stack_volume
from herntrack.workflows.workspace import Workspace

if TYPE_CHECKING:
    from herntrack.imaging.volume import Volume
    from herntrack.segmentation.one_click import Proposal

CARRIED = "carried forward"
"""How the source of a carried reading begins; what aligned it follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What was done for one lesion at one follow-up.

    Parameters
    ----------
    lesion : Lesion
        The lesion.
    visit_date : date
        The follow-up.
    did : str
        ``proposed``, ``unchanged`` (a proposal stands that is up to date), ``kept`` (one stands that was
        clicked), ``read`` (a reader's word stands) or ``refused``.
    reading : Reading or None
        The proposal, or the reading that stands; None where refused.
    volume_mm3 : float or None
        Of a new proposal (mm3).
    reason : str
        Why, a sentence.
    """

    lesion: Lesion
    visit_date: date
    did: str
    reading: Reading | None
    volume_mm3: float | None
    reason: str

    def as_row(self) -> dict[str, Any]:
        """Return it in JSON's types."""
        reading = self.reading
        return {
            "patient_id": self.lesion.patient_id,
            "lesion_uid": self.lesion.lesion_uid,
            "level": str(self.lesion.level),
            "visit_date": self.visit_date.isoformat(),
            "did": self.did,
            "status": None if reading is None else str(reading.status),
            "volume_mm3": self.volume_mm3,
            "reading_uid": None if reading is None else reading.reading_uid,
            "stack_uid": None if reading is None else reading.stack_uid,
            "reader": None if reading is None else reading.reader,
            "is_proposed": None if reading is None else reading.is_proposed,
            "proposed_from": None if reading is None else reading.proposed_from,
            "reason": self.reason,
            "guards": [] if reading is None else list(reading.guards),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Case:
    """One lesion's outline, and where it is carried."""

    lesion: Lesion
    start: Reading
    read_on: CataloguedStack
    target: CataloguedStack
    motion: Motion

    @property
    def source(self) -> str:
        """How the new reading comes about; another alignment makes it another one."""
        return f"{CARRIED} by {' '.join(self.motion.alignment_uids) or 'the common frame of reference'}"


@dataclass(slots=True, kw_only=True)
class _Run:
    """What one call works on; volumes are read once."""

    workspace: Workspace
    reader: str
    is_again: bool
    origin: Origin
    stacks: dict[str, CataloguedStack]
    alignments: list[VisitAlignment]
    volumes: dict[str, Volume] = field(default_factory=dict)

    def volume(self, catalogue: Catalogue, each: CataloguedStack) -> Volume:
        """Return a stack's intensities."""
        uid = each.stack.stack_uid
        if uid not in self.volumes:
            self.volumes[uid] = stack_volume(self.workspace, catalogue.images, each.stack)
        return self.volumes[uid]


def propose_patient(
    workspace: Workspace,
    patient_id: str,
    *,
    lesion_uid: str | None = None,
    reader: str = AUTOMATIC_READER,
    is_again: bool = False,
    origin: Origin | None = None,
    progress: Progress = silent,
) -> list[Proposed]:
    """Carry every lesion's baseline reading to the follow-ups that nobody has read.

    Parameters
    ----------
    workspace : Workspace
        The project.
    patient_id : str
        A patient of the catalogue.
    lesion_uid : str, optional
        Only this lesion.
    reader : str
        Whose proposals they are.
    is_again : bool
        Also where a proposal stands that is up to date or was clicked.
    origin : Origin, optional
        Clock and identifiers.
    progress : callable
        Called with (stage, done, total).

    Returns
    -------
    list of Proposed
        One for each lesion and follow-up, by lesion and date.

    Raises
    ------
    RecordNotFoundError
        If there is no such patient or lesion, or the patient has one visit only.
    ReadingError
        If no lesion has a reading with an outline to start from.
    """
    origin = origin or Origin()
    # What cannot be aligned is said again where it is needed.
    align_patient(workspace, patient_id, origin=origin, progress=progress)
    with catalogue_of(workspace) as catalogue:
        lesions = _lesions(catalogue, patient_id, lesion_uid)
        run = _Run(
            workspace=workspace,
            reader=reader,
            is_again=is_again,
            origin=origin,
            stacks={each.stack.stack_uid: each for each in catalogue.images.stacks(patient_id=patient_id)},
            alignments=stored_alignments(workspace, catalogue, patient_id),
        )
        rules = load_rules(workspace.rules_source)
        primary = workspace.settings.primary_reader or None
        visits = {
            lesion.lesion_uid: proposals_of_lesion(catalogue, lesion, rules, primary_reader=primary)
            for lesion in lesions
        }
    _refuse_unread(lesions, visits, patient_id)
    found = []
    for done, lesion in enumerate(lesions, start=1):
        found += [_at_visit(run, each) for each in visits[lesion.lesion_uid] if _is_follow_up(each)]
        progress("proposing", done, len(lesions))
    return found


def _lesions(catalogue: Catalogue, patient_id: str, lesion_uid: str | None) -> list[Lesion]:
    if lesion_uid is None:
        lesions = catalogue.followup.lesions(patient_id)
        if not lesions:
            raise ReadingError(
                f"patient {patient_id} has no lesion; record one with: herntrack lesion add --patient"
                f" {patient_id} --level LEVEL"
            )
        return lesions
    lesion = catalogue.followup.lesion(lesion_uid)
    if lesion.patient_id != patient_id:
        raise ReadingError(f"lesion {lesion_uid} is of patient {lesion.patient_id}, not of {patient_id}")
    return [lesion]


def _refuse_unread(
    lesions: Sequence[Lesion], visits: dict[str, list[StackProposal]], patient_id: str
) -> None:
    """Refuse a patient of whom nothing was read: there is nothing to carry."""
    for lesion in lesions:
        if any(each.reference and each.reference.reading for each in visits[lesion.lesion_uid]):
            return
    uid = lesions[0].lesion_uid
    raise ReadingError(
        f"no lesion of patient {patient_id} was read at its baseline; outline it first, for example with:"
        f" herntrack segment --lesion {uid} --stack UID --at X,Y,Z"
    )


def _is_follow_up(each: StackProposal) -> bool:
    """Return whether a visit comes after the one that a lesion was first read at."""
    reference = each.reference
    if reference is None or reference.reading is None:
        return False
    return each.visit.visit_date > reference.reading.visit_date


def _at_visit(run: _Run, each: StackProposal) -> Proposed:
    """Return what is proposed for one lesion at one follow-up."""
    with catalogue_of(run.workspace) as catalogue:
        standing = [
            reading
            for reading in catalogue.followup.readings(each.lesion.lesion_uid, is_current=True)
            if reading.visit_date == each.visit.visit_date
        ]
        accepted = [reading for reading in standing if not reading.is_proposed]
        if accepted:
            return _result(each, "read", f"{accepted[-1].reader} has read this visit.", accepted[-1])
        try:
            case = _case(run, catalogue, each)
            left_alone = None if run.is_again else _left_alone(standing, case)
            if left_alone is not None:
                return _result(each, *left_alone)
            made = _carried(run, catalogue, case)
        except HerntrackError as error:
            return _result(each, "refused", str(error))
    # Outlining takes a while; the catalogue is opened anew to write, so that nobody waits for it.
    with catalogue_of(run.workspace) as catalogue:
        reading = record_reading(
            catalogue,
            run.workspace,
            _drafted(run, case, made),
            lesion=case.lesion,
            each=case.target,
            mask=made.mask if made.mask.any() else None,
            is_semiautomatic=True,
        )
    volume = float(np.count_nonzero(made.mask)) * case.target.stack.geometry.voxel_volume_mm3
    return replace(_result(each, "proposed", made.reason, reading), volume_mm3=volume)


def _result(each: StackProposal, did: str, reason: str, reading: Reading | None = None) -> Proposed:
    return Proposed(
        lesion=each.lesion,
        visit_date=each.visit.visit_date,
        did=did,
        reading=reading,
        volume_mm3=None,
        reason=reason,
    )


def _case(run: _Run, catalogue: Catalogue, each: StackProposal) -> _Case:
    """Return what is carried where.

    Raises
    ------
    ReadingError
        If there is no outline to carry, or no stack to carry it to.
    AlignmentRefusedError
        If the visits are not aligned.
    """
    start, read_on, target = _start(catalogue, each)
    motion = motion_between(
        read_on, target, level=each.lesion.level, alignments=run.alignments, stacks=run.stacks
    )
    return _Case(lesion=each.lesion, start=start, read_on=read_on, target=target, motion=motion)


def _left_alone(standing: Sequence[Reading], case: _Case) -> tuple[str, str, Reading] | None:
    """Return why a standing proposal stays as it is; None if a new one is to be made."""
    for reading in reversed(standing):
        if reading.points_lps:
            return "kept", f"{reading.reader} clicked this visit; --again carries it forward anew.", reading
        if reading.proposed_from == case.start.reading_uid and reading.source == case.source:
            return "unchanged", "The proposal is up to date.", reading
    return None


def _start(catalogue: Catalogue, each: StackProposal) -> tuple[Reading, CataloguedStack, CataloguedStack]:
    """Return the reading to carry, the stack it was made on, and the follow-up's stack.

    Raises
    ------
    ReadingError
        If there is no outline to carry, or no stack to carry it to.
    """
    reference = each.reference
    if reference is None or reference.reading is None:
        raise ReadingError("the lesion was not read before; outline its baseline first")
    start = catalogue.followup.reading(reference.reading.reading_uid)
    if start.status is not ReadingStatus.PRESENT:
        raise ReadingError(
            f"the reading of {start.visit_date} says {start.status}: there is no outline to carry forward"
        )
    proposed = each.proposed
    if proposed is None:
        why = "; ".join(each.ranked[0].reasons) if each.ranked else "it has no stack"
        raise ReadingError(
            f"no stack of the visit may be compared with the baseline's ({why}); record it with:"
            " herntrack read unevaluable"
        )
    kinds = [weighting_kind(stack.stack.weighting) for stack in (reference.each, proposed.each)]
    if kinds[0] is not kinds[1]:
        raise ReadingError(
            f"the visit has no stack of the baseline's weighting ({reference.each.stack.weighting}; at best"
            f" {proposed.each.stack.weighting}), and a fragment looks otherwise there; outline it with"
            " herntrack segment"
        )
    if not proposed.each.stack.is_regular:
        raise ReadingError(f"the visit's stack cannot be measured on: {'; '.join(proposed.reasons)}")
    return start, reference.each, proposed.each


def _carried(run: _Run, catalogue: Catalogue, case: _Case) -> Proposal:
    """Return the outline carried forward."""
    from herntrack.segmentation.carry_forward import carry_forward

    plane = case.start.base_plane
    if plane is None:
        # A mask from elsewhere has none; the confirmed level's serves, else the image gives one.
        known = known_plane(run.workspace, catalogue, case.lesion, case.read_on)
        plane = None if known is None else known.plane
    mask, _ = reading_mask(catalogue, run.workspace, case.start)
    return carry_forward(
        run.volume(catalogue, case.read_on),
        mask,
        run.volume(catalogue, case.target),
        case.motion.matrix_lps,
        base_plane=plane,
    )


def _drafted(run: _Run, case: _Case, made: Proposal) -> Reading:
    source = made.evidence.plane_source
    is_found = bool(made.mask.any())
    draft = draft_reading(
        run.origin,
        case.lesion,
        case.target,
        visit_date=visit_of_stack(case.target, case.lesion),
        reader=run.reader,
        status=ReadingStatus.PRESENT if is_found else ReadingStatus.ABSENT,
        source=case.source,
        reason="" if is_found else made.reason,
    )
    return replace(
        draft,
        is_proposed=True,
        base_plane=made.base_plane,
        base_plane_source="" if source is None or made.base_plane is None else source.value,
        proposed_from=case.start.reading_uid,
        guards=(*(warning.sentence for warning in made.guards), *case.motion.warnings),
    )

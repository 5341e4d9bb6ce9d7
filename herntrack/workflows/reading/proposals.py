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
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Lesion, Reading, VisitAlignment
from herntrack.model.sentences import sentence, sentence_of
from herntrack.model.vocabulary import ReadingStatus
from herntrack.volumetrics.rules import load_rules
from herntrack.workflows.aligning.align import align_patient
from herntrack.workflows.aligning.standing import stored_alignments
from herntrack.workflows.levels.base_planes import known_plane
from herntrack.workflows.patients.visits import confirmed_baselines
from herntrack.workflows.progress import Progress, silent
from herntrack.workflows.reading.carrying import CarryCase, carry, cases_to_carry
from herntrack.workflows.reading_masks import reading_mask
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
from herntrack.workflows.stacks_as_read import changed_stacks
from herntrack.workflows.workspace import Workspace

if TYPE_CHECKING:
    from herntrack.imaging.volume import Volume
    from herntrack.segmentation.one_click import Proposal


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
        day_0 = confirmed_baselines(catalogue.images.visits(patient_id)).get(patient_id, date.min)
        begun = {lesion.lesion_uid: _first_read(catalogue, lesion, day_0) for lesion in lesions}
    _refuse_unread(lesions, visits, patient_id)
    found = []
    for done, lesion in enumerate(lesions, start=1):
        first = begun.get(lesion.lesion_uid)
        follow_ups = [each for each in visits[lesion.lesion_uid] if first and each.visit.visit_date > first]
        found += [_at_visit(run, each, first) for each in follow_ups]
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
        sentence(
            "no_lesion_read",
            patient=patient_id,
            command=f"herntrack segment --lesion {uid} --stack UID --at X,Y,Z",
        )
    )


def _first_read(catalogue: Catalogue, lesion: Lesion, day_0: date) -> date | None:
    """Return the visit that a lesion was first read at from day 0 on, one that could be judged if any."""
    readings = [
        reading
        for reading in catalogue.followup.readings(lesion.lesion_uid, is_current=True)
        if reading.visit_date >= day_0
    ]
    judged = [reading for reading in readings if reading.status is not ReadingStatus.NOT_EVALUABLE]
    return min((reading.visit_date for reading in judged or readings), default=None)


def _at_visit(run: _Run, each: StackProposal, first: date | None) -> Proposed:
    """Return what is proposed for one lesion at one follow-up."""
    with catalogue_of(run.workspace) as catalogue:
        standing = [
            reading
            for reading in catalogue.followup.readings(each.lesion.lesion_uid, is_current=True)
            if reading.visit_date == each.visit.visit_date
        ]
        accepted = [reading for reading in standing if not reading.is_proposed]
        if accepted:
            return _result(each, "read", sentence("read_already", by=accepted[-1].reader), accepted[-1])
        try:
            _refuse_unresolved(each, first)
            cases = cases_to_carry(catalogue, each, alignments=run.alignments, stacks=run.stacks)
            changed = changed_stacks(run.workspace, catalogue, standing)
            kept = [each for each in standing if each.points_lps or each.reading_uid not in changed]
            left_alone = None if run.is_again else _left_alone(kept, cases[0])
            if left_alone is not None:
                return _result(each, *left_alone)
            case, made = _carried(run, catalogue, cases)
        except HerntrackError as error:
            return _result(each, "refused", sentence_of(error))
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


def _refuse_unresolved(each: StackProposal, first: date | None) -> None:
    """Refuse where the baseline has readings of which none stands for it."""
    reference = each.reference
    if reference is not None and reference.reading is not None and reference.reading.visit_date != first:
        raise ReadingError(
            f"several readers read the baseline of {first} and none goes before the others; name one as"
            " primary under [readers] in herntrack.toml"
        )


def _result(each: StackProposal, did: str, reason: str, reading: Reading | None = None) -> Proposed:
    return Proposed(
        lesion=each.lesion,
        visit_date=each.visit.visit_date,
        did=did,
        reading=reading,
        volume_mm3=None,
        reason=reason,
    )


def _left_alone(standing: Sequence[Reading], case: CarryCase) -> tuple[str, str, Reading] | None:
    """Return why a standing proposal stays as it is; None if a new one is to be made."""
    for reading in reversed(standing):
        if reading.points_lps:
            return "kept", sentence("proposal_clicked", by=reading.reader), reading
        if reading.proposed_from == case.start.reading_uid and reading.source == case.source:
            return "unchanged", sentence("proposal_up_to_date"), reading
    return None


def _carried(run: _Run, catalogue: Catalogue, cases: Sequence[CarryCase]) -> tuple[CarryCase, Proposal]:
    """Return the outline carried forward, and how."""
    first = cases[0]
    plane = first.start.base_plane
    if plane is None:
        # A mask from elsewhere has none; the confirmed level's serves, else the image gives one.
        known = known_plane(run.workspace, catalogue, first.lesion, first.read_on)
        plane = None if known is None else known.plane
    mask, _ = reading_mask(catalogue, run.workspace, first.start)
    return carry(cases, mask, plane=plane, volume_of=lambda each: run.volume(catalogue, each))


def _drafted(run: _Run, case: CarryCase, made: Proposal) -> Reading:
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
        guards=(*(warning.sentence for warning in made.guards), *case.motion.warnings, *case.remarks),
    )

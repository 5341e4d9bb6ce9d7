"""A patient's levels at every visit: confirmed, proposed, or carried through the alignments.

A level is confirmed once by a person. At the other visits the same disc is where the alignment puts
it; what was proposed beside it is carried too, and stays a proposal. Two confirmations that the
alignment puts onto different discs contradict each other.

Public: `KnownDisc`, `known_discs`, `disc_centres`, `level_lock`, `contradiction`;
`herntrack.workflows.levels.confirming` records what persons say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import numpy.typing as npt

from herntrack.catalogue.session import Catalogue
from herntrack.errors import AlignmentRefusedError
from herntrack.model.base_plane import BasePlane, Point
from herntrack.model.images import CataloguedStack
from herntrack.model.records import VisitAlignment
from herntrack.model.sentences import sentence
from herntrack.model.vocabulary import Level
from herntrack.reading_room.level_lock import LevelLock, LevelStatus
from herntrack.volumetrics.comparability import UNMEASURABLE_ROLES
from herntrack.workflows.aligning.disc_places import disc_conflict
from herntrack.workflows.aligning.motions import motion_between
from herntrack.workflows.aligning.said_discs import SaidDisc, said_discs
from herntrack.workflows.aligning.standing import stored_alignments
from herntrack.workflows.levels.stacks import contains, stack_rank
from herntrack.workflows.patients.known_patients import require_patient
from herntrack.workflows.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDisc:
    """Where a disc lies at a visit, and who says so.

    Parameters
    ----------
    level : Level
        Its name.
    visit_date : date
        The visit.
    status : LevelStatus
        Confirmed here, carried from a confirmation elsewhere, proposed, or contradicted.
    centre_lps : tuple of float
        Its centre, LPS mm of the frame of reference of `stack_uid`.
    base_plane : BasePlane or None
        Through the posterior corners, in the same frame.
    are_corners_confirmed : bool
        Whether a person vouches for the corners.
    stack_uid : str
        A stack of the visit in whose frame the numbers are.
    from_visit : date
        Where it was said; another visit's if it was carried.
    by : str
        Who confirmed it, or what proposed it.
    at : datetime
        UTC.
    is_clear : bool
        False where a proposal may be one vertebra off.
    notes : tuple of str
        How it was found, what to check, what contradicts it.
    """

    level: Level
    visit_date: date
    status: LevelStatus
    centre_lps: Point
    base_plane: BasePlane | None
    are_corners_confirmed: bool
    stack_uid: str
    from_visit: date
    by: str
    at: datetime
    is_clear: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spine:
    """What is known of one patient's levels, and how visits lie to each other."""

    said: Sequence[SaidDisc]
    alignments: Sequence[VisitAlignment]
    stacks: Mapping[str, CataloguedStack]

    @classmethod
    def of(cls, workspace: Workspace, catalogue: Catalogue, patient_id: str) -> Spine:
        """Return a patient's spine.

        Raises
        ------
        RecordNotFoundError
            If there is no such patient.
        """
        require_patient(workspace, catalogue, patient_id)
        stacks = catalogue.images.stacks(patient_id=patient_id)
        return cls(
            said=said_discs(workspace, catalogue, patient_id),
            # Unchecked: one that a confirmed disc contradicts is what is looked for here.
            alignments=stored_alignments(workspace, catalogue, patient_id, is_checked=False),
            stacks={each.stack.stack_uid: each for each in stacks},
        )

    def carried(self, disc: SaidDisc, to: CataloguedStack) -> tuple[Point, BasePlane | None, tuple[str, ...]]:
        """Return centre, base plane and warnings of a disc in another stack's coordinates.

        Raises
        ------
        AlignmentRefusedError
            If no alignment that holds joins the two.
        """
        motion = motion_between(
            to, disc.each, level=disc.level, alignments=self.alignments, stacks=self.stacks
        )
        matrix = np.asarray(motion.matrix_lps, dtype=np.float64)
        x, y, z = (float(value) for value in matrix[:3, :3] @ disc.centre_lps + matrix[:3, 3])
        plane = None if disc.base_plane is None else disc.base_plane.moved(matrix)
        return (x, y, z), plane, motion.warnings


def known_discs(workspace: Workspace, catalogue: Catalogue, patient_id: str) -> list[KnownDisc]:
    """Return where each disc of a patient lies at each visit, as far as it is known.

    Parameters
    ----------
    workspace, catalogue : Workspace, Catalogue
        The project, open.
    patient_id : str
        A patient of the catalogue.

    Returns
    -------
    list of KnownDisc
        By visit, from above downwards.

    Raises
    ------
    RecordNotFoundError
        If there is no such patient.
    """
    spine = Spine.of(workspace, catalogue, patient_id)
    found: list[KnownDisc] = []
    for visit in catalogue.images.visits(patient_id):
        found += _of_visit(spine, visit.visit_date)
    return found


def disc_centres(
    workspace: Workspace, catalogue: Catalogue, patient_id: str, visit_date: date
) -> dict[Level, KnownDisc]:
    """Return the discs that are known at a visit; those contradicted or doubtful are left out."""
    return {
        disc.level: disc
        for disc in known_discs(workspace, catalogue, patient_id)
        if disc.visit_date == visit_date and disc.is_clear and disc.status is not LevelStatus.CONTRADICTED
    }


def level_lock(
    workspace: Workspace, catalogue: Catalogue, patient_id: str, visit_date: date, level: Level
) -> LevelLock:
    """Return whether a level is known well enough at a visit to sign a reading there."""
    for disc in known_discs(workspace, catalogue, patient_id):
        if disc.visit_date == visit_date and disc.level is level:
            is_said = disc.status is not LevelStatus.PROPOSED
            return LevelLock(
                level=level,
                status=disc.status,
                by=disc.by if is_said else "",
                on=disc.at.date() if is_said else None,
                visit_date=disc.from_visit,
                problem=disc.notes[0] if disc.status is LevelStatus.CONTRADICTED else "",
            )
    return LevelLock(level=level, status=LevelStatus.UNKNOWN)


def contradiction(
    spine: Spine, level: Level, centre_lps: npt.ArrayLike, here: CataloguedStack
) -> tuple[str, tuple[str, ...]]:
    """Return what the other visits say against a disc's name, and what could not be compared.

    Parameters
    ----------
    spine : Spine
        The patient's.
    level : Level
        The disc's name.
    centre_lps : array_like of float, shape (3,)
        Its centre (LPS mm of `here`).
    here : CataloguedStack
        Where it was pointed at.

    Returns
    -------
    tuple
        A sentence that names both discs with the distances, empty if nothing contradicts; and a
        sentence for each visit that could not be compared.
    """
    from herntrack.alignment.level import check_levels
    from herntrack.alignment.records import Alignment, Verdict

    notes = []
    for visit_date in sorted({disc.visit_date for disc in spine.said if disc.is_confirmed}):
        there = [
            disc
            for disc in spine.said
            if disc.visit_date == visit_date and disc.is_clear and disc.each.study.study_date == visit_date
        ]
        if visit_date == here.study.study_date:
            continue
        frames = {disc.each.frame for disc in there if disc.is_confirmed}
        there = [disc for disc in there if disc.each.frame in frames]
        try:
            motion = motion_between(
                there[0].each, here, level=level, alignments=spine.alignments, stacks=spine.stacks
            )
        except AlignmentRefusedError as error:
            notes.append(f"not compared with the visit on {visit_date}: {error}")
            continue
        aligned = Alignment(
            matrix_lps=motion.matrix_lps,
            residual_mm=0.0,
            overlap=1.0,
            agreement=1.0,
            runner_up=None,
            runner_up_mm=None,
            verdict=Verdict.GOOD,
            reasons=(),
        )
        places = {disc.level: disc.centre_lps for disc in there}
        failed = check_levels(aligned, baseline_lps=places, followup_lps={level: centre_lps}).reasons
        said = failed[0] if failed else disc_conflict(level, aligned.to_baseline(centre_lps), places)
        if said:
            return sentence("against_visit", visit=visit_date, detail=said), tuple(notes)
    return "", tuple(notes)


def _of_visit(spine: Spine, visit_date: date) -> list[KnownDisc]:
    """Return what is known of the discs at one visit, from above downwards."""
    own = {disc.level: disc for disc in spine.said if disc.visit_date == visit_date}
    elsewhere: dict[Level, list[SaidDisc]] = {}
    for disc in spine.said:
        if disc.visit_date != visit_date and disc.is_clear:
            elsewhere.setdefault(disc.level, []).append(disc)
    found = []
    for level in Level:
        mine, others = own.get(level), elsewhere.get(level, [])
        confirmed = next((disc for disc in others if disc.is_confirmed), None)
        if mine is not None and (mine.is_confirmed or confirmed is None):
            found.append(_said(spine, mine))
        elif others or mine is not None:
            carried = _carried(spine, visit_date, confirmed or others[0])
            if carried is not None:
                found.append(carried)
            elif mine is not None:
                found.append(_said(spine, mine))
    return found


def _said(spine: Spine, disc: SaidDisc) -> KnownDisc:
    problem: str = ""
    notes: tuple[str, ...] = ()
    if disc.is_confirmed:
        problem, notes = contradiction(spine, disc.level, disc.centre_lps, disc.each)
    status = LevelStatus.CONFIRMED if disc.is_confirmed else LevelStatus.PROPOSED
    return KnownDisc(
        level=disc.level,
        visit_date=disc.visit_date,
        status=LevelStatus.CONTRADICTED if problem else status,
        centre_lps=disc.centre_lps,
        base_plane=disc.base_plane,
        are_corners_confirmed=disc.are_corners_confirmed,
        stack_uid=disc.each.stack.stack_uid,
        from_visit=disc.visit_date,
        by=disc.by,
        at=disc.at,
        is_clear=disc.is_clear,
        notes=tuple(note for note in (problem, disc.sentence, *notes) if note),
    )


def _carried(spine: Spine, visit_date: date, disc: SaidDisc) -> KnownDisc | None:
    """Return a disc of another visit at this one; None where nothing carries it or no stack shows it."""
    here = [
        each
        for each in spine.stacks.values()
        if each.study.study_date == visit_date and each.stack.role not in UNMEASURABLE_ROLES
    ]
    for to in sorted(here, key=stack_rank):
        try:
            centre, plane, warnings = spine.carried(disc, to)
        except AlignmentRefusedError:
            continue
        if contains(to, centre):
            return KnownDisc(
                level=disc.level,
                visit_date=visit_date,
                status=LevelStatus.CARRIED if disc.is_confirmed else LevelStatus.PROPOSED,
                centre_lps=centre,
                base_plane=plane,
                are_corners_confirmed=disc.are_corners_confirmed,
                stack_uid=to.stack.stack_uid,
                from_visit=disc.visit_date,
                by=disc.by,
                at=disc.at,
                is_clear=disc.is_clear,
                notes=warnings if disc.is_confirmed or disc.is_clear else (disc.sentence, *warnings),
            )
    return None

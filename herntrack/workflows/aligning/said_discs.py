"""What is recorded of a patient's levels: the words that stand, and where they put the discs.

Nothing is carried from visit to visit here (`herntrack.workflows.levels.at_visits` does that), so that
alignments may ask what was confirmed.

Public: `SaidDisc`, `said_discs`, `anatomy_of`, `has_l6`, `confirmed_by_visit`, `confirmed_plane`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date, datetime

from herntrack.catalogue.session import Catalogue
from herntrack.model.anatomy import Anatomy
from herntrack.model.base_plane import BasePlane, Point
from herntrack.model.decisions import standing_decisions
from herntrack.model.images import CataloguedStack
from herntrack.model.level_decisions import AnatomyNote, LevelConfirmation, LevelProposal
from herntrack.model.records import Lesion
from herntrack.model.vocabulary import Level
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.patients.merged_rows import patients_followed_as
from herntrack.workflows.workspace import Workspace

SAME_DISC_MM = 12.0
"""Two places of a disc within this are the same disc (mm): half a disc's depth, less than to the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidDisc:
    """A disc as it was confirmed or proposed on a stack.

    Parameters
    ----------
    level : Level
        Its name.
    each : CataloguedStack
        The stack.
    visit_date : date
        The stack's visit.
    centre_lps : tuple of float
        Its centre, LPS mm of the stack.
    base_plane : BasePlane or None
        Through the posterior corners of the two bodies, where they are known.
    is_confirmed : bool
        Whether a person said so.
    are_corners_confirmed : bool
        Whether a person vouches for the corners too.
    is_clear : bool
        Whether the name may be believed; True where it is confirmed.
    by : str
        The person, or the tool that proposed it.
    at : datetime
        UTC.
    sentence : str
        How it was found.
    """

    level: Level
    each: CataloguedStack
    visit_date: date
    centre_lps: Point
    base_plane: BasePlane | None
    is_confirmed: bool
    are_corners_confirmed: bool
    is_clear: bool
    by: str
    at: datetime
    sentence: str


def said_discs(workspace: Workspace, catalogue: Catalogue, patient_id: str) -> list[SaidDisc]:
    """Return what stands of a patient's levels, by visit; a confirmed disc is not proposed besides.

    The posterior corners of a confirmed disc are those that the person vouched for, else those
    proposed for the same place. What was said of a stack that is not catalogued is left out.

    Parameters
    ----------
    workspace, catalogue : Workspace, Catalogue
        The project, open.
    patient_id : str
        A patient of the catalogue.
    """
    decisions = DecisionStore(workspace.readings_folder).decisions()
    followed_as = patients_followed_as(decisions)
    stacks = {each.stack.stack_uid: each for each in catalogue.images.stacks(patient_id=patient_id)}
    confirmed: dict[tuple[date, Level], SaidDisc] = {}
    proposed: dict[tuple[date, Level], SaidDisc] = {}
    for said in standing_decisions(decisions):
        if not isinstance(said, LevelConfirmation | LevelProposal):
            continue
        each = stacks.get(said.stack_uid)
        if each is None or followed_as.get(said.patient_id, said.patient_id) != patient_id:
            continue
        disc = _disc(said, each)
        into = confirmed if disc.is_confirmed else proposed
        into[disc.visit_date, disc.level] = disc
    found = [_with_corners(disc, proposed.get(key)) for key, disc in confirmed.items()]
    found += [disc for key, disc in proposed.items() if key not in confirmed]
    return sorted(found, key=lambda disc: (disc.visit_date, list(Level).index(disc.level)))


def anatomy_of(workspace: Workspace, patient_id: str) -> AnatomyNote | None:
    """Return what stands of a patient's transitional anatomy; None if nothing was recorded."""
    decisions = DecisionStore(workspace.readings_folder).decisions()
    followed_as = patients_followed_as(decisions)
    notes = [
        said
        for said in standing_decisions(decisions)
        if isinstance(said, AnatomyNote) and followed_as.get(said.patient_id, said.patient_id) == patient_id
    ]
    return notes[-1] if notes else None


def has_l6(workspace: Workspace, patient_id: str) -> bool:
    """Return whether a sixth lumbar vertebra is recorded."""
    note = anatomy_of(workspace, patient_id)
    return note is not None and Anatomy(note.anatomy).has_l6


def confirmed_by_visit(
    workspace: Workspace, catalogue: Catalogue, patient_id: str
) -> dict[tuple[date, str], dict[Level, Point]]:
    """Return the centres of a patient's confirmed discs, by visit and frame of reference."""
    found: dict[tuple[date, str], dict[Level, Point]] = {}
    for disc in said_discs(workspace, catalogue, patient_id):
        if disc.is_confirmed:
            found.setdefault((disc.visit_date, disc.each.frame), {})[disc.level] = disc.centre_lps
    return found


def confirmed_plane(
    workspace: Workspace, catalogue: Catalogue, lesion: Lesion, each: CataloguedStack
) -> BasePlane | None:
    """Return the base plane of a lesion's level that a person vouches for at a stack's visit.

    Corners that were only proposed bind nobody: a plane through them is not returned.
    """
    frame = each.frame
    decisions = DecisionStore(workspace.readings_folder).decisions()
    followed_as = patients_followed_as(decisions)
    stacks = {one.stack.stack_uid: one for one in catalogue.images.stacks(patient_id=lesion.patient_id)}
    for said in standing_decisions(decisions):
        if not isinstance(said, LevelConfirmation) or said.level is not lesion.level:
            continue
        where = stacks.get(said.stack_uid)
        is_his = followed_as.get(said.patient_id, said.patient_id) == lesion.patient_id
        if where is not None and is_his and where.frame == frame:
            return _plane(said, where)
    return None


def _disc(said: LevelConfirmation | LevelProposal, each: CataloguedStack) -> SaidDisc:
    is_confirmed = isinstance(said, LevelConfirmation)
    return SaidDisc(
        level=said.level,
        each=each,
        # The study's date may have been corrected since.
        visit_date=each.study.study_date or said.visit_date,
        centre_lps=said.point_lps,
        base_plane=_plane(said, each),
        is_confirmed=is_confirmed,
        are_corners_confirmed=is_confirmed and said.upper_corner_lps is not None,
        is_clear=True if isinstance(said, LevelConfirmation) else said.is_clear,
        by=said.decided_by,
        at=said.decided_at,
        sentence=said.reason,
    )


def _with_corners(disc: SaidDisc, proposed: SaidDisc | None) -> SaidDisc:
    """Return a confirmed disc with the corners proposed for the same place, if it has none."""
    if disc.base_plane is not None or proposed is None or proposed.each.frame != disc.each.frame:
        return disc
    is_there = math.dist(proposed.centre_lps, disc.centre_lps) <= SAME_DISC_MM
    return replace(disc, base_plane=proposed.base_plane) if is_there else disc


def _plane(said: LevelConfirmation | LevelProposal, each: CataloguedStack) -> BasePlane | None:
    if said.upper_corner_lps is None or said.lower_corner_lps is None:
        return None
    return BasePlane.from_corners(said.upper_corner_lps, said.lower_corner_lps, each.stack.geometry)

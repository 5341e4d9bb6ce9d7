"""Proposing levels: counted from confirmed discs, or taken from another tool's label map.

Public: `propose_levels`, `import_levels`, `ProposedLevels`, `count_discs`, `record_proposals`, `stack_of`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from herntrack.catalogue.session import Catalogue
from herntrack.errors import GeometryMismatchError, LevelError, RecordNotFoundError
from herntrack.levels.records import Confidence
from herntrack.model.base_plane import Point
from herntrack.model.images import CataloguedStack
from herntrack.model.level_decisions import LevelProposal
from herntrack.model.vocabulary import Level
from herntrack.reading_room.level_lock import LevelStatus
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.aligning.said_discs import has_l6
from herntrack.workflows.levels.at_visits import KnownDisc, Spine, known_discs
from herntrack.workflows.levels.stacks import contains, point_text, stack_for_levels
from herntrack.workflows.recording import Origin
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.stack_files import stack_volume
from herntrack.workflows.workspace import Workspace
from herntrack.workflows.workspace_lock import workspace_locked

if TYPE_CHECKING:
    from herntrack.levels.records import DiscProposal

PROPOSER = "herntrack"
"""Who a proposal is by that the software made."""

OUTSIDE_MM = 15.0
"""A disc of an imported map further outside of the stack than this is of other images (mm)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedLevels:
    """The discs that are known at a visit after proposals were made, and what a person should know."""

    discs: tuple[KnownDisc, ...]
    notes: tuple[str, ...] = ()


def propose_levels(
    workspace: Workspace,
    patient_id: str,
    *,
    visit_date: date | None = None,
    stack_uid: str | None = None,
    origin: Origin | None = None,
) -> ProposedLevels:
    """Propose the discs of a visit from those that are confirmed there, or carried to it.

    Parameters
    ----------
    workspace : Workspace
        The project.
    patient_id : str
        A patient of the catalogue.
    visit_date : date, optional
        The visit; by default that of the stack, else the baseline.
    stack_uid : str, optional
        The stack to look at; by default the visit's best sagittal one.
    origin : Origin, optional
        Clock and identifiers.

    Raises
    ------
    RecordNotFoundError
        If there is no such patient, visit or stack.
    LevelError
        If no disc is confirmed that the others could be counted from.
    """
    origin = origin or Origin()
    with workspace_locked(workspace.folder), catalogue_of(workspace) as catalogue:
        spine = Spine.of(workspace, catalogue, patient_id)
        each, visited = stack_of(catalogue, spine, patient_id, stack_uid=stack_uid, visit_date=visit_date)
        known = [
            disc
            for disc in known_discs(workspace, catalogue, patient_id)
            if disc.visit_date == visited and disc.status in {LevelStatus.CONFIRMED, LevelStatus.CARRIED}
        ]
        frame = each.frame
        named = {
            disc.level: disc.centre_lps
            for disc in known
            if spine.stacks[disc.stack_uid].frame == frame and contains(each, disc.centre_lps)
        }
        if not named:
            raise LevelError(
                f"no disc of patient {patient_id} is confirmed or carried to the visit on {visited}; name one"
                f" first: herntrack level confirm --patient {patient_id} --level L5-S1 --at X,Y,Z"
                " --reader NAME"
            )
        found = count_discs(workspace, catalogue, each, named)
        record_proposals(workspace, found, each, visited, by=PROPOSER, origin=origin)
        discs = discs_of_visit(workspace, catalogue, patient_id, visited)
    return ProposedLevels(discs=discs)


def import_levels(
    workspace: Workspace, file: Path, *, stack_uid: str, convention: str, origin: Origin | None = None
) -> ProposedLevels:
    """Take the discs of another tool's label map as proposals.

    Parameters
    ----------
    workspace : Workspace
        The project.
    file : Path
        NIfTI, NRRD or MetaImage, on any grid in the stack's coordinates.
    stack_uid : str
        The stack it was made from.
    convention : str
        Whose numbers it has; see `herntrack.levels.conventions`.
    origin : Origin, optional
        Clock and identifiers.

    Raises
    ------
    VocabularyError
        If there is no such convention.
    LevelError
        If the map has no lumbar disc, or is no spine, in that convention.
    GeometryMismatchError
        If its discs lie outside of the stack.
    """
    from herntrack.imaging.label_files import read_label_file
    from herntrack.levels.label_maps import Convention, discs_of_labels

    origin = origin or Origin()
    chosen = Convention.parse(convention)
    found = read_label_file(file)
    proposals = discs_of_labels(found.labels, found.geometry, chosen)
    with workspace_locked(workspace.folder), catalogue_of(workspace) as catalogue:
        each = catalogue.images.stack(stack_uid)
        visited = date_of(each)
        _refuse_if_outside(proposals, each, file)
        record_proposals(workspace, proposals, each, visited, by=chosen.value, origin=origin)
        discs = discs_of_visit(workspace, catalogue, each.study.patient_id, visited)
    names = ", ".join(each.level.value for each in proposals)
    return ProposedLevels(discs=discs, notes=(f"{file.name}: {names} are proposed by {chosen.value}",))


def stack_of(
    catalogue: Catalogue,
    spine: Spine,
    patient_id: str,
    *,
    stack_uid: str | None,
    visit_date: date | None,
    point_lps: Point | None = None,
) -> tuple[CataloguedStack, date]:
    """Return the stack to look at and its visit.

    Parameters
    ----------
    catalogue : Catalogue
        An open catalogue.
    spine : Spine
        The patient's.
    patient_id : str
        The patient.
    stack_uid : str or None
        The stack, if it was named.
    visit_date : date or None
        The visit, if it was named; by default that of the stack, else the baseline.
    point_lps : tuple of float, optional
        What the stack has to contain (LPS mm).

    Raises
    ------
    RecordNotFoundError
        If there is no such stack or visit, or none that contains the point.
    """
    if stack_uid is not None:
        if stack_uid not in spine.stacks:
            raise RecordNotFoundError(
                f"patient {patient_id} has no stack {stack_uid}; herntrack list stacks --patient {patient_id}"
            )
        return spine.stacks[stack_uid], date_of(spine.stacks[stack_uid])
    visits = catalogue.images.visits(patient_id)
    wanted = visit_date or next((visit.visit_date for visit in visits if visit.day == 0), None)
    if wanted is None or wanted not in {visit.visit_date for visit in visits}:
        dates = ", ".join(str(visit.visit_date) for visit in visits) or "none"
        which = "that is day 0" if wanted is None else f"on {wanted}"
        raise RecordNotFoundError(f"patient {patient_id} has no visit {which}; visits: {dates}")
    return stack_for_levels(catalogue, patient_id, wanted, point_lps=point_lps), wanted


def date_of(each: CataloguedStack) -> date:
    """Return the visit of a stack.

    Raises
    ------
    RecordNotFoundError
        If its study has no date.
    """
    if each.study.study_date is None:
        raise RecordNotFoundError(
            f"study {each.study.study_instance_uid} has no date, so it belongs to no visit; correct StudyDate"
        )
    return each.study.study_date


def count_discs(
    workspace: Workspace, catalogue: Catalogue, each: CataloguedStack, named: Mapping[Level, Point]
) -> tuple[DiscProposal, ...]:
    """Return the discs that a stack shows, counted from named ones (LPS mm of the stack).

    Raises
    ------
    LevelError
        If the names contradict their places.
    """
    from herntrack.levels.propose import propose_discs

    volume = stack_volume(workspace, catalogue.images, each.stack)
    return propose_discs(volume, named, has_l6=has_l6(workspace, each.study.patient_id))


def record_proposals(
    workspace: Workspace,
    found: Iterable[DiscProposal],
    each: CataloguedStack,
    visit_date: date,
    *,
    by: str,
    origin: Origin,
) -> None:
    """Keep proposals beside the decisions; each takes the place of the last one of its level and visit."""
    store = DecisionStore(workspace.readings_folder)
    for disc in found:
        corners = (None, None) if disc.base_plane is None else disc.base_plane.corners_lps
        store.add(
            LevelProposal(
                decision_uid=origin.uid(),
                patient_id=each.study.patient_id,
                level=disc.level,
                visit_date=visit_date,
                stack_uid=each.stack.stack_uid,
                frame_of_reference_uid=each.stack.frame_of_reference_uid,
                point_lps=disc.centre_lps,
                upper_corner_lps=corners[0],
                lower_corner_lps=corners[1],
                is_clear=disc.confidence is Confidence.CLEAR,
                decided_by=by,
                decided_at=origin.now(),
                reason=disc.sentence,
            )
        )


def discs_of_visit(
    workspace: Workspace, catalogue: Catalogue, patient_id: str, visit_date: date
) -> tuple[KnownDisc, ...]:
    """Return the discs that are known at one visit."""
    known = known_discs(workspace, catalogue, patient_id)
    return tuple(disc for disc in known if disc.visit_date == visit_date)


def _refuse_if_outside(proposals: Iterable[DiscProposal], each: CataloguedStack, file: Path) -> None:
    geometry = each.stack.geometry
    last = np.array(geometry.shape_zyx) - 1
    for disc in proposals:
        index = geometry.lps_to_index(disc.centre_lps)
        beyond = np.maximum(np.maximum(-index, index - last), 0.0) * np.array(geometry.spacing_zyx)
        if beyond.max() > OUTSIDE_MM:
            raise GeometryMismatchError(
                f"{file.name}: its disc {disc.level.value} at {point_text(disc.centre_lps)} lies"
                f" {beyond.max():.0f} mm outside of the stack, limit {OUTSIDE_MM:.0f} mm; the map is of other"
                " images, or lost its place in the patient"
            )

"""Recording what a person says of a patient's levels.

A confirmation is locked at its visit: another point for the same level is refused without a word of
why it is replaced. One that contradicts the other visits through the alignments is refused with both
discs and the distances. After a confirmation the other discs are proposed anew.

Public: `confirm_level`, `ConfirmedLevel`, `note_anatomy`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date

from herntrack.catalogue.session import Catalogue
from herntrack.errors import LevelError, RecordNotFoundError
from herntrack.levels.records import Confidence
from herntrack.model.anatomy import Anatomy
from herntrack.model.base_plane import BasePlane, Point
from herntrack.model.images import CataloguedStack
from herntrack.model.level_decisions import AnatomyNote, LevelConfirmation
from herntrack.model.sentences import sentence
from herntrack.model.vocabulary import Level
from herntrack.readings.decisions import DecisionStore
from herntrack.workflows.aligning.said_discs import SaidDisc
from herntrack.workflows.levels.at_visits import KnownDisc, Spine, contradiction
from herntrack.workflows.levels.proposing import (
    PROPOSER,
    count_discs,
    discs_of_visit,
    record_proposals,
    stack_of,
)
from herntrack.workflows.levels.stacks import contains, point_text
from herntrack.workflows.recording import Origin
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace
from herntrack.workflows.workspace_lock import workspace_locked

FARTHEST_CORNER_MM = 40.0
"""No posterior corner lies farther from its disc's centre (mm): half of a large disc's depth is 25 mm."""

SAME_POINT_MM = 1.0
"""A level that is confirmed again within this of its point is confirmed already (mm)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedLevel:
    """A confirmation, the discs known at its visit from then on, and what a person should know.

    `is_new` is False where the same was confirmed before; nothing is recorded then.
    """

    confirmation: LevelConfirmation
    is_new: bool
    discs: tuple[KnownDisc, ...]
    notes: tuple[str, ...]


def confirm_level(
    workspace: Workspace,
    patient_id: str,
    level: Level,
    *,
    reader: str,
    point_lps: Point | None = None,
    stack_uid: str | None = None,
    visit_date: date | None = None,
    corners_lps: tuple[Point, Point] | None = None,
    are_corners_confirmed: bool = False,
    is_replacing: bool = False,
    reason: str = "",
    origin: Origin | None = None,
) -> ConfirmedLevel:
    """Record that a person says which disc a level is, and propose the other discs from it.

    Parameters
    ----------
    workspace : Workspace
        The project.
    patient_id : str
        A patient of the catalogue.
    level : Level
        The disc's name.
    reader : str
        Who says so.
    point_lps : tuple of float, optional
        The disc's centre, LPS mm of the stack; by default where it is proposed or carried.
    stack_uid : str, optional
        What was looked at; by default the visit's best sagittal stack.
    visit_date : date, optional
        The visit; by default that of the stack, else the baseline.
    corners_lps : tuple of two points, optional
        Posterior corners of the bodies above and below that the person vouches for.
    are_corners_confirmed : bool
        Whether the person vouches for the corners that are proposed.
    is_replacing : bool
        Whether an earlier confirmation of this level at this visit is given up.
    reason : str
        Why; needed then.
    origin : Origin, optional
        Clock and identifiers.

    Raises
    ------
    LevelError
        If the level is confirmed elsewhere at this visit, or the name contradicts the discs confirmed
        at this visit, or those of another visit through the alignment.
    RecordNotFoundError
        If there is no such patient, visit or stack, or nothing is proposed that could be confirmed.
    """
    origin = origin or Origin()
    if not reader.strip():
        raise LevelError("a level is confirmed by somebody; give --reader NAME")
    with workspace_locked(workspace.folder), catalogue_of(workspace) as catalogue:
        spine = Spine.of(workspace, catalogue, patient_id)
        pointing = _Pointing(
            point_lps=point_lps,
            corners_lps=corners_lps,
            are_corners_confirmed=are_corners_confirmed,
            stack_uid=stack_uid,
            visit_date=visit_date,
        )
        place = _place(workspace, catalogue, spine, patient_id, level, pointing)
        decision = _drafted(origin, patient_id, level, place, reader=reader.strip(), reason=reason.strip())
        standing = next(
            (
                disc
                for disc in spine.said
                if disc.is_confirmed and disc.level is level and disc.visit_date == place.visit_date
            ),
            None,
        )
        is_new = standing is None or not _is_same(standing, place)
        notes: tuple[str, ...] = ()
        if is_new:
            _refuse_if_locked(standing, place, is_replacing=is_replacing, reason=reason)
            notes = _checked(spine, level, place)
            others = _others(spine, level, place)
            found = count_discs(workspace, catalogue, place.each, {**others, level: place.centre_lps})
            own = next(disc for disc in found if disc.level is level)
            if own.confidence is Confidence.DOUBTFUL:
                notes = (*notes, f"look at {level.value} once more: {own.sentence}")
            if pointing.are_corners_confirmed and decision.upper_corner_lps is None:
                decision = _with_corners(decision, own.base_plane)
            DecisionStore(workspace.readings_folder).add(decision)
            record_proposals(workspace, found, place.each, place.visit_date, by=PROPOSER, origin=origin)
        elif standing is not None:
            notes = (f"{level.value} was confirmed there before, by {standing.by}; nothing is recorded anew",)
        discs = discs_of_visit(workspace, catalogue, patient_id, place.visit_date)
    return ConfirmedLevel(confirmation=decision, is_new=is_new, discs=discs, notes=(*place.notes, *notes))


def note_anatomy(
    workspace: Workspace,
    patient_id: str,
    *,
    anatomy: Anatomy,
    text: str = "",
    reader: str,
    origin: Origin | None = None,
) -> AnatomyNote:
    """Record a patient's transitional anatomy.

    Parameters
    ----------
    workspace : Workspace
        The project.
    patient_id : str
        A patient of the catalogue.
    anatomy : Anatomy
        What it is.
    text : str
        In words; needed where it is `Anatomy.OTHER`.
    reader : str
        Who says so.
    origin : Origin, optional
        Clock and identifiers.

    Raises
    ------
    RecordNotFoundError
        If there is no such patient.
    LevelError
        If nobody is named, or nothing is said.
    """
    origin = origin or Origin()
    if not reader.strip() or (anatomy is Anatomy.OTHER and not text.strip()):
        raise LevelError(
            "a note on anatomy says who looked and what was seen; give --reader NAME and --text, or name it"
            " with --anatomy (herntrack level note --help)"
        )
    with workspace_locked(workspace.folder), catalogue_of(workspace) as catalogue:
        Spine.of(workspace, catalogue, patient_id)
        note = AnatomyNote(
            decision_uid=origin.uid(),
            patient_id=patient_id,
            anatomy=anatomy,
            decided_by=reader.strip(),
            decided_at=origin.now(),
            reason=text.strip(),
        )
        DecisionStore(workspace.readings_folder).add(note)
    return note


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pointing:
    """What a person points at, as `confirm_level` was told."""

    point_lps: Point | None
    corners_lps: tuple[Point, Point] | None
    are_corners_confirmed: bool
    stack_uid: str | None
    visit_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a person says the disc is."""

    each: CataloguedStack
    visit_date: date
    centre_lps: Point
    corners_lps: tuple[Point, Point] | None
    notes: tuple[str, ...] = ()


def _place(  # noqa: PLR0917 - one place in one open project
    workspace: Workspace,
    catalogue: Catalogue,
    spine: Spine,
    patient_id: str,
    level: Level,
    pointing: _Pointing,
) -> _Place:
    each, visit_date = stack_of(
        catalogue,
        spine,
        patient_id,
        stack_uid=pointing.stack_uid,
        visit_date=pointing.visit_date,
        point_lps=pointing.point_lps,
    )
    corners = pointing.corners_lps
    if pointing.point_lps is not None:
        if not contains(each, pointing.point_lps):
            raise LevelError(
                f"the point {point_text(pointing.point_lps)} lies outside of stack {each.stack.stack_uid};"
                " points are LPS millimetres of the scanner, and each visit has its own"
            )
        return _Place(each=each, visit_date=visit_date, centre_lps=pointing.point_lps, corners_lps=corners)
    known = next(
        (
            disc
            for disc in discs_of_visit(workspace, catalogue, patient_id, visit_date)
            if disc.level is level and pointing.stack_uid in {None, disc.stack_uid}
        ),
        None,
    )
    if known is None:
        raise RecordNotFoundError(
            f"nothing proposes {level.value} at the visit on {visit_date}, so say where it is: herntrack"
            f" level confirm --patient {patient_id} --level {level.value} --visit {visit_date} --at X,Y,Z"
            " --reader NAME, a point in the middle of the disc, LPS mm; or click on it in the reading room"
            " (herntrack annotate)"
        )
    if corners is None and pointing.are_corners_confirmed and known.base_plane is not None:
        corners = known.base_plane.corners_lps
    doubt = () if known.is_clear else (f"the proposal was doubtful: {'; '.join(known.notes)}",)
    return _Place(
        each=spine.stacks[known.stack_uid],
        visit_date=visit_date,
        centre_lps=known.centre_lps,
        corners_lps=corners,
        notes=doubt,
    )


def _drafted(
    origin: Origin, patient_id: str, level: Level, place: _Place, *, reader: str, reason: str
) -> LevelConfirmation:
    upper, lower = place.corners_lps or (None, None)
    if upper is not None and lower is not None:
        _refuse_foreign_corners(level, place.centre_lps, upper, lower)
        # Refuses corners that are no plane before anything is recorded.
        BasePlane.from_corners(upper, lower, place.each.stack.geometry)
    return LevelConfirmation(
        decision_uid=origin.uid(),
        patient_id=patient_id,
        level=level,
        visit_date=place.visit_date,
        stack_uid=place.each.stack.stack_uid,
        frame_of_reference_uid=place.each.stack.frame_of_reference_uid,
        point_lps=place.centre_lps,
        upper_corner_lps=upper,
        lower_corner_lps=lower,
        decided_by=reader,
        decided_at=origin.now(),
        reason=reason,
    )


def _refuse_foreign_corners(level: Level, centre: Point, upper: Point, lower: Point) -> None:
    """Refuse corners that are not this disc's, or change places: they bind every outline at the level."""
    for corner in (upper, lower):
        distance = math.dist(corner, centre)
        if not distance <= FARTHEST_CORNER_MM:
            raise LevelError(
                f"the corner {point_text(corner)} lies {distance:.0f} mm from the centre of {level.value} at"
                f" {point_text(centre)}, limit {FARTHEST_CORNER_MM:.0f} mm; give the posterior corners of the"
                " bodies above and below this disc, LPS mm of this visit"
            )
    if upper[2] <= lower[2]:
        raise LevelError(
            f"the upper corner {point_text(upper)} does not lie above the lower one {point_text(lower)};"
            " exchange them"
        )


def _with_corners(decision: LevelConfirmation, plane: BasePlane | None) -> LevelConfirmation:
    if plane is None:
        raise LevelError(
            "the posterior corners are not clear here, so there is nothing to vouch for; give them with"
            " --upper X,Y,Z and --lower X,Y,Z, or confirm the level without --corners"
        )
    upper, lower = plane.corners_lps
    return replace(decision, upper_corner_lps=upper, lower_corner_lps=lower)


def _is_same(standing: SaidDisc, place: _Place) -> bool:
    is_there = math.dist(standing.centre_lps, place.centre_lps) <= SAME_POINT_MM
    return is_there and standing.each.frame == place.each.frame and place.corners_lps is None


def _refuse_if_locked(standing: SaidDisc | None, place: _Place, *, is_replacing: bool, reason: str) -> None:
    if standing is None:
        return
    if not is_replacing or not reason.strip():
        where = f"at {point_text(standing.centre_lps)}"
        if standing.each.frame == place.each.frame:
            where += f", {math.dist(standing.centre_lps, place.centre_lps):.1f} mm from this point"
        raise LevelError(
            sentence(
                "level_locked",
                level=standing.level.value,
                visit=standing.visit_date,
                by=standing.by,
                on=standing.at.date(),
                where=where,
            )
        )


def _checked(spine: Spine, level: Level, place: _Place) -> tuple[str, ...]:
    """Refuse a name that another visit contradicts; return what could not be compared."""
    problem, notes = contradiction(spine, level, place.centre_lps, place.each)
    if problem:
        raise LevelError(
            sentence(
                "level_contradicts",
                level=level.value,
                point=point_text(place.centre_lps),
                problem=problem,
            )
        )
    return notes


def _others(spine: Spine, level: Level, place: _Place) -> dict[Level, Point]:
    """Return the other discs that are confirmed at the same visit, in the same frame."""
    return {
        disc.level: disc.centre_lps
        for disc in spine.said
        if disc.is_confirmed
        and disc.level is not level
        and disc.visit_date == place.visit_date
        and disc.each.frame == place.each.frame
        and contains(place.each, disc.centre_lps)
    }

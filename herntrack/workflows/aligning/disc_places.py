"""Where a patient's discs lie, as far as an alignment has to know.

The centre of a disc is a confirmed level's; else what was read of a lesion there stands in for it: the
middle of its base plane, its clicks or its mask. The region that is aligned around it is large enough
to forgive the difference (`herntrack.alignment.level.RADIUS_MM`).

Public: `disc_places`, `checked_levels`, `disc_conflict`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt

from herntrack.catalogue.session import Catalogue
from herntrack.model.base_plane import Point
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Reading, VisitAlignment
from herntrack.model.sentences import Sentence, sentence
from herntrack.model.vocabulary import Level
from herntrack.workflows.aligning.pairs import StackPair
from herntrack.workflows.aligning.said_discs import SAME_DISC_MM, SaidDisc, confirmed_by_visit, said_discs
from herntrack.workflows.reading_masks import reading_mask
from herntrack.workflows.stack_choice import StackProposal
from herntrack.workflows.workspace import Workspace

FAR_MM = 15.0
"""A disc that is carried further than this from where it was confirmed is another one (mm)."""

CARRIED_MM = 8.0
"""What carrying to another visit, and a point that is not quite the centre, may add to a distance (mm)."""

FAILED = "failed"
"""Verdict of an alignment that nothing may be carried by."""


def disc_places(
    workspace: Workspace,
    catalogue: Catalogue,
    pair: StackPair,
    *,
    proposals: Sequence[StackProposal],
    alignments: Sequence[VisitAlignment],
) -> dict[Level, Point]:
    """Return the centre of each disc that is known at the baseline, in the frame of its stack.

    Parameters
    ----------
    workspace, catalogue : Workspace, Catalogue
        The project, open.
    pair : StackPair
        What is to be aligned.
    proposals : sequence of StackProposal
        The patient's; their references say what was read, and where.
    alignments : sequence of VisitAlignment
        Of earlier visits: a lesion that was first read at one of them is carried back.
    """
    baseline_date, patient_id = pair.baseline.study.study_date, pair.baseline.study.patient_id
    places: dict[Level, Point] = {}
    if baseline_date is not None:
        confirmed = confirmed_by_visit(workspace, catalogue, patient_id)
        places |= confirmed.get((baseline_date, pair.baseline.frame), {})
    for proposal in proposals:
        reference = proposal.reference
        if reference is None or reference.reading is None or proposal.lesion.level in places:
            continue
        to_baseline = _to_baseline(reference.each, pair, alignments)
        place = None if to_baseline is None else _place(workspace, catalogue, reference.reading)
        if place is not None and to_baseline is not None:
            moved = to_baseline[:3, :3] @ place + to_baseline[:3, 3]
            places[proposal.lesion.level] = (float(moved[0]), float(moved[1]), float(moved[2]))
    return places


def checked_levels(
    workspace: Workspace,
    catalogue: Catalogue,
    patient_id: str,
    found: Iterable[VisitAlignment],
    stacks: Mapping[str, CataloguedStack],
) -> list[VisitAlignment]:
    """Return alignments, those failed that put a confirmed disc of the follow-up onto another one.

    Where a level is confirmed at the baseline, the discs that were clearly counted from it count too:
    one locked level is enough to notice that a visit lies one vertebra off.
    """
    said = said_discs(workspace, catalogue, patient_id)
    checked = []
    for each in found:
        before = _clear_discs(said, each.baseline_date, stacks[each.baseline_stack_uid])
        after = _clear_discs(said, each.visit_date, stacks[each.followup_stack_uid])
        named = {disc.level: disc.centre_lps for disc in after if disc.is_confirmed}
        if named and any(disc.is_confirmed for disc in before):
            reasons = _conflicts(each, {disc.level: disc.centre_lps for disc in before}, named)
            if reasons:
                each = replace(  # noqa: PLW2901 - the same alignment, checked
                    each, verdict=FAILED, reasons=(*each.reasons, *reasons), is_overruled=False
                )
        checked.append(each)
    return checked


def disc_conflict(level: Level, there_lps: npt.ArrayLike, places: Mapping[Level, Point]) -> str:
    """Return why a disc is not the one of its name, nor any unnamed one; empty if it may be.

    It may not be where no spine has it either: above a disc that it belongs below, or nearer to one or
    further from it than discs lie.

    Parameters
    ----------
    level : Level
        Its name.
    there_lps : array_like of float, shape (3,)
        Its centre, carried to another visit (LPS mm).
    places : mapping of Level to tuple of float
        The discs of that visit.
    """
    there = np.asarray(there_lps, dtype=np.float64)
    distances = {other: float(np.linalg.norm(there - np.asarray(place))) for other, place in places.items()}
    if level in distances and distances[level] > FAR_MM:
        return sentence("disc_far", level=level.value, mm=f"{distances[level]:.0f}")
    taken = [other for other, distance in distances.items() if distance <= SAME_DISC_MM]
    if level not in distances and taken:
        other = taken[0]
        return sentence("disc_is_other", level=level.value, other=other.value, mm=f"{distances[other]:.0f}")
    return _order_conflict(level, there, places)


def _order_conflict(
    level: Level, there: npt.NDArray[np.float64], places: Mapping[Level, Point]
) -> Sentence | str:
    """Return why a disc cannot lie where it is beside the nearest disc of another name; empty if it can."""
    from herntrack.levels.propose import STEP_LIMITS_MM
    from herntrack.levels.sequence import FIVE_LUMBAR, SIX_LUMBAR

    rows = [(*row, Level.S1_S2) for row in (FIVE_LUMBAR, SIX_LUMBAR)]
    for other in sorted(places, key=lambda each: _steps(rows, level, each) or 0):
        steps = _steps(rows, level, other)
        if not steps:
            continue
        apart = there - np.asarray(places[other], dtype=np.float64)
        is_lower = any(level in row[row.index(other) :] for row in rows if other in row and level in row)
        upper, lower = (other, level) if is_lower else (level, other)
        rise = float(-apart[2] if is_lower else apart[2])
        mm = float(np.linalg.norm(apart))
        if rise <= 0:
            return sentence(
                "disc_order", upper=upper.value, lower=lower.value, rise=f"{-rise:.0f}", mm=f"{mm:.0f}"
            )
        low, high = STEP_LIMITS_MM[0] * steps - CARRIED_MM, STEP_LIMITS_MM[1] * steps + CARRIED_MM
        if not low <= mm <= high:
            return sentence(
                "disc_apart",
                upper=upper.value,
                lower=lower.value,
                mm=f"{mm:.0f}",
                low=f"{low:.0f}",
                high=f"{high:.0f}",
            )
    return ""


def _steps(rows: Iterable[Sequence[Level]], level: Level, other: Level) -> int | None:
    """Return how many discs one is from another; None where no spine has both."""
    return next(
        (abs(row.index(level) - row.index(other)) for row in rows if level in row and other in row), None
    )


def _clear_discs(said: Iterable[SaidDisc], visit_date: date, stack: CataloguedStack) -> list[SaidDisc]:
    """Return the discs of a visit that are confirmed or clear, in the frame of a stack."""
    return [
        disc
        for disc in said
        if disc.visit_date == visit_date and disc.is_clear and disc.each.frame == stack.frame
    ]


def _conflicts(
    each: VisitAlignment, before: Mapping[Level, Point], named: Mapping[Level, Point]
) -> tuple[str, ...]:
    """Return why an alignment cannot be right, a sentence for each disc of the follow-up."""
    from herntrack.alignment.level import check_levels
    from herntrack.workflows.aligning.motions import as_alignment

    aligned = as_alignment(each)
    reasons = check_levels(aligned, baseline_lps=before, followup_lps=named).reasons[len(each.reasons) :]
    if reasons:
        return tuple(reasons)
    far = (disc_conflict(level, aligned.to_baseline(point), before) for level, point in named.items())
    return tuple(reason for reason in far if reason)


def _to_baseline(
    read: CataloguedStack, pair: StackPair, alignments: Sequence[VisitAlignment]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None:
    """Return the motion from where a lesion was read to the baseline of a pair; None if not known."""
    if read.frame == pair.baseline.frame:
        return np.eye(4)
    if read.study.study_date == pair.baseline.study.study_date:
        return None
    for each in alignments:
        if each.level is None and each.visit_date == read.study.study_date and each.verdict != "failed":
            return each.matrix
    return None


def _place(
    workspace: Workspace, catalogue: Catalogue, reading: Reading
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None:
    if reading.base_plane is not None:
        return reading.base_plane.point_lps
    if reading.points_lps:
        return np.asarray(np.mean(reading.points_lps, axis=0), dtype=np.float64)
    if reading.segmentation_file is None:
        return None
    mask, stack = reading_mask(catalogue, workspace, reading)
    if not mask.any():
        return None
    return np.asarray(stack.geometry.index_to_lps(np.argwhere(mask)).mean(axis=0), dtype=np.float64)

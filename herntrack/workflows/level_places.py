"""Where a patient's discs lie, as far as an alignment has to know.

The centre of a disc is a confirmed level's; else what was read of a lesion there stands in for it: the
middle of its base plane, its clicks or its mask. The region that is aligned around it is large enough
to forgive the difference (`herntrack.alignment.level.RADIUS_MM`).

Public: `disc_places`, `checked_levels`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from herntrack.catalogue.session import Catalogue
from herntrack.model.base_plane import Point
from herntrack.model.records import CataloguedStack, Reading, VisitAlignment
from herntrack.model.vocabulary import Level
from herntrack.workflows.alignment_pairs import StackPair, frame_of
from herntrack.workflows.level_records import confirmed_by_visit
from herntrack.workflows.measure import reading_mask
from herntrack.workflows.stack_choice import StackProposal
from herntrack.workflows.workspace import Workspace


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
        places |= confirmed.get((baseline_date, frame_of(pair.baseline)), {})
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
    """Return alignments, those failed that put a confirmed disc of the follow-up onto another one."""
    from herntrack.alignment.level import check_levels
    from herntrack.workflows.motions import as_alignment

    checked = []
    confirmed = confirmed_by_visit(workspace, catalogue, patient_id)
    for each in found:
        baseline = stacks[each.baseline_stack_uid]
        followup = stacks[each.followup_stack_uid]
        before = confirmed.get((each.baseline_date, frame_of(baseline)), {})
        after = confirmed.get((each.visit_date, frame_of(followup)), {})
        if before and after:
            result = check_levels(as_alignment(each), baseline_lps=before, followup_lps=after)
            if len(result.reasons) != len(each.reasons):
                each = replace(  # noqa: PLW2901 - the same alignment, checked
                    each, verdict=str(result.verdict), reasons=result.reasons, is_overruled=False
                )
        checked.append(each)
    return checked


def _to_baseline(
    read: CataloguedStack, pair: StackPair, alignments: Sequence[VisitAlignment]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None:
    """Return the motion from where a lesion was read to the baseline of a pair; None if not known."""
    if frame_of(read) == frame_of(pair.baseline):
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

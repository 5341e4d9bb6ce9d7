"""How to get from one stack of a patient to another of any visit, by the alignments that are stored.

The refinement at a level is used where it holds, else that of the whole spine; one that has failed is
not used at all.

Public: `Motion`, `motion_between`, `as_alignment`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from herntrack._typing import Affine4x4
from herntrack.errors import AlignmentRefusedError
from herntrack.model.images import CataloguedStack
from herntrack.model.records import VisitAlignment
from herntrack.model.sentences import sentence
from herntrack.model.vocabulary import Level

if TYPE_CHECKING:
    from herntrack.alignment.records import Alignment

FAILED = "failed"
"""Verdict of an alignment that nothing may be carried by."""

GOOD = "good"
"""Verdict of an alignment that needs no look."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Motion:
    """A rigid motion between two stacks.

    Parameters
    ----------
    matrix_lps : ndarray of float64, shape (4, 4)
        Takes a point of the second stack to the first, LPS mm.
    alignment_uids : tuple of str
        What it was made from; empty where the two stacks share a frame of reference.
    warnings : tuple of str
        Why it should be looked at; empty if it is good.
    """

    matrix_lps: Affine4x4
    alignment_uids: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def motion_between(
    first: CataloguedStack,
    second: CataloguedStack,
    *,
    level: Level | None,
    alignments: Sequence[VisitAlignment],
    stacks: Mapping[str, CataloguedStack],
) -> Motion:
    """Return the motion from the second stack to the first.

    Parameters
    ----------
    first, second : CataloguedStack
        Of one patient, of any visit.
    level : Level or None
        The disc near which it has to hold.
    alignments : sequence of VisitAlignment
        The patient's, as `stored_alignments` returns them.
    stacks : mapping from str
        The patient's stacks by UID.

    Raises
    ------
    AlignmentRefusedError
        If an alignment that is needed is missing or has failed; the message says what to do.
    """
    if first.frame == second.frame:
        return Motion(matrix_lps=np.eye(4))
    baseline_dates = {each.baseline_date for each in alignments}
    steps: list[VisitAlignment] = []
    matrices: list[Affine4x4] = []
    frames: list[str] = []
    for each, other in ((first, second), (second, first)):
        if each.study.study_date in baseline_dates:
            matrices.append(np.eye(4))
            frames.append(each.frame)
            continue
        wanted = other.frame if other.study.study_date in baseline_dates else None
        chosen = _chosen(each, wanted, level, alignments, stacks)
        steps.append(chosen)
        matrices.append(chosen.matrix)
        frames.append(stacks[chosen.baseline_stack_uid].frame)
    if frames[0] != frames[1]:
        raise AlignmentRefusedError(
            f"stacks {first.stack.stack_uid} and {second.stack.stack_uid} are joined by no frame of reference"
            " of the baseline; choose stacks of the study's common frame of reference"
        )
    return Motion(
        matrix_lps=np.asarray(np.linalg.inv(matrices[0]) @ matrices[1], dtype=np.float64),
        alignment_uids=tuple(step.alignment_uid for step in steps),
        warnings=tuple(_warning(step) for step in steps if step.verdict != GOOD),
    )


def as_alignment(stored: VisitAlignment) -> Alignment:
    """Return a stored alignment as the algorithms take it."""
    from herntrack.alignment.records import Alignment, Verdict

    return Alignment(
        matrix_lps=stored.matrix,
        residual_mm=math.inf if stored.residual_mm is None else stored.residual_mm,
        overlap=stored.overlap,
        agreement=stored.agreement,
        runner_up=stored.runner_up,
        runner_up_mm=stored.runner_up_mm,
        verdict=Verdict(stored.verdict),
        reasons=stored.reasons,
        is_overruled=stored.is_overruled,
    )


def _chosen(
    each: CataloguedStack,
    baseline_frame: str | None,
    level: Level | None,
    alignments: Sequence[VisitAlignment],
    stacks: Mapping[str, CataloguedStack],
) -> VisitAlignment:
    """Return the alignment of a follow-up stack's frame, the refined one if it holds."""
    visit_date, patient_id = each.study.study_date, each.study.patient_id
    found = [
        alignment
        for alignment in alignments
        if alignment.visit_date == visit_date
        and stacks[alignment.followup_stack_uid].frame == each.frame
        and baseline_frame in {None, stacks[alignment.baseline_stack_uid].frame}
    ]
    whole = next((alignment for alignment in found if alignment.level is None), None)
    if whole is None:
        raise AlignmentRefusedError(sentence("not_aligned", visit=visit_date, patient=patient_id))
    if whole.verdict == FAILED:
        raise AlignmentRefusedError(
            sentence(
                "alignment_failed",
                visit=visit_date,
                patient=patient_id,
                detail="; ".join(whole.reasons),
            )
        )
    local = next((alignment for alignment in found if level is not None and alignment.level is level), None)
    return whole if local is None or local.verdict == FAILED else local


def _warning(step: VisitAlignment) -> str:
    where = f"{step.visit_date}" if step.level is None else f"{step.visit_date} at {step.level}"
    return sentence("alignment_to_check", where=where, detail="; ".join(step.reasons))

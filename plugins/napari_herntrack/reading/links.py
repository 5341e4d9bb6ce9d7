"""How the visit that is read lies to the baseline: the alignment, and a reader's word on it.

Public: `LinkKnown`, `link_known`, `overrule_link`.
"""

from __future__ import annotations

from dataclasses import dataclass

from herntrack.model.records import VisitAlignment
from herntrack.model.sentences import recognised
from herntrack.model.vocabulary import Level
from herntrack.workflows.aligning.standing import VERDICTS, overrule_alignment, stored_alignments
from herntrack.workflows.listings.worklist import WorkItem
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace

GOOD, CHECK, FAILED = VERDICTS


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkKnown:
    """The alignment that carries points of a visit to the baseline.

    Parameters
    ----------
    verdict : str
        One of `VERDICTS`.
    residual_mm : float or None
        What is left of the distance after it (mm).
    level : Level or None
        The disc it was refined at; None where the whole spine's is used.
    reasons : tuple of str
        Why it has this verdict, sentences of the engine.
    is_overruled : bool
        Whether a person said so.
    """

    verdict: str
    residual_mm: float | None
    level: Level | None
    reasons: tuple[str, ...] = ()
    is_overruled: bool = False


def link_known(workspace: Workspace, item: WorkItem) -> LinkKnown | None:
    """Return the alignment of a row's visit; None at the baseline and where there is none."""
    if item.day <= 0:
        return None
    whole, local = _found(workspace, item)
    if whole is None:
        return None
    # As motions choose: a failed whole refuses all, a failed refinement leaves the whole.
    used = whole if whole.verdict == FAILED or local is None or local.verdict == FAILED else local
    return LinkKnown(
        verdict=used.verdict,
        residual_mm=used.residual_mm,
        level=used.level,
        reasons=tuple(map(recognised, used.reasons)),
        is_overruled=used.is_overruled,
    )


def overrule_link(
    workspace: Workspace, item: WorkItem, *, verdict: str, reader: str, reason: str
) -> LinkKnown | None:
    """Record a reader's verdict on the alignment of a visit and return what counts then.

    An alignment that is called failed has failed as a whole and at the lesion's disc; any other word is
    on the one that is used.

    Raises
    ------
    RecordNotFoundError
        If there is none.
    ReadingError
        If the verdict is none, or reader or reason are missing.
    """
    whole, local = _found(workspace, item)
    used = link_known(workspace, item)
    levels: list[Level | None] = [None if used is None else used.level]
    if verdict == FAILED:
        levels = [each.level for each in (whole, local) if each is not None] or levels
    for level in levels:
        overrule_alignment(
            workspace,
            item.patient_id,
            item.visit_date,
            level=level,
            verdict=verdict,
            reader=reader,
            reason=reason,
        )
    return link_known(workspace, item)


def _found(workspace: Workspace, item: WorkItem) -> tuple[VisitAlignment | None, VisitAlignment | None]:
    """Return the alignment of the whole spine and the one at the lesion's disc; of several the worst."""
    with catalogue_of(workspace) as catalogue:
        found = [
            each
            for each in stored_alignments(workspace, catalogue, item.patient_id)
            if each.visit_date == item.visit_date
        ]

    def worst(level: Level | None) -> VisitAlignment | None:
        of_level = [each for each in found if each.level is level]
        return max(of_level, key=lambda each: VERDICTS.index(each.verdict), default=None)

    return worst(None), None if item.level is None else worst(item.level)

"""What is carried forward to a follow-up, and onto which of its stacks.

The stack is the visit's most comparable one; where that does not show the place of the fragment, the
next one of the same weighting that does.

Public: `CarryCase`, `cases_to_carry`, `carry`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from herntrack._typing import MaskZYX
from herntrack.catalogue.session import Catalogue
from herntrack.errors import GeometryError, HerntrackError, ReadingError, RemnantInDoubtError
from herntrack.model.base_plane import BasePlane
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Lesion, Reading, VisitAlignment
from herntrack.model.sentences import sentence
from herntrack.model.vocabulary import Comparability, ReadingStatus
from herntrack.volumetrics.comparability import weighting_kind
from herntrack.workflows.aligning.motions import Motion, motion_between
from herntrack.workflows.stack_choice import StackProposal

if TYPE_CHECKING:
    from herntrack.imaging.volume import Volume
    from herntrack.segmentation.one_click import Proposal

CARRIED = "carried forward"
"""How the source of a carried reading begins; what aligned it follows."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CarryCase:
    """One lesion's outline, and where it is carried.

    Parameters
    ----------
    lesion : Lesion
        The lesion.
    start : Reading
        The reading whose outline is carried.
    read_on, target : CataloguedStack
        What it was made on, and what it is carried to.
    motion : Motion
        From the target to `read_on`.
    remarks : tuple of str
        What to know of the choice, sentences.
    """

    lesion: Lesion
    start: Reading
    read_on: CataloguedStack
    target: CataloguedStack
    motion: Motion
    remarks: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """How the new reading comes about; another alignment makes it another one."""
        return f"{CARRIED} by {' '.join(self.motion.alignment_uids) or 'the common frame of reference'}"


def cases_to_carry(
    catalogue: Catalogue,
    each: StackProposal,
    *,
    alignments: Sequence[VisitAlignment],
    stacks: Mapping[str, CataloguedStack],
) -> list[CarryCase]:
    """Return the ways to carry a lesion's outline to a visit, the best stack first; at least one.

    Parameters
    ----------
    catalogue : Catalogue
        An open catalogue.
    each : StackProposal
        The lesion's stacks at the visit.
    alignments, stacks
        The patient's; see `motion_between`.

    Raises
    ------
    ReadingError
        If there is no outline to carry, or no stack to carry it to.
    AlignmentRefusedError
        If the visits are not aligned.
    """
    reference = each.reference
    if reference is None or reference.reading is None:
        raise ReadingError(sentence("baseline_not_read"))
    start = catalogue.followup.reading(reference.reading.reading_uid)
    if start.status is not ReadingStatus.PRESENT:
        raise ReadingError(sentence("nothing_to_carry", visit=start.visit_date, status=start.status))
    cases: list[CarryCase] = []
    for target in _targets(each, reference.each):
        motion = motion_between(
            reference.each, target, level=each.lesion.level, alignments=alignments, stacks=stacks
        )
        remark = (
            f"The most comparable stack does not show the fragment's place; this is the {target.stack.plane}"
            " one."
        )
        cases.append(
            CarryCase(
                lesion=each.lesion,
                start=start,
                read_on=reference.each,
                target=target,
                motion=motion,
                remarks=(remark,) if cases else (),
            )
        )
    return cases


def carry(
    cases: Sequence[CarryCase],
    mask: MaskZYX,
    *,
    plane: BasePlane | None,
    volume_of: Callable[[CataloguedStack], Volume],
) -> tuple[CarryCase, Proposal]:
    """Carry an outline forward in the first way that shows its place.

    Parameters
    ----------
    cases : sequence of CarryCase
        As `cases_to_carry` returns them.
    mask : ndarray of bool, shape (n_slices, n_rows, n_cols)
        The outline on the grid of the stack it was made on.
    plane : BasePlane or None
        Its base plane.
    volume_of : callable
        Returns a stack's intensities.

    Raises
    ------
    GeometryError
        If no stack shows it; the message is that of the most comparable one.
    RemnantInDoubtError
        If a stack shows what may be a remnant or not, and none shows one.
    """
    from herntrack.segmentation.carry_forward import carry_forward

    refused: HerntrackError | None = None
    for case in cases:
        try:
            made = carry_forward(
                volume_of(case.read_on),
                mask,
                volume_of(case.target),
                case.motion.matrix_lps,
                base_plane=plane,
            )
        except RemnantInDoubtError as error:
            refused = error
            continue
        except GeometryError as error:
            refused = refused or error
            continue
        if isinstance(refused, RemnantInDoubtError) and not made.mask.any():
            # One stack shows nothing, another what may be a remnant: that it is gone is not sure.
            continue
        return case, made
    raise refused or GeometryError("there is no stack to carry the outline to")


def _targets(each: StackProposal, read_on: CataloguedStack) -> list[CataloguedStack]:
    """Return the visit's stacks that an outline may be carried to, the most comparable first."""
    allowed = [ranked for ranked in each.ranked if ranked.comparison.grade is not Comparability.REFUSED]
    if not allowed:
        why = "; ".join(each.ranked[0].reasons) if each.ranked else "it has no stack"
        raise ReadingError(sentence("none_comparable", detail=why))
    kind = weighting_kind(read_on.stack.weighting)
    found = [ranked.each for ranked in allowed if weighting_kind(ranked.each.stack.weighting) is kind]
    if not found:
        best = allowed[0].each.stack.weighting
        raise ReadingError(sentence("other_weighting", weighting=read_on.stack.weighting, best=best))
    regular = [target for target in found if target.stack.is_regular]
    if not regular:
        raise ReadingError(f"the visit's stack cannot be measured on: {'; '.join(found[0].stack.problems)}")
    return regular

"""Which stack of a visit a lesion is best read on.

Stacks are ranked by `herntrack.volumetrics.comparability`, the comparison that also decides
the error of a change: the first is the one that the baseline's reading is best compared
with. Where nothing was read yet, the stack to begin with is chosen so that most visits can be
compared with it, and the later visits are ranked against that choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from herntrack.catalogue.session import Catalogue
from herntrack.errors import AmbiguousChoiceError, RecordNotFoundError
from herntrack.model.images import CataloguedStack
from herntrack.model.records import Lesion, Reading, Visit
from herntrack.model.vocabulary import Comparability, ImageRole, ReadingStatus, Weighting
from herntrack.volumetrics.comparability import (
    ProtocolComparison,
    closeness,
    compare_protocols,
    unfitness,
    weighting_kind,
)
from herntrack.volumetrics.records import PLANE_PREFERENCE, baseline_of_record
from herntrack.volumetrics.rules import RuleSet, load_rules
from herntrack.workflows.patients.visits import confirmed_baselines
from herntrack.workflows.reading_facts import protocol_of_stack, reading_fact
from herntrack.workflows.session import catalogue_of
from herntrack.workflows.workspace import Workspace

WEIGHTING_PREFERENCE = (
    Weighting.T2,
    Weighting.CT_SOFT,
    Weighting.T2_FAT_SATURATED,
    Weighting.PD,
    Weighting.T1,
    Weighting.T1_CONTRAST_ENHANCED,
    Weighting.CT_BONE,
)
"""Weightings where nothing was read yet: bright fluid borders disc material best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The stack that the others are compared with.

    `reading` is None if nothing was read yet: the stack is then the proposed beginning.
    """

    each: CataloguedStack
    reading: Reading | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedStack:
    """One stack of a visit, how it compares with the reference, and its missing images."""

    each: CataloguedStack
    comparison: ProtocolComparison
    n_missing: int = 0

    @property
    def reasons(self) -> tuple[str, ...]:
        """What to know of it: differences with their numbers, slices and files that lack."""
        lacking = (f"{self.n_missing} image(s) are not where they were",) if self.n_missing else ()
        return (*self.comparison.texts, *self.each.stack.problems, *lacking)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackProposal:
    """The stacks of one visit for one lesion, the most comparable first."""

    lesion: Lesion
    visit: Visit
    reference: Reference | None
    ranked: tuple[RankedStack, ...]

    @property
    def proposed(self) -> RankedStack | None:
        """The stack to measure on; None if none of the visit may be compared."""
        first = self.ranked[0] if self.ranked else None
        return None if first is None or first.comparison.grade is Comparability.REFUSED else first

    def ranked_stack(self, stack_uid: str | None) -> RankedStack | None:
        """Return a stack of the visit with its comparison; None if it is none of the visit's."""
        return next((each for each in self.ranked if each.each.stack.stack_uid == stack_uid), None)


def proposed_stacks(
    workspace: Workspace, *, patient_id: str | None = None, lesion_uid: str | None = None
) -> list[StackProposal]:
    """Return the ranked stacks of every visit for each lesion.

    Parameters
    ----------
    workspace : Workspace
        The project.
    patient_id, lesion_uid : str, optional
        Only these.

    Raises
    ------
    RecordNotFoundError
        If there is no such lesion.
    """
    rules = load_rules(workspace.rules_source)
    with catalogue_of(workspace) as catalogue:
        lesions = catalogue.followup.lesions(patient_id)
        if lesion_uid is not None:
            lesions = [catalogue.followup.lesion(lesion_uid)]
        primary = workspace.settings.primary_reader or None
        return [
            proposal
            for lesion in lesions
            for proposal in proposals_of_lesion(catalogue, lesion, rules, primary_reader=primary)
        ]


def proposals_of_lesion(
    catalogue: Catalogue, lesion: Lesion, rules: RuleSet, *, primary_reader: str | None = None
) -> list[StackProposal]:
    """Return the ranked stacks of each of a patient's visits for one lesion."""
    stacks = catalogue.images.stacks(patient_id=lesion.patient_id)
    visits = catalogue.images.visits(lesion.patient_id)
    at_visit = {
        visit.visit_date: [each for each in stacks if each.study.study_date == visit.visit_date]
        for visit in visits
    }
    reference = _read_reference(catalogue, lesion, stacks, primary_reader)
    if reference is None:
        followed = [at_visit[visit.visit_date] for visit in visits if visit.day >= 0]
        reference = _proposed_reference(followed, rules)
    counts = catalogue.images.image_counts(lesion.patient_id)
    missing = {stack: count.missing for (_, stack), count in counts.items() if stack is not None}
    return [
        StackProposal(
            lesion=lesion,
            visit=visit,
            reference=reference,
            ranked=()
            if reference is None
            else rank_stacks(
                at_visit[visit.visit_date], reference.each, rules, missing=missing, among=stacks
            ),
        )
        for visit in visits
    ]


def rank_stacks(
    stacks: Sequence[CataloguedStack],
    reference: CataloguedStack,
    rules: RuleSet,
    *,
    missing: Mapping[str, int],
    among: Sequence[CataloguedStack],
) -> tuple[RankedStack, ...]:
    """Return stacks by how well they compare with a reference, the best first.

    Parameters
    ----------
    stacks : sequence of CataloguedStack
        Of one visit.
    reference : CataloguedStack
        What they are compared with.
    rules : RuleSet
        Tolerances.
    missing : mapping from str to int
        Images whose files are gone, by stack.
    among : sequence of CataloguedStack
        All stacks of the patient, to count the blocks of a series.
    """
    protocol = protocol_of_stack(reference)
    block = _block_from_feet(reference, among)
    refused = tuple(Comparability).index(Comparability.REFUSED)

    def rank(each: CataloguedStack) -> tuple[object, ...]:
        alike = closeness(protocol_of_stack(each), protocol, rules)
        is_other = each.stack.stack_uid != reference.stack.stack_uid
        n_missing = missing.get(each.stack.stack_uid, 0)
        # Angled blocks of one series have one protocol; each belongs to the disc of the same rank.
        other_block = abs(_block_from_feet(each, among) - block)
        is_elsewhere = each.stack.is_lumbar is False and reference.stack.is_lumbar is not False
        is_refused = alike[0] == refused
        place = (alike[0], is_other, *alike[1:], n_missing, other_block, each.stack.stack_uid)
        return (is_refused, is_elsewhere, *place)

    return tuple(
        RankedStack(
            each=each,
            comparison=compare_protocols(protocol_of_stack(each), protocol, rules),
            n_missing=missing.get(each.stack.stack_uid, 0),
        )
        for each in sorted(stacks, key=rank)
    )


def choose_stack_for_visit(
    catalogue: Catalogue,
    lesion: Lesion,
    visit_date: date,
    *,
    stack_uid: str | None,
    must_be_regular: bool,
    rules: RuleSet | None = None,
) -> CataloguedStack:
    """Return the stack that was named, else the visit's most comparable one.

    Parameters
    ----------
    catalogue : Catalogue
        An open catalogue.
    lesion : Lesion
        The lesion.
    visit_date : date
        The visit.
    stack_uid : str or None
        The person's choice.
    must_be_regular : bool
        Leave out stacks with missing or uneven slices: a lesion cannot be said to be
        absent where part of the level was not imaged.
    rules : RuleSet, optional
        Tolerances; by default those that ship with herntrack.

    Raises
    ------
    RecordNotFoundError
        If the visit has no (usable) stack.
    AmbiguousChoiceError
        If stacks of several modalities fit and nothing says which was read.
    """
    candidates = catalogue.images.stacks(patient_id=lesion.patient_id, study_date=visit_date)
    if not candidates:
        dates = ", ".join(str(visit.visit_date) for visit in catalogue.images.visits(lesion.patient_id))
        raise RecordNotFoundError(
            f"patient {lesion.patient_id} has no visit on {visit_date}; visits: {dates or 'none'}"
        )
    if stack_uid is not None:
        for each in candidates:
            if each.stack.stack_uid != stack_uid:
                continue
            if must_be_regular and not each.stack.is_regular:
                raise RecordNotFoundError(
                    f"stack {stack_uid} covers no volume ({'; '.join(each.stack.problems)}), so no lesion can"
                    " be called absent on it; record it with: herntrack read unevaluable"
                )
            return each
        raise RecordNotFoundError(
            f"stack {stack_uid} is not of patient {lesion.patient_id}'s visit on {visit_date}"
        )
    usable = [each for each in candidates if each.stack.is_regular or not must_be_regular]
    if not usable:
        problems = "; ".join(sorted({problem for each in candidates for problem in each.stack.problems}))
        raise RecordNotFoundError(
            f"no stack of the visit on {visit_date} covers a volume ({problems}); record it with:"
            " herntrack read unevaluable"
        )
    stacks = catalogue.images.stacks(patient_id=lesion.patient_id)
    reference = _read_reference(catalogue, lesion, stacks, None)
    rules = rules or load_rules()
    if reference is None:
        _refuse_several_modalities(usable)
        reference = _proposed_reference([usable], rules)
    if reference is None:
        return usable[0]
    return rank_stacks(usable, reference.each, rules, missing={}, among=stacks)[0].each


def _read_reference(
    catalogue: Catalogue, lesion: Lesion, stacks: Sequence[CataloguedStack], primary_reader: str | None
) -> Reference | None:
    """Return the stack of the baseline's reading; of the last standing one if readers disagree."""
    by_uid = {each.stack.stack_uid: each for each in stacks}
    day_0 = confirmed_baselines(catalogue.images.visits(lesion.patient_id)).get(lesion.patient_id, date.min)
    readings = {
        reading.reading_uid: reading
        for reading in catalogue.followup.readings(lesion.lesion_uid, is_current=True)
        if reading.stack_uid in by_uid and reading.visit_date >= day_0
    }
    by_date: dict[date, list[Reading]] = {}
    for reading in readings.values():
        by_date.setdefault(reading.visit_date, []).append(reading)
    judged = [
        found
        for _, found in sorted(by_date.items())
        if any(reading.status is not ReadingStatus.NOT_EVALUABLE for reading in found)
    ] or [found for _, found in sorted(by_date.items())]
    if not judged:
        return None
    fact = baseline_of_record(
        [
            [reading_fact(reading, None, by_uid[reading.stack_uid or ""]) for reading in found]
            for found in judged
        ],
        primary_reader=primary_reader,
    )
    reading = judged[-1][-1] if fact is None else readings[fact.reading_uid]
    return Reference(each=by_uid[reading.stack_uid or ""], reading=reading)


def _proposed_reference(visits: Sequence[Sequence[CataloguedStack]], rules: RuleSet) -> Reference | None:
    """Return the stack of the first visit with any that reading had best begin with."""
    imaged = [stacks for stacks in visits if stacks]
    if not imaged:
        return None
    first, later = imaged[0], imaged[1:]

    def rank(each: CataloguedStack) -> tuple[object, ...]:
        protocol = protocol_of_stack(each)
        grades = [
            {compare_protocols(protocol_of_stack(other), protocol, rules).grade for other in stacks}
            for stacks in later
        ]
        spacing = each.stack.geometry.spacing_zyx
        return (
            bool(unfitness(protocol)),
            protocol.slice_spacing_mm is None,
            protocol.is_lumbar is not True,
            -sum(grade != {Comparability.REFUSED} for grade in grades),
            tuple(ImageRole).index(protocol.role),
            _place(weighting_kind(protocol.weighting), WEIGHTING_PREFERENCE),
            _place(protocol.plane, PLANE_PREFERENCE),
            -sum(Comparability.SAME in grade for grade in grades),
            round(spacing[0] * spacing[1] * spacing[2], 3),
            each.stack.stack_uid,
        )

    return Reference(each=min(first, key=rank), reading=None)


def _place(value: object, preference: Sequence[object]) -> int:
    return preference.index(value) if value in preference else len(preference)


def _block_from_feet(each: CataloguedStack, among: Sequence[CataloguedStack]) -> int:
    """Return how many stacks of the same series and plane lie further towards the feet."""

    def height_mm(other: CataloguedStack) -> float:
        return float(other.stack.geometry.corners_lps()[:, 2].mean())

    return sum(
        height_mm(other) < height_mm(each)
        for other in among
        if other.series.series_instance_uid == each.series.series_instance_uid
        and other.stack.plane is each.stack.plane
    )


def _refuse_several_modalities(usable: Sequence[CataloguedStack]) -> None:
    modalities = sorted({str(each.series.modality) for each in usable})
    if len(modalities) > 1:
        options = "; ".join(f"--stack {each.stack.stack_uid} ({each.series.modality})" for each in usable)
        raise AmbiguousChoiceError(
            f"the visit has {' and '.join(modalities)} and the lesion was not read before;"
            f" name one: {options}"
        )

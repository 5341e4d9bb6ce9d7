"""What a draft means while it is painted: volume, change, visit state, outcome.

The stored readings are prepared once for an opened visit. Each stroke then brings only a new number
of voxels: the volume is a product, and change, state and outcome are decided from a handful of
volumes, with the rules' own code and without a query. Volumes, errors and changes are those that a
report would state if the draft were stored as it is.

Public: `LiveNumbers`, `LiveContext`, `LivePicture`, `CoursePoint`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from herntrack.model.vocabulary import Horizon, OutcomeClass, ReadingStatus, VisitState
from herntrack.volumetrics.decision import Ground
from herntrack.volumetrics.error_model import Z_95_TWO_SIDED, VolumeChange
from herntrack.volumetrics.followup import LesionFollowUp, ReadingFact, build_followup, stated_sigma_mm3
from herntrack.volumetrics.outcome import OutcomeDecision, decide_outcome, decide_visit_state
from herntrack.volumetrics.rules import RuleSet
from herntrack.volumetrics.stability import Stability, outcome_stability
from herntrack.volumetrics.visits import compare_with_baseline, why_no_state


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveContext:
    """What is known before the first stroke.

    Parameters
    ----------
    rules : RuleSet
        Error model and thresholds.
    voxel_volume_mm3 : float
        Of the stack that is painted on (mm3).
    draft : ReadingFact
        The reading that is being made; its volume and status are filled in with every update.
    stored : tuple of ReadingFact
        The lesion's other standing readings, without those that the draft will replace.
    primary_reader : str or None
        The reader whose readings go before all others.
    confirmed_day_0 : date or None
        The visit that a person chose as day 0; readings before it do not count.
    """

    rules: RuleSet
    voxel_volume_mm3: float
    draft: ReadingFact
    stored: tuple[ReadingFact, ...] = ()
    primary_reader: str | None = None
    confirmed_day_0: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoursePoint:
    """One visit on the lesion's course.

    Parameters
    ----------
    visit_date : date
    day : int
        Days from the lesion's baseline.
    volume_mm3, low_mm3, high_mm3 : float or None
        Volume and its 95 % interval (mm3), never below 0; None where nothing is measured.
    state : VisitState or None
        Against the baseline; None for a visit after surgery or of no use.
    is_draft : bool
        Whether it is the visit being read.
    is_proposed : bool
        Whether no reader has accepted it yet.
    """

    visit_date: date
    day: int
    volume_mm3: float | None
    low_mm3: float | None
    high_mm3: float | None
    state: VisitState | None
    is_draft: bool
    is_proposed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePicture:
    """Everything the panel shows.

    Parameters
    ----------
    volume_mm3, sigma_mm3 : float or None
        Of the draft (mm3); None for a visit that is not evaluable. The error is that of the comparison
        with the baseline.
    own_sigma_mm3 : float or None
        The error of a repeat by the same reader (mm3), which tells nothing of other visits.
    change : VolumeChange or None
        Against the baseline; None at the baseline or where nothing may be compared.
    state : VisitState or None
        Of the visit; None before the day 0 that a person chose, and for a blinded reader.
    problems : tuple of str
        Why nothing may be compared, as `herntrack.volumetrics.visits` names it.
    is_of_record : bool
        Whether the draft is what decides its visit; else another reader or stack goes before it.
    points : tuple of CoursePoint
        The course, in the order of the visits.
    outcome : OutcomeClass or None
        Up to the latest visit.
    reason : str
        The rule that decided, in words.
    reason_key : str
        Which rule that is, for other languages.
    reason_numbers : mapping from str to str
        The thresholds in the reason.
    flags : tuple of str
        What else to know of the outcome.
    """

    volume_mm3: float | None
    sigma_mm3: float | None
    own_sigma_mm3: float | None = None
    change: VolumeChange | None = None
    state: VisitState | None = None
    problems: tuple[str, ...] = ()
    is_of_record: bool = True
    points: tuple[CoursePoint, ...] = ()
    outcome: OutcomeClass | None = None
    reason: str = ""
    reason_key: str = ""
    reason_numbers: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    def blinded(self) -> LivePicture:
        """Return what a blinded reader may see: the volume and its own error, nothing of other visits."""
        own = self.own_sigma_mm3
        return LivePicture(volume_mm3=self.volume_mm3, sigma_mm3=own, own_sigma_mm3=own)


class LiveNumbers:
    """Numbers of a draft, updated with every stroke.

    Parameters
    ----------
    context : LiveContext
        What is known before the first stroke.
    """

    def __init__(self, context: LiveContext) -> None:
        self._context = context
        day_0 = context.confirmed_day_0
        self._stored = tuple(fact for fact in context.stored if day_0 is None or fact.visit_date >= day_0)
        rules = context.rules
        self._reason_keys = {ground.reason(rules): ground.name.lower() for ground in Ground}
        self._thresholds = {
            "resorption": f"{100 * rules.resorption_fraction:g}",
            "regain": f"{100 * rules.regain_fraction:g}",
            "landmark": str(rules.landmark_day),
        }
        self._counts = day_0 is None or context.draft.visit_date >= day_0

    @property
    def context(self) -> LiveContext:
        """What was known before the first stroke."""
        return self._context

    def update(
        self, n_voxels: int, status: ReadingStatus = ReadingStatus.PRESENT, *, is_proposed: bool = False
    ) -> LivePicture:
        """Return the numbers of the draft as it is now.

        Parameters
        ----------
        n_voxels : int
            Voxels of the mask; what an absent reading leaves of it is its residue.
        status : ReadingStatus
            What the reader says so far.
        is_proposed : bool
            Whether it still is a proposal that nobody accepted and nobody changed.
        """
        draft = self._draft(n_voxels, status, is_proposed=is_proposed)
        rules = self._context.rules
        followup = self._followup(draft)
        baseline_fact = None if followup is None else followup.baseline_fact
        picture = LivePicture(
            volume_mm3=draft.volume_mm3,
            sigma_mm3=stated_sigma_mm3(draft, baseline_fact, rules),
            own_sigma_mm3=stated_sigma_mm3(draft, None, rules),
        )
        if not self._counts or followup is None:
            return picture
        decision = self._decide(followup)
        return replace(
            self._compared(picture, draft),
            is_of_record=self._is_of_record(followup),
            points=self._points(followup),
            outcome=decision.outcome,
            reason=decision.reason,
            reason_key=self._reason_keys[decision.reason],
            reason_numbers=self._thresholds,
            flags=tuple(str(flag) for flag in decision.flags),
        )

    def stability(self, n_voxels: int, status: ReadingStatus = ReadingStatus.PRESENT) -> Stability | None:
        """Return how sure the outcome is; takes some milliseconds, so not with every stroke."""
        followup = self._followup(self._draft(n_voxels, status))
        if not self._counts or followup is None:
            return None
        return outcome_stability(followup.baseline, followup.visits, self._context.rules)

    def _draft(self, n_voxels: int, status: ReadingStatus, *, is_proposed: bool = False) -> ReadingFact:
        is_measured = status is not ReadingStatus.NOT_EVALUABLE
        volume = n_voxels * self._context.voxel_volume_mm3 if is_measured else None
        return replace(self._context.draft, status=status, volume_mm3=volume, is_proposed=is_proposed)

    def _followup(self, draft: ReadingFact, *, is_alone: bool = False) -> LesionFollowUp | None:
        """Return the follow-up with the draft, unless that lies before day 0; None if nothing is left."""
        others: Sequence[ReadingFact] = self._stored
        if is_alone:
            others = [fact for fact in others if fact.visit_date != draft.visit_date]
        facts = [*others, draft] if self._counts else [*others]
        if not facts:
            return None
        return build_followup(facts, self._context.rules, primary_reader=self._context.primary_reader)

    def _decide(self, followup: LesionFollowUp) -> OutcomeDecision:
        return decide_outcome(followup.baseline, followup.visits, self._context.rules, horizon=Horizon.LATEST)

    def _compared(self, picture: LivePicture, draft: ReadingFact) -> LivePicture:
        """Compare the draft with the baseline, whoever else read its visit."""
        rules = self._context.rules
        followup = self._followup(draft, is_alone=True)
        if followup is None or followup.baseline_date == draft.visit_date:
            problems = () if followup is None else followup.baseline.problems
            return replace(picture, state=VisitState.BASELINE, problems=problems)
        baseline = followup.baseline
        visit = next(each.visit for each in followup.records if each.visit_date == draft.visit_date)
        return replace(
            picture,
            change=compare_with_baseline(baseline, visit, rules),
            state=decide_visit_state(baseline, visit, rules),
            problems=(*why_no_state(baseline, visit, rules), *baseline.problems),
        )

    def _is_of_record(self, followup: LesionFollowUp) -> bool:
        draft = self._context.draft
        facts = [followup.baseline_fact, *(record.fact for record in followup.records)]
        return any(fact is not None and fact.reading_uid == draft.reading_uid for fact in facts)

    def _points(self, followup: LesionFollowUp) -> tuple[CoursePoint, ...]:
        baseline, rules = followup.baseline, self._context.rules
        facts = [(followup.baseline_date, 0, followup.baseline_fact, VisitState.BASELINE)]
        facts += [
            (each.visit_date, each.visit.day, each.fact, decide_visit_state(baseline, each.visit, rules))
            for each in followup.records
        ]
        return tuple(self._point(*each, followup.baseline_fact) for each in facts)

    def _point(
        self,
        visit_date: date,
        day: int,
        fact: ReadingFact | None,
        state: VisitState,
        baseline_fact: ReadingFact | None,
    ) -> CoursePoint:
        volume = low = high = None
        error = None if fact is None else stated_sigma_mm3(fact, baseline_fact, self._context.rules)
        if fact is not None and error is not None:
            volume = fact.volume_mm3 or 0.0
            low, high = max(0.0, volume - Z_95_TWO_SIDED * error), volume + Z_95_TWO_SIDED * error
        return CoursePoint(
            visit_date=visit_date,
            day=day,
            volume_mm3=volume,
            low_mm3=low,
            high_mm3=high,
            state=state,
            is_draft=visit_date == self._context.draft.visit_date,
            is_proposed=fact is not None and fact.is_proposed,
        )
